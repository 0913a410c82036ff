#include "look.h"

struct slice look_string(const json_t *string)
{
    const char *data = json_string_value(string);
    return (struct slice){data, data ? json_string_length(string) : 0};
}

struct slice look_text(const json_t *map, const char *key)
{
    return look_string(json_object_get(map, key));
}

int64_t look_int(const json_t *map, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(map, key);
    return json_is_integer(value) ? (int64_t)json_integer_value(value) : otherwise;
}

bool look_bool(const json_t *map, const char *key)
{
    return json_is_true(json_object_get(map, key));
}

bool look_is(const json_t *map, const char *key, const char *word)
{
    return slice_is(look_text(map, key), word);
}

const json_t *look_in(const json_t *map, const char *key)
{
    const json_t *value = json_object_get(map, key);
    return json_is_object(value) ? value : NULL;
}

const json_t *look_list(const json_t *map, const char *key)
{
    const json_t *value = json_object_get(map, key);
    return json_is_array(value) ? value : NULL;
}

void put_text_key(json_t *map, const char *key, struct slice text)
{
    if (text.data)
        json_object_set_new(map, key, json_stringn(text.data, text.len));
}

bool same_comment(const json_t *a, const json_t *b)
{
    struct slice site = look_text(a, "site");
    struct slice comment = look_text(a, "comment");

    return site.data && comment.data && slice_equal(site, look_text(b, "site")) &&
           slice_equal(comment, look_text(b, "comment"));
}

json_t *name_of(const json_t *card)
{
    json_t *name = json_object();

    put_text_key(name, "site", look_text(card, "site"));
    put_text_key(name, "comment", look_text(card, "comment"));
    return name;
}
