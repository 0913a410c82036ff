#include "loop.h"

#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>
#include <zmq.h>

#include "../clock.h"
#include "../log.h"
#include "../work/admit.h"
#include "../work/look.h"
#include "../work/reload.h"
#include "../work/verbs.h"
#include "accept.h"
#include "keeper.h"
#include "tell.h"

/* How much one turn takes from each gate, so that none of them starves another. */
enum { TURN_FRONT = 512, TURN_PUSH = 256, TURN_DESK = 128, TURN_ZAP = 16 };
enum {
    RETRY_MS = 200,
    AWAIT_US = 300,
    TICK_MS = 100,
    KEYS_EVERY_MS = 1000,
    STOP_QUIET_MS = 100,
    STOP_MAX_MS = 5000,
    STOP_PUMP_MS = 2000
};
enum { GATES_MAX = 16, SIGNAL_ITEM = 3, FIXED_ITEMS = 5, WHY_BYTES = 8192 };

struct loop {
    struct loop_parts *parts;
    struct keeper keeper;
    struct request *spare; /* the request that the next message goes into */
    int64_t tick_at, keys_at;
    size_t keys_ended; /* keys that let nobody in any more, when looked at last */
    bool stopping, broken;
    int64_t stop_at, heard_at; /* while stopping: the last moment, and when a message came last */
};

static void done(struct loop *loop, struct request *request)
{
    admit_end(request, loop->parts->access);
    request_free(request);
}

/* Who pushes gets no answer: only the count says that something went wrong, and the log. */
static void count_push(struct counters *counters, const struct request *request)
{
    if (request->fault.code || request->refused)
        counters->push_errors += request->refused ? request->refused : 1;
}

static void send_reply(struct loop *loop, struct request *request)
{
    struct counters *counters = loop->parts->work->counters;
    bool stream = request->verb && request->verb->kind == VERB_STREAM;

    if (bus_send(loop->parts->bus, &request->peer, out_slice(&request->reply)) == BUS_SENT) {
        counters->answers++;
        return;
    }
    counters->dropped_replies++;
    if (stream) /* whose first word did not arrive must not come to others */
        publisher_forget(loop->parts->publisher, &request->peer);
}

/* Nobody waits for it: when the writer has enough to do, or room is needed for decisions, it is left out. */
static void write_down_look(struct loop *loop, const struct request *asked)
{
    struct loop_parts *parts = loop->parts;
    bool wanted = parts->settings->audit_reads && asked->door == DOOR_DESK && !parts->work->health->intake_closed;
    struct request *look = wanted && asked->verb ? look_of(asked) : NULL;

    if (look && !worker_post(writer_worker(parts->writer), look))
        request_free(look);
}

static void answer_now(struct loop *loop, struct request *request)
{
    if (request->door != DOOR_INSIDE)
        tally_settle(request, loop->parts->work->counters);
    if (request->door == DOOR_PUSH)
        count_push(loop->parts->work->counters, request);
    else if (request->door != DOOR_INSIDE)
        send_reply(loop, request);
    else if (request->verb->kind == VERB_RELOAD) /* that a signal asked for */
        sd_notify(0, "READY=1");
    tell_answered(request);
    write_down_look(loop, request);
    done(loop, request);
}

static void answer(struct loop *loop, struct request *request)
{
    if (keeper_done(&loop->keeper, request))
        answer_now(loop, request);
    request = keeper_reloaded(&loop->keeper);
    if (request)
        answer_now(loop, request);
}

static void refuse(struct loop *loop, struct request *request, enum error code)
{
    if (code) {
        fault_set(&request->fault, code);
        fault_int(&request->fault, "retry_after_ms", RETRY_MS);
    }
    request_refuse(request, &request->fault);
    answer(loop, request);
}

static void refuse_busy(struct loop *loop, struct worker *worker, struct request *request)
{
    enum limit limit = worker_bytes_full(worker) ? LIMIT_QUEUE_BYTES : LIMIT_QUEUE_REQUESTS;

    loop->parts->work->counters->busy++;
    tally_busy(&request->tally, &request->fault, limit, "too much is waiting; nothing was done", RETRY_MS);
    refuse(loop, request, E_OK);
}

static void post(struct loop *loop, struct worker *worker, struct request *request)
{
    if (worker_post(worker, request))
        return;
    if (loop->broken)
        refuse(loop, request, E_STOPPING);
    else
        refuse_busy(loop, worker, request);
}

