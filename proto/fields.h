/* Decoding a map by a table: one row a field, one walk over the map's entries.
 *
 * A row names the key, its type, its range and where in a struct the value goes. Absent fields (nil, too) leave their
 * place untouched, so defaults are set before. Strings and objects in the struct point into the message. */
#ifndef MODQ_FIELDS_H
#define MODQ_FIELDS_H

#include <msgpack/object.h>

#include "fault.h"
#include "limits.h"

enum field_type {
    FIELD_INT,        /* int64_t in [min, max] */
    FIELD_TIME,       /* int64_t milliseconds */
    FIELD_BOOL,       /* bool */
    FIELD_NAME,       /* struct slice: 1 to 64 bytes, no control character, no '/' */
    FIELD_KEY,        /* struct slice: 1 to 128 bytes, no control character */
    FIELD_TEXT,       /* struct slice: UTF-8 of min to max bytes */
    FIELD_BIN,        /* struct slice: bin of min to max bytes */
    FIELD_STR_OR_BIN, /* const msgpack_object *: UTF-8 str or bin of min to max bytes */
    FIELD_LIST,       /* const msgpack_object *: array of min to max items */
    FIELD_MAP,        /* const msgpack_object * */
    FIELD_ANY         /* const msgpack_object * */
};

enum { FIELD_REQUIRED = 1 };

#define FIELD_TIME_MAX INT64_C(253402300799999) /* the last millisecond of the year 9999 */
#define FIELD_NO_LIMIT (-1)

struct field {
    const char *key;
    enum field_type type;
    unsigned flags;
    int64_t min, max;
    int limit; /* enum limit whose value in force is the max, or FIELD_NO_LIMIT */
    size_t offset;
};

/* Rows of a table. */
#define FIELD(holder, member, name, kind, needed, least, most)                                                         \
    {                                                                                                                  \
        .key = (name), .type = FIELD_##kind, .flags = (needed), .min = (least), .max = (most),                         \
        .limit = FIELD_NO_LIMIT, .offset = offsetof(holder, member)                                                    \
    }
#define FIELD_LIMITED(holder, member, name, kind, needed, least, by)                                                   \
    {                                                                                                                  \
        .key = (name), .type = FIELD_##kind, .flags = (needed), .min = (least), .limit = LIMIT_##by,                   \
        .offset = offsetof(holder, member)                                                                             \
    }

/* Decodes `map` into *holder. `at` is where the map stands in its message (NULL: it is the message). At most 32 rows.
 * False with *fault set at the first thing wrong: bad_type (also when it is no map), missing_field, duplicate_field,
 * out_of_range, too_short, too_long, invalid_utf8, bad_character. */
bool fields_decode(const msgpack_object *map, const struct field *table, size_t rows, const struct limits *limits,
                   const struct path *at, void *holder, struct fault *fault);

/* Checks one string by itself, as a row of that type would: NAME, KEY or TEXT. */
bool field_check_text(struct slice text, enum field_type type, int64_t min, int64_t max, const struct path *at,
                      const char *key, struct fault *fault);

#endif
