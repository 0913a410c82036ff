/* The options that select comments, and the spans of time among them. */
#include "../../clients/cli/filter.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "../../clients/cli/say.h"
#include "../../clients/cli/when.h"

#define HOUR_MS INT64_C(3600000)
#define NOW     (1000 * HOUR_MS)

struct given {
    enum option_id id;
    const char *text;
};

static struct options options_of(const struct given *given, size_t count)
{
    struct options options = {0};

    for (size_t i = 0; i < count; i++) {
        options.given[given[i].id] = true;
        options.text[given[i].id] = given[i].text;
    }
    return options;
}

#define READ(filter, usual, ...)                                                                                       \
    read_options((struct given[]){__VA_ARGS__}, sizeof((struct given[]){__VA_ARGS__}) / sizeof(struct given), usual,   \
                 filter, NULL)
#define ASSERT_WRONG(word, ...)                                                                                        \
    assert_wrong((struct given[]){__VA_ARGS__}, sizeof((struct given[]){__VA_ARGS__}) / sizeof(struct given), word)

static bool read_options(const struct given *given, size_t count, const char *usual, struct filter *filter, char *said)
{
    struct options options = options_of(given, count);
    struct text why = {0};
    bool ok = filter_read(&options, NOW, usual, filter, &why);

    assert_int_equal(ok, why.len == 0);
    if (said)
        snprintf(said, 256, "%.*s", (int)why.len, why.data ? why.data : "");
    text_free(&why);
    return ok;
}

static void assert_wrong(const struct given *given, size_t count, const char *word)
{
    struct filter filter;
    char said[256];

    assert_false(read_options(given, count, "pending", &filter, said));
    if (!strstr(said, word))
        fail_msg("\"%s\" does not say \"%s\"", said, word);
}

static void assert_slice(struct slice slice, const char *expected)
{
    if (!slice_is(slice, expected))
        fail_msg("\"%.*s\" is not \"%s\"", (int)slice.len, slice.data ? slice.data : "", expected);
}

TEST(nothing_given_is_the_usual_state_and_no_more)
{
    struct filter filter;
    struct options none = {0};
    struct text why = {0};

    assert_false(filter_given(&none));
    assert_true(filter_read(&none, NOW, "pending", &filter, &why));
    assert_slice(filter.state, "pending");
    assert_null(filter.site.data);
    assert_null(filter.lane.data);
    assert_true(filter.since < 0 && filter.until < 0 && filter.reported < 0);
}

TEST(every_option_counts_as_given_alone)
{
    static const enum option_id ids[] = {OPT_SITE,     OPT_LANE,     OPT_STATE,        OPT_ARTICLE,
                                         OPT_AUTHOR,   OPT_LANGUAGE, OPT_OLDER_THAN,   OPT_NEWER_THAN,
                                         OPT_REPORTED, OPT_MARK,     OPT_REJECTED_FOR, OPT_DECIDED_BY};

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        struct options options = options_of(&(struct given){ids[i], "x"}, 1);
        assert_true(filter_given(&options));
    }
    struct options other = options_of(&(struct given){OPT_NOTE, "x"}, 1);
    assert_false(filter_given(&other));
}

TEST(author_names_its_site_and_may_hold_slashes)
{
    struct filter filter;

    assert_true(READ(&filter, "pending", {OPT_AUTHOR, "news/u/7"}));
    assert_slice(filter.site, "news");
    assert_slice(filter.author, "u/7");
    assert_true(READ(&filter, "pending", {OPT_AUTHOR, "news/u7"}, {OPT_SITE, "news"}));
    ASSERT_WRONG("different sites", {OPT_AUTHOR, "news/u7"}, {OPT_SITE, "forum"});
    ASSERT_WRONG("SITE/AUTHOR", {OPT_AUTHOR, "u7"});
    ASSERT_WRONG("SITE/AUTHOR", {OPT_AUTHOR, "/u7"});
    ASSERT_WRONG("SITE/AUTHOR", {OPT_AUTHOR, "news/"});
}

TEST(article_needs_a_site)
{
    struct filter filter;

    ASSERT_WRONG("--article needs --site", {OPT_ARTICLE, "2231"});
    assert_true(READ(&filter, "pending", {OPT_ARTICLE, "2231"}, {OPT_SITE, "news"}));
    assert_true(READ(&filter, "pending", {OPT_ARTICLE, "2231"}, {OPT_AUTHOR, "news/u7"}));
    assert_slice(filter.article, "2231");
}

TEST(ages_become_the_times_between_which_comments_came)
{
    struct filter filter;

    assert_true(READ(&filter, "pending", {OPT_OLDER_THAN, "2h"}));
    assert_true(filter.until == NOW - 2 * HOUR_MS && filter.since < 0);
    assert_true(READ(&filter, "pending", {OPT_NEWER_THAN, "1d"}));
    assert_true(filter.since == NOW - 24 * HOUR_MS && filter.until < 0);
    assert_true(READ(&filter, "pending", {OPT_NEWER_THAN, "1d"}, {OPT_OLDER_THAN, "2h"}));
    assert_true(filter.since == NOW - 24 * HOUR_MS && filter.until == NOW - 2 * HOUR_MS);
    assert_true(READ(&filter, "pending", {OPT_NEWER_THAN, "100w"}));
    assert_true(filter.since == 0);
    ASSERT_WRONG("nothing is older than 3h and newer than 2h", {OPT_NEWER_THAN, "2h"}, {OPT_OLDER_THAN, "3h"});
    ASSERT_WRONG("nothing is older", {OPT_NEWER_THAN, "2h"}, {OPT_OLDER_THAN, "120m"});
    ASSERT_WRONG("--older-than: \"2x\"", {OPT_OLDER_THAN, "2x"});
}

