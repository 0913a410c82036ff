/* Whether the daemon is well: what its threads tell, and the verdict for /healthz. Times are the boot clock's,
 * milliseconds; 0 means not yet. Any thread may read. */
#ifndef MODQD_HEALTH_H
#define MODQD_HEALTH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { HEALTH_LOOP_MS = 2000, HEALTH_STORE_MS = 5000, HEALTH_WHY_BYTES = 128 };

struct health {
    _Atomic int64_t loop_ticked_ms;  /* the loop's last turn */
    _Atomic int64_t store_probed_ms; /* the writer's last commit, or look at the store, that went well */
    atomic_bool stopping;
    atomic_bool intake_closed; /* no room for new comments */
};

/* True when requests, new comments among them, are answered as they should. Else one line says why not. */
bool health_is_good(const struct health *health, int64_t now_ms, char why[HEALTH_WHY_BYTES]);

#endif
