/* Cards, one a line. */
#ifndef MODQ_QUEUE_H
#define MODQ_QUEUE_H

#include "table.h"

/* `states`: with a column for the state, where not all are pending. */
void cards_begin(struct table *table, const struct app *app, bool states);
void cards_add(struct table *table, const struct modq_value *card);

#endif
