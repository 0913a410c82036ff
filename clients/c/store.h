/* The database of a modq_store, for what is kept in it. */
#ifndef MODQ_STORE_H
#define MODQ_STORE_H

#include <sqlite3.h>

#include "internal.h"

struct modq_store {
    sqlite3 *database;
    bool attached;         /* the database is the user's */
    struct out shown;      /* the request that was handed out last */
    msgpack_object fields; /* the same, unpacked into the zone */
    msgpack_zone zone;
};

enum { STORE_BUSY_MS = 10000 }; /* how long a file of our own waits for other processes */

/* Fills *error with what the database said last. Always returns false. */
bool store_failed(struct modq_store *store, struct modq_error *error);

/* A statement to be bound, stepped and finalized; NULL: see *error. */
sqlite3_stmt *store_prepare(struct modq_store *store, const char *sql, struct modq_error *error);

/* Whether every value could be bound: give what sqlite3_bind_* said, added up. Else *error says why, and the statement
 * is finalized. */
bool store_bound(sqlite3_stmt *statement, int codes, struct modq_error *error);

/* Whether the file still has its name. What is written into one that was taken away is lost: *error says so. */
bool store_is_there(struct modq_store *store, struct modq_error *error);

/* How long the store waits for others, as far as that is ours to say. */
void store_patience(struct modq_store *store, int ms);

/* Steps a statement that gives no rows, and finalizes it. NULL: it failed before, and *error says so. */
bool store_finish(struct modq_store *store, sqlite3_stmt *statement, struct modq_error *error);

/* A statement without parameters and rows. */
bool store_run(struct modq_store *store, const char *sql, struct modq_error *error);

/* A blob that belongs to the statement's row. */
struct slice store_blob(sqlite3_stmt *statement, int column);

/* ---- outbox.c */

bool outbox_keeps(const char *operation); /* besides "submit" */

/* The pairs that say something: nil is as good as nothing. NULL: memory is out. */
struct modq_fields *outbox_fields(const msgpack_object *map);

/* The error of a request that cannot be read any more. */
void outbox_spoilt(struct modq_error *error);

#endif
