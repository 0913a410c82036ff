#include <errno.h>
#include <stdio.h>

#include "sqlite.h"

void sqlite_let_go(struct sqlite_store *s)
{
    if (s->busy)
        sqlite3_reset(s->busy);
    s->busy = NULL;
}

/* A sync that failed may never be believed again, whatever the reason. Otherwise no room is no room, also when a quota
 * or the growth of the -shm file says it. */
static enum store_result meaning(struct sqlite_store *s, int code)
{
    int extended = sqlite3_extended_errcode(s->db);
    int system = sqlite3_system_errno(s->db);

    if ((code & 0xff) == SQLITE_FULL)
        return STORE_FULL;
    if ((code & 0xff) == SQLITE_BUSY)
        return STORE_BUSY;
    bool no_room = (code & 0xff) == SQLITE_IOERR && (system == ENOSPC || system == EDQUOT);
    bool sync = extended == SQLITE_IOERR_FSYNC || extended == SQLITE_IOERR_DIR_FSYNC;
    return no_room && !sync ? STORE_FULL : STORE_FAILED;
}

enum store_result sqlite_wrong(struct sqlite_store *s, int code)
{
    snprintf(s->reason, sizeof(s->reason), "SQLite: %s (%d)", sqlite3_errmsg(s->db), sqlite3_extended_errcode(s->db));
    s->stuck = meaning(s, code);
    return s->stuck;
}

sqlite3_stmt *sqlite_use(struct sqlite_store *s, enum sqlite_statement which, const char *sql)
{
    sqlite_let_go(s);
    if (!s->statements[which])
        sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->statements[which], NULL);
    return s->statements[which];
}

void sqlite_bind_text(sqlite3_stmt *st, int i, struct slice text)
{
    sqlite3_bind_text(st, i, text.data, (int)text.len, SQLITE_STATIC);
}

void sqlite_bind_blob(sqlite3_stmt *st, int i, struct slice bytes)
{
    sqlite3_bind_blob(st, i, bytes.data, (int)bytes.len, SQLITE_STATIC);
}

enum store_result sqlite_run(struct sqlite_store *s, sqlite3_stmt *st)
{
    if (s->stuck)
        return s->stuck;
    int code = sqlite3_step(st);
    enum store_result r = code == SQLITE_DONE ? STORE_OK : sqlite_wrong(s, code);
    sqlite3_reset(st);
    return r;
}

enum store_result sqlite_row(struct sqlite_store *s, sqlite3_stmt *st)
{
    if (s->stuck)
        return s->stuck;
    int code = sqlite3_step(st);
    if (code == SQLITE_ROW) {
        s->busy = st;
        return STORE_OK;
    }
    enum store_result r = code == SQLITE_DONE ? STORE_NONE : sqlite_wrong(s, code);
    sqlite3_reset(st);
    s->busy = NULL;
    return r;
}

enum store_result sqlite_scan_end(struct sqlite_store *s, enum store_result r)
{
    sqlite_let_go(s);
    return r == STORE_NONE ? STORE_OK : r;
}

struct slice sqlite_blob(sqlite3_stmt *st, int column)
{
    if (sqlite3_column_type(st, column) == SQLITE_NULL)
        return SLICE_NONE;
    const char *data = sqlite3_column_blob(st, column);
    return (struct slice){data ? data : "", (size_t)sqlite3_column_bytes(st, column)};
}

struct slice sqlite_text(sqlite3_stmt *st, int column)
{
    if (sqlite3_column_type(st, column) == SQLITE_NULL)
        return SLICE_NONE;
    const char *data = (const char *)sqlite3_column_text(st, column);
    return (struct slice){data ? data : "", (size_t)sqlite3_column_bytes(st, column)};
}
