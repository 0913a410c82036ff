#include "rows.h"

#include <stdint.h>
#include <stdlib.h>

#include "../say.h"

void page_free(struct page *page)
{
    text_free(&page->text);
    free(page->span);
    *page = (struct page){0};
}

void page_row(struct page *page)
{
    page->rows++;
}

static struct span *add(struct page *page)
{
    size_t cap = page->cap ? 2 * page->cap : 64;

    if (page->spans < page->cap)
        return &page->span[page->spans++];
    struct span *span = realloc(page->span, cap * sizeof(*span));
    if (!span) {
        page->failed = true;
        return NULL;
    }
    page->span = span;
    page->cap = cap;
    return &page->span[page->spans++];
}

/* A piece of one style. */
static size_t put_piece(struct page *page, size_t row, size_t column, enum style style, struct slice piece, bool rtl)
{
    size_t columns = render_width(piece);
    struct span *span = piece.len > 0 ? add(page) : NULL;

    if (!span)
        return 0;
    *span = (struct span){.row = row, .column = column, .at = page->text.len, .columns = columns, .style = style};
    bidi_line(&page->text, piece, rtl, page->bidi);
    span->len = page->text.len - span->at;
    page->failed = page->failed || page->text.failed;
    return columns;
}

/* Where the next mark of the renderer's begins, or the end. */
static size_t next_mark(struct slice text, size_t from)
{
    for (size_t i = from; i + 3 < text.len; i++)
        if (text.data[i] == '<' && (memcmp(text.data + i, "<U+", 3) == 0 || memcmp(text.data + i, "<0x", 3) == 0))
            return i;
    return text.len;
}

static size_t mark_end(struct slice text, size_t at)
{
    const char *end = at < text.len ? memchr(text.data + at, '>', text.len - at) : NULL;
    return end ? (size_t)(end - text.data) + 1 : text.len;
}

/* Marks have a style of their own where that does not take apart what has to be put in order as a whole. */
static size_t put_whole(struct page *page, size_t row, size_t column, enum style style, struct slice line, bool rtl)
{
    size_t start = column;
    bool whole = rtl || bidi_is_rtl(line) || next_mark(line, 0) == line.len || style == STYLE_CHOSEN;

    if (whole)
        return put_piece(page, row, column, style, line, rtl);
    for (size_t at = 0; at < line.len;) {
        size_t mark = next_mark(line, at);
        size_t end = mark_end(line, mark);
        column += put_piece(page, row, column, style, (struct slice){line.data + at, mark - at}, rtl);
        column += put_piece(page, row, column, STYLE_MARK, (struct slice){line.data + mark, end - mark}, rtl);
        at = end;
    }
    return column - start;
}

size_t page_put(struct page *page, size_t row, size_t column, size_t most, enum style style, struct slice rendered)
{
    struct text cut = {0};

    render_cut(&cut, rendered, most);
    size_t columns = put_whole(page, row, column, style, text_slice(&cut), bidi_is_rtl(text_slice(&cut)));
    page->failed = page->failed || cut.failed;
    text_free(&cut);
    return columns;
}

size_t page_quote(struct page *page, size_t row, size_t column, size_t most, enum style style, struct slice untrusted)
{
    struct text line = {0};

    if (!untrusted.data)
        return 0;
    render_line(&line, untrusted);
    size_t columns = page_put(page, row, column, most, style, text_slice(&line));
    page->failed = page->failed || line.failed;
    text_free(&line);
    return columns;
}

/* ---- paragraphs */

struct wrapping {
    struct page *page;
    size_t column, width, left; /* rows that may still be written */
    enum style style;
};

