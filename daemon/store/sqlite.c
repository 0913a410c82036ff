#include "sqlite.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "schema.h"
#include "sqlite_vfs.h"

/* A commit waits for one fdatasync of the WAL (synchronous=FULL). The checkpoint runs in the thread that writes: one in
 * the background is slower and lets the WAL grow (docs/performance.md). secure_delete overwrites what was erased. */
static const char setup[] = "PRAGMA journal_mode=WAL;"
                            "PRAGMA synchronous=FULL;"
                            "PRAGMA wal_autocheckpoint=4000;"
                            "PRAGMA journal_size_limit=67108864;"
                            "PRAGMA secure_delete=ON;"
                            "PRAGMA trusted_schema=OFF;"
                            "PRAGMA temp_store=MEMORY;"
                            "PRAGMA cache_size=-16384;";

static const char setup_reader[] = "PRAGMA query_only=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-2048;";

enum { PAGE_BYTES = 4096, BUSY_TIMEOUT_MS = 5000 };

static struct sqlite_store *self(struct store *store)
{
    return (struct sqlite_store *)store;
}

static enum store_result run(struct sqlite_store *s, const char *sql)
{
    sqlite_let_go(s);
    if (s->stuck)
        return s->stuck;
    int code = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? STORE_OK : sqlite_wrong(s, code);
}

static enum store_result op_begin(struct store *store)
{
    struct sqlite_store *s = self(store);
    return run(s, s->read_only ? "BEGIN" : "BEGIN IMMEDIATE");
}

static enum store_result op_commit(struct store *store)
{
    return run(self(store), "COMMIT");
}

/* Old pages in the WAL hold what was erased, until a checkpoint has moved everything and cut the file. A reader may
 * keep it from that: then the next call tries again, after a restart, too. */
static enum store_result op_tidy(struct store *store)
{
    struct sqlite_store *s = self(store);

    sqlite_let_go(s);
    if (!s->erased)
        return STORE_OK;
    sqlite3_busy_timeout(s->db, 0);
    int code = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
    if (code == SQLITE_BUSY)
        return STORE_OK;
    enum store_result r =
        code == SQLITE_OK ? run(s, "UPDATE meta SET value = 0 WHERE key = 'erased'") : sqlite_wrong(s, code);
    s->erased = r != STORE_OK;
    s->stuck = STORE_OK;
    return r;
}

