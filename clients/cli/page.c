#include "page.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calendar.h"
#include "html.h"
#include "when.h"

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

static void put_title(struct text *out, const struct report *report)
{
    bool cut = calendar_days_before(report->until, 0) != report->until;

    say(out, "<header>\n<h1>Moderation report</h1>\n<p>");
    put_sites(out, report);
    say(out, "</p>\n<p class=\"soft\">");
    when_say(out, report->since);
    say(out, " to ");
    when_say(out, report->until);
    say(out, "%s</p>\n</header>\n", cut ? "; the last day is not over then" : "");
}

/* ---- the tiles */

static void begin_tile(struct text *out, const char *name)
{
    say(out, "<div><dt>%s</dt><dd>", name);
}

static void end_tile(struct text *out, const char *format, double number)
{
    say(out, "</dd><dd>");
    say(out, format, number);
    say(out, "</dd></div>\n");
}

static void put_span_tile(struct text *out, const char *name, const struct spread *spread)
{
    begin_tile(out, name);
    report_say_span(out, spread->median_ms);
    say(out, "</dd><dd>or less for half; 90%% within ");
    report_say_span(out, spread->p90_ms);
    say(out, "</dd></div>\n");
}

static void put_agreement_tile(struct text *out, const struct pairs *pairs)
{
    begin_tile(out, "Second looks agreed");
    report_say_share(out, pairs_agreed(pairs), pairs_count(pairs));
    say(out, "</dd><dd>%lld second looks, kappa ", (long long)pairs_count(pairs));
    report_say_kappa(out, pairs);
    say(out, "</dd></div>\n");
}

static void put_tiles(struct text *out, const struct report *report)
{
    const struct figures_row *all = &report->all;
    double hours = (double)(report->until - report->since) / 3600000;

    say(out, "<dl class=\"tiles\">\n");
    begin_tile(out, "Arrived");
    say(out, "%lld", (long long)all->arrivals);
    end_tile(out, "%.1f an hour", (double)all->arrivals / hours);
    begin_tile(out, "Decided");
    say(out, "%lld", (long long)figures_decisions(all));
    end_tile(out, "%.1f an hour", figures_pace(all));
    begin_tile(out, "Rejected");
    say(out, "%lld", (long long)all->rejected);
    end_tile(out, "%.1f%% of the decisions",
             figures_decisions(all) ? 100.0 * (double)all->rejected / (double)figures_decisions(all) : 0);
    put_span_tile(out, "Waited", &all->waited);
    put_span_tile(out, "Handled in", &all->handled);
    begin_tile(out, "Overturned");
    say(out, "%lld", (long long)all->overturned);
    end_tile(out, "%.1f%% of the decisions",
             figures_decisions(all) ? 100.0 * (double)all->overturned / (double)figures_decisions(all) : 0);
    begin_tile(out, "Pending at the end");
    say(out, "%lld</dd><dd>comments</dd></div>\n", (long long)all->pending);
    put_agreement_tile(out, &report->agreement.all);
    say(out, "</dl>\n");
}

static void put_foot(struct text *out, const struct report *report)
{
    say(out, "<footer>\n<p>Decisions are those of moderators and of the site's own rules; undoing is none. Overturned: within this "
             "time another moderator replaced or undid it, or a second look disagreed. Waited: from the moment a "
             "comment became pending until its decision. Handled: from the beginning of the moderator's claim, or "
             "their decision before it, until the decision. 90%%: nine of ten took no longer.</p>\n<p>Made ");
    when_say(out, report->made_at);
    say(out, " by modq %s from modqd's log. Times are local to where it was made.</p>\n</footer>\n</body>\n</html>\n",
        modq_version());
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
