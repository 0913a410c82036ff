/* The index finds what reading everything finds, follows what happens, and is made anew when it is no good. */
#include "../../daemon/search/finder.h"
#include "../../daemon/search/follow.h"
#include "../../daemon/search/gram.h"
#include "../../daemon/work/search_request.h"
#include "../lib/rig.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct rig rig;
static char directory[200];
static char path[256];
static struct settings_site sites[2];

static void drop(const char *file)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    char name[272];

    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof(name), "%s%s", file, ends[i]);
        unlink(name);
    }
}

static void drop_files(void)
{
    drop(path);
}

/* A database of SQLite, because the one in memory copies itself at each beginning. */
static struct store *new_store(void)
{
    char file[256];
    char reason[256];

    snprintf(file, sizeof(file), "%s/modqd.db", directory);
    drop(file);
    struct store *store = store_sqlite_open(file, false, INT64_C(1) << 36, reason, sizeof(reason));
    if (!store)
        fail_msg("%s", reason);
    return store;
}

static void new_search(void)
{
    search_free(rig.work.search);
    rig.work.search = search_new(path);
    assert_non_null(rig.work.search);
}

static void begin(void)
{
    if (!path[0]) {
        snprintf(directory, sizeof(directory), "%s/modq-search.XXXXXX", unit_database_dir());
        assert_non_null(mkdtemp(directory));
        snprintf(path, sizeof(path), "%s/search.db", directory);
    }
    drop_files();
    rig_open(&rig, new_store());
    rig.settings.limits.value[LIMIT_PENDING_PER_SITE] = 1000000;
    new_search();
}

static void end(void)
{
    assert_true(rig_is_verified(&rig));
    rig_close(&rig);
    drop_files();
    char file[256];
    snprintf(file, sizeof(file), "%s/modqd.db", directory);
    drop(file);
}

__attribute__((destructor)) static void remove_directory(void)
{
    rmdir(directory);
}

static enum store_result follow_once(bool *more)
{
    struct work work = rig.work;
    char reason[512];

    work.ledger = NULL;
    enum store_result r = search_follow(&work, more, reason, sizeof(reason));
    assert_int_equal(work.trouble, STORE_OK);
    return r;
}

static void follow_all(void)
{
    for (bool more = true; more;)
        assert_int_equal(follow_once(&more), STORE_OK);
}

static void submit(const char *site, int comment, int revision, const char *body)
{
    char json[512];

    snprintf(json, sizeof(json), "{'op':'submit','comments':[{'site':'%s','comment':'c%d','revision':%d,'body':'%s'}]}",
             site, comment, revision, body);
    const msgpack_object *reply = rig_ask(&rig, DOOR_FRONT, json);
    assert_true(mp_get_bool(reply, "ok", false));
}

/* A comment that has a word of its own, one of a hundred, and one that they all have. */
static void submit_many(const char *site, int from, int to)
{
    enum { BATCH = 250, ONE_BYTES = 200 };
    static char json[BATCH * ONE_BYTES];

    for (int i = from; i < to;) {
        int stop = i + BATCH < to ? i + BATCH : to;
        int at = sprintf(json, "{'op':'submit','comments':[");
        for (; i < stop; i++)
            at += sprintf(json + at,
                          "{'site':'%s','comment':'c%d','body':'Everywhere the hundred%dth of number%d, ژمارە %d'}%s",
                          site, i, i % 100, i, i, i + 1 < stop ? "," : "]}");
        assert_true(mp_get_bool(rig_ask(&rig, DOOR_FRONT, json), "ok", false));
    }
}

/* Ids of all that is found, one after another: "c3 c1 ". The pages are put together. */
static char *found(const char *text, const char *more)
{
    static char ids[65536];
    char json[512];
    int64_t after = (INT64_C(1) << 53) - 1;
    size_t at = 0;

    ids[0] = '\0';
    while (after) {
        snprintf(json, sizeof(json), "{'op':'search','text':'%s','limit':100,'after':%lld%s}", text, (long long)after,
                 more);
        const msgpack_object *reply = rig_ask(&rig, DOOR_DESK, json);
        assert_true(mp_get_bool(reply, "ok", false));
        const msgpack_object *cards = mp_get(reply, "comments");
        for (size_t i = 0; i < mp_count(cards); i++) {
            struct slice id = mp_get_str(mp_item(cards, i), "comment");
            at += (size_t)snprintf(ids + at, sizeof(ids) - at, "%.*s ", (int)id.len, id.data);
            assert_true(at < sizeof(ids));
        }
        after = mp_get_int(reply, "next", 0);
    }
    return ids;
}

