/* When a pending comment is due, made anew by the rule that its site's row names. */
#ifndef MODQD_FSCK_DUE_H
#define MODQD_FSCK_DUE_H

#include "fsck_state.h"

/* Compares it with the comment's row. `received_at`: when its current revision came. */
void fsck_due(struct fsck *fsck, const struct store_comment *row, int64_t received_at);

#endif
