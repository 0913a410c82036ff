/* The review without a terminal and without a daemon: what it asks for, what it does with keys and answers, and what it
 * would show. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../clients/cli/review/view.h"

enum { LEASE = 300000 };

static int64_t now = 1800000000000;

/* ---- a daemon by hand */

static struct request taken[64];
static size_t takens;

static void forget_taken(void)
{
    for (size_t i = 0; i < takens; i++) {
        json_decref(taken[i].fields);
        json_decref(taken[i].about);
    }
    takens = 0;
}

/* Keeps copies, since requests end with their answers. */
static void take(struct review *r)
{
    const struct request *request;

    while ((request = review_request(r))) {
        assert_true(takens < 64);
        taken[takens] = *request;
        taken[takens].fields = json_deep_copy(request->fields);
        taken[takens].about = json_deep_copy(request->about);
        takens++;
    }
}

/* The oldest one of this operation that was not answered; NULL: there is none. */
static struct request *wished(struct review *r, const char *operation)
{
    take(r);
    for (size_t i = 0; i < takens; i++)
        if (taken[i].id && strcmp(taken[i].operation, operation) == 0)
            return &taken[i];
    return NULL;
}

static json_t *parse(const char *text)
{
    char quoted[8192];
    json_error_t error;
    size_t i = 0;

    for (; text[i] && i + 1 < sizeof(quoted); i++)
        quoted[i] = text[i] == '\'' ? '"' : text[i];
    quoted[i] = '\0';
    json_t *value = json_loads(quoted, JSON_DECODE_ANY, &error);
    if (!value)
        fail_msg("%s in %s", error.text, quoted);
    return value;
}

static void answer_json(struct review *r, const char *operation, json_t *answer, json_t *error)
{
    struct request *request = wished(r, operation);

    if (!request)
        fail_msg("nobody asked for %s", operation);
    uint64_t id = request->id;
    request->id = 0;
    review_answer(r, id, answer, error, now);
    json_decref(answer);
    json_decref(error);
}

static void answer(struct review *r, const char *operation, const char *text)
{
    answer_json(r, operation, parse(text), NULL);
}

static void refuse(struct review *r, const char *operation, const char *error)
{
    answer_json(r, operation, NULL, parse(error));
}

static json_t *card_of(const char *comment, const char *body)
{
    return json_pack("{s:s, s:s, s:i, s:s, s:s, s:I, s:i, s:s, s:{s:s, s:s}}", "site", "news", "comment", comment,
                     "revision", 1, "state", "pending", "lane", "normal", "received_at", (json_int_t)(now - 60000),
                     "reports", 0, "body", body, "author", "id", "a1", "name", "Dilan");
}

static void answer_claim(struct review *r, const char *first, const char *second, const char *third)
{
    json_t *cards = json_array();

    if (first)
        json_array_append_new(cards, card_of(first, "the first text"));
    if (second)
        json_array_append_new(cards, card_of(second, "the second text"));
    if (third)
        json_array_append_new(cards, card_of(third, "the third text"));
    answer_json(r, "claim", json_pack("{s:o, s:[]}", "comments", cards, "refused"), NULL);
}

static void answer_show(struct review *r)
{
    struct request *request = wished(r, "show");

    assert_non_null(request);
    json_t *card = card_of(json_string_value(json_object_get(request->fields, "comment")), "shown");
    answer_json(r, "show", json_pack("{s:o, s:[]}", "card", card, "reported"), NULL);
}

static const char policy[] = "{'policy': {'reasons': [{'code': 'spam', 'needs_note': false, 'title': {'en': 'Spam', "
                             "'ku': 'Reklam'}}, {'code': 'other', 'needs_note': true, 'title': {'en': 'Other'}}]}}";

static void open_with(struct review *r, struct review_options options)
{
    takens = 0;
    options.ahead = options.ahead ? options.ahead : 2;
    options.lease_ms = LEASE;
    assert_true(review_open(r, &options));
    review_start(r, now);
}

/* Three comments on the table, c1 before the moderator, the policy known. */
static void open_three(struct review *r)
{
    open_with(r, (struct review_options){0});
    answer(r, "hello", "{'you': 'ann'}");
    answer_claim(r, "c1", "c2", "c3");
    answer(r, "policy", policy);
    while (wished(r, "show"))
        answer_show(r);
}

static void close(struct review *r)
{
    take(r);
    forget_taken();
    review_close(r);
}

static void type(struct review *r, const char *keys)
{
    for (; *keys; keys++)
        review_key(r, *keys, now);
}

static const char *current(const struct review *r)
{
    const struct card *card = review_current(r);
    return card ? json_string_value(json_object_get(card->card, "comment")) : "none";
}