TEST(state_follows_from_what_else_was_asked)
{
    struct filter filter;

    assert_true(READ(&filter, "any", {OPT_SITE, "news"}));
    assert_slice(filter.state, "any");
    assert_true(READ(&filter, "any", {OPT_LANE, "escalated"}));
    assert_slice(filter.state, "pending");
    assert_true(READ(&filter, "pending", {OPT_REJECTED_FOR, "abuse"}));
    assert_slice(filter.state, "rejected");
    assert_true(READ(&filter, "pending", {OPT_DECIDED_BY, "ann"}));
    assert_slice(filter.state, "any");
    assert_true(READ(&filter, "pending", {OPT_DECIDED_BY, "ann"}, {OPT_STATE, "approved"}));
    assert_slice(filter.state, "approved");
    assert_true(READ(&filter, "pending", {OPT_REJECTED_FOR, "abuse"}, {OPT_STATE, "any"}));
    assert_slice(filter.reason, "abuse");
}

TEST(contradictions_are_told_with_both_sides)
{
    ASSERT_WRONG("--lane is about what is pending", {OPT_LANE, "escalated"}, {OPT_STATE, "approved"});
    ASSERT_WRONG("asked for is approved", {OPT_LANE, "escalated"}, {OPT_STATE, "approved"});
    ASSERT_WRONG("--lane is about what is pending", {OPT_LANE, "any"}, {OPT_REJECTED_FOR, "abuse"});
    ASSERT_WRONG("--rejected-for is about what is rejected", {OPT_REJECTED_FOR, "abuse"}, {OPT_STATE, "approved"});
    ASSERT_WRONG("--decided-by is about what is decided", {OPT_DECIDED_BY, "ann"}, {OPT_STATE, "pending"});
}

TEST(unknown_words_are_told_with_what_was_meant)
{
    ASSERT_WRONG("did you mean \"approved\"", {OPT_STATE, "aproved"});
    ASSERT_WRONG("trusted, watched, blocked", {OPT_MARK, "vip"});
    ASSERT_WRONG("normal, escalated, any", {OPT_LANE, "fast"});
}

TEST(whole_author_is_all_states_and_nothing_narrower)
{
    static const struct given narrower[] = {
        {OPT_ARTICLE, "1"},      {OPT_LANGUAGE, "ku"},  {OPT_OLDER_THAN, "1h"},
        {OPT_NEWER_THAN, "1h"},  {OPT_MARK, "blocked"}, {OPT_STATE, "approved"},
        {OPT_DECIDED_BY, "ann"}, {OPT_LANE, "any"},     {OPT_REJECTED_FOR, "abuse"}};
    struct filter filter;

    assert_true(READ(&filter, "any", {OPT_AUTHOR, "news/u7"}));
    assert_true(filter_is_whole_author(&filter));
    assert_true(READ(&filter, "any", {OPT_SITE, "news"}));
    assert_false(filter_is_whole_author(&filter));
    for (size_t i = 0; i < sizeof(narrower) / sizeof(narrower[0]); i++) {
        assert_true(READ(&filter, "any", {OPT_AUTHOR, "news/u7"}, narrower[i]));
        assert_false(filter_is_whole_author(&filter));
    }
    assert_true(READ(&filter, "any", {OPT_AUTHOR, "news/u7"}));
    filter.reported = 1;
    assert_false(filter_is_whole_author(&filter));
}

TEST(queue_is_what_is_pending_of_a_site_and_a_lane)
{
    struct filter filter;

    assert_true(READ(&filter, "pending", {OPT_SITE, "news"}, {OPT_LANE, "escalated"}));
    assert_true(filter_is_queue(&filter));
    assert_true(READ(&filter, "pending", {OPT_AUTHOR, "news/u7"}));
    assert_false(filter_is_queue(&filter));
    assert_true(READ(&filter, "pending", {OPT_MARK, "watched"}));
    assert_false(filter_is_queue(&filter));
    assert_true(READ(&filter, "any", {OPT_SITE, "news"}));
    assert_false(filter_is_queue(&filter));
}

/* ---- spans */

TEST(spans_are_a_number_and_a_unit)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"90s", 90000}, {"30m", 1800000}, {"2h", 2 * HOUR_MS},    {"3d", 72 * HOUR_MS},        {"1w", 168 * HOUR_MS},
        {"0", 0},       {"0s", 0},        {"100000s", 100000000}, {"36500d", 876000 * HOUR_MS}};
    static const char *const bad[] = {
        "", "5", "s", "-1h", "+1h", " 1h", "1 h", "1hh", "1.5h", "36501d", "99999999999999999999s", "1y", "1H"};
    int64_t ms;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(when_parse_span(good[i].text, &ms));
        assert_true(ms == good[i].ms);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (when_parse_span(bad[i], &ms))
            fail_msg("\"%s\" was taken for a span", bad[i]);
}
