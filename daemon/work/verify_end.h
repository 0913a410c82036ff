/* What can be compared when all events were: sites with the log, and what has a number that no event has. */
#ifndef MODQD_VERIFY_END_H
#define MODQD_VERIFY_END_H

#include "verify_state.h"

void verify_end(struct verify *v); /* and then keys */

#endif