static void assert_fields(struct review *r, const char *operation, const char *expected)
{
    struct request *request = wished(r, operation);
    json_t *wanted = parse(expected);

    assert_non_null(request);
    if (!json_equal(request->fields, wanted))
        fail_msg("%s: %s", operation, json_dumps(request->fields, 0));
    json_decref(wanted);
}

static void assert_told(const struct review *r, const char *words)
{
    const struct notice *notice = review_notice(r, now);

    if (!notice || !strstr(notice->text, words))
        fail_msg("\"%s\" instead of \"%s\"", notice ? notice->text : "nothing", words);
}

static void assert_silent(struct review *r, const char *operation)
{
    if (wished(r, operation))
        fail_msg("%s was asked for", operation);
}

/* ---- claiming ahead */

TEST(claims_ahead_and_asks_for_all_that_is_known_of_each)
{
    struct review r;

    open_with(&r, (struct review_options){0});
    assert_fields(&r, "claim", "{'limit': 3, 'lease_ms': 300000}");
    answer_claim(&r, "c1", "c2", NULL);
    assert_string_equal(current(&r), "c1");
    answer_show(&r);
    answer_show(&r);
    assert_silent(&r, "show");
    assert_fields(&r, "claim", "{'limit': 1, 'lease_ms': 300000}");
    close(&r);
}

TEST(an_empty_queue_is_asked_again_later_and_later_but_not_at_once)
{
    struct review r;
    int64_t began = now;

    open_with(&r, (struct review_options){0});
    answer_claim(&r, NULL, NULL, NULL);
    review_time(&r, ++now);
    assert_silent(&r, "claim");
    now += 2000;
    review_time(&r, now);
    answer_claim(&r, NULL, NULL, NULL);
    now += 2100;
    review_time(&r, now);
    assert_silent(&r, "claim");
    now += 2000;
    review_time(&r, now);
    assert_non_null(wished(&r, "claim"));
    close(&r);
    now = began;
}

TEST(a_claim_is_renewed_at_half_its_time_and_not_before)
{
    struct review r;
    int64_t began = now;

    open_three(&r);
    now += LEASE / 2 - 1000;
    r.key_at = now;
    review_time(&r, now);
    assert_silent(&r, "renew");
    now += 2000;
    review_time(&r, now);
    assert_non_null(wished(&r, "renew"));
    answer(&r, "renew",
           "{'results': [{'site': 'news', 'comment': 'c1', 'status': 'renewed'}, "
           "{'site': 'news', 'comment': 'c2', 'status': 'not_held'}]}");
    assert_true(card_is_held(r.cards.item[0], now + LEASE - 1));
    assert_false(card_is_held(r.cards.item[1], now));
    assert_fields(&r, "claim", "{'comments': [{'site': 'news', 'comment': 'c2'}], 'lease_ms': 300000}");
    close(&r);
    now = began;
}

TEST(whoever_goes_away_holds_nothing_for_ever_and_the_key_that_wakes_decides_nothing)
{
    struct review r;
    int64_t began = now;

    open_three(&r);
    now += 16 * 60000;
    review_time(&r, now);
    assert_silent(&r, "renew");
    review_key(&r, 'a', now);
    assert_silent(&r, "approve");
    assert_non_null(wished(&r, "claim"));
    close(&r);
    now = began;
}

TEST(leaving_gives_back_what_is_held_and_waits_for_the_answer)
{
    struct review r;

    open_three(&r);
    type(&r, "a");
    answer(&r, "approve", "{'results': [{'site': 'news', 'comment': 'c1', 'status': 'approved', 'seq': 1}]}");
    answer_claim(&r, NULL, NULL, NULL);
    type(&r, "q");
    assert_fields(&r, "release",
                  "{'comments': [{'site': 'news', 'comment': 'c2'}, {'site': 'news', 'comment': 'c3'}]}");
    assert_false(review_is_over(&r));
    answer(&r, "release", "{'results': []}");
    assert_true(review_is_over(&r));
    close(&r);
}

TEST(what_is_claimed_while_one_leaves_is_given_back_too)
{
    struct review r;

    open_with(&r, (struct review_options){0});
    review_leave(&r, now);
    assert_false(review_is_over(&r));
    answer_claim(&r, "c1", NULL, NULL);
    assert_fields(&r, "release", "{'comments': [{'site': 'news', 'comment': 'c1'}]}");
    close(&r);
}

/* ---- deciding */

TEST(a_decision_names_what_was_read_and_the_next_comment_is_there_at_once)
{
    struct review r;

    open_three(&r);
    type(&r, "a");
    assert_string_equal(current(&r), "c2");
    assert_fields(&r, "approve", "{'comments': [{'site': 'news', 'comment': 'c1', 'revision': 1}]}");
    assert_true(wished(&r, "approve")->changing);
    assert_fields(&r, "claim", "{'limit': 1, 'lease_ms': 300000}");
    close(&r);
}

