#include "writer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "../clock.h"
#include "../log.h"
#include "../work/claim.h"
#include "../work/due.h"
#include "../work/verbs.h"

enum {
    LIST_MAX = 1024,
    EXPIRE_MAX = 256,
    DUE_MAX = 200,       /* comments of which due times are made anew beside a list of requests */
    DUE_IDLE_MAX = 1000, /* and when there is none */
    DUE_IDLE_MS = 100,
    ROOM_EVERY_MS = 100,
    REOPEN_SHARE = 8, /* of the reserve */
    REOPEN_BYTES = 65536,
    PRUNE_EVERY_MS = 60000,
    PRUNE_MAX = 10000,
    TIDY_EVERY_MS = 500,
    BYTES_AROUND = 4096,
    RETRY_MS = 5000,
    HEAD_EVERY_MS = 3600000
};

#define OPERATION_KEPT_MS (INT64_C(7) * 24 * 3600 * 1000)

struct writer {
    struct work work;
    atomic_bool keys_changed; /* since the loop asked last */
    struct worker *worker;
    int64_t room_at, prune_at, tidy_at; /* boot time of the next look */
    int64_t room;                       /* bytes, at the last look, less what was written since */
    int64_t head_at, head; /* boot time of the next line about the chain's end, and what the last one said */
    char reason[512];
    pthread_mutex_t mutex; /* guards what grew */
    struct store_site *grown;
    size_t grown_count, grown_cap;
};

static bool stop_for_good(struct writer *writer, const char *what)
{
    snprintf(writer->reason, sizeof(writer->reason), "%s: %s", what,
             writer->work.store->ops->reason(writer->work.store));
    return false;
}

static void on_growth(void *arg, const struct store_site *site)
{
    struct writer *writer = arg;

    pthread_mutex_lock(&writer->mutex);
    size_t i = 0;
    while (i < writer->grown_count && writer->grown[i].no != site->no)
        i++;
    if (i == writer->grown_cap) {
        size_t cap = writer->grown_cap ? writer->grown_cap * 2 : 16;
        struct store_site *grown = realloc(writer->grown, cap * sizeof(*grown));
        if (grown) {
            writer->grown = grown;
            writer->grown_cap = cap;
        }
    }
    if (i < writer->grown_cap) { /* else the site's next record tells it */
        writer->grown[i] = *site;
        writer->grown_count += i == writer->grown_count;
    }
    pthread_mutex_unlock(&writer->mutex);
}

void writer_grown(struct writer *writer, ledger_on_growth *tell, void *arg)
{
    pthread_mutex_lock(&writer->mutex);
    for (size_t i = 0; i < writer->grown_count; i++)
        tell(arg, &writer->grown[i]);
    writer->grown_count = 0;
    pthread_mutex_unlock(&writer->mutex);
}

bool writer_keys_changed(struct writer *writer)
{
    return atomic_exchange(&writer->keys_changed, false);
}

/* What a list may add to the database at most: every byte of it twice (a page that is begun, an index), and the rows
 * around them. */
static int64_t need(const struct request *list)
{
    int64_t bytes = 0;

    for (; list; list = list->next)
        bytes += 2 * (int64_t)list->cost + BYTES_AROUND;
    return bytes;
}

static void close_intake(struct writer *writer, bool closed)
{
    if (closed && !writer->work.intake_closed)
        log_event(LOG_ID_INTAKE_CLOSED, NULL,
                  "no room for new comments: less than reserve_bytes is left; decisions go on");
    if (!closed && writer->work.intake_closed)
        log_event(LOG_ID_INTAKE_OPENED, NULL, "there is room for new comments again");
    writer->work.intake_closed = closed;
    if (writer->work.health)
        writer->work.health->intake_closed = closed;
}

/* What must be left for new comments. A closed intake opens again only where there is clearly more: the next small
 * request, the daemon's own look at itself among them, would open it and the next comment close it. */
static int64_t room_to_keep(const struct writer *writer)
{
    int64_t reserve = writer->work.settings->limits.value[LIMIT_RESERVE_BYTES];

    return writer->work.intake_closed ? reserve + reserve / REOPEN_SHARE + REOPEN_BYTES : reserve;
}

/* Comments are refused before the reserve that decisions need is touched. The store is asked ten times a second, and
 * each time when by our own count the reserve is near. */
static enum store_result look_at_room(struct writer *writer, const struct request *list)
{
    struct work *work = &writer->work;
    int64_t keep = room_to_keep(writer);
    int64_t wanted = need(list);

    work->counters->reserve_bytes = work->settings->limits.value[LIMIT_RESERVE_BYTES];
    if (work->boot_ms >= writer->room_at || writer->room - wanted < keep) {
        enum store_result r = work->store->ops->room(work->store, &writer->room);
        work->store->ops->rollback(work->store);
        if (r != STORE_OK)
            return r;
        writer->room_at = work->boot_ms + ROOM_EVERY_MS;
    }
    close_intake(writer, writer->room - wanted < keep);
    writer->room -= wanted;
    return STORE_OK;
}

