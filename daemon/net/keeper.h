/* What the daemon asks itself: whether its threads and its store still work, and what a reload brings. */
#ifndef MODQD_KEEPER_H
#define MODQD_KEEPER_H

#include "worker.h"

/* The threads that requests are done by. */
enum keeper_thread { THREAD_WRITER, THREAD_READER, THREAD_LOOKER, THREAD_COUNT };

struct keeper {
    struct worker *threads[THREAD_COUNT];
    int64_t every_ms; /* between two looks; 0: nobody wants to know */
    int64_t due_at;
    int probes;                   /* under way */
    bool failed;                  /* one of them was answered `internal` */
    struct settings *retired;     /* settings that a thread may still work by */
    int holders;                  /* how many threads may */
    struct request *reload;       /* done by the writer, but not yet by the others */
    struct request *first, **end; /* reloads that wait for the one before */
    int waiting;
};

/* Looks as often as systemd's watchdog needs it, and once a second when `also_health`. */
void keeper_init(struct keeper *keeper, struct worker *const threads[THREAD_COUNT], bool also_health);

/* Sends out looks when they are due. `now_ms` is the boot clock. */
void keeper_tick(struct keeper *keeper, int64_t now_ms);

/* A reload waits until all threads work by the settings of the one before. False when too many wait already: it stays
 * the caller's. */
bool keeper_queue(struct keeper *keeper, struct request *request);

/* The next reload that may begin; NULL: none. */
struct request *keeper_next(struct keeper *keeper);

/* Hands the settings of `request`, which keeper_next gave, to the threads; `old` (NULL: nothing) are freed when none
 * works by them any more. False when the writer has stopped for good: then nothing has happened. */
bool keeper_reload(struct keeper *keeper, struct request *request, struct settings *old);

/* To be told of each request that a thread has done. False for a reload that not all of them have: it is kept, and
 * keeper_reloaded gives it back when the last one has, too. So whoever is answered knows that it is in force
 * everywhere.
 *
 * When all threads have answered a look, systemd is told that the
 * daemon is alive: so that says that the loop goes round, and that the store takes a transaction and can be read. A
 * store that is full, or that another program holds, counts as one that works: a new start would not mend it, and would
 * keep those from their answers who are told `busy` now. */
bool keeper_done(struct keeper *keeper, struct request *request);
struct request *keeper_reloaded(struct keeper *keeper); /* NULL: none */

/* Frees what is left, when the threads have ended. */
void keeper_end(struct keeper *keeper);

#endif