TEST(reasons_are_chosen_by_keys_and_taken_back_by_them)
{
    struct review r;

    open_three(&r);
    type(&r, "r12");
    assert_int_equal(json_array_size(r.reasons), 2);
    type(&r, "2\n");
    assert_fields(&r, "reject",
                  "{'comments': [{'site': 'news', 'comment': 'c1', 'revision': 1}], 'reasons': ['spam']}");
    assert_int_equal(r.mode, MODE_READ);
    close(&r);
}

TEST(nothing_is_rejected_without_a_reason_or_without_the_note_that_it_needs)
{
    struct review r;

    open_three(&r);
    type(&r, "r\n");
    assert_told(&r, "choose a reason");
    type(&r, "2\n");
    assert_int_equal(r.mode, MODE_EDIT);
    type(&r, "\n");
    assert_silent(&r, "reject");
    type(&r, "he does\n");
    assert_fields(&r, "reject",
                  "{'comments': [{'site': 'news', 'comment': 'c1', 'revision': 1}], "
                  "'reasons': ['other'], 'note': 'he does'}");
    close(&r);
}

TEST(escape_leaves_the_comment_undecided)
{
    struct review r;

    open_three(&r);
    type(&r, "r1\033");
    assert_silent(&r, "reject");
    assert_string_equal(current(&r), "c1");
    type(&r, "r");
    assert_int_equal(json_array_size(r.reasons), 0);
    close(&r);
}

TEST(a_key_pressed_before_the_comment_could_be_read_decides_nothing)
{
    struct review r;

    open_with(&r, (struct review_options){.too_soon_ms = 150});
    answer_claim(&r, "c1", "c2", "c3");
    type(&r, "a");
    assert_silent(&r, "approve");
    now += 150;
    type(&r, "aa");
    assert_fields(&r, "approve", "{'comments': [{'site': 'news', 'comment': 'c1', 'revision': 1}]}");
    assert_string_equal(current(&r), "c2");
    close(&r);
    now -= 150;
}

TEST(who_was_first_is_told_and_the_comment_does_not_come_back)
{
    struct review r;

    open_three(&r);
    type(&r, "a");
    answer(&r, "approve",
           "{'results': [{'site': 'news', 'comment': 'c1', 'status': 'already_decided', 'error': {'name': "
           "'already_decided', 'decision': 'rejected', 'by': 'bob', 'reasons': ['spam']}}]}");
    assert_told(&r, "news/c1 not approved: already rejected by bob");
    assert_string_equal(current(&r), "c2");
    assert_int_equal(r.approved, 0);
    close(&r);
}

TEST(what_its_author_has_changed_meanwhile_comes_back_to_be_read)
{
    struct review r;

    open_three(&r);
    type(&r, "a");
    answer_claim(&r, NULL, NULL, NULL);
    answer(&r, "approve",
           "{'results': [{'site': 'news', 'comment': 'c1', 'status': 'stale_revision', 'error': "
           "{'name': 'stale_revision', 'revision': 2}}]}");
    assert_fields(&r, "claim", "{'comments': [{'site': 'news', 'comment': 'c1'}], 'lease_ms': 300000}");
    answer_claim(&r, "c1", NULL, NULL);
    assert_string_equal(current(&r), "c1");
    close(&r);
}

TEST(a_comment_that_is_being_decided_is_not_put_on_the_table_again)
{
    struct review r;

    open_three(&r);
    type(&r, "a");
    answer_claim(&r, "c1", NULL, NULL);
    assert_int_equal(r.cards.count, 2);
    close(&r);
}

TEST(an_operation_that_the_daemon_lacks_is_told_and_the_comment_goes_to_the_end)
{
    struct review r;

    open_three(&r);
    type(&r, "s");
    answer_claim(&r, NULL, NULL, NULL);
    refuse(&r, "skip", "{'name': 'unknown_operation', 'message': 'unknown'}");
    assert_told(&r, "this daemon does not know");
    answer_claim(&r, "c1", NULL, NULL);
    assert_string_equal(current(&r), "c2");
    assert_string_equal(json_string_value(json_object_get(r.cards.item[2]->card, "comment")), "c1");
    close(&r);
}

TEST(a_decision_that_is_there_is_replaced_only_when_asked_and_only_the_one_that_was_seen)
{
    struct review r;

    open_three(&r);
    json_object_set_new(r.cards.item[0]->card, "state", json_string("rejected"));
    json_object_set_new(r.cards.item[0]->card, "seq", json_integer(7));
    type(&r, "a");
    assert_int_equal(r.mode, MODE_ASK);
    assert_silent(&r, "approve");
    type(&r, "n");
    assert_silent(&r, "approve");
    type(&r, "ay");
    assert_fields(&r, "approve",
                  "{'comments': [{'site': 'news', 'comment': 'c1', 'revision': 1, 'seq': 7}], "
                  "'supersede': true}");
    close(&r);
}

