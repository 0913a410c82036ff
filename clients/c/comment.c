#include <stdlib.h>

#include "internal.h"
#include "proto/mp.h"

enum { TEXTS = MODQ_AUTHOR_ADDRESS_HASH + 1, NUMBERS = MODQ_AUTHOR_REGISTERED_AT + 1 };

struct text_field {
    char *data; /* its own; NULL: not set */
    size_t len, cap;
    bool set;
};

struct modq_comment {
    struct text_field text[TEXTS];
    int64_t number[NUMBERS];
    bool has_number[NUMBERS];
    struct out extra;
    bool has_extra;
    bool failed;
};

struct modq_comment *modq_comment_new(void)
{
    return calloc(1, sizeof(struct modq_comment));
}

void modq_comment_free(struct modq_comment *comment)
{
    if (!comment)
        return;
    for (int i = 0; i < TEXTS; i++)
        free(comment->text[i].data);
    out_free(&comment->extra);
    free(comment);
}

void modq_comment_reset(struct modq_comment *comment)
{
    for (int i = 0; i < TEXTS; i++)
        comment->text[i].set = false;
    memset(comment->has_number, 0, sizeof(comment->has_number));
    out_reset(&comment->extra);
    comment->has_extra = comment->failed = false;
}

bool modq_comment_text(struct modq_comment *comment, enum modq_comment_text which, const char *text, size_t len)
{
    if ((unsigned)which >= TEXTS) {
        comment->failed = true;
        return false;
    }
    struct text_field *field = &comment->text[which];
    field->set = false;
    if (!text)
        return true;
    if (field->cap < len + 1) {
        char *data = realloc(field->data, len + 1);
        if (!data) {
            comment->failed = true;
            return false;
        }
        field->data = data;
        field->cap = len + 1;
    }
    if (len)
        memcpy(field->data, text, len);
    field->len = len;
    field->set = true;
    return true;
}

bool modq_comment_number(struct modq_comment *comment, enum modq_comment_number which, int64_t number)
{
    if ((unsigned)which >= NUMBERS) {
        comment->failed = true;
        return false;
    }
    comment->number[which] = number;
    comment->has_number[which] = true;
    return true;
}

bool modq_comment_extra(struct modq_comment *comment, const struct modq_fields *extra)
{
    out_reset(&comment->extra);
    comment->has_extra = false;
    if (!extra)
        return true;
    if (fields_finished(extra, NULL)) {
        out_map(&comment->extra);
        fields_append(extra, &comment->extra);
        out_end(&comment->extra);
        comment->has_extra = !comment->extra.failed;
    }
    if (!comment->has_extra)
        comment->failed = true;
    return comment->has_extra;
}

/* ---- packing */

static void put_text(const struct modq_comment *comment, enum modq_comment_text which, const char *key, struct out *out)
{
    const struct text_field *field = &comment->text[which];

    if (field->set)
        out_key_str(out, key, (struct slice){field->data, field->len});
}

static void put_number(const struct modq_comment *comment, enum modq_comment_number which, const char *key,
                       struct out *out)
{
    if (comment->has_number[which])
        out_key_int(out, key, comment->number[which]);
}

static bool any_text(const struct modq_comment *comment, enum modq_comment_text first, enum modq_comment_text last)
{
    for (unsigned i = first; i <= (unsigned)last; i++)
        if (comment->text[i].set)
            return true;
    return false;
}

static void put_article(const struct modq_comment *comment, struct out *out)
{
    if (!any_text(comment, MODQ_ARTICLE_ID, MODQ_ARTICLE_LANGUAGE))
        return;
    out_key(out, "article");
    out_map(out);
    put_text(comment, MODQ_ARTICLE_ID, "id", out);
    put_text(comment, MODQ_ARTICLE_TITLE, "title", out);
    put_text(comment, MODQ_ARTICLE_URL, "url", out);
    put_text(comment, MODQ_ARTICLE_LANGUAGE, "language", out);
    out_end(out);
}

static void put_author(const struct modq_comment *comment, struct out *out)
{
    if (!any_text(comment, MODQ_AUTHOR_ID, MODQ_AUTHOR_ADDRESS_HASH) && !comment->has_number[MODQ_AUTHOR_REGISTERED_AT])
        return;
    out_key(out, "author");
    out_map(out);
    put_text(comment, MODQ_AUTHOR_ID, "id", out);
    put_text(comment, MODQ_AUTHOR_NAME, "name", out);
    put_number(comment, MODQ_AUTHOR_REGISTERED_AT, "registered_at", out);
    put_text(comment, MODQ_AUTHOR_ADDRESS_HASH, "address_hash", out);
    out_end(out);
}

