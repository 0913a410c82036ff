/* verify: what was written is found good on both back ends, and any change of it by other hands is named.
 * time-limit: 300 */
#include "../lib/store_fault.h"
#include "../lib/store_memory.h"
#include "../lib/talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

#define DATABASE_BYTES (INT64_C(1) << 30)

static bool is_true(const msgpack_object *reply, const char *path)
{
    const msgpack_object *value = rig_at(reply, path);
    return value && value->type == MSGPACK_OBJECT_BOOLEAN && value->via.boolean;
}

/* ---- a history with a bit of everything ---- */

static void add_key(const char *name, const char *rest, int number_of_it)
{
    good(DESK("{'op':'key_add','name':'%s',%s,'public_key':{'$bin':'%064x'}}", name, rest, number_of_it + 1));
}

static void tell_of_keys(void)
{
    add_key("web", "'role':'front','sites':['news','blog']", 1);
    add_key("ann", "'role':'moderator','rights':['undo','bulk'],'expires_at':4000000000000", 2);
    good(DESK("{'op':'key_add','name':'bob','role':'administrator','uid':1000}"));
    good(DESK("{'op':'key_rotate','name':'web','public_key':{'$bin':'%064x'}}", 77));
    good(DESK("{'op':'key_revoke','name':'bob'}"));
}

static void tell_of_comments(void)
{
    good(FRONT("{'op':'submit','comments':[{'site':'news','comment':'1','body':'one','article':{'id':'a','title':'A'},"
               "'author':{'id':'u1','name':'U'},'language':'en','extra':{'x':1}},"
               "{'site':'news','comment':'2','body':'two','author':{'id':'u2'}},"
               "{'site':'blog','comment':'1','body':'three'},{'site':'news','comment':'3','body':'four'}]}"));
    good(FRONT("{'op':'submit','comments':[{'site':'news','comment':'2','revision':5,'body':'two, again'},"
               "{'site':'news','comment':'2','revision':3,'body':'two, late'}]}"));
    good(DESK(
        "{'op':'approve','comments':[{'site':'news','comment':'1'},{'site':'blog','comment':'1'}],'note':'fine'}"));
    good(DESK("{'op':'reject','comments':[{'site':'news','comment':'2'}],'reasons':['other'],'note':'gone'}"));
    good(FRONT("{'op':'report','site':'news','comment':'1','reader':'r1','note':'hm'}"));
    good(DESK("{'op':'undo','records':[{'site':'news','seq':2}]}"));
    good(DESK("{'op':'claim','limit':2}"));
    good(DESK("{'op':'release'}"));
    good(DESK("{'op':'escalate','comments':[{'site':'news','comment':'3'}],'note':'look'}"));
    good(FRONT("{'op':'withdraw','site':'news','comment':'3'}"));
    good(FRONT("{'op':'withdraw','site':'blog','comment':'never'}"));
    good(DESK("{'op':'erase','comments':[{'site':'news','comment':'2'}]}"));
    good(FRONT("{'op':'submit','comments':[{'site':'news','comment':'1','revision':2,'body':'one, edited'}]}"));
}

#define ABOUT "'site':'news','author':"

/* One author who is marked twice, one who was erased and is marked again, and a note on a comment. */
static void tell_of_authors(void)
{
    good(DESK("{'op':'author_mark'," ABOUT "'u1','mark':'watched','note':'links','until':4000000000000}"));
    good(DESK("{'op':'author_note'," ABOUT "'u2','note':'spoke with'}"));
    good(DESK("{'op':'author_note'," ABOUT "'u1','note':'wrote to'}"));
    good(DESK("{'op':'author_mark'," ABOUT "'u2','mark':'blocked','note':'spam'}"));
    good(DESK("{'op':'author_mark'," ABOUT "'u1','mark':'trusted','note':'settled'}"));
    good(DESK("{'op':'author_erase'," ABOUT "'u2'}"));
    good(DESK("{'op':'author_mark'," ABOUT "'u2','mark':'none'}"));
    good(DESK("{'op':'note','site':'news','comment':'1','note':'seen'}"));
}

static void tell(void)
{
    tell_of_comments();
    tell_of_keys();
    tell_of_authors();
    good(FRONT("{'op':'submit','comments':[{'site':'news','comment':'9','body':'last'}]}"));
}

/* ---- verifying ---- */

static char found[16384]; /* "event 3 changed; text 4 missing; " */
static int64_t portions;

