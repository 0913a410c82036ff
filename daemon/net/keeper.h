/* What the daemon asks itself: whether its threads and its store still work, and what a reload brings. */
#ifndef MODQD_KEEPER_H
#define MODQD_KEEPER_H

#include "reader.h"
#include "writer.h"

struct keeper {
    struct writer *writer;
    struct reader *reader;
    int64_t every_ms; /* between two looks; 0: nobody wants to know */
    int64_t due_at;
    int probes;               /* under way */
    bool failed;              /* one of them was answered `internal` */
    struct settings *retired; /* settings that a thread may still work by */
    int holders;              /* how many threads may */
};

/* Looks as often as systemd's watchdog needs it, and once a second when `also_health`. */
void keeper_init(struct keeper *keeper, struct writer *writer, struct reader *reader, bool also_health);

/* Sends out looks when they are due. `now_ms` is the boot clock. */
void keeper_tick(struct keeper *keeper, int64_t now_ms);

/* Hands the settings of `request`, a `reload`, to the threads; `old` (NULL: nothing) are freed when none works by them
 * any more. False while those of the reload before are still under way: then nothing has happened. */
bool keeper_reload(struct keeper *keeper, struct request *request, struct settings *old);

/* To be told of each request that a thread has done. When both threads have answered a look, systemd is told that the
 * daemon is alive: so that says that the loop goes round, and that the store takes a transaction and can be read. A
 * store that is full, or that another program holds, counts as one that works: a new start would not mend it, and would
 * keep those from their answers who are told `busy` now. */
void keeper_done(struct keeper *keeper, const struct request *request);

/* Frees what is left, when the threads have ended. */
void keeper_end(struct keeper *keeper);

#endif
