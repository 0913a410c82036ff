#include "reader.h"

#include <stdlib.h>

#include "../clock.h"
#include "../log.h"
#include "../work/verbs.h"

/* Of what takes long little may wait: it is all done before the daemon ends. One at a time, because what the daemon
 * asks itself goes before what waits, and not before what was taken. */
enum { LIST_MAX = 64, LONG_LIST_MAX = 1, LONG_WAITING_MAX = 32, LONG_NICE = 5 };

struct reader {
    struct work work;
    struct worker *worker;
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

static bool run(void *self, struct request *list)
{
    struct reader *reader = self;

    work_take_over(&reader->work, list);
    for (; list; list = list->next)
        run_one(&reader->work, list);
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
                             .self = reader,
                             .max_requests = is_long ? least(waiting, LONG_WAITING_MAX) : waiting,
                             .max_bytes = work->settings->limits.value[LIMIT_QUEUE_BYTES],
                             .max_list = is_long ? LONG_LIST_MAX : LIST_MAX,
                             .nice = is_long ? LONG_NICE : 0,
                             .inside_first = is_long};
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
    out_free(&reader->work.scratch);
    free(reader);
}
