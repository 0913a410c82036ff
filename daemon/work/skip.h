/* skip: a moderator leaves a comment to the others for a while. */
#ifndef MODQD_SKIP_H
#define MODQD_SKIP_H

#include "request.h"
#include "work.h"

bool skip_decode(struct request *request, const struct settings *settings);
void skip_run(struct work *work, struct request *request, struct out *out);

enum { SKIPS_MAX = 1000 };

/* Numbers of the texts that a moderator is not to be given now. */
struct skips {
    int64_t texts[SKIPS_MAX]; /* the newest first */
    size_t n;
};

/* Reads the skips of `moderator` that are not over; of more than SKIPS_MAX the newest. */
void skips_load(struct work *work, struct slice moderator, struct skips *skips);

/* True when `text` is among them. */
bool skips_hold(const struct skips *skips, int64_t text);

#endif
