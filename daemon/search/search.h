/* Search over what people wrote: the index and what is needed to make it and to look into it. Used by one thread.
 *
 * The index is behind the database at times, is missing at others, and is never believed: what it names is looked at,
 * and what it does not cover is read. So a search finds what was stored before it began, and nothing that is gone. */
#ifndef MODQD_SEARCH_H
#define MODQD_SEARCH_H

#include "fold.h"
#include "index.h"

struct search {
    char path[4200];
    struct index *index;     /* NULL: there is none now, and everything is read */
    bool known;              /* the index was made from this very database */
    int64_t newest;          /* event, when the index was looked after last */
    int64_t seen;            /* events looked at for what was erased */
    struct fold fold;        /* of the text that is looked at */
    uint32_t *keys, *sorted; /* trigrams of a block that is made: trigram, then offset in the block */
    size_t key_count, key_cap;
};

/* NULL: out of memory. Nothing is opened yet: the first follow does it. */
struct search *search_new(const char *path);
void search_free(struct search *search); /* NULL: nothing */

/* Gives the index up: the next follow makes another one. */
void search_drop_index(struct search *search);

#endif