static size_t blocks(void)
{
    size_t n = 0;

    assert_non_null(rig.work.search->index);
    index_blocks(rig.work.search->index, &n);
    return n;
}

static bool stale(void)
{
    size_t n;
    const struct index_block *all = index_blocks(rig.work.search->index, &n);

    for (size_t i = 0; i < n; i++)
        if (all[i].stale)
            return true;
    return false;
}

/* With the index what is found without. */
static void same_as_reading(const char *text)
{
    struct search *with = rig.work.search;
    char *expected;

    rig.work.search = search_new("");
    expected = strdup(found(text, ""));
    search_free(rig.work.search);
    rig.work.search = with;
    assert_string_equal(found(text, ""), expected);
    free(expected);
}

/* The file holds a list for each trigram of the word in the block of text `no`. */
static bool is_in_file(int64_t no, const char *word)
{
    size_t n;
    const struct index_block *all = index_blocks(rig.work.search->index, &n);
    uint64_t bits[POSTING_WORDS];

    for (size_t i = 0; i < n; i++) {
        if (no < all[i].first || no > all[i].last)
            continue;
        struct search search = {.index = rig.work.search->index};
        struct slice packed;
        uint64_t characters[3] = {(unsigned char)word[0], (unsigned char)word[1], (unsigned char)word[2]};
        uint32_t gram =
            (uint32_t)(((characters[0] << 42 | characters[1] << 21 | characters[2]) * UINT64_C(0x9e3779b97f4a7c15)) >>
                       (64 - GRAM_BITS));
        assert_int_equal(index_find(search.index, all[i].first, gram, &packed), STORE_OK);
        memset(bits, 0, sizeof(bits));
        if (packed.data)
            assert_true(posting_unpack(packed, bits));
        size_t offset = (size_t)(no - all[i].first);
        return bits[offset / 64] >> (offset % 64) & 1;
    }
    return false;
}

TEST(the_index_finds_what_reading_finds)
{
    static const char *const texts[] = {"number17",   "NUMBER4999", "hundred7th", "everywhere",
                                        "ژماره ٤٩٩٩", "r1, ژ",      "1",          "not there"};

    begin();
    submit_many("a", 0, 5000);
    for (int i = 0; i < 5000; i += 100)
        submit("a", i + 15, 2, "Another text, which says less");
    follow_all();
    assert_int_equal(blocks(), 2);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        same_as_reading(texts[i]);
    assert_string_equal(found("number16,", ""), "c16 ");
    assert_string_equal(found("number15,", ""), ""); /* an older revision says so */
    end();
}

TEST(what_came_since_is_found_before_it_is_in_the_index)
{
    begin();
    submit_many("a", 0, 2500);
    follow_all();
    submit_many("a", 2500, 7000);
    assert_int_equal(blocks(), 1);
    assert_string_equal(found("number2400,", ""), "c2400 ");
    assert_string_equal(found("number6999,", ""), "c6999 ");
    assert_string_equal(found("number0,", ""), "c0 ");
    end();
}

TEST(what_was_erased_is_gone_at_once_and_soon_from_the_index)
{
    begin();
    submit_many("a", 0, 100);
    submit("a", 100, 1, "quizzical");
    submit("a", 100, 2, "zebra");
    submit_many("a", 101, 3000);
    follow_all();
    assert_string_equal(found("zebra", ""), "c100 ");
    assert_true(is_in_file(101, "qui") && is_in_file(102, "zeb"));
    rig_ask(&rig, DOOR_DESK, "{'op':'erase','as':'ann','comments':[{'site':'a','comment':'c100'}]}");
    assert_string_equal(found("zebra", ""), "");
    bool more;
    assert_int_equal(follow_once(&more), STORE_OK);
    assert_true(stale());
    assert_false(is_in_file(101, "qui") || is_in_file(102, "zeb") || is_in_file(101, "izz"));
    same_as_reading("number5");
    follow_all();
    assert_false(stale());
    assert_false(is_in_file(101, "qui") || is_in_file(102, "zeb"));
    same_as_reading("number5");
    end();
}

