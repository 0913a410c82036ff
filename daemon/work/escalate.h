/* escalate: a comment moves to the lane of those who may decide hard cases. */
#ifndef MODQD_ESCALATE_H
#define MODQD_ESCALATE_H

#include "request.h"
#include "work.h"

bool escalate_decode(struct request *request, const struct settings *settings);
void escalate_run(struct work *work, struct request *request, struct out *out);

#endif
