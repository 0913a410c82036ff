#include "view.h"

#include <stdio.h>

#include "../say.h"
#include "../when.h"

enum { SIDE_COLUMNS = 42, ROWS_FOR_RULE = 14, PREVIEW_LEAST = 8, ANSWER_SOON_MS = 1000 };

/* ---- top and bottom */

/* Decisions and notes that the daemon should have answered by now. */
static size_t count_late(const struct review *r, int64_t now)
{
    size_t count = 0;

    for (size_t i = 0; i < r->requests; i++) {
        enum wish wish = r->request[i].wish;
        bool work = wish == WISH_DECIDE || wish == WISH_UNDO || wish == WISH_NOTE;
        count += work && now - r->request[i].made_at > ANSWER_SOON_MS;
    }
    return count;
}

static void say_state(struct text *out, const struct review *r, int64_t now)
{
    if (r->away) {
        say(out, "daemon away ");
        say_since(out, r->away_since, now);
    } else if (!r->you) {
        say(out, "connecting \u2026");
    } else {
        say(out, "\u25cf ");
        render_line(out, look_text(r->you, "you"));
    }
    if (r->you && count_late(r, now) > 0)
        say(out, ", %zu unanswered", count_late(r, now));
}

static void say_queue(struct text *out, const struct review *r)
{
    int64_t waiting = review_waiting(r);

    if (waiting >= 0)
        say(out, "%lld %s  ", (long long)waiting, r->filter.escalated ? "escalated" : "waiting");
}

static void say_sitting(struct text *out, const struct review *r)
{
    if (r->approved + r->rejected > 0)
        say(out, "\u2713%d \u2717%d  ", r->approved, r->rejected);
}

static void view_top(struct page *page, const struct review *r, int64_t now)
{
    struct text left = {0};
    struct text filter = {0};
    struct text queue = {0};
    struct text state = {0};

    say(&left, " modq review  ");
    filter_say(&filter, &r->filter);
    text_append(&left, filter.len > 0 ? text_slice(&filter) : SLICE_LIT("all sites"));
    say_sitting(&queue, r);
    say_queue(&queue, r);
    say_state(&state, r, now);
    say(&state, " ");
    size_t right = render_width(text_slice(&queue)) + render_width(text_slice(&state));
    size_t at = page->columns > right + 1 ? page->columns - right : 0;
    page_fill(page, 0, 0, page->columns, STYLE_BAR);
    if (at > 1)
        page_put(page, 0, 0, at - 1, STYLE_BAR, text_slice(&left));
    at += page_put(page, 0, at, page->columns - at, STYLE_BAR, text_slice(&queue));
    page_put(page, 0, at, page->columns - at, r->away ? STYLE_BAR_BAD : STYLE_BAR, text_slice(&state));
    text_free(&left);
    text_free(&filter);
    text_free(&queue);
    text_free(&state);
}

struct hint {
    const char *key, *does;
};

static const struct hint *hints_of(const struct review *r)
{
    static const struct hint read[] = {{"a", "approve"}, {"r", "reject"}, {"s", "skip"},   {"e", "escalate"},
                                       {"u", "undo"},    {"?", "help"},   {"q", "quit"},   {"n", "note"},
                                       {"l", "list"},    {"/", "search"}, {"f", "filter"}, {"h", "history"},
                                       {"o", "author"},  {NULL, NULL}};
    static const struct hint list[] = {{"Enter", "read"}, {"Space", "mark"}, {"*", "all"},  {"a", "approve"},
                                       {"r", "reject"},   {"s", "skip"},     {"+", "more"}, {"l", "back"},
                                       {"?", "help"},     {NULL, NULL}};
    static const struct hint hits[] = {{"Enter", "open"}, {"/", "search again"}, {"Esc", "back"}, {NULL, NULL}};
    static const struct hint reasons[] = {{"Enter", "reject"}, {"Tab", "with a note"}, {"Esc", "back"}, {NULL, NULL}};
    static const struct hint edit[] = {{"Enter", "done"}, {"Ctrl-U", "empty"}, {"Esc", "back"}, {NULL, NULL}};
    static const struct hint ask[] = {{"y", "yes"}, {"n", "no"}, {NULL, NULL}};
    static const struct hint filter[] = {{"Esc", "back"}, {NULL, NULL}};
    static const struct hint paper[] = {{"j k", "scroll"}, {"Esc", "back"}, {NULL, NULL}};
    static const struct hint none[] = {{"u", "undo"}, {"f", "filter"}, {"/", "search"}, {"m", "messages"},
                                       {"?", "help"}, {"q", "quit"},   {NULL, NULL}};
    static const struct hint *const all[] = {
        [MODE_READ] = read,       [MODE_LIST] = list, [MODE_HITS] = hits, [MODE_PAPER] = paper,
        [MODE_REASONS] = reasons, [MODE_EDIT] = edit, [MODE_ASK] = ask,   [MODE_FILTER] = filter,
    };
    return r->mode == MODE_READ && !review_current(r) ? none : all[r->mode];
}

