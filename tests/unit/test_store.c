#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem */
#endif

#include "unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "../lib/store_contract.h"
#include "../lib/store_fault.h"
#include "../lib/store_memory.h"

#define DATABASE_BYTES (INT64_C(1) << 30)
#define S(literal)     SLICE_LIT(literal)

/* ---- files ---- */

static char directory[256];

static void directory_remove(void)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;
    char path[sizeof(directory) + sizeof(entry->d_name) + 1];

    while (dir && (entry = readdir(dir))) {
        snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        if (*entry->d_name != '.')
            unlink(path);
    }
    if (dir)
        closedir(dir);
    rmdir(directory);
}

/* A path at which there is no file yet, in a directory that is removed at exit. Good until the next call. */
static const char *new_path(void)
{
    static char path[sizeof(directory) + 32];
    static int files;

    if (!*directory) {
        snprintf(directory, sizeof(directory), "%s/modq-store-XXXXXX", unit_database_dir());
        assert_non_null(mkdtemp(directory));
        atexit(directory_remove);
    }
    snprintf(path, sizeof(path), "%s/%d.db", directory, ++files);
    return path;
}

struct bytes {
    char *data;
    size_t len;
};

static struct bytes file_read(const char *path)
{
    struct stat st;
    struct bytes bytes;
    FILE *file = fopen(path, "rb");

    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &st), 0);
    bytes.len = (size_t)st.st_size;
    bytes.data = malloc(bytes.len + 1);
    assert_int_equal(fread(bytes.data, 1, bytes.len, file), bytes.len);
    fclose(file);
    return bytes;
}

/* How many files there are whose path begins with `path`. */
static int files_at(const char *path)
{
    const char *base = strrchr(path, '/') + 1;
    DIR *dir = opendir(directory);
    struct dirent *entry;
    int count = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)))
        count += strncmp(entry->d_name, base, strlen(base)) == 0;
    closedir(dir);
    return count;
}

/* ---- the contract on each back end ---- */

static struct store *sqlite_open(const char *path, bool read_only)
{
    char reason[256] = "";
    struct store *store = store_sqlite_open(path, read_only, DATABASE_BYTES, reason, sizeof(reason));

    if (!store)
        fail_msg("%s", reason);
    return store;
}

static struct store *memory_new(void)
{
    return store_memory_open();
}

static struct store *sqlite_new(void)
{
    return sqlite_open(new_path(), false);
}

static void run_clause(struct store *(*open)(void), void (*clause)(struct store *))
{
    struct store *store = open();

    clause(store);
    store_close(store);
}

#define CLAUSE_TESTS(clause)                                                                                           \
    static void memory_##clause(void **state)                                                                          \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        run_clause(memory_new, clause);                                                                                \
    }                                                                                                                  \
    static void sqlite_##clause(void **state)                                                                          \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        run_clause(sqlite_new, clause);                                                                                \
    }
STORE_CLAUSES(CLAUSE_TESTS)