static void note_faults(const msgpack_object *reply)
{
    const msgpack_object *faults = rig_at(reply, "faults");

    for (size_t i = 0; i < mp_count(faults); i++) {
        const msgpack_object *fault = mp_item(faults, i);
        struct slice table = mp_get_str(fault, "table"), what = mp_get_str(fault, "fault");
        size_t at = strlen(found);
        assert_true(mp_get_str(fault, "detail").len > 0);
        snprintf(found + at, sizeof(found) - at, "%.*s %lld %.*s; ", (int)table.len, table.data,
                 (long long)mp_get_int(fault, "no", -77), (int)what.len, what.data);
    }
}

/* Everything, `limit` events at a time, as a client goes on from answer to answer. What it said is in `found`. */
static const msgpack_object *verify(int64_t limit, bool with_counts)
{
    const msgpack_object *reply = DESK("{'op':'verify','limit':%lld}", (long long)limit);

    found[0] = '\0';
    note_faults(reply);
    for (portions = 1; !is_true(reply, "done"); portions++) {
        struct out request = {0};
        out_map(&request);
        out_key_int(&request, "v", 1);
        out_key_cstr(&request, "op", "verify");
        out_key_int(&request, "limit", limit);
        out_key_int(&request, "after", number(reply, "last"));
        out_key_bin(&request, "hash", mp_bin(rig_at(reply, "hash")));
        if (with_counts)
            out_key_bin(&request, "counts", mp_bin(rig_at(reply, "counts")));
        out_end(&request);
        reply = rig_ask_packed(&rig, DOOR_DESK, out_slice(&request));
        out_free(&request);
        if (!reply || rig.wrong[0] || !is_true(reply, "ok"))
            fail_msg("%s", reply ? rig_text(reply) : "no answer");
        note_faults(reply);
        assert_true(portions < 100000);
    }
    return reply;
}

static void expect(const char *faults)
{
    static const int64_t limits[] = {5000, 7, 1};

    for (size_t i = 0; i < 3; i++) {
        verify(limits[i], true);
        if (strcmp(found, faults) != 0)
            fail_msg("%lld at a time: \"%s\" and not \"%s\"", (long long)limits[i], found, faults);
    }
}

TEST(a_store_of_nothing_is_good)
{
    begin_as_root(store_memory_open());
    const msgpack_object *reply = verify(10, true);
    assert_string_equal(found, "");
    assert_int_equal(number(reply, "last"), 0);
    assert_int_equal(number(reply, "newest"), 0);
    assert_int_equal(mp_bin(rig_at(reply, "hash")).len, SHA256_BYTES);
    assert_int_equal(portions, 1);
    rig_close(&rig);
}

TEST(what_the_daemon_wrote_is_good_in_memory)
{
    begin_as_root(store_memory_open());
    tell();
    expect("");
    rig_close(&rig);
}

/* ---- a file, and what other hands do to it ---- */

static char path[256];
static char *image;
static size_t image_bytes;
static int64_t newest;

static struct store *open_file(void)
{
    char reason[256] = "";
    struct store *store = store_sqlite_open(path, false, DATABASE_BYTES, reason, sizeof(reason));

    if (!store)
        fail_msg("%s", reason);
    return store;
}

/* Operations that were used before are not used again. */
static void open_rig(void)
{
    static uint64_t operations;

    begin_as_root(open_file());
    rig.operations = operations += 1000;
}

static void remove_file(void)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[sizeof(path) + 8];

    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        unlink(name);
    }
}

static void read_image(void)
{
    FILE *file = fopen(path, "rb");

    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    image_bytes = (size_t)ftell(file);
    rewind(file);
    image = malloc(image_bytes);
    assert_int_equal(fread(image, 1, image_bytes, file), image_bytes);
    fclose(file);
}

static void make_image(void)
{
    snprintf(path, sizeof(path), "%s/modq-verify-XXXXXX", unit_database_dir());
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    atexit(remove_file);
    open_rig();
    tell();
    newest = ledger_next(rig.work.ledger) - 1;
    rig_close(&rig);
    read_image();
}

static void write_image(void)
{
    if (!image)
        make_image();
    remove_file();
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(image, 1, image_bytes, file), image_bytes);
    fclose(file);
}

