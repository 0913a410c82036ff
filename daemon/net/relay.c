#include "relay.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zmq.h>

#include "../log.h"

enum { HIGH_WATER = 10000, LINGER_MS = 500, STOP_S = 2, GATES_MAX = 3 };

/* Messages to the thread: topic and body are published; one frame is a command. */
static const char command_stop[] = "";
static const char command_rebind[] = "rebind";

struct relay {
    struct gate_context context;
    char reason[512]; /* the thread's own, when it binds again */
    void *in;         /* where the loop puts messages in */
    void *out;        /* the thread's own from the moment it runs, as are the gates */
    struct gate gates[GATES_MAX];
    size_t gate_count;
    pthread_t thread;
    bool runs;
};

static void publish(struct relay *relay, zmq_msg_t *topic, zmq_msg_t *body)
{
    zmq_msg_t copy;

    for (size_t i = 0; i < relay->gate_count; i++) {
        zmq_msg_init(&copy);
        zmq_msg_copy(&copy, topic);
        bool sent = zmq_msg_send(&copy, relay->gates[i].socket, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0;
        zmq_msg_close(&copy);
        if (!sent)
            continue;
        zmq_msg_init(&copy);
        zmq_msg_copy(&copy, body);
        zmq_msg_send(&copy, relay->gates[i].socket, ZMQ_DONTWAIT);
        zmq_msg_close(&copy);
    }
}

static void rebind(struct relay *relay)
{
    for (size_t i = 0; i < relay->gate_count; i++)
        if (relay->gates[i].kind == ENDPOINT_CURVE && !gate_rebind(&relay->gates[i], &relay->context))
            log_error("%s; subscribers there hear nothing before a restart", relay->reason);
}

/* One message from the loop. False: stop. */
static bool take(struct relay *relay)
{
    zmq_msg_t topic;
    zmq_msg_t body;

    zmq_msg_init(&topic);
    if (zmq_msg_recv(&topic, relay->out, 0) < 0) {
        zmq_msg_close(&topic);
        return zmq_errno() == EINTR;
    }
    bool go_on = true;
    if (zmq_msg_more(&topic)) {
        zmq_msg_init(&body);
        if (zmq_msg_recv(&body, relay->out, 0) >= 0)
            publish(relay, &topic, &body);
        zmq_msg_close(&body);
    } else if (zmq_msg_size(&topic) == 0) {
        go_on = false;
    } else {
        rebind(relay);
    }
    zmq_msg_close(&topic);
    return go_on;
}

static void close_gates(struct relay *relay)
{
    int linger = LINGER_MS;

    if (relay->out)
        zmq_close(relay->out);
    for (size_t i = 0; i < relay->gate_count; i++) {
        zmq_setsockopt(relay->gates[i].socket, ZMQ_LINGER, &linger, sizeof(linger));
        zmq_close(relay->gates[i].socket);
    }
}

static void *run(void *arg)
{
    struct relay *relay = arg;

    while (take(relay))
        ;
    close_gates(relay);
    return NULL;
}

static bool open_gates(struct relay *relay)
{
    for (enum endpoint_kind kind = ENDPOINT_IPC; kind <= ENDPOINT_OPEN; kind++) {
        if (!gate_is_wanted(relay->context.settings, SOCKET_DECISIONS, kind))
            continue;
        struct gate *gate = &relay->gates[relay->gate_count];
        bool good = gate_open(gate, &relay->context, SOCKET_DECISIONS, kind);
        relay->gate_count += gate->socket != NULL;
        if (!good)
            return false;
    }
    return true;
}

static bool start_thread(struct relay *relay)
{
    int high_water = HIGH_WATER;

    relay->out = zmq_socket(relay->context.zmq, ZMQ_PULL);
    relay->in = zmq_socket(relay->context.zmq, ZMQ_PUSH);
    relay->runs = relay->in && zmq_setsockopt(relay->in, ZMQ_SNDHWM, &high_water, sizeof(high_water)) == 0 &&
                  zmq_bind(relay->out, "inproc://decisions") == 0 &&
                  zmq_connect(relay->in, "inproc://decisions") == 0 &&
                  pthread_create(&relay->thread, NULL, run, relay) == 0;
    return relay->runs;
}

struct relay *relay_start(const struct gate_context *context)
{
    struct relay *relay = calloc(1, sizeof(*relay));

    if (!relay) {
        snprintf(context->reason, context->reason_bytes, "out of memory");
        return NULL;
    }
    relay->context = *context;
    bool good = open_gates(relay);
    relay->context.reason = relay->reason;
    relay->context.reason_bytes = sizeof(relay->reason);
    if (good && start_thread(relay))
        return relay;
    if (good)
        snprintf(context->reason, context->reason_bytes, "the thread of the decisions socket cannot start");
    relay_stop(relay);
    return NULL;
}

void relay_publish(struct relay *relay, struct slice topic, struct slice body)
{
    if (relay->gate_count > 0 && zmq_send(relay->in, topic.data, topic.len, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
        zmq_send(relay->in, body.data, body.len, ZMQ_DONTWAIT);
}

bool relay_rebind(struct relay *relay)
{
    return zmq_send(relay->in, command_rebind, sizeof(command_rebind) - 1, ZMQ_DONTWAIT) >= 0;
}

static bool join(struct relay *relay)
{
    struct timespec until;

    zmq_send(relay->in, command_stop, 0, ZMQ_DONTWAIT);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_S;
    return pthread_timedjoin_np(relay->thread, NULL, &until) == 0;
}

bool relay_stop(struct relay *relay)
{
    bool ended = !relay->runs || join(relay);

    if (!relay->runs)
        close_gates(relay);
    if (relay->in)
        zmq_close(relay->in);
    if (ended)
        free(relay);
    return ended;
}
