#include "worker.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "inbox.h"

enum { IDLE_MS = 250, AWAIT_NEXT_US = 150 };

struct worker {
    struct worker_job job;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t posted;
    struct inbox inbox;
    struct box outbox;
    int64_t running; /* requests that run has */
    bool stop, broken;
    /* Hints that are read without the mutex: outbox and inbox hold something. */
    atomic_bool done, waiting;
    bool lone; /* the last list was a single request */
    bool more; /* idle has more to do */
    int fd;
};

static void ring(struct worker *worker)
{
    uint64_t one = 1;
    while (write(worker->fd, &one, sizeof(one)) < 0)
        ;
}

/* Waits without sleeping until `hint` is set, for at most `max_us` microseconds. */
static void await(const atomic_bool *hint, int max_us)
{
    struct timespec start;
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        if (atomic_load_explicit(hint, memory_order_acquire))
            return;
        sched_yield(); /* whoever else wants this core goes first */
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - start.tv_sec) * 1000000 + (now.tv_nsec - start.tv_nsec) / 1000 < max_us);
}

/* Waits for a list, or for the time to be idle (NULL), or for the end (NULL and *ended). Called with the mutex held.
 * After a lone request the next one often follows at once: waking up for it would cost more than it does itself. */
static struct request *wait_for_list(struct worker *worker, bool *ended)
{
    struct timespec until;

    if (worker->lone && worker->inbox.requests == 0 && !worker->stop) {
        pthread_mutex_unlock(&worker->mutex);
        await(&worker->waiting, AWAIT_NEXT_US);
        pthread_mutex_lock(&worker->mutex);
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += IDLE_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    while (worker->inbox.requests == 0 && !worker->stop && !worker->more)
        if (pthread_cond_timedwait(&worker->posted, &worker->mutex, &until) != 0)
            break;
    *ended = worker->inbox.requests == 0 && worker->stop;
    struct request *list = inbox_take(&worker->inbox, worker->job.max_list, &worker->running);
    worker->lone = worker->running == 1;
    atomic_store_explicit(&worker->waiting, worker->inbox.requests > 0, memory_order_release);
    return list;
}

/* Hands the finished list over. A broken worker's list is never answered, and ends with the process. */
static void finish(struct worker *worker, struct request *list, bool good)
{
    while (good && list) {
        struct request *next = list->next;
        box_put(&worker->outbox, list);
        list = next;
    }
    worker->running = 0;
    worker->broken |= !good;
    atomic_store_explicit(&worker->done, true, memory_order_release);
}

static void *main_of_thread(void *arg)
{
    struct worker *worker = arg;
    bool ended = false;

    if (worker->job.nice > 0) /* of this thread alone; refused, it only is as quick as the others */
        setpriority(PRIO_PROCESS, 0, worker->job.nice);
    pthread_mutex_lock(&worker->mutex);
    while (!ended && !worker->broken) {
        struct request *list = wait_for_list(worker, &ended);
        if (ended)
            break;
        pthread_mutex_unlock(&worker->mutex);
        worker->more = false;
        bool good = list ? worker->job.run(worker->job.self, list)
                         : !worker->job.idle || worker->job.idle(worker->job.self, &worker->more);
        pthread_mutex_lock(&worker->mutex);
        finish(worker, list, good);
        if (!list && good)
            continue;
        pthread_mutex_unlock(&worker->mutex);
        ring(worker); /* not before the mutex is free: who wakes takes it at once */
        pthread_mutex_lock(&worker->mutex);
    }
    pthread_mutex_unlock(&worker->mutex);
    return NULL;
}

struct worker *worker_start(const struct worker_job *job)
{
    pthread_condattr_t clock;
    struct worker *worker = calloc(1, sizeof(*worker));

    if (!worker)
        return NULL;
    worker->job = *job;
    inbox_init(&worker->inbox, job->fair);
    box_init(&worker->outbox);
    worker->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&worker->posted, &clock);
    pthread_condattr_destroy(&clock);
    if (worker->fd >= 0 && pthread_create(&worker->thread, NULL, main_of_thread, worker) == 0) {
        pthread_setname_np(worker->thread, job->name);
        return worker;
    }
    free(worker);
    return NULL;
}

int worker_fd(const struct worker *worker)
{
    return worker->fd;
}

static bool full(const struct worker *worker)
{
    return worker->inbox.requests >= worker->job.max_requests || worker->inbox.bytes >= worker->job.max_bytes;
}

static bool post(struct worker *worker, struct request *request, bool in_any_case)
{
    pthread_mutex_lock(&worker->mutex);
    bool good = (in_any_case || !full(worker)) && !worker->broken && !worker->stop;
    bool sleeps = worker->running == 0 && worker->inbox.requests == 0;
    if (good) {
        if (in_any_case && worker->job.inside_first)
            inbox_put_first(&worker->inbox, request);
        else
            inbox_put(&worker->inbox, request);
        atomic_store_explicit(&worker->waiting, true, memory_order_release);
    }
    pthread_mutex_unlock(&worker->mutex);
    if (good && sleeps)
        pthread_cond_signal(&worker->posted);
    return good;
}

bool worker_post(struct worker *worker, struct request *request)
{
    return post(worker, request, false);
}

bool worker_post_inside(struct worker *worker, struct request *request)
{
    return post(worker, request, true);
}

bool worker_bytes_full(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    bool is = worker->inbox.bytes >= worker->job.max_bytes;
    pthread_mutex_unlock(&worker->mutex);
    return is;
}

bool worker_is_full(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    bool is = full(worker);
    pthread_mutex_unlock(&worker->mutex);
    return is;
}

struct request *worker_collect(struct worker *worker, bool *broken)
{
    uint64_t rings;

    if (read(worker->fd, &rings, sizeof(rings)) < 0)
        rings = 0;
    pthread_mutex_lock(&worker->mutex);
    struct request *list = box_take_all(&worker->outbox);
    atomic_store_explicit(&worker->done, false, memory_order_release);
    *broken = worker->broken;
    pthread_mutex_unlock(&worker->mutex);
    return list;
}

int64_t worker_pending(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    int64_t n = worker->inbox.requests + worker->running + worker->outbox.requests;
    pthread_mutex_unlock(&worker->mutex);
    return n;
}

void worker_await_one(struct worker *worker, int max_us)
{
    if (worker_pending(worker) == 1)
        await(&worker->done, max_us);
}

void worker_stop(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    worker->stop = true;
    pthread_cond_signal(&worker->posted);
    pthread_mutex_unlock(&worker->mutex);
    pthread_join(worker->thread, NULL);
}

void worker_free(struct worker *worker)
{
    close(worker->fd);
    pthread_mutex_destroy(&worker->mutex);
    pthread_cond_destroy(&worker->posted);
    free(worker);
}
