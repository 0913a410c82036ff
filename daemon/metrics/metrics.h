/* Figures for Prometheus at http://ADDRESS/metrics, and /healthz for whoever watches or balances.
 *
 * A thread of its own (libmicrohttpd's) answers, with a read-only store of its own: nobody who reads figures keeps the
 * daemon from its work. */
#ifndef MODQD_METRICS_H
#define MODQD_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "../work/counters.h"
#include "../work/health.h"

struct metrics;

/* Where figures come from. What is pointed to must live until metrics_stop. */
struct metrics_sources {
    const char *database;   /* path of the database */
    int64_t database_bytes; /* the most that it may grow to */
    const struct counters *counters;
    const struct health *health;
    int64_t started_at; /* milliseconds UTC */
    int inherited;      /* a socket that listens at the address already, the server's from now on; 0 or -1: none */
    /* Told the descriptor that listens before anything is accepted on it (accept_exempt, where accept4 is replaced);
     * NULL: nobody needs it. */
    void (*on_listener)(int listener);
};

/* `address` is "127.0.0.1:9469" or "[::1]:9469": loopback alone; port 0 lets the system choose. Copies *sources. NULL
 * with the reason on failure. */
struct metrics *metrics_start(const char *address, const struct metrics_sources *sources, char *reason,
                              size_t reason_bytes);

/* The port that it listens at. */
uint16_t metrics_port(const struct metrics *metrics);

void metrics_stop(struct metrics *metrics); /* NULL: nothing */

#endif
