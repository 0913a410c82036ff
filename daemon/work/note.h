/* note: a moderator's note on a comment, for other moderators. */
#ifndef MODQD_NOTE_H
#define MODQD_NOTE_H

#include "request.h"
#include "work.h"

bool note_decode(struct request *request, const struct settings *settings);
void note_run(struct work *work, struct request *request, struct out *out);

#endif
