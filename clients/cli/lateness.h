/* When a queue is late, and when it has recovered. Pure: what was seen goes in, what is to be told comes out.
 *
 * It is late when the oldest pending comment is older than the limit, or more are pending than the limit says. It has
 * recovered when both are at three quarters of their limits or below: a queue that goes to and fro at the limit would
 * otherwise be told of each time. The daemon is unreachable when it did not answer twice in a row, since one time may
 * be a restart. Each is told once; what is so when the daemon is back is told again, because nobody knows what they
 * missed. */
#ifndef MODQ_LATENESS_H
#define MODQ_LATENESS_H

#include <stdbool.h>
#include <stdint.h>

enum lateness { LATENESS_NOTHING, LATENESS_LATE, LATENESS_RECOVERED, LATENESS_UNREACHABLE };

struct lateness_seen {
    bool reached;      /* else the rest says nothing */
    int64_t oldest_ms; /* age of the oldest pending comment, 0 when none is pending */
    int64_t pending;
};

/* Zero-initialise it, with the limits. */
struct lateness_state {
    int64_t oldest_ms, pending; /* limits; 0: none */
    int missed;                 /* times in a row that it was not reached */
    bool late, away;            /* what was told */
};

/* What is to be told now; LATENESS_NOTHING: nothing new. */
enum lateness lateness_next(struct lateness_state *state, const struct lateness_seen *seen);

const char *lateness_name(enum lateness lateness); /* "late", "recovered", "unreachable"; NULL of nothing */

#endif
