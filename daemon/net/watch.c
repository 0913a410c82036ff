#include "watch.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

/* Events wait in a queue of so many for the thread; when it is full, ZeroMQ's thread waits, too. */
enum {
    SOCKETS_MAX = 12,
    HIGH_WATER = 100000,
    FAILED = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
};

struct watch {
    void *context;
    struct counters *counters;
    void *ends[SOCKETS_MAX]; /* one for each watched socket; the thread's from the moment it runs */
    int count;
    pthread_t thread;
    bool runs;
};

struct watch *watch_new(void *context, struct counters *counters)
{
    struct watch *watch = calloc(1, sizeof(*watch));

    if (watch)
        *watch = (struct watch){.context = context, .counters = counters};
    return watch;
}

bool watch_socket(struct watch *watch, void *socket)
{
    char place[32];
    int high_water = HIGH_WATER;

    if (watch->count == SOCKETS_MAX)
        return false;
    snprintf(place, sizeof(place), "inproc://watch-%d", watch->count);
    void *end = zmq_socket(watch->context, ZMQ_PAIR);
    if (!end)
        return false;
    watch->ends[watch->count++] = end;
    return zmq_setsockopt(end, ZMQ_RCVHWM, &high_water, sizeof(high_water)) == 0 &&
           zmq_socket_monitor(socket, place, FAILED) == 0 && zmq_connect(end, place) == 0;
}

static void count(struct counters *counters, const zmq_msg_t *event)
{
    uint16_t what;
    uint32_t value;
    const char *bytes = zmq_msg_data((zmq_msg_t *)event);

    if (zmq_msg_size(event) < sizeof(what) + sizeof(value))
        return;
    memcpy(&what, bytes, sizeof(what));
    memcpy(&value, bytes + sizeof(what), sizeof(value));
    if (what == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
        counters->handshakes_broken++;
    else if (value == EMSGSIZE) /* from our recv (handshake.c) */
        counters->handshakes_oversize++;
    else
        counters->handshakes_unfinished++;
}

/* An event is two frames: what happened, and where. */
static void take(struct watch *watch, void *end)
{
    zmq_msg_t frame;
    bool more = true;

    for (int i = 0; more; i++) {
        zmq_msg_init(&frame);
        more = zmq_msg_recv(&frame, end, ZMQ_DONTWAIT) >= 0;
        if (more && i == 0)
            count(watch->counters, &frame);
        more = more && zmq_msg_more(&frame);
        zmq_msg_close(&frame);
    }
}

static void close_ends(struct watch *watch)
{
    for (int i = 0; i < watch->count; i++)
        zmq_close(watch->ends[i]);
    watch->count = 0;
}

static void *run(void *arg)
{
    struct watch *watch = arg;
    zmq_pollitem_t items[SOCKETS_MAX];

    for (int i = 0; i < watch->count; i++)
        items[i] = (zmq_pollitem_t){.socket = watch->ends[i], .events = ZMQ_POLLIN};
    while (zmq_poll(items, watch->count, -1) >= 0 || zmq_errno() == EINTR)
        for (int i = 0; i < watch->count; i++)
            if (items[i].revents & ZMQ_POLLIN)
                take(watch, watch->ends[i]);
    close_ends(watch);
    return NULL;
}

bool watch_start(struct watch *watch)
{
    watch->runs = pthread_create(&watch->thread, NULL, run, watch) == 0;
    if (watch->runs)
        pthread_setname_np(watch->thread, "modqd-watch");
    return watch->runs;
}

void watch_end(struct watch *watch)
{
    if (watch && !watch->runs)
        close_ends(watch);
}

void watch_free(struct watch *watch)
{
    if (watch && watch->runs)
        pthread_join(watch->thread, NULL);
    free(watch);
}