/* ---- undo */

TEST(undo_takes_back_the_last_decision_then_the_one_before)
{
    struct review r;

    open_three(&r);
    type(&r, "a");
    answer(&r, "approve", "{'results': [{'site': 'news', 'comment': 'c1', 'status': 'approved', 'seq': 11}]}");
    type(&r, "a");
    answer(&r, "approve", "{'results': [{'site': 'news', 'comment': 'c2', 'status': 'approved', 'seq': 12}]}");
    type(&r, "u");
    assert_fields(&r, "undo", "{'records': [{'site': 'news', 'seq': 12}]}");
    answer(&r, "undo", "{'results': [{'site': 'news', 'comment': 'c2', 'status': 'undone', 'state': 'pending'}]}");
    type(&r, "u");
    assert_fields(&r, "undo", "{'records': [{'site': 'news', 'seq': 11}]}");
    type(&r, "u");
    assert_told(&r, "nothing of this sitting");
    close(&r);
}

TEST(what_is_not_answered_yet_is_undone_when_it_is)
{
    struct review r;

    open_three(&r);
    type(&r, "au");
    assert_silent(&r, "undo");
    answer(&r, "approve", "{'results': [{'site': 'news', 'comment': 'c1', 'status': 'approved', 'seq': 11}]}");
    assert_fields(&r, "undo", "{'records': [{'site': 'news', 'seq': 11}]}");
    close(&r);
}

/* ---- what changes under the eyes of who decides */

static void revise(struct review *r, const char *comment)
{
    json_t *card = card_of(comment, "another text");

    json_object_set_new(card, "revision", json_integer(2));
    answer_json(r, "show", json_pack("{s:o}", "card", card), NULL);
}

TEST(a_text_that_its_author_changes_while_it_is_read_is_not_decided_by_the_key_that_was_for_the_old_one)
{
    struct review r;
    int64_t began = now;

    open_with(&r, (struct review_options){.too_soon_ms = 150});
    answer_claim(&r, "c1", NULL, NULL);
    answer_show(&r);
    uint64_t serial = review_current(&r)->serial;
    now += 40000;
    r.scroll = 5;
    review_time(&r, now);
    revise(&r, "c1");
    assert_true(review_current(&r)->serial != serial);
    assert_int_equal(r.scroll, 0);
    assert_told(&r, "its author has changed this comment just now");
    now += 300;
    type(&r, "a");
    assert_silent(&r, "approve");
    now += 400;
    type(&r, "a");
    assert_fields(&r, "approve", "{'comments': [{'site': 'news', 'comment': 'c1', 'revision': 2}]}");
    close(&r);
    now = began;
}

TEST(a_key_that_is_held_down_decides_nothing_for_as_long_as_it_is)
{
    struct review r;
    int64_t began = now;

    open_with(&r, (struct review_options){.too_soon_ms = 150});
    answer_claim(&r, "c1", "c2", "c3");
    now += 1000;
    for (int i = 0; i < 30; i++, now += 33)
        type(&r, "a");
    assert_string_equal(current(&r), "c2");
    close(&r);
    now = began;
}

static void refuse_as_stale(struct review *r, const char *operation)
{
    answer(r, operation,
           "{'results': [{'site': 'news', 'comment': 'c1', 'status': 'stale_revision', 'error': "
           "{'name': 'stale_revision', 'revision': 2}}]}");
}

TEST(what_comes_back_does_not_take_the_place_of_what_is_being_rejected)
{
    struct review r;

    open_three(&r);
    type(&r, "ar");
    answer_claim(&r, NULL, NULL, NULL);
    refuse_as_stale(&r, "approve");
    answer_claim(&r, "c1", NULL, NULL);
    assert_string_equal(current(&r), "c2");
    type(&r, "1\n");
    assert_fields(&r, "reject",
                  "{'comments': [{'site': 'news', 'comment': 'c2', 'revision': 1}], 'reasons': ['spam']}");
    assert_string_equal(current(&r), "c1");
    close(&r);
}

TEST(what_comes_back_unasked_is_not_decided_by_a_key_that_was_for_another_one)
{
    struct review r;
    int64_t began = now;

    open_with(&r, (struct review_options){.too_soon_ms = 150});
    answer_claim(&r, "c1", "c2", "c3");
    now += 1000;
    type(&r, "a");
    answer_claim(&r, NULL, NULL, NULL);
    now += 1000;
    refuse_as_stale(&r, "approve");
    answer_claim(&r, "c1", NULL, NULL);
    now += 300;
    type(&r, "a");
    assert_silent(&r, "approve");
    close(&r);
    now = began;
}

