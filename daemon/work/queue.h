/* The queue as moderators are served from it: the database, through its index, over one site or all of them. */
#ifndef MODQD_QUEUE_H
#define MODQD_QUEUE_H

#include "grant.h"
#include "work.h"

/* Where a page ended, or (-1, 0): the beginning. */
struct queue_place {
    int64_t due_at, text;
};

struct queue_page {
    struct store_comment *comments; /* the caller's, room for `limit` */
    size_t n, limit;
};

/* Fills `page` with the next pending comments (in LANE_SECOND: decided ones that wait for it) after `from`, by (due_at,
 * text): of one site (`site` is its number), or of all (0), in the lanes of the mask (1 << enum lane); free ones only,
 * or also those that somebody holds. The cost grows with the limit plus the number of sites, not with the length of the
 * queue. False when memory is short. */
bool queue_next(struct work *work, const struct grant *grant, int64_t site, unsigned lanes, bool also_held,
                struct queue_place from, struct queue_page *page);

#endif
