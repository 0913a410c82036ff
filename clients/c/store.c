/* What a front end keeps, in SQLite: the database, and the places. The tables are those that the client for Python
 * makes, too. */
#include <stdlib.h>
#include <sys/stat.h>

#include "store.h"

enum { HEADER_BYTES = 100, LOOK_MS = 5 };

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS modqd_outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, op VARCHAR(16) NOT NULL, "
    "fields BLOB NOT NULL, error BLOB);"
    "CREATE TABLE IF NOT EXISTS modqd_place (site VARCHAR(64) NOT NULL PRIMARY KEY, seq BIGINT NOT NULL, "
    "chain VARCHAR(64) NOT NULL, epoch VARCHAR(32) NOT NULL);";

/* ---- the database */

bool store_failed(struct modq_store *store, struct modq_error *error)
{
    const char *path = store->database ? sqlite3_db_filename(store->database, "main") : NULL;
    int code = store->database ? sqlite3_errcode(store->database) : SQLITE_NOMEM;

    if (code == SQLITE_NOMEM)
        return error_local(error, MODQ_E_MEMORY, "out of memory");
    return error_local(error, MODQ_E_SYSTEM, "%s: %s", path && *path ? path : "the store",
                       sqlite3_errmsg(store->database));
}

sqlite3_stmt *store_prepare(struct modq_store *store, const char *sql, struct modq_error *error)
{
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(store->database, sql, -1, &statement, NULL) != SQLITE_OK)
        store_failed(store, error);
    return statement;
}

bool store_finish(struct modq_store *store, sqlite3_stmt *statement, struct modq_error *error)
{
    if (!statement)
        return false;
    bool done = sqlite3_step(statement) == SQLITE_DONE;
    if (!done)
        store_failed(store, error);
    sqlite3_finalize(statement);
    return done;
}

bool store_run(struct modq_store *store, const char *sql, struct modq_error *error)
{
    return sqlite3_exec(store->database, sql, NULL, NULL, NULL) == SQLITE_OK || store_failed(store, error);
}

struct slice store_blob(sqlite3_stmt *statement, int column)
{
    const void *bytes = sqlite3_column_blob(statement, column);
    int len = sqlite3_column_bytes(statement, column);

    return bytes ? (struct slice){bytes, (size_t)len} : SLICE_LIT("");
}

static struct modq_store *store_new(struct modq_error *error)
{
    struct modq_store *store = calloc(1, sizeof(*store));

    if (store && msgpack_zone_init(&store->zone, MSGPACK_ZONE_CHUNK_SIZE))
        return store;
    free(store);
    error_local(error, MODQ_E_MEMORY, "out of memory");
    return NULL;
}

bool store_bound(sqlite3_stmt *statement, int codes, struct modq_error *error)
{
    if (codes == SQLITE_OK)
        return true;
    sqlite3_finalize(statement);
    if ((codes & SQLITE_NOMEM) == SQLITE_NOMEM)
        return error_local(error, MODQ_E_MEMORY, "out of memory");
    return error_local(error, MODQ_E_SYSTEM, "a value cannot be stored: %s", sqlite3_errstr(codes));
}

