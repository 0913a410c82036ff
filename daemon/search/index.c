#include "index.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gram.h"

/* What a number in `format` means: another one is made anew. It goes up with every change of how texts are folded,
 * trigrams numbered and lists packed. */
enum { FORMAT = 1, SHRINK_PAGES = 256, SHRINK_ABOVE_PAGES = 4096 };

/* A power cut may lose the newest blocks, which are made again, and leaves the file whole. Nobody else opens it, so its
 * locks are kept, and nothing is shared beside it. */
static const char setup[] = "PRAGMA page_size=4096;"
                            "PRAGMA auto_vacuum=INCREMENTAL;"
                            "PRAGMA locking_mode=EXCLUSIVE;"
                            "PRAGMA journal_mode=WAL;"
                            "PRAGMA synchronous=NORMAL;"
                            "PRAGMA secure_delete=ON;"
                            "PRAGMA trusted_schema=OFF;"
                            "PRAGMA temp_store=MEMORY;"
                            "PRAGMA cache_size=-8192;";

/* A chunk's key is its block's first number and its own first trigram: they are written in order, each fills a page. */
static const char schema[] = "CREATE TABLE origin(format INTEGER NOT NULL, event INTEGER NOT NULL, hash BLOB NOT NULL,"
                             " sites INTEGER NOT NULL);"
                             "INSERT INTO origin VALUES(%d, 0, zeroblob(32), 0);"
                             "CREATE TABLE block(first INTEGER PRIMARY KEY, last INTEGER NOT NULL,"
                             " stale INTEGER NOT NULL);"
                             "CREATE TABLE chunk(key INTEGER PRIMARY KEY, lists BLOB NOT NULL);"
                             "PRAGMA application_id=%d;";

enum { APPLICATION_ID = 0x6d6f7173 }; /* "moqs" */

enum { ST_FIND, ST_PUT_CHUNK, ST_DROP_CHUNKS, ST_PUT_BLOCK, ST_MARK, ST_MARK_ALL, ST_ORIGIN, ST_COUNT };

static const char *const sql[ST_COUNT] = {
    [ST_FIND] = "SELECT key, lists FROM chunk WHERE key BETWEEN ? AND ? ORDER BY key DESC LIMIT 1",
    [ST_PUT_CHUNK] = "INSERT INTO chunk VALUES(?, ?)",
    [ST_DROP_CHUNKS] = "DELETE FROM chunk WHERE key BETWEEN ? AND ?",
    [ST_PUT_BLOCK] = "INSERT OR REPLACE INTO block VALUES(?, ?, ?)",
    [ST_MARK] = "UPDATE block SET stale = 1 WHERE first = ?",
    [ST_MARK_ALL] = "UPDATE block SET stale = 1",
    [ST_ORIGIN] = "UPDATE origin SET event = ?, hash = ?, sites = ?",
};

struct index {
    sqlite3 *db;
    sqlite3_stmt *statements[ST_COUNT];
    struct index_origin origin;
    struct index_block *blocks; /* as in the file, by first */
    size_t n, cap;
    char reason[512];
};

static enum store_result wrong(struct index *index, int code)
{
    snprintf(index->reason, sizeof(index->reason), "search.db: %s",
             index->db ? sqlite3_errmsg(index->db) : sqlite3_errstr(code));
    return (code & 0xff) == SQLITE_FULL ? STORE_FULL : STORE_FAILED;
}

static enum store_result run(struct index *index, const char *text)
{
    int code = sqlite3_exec(index->db, text, NULL, NULL, NULL);
    return code == SQLITE_OK ? STORE_OK : wrong(index, code);
}

/* A statement ready to be bound; NULL when it cannot be, and then stepping it fails. */
static sqlite3_stmt *use(struct index *index, int which)
{
    sqlite3_stmt **st = &index->statements[which];

    sqlite3_reset(index->statements[ST_FIND]); /* whose row may be borrowed */
    if (!*st)
        sqlite3_prepare_v3(index->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT, st, NULL);
    return *st;
}

static enum store_result step(struct index *index, sqlite3_stmt *st)
{
    int code = st ? sqlite3_step(st) : SQLITE_ERROR;

    sqlite3_reset(st);
    return code == SQLITE_DONE ? STORE_OK : wrong(index, code);
}

/* blocks in memory */

/* The place of the first block whose last number is at or above `no`. */
static size_t place_of(const struct index *index, int64_t no)
{
    size_t low = 0;
    size_t high = index->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->blocks[middle].last < no)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool keep_block(struct index *index, struct index_block block)
{
    size_t at = place_of(index, block.first);

    if (at < index->n && index->blocks[at].first == block.first) {
        index->blocks[at] = block;
        return true;
    }
    if (index->n == index->cap) {
        size_t cap = index->cap ? index->cap * 2 : 64;
        struct index_block *blocks = realloc(index->blocks, cap * sizeof(*blocks));
        if (!blocks)
            return false;
        index->blocks = blocks;
        index->cap = cap;
    }
    memmove(index->blocks + at + 1, index->blocks + at, (index->n - at) * sizeof(block));
    index->blocks[at] = block;
    index->n++;
    return true;
}