TEST(the_row_of_the_list_stays_on_its_comment_when_others_come_before_it)
{
    struct review r;

    open_three(&r);
    type(&r, "alj");
    answer_claim(&r, NULL, NULL, NULL);
    refuse_as_stale(&r, "approve");
    answer_claim(&r, "c1", NULL, NULL);
    type(&r, "e\n");
    assert_fields(&r, "escalate", "{'comments': [{'site': 'news', 'comment': 'c3', 'revision': 1}]}");
    close(&r);
}

TEST(reasons_for_a_row_of_the_list_stand_beside_its_own_text)
{
    struct review r;

    open_three(&r);
    type(&r, "ljjr");
    assert_string_equal(current(&r), "c3");
    close(&r);
}

TEST(what_is_refused_after_the_moderator_left_is_given_back)
{
    struct review r;

    open_with(&r, (struct review_options){0});
    answer_claim(&r, "c1", NULL, NULL);
    type(&r, "aq");
    answer_claim(&r, NULL, NULL, NULL);
    refuse_as_stale(&r, "approve");
    assert_fields(&r, "release", "{'comments': [{'site': 'news', 'comment': 'c1'}]}");
    close(&r);
}

TEST(a_renewal_that_is_refused_is_not_asked_for_again_at_once)
{
    struct review r;
    int64_t began = now;

    open_three(&r);
    now += LEASE / 2 + 1000;
    r.key_at = now;
    review_time(&r, now);
    refuse(&r, "renew", "{'name': 'forbidden', 'message': 'no'}");
    assert_silent(&r, "renew");
    now += 2000;
    review_time(&r, now);
    assert_non_null(wished(&r, "renew"));
    close(&r);
    now = began;
}

TEST(no_more_is_given_back_at_a_time_than_the_daemon_takes)
{
    struct review r;

    open_with(&r, (struct review_options){0});
    answer(&r, "hello", "{'limits': {'max_batch': 2}}");
    answer_claim(&r, "c1", "c2", "c3");
    type(&r, "q");
    assert_fields(&r, "release",
                  "{'comments': [{'site': 'news', 'comment': 'c1'}, {'site': 'news', 'comment': 'c2'}]}");
    answer(&r, "release", "{'results': []}");
    assert_fields(&r, "release", "{'comments': [{'site': 'news', 'comment': 'c3'}]}");
    close(&r);
}

TEST(undo_after_a_skip_says_so_before_it_takes_back_what_was_before)
{
    struct review r;

    open_three(&r);
    type(&r, "a");
    answer(&r, "approve", "{'results': [{'site': 'news', 'comment': 'c1', 'status': 'approved', 'seq': 11}]}");
    type(&r, "su");
    assert_silent(&r, "undo");
    assert_told(&r, "the last one was skipped, and that cannot be undone");
    type(&r, "u");
    assert_fields(&r, "undo", "{'records': [{'site': 'news', 'seq': 11}]}");
    answer(&r, "undo", "{'results': [{'site': 'news', 'comment': 'c1', 'status': 'undone', 'state': 'pending'}]}");
    assert_int_equal(r.approved, 0);
    close(&r);
}

TEST(a_late_history_is_not_shown_for_another_comment)
{
    struct review r;

    open_three(&r);
    type(&r, "h ]h");
    answer(&r, "history", "{'events': []}");
    assert_null(r.answer);
    assert_true(r.waiting);
    answer(&r, "history", "{'events': []}");
    assert_non_null(r.answer);
    close(&r);
}

/* ---- several */

TEST(marked_ones_are_decided_together_and_undone_together)
{
    struct review r;

    open_three(&r);
    type(&r, "l  a");
    assert_fields(&r, "approve",
                  "{'comments': [{'site': 'news', 'comment': 'c1', 'revision': 1}, "
                  "{'site': 'news', 'comment': 'c2', 'revision': 1}]}");
    assert_int_equal(r.cards.count, 1);
    answer(&r, "approve",
           "{'results': [{'site': 'news', 'comment': 'c1', 'status': 'approved', 'seq': 1}, "
           "{'site': 'news', 'comment': 'c2', 'status': 'approved', 'seq': 2}]}");
    type(&r, "u");
    assert_fields(&r, "undo", "{'records': [{'site': 'news', 'seq': 1}, {'site': 'news', 'seq': 2}]}");
    close(&r);
}

TEST(a_decided_one_among_the_marked_is_left_alone)
{
    struct review r;

    open_three(&r);
    json_object_set_new(r.cards.item[1]->card, "state", json_string("rejected"));
    type(&r, "l*a");
    assert_fields(&r, "approve",
                  "{'comments': [{'site': 'news', 'comment': 'c1', 'revision': 1}, "
                  "{'site': 'news', 'comment': 'c3', 'revision': 1}]}");
    close(&r);
}

