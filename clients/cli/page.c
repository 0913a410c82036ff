#include "page.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calendar.h"
#include "html.h"

/* ---- the head */

static void put_head(struct text *out)
{
    say(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
             "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
             "<meta name=\"robots\" content=\"noindex\">\n<title>Moderation report</title>\n<style>\n");
    text_append(out, slice_of(page_style_text));
    say(out, "</style>\n</head>\n<body>\n");
}

static void put_sites(struct text *out, const struct report *report)
{
    const struct figures_table *sites = &report->by[BY_SITE];
    enum { NAMED = 6 };

    if (report->site) {
        html_text(out, slice_of(report->site));
        return;
    }
    for (size_t i = 0; i < sites->count && i < NAMED; i++) {
        say(out, i ? ", " : "");
        html_text(out, sites->rows[i].name);
    }
    if (sites->count > NAMED)
        say(out, " and %zu more sites", sites->count - NAMED);
}

static void put_moment(struct text *out, int64_t at)
{
    char moment[64];

    page_say_local(moment, sizeof(moment), at, PAGE_MOMENT);
    say(out, "%s", moment);
}

static void put_title(struct text *out, const struct report *report)
{
    bool cut = calendar_days_before(report->until, 0) != report->until;
    char zone[16];

    page_say_local(zone, sizeof(zone), report->until, PAGE_ZONE);
    say(out, "<header>\n<h1>Moderation report</h1>\n<p>");
    put_sites(out, report);
    say(out, "</p>\n<p class=\"soft\">");
    put_moment(out, report->since);
    say(out, " to ");
    put_moment(out, report->until);
    say(out, " (%s)%s</p>\n</header>\n", zone, cut ? "; the last day is not over" : "");
}

/* ---- the tiles: what it is, the number, and a word about it */

static void begin_tile(struct text *out, const char *name)
{
    say(out, "<div><dt>%s</dt><dd>", name);
}

static void go_on(struct text *out)
{
    say(out, "</dd><dd>");
}

static void end_tile(struct text *out)
{
    say(out, "</dd></div>\n");
}

static void put_count_tile(struct text *out, const char *name, int64_t count, double an_hour)
{
    begin_tile(out, name);
    say(out, "%lld", (long long)count);
    go_on(out);
    say(out, "%.1f an hour", an_hour);
    end_tile(out);
}

static void put_share_tile(struct text *out, const char *name, int64_t count, int64_t decisions)
{
    begin_tile(out, name);
    say(out, "%lld", (long long)count);
    go_on(out);
    report_say_share(out, count, decisions);
    say(out, " of the decisions");
    end_tile(out);
}

static void put_span_tile(struct text *out, const char *name, const struct spread *spread)
{
    begin_tile(out, name);
    report_say_span(out, spread->median_ms);
    go_on(out);
    say(out, "90%% within ");
    report_say_span(out, spread->p90_ms);
    end_tile(out);
}

static void put_agreement_tile(struct text *out, const struct pairs *pairs)
{
    begin_tile(out, "Second looks alike");
    report_say_share(out, pairs_agreed(pairs), pairs_count(pairs));
    go_on(out);
    say(out, "%lld second looks, kappa ", (long long)pairs_count(pairs));
    report_say_kappa(out, pairs);
    end_tile(out);
}

static void put_tiles(struct text *out, const struct report *report)
{
    const struct figures_row *all = &report->all;
    double hours = (double)(report->until - report->since) / 3600000;

    say(out, "<dl class=\"tiles\" id=\"all\">\n");
    put_count_tile(out, "Arrived", all->arrivals, (double)all->arrivals / hours);
    put_count_tile(out, "Decided", figures_decisions(all), figures_pace(all));
    put_span_tile(out, "Half waited at most", &all->waited);
    put_span_tile(out, "Half handled within", &all->handled);
    put_share_tile(out, "Rejected", all->rejected, figures_decisions(all));
    put_share_tile(out, "Overturned", all->overturned, figures_decisions(all));
    begin_tile(out, "Pending at the end");
    say(out, "%lld", (long long)all->pending);
    go_on(out);
    say(out, "%lld reopened, %lld withdrawn", (long long)all->reopened, (long long)all->withdrawn);
    end_tile(out);
    put_agreement_tile(out, &report->agreement.all);
    say(out, "</dl>\n");
}

static void put_foot(struct text *out, const struct report *report)
{
    say(out, "<footer>\n<p>Decisions are those of moderators and of the site's own rules; undoing is none. Overturned: "
             "within this "
             "time another moderator replaced or undid it, or a second look disagreed. Waited: from the moment a "
             "comment became pending until its decision. Handled: from the beginning of the moderator's claim, or "
             "their decision before it, until the decision. 90%%: nine of ten took no longer.</p>\n<p>Made ");
    put_moment(out, report->made_at);
    say(out, " by modq %s from the daemon's log.</p>\n</footer>\n</body>\n</html>\n", modq_version());
}

static void put_page(struct text *out, const struct report *report)
{
    put_head(out);
    put_title(out, report);
    say(out, "<main>\n");
    put_tiles(out, report);
    page_put_times(out, report);
    page_put_groups(out, report);
    page_put_agreement(out, report);
    say(out, "</main>\n");
    put_foot(out, report);
}

/* ---- the file */

static bool fail(const struct report *report, const char *path)
{
    complain("%s: %s", path, strerror(errno));
    app_exit(report->app, EXIT_LOCAL);
    return false;
}

static bool write_all(int fd, struct slice bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.data, bytes.len);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0)
            bytes = (struct slice){bytes.data + n, bytes.len - (size_t)n};
    }
    return true;
}

static bool save(const struct report *report, const char *path, struct slice page)
{
    char *beside = NULL;

    if (asprintf(&beside, "%s.new", path) < 0)
        return fail(report, path);
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool good = fd >= 0 && write_all(fd, page) && fsync(fd) == 0;
    good = (fd < 0 || close(fd) == 0) && good && rename(beside, path) == 0;
    if (!good) {
        fail(report, fd < 0 ? beside : path);
        if (fd >= 0)
            unlink(beside);
    }
    free(beside);
    return good;
}

bool page_write(const struct report *report, const char *path)
{
    struct text page = {0};

    put_page(&page, report);
    errno = ENOMEM;
    bool good = page.failed ? fail(report, path) : save(report, path, text_slice(&page));
    text_free(&page);
    return good;
}
