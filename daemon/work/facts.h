/* facts: what happened in a span of time, as lists short enough to count by the million. */
#ifndef MODQD_FACTS_H
#define MODQD_FACTS_H

#include "request.h"
#include "work.h"

bool facts_decode(struct request *request, const struct settings *settings);
void facts_run(struct work *work, struct request *request, struct out *out);

#endif
