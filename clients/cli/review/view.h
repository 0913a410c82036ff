/* From what a moderator has before them to lines of a screen. Pure: the same model, size and time give the same page.
 */
#ifndef MODQ_REVIEW_VIEW_H
#define MODQ_REVIEW_VIEW_H

#include "model.h"
#include "rows.h"

enum {
    VIEW_COLUMNS_LEAST = 20,
    VIEW_ROWS_LEAST = 6,
    SIDE_FROM = 100, /* columns: from here on what is known beside the text stands beside it */
};

/* The whole screen; `page` is empty but for `bidi`. */
void view_screen(struct page *page, const struct review *r, size_t columns, size_t rows, int64_t now);

/* ---- its parts, each of which appends rows to a page of a width of its own (`columns`) */

/* One line: which comment, and what is special about it. `row` of the page. */
void view_title(struct page *page, size_t row, const struct review *r, const struct card *card, int64_t now);

/* Article, author, what it answers, the text. */
void view_text(struct page *page, const struct review *r, const struct card *card, int64_t now);

/* Reports, what changed, the author's record, notes, who else has seen it, why it is urgent. */
void view_details(struct page *page, const struct review *r, const struct card *card, int64_t now);

/* An author's record; `card` (may be NULL) is left out of the last comments. */
void view_record(struct page *page, const struct review *r, const json_t *record, const struct card *card, int64_t now);

void view_reasons(struct page *page, const struct review *r);
void view_filters(struct page *page, const struct review *r);
void view_list(struct page *page, const struct review *r, size_t rows, int64_t now);
void view_hits(struct page *page, const struct review *r, size_t rows, int64_t now);
void view_paper(struct page *page, const struct review *r, int64_t now);

/* What is asked of the moderator just now, such as "note:"; "" when nothing is. */
const char *view_prompt(const struct review *r);

/* ---- small words */

/* "3h", since `then`. */
void say_since(struct text *out, int64_t then, int64_t now);

/* A line of our own words. */
size_t page_words(struct page *page, size_t row, size_t column, enum style style, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* An empty row, and one with the head of a section. */
void view_gap(struct page *page);
void view_head(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