/* Whoever can write the file is not stopped by triggers and constraints. Returns the rows changed, or -1. */
static int by_hand(const char *sql)
{
    static const char disarm[] =
        "PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF;"
        "DROP TRIGGER IF EXISTS text_is_never_edited; DROP TRIGGER IF EXISTS text_is_never_deleted;"
        "DROP TRIGGER IF EXISTS text_takes_a_higher_number; DROP TRIGGER IF EXISTS event_is_never_edited;"
        "DROP TRIGGER IF EXISTS event_is_never_deleted; DROP TRIGGER IF EXISTS event_takes_the_next_number;"
        "DROP TRIGGER IF EXISTS key_is_never_edited; DROP TRIGGER IF EXISTS key_is_never_deleted;"
        "DROP TRIGGER IF EXISTS key_takes_the_next_number;";
    sqlite3 *db;
    int changed = -1;

    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, disarm, NULL, NULL, NULL), SQLITE_OK);
    int before = sqlite3_total_changes(db);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
        changed = sqlite3_total_changes(db) - before;
    sqlite3_close(db);
    return changed;
}

/* Opens a fresh copy to which somebody has done something. */
static void tampered(const char *format, ...) __attribute__((format(printf, 1, 2)));

static char done[2048];

static void tampered(const char *format, ...)
{
    va_list args;

    write_image();
    va_start(args, format);
    vsnprintf(done, sizeof(done), format, args);
    va_end(args);
    if (by_hand(done) < 1)
        fail_msg("%s: nothing was changed", done);
    open_rig();
}

/* Those, and no other; but where an event was put into another place, also what is missed in the one where it was: a
 * site's newest record, what it told of a key. */
static bool is_expected(const char *faults)
{
    bool moved = strstr(done, "\"event\" SET \"s") || strstr(done, "\"event\" SET \"kind");

    for (char *at = found; moved && *at;) {
        char *next = strchr(at, ';') + 2;
        if (strncmp(at, "site ", 5) == 0 || strncmp(at, "key ", 4) == 0)
            memmove(at, next, strlen(next) + 1);
        else
            at = next;
    }
    return strcmp(found, faults) == 0;
}

static void expect_tampered(const char *faults)
{
    static const int64_t limits[] = {5000, 1};

    for (size_t i = 0; i < 2; i++) {
        verify(limits[i], true);
        if (!is_expected(faults))
            fail_msg("%s, %lld at a time: \"%s\" and not \"%s\"", done, (long long)limits[i], found, faults);
    }
    rig_close(&rig);
}

TEST(what_the_daemon_wrote_is_good_in_a_file)
{
    write_image();
    open_rig();
    expect("");
    rig_close(&rig);
}

static size_t texts_of(const char *sql, char *values[64])
{
    sqlite3 *db;
    sqlite3_stmt *st;
    size_t n = 0;

    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    while (sqlite3_step(st) == SQLITE_ROW && n < 64)
        values[n++] = strdup((const char *)sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    sqlite3_close(db);
    assert_true(n > 0);
    return n;
}

static void free_all(char *values[64], size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(values[i]);
}

/* Ways to make a value another one. */
static const char *const ways[] = {
    "CASE typeof(%1$s) WHEN 'integer' THEN %1$s + 1 WHEN 'text' THEN %1$s || 'x' WHEN 'blob' THEN x'80' || %1$s"
    " ELSE 1 END",
    "CASE typeof(%1$s) WHEN 'integer' THEN %1$s - 1 WHEN 'text' THEN 'x' || %1$s WHEN 'blob' THEN zeroblob(32)"
    " ELSE 'x' END",
    "CASE typeof(%1$s) WHEN 'integer' THEN 1000000 WHEN 'text' THEN '' WHEN 'blob' THEN x'' ELSE x'00' END",
    "NULL",
};

/* Changes every column but the number of every row in every way, and expects that row to be named, and no other. */
static void change_every_column(const char *table, const char *number_column)
{
    char *columns[64], *rows[64], sql[512], value[512], wanted[64];
    int changes = 0;

    write_image();
    snprintf(sql, sizeof(sql), "SELECT name FROM pragma_table_info('%s') WHERE name <> '%s'", table, number_column);
    size_t column_count = texts_of(sql, columns);
    snprintf(sql, sizeof(sql), "SELECT %s FROM \"%s\"", number_column, table);
    size_t row_count = texts_of(sql, rows);
    for (size_t r = 0; r < row_count; r++)
        for (size_t c = 0; c < column_count; c++)
            for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
                char column[80];
                snprintf(column, sizeof(column), "\"%s\"", columns[c]);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                snprintf(value, sizeof(value), ways[w], column);
#pragma GCC diagnostic pop
                snprintf(done, sizeof(done), "UPDATE \"%s\" SET %s = %s WHERE %s = %s AND %s IS NOT (%s)", table,
                         column, value, number_column, rows[r], column, value);
                write_image();
                if (by_hand(done) < 1)
                    continue; /* it is so already, or may not be NULL */
                changes++;
                open_rig();
                snprintf(wanted, sizeof(wanted), "%s %s changed; ", table, rows[r]);
                expect_tampered(wanted);
            }
    assert_true(changes > (int)(row_count * column_count));
    free_all(columns, column_count);
    free_all(rows, row_count);
}

