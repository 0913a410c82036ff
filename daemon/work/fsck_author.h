/* Authors, each compared with the events about it. */
#ifndef MODQD_FSCK_AUTHOR_H
#define MODQD_FSCK_AUTHOR_H

#include "fsck_state.h"

/* The next authors. False: there are no more. */
bool fsck_authors(struct fsck *fsck);

#endif
