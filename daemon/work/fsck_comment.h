/* Comments, each compared with its events. */
#ifndef MODQD_FSCK_COMMENT_H
#define MODQD_FSCK_COMMENT_H

#include "fsck_state.h"

/* The next comments. False: there are no more. */
bool fsck_comments(struct fsck *fsck);

#endif