static void op_rollback(struct store *store)
{
    struct sqlite_store *s = self(store);
    sqlite_let_go(s);
    s->stuck = STORE_OK;
    if (s->db && !sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

static int64_t pragma(struct sqlite_store *s, const char *sql)
{
    sqlite3_stmt *st;
    int64_t value = -1;

    if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
        value = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return value;
}

static enum store_result op_room(struct store *store, int64_t *bytes)
{
    struct sqlite_store *s = self(store);
    struct statvfs fs;
    struct stat file;

    sqlite_let_go(s);
    if (s->stuck)
        return s->stuck;
    int64_t pages = pragma(s, "PRAGMA page_count");
    int64_t unused = pragma(s, "PRAGMA freelist_count");
    if (pages < 0 || unused < 0)
        return sqlite_wrong(s, sqlite3_errcode(s->db));
    *bytes = s->database_bytes - (pages - unused) * PAGE_BYTES;
    if (stat(s->path, &file) != 0 || file.st_ino != s->inode || file.st_dev != s->device) {
        snprintf(s->reason, sizeof(s->reason), "%s was removed or replaced while it was in use", s->path);
        return s->stuck = STORE_FAILED;
    }
    if (statvfs(s->directory, &fs) == 0) {
        /* Pages that are in the WAL only will take their place in the file, too. */
        int64_t to_come = pages * PAGE_BYTES - (int64_t)file.st_size;
        int64_t disk = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize - (to_come > 0 ? to_come : 0);
        *bytes = disk < *bytes ? disk : *bytes;
    }
    return STORE_OK;
}

static void op_close(struct store *store)
{
    struct sqlite_store *s = self(store);
    op_rollback(store);
    for (int i = 0; i < ST_COUNT; i++)
        sqlite3_finalize(s->statements[i]);
    sqlite3_close(s->db);
    free(s);
}

static const char *op_reason(struct store *store)
{
    return self(store)->reason;
}

static const struct store_ops common = {.name = "SQLite",
                                        .close = op_close,
                                        .reason = op_reason,
                                        .begin = op_begin,
                                        .commit = op_commit,
                                        .rollback = op_rollback,
                                        .room = op_room,
                                        .tidy = op_tidy};

static bool refuse(struct sqlite_store *s, const char *path, int64_t application, int64_t version)
{
    if (application != SCHEMA_APPLICATION_ID)
        snprintf(s->reason, sizeof(s->reason), "%s is not a database of modqd; it was not touched", path);
    else
        snprintf(s->reason, sizeof(s->reason),
                 "%s has schema version %lld, this program knows %d at most: use the newer modqd that wrote it. "
                 "It was not touched",
                 path, (long long)version, schema_version);
    return false;
}

static int64_t big_endian(const unsigned char *p)
{
    return (int64_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/* Looks at the file's header before SQLite does, which would touch files beside it. A file that is not there, or empty,
 * is a new database.
 *
 * Only ever before the process has opened the database: a close() drops every POSIX lock that the process has on the
 * file, SQLite's too, and the next program that looks into the database would take itself for its only user and remove
 * the WAL, with all that was acknowledged since the last checkpoint. */
static bool check_header(struct sqlite_store *s, const char *path, bool *new)
{
    unsigned char header[100];
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    *new = true;
    if (fd < 0)
        return true;
    ssize_t n = pread(fd, header, sizeof(header), 0);
    close(fd);
    if (n == 0)
        return true;
    *new = false;
    int64_t application = n == sizeof(header) ? big_endian(header + 68) : -1;
    int64_t version = n == sizeof(header) ? big_endian(header + 60) : -1;
    if (application == 0 && version == 0)
        return true; /* a first start that was cut short, or a stranger: the tables will tell */
    return (application == SCHEMA_APPLICATION_ID && version <= schema_version) || refuse(s, path, application, version);
}

static bool check_version(struct sqlite_store *s, const char *path)
{
    int64_t application = pragma(s, "PRAGMA application_id");
    int64_t version = pragma(s, "PRAGMA user_version");

    if (application == 0 && version == 0 && pragma(s, "SELECT count(*) FROM sqlite_schema") == 0) {
        if (s->read_only)
            snprintf(s->reason, sizeof(s->reason), "%s holds nothing yet", path);
        return !s->read_only;
    }
    if (application == -1 || version == -1) {
        sqlite_wrong(s, sqlite3_errcode(s->db));
        return false;
    }
    if (application != SCHEMA_APPLICATION_ID || version > schema_version)
        return refuse(s, path, application, version);
    if (!s->read_only || version == schema_version)
        return true;
    snprintf(s->reason, sizeof(s->reason),
             "%s has schema version %lld; modqd brings it to version %d when it is started "
             "on it",
             path, (long long)version, schema_version);
    return false;
}

/* An index of all comments is sorted in files: in memory it took some 75 bytes a comment, which the unit may not let
 * the daemon have when there are very many. */
static bool migrate(struct sqlite_store *s)
{
    char stamp[128];
    int64_t v = pragma(s, "PRAGMA user_version");

    if (v < schema_version && run(s, "PRAGMA temp_store=FILE") != STORE_OK)
        return false;
    for (; v < schema_version; v++) {
        snprintf(stamp, sizeof(stamp), "PRAGMA application_id=%d; PRAGMA user_version=%lld", SCHEMA_APPLICATION_ID,
                 (long long)v + 1);
        if (run(s, "BEGIN EXCLUSIVE") != STORE_OK || run(s, schema_migrations[v]) != STORE_OK ||
            run(s, stamp) != STORE_OK || run(s, "COMMIT") != STORE_OK) {
            sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
            return false;
        }
    }
    return run(s, "PRAGMA temp_store=MEMORY") == STORE_OK;
}

static bool set_up(struct sqlite_store *s, const char *path, bool new)
{
    char limit[64];

    sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
    sqlite3_extended_result_codes(s->db, 1);
    if (new &&run(s, "PRAGMA page_size=4096") != STORE_OK)
        return false;
    if (!new && !check_version(s, path))
        return false;
    if (s->read_only)
        return run(s, setup_reader) == STORE_OK;
    snprintf(limit, sizeof(limit), "PRAGMA max_page_count=%lld", (long long)(s->database_bytes / PAGE_BYTES));
    return run(s, setup) == STORE_OK && migrate(s) && run(s, limit) == STORE_OK;
}

static void keep_path(struct sqlite_store *s, const char *path)
{
    char copy[sizeof(s->directory)];
    snprintf(s->path, sizeof(s->path), "%s", path);
    snprintf(copy, sizeof(copy), "%s", path);
    snprintf(s->directory, sizeof(s->directory), "%s", dirname(copy));
}

/* What tells this file from another one that is put in its place. */
static void keep_identity(struct sqlite_store *s)
{
    struct stat file;

    if (stat(s->path, &file) != 0)
        return;
    s->device = file.st_dev;
    s->inode = file.st_ino;
}

struct store *store_sqlite_open(const char *path, bool read_only, int64_t database_bytes, char *reason,
                                size_t reason_bytes)
{
    bool new = false;
    struct sqlite_store *s = calloc(1, sizeof(*s));

    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* nobody asks, and every allocation would take a lock for it */
    if (!s) {
        snprintf(reason, reason_bytes, "out of memory");
        return NULL;
    }
    s->ops = common;
    sqlite_comment_ops(&s->ops);
    sqlite_look_ops(&s->ops);
    sqlite_key_ops(&s->ops);
    sqlite_desk_ops(&s->ops);
    sqlite_queue_ops(&s->ops);
    sqlite_author_ops(&s->ops);
    sqlite_recount_ops(&s->ops);
    s->base.ops = &s->ops;
    s->read_only = read_only;
    s->database_bytes = database_bytes;
    keep_path(s, path);
    if (read_only || check_header(s, path, &new)) {
        int flags = read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
        int code = sqlite3_open_v2(path, &s->db, flags | SQLITE_OPEN_NOMUTEX, read_only ? NULL : sqlite_vfs_timed());
        if (code != SQLITE_OK)
            snprintf(s->reason, sizeof(s->reason), "%s: %s", path, sqlite3_errstr(code));
        else if (set_up(s, path, new)) {
            keep_identity(s);
            s->erased = !read_only && pragma(s, "SELECT value FROM meta WHERE key = 'erased'") > 0;
            return &s->base;
        }
    }
    snprintf(reason, reason_bytes, "%s", s->reason);
    op_close(&s->base);
    return NULL;
}
