/* approve, reject, undo, escalate, erase: what moderators do to comments. */
#ifndef MODQD_DECIDE_H
#define MODQD_DECIDE_H

#include "request.h"
#include "work.h"

bool decide_decode(struct request *request, const struct settings *settings);
void approve_run(struct work *work, struct request *request, struct out *out);
void reject_run(struct work *work, struct request *request, struct out *out);

bool undo_decode(struct request *request, const struct settings *settings);
void undo_run(struct work *work, struct request *request, struct out *out);

bool escalate_decode(struct request *request, const struct settings *settings);
void escalate_run(struct work *work, struct request *request, struct out *out);

bool erase_decode(struct request *request, const struct settings *settings);
void erase_run(struct work *work, struct request *request, struct out *out);

#endif
