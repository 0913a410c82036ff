/* A report on the terminal. */
#include <time.h>

#include "plot.h"
#include "report.h"
#include "table.h"
#include "when.h"

enum { HOURS_SHOWN = 48, ARTICLES_SHOWN = 20, BAR_MOST = 24, BAR_LEAST = 4 };

#define HOUR_MS INT64_C(3600000)

/* ---- words */

void report_say_span(struct text *out, int64_t ms)
{
    long long s = ms / 1000;

    if (ms < 0)
        say(out, "-");
    else if (ms < 10000)
        say(out, "%lld.%llds", s, (long long)(ms % 1000 / 100));
    else if (s < 60)
        say(out, "%llds", s);
    else if (s < 3600)
        say(out, "%lldm %llds", s / 60, s % 60);
    else if (s < 48 * 3600)
        say(out, "%lldh %lldm", s / 3600, s % 3600 / 60);
    else
        say(out, "%lldd %lldh", s / 86400, s % 86400 / 3600);
}

void report_say_share(struct text *out, int64_t part, int64_t whole)
{
    if (whole == 0)
        say(out, "-");
    else
        say(out, "%.1f%%", 100.0 * (double)part / (double)whole);
}

void report_say_kappa(struct text *out, const struct pairs *pairs)
{
    double kappa;

    if (pairs && pairs_kappa(pairs, &kappa))
        say(out, "%.2f", kappa);
    else
        say(out, "-");
}

void report_say_name(struct text *out, const struct figures_row *row, enum report_by by)
{
    time_t seconds = (time_t)(row->from / 1000);
    char time[64] = "";
    struct tm tm;

    if (by != BY_DAY && by != BY_HOUR) {
        render_line(out, row->name);
        return;
    }
    if (localtime_r(&seconds, &tm) && by == BY_DAY)
        strftime(time, sizeof(time), "%Y-%m-%d %a", &tm);
    else if (localtime_r(&seconds, &tm))
        strftime(time, sizeof(time), "%Y-%m-%d %H:%M", &tm);
    say(out, "%s", time);
}

/* ---- the summary */

static void print_span(const struct report *report)
{
    struct text line = {0};

    when_say(&line, report->since);
    say(&line, " to ");
    when_say(&line, report->until);
    if (report->site) {
        say(&line, ", site ");
        say_quoted(&line, slice_of(report->site));
    }
    fputs("\n", stdout);
    put_line(&line, stdout);
}

static void print_counts(const struct report *report)
{
    const struct figures_row *all = &report->all;
    double hours = (double)(report->until - report->since) / HOUR_MS;
    struct text line = {0};

    say(&line, "  arrived     %lld, %.1f an hour", (long long)all->arrivals, (double)all->arrivals / hours);
    put_line(&line, stdout);
    say(&line, "  decided     %lld, %.1f an hour: %lld approved, %lld rejected; ", (long long)figures_decisions(all),
        figures_pace(all), (long long)all->approved, (long long)all->rejected);
    say(&line, "%lld overturned (", (long long)all->overturned);
    report_say_share(&line, all->overturned, figures_decisions(all));
    say(&line, ")");
    put_line(&line, stdout);
    say(&line, "  besides     %lld reopened, %lld withdrawn, %lld erased, %lld escalated, %lld reported, %lld skipped",
        (long long)all->reopened, (long long)all->withdrawn, (long long)all->erased, (long long)all->escalated,
        (long long)all->reported, (long long)all->skipped);
    put_line(&line, stdout);
}

static void print_spread(const char *what, const struct spread *spread)
{
    struct text line = {0};

    if (spread->count == 0)
        return;
    say(&line, "  %-10s  half within ", what);
    report_say_span(&line, spread->median_ms);
    say(&line, ", 90%% within ");
    report_say_span(&line, spread->p90_ms);
    put_line(&line, stdout);
}

