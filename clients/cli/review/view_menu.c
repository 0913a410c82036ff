/* Menus, lists and papers. */
#include <stdio.h>

#include "../say.h"
#include "../when.h"
#include "view.h"

enum { REASON_COLUMNS = 36 };

/* ---- reasons */

static size_t count_reasons(const struct review *r)
{
    size_t count = 0;

    while (review_reason(r, count))
        count++;
    return count;
}

static void view_reason(struct page *page, const struct review *r, size_t i, size_t row, size_t column, size_t width)
{
    const json_t *reason = review_reason(r, i);
    bool chosen = review_reason_chosen(r, reason);
    size_t indent = look_text(reason, "parent").data ? 2 : 0;
    char key[] = {(char)review_reason_key(i), '\0'};

    if (chosen)
        page_fill(page, row, column, width - 1, STYLE_CHOSEN);
    page_put(page, row, column + 1, 1, chosen ? STYLE_CHOSEN : STYLE_KEY, slice_of(key));
    if (chosen)
        page_put(page, row, column + 3, 1, STYLE_CHOSEN, SLICE_LIT("\u2713"));
    size_t at = column + 5 + indent;
    size_t room = width > 7 + indent ? width - 7 - indent : 1;
    at += page_quote(page, row, at, room, chosen ? STYLE_CHOSEN : STYLE_PLAIN, review_reason_title(r, reason));
    if (look_bool(reason, "needs_note") && at + 8 < column + width)
        page_put(page, row, at + 1, 7, chosen ? STYLE_CHOSEN : STYLE_DIM, SLICE_LIT("+ note"));
}

/* In columns, from top to bottom. */
void view_reasons(struct page *page, const struct review *r)
{
    size_t count = count_reasons(r);
    size_t beside = page->columns / REASON_COLUMNS ? page->columns / REASON_COLUMNS : 1;
    size_t down = (count + beside - 1) / beside;
    size_t width = page->columns / beside;
    size_t first = page->rows;

    if (count == 0) {
        page_row(page);
        page_put(page, first, 1, page->columns, STYLE_DIM, SLICE_LIT("the site's reasons are on their way \u2026"));
        return;
    }
    for (size_t i = 0; i < down; i++)
        page_row(page);
    size_t row = 0;
    size_t column = 0;
    for (size_t i = 0; i < count; i++) {
        view_reason(page, r, i, first + row, column, width);
        if (++row == down) {
            row = 0;
            column += width;
        }
    }
}

/* ---- filters */

static void view_filter(struct page *page, char key, const char *name, struct slice rendered)
{
    char word[] = {key, '\0'};
    size_t row = page->rows;

    page_row(page);
    page_put(page, row, 1, 1, STYLE_KEY, slice_of(word));
    page_put(page, row, 3, 12, STYLE_PLAIN, slice_of(name));
    if (rendered.len > 0)
        page_put(page, row, 16, page->columns > 16 ? page->columns - 16 : 1, STYLE_BOLD, rendered);
    else
        page_put(page, row, 16, page->columns > 16 ? page->columns - 16 : 1, STYLE_DIM, SLICE_LIT("any"));
}

static void view_filter_text(struct page *page, const struct review *r, char key, const char *name,
                             enum filter_text which)
{
    struct text value = {0};

    render_line(&value, slice_of(r->filter.text[which]));
    view_filter(page, key, name, text_slice(&value));
    text_free(&value);
}

void view_filters(struct page *page, const struct review *r)
{
    char age[32] = "";
    char reports[32] = "";

    if (r->filter.older_ms > 0)
        snprintf(age, sizeof(age), "%lld minutes", (long long)(r->filter.older_ms / 60000));
    if (r->filter.reported > 0)
        snprintf(reports, sizeof(reports), "%lld or more", (long long)r->filter.reported);
    view_filter_text(page, r, 's', "site", FILTER_SITE);
    view_filter_text(page, r, 'a', "article", FILTER_ARTICLE);
    view_filter_text(page, r, 'u', "author", FILTER_AUTHOR);
    view_filter_text(page, r, 'l', "language", FILTER_LANGUAGE);
    view_filter(page, 'o', "older than", slice_of(age));
    view_filter(page, 'p', "reported", slice_of(reports));
    view_filter(page, 'e', "lane", r->filter.escalated ? SLICE_LIT("escalated") : SLICE_LIT("normal"));
    view_filter(page, 'x', "no filter", SLICE_LIT(" "));
}

/* ---- lists */

enum { AGE_AT = 4, REPORTS_AT = 9, WHO_AT = 14, WHO_COLUMNS = 14, TEXT_AT = 30 };

