#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "calendar.h"
#include "progress.h"
#include "when.h"

enum { FACTS_A_PAGE = 20000, HOURS_MOST = 24 * 62, DAYS_MOST = 366 * 20, WEEK_DAYS = 7, MONTH_DAYS = 30 };

enum { QUIET_MS = 400 }; /* what takes no longer needs no progress */

#define DAY_MS INT64_C(86400000)

const char *const report_by_words[] = {"site", "moderator", "article", "reason", "day", "hour", NULL};

/* ---- the span */

static bool put_moment(const struct app *app, enum option_id option, const char *name, int64_t *ms)
{
    const char *when = app->options.text[option];

    if (!when || when_parse_moment(when, false, ms))
        return true;
    complain("--%s: \"%s\" is neither a span such as 2h or 7d nor a date such as 2026-01-31", name, when);
    return false;
}

static bool one_span(const struct app *app)
{
    const bool *given = app->options.given;

    if (given[OPT_WEEK] + given[OPT_MONTH] + given[OPT_SINCE] <= 1)
        return true;
    complain("--week, --month and --since: only one of them");
    return false;
}

bool report_options(struct app *app, struct report *report)
{
    const struct options *options = &app->options;
    int64_t now = when_now();

    *report = (struct report){.app = app, .site = options->text[OPT_SITE], .made_at = now, .until = now};
    report->since = now - DAY_MS;
    if (options->given[OPT_GROUP] && !report_by(app->options.text[OPT_GROUP], NULL)) {
        complain_word("--by", options->text[OPT_GROUP], report_by_words);
        return false;
    }
    if (!one_span(app) || !put_moment(app, OPT_UNTIL, "until", &report->until))
        return false;
    if (options->given[OPT_UNTIL])
        report->since = report->until - DAY_MS;
    if (options->given[OPT_WEEK] || options->given[OPT_MONTH])
        report->since =
            calendar_days_before(report->until - 1, (options->given[OPT_WEEK] ? WEEK_DAYS : MONTH_DAYS) - 1);
    if (!put_moment(app, OPT_SINCE, "since", &report->since))
        return false;
    if (report->since < 0)
        report->since = 0;
    if (report->since < report->until)
        return true;
    complain("--since is not before --until");
    return false;
}

bool report_by(const char *word, enum report_by *by)
{
    for (int i = 0; report_by_words[i]; i++)
        if (strcmp(report_by_words[i], word) == 0) {
            if (by)
                *by = (enum report_by)i;
            return true;
        }
    return false;
}

/* ---- facts */

/* Places in a fact, which is a list (PROTOCOL.md, "facts"). */
enum { NO, AT, KIND, SITE, ACTOR, ARTICLE, LANGUAGE, WAITED, HANDLED, CAUSE, REASONS, OTHER, PENDING };

static int word_number(const struct modq_value *value, const char *const *words, int otherwise)
{
    for (int i = 1; words[i]; i++)
        if (modq_is(value, words[i]))
            return i;
    return otherwise;
}

static enum fact_kind kind_of(const struct modq_value *value)
{
    static const char *const words[] = {"",       "submitted", "approved", "rejected", "reopened",    "withdrawn",
                                        "erased", "escalated", "reported", "skipped",  "second_look", NULL};
    return (enum fact_kind)word_number(value, words, FACT_OTHER);
}

static enum fact_cause cause_of(const struct modq_value *value)
{
    static const char *const words[] = {"", "moderator", "rule", "undo", "second_look", NULL};
    return (enum fact_cause)word_number(value, words, FACT_BY_OTHER);
}

static void take_reasons(const struct modq_value *list, struct fact_reasons *reasons)
{
    for (size_t i = 0; i < modq_count(list) && reasons->count < FACT_REASONS_MAX; i++) {
        struct slice code = value_slice(modq_item(list, i));
        if (code.data)
            reasons->code[reasons->count++] = code;
    }
}

static struct fact fact_from(const struct modq_value *list, const struct modq_value *sites)
{
    const struct modq_value *other = modq_item(list, OTHER);
    struct fact fact = {.no = modq_int(modq_item(list, NO), 0),
                        .at = modq_int(modq_item(list, AT), 0),
                        .kind = kind_of(modq_item(list, KIND)),
                        .cause = cause_of(modq_item(list, CAUSE)),
                        .site = value_slice(modq_item(sites, (size_t)modq_int(modq_item(list, SITE), -1))),
                        .actor = value_slice(modq_item(list, ACTOR)),
                        .article = value_slice(modq_item(list, ARTICLE)),
                        .waited_ms = modq_int(modq_item(list, WAITED), -1),
                        .handled_ms = modq_int(modq_item(list, HANDLED), -1),
                        .pending = (int)modq_int(modq_item(list, PENDING), 0),
                        .first_no = modq_get_int(other, "first_no", 0),
                        .first = kind_of(modq_get(other, "first_decision")),
                        .first_by = value_slice(modq_get(other, "first_by")),
                        .second = kind_of(modq_get(other, "decision"))};