/* ---- filters */

TEST(a_filter_lists_what_fits_and_claims_that_alone)
{
    struct review r;
    char list[512];

    open_three(&r);
    type(&r, "fp\n");
    assert_non_null(wished(&r, "release"));
    answer(&r, "release", "{}");
    assert_fields(&r, "list", "{'reported': 1, 'free': true, 'limit': 100}");
    snprintf(list, sizeof(list),
             "{'comments': [{'site': 'news', 'comment': 'x1', 'state': 'pending', 'lane': 'normal', 'reports': 0, "
             "'received_at': 5}, {'site': 'news', 'comment': 'x2', 'state': 'pending', 'lane': 'normal', 'reports': 2, "
             "'received_at': 5}, {'site': 'news', 'comment': 'x3', 'state': 'pending', 'lane': 'normal', 'reports': 2, "
             "'claimed_by': 'bob', 'received_at': 5}], 'next': null}");
    answer(&r, "list", list);
    assert_fields(&r, "claim", "{'comments': [{'site': 'news', 'comment': 'x2'}], 'lease_ms': 300000}");
    close(&r);
}

TEST(what_was_claimed_for_another_filter_is_given_back)
{
    struct review r;

    open_with(&r, (struct review_options){0});
    wished(&r, "claim");
    type(&r, "fe");
    answer_claim(&r, "c1", NULL, NULL);
    assert_int_equal(r.cards.count, 0);
    assert_fields(&r, "release", "{'comments': [{'site': 'news', 'comment': 'c1'}]}");
    assert_fields(&r, "claim", "{'lane': 'escalated', 'limit': 3, 'lease_ms': 300000}");
    close(&r);
}

TEST(other_comments_of_an_author_are_claimed_and_come_first)
{
    struct review r;

    open_three(&r);
    type(&r, "A");
    assert_fields(&r, "list", "{'free': true, 'limit': 500, 'site': 'news', 'author': 'a1'}");
    json_t *other = card_of("c8", "by another");
    json_object_set_new(json_object_get(other, "author"), "id", json_string("a2"));
    answer_json(&r, "list", json_pack("{s:[o, o, o]}", "comments", card_of("c2", ""), card_of("c9", ""), other), NULL);
    assert_fields(&r, "claim", "{'comments': [{'site': 'news', 'comment': 'c9'}], 'lease_ms': 300000}");
    answer_claim(&r, "c9", NULL, NULL);
    assert_string_equal(current(&r), "c9");
    close(&r);
}

/* ---- search, papers */

TEST(a_hit_is_opened_to_be_looked_at_and_goes_when_it_is_left)
{
    struct review r;

    open_three(&r);
    type(&r, "/park\n");
    assert_fields(&r, "search", "{'text': 'park', 'limit': 100}");
    answer_json(&r, "search", json_pack("{s:[o]}", "comments", card_of("old", "a park")), NULL);
    type(&r, "\n");
    assert_string_equal(current(&r), "old");
    assert_int_equal(r.cards.count, 4);
    type(&r, "]");
    assert_int_equal(r.cards.count, 3);
    close(&r);
}

TEST(a_daemon_that_cannot_search_is_told_of)
{
    struct review r;

    open_three(&r);
    type(&r, "/park\n");
    refuse(&r, "search", "{'name': 'unknown_operation', 'message': 'unknown'}");
    assert_told(&r, "older than this modq");
    assert_int_equal(r.mode, MODE_READ);
    close(&r);
}

TEST(the_authors_record_comes_from_show_where_the_daemon_has_no_other)
{
    struct review r;

    open_three(&r);
    json_object_set_new(r.cards.item[0]->details, "author_record", parse("{'approved': 4}"));
    type(&r, "o");
    refuse(&r, "author", "{'name': 'unknown_operation', 'message': 'unknown'}");
    assert_int_equal(r.mode, MODE_PAPER);
    assert_non_null(json_object_get(r.answer, "record"));
    close(&r);
}

/* ---- what is shown */

static void draw(struct page *page, const struct review *r, size_t columns, size_t rows, enum bidi bidi)
{
    *page = (struct page){.bidi = bidi};
    view_screen(page, r, columns, rows, now);
    assert_false(page->failed);
}

/* Nothing is drawn beyond the screen. */
static void assert_fits(const struct page *page, size_t columns, size_t rows)
{
    for (size_t i = 0; i < page->spans; i++) {
        assert_true(page->span[i].row < rows);
        assert_true(page->span[i].column + page->span[i].columns <= columns);
    }
}

static char *whole(const struct page *page)
{
    struct text out = {0};

    for (size_t i = 0; i < page->rows; i++) {
        page_say(&out, page, i);
        text_append(&out, SLICE_LIT("\n"));
    }
    text_append(&out, (struct slice){"", 1});
    return out.data;
}