bool store_is_there(struct modq_store *store, struct modq_error *error)
{
    int moved = 0;

    if (store->attached || sqlite3_file_control(store->database, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK)
        return true;
    return !moved || error_local(error, MODQ_E_SYSTEM, "%s: was taken away while it was open",
                                 sqlite3_db_filename(store->database, "main"));
}

void store_patience(struct modq_store *store, int ms)
{
    if (!store->attached)
        sqlite3_busy_timeout(store->database, ms < STORE_BUSY_MS ? ms : STORE_BUSY_MS);
}

/* Readers' texts are nobody else's business, and SQLite gives its other files the mode of this one. It is made without
 * being opened: to close a descriptor of the database's file would end all locks that this process has on it. */
static bool make_file(const char *path, struct modq_error *error)
{
    struct stat file;

    if (mknod(path, S_IFREG | 0600, 0) != 0 && errno != EEXIST)
        return error_local(error, MODQ_E_SYSTEM, "%s: %s", path, strerror(errno));
    return stat(path, &file) == 0 || error_local(error, MODQ_E_SYSTEM, "%s: is a link to nothing", path);
}

/* SQLite takes a file that is shorter than its header for a new one. What is left of a spoilt one must not be taken for
 * the beginning of everything. */
static bool find_file(const char *path, struct modq_error *error)
{
    struct stat file;

    if (stat(path, &file) != 0)
        return errno == ENOENT ? make_file(path, error)
                               : error_local(error, MODQ_E_SYSTEM, "%s: %s", path, strerror(errno));
    if (file.st_size > 0 && file.st_size < HEADER_BYTES)
        return error_local(error, MODQ_E_SYSTEM, "%s: is no database", path);
    return true;
}

/* SQLite does not wait by itself where several connections change a new file's journal. */
static bool set_journal(struct modq_store *store, struct modq_error *error)
{
    int64_t until = now_ms() + STORE_BUSY_MS;
    int code;

    while ((code = sqlite3_exec(store->database, "PRAGMA journal_mode = WAL", NULL, NULL, NULL)) == SQLITE_BUSY &&
           now_ms() < until)
        sqlite3_sleep(LOOK_MS);
    if (code != SQLITE_OK)
        return store_failed(store, error);
    return store_run(store, "PRAGMA synchronous = FULL", error);
}

static bool open_database(struct modq_store *store, const char *path, struct modq_error *error)
{
    if (sqlite3_open_v2(path, &store->database, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        return error_local(error, MODQ_E_SYSTEM, "%s: %s", path, sqlite3_errmsg(store->database));
    store_patience(store, STORE_BUSY_MS);
    return set_journal(store, error);
}

struct modq_store *modq_store_open(const char *path, struct modq_error *error)
{
    struct modq_store *store;

    error_clear(error);
    if (!path || !*path || *path == ':') {
        error_local(error, MODQ_E_ARGUMENT, "a store needs the path of a file");
        return NULL;
    }
    store = store_new(error);
    if (!store)
        return NULL;
    if (find_file(path, error) && open_database(store, path, error) && store_run(store, schema, error))
        return store;
    modq_store_close(store);
    return NULL;
}

struct modq_store *modq_store_attach(struct sqlite3 *database, struct modq_error *error)
{
    struct modq_store *store;

    error_clear(error);
    if (!database) {
        error_local(error, MODQ_E_ARGUMENT, "a store needs a database");
        return NULL;
    }
    store = store_new(error);
    if (!store)
        return NULL;
    store->database = database;
    store->attached = true;
    if (store_run(store, schema, error))
        return store;
    modq_store_close(store);
    return NULL;
}

void modq_store_close(struct modq_store *store)
{
    if (!store)
        return;
    if (!store->attached)
        sqlite3_close_v2(store->database);
    out_free(&store->shown);
    msgpack_zone_destroy(&store->zone);
    free(store);
}

/* ---- places */

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Reads a column of `len` bytes in hexadecimal; an empty one is unknown. False: it is neither. */
static bool read_hex(sqlite3_stmt *row, int column, uint8_t *bytes, size_t len, bool *known)
{
    const unsigned char *hex = sqlite3_column_text(row, column); /* first: it may convert what bytes would count */
    size_t digits = (size_t)sqlite3_column_bytes(row, column);

    *known = digits > 0;
    if (!hex || (*known && digits != 2 * len))
        return false;
    for (size_t i = 0; *known && i < len; i++) {
        int high = digit_value((char)hex[2 * i]);
        int low = digit_value((char)hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool read_row(sqlite3_stmt *row, struct modq_position *position)
{
    position->seq = sqlite3_column_int64(row, 0);
    return sqlite3_column_type(row, 0) == SQLITE_INTEGER && position->seq >= 0 &&
           read_hex(row, 1, position->chain, HASH_BYTES, &position->has_chain) &&
           read_hex(row, 2, position->epoch, EPOCH_BYTES, &position->has_epoch);
}

static bool read_place(struct modq_store *store, sqlite3_stmt *row, const char *site, struct modq_position *position,
                       struct modq_error *error)
{
    int code = sqlite3_step(row);

    if (code == SQLITE_DONE)
        return true;
    if (code != SQLITE_ROW)
        return store_failed(store, error);
    return read_row(row, position) || error_local(error, MODQ_E_SYSTEM, "the place of the site %s is damaged", site);
}

/* A statement about a site, whose name is its first parameter. */
static sqlite3_stmt *about_site(struct modq_store *store, const char *site, const char *sql, struct modq_error *error)
{
    sqlite3_stmt *statement;

    error_clear(error);
    if (!site) {
        error_local(error, MODQ_E_ARGUMENT, "a place is that of a site");
        return NULL;
    }
    statement = store_prepare(store, sql, error);
    if (statement && !store_bound(statement, sqlite3_bind_text(statement, 1, site, -1, SQLITE_STATIC), error))
        return NULL;
    return statement;
}

bool modq_store_load_place(struct modq_store *store, const char *site, struct modq_position *position,
                           struct modq_error *error)
{
    *position = (struct modq_position){0};
    sqlite3_stmt *row = about_site(store, site, "SELECT seq, chain, epoch FROM modqd_place WHERE site = ?", error);
    if (!row)
        return false;
    bool ok = read_place(store, row, site, position, error);
    sqlite3_finalize(row);
    return ok;
}

bool modq_store_save_place(struct modq_store *store, const char *site, const struct modq_position *position,
                           struct modq_error *error)
{
    static const char sql[] =
        "INSERT INTO modqd_place (site, seq, chain, epoch) VALUES (?, ?, lower(hex(?)), lower(hex(?))) "
        "ON CONFLICT (site) DO UPDATE SET seq = excluded.seq, chain = excluded.chain, epoch = excluded.epoch";

    if (position->seq < 0)
        return error_local(error, MODQ_E_ARGUMENT, "a place is the number of a record, or 0");
    if (!store_is_there(store, error))
        return false;
    sqlite3_stmt *statement = about_site(store, site, sql, error);
    if (!statement)
        return false;
    int codes = sqlite3_bind_int64(statement, 2, position->seq);
    codes |= sqlite3_bind_blob(statement, 3, position->chain, position->has_chain ? HASH_BYTES : 0, SQLITE_STATIC);
    codes |= sqlite3_bind_blob(statement, 4, position->epoch, position->has_epoch ? EPOCH_BYTES : 0, SQLITE_STATIC);
    return store_bound(statement, codes, error) && store_finish(store, statement, error) &&
           store_is_there(store, error);
}

bool modq_store_forget_place(struct modq_store *store, const char *site, struct modq_error *error)
{
    return store_finish(store, about_site(store, site, "DELETE FROM modqd_place WHERE site = ?", error), error);
}
