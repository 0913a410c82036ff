/* What happened over time: plots, each beside a table of the same. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chart.h"
#include "page.h"

void page_say_local(char *to, size_t size, int64_t at, enum page_time what)
{
    time_t seconds = (time_t)(at / 1000);
    struct tm tm;
    size_t written = 0;

    if (!localtime_r(&seconds, &tm))
        what = PAGE_ZONE + 1;
    if (what == PAGE_MOMENT)
        written = strftime(to, size, "%a %d %B %Y, %H:%M", &tm);
    else if (what == PAGE_DAY)
        written = strftime(to, size, "%a %d %B", &tm);
    else if (what == PAGE_DAY_SHORT)
        written = strftime(to, size, "%a %d", &tm);
    else if (what == PAGE_HOUR)
        written = strftime(to, size, "%a %d %B %H:%M", &tm);
    else if (what == PAGE_CLOCK)
        written = strftime(to, size, "%H:%M", &tm);
    else if (what == PAGE_ZONE)
        written = strftime(to, size, "%Z", &tm);
    if (written == 0)
        to[0] = '\0';
}

/* ---- points */

typedef void make_point(const struct figures_row *row, struct chart_point *point);

static void span_text(char *to, size_t size, int64_t ms)
{
    struct text span = {0};

    report_say_span(&span, ms);
    snprintf(to, size, "%.*s", (int)span.len, span.data ? span.data : "");
    text_free(&span);
}

static void flow_point(const struct figures_row *row, struct chart_point *point)
{
    char day[32];

    page_say_local(day, sizeof(day), row->from, PAGE_DAY);
    point->value[0] = row->arrivals;
    point->value[1] = figures_decisions(row);
    snprintf(point->title, sizeof(point->title), "%s: %lld arrived, %lld decided", day, (long long)point->value[0],
             (long long)point->value[1]);
}

static void wait_point(const struct figures_row *row, struct chart_point *point)
{
    char day[32];
    char median[24];
    char p90[24];

    page_say_local(day, sizeof(day), row->from, PAGE_DAY);
    span_text(median, sizeof(median), row->waited.median_ms);
    span_text(p90, sizeof(p90), row->waited.p90_ms);
    point->value[0] = row->waited.p90_ms;
    point->value[1] = row->waited.median_ms;
    snprintf(point->title, sizeof(point->title), "%s: half within %s, 90%% within %s", day, median, p90);
}

static void backlog_point(const struct figures_row *row, struct chart_point *point)
{
    char hour[32];

    page_say_local(hour, sizeof(hour), row->to, PAGE_HOUR);
    point->value[0] = row->pending;
    point->value[1] = -1;
    snprintf(point->title, sizeof(point->title), "%s: %lld pending", hour, (long long)row->pending);
}

/* Days are labelled all, hours at the beginning of a day. */
static void label(const struct figures_row *row, enum report_by by, struct chart_point *point)
{
    char hour[8];

    page_say_local(hour, sizeof(hour), row->from, PAGE_CLOCK);
    if (by == BY_DAY || strcmp(hour, "00:00") == 0)
        page_say_local(point->label, sizeof(point->label), row->from, PAGE_DAY_SHORT);
}

/* NULL: out of memory. */
static struct chart_point *points_of(const struct figures_table *table, enum report_by by, make_point *make)
{
    struct chart_point *points = calloc(table->count + 1, sizeof(*points));

    for (size_t i = 0; points && i < table->count; i++) {
        make(&table->rows[i], &points[i]);
        label(&table->rows[i], by, &points[i]);
    }
    return points;
}

/* ---- sections */

struct plot {
    const char *id, *title, *what; /* `what` is shown below the title */
    const char *const *key;        /* what the two colours mean; NULL at the end */
    enum report_by by;
    struct chart chart;
    make_point *make;
    void (*draw)(struct text *out, const struct chart *chart);
    const char *const *headers;
    void (*put_cells)(struct text *out, const struct report *report, const struct figures_row *row);
};

static void put_key(struct text *out, const struct plot *plot)
{
    say(out, "<figcaption>");
    for (size_t i = 0; plot->key[i]; i++)
        say(out, "<span class=\"key %s\"></span>%s ", plot->chart.classes[i], plot->key[i]);
    say(out, "</figcaption>");
}

