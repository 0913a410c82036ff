/* stats: backlog, listeners and counters. */
#ifndef MODQD_STATS_H
#define MODQD_STATS_H

#include "request.h"
#include "work.h"

bool stats_decode(struct request *request, const struct settings *settings);
void stats_run(struct work *work, struct request *request, struct out *out);

#endif
