#include "request.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../proto/fields.h"
#include "../../proto/utf8.h"
#include "verbs.h"

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
    return memset(memory, 0, bytes);
}

void request_note_refused(struct request *request, const struct fault *fault)
{
    struct fault *kept = request->refused++ ? NULL : msgpack_zone_malloc(&request->zone, sizeof(*kept));

    if (!kept)
        return;
    *kept = *fault;
    request->refused_why = kept;
}

struct envelope {
    int64_t v;
    struct slice op, as, operation;
    const msgpack_object *id;
};

static const struct field envelope_fields[] = {
    FIELD(struct envelope, v, "v", INT, FIELD_REQUIRED, INT64_MIN, INT64_MAX),
    FIELD(struct envelope, op, "op", TEXT, FIELD_REQUIRED, 1, 64),
    FIELD(struct envelope, id, "id", ANY, 0, 0, 0),
    FIELD(struct envelope, as, "as", NAME, 0, 1, 64),
    FIELD(struct envelope, operation, "operation", BIN, 0, OPERATION_BYTES, OPERATION_BYTES),
};

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

/* An id that is good comes back in the answer, whatever else is wrong. */
static bool decode_id(struct request *request)
{
    const msgpack_object *id = mp_get(&request->map, "id");

    if (!id)
        return true;
    if (!request_check_id(id, "id", &request->fault))
        return false;
    request->id = id;
    return true;
}

static bool unknown_operation(struct request *request, struct slice op)
{
    fault_at(&request->fault, E_UNKNOWN_OPERATION, NULL, "op");
    fault_say(&request->fault, "unknown operation \"%.*s\"", (int)op.len, op.data);
    return false;
}

/* Everything but the id, so that a repeat under another id is the same request. */
static void hash_asked(struct request *request)
{
    struct out bytes = {0};
    const msgpack_object_map *map = &request->map.via.map;

    out_array(&bytes);
    for (uint32_t i = 0; i < map->size; i++)
        if (!slice_is(mp_str(&map->ptr[i].key), "id")) {
            out_object(&bytes, &map->ptr[i].key);
            out_object(&bytes, &map->ptr[i].val);
        }
    out_end(&bytes);
    sha256_of(request->asked, out_slice(&bytes));
    if (bytes.failed)
        fault_set(&request->fault, E_INTERNAL);
    out_free(&bytes);
}

static void set_actor(struct request *request, struct slice name)
{
    size_t len = name.len < NAME_BYTES ? name.len : NAME_BYTES;
    memcpy(request->actor, name.data, len);
    request->actor[len] = '\0';
}

/* The system's name of a user; "uid:N" when it has none. */
static void set_user(struct request *request, uid_t uid)
{
    char buffer[4096];
    char number[32];
    struct passwd entry;
    struct passwd *found = NULL;

    if (getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) == 0 && found)
        set_actor(request, slice_of(entry.pw_name));
    else if (snprintf(number, sizeof(number), "uid:%u", uid) > 0)
        set_actor(request, slice_of(number));
}

/* Who is asking, and may they: the one place (PROTOCOL.md, "Who is asking"). */
static bool authorise(struct request *request, struct slice as)
{
    bool changes = request->verb->kind == VERB_CHANGE;

    if (request->door != DOOR_DESK) {
        set_actor(request, request->door == DOOR_FRONT ? SLICE_LIT("front") : SLICE_LIT("push"));
        return true;
    }
    if (request->peer.uid == PEER_UNKNOWN_LOCAL) {
        fault_set(&request->fault, E_DENIED);
        fault_say(&request->fault, "the kernel does not say who you are; use a current version of ZeroMQ");
        return false;
    }
    bool administrator = request->peer.uid == 0 || request->peer.uid == (int64_t)geteuid();
    if (as.data && (administrator || request->peer.uid < 0)) {
        set_actor(request, as);
        return true;
    }
    if (request->peer.uid < 0) {
        if (!changes)
            return true;
        fault_at(&request->fault, E_AS_REQUIRED, NULL, "as");
        fault_say(&request->fault, "as: over TCP a moderator's name is needed");
        return false;
    }
    set_user(request, (uid_t)request->peer.uid);
    if (!as.data || slice_is(as, request->actor))
        return true;
    fault_at(&request->fault, E_DENIED, NULL, "as");
    fault_say(&request->fault, "as: only root and the daemon's own user may act for others; you are %s",
              request->actor);
    return false;
}

/* Only hello may be asked in a version that is not spoken: its answer says which are. */
static bool check_version(struct request *request, const struct envelope *envelope)
{
    if (envelope->v == 1 || slice_is(envelope->op, "hello"))
        return true;
    fault_at(&request->fault, E_UNSUPPORTED_VERSION, NULL, "v");
    fault_say(&request->fault, "v: version %lld is not spoken here", (long long)envelope->v);
    fault_numbers(&request->fault, "versions", SLICE_LIT("1"));
    return false;
}

static bool check_operation(struct request *request, struct slice operation)
{
    enum verb_operation rule = request->door == DOOR_DESK ? request->verb->operation : OPERATION_NONE;

    request->operation = rule == OPERATION_NONE ? SLICE_NONE : operation;
    if (rule != OPERATION_NEEDED || operation.data)
        return true;
    fault_at(&request->fault, E_MISSING_FIELD, NULL, "operation");
    fault_say(&request->fault, "operation: required, 16 random bytes chosen once for each wish");
    return false;
}

bool request_decode(struct request *request, const struct settings *settings)
{
    struct envelope envelope = {0};

    fault_set(&request->fault, E_OK);
    if (!mp_unpack_map(request->body, &request->zone, &request->map))
        return fault_set(&request->fault, E_MALFORMED);
    if (!decode_id(request) ||
        !fields_decode(&request->map, envelope_fields, sizeof(envelope_fields) / sizeof(envelope_fields[0]),
                       &settings->limits, NULL, &envelope, &request->fault))
        return false;
    if (!check_version(request, &envelope))
        return false;
    request->verb = verb_find(envelope.op, request->door);
    if (!request->verb)
        return unknown_operation(request, envelope.op);
    if (!authorise(request, envelope.as) || !check_operation(request, envelope.operation) ||
        !request->verb->decode(request, settings))
        return false;
    if (request->operation.data)
        hash_asked(request);
    return request->fault.code == E_OK;
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
