/* Cards, one a line. */
#ifndef MODQ_QUEUE_H
#define MODQ_QUEUE_H

#include "table.h"

void cards_begin(struct table *table, const struct app *app);
void cards_add(struct table *table, const struct modq_value *card);

#endif