static void encode(const struct modq_comment *comment, struct out *out)
{
    out_map(out);
    put_text(comment, MODQ_SITE, "site", out);
    put_text(comment, MODQ_COMMENT, "comment", out);
    put_number(comment, MODQ_REVISION, "revision", out);
    put_text(comment, MODQ_BODY, "body", out);
    put_article(comment, out);
    put_text(comment, MODQ_PARENT, "parent", out);
    put_author(comment, out);
    put_number(comment, MODQ_CREATED_AT, "created_at", out);
    put_text(comment, MODQ_LANGUAGE, "language", out);
    if (comment->has_extra)
        out_key_raw(out, "extra", out_slice(&comment->extra));
    out_end(out);
}

/* ---- checking */

size_t count_values(const msgpack_object *object)
{
    size_t n = 1;

    if (object->type == MSGPACK_OBJECT_ARRAY)
        for (uint32_t i = 0; i < object->via.array.size; i++)
            n += count_values(&object->via.array.ptr[i]);
    else if (object->type == MSGPACK_OBJECT_MAP)
        for (uint32_t i = 0; i < object->via.map.size; i++)
            n += 1 + count_values(&object->via.map.ptr[i].val);
    return n;
}

int depth_of(const msgpack_object *object)
{
    int deepest = 0;

    if (object->type != MSGPACK_OBJECT_ARRAY && object->type != MSGPACK_OBJECT_MAP)
        return 0;
    bool list = object->type == MSGPACK_OBJECT_ARRAY;
    uint32_t n = list ? object->via.array.size : object->via.map.size;
    for (uint32_t i = 0; i < n; i++) {
        int depth = depth_of(list ? &object->via.array.ptr[i] : &object->via.map.ptr[i].val);
        if (depth > deepest)
            deepest = depth;
    }
    return deepest + 1;
}

static bool check_size(size_t bytes, const struct limits *limits, struct modq_error *error)
{
    int64_t max = limits->value[LIMIT_MAX_MESSAGE_BYTES] - BATCH_ENVELOPE_BYTES;

    return (int64_t)bytes <= max || error_too_long(error, "the comment", bytes, max);
}

/* A request is a little more than its comments. */
static bool fits_request(const msgpack_object *map, size_t values)
{
    return values <= MP_VALUES_MAX - BATCH_ENVELOPE_VALUES && depth_of(map) <= MP_DEPTH_MAX - BATCH_ENVELOPE_DEPTH;
}

/* The daemon's own rules, applied to what would be sent. */
static bool check_map(const msgpack_object *map, const struct limits *limits, size_t *values, struct modq_error *error)
{
    struct comment_event event;
    struct fault fault;

    *values = count_values(map);
    if (!fits_request(map, *values))
        return error_too_much(error, "the comment");
    return comment_decode(map, limits, NULL, &event, &fault) || error_fault(error, &fault);
}

static bool check_packed(struct slice packed, const struct limits *limits, size_t *values, struct modq_error *error)
{
    msgpack_zone zone;
    msgpack_object map;
    bool ok;

    if (!mp_check(packed))
        return error_too_much(error, "the comment");
    if (!msgpack_zone_init(&zone, MSGPACK_ZONE_CHUNK_SIZE))
        return error_local(error, MODQ_E_MEMORY, "out of memory");
    if (mp_unpack(packed, &zone, &map))
        ok = check_map(&map, limits, values, error);
    else
        ok = error_local(error, MODQ_E_MEMORY, "out of memory");
    msgpack_zone_destroy(&zone);
    return ok;
}

bool comment_pack(const struct modq_comment *comment, const struct limits *limits, struct out *out, size_t *values,
                  struct modq_error *error)
{
    error_clear(error);
    out_reset(out);
    if (comment->failed)
        return error_local(error, MODQ_E_ARGUMENT, "a field of the comment could not be set");
    encode(comment, out);
    if (out->failed)
        return error_local(error, MODQ_E_MEMORY, "out of memory");
    return check_size(out->len, limits, error) && check_packed(out_slice(out), limits, values, error);
}

bool modq_comment_check(const struct modq_comment *comment, const struct modq *connection, struct modq_error *error)
{
    struct limits defaults;
    struct out out = {0};
    size_t values;

    limits_default(&defaults);
    bool ok = comment_pack(comment, connection ? connection_limits(connection) : &defaults, &out, &values, error);
    out_free(&out);
    return ok;
}