TEST(a_change_of_any_column_of_any_event_is_named)
{
    change_every_column("event", "no");
}

TEST(a_change_of_any_column_of_any_text_is_named)
{
    change_every_column("text", "no");
}

TEST(a_change_of_any_column_of_any_note_is_named)
{
    change_every_column("note", "event");
}

TEST(a_change_of_any_column_of_any_key_is_named)
{
    change_every_column("key", "no");
}

/* ---- rows that go and come ---- */

static int64_t count_of(const char *word)
{
    int64_t n = 0;

    for (const char *at = found; (at = strstr(at, word)); at++)
        n++;
    return n;
}

static bool names(const char *fault)
{
    return strstr(found, fault) != NULL;
}

/* Whether anything is said of the table but what is expected. */
static bool names_others(const char *table, const char *expected)
{
    for (const char *at = found; *at; at = strchr(at, ';') + 2)
        if (strncmp(at, table, strlen(table)) == 0 && strncmp(at, expected, strlen(expected)) != 0)
            return true;
    return false;
}

TEST(an_event_that_is_missing_is_named_and_no_other)
{
    char wanted[64];

    write_image();
    for (int64_t no = 1; no < newest; no++) {
        tampered("DELETE FROM event WHERE no = %lld", (long long)no);
        snprintf(wanted, sizeof(wanted), "event %lld missing; ", (long long)no);
        for (int64_t limit = 1; limit <= 5000; limit += 4999) {
            verify(limit, true);
            if (!names(wanted) || names_others("event", wanted) || names_others("text", "") || names_others("note", ""))
                fail_msg("%s, %lld at a time: %s", done, (long long)limit, found);
        }
        rig_close(&rig);
    }
}

TEST(events_that_are_cut_off_at_the_end_are_missed)
{
    write_image();
    for (int64_t last = newest - 1; last >= 0; last--) {
        tampered("DELETE FROM event WHERE no > %lld", (long long)last);
        for (int64_t limit = 1; limit <= 5000; limit += 4999) {
            verify(limit, true);
            if (!*found)
                fail_msg("%s, %lld at a time: nothing is missed", done, (long long)limit);
        }
        rig_close(&rig);
    }
}

#define EVENT_REST "at, kind, site, comment, revision, text, actor, NULL, previous, data, hash, via"

TEST(an_event_that_was_added_is_named)
{
    char wanted[64];

    write_image();
    snprintf(wanted, sizeof(wanted), "event %lld inserted; ", (long long)newest + 1);
    for (int64_t no = 1; no <= newest; no++) {
        tampered("INSERT INTO event SELECT %lld, " EVENT_REST " FROM event WHERE no = %lld AND site > 0"
                 " UNION ALL SELECT %lld, " EVENT_REST " FROM event WHERE no = 1 AND NOT EXISTS"
                 " (SELECT 1 FROM event WHERE no = %lld AND site > 0)",
                 (long long)newest + 1, (long long)no, (long long)newest + 1, (long long)no);
        verify(5000, true);
        if (!names(wanted) || names_others("event", wanted))
            fail_msg("%s: %s", done, found);
        rig_close(&rig);
    }
}

TEST(an_event_that_was_put_between_others_is_found)
{
    tampered("UPDATE event SET no = -no - 1 WHERE no >= 10; UPDATE event SET no = -no WHERE no < 0;"
             "INSERT INTO event SELECT 10, " EVENT_REST " FROM event WHERE no = 3");
    verify(5000, true);
    assert_true(names("event 10 changed; ") || names("event 10 inserted; "));
    rig_close(&rig);
}

