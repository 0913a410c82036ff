#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "proto/utf8.h"

enum {
    GAP = 2,
    WIDEST = 44,
    NARROWEST_LAST = 8,
    NAME_LEAST = 20,
    NAME_NARROWEST = 12, /* of a terminal that has no room; longer names have lines of their own */
    YIELDING_LEAST = 6,
    FIRST_STRONG_ISOLATE = 0x2068,
    POP_ISOLATE = 0x2069,
};

static size_t columns(const struct table *table)
{
    size_t n = 0;

    while (table->headers[n])
        n++;
    return n;
}

static struct cell *add(struct table *table)
{
    if (table->count == table->cap) {
        size_t cap = table->cap ? table->cap * 2 : 256;
        struct cell *cells = realloc(table->cells, cap * sizeof(*cells));
        if (!cells) {
            table->failed = true;
            return NULL;
        }
        table->cells = cells;
        table->cap = cap;
    }
    table->cells[table->count] = (struct cell){0};
    return &table->cells[table->count++];
}

void table_word(struct table *table, struct slice word, enum shade shade)
{
    struct cell *cell = add(table);

    if (!cell)
        return;
    cell->shade = shade;
    if (word.data)
        render_line(&cell->text, word);
}

void table_untrusted(struct table *table, struct slice text)
{
    table_word(table, text, SHADE_NONE);
}

void table_number(struct table *table, int64_t number)
{
    struct cell *cell = add(table);

    if (!cell)
        return;
    cell->right = true;
    say(&cell->text, "%lld", (long long)number);
}

void table_optional(struct table *table, const struct modq_value *number)
{
    struct cell *cell;

    if (number) {
        table_number(table, modq_int(number, 0));
    } else {
        cell = add(table);
        if (cell)
            cell->right = true;
    }
}

/* The cell is isolated as a whole after it was cut: an isolate within it would be nested, and could lose its end. */
static void drop_isolates(struct text *text)
{
    size_t kept = 0;

    for (size_t at = 0; at < text->len;) {
        size_t from = at;
        int32_t c = utf8_next(text_slice(text), &at);
        if (c == FIRST_STRONG_ISOLATE || c == POP_ISOLATE)
            continue;
        memmove(text->data + kept, text->data + from, at - from);
        kept += at - from;
    }
    text->len = kept;
}

void table_text(struct table *table, struct text *ours)
{
    struct cell *cell = add(table);

    drop_isolates(ours);
    if (cell)
        cell->text = *ours;
    else
        text_free(ours);
    *ours = (struct text){0};
}

void table_right(struct table *table, struct text *ours)
{
    table_text(table, ours);
    if (!table->failed)
        table->cells[table->count - 1].right = true;
}

/* How wide the first column may become. It holds names, which the next command wants in full: they are never cut, and
 * one that is wider has a line of its own. */
static size_t name_most(const struct table *table)
{
    size_t third = (size_t)table->app->columns / 3;

    if (third < NAME_LEAST)
        return NAME_LEAST;
    return third < WIDEST ? third : WIDEST;
}

static void measure(struct table *table, size_t n)
{
    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++) {
        size_t width = render_width(slice_of(table->headers[i]));
        if (width > table->width[i])
            table->width[i] = width;
    }
    for (size_t i = 0; i < table->count; i++) {
        size_t width = render_width(text_slice(&table->cells[i].text));
        if (i % n == 0 && width > name_most(table))
            continue;
        if (width > WIDEST)
            width = WIDEST;
        if ((i % n + 1 < n || table->cells[i].right) && width > table->width[i % n])
            table->width[i % n] = width;
    }
}

static size_t used_before_last(const struct table *table, size_t n)
{
    size_t used = 0;

    for (size_t i = 0; i + 1 < n; i++)
        used += table->width[i] + GAP;
    return used;
}

/* Takes from a column what is too much, as long as `least` is left. Returns what is still too much. */
static size_t narrow(size_t *width, size_t least, size_t excess)
{
    size_t spare = *width > least ? *width - least : 0;
    size_t taken = spare < excess ? spare : excess;

    *width -= taken;
    return excess - taken;
}

