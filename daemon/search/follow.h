/* Keeps the index up with the database, a slice at a time. */
#ifndef MODQD_FOLLOW_H
#define MODQD_FOLLOW_H

#include "search.h"

/* Which sites are searched. */
struct follow_sites {
    int64_t number; /* another one whenever the answer for any site is another */
    bool all;       /* every site is: nobody needs to be asked */
    bool (*searched)(void *arg, int64_t site);
    void *arg;
};

/* Does the next thing that is to be done, in a few tenths of a second at most: empties the blocks whose texts
 * were erased, makes a stale block anew, or adds a block for the texts that came. *more says that there is more to do
 * at once. `store` only reads, between its begin and rollback. No block is added while less than `room` bytes are left
 * where the database is.
 *
 * What fails is the index, unless *store_trouble is FULL, BUSY or FAILED. FULL: there was no room for it. FAILED: it
 * was given up, and the next call makes another one. The reason is in `reason`. */
enum store_result follow(struct search *search, struct store *store, const struct follow_sites *sites, int64_t room,
                         bool *more, enum store_result *store_trouble, char *reason, size_t reason_bytes);

#endif