/* As many as fit; the first ones are those that one needs most. */
static void view_hints(struct page *page, size_t row, const struct review *r)
{
    size_t column = 1;

    page_fill(page, row, 0, page->columns, STYLE_BAR);
    for (const struct hint *hint = hints_of(r); hint->key; hint++) {
        size_t width = render_width(slice_of(hint->key)) + 1 + strlen(hint->does);
        if (column + width + 1 > page->columns)
            break;
        column += page_put(page, row, column, width, STYLE_BAR_KEY, slice_of(hint->key));
        page_put(page, row, column + 1, width, STYLE_BAR, slice_of(hint->does));
        column += strlen(hint->does) + 3;
    }
}

/* ---- the line above the hints */

const char *view_prompt(const struct review *r)
{
    static const char *const editing[] = {
        [EDIT_REJECT] = "Note for the rejection: ",
        [EDIT_ESCALATE] = "Why escalate (may be empty): ",
        [EDIT_NOTE] = "Note: ",
        [EDIT_SEARCH] = "Search: ",
        [EDIT_SITE] = "Site: ",
        [EDIT_ARTICLE] = "Article's id: ",
        [EDIT_AUTHOR] = "Author's id: ",
        [EDIT_LANGUAGE] = "Language, such as ku: ",
        [EDIT_AGE] = "Older than, such as 30m or 12h: ",
        [EDIT_REPORTS] = "So many reports at least: ",
    };
    switch (r->mode) {
    case MODE_EDIT:
        return editing[r->editing];
    case MODE_ASK:
        return r->asking == APPROVE ? "It is decided already. Approve it instead? (y/n) "
                                    : "It is decided already. Reject it instead? (y/n) ";
    case MODE_REASONS:
        return "Why? ";
    default:
        return "";
    }
}

/* What is typed, from so far on that the cursor is seen. */
static void view_typed(struct page *page, size_t row, size_t column, const struct edit *edit)
{
    struct text before = {0};
    struct text all = {0};
    size_t room = page->columns > column + 1 ? page->columns - column - 1 : 1;

    render_line(&before, (struct slice){edit->text.data ? edit->text.data : "", edit->at});
    render_line(&all, text_slice(&edit->text));
    size_t at = render_width(text_slice(&before));
    bool long_one = at > room;
    struct slice shown = text_slice(&all);
    size_t from = 0;
    while (long_one && render_width((struct slice){before.data + from, before.len - from}) > room)
        do
            from++;
        while (from < before.len && ((unsigned char)before.data[from] & 0xc0) == 0x80);
    if (from <= shown.len)
        shown = (struct slice){shown.data + from, shown.len - from};
    page_put(page, row, column, room, STYLE_PLAIN, shown);
    page->cursor_row = row;
    page->cursor_column =
        column + render_width((struct slice){before.data ? before.data + from : "", before.len - from});
    text_free(&before);
    text_free(&all);
}

/* The reasons chosen so far, in words: what Enter would send. */
static void view_chosen(struct page *page, size_t row, size_t column, const struct review *r)
{
    const json_t *reason;

    for (size_t i = 0; (reason = review_reason(r, i)) && column < page->columns; i++)
        if (review_reason_chosen(r, reason))
            column +=
                2 + page_quote(page, row, column, page->columns - column, STYLE_PLAIN, review_reason_title(r, reason));
}

static void view_message(struct page *page, size_t row, const struct review *r, int64_t now)
{
    const struct notice *notice = review_notice(r, now);
    const char *prompt = view_prompt(r);
    size_t column = page_put(page, row, 1, page->columns - 1, STYLE_BOLD, slice_of(prompt));

    column++;
    if (r->mode == MODE_EDIT)
        view_typed(page, row, column, &r->edit);
    else if (notice && column < page->columns)
        page_quote(page, row, column, page->columns - column, notice->trouble ? STYLE_WARN : STYLE_GOOD,
                   slice_of(notice->text));
    else if (r->mode == MODE_REASONS)
        view_chosen(page, row, column, r);
    else if (r->idle)
        page_put(page, row, 1, page->columns - 1, STYLE_WARN,
                 SLICE_LIT("You were away: what you held may be with others. Any key goes on."));
    else if (r->mode == MODE_READ && review_marked(r) > 0)
        page_words(page, row, 1, STYLE_DIM, "%zu marked; l lists them", review_marked(r));
}

