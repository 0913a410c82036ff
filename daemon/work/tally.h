/* What one request did, counted while it runs. It is added to the daemon's counters once, when the answer leaves: by
 * then it is committed, so a transaction that was rolled back and run again counts once. */
#ifndef MODQD_TALLY_H
#define MODQD_TALLY_H

#include "../../proto/fault.h"
#include "counters.h"

struct request;

/* A tally holds for one run; verb_run and verb_run_once begin with an empty one. A repeat, which gets the answer that
 * was kept, leaves it empty. */
struct tally {
    uint16_t errors[ERROR_NUMBERS]; /* items that failed, by enum error */
    uint16_t submits, accepted, duplicates;
    uint16_t approved, rejected;
    const struct slice *reasons; /* of each that was rejected: `reason_count`, in the request's zone */
    size_t reason_count;
    bool repeated;                  /* the answer is one that was kept */
    const struct limit_info *limit; /* the one that it, or an item of it, ran into; NULL: none */
};

/* False with *fault `busy`: `limit` is reached, and `why` says so in words. Noted in the tally. */
bool tally_busy(struct tally *tally, struct fault *fault, enum limit limit, const char *why, int64_t retry_after_ms);

/* Adds what became of a request to the counters: the fault that refused it whole, or what its items came to. Once for
 * each request, by the thread that sends answers, before it sends this one. */
void tally_settle(const struct request *request, struct counters *counters);

#endif
