/* Whose a comment is and where it stands, as its row says it for the queue to be filtered by. */
#ifndef MODQD_PLACE_H
#define MODQD_PLACE_H

#include "../store/store.h"

/* Sets article, author and language of the row to those of its current text (absent: ""). */
void place_keep(struct store_comment *comment, struct slice article, struct slice author, struct slice language);

/* What the row holds of a language: itself when it is ASCII, as every tag of BCP 47 is, else nothing. */
struct slice place_language(struct slice language);

#endif
