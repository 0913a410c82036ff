/* Tables with a bar in each row: by reason, moderator, site and article, and how far second looks agree. */
#include "html.h"
#include "page.h"

enum { ARTICLES_SHOWN = 20 };

static void begin_section(struct text *out, const char *id, const char *title, const char *what,
                          const char *const *headers)
{
    say(out,
        "<section>\n<h2>%s</h2>\n<p class=\"soft\">%s</p>\n<div class=\"scroll\" tabindex=\"0\"><table "
        "id=\"%s\">\n<caption>%s</caption>\n<thead><tr>",
        title, what, id, title);
    for (size_t i = 0; headers[i]; i++)
        say(out, "<th scope=\"col\"%s>%s</th>", headers[i][0] ? "" : " class=\"bars\"",
            headers[i][0] ? headers[i] : "<span class=\"soft\" aria-hidden=\"true\"></span>");
    say(out, "</tr></thead>\n<tbody>\n");
}

static void end_section(struct text *out)
{
    say(out, "</tbody>\n</table></div>\n</section>\n");
}

static void begin_row(struct text *out, struct slice name)
{
    say(out, "<tr><th scope=\"row\">");
    html_text(out, name);
    say(out, "</th>");
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

static void put_share(struct text *out, int64_t part, int64_t whole)
{
    say(out, "<td>");
    report_say_share(out, part, whole);
    say(out, "</td>");
}

/* Two parts of one bar; the numbers stand beside it. */
static void put_bars(struct text *out, int64_t first, int64_t second, int64_t most)
{
    double share = most > 0 ? 100.0 / (double)most : 0;

    say(out,
        "<td class=\"bars\" aria-hidden=\"true\"><span class=\"first\" style=\"width:%.2f%%\"></span>"
        "<span class=\"second\" style=\"width:%.2f%%\"></span></td>",
        (double)first * share, (double)second * share);
}

static int64_t most_decisions(const struct figures_table *table)
{
    int64_t most = 0;

    for (size_t i = 0; i < table->count; i++)
        if (figures_decisions(&table->rows[i]) > most)
            most = figures_decisions(&table->rows[i]);
    return most;
}

static void put_moderators(struct text *out, const struct report *report)
{
    static const char *const headers[] = {
        "Moderator",  "",  "Approved", "Rejected", "Overturned", "Per hour at work", "Handled, half within",
        "90% within", NULL};
    const struct figures_table *table = &report->by[BY_MODERATOR];
    int64_t most = most_decisions(table);

    begin_section(out, "moderators", "Decisions by moderator",
                  "<span class=\"key first\"></span>approved <span class=\"key second\"></span>rejected. An hour at "
                  "work is one of the clock in which they decided something.",
                  headers);
    for (size_t i = 0; i < table->count; i++) {
        const struct figures_row *row = &table->rows[i];
        begin_row(out, row->name);
        put_bars(out, row->approved, row->rejected, most);
        put_number(out, row->approved);
        put_number(out, row->rejected);
        put_share(out, row->overturned, figures_decisions(row));
        say(out, "<td>%.1f</td>", figures_pace_at_work(row));
        put_span(out, row->handled.median_ms);
        put_span(out, row->handled.p90_ms);
        say(out, "</tr>\n");
    }
    end_section(out);
}

static void put_reasons(struct text *out, const struct report *report)
{
    static const char *const headers[] = {"Reason", "", "Rejected", "Of all rejected", "Overturned", NULL};
    const struct figures_table *table = &report->by[BY_REASON];

    begin_section(out, "reasons", "Rejections by reason", "One rejection can have several reasons.", headers);
    for (size_t i = 0; i < table->count; i++) {
        const struct figures_row *row = &table->rows[i];
        begin_row(out, row->name);
        put_bars(out, 0, row->rejected, most_decisions(table));
        put_number(out, row->rejected);
        put_share(out, row->rejected, report->all.rejected);
        put_share(out, row->overturned, row->rejected);
        say(out, "</tr>\n");
    }
    end_section(out);
}

/* Sites and articles. */
static void put_places(struct text *out, const struct figures_table *table, const char *id, const char *title,
                       const char *const *headers)
{
    int64_t most = most_decisions(table);

    begin_section(out, id, title,
                  "<span class=\"key first\"></span>approved <span class=\"key second\"></span>rejected", headers);
    for (size_t i = 0; i < table->count && i < ARTICLES_SHOWN; i++) {
        const struct figures_row *row = &table->rows[i];
        begin_row(out, row->name);
        put_bars(out, row->approved, row->rejected, most);
        put_number(out, row->arrivals);
        put_number(out, row->approved);
        put_number(out, row->rejected);
        put_span(out, row->waited.median_ms);
        put_span(out, row->waited.p90_ms);
        say(out, "</tr>\n");
    }
    end_section(out);
}

void page_put_groups(struct text *out, const struct report *report)
{
    static const char *const site_headers[] = {
        "Site", "", "Arrived", "Approved", "Rejected", "Waited, half within", "90% within", NULL};
    static const char *const article_headers[] = {
        "Article", "", "Arrived", "Approved", "Rejected", "Waited, half within", "90% within", NULL};

    put_moderators(out, report);
    put_reasons(out, report);
    if (report->by[BY_SITE].count > 1)
        put_places(out, &report->by[BY_SITE], "sites", "Sites", site_headers);
    if (report->by[BY_ARTICLE].count > 0)
        put_places(out, &report->by[BY_ARTICLE], "articles", "The busiest articles", article_headers);
}

/* ---- agreement */

static void put_pairs(struct text *out, const struct pairs *pairs)
{
    put_bars(out, pairs_agreed(pairs), pairs_count(pairs) - pairs_agreed(pairs), pairs_count(pairs));
    put_number(out, pairs_count(pairs));
    put_share(out, pairs_agreed(pairs), pairs_count(pairs));
    say(out, "<td>");
    report_say_kappa(out, pairs);
    say(out, "</td></tr>\n");
}

static void put_agreed(struct text *out, const struct agreement_row *rows, size_t count, const char *what)
{
    for (size_t i = 0; i < count; i++) {
        say(out, "<tr><th scope=\"row\">%s ", what);
        html_text(out, rows[i].name);
        say(out, "</th>");
        put_pairs(out, &rows[i].pairs);
    }
}

void page_put_agreement(struct text *out, const struct report *report)
{
    static const char *const headers[] = {"Pairs of", "", "Second looks", "Agreed", "Kappa", NULL};
    const struct agreement *agreement = &report->agreement;

    if (pairs_count(&agreement->all) == 0) {
        say(out, "<section>\n<h2>Agreement</h2>\n<p class=\"soft\">There were no second looks in this time.</p>\n"
                 "</section>\n");
        return;
    }
    begin_section(out, "agreement", "Agreement",
                  "How often a second moderator, who did not know the first decision, decided alike: "
                  "<span class=\"key first\"></span>alike <span class=\"key second\"></span>otherwise. Cohen's kappa "
                  "takes away what chance would give: 1 is always alike, 0 no better than chance, - not defined. Of a "
                  "reason: whether both gave it, or neither.",
                  headers);
    say(out, "<tr><th scope=\"row\">everybody</th>");
    put_pairs(out, &agreement->all);
    put_agreed(out, agreement->moderators, agreement->moderator_count, "moderator");
    put_agreed(out, agreement->reasons, agreement->reason_count, "reason");
    end_section(out);
}