/* Of comments that wait nothing is said; they are the usual ones. */
static void view_state(struct page *page, size_t row, const json_t *card, bool chosen)
{
    bool approved = look_is(card, "state", "approved");
    bool rejected = look_is(card, "state", "rejected");
    enum style style = approved ? STYLE_GOOD : rejected ? STYLE_BAD : STYLE_DIM;

    if (!look_is(card, "state", "pending"))
        page_put(page, row, WHO_AT - 2, 1, chosen ? STYLE_CHOSEN : style,
                 approved   ? SLICE_LIT("\u2713")
                 : rejected ? SLICE_LIT("\u2717")
                            : SLICE_LIT("\u00b7"));
}

static void view_line(struct page *page, const json_t *card, bool marked, bool chosen, int64_t now)
{
    size_t row = page->rows;
    enum style style = chosen ? STYLE_CHOSEN : STYLE_PLAIN;
    enum style faint = chosen ? STYLE_CHOSEN : STYLE_DIM;
    const json_t *author = look_in(card, "author");
    struct slice who = look_text(author, "name");
    int64_t reports = look_int(card, "reports", 0);
    struct text age = {0};

    page_row(page);
    if (chosen)
        page_fill(page, row, 0, page->columns, STYLE_CHOSEN);
    page_put(page, row, 0, 1, style, chosen ? SLICE_LIT(">") : SLICE_LIT(" "));
    page_put(page, row, 1, 2, chosen ? style : STYLE_KEY, marked ? SLICE_LIT("\u2713") : SLICE_LIT(" "));
    say_since(&age, look_int(card, "received_at", now), now);
    page_put(page, row, AGE_AT, 4, faint, text_slice(&age));
    text_free(&age);
    if (reports > 0)
        page_words(page, row, REPORTS_AT, chosen ? style : STYLE_WARN, "!%lld", (long long)reports);
    view_state(page, row, card, chosen);
    page_quote(page, row, WHO_AT, WHO_COLUMNS, faint, who.data ? who : look_text(author, "id"));
    if (page->columns > TEXT_AT)
        page_quote(page, row, TEXT_AT, page->columns - TEXT_AT, style, look_text(card, "body"));
}

/* The first row to show, so that the chosen one is seen. */
static size_t first_of(size_t at, size_t count, size_t rows)
{
    if (count <= rows || at < rows / 2)
        return 0;
    return at - rows / 2 + rows > count ? count - rows : at - rows / 2;
}

void view_list(struct page *page, const struct review *r, size_t rows, int64_t now)
{
    size_t first = first_of(r->list_at, r->cards.count, rows);

    for (size_t i = first; i < r->cards.count && i - first < rows; i++)
        view_line(page, r->cards.item[i]->card, r->cards.item[i]->marked, i == r->list_at, now);
}

void view_hits(struct page *page, const struct review *r, size_t rows, int64_t now)
{
    size_t count = json_array_size(r->hits);
    size_t first = first_of(r->hit_at, count, rows);

    for (size_t i = first; i < count && i - first < rows; i++)
        view_line(page, json_array_get(r->hits, i), false, i == r->hit_at, now);
    if (count > 0)
        return;
    page_row(page);
    page_put(page, page->rows - 1, 1, page->columns, STYLE_DIM,
             r->waiting ? SLICE_LIT("searching \u2026") : SLICE_LIT("nothing found"));
}

/* ---- papers */

static const struct {
    const char *keys, *does;
} help[] = {
    {NULL, "Decide"},
    {"a", "approve"},
    {"r", "reject: a key for each reason, then Enter; Tab adds a note"},
    {"s", "skip: leave it to others for half an hour"},
    {"e", "escalate, with a note"},
    {"u", "undo the last decision of this sitting; again: the one before"},
    {"Enter", "go on, where somebody else has decided meanwhile"},
    {NULL, "Read"},
    {"j k g G", "scroll; arrows, PgUp, PgDn, Home and End do, too"},
    {"] [ J K", "the next, the previous one of those that you hold; \u2192 \u2190, too"},
    {"h", "history of the comment"},
    {"o", "the author's record"},
    {"n", "write a note"},
    {"A", "the author's other comments that wait"},
    {NULL, "Choose"},
    {"l Tab", "list of those that you hold, to decide several together"},
    {"Space", "mark; in the list a, r, s and e are for all that are marked"},
    {"*", "in the list: mark all"},
    {"+", "in the list: claim ten more"},
    {"f", "filter: site, article, author, language, age, reports, lane"},
    {"/", "search"},
    {NULL, "Besides"},
    {"m", "messages so far"},
    {"?", "these keys"},
    {"Esc", "back; puts a message away"},
    {"Ctrl-L", "draw anew"},
    {"Ctrl-Z", "suspend"},
    {"q", "leave; what is undecided is given back"},
};

