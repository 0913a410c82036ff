#include "fields.h"

#include <inttypes.h>

#include "mp.h"
#include "utf8.h"

/* One field on its way into its struct. */
struct target {
    const struct field *row;
    const struct path *at;
    int64_t max;
    void *place;
    struct fault *fault;
};

static bool wrong(const struct target *t, enum error code)
{
    return fault_at(t->fault, code, t->at, t->row->key);
}

static bool bad_type(const struct target *t, const char *wanted)
{
    wrong(t, E_BAD_TYPE);
    fault_say(t->fault, "%s: must be %s", t->fault->field, wanted);
    return false;
}

static bool out_of_range(struct fault *fault, const char *what, int64_t value, int64_t min, int64_t max)
{
    fault_say(fault, "%s: %s%" PRId64 " is not between %" PRId64 " and %" PRId64, fault->field, what, value, min, max);
    fault_int(fault, "min", min);
    fault_int(fault, "max", max);
    return false;
}

static bool check_length(size_t len, int64_t min, int64_t max, const struct path *at, const char *key,
                         struct fault *fault)
{
    if ((int64_t)len >= min && (int64_t)len <= max)
        return true;
    bool low = (int64_t)len < min;
    fault_at(fault, low ? E_TOO_SHORT : E_TOO_LONG, at, key);
    fault_say(fault, "%s: %zu bytes, %s %" PRId64, fault->field, len, low ? "needed are" : "allowed are at most",
              low ? min : max);
    fault_int(fault, low ? "min" : "max", low ? min : max);
    fault_int(fault, "bytes", (int64_t)len);
    return false;
}

static bool check_characters(struct slice text, bool slash_allowed, const struct path *at, const char *key,
                             struct fault *fault)
{
    for (size_t i = 0; i < text.len;) {
        size_t start = i;
        int32_t c = utf8_next(text, &i);
        if (!utf8_is_control(c) && (slash_allowed || c != '/'))
            continue;
        fault_at(fault, E_BAD_CHARACTER, at, key);
        fault_say(fault, "%s: U+%04X at byte %zu is not allowed here", fault->field, (unsigned)c, start);
        fault_int(fault, "at", (int64_t)start);
        return false;
    }
    return true;
}

bool field_check_text(struct slice text, enum field_type type, int64_t min, int64_t max, const struct path *at,
                      const char *key, struct fault *fault)
{
    size_t bad;

    if (type == FIELD_NAME || type == FIELD_KEY) {
        min = 1;
        max = type == FIELD_NAME ? 64 : 128;
    }
    if (!check_length(text.len, min, max, at, key, fault))
        return false;
    if (!utf8_valid(text, &bad)) {
        fault_at(fault, E_INVALID_UTF8, at, key);
        fault_say(fault, "%s: not UTF-8 at byte %zu", fault->field, bad);
        fault_int(fault, "at", (int64_t)bad);
        return false;
    }
    return type == FIELD_TEXT || check_characters(text, type == FIELD_KEY, at, key, fault);
}

static bool take_int(const struct target *t, const msgpack_object *value, int64_t min, int64_t max)
{
    int64_t number;

    if (value->type == MSGPACK_OBJECT_POSITIVE_INTEGER && value->via.u64 > INT64_MAX)
        number = INT64_MAX;
    else if (!mp_int(value, &number))
        return bad_type(t, "an integer");
    if (number < min || number > max) {
        wrong(t, E_OUT_OF_RANGE);
        return out_of_range(t->fault, "", number, min, max);
    }
    memcpy(t->place, &number, sizeof(number));
    return true;
}

static bool take_bool(const struct target *t, const msgpack_object *value)
{
    if (value->type != MSGPACK_OBJECT_BOOLEAN)
        return bad_type(t, "true or false");
    memcpy(t->place, &value->via.boolean, sizeof(bool));
    return true;
}

static bool take_text(const struct target *t, const msgpack_object *value)
{
    struct slice text = mp_str(value);

    if (!text.data)
        return bad_type(t, "a str");
    if (!field_check_text(text, t->row->type, t->row->min, t->max, t->at, t->row->key, t->fault))
        return false;
    memcpy(t->place, &text, sizeof(text));
    return true;
}

