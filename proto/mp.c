#include "mp.h"

#include <msgpack/unpack.h>

struct walk {
    const unsigned char *bytes;
    size_t len, at;
    size_t values, max;
    int depth;
    uint64_t left[MP_DEPTH_MAX]; /* values still to come at each depth */
};

static bool take(struct walk *w, uint64_t n)
{
    if (n > w->len - w->at)
        return false;
    w->at += (size_t)n;
    return true;
}

/* Big-endian unsigned integer of n bytes. */
static bool take_number(struct walk *w, int n, uint64_t *value)
{
    *value = 0;
    if (!take(w, (uint64_t)n))
        return false;
    for (const unsigned char *p = w->bytes + w->at - n; n > 0; n--)
        *value = (*value << 8) | *p++;
    return true;
}

/* A container of n values. What is claimed must be possible: every value takes a byte at least. */
static bool enter(struct walk *w, uint64_t n)
{
    if (w->depth == MP_DEPTH_MAX || n > w->len - w->at)
        return false;
    if (n > 0)
        w->left[w->depth++] = n;
    return true;
}

static bool take_counted(struct walk *w, int size_bytes, uint64_t extra)
{
    uint64_t n;
    return take_number(w, size_bytes, &n) && take(w, n + extra);
}

static bool enter_counted(struct walk *w, int size_bytes, uint64_t each)
{
    uint64_t n;
    return take_number(w, size_bytes, &n) && enter(w, n * each);
}

/* Types 0xc0 to 0xdf, as in the MessagePack specification. */
static bool take_tagged(struct walk *w, unsigned char tag)
{
    switch (tag) {
    case 0xc0: /* nil */
    case 0xc2: /* false */
    case 0xc3: /* true */
        return true;
    case 0xc4: /* bin 8, 16, 32 */
    case 0xc5:
    case 0xc6:
        return take_counted(w, 1 << (tag - 0xc4), 0);
    case 0xc7: /* ext 8, 16, 32: a type byte besides */
    case 0xc8:
    case 0xc9:
        return take_counted(w, 1 << (tag - 0xc7), 1);
    case 0xca: /* float */
        return take(w, 4);
    case 0xcb: /* double */
        return take(w, 8);
    case 0xcc: /* uint 8, 16, 32, 64 */
    case 0xcd:
    case 0xce:
    case 0xcf:
        return take(w, 1U << (tag - 0xcc));
    case 0xd0: /* int 8, 16, 32, 64 */
    case 0xd1:
    case 0xd2:
    case 0xd3:
        return take(w, 1U << (tag - 0xd0));
    case 0xd4: /* fixext 1, 2, 4, 8, 16 */
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
        return take(w, (1U << (tag - 0xd4)) + 1);
    case 0xd9: /* str 8, 16, 32 */
    case 0xda:
    case 0xdb:
        return take_counted(w, 1 << (tag - 0xd9), 0);
    case 0xdc: /* array 16, 32 */
    case 0xdd:
        return enter_counted(w, 2 << (tag - 0xdc), 1);
    case 0xde: /* map 16, 32 */
    case 0xdf:
        return enter_counted(w, 2 << (tag - 0xde), 2);
    default: /* 0xc1 is never used */
        return false;
    }
}

static bool take_value(struct walk *w)
{
    if (w->at == w->len || ++w->values > w->max)
        return false;
    unsigned char tag = w->bytes[w->at++];
    if (tag <= 0x7f || tag >= 0xe0) /* small integers */
        return true;
    if (tag <= 0x8f)
        return enter(w, (uint64_t)(tag & 0x0f) * 2);
    if (tag <= 0x9f)
        return enter(w, tag & 0x0f);
    if (tag <= 0xbf)
        return take(w, tag & 0x1f);
    return take_tagged(w, tag);
}

static bool check(struct slice bytes, size_t max)
{
    struct walk w = {.bytes = (const unsigned char *)bytes.data, .len = bytes.len, .max = max};

    do {
        if (w.depth > 0)
            w.left[w.depth - 1]--;
        if (!take_value(&w))
            return false;
        while (w.depth > 0 && w.left[w.depth - 1] == 0)
            w.depth--;
    } while (w.depth > 0);
    return w.at == w.len;
}

