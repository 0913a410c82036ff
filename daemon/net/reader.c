#include "reader.h"

#include <stdlib.h>

#include "../clock.h"
#include "../log.h"
#include "../search/search.h"
#include "../work/search_request.h"
#include "../work/verbs.h"

/* One at a time, because whoever asks takes turns with others who wait, and not with what was taken. Of what takes long
 * little may wait: it is all done before the daemon ends. */
enum { LIST_MAX = 1, LONG_WAITING_MAX = 32, LONG_NICE = 5 };

/* The index is looked after when nobody asked for anything; and once in a while when somebody always does. After a
 * failure it is left alone for some time. */
enum { FOLLOW_MS = 250, FOLLOW_AGAIN_MS = 60000 };

/* When so many events come in a second, the machine has better to do than to index: for each slice of work a rest of
 * REST slices. */
enum { BUSY_EVENTS = 2000, REST = 4 };

struct reader {
    struct work work;
    struct worker *worker;
    int64_t follow_at; /* boot time from which on the index is looked after even when requests keep coming */
    int64_t followed_at;
    int64_t follow_not_before; /* after a failure, or resting */
};

/* Each request sees one state of the store, and holds it no longer than it needs. */
static void run_one(struct work *work, struct request *request)
{
    work->trouble = STORE_OK;
    work->boot_ms = clock_boot_ms();
    work->clock_ms = clock_wall_ms();
    if (work_ok(work, work->store->ops->begin(work->store)))
        verb_run(work, request);
    work->store->ops->rollback(work->store);
    if (!work->trouble)
        return;
    log_event(LOG_ID_READ_FAILED, &(struct log_fields){.operation = request->verb->name}, "%s: reading failed: %s",
              request->verb->name, work->store->ops->reason(work->store));
    fault_set(&request->fault, E_INTERNAL);
    request_refuse(request, &request->fault);
}

/* `events` came since the index was looked after last. */
static bool is_busy(struct reader *reader, int64_t events, int64_t now)
{
    int64_t ms = now - reader->followed_at;

    reader->followed_at = now;
    return events * 1000 > BUSY_EVENTS * (ms > 0 ? ms : 1);
}

static void follow_some(struct reader *reader, bool *more)
{
    struct work *work = &reader->work;
    char reason[512];
    int64_t now = clock_boot_ms();

    reader->follow_at = now + FOLLOW_MS;
    if (!work->search || now < reader->follow_not_before)
        return;
    int64_t newest = work->search->newest;
    enum store_result r = search_follow(work, more, reason, sizeof(reason));
    if (is_busy(reader, work->search->newest - newest, now)) {
        *more = false;
        reader->follow_not_before = now + (REST + 1) * (clock_boot_ms() - now);
    }
    if (r == STORE_OK && !work->trouble)
        return;
    reader->follow_not_before = now + FOLLOW_AGAIN_MS;
    log_event(LOG_ID_INDEX_FAILED, NULL, "the index of search is not kept up: %s; searches read what is not in it",
              work->trouble ? work->store->ops->reason(work->store) : reason);
}

static bool idle(void *self, bool *more)
{
    follow_some(self, more);
    return true;
}

static bool run(void *self, struct request *list)
{
    struct reader *reader = self;
    bool more = false;

    work_take_over(&reader->work, list);
    for (; list; list = list->next)
        run_one(&reader->work, list);
    if (clock_boot_ms() >= reader->follow_at)
        follow_some(reader, &more);
    return true;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

struct reader *reader_start(const struct work *work, enum reader_kind kind)
{
    struct reader *reader = calloc(1, sizeof(*reader));
    int64_t waiting = work->settings->limits.value[LIMIT_QUEUE_REQUESTS];
    bool is_long = kind == READER_LONG;

    if (!reader)
        return NULL;
    reader->work = *work;
    struct worker_job job = {.name = is_long ? "modqd-look" : "modqd-read",
                             .run = run,
                             .idle = is_long ? idle : NULL,
                             .self = reader,
                             .max_requests = is_long ? least(waiting, LONG_WAITING_MAX) : waiting,
                             .max_bytes = work->settings->limits.value[LIMIT_QUEUE_BYTES],
                             .max_list = LIST_MAX,
                             .nice = is_long ? LONG_NICE : 0,
                             .inside_first = is_long,
                             .fair = true};
    reader->worker = worker_start(&job);
    if (reader->worker)
        return reader;
    free(reader);
    return NULL;
}

struct worker *reader_worker(struct reader *reader)
{
    return reader->worker;
}

void reader_free(struct reader *reader)
{
    worker_free(reader->worker);
    store_close(reader->work.store);
    search_free(reader->work.search);
    out_free(&reader->work.scratch);
    free(reader);
}