static bool take_bin(const struct target *t, const msgpack_object *value)
{
    struct slice bytes = mp_bin(value);

    if (!bytes.data)
        return bad_type(t, "a bin");
    if (!check_length(bytes.len, t->row->min, t->max, t->at, t->row->key, t->fault))
        return false;
    memcpy(t->place, &bytes, sizeof(bytes));
    return true;
}

static bool take_str_or_bin(const struct target *t, const msgpack_object *value)
{
    struct slice bytes = mp_bin(value);
    struct slice text = mp_str(value);

    if (!bytes.data && !text.data)
        return bad_type(t, "a str or a bin");
    if (text.data && !field_check_text(text, FIELD_TEXT, t->row->min, t->max, t->at, t->row->key, t->fault))
        return false;
    if (bytes.data && !check_length(bytes.len, t->row->min, t->max, t->at, t->row->key, t->fault))
        return false;
    *(const msgpack_object **)t->place = value;
    return true;
}

static bool take_list(const struct target *t, const msgpack_object *value)
{
    if (value->type != MSGPACK_OBJECT_ARRAY)
        return bad_type(t, "a list");
    int64_t n = value->via.array.size;
    if (n < t->row->min || n > t->max) {
        wrong(t, E_OUT_OF_RANGE);
        return out_of_range(t->fault, "number of items ", n, t->row->min, t->max);
    }
    *(const msgpack_object **)t->place = value;
    return true;
}

static bool take_map(const struct target *t, const msgpack_object *value)
{
    if (value->type != MSGPACK_OBJECT_MAP)
        return bad_type(t, "a map");
    *(const msgpack_object **)t->place = value;
    return true;
}

static bool take_field(const struct target *t, const msgpack_object *value)
{
    switch (t->row->type) {
    case FIELD_INT:
        return take_int(t, value, t->row->min, t->max);
    case FIELD_TIME:
        return take_int(t, value, 0, FIELD_TIME_MAX);
    case FIELD_BOOL:
        return take_bool(t, value);
    case FIELD_NAME:
    case FIELD_KEY:
    case FIELD_TEXT:
        return take_text(t, value);
    case FIELD_BIN:
        return take_bin(t, value);
    case FIELD_STR_OR_BIN:
        return take_str_or_bin(t, value);
    case FIELD_LIST:
        return take_list(t, value);
    case FIELD_MAP:
        return take_map(t, value);
    case FIELD_ANY:
        *(const msgpack_object **)t->place = value;
        return true;
    }
    return false;
}

static const struct field *find(const struct field *table, size_t rows, struct slice key)
{
    for (size_t i = 0; i < rows; i++)
        if (slice_is(key, table[i].key))
            return &table[i];
    return NULL;
}

static bool complain_no_map(const struct path *at, struct fault *fault)
{
    fault_at(fault, E_BAD_TYPE, at, NULL);
    fault_say(fault, "%s: must be a map with str keys", fault->field);
    return false;
}

bool fields_decode(const msgpack_object *map, const struct field *table, size_t rows, const struct limits *limits,
                   const struct path *at, void *holder, struct fault *fault)
{
    uint32_t met = 0;  /* rows whose key stood in the map */
    uint32_t seen = 0; /* and had a value */

    if (map->type != MSGPACK_OBJECT_MAP)
        return complain_no_map(at, fault);
    for (uint32_t i = 0; i < map->via.map.size; i++) {
        const msgpack_object_kv *kv = &map->via.map.ptr[i];
        if (kv->key.type != MSGPACK_OBJECT_STR)
            return complain_no_map(at, fault);
        const struct field *row = find(table, rows, mp_str(&kv->key));
        if (!row)
            continue;
        struct target t = {.row = row,
                           .at = at,
                           .max = row->limit == FIELD_NO_LIMIT ? row->max : limits->value[row->limit],
                           .place = (char *)holder + row->offset,
                           .fault = fault};
        uint32_t bit = 1U << (row - table);
        if (met & bit)
            return wrong(&t, E_DUPLICATE_FIELD);
        met |= bit;
        if (kv->val.type == MSGPACK_OBJECT_NIL)
            continue;
        seen |= bit;
        if (!take_field(&t, &kv->val))
            return false;
    }
    for (size_t i = 0; i < rows; i++)
        if ((table[i].flags & FIELD_REQUIRED) && !(seen & (1U << i))) {
            fault_at(fault, E_MISSING_FIELD, at, table[i].key);
            fault_say(fault, "%s: required, and not there", fault->field);
            return false;
        }
    return true;
}
