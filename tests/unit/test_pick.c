/* What a moderator is given: the queue without what that one skipped. */
#include "../lib/talk.h"

#include <stdio.h>
#include <stdlib.h>

#define MINUTE_MS 60000

/* Comments from..to as the items of a list, with what each holds besides; the caller frees it. */
static char *items(const char *site, int from, int to, const char *besides)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    assert_non_null(out);
    for (int i = from; i <= to; i++)
        fprintf(out, "%s{'site':'%s','comment':'%d'%s}", i > from ? "," : "", site, i, besides);
    fclose(out);
    return text;
}

/* The same thing done to many, a hundred a request: each transaction of the memory store copies it whole. */
static void many(enum door door, const char *head, const char *site, int from, int to, const char *besides,
                 const char *status)
{
    for (; from <= to; from += 100) {
        int last = from + 99 < to ? from + 99 : to;
        char *list = items(site, from, last, besides);
        const msgpack_object *results = rig_at(ask(door, "{%s,'comments':[%s]}", head, list), "results");
        assert_int_equal(mp_count(results), last - from + 1);
        for (size_t i = 0; i < mp_count(results); i++)
            assert_true(slice_is(mp_get_str(mp_item(results, i), "status"), status));
        free(list);
    }
}

static void submit(const char *site, int from, int to)
{
    many(DOOR_FRONT, "'op':'submit'", site, from, to, ",'body':'b'", "accepted");
}

/* "1,2,3": the comments that a claim gives, which are released again. */
static const char *claimed(const char *as, int limit)
{
    static char list[4096];
    const msgpack_object *reply = DESK("{'op':'claim','as':'%s','limit':%d}", as, limit);
    const msgpack_object *cards = rig_at(reply, "comments");
    size_t at = 0;

    list[0] = '\0';
    for (size_t i = 0; i < mp_count(cards); i++) {
        struct slice id = mp_get_str(mp_item(cards, i), "comment");
        at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%.*s", i ? "," : "", (int)id.len, id.data);
    }
    DESK("{'op':'release','as':'%s'}", as);
    return list;
}

static const msgpack_object *leave(const char *as, int id)
{
    return DESK("{'op':'skip','as':'%s','comments':[{'site':'news','comment':'%d'}]}", as, id);
}

static void skipped(const char *as, int from, int to)
{
    char head[128];

    snprintf(head, sizeof(head), "'op':'skip','as':'%s'", as);
    many(DOOR_DESK, head, "news", from, to, "", "skipped");
}

TEST(what_a_moderator_skipped_is_given_to_others_only)
{
    begin();
    submit("news", 1, 4);
    skipped("ann", 1, 1);
    skipped("ann", 3, 3);
    assert_string_equal(claimed("ann", 10), "2,4");
    assert_string_equal(claimed("ann", 1), "2");
    assert_string_equal(claimed("bob", 10), "1,2,3,4");
    is(DESK("{'op':'claim','as':'ann','comments':[{'site':'news','comment':'1'}]}"), "comments.0.comment", "\"1\"");
    end();
}

TEST(what_was_skipped_far_behind_adds_nothing_to_what_is_given)
{
    begin();
    submit("news", 1, 6);
    skipped("ann", 5, 6);
    assert_string_equal(claimed("ann", 2), "1,2");
    end();
}

TEST(a_skip_ends_at_its_time_and_with_a_new_revision)
{
    begin();
    submit("news", 1, 2);
    const msgpack_object *reply =
        DESK("{'op':'skip','as':'ann','for_ms':60000,'comments':[{'site':'news','comment':'1'},"
             "{'site':'news','comment':'2'}]}");
    char text[32];
    snprintf(text, sizeof(text), "%lld", (long long)rig.now_ms + MINUTE_MS);
    is(reply, "results.0.until", text);
    is(DESK("{'op':'history','site':'news','comment':'1'}"), "events.0.until", text);
    assert_string_equal(claimed("ann", 10), "");
    FRONT("{'op':'submit','comments':[{'site':'news','comment':'1','revision':2,'body':'b'}]}");
    assert_string_equal(claimed("ann", 10), "1");
    rig.now_ms += MINUTE_MS;
    assert_string_equal(claimed("ann", 10), "2,1");
    end();
}