static void refuse_reload(struct loop *loop, struct request *request, const char *reason)
{
    log_event(LOG_ID_CONFIGURATION_REFUSED, NULL, "the configuration stays as it was: %s", reason);
    fault_set(&request->fault, E_BAD_CONFIGURATION);
    fault_say(&request->fault, "%s", reason);
    refuse(loop, request, E_OK);
}

static void tell_reload(const struct reload *reload)
{
    char names[512] = "";
    size_t at = 0;

    for (size_t i = 0; i < reload->restart_count && at < sizeof(names); i++)
        at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s", i ? ", " : "", reload->restart[i]);
    log_event(LOG_ID_CONFIGURATION_RELOADED, NULL, "the configuration was read anew%s%s",
              names[0] ? "; these differ and wait for a restart: " : "", names);
}

static void set_limits(const struct loop *loop)
{
    const struct limits *limits = &loop->parts->settings->limits;

    accept_limit(limits->value[LIMIT_CONNECTIONS], limits->value[LIMIT_CONNECTIONS_PER_ADDRESS]);
}

/* Everything that is decided by settings on this thread is decided by the new ones from here on; the others follow when
 * they come to the request. */
static void reload(struct loop *loop, struct request *request)
{
    struct loop_parts *parts = loop->parts;
    struct settings *old = parts->settings;
    struct reload *args = request_alloc(request, sizeof(*args));
    char reason[WHY_BYTES];

    request->args = args;
    if (args && publisher_knows(parts->publisher, request->operation)) { /* a repeat: it gets the first answer */
        post(loop, writer_worker(parts->writer), request);
        return;
    }
    struct settings *fresh = args ? parts->on_reload(parts->on_reload_arg, reason, sizeof(reason)) : NULL;
    if (!fresh) {
        refuse_reload(loop, request, args ? reason : "out of memory");
        return;
    }
    args->restart_count = settings_restart_needed(old, fresh, args->restart, RELOAD_NAMES_MAX);
    request->take_over = fresh;
    struct reload told = *args;
    if (!settings_keep_running(fresh, old) ||
        !keeper_reload(&loop->keeper, request, old == parts->started_with ? NULL : old)) {
        request->take_over = NULL;
        settings_free(fresh);
        refuse(loop, request, loop->broken ? E_STOPPING : E_INTERNAL);
        return;
    }
    parts->settings = fresh;
    parts->work->settings = fresh;
    publisher_take_over(parts->publisher, fresh);
    set_limits(loop);
    tell_reload(&told);
}

/* One after another, and each is answered when it is in force everywhere. */
static void reload_waiting(struct loop *loop)
{
    for (struct request *next; (next = keeper_next(&loop->keeper));)
        reload(loop, next);
}

static void dispatch(struct loop *loop, struct request *request)
{
    struct loop_parts *parts = loop->parts;

    switch (request->verb->kind) {
    case VERB_CHANGE:
        post(loop, writer_worker(parts->writer), request);
        break;
    case VERB_READ:
        post(loop, reader_worker(parts->reader), request);
        break;
    case VERB_LOOK:
        post(loop, reader_worker(parts->looker), request);
        break;
    case VERB_STREAM:
        if (publisher_request(parts->publisher, request, clock_boot_ms()))
            answer(loop, request);
        else
            done(loop, request);
        break;
    case VERB_AT_ONCE:
        parts->work->clock_ms = clock_wall_ms();
        verb_run(parts->work, request);
        answer(loop, request);
        break;
    case VERB_RELOAD:
        if (!keeper_queue(&loop->keeper, request))
            refuse(loop, request, E_BUSY);
        break;
    }
}

static void take(struct loop *loop, struct request *request)
{
    struct counters *counters = loop->parts->work->counters;
    struct admission admission = {.settings = loop->parts->settings,
                                  .access = loop->parts->access,
                                  .now_ms = clock_wall_ms(),
                                  .boot_ms = clock_boot_ms()};

    if (request->door == DOOR_PUSH)
        counters->push_messages++;
    if (admit(request, &admission)) {
        request_weigh(request);
        dispatch(loop, request);
        return;
    }
    counters->malformed += request->fault.code == E_MALFORMED;
    refuse(loop, request, E_OK);
}