static void view_help(struct page *page)
{
    size_t wide = page->columns > 50 ? 12 : 9;

    for (size_t i = 0; i < sizeof(help) / sizeof(help[0]); i++) {
        if (!help[i].keys) {
            view_head(page, "%s", help[i].does);
            continue;
        }
        size_t row = page->rows;
        page_wrap(page, wide, page->columns - wide, STYLE_PLAIN, slice_of(help[i].does), 0);
        page_put(page, row, 1, wide - 1, STYLE_KEY, slice_of(help[i].keys));
    }
}

static void part(struct text *out, const char *before, struct slice untrusted)
{
    if (untrusted.data)
        say(out, "%s", before);
    text_append(out, untrusted);
}

/* "approved by eve: Spam. The note". */
static void say_event(struct text *line, const struct review *r, const json_t *event)
{
    const struct card *card = review_current(r);
    struct slice site = look_text(card ? card->card : NULL, "site");
    const json_t *reasons = look_list(event, "reasons");
    struct slice mark = look_text(event, "mark");

    if (mark.data)
        part(line, "marked ", mark);
    else
        text_append(line, look_is(event, "kind", "author_noted") ? SLICE_LIT("noted") : look_text(event, "kind"));
    part(line, " by ", look_text(event, "actor"));
    if (!look_is(event, "cause", "moderator"))
        part(line, ", cause ", look_text(event, "cause"));
    for (size_t i = 0; i < json_array_size(reasons); i++)
        part(line, i ? ", " : ": ", review_title_of(r, site, look_string(json_array_get(reasons, i))));
    part(line, json_array_size(reasons) > 0 ? ". " : ": ", look_text(event, "note"));
}

/* Who held a comment when is of less weight. */
static enum style style_of_event(const json_t *event)
{
    if (look_is(event, "kind", "approved"))
        return STYLE_GOOD;
    if (look_is(event, "kind", "rejected"))
        return STYLE_BAD;
    return look_is(event, "kind", "claimed") || look_is(event, "kind", "released") ? STYLE_DIM : STYLE_PLAIN;
}

static void view_event(struct page *page, const struct review *r, const json_t *event)
{
    size_t row = page->rows;
    size_t wide = page->columns > 60 ? 22 : 2;
    struct text line = {0};
    struct text at = {0};

    when_say(&at, look_int(event, "at", 0));
    if (wide == 2) {
        page_row(page);
        page_put(page, row, 0, page->columns, STYLE_DIM, text_slice(&at));
    } else {
        page_put(page, row, 1, wide, STYLE_DIM, text_slice(&at));
    }
    say_event(&line, r, event);
    page_wrap(page, wide, page->columns - wide, style_of_event(event), text_slice(&line), 0);
    text_free(&line);
    text_free(&at);
}

static void view_events(struct page *page, const struct review *r)
{
    const json_t *events = look_list(r->answer, "events");

    for (size_t i = 0; i < json_array_size(events); i++)
        view_event(page, r, json_array_get(events, i));
}

static void view_author_paper(struct page *page, const struct review *r, int64_t now)
{
    view_record(page, r, look_in(r->answer, "record"), NULL, now);
    if (json_array_size(look_list(r->answer, "events")) > 0)
        view_head(page, "Notes and marks");
    view_events(page, r);
}

static void view_messages(struct page *page, const struct review *r)
{
    for (size_t i = 0; i < r->notices; i++) {
        struct text at = {0};
        size_t row = page->rows;
        when_say_short(&at, r->notice[i].at, r->notice[i].at);
        page_wrap(page, 10, page->columns - 10, r->notice[i].trouble ? STYLE_WARN : STYLE_PLAIN,
                  slice_of(r->notice[i].text), 0);
        page_put(page, row, 0, 9, STYLE_DIM, text_slice(&at));
        text_free(&at);
    }
    if (r->notices == 0)
        page_words(page, (page_row(page), page->rows - 1), 0, STYLE_DIM, "no messages so far");
}

void view_paper(struct page *page, const struct review *r, int64_t now)
{
    if (r->waiting)
        page_words(page, (page_row(page), page->rows - 1), 0, STYLE_DIM, "asking the daemon \u2026");
    else if (r->paper == PAPER_HELP)
        view_help(page);
    else if (r->paper == PAPER_HISTORY)
        view_events(page, r);
    else if (r->paper == PAPER_AUTHOR)
        view_author_paper(page, r, now);
    else
        view_messages(page, r);
}
