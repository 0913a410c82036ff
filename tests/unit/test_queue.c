/* The queue of all sites: its order is that of one long list, and what it costs does not grow with what waits. */
#include "../../daemon/work/queue.h"
#include "../lib/store_memory.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

static struct store *store;
static struct work work;
static struct store_ops counting, memory;
static int64_t calls, rows;

static store_on_comment *told;
static void *told_arg;

static bool count_row(void *arg, const struct store_comment *comment)
{
    (void)arg;
    rows++;
    return told(told_arg, comment);
}

static enum store_result counted_scan(struct store *s, int64_t site, enum lane lane, bool held, int64_t after_due_at,
                                      int64_t after_text, int64_t limit, store_on_comment *on, void *arg)
{
    calls++;
    told = on;
    told_arg = arg;
    return memory.queue_scan(s, site, lane, held, after_due_at, after_text, limit, count_row, NULL);
}

static void begin(void)
{
    store = store_memory_open();
    memory = counting = *store->ops;
    counting.queue_scan = counted_scan;
    store->ops = &counting;
    work = (struct work){.store = store};
    assert_int_equal(memory.begin(store), STORE_OK);
}

static void add_sites(int64_t n)
{
    for (int64_t no = 1; no <= n; no++) {
        struct store_site site = {.no = no, .pending = 1};
        snprintf(site.name, sizeof(site.name), "site%lld", (long long)no);
        assert_int_equal(memory.site_put(store, &site), STORE_OK);
    }
}

static struct store_comment add(int64_t site, enum lane lane, bool held, int64_t due_at, int64_t text)
{
    struct store_comment comment = {
        .site = site, .state = STATE_PENDING, .lane = lane, .revision = 1, .text = text, .due_at = due_at};

    snprintf(comment.id, sizeof(comment.id), "c%lld", (long long)text);
    snprintf(comment.claimed_by, sizeof(comment.claimed_by), "%s", held ? "ann" : "");
    comment.claimed_until = held ? 1 : 0;
    assert_int_equal(memory.comment_put(store, &comment), STORE_OK);
    return comment;
}

static void stored(void)
{
    enum store_result r;

    assert_int_equal(memory.commit(store), STORE_OK);
    work.ledger = ledger_new(store, &r);
    assert_non_null(work.ledger);
    calls = rows = 0;
}

static void end(void)
{
    ledger_free(work.ledger);
    store_close(store);
}

/* ---- order ---- */

enum { COMMENTS = 600, SITES = 37 };

static struct store_comment all[COMMENTS];

static int by_place(const void *a, const void *b)
{
    const struct store_comment *x = a;
    const struct store_comment *y = b;

    if (x->due_at != y->due_at)
        return x->due_at < y->due_at ? -1 : 1;
    return x->text < y->text ? -1 : x->text > y->text;
}

static bool belongs(const struct store_comment *comment, int64_t site, enum lane lane, bool also_held)
{
    return (!site || comment->site == site) && comment->lane == lane && (also_held || !*comment->claimed_by);
}

/* Pages through the queue, and compares it with `all` in order, without what does not belong. */
static void walk(int64_t site, enum lane lane, bool also_held, size_t limit)
{
    struct store_comment comments[COMMENTS];
    struct queue_page page = {.comments = comments, .limit = limit};
    struct queue_place from = {-1, 0};
    size_t at = 0;

    do {
        assert_true(queue_next(&work, &grant_administrator, site, 1U << lane, also_held, from, &page));
        assert_int_equal(work.trouble, STORE_OK);
        for (size_t i = 0; i < page.n; i++, at++) {
            while (at < COMMENTS && !belongs(&all[at], site, lane, also_held))
                at++;
            assert_true(at < COMMENTS);
            assert_int_equal(comments[i].text, all[at].text);
            from = (struct queue_place){comments[i].due_at, comments[i].text};
        }
    } while (page.n == limit);
    while (at < COMMENTS && !belongs(&all[at], site, lane, also_held))
        at++;
    assert_int_equal(at, COMMENTS);
}

