/* What is exposed: one function a source, each writes whole families. */
#ifndef MODQD_COLLECT_H
#define MODQD_COLLECT_H

#include "../store/store.h"
#include "exposition.h"
#include "metrics.h"

/* What the daemon counts since its start, and how it is now. `now_ms` is the boot clock. */
void collect_counters(struct exposition *out, const struct metrics_sources *sources, int64_t now_ms);

/* Sites, listeners and room, read from a read-only store. `clock_ms` is the wall clock. */
void collect_store(struct exposition *out, const struct metrics_sources *sources, struct store *store,
                   int64_t clock_ms);

/* The process, under the names that every exporter has. */
void collect_process(struct exposition *out, const struct metrics_sources *sources);

#endif