/* ---- the middle */

static void rule(struct page *page, size_t row, size_t column, size_t columns)
{
    for (size_t i = 0; i < columns; i++)
        page_put(page, row, column + i, 1, STYLE_RULE, SLICE_LIT("\u2500"));
}

/* Which rows of a part are seen, on the line above them, where there is one. */
static void view_where(struct page *page, const struct page *part, size_t from, size_t row, size_t rows, size_t column)
{
    char where[48];

    snprintf(where, sizeof(where), " %zu\u2013%zu of %zu ", from + 1, from + rows, part->rows);
    size_t width = render_width(slice_of(where));
    for (size_t i = 0; i < page->spans; i++)
        if (page->span[i].row == row - 1 && page->span[i].style == STYLE_RULE) {
            page_put(page, row - 1, column + part->columns - width - 1, width, STYLE_DIM, slice_of(where));
            return;
        }
}

/* A part with more rows than fit: what is seen of it, and where that is. */
static void scrolled(struct page *page, const struct page *part, int scroll, size_t row, size_t rows, size_t column)
{
    size_t most = part->rows > rows ? part->rows - rows : 0;
    size_t from = (size_t)scroll < most ? (size_t)scroll : most;

    page->scroll_most = most > page->scroll_most ? most : page->scroll_most;
    page->middle = rows;
    page_paste(page, part, from, rows, row, column);
    if (most > 0 && part->columns >= 16)
        view_where(page, part, from, row, rows, column);
}

static void view_nothing(struct page *page, const struct review *r, size_t row, size_t rows)
{
    size_t middle = row + rows / 2 - (rows > 2);
    const char *why = r->filter.escalated ? "The escalated lane is empty." : "The queue is empty.";
    const char *then = "New comments appear here by themselves.";

    if (r->leaving) {
        why = "Leaving \u2026";
        then = "What you held is given back.";
    } else if (r->away) {
        why = "The daemon does not answer.";
        then = r->away_why ? r->away_why : "As soon as it does, this goes on.";
    } else if (r->empty_claims == 0) {
        why = "Looking for comments \u2026";
        then = "";
    } else if (!filter_is_simple(&r->filter)) {
        why = "Nothing waits that fits the filter.";
        then = "f changes it; new comments appear here by themselves.";
    }
    size_t width = render_width(slice_of(why));
    size_t at = page->columns > width ? (page->columns - width) / 2 : 0;
    page_put(page, middle, at, page->columns - at, STYLE_BOLD, slice_of(why));
    width = render_width(slice_of(then));
    at = page->columns > width ? (page->columns - width) / 2 : 0;
    if (middle + 1 < row + rows)
        page_quote(page, middle + 1, at, page->columns - at, STYLE_DIM, slice_of(then));
}

static void view_side(struct page *page, const struct review *r, const struct card *card, size_t row, size_t rows,
                      int64_t now)
{
    struct page side = {.columns = SIDE_COLUMNS - 3, .bidi = page->bidi};
    size_t column = page->columns - SIDE_COLUMNS;

    view_details(&side, r, card, now);
    size_t most = side.rows > rows ? side.rows - rows : 0;
    page_paste(page, &side, (size_t)r->scroll < most ? (size_t)r->scroll : most, rows, row, column + 2);
    page->scroll_most = most;
    for (size_t i = 0; i < rows; i++)
        page_put(page, row + i, column, 1, STYLE_RULE, SLICE_LIT("\u2502"));
    page->failed = page->failed || side.failed;
    page_free(&side);
}

static void view_read(struct page *page, const struct review *r, size_t row, size_t rows, int64_t now)
{
    const struct card *card = review_current(r);
    bool beside = page->columns >= SIDE_FROM;
    size_t width = page->columns - 2 - (beside ? SIDE_COLUMNS : 0);
    size_t head = rows >= ROWS_FOR_RULE ? 2 : 1;

    if (!card) {
        view_nothing(page, r, row, rows);
        return;
    }
    struct page part = {.columns = width, .bidi = page->bidi};
    view_title(page, row, r, card, now);
    if (head == 2)
        rule(page, row + 1, 0, page->columns);
    view_text(&part, r, card, now);
    if (!beside)
        view_details(&part, r, card, now);
    else
        view_side(page, r, card, row + head, rows - head, now);
    scrolled(page, &part, r->scroll, row + head, rows - head, 1);
    page->failed = page->failed || part.failed;
    page_free(&part);
}

typedef void part_fn(struct page *page, const struct review *r);

