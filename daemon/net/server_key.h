/* The daemon's own pair of CURVE keys, and the file it is kept in (CZMQ's certificate format). */
#ifndef MODQD_SERVER_KEY_H
#define MODQD_SERVER_KEY_H

#include <stdbool.h>
#include <stddef.h>

enum { CURVE_BYTES = 32, CURVE_TEXT_BYTES = 41 };

struct server_key {
    bool known;
    unsigned char public_key[CURVE_BYTES], secret_key[CURVE_BYTES];
    char public_text[CURVE_TEXT_BYTES]; /* Z85 */
};

/* Reads a pair from a file. False with the path and the reason; a file that others than its owner may read is refused,
 * but for one in systemd's directory of credentials, whose modes are systemd's business. */
bool server_key_read(struct server_key *key, const char *path, char *reason, size_t reason_bytes);

/* Makes a new pair and writes it to a file that is not there yet, mode 0600. */
bool server_key_make(struct server_key *key, const char *path, char *reason, size_t reason_bytes);

/* The pair for a daemon: from `path`; or when that is NULL from systemd's credential server.key; or from
 * DIR/server.key, which is made when it is not there. */
bool server_key_find(struct server_key *key, const char *path, const char *dir, char *reason, size_t reason_bytes);

#endif
