/* undo: a decision is taken back, and that is a decision. */
#ifndef MODQD_UNDO_H
#define MODQD_UNDO_H

#include "request.h"
#include "work.h"

bool undo_decode(struct request *request, const struct settings *settings);
void undo_run(struct work *work, struct request *request, struct out *out);

#endif
