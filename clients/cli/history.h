/* Events in words for people. */
#ifndef MODQ_HISTORY_H
#define MODQ_HISTORY_H

#include "say.h"

/* What is to be said of an event besides when, what and who: cause, reasons, numbers, note. */
void history_say_details(struct text *out, const struct modq_value *event);

#endif
