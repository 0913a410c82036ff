/* Lines of text with a place and a style: what a screen, or a part of it, shows. */
#ifndef MODQ_REVIEW_ROWS_H
#define MODQ_REVIEW_ROWS_H

#include "bidi.h"

enum style {
    STYLE_PLAIN,
    STYLE_DIM,     /* labels, what is of less weight */
    STYLE_BOLD,    /* */
    STYLE_HEAD,    /* heads of sections */
    STYLE_BAR,     /* the lines at top and bottom */
    STYLE_BAR_KEY, /* a key in them */
    STYLE_BAR_BAD, /* trouble in them */
    STYLE_KEY,     /* a key to press */
    STYLE_GOOD,
    STYLE_BAD,
    STYLE_WARN,
    STYLE_MARK,   /* <U+202E> and the like, which only the renderer writes */
    STYLE_CHOSEN, /* the row that one is at */
    STYLE_RULE,   /* lines that part things */
    STYLES
};

struct span {
    size_t row, column;
    size_t at, len; /* in the page's text */
    size_t columns; /* that it takes at most */
    enum style style;
};

/* Zero-initialise it, with `columns` and `bidi`; free with page_free. */
struct page {
    size_t columns;
    enum bidi bidi;
    struct text text;
    struct span *span;
    size_t spans, cap;
    size_t rows;
    size_t cursor_row, cursor_column; /* where one types; SIZE_MAX: nowhere */
    size_t scroll_most;               /* how far the middle can be scrolled */
    size_t middle;                    /* rows of it that are seen */
    bool failed;
};

void page_free(struct page *page);

/* Begins the next row, empty. */
void page_row(struct page *page);

/* Puts text that the renderer gave, or our own, into a row, cut to `most` columns. Returns the columns that it takes.
 */
size_t page_put(struct page *page, size_t row, size_t column, size_t most, enum style style, struct slice rendered);

/* The same of others' text, which is rendered first. */
size_t page_quote(struct page *page, size_t row, size_t column, size_t most, enum style style, struct slice untrusted);

/* New rows with others' text, wrapped, all its lines from `column` on; at most `rows_most` (0: all), the last one then
 * ends with an ellipsis. */
void page_wrap(struct page *page, size_t column, size_t width, enum style style, struct slice untrusted,
               size_t rows_most);

/* Rows `from` to `from + count` of another page, at a place of this one. */
void page_paste(struct page *page, const struct page *from, size_t first, size_t count, size_t row, size_t column);

/* The ground of a bar, a chosen row: what is put there later stands on it. */
void page_fill(struct page *page, size_t row, size_t column, size_t columns, enum style style);

/* A row as text, with the columns that nobody wrote to as spaces; for those who have no screen. */
void page_say(struct text *out, const struct page *page, size_t row);

#endif
