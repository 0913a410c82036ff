/* Looking into what the daemon said, kept as JSON. What is not there, or of another type, is simply not there: daemons
 * of other versions say more or less. All functions take NULL. */
#ifndef MODQ_REVIEW_LOOK_H
#define MODQ_REVIEW_LOOK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/slice.h"

struct slice look_text(const json_t *map, const char *key); /* `data` NULL: none */
int64_t look_int(const json_t *map, const char *key, int64_t otherwise);
bool look_bool(const json_t *map, const char *key);
bool look_is(const json_t *map, const char *key, const char *word);
const json_t *look_in(const json_t *map, const char *key);   /* a map, else NULL */
const json_t *look_list(const json_t *map, const char *key); /* a list, else NULL: has no items */
struct slice look_string(const json_t *string);

/* Puts text under a key; what is NULL is left out. */
void put_text_key(json_t *map, const char *key, struct slice text);

/* Whether both maps have the same `site` and `comment`. */
bool same_comment(const json_t *a, const json_t *b);

/* {site, comment} of a card, a result or a hit; NULL only when memory is out. */
json_t *name_of(const json_t *card);

#endif
