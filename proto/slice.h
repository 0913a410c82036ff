/* A piece of somebody else's memory. */
#ifndef MODQ_SLICE_H
#define MODQ_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Borrowed bytes; not NUL-terminated. `data` is NULL when the value is absent (an empty value has data and len 0). */
struct slice {
    const char *data;
    size_t len;
};

#define SLICE_NONE   ((struct slice){NULL, 0})
#define SLICE_LIT(s) ((struct slice){(s), sizeof(s) - 1})

static inline struct slice slice_of(const char *s)
{
    return (struct slice){s, s ? strlen(s) : 0};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool slice_is(struct slice a, const char *s)
{
    return a.data != NULL && slice_equal(a, slice_of(s));
}

#endif