static void assert_shown(const struct review *r, size_t columns, size_t rows, const char *words)
{
    struct page page;

    draw(&page, r, columns, rows, BIDI_TERMINAL);
    assert_fits(&page, columns, rows);
    char *screen = whole(&page);
    if (!strstr(screen, words))
        fail_msg("\"%s\" is not in\n%s", words, screen);
    free(screen);
    page_free(&page);
}

static void assert_not_shown(const struct review *r, size_t columns, size_t rows, const char *words)
{
    struct page page;

    draw(&page, r, columns, rows, BIDI_TERMINAL);
    char *screen = whole(&page);
    if (strstr(screen, words))
        fail_msg("\"%s\" is in\n%s", words, screen);
    free(screen);
    page_free(&page);
}

static void put_details(struct review *r, const char *text)
{
    json_t *details = parse(text);

    json_object_set(details, "card", r->cards.item[0]->card);
    card_detail(r->cards.item[0], details);
    json_decref(details);
}

static const char everything[] =
    "{'reported': [{'reason': 'spam', 'note': 'look', 'at': 1799999990000}], 'parent_card': {'state': 'approved', "
    "'author': {'name': 'Bob'}, 'body': 'The question.'}, 'before': {'revision': 1, 'body': 'the old text'}, "
    "'author_record': {'site': 'news', 'author': 'a1', 'approved': 14, 'rejected': 2, 'mark': 'watched', 'marked_by': "
    "'eve', 'reasons': [{'reason': 'spam', 'count': 2}], 'last': [{'comment': 'z', 'state': 'rejected', 'start': "
    "'Buy', 'received_at': 1799999000000}]}, 'seen': [{'by': 'bob', 'kind': 'skipped', 'at': 1799999000000}], "
    "'notes': [{'by': 'eve', 'note': 'careful', 'at': 1799999000000}]}";

TEST(all_that_a_decision_needs_is_shown)
{
    static const char *const words[] = {"news/c1",
                                        "Dilan",
                                        "14 approved, 2 rejected",
                                        "Bob",
                                        "The question.",
                                        "shown",
                                        "Spam: look",
                                        "- the old text",
                                        "rejected 2\u00d7 for Spam",
                                        "watched by eve",
                                        "careful",
                                        "bob skipped",
                                        "waits 1m",
                                        "ann"};
    struct review r;

    open_three(&r);
    put_details(&r, everything);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        assert_shown(&r, 80, 60, words[i]);
        assert_shown(&r, 120, 40, words[i]);
    }
    close(&r);
}

TEST(every_mode_fits_every_size)
{
    static const char *const keys[] = {"", "r", "r1", "e", "/", "f", "fs", "l", "l  ", "?", "m", "h", "q"};
    static const size_t sizes[][2] = {{80, 24}, {120, 40}, {40, 10}, {20, 6}, {99, 13}, {200, 60}, {3, 2}};
    struct page page;

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        for (size_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
            struct review r;
            open_three(&r);
            put_details(&r, everything);
            type(&r, keys[i]);
            draw(&page, &r, sizes[j][0], sizes[j][1], BIDI_TERMINAL);
            assert_fits(&page, sizes[j][0], sizes[j][1]);
            page_free(&page);
            close(&r);
        }
}

TEST(who_decided_meanwhile_stands_on_the_card)
{
    struct review r;

    open_three(&r);
    put_details(&r, "{'reported': []}");
    json_t *card = r.cards.item[0]->card;
    json_object_set_new(card, "state", json_string("rejected"));
    json_object_set_new(card, "decided_by", json_string("bob"));
    json_object_set_new(card, "reasons", parse("['spam']"));
    assert_shown(&r, 80, 24, "This comment is rejected, by bob: Spam.");
    type(&r, "\n");
    assert_string_equal(current(&r), "c2");
    close(&r);
}

TEST(that_the_daemon_is_away_is_shown_until_it_answers)
{
    struct review r;

    open_three(&r);
    review_away(&r, "no answer", now);
    assert_shown(&r, 80, 24, "daemon away");
    now += 5000;
    review_time(&r, now);
    answer(&r, "hello", "{'you': 'ann'}");
    assert_false(r.away);
    close(&r);
    now -= 5000;
}

TEST(what_the_daemon_has_not_answered_for_a_while_is_counted)
{
    struct review r;

    open_three(&r);
    type(&r, "a");
    assert_not_shown(&r, 80, 24, "unanswered");
    now += 2000;
    assert_shown(&r, 80, 24, "1 unanswered");
    close(&r);
    now -= 2000;
}

