/* What leads from event to event of a comment, and from text to text. */
#ifndef MODQD_VERIFY_HISTORY_H
#define MODQD_VERIFY_HISTORY_H

#include "verify_part.h"

/* Compares it for the events of a part, and what is erased, too. */
void verify_history(struct verify_part *part);

#endif
