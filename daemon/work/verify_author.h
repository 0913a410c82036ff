/* What leads from event to event about an author, and the author's row: the mark is what the newest of them said. */
#ifndef MODQD_VERIFY_AUTHOR_H
#define MODQD_VERIFY_AUTHOR_H

#include "verify_part.h"

/* Compares one event about an author, which the chain has as it is. */
void verify_author(struct verify_part *part, const struct verify_row *row);

#endif