TEST(a_claim_has_a_clock_in_its_last_minute_only)
{
    struct review r;

    open_three(&r);
    assert_not_shown(&r, 80, 24, "yours for");
    r.cards.item[0]->held_until = now + 42000;
    assert_shown(&r, 80, 24, "yours for 42 s");
    close(&r);
}

TEST(the_list_shows_the_text_of_the_chosen_one_where_there_is_room)
{
    struct review r;

    open_three(&r);
    json_object_set_new(r.cards.item[1]->card, "article", parse("{'id': 'a', 'title': 'The park'}"));
    type(&r, "l");
    assert_not_shown(&r, 80, 24, "The park");
    type(&r, "j");
    assert_shown(&r, 80, 24, "The park");
    assert_not_shown(&r, 80, 12, "The park");
    close(&r);
}

TEST(text_from_right_to_left_begins_at_the_right_where_we_put_it_in_order)
{
    struct page page;
    struct review r;

    open_three(&r);
    json_object_set_new(r.cards.item[0]->card, "body", json_string("\u0633\u0644\u0627\u0645"));
    draw(&page, &r, 80, 24, BIDI_FRIBIDI);
    char *screen = whole(&page);
    const char *text = strstr(screen, "\ufee1\ufefc\ufeb3");
    assert_non_null(text);
    const char *start = text;
    while (start > screen && start[-1] != '\n')
        start--;
    assert_true(text - start > 60);
    free(screen);
    page_free(&page);
    close(&r);
}

TEST(text_of_others_reaches_the_screen_only_rendered)
{
    struct page page;
    struct review r;

    open_three(&r);
    json_object_set_new(r.cards.item[0]->card, "body", json_string("a\033[31m\u202eb"));
    json_object_set_new(r.cards.item[0]->card, "author", parse("{'id': 'x', 'name': 'n\\u009b'}"));
    for (int bidi = BIDI_TERMINAL; bidi <= BIDI_OFF; bidi++) {
        draw(&page, &r, 80, 24, (enum bidi)bidi);
        char *screen = whole(&page);
        assert_null(strchr(screen, '\033'));
        assert_null(strstr(screen, "\xc2\x9b"));
        assert_null(strstr(screen, "\u202e"));
        assert_non_null(strstr(screen, "<U+202E>"));
        free(screen);
        page_free(&page);
    }
    close(&r);
}

static void assert_line(const char *text, enum bidi bidi, const char *expected)
{
    struct text out = {0};

    bidi_line(&out, slice_of(text), bidi_is_rtl(slice_of(text)), bidi);
    text_append(&out, (struct slice){"", 1});
    assert_string_equal(out.data, expected);
    text_free(&out);
}

TEST(arabic_is_isolated_for_the_terminal_or_put_in_order_and_shaped)
{
    assert_line("plain", BIDI_TERMINAL, "plain");
    assert_line("\u0633\u0644\u0627\u0645", BIDI_TERMINAL, "\u2068\u0633\u0644\u0627\u0645\u2069");
    assert_line("\u0633\u0644\u0627\u0645", BIDI_FRIBIDI, "\ufee1\ufefc\ufeb3"); /* seen, lam-alef, meem */
    assert_line("\u0633\u0644\u0627\u0645", BIDI_OFF, "\u0633\u0644\u0627\u0645");
    assert_line("VAR \u0633", BIDI_FRIBIDI, "VAR \ufeb1");
    assert_line("\u0633 VAR", BIDI_FRIBIDI, "VAR \ufeb1");
}

TEST(a_change_is_shown_with_the_words_around_it_in_its_line)
{
    struct review r;

    open_three(&r);
    json_object_set_new(r.cards.item[0]->card, "body",
                        json_string("First line.\nIt was a very good day for us.\nLast."));
    put_details(&r, "{'before': {'revision': 1, 'body': 'First line.\\nIt was a very bad day for us.\\nLast.'}}");
    assert_shown(&r, 80, 40, "- \u2026 It was a very bad day for us. \u2026");
    assert_shown(&r, 80, 40, "+ \u2026 It was a very good day for us. \u2026");
    close(&r);
}

/* ---- lines that are typed */

TEST(a_line_is_typed_character_by_character_in_any_script)
{
    struct edit edit = {0};
    static const int32_t keys[] = {'a', 0x0633,      0x1f600,      KEY_OF_LEFT, 'b', KEY_OF_BACKSPACE,
                                   'c', KEY_OF_HOME, KEY_OF_DELETE};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        assert_true(edit_key(&edit, keys[i], 100));
    text_append(&edit.text, (struct slice){"", 1});
    assert_string_equal(edit.text.data, "\u0633c\U0001f600");
    assert_false(edit_key(&edit, KEY_OF_HOME, 100));
    assert_false(edit_key(&edit, 'x', 8));
    assert_false(edit_key(&edit, 0x85, 100));
    edit_free(&edit);
}