TEST(a_skip_ends_the_claim)
{
    begin();
    submit("news", 1, 1);
    is(DESK("{'op':'claim','as':'ann'}"), "comments.0.comment", "\"1\"");
    is(leave("bob", 1), "results.0.error.by", "\"ann\"");
    skipped("ann", 1, 1);
    is(DESK("{'op':'show','site':'news','comment':'1'}"), "card.claimed_by", "(nothing)");
    is(DESK("{'op':'history','site':'news','comment':'1'}"), "events.0.kind", "\"skipped\"");
    is(DESK("{'op':'renew','as':'ann','comments':[{'site':'news','comment':'1'}]}"), "results.0.status",
       "\"not_held\"");
    assert_string_equal(claimed("bob", 1), "1");
    end();
}

TEST(only_what_is_pending_can_be_skipped)
{
    static const struct {
        const char *before, *error;
    } rows[] = {{"{'op':'approve','as':'ann','comments':[{'site':'news','comment':'1'}]}", "\"already_decided\""},
                {"{'op':'erase','as':'ann','comments':[{'site':'news','comment':'1'}]}", "\"erased\""}};

    begin();
    is(leave("ann", 1), "results.0.status", "\"not_found\"");
    submit("news", 1, 2);
    is(DESK("{'op':'skip','as':'ann','comments':[{'site':'news','comment':'1','revision':2}]}"), "results.0.status",
       "\"stale_revision\"");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        DESK("%s", rows[i].before);
        is(leave("ann", 1), "results.0.status", rows[i].error);
    }
    FRONT("{'op':'withdraw','site':'news','comment':'2'}");
    is(leave("ann", 2), "results.0.status", "\"withdrawn\"");
    end();
}

/* ---- how much a claim looks at ---- */

static struct store_ops counted;
static enum store_result (*scan_really)(struct store *, int64_t, enum lane, bool, int64_t, int64_t, int64_t,
                                        store_on_comment *, void *);
static size_t rows, scans;

struct through {
    store_on_comment *on;
    void *arg;
};

static bool count_row(void *arg, const struct store_comment *comment)
{
    const struct through *through = arg;

    rows++;
    return through->on(through->arg, comment);
}

static enum store_result count_scan(struct store *store, int64_t site, enum lane lane, bool held, int64_t due_at,
                                    int64_t text, int64_t limit, store_on_comment *on, void *arg)
{
    scans++;
    return scan_really(store, site, lane, held, due_at, text, limit, count_row, &(struct through){on, arg});
}

static void begin_counting(void)
{
    begin();
    counted = *rig.store->ops;
    scan_really = counted.queue_scan;
    counted.queue_scan = count_scan;
    rig.store->ops = &counted;
}

TEST(a_claim_looks_at_little_more_than_it_gives_and_skips)
{
    enum { SKIPS = 150, ALL = 400 };

    begin_counting();
    submit("news", 1, ALL);
    skipped("ann", 1, SKIPS);
    rows = scans = 0;
    assert_string_equal(claimed("ann", 1), "151");
    assert_in_range(rows, SKIPS + 1, SKIPS + 1 + 10); /* and the first row of each scan once more */
    assert_in_range(scans, 2, 12);
    rows = scans = 0;
    assert_string_equal(claimed("bob", 1), "1");
    assert_int_equal(rows, 2);
    assert_int_equal(scans, 2);
    end();
}

TEST(skips_that_are_over_take_no_room_from_those_that_are_not)
{
    enum { ALL = 1010 };

    begin();
    submit("news", 1, ALL);
    is(DESK("{'op':'skip','as':'ann','for_ms':604800000,'comments':[{'site':'news','comment':'1'}]}"),
       "results.0.status", "\"skipped\"");
    skipped("ann", 2, ALL);
    rig.now_ms += 31 * MINUTE_MS;
    assert_string_equal(claimed("ann", 2), "2,3");
    end();
}

TEST(of_very_many_skips_the_newest_count)
{
    enum { ALL = 1010 };

    begin();
    submit("news", 1, ALL);
    skipped("ann", 1, ALL - 5);
    assert_string_equal(claimed("ann", 7), "1,2,3,4,5,1006,1007");
    end();
}