static void prune(struct writer *writer)
{
    struct work *work = &writer->work;

    if (work->boot_ms < writer->prune_at)
        return;
    writer->prune_at = work->boot_ms + PRUNE_EVERY_MS;
    int64_t now = ledger_now(work->ledger);
    work_ok(work, work->store->ops->operation_prune(work->store, now - OPERATION_KEPT_MS, PRUNE_MAX));
    if (!work->trouble)
        work_ok(work, work->store->ops->skip_prune(work->store, now, PRUNE_MAX));
}

/* Somebody who rewrites the database would have to rewrite the log, too. */
static void tell_head(struct writer *writer)
{
    struct work *work = &writer->work;
    const unsigned char *hash;
    char text[2 * SHA256_BYTES + 1];
    int64_t no;

    if (work->boot_ms < writer->head_at)
        return;
    if (ledger_head(work->ledger, &no, &hash) != STORE_OK || no == writer->head)
        return;
    writer->head_at = work->boot_ms + HEAD_EVERY_MS;
    writer->head = no;
    for (size_t i = 0; i < SHA256_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
    log_event(LOG_ID_CHAIN_HEAD, &(struct log_fields){.event = no, .hash = text}, "event %lld, chain %s", (long long)no,
              text);
}

static void run_list(struct writer *writer, struct request *list)
{
    struct work *work = &writer->work;

    claims_expire(work, EXPIRE_MAX);
    prune(writer);
    due_pass(work, work->intake_closed ? 0 : list ? DUE_MAX : DUE_IDLE_MAX);
    for (struct request *r = list; r && !work->trouble; r = r->next) {
        fault_set(&r->fault, E_OK);
        r->refused = 0;
        r->refused_why = NULL;
        r->refused_site = r->refused_comment = SLICE_NONE;
        verb_run_once(work, r);
    }
}

static int64_t requests_of_peers(const struct request *list)
{
    int64_t n = 0;

    for (; list; list = list->next)
        n += list->door != DOOR_INSIDE;
    return n;
}

/* What the daemon asks itself writes nothing: its commit is no measure of the disk. */
static enum store_result commit(struct writer *writer, const struct request *list)
{
    int64_t begun = clock_monotonic_ns();
    enum store_result r = ledger_commit(writer->work.ledger, on_growth, writer);

    if (r == STORE_OK && (!list || requests_of_peers(list) > 0))
        histogram_add(&writer->work.counters->commit_times, &histogram_nanoseconds, clock_monotonic_ns() - begun);
    return r;
}

/* One transaction. OK: it is on disk. FULL, BUSY: nothing of it is, and everything is as before. FAILED: stop. */
static enum store_result transact(struct writer *writer, struct request *list)
{
    struct work *work = &writer->work;

    work->trouble = STORE_OK;
    work->keys_changed = false;
    enum store_result r = ledger_begin(work->ledger, clock_wall_ms());
    if (r == STORE_OK) {
        run_list(writer, list);
        r = work->trouble ? work->trouble : commit(writer, list);
    }
    if (r == STORE_OK && work->keys_changed)
        atomic_store(&writer->keys_changed, true);
    work->due_stale |= r != STORE_OK; /* what this transaction had made anew may be lost */
    if ((r == STORE_FULL || r == STORE_BUSY) && ledger_rollback(work->ledger) != STORE_OK)
        r = STORE_FAILED;
    if (r == STORE_OK && work->health)
        work->health->store_probed_ms = clock_boot_ms();
    return r;
}

static void refuse_all(struct writer *writer, struct request *list, enum error error)
{
    struct fault fault;

    log_event(LOG_ID_STORE_BUSY, &(struct log_fields){.error = error_info(error)->name}, "nothing could be written: %s",
              writer->work.store->ops->reason(writer->work.store));
    fault_set(&fault, error);
    fault_say(&fault, "nothing can be written now");
    fault_int(&fault, "retry_after_ms", error == E_BUSY ? RETRY_MS / 5 : RETRY_MS);
    for (; list; list = list->next) {
        list->fault = fault; /* also for those who get no answer: it is counted */
        if (list->take_over) /* a reload */
            fault_say(&list->fault, "the configuration is in force, but that could not be written down");
        request_refuse(list, &list->fault);
    }
}

static bool tidy(struct writer *writer)
{
    struct work *work = &writer->work;

    if (work->boot_ms < writer->tidy_at)
        return true;
    writer->tidy_at = work->boot_ms + TIDY_EVERY_MS;
    return work->store->ops->tidy(work->store) != STORE_FAILED || stop_for_good(writer, "the store failed");
}

/* A list is committed: how many requests shared the wait for the disk. */
static void count_commit(struct writer *writer, const struct request *list)
{
    struct counters *counters = writer->work.counters;
    int64_t requests = requests_of_peers(list);

    tell_head(writer);
    if (!requests)
        return;
    counters->commits++;
    counters->commit_requests += requests;
    histogram_add(&counters->commit_batches, &histogram_requests, requests);
}

/* When a transaction finds no room, it is tried again without new comments, so that decisions get what is left. */
static bool run(void *self, struct request *list)
{
    struct writer *writer = self;
    struct work *work = &writer->work;

    work->boot_ms = clock_boot_ms();
    work->clock_ms = clock_wall_ms();
    work_take_over(work, list);
    enum store_result r = look_at_room(writer, list);
    if (r == STORE_OK)
        r = transact(writer, list);
    if (r == STORE_FULL) {
        close_intake(writer, true);
        writer->room_at = work->boot_ms + ROOM_EVERY_MS;
        r = transact(writer, list);
    }
    if (r == STORE_FAILED)
        return stop_for_good(writer, "the store failed");
    if (r != STORE_OK)
        refuse_all(writer, list, r == STORE_BUSY ? E_BUSY : E_STORAGE_FULL);
    else
        count_commit(writer, list);
    return tidy(writer);
}

static bool found_one(void *arg, const struct store_comment *comment)
{
    (void)comment;
    *(bool *)arg = true;
    return false;
}

/* Due times are made anew in many transactions; after a while whoever may have asked something is heard. */
static enum store_result renew_due(struct writer *writer)
{
    struct work *work = &writer->work;
    int64_t end = clock_boot_ms() + DUE_IDLE_MS;
    enum store_result r = STORE_OK;

    while (r == STORE_OK && work->due_stale && !work->intake_closed && clock_boot_ms() < end)
        r = transact(writer, NULL);
    return r;
}

/* Nothing was asked for a while: claims may have ended all the same. */
static bool idle(void *self, bool *more)
{
    struct writer *writer = self;
    struct work *work = &writer->work;
    bool due = false;

    *more = false;
    work->boot_ms = clock_boot_ms();
    enum store_result r = work->store->ops->claims_ending(work->store, work->boot_ms, 1, found_one, &due);
    if (r != STORE_OK)
        work->store->ops->rollback(work->store);
    if (r == STORE_OK && due)
        r = transact(writer, NULL);
    if (r == STORE_OK)
        r = renew_due(writer);
    if (r == STORE_OK)
        tell_head(writer);
    return r == STORE_FAILED ? stop_for_good(writer, "the store failed") : tidy(writer);
}

/* After a restart of the machine its boot clock began anew: claims from before mean nothing now. */
static bool drop_old_claims(struct writer *writer, const char *boot)
{
    struct work *work = &writer->work;
    const struct store_ops *ops = work->store->ops;
    char before[64] = "";

    work->boot_ms = clock_boot_ms();
    if (!work_ok(work, ops->boot(work->store, before)) || strcmp(before, boot) == 0)
        return work->trouble == STORE_OK;
    if (ledger_begin(work->ledger, clock_wall_ms()) != STORE_OK)
        return false;
    while (claims_drop_all(work, EXPIRE_MAX) > 0 && !work->trouble)
        ;
    return work_ok(work, ops->boot_set(work->store, boot)) &&
           ledger_commit(work->ledger, on_growth, writer) == STORE_OK;
}

struct writer *writer_start(const struct work *work, const char *boot, char *reason, size_t reason_bytes)
{
    struct writer *writer = calloc(1, sizeof(*writer));

    if (!writer) {
        snprintf(reason, reason_bytes, "out of memory");
        return NULL;
    }
    writer->work = *work;
    writer->work.due_stale = true;
    pthread_mutex_init(&writer->mutex, NULL);
    struct worker_job job = {.name = "modqd-write",
                             .run = run,
                             .idle = idle,
                             .self = writer,
                             .max_requests = work->settings->limits.value[LIMIT_QUEUE_REQUESTS],
                             .max_bytes = work->settings->limits.value[LIMIT_QUEUE_BYTES],
                             .max_list = LIST_MAX};
    if (!drop_old_claims(writer, boot))
        snprintf(reason, reason_bytes, "%s", work->store->ops->reason(work->store));
    else if (!(writer->worker = worker_start(&job)))
        snprintf(reason, reason_bytes, "cannot start a thread");
    else
        return writer;
    writer_free(writer);
    return NULL;
}

struct worker *writer_worker(struct writer *writer)
{
    return writer->worker;
}

const char *writer_reason(const struct writer *writer)
{
    return writer->reason;
}

void writer_free(struct writer *writer)
{
    if (writer->worker)
        worker_free(writer->worker);
    if (writer->worker && !writer->reason[0]) { /* else what the ledger has in memory may not be on disk */
        writer->head_at = 0;
        tell_head(writer);
    }
    ledger_free(writer->work.ledger);
    store_close(writer->work.store);
    out_free(&writer->work.scratch);
    pthread_mutex_destroy(&writer->mutex);
    free(writer->grown);
    free(writer);
}
