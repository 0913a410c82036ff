/* Finds the texts that hold what is looked for, the newest first. */
#ifndef MODQD_FINDER_H
#define MODQD_FINDER_H

#include "search.h"

struct finder {
    struct slice wanted; /* folded, not empty */
    int64_t below;       /* only texts with lower numbers */
    int64_t sites;       /* as in struct follow_sites: an index of other sites is not believed */
    int64_t effort;      /* about how many microseconds it may take; more may be used up by on_match */

    /* A text that holds it, by number; may use the store. False: that is enough. */
    bool (*on_match)(void *arg, int64_t no);
    void *arg;
};

/* Looks until everything was looked at, on_match says that it is enough, or the effort is used up. *next is the number
 * below which to go on, 0 when nothing is left. `store` only reads, between its begin and rollback. What is not OK is
 * the store's: the index is given up when it fails, and the texts are read instead. */
enum store_result find_texts(struct search *search, struct store *store, struct finder *finder, int64_t *next);

#endif