TEST(an_erasure_is_not_forgotten_when_the_daemon_ends_before_it_was_seen)
{
    begin();
    submit("a", 1, 1, "quizzical");
    submit_many("a", 2, 3000);
    follow_all();
    rig_ask(&rig, DOOR_DESK, "{'op':'erase','as':'ann','comments':[{'site':'a','comment':'c1'}]}");
    submit_many("a", 3000, 3010);
    new_search();
    bool more = true;
    while (more && (!rig.work.search->index || !stale()))
        assert_int_equal(follow_once(&more), STORE_OK);
    assert_true(stale());
    new_search(); /* and ends again */
    follow_all();
    assert_false(stale());
    assert_false(is_in_file(1, "qui"));
    assert_int_equal(blocks(), 1);
    end();
}

TEST(a_deleted_index_is_made_anew)
{
    begin();
    submit_many("a", 0, 3000);
    follow_all();
    new_search();
    drop_files();
    assert_string_equal(found("number5,", ""), "c5 ");
    follow_all();
    assert_int_equal(blocks(), 1);
    assert_string_equal(found("number5,", ""), "c5 ");
    end();
}

TEST(what_is_no_index_is_replaced)
{
    begin();
    submit_many("a", 0, 3000);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(write(fd, "not a database, ", 16), 16);
    close(fd);
    follow_all();
    assert_int_equal(blocks(), 1);
    same_as_reading("number77");
    end();
}

TEST(a_page_that_is_broken_costs_no_result)
{
    begin();
    submit_many("a", 0, 5000);
    follow_all();
    new_search();
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    struct stat status;
    char rubbish[4096];
    memset(rubbish, 0xa5, sizeof(rubbish));
    assert_int_equal(fstat(fd, &status), 0);
    for (off_t at = 5 * 4096; at < status.st_size; at += 4096)
        assert_int_equal(pwrite(fd, rubbish, sizeof(rubbish), at), 4096);
    close(fd);
    bool more;
    follow_once(&more);
    same_as_reading("number77");
    for (int i = 0; i < 100; i++)
        follow_once(&more);
    assert_int_equal(blocks(), 2);
    same_as_reading("number77");
    end();
}

TEST(the_index_of_another_database_is_not_believed)
{
    begin();
    submit_many("a", 0, 3000);
    follow_all();
    new_search();
    rig_close(&rig); /* and a backup from elsewhere takes its place, with as many events */
    rig_open(&rig, new_store());
    new_search();
    submit_many("b", 10000, 13000);
    follow_all();
    assert_string_equal(found("number12000,", ""), "c12000 ");
    assert_string_equal(found("number5,", ""), "");
    assert_true(is_in_file(1, "100"));
    end();
}

TEST(a_site_that_is_not_searched_is_not_in_the_index)
{
    begin();
    submit("quiet", 1, 1, "quizzical");
    submit("loud", 2, 1, "quizzical");
    submit_many("loud", 3, 3000);
    follow_all();
    assert_string_equal(found("quizzical", ""), "c2 c1 ");
    assert_true(is_in_file(1, "qui") && is_in_file(2, "qui"));

    sites[0] = (struct settings_site){.name = "quiet", .policy = rig.settings.policy, .search = false};
    rig.settings.sites = sites;
    rig.settings.site_count = 1;
    assert_string_equal(found("quizzical", ""), "c2 ");
    const msgpack_object *reply = rig_ask(&rig, DOOR_DESK, "{'op':'search','text':'quizzical'}");
    assert_int_equal(mp_count(mp_get(reply, "off")), 1);
    reply = rig_ask(&rig, DOOR_DESK, "{'op':'search','text':'quizzical','site':'quiet'}");
    assert_true(slice_is(mp_str(rig_at(reply, "error.name")), "search_off"));
    follow_all();
    assert_false(is_in_file(1, "qui"));
    assert_true(is_in_file(2, "qui"));
    assert_string_equal(found("quizzical", ""), "c2 ");

    rig.settings.site_count = 0; /* and on again: at once, and in the index soon */
    assert_string_equal(found("quizzical", ""), "c2 c1 ");
    bool more;
    follow_once(&more);
    assert_string_equal(found("quizzical", ""), "c2 c1 ");
    follow_all();
    assert_string_equal(found("quizzical", ""), "c2 c1 ");
    assert_true(is_in_file(1, "qui"));
    end();
}

