/* fsck: everything that is counted or kept as a state, counted anew from the events (proto/PROTOCOL.md, "fsck"). */
#ifndef MODQD_FSCK_H
#define MODQD_FSCK_H

#include "request.h"
#include "work.h"

bool fsck_decode(struct request *request, const struct settings *settings);
void fsck_run(struct work *work, struct request *request, struct out *out);

#endif
