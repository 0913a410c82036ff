#include "loop.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <zmq.h>

#include "../clock.h"
#include "../log.h"
#include "../work/admit.h"
#include "../work/verbs.h"

/* How much one turn takes from each socket, so that none of them starves another. */
enum { TURN_FRONT = 512, TURN_PUSH = 256, TURN_DESK = 128 };
enum { AWAIT_US = 300, TICK_MS = 100, COMPLAINTS_A_TICK = 2, STOP_QUIET_MS = 100, STOP_MAX_MS = 5000 };

struct loop {
    struct loop_parts parts;
    struct request *spare; /* the request that the next message goes into */
    int64_t tick_at;
    int complaints_left; /* in this tenth of a second */
    bool stopping, broken;
    int64_t stop_at, heard_at; /* while stopping: the last moment, and when a message came last */
};

/* Who pushes gets no answer: what went wrong is counted and logged, but no faster than a person reads. */
static void complain(struct loop *loop, const struct request *request)
{
    const struct fault *fault = request->fault.code ? &request->fault : request->refused_why;

    if (!fault)
        return;
    loop->parts.work->counters->push_errors += request->refused ? request->refused : 1;
    if (loop->complaints_left == 0)
        return;
    loop->complaints_left--;
    log_warning("push: refused: %s%s%s", error_info(fault->code)->name, fault->field[0] ? ": " : "", fault->field);
}

static void answer(struct loop *loop, struct request *request)
{
    bool stream = request->verb && request->verb->kind == VERB_STREAM;

    if (request->door == DOOR_PUSH)
        complain(loop, request);
    else if (bus_send(loop->parts.bus, request->door, &request->peer, out_slice(&request->reply)) != BUS_SENT) {
        loop->parts.work->counters->dropped_replies++;
        if (stream) /* whose first word did not arrive must not come to others */
            publisher_forget(loop->parts.publisher, &request->peer);
    }
    request_free(request);
}

static void refuse(struct loop *loop, struct request *request, enum error code)
{
    if (code) {
        fault_set(&request->fault, code);
        fault_int(&request->fault, "retry_after_ms", 200);
    }
    request_refuse(request, &request->fault);
    answer(loop, request);
}

static void post(struct loop *loop, struct worker *worker, struct request *request)
{
    if (worker_post(worker, request))
        return;
    loop->parts.work->counters->busy++;
    refuse(loop, request, loop->broken ? E_STOPPING : E_BUSY);
}

static void dispatch(struct loop *loop, struct request *request)
{
    switch (request->verb->kind) {
    case VERB_CHANGE:
        post(loop, writer_worker(loop->parts.writer), request);
        break;
    case VERB_READ:
        post(loop, reader_worker(loop->parts.reader), request);
        break;
    case VERB_STREAM:
        if (publisher_request(loop->parts.publisher, request, clock_boot_ms()))
            answer(loop, request);
        else
            request_free(request);
        break;
    case VERB_AT_ONCE:
        loop->parts.work->clock_ms = clock_wall_ms();
        verb_run(loop->parts.work, request);
        answer(loop, request);
        break;
    }
}

static void take(struct loop *loop, struct request *request)
{
    struct counters *counters = loop->parts.work->counters;

    if (request->door == DOOR_PUSH)
        counters->push_messages++;
    if (admit(request, loop->parts.work->settings)) {
        request_weigh(request);
        dispatch(loop, request);
        return;
    }
    counters->malformed += request->fault.code == E_MALFORMED;
    refuse(loop, request, E_OK);
}

