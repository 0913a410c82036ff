/* A thread with an inbox and an outbox of requests. One other thread posts and collects. */
#ifndef MODQD_WORKER_H
#define MODQD_WORKER_H

#include "../work/request.h"

struct worker;

struct worker_job {
    const char *name; /* of the thread, at most 15 bytes */

    /* Does everything in the list, in order: each request has its reply afterwards. Whatever was posted meanwhile comes
     * with a later list. False when the worker must stop for good: then the requests of this list are not answered. */
    bool (*run)(void *self, struct request *list);

    /* Called when nothing was posted for a while, and again at once when it set *more and nothing was posted meanwhile;
     * false as above. NULL: nothing to do. */
    bool (*idle)(void *self, bool *more);
    void *self;

    int64_t max_requests, max_bytes; /* what may wait in the inbox */
    int64_t max_list;                /* how many run is given at once */
    int nice;                        /* above 0: other threads go first where there are not enough cores */
    bool inside_first;               /* what the daemon asks itself goes before all that waits */
    bool fair;                       /* those who ask take turns; else all is done in the order in which it came */
};

/* Starts the thread. NULL when it cannot. */
struct worker *worker_start(const struct worker_job *job);

/* Readable when something can be collected. */
int worker_fd(const struct worker *worker);

/* False when the inbox is full or the worker ends: the request stays the caller's. */
bool worker_post(struct worker *worker, struct request *request);

/* The same for what the daemon asks itself, however full the inbox is; with inside_first before what is in it. False
 * when the worker has stopped for good or ends. */
bool worker_post_inside(struct worker *worker, struct request *request);

/* True when the inbox takes no more; and when that is because of bytes, not of requests. */
bool worker_is_full(struct worker *worker);
bool worker_bytes_full(struct worker *worker);

/* What is done, in order; the caller's from now on. *broken is set when the worker has stopped for good. */
struct request *worker_collect(struct worker *worker, bool *broken);

/* Requests that were posted and not collected. */
int64_t worker_pending(struct worker *worker);

/* Waits without sleeping, for at most `max_us` microseconds, until something can be collected, if a single request is
 * all that the worker has. Waking an idle core costs more than such a request's own work (docs/performance.md). */
void worker_await_one(struct worker *worker, int max_us);

/* Lets it finish what is in the inbox and ends the thread. What is done can be collected until worker_free. */
void worker_stop(struct worker *worker);
void worker_free(struct worker *worker);

#endif
