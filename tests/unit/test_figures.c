/* Figures counted by hand. */
#include "../../clients/cli/agreement.h"
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MINUTE = 60000, HOUR = 60 * MINUTE, SINCE = 100 * HOUR, UNTIL = 110 * HOUR };

static struct figures *figures;

static void begin(void)
{
    figures = figures_new(SINCE, UNTIL);
    assert_non_null(figures);
}

static void end(void)
{
    figures_free(figures);
    figures = NULL;
}

/* A fact of kind and cause, `minute` minutes after SINCE, about which nothing else is known. */
static struct fact fact_of(int64_t no, int minute, enum fact_kind kind, const char *actor)
{
    bool decision = kind == FACT_APPROVED || kind == FACT_REJECTED;

    return (struct fact){.no = no,
                         .at = SINCE + (int64_t)minute * MINUTE,
                         .kind = kind,
                         .cause = decision ? FACT_BY_MODERATOR : FACT_BY_OTHER,
                         .site = SLICE_LIT("news"),
                         .actor = slice_of(actor),
                         .waited_ms = -1,
                         .handled_ms = -1};
}

static void add(struct fact fact)
{
    assert_true(figures_add(figures, &fact));
}

static void replace(int64_t no, int minute, enum fact_kind kind, enum fact_cause cause, const char *actor,
                    int64_t first)
{
    struct fact fact = fact_of(no, minute, kind, actor);

    fact.cause = cause;
    fact.first_no = first;
    fact.first = FACT_APPROVED;
    add(fact);
}

static struct figures_row all(void)
{
    struct figures_table table;

    assert_true(figures_group(figures, FIGURES_ALL, &table));
    assert_int_equal(table.count, 1);
    struct figures_row row = table.rows[0];
    figures_table_free(&table);
    return row;
}

static void assert_name(struct slice name, const char *expected)
{
    if (!slice_is(name, expected))
        fail_msg("%.*s instead of %s", (int)name.len, name.data ? name.data : "", expected);
}

static void assert_near(double number, double expected)
{
    if (fabs(number - expected) > 1e-9)
        fail_msg("%.12f instead of %.12f", number, expected);
}

/* ---- spreads */

TEST(spread_of_nothing_is_unknown)
{
    struct spread spread = spread_of(NULL, 0);

    assert_int_equal(spread.count, 0);
    assert_int_equal(spread.median_ms, -1);
    assert_int_equal(spread.p90_ms, -1);
}