static void put_table(struct text *out, const struct report *report, const struct plot *plot)
{
    const struct figures_table *days = &report->by[BY_DAY];

    say(out, "<div class=\"scroll\" tabindex=\"0\"><table id=\"%s\">\n<caption>%s</caption>\n<thead><tr>", plot->id,
        plot->title);
    for (size_t i = 0; plot->headers[i]; i++)
        say(out, "<th scope=\"col\">%s</th>", plot->headers[i]);
    say(out, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < days->count; i++) {
        say(out, "<tr><th scope=\"row\">");
        report_say_name(out, &days->rows[i], BY_DAY);
        say(out, "</th>");
        plot->put_cells(out, report, &days->rows[i]);
        say(out, "</tr>\n");
    }
    say(out, "</tbody>\n</table></div>\n");
}

static void put_plot(struct text *out, const struct report *report, const struct plot *plot)
{
    const struct figures_table *rows = &report->by[plot->by];
    struct chart chart = plot->chart;
    struct chart_point *points = points_of(rows, plot->by, plot->make);

    out->failed |= !points;
    chart.name = plot->title;
    chart.points = points;
    chart.count = points ? rows->count : 0;
    say(out, "<section>\n<h2>%s</h2>\n<p class=\"soft\">%s</p>\n<div class=\"beside\">\n<figure>\n", plot->title,
        plot->what);
    put_key(out, plot);
    if (chart.count > 0)
        plot->draw(out, &chart);
    say(out, "</figure>\n");
    put_table(out, report, plot);
    say(out, "</div>\n</section>\n");
    free(points);
}

static void put_number(struct text *out, int64_t number)
{
    say(out, "<td>%lld</td>", (long long)number);
}

static void put_span(struct text *out, int64_t ms)
{
    say(out, "<td>");
    report_say_span(out, ms);
    say(out, "</td>");
}

static void flow_cells(struct text *out, const struct report *report, const struct figures_row *row)
{
    (void)report;
    put_number(out, row->arrivals);
    put_number(out, figures_decisions(row));
    put_number(out, row->approved);
    put_number(out, row->rejected);
}

static void wait_cells(struct text *out, const struct report *report, const struct figures_row *row)
{
    (void)report;
    put_span(out, row->waited.median_ms);
    put_span(out, row->waited.p90_ms);
    put_number(out, row->waited.count);
}

/* The hours of the day tell how far the backlog went. */
static void backlog_cells(struct text *out, const struct report *report, const struct figures_row *row)
{
    const struct figures_table *hours = &report->by[BY_HOUR];
    int64_t most = row->pending;
    int64_t least = most;

    for (size_t i = 0; i < hours->count; i++) {
        const struct figures_row *hour = &hours->rows[i];
        if (hour->to <= row->from || hour->to > row->to)
            continue;
        most = hour->pending > most ? hour->pending : most;
        least = hour->pending < least ? hour->pending : least;
    }
    put_number(out, least);
    put_number(out, most);
    put_number(out, row->pending);
}

static const char *const flow_key[] = {"arrived", "decided", NULL};
static const char *const wait_key[] = {"90% within", "half within", NULL};
static const char *const backlog_key[] = {"pending at the end of each hour", NULL};
static const char *const flow_headers[] = {"Day", "Arrived", "Decided", "Approved", "Rejected", NULL};
static const char *const wait_headers[] = {"Day", "Half within", "90% within", "Decided", NULL};
static const char *const backlog_headers[] = {"Day", "Least", "Most", "At the end", NULL};

void page_put_times(struct text *out, const struct report *report)
{
    bool hours = report->by[BY_HOUR].count > 0;
    const struct plot plots[] = {
        {.id = "days",
         .title = "Arrivals and decisions",
         .what = "By day.",
         .key = flow_key,
         .by = BY_DAY,
         .chart = {.classes = {"first", "second"}},
         .make = flow_point,
         .draw = chart_pairs,
         .headers = flow_headers,
         .put_cells = flow_cells},
        {.id = "waiting",
         .title = "How long comments waited",
         .what = "By the day of the decision.",
         .key = wait_key,
         .by = BY_DAY,
         .chart = {.classes = {"pale", "first"}, .spans = true},
         .make = wait_point,
         .draw = chart_nested,
         .headers = wait_headers,
         .put_cells = wait_cells},
        {.id = "backlog",
         .title = "Backlog",
         .what = "How many comments were pending.",
         .key = backlog_key,
         .by = hours ? BY_HOUR : BY_DAY,
         .chart = {.classes = {"first", NULL}},
         .make = backlog_point,
         .draw = chart_area,
         .headers = backlog_headers,
         .put_cells = backlog_cells},
    };

    for (size_t i = 0; i < sizeof(plots) / sizeof(plots[0]); i++)
        put_plot(out, report, &plots[i]);
}
