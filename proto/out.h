/* A writer of MessagePack with a sticky error: many calls, one check at the end. Built on msgpack-c's packer. */
#ifndef MODQ_OUT_H
#define MODQ_OUT_H

#include <msgpack/object.h>
#include <stdint.h>

#include "slice.h"

#define OUT_DEPTH 12

/* Zero-initialise it; free with out_free. The bytes lie in data[0..len). */
struct out {
    char *data;
    size_t len, cap;
    bool failed; /* out of memory, or maps and arrays not closed as they were opened */
    int depth;
    struct {
        size_t at;      /* offset of the container's header */
        uint32_t count; /* values written in it */
        bool map;
    } open[OUT_DEPTH];
};

/* Containers are closed by out_end; the number of their elements is counted by the writer, and the header becomes the
 * shortest that holds it. */
void out_map(struct out *out);
void out_array(struct out *out);
void out_end(struct out *out);

void out_nil(struct out *out);
void out_bool(struct out *out, bool value);
void out_int(struct out *out, int64_t value);
void out_str(struct out *out, struct slice value);             /* absent: nil */
void out_bin(struct out *out, struct slice value);             /* absent: nil */
void out_raw(struct out *out, struct slice packed);            /* one packed value as it is; absent: nil */
void out_object(struct out *out, const msgpack_object *value); /* NULL: nil */

/* A key and its value in one call. */
void out_key(struct out *out, const char *key);
void out_key_nil(struct out *out, const char *key);
void out_key_bool(struct out *out, const char *key, bool value);
void out_key_int(struct out *out, const char *key, int64_t value);
void out_key_str(struct out *out, const char *key, struct slice value);
void out_key_cstr(struct out *out, const char *key, const char *value); /* NULL: nil */
void out_key_bin(struct out *out, const char *key, struct slice value);
void out_key_raw(struct out *out, const char *key, struct slice packed);

/* How many values the innermost open container has so far; in a map, pairs. */
uint32_t out_count(const struct out *out);

/* Adds `count` pairs, packed elsewhere by a writer like this one, to the map that is open. */
void out_pairs(struct out *out, struct slice packed, uint32_t count);

struct slice out_slice(const struct out *out);
void out_reset(struct out *out); /* empty again, memory kept */
void out_free(struct out *out);

#endif