    take_reasons(modq_item(list, REASONS), &fact.reasons);
    take_reasons(modq_get(other, "first_reasons"), &fact.first_reasons);
    return fact;
}

static bool out_of_memory(const struct report *report)
{
    complain("out of memory");
    app_exit(report->app, EXIT_LOCAL);
    return false;
}

static struct modq_answer *ask(const struct report *report, int64_t after)
{
    struct modq_fields *fields = modq_fields_new();
    struct modq_answer *answer = NULL;

    if (fields) {
        modq_put_int(fields, "after", after);
        modq_put_int(fields, "since", report->since);
        modq_put_string(fields, "site", report->site);
        modq_put_int(fields, "limit", FACTS_A_PAGE);
        answer = app_call(report->app, report->app->desk, "facts", fields);
    }
    modq_fields_free(fields);
    return answer;
}

static bool take(const struct report *report, const struct modq_value *page, int64_t *at)
{
    const struct modq_value *facts = modq_get(page, "facts");
    const struct modq_value *pending = modq_get(page, "pending");
    int64_t sum = 0;

    for (size_t i = 0; i < modq_count(facts); i++) {
        struct fact fact = fact_from(modq_item(facts, i), modq_get(page, "sites"));
        if (!figures_add(report->figures, &fact))
            return out_of_memory(report);
        *at = fact.at;
    }
    for (size_t i = 0; i < modq_count(pending); i++)
        sum += modq_int(modq_item(pending, i), 0);
    figures_set_pending(report->figures, sum);
    return true;
}

/* All facts from `since` to now, and not only to `until`: what is pending is known for now alone. */
static bool fetch(const struct report *report)
{
    struct progress progress;
    int64_t after = 0;
    int64_t at = report->since;
    uint64_t whole = (uint64_t)(report->made_at > report->since ? report->made_at - report->since : 1);
    uint64_t done = 0;
    bool good = true;

    progress_begin(&progress, report->app->columns);
    progress.what = "events";
    progress.drawn = progress.started + QUIET_MS;
    while (good && after >= 0) {
        struct modq_answer *answer = ask(report, after);
        const struct modq_value *page = answer ? modq_answer_value(answer) : NULL;
        int64_t next = modq_get_int(page, "next", -1);
        good = answer && take(report, page, &at);
        done += modq_count(modq_get(page, "facts"));
        after = next > after ? next : -1;
        modq_answer_free(answer);
        progress_draw(&progress, (uint64_t)(at - report->since), whole, done);
    }
    progress_clear(&progress);
    return good;
}

/* ---- counting */

static bool by_time(struct report *report, enum report_by by, enum calendar_unit unit, size_t most)
{
    int64_t *bounds;
    size_t count;

    if (!calendar_bounds(report->since, report->until, unit, most, &bounds, &count))
        return true;
    bool good = figures_by_time(report->figures, bounds, count, &report->by[by]);
    free(bounds);
    return good;
}

static bool count(struct report *report)
{
    static const enum figures_by groups[] = {[BY_SITE] = FIGURES_SITE,
                                             [BY_MODERATOR] = FIGURES_MODERATOR,
                                             [BY_ARTICLE] = FIGURES_ARTICLE,
                                             [BY_REASON] = FIGURES_REASON};
    struct figures_table all;

    if (!figures_group(report->figures, FIGURES_ALL, &all))
        return false;
    report->all = all.rows[0];
    figures_table_free(&all);
    for (int by = BY_SITE; by <= BY_REASON; by++)
        if (!figures_group(report->figures, groups[by], &report->by[by]))
            return false;
    return by_time(report, BY_DAY, CALENDAR_DAY, DAYS_MOST) && by_time(report, BY_HOUR, CALENDAR_HOUR, HOURS_MOST) &&
           agreement_of(report->figures, &report->agreement);
}

bool report_make(struct report *report)
{
    report->figures = figures_new(report->since, report->until);
    if (!report->figures)
        return out_of_memory(report);
    return fetch(report) && (count(report) || out_of_memory(report));
}

void report_free(struct report *report)
{
    for (int by = 0; by < BY_COUNT; by++)
        figures_table_free(&report->by[by]);
    agreement_free(&report->agreement);
    figures_free(report->figures);
}

const struct pairs *report_pairs(const struct report *report, enum report_by by, struct slice name)
{
    const struct agreement *agreement = &report->agreement;
    const struct agreement_row *rows = by == BY_MODERATOR ? agreement->moderators : agreement->reasons;
    size_t n = by == BY_MODERATOR ? agreement->moderator_count : by == BY_REASON ? agreement->reason_count : 0;

    for (size_t i = 0; i < n; i++)
        if (slice_equal(rows[i].name, name))
            return &rows[i].pairs;
    return NULL;
}
