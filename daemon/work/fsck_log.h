/* The log: all events once more, in their order, and what they sum up to, compared with what the sites say. */
#ifndef MODQD_FSCK_LOG_H
#define MODQD_FSCK_LOG_H

#include "fsck_state.h"

/* The next events. False: the newest of all was met. */
bool fsck_log(struct fsck *fsck);

/* The next sites, in a slice in which fsck_log met the newest event. False: there are no more. */
bool fsck_sites(struct fsck *fsck);

#endif
