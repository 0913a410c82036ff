/* fsck: whatever the daemon does, its counts equal its log, while it works, too; and what other hands make differ is
 * named. */
#include "../lib/store_memory.h"
#include "../lib/talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

#define DATABASE_BYTES (INT64_C(1) << 30)

/* ---- fsck, slice by slice ---- */

static char found[65536]; /* one line a fault */
static int64_t slices;

static void note_faults(const msgpack_object *reply)
{
    const msgpack_object *faults = rig_at(reply, "faults");

    assert_true(mp_count(faults) <= 100);
    for (size_t i = 0; i < mp_count(faults); i++) {
        const msgpack_object *fault = mp_item(faults, i);
        struct slice table = mp_get_str(fault, "table"), what = mp_get_str(fault, "fault");
        struct slice site = mp_get_str(fault, "site"), comment = mp_get_str(fault, "comment");
        struct slice detail = mp_get_str(fault, "detail");
        size_t at = strlen(found);
        assert_true(detail.len > 0);
        snprintf(found + at, sizeof(found) - at, "%.*s %.*s/%.*s %.*s: %.*s\n", (int)table.len, table.data,
                 (int)site.len, site.data ? site.data : "", (int)comment.len, comment.data ? comment.data : "",
                 (int)what.len, what.data, (int)detail.len, detail.data);
    }
}

static const msgpack_object *next_slice(struct slice state, int64_t limit)
{
    struct out request = {0};

    out_map(&request);
    out_key_int(&request, "v", 1);
    out_key_cstr(&request, "op", "fsck");
    out_key_int(&request, "limit", limit);
    if (state.data)
        out_key_bin(&request, "state", state);
    out_end(&request);
    const msgpack_object *reply = rig_ask_packed(&rig, DOOR_DESK, out_slice(&request));
    out_free(&request);
    return reply;
}

/* Everything; between the slices the daemon works. What was found is in `found`. */
static const msgpack_object *fsck(int64_t limit, void (*between)(void))
{
    const msgpack_object *reply = NULL;

    found[0] = '\0';
    for (slices = 0; !reply || mp_bin(rig_at(reply, "state")).data; slices++) {
        reply = next_slice(reply ? mp_bin(rig_at(reply, "state")) : SLICE_NONE, limit);
        if (!reply || rig.wrong[0])
            fail_msg("%s", reply ? rig.wrong : "no answer");
        note_faults(reply);
        assert_true(slices < 1000000);
        if (between)
            between();
    }
    return reply;
}

static void expect_clean(void)
{
    static const int64_t limits[] = {20000, 7, 1};

    for (size_t i = 0; i < 3; i++) {
        fsck(limits[i], NULL);
        if (found[0])
            fail_msg("%lld at a time:\n%s", (long long)limits[i], found);
    }
}

/* ---- a history with a bit of everything ---- */