bool mp_check(struct slice bytes)
{
    return check(bytes, MP_VALUES_MAX);
}

static bool unpack(struct slice bytes, size_t max, msgpack_zone *zone, msgpack_object *value)
{
    size_t at = 0;

    *value = (msgpack_object){.type = MSGPACK_OBJECT_NIL};
    if (!check(bytes, max))
        return false;
    msgpack_unpack_return r = msgpack_unpack(bytes.data, bytes.len, &at, zone, value);
    return r == MSGPACK_UNPACK_SUCCESS && at == bytes.len;
}

bool mp_is_map(const msgpack_object *value)
{
    if (value->type != MSGPACK_OBJECT_MAP)
        return false;
    for (uint32_t i = 0; i < value->via.map.size; i++)
        if (value->via.map.ptr[i].key.type != MSGPACK_OBJECT_STR)
            return false;
    return true;
}

bool mp_unpack(struct slice bytes, msgpack_zone *zone, msgpack_object *value)
{
    return unpack(bytes, MP_VALUES_MAX, zone, value);
}

bool mp_unpack_map(struct slice bytes, msgpack_zone *zone, msgpack_object *value)
{
    return mp_unpack(bytes, zone, value) && mp_is_map(value);
}

bool mp_unpack_answer(struct slice bytes, msgpack_zone *zone, msgpack_object *value)
{
    return unpack(bytes, MP_ANSWER_VALUES_MAX, zone, value) && mp_is_map(value);
}

const msgpack_object *mp_get(const msgpack_object *map, const char *key)
{
    if (!map || map->type != MSGPACK_OBJECT_MAP)
        return NULL;
    for (uint32_t i = 0; i < map->via.map.size; i++) {
        const msgpack_object_kv *kv = &map->via.map.ptr[i];
        if (slice_is(mp_str(&kv->key), key))
            return kv->val.type == MSGPACK_OBJECT_NIL ? NULL : &kv->val;
    }
    return NULL;
}

struct slice mp_str(const msgpack_object *value)
{
    if (!value || value->type != MSGPACK_OBJECT_STR)
        return SLICE_NONE;
    return (struct slice){value->via.str.ptr ? value->via.str.ptr : "", value->via.str.size}; /* NULL: an empty key */
}

struct slice mp_bin(const msgpack_object *value)
{
    if (!value || value->type != MSGPACK_OBJECT_BIN)
        return SLICE_NONE;
    return (struct slice){value->via.bin.ptr, value->via.bin.size};
}

bool mp_int(const msgpack_object *value, int64_t *number)
{
    if (value && value->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        *number = value->via.i64;
    else if (value && value->type == MSGPACK_OBJECT_POSITIVE_INTEGER && value->via.u64 <= INT64_MAX)
        *number = (int64_t)value->via.u64;
    else
        return false;
    return true;
}

struct slice mp_get_str(const msgpack_object *map, const char *key)
{
    return mp_str(mp_get(map, key));
}

struct slice mp_get_bin(const msgpack_object *map, const char *key)
{
    return mp_bin(mp_get(map, key));
}

int64_t mp_get_int(const msgpack_object *map, const char *key, int64_t otherwise)
{
    int64_t number;
    return mp_int(mp_get(map, key), &number) ? number : otherwise;
}

bool mp_get_bool(const msgpack_object *map, const char *key, bool otherwise)
{
    const msgpack_object *value = mp_get(map, key);
    return value && value->type == MSGPACK_OBJECT_BOOLEAN ? value->via.boolean : otherwise;
}

size_t mp_count(const msgpack_object *array)
{
    return array && array->type == MSGPACK_OBJECT_ARRAY ? array->via.array.size : 0;
}

const msgpack_object *mp_item(const msgpack_object *array, size_t i)
{
    return i < mp_count(array) ? &array->via.array.ptr[i] : NULL;
}