__attribute__((constructor)) static void register_clauses(void)
{
#define REGISTER_CLAUSE(clause)                                                                                        \
    unit_register("memory_" #clause, memory_##clause);                                                                 \
    unit_register("sqlite_" #clause, sqlite_##clause);
    STORE_CLAUSES(REGISTER_CLAUSE)
}

/* ---- faults ---- */

static struct store *fault_new(void)
{
    return store_fault_open(memory_new());
}

TEST(a_fault_store_that_is_not_armed_keeps_the_whole_contract)
{
#define RUN_CLAUSE(clause) run_clause(fault_new, clause);
    STORE_CLAUSES(RUN_CLAUSE)
}

TEST(a_fault_strikes_the_nth_call_once)
{
    struct store *store = fault_new();
    char boot[64];

    store_fault_arm(store, 3, STORE_FULL, false);
    assert_int_equal(store->ops->boot(store, boot), STORE_OK);
    assert_int_equal(store->ops->boot(store, boot), STORE_OK);
    assert_int_equal(store->ops->boot(store, boot), STORE_FULL);
    assert_string_equal(store->ops->reason(store), "a fault on demand");
    assert_int_equal(store->ops->boot(store, boot), STORE_OK);
    assert_int_equal(store_fault_calls(store), 4);
    assert_int_equal(store_fault_failures(store), 1);
    store_close(store);
}

TEST(a_fault_for_good_lasts_until_it_is_disarmed)
{
    struct store *store = fault_new();

    store_fault_arm(store, 1, STORE_FAILED, true);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(store->ops->begin(store), STORE_FAILED);
        store->ops->rollback(store);
    }
    store_fault_disarm(store);
    assert_int_equal(store->ops->begin(store), STORE_OK);
    assert_int_equal(store->ops->commit(store), STORE_OK);
    assert_int_equal(store_fault_failures(store), 3);
    store_close(store);
}

/* Runs one part of the story as a transaction. */
static enum store_result tell_part(struct store *store, int part)
{
    enum store_result r = store->ops->begin(store);

    if (r == STORE_OK)
        r = store_story(store, part);
    if (r == STORE_OK)
        r = store->ops->commit(store);
    return r;
}

/* Tells the story from part *part on, which becomes the first that was not committed. */
static enum store_result tell_story(struct store *store, int *part)
{
    enum store_result r = STORE_OK;

    while (*part < STORE_STORY_PARTS && (r = tell_part(store, *part)) == STORE_OK)
        ++*part;
    return r;
}

static void assert_dump(struct store *store, const char *expected)
{
    char *dump = store_dump(store);

    assert_string_equal(dump, expected);
    free(dump);
}

/* What the store holds after each part of the story. */
static void story_dumps(struct store *(*open)(void), char *dumps[STORE_STORY_PARTS + 1])
{
    struct store *store = open();

    dumps[0] = store_dump(store);
    for (int part = 0; part < STORE_STORY_PARTS; part++) {
        assert_int_equal(tell_part(store, part), STORE_OK);
        dumps[part + 1] = store_dump(store);
    }
    store_close(store);
}

/* Fails call `nth` of the story. False when the story was over before. */
static bool fail_call(struct store *inner, char *const dumps[], uint64_t nth, enum store_result result, bool for_good)
{
    struct store *store = store_fault_open(inner);
    char *new = store_dump(store); /* each store has its own epoch at first */
    int part = 0;

    store_fault_arm(store, nth, result, for_good);
    enum store_result r = tell_story(store, &part);
    bool struck = store_fault_failures(store) > 0;
    assert_int_equal(r, struck ? result : STORE_OK);
    store->ops->rollback(store);
    if (for_good || !struck)
        store_fault_disarm(store);
    assert_dump(store, part ? dumps[part] : new);
    assert_int_equal(tell_story(store, &part), STORE_OK);
    assert_dump(store, dumps[STORE_STORY_PARTS]);
    store_close(store);
    free(new);
    return struck;
}

static void fail_every_call(struct store *(*open)(void), enum store_result result, bool for_good)
{
    char *dumps[STORE_STORY_PARTS + 1];
    uint64_t nth = 1;

    story_dumps(open, dumps);
    while (fail_call(open(), dumps, nth, result, for_good))
        nth++;
    assert_true(nth > 50);
    for (int i = 0; i <= STORE_STORY_PARTS; i++)
        free(dumps[i]);
}

TEST(memory_full_once_at_any_call_keeps_the_last_commit)
{
    fail_every_call(memory_new, STORE_FULL, false);
}

TEST(memory_full_for_good_from_any_call_keeps_the_last_commit)
{
    fail_every_call(memory_new, STORE_FULL, true);
}

TEST(memory_failed_once_at_any_call_keeps_the_last_commit)
{
    fail_every_call(memory_new, STORE_FAILED, false);
}

TEST(memory_failed_for_good_from_any_call_keeps_the_last_commit)
{
    fail_every_call(memory_new, STORE_FAILED, true);
}

TEST(sqlite_full_once_at_any_call_keeps_the_last_commit)
{
    fail_every_call(sqlite_new, STORE_FULL, false);
}

TEST(sqlite_full_for_good_from_any_call_keeps_the_last_commit)
{
    fail_every_call(sqlite_new, STORE_FULL, true);
}

TEST(sqlite_failed_once_at_any_call_keeps_the_last_commit)
{
    fail_every_call(sqlite_new, STORE_FAILED, false);
}

TEST(sqlite_failed_for_good_from_any_call_keeps_the_last_commit)
{
    fail_every_call(sqlite_new, STORE_FAILED, true);
}

/* ---- SQLite: files and other connections ---- */

TEST(reopening_keeps_what_was_committed_and_nothing_else)
{
    const char *path = new_path();
    struct store *store = sqlite_open(path, false);
    int part = 0;

    assert_int_equal(tell_story(store, &part), STORE_OK);
    char *committed = store_dump(store);
    assert_int_equal(store->ops->begin(store), STORE_OK);
    assert_int_equal(store->ops->text_erase(store, 2), STORE_OK);
    store->ops->rollback(store);
    assert_int_equal(store->ops->begin(store), STORE_OK);
    assert_int_equal(store->ops->boot_set(store, "never committed"), STORE_OK);
    store_close(store);
    store = sqlite_open(path, false);
    assert_dump(store, committed);
    store_close(store);
    free(committed);
}

/* Commits the first `parts` of the story, writes one more, and dies. */
static void die_within(const char *path, int parts)
{
    char reason[256];
    struct store *store = store_sqlite_open(path, false, DATABASE_BYTES, reason, sizeof(reason));

    for (int part = 0; store && part < parts; part++)
        if (tell_part(store, part) != STORE_OK)
            _exit(1);
    _exit(store && store->ops->begin(store) == STORE_OK && store_story(store, parts) == STORE_OK ? 0 : 1);
}

TEST(a_crash_keeps_what_was_committed_and_nothing_else)
{
    char *dumps[STORE_STORY_PARTS + 1];

    story_dumps(sqlite_new, dumps);
    for (int parts = 1; parts < STORE_STORY_PARTS; parts++) {
        const char *path = new_path();
        int status = 1;
        pid_t child = fork();
        if (child == 0)
            die_within(path, parts);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        struct store *store = sqlite_open(path, false);
        assert_dump(store, dumps[parts]);
        store_close(store);
    }
    for (int i = 0; i <= STORE_STORY_PARTS; i++)
        free(dumps[i]);
}

TEST(a_reader_sees_committed_data_only)
{
    const char *path = new_path();
    struct store *writer = sqlite_open(path, false), *reader = sqlite_open(path, true);

    for (int part = 0; part < STORE_STORY_PARTS; part++) {
        char *before = store_dump(writer);
        assert_int_equal(writer->ops->begin(writer), STORE_OK);
        assert_int_equal(store_story(writer, part), STORE_OK);
        assert_dump(reader, before);
        assert_int_equal(writer->ops->commit(writer), STORE_OK);
        char *after = store_dump(writer);
        assert_dump(reader, after);
        free(before);
        free(after);
    }
    store_close(reader);
    store_close(writer);
}

static bool stop_at_event(void *arg, const struct store_event *event)
{
    (void)arg;
    (void)event;
    return false;
}

/* What a reader borrowed, or a scan that it ended early, must not pin it to an old snapshot. */
TEST(a_reader_sees_the_newest_commit_with_every_call)
{
    const char *path = new_path();
    struct store *writer = sqlite_open(path, false), *reader = sqlite_open(path, true);
    struct store_text text;
    struct store_event event;
    struct store_comment comment;

    for (int part = 0; part < STORE_STORY_ERASURE; part++)
        assert_int_equal(tell_part(writer, part), STORE_OK);
    assert_int_equal(reader->ops->log_scan(reader, 1, 0, 10, stop_at_event, NULL), STORE_OK);
    assert_int_equal(reader->ops->text_get(reader, 1, &text), STORE_OK);
    assert_int_equal(tell_part(writer, STORE_STORY_ERASURE), STORE_OK);
    assert_int_equal(reader->ops->comment_get(reader, 1, S("one"), &comment), STORE_OK);
    assert_int_equal(comment.state, STATE_ERASED);
    assert_int_equal(reader->ops->text_get(reader, 1, &text), STORE_OK);
    assert_null(text.body.data);
    assert_int_equal(reader->ops->log_get(reader, 1, 2, &event), STORE_OK);
    store_close(reader);
    store_close(writer);
}

TEST(a_reader_writes_nothing)
{
    const char *path = new_path();
    struct store *writer = sqlite_open(path, false), *reader = sqlite_open(path, true);

    reader->ops->begin(reader);
    assert_int_not_equal(reader->ops->boot_set(reader, "x"), STORE_OK);
    reader->ops->rollback(reader);
    store_close(reader);
    store_close(writer);
}

TEST(a_full_database_is_rolled_back_and_still_works)
{
    char reason[256], *body = calloc(1, 50000);
    struct store *store = store_sqlite_open(new_path(), false, 1 << 20, reason, sizeof(reason));
    struct store_text text = {.revision = 1, .body = {body, 50000}, .sha256 = {body, 32}, .salt = {body, 16}};
    enum store_result r = STORE_OK;
    int64_t room_first, room_last;

    assert_non_null(store);
    text.meta = S("\x80");
    assert_int_equal(store->ops->room(store, &room_first), STORE_OK);
    assert_true(room_first > 0 && room_first <= 1 << 20);
    for (text.no = 1; text.no < 100; text.no++) {
        assert_int_equal(store->ops->begin(store), STORE_OK);
        if ((r = store->ops->text_add(store, &text)) != STORE_OK || (r = store->ops->commit(store)) != STORE_OK)
            break;
    }
    assert_int_equal(r, STORE_FULL);
    assert_true(strlen(store->ops->reason(store)) > 0);
    store->ops->rollback(store);
    assert_int_equal(store->ops->room(store, &room_last), STORE_OK);
    assert_true(room_last < 50000 + 4096);
    int64_t kept = text.no - 1;
    assert_in_range(kept, 10, 21);
    assert_int_equal(store->ops->text_get(store, kept + 1, &text), STORE_NONE);
    assert_int_equal(store->ops->text_get(store, kept, &text), STORE_OK);
    assert_int_equal(text.body.len, 50000);
    /* what is erased makes room again */
    assert_int_equal(store->ops->begin(store), STORE_OK);
    assert_int_equal(store->ops->text_erase(store, 1), STORE_OK);
    assert_int_equal(store->ops->commit(store), STORE_OK);
    assert_int_equal(tell_part(store, 0), STORE_FAILED); /* text 1 is there, erased or not */
    store->ops->rollback(store);
    assert_int_equal(store->ops->begin(store), STORE_OK);
    assert_int_equal(store->ops->boot_set(store, "works"), STORE_OK);
    assert_int_equal(store->ops->commit(store), STORE_OK);
    store_close(store);
    free(body);
}

/* In the database or its WAL, which keeps old pages until a checkpoint cuts it. */
static bool files_hold(const char *path, const char *words)
{
    char wal[sizeof(directory) + 64];
    struct bytes file = file_read(path), log;
    bool held = memmem(file.data, file.len, words, strlen(words)) != NULL;

    snprintf(wal, sizeof(wal), "%s-wal", path);
    log = file_read(wal);
    held = held || memmem(log.data, log.len, words, strlen(words)) != NULL;
    free(file.data);
    free(log.data);
    return held;
}

TEST(what_was_erased_is_in_no_file_any_more)
{
    static const char *const erased[] = {"the first body", "what the reader wrote", "reader-1"};
    const char *path = new_path();
    struct store *store = sqlite_open(path, false);
    int part;

    for (part = 0; part < STORE_STORY_ERASURE; part++)
        assert_int_equal(tell_part(store, part), STORE_OK);
    for (size_t i = 0; i < 3; i++)
        assert_true(files_hold(path, erased[i]));
    assert_int_equal(tell_part(store, part), STORE_OK);
    assert_true(files_hold(path, erased[0]));
    struct store *reader = sqlite_open(path, true);
    assert_int_equal(reader->ops->begin(reader), STORE_OK);
    assert_int_equal(reader->ops->event_last(reader, &(struct store_event){0}), STORE_OK);
    assert_int_equal(store->ops->tidy(store), STORE_OK); /* somebody reads: later */
    assert_true(files_hold(path, erased[0]));
    reader->ops->rollback(reader);
    store_close(store); /* what is to be done is known after a restart, too */
    store = sqlite_open(path, false);
    assert_int_equal(store->ops->tidy(store), STORE_OK);
    store_close(reader);
    for (size_t i = 0; i < 3; i++)
        assert_false(files_hold(path, erased[i]));
    assert_true(files_hold(path, "the second body"));
    store_close(store);
}

/* ---- SQLite: what the schema itself refuses ---- */

static int exec(const char *path, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_close(db);
    return code;
}

static void assert_refused(const char *path, const char *sql)
{
    int code = exec(path, sql);

    if (code != SQLITE_CONSTRAINT)
        fail_msg("%s: %d instead of a constraint", sql, code);
}

/* A file with all of the story but the erasure. */
static struct store *story_file(const char *path)
{
    struct store *store = sqlite_open(path, false);

    for (int part = 0; part < STORE_STORY_ERASURE; part++)
        assert_int_equal(tell_part(store, part), STORE_OK);
    return store;
}

static void refuse_all(const char *const *statements, size_t count)
{
    const char *path = new_path();
    struct store *store = story_file(path);
    char *before = store_dump(store);

    for (size_t i = 0; i < count; i++) {
        assert_refused(path, statements[i]);
        assert_dump(store, before);
    }
    store_close(store);
    free(before);
}

#define REFUSE(...)                                                                                                    \
    refuse_all((const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

TEST(the_schema_refuses_to_edit_a_text)
{
    REFUSE("UPDATE text SET body = 'forged' WHERE no = 1", "UPDATE text SET body = body || 'x'",
           "UPDATE text SET sha256 = zeroblob(32)", "UPDATE text SET salt = zeroblob(16)",
           "UPDATE text SET no = no + 10", "UPDATE text SET rowid = rowid + 10",
           "UPDATE OR REPLACE text SET no = 2 WHERE no = 1", "UPDATE OR IGNORE text SET body = 'forged'");
}

TEST(the_schema_refuses_to_fill_an_erased_text_again)
{
    const char *path = new_path();
    struct store *store = story_file(path);

    assert_int_equal(tell_part(store, STORE_STORY_ERASURE), STORE_OK);
    char *before = store_dump(store);
    assert_refused(path, "UPDATE text SET body = 'forged' WHERE no = 1");
    assert_refused(path, "UPDATE text SET sha256 = zeroblob(32) WHERE no = 1");
    assert_refused(path, "UPDATE text SET salt = zeroblob(16) WHERE no = 1");
    assert_dump(store, before);
    store_close(store);
    free(before);
}

TEST(the_schema_refuses_to_delete_or_replace_a_text)
{
    REFUSE("DELETE FROM text", "DELETE FROM text WHERE no = 2", "INSERT OR REPLACE INTO text SELECT * FROM text",
           "REPLACE INTO text SELECT * FROM text WHERE no = 1", "INSERT OR IGNORE INTO text SELECT * FROM text",
           "INSERT INTO text SELECT * FROM text WHERE true ON CONFLICT(no) DO UPDATE SET body = 'forged'",
           "INSERT OR REPLACE INTO text(no, body) VALUES(1, 'forged')");
}

TEST(the_schema_refuses_to_delete_or_replace_an_event)
{
    REFUSE("DELETE FROM event", "DELETE FROM event WHERE no = 5", "INSERT OR REPLACE INTO event SELECT * FROM event",
           "REPLACE INTO event SELECT * FROM event WHERE no = 1", "INSERT OR IGNORE INTO event SELECT * FROM event");
}

/* The names of a table's columns; the caller frees them. */
static size_t columns_of(const char *path, const char *table, char *names[32])
{
    sqlite3 *db;
    sqlite3_stmt *st;
    size_t count = 0;

    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT name FROM pragma_table_info(?)", -1, &st, NULL), SQLITE_OK);
    sqlite3_bind_text(st, 1, table, -1, SQLITE_STATIC);
    while (sqlite3_step(st) == SQLITE_ROW && count < 32)
        names[count++] = strdup((const char *)sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    sqlite3_close(db);
    assert_true(count > 5);
    return count;
}

TEST(the_schema_refuses_to_edit_any_column_of_an_event)
{
    const char *path = new_path();
    struct store *store = story_file(path);
    char *names[32], sql[256], *before = store_dump(store);
    size_t count = columns_of(path, "event", names);

    for (size_t i = 0; i < count; i++) {
        snprintf(sql, sizeof(sql), "UPDATE event SET \"%s\" = 77 WHERE no = 5", names[i]);
        assert_refused(path, sql);
        snprintf(sql, sizeof(sql), "UPDATE OR REPLACE event SET \"%s\" = 1 WHERE no = 5", names[i]);
        assert_refused(path, sql);
        free(names[i]);
    }
    assert_dump(store, before);
    store_close(store);
    free(before);
}

/* A new event with the number of an old record would push that one out: REPLACE deletes whatever is in its way. */
TEST(the_schema_refuses_to_replace_a_record_by_its_number_in_the_log)
{
    const char *path = new_path();
    struct store *store = story_file(path);
    char *names[32], sql[1024], *before = store_dump(store);
    size_t count = columns_of(path, "event", names);
    int n = snprintf(sql, sizeof(sql), "INSERT OR REPLACE INTO event SELECT no + 1");

    assert_string_equal(names[0], "no");
    for (size_t i = 1; i < count; i++)
        n += snprintf(sql + n, sizeof(sql) - (size_t)n, ", \"%s\"", names[i]);
    snprintf(sql + n, sizeof(sql) - (size_t)n, " FROM event WHERE no = 5");
    assert_refused(path, sql);
    assert_dump(store, before);
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    store_close(store);
    free(before);
}

TEST(the_schema_refuses_to_delete_or_replace_a_key)
{
    REFUSE("DELETE FROM key", "DELETE FROM key WHERE no = 2", "INSERT OR REPLACE INTO key SELECT * FROM key",
           "REPLACE INTO key SELECT * FROM key WHERE no = 1",
           "INSERT OR IGNORE INTO key SELECT * FROM key WHERE no = 1",
           "INSERT INTO key SELECT * FROM key WHERE no = 1 ON CONFLICT(no) DO UPDATE SET role = 3",
           "INSERT OR REPLACE INTO key SELECT 3, name, role, rights, public_key, uid, sites, created_at, created_by,"
           " expires_at, revoked_at FROM key WHERE no = 1",
           "INSERT INTO key SELECT no + 2, name, role, rights, NULL, 1, sites, created_at, created_by, expires_at,"
           " revoked_at FROM key WHERE no = 2");
}

/* Key 1 has an end and is revoked. */
TEST(the_schema_refuses_to_edit_any_column_of_a_key)
{
    const char *path = new_path();
    struct store *store = story_file(path);
    char *names[32], sql[256], *before = store_dump(store);
    size_t count = columns_of(path, "key", names);

    for (size_t i = 0; i < count; i++) {
        snprintf(sql, sizeof(sql), "UPDATE OR REPLACE key SET \"%s\" = 99999 WHERE no = 1", names[i]);
        assert_refused(path, sql);
        free(names[i]);
    }
    assert_refused(path, "UPDATE OR REPLACE key SET no = 2 WHERE no = 1");
    assert_refused(path, "UPDATE key SET expires_at = NULL WHERE no = 1");
    assert_refused(path, "UPDATE key SET revoked_at = NULL WHERE no = 1");
    assert_refused(path, "UPDATE key SET uid = 1, public_key = NULL WHERE no = 1");
    assert_dump(store, before);
    store_close(store);
    free(before);
}

static bool keep_key(void *arg, const struct store_key *key)
{
    ((struct store_key *)arg)[key->no - 1] = *key;
    return true;
}

TEST(what_no_operation_wrote_into_a_key_gives_no_rights)
{
    const char *path = new_path();
    struct store *store = story_file(path);
    struct store_key found[2];
    char sql[256];

    assert_int_equal(exec(path, "DROP TRIGGER key_is_never_edited; PRAGMA ignore_check_constraints = ON;"
                                "UPDATE key SET role = 77, rights = 255, name = 'key 1' || char(0) || 'x',"
                                " public_key = x'00' WHERE no = 1"),
                     SQLITE_OK);
    snprintf(sql, sizeof(sql), "UPDATE key SET role = -1, rights = -1, name = '%065d' WHERE no = 2", 0);
    assert_int_equal(exec(path, sql), SQLITE_OK);
    assert_int_equal(store->ops->key_scan(store, keep_key, found), STORE_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(found[i].role, ROLE_NONE);
        assert_int_equal(found[i].rights & RIGHTS_ALL, 0);
        assert_int_not_equal(found[i].rights, 0);
        assert_string_equal(found[i].name, "");
    }
    assert_false(found[0].has_public);
    store_close(store);
}

TEST(a_kind_that_no_event_has_is_read_as_none)
{
    static const int kinds[] = {0, -1, KIND_COUNT, 1 << 30};
    const char *path = new_path();
    struct store *store = story_file(path);
    struct store_event found;
    char sql[128];

    assert_int_equal(exec(path, "DROP TRIGGER event_is_never_edited"), SQLITE_OK);
    for (size_t i = 0; i < 4; i++) {
        snprintf(sql, sizeof(sql), "UPDATE event SET kind = %d WHERE no = 5", kinds[i]);
        assert_int_equal(exec(path, sql), SQLITE_OK);
        assert_int_equal(store->ops->event_get(store, 5, &found), STORE_OK);
        assert_int_equal(found.kind, KIND_NONE);
    }
    store_close(store);
}

/* ---- SQLite: files that are not ours ---- */

/* The file is refused with a reason, and nothing in it or beside it changes. (For reading it is only ever opened after
 * it was opened for writing.) */
static void assert_not_opened(const char *path)
{
    char reason[256] = "";
    struct bytes before = file_read(path);
    int files = files_at(path);

    assert_null(store_sqlite_open(path, false, DATABASE_BYTES, reason, sizeof(reason)));
    assert_true(strlen(reason) > 0);
    struct bytes after = file_read(path);
    assert_int_equal(after.len, before.len);
    assert_memory_equal(after.data, before.data, before.len);
    assert_int_equal(files_at(path), files);
    free(after.data);
    free(before.data);
}

TEST(a_newer_schema_is_refused_and_left_as_it_is)
{
    static const char *const modes[] = {"PRAGMA user_version = 1000; PRAGMA journal_mode = DELETE",
                                        "PRAGMA user_version = 1000; PRAGMA journal_mode = WAL"};

    for (int i = 0; i < 2; i++) {
        const char *path = new_path();
        store_close(story_file(path));
        assert_int_equal(exec(path, modes[i]), SQLITE_OK);
        assert_not_opened(path);
    }
}

TEST(a_database_of_another_program_is_refused_and_left_as_it_is)
{
    const char *path = new_path();

    assert_int_equal(exec(path, "PRAGMA application_id = 77; CREATE TABLE t(x); INSERT INTO t VALUES(1)"), SQLITE_OK);
    assert_not_opened(path);
    path = new_path();
    assert_int_equal(exec(path, "CREATE TABLE t(x); INSERT INTO t VALUES(1)"), SQLITE_OK);
    assert_not_opened(path);
}

TEST(a_file_that_is_no_database_is_refused_and_left_as_it_is)
{
    const char *path = new_path();
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        fputs("The first line of somebody's letter.\n", file);
    fclose(file);
    assert_not_opened(path);
}

TEST(a_store_that_is_not_there_is_not_made_for_reading)
{
    const char *path = new_path();
    char reason[256] = "";

    assert_null(store_sqlite_open(path, true, DATABASE_BYTES, reason, sizeof(reason)));
    assert_true(strlen(reason) > 0);
    assert_int_equal(files_at(path), 0);
}

TEST(a_store_in_a_directory_that_is_not_there_is_refused)
{
    char reason[256] = "";

    assert_null(store_sqlite_open("/nowhere/at/all/modq.db", false, DATABASE_BYTES, reason, sizeof(reason)));
    assert_true(strlen(reason) > 0);
}