/* Takes at most `most` messages from a door. Returns how many it took. */
static int take_some(struct loop *loop, enum door door, int most)
{
    int taken = 0;

    for (; taken < most; taken++) {
        if (!loop->spare)
            loop->spare = request_new();
        if (!loop->spare)
            break;
        enum bus_received received = bus_receive(loop->parts.bus, door, loop->spare);
        if (received == BUS_NOTHING)
            break;
        if (received == BUS_DROPPED) {
            loop->parts.work->counters->malformed++;
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

/* What the threads have done. Whoever asked is told after the publisher knows what grew, so that a stream that is
 * opened in reply to an answer is not behind it. */
static void collect(struct loop *loop)
{
    bool broken = false;
    struct request *list = worker_collect(writer_worker(loop->parts.writer), &broken);

    writer_grown(loop->parts.writer, publisher_grown, loop->parts.publisher);
    answer_all(loop, list);
    if (broken && !loop->broken) {
        loop->broken = true;
        log_error("%s. Nothing that was acknowledged depends on it; stopping", writer_reason(loop->parts.writer));
    }
    list = worker_collect(reader_worker(loop->parts.reader), &broken);
    answer_all(loop, list);
}

static void take_signal(struct loop *loop)
{
    struct signalfd_siginfo info;

    if (read(loop->parts.signal_fd, &info, sizeof(info)) != sizeof(info) || loop->stopping)
        return;
    log_info("stopping: answering what was received");
    loop->stopping = true;
    loop->heard_at = clock_boot_ms();
    loop->stop_at = loop->heard_at + STOP_MAX_MS;
}

static int take_messages(struct loop *loop)
{
    int taken = take_some(loop, DOOR_FRONT, TURN_FRONT) + take_some(loop, DOOR_DESK, TURN_DESK);

    if (!worker_is_full(writer_worker(loop->parts.writer)))
        taken += take_some(loop, DOOR_PUSH, TURN_PUSH);
    return taken;
}

/* While stopping: nothing came for a while, and everything that came is answered. */
static bool may_stop(struct loop *loop, int64_t now, int taken)
{
    if (taken > 0)
        loop->heard_at = now;
    bool quiet = now - loop->heard_at >= STOP_QUIET_MS;
    bool done = worker_pending(writer_worker(loop->parts.writer)) == 0 &&
                worker_pending(reader_worker(loop->parts.reader)) == 0;
    return (quiet && done) || now >= loop->stop_at;
}

static void wait(struct loop *loop, bool more)
{
    const struct loop_parts *p = &loop->parts;
    bool push = !worker_is_full(writer_worker(p->writer));
    zmq_pollitem_t items[] = {
        {.fd = worker_fd(writer_worker(p->writer)), .events = ZMQ_POLLIN},
        {.fd = worker_fd(reader_worker(p->reader)), .events = ZMQ_POLLIN},
        {.fd = p->signal_fd, .events = ZMQ_POLLIN},
        {.socket = bus_socket(p->bus, DOOR_FRONT), .events = ZMQ_POLLIN},
        {.socket = bus_socket(p->bus, DOOR_DESK), .events = ZMQ_POLLIN},
        {.socket = bus_socket(p->bus, DOOR_PUSH), .events = push ? ZMQ_POLLIN : 0},
    };
    int64_t left = loop->tick_at - clock_boot_ms();

    zmq_poll(items, sizeof(items) / sizeof(items[0]), more || left <= 0 ? 0 : left);
    if (items[2].revents)
        take_signal(loop);
}

/* At the very end what is still unanswered after STOP_MAX_MS is left to the clients' repeats. */
static void finish(struct loop *loop)
{
    worker_stop(writer_worker(loop->parts.writer));
    worker_stop(reader_worker(loop->parts.reader));
    collect(loop);
    while (publisher_pump(loop->parts.publisher))
        ;
    publisher_stop(loop->parts.publisher);
    if (loop->spare)
        request_free(loop->spare);
}

int loop_run(const struct loop_parts *parts)
{
    struct loop loop = {.parts = *parts};
    bool more = false;

    for (;;) {
        wait(&loop, more);
        collect(&loop);
        int taken = take_messages(&loop);
        more = publisher_pump(parts->publisher);
        if (taken == 1)
            worker_await_one(writer_worker(parts->writer), AWAIT_US);
        int64_t now = clock_boot_ms();
        if (now >= loop.tick_at) {
            publisher_tick(parts->publisher, now);
            loop.tick_at = now + TICK_MS;
            loop.complaints_left = COMPLAINTS_A_TICK;
        }
        if (loop.broken || (loop.stopping && may_stop(&loop, now, taken)))
            break;
    }
    finish(&loop);
    return loop.broken ? 1 : 0;
}
