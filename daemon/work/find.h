/* Finds comments for a list: through the index that fits its filters best, and no more than it may look at. */
#ifndef MODQD_FIND_H
#define MODQD_FIND_H

#include "filter.h"
#include "grant.h"
#include "queue.h"

/* So many comments (or events, where only those lead to comments) are looked at for one page. */
enum { FIND_LOOK_MAX = 20000 };

struct find {
    const struct filter *filter;
    const struct grant *grant;
    const char *actor;
    int64_t site;             /* number; 0: all that the grant sees */
    struct queue_place place; /* where to go on, or (-1, 0): the beginning; moved to behind what was looked at */
    bool more;                /* there may be more behind it */
};

/* Fills the page with comments that are wanted, pending ones in the order of the queue; with an author, or another
 * state, by their texts, the newest first. `places` has room for as many as the page: where each of them stands. False
 * when memory is short. */
bool find_some(struct work *work, struct find *find, struct queue_page *page, struct queue_place *places);

#endif