/* opening */

static bool read_origin(struct index *index)
{
    sqlite3_stmt *st = NULL;
    bool good =
        sqlite3_prepare_v2(index->db, "SELECT format, event, hash, sites FROM origin", -1, &st, NULL) == SQLITE_OK &&
        sqlite3_step(st) == SQLITE_ROW && sqlite3_column_int64(st, 0) == FORMAT &&
        sqlite3_column_bytes(st, 2) == SHA256_BYTES;

    if (good) {
        index->origin.event = sqlite3_column_int64(st, 1);
        memcpy(index->origin.hash, sqlite3_column_blob(st, 2), SHA256_BYTES);
        index->origin.sites = sqlite3_column_int64(st, 3);
    }
    sqlite3_finalize(st);
    return good;
}

static bool read_blocks(struct index *index)
{
    sqlite3_stmt *st = NULL;
    int code = sqlite3_prepare_v2(index->db, "SELECT first, last, stale FROM block ORDER BY first", -1, &st, NULL);

    index->n = 0;
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(st);
        if (code == SQLITE_ROW && !keep_block(index, (struct index_block){.first = sqlite3_column_int64(st, 0),
                                                                          .last = sqlite3_column_int64(st, 1),
                                                                          .stale = sqlite3_column_int64(st, 2) != 0}))
            code = SQLITE_NOMEM;
    }
    sqlite3_finalize(st);
    return code == SQLITE_DONE;
}

static bool is_new(struct index *index)
{
    sqlite3_stmt *st = NULL;
    bool empty = sqlite3_prepare_v2(index->db, "SELECT 1 FROM sqlite_schema", -1, &st, NULL) == SQLITE_OK &&
                 sqlite3_step(st) == SQLITE_DONE;

    sqlite3_finalize(st);
    return empty;
}

static enum store_result make_schema(struct index *index)
{
    char text[sizeof(schema) + 64];

    snprintf(text, sizeof(text), schema, FORMAT, APPLICATION_ID);
    enum store_result r = run(index, "BEGIN IMMEDIATE");
    if (r == STORE_OK)
        r = run(index, text);
    return r == STORE_OK ? run(index, "COMMIT") : r;
}

static bool open_file(struct index *index, const char *path)
{
    int code =
        sqlite3_open_v2(path, &index->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);

    if (code != SQLITE_OK)
        return wrong(index, code) == STORE_OK;
    /* What a crash left in the log beside it may hold what was erased: it is cut before anything else. */
    return run(index, setup) == STORE_OK && (!is_new(index) || make_schema(index) == STORE_OK) &&
           index_tidy(index) == STORE_OK && read_origin(index) && read_blocks(index);
}

static void close_file(struct index *index)
{
    for (int i = 0; i < ST_COUNT; i++) {
        sqlite3_finalize(index->statements[i]);
        index->statements[i] = NULL;
    }
    sqlite3_close(index->db);
    index->db = NULL;
}

static void remove_file(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    char name[4300];

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        unlink(name);
    }
}

struct index *index_open(const char *path, char *reason, size_t reason_bytes)
{
    struct index *index = calloc(1, sizeof(*index));

    if (!index) {
        snprintf(reason, reason_bytes, "out of memory");
        return NULL;
    }
    for (int attempt = 0; attempt < 2; attempt++) {
        if (open_file(index, path))
            return index;
        close_file(index);
        remove_file(path);
        index->origin = (struct index_origin){0};
    }
    snprintf(reason, reason_bytes, "%s", index->reason[0] ? index->reason : "search.db cannot be made");
    index_close(index);
    return NULL;
}

struct index *index_make(const char *path, char *reason, size_t reason_bytes)
{
    remove_file(path);
    return index_open(path, reason, reason_bytes);
}

void index_close(struct index *index)
{
    if (!index)
        return;
    close_file(index);
    free(index->blocks);
    free(index);
}

const char *index_reason(const struct index *index)
{
    return index->reason;
}

struct index_origin index_origin(const struct index *index)
{
    return index->origin;
}

const struct index_block *index_blocks(const struct index *index, size_t *n)
{
    *n = index->n;
    return index->blocks;
}

/* changes */

enum store_result index_begin(struct index *index)
{
    sqlite3_reset(index->statements[ST_FIND]);
    return run(index, "BEGIN IMMEDIATE");
}

enum store_result index_commit(struct index *index)
{
    enum store_result r = run(index, "COMMIT");

