/* What is known of an author: how their comments fared, and what moderators think of them. */
#ifndef MODQD_AUTHOR_RECORD_H
#define MODQD_AUTHOR_RECORD_H

#include "work.h"

/* Comments that are counted, and rejected ones whose reasons are. */
enum { AUTHOR_COUNTED = 10000, AUTHOR_REASONS = 200 };

struct author_facts {
    struct store_author row; /* with the id alone when nobody said anything */
    struct store_author_figures figures;
    int64_t comments; /* the sum of the figures */
    bool counted_all; /* there are no others */
};

/* True when there is a comment, a mark or a note of that author. */
bool author_look_up(struct work *work, int64_t site, struct slice id, struct author_facts *facts);

/* Writes the map (proto/PROTOCOL.md, "author"). */
void author_record_encode(struct work *work, struct slice site, const struct author_facts *facts, struct out *out);

#endif