static void tell(void)
{
    good(FRONT("{'op':'submit','comments':[{'site':'news','comment':'1','body':'one','article':{'id':'a','title':'A'},"
               "'author':{'id':'u1','name':'U'},'language':'en','extra':{'x':1}},"
               "{'site':'news','comment':'2','body':'two','author':{'id':'u2'}},"
               "{'site':'blog','comment':'1','body':'three'},{'site':'news','comment':'3','body':'four'},"
               "{'site':'news','comment':'4','body':'five'}]}"));
    good(FRONT("{'op':'submit','comments':[{'site':'news','comment':'2','revision':5,'body':'two, again'},"
               "{'site':'news','comment':'2','revision':3,'body':'two, late'}]}"));
    good(DESK("{'op':'approve','comments':[{'site':'news','comment':'1'},{'site':'blog','comment':'1'}],"
              "'note':'fine'}"));
    good(DESK("{'op':'reject','comments':[{'site':'news','comment':'2'}],'reasons':['other'],'note':'gone'}"));
    good(FRONT("{'op':'report','site':'news','comment':'1','reader':'r1','note':'hm'}"));
    good(DESK("{'op':'undo','records':[{'site':'news','seq':2}]}"));
    good(DESK("{'op':'escalate','comments':[{'site':'news','comment':'3'}],'note':'look'}"));
    good(FRONT("{'op':'withdraw','site':'news','comment':'3'}"));
    good(FRONT("{'op':'withdraw','site':'blog','comment':'never'}"));
    good(DESK("{'op':'reject','comments':[{'site':'blog','comment':'1'}],'reasons':['other'],'note':'x',"
              "'supersede':true}"));
    good(DESK("{'op':'erase','comments':[{'site':'news','comment':'2'}]}"));
    good(FRONT("{'op':'submit','comments':[{'site':'news','comment':'1','revision':2,'body':'one, edited'}]}"));
    good(FRONT("{'op':'report','site':'news','comment':'1','reader':'r2'}"));
    good(DESK("{'op':'approve','comments':[{'site':'news','comment':'1'}]}"));
    good(FRONT("{'op':'report','site':'news','comment':'1','reader':'r2'}"));
    good(FRONT("{'op':'submit','comments':[{'site':'news','comment':'5','body':'six'}]}"));
    good(DESK("{'op':'escalate','comments':[{'site':'news','comment':'5'}]}"));
    good(DESK("{'op':'claim','comments':[{'site':'news','comment':'4'}]}"));
    good(DESK("{'op':'key_add','name':'web','role':'front','public_key':{'$bin':'%064x'}}", 3));
}

TEST(a_store_of_nothing_is_clean)
{
    begin_as_root(store_memory_open());
    const msgpack_object *reply = fsck(100, NULL);
    assert_string_equal(found, "");
    assert_int_equal(slices, 1);
    assert_int_equal(number(reply, "checked.comments"), 0);
    assert_int_equal(number(reply, "total"), 0);
    rig_close(&rig);
}

TEST(what_the_daemon_wrote_is_clean_and_counted)
{
    begin_as_root(store_memory_open());
    tell();
    expect_clean();
    const msgpack_object *reply = fsck(20000, NULL);
    assert_int_equal(number(reply, "checked.comments"), 7);
    assert_int_equal(number(reply, "checked.events"), number(reply, "total"));
    assert_int_equal(number(reply, "checked.events"), number(reply, "checked.history") + 1);
    assert_int_equal(number(reply, "checked.texts"), 9);
    assert_int_equal(number(reply, "checked.notes"), 4);
    assert_int_equal(number(reply, "checked.reports"), 2);
    assert_int_equal(number(reply, "checked.sites"), 2);
    rig_close(&rig);
}

/* ---- thousands of operations ---- */

enum { COMMENTS = 40, SITES = 3, STEPS = 4000 };

static uint64_t seed;

static unsigned any(unsigned below)
{
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
    return (unsigned)(seed >> 33) % below;
}

static const char *some(char text[64])
{
    snprintf(text, 64, "'site':'s%u','comment':'c%u'", any(SITES), any(COMMENTS));
    return text;
}

