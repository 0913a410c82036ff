/* What went wrong with one request or one item of it: an error with its cause. */
#ifndef MODQ_FAULT_H
#define MODQ_FAULT_H

#include <stdint.h>

#include "errors.h"

#define FAULT_FIELD_BYTES 160
#define FAULT_KEYS        6
#define FAULT_TEXT_BYTES  640 /* eight reason codes of 64 bytes, a moderator, and what stands between them */

enum fault_value { FAULT_NONE, FAULT_INT, FAULT_STR, FAULT_BIN, FAULT_LIST, FAULT_NUMBERS };

/* One further key of the error map, such as `max` or `by`. What is no number stands in the fault's `text`. Lists, of
 * strs or of numbers, are comma-separated there. */
struct fault_key {
    const char *key;
    enum fault_value type;
    int64_t number;
    uint16_t at, len;
};

/* A fault owns all that it says: it outlives the message that caused it. code E_OK means no fault. */
struct fault {
    enum error code;
    char field[FAULT_FIELD_BYTES]; /* path of the field to blame, "" if none */
    char message[192];             /* "" stands for the error's own message */
    struct fault_key keys[FAULT_KEYS];
    char text[FAULT_TEXT_BYTES]; /* what the keys say, one behind the other */
    uint16_t text_len;
};

/* Where in a message one stands: a chain of keys and indexes, innermost first, kept on the stack. */
struct path {
    const struct path *up;
    const char *key; /* NULL: `index` counts */
    size_t index;
};

/* Makes *fault a fault of `code` without field or keys; or with the field `key` below `at`, of which either may be
 * NULL. */
void fault_begin(struct fault *fault, enum error code);
void fault_begin_at(struct fault *fault, enum error code, const struct path *at, const char *key);

/* The same as an expression that is always false, so that a decoder can return it. */
static inline bool fault_set(struct fault *fault, enum error code)
{
    fault_begin(fault, code);
    return false;
}

static inline bool fault_at(struct fault *fault, enum error code, const struct path *at, const char *key)
{
    fault_begin_at(fault, code, at, key);
    return false;
}

/* Further keys. Strings are cut to what fits, at a character's start; a seventh key is left out. */
void fault_int(struct fault *fault, const char *key, int64_t value);
void fault_str(struct fault *fault, const char *key, struct slice value);
void fault_bin(struct fault *fault, const char *key, struct slice value);
void fault_list(struct fault *fault, const char *key, struct slice comma_separated);
void fault_numbers(struct fault *fault, const char *key, struct slice comma_separated);

/* Another message than the error's own; printf-like. */
void fault_say(struct fault *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct out;

/* Writes the error map. */
void fault_encode(const struct fault *fault, struct out *out);

#endif