TEST(median_is_the_middle_and_p90_the_nearest_rank)
{
    static const struct {
        int64_t values[12];
        size_t count;
        int64_t median, p90;
    } cases[] = {
        {{7}, 1, 7, 7},
        {{9, 1}, 2, 5, 9},
        {{1, 2}, 2, 1, 2}, /* 1.5 is cut */
        {{30, 10, 20}, 3, 20, 30},
        {{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, 10, 5, 9},      /* 5.5 is cut; the 9th of 10 */
        {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 11, 6, 10}, /* 9.9, so the 10th */
        {{INT64_MAX, INT64_MAX}, 2, INT64_MAX, INT64_MAX},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t values[12];
        memcpy(values, cases[i].values, sizeof(values));
        struct spread spread = spread_of(values, cases[i].count);
        assert_int_equal(spread.count, cases[i].count);
        assert_int_equal(spread.median_ms, cases[i].median);
        assert_int_equal(spread.p90_ms, cases[i].p90);
    }
}

/* ---- counting */

TEST(only_facts_of_the_span_count)
{
    begin();
    add(fact_of(1, -1, FACT_SUBMITTED, "front"));
    add(fact_of(2, 0, FACT_SUBMITTED, "front"));
    add(fact_of(3, 599, FACT_APPROVED, "ann"));
    add(fact_of(4, 600, FACT_APPROVED, "ann"));
    struct figures_row row = all();
    assert_int_equal(row.arrivals, 1);
    assert_int_equal(row.approved, 1);
    end();
}

TEST(each_kind_is_counted_and_an_undo_is_no_decision)
{
    static const enum fact_kind kinds[] = {FACT_REOPENED, FACT_WITHDRAWN, FACT_ERASED,  FACT_ESCALATED,
                                           FACT_REPORTED, FACT_SKIPPED,   FACT_REJECTED};

    begin();
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        for (size_t j = 0; j <= i; j++)
            add(fact_of((int64_t)(i * 10 + j + 1), 1, kinds[i], "ann"));
    replace(100, 2, FACT_APPROVED, FACT_BY_UNDO, "ann", 0);
    struct figures_row row = all();
    assert_int_equal(row.reopened, 1);
    assert_int_equal(row.withdrawn, 2);
    assert_int_equal(row.erased, 3);
    assert_int_equal(row.escalated, 4);
    assert_int_equal(row.reported, 5);
    assert_int_equal(row.skipped, 6);
    assert_int_equal(row.rejected, 7);
    assert_int_equal(row.approved, 0);
    assert_int_equal(row.undone, 1);
    assert_int_equal(figures_decisions(&row), 7);
    end();
}

TEST(moderators_are_those_who_are_not_the_daemon_and_the_busiest_comes_first)
{
    struct figures_table table;

    begin();
    add(fact_of(1, 1, FACT_SUBMITTED, "front"));
    add(fact_of(2, 1, FACT_SUBMITTED, "push"));
    add(fact_of(3, 2, FACT_REOPENED, "modqd"));
    add(fact_of(4, 3, FACT_APPROVED, "bob"));
    add(fact_of(5, 4, FACT_REJECTED, "ann"));
    add(fact_of(6, 70, FACT_APPROVED, "ann"));
    assert_true(figures_group(figures, FIGURES_MODERATOR, &table));
    assert_int_equal(table.count, 2);
    assert_name(table.rows[0].name, "ann");
    assert_int_equal(table.rows[0].approved, 1);
    assert_int_equal(table.rows[0].rejected, 1);
    assert_int_equal(table.rows[0].hours, 2);
    assert_near(figures_pace(&table.rows[0]), 0.2); /* 2 in 10 hours */
    assert_near(figures_pace_at_work(&table.rows[0]), 1);
    assert_name(table.rows[1].name, "bob");
    figures_table_free(&table);
    end();
}

TEST(a_rejection_counts_for_each_of_its_reasons)
{
    struct figures_table table;
    struct fact fact = fact_of(1, 1, FACT_REJECTED, "ann");

    begin();
    fact.reasons = (struct fact_reasons){{SLICE_LIT("threat"), SLICE_LIT("abuse")}, 2};
    add(fact);
    fact.no = 2;
    fact.reasons = (struct fact_reasons){{SLICE_LIT("threat")}, 1};
    add(fact);
    fact.no = 3;
    fact.kind = FACT_REPORTED; /* a reader's reason is no decision's */
    add(fact);
    assert_true(figures_group(figures, FIGURES_REASON, &table));
    assert_int_equal(table.count, 2);
    assert_name(table.rows[0].name, "threat");
    assert_int_equal(table.rows[0].rejected, 2);
    assert_name(table.rows[1].name, "abuse");
    assert_int_equal(table.rows[1].rejected, 1);
    figures_table_free(&table);
    end();
}

TEST(an_article_is_one_of_its_site)
{
    struct figures_table table;
    struct fact fact = fact_of(1, 1, FACT_SUBMITTED, "front");

    begin();
    fact.article = SLICE_LIT("7");
    add(fact);
    fact.no = 2;
    fact.site = SLICE_LIT("sport");
    add(fact);
    fact.no = 3;
    add(fact);
    fact.no = 4;
    fact.article = SLICE_NONE;
    add(fact);
    assert_true(figures_group(figures, FIGURES_ARTICLE, &table));
    assert_int_equal(table.count, 2);
    assert_name(table.rows[0].name, "sport/7");
    assert_int_equal(table.rows[0].arrivals, 2);
    assert_name(table.rows[1].name, "news/7");
    figures_table_free(&table);
    assert_true(figures_group(figures, FIGURES_SITE, &table));
    assert_int_equal(table.count, 2);
    assert_int_equal(table.rows[0].arrivals, 3);
    figures_table_free(&table);
    end();
}

TEST(times_are_spread_where_they_are_known)
{
    struct fact fact = fact_of(1, 1, FACT_APPROVED, "ann");

    begin();
    for (int i = 1; i <= 5; i++) {
        fact.no = i;
        fact.waited_ms = i == 3 ? -1 : (int64_t)i * MINUTE;
        fact.handled_ms = i == 1 ? 0 : -1;
        add(fact);
    }
    struct figures_row row = all();
    assert_int_equal(row.waited.count, 4);
    assert_int_equal(row.waited.median_ms, 3 * MINUTE); /* 1 2 4 5 */
    assert_int_equal(row.waited.p90_ms, 5 * MINUTE);
    assert_int_equal(row.handled.count, 1);
    assert_int_equal(row.handled.median_ms, 0);
    end();
}

TEST(many_names_are_told_apart)
{
    struct figures_table table;
    char name[16];

    begin();
    for (int i = 0; i < 3000; i++) {
        struct fact fact = fact_of(i + 1, i % 600, FACT_SUBMITTED, "front");
        snprintf(name, sizeof(name), "site-%d", i % 1000);
        fact.site = slice_of(name);
        add(fact);
    }
    assert_true(figures_group(figures, FIGURES_SITE, &table));
    assert_int_equal(table.count, 1000);
    for (size_t i = 0; i < table.count; i++)
        assert_int_equal(table.rows[i].arrivals, 3);
    assert_name(table.rows[0].name, "site-0");
    assert_name(table.rows[999].name, "site-999");
    figures_table_free(&table);
    end();
}

/* ---- overturned */

TEST(what_another_replaced_or_undid_or_a_second_look_took_back_is_overturned)
{
    begin();
    for (int i = 1; i <= 8; i++)
        add(fact_of(i, i, FACT_APPROVED, "ann"));
    replace(11, 20, FACT_REJECTED, FACT_BY_MODERATOR, "bob", 1);
    replace(12, 21, FACT_REOPENED, FACT_BY_UNDO, "bob", 2);
    replace(13, 22, FACT_REOPENED, FACT_BY_SECOND_LOOK, "modqd", 3);
    replace(14, 23, FACT_REJECTED, FACT_BY_MODERATOR, "ann", 4); /* by herself */
    replace(15, 24, FACT_REOPENED, FACT_BY_UNDO, "ann", 5);
    replace(16, 25, FACT_REOPENED, FACT_BY_OTHER, "modqd", 6);  /* a new revision, or readers */
    replace(17, 26, FACT_SECOND_LOOK, FACT_BY_OTHER, "bob", 7); /* only looked */
    assert_int_equal(all().overturned, 3);
    end();
}

TEST(what_is_overturned_after_the_span_or_was_decided_before_it_is_not_counted)
{
    begin();
    add(fact_of(1, -5, FACT_APPROVED, "ann"));
    add(fact_of(2, 5, FACT_APPROVED, "ann"));
    replace(3, 6, FACT_REJECTED, FACT_BY_MODERATOR, "bob", 1);
    replace(4, 600, FACT_REJECTED, FACT_BY_MODERATOR, "bob", 2);
    replace(5, 7, FACT_REJECTED, FACT_BY_MODERATOR, "bob", 99); /* of before the facts */
    assert_int_equal(all().overturned, 0);
    end();
}

TEST(an_undo_that_is_undone_overturns_no_decision)
{
    begin();
    add(fact_of(1, 1, FACT_APPROVED, "ann"));
    replace(2, 2, FACT_APPROVED, FACT_BY_UNDO, "bob", 0);
    replace(3, 3, FACT_REJECTED, FACT_BY_MODERATOR, "cem", 2);
    assert_int_equal(all().overturned, 0);
    end();
}

/* ---- time */

static void add_pending(int64_t no, int minute, enum fact_kind kind, int pending)
{
    struct fact fact = fact_of(no, minute, kind, "ann");

    fact.pending = pending;
    add(fact);
}

TEST(backlog_is_counted_back_from_what_is_pending_now)
{
    static const int64_t bounds[] = {SINCE, SINCE + HOUR, SINCE + 2 * HOUR, UNTIL};
    struct figures_table table;

    begin();
    add_pending(1, 10, FACT_SUBMITTED, 1);
    add_pending(2, 59, FACT_SUBMITTED, 1);
    add_pending(3, 60, FACT_APPROVED, -1); /* the first moment of the second hour */
    add_pending(4, 61, FACT_SUBMITTED, 0);
    add_pending(5, 130, FACT_SUBMITTED, 1);
    add_pending(6, 700, FACT_SUBMITTED, 1); /* after the span */
    figures_set_pending(figures, 12);
    assert_true(figures_by_time(figures, bounds, 3, &table));
    assert_int_equal(table.count, 3);
    assert_int_equal(table.rows[0].arrivals, 2);
    assert_int_equal(table.rows[1].arrivals, 1);
    assert_int_equal(table.rows[1].approved, 1);
    assert_int_equal(table.rows[2].arrivals, 1);
    assert_int_equal(table.rows[2].pending, 11);
    assert_int_equal(table.rows[1].pending, 10);
    assert_int_equal(table.rows[0].pending, 11);
    assert_int_equal(all().pending, 11);
    figures_table_free(&table);
    end();
}

/* ---- agreement */

static void assert_kappa(int64_t a, int64_t b, int64_t c, int64_t d, double expected)
{
    struct pairs pairs = {a, b, c, d};
    double kappa;

    assert_true(pairs_kappa(&pairs, &kappa));
    assert_near(kappa, expected);
}

static void assert_no_kappa(int64_t a, int64_t b, int64_t c, int64_t d)
{
    struct pairs pairs = {a, b, c, d};
    double kappa;

    assert_false(pairs_kappa(&pairs, &kappa));
}

TEST(kappa_is_what_is_counted_by_hand)
{
    assert_kappa(20, 5, 10, 15, 0.4);       /* po = 35/50 = 0.7; pe = (25*30 + 25*20)/2500 = 0.5 */
    assert_kappa(45, 15, 25, 15, 3.0 / 23); /* po = 0.6; pe = (60*70 + 40*30)/10000 = 0.54; 0.06/0.46 */
    assert_kappa(25, 35, 5, 35, 7.0 / 27);  /* po = 0.6; pe = (60*30 + 40*70)/10000 = 0.46; 0.14/0.54 */
    assert_kappa(5, 0, 0, 5, 1);            /* always the same, and both words came */
    assert_kappa(0, 5, 5, 0, -1);           /* never */
    assert_kappa(0, 1, 0, 1, 0);            /* the second said no to all: as by chance */
    assert_kappa(1000000, 1, 1, 1000000, 1 - 2.0 / 1000001);
}

TEST(kappa_is_undefined_without_pairs_and_when_both_said_one_word_alone)
{
    assert_no_kappa(0, 0, 0, 0);
    assert_no_kappa(7, 0, 0, 0);
    assert_no_kappa(0, 0, 0, 7);
}

static void look(int64_t no, const char *first_by, enum fact_kind first, const char *first_reason, const char *by,
                 enum fact_kind second, const char *reason)
{
    struct fact fact = fact_of(no, (int)no, FACT_SECOND_LOOK, by);

    fact.first_no = no;
    fact.first = first;
    fact.first_by = slice_of(first_by);
    fact.second = second;
    if (first_reason)
        fact.first_reasons = (struct fact_reasons){{slice_of(first_reason)}, 1};
    if (reason)
        fact.reasons = (struct fact_reasons){{slice_of(reason)}, 1};
    add(fact);
}

static void assert_pairs(const struct agreement_row *row, const char *name, struct pairs pairs)
{
    assert_name(row->name, name);
    assert_memory_equal(&row->pairs, &pairs, sizeof(pairs));
}

TEST(second_looks_are_compared_in_all_by_moderator_and_by_reason)
{
    struct agreement agreement;

    begin();
    look(1, "ann", FACT_APPROVED, NULL, "bob", FACT_APPROVED, NULL);
    look(2, "ann", FACT_REJECTED, "threat", "bob", FACT_REJECTED, "threat");
    look(3, "bob", FACT_REJECTED, "threat", "cem", FACT_REJECTED, "abuse");
    look(4, "cem", FACT_APPROVED, NULL, "ann", FACT_REJECTED, "abuse");
    look(5, "cem", FACT_OTHER, NULL, "ann", FACT_REJECTED, NULL); /* of a later version: no pair */
    assert_true(agreement_of(figures, &agreement));
    assert_memory_equal(&agreement.all, (&(struct pairs){1, 1, 0, 2}), sizeof(struct pairs));
    assert_int_equal(pairs_count(&agreement.all), 4);
    assert_int_equal(pairs_agreed(&agreement.all), 3);
    assert_int_equal(agreement.moderator_count, 3);
    assert_pairs(&agreement.moderators[0], "ann", (struct pairs){1, 1, 0, 1});
    assert_pairs(&agreement.moderators[1], "bob", (struct pairs){1, 0, 0, 2});
    assert_pairs(&agreement.moderators[2], "cem", (struct pairs){0, 1, 0, 1});
    assert_int_equal(agreement.reason_count, 2);
    assert_pairs(&agreement.reasons[0], "abuse", (struct pairs){0, 0, 2, 2});
    assert_pairs(&agreement.reasons[1], "threat", (struct pairs){1, 1, 0, 2});
    agreement_free(&agreement);
    end();
}

TEST(without_second_looks_there_is_no_agreement)
{
    struct agreement agreement;

    begin();
    add(fact_of(1, 1, FACT_APPROVED, "ann"));
    assert_true(agreement_of(figures, &agreement));
    assert_int_equal(pairs_count(&agreement.all), 0);
    assert_int_equal(agreement.moderator_count, 0);
    assert_int_equal(agreement.reason_count, 0);
    agreement_free(&agreement);
    end();
}
