/* JSON out and in: what the daemon said as JSON, and JSON values as fields. */
#ifndef MODQ_JSON_H
#define MODQ_JSON_H

#include <jansson.h>
#include <stdio.h>

#include "clients/c/modq.h"
#include "render.h"

/* The same value; bytes as lowercase hex; what JSON cannot say (extensions, NaN) as null; text that is no UTF-8 with
 * marks in place of the wrong bytes. NULL when memory is out. The caller owns it. */
json_t *json_from(const struct modq_value *value);

/* An answer without what belongs to the transport: v, id, op, ok. */
json_t *json_answer(const struct modq_value *map);

/* The keys of an error map, for an error that the daemon did not send. */
json_t *json_from_error(const struct modq_error *error);

/* Puts one pair or value; inside a list `key` is NULL. False: nested too deep. */
void json_to_fields(struct modq_fields *fields, const char *key, size_t key_len, const json_t *value);

/* Prints it as one line in which no character can do anything to a terminal; takes the value over (NULL: says that
 * memory is out). */
void json_print(json_t *value, FILE *file);

/* Text as a JSON string that may hold anything. */
json_t *json_text(struct slice text);

#endif
