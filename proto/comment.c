#include "comment.h"

#include "fields.h"
#include "mp.h"
#include "utf8.h"

#define EVENT(member, name, kind, needed, least, most)                                                                 \
    FIELD(struct comment_event, member, name, kind, needed, least, most)

static const struct field event_fields[] = {
    EVENT(site, "site", NAME, FIELD_REQUIRED, 1, 64),
    EVENT(comment, "comment", KEY, FIELD_REQUIRED, 1, 128),
    EVENT(revision, "revision", INT, 0, 1, INT32_MAX),
    FIELD_LIMITED(struct comment_event, body, "body", TEXT, FIELD_REQUIRED, 1, BODY_BYTES),
    EVENT(article, "article", MAP, 0, 0, 0),
    EVENT(parent, "parent", KEY, 0, 1, 128),
    EVENT(author, "author", MAP, 0, 0, 0),
    EVENT(created_at, "created_at", TIME, 0, 0, 0),
    EVENT(language, "language", TEXT, 0, 0, 35),
    EVENT(extra, "extra", MAP, 0, 0, 0),
};

static const struct field article_fields[] = {
    FIELD(struct article, id, "id", KEY, FIELD_REQUIRED, 1, 128),
    FIELD(struct article, title, "title", TEXT, 0, 0, 1024),
    FIELD(struct article, url, "url", TEXT, 0, 0, 2048),
    FIELD(struct article, language, "language", TEXT, 0, 0, 35),
};

struct author {
    struct slice id, name;
    int64_t registered_at;
    const msgpack_object *address_hash;
};

static const struct field author_fields[] = {
    FIELD(struct author, id, "id", KEY, 0, 1, 128),
    FIELD(struct author, name, "name", TEXT, 0, 0, 256),
    FIELD(struct author, registered_at, "registered_at", TIME, 0, 0, 0),
    FIELD(struct author, address_hash, "address_hash", STR_OR_BIN, 0, 0, 64),
};

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

bool article_decode(const msgpack_object *map, const struct limits *limits, const struct path *at,
                    struct article *article, struct fault *fault)
{
    *article = (struct article){0};
    return fields_decode(map, article_fields, ROWS(article_fields), limits, at, article, fault);
}

static bool decode_article(struct comment_event *event, const struct limits *limits, const struct path *up,
                           struct fault *fault)
{
    struct path at = {.up = up, .key = "article"};
    struct article article;

    if (!article_decode(event->article, limits, &at, &article, fault))
        return false;
    event->article_id = article.id;
    return true;
}

static bool decode_author(struct comment_event *event, const struct limits *limits, const struct path *up,
                          struct fault *fault)
{
    struct path at = {.up = up, .key = "author"};
    struct author author = {0};

    if (!fields_decode(event->author, author_fields, ROWS(author_fields), limits, &at, &author, fault))
        return false;
    event->author_id = author.id;
    return true;
}

/* What a strict decoder of another language would refuse: one such value in `extra` would make every answer that holds
 * it unreadable there. NULL when there is none. */
static const char *unreadable(const msgpack_object *value, enum error *error, size_t *bad);

static const char *unreadable_list(const msgpack_object_array *array, enum error *error, size_t *bad)
{
    const char *what = NULL;

    for (uint32_t i = 0; !what && i < array->size; i++)
        what = unreadable(&array->ptr[i], error, bad);
    return what;
}

static const char *unreadable_map(const msgpack_object_map *map, enum error *error, size_t *bad)
{
    const char *what = NULL;

    for (uint32_t i = 0; !what && i < map->size; i++) {
        *error = E_BAD_TYPE;
        if (map->ptr[i].key.type != MSGPACK_OBJECT_STR)
            return "a key that is no str";
        what = unreadable(&map->ptr[i].key, error, bad);
        if (!what)
            what = unreadable(&map->ptr[i].val, error, bad);
    }
    return what;
}

static const char *unreadable(const msgpack_object *value, enum error *error, size_t *bad)
{
    switch (value->type) {
    case MSGPACK_OBJECT_STR:
        *error = E_INVALID_UTF8;
        return utf8_valid(mp_str(value), bad) ? NULL : "a str that is not UTF-8";
    case MSGPACK_OBJECT_EXT:
        *error = E_BAD_TYPE;
        return "an ext type";
    case MSGPACK_OBJECT_ARRAY:
        return unreadable_list(&value->via.array, error, bad);
    case MSGPACK_OBJECT_MAP:
        return unreadable_map(&value->via.map, error, bad);
    default:
        return NULL;
    }
}

