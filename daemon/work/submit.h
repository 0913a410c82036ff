/* submit: comments come in. */
#ifndef MODQD_SUBMIT_H
#define MODQD_SUBMIT_H

#include "request.h"
#include "work.h"

bool submit_decode(struct request *request, const struct settings *settings);
void submit_run(struct work *work, struct request *request, struct out *out);

#endif
