/* Which comments a moderator is given next: the queue without what that one skipped, with second looks among it. */
#ifndef MODQD_PICK_H
#define MODQD_PICK_H

#include "queue.h"
#include "request.h"

/* Fills `page` with what `claim` gives next, by (due_at, text), of one site (its number) or of all that are seen (0).
 * No more than page->limit + SKIPS_MAX free comments of the lane are looked at, and SECONDS_LOOKED_AT that wait for a
 * second look. False when memory is short. */
bool pick_next(struct work *work, const struct request *request, int64_t site, enum lane lane, struct queue_page *page);

#endif
