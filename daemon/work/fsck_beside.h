/* Notes, readers' reports, skips and batches: each belongs to something. */
#ifndef MODQD_FSCK_BESIDE_H
#define MODQD_FSCK_BESIDE_H

#include "fsck_state.h"

/* The next of them. False: there are no more. */
bool fsck_notes(struct fsck *fsck);
bool fsck_reports(struct fsck *fsck);
bool fsck_skips(struct fsck *fsck);
bool fsck_batches(struct fsck *fsck);

#endif