/* Rises from below, over the lower part of what one reads, so that the text stays in sight. */
static void view_drawer(struct page *page, const struct review *r, part_fn *part, const char *head, size_t row,
                        size_t rows, int64_t now)
{
    struct page drawer = {.columns = page->columns, .bidi = page->bidi};

    part(&drawer, r);
    size_t height = drawer.rows + 1 < rows ? drawer.rows + 1 : rows;
    size_t above = rows - height;
    if (above >= 4 && r->base == MODE_READ)
        view_read(page, r, row, above, now);
    rule(page, row + above, 0, page->columns);
    page_put(page, row + above, 2, page->columns - 2, STYLE_HEAD, slice_of(head));
    scrolled(page, &drawer, r->paged, row + above + 1, height - 1, 0);
    page->failed = page->failed || drawer.failed;
    page_free(&drawer);
}

/* Below the list, where there is room: the one that one is at. */
static void view_preview(struct page *page, const struct review *r, size_t row, size_t rows, int64_t now)
{
    struct page part = {.columns = page->columns - 2, .bidi = page->bidi};

    if (r->list_at >= r->cards.count)
        return;
    rule(page, row, 0, page->columns);
    view_text(&part, r, r->cards.item[r->list_at], now);
    page_paste(page, &part, 0, rows - 1, row + 1, 1);
    page->failed = page->failed || part.failed;
    page_free(&part);
}

static void view_rows(struct page *page, const struct review *r, size_t row, size_t rows, int64_t now)
{
    struct page part = {.columns = page->columns, .bidi = page->bidi};
    char head[96];

    if (r->mode == MODE_HITS)
        snprintf(head, sizeof(head), " %zu found", json_array_size(r->hits));
    else
        snprintf(head, sizeof(head), " %zu that you hold, %zu marked", r->cards.count, review_marked(r));
    page_put(page, row, 0, page->columns, STYLE_HEAD, slice_of(head));
    if (r->mode == MODE_HITS)
        view_hits(&part, r, rows - 1, now);
    else
        view_list(&part, r, rows - 1, now);
    page_paste(page, &part, 0, rows - 1, row + 1, 0);
    page->middle = rows - 1;
    if (r->mode != MODE_HITS && rows > part.rows + PREVIEW_LEAST)
        view_preview(page, r, row + part.rows + 2, rows - part.rows - 2, now);
    page->failed = page->failed || part.failed;
    page_free(&part);
}

static void view_whole(struct page *page, const struct review *r, size_t row, size_t rows, int64_t now)
{
    struct page part = {.columns = page->columns - 2, .bidi = page->bidi};
    static const char *const heads[] = {
        [PAPER_HELP] = "Keys", [PAPER_HISTORY] = "History", [PAPER_AUTHOR] = "Author", [PAPER_MESSAGES] = "Messages"};

    rule(page, row, 0, page->columns);
    page_words(page, row, 2, STYLE_HEAD, " %s ", heads[r->paper]);
    view_paper(&part, r, now);
    scrolled(page, &part, r->paged, row + 1, rows - 1, 1);
    page->failed = page->failed || part.failed;
    page_free(&part);
}

static void view_middle(struct page *page, const struct review *r, size_t row, size_t rows, int64_t now)
{
    enum mode mode = r->mode == MODE_EDIT || r->mode == MODE_ASK ? r->base : r->mode;

    if (r->mode == MODE_EDIT && r->editing >= EDIT_SITE)
        mode = MODE_FILTER;
    switch (mode) {
    case MODE_LIST:
    case MODE_HITS:
        view_rows(page, r, row, rows, now);
        break;
    case MODE_PAPER:
        view_whole(page, r, row, rows, now);
        break;
    case MODE_REASONS:
        view_drawer(page, r, view_reasons, " Reasons ", row, rows, now);
        break;
    case MODE_FILTER:
        view_drawer(page, r, view_filters, " Show only ", row, rows, now);
        break;
    default:
        view_read(page, r, row, rows, now);
    }
}

void view_screen(struct page *page, const struct review *r, size_t columns, size_t rows, int64_t now)
{
    page->columns = columns;
    page->rows = rows;
    page->cursor_row = page->cursor_column = SIZE_MAX;
    if (columns < VIEW_COLUMNS_LEAST || rows < VIEW_ROWS_LEAST) {
        page_put(page, 0, 0, columns, STYLE_PLAIN, SLICE_LIT("too small"));
        return;
    }
    view_top(page, r, now);
    view_middle(page, r, 1, rows - 3, now);
    view_message(page, rows - 2, r, now);
    view_hints(page, rows - 1, r);
}