TEST(an_event_with_another_number_is_missed)
{
    tampered("UPDATE event SET no = 1000 WHERE no = 7");
    verify(5000, true);
    assert_true(names("event 7 missing; "));
    rig_close(&rig);
    tampered("UPDATE event SET no = -7 WHERE no = 7");
    verify(3, true);
    assert_true(names("event 7 missing; ") && names("event -7 inserted; "));
    rig_close(&rig);
    tampered("UPDATE event SET no = -1 WHERE no = 7; UPDATE event SET no = 7 WHERE no = 8;"
             "UPDATE event SET no = 8 WHERE no = -1");
    verify(5000, true);
    assert_true(names("event 7 changed; ") && names("event 8 changed; "));
    rig_close(&rig);
}

static void delete_each(const char *table, const char *number_column)
{
    char *rows[64], sql[128], wanted[64];

    write_image();
    snprintf(sql, sizeof(sql), "SELECT %s FROM \"%s\"", number_column, table);
    size_t n = texts_of(sql, rows);
    for (size_t i = 0; i < n; i++) {
        tampered("DELETE FROM \"%s\" WHERE %s = %s", table, number_column, rows[i]);
        snprintf(wanted, sizeof(wanted), "%s %s missing; ", table, rows[i]);
        expect_tampered(wanted);
    }
    free_all(rows, n);
}

TEST(a_text_that_is_missing_is_named)
{
    delete_each("text", "no");
}

TEST(a_note_that_is_missing_is_named)
{
    delete_each("note", "event");
}

TEST(a_key_that_is_missing_is_named)
{
    delete_each("key", "no");
}

/* At a number that an event has (8 approved a comment), before all, and behind all. */
TEST(a_text_that_was_added_is_named)
{
    static const int64_t numbers[] = {8, -5, 100000};
    char wanted[64];

    for (size_t i = 0; i < 3; i++) {
        tampered(
            "INSERT INTO text SELECT %lld, 0, revision, received_at, article, author, language, sha256, salt, meta,"
            " body FROM text WHERE no = 1",
            (long long)numbers[i]);
        snprintf(wanted, sizeof(wanted), "text %lld inserted; ", (long long)numbers[i]);
        expect_tampered(wanted);
    }
}

TEST(a_note_that_was_added_is_named)
{
    static const int64_t numbers[] = {1, -5, 100000};
    char wanted[64];

    for (size_t i = 0; i < 3; i++) {
        tampered("INSERT INTO note VALUES(%lld, zeroblob(16), 'never written')", (long long)numbers[i]);
        snprintf(wanted, sizeof(wanted), "note %lld inserted; ", (long long)numbers[i]);
        expect_tampered(wanted);
    }
}

TEST(a_key_that_was_added_is_named)
{
    tampered("INSERT INTO key SELECT 9, 'mallory', 3, 0, zeroblob(32), NULL, NULL, 1, 'root', NULL, NULL");
    expect_tampered("key 9 inserted; ");
    tampered("INSERT INTO key SELECT 0, 'mallory', 3, 0, zeroblob(32), NULL, NULL, 1, 'root', NULL, NULL");
    expect_tampered("key 0 inserted; ");
}

/* ---- what an erasure took, and what only looks like one ---- */

TEST(a_text_that_is_emptied_without_an_erasure_is_named)
{
    tampered("UPDATE text SET article = NULL, author = NULL, language = NULL, sha256 = NULL, salt = NULL, meta = NULL,"
             " body = NULL WHERE no = 1");
    expect_tampered("text 1 changed; ");
}

TEST(an_erased_text_and_note_that_come_back_are_named)
{
    write_image();
    open_rig();
    good(FRONT("{'op':'submit','comments':[{'site':'news','comment':'back','body':'unwanted'}]}"));
    good(DESK("{'op':'approve','comments':[{'site':'news','comment':'back'}],'note':'unwanted, too'}"));
    by_hand("CREATE TABLE kept_text AS SELECT * FROM text; CREATE TABLE kept_note AS SELECT * FROM note");
    good(DESK("{'op':'erase','comments':[{'site':'news','comment':'back'}]}"));
    expect("");
    snprintf(done, sizeof(done),
             "DELETE FROM text WHERE no = %lld; INSERT INTO text SELECT * FROM kept_text WHERE no = %lld;"
             "INSERT INTO note SELECT * FROM kept_note WHERE event = %lld",
             (long long)newest + 1, (long long)newest + 1, (long long)newest + 2);
    assert_int_equal(by_hand(done), 3);
    char wanted[128];
    snprintf(wanted, sizeof(wanted), "text %lld changed; note %lld changed; ", (long long)newest + 1,
             (long long)newest + 2);
    expect_tampered(wanted);
}

