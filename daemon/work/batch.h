/* Batches: what several requests did together, under an id that the client chose, so that it can be found again. */
#ifndef MODQD_BATCH_H
#define MODQD_BATCH_H

#include "request.h"
#include "work.h"

/* Row of the table of fields of an operation that may belong to a batch; the member is a struct slice. */
#define BATCH_FIELD(holder, member) FIELD(holder, member, "batch", BIN, 0, BATCH_BYTES, BATCH_BYTES)

/* Adds the newest event of a comment to a batch; an absent id is none. */
bool batch_keep(struct work *work, struct slice batch, const struct store_comment *comment);

bool batch_decode(struct request *request, const struct settings *settings);
void batch_run(struct work *work, struct request *request, struct out *out);

#endif
