/* show and history: one comment, and what happened to it. */
#ifndef MODQD_SHOW_H
#define MODQD_SHOW_H

#include "request.h"
#include "work.h"

bool show_decode(struct request *request, const struct settings *settings);
void show_run(struct work *work, struct request *request, struct out *out);

bool history_decode(struct request *request, const struct settings *settings);
void history_run(struct work *work, struct request *request, struct out *out);

#endif
