/* When a comment is due: figures that were added up by hand, and how due times are made anew. */
#include "../../daemon/work/due.h"
#include "../lib/talk.h"

#include <stdio.h>

enum { MINUTE = 60000 };

static const struct policy_queue urgency = {.order = ORDER_URGENCY,
                                            .target_ms = 60 * MINUTE,
                                            .report_ms = 20 * MINUTE,
                                            .front_page_ms = 10 * MINUTE,
                                            .watched_ms = 5 * MINUTE,
                                            .trusted_ms = 15 * MINUTE};

TEST(the_oldest_is_due_when_it_came_and_the_newest_the_other_way_round)
{
    struct policy_queue queue = {.order = ORDER_OLDEST, .target_ms = 1, .report_ms = 1};
    struct due_facts facts = {.received_at = 1000000, .reports = 5, .front_page = true, .mark = MARK_WATCHED};

    assert_int_equal(due_time(&queue, &facts), 1000000);
    queue.order = ORDER_NEWEST;
    int64_t first = due_time(&queue, &facts);
    facts.received_at++;
    assert_int_equal(due_time(&queue, &facts), first - 1);
    assert_true(first > 0);
}

TEST(urgency_adds_up_what_the_policy_says)
{
    struct due_facts facts = {.received_at = 1000 * MINUTE};

    assert_int_equal(due_time(&urgency, &facts), 1060 * MINUTE);
    facts.reports = 2;
    assert_int_equal(due_time(&urgency, &facts), 1020 * MINUTE);
    facts.front_page = true;
    assert_int_equal(due_time(&urgency, &facts), 1010 * MINUTE);
    facts.mark = MARK_WATCHED;
    assert_int_equal(due_time(&urgency, &facts), 1005 * MINUTE);
    facts.mark = MARK_TRUSTED;
    assert_int_equal(due_time(&urgency, &facts), 1025 * MINUTE);
    facts.mark = MARK_BLOCKED;
    assert_int_equal(due_time(&urgency, &facts), 1010 * MINUTE);
}

TEST(no_number_of_reports_leads_below_zero_or_past_the_end_of_numbers)
{
    struct due_facts facts = {.received_at = 1000 * MINUTE, .reports = 52};

    assert_int_equal(due_time(&urgency, &facts), 20 * MINUTE);
    facts.reports = 54;
    assert_int_equal(due_time(&urgency, &facts), 0);
    facts.reports = INT64_MAX;
    assert_int_equal(due_time(&urgency, &facts), 0);
}

TEST(rules_differ_when_due_times_do)
{
    struct policy_queue queue = urgency;
    char rule[DUE_RULE_BYTES + 1], other[DUE_RULE_BYTES + 1];

    due_rule(&queue, rule);
    queue.trusted_ms++;
    due_rule(&queue, other);
    assert_string_not_equal(rule, other);
    queue.order = ORDER_NEWEST;
    due_rule(&queue, other);
    assert_string_equal(other, "newest");
    queue.order = ORDER_OLDEST;
    due_rule(&queue, other);
    assert_string_equal(other, ""); /* what sites of before this rule have */
}

TEST(the_longest_rule_fits_beside_its_mark)
{
    int64_t most = (int64_t)POLICY_MINUTES_MAX * MINUTE;
    struct policy_queue queue = {ORDER_URGENCY, most, most, most, most, most};
    char rule[DUE_RULE_BYTES + 1];

    due_rule(&queue, rule);
    assert_true(strlen(rule) + 1 < DUE_RULE_BYTES);
}

TEST(a_rule_is_read_as_it_was_written)
{
    static const struct policy_queue queues[] = {
        {.order = ORDER_OLDEST}, {.order = ORDER_NEWEST}, {ORDER_URGENCY, 1, 2, 3, 4, 5}};
    static const char *const none[] = {"~",      "~newest", "urgency", "urgency 1 2 3 4", "urgency 1 2 3 4 5 6",
                                       "oldest", " "};
    char rule[DUE_RULE_BYTES + 1];
    struct policy_queue read;

    for (size_t i = 0; i < 3; i++) {
        due_rule(&queues[i], rule);
        assert_true(due_rule_read(rule, &read));
        assert_memory_equal(&read, &queues[i], sizeof(read));
    }
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        assert_false(due_rule_read(none[i], &read));
}