static bool check_extra(const struct comment_event *event, const struct limits *limits, const struct path *at,
                        struct fault *fault)
{
    struct out packed = {0};
    int64_t max = limits->value[LIMIT_EXTRA_BYTES];

    enum error error = E_OK;
    size_t bad = 0;
    const char *what = unreadable(event->extra, &error, &bad);
    if (what) {
        fault_at(fault, error, at, "extra");
        fault_say(fault, "%s: holds %s", fault->field, what);
        if (error == E_INVALID_UTF8)
            fault_int(fault, "at", (int64_t)bad); /* in that str */
        return false;
    }
    out_object(&packed, event->extra);
    int64_t bytes = (int64_t)packed.len;
    bool failed = packed.failed;
    out_free(&packed);
    if (failed)
        return fault_set(fault, E_INTERNAL);
    if (bytes <= max)
        return true;
    fault_at(fault, E_TOO_LONG, at, "extra");
    fault_say(fault, "%s: %lld bytes packed, at most %lld are allowed", fault->field, (long long)bytes, (long long)max);
    fault_int(fault, "max", max);
    fault_int(fault, "bytes", bytes);
    return false;
}

/* The key of an event that is otherwise wrong, as far as it can be read: it goes into the answer. */
static void salvage_key(const msgpack_object *map, struct comment_event *event)
{
    struct path nowhere = {0};
    struct fault ignored;

    event->site = mp_get_str(map, "site");
    if (event->site.data && !field_check_text(event->site, FIELD_NAME, 0, 0, &nowhere, NULL, &ignored))
        event->site = SLICE_NONE;
    event->comment = mp_get_str(map, "comment");
    if (event->comment.data && !field_check_text(event->comment, FIELD_KEY, 0, 0, &nowhere, NULL, &ignored))
        event->comment = SLICE_NONE;
    if (map->type != MSGPACK_OBJECT_MAP)
        event->revision = 0;
    else if (!mp_get(map, "revision"))
        event->revision = 1;
    else if (!mp_int(mp_get(map, "revision"), &event->revision) || event->revision < 1 || event->revision > INT32_MAX)
        event->revision = 0;
}

bool comment_decode(const msgpack_object *map, const struct limits *limits, const struct path *at,
                    struct comment_event *event, struct fault *fault)
{
    *event = (struct comment_event){.revision = 1, .created_at = -1};
    if (fields_decode(map, event_fields, ROWS(event_fields), limits, at, event, fault) &&
        (!event->article || decode_article(event, limits, at, fault)) &&
        (!event->author || decode_author(event, limits, at, fault)) &&
        (!event->extra || check_extra(event, limits, at, fault)))
        return true;
    salvage_key(map, event);
    return false;
}

/* Only the keys that the protocol knows: whatever else a site sends is ignored, not kept. */
static void encode_known(const msgpack_object *map, const struct field *table, size_t rows, struct out *out)
{
    out_map(out);
    for (size_t i = 0; i < rows; i++) {
        const msgpack_object *value = mp_get(map, table[i].key);
        if (!value)
            continue;
        out_key(out, table[i].key);
        out_object(out, value);
    }
    out_end(out);
}

void article_encode(const msgpack_object *map, struct out *out)
{
    encode_known(map, article_fields, ROWS(article_fields), out);
}

void comment_encode_meta(const struct comment_event *event, struct out *out)
{
    out_map(out);
    if (event->article) {
        out_key(out, "article");
        article_encode(event->article, out);
    }
    if (event->parent.data)
        out_key_str(out, "parent", event->parent);
    if (event->author) {
        out_key(out, "author");
        encode_known(event->author, author_fields, ROWS(author_fields), out);
    }
    if (event->created_at >= 0)
        out_key_int(out, "created_at", event->created_at);
    if (event->language.data)
        out_key_str(out, "language", event->language);
    if (event->extra) {
        out_key(out, "extra");
        out_object(out, event->extra);
    }
    out_end(out);
}