/* Takes at most `most` messages from a gate. Returns how many it took. */
static int take_some(struct loop *loop, size_t gate, int most)
{
    int taken = 0;

    for (; taken < most; taken++) {
        if (!loop->spare)
            loop->spare = request_new();
        if (!loop->spare)
            break;
        enum bus_received received = bus_receive(loop->parts->bus, gate, loop->spare);
        if (received == BUS_NOTHING)
            break;
        if (received == BUS_DROPPED) {
            loop->parts->work->counters->malformed++;
            continue;
        }
        struct request *request = loop->spare;
        loop->spare = NULL;
        take(loop, request);
    }
    return taken;
}

static void answer_all(struct loop *loop, struct request *list)
{
    while (list) {
        struct request *next = list->next;
        answer(loop, list);
        list = next;
    }
}

static void break_down(struct loop *loop, const char *reason)
{
    if (!loop->broken)
        log_event(LOG_ID_STORE_FAILED, NULL, "%s. Nothing that was acknowledged depends on it; stopping", reason);
    loop->broken = true;
}

/* Whose key came to its end hears no more, on connections that they have already, too. */
static void part_from_ended(struct loop *loop)
{
    struct loop_parts *parts = loop->parts;
    size_t ended = access_ended(parts->access, clock_wall_ms());

    publisher_check(parts->publisher, parts->access);
    if (ended <= loop->keys_ended || bus_drop_subscribers(parts->bus))
        loop->keys_ended = ended; /* else the next tick tries again */
}

/* Before anybody is told that a key was changed, it is. A table that cannot be read would leave in who was sent away.
 */
static void load_keys(struct loop *loop)
{
    struct loop_parts *parts = loop->parts;

    if (!writer_keys_changed(parts->writer))
        return;
    if (publisher_load_keys(parts->publisher, parts->access) != STORE_OK)
        break_down(loop, "the keys cannot be read");
    part_from_ended(loop);
}

/* What the threads have done. Whoever asked is told after the publisher knows what grew, so that a stream that is
 * opened in reply to an answer is not behind it. */
static void collect(struct loop *loop)
{
    struct loop_parts *parts = loop->parts;
    bool broken = false;
    struct request *list = worker_collect(writer_worker(parts->writer), &broken);

    writer_grown(parts->writer, publisher_grown, parts->publisher);
    load_keys(loop);
    answer_all(loop, list);
    if (broken)
        break_down(loop, writer_reason(parts->writer));
    answer_all(loop, worker_collect(reader_worker(parts->reader), &broken));
    answer_all(loop, worker_collect(reader_worker(parts->looker), &broken));
}

/* As the operation `reload`, asked for by nobody in particular. */
static void reload_by_signal(struct loop *loop)
{
    struct request *request = request_new();

    if (!request)
        return;
    request->door = DOOR_INSIDE;
    request->verb = verb_find(SLICE_LIT("reload"), DOOR_DESK);
    snprintf(request->actor, sizeof(request->actor), "modqd");
    sd_notify(0, "RELOADING=1");
    dispatch(loop, request);
}

static void take_signal(struct loop *loop)
{
    struct signalfd_siginfo info;

    if (read(loop->parts->signal_fd, &info, sizeof(info)) != sizeof(info) || loop->stopping)
        return;
    if (info.ssi_signo == SIGHUP) {
        reload_by_signal(loop);
        return;
    }
    log_event(LOG_ID_STOPPING, NULL, "stopping: answering what was received");
    sd_notify(0, "STOPPING=1");
    loop->stopping = true;
    loop->parts->work->health->stopping = true;
    loop->heard_at = clock_boot_ms();
    loop->stop_at = loop->heard_at + STOP_MAX_MS;
}

static int turn_of(enum door door)
{
    return door == DOOR_FRONT ? TURN_FRONT : door == DOOR_PUSH ? TURN_PUSH : TURN_DESK;
}

static int take_messages(struct loop *loop)
{
    struct bus *bus = loop->parts->bus;
    bool full = worker_is_full(writer_worker(loop->parts->writer));
    int taken = 0;

    for (size_t i = 0; i < bus_gates(bus); i++)
        if (bus_door(bus, i) != DOOR_PUSH || !full)
            taken += take_some(loop, i, turn_of(bus_door(bus, i)));
    return taken;
}

