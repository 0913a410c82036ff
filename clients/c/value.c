#include "internal.h"
#include "proto/mp.h"

enum modq_type modq_type(const struct modq_value *value)
{
    if (!value)
        return MODQ_NONE;
    switch (as_object(value)->type) {
    case MSGPACK_OBJECT_NIL:
        return MODQ_NIL;
    case MSGPACK_OBJECT_BOOLEAN:
        return MODQ_BOOL;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        return MODQ_INT;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        return MODQ_FLOAT;
    case MSGPACK_OBJECT_STR:
        return MODQ_TEXT;
    case MSGPACK_OBJECT_BIN:
        return MODQ_BYTES;
    case MSGPACK_OBJECT_ARRAY:
        return MODQ_LIST;
    case MSGPACK_OBJECT_MAP:
        return MODQ_MAP;
    default:
        return MODQ_OTHER;
    }
}

const struct modq_value *modq_get(const struct modq_value *map, const char *key)
{
    return as_value(mp_get(as_object(map), key));
}

size_t modq_count(const struct modq_value *value)
{
    if (modq_type(value) == MODQ_MAP)
        return as_object(value)->via.map.size;
    return mp_count(as_object(value));
}

const struct modq_value *modq_item(const struct modq_value *value, size_t i)
{
    if (modq_type(value) == MODQ_MAP)
        return i < modq_count(value) ? as_value(&as_object(value)->via.map.ptr[i].val) : NULL;
    return as_value(mp_item(as_object(value), i));
}

const struct modq_value *modq_key(const struct modq_value *map, size_t i)
{
    if (modq_type(map) != MODQ_MAP || i >= modq_count(map))
        return NULL;
    return as_value(&as_object(map)->via.map.ptr[i].key);
}

static const void *pointer(struct slice bytes, size_t *len)
{
    if (len)
        *len = bytes.len;
    return bytes.data;
}

const char *modq_text(const struct modq_value *value, size_t *len)
{
    return pointer(mp_str(as_object(value)), len);
}

const uint8_t *modq_bytes(const struct modq_value *value, size_t *len)
{
    return pointer(mp_bin(as_object(value)), len);
}

int64_t modq_int(const struct modq_value *value, int64_t otherwise)
{
    int64_t number;
    return mp_int(as_object(value), &number) ? number : otherwise;
}

bool modq_bool(const struct modq_value *value, bool otherwise)
{
    return modq_type(value) == MODQ_BOOL ? as_object(value)->via.boolean : otherwise;
}

double modq_float(const struct modq_value *value, double otherwise)
{
    return modq_type(value) == MODQ_FLOAT ? as_object(value)->via.f64 : otherwise;
}

const char *modq_get_text(const struct modq_value *map, const char *key, size_t *len)
{
    return modq_text(modq_get(map, key), len);
}

const uint8_t *modq_get_bytes(const struct modq_value *map, const char *key, size_t *len)
{
    return modq_bytes(modq_get(map, key), len);
}

int64_t modq_get_int(const struct modq_value *map, const char *key, int64_t otherwise)
{
    return modq_int(modq_get(map, key), otherwise);
}

bool modq_get_bool(const struct modq_value *map, const char *key, bool otherwise)
{
    return modq_bool(modq_get(map, key), otherwise);
}

bool modq_is(const struct modq_value *value, const char *string)
{
    return slice_is(mp_str(as_object(value)), string);
}
