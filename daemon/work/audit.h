/* audit: who did what (proto/PROTOCOL.md, "audit"). */
#ifndef MODQD_AUDIT_H
#define MODQD_AUDIT_H

#include "request.h"
#include "work.h"

bool audit_decode(struct request *request, const struct settings *settings);
void audit_run(struct work *work, struct request *request, struct out *out);

#endif