static void wrap_line(struct wrapping *w, struct slice line, bool rtl, bool more)
{
    struct text last = {0};

    page_row(w->page);
    if (w->left == 1 && more) {
        text_append(&last, line);
        text_append(&last, SLICE_LIT(" \u2026"));
        line = text_slice(&last);
    }
    struct text cut = {0};
    render_cut(&cut, line, w->width);
    size_t column = w->column;
    if (rtl && w->page->bidi == BIDI_FRIBIDI) /* it begins at the right, as a terminal with bidi would have it */
        column += w->width - render_width(text_slice(&cut));
    put_whole(w->page, w->page->rows - 1, column, w->style, text_slice(&cut), rtl);
    text_free(&cut);
    text_free(&last);
    w->left--;
}

static struct slice until(struct slice text, size_t at, size_t *next)
{
    const char *end = memchr(text.data + at, '\n', text.len - at);
    size_t len = end ? (size_t)(end - text.data) - at : text.len - at;

    *next = at + len + 1;
    return (struct slice){text.data + at, len};
}

/* Each line of a paragraph has the paragraph's direction. */
static void wrap_paragraph(struct wrapping *w, struct slice paragraph, bool more)
{
    struct text lines = {0};

    render_block(&lines, paragraph, 0, w->width);
    if (lines.len == 0)
        text_append(&lines, SLICE_LIT("\n"));
    struct slice all = {lines.data ? lines.data : "", lines.len ? lines.len - 1 : 0};
    bool rtl = bidi_is_rtl(all);
    for (size_t at = 0; at <= all.len && w->left > 0;) {
        size_t next;
        struct slice line = until(all, at, &next);
        wrap_line(w, line, rtl, more || next <= all.len);
        at = next;
    }
    w->page->failed = w->page->failed || lines.failed;
    text_free(&lines);
}

void page_wrap(struct page *page, size_t column, size_t width, enum style style, struct slice untrusted,
               size_t rows_most)
{
    struct wrapping w = {page, column, width, rows_most ? rows_most : SIZE_MAX, style};

    if (!untrusted.data)
        return;
    for (size_t at = 0; at < untrusted.len && w.left > 0;) {
        size_t next;
        struct slice paragraph = until(untrusted, at, &next);
        if (paragraph.len > 0 && paragraph.data[paragraph.len - 1] == '\r')
            paragraph.len--;
        wrap_paragraph(&w, paragraph, next < untrusted.len);
        at = next;
    }
}

/* ---- pages on pages */

void page_paste(struct page *page, const struct page *from, size_t first, size_t count, size_t row, size_t column)
{
    size_t base = page->text.len;

    text_append(&page->text, text_slice(&from->text));
    for (size_t i = 0; i < from->spans; i++) {
        const struct span *span = &from->span[i];
        if (span->row < first || span->row >= first + count)
            continue;
        struct span *copy = add(page);
        if (!copy)
            return;
        *copy = *span;
        copy->at += base;
        copy->row = span->row - first + row;
        copy->column += column;
    }
    page->failed = page->failed || from->failed || page->text.failed;
}

/* The ground of a bar. */
static bool is_blank(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] != ' ')
            return false;
    return true;
}

void page_fill(struct page *page, size_t row, size_t column, size_t columns, enum style style)
{
    struct text spaces = {0};

    say(&spaces, "%*s", (int)columns, "");
    page_put(page, row, column, columns, style, text_slice(&spaces));
    text_free(&spaces);
}

/* The next span of a row, by its column; NULL: there is none. */
static const struct span *next_span(const struct page *page, size_t row, size_t from)
{
    const struct span *next = NULL;

    for (size_t i = 0; i < page->spans; i++) {
        const struct span *span = &page->span[i];
        bool words = span->style != STYLE_RULE && !is_blank((struct slice){page->text.data + span->at, span->len});
        if (span->row == row && words && span->column >= from && (!next || span->column < next->column))
            next = span;
    }
    return next;
}

void page_say(struct text *out, const struct page *page, size_t row)
{
    const struct span *span;

    for (size_t column = 0; (span = next_span(page, row, column)); column = span->column + span->columns) {
        for (; column < span->column; column++)
            text_append(out, SLICE_LIT(" "));
        text_append(out, (struct slice){page->text.data + span->at, span->len});
    }
}
