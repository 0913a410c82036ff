/* What the daemon asks itself: to work by new settings, and whether the store works at all. */
#ifndef MODQD_RELOAD_H
#define MODQD_RELOAD_H

#include "verbs.h"

enum { RELOAD_NAMES_MAX = 24 };

/* What a reload brings besides request->take_over: the arguments of `reload`, put there by the loop. */
struct reload {
    const char *restart[RELOAD_NAMES_MAX]; /* settings that differ and take effect at a restart only */
    size_t restart_count;
};

/* The operation `reload`, once the settings are read: it is written down. */
bool reload_decode(struct request *request, const struct settings *settings);
void reload_run(struct work *work, struct request *request, struct out *out);

/* A look whether the store still works: a thread that writes commits something, one that reads reads it. */
extern const struct verb verb_probe;

#endif