/* Anything that a front end or a moderator may ask for; many of it is refused, which changes nothing. */
static void step(void)
{
    char at[64];

    some(at);
    rig.work.boot_ms += any(400);
    switch (any(15)) {
    case 0:
    case 1:
    case 2:
        FRONT("{'op':'submit','comments':[{%s,'body':'b%u','revision':%u,'author':{'id':'a%u'},'language':'ku','"
              "article':{'id':'t%u'}}]}",
              at, any(3), 1 + any(5), any(6), any(4));
        break;
    case 3:
        FRONT("{'op':'report',%s,'reader':'r%u'}", at, any(9));
        break;
    case 4:
        if (any(4) == 0)
            FRONT("{'op':'withdraw',%s}", at);
        break;
    case 5:
        DESK("{'op':'claim','limit':%u,'lease_ms':%u}", 1 + any(3), 1000 + any(2000));
        break;
    case 6:
        DESK("{'op':'%s','comments':[{%s}]}", any(2) ? "release" : "renew", at);
        break;
    case 7:
    case 8:
        DESK("{'op':'approve','comments':[{%s}],'supersede':%s}", at, any(2) ? "true" : "false");
        break;
    case 9:
        DESK("{'op':'reject','comments':[{%s}],'reasons':['other'],'note':'n','supersede':%s}", at,
             any(2) ? "true" : "false");
        break;
    case 10:
        DESK("{'op':'escalate','comments':[{%s}],'note':'look'}", at);
        break;
    case 11:
    case 12:
        DESK("{'op':'undo','records':[{'site':'s%u','seq':%u}]}", any(SITES), 1 + any(600));
        break;
    case 13:
        FRONT("{'op':'article','site':'s%u','article':{'id':'t%u'},'front_page':%s}", any(SITES), any(4),
              any(2) ? "true" : "false");
        break;
    default:
        if (any(6) == 0)
            DESK("{'op':'erase','comments':[{%s}]}", at);
    }
}

static void some_steps(void)
{
    for (unsigned n = any(4); n > 0; n--)
        step();
}

static struct store *open_file(void);
static void remove_file(void);

/* The whole of it is clean now and then, and while it goes on. */
static void run_story(struct store *store, int steps, enum queue_order order)
{
    begin_as_root(store);
    rig.settings.policy->queue = (struct policy_queue){order, 3600000, 60000, 5000, 1000, 1000};
    rig.settings.limits.value[LIMIT_REVISIONS] = 10;
    for (int i = 0; i < steps; i++) {
        step();
        if (i % (steps / 8) != 0)
            continue;
        fsck(20000, NULL);
        if (!found[0])
            fsck(1 + any(60), some_steps);
        if (found[0])
            fail_msg("after %d steps:\n%s", i, found);
    }
    expect_clean();
    rig.settings.policy->queue = (struct policy_queue){.order = ORDER_OLDEST}; /* all rigs share it */
    rig_close(&rig);
}

TEST(whatever_is_asked_for_leaves_it_clean_in_memory)
{
    seed = 1;
    run_story(store_memory_open(), STEPS / 16, ORDER_OLDEST);
}

TEST(whatever_is_asked_for_leaves_it_clean_in_a_file)
{
    static const enum queue_order orders[] = {ORDER_OLDEST, ORDER_NEWEST, ORDER_URGENCY};

    for (size_t i = 0; i < 3; i++) {
        remove_file();
        seed = 2 + i;
        run_story(open_file(), STEPS / 2, orders[i]);
    }
    remove_file();
}

/* ---- a file, and what other hands do to it ---- */

static char path[64];

static void remove_file(void)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[sizeof(path) + 8];

    snprintf(path, sizeof(path), "%s/modq-fsck-%d", unit_database_dir(), (int)getpid());
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        unlink(name);
    }
}

static struct store *open_file(void)
{
    char reason[256] = "";
    struct store *store = store_sqlite_open(path, false, DATABASE_BYTES, reason, sizeof(reason));

    if (!store)
        fail_msg("%s", reason);
    return store;
}

static void write_file(void)
{
    remove_file();
    begin_as_root(open_file());
    tell();
    rig_close(&rig);
}

/* Whoever can write the file is not stopped by triggers. */
static void by_hand(const char *sql)
{
    static const char disarm[] = "PRAGMA ignore_check_constraints = ON;"
                                 "DROP TRIGGER text_is_never_edited; DROP TRIGGER text_is_never_deleted; DROP TRIGGER "
                                 "text_takes_a_higher_number;"
                                 "DROP TRIGGER event_is_never_edited; DROP TRIGGER event_is_never_deleted;"
                                 "DROP TRIGGER event_takes_the_next_number;";
    sqlite3 *db;
    char *wrong = NULL;

    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, disarm, NULL, NULL, NULL), SQLITE_OK);
    int before = sqlite3_total_changes(db);
    if (sqlite3_exec(db, sql, NULL, NULL, &wrong) != SQLITE_OK || sqlite3_total_changes(db) == before)
        fail_msg("%s: %s", sql, wrong ? wrong : "nothing was changed");
    sqlite3_close(db);
}