/* While stopping: nothing came for a while, and everything that came is answered. */
static bool may_stop(struct loop *loop, int64_t now, int taken)
{
    if (taken > 0)
        loop->heard_at = now;
    bool quiet = now - loop->heard_at >= STOP_QUIET_MS;
    bool done = worker_pending(writer_worker(loop->parts->writer)) == 0 &&
                worker_pending(reader_worker(loop->parts->reader)) == 0 &&
                worker_pending(reader_worker(loop->parts->looker)) == 0;
    return (quiet && done) || now >= loop->stop_at;
}

static void wait(struct loop *loop, bool more)
{
    const struct loop_parts *p = loop->parts;
    bool full = worker_is_full(writer_worker(p->writer));
    zmq_pollitem_t items[FIXED_ITEMS + GATES_MAX] = {
        {.fd = worker_fd(writer_worker(p->writer)), .events = ZMQ_POLLIN},
        {.fd = worker_fd(reader_worker(p->reader)), .events = ZMQ_POLLIN},
        {.fd = worker_fd(reader_worker(p->looker)), .events = ZMQ_POLLIN},
        {.fd = p->signal_fd, .events = ZMQ_POLLIN},
    };
    int n = FIXED_ITEMS - 1;
    int64_t left = loop->tick_at - clock_boot_ms();

    if (bus_zap_socket(p->bus))
        items[n++] = (zmq_pollitem_t){.socket = bus_zap_socket(p->bus), .events = ZMQ_POLLIN};
    for (size_t i = 0; i < bus_gates(p->bus); i++)
        if (bus_door(p->bus, i) != DOOR_PUSH || !full)
            items[n++] = (zmq_pollitem_t){.socket = bus_socket(p->bus, i), .events = ZMQ_POLLIN};
    zmq_poll(items, n, more || left <= 0 ? 0 : left);
    if (items[SIGNAL_ITEM].revents)
        take_signal(loop);
}

static void tick(struct loop *loop, int64_t now)
{
    struct loop_parts *parts = loop->parts;

    publisher_tick(parts->publisher, now);
    keeper_tick(&loop->keeper, now);
    parts->work->health->loop_ticked_ms = now;
    tell_connections(parts->work->counters, accept_refused());
    parts->work->counters->connections_taken = accept_taken();
    if (now >= loop->keys_at) {
        part_from_ended(loop);
        loop->keys_at = now + KEYS_EVERY_MS;
    }
    loop->tick_at = now + TICK_MS;
}

/* What is still unanswered after STOP_MAX_MS: reads are answered, and that they were is written down, before the writer
 * ends, too. What is not even posted is left to the clients' repeats. */
static void finish(struct loop *loop)
{
    struct loop_parts *parts = loop->parts;

    worker_stop(reader_worker(parts->reader));
    worker_stop(reader_worker(parts->looker));
    collect(loop);
    worker_stop(writer_worker(parts->writer));
    collect(loop);
    for (struct request *next; (next = keeper_next(&loop->keeper));)
        refuse(loop, next, E_STOPPING);
    int64_t until = clock_boot_ms() + STOP_PUMP_MS; /* what is not sent by then is replayed by number */
    while (publisher_pump(parts->publisher) && clock_boot_ms() < until)
        ;
    publisher_stop(parts->publisher);
    keeper_end(&loop->keeper);
    if (loop->spare)
        request_free(loop->spare);
}

int loop_run(struct loop_parts *parts)
{
    struct loop loop = {.parts = parts};
    struct worker *const threads[THREAD_COUNT] = {[THREAD_WRITER] = writer_worker(parts->writer),
                                                  [THREAD_READER] = reader_worker(parts->reader),
                                                  [THREAD_LOOKER] = reader_worker(parts->looker)};
    bool more = false;

    keeper_init(&loop.keeper, threads, parts->settings->metrics != NULL);
    loop.keys_ended = access_ended(parts->access, clock_wall_ms());
    set_limits(&loop);
    for (;;) {
        wait(&loop, more);
        collect(&loop);
        if (bus_zap_socket(parts->bus))
            bus_zap_answer(parts->bus, parts->access, parts->work->counters, clock_wall_ms(), TURN_ZAP);
        int taken = take_messages(&loop);
        reload_waiting(&loop);
        more = publisher_pump(parts->publisher);
        if (taken == 1)
            worker_await_one(writer_worker(parts->writer), AWAIT_US);
        int64_t now = clock_boot_ms();
        if (now >= loop.tick_at)
            tick(&loop, now);
        if (loop.broken || (loop.stopping && may_stop(&loop, now, taken)))
            break;
    }
    finish(&loop);
    return loop.broken ? 1 : 0;
}
