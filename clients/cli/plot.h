/* Bars of characters. */
#ifndef MODQ_PLOT_H
#define MODQ_PLOT_H

#include <stdint.h>

#include "render.h"

/* Whether the terminal's character set has block characters: of the locale, which main has set. */
bool plot_has_blocks(void);

/* Appends a bar of value / most of `columns` columns: with blocks to an eighth of a column, else of whole '#'. What is
 * not 0 is never shown as nothing. */
void plot_bar(struct text *out, int64_t value, int64_t most, size_t columns, bool blocks);

#endif
