/* Who looked at what: reading at the desk leaves an event, too, though nobody waits for it. */
#ifndef MODQD_LOOK_H
#define MODQD_LOOK_H

#include "verbs.h"

/* A request of the daemon's own that writes down that `asked` was answered, for the thread that writes. NULL when there
 * is nothing to write down (it changed something, was refused, or did not come from the desk), or memory is out. */
struct request *look_of(const struct request *asked);

#endif
