#include "json.h"

#include <math.h>
#include <stdlib.h>

#include "say.h"

json_t *json_text(struct slice text)
{
    json_t *string = json_stringn(text.data ? text.data : "", text.len);
    struct text safe = {0};

    if (string)
        return string;
    render_line(&safe, text);
    string = json_stringn(safe.data ? safe.data : "", safe.len);
    text_free(&safe);
    return string;
}

static json_t *from_bytes(const struct modq_value *value)
{
    static const char digits[] = "0123456789abcdef";
    size_t len;
    const uint8_t *bytes = modq_bytes(value, &len);
    char *hex = malloc(2 * len + 1);
    json_t *string;

    if (!hex)
        return NULL;
    for (size_t i = 0; i < len; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    string = json_stringn(hex, 2 * len);
    free(hex);
    return string;
}

static json_t *from_list(const struct modq_value *value)
{
    json_t *list = json_array();

    for (size_t i = 0; i < modq_count(value); i++)
        if (json_array_append_new(list, json_from(modq_item(value, i))) != 0)
            break;
    return list;
}

/* A key that is no text gets the name of its place. */
static json_t *from_map(const struct modq_value *value)
{
    json_t *map = json_object();

    for (size_t i = 0; i < modq_count(value); i++) {
        struct slice key = value_slice(modq_key(value, i));
        if (!key.data)
            key = SLICE_LIT("?");
        json_t *name = json_text(key);
        json_t *item = json_from(modq_item(value, i));
        if (name)
            json_object_setn_new(map, json_string_value(name), json_string_length(name), item);
        else
            json_decref(item);
        json_decref(name);
    }
    return map;
}

static json_t *from_float(double number)
{
    return isfinite(number) ? json_real(number) : json_null();
}

json_t *json_from(const struct modq_value *value)
{
    switch (modq_type(value)) {
    case MODQ_BOOL:
        return json_boolean(modq_bool(value, false));
    case MODQ_INT:
        return json_integer(modq_int(value, INT64_MAX));
    case MODQ_FLOAT:
        return from_float(modq_float(value, 0));
    case MODQ_TEXT:
        return json_text(value_slice(value));
    case MODQ_BYTES:
        return from_bytes(value);
    case MODQ_LIST:
        return from_list(value);
    case MODQ_MAP:
        return from_map(value);
    default:
        return json_null();
    }
}

json_t *json_answer(const struct modq_value *map)
{
    json_t *json = json_from(map);

    json_object_del(json, "v");
    json_object_del(json, "id");
    json_object_del(json, "op");
    json_object_del(json, "ok");
    return json;
}

json_t *json_from_error(const struct modq_error *error)
{
    json_t *map = json_object();

    json_object_set_new(map, "number", json_integer(error->number));
    json_object_set_new(map, "name", json_text(slice_of(error->name)));
    json_object_set_new(map, "class", json_string(modq_class_name(error->class_)));
    json_object_set_new(map, "message", json_text(slice_of(error->message)));
    if (error->field[0])
        json_object_set_new(map, "field", json_text(slice_of(error->field)));
    return map;
}

/* ---- in */

static void put_children(struct modq_fields *fields, const json_t *value)
{
    void *at = json_object_iter((json_t *)value);

    for (; at; at = json_object_iter_next((json_t *)value, at))
        json_to_fields(fields, json_object_iter_key(at), json_object_iter_key_len(at), json_object_iter_value(at));
    for (size_t i = 0; i < json_array_size(value); i++)
        json_to_fields(fields, NULL, 0, json_array_get(value, i));
}

void json_to_fields(struct modq_fields *fields, const char *key, size_t key_len, const json_t *value)
{
    if (key)
        modq_put_key(fields, key, key_len);
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        modq_put_map(fields, NULL);
        put_children(fields, value);
        modq_put_end(fields);
        break;
    case JSON_ARRAY:
        modq_put_list(fields, NULL);
        put_children(fields, value);
        modq_put_end(fields);
        break;
    case JSON_STRING:
        modq_put_text(fields, NULL, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        modq_put_int(fields, NULL, json_integer_value(value));
        break;
    case JSON_REAL:
        modq_put_float(fields, NULL, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        modq_put_bool(fields, NULL, json_is_true(value));
        break;
    case JSON_NULL:
        modq_put_value(fields, NULL, NULL);
        break;
    }
}

void json_print(json_t *value, FILE *file)
{
    char *dump = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    struct text safe = {0};

    if (dump) {
        render_json_escape(&safe, slice_of(dump));
        put_line(&safe, file);
    } else {
        complain("out of memory");
    }
    free(dump);
    json_decref(value);
}
