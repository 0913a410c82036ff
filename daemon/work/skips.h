/* What a moderator does not want to see for a while. */
#ifndef MODQD_SKIPS_H
#define MODQD_SKIPS_H

#include "work.h"

/* At most so many of a moderator's skips are heeded, those of the newest texts. */
enum { SKIPS_MAX = 1000 };

/* Zero-initialise it. */
struct skips {
    int64_t *texts; /* rising */
    size_t n;
    int64_t now;
};

/* Loads those that hold now. False when memory is short. */
bool skips_load(struct work *work, const char *moderator, struct skips *skips);
bool skips_have(const struct skips *skips, int64_t text);
void skips_free(struct skips *skips);

#endif
