/* Trigrams: every three characters that follow one another in a folded text, as a number. Two texts of which one holds
 * the other have its trigrams in common; the reverse must be looked at. Pure. */
#ifndef MODQD_GRAM_H
#define MODQD_GRAM_H

#include <stdint.h>

#include "../../proto/slice.h"

enum { GRAM_BITS = 21, GRAM_CHARACTERS = 3 };

/* Called with each trigram, in order, as often as it occurs. Numbers are below 1 << GRAM_BITS; different trigrams may
 * have the same one. False ends it. */
typedef bool gram_on(void *arg, uint32_t gram);

void gram_each(struct slice folded, gram_on *on, void *arg);

#endif
