/* What both front and desk ask: hello, policy, status. */
#ifndef MODQD_READ_H
#define MODQD_READ_H

#include "request.h"
#include "work.h"

bool hello_decode(struct request *request, const struct settings *settings);
void hello_run(struct work *work, struct request *request, struct out *out);

bool policy_request_decode(struct request *request, const struct settings *settings);
void policy_run(struct work *work, struct request *request, struct out *out);

bool status_decode(struct request *request, const struct settings *settings);
void status_run(struct work *work, struct request *request, struct out *out);

#endif
