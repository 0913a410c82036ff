#include "event.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#include "json.h"
#include "when.h"

/* Keys of one map of the line. Several may mean the same; the first one that is there counts. */
struct key {
    const char *name;
    enum { TEXT, NUMBER, MOMENT } kind;
    int which; /* enum modq_comment_text or enum modq_comment_number */
};

static const struct key event_keys[] = {
    {"site", TEXT, MODQ_SITE},
    {"comment", TEXT, MODQ_COMMENT},
    {"id", TEXT, MODQ_COMMENT},
    {"revision", NUMBER, MODQ_REVISION},
    {"body", TEXT, MODQ_BODY},
    {"parent", TEXT, MODQ_PARENT},
    {"parent_id", TEXT, MODQ_PARENT},
    {"created_at", MOMENT, MODQ_CREATED_AT},
    {"language", TEXT, MODQ_LANGUAGE},
    {"lang", TEXT, MODQ_LANGUAGE},
    {NULL, TEXT, 0},
};

static const struct key article_keys[] = {
    {"id", TEXT, MODQ_ARTICLE_ID},         {"title", TEXT, MODQ_ARTICLE_TITLE},
    {"url", TEXT, MODQ_ARTICLE_URL},       {"language", TEXT, MODQ_ARTICLE_LANGUAGE},
    {"lang", TEXT, MODQ_ARTICLE_LANGUAGE}, {NULL, TEXT, 0},
};

static const struct key author_keys[] = {
    {"id", TEXT, MODQ_AUTHOR_ID},
    {"name", TEXT, MODQ_AUTHOR_NAME},
    {"registered_at", MOMENT, MODQ_AUTHOR_REGISTERED_AT},
    {"registered_since", MOMENT, MODQ_AUTHOR_REGISTERED_AT},
    {"address_hash", TEXT, MODQ_AUTHOR_ADDRESS_HASH},
    {NULL, TEXT, 0},
};

struct reader {
    struct modq_comment *comment;
    struct modq_error *error;
    const char *prefix; /* "article." */
};

__attribute__((format(printf, 3, 4))) static bool wrong(struct reader *r, const char *key, const char *format, ...)
{
    struct modq_error *error = r->error;
    va_list args;

    *error = (struct modq_error){.number = MODQ_E_ARGUMENT, .class_ = MODQ_CLASS_FIX, .retry_after_ms = -1};
    snprintf(error->name, sizeof(error->name), "client_bad_line");
    if (key)
        snprintf(error->field, sizeof(error->field), "%s%s", r->prefix, key);
    va_start(args, format);
    vsnprintf(error->message, sizeof(error->message), format, args);
    va_end(args);
    return false;
}

static struct slice string_of(const json_t *value)
{
    return (struct slice){json_string_value(value), json_string_length(value)};
}

/* Ids are often numbers where comments come from. */
static bool take_text(struct reader *r, const struct key *key, const json_t *value)
{
    char digits[32];
    struct slice text = string_of(value);

    if (json_is_integer(value)) {
        int len = snprintf(digits, sizeof(digits), "%lld", (long long)json_integer_value(value));
        text = (struct slice){digits, (size_t)len};
    }
    if (!text.data)
        return wrong(r, key->name, "must be a string");
    if (modq_comment_text(r->comment, (enum modq_comment_text)key->which, text.data, text.len))
        return true;
    return wrong(r, key->name, "out of memory");
}

static bool take_number(struct reader *r, const struct key *key, const json_t *value)
{
    int64_t number = json_integer_value(value);

    if (key->kind == MOMENT && json_is_string(value)) {
        if (!when_parse(string_of(value), &number))
            return wrong(r, key->name, "must be milliseconds or a time such as 2026-11-23T10:12:03Z");
    } else if (!json_is_integer(value)) {
        return wrong(r, key->name,
                     key->kind == MOMENT ? "must be milliseconds or a time in a string" : "must be an integer");
    }
    return modq_comment_number(r->comment, (enum modq_comment_number)key->which, number);
}

