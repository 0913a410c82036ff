#include "request.h"

#include <stdlib.h>

#include "../../proto/fields.h"
#include "../../proto/utf8.h"
#include "grant.h"

enum { POOL_MAX = 1024, ZONE_BYTES = 2048, KEEP_BYTES = 16384 };

static struct request *pool;
static size_t pooled;

struct request *request_new(void)
{
    struct request *request = pool;

    if (request) {
        pool = request->next;
        pooled--;
        request->next = NULL;
        return request;
    }
    request = calloc(1, sizeof(*request));
    if (request && !msgpack_zone_init(&request->zone, ZONE_BYTES)) {
        free(request);
        request = NULL;
    }
    return request;
}

static void destroy(struct request *request)
{
    msgpack_zone_destroy(&request->zone);
    out_free(&request->scratch);
    out_free(&request->reply);
    free(request);
}

/* Buffers that one large request made are given back; those of the usual size stay. */
static struct out keep_buffer(struct out out)
{
    out_reset(&out);
    if (out.cap > KEEP_BYTES)
        out_free(&out);
    return out;
}

void request_free(struct request *request)
{
    if (request->release)
        request->release(request->owner);
    if (pooled == POOL_MAX) {
        destroy(request);
        return;
    }
    msgpack_zone_clear(&request->zone);
    struct request clean = {.next = pool,
                            .zone = request->zone,
                            .scratch = keep_buffer(request->scratch),
                            .reply = keep_buffer(request->reply)};
    *request = clean;
    pool = request;
    pooled++;
}

void request_pool_drop(void)
{
    while (pool) {
        struct request *next = pool->next;
        destroy(pool);
        pool = next;
    }
    pooled = 0;
}

void *request_alloc(struct request *request, size_t bytes)
{
    void *memory = msgpack_zone_malloc(&request->zone, bytes);
    if (!memory) {
        fault_set(&request->fault, E_INTERNAL);
        return NULL;
    }
    request->cost += bytes;
    return memset(memory, 0, bytes);
}

bool request_take_lane(struct request *request, struct slice word, enum lane *lane)
{
    *lane = word.data ? lane_of(word) : LANE_NORMAL;
    if (*lane == LANE_ESCALATED)
        return request_may(request, RIGHT_ESCALATED, &request->fault);
    if (*lane != LANE_COUNT)
        return true;
    fault_at(&request->fault, E_BAD_VALUE, NULL, "lane");
    fault_say(&request->fault, "lane: must be normal or escalated");
    return false;
}

bool request_may(const struct request *request, enum right right, struct fault *fault)
{
    if (request->grant->rights & right)
        return true;
    fault_set(fault, E_DENIED);
    fault_say(fault, "you have no right to this: it needs the right %s", right_name(right));
    fault_str(fault, "right", slice_of(right_name(right)));
    return false;
}

bool request_is_foreign(const struct request *request, size_t i, const struct path *at, struct fault *fault)
{
    if (!request->foreign || !request->foreign[i])
        return false;
    fault_at(fault, E_DENIED, at, "site");
    fault_say(fault, "%s: you have no right to this site", fault->field);
    return true;
}

static size_t weigh(const msgpack_object *value)
{
    size_t bytes = sizeof(*value);

    if (value->type == MSGPACK_OBJECT_ARRAY)
        for (uint32_t i = 0; i < value->via.array.size; i++)
            bytes += weigh(&value->via.array.ptr[i]);
    if (value->type == MSGPACK_OBJECT_MAP)
        for (uint32_t i = 0; i < value->via.map.size; i++)
            bytes += weigh(&value->via.map.ptr[i].key) + weigh(&value->via.map.ptr[i].val);
    return bytes;
}

void request_weigh(struct request *request)
{
    request->cost += sizeof(*request) + request->body.len + request->scratch.len + weigh(&request->map);
}

void request_note_refused(struct request *request, struct slice site, struct slice comment, const struct fault *fault)
{
    struct fault *kept = request->refused++ ? NULL : msgpack_zone_malloc(&request->zone, sizeof(*kept));

    if (!kept)
        return;
    *kept = *fault;
    request->refused_why = kept;
    request->refused_site = site;
    request->refused_comment = comment;
}

enum { ID_BYTES = 64 };

#define ID_MAX ((INT64_C(1) << 53) - 1)

static bool id_out_of_range(const char *key, struct fault *fault)
{
    fault_at(fault, E_OUT_OF_RANGE, NULL, key);
    fault_say(fault, "%s: must be an integer from 0 to 2^53-1 or a str of at most 64 bytes", key);
    fault_int(fault, "min", 0);
    fault_int(fault, "max", ID_MAX);
    return false;
}

bool request_check_id(const msgpack_object *id, const char *key, struct fault *fault)
{
    int64_t number;

    if (id->type == MSGPACK_OBJECT_STR)
        return field_check_text(mp_str(id), FIELD_TEXT, 0, ID_BYTES, NULL, key, fault);
    if (id->type == MSGPACK_OBJECT_POSITIVE_INTEGER || id->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        return (mp_int(id, &number) && number >= 0 && number <= ID_MAX) || id_out_of_range(key, fault);
    fault_at(fault, E_BAD_TYPE, NULL, key);
    fault_say(fault, "%s: must be an integer or a str", key);
    return false;
}

/* The operation as the peer named it, if it is fit to be repeated. */
static struct slice echo_op(const struct request *request)
{
    struct slice op = mp_get_str(&request->map, "op");
    return op.len <= 64 && utf8_valid(op, NULL) ? op : SLICE_NONE;
}

static void begin(struct request *request, bool ok)
{
    struct out *out = &request->reply;

    out_reset(out);
    out_map(out);
    out_key_int(out, "v", 1);
    out_key(out, "id");
    out_object(out, request->id);
    out_key_str(out, "op", echo_op(request));
    out_key_bool(out, "ok", ok);
}

void request_begin_reply(struct request *request)
{
    begin(request, true);
}

void request_refuse(struct request *request, const struct fault *fault)
{
    begin(request, false);
    out_key(&request->reply, "error");
    fault_encode(fault, &request->reply);
    out_end(&request->reply);
}
