/* verify: is what is stored what was written? (proto/PROTOCOL.md, "verify") */
#ifndef MODQD_VERIFY_H
#define MODQD_VERIFY_H

#include "request.h"
#include "work.h"

bool verify_decode(struct request *request, const struct settings *settings);
void verify_run(struct work *work, struct request *request, struct out *out);

#endif