struct tampering {
    const char *sql;
    const char *named; /* how a line begins that must be there; every other line must begin with one of `also` */
    const char *also[4];
};

#define SITE(what) "site news/ differs: " what

static const struct tampering tamperings[] = {
    {"UPDATE comment SET state = 2 WHERE site = 1 AND id = '4'",
     "comment news/4 differs: its state is approved (2), and its events make it pending",
     {SITE("claimed"), SITE("pending")}},
    {"UPDATE comment SET state = 77 WHERE site = 1 AND id = '4'",
     "comment news/4 differs: its state is none (77)",
     {SITE("claimed")}},
    {"UPDATE comment SET state = 1 WHERE site = 1 AND id = '2'",
     "comment news/2 differs: its state is pending (1), and its events make it erased",
     {SITE("whether")}},
    {"UPDATE comment SET lane = 1 WHERE site = 1 AND id = '4'",
     "comment news/4 differs: its lane is number 1",
     {SITE("escalated")}},
    {"UPDATE comment SET lane = 2 WHERE site = 1 AND id = '4'",
     "comment news/4 differs: its lane is number 2",
     {SITE("claimed")}},
    {"UPDATE comment SET revision = 1 WHERE site = 1 AND id = '1'",
     "comment news/1 differs: its revision is 1, and its events make it 2",
     {NULL}},
    {"UPDATE comment SET text = 1 WHERE site = 1 AND id = '1'", "comment news/1 differs: its text is 1", {NULL}},
    {"UPDATE comment SET newest_text = 1 WHERE site = 1 AND id = '1'",
     "comment news/1 differs: its newest_text is 1",
     {"text news/1 differs: the text before it is said to be 1"}},
    {"UPDATE comment SET record = 0 WHERE site = 1 AND id = '1'", "comment news/1 differs: its record is 0", {NULL}},
    {"UPDATE comment SET decision = 0 WHERE site = 1 AND id = '1'",
     "comment news/1 differs: its decision is 0",
     {NULL}},
    {"UPDATE comment SET approval = approval - 1 WHERE site = 1 AND id = '1'",
     "comment news/1 differs: its approval is",
     {"report news/1 stray: a reader's report says that it followed"}},
    {"UPDATE comment SET reports = 7 WHERE site = 1 AND id = '1'",
     "comment news/1 differs: its reports is 7, and its events make it 1",
     {NULL}},
    {"UPDATE comment SET revisions = 7 WHERE site = 1 AND id = '1'",
     "comment news/1 differs: its revisions is 7",
     {NULL}},
    {"UPDATE comment SET due_at = due_at + 1 WHERE site = 1 AND id = '4'",
     "comment news/4 differs: its due_at is",
     {NULL}},
    {"UPDATE comment SET claimed_by = NULL, held = 0 WHERE site = 1 AND id = '4'",
     "comment news/4 differs: it is held by \"\", and its events say \"root\"",
     {SITE("claimed")}},
    {"UPDATE comment SET claimed_by = 'eve' WHERE site = 1 AND id = '4'",
     "comment news/4 differs: it is held by \"eve\", and its events say \"root\"",
     {NULL}},
    {"UPDATE comment SET claimed_until = 0 WHERE site = 1 AND id = '4'",
     "comment news/4 differs: it is held until 0",
     {NULL}},
    {"UPDATE comment SET held = 0 WHERE site = 1 AND id = '4'",
     "site news/ differs: claimed: it says 0, and counted anew there are 1",
     {NULL}},
    {"DROP INDEX pending_age; CREATE INDEX pending_age ON comment(site, text) WHERE state = 1 AND text > 5;"
     "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql ="
     " 'CREATE INDEX pending_age ON comment(site, text) WHERE state = 1' WHERE name = 'pending_age'",
     "comment news/4 differs: its text 5 waits, and text",
     {NULL}},
    {"UPDATE comment SET article = 'b' WHERE site = 1 AND id = '1'",
     "comment news/1 differs: its article is \"b\"",
     {NULL}},
    {"UPDATE comment SET author = 'u9' WHERE site = 1 AND id = '5'",
     "comment news/5 differs: its author is \"u9\"",
     {NULL}},
    {"UPDATE comment SET language = 'tr' WHERE site = 1 AND id = '1'",
     "comment news/1 differs: its language is \"tr\"",
     {NULL}},
    {"UPDATE comment SET last_event = 2 WHERE site = 1 AND id = '1'",
     "event news/1 differs: event 2, to which the comment's history leads, is of another comment",
     {NULL}},
    {"UPDATE comment SET last_event = 999 WHERE site = 1 AND id = '1'",
     "event news/1 differs: event 999, to which the comment's history leads, is not there",
     {NULL}},
    {"DELETE FROM comment WHERE site = 1 AND id = '4'", "comment news/4 missing: event", {NULL}},
    {"INSERT INTO comment SELECT site, 'new', state, lane, held, revision, text, newest_text, last_event, record,"
     " decision, approval, due_at, reports, revisions, claimed_by, claimed_until, article, author, language"
     " FROM comment WHERE id = '5'",
     "event news/new differs: event",
     {NULL}},
    {"INSERT INTO comment(site, id, state, lane, held, revision, text, newest_text, last_event, record, decision,"
     " approval, due_at, reports, revisions) VALUES(1, 'none', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
     "comment news/none stray: no event tells of it",
     {NULL}},
    {"UPDATE comment SET site = 99 WHERE site = 1 AND id = '4'",
     "comment /4 stray: there is no site 99",
     {"comment news/4 missing"}},

    {"UPDATE site SET pending = pending + 1 WHERE no = 1",
     SITE("pending: it says 3, and counted anew there are 2"),
     {NULL}},
    {"UPDATE site SET submitted = 0 WHERE no = 1", SITE("submitted: it says 0"), {NULL}},
    {"UPDATE site SET approved = 0 WHERE no = 1", SITE("approved: it says 0"), {NULL}},
    {"UPDATE site SET rejected = 0 WHERE no = 1", SITE("rejected: it says 0"), {NULL}},
    {"UPDATE site SET reopened = 0 WHERE no = 1", SITE("reopened: it says 0"), {NULL}},
    {"UPDATE site SET withdrawn = 0 WHERE no = 1", SITE("withdrawn: it says 0"), {NULL}},
    {"UPDATE site SET erased = 0 WHERE no = 1", SITE("erased: it says 0"), {NULL}},
    {"UPDATE site SET newest = 1 WHERE no = 1", SITE("newest record: it says 1"), {NULL}},

    {"UPDATE event SET previous = 0 WHERE no = (SELECT last_event FROM comment WHERE site = 1 AND id = '4')",
     "event news/4 impossible: claimed cannot follow the events before it",
     {"comment news/4 differs", "text news/4 differs", SITE("pending"), SITE("the log has")}},
    {"UPDATE event SET seq = 99 WHERE site = 1 AND seq = 2",
     "event news/2 differs: its number in the site's log is 99",
     {"event news/2 impossible", "event news/", "comment news/", SITE("newest record")}},
    {"UPDATE event SET kind = 3 WHERE site = 1 AND seq = 1",
     SITE("approved: it says 2, and counted anew there are 1"),
     {SITE("rejected")}},
    {"DELETE FROM event WHERE no = (SELECT max(no) FROM event WHERE kind = 13) - 1",
     "event / missing: the log goes on",
     {"event news/4 differs"}},
    {"UPDATE event SET site = 77 WHERE no = (SELECT last_event FROM comment WHERE site = 1 AND id = '4')",
     "event /4 stray: there is no site 77",
     {"event news/4 differs"}},

    {"DELETE FROM text WHERE no = 1", "text news/1 differs: it is not there", {NULL}},
    {"UPDATE text SET previous = 0 WHERE previous = 1",
     "text news/1 differs: the text before it is said to be 0",
     {NULL}},
    {"UPDATE text SET body = 'x' WHERE no = 2", "text news/2 differs: the comment was erased, and it was not", {NULL}},
    {"UPDATE text SET author = 'x' WHERE no = 2",
     "text news/2 differs: the comment was erased, and it was not",
     {NULL}},
    {"UPDATE text SET body = NULL, sha256 = NULL, salt = NULL, meta = NULL, article = NULL, author = NULL,"
     " language = NULL WHERE no = 1",
     "text news/1 differs: it was erased, and the comment was not",
     {NULL}},
    {"UPDATE comment SET author = 'u2' WHERE site = 1 AND id = '2'",
     "comment news/2 differs: its author is \"u2\"",
     {NULL}},

    {"DELETE FROM note WHERE event = (SELECT min(event) FROM note)",
     "note news/1 missing: 1 notes of the comment",
     {NULL}},
    {"INSERT INTO note VALUES(1, x'00', x'00')", "note news/1 stray: its event was written without a note", {NULL}},
    {"INSERT INTO note VALUES(5000, x'00', x'00')", "note / stray: there is no event of this number", {NULL}},
    {"INSERT INTO note SELECT no, x'00', x'00' FROM event WHERE kind = 3 AND comment = '2'",
     "note news/2 stray: 1 notes of the comment, which was erased",
     {NULL}},

    {"DELETE FROM report WHERE reader = 'r2'", "report news/1 differs: 0 readers' reports", {NULL}},
    {"INSERT INTO report VALUES(1, '1', 'r9', (SELECT approval FROM comment WHERE site = 1 AND id = '1'), 1, NULL, "
     "NULL)",
     "report news/1 differs: 2 readers' reports",
     {NULL}},
    {"INSERT INTO report VALUES(1, '1', 'r9', 9999, 1, NULL, NULL)",
     "report news/1 stray: a reader's report says",
     {NULL}},
    {"INSERT INTO report VALUES(1, '77', 'r9', 0, 1, NULL, NULL)",
     "report news/77 stray: a reader's report is about a comment that is not there",
     {NULL}},
    {"INSERT INTO report VALUES(1, '2', 'r9', 0, 1, NULL, NULL)",
     "report news/2 stray: the comment was erased",
     {NULL}},
    {"INSERT INTO report VALUES(1, '4', 'r9', 0, 1, NULL, NULL)",
     "report news/4 stray: a reader's report is there",
     {NULL}},

    {"INSERT INTO skip VALUES('ann', 5000, 1)", "skip / stray: ann skipped a text that is not there", {NULL}},
    {"INSERT INTO batch VALUES(zeroblob(16), 5000)", "batch / stray: there is no event of this number", {NULL}},
    {"INSERT INTO batch VALUES(zeroblob(16), 1)", "batch news/1 stray: an event of this kind is in no batch", {NULL}},
    {"INSERT INTO author VALUES(1, 'u1', 1, 0, 0, 0)", "author news/ differs: author u1: no event tells of it", {NULL}},
    {"INSERT INTO author VALUES(1, 'u1', 1, 0, 0, 1)",
     "author news/ differs: author u1: an event about it is none",
     {NULL}},
};

