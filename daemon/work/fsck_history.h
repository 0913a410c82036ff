/* The events of one comment, from its newest back to its first, and what they make of it. */
#ifndef MODQD_FSCK_HISTORY_H
#define MODQD_FSCK_HISTORY_H

#include "fsck_state.h"

/* Whose history it is. */
struct fsck_subject {
    int64_t site;
    struct slice comment;
};

/* Reads the chain of `previous` from event `last` on into fsck->links. False when it does not lead to an event without
 * one before it, through events of this comment alone; with `tell` that is a fault. */
bool fsck_read_history(struct fsck *fsck, const struct fsck_subject *of, int64_t last, bool tell);

/* Replays the events in fsck->links, but for the newest `without`. With `tell`, the first that cannot follow is a
 * fault.
 */
void fsck_replay(struct fsck *fsck, const struct fsck_subject *of, size_t without, struct fsck_fold *fold, bool tell);

/* The comment as it was after event `last` (0: before any), from the cache or from its events. False: broken. */
bool fsck_fold_at(struct fsck *fsck, const struct fsck_subject *of, int64_t last, struct fsck_fold *fold);

/* The same of the event that is next for a comment that is *fold so far. */
void fsck_fold_on(struct fsck *fsck, const struct store_event *event, struct fsck_fold *fold);

void fsck_link_of(struct fsck *fsck, const struct store_event *event, struct fsck_link *link);

/* Adds what a comment counts as to its site's sums, `times` 1 or -1. */
void fsck_add(struct fsck_sums *sums, const struct fsck_fold *fold, int64_t times);

#endif
