/* audit and verify: who did what, and whether what is stored is what was written (proto/PROTOCOL.md, "Audit"). */
#ifndef MODQD_AUDIT_H
#define MODQD_AUDIT_H

#include "request.h"
#include "work.h"

bool audit_decode(struct request *request, const struct settings *settings);
void audit_run(struct work *work, struct request *request, struct out *out);

bool verify_decode(struct request *request, const struct settings *settings);
void verify_run(struct work *work, struct request *request, struct out *out);

#endif