static void print_summary(const struct report *report)
{
    struct text line = {0};

    print_span(report);
    print_counts(report);
    print_spread("waited", &report->all.waited);
    print_spread("handled", &report->all.handled);
    say(&line, "  pending     %lld at the end", (long long)report->all.pending);
    put_line(&line, stdout);
}

/* ---- plots */

static int64_t most(const struct figures_table *table, int64_t (*value)(const struct figures_row *))
{
    int64_t highest = 0;

    for (size_t i = 0; i < table->count; i++)
        if (value(&table->rows[i]) > highest)
            highest = value(&table->rows[i]);
    return highest;
}

static int64_t arrivals(const struct figures_row *row)
{
    return row->arrivals;
}

static int64_t pending(const struct figures_row *row)
{
    return row->pending;
}

static void put_bar(struct table *table, int64_t value, int64_t highest, size_t columns, bool blocks)
{
    struct text bar = {0};

    table_number(table, value);
    plot_bar(&bar, value, highest, columns, blocks);
    table_text(table, &bar);
}

/* Arrivals and decisions have one measure, so that they can be compared. */
static void print_plot(const struct report *report, enum report_by by)
{
    static const char *const headers[] = {"TIME", "ARRIVED", "", "DECIDED", "", "PENDING", "", NULL};
    enum { BESIDES = 16 + 2 + 3 * (7 + 2) + 2 * 2 };
    const struct figures_table *rows = &report->by[by];
    struct table table = {.app = report->app, .headers = headers};
    int width = (report->app->columns - BESIDES) / 3;
    size_t columns = (size_t)(width < BAR_LEAST ? BAR_LEAST : width > BAR_MOST ? BAR_MOST : width);
    int64_t flow = most(rows, arrivals);
    int64_t decided = most(rows, figures_decisions);
    bool blocks = plot_has_blocks();

    if (rows->count == 0)
        return;
    fputs("\n", stdout);
    for (size_t i = 0; i < rows->count; i++) {
        const struct figures_row *row = &rows->rows[i];
        struct text name = {0};
        report_say_name(&name, row, by);
        table_text(&table, &name);
        put_bar(&table, row->arrivals, flow > decided ? flow : decided, columns, blocks);
        put_bar(&table, figures_decisions(row), flow > decided ? flow : decided, columns, blocks);
        put_bar(&table, row->pending, most(rows, pending), columns, blocks);
    }
    table_print(&table);
    table_free(&table);
}

/* ---- tables */

static void put_span(struct table *table, int64_t ms)
{
    struct text span = {0};

    report_say_span(&span, ms);
    table_right(table, &span);
}

static void put_pace(struct table *table, double pace)
{
    struct text number = {0};

    say(&number, "%.1f", pace);
    table_right(table, &number);
}

static void put_name(struct table *table, const struct figures_row *row, enum report_by by)
{
    struct text name = {0};

    if (by == BY_DAY || by == BY_HOUR) {
        report_say_name(&name, row, by);
        table_text(table, &name);
    } else {
        table_word(table, row->name, SHADE_BOLD);
    }
}

/* Only what is rejected has reasons. */
static void put_decisions(struct table *table, const struct figures_row *row, enum report_by by)
{
    if (by != BY_REASON)
        table_number(table, row->approved);
    table_number(table, row->rejected);
    table_number(table, row->overturned);
}

static void put_row(struct table *table, const struct figures_row *row, enum report_by by)
{
    bool person = by == BY_MODERATOR;
    bool time = by == BY_DAY || by == BY_HOUR;

    put_name(table, row, by);
    if (!person && by != BY_REASON)
        table_number(table, row->arrivals);
    put_decisions(table, row, by);
    put_pace(table, person ? figures_pace_at_work(row) : figures_pace(row));
    if (!person) {
        put_span(table, row->waited.median_ms);
        put_span(table, row->waited.p90_ms);
    } else {
        put_span(table, row->handled.median_ms);
        put_span(table, row->handled.p90_ms);
        table_number(table, row->skipped);
    }
    if (time)
        table_number(table, row->pending);
}