TEST(a_block_of_long_texts_ends_earlier)
{
    static char body[200001];
    struct out out = {0};

    begin();
    rig.settings.limits.value[LIMIT_BODY_BYTES] = sizeof(body);
    rig.settings.limits.value[LIMIT_MAX_MESSAGE_BYTES] = 4000000;
    for (int i = 0; i < 30; i++) {
        char id[16];
        snprintf(id, sizeof(id), "l%d", i);
        for (size_t at = 0; at < sizeof(body) - 1; at++)
            body[at] = (char)('a' + (at * 7 + at / 26 * (size_t)(i + 3)) % 26);
        out_reset(&out);
        out_map(&out);
        out_key_int(&out, "v", 1);
        out_key_cstr(&out, "op", "submit");
        out_key(&out, "comments");
        out_array(&out);
        out_map(&out);
        out_key_cstr(&out, "site", "a");
        out_key_cstr(&out, "comment", id);
        out_key_cstr(&out, "body", body);
        out_end(&out);
        out_end(&out);
        out_end(&out);
        assert_true(mp_get_bool(rig_ask_packed(&rig, DOOR_FRONT, out_slice(&out)), "ok", false));
    }
    out_free(&out);
    submit_many("a", 100, 2200);
    follow_all();
    assert_true(blocks() > 3);
    rig_ask(&rig, DOOR_DESK, "{'op':'erase','as':'ann','comments':[{'site':'a','comment':'l3'}]}");
    follow_all();
    assert_false(stale());
    same_as_reading("number2100");
    end();
}

TEST(a_short_text_is_looked_for_page_by_page)
{
    begin();
    submit("a", 0, 1, "only here: qz");
    for (int i = 1; i < 30; i++) {
        static char json[70000];
        char *at = json + sprintf(json, "{'op':'submit','comments':[{'site':'a','comment':'b%d','body':'", i);
        memset(at, 'x', 60000);
        strcpy(at + 60000, "'}]}");
        rig.settings.limits.value[LIMIT_BODY_BYTES] = 70000;
        assert_true(mp_get_bool(rig_ask(&rig, DOOR_FRONT, json), "ok", false));
    }
    submit_many("a", 100, 200);
    assert_string_equal(found("qz", ""), "c0 ");
    end();
}

TEST(filters_leave_out_what_is_not_wanted)
{
    begin();
    rig_ask(&rig, DOOR_FRONT,
            "{'op':'submit','comments':["
            "{'site':'a','comment':'1','body':'word','language':'ku-Latn','author':{'id':'x'},'article':{'id':'p'}},"
            "{'site':'a','comment':'2','body':'word','language':'KU','author':{'id':'y'}},"
            "{'site':'a','comment':'3','body':'word','language':'kur'},"
            "{'site':'b','comment':'4','body':'word'}]}");
    rig_ask(&rig, DOOR_DESK, "{'op':'approve','as':'ann','comments':[{'site':'a','comment':'3'}]}");
    assert_string_equal(found("word", ""), "4 3 2 1 ");
    assert_string_equal(found("word", ",'site':'a'"), "3 2 1 ");
    assert_string_equal(found("word", ",'site':'nowhere'"), "");
    assert_string_equal(found("word", ",'language':'ku'"), "2 1 ");
    assert_string_equal(found("word", ",'site':'a','author':'y'"), "2 ");
    assert_string_equal(found("word", ",'site':'a','article':'p'"), "1 ");
    assert_string_equal(found("word", ",'state':'approved'"), "3 ");
    assert_string_equal(found("word", ",'state':'pending'"), "4 2 1 ");
    assert_string_equal(found("word", ",'since':1000001"), "");
    assert_string_equal(found("word", ",'until':1000001"), "4 3 2 1 ");
    end();
}

TEST(what_cannot_be_looked_for_is_refused)
{
    static const struct {
        const char *json, *error, *field;
    } wrong[] = {
        {"{'op':'search'}", "missing_field", "text"},
        {"{'op':'search','text':''}", "too_short", "text"},
        {"{'op':'search','text':' ـ '}", "bad_value", "text"},
        {"{'op':'search','text':'a','state':'lost'}", "bad_value", "state"},
        {"{'op':'search','text':'a','author':'x'}", "missing_field", "site"},
        {"{'op':'search','text':'a','article':'x'}", "missing_field", "site"},
        {"{'op':'search','text':'a','limit':101}", "out_of_range", "limit"},
        {"{'op':'search','text':'a','after':0}", "out_of_range", "after"},
    };

    begin();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const msgpack_object *reply = rig_ask(&rig, DOOR_DESK, wrong[i].json);
        assert_true(slice_is(mp_str(rig_at(reply, "error.name")), wrong[i].error));
        assert_true(slice_is(mp_str(rig_at(reply, "error.field")), wrong[i].field));
    }
    end();
}
