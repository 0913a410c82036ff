/* Where a moment lies in the history: times never fall as numbers of events rise, so it is found by halving. */
#ifndef MODQD_MOMENT_H
#define MODQD_MOMENT_H

#include "work.h"

/* The number of the first event that is not before `at` (milliseconds UTC); one past the newest when all are. 1 while
 * there are no events. After a failure, which stays in work->trouble, any number. */
int64_t moment_first(struct work *work, int64_t at);

#endif