TEST(a_state_that_no_event_made_is_named)
{
    static const char *const changes[] = {"state = 2",           "state = 5",       "record = 0",
                                          "record = 1",          "record = 100000", "last_event = 0",
                                          "last_event = 100000", "newest_text = 0"};

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        tampered("UPDATE comment SET %s WHERE site = 1 AND id = '1'", changes[i]);
        verify(5000, true);
        if (!*found)
            fail_msg("%s: nothing is wrong", done);
        rig_close(&rig);
    }
    tampered("DELETE FROM comment WHERE site = 1 AND id = '1'");
    verify(5000, true);
    assert_true(names("comment 1 missing; "));
    rig_close(&rig);
}

/* ---- authors ---- */

static int64_t last_event_of(const char *author)
{
    struct store_author row;

    write_image();
    open_rig();
    assert_int_equal(rig.store->ops->author_get(rig.store, 1, slice_of(author), &row), STORE_OK);
    rig_close(&rig);
    return row.last_event;
}

TEST(a_mark_that_no_event_set_is_named)
{
    static const char *const changes[] = {"mark = 3", "until = 0 + 4000000000001", "marked = 1",
                                          "mark = 0, marked = 0"};
    char wanted[64];

    snprintf(wanted, sizeof(wanted), "author %lld changed; ", (long long)last_event_of("u1"));
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        tampered("UPDATE author SET %s WHERE id = 'u1'", changes[i]);
        expect_tampered(wanted);
    }
    tampered("UPDATE author SET last_event = 0 WHERE id = 'u2'");
    verify(5000, true);
    assert_true(names("event ") && names(" inserted; "));
    rig_close(&rig);
}

TEST(an_author_who_is_missing_is_named)
{
    char wanted[64];

    snprintf(wanted, sizeof(wanted), "author %lld missing; ", (long long)last_event_of("u2"));
    tampered("DELETE FROM author WHERE id = 'u2'");
    expect_tampered(wanted);
}

/* As an erasure leaves it, but no erasure was there, or one of another author's. */
TEST(what_only_looks_like_an_erasure_of_words_is_named)
{
    int64_t last = last_event_of("u1");
    char wanted[64];

    snprintf(wanted, sizeof(wanted), "note %lld changed; ", (long long)last);
    tampered("UPDATE note SET salt = x'', text = x'01' WHERE event = %lld", (long long)last);
    expect_tampered(wanted);
    tampered("UPDATE note SET salt = x'', text = x'64' WHERE event = %lld", (long long)last);
    expect_tampered(wanted);
    snprintf(wanted, sizeof(wanted), "note %lld missing; ", (long long)last);
    tampered("DELETE FROM note WHERE event = %lld", (long long)last);
    expect_tampered(wanted);
    tampered("UPDATE note SET salt = x'', text = (SELECT text FROM note WHERE length(salt) = 0 LIMIT 1)"
             " WHERE event = (SELECT min(event) FROM note WHERE cast(text AS TEXT) LIKE '%%u1%%')");
    verify(5000, true);
    assert_true(*found);
    rig_close(&rig);
}

TEST(erased_words_about_an_author_that_come_back_are_named)
{
    write_image();
    open_rig();
    by_hand("CREATE TABLE kept_note AS SELECT * FROM note");
    good(DESK("{'op':'author_erase'," ABOUT "'u1'}"));
    expect("");
    snprintf(done, sizeof(done),
             "UPDATE note SET (salt, text) = (SELECT k.salt, k.text FROM kept_note k"
             " WHERE k.event = note.event) WHERE length(salt) = 0 AND event IN"
             " (SELECT event FROM kept_note WHERE length(salt) > 0)");
    assert_int_equal(by_hand(done), 3);
    verify(5000, true);
    assert_int_equal(count_of("author "), 3);
    assert_int_equal(count_of("missing; "), 3);
    rig_close(&rig);
}

/* ---- sites ---- */

TEST(figures_of_a_site_that_are_not_those_of_its_log_are_named)
{
    static const char *const changes[] = {"newest = newest + 1", "newest = newest - 1", "submitted = submitted + 1",
                                          "approved = approved + 1, rejected = rejected - 1", "erased = 0"};

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        tampered("UPDATE site SET %s WHERE no = 1", changes[i]);
        expect_tampered("site 1 changed; ");
    }
    tampered("DELETE FROM site WHERE no = 1");
    verify(5000, true);
    assert_true(names("site 1 missing; "));
    rig_close(&rig);
}