static void print_table(const struct report *report, enum report_by by, size_t most_rows)
{
    static const char *const headers[][10] = {
        [BY_SITE] = {"SITE", "ARRIVED", "APPROVED", "REJECTED", "OVERTURNED", "PER HOUR", "WAITED", "90%", NULL},
        [BY_MODERATOR] = {"MODERATOR", "APPROVED", "REJECTED", "OVERTURNED", "PER HOUR", "HANDLED", "90%", "SKIPPED",
                          NULL},
        [BY_ARTICLE] = {"ARTICLE", "ARRIVED", "APPROVED", "REJECTED", "OVERTURNED", "PER HOUR", "WAITED", "90%", NULL},
        [BY_REASON] = {"REASON", "REJECTED", "OVERTURNED", "PER HOUR", "WAITED", "90%", NULL},
        [BY_DAY] = {"DAY", "ARRIVED", "APPROVED", "REJECTED", "OVERTURNED", "PER HOUR", "WAITED", "90%", "PENDING",
                    NULL},
        [BY_HOUR] = {"HOUR", "ARRIVED", "APPROVED", "REJECTED", "OVERTURNED", "PER HOUR", "WAITED", "90%", "PENDING",
                     NULL}};
    struct table table = {.app = report->app, .headers = headers[by]};
    const struct figures_table *rows = &report->by[by];

    if (rows->count > 0)
        fputs("\n", stdout);
    for (size_t i = 0; i < rows->count && i < most_rows; i++)
        put_row(&table, &rows->rows[i], by);
    table_print(&table);
    table_free(&table);
    if (rows->count > most_rows)
        printf("and %zu more: --by %s\n", rows->count - most_rows, report_by_words[by]);
}

/* ---- agreement */

static void put_pairs(struct table *table, struct slice name, const struct pairs *pairs)
{
    struct text share = {0};
    struct text kappa = {0};

    table_word(table, name, SHADE_BOLD);
    table_number(table, pairs_count(pairs));
    report_say_share(&share, pairs_agreed(pairs), pairs_count(pairs));
    table_right(table, &share);
    report_say_kappa(&kappa, pairs);
    table_right(table, &kappa);
}

static void print_agreement(const struct report *report)
{
    static const char *const headers[] = {"SECOND LOOKS", "PAIRS", "AGREED", "KAPPA", NULL};
    const struct agreement *agreement = &report->agreement;
    struct table table = {.app = report->app, .headers = headers};

    if (pairs_count(&agreement->all) == 0)
        return;
    fputs("\n", stdout);
    put_pairs(&table, SLICE_LIT("all"), &agreement->all);
    for (size_t i = 0; i < agreement->moderator_count; i++)
        put_pairs(&table, agreement->moderators[i].name, &agreement->moderators[i].pairs);
    for (size_t i = 0; i < agreement->reason_count; i++)
        put_pairs(&table, agreement->reasons[i].name, &agreement->reasons[i].pairs);
    table_print(&table);
    table_free(&table);
}

void report_print(const struct report *report)
{
    enum report_by by;

    print_summary(report);
    if (report->app->options.given[OPT_GROUP] && report_by(report->app->options.text[OPT_GROUP], &by)) {
        print_table(report, by, SIZE_MAX);
        return;
    }
    bool short_one = report->until - report->since <= HOURS_SHOWN * HOUR_MS;
    print_plot(report, short_one ? BY_HOUR : BY_DAY);
    if (report->by[BY_SITE].count > 1)
        print_table(report, BY_SITE, SIZE_MAX);
    print_table(report, BY_MODERATOR, SIZE_MAX);
    print_table(report, BY_REASON, SIZE_MAX);
    print_table(report, BY_ARTICLE, ARTICLES_SHOWN);
    print_agreement(report);
}
