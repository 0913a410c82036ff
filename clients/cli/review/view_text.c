/* The comment itself, and what stands around it. */
#include <stdarg.h>
#include <stdio.h>

#include "../say.h"
#include "../when.h"
#include "view.h"

enum { LABEL = 10, PARENT_ROWS = 4, TEXT_COLUMNS_MOST = 100, LEASE_SHORT_S = 60 };

size_t page_words(struct page *page, size_t row, size_t column, enum style style, const char *format, ...)
{
    char line[256];
    va_list args;

    if (column >= page->columns)
        return 0;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    return page_put(page, row, column, page->columns - column, style, slice_of(line));
}

void view_gap(struct page *page)
{
    page_row(page);
}

void view_head(struct page *page, const char *format, ...)
{
    char line[128];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (page->rows > 0)
        page_row(page);
    page_row(page);
    page_put(page, page->rows - 1, 0, page->columns, STYLE_HEAD, slice_of(line));
}

void say_since(struct text *out, int64_t then, int64_t now)
{
    when_say_age(out, then, now);
}

/* ---- the title */

/* Words one beside the other in a row, until it is full. */
struct chips {
    struct page *page;
    size_t row, column, end;
};

static void chip(struct chips *chips, enum style style, struct slice words)
{
    size_t width = render_width(words);

    if (words.len == 0 || chips->column + 2 + width > chips->end)
        return;
    chips->column += 2;
    chips->column += page_put(chips->page, chips->row, chips->column, width, style, words);
}