/* Without `counts` from answer to answer, one count more and another less is not seen; the numbers of records are. */
TEST(a_client_that_does_not_hand_counts_on_misses_only_them)
{
    tampered("UPDATE site SET approved = approved + 1, rejected = rejected - 1 WHERE no = 1");
    verify(7, false);
    assert_string_equal(found, "");
    rig_close(&rig);
    tampered("UPDATE site SET newest = newest + 1 WHERE no = 1");
    verify(7, false);
    assert_string_equal(found, "site 1 changed; ");
    rig_close(&rig);
}

/* ---- from answer to answer ---- */

static const char *error_of(const msgpack_object *reply)
{
    static char text[64];
    struct slice name = mp_str(rig_at(reply, "error.name"));

    snprintf(text, sizeof(text), "%.*s", (int)name.len, name.data ? name.data : "");
    return text;
}

TEST(a_past_that_is_another_than_in_the_answer_before_is_named)
{
    write_image();
    open_rig();
    note_faults(DESK("{'op':'verify','after':3,'hash':{'$bin':'%064x'}}", 1));
    found[0] = '\0';
    note_faults(DESK("{'op':'verify','after':3,'hash':{'$bin':'%064x'}}", 1));
    assert_string_equal(found, "event 3 changed; ");
    assert_string_equal(error_of(DESK("{'op':'verify','after':%lld}", (long long)newest + 1)), "out_of_range");
    assert_string_equal(error_of(DESK("{'op':'verify','hash':{'$bin':'00'}}")), "too_short");
    assert_string_equal(error_of(DESK("{'op':'verify','limit':5001}")), "out_of_range");
    assert_string_equal(error_of(DESK("{'op':'verify','after':1,'counts':{'$bin':'00'}}")), "bad_value");
    /* {"sites": [[1, 2^63 - 1]]} and {"sites": [[1, -1]]} */
    assert_string_equal(
        error_of(DESK("{'op':'verify','after':1,'counts':{'$bin':'81a57369746573919201cf7fffffffffffffff'}}")),
        "bad_value");
    assert_string_equal(error_of(DESK("{'op':'verify','after':1,'counts':{'$bin':'81a57369746573919201ff'}}")),
                        "bad_value");
    rig_close(&rig);
}

TEST(answers_go_on_where_the_one_before_ended)
{
    write_image();
    open_rig();
    const msgpack_object *reply = DESK("{'op':'verify','limit':7}");
    struct store_event event;
    assert_int_equal(number(reply, "last"), 7);
    assert_int_equal(number(reply, "newest"), newest);
    assert_false(is_true(reply, "done"));
    assert_int_equal(rig.store->ops->event_get(rig.store, 7, &event), STORE_OK);
    assert_memory_equal(mp_bin(rig_at(reply, "hash")).data, event.hash.data, SHA256_BYTES);
    verify(7, true);
    assert_int_equal(portions, (newest + 6) / 7);
    good(FRONT("{'op':'submit','comments':[{'site':'new','comment':'1','body':'later'}]}"));
    reply = DESK("{'op':'verify','after':%lld}", (long long)newest);
    assert_int_equal(number(reply, "last"), newest + 1);
    assert_true(is_true(reply, "done"));
    assert_int_equal(mp_count(rig_at(reply, "faults")), 0);
    rig_close(&rig);
}

TEST(more_faults_than_an_answer_holds_are_told_in_the_next)
{
    write_image();
    open_rig();
    for (int i = 0; i < 300; i++)
        good(FRONT("{'op':'submit','comments':[{'site':'news','comment':'m%d','body':'body %d'}]}", i, i));
    snprintf(done, sizeof(done),
             "UPDATE event SET previous = no + 1 WHERE no > %lld; UPDATE text SET body = 'x',"
             " previous = no + 1 WHERE no > %lld",
             (long long)newest, (long long)newest);
    assert_int_equal(by_hand(done), 600);
    verify(5000, true);
    assert_true(portions > 5);
    assert_int_equal(count_of("event "), 300);
    assert_int_equal(count_of("text "), 300);
    rig_close(&rig);
}

/* ---- a store that fails ---- */

