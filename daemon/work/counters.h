/* What the daemon counts since its start, and figures of the moment. Any thread may write and read them. */
#ifndef MODQD_COUNTERS_H
#define MODQD_COUNTERS_H

#include <stdatomic.h>

#include "../../proto/errors.h"
#include "../../proto/limits.h"
#include "../core/histogram.h"

/* Those that `stats` tells by name (PROTOCOL.md). connections_refused are closed before anybody asked for a key;
 * handshakes_unfinished ended by time or by the peer, handshakes_broken because it speaks another mechanism, or to
 * another server's key, handshakes_oversize because it sent too much before it was let in. */
/* clang-format off */
#define MODQ_COUNTERS(X)                                                                             \
    X(submits) X(accepted) X(duplicates) X(refused) X(malformed) X(answers) X(dropped_replies)       \
    X(busy) X(commits) X(commit_requests) X(push_messages) X(push_errors) X(streams) X(records_sent) \
    X(approved) X(rejected)                                                                          \
    X(peers_welcome) X(peers_unknown) X(peers_expired) X(peers_revoked) X(peers_wrong_role)          \
    X(connections_taken) X(connections_refused) X(handshakes_unfinished) X(handshakes_broken)        \
    X(handshakes_oversize)
/* clang-format on */

enum { ERROR_NUMBERS = 128, REASON_ROWS = 512, REASON_BYTES = 65 };

/* How often a reason was given in a reject. Rows are only added, by one thread; those below `n` are complete. */
struct reason_counts {
    _Atomic size_t n;
    struct {
        char code[REASON_BYTES];
        _Atomic int64_t count;
    } rows[REASON_ROWS];
    _Atomic int64_t others; /* when there are more reasons than rows */
};

struct counters {
#define X(name) _Atomic int64_t name;
    MODQ_COUNTERS(X)
#undef X
    _Atomic int64_t errors[ERROR_NUMBERS];       /* by enum error */
    _Atomic int64_t limits_reached[LIMIT_COUNT]; /* answers `busy`, whole or in part, by what was reached */
    struct reason_counts reasons;
    struct histogram commit_times;   /* histogram_nanoseconds: COMMIT alone */
    struct histogram commit_batches; /* histogram_requests: requests of one transaction */
    _Atomic int64_t streams_open;    /* figures of the moment from here on */
    _Atomic int64_t streams_lag;     /* records that the slowest open stream has not been sent */
    _Atomic int64_t reserve_bytes;   /* kept for decisions: limit of the configuration in force */
};

void count_error(struct counters *counters, enum error error);

/* One comment was rejected with the reason `code`. By one thread only. */
void count_reason(struct counters *counters, struct slice code, int64_t times);

#endif
