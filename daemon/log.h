/* The log: one call is one line. Never the text of a comment, never a secret.
 *
 * When standard error is the journal's stream, lines go to the journal with a MESSAGE_ID and fields; otherwise they are
 * text on standard error. Any thread may call any of these functions. */
#ifndef MODQD_LOG_H
#define MODQD_LOG_H

#include <stdint.h>

#include "../proto/slice.h"
#include "log_ids.h"

/* What a line is about: fields of the journal beside the text, to search by (`journalctl SITE=news`). What is absent,
 * NULL, "" or 0 is left out. The text says in words whatever a person must know: on standard error there are no fields.
 */
struct log_fields {
    struct slice site, comment;
    int64_t key;           /* KEY: number of a key */
    const char *key_name;  /* KEY_NAME */
    const char *role;      /* ROLE */
    const char *actor;     /* ACTOR: who did it, or wanted to */
    const char *via;       /* VIA: how they came, "key:7" */
    const char *door;      /* DOOR: "front", "push", "decisions", "desk" */
    const char *peer;      /* PEER: network address */
    const char *operation; /* OPERATION: "approve" */
    const char *error;     /* ERROR: an error's name */
    const char *cause;     /* CAUSE: why, in words */
    const char *limit;     /* LIMIT: name of the limit that was reached */
    int64_t event;         /* EVENT: number of an event */
    const char *hash;      /* HASH: of that event, hexadecimal */
};

/* A line that has an id, with the priority of the id's row. `fields` may be NULL. */
void log_event(enum log_id id, const struct log_fields *fields, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* peer_refused: `door` and `address` (absent: not known) of who was sent away, the number of the key if it is known,
 * and why. */
void log_peer_refused(struct slice door, struct slice address, int64_t key, const char *why);

/* Lines that nobody waits for. */
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Looks again whether standard error is the journal's; done by itself before the first line. */
void log_open(void);

#endif