/* Takes the keys of the table out of the map. */
static bool take_keys(struct reader *r, const struct key *keys, json_t *map)
{
    for (size_t i = 0; keys[i].name; i++) {
        const json_t *value = json_object_get(map, keys[i].name);
        bool again = i > 0 && keys[i].kind == keys[i - 1].kind && keys[i].which == keys[i - 1].which;
        if (!value)
            continue;
        if (again && json_object_get(map, keys[i - 1].name))
            return wrong(r, keys[i].name, "means the same as \"%s\", and both are there", keys[i - 1].name);
        if (json_is_null(value))
            continue;
        if (!(keys[i].kind == TEXT ? take_text(r, &keys[i], value) : take_number(r, &keys[i], value)))
            return false;
    }
    for (size_t i = 0; keys[i].name; i++)
        json_object_del(map, keys[i].name);
    return true;
}

/* What is left of the map inside stays under its name, and so goes into `extra`. */
static bool take_map(struct reader *r, const char *name, const char *prefix, const struct key *keys, json_t *line)
{
    json_t *map = json_object_get(line, name);

    if (!map || json_is_null(map)) {
        json_object_del(line, name);
        return true;
    }
    if (!json_is_object(map))
        return wrong(r, name, "must be an object");
    r->prefix = prefix;
    if (!take_keys(r, keys, map))
        return false;
    r->prefix = "";
    if (json_object_size(map) == 0)
        json_object_del(line, name);
    return true;
}

static bool take_extra(struct reader *r, json_t *line)
{
    json_t *extra = json_object_get(line, "extra");
    struct modq_fields *fields;
    bool ok = true;

    if (extra && !json_is_null(extra) && !json_is_object(extra))
        return wrong(r, "extra", "must be an object");
    json_incref(extra);
    json_object_del(line, "extra");
    json_object_update_missing(line, extra);
    json_decref(extra);
    if (json_object_size(line) == 0)
        return true;
    fields = modq_fields_new();
    if (!fields)
        return wrong(r, NULL, "out of memory");
    void *at = json_object_iter(line);
    for (; at; at = json_object_iter_next(line, at))
        json_to_fields(fields, json_object_iter_key(at), json_object_iter_key_len(at), json_object_iter_value(at));
    if (!modq_comment_extra(r->comment, fields))
        ok = wrong(r, "extra", "nested too deep");
    modq_fields_free(fields);
    return ok;
}

static void cut(char *to, size_t size, const json_t *value)
{
    if (json_is_string(value))
        snprintf(to, size, "%s", json_string_value(value));
    else if (json_is_integer(value))
        snprintf(to, size, "%lld", (long long)json_integer_value(value));
}

static void read_name(const json_t *line, const char *site, struct event_name *name)
{
    const json_t *id = json_object_get(line, "comment");
    const json_t *revision = json_object_get(line, "revision");

    *name = (struct event_name){.revision = json_is_integer(revision) ? json_integer_value(revision) : 1};
    snprintf(name->site, sizeof(name->site), "%s", site ? site : "");
    cut(name->site, sizeof(name->site), json_object_get(line, "site"));
    cut(name->comment, sizeof(name->comment), id ? id : json_object_get(line, "id"));
}

bool event_from_json(struct slice line, const char *site, struct modq_comment *comment, struct event_name *name,
                     struct modq_error *error)
{
    struct reader r = {.comment = comment, .error = error, .prefix = ""};
    json_error_t where;
    json_t *map = json_loadb(line.data, line.len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &where);
    bool ok = false;

    modq_comment_reset(comment);
    read_name(map, site, name);
    if (site)
        modq_comment_text(comment, MODQ_SITE, site, strlen(site));
    if (!map)
        wrong(&r, NULL, "no JSON: %s at byte %d", where.text, where.position);
    else if (!json_is_object(map))
        wrong(&r, NULL, "no JSON object");
    else
        ok = take_keys(&r, event_keys, map) && take_map(&r, "article", "article.", article_keys, map) &&
             take_map(&r, "author", "author.", author_keys, map) && take_extra(&r, map);
    json_decref(map);
    return ok;
}