    if (r != STORE_OK)
        index_rollback(index);
    return r;
}

/* What is in memory is what was in the file before. */
void index_rollback(struct index *index)
{
    if (!sqlite3_get_autocommit(index->db))
        sqlite3_exec(index->db, "ROLLBACK", NULL, NULL, NULL);
    read_origin(index);
    read_blocks(index);
}

enum store_result index_set_origin(struct index *index, const struct index_origin *origin)
{
    sqlite3_stmt *st = use(index, ST_ORIGIN);

    sqlite3_bind_int64(st, 1, origin->event);
    sqlite3_bind_blob(st, 2, origin->hash, SHA256_BYTES, SQLITE_STATIC);
    sqlite3_bind_int64(st, 3, origin->sites);
    enum store_result r = step(index, st);
    if (r == STORE_OK)
        index->origin = *origin;
    return r;
}

enum store_result index_tidy(struct index *index)
{
    sqlite3_reset(index->statements[ST_FIND]);
    int code = sqlite3_wal_checkpoint_v2(index->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return code == SQLITE_OK ? STORE_OK : wrong(index, code);
}

enum store_result index_put_block(struct index *index, struct index_block block)
{
    sqlite3_stmt *st = use(index, ST_PUT_BLOCK);

    sqlite3_bind_int64(st, 1, block.first);
    sqlite3_bind_int64(st, 2, block.last);
    sqlite3_bind_int(st, 3, block.stale);
    enum store_result r = step(index, st);
    if (r != STORE_OK || keep_block(index, block))
        return r;
    snprintf(index->reason, sizeof(index->reason), "out of memory");
    return STORE_FULL;
}

static int64_t key_of(int64_t first, uint32_t gram)
{
    return first << GRAM_BITS | gram;
}

static void bind_block(sqlite3_stmt *st, int64_t first, uint32_t to)
{
    sqlite3_bind_int64(st, 1, key_of(first, 0));
    sqlite3_bind_int64(st, 2, key_of(first, to));
}

enum store_result index_put_chunk(struct index *index, int64_t first, const struct chunk *chunk)
{
    sqlite3_stmt *st = use(index, ST_PUT_CHUNK);

    sqlite3_bind_int64(st, 1, key_of(first, chunk->first));
    sqlite3_bind_blob(st, 2, chunk->bytes, (int)chunk->len, SQLITE_STATIC);
    return step(index, st);
}

enum store_result index_drop_chunks(struct index *index, int64_t first)
{
    sqlite3_stmt *st = use(index, ST_DROP_CHUNKS);

    bind_block(st, first, (1U << GRAM_BITS) - 1);
    return step(index, st);
}

enum store_result index_mark_all(struct index *index)
{
    enum store_result r = step(index, use(index, ST_MARK_ALL));

    for (size_t i = 0; r == STORE_OK && i < index->n; i++)
        index->blocks[i].stale = true;
    return r;
}

enum store_result index_empty_block(struct index *index, int64_t no)
{
    size_t at = place_of(index, no);

    if (at == index->n || index->blocks[at].first > no)
        return STORE_OK;
    sqlite3_stmt *st = use(index, ST_MARK);
    sqlite3_bind_int64(st, 1, index->blocks[at].first);
    enum store_result r = step(index, st);
    index->blocks[at].stale |= r == STORE_OK;
    return r == STORE_OK ? index_drop_chunks(index, index->blocks[at].first) : r;
}

static int64_t pragma(struct index *index, const char *text)
{
    sqlite3_stmt *st = NULL;
    int64_t value = 0;

    if (sqlite3_prepare_v2(index->db, text, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
        value = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return value;
}

enum store_result index_shrink(struct index *index, bool *some)
{
    char text[64];

    sqlite3_reset(index->statements[ST_FIND]);
    *some = pragma(index, "PRAGMA freelist_count") > SHRINK_ABOVE_PAGES;
    snprintf(text, sizeof(text), "PRAGMA incremental_vacuum(%d)", SHRINK_PAGES);
    return *some ? run(index, text) : STORE_OK;
}

enum store_result index_find(struct index *index, int64_t first, uint32_t gram, struct slice *packed)
{
    sqlite3_stmt *st = use(index, ST_FIND);

    *packed = SLICE_NONE;
    bind_block(st, first, gram);
    int code = st ? sqlite3_step(st) : SQLITE_ERROR;
    if (code == SQLITE_DONE)
        return STORE_OK;
    if (code != SQLITE_ROW)
        return wrong(index, code);
    struct slice chunk = {sqlite3_column_blob(st, 1), (size_t)sqlite3_column_bytes(st, 1)};
    *packed = chunk_find(chunk, (uint32_t)(sqlite3_column_int64(st, 0) & ((1 << GRAM_BITS) - 1)), gram);
    return STORE_OK;
}