/* ---- making them anew ---- */

enum { MANY = 1500, SLICE = 200 };

static struct policy_queue usual;

static void begin_with_urgency(void)
{
    begin();
    usual = rig.settings.policy->queue;
    rig.settings.policy->queue = urgency;
}

/* The policy is that of all tests. */
static void end_with_urgency(void)
{
    end();
    rig.settings.policy->queue = usual;
}

static void submit_many(void)
{
    for (int from = 0; from < MANY; from += 100) {
        char list[16384];
        size_t at = 0;
        for (int i = from; i < from + 100; i++)
            at += (size_t)snprintf(list + at, sizeof(list) - at,
                                   "%s{'site':'news','comment':'%d','body':'b','author':{'id':'u'}}",
                                   i > from ? "," : "", i);
        good(FRONT("{'op':'submit','comments':[%s]}", list));
    }
}

/* One turn of the writer when it has nothing else to do. False: nothing is left to be made anew. */
static bool pass(int64_t limit)
{
    assert_int_equal(ledger_begin(rig.work.ledger, rig.now_ms), STORE_OK);
    bool more = due_pass(&rig.work, limit);
    assert_int_equal(rig.work.trouble, STORE_OK);
    assert_int_equal(ledger_commit(rig.work.ledger, NULL, NULL), STORE_OK);
    return more;
}

/* What the card of comment 1 says of its urgency: the sum is when it is due, and `what` is the part at `i`. */
static void check_explained(size_t parts, const char *what, int64_t ms)
{
    const msgpack_object *card = rig_at(DESK("{'op':'show','as':'ann','site':'news','comment':'1'}"), "card");
    const msgpack_object *list = mp_get(card, "urgency");
    int64_t sum = 0;

    assert_int_equal(mp_count(list), parts);
    for (size_t i = 0; i < parts; i++)
        sum += mp_get_int(mp_item(list, i), "ms", 0);
    assert_int_equal(sum, mp_get_int(card, "due_at", 0));
    assert_true(slice_is(mp_get_str(mp_item(list, parts - 1), "what"), what));
    assert_int_equal(mp_get_int(mp_item(list, parts - 1), "ms", 0), ms);
}

TEST(a_card_explains_every_part_of_its_urgency)
{
    begin_with_urgency();
    good(FRONT("{'op':'submit','comments':[{'site':'news','comment':'1','body':'b','author':{'id':'u'},"
               "'article':{'id':'a'}}]}"));
    check_explained(2, "target", urgency.target_ms);
    good(FRONT("{'op':'report','site':'news','comment':'1','reader':'r'}"));
    good(FRONT("{'op':'report','site':'news','comment':'1','reader':'s'}"));
    check_explained(3, "reports", -2 * urgency.report_ms);
    good(FRONT("{'op':'article','site':'news','article':{'id':'a'},'front_page':true}"));
    check_explained(4, "front_page", -urgency.front_page_ms);
    good(DESK("{'op':'author_mark','as':'ann','site':'news','author':'u','mark':'watched','note':'n'}"));
    check_explained(5, "watched", -urgency.watched_ms);
    good(DESK("{'op':'author_mark','as':'ann','site':'news','author':'u','mark':'trusted','note':'n'}"));
    check_explained(5, "trusted", urgency.trusted_ms);
    end_with_urgency();
}

TEST(changes_that_come_again_and_again_do_not_keep_a_pass_from_its_end)
{
    static const char *const marks[] = {"watched", "trusted"};

    begin_with_urgency();
    submit_many();
    const struct store_site *site = ledger_site(rig.work.ledger, slice_of("news"));
    int passes = 0;
    for (int i = 0; i < 4 * MANY / SLICE; i++) {
        good(DESK("{'op':'author_mark','as':'ann','site':'news','author':'u','mark':'%s','note':'n'}", marks[i % 2]));
        bool waits = strncmp(site->due_rule, "~~", 2) == 0; /* another pass for the one that is on its way */
        assert_true(pass(SLICE));
        passes += waits && strncmp(site->due_rule, "~~", 2) != 0;
    }
    assert_in_range(passes, 3, 4);
    int turns = 0;
    while (pass(SLICE))
        turns++;
    assert_in_range(turns, 1, 2 * MANY / SLICE);
    assert_string_equal(site->due_after, "");
    end_with_urgency();
}