static bool is_allowed(const char *line, const struct tampering *t)
{
    bool allowed = strncmp(line, t->named, strlen(t->named)) == 0;

    for (size_t i = 0; i < 4 && t->also[i]; i++)
        allowed |= strncmp(line, t->also[i], strlen(t->also[i])) == 0;
    return allowed;
}

static void expect_named(const struct tampering *t, int64_t limit)
{
    fsck(limit, NULL);
    if (!strstr(found, t->named))
        fail_msg("%s, %lld at a time:\n%s", t->sql, (long long)limit, found);
    for (const char *line = found; *line; line = strchr(line, '\n') + 1)
        if (!is_allowed(line, t))
            fail_msg("%s, %lld at a time, says besides: %s", t->sql, (long long)limit, line);
}

TEST(whatever_other_hands_make_differ_is_named)
{
    for (size_t i = 0; i < sizeof(tamperings) / sizeof(tamperings[0]); i++) {
        write_file();
        by_hand(tamperings[i].sql);
        begin_as_root(open_file());
        expect_named(&tamperings[i], 20000);
        expect_named(&tamperings[i], 1);
        rig_close(&rig);
    }
    remove_file();
}

TEST(more_faults_than_an_answer_holds_are_all_told)
{
    remove_file();
    begin_as_root(open_file());
    for (int i = 0; i < 300; i++)
        good(FRONT("{'op':'submit','comments':[{'site':'s%d','comment':'c','body':'b'}]}", i));
    rig_close(&rig);
    by_hand("UPDATE comment SET reports = 3; UPDATE site SET pending = 9");
    begin_as_root(open_file());
    fsck(20000, NULL);
    int lines = 0;
    for (const char *at = found; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, 600);
    rig_close(&rig);
    remove_file();
}