static void chip_words(struct chips *chips, enum style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void chip_words(struct chips *chips, enum style style, const char *format, ...)
{
    char line[128];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    chip(chips, style, slice_of(line));
}

static void chip_quote(struct chips *chips, enum style style, struct slice untrusted)
{
    struct text line = {0};

    render_line(&line, untrusted);
    chip(chips, style, text_slice(&line));
    text_free(&line);
}

/* A claim is renewed while somebody is there; a clock that always ticked would only make one restless. */
static void chip_lease(struct chips *chips, const struct card *card, int64_t now)
{
    int64_t left = (card->held_until - now) / 1000;

    if (card->visiting)
        chip_words(chips, STYLE_DIM, "not claimed");
    else if (left <= 0)
        chip_words(chips, STYLE_WARN, "claim lapsed");
    else if (left <= LEASE_SHORT_S)
        chip_words(chips, STYLE_WARN, "yours for %lld s", (long long)left);
}

static void chip_due(struct chips *chips, const struct card *card, int64_t now)
{
    int64_t due = look_int(card->card, "due_at", -1);
    int64_t minutes = (due - now) / 60000;

    if (!look_list(card->card, "urgency") || due < 0)
        return;
    if (due >= now)
        chip_words(chips, STYLE_DIM, "due in %lldm", (long long)minutes);
    else
        chip_words(chips, STYLE_BAD, "overdue %lldm", (long long)-minutes);
}

static void chip_waiting(struct chips *chips, const struct card *card, int64_t now)
{
    struct text age = {0};

    if (!card_is_pending(card))
        return;
    say(&age, "waits ");
    say_since(&age, look_int(card->card, "received_at", now), now);
    chip(chips, STYLE_PLAIN, text_slice(&age));
    text_free(&age);
}

static enum style style_of_state(struct slice state)
{
    return slice_is(state, "approved") ? STYLE_GOOD : slice_is(state, "rejected") ? STYLE_BAD : STYLE_WARN;
}

void view_title(struct page *page, size_t row, const struct review *r, const struct card *card, int64_t now)
{
    struct chips chips = {page, row, 1, page->columns};
    struct text name = {0};
    int64_t reports = look_int(card->card, "reports", 0);
    int64_t revision = look_int(card->card, "revision", 1);

    render_line(&name, look_text(card->card, "site"));
    say(&name, "/");
    render_line(&name, look_text(card->card, "comment"));
    chips.column += page_put(page, row, 1, page->columns / 2, STYLE_BOLD, text_slice(&name));
    text_free(&name);
    if (!card_is_pending(card))
        chip_quote(&chips, style_of_state(look_text(card->card, "state")), look_text(card->card, "state"));
    if (look_is(card->card, "lane", "escalated"))
        chip_words(&chips, STYLE_WARN, "escalated");
    if (reports > 0)
        chip_words(&chips, STYLE_WARN, "%lld report%s", (long long)reports, reports == 1 ? "" : "s");
    if (revision > 1)
        chip_words(&chips, STYLE_WARN, "revision %lld", (long long)revision);
    if (card->marked)
        chip_words(&chips, STYLE_KEY, "marked");
    chip_due(&chips, card, now);
    chip_waiting(&chips, card, now);
    chip_lease(&chips, card, now);
    if (r->cards.count > 1)
        chip_words(&chips, STYLE_DIM, "%zu of %zu", r->at + 1, r->cards.count);
}

/* ---- around the text */

static void label(struct page *page, const char *word)
{
    page_row(page);
    page_put(page, page->rows - 1, 0, LABEL, STYLE_DIM, slice_of(word));
}

static size_t value_width(const struct page *page)
{
    return page->columns > LABEL ? page->columns - LABEL : 1;
}

/* Words of ours behind a text that ends at a column, or below it where they do not fit. */
static void tail(struct page *page, size_t end, const struct text *words)
{
    size_t at = end + 2;

    if (words->len == 0)
        return;
    if (at + render_width(text_slice(words)) > page->columns) {
        page_row(page);
        at = LABEL;
    }
    page_put(page, page->rows - 1, at, page->columns > at ? page->columns - at : 1, STYLE_DIM, text_slice(words));
}

/* Rows "label  text". Returns the column where the last of them ends. */
static size_t row(struct page *page, const char *word, struct slice untrusted)
{
    size_t first = page->rows;
    struct text line = {0};

    if (!untrusted.data)
        return 0;
    render_line(&line, untrusted);
    bool at_the_right = page->bidi == BIDI_FRIBIDI && bidi_is_rtl(text_slice(&line));
    size_t end = LABEL + render_width(text_slice(&line));
    text_free(&line);
    page_wrap(page, LABEL, value_width(page), STYLE_PLAIN, untrusted, 2);
    if (page->rows > first)
        page_put(page, first, 0, LABEL, STYLE_DIM, slice_of(word));
    return at_the_right || page->rows > first + 1 ? page->columns : end;
}

static void view_article(struct page *page, const struct card *card)
{
    const json_t *article = look_in(card->card, "article");
    struct slice title = look_text(article, "title");
    struct slice language = look_text(card->card, "language");
    struct text words = {0};

    if (!language.data)
        language = look_text(article, "language");
    if (language.data) {
        say(&words, "[");
        render_line(&words, language);
        say(&words, "] ");
    }
    say(&words, "%s%s", look_bool(card->card, "article_front_page") ? "front page " : "",
        look_bool(card->card, "article_closed") ? "closed" : "");
    tail(page, row(page, "Article", title.data ? title : look_text(article, "id")), &words);
    text_free(&words);
}

static void say_count(struct text *out, const json_t *record, const char *key, const char *word)
{
    int64_t count = look_int(record, key, -1);

    if (count > 0)
        say(out, "%s%lld %s", out->len ? ", " : "", (long long)count, word);
}

/* How the author did so far, where the record is known; else since when they are there. */
static void say_standing(struct text *out, const struct card *card, int64_t now)
{
    const json_t *record = look_in(card->details, "author_record");
    int64_t registered = look_int(look_in(card->card, "author"), "registered_at", -1);
    struct slice mark = look_text(card->card, "mark");

    say_count(out, record, "approved", "approved");
    say_count(out, record, "rejected", "rejected");
    if (record && out->len == 0)
        say(out, "nothing decided yet");
    if (mark.data && !slice_is(mark, "none")) {
        say(out, "%s", out->len ? ", " : "");
        render_line(out, mark);
    }
    if (!record && registered >= 0) {
        say(out, "%smember for ", out->len ? ", " : "");
        say_since(out, registered, now);
    }
}

/* One line on the author: the whole record is a section below, or beside. */
static void view_author(struct page *page, const struct card *card, int64_t now)
{
    const json_t *author = look_in(card->card, "author");
    struct slice name = look_text(author, "name");
    struct text words = {0};

    if (!name.data)
        name = look_text(author, "id");
    if (!name.data)
        return;
    label(page, "Author");
    size_t taken = page_quote(page, page->rows - 1, LABEL, value_width(page), STYLE_PLAIN, name);
    say_standing(&words, card, now);
    tail(page, LABEL + taken, &words);
    text_free(&words);
}

/* What front ends make of the author's name a link to: it is seen with the comment. */
static void view_website(struct page *page, const struct card *card)
{
    row(page, "Website", look_text(look_in(card->card, "extra"), "website"));
}

static void view_parent(struct page *page, const struct card *card)
{
    const json_t *parent = look_in(card->details, "parent_card");
    struct slice who = look_text(look_in(parent, "author"), "name");
    size_t first = page->rows;

    if (!parent) {
        row(page, "Answers", look_text(card->card, "parent"));
        return;
    }
    if (who.data) {
        label(page, "Answers");
        size_t taken = page_quote(page, first, LABEL, value_width(page), STYLE_BOLD, who);
        if (!look_is(parent, "state", "approved"))
            page_quote(page, first, LABEL + taken + 2, value_width(page), STYLE_DIM, look_text(parent, "state"));
    }
    page_wrap(page, LABEL, value_width(page), STYLE_DIM, look_text(parent, "body"), PARENT_ROWS);
    if (!who.data && page->rows > first)
        page_put(page, first, 0, LABEL, STYLE_DIM, SLICE_LIT("Answers"));
}

/* ---- what happened meanwhile */

static void say_reasons(struct text *out, const struct review *r, const json_t *card)
{
    const json_t *reasons = look_list(card, "reasons");

    for (size_t i = 0; i < json_array_size(reasons); i++) {
        struct slice code = look_string(json_array_get(reasons, i));
        say(out, "%s", i ? ", " : ": ");
        text_append(out, review_title_of(r, look_text(card, "site"), code));
    }
}

static void banner(struct page *page, enum style style, struct text *untrusted)
{
    page_row(page);
    page_wrap(page, 0, page->columns, style, text_slice(untrusted), 0);
    text_free(untrusted);
}

static void view_decided(struct page *page, const struct review *r, const struct card *card, int64_t now)
{
    struct text line = {0};
    struct slice by = look_text(card->card, "decided_by");
    struct slice state = look_text(card->card, "state");

    text_append(&line, SLICE_LIT("This comment is "));
    text_append(&line, state);
    if (by.data) {
        text_append(&line, SLICE_LIT(", by "));
        text_append(&line, by);
    }
    if (look_int(card->card, "decided_at", -1) >= 0) {
        text_append(&line, SLICE_LIT(", "));
        when_say_short(&line, look_int(card->card, "decided_at", 0), now);
    }
    say_reasons(&line, r, card->card);
    say(&line, card->visiting ? "" : ". Enter goes on to the next one.");
    banner(page, style_of_state(state), &line);
}

static bool is_somebody_else(const struct review *r, struct slice who)
{
    struct slice you = look_text(r->you, "you");
    return who.data && you.data && !slice_equal(who, you);
}

static void view_held(struct page *page, const struct card *card, int64_t now)
{
    struct text line = {0};

    text_append(&line, look_text(card->card, "claimed_by"));
    text_append(&line, SLICE_LIT(" holds this comment until "));
    when_say_short(&line, look_int(card->card, "claimed_until", 0), now);
    say(&line, card->visiting ? "." : ". ] goes on to the next one.");
    banner(page, STYLE_WARN, &line);
}

static void view_banners(struct page *page, const struct review *r, const struct card *card, int64_t now)
{
    if (!card_is_pending(card))
        view_decided(page, r, card, now);
    else if (!card_is_held(card, now) && is_somebody_else(r, look_text(card->card, "claimed_by")) &&
             look_int(card->card, "claimed_until", 0) > now)
        view_held(page, card, now);
}

/* ---- the text */

/* Where the text stands, and the line beside it: on the side where the text begins. */
static void place_body(const struct page *page, bool rtl, size_t *column, size_t *width, size_t *line)
{
    size_t room = page->columns > 3 ? page->columns - 3 : 1;

    *width = room < TEXT_COLUMNS_MOST ? room : TEXT_COLUMNS_MOST;
    *column = rtl ? page->columns - 3 > *width ? page->columns - 3 - *width : 0 : 3;
    *line = rtl ? *column + *width + 1 : 1;
}

static void view_body(struct page *page, const struct card *card)
{
    struct slice body = look_text(card->card, "body");
    size_t first = page->rows + 1;
    size_t column;
    size_t width;
    size_t line;

    place_body(page, page->bidi == BIDI_FRIBIDI && bidi_is_rtl(body), &column, &width, &line);
    page_row(page);
    page_wrap(page, column, width, STYLE_PLAIN, body, 0);
    if (!body.data) {
        page_row(page);
        page_put(page, page->rows - 1, column, width, STYLE_DIM, SLICE_LIT("(no text)"));
    }
    for (size_t at = first; at < page->rows && line < page->columns; at++)
        page_put(page, at, line, 1, STYLE_HEAD, SLICE_LIT("\u2502"));
}

void view_text(struct page *page, const struct review *r, const struct card *card, int64_t now)
{
    view_article(page, card);
    view_author(page, card, now);
    view_website(page, card);
    view_parent(page, card);
    view_banners(page, r, card, now);
    view_body(page, card);
}
