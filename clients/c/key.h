/* Inside of keys. */
#ifndef MODQ_KEY_INSIDE_H
#define MODQ_KEY_INSIDE_H

#include "internal.h"

enum { KEY_BYTES_RAW = 32, Z85_BYTES = 41 };

/* The secret half, Z85. */
const char *key_secret(const struct modq_key *key);

struct modq_key *key_copy(const struct modq_key *key); /* NULL: out of memory */

/* Reads the text of a key file, which is changed, into a key from key_empty. */
struct modq_key *key_empty(void); /* NULL: out of memory */
bool key_parse(struct modq_key *key, char *text, struct modq_error *error);

#endif
