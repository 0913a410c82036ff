/* How the desk shows one comment (proto/PROTOCOL.md, "Card"). */
#ifndef MODQD_CARD_H
#define MODQD_CARD_H

#include "work.h"

/* An answer that holds cards is cut at about this many bytes. */
enum { CARDS_BYTES = 262144 };

/* Writes the card of a comment as `actor` sees it (second_blind). */
void card_encode(struct work *work, const char *actor, struct slice site, const struct store_comment *comment,
                 struct out *out);

#endif