/* On a narrow terminal. A table that cannot fit anyway stays as it is, for the terminal to break. */
static void fit(struct table *table, size_t n)
{
    size_t needed = used_before_last(table, n) + NARROWEST_LAST;
    size_t all = (size_t)table->app->columns;
    size_t name = table->width[0];
    size_t yielding = table->width[table->yields];

    if (n == 0 || needed <= all)
        return;
    size_t excess = needed - all;
    if (table->yields)
        excess = narrow(&yielding, YIELDING_LEAST, excess);
    if (narrow(&name, NAME_NARROWEST, excess) > 0)
        return;
    table->width[table->yields] = yielding;
    table->width[0] = name;
}

static size_t rest_of_line(const struct table *table, size_t n)
{
    size_t used = used_before_last(table, n);
    size_t all = (size_t)table->app->columns;

    return used + NARROWEST_LAST < all ? all - used : NARROWEST_LAST;
}

static void pad(struct text *line, size_t count)
{
    while (count-- > 0)
        text_append(line, SLICE_LIT(" "));
}

static void put_cell(const struct table *table, struct text *line, const struct cell *cell, size_t width, bool last)
{
    struct text cut = {0};

    render_cut(&cut, text_slice(&cell->text), width);
    size_t taken = render_width(text_slice(&cut));
    size_t space = taken < width ? width - taken : 0;
    if (cell->right)
        pad(line, space);
    if (cell->shade != SHADE_NONE)
        say_shade(table->app, line, cell->shade);
    say_isolated(line, text_slice(&cut));
    if (cell->shade != SHADE_NONE)
        say_shade(table->app, line, SHADE_NONE);
    if (!last)
        pad(line, (cell->right ? 0 : space) + GAP);
    text_free(&cut);
}

/* Instead of the first cell of a row. */
static void put_long_name(const struct table *table, struct text *line, const struct cell *cell)
{
    say_shade(table->app, line, cell->shade);
    say_isolated(line, text_slice(&cell->text));
    say_shade(table->app, line, SHADE_NONE);
    put_line(line, stdout);
    pad(line, table->width[0] + GAP);
}

static void put_row(const struct table *table, const struct cell *cells, size_t n, size_t rest)
{
    struct text line = {0};
    size_t first = render_width(text_slice(&cells[0].text)) > table->width[0];

    if (first)
        put_long_name(table, &line, &cells[0]);
    for (size_t i = first; i < n; i++)
        put_cell(table, &line, &cells[i], i + 1 < n || cells[i].right ? table->width[i] : rest, i + 1 == n);
    put_line(&line, stdout);
}

static void put_headers(struct table *table, size_t n)
{
    struct text line = {0};

    say_shade(table->app, &line, SHADE_DIM);
    for (size_t i = 0; i < n; i++) {
        bool right = table->cells[i].right;
        size_t space = table->width[i] - render_width(slice_of(table->headers[i]));
        pad(&line, right ? space : 0);
        say(&line, "%s", table->headers[i]);
        if (i + 1 < n)
            pad(&line, (right ? 0 : space) + GAP);
    }
    say_shade(table->app, &line, SHADE_NONE);
    put_line(&line, stdout);
    table->headed = true;
}

bool table_print(struct table *table)
{
    size_t n = columns(table);
    bool ok = !table->failed;

    measure(table, n);
    if (!table->whole)
        fit(table, n);
    size_t rest = table->whole ? SIZE_MAX : rest_of_line(table, n);
    if (!table->headed && table->count > 0)
        put_headers(table, n);
    for (size_t row = 0; ok && row + n <= table->count; row += n)
        put_row(table, &table->cells[row], n, rest);
    for (size_t i = 0; i < table->count; i++)
        text_free(&table->cells[i].text);
    table->count = 0;
    return ok;
}

void table_free(struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        text_free(&table->cells[i].text);
    free(table->cells);
    *table = (struct table){0};
}
