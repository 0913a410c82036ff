/* approve and reject. */
#ifndef MODQD_DECIDE_H
#define MODQD_DECIDE_H

#include "request.h"
#include "work.h"

bool decide_decode(struct request *request, const struct settings *settings);
void approve_run(struct work *work, struct request *request, struct out *out);
void reject_run(struct work *work, struct request *request, struct out *out);

#endif
