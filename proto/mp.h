/* Reading MessagePack that a peer sent: walked and bounded first, unpacked by msgpack-c then.
 *
 * msgpack-c allocates what a header claims (a 5-byte message that declares 2^32 elements makes it ask for 8 GiB), so no
 * byte of a peer reaches it before mp_check has seen that every element claimed is really there. */
#ifndef MODQ_MP_H
#define MODQ_MP_H

#include <msgpack/object.h>
#include <msgpack/zone.h>

#include "fault.h"
#include "slice.h"

enum { MP_DEPTH_MAX = 16, MP_VALUES_MAX = 20000, MP_ANSWER_VALUES_MAX = 1000000 };

/* True when `bytes` is exactly one MessagePack value, nested at most MP_DEPTH_MAX deep, of at most MP_VALUES_MAX values
 * (keys count, too). Allocates nothing, reads each byte at most once. */
bool mp_check(struct slice bytes);

/* Checks, then unpacks into `zone`. Strings of *value point into `bytes`, which must live as long.
 * False when mp_check says no, or memory is out. */
bool mp_unpack(struct slice bytes, msgpack_zone *zone, msgpack_object *value);

/* The same, and *value is a map whose keys are all strings. */
bool mp_unpack_map(struct slice bytes, msgpack_zone *zone, msgpack_object *value);

/* Whether it is such a map. */
bool mp_is_map(const msgpack_object *value);

/* The same for what a client receives: answers may hold up to MP_ANSWER_VALUES_MAX values. */
bool mp_unpack_answer(struct slice bytes, msgpack_zone *zone, msgpack_object *value);

/* The value under `key` of a map; NULL when it is not there, is nil, or `map` is no map. */
const msgpack_object *mp_get(const msgpack_object *map, const char *key);

/* The same with a type: absent (SLICE_NONE, `otherwise`) when the value has another. */
struct slice mp_get_str(const msgpack_object *map, const char *key);
struct slice mp_get_bin(const msgpack_object *map, const char *key);
int64_t mp_get_int(const msgpack_object *map, const char *key, int64_t otherwise);
bool mp_get_bool(const msgpack_object *map, const char *key, bool otherwise);

/* Reads an integer of either sign; false for other types and for values above INT64_MAX. */
bool mp_int(const msgpack_object *value, int64_t *number);

struct slice mp_str(const msgpack_object *value); /* SLICE_NONE unless str */
struct slice mp_bin(const msgpack_object *value); /* SLICE_NONE unless bin */

/* Element i of an array; NULL past its end or when it is none. */
const msgpack_object *mp_item(const msgpack_object *array, size_t i);
size_t mp_count(const msgpack_object *array); /* 0 when it is no array */

#endif
