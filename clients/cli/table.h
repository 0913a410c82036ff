/* Aligned columns; the first one is never cut, the last one takes the rest of the line. */
#ifndef MODQ_TABLE_H
#define MODQ_TABLE_H

#include "say.h"

enum { TABLE_COLUMNS_MAX = 12 };

struct cell {
    struct text text;
    enum shade shade;
    bool right; /* numbers stand at the right */
};

/* Zero-initialise; the rest is its own. Widths found for one part of the rows hold for the next parts, too. */
struct table {
    const struct app *app;
    const char *const *headers; /* their number is that of the columns; NULL at the end */
    struct cell *cells;
    size_t count, cap;
    size_t width[TABLE_COLUMNS_MAX];
    size_t yields; /* the column that is cut first when a line would not fit; 0: none */
    bool whole;    /* the last column is never cut, too */
    bool headed, failed;
};

/* The next cell, row by row. */
void table_untrusted(struct table *table, struct slice text);
void table_word(struct table *table, struct slice word, enum shade shade); /* untrusted, too */
void table_number(struct table *table, int64_t number);
void table_optional(struct table *table, const struct modq_value *number); /* NULL: nothing */
void table_text(struct table *table, struct text *ours);                   /* takes over what was said already */
void table_right(struct table *table, struct text *ours);                  /* the same, at the right */

/* Prints and forgets the rows so far. False: memory was out. */
bool table_print(struct table *table);
void table_free(struct table *table);

#endif