TEST(keys_of_other_types_do_not_keep_it_from_its_end)
{
    write_file();
    by_hand(
        "INSERT INTO comment(site, id, state, lane, held, revision, text, newest_text, last_event, record, decision,"
        " approval, due_at, reports, revisions) VALUES('x', x'ff00', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);"
        "INSERT INTO report VALUES('x', x'ff00', x'00', 0, 1, NULL, NULL);"
        "INSERT INTO author VALUES('x', x'00', 1, 0, 0, 1); INSERT INTO skip VALUES(x'00', 'y', 1);"
        "INSERT INTO batch VALUES('abc', 'z');");
    begin_as_root(open_file());
    fsck(1, NULL);
    rig_close(&rig);
    remove_file();
}

/* ---- the state that comes back ---- */

static bool is_refused(struct slice state)
{
    const msgpack_object *reply = next_slice(state, 100);

    assert_non_null(reply);
    struct slice name = mp_get_str(rig_at(reply, "error"), "name");
    return slice_is(name, "bad_value") || slice_is(name, "too_short");
}

TEST(a_state_that_was_never_given_is_refused_or_harmless)
{
    begin_as_root(store_memory_open());
    tell();
    struct slice given = mp_bin(rig_at(next_slice(SLICE_NONE, 20), "state"));
    assert_true(given.len > 20);
    assert_true(is_refused(SLICE_LIT("")));
    assert_true(is_refused(SLICE_LIT("\xc0")));
    assert_true(is_refused(SLICE_LIT("\x80")));
    for (size_t len = 1; len < given.len; len++)
        assert_true(is_refused((struct slice){given.data, len}));
    char *changed = malloc(given.len);
    assert_non_null(changed);
    for (size_t i = 0; i < given.len; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(changed, given.data, given.len);
            changed[i] = (char)(changed[i] ^ (1 << bit));
            assert_non_null(next_slice((struct slice){changed, given.len}, 100));
        }
    free(changed);
    fsck(20000, NULL);
    assert_string_equal(found, "");
    rig_close(&rig);
}

TEST(only_an_administrator_may_ask)
{
    begin_as_root(store_memory_open());
    rig.from = (struct peer){.proof = PROOF_NONE};
    const msgpack_object *reply = rig_ask(&rig, DOOR_DESK, "{'op':'fsck'}");
    assert_true(slice_is(mp_get_str(rig_at(reply, "error"), "name"), "denied"));
    rig_close(&rig);
}