TEST(a_store_that_fails_at_any_call_gives_no_answer_instead_of_a_good_one)
{
    struct store *store = store_fault_open(store_memory_open());
    uint64_t nth = 0;
    bool failed = true;

    begin_as_root(store);
    tell();
    while (failed) {
        store_fault_arm(store, ++nth, STORE_FAILED, false);
        uint64_t before = store_fault_failures(store);
        const msgpack_object *reply = rig_ask(&rig, DOOR_DESK, "{'op':'verify'}");
        failed = store_fault_failures(store) > before;
        assert_true(failed == !reply);
    }
    store_fault_disarm(store);
    assert_in_range(nth, 20, 1000);
    rig_close(&rig);
}

/* ---- a database of the version before ---- */

static void unpack_version_1(void)
{
    char command[1024];

    if (!image)
        make_image();
    remove_file();
    snprintf(command, sizeof(command), "gzip -dc '%s/tests/data/version-1.db.gz' > '%s'", unit_source_dir(), path);
    assert_int_equal(system(command), 0);
}

/* All that version 1 holds, in the order of its tables; the caller frees it. */
static char *contents(void)
{
    static const char *const queries[] = {
        "SELECT * FROM meta WHERE key <> 'boot' ORDER BY key",
        "SELECT no, name, newest, pending, submitted, approved, rejected, reopened, withdrawn, erased FROM site"
        " ORDER BY no",
        "SELECT site, id, state, lane, held, revision, text, newest_text, last_event, record, decision, approval,"
        " due_at, reports, revisions, claimed_by, claimed_until FROM comment ORDER BY site, id",
        "SELECT * FROM text ORDER BY no",
        "SELECT no, at, kind, site, comment, revision, text, actor, seq, previous, data, hash FROM event ORDER BY no",
        "SELECT * FROM note ORDER BY event",
        "SELECT * FROM report ORDER BY site, comment, reader",
        "SELECT * FROM article ORDER BY site, id",
        "SELECT * FROM listener ORDER BY site, name",
        "SELECT * FROM operation ORDER BY id"};
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    sqlite3 *db;
    sqlite3_stmt *st;

    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        int rows = 0;
        assert_int_equal(sqlite3_prepare_v2(db, queries[i], -1, &st, NULL), SQLITE_OK);
        for (; sqlite3_step(st) == SQLITE_ROW; rows++)
            for (int c = 0; c < sqlite3_column_count(st); c++) {
                const unsigned char *value = sqlite3_column_blob(st, c);
                fprintf(out, "%s%d:", c ? " " : "\n", sqlite3_column_type(st, c));
                for (int b = 0; b < sqlite3_column_bytes(st, c); b++)
                    fprintf(out, "%02x", value[b]);
            }
        if (rows == 0)
            fail_msg("%s: nothing", queries[i]);
        sqlite3_finalize(st);
    }
    sqlite3_close(db);
    fclose(out);
    return text;
}

TEST(a_database_of_version_1_is_opened_and_nothing_of_it_differs)
{
    unpack_version_1();
    char *before = contents();
    open_rig();
    char *after = contents();
    assert_string_equal(before, after);
    expect("");
    assert_int_equal(number(verify(5000, true), "newest"), 84);
    rig_close(&rig);
    free(before);
    free(after);
}

TEST(a_database_of_version_1_goes_on)
{
    unpack_version_1();
    open_rig();
    good(DESK("{'op':'approve','comments':[{'site':'gazette','comment':'c28'}],'note':'by the new one'}"));
    tell();
    expect("");
    rig_close(&rig);
    open_rig();
    expect("");
    struct store_event event;
    assert_int_equal(rig.store->ops->event_get(rig.store, 84, &event), STORE_OK);
    assert_null(event.via.data);
    assert_int_equal(rig.store->ops->event_last(rig.store, &event), STORE_OK);
    assert_true(slice_is(event.via, "uid:0"));
    rig_close(&rig);
}

/* Neither what an event was said to have come by, nor what came with a text (of which it says nothing), goes unseen. */
TEST(a_change_of_an_event_of_version_1_is_named)
{
    unpack_version_1();
    snprintf(done, sizeof(done), "UPDATE event SET via = 'key:1' WHERE no = 50");
    assert_int_equal(by_hand(done), -1); /* there is no such column before it is opened */
    open_rig();
    assert_int_equal(by_hand(done), 1);
    expect("event 50 changed; ");
    rig_close(&rig);
}