static void walk_all_ways(void)
{
    static const size_t limits[] = {1, 2, 7, 64, COMMENTS};

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        for (int way = 0; way < 8; way++)
            walk(way & 1 ? 3 : 0, way & 2 ? LANE_ESCALATED : LANE_NORMAL, way & 4, limits[i]);
}

TEST(many_sites_are_served_in_the_order_of_one_list)
{
    begin();
    add_sites(SITES);
    srandom(7);
    for (int64_t i = 0; i < COMMENTS; i++) {
        int64_t site = random() % 3 ? 1 + random() % SITES : 3;
        all[i] = add(site, random() % 4 ? LANE_NORMAL : LANE_ESCALATED, random() % 3 == 0, random() % 200, i + 1);
    }
    stored();
    qsort(all, COMMENTS, sizeof(all[0]), by_place);
    walk_all_ways();
    struct ledger *ledger = work.ledger;
    work.ledger = NULL; /* as those that only read */
    walk_all_ways();
    work.ledger = ledger;
    end();
}

/* ---- cost ---- */

enum { MANY_SITES = 200, EACH = 20, LIMIT = 150 };

static void costs_at_most(bool also_held, int64_t most_calls, int64_t most_rows)
{
    static struct store_comment comments[LIMIT];
    struct queue_page page = {.comments = comments, .limit = LIMIT};

    calls = rows = 0;
    assert_true(
        queue_next(&work, &grant_administrator, 0, 1U << LANE_NORMAL, also_held, (struct queue_place){-1, 0}, &page));
    assert_int_equal(page.n, LIMIT);
    if (calls > most_calls || rows > most_rows)
        fail_msg("%lld calls and %lld rows, more than %lld and %lld", (long long)calls, (long long)rows,
                 (long long)most_calls, (long long)most_rows);
}

TEST(a_page_of_all_sites_costs_sites_plus_limit_when_they_take_turns)
{
    begin();
    add_sites(MANY_SITES);
    for (int64_t i = 0; i < MANY_SITES * EACH; i++)
        add(1 + i % MANY_SITES, LANE_NORMAL, false, i, i + 1);
    stored();
    costs_at_most(false, MANY_SITES + LIMIT, MANY_SITES + 2 * LIMIT);
    costs_at_most(true, 2 * MANY_SITES + LIMIT, 2 * MANY_SITES + 2 * LIMIT);
    end();
}

TEST(a_page_of_all_sites_that_one_site_fills_is_one_more_scan)
{
    begin();
    add_sites(MANY_SITES);
    for (int64_t i = 0; i < MANY_SITES * EACH; i++)
        add(i < LIMIT ? 5 : 1 + i % MANY_SITES, LANE_NORMAL, false, i, i + 1);
    stored();
    costs_at_most(false, MANY_SITES + 1, MANY_SITES + LIMIT);
    end();
}

/* The last site's comments are the oldest: what was found before them was found in vain. */
TEST(a_page_of_sites_that_are_ever_older_costs_no_more)
{
    begin();
    add_sites(MANY_SITES);
    for (int64_t i = 0; i < MANY_SITES * EACH; i++)
        add(MANY_SITES - i / EACH, LANE_NORMAL, false, i, i + 1);
    stored();
    costs_at_most(false, MANY_SITES + LIMIT / EACH + 1, MANY_SITES + LIMIT + LIMIT / EACH + 1);
    end();
}

/* ---- a store that fails ---- */

TEST(a_store_that_fails_ends_the_walk)
{
    struct store_comment comments[4];
    struct queue_page page = {.comments = comments, .limit = 4};

    begin();
    add_sites(3);
    for (int64_t i = 0; i < 12; i++)
        add(1 + i % 3, LANE_NORMAL, false, i, i + 1);
    stored();
    work.trouble = STORE_FAILED;
    assert_true(
        queue_next(&work, &grant_administrator, 0, 1U << LANE_NORMAL, true, (struct queue_place){-1, 0}, &page));
    assert_int_equal(page.n, 0);
    end();
}
