#include "bus.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <zmq.h>

#include "accept.h"
#include "gate.h"
#include "relay.h"
#include "zap.h"

enum {
    MAX_SOCKETS = 8192,
    GATES_MAX = 9,
    AUTOMATIC_BYTES = 5 /* of a routing id that ROUTER made: a zero and a number that starts anywhere */
};

struct bus {
    void *context;
    void *zap; /* NULL: no endpoint needs it */
    struct gate gates[GATES_MAX];
    size_t gate_count;
    struct relay *relay;
    struct watch *watch;
};

static const enum door doors[SOCKET_COUNT] = {
    [SOCKET_FRONT] = DOOR_FRONT, [SOCKET_PUSH] = DOOR_PUSH, [SOCKET_DESK] = DOOR_DESK};

size_t bus_gates(const struct bus *bus)
{
    return bus->gate_count;
}

enum door bus_door(const struct bus *bus, size_t gate)
{
    return doors[bus->gates[gate].which];
}

void *bus_socket(const struct bus *bus, size_t gate)
{
    return bus->gates[gate].socket;
}

void *bus_zap_socket(const struct bus *bus)
{
    return bus->zap;
}

int bus_zap_answer(struct bus *bus, const struct access *access, struct counters *counters, int64_t now_ms, int most)
{
    return zap_answer(bus->zap, access, counters, now_ms, most);
}

/* ROUTER names its peers by numbers that count up from rand(): without this they could be guessed, and a peer that
 * takes the next one would end the process. */
static void seed_routing_ids(void)
{
    unsigned seed;
    while (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
        ;
    srand(seed);
}

static bool open_gates(struct bus *bus, const struct gate_context *context, enum settings_socket which)
{
    for (enum endpoint_kind kind = ENDPOINT_IPC; kind <= ENDPOINT_OPEN; kind++) {
        if (!gate_is_wanted(context->settings, which, kind))
            continue;
        struct gate *gate = &bus->gates[bus->gate_count];
        bool good = gate_open(gate, context, which, kind);
        bus->gate_count += gate->socket != NULL;
        if (!good)
            return false;
    }
    return true;
}

/* Whoever could connect before the handler of ZAP is there would be let in. */
static bool open_zap(struct bus *bus, const struct gate_context *context)
{
    if (!settings_has(context->settings, ENDPOINT_CURVE))
        return true;
    bus->zap = zap_open(bus->context);
    if (bus->zap)
        return true;
    snprintf(context->reason, context->reason_bytes, "the handler of authentication cannot start: %s",
             zmq_strerror(zmq_errno()));
    return false;
}

static bool open_watch(const struct bus *bus, const struct gate_context *context)
{
    if (!bus->watch)
        snprintf(context->reason, context->reason_bytes, "out of memory");
    return bus->watch != NULL;
}

static bool start_watch(const struct bus *bus, const struct gate_context *context)
{
    if (watch_start(bus->watch))
        return true;
    snprintf(context->reason, context->reason_bytes, "cannot start a thread");
    return false;
}

static bool open_all(struct bus *bus, const struct gate_context *context)
{
    return open_watch(bus, context) && open_zap(bus, context) && open_gates(bus, context, SOCKET_FRONT) &&
           open_gates(bus, context, SOCKET_PUSH) && open_gates(bus, context, SOCKET_DESK) &&
           (bus->relay = relay_start(context)) != NULL && start_watch(bus, context);
}

struct bus *bus_open(const struct settings *settings, const struct inherited *inherited,
                     const struct server_key *server_key, struct counters *counters, char *reason, size_t reason_bytes)
{
    struct bus *bus = calloc(1, sizeof(*bus));

    if (!bus) {
        snprintf(reason, reason_bytes, "out of memory");
        return NULL;
    }
    seed_routing_ids();
    bus->context = zmq_ctx_new();
    zmq_ctx_set(bus->context, ZMQ_MAX_SOCKETS, MAX_SOCKETS);
    bus->watch = watch_new(bus->context, counters);
    struct gate_context context = {.zmq = bus->context,
                                   .settings = settings,
                                   .inherited = inherited,
                                   .server_key = server_key,
                                   .watch = bus->watch,
                                   .reason = reason,
                                   .reason_bytes = reason_bytes};
    if (open_all(bus, &context))
        return bus;
    bus_close(bus, 0);
    return NULL;
}

void bus_close(struct bus *bus, int linger_ms)
{
    bool ended = !bus->relay || relay_stop(bus->relay);

    for (size_t i = 0; i < bus->gate_count; i++) {
        zmq_setsockopt(bus->gates[i].socket, ZMQ_LINGER, &linger_ms, sizeof(linger_ms));
        zmq_close(bus->gates[i].socket);
    }
    if (bus->zap) /* last: nobody is let in without it */
        zmq_close(bus->zap);
    if (!ended) { /* the context would wait for it for ever; the process ends, and with it the thread */
        nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
        free(bus);
        return;
    }
    watch_end(bus->watch);
    zmq_ctx_term(bus->context);
    watch_free(bus->watch);
    free(bus);
}

static void release_message(void *owner)
{
    zmq_msg_close(owner);
    free(owner);
}

/* The user at the other end of an ipc connection, from "path:uid:gid:pid", which the kernel told. */
static int64_t peer_uid(zmq_msg_t *message)
{
    const char *address = zmq_msg_gets(message, "Peer-Address");
    const char *at = address ? address + strlen(address) : NULL;

    for (int colons = 0; colons < 3; colons++) {
        do {
            if (!address || at == address)
                return PEER_UNKNOWN;
            at--;
        } while (*at != ':');
    }
    char *end;
    long long uid = strtoll(at + 1, &end, 10);
    return end != at + 1 && *end == ':' ? uid : PEER_UNKNOWN;
}

static bool receive_routing_id(void *socket, struct peer *peer, bool *more)
{
    zmq_msg_t frame;

    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, socket, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(&frame);
        return false;
    }
    size_t len = zmq_msg_size(&frame);
    peer->routing_id_len = (unsigned char)(len < sizeof(peer->routing_id) ? len : sizeof(peer->routing_id));
    memcpy(peer->routing_id, zmq_msg_data(&frame), peer->routing_id_len);
    peer->named = len != AUTOMATIC_BYTES || peer->routing_id[0] != 0;
    *more = zmq_msg_more(&frame);
    zmq_msg_close(&frame);
    return true;
}

/* Number of the key that the peer proved to own, as our own handler of ZAP named it: only to be believed on CURVE,
 * where a peer cannot set it. */
static int64_t peer_key(zmq_msg_t *message)
{
    const char *user = zmq_msg_gets(message, "User-Id");

    return user ? strtoll(user, NULL, 10) : 0;
}

/* Who sent it. The first frame of a ROUTER, its own, knows nothing of the peer once the socket was polled; this takes
 * the one after it. */
static void identify(const struct gate *gate, struct peer *peer, zmq_msg_t *frame)
{
    if (gate->kind == ENDPOINT_CURVE)
        peer->key = peer_key(frame);
    if (gate->kind == ENDPOINT_IPC)
        peer->uid = peer_uid(frame);
}

/* Receives the last frame of a message into *body. An empty frame before it is the envelope of a REQ; with any other
 * frame before or behind, *body is left empty. */
static void receive_body(const struct gate *gate, struct peer *peer, zmq_msg_t *body)
{
    void *socket = gate->socket;
    bool more = true;

    for (int i = 0; more; i++) {
        if (i > 0)
            zmq_msg_close(body);
        zmq_msg_init(body);
        if (zmq_msg_recv(body, socket, 0) < 0)
            return;
        if (i == 0)
            identify(gate, peer, body);
        more = zmq_msg_more(body);
        if (i == 0 && more && zmq_msg_size(body) == 0)
            peer->delimiter = true;
        else if (more || i > peer->delimiter) {
            zmq_msg_close(body);
            zmq_msg_init(body);
            if (more)
                i = 2; /* whatever follows is one frame too many */
        }
    }
}

static void drop_rest(void *socket)
{
    zmq_msg_t frame;
    bool more = true;

    while (more) {
        zmq_msg_init(&frame);
        more = zmq_msg_recv(&frame, socket, 0) >= 0 && zmq_msg_more(&frame);
        zmq_msg_close(&frame);
    }
}

enum bus_received bus_receive(struct bus *bus, size_t gate, struct request *request)
{
    const struct gate *from = &bus->gates[gate];
    enum door door = doors[from->which];
    void *socket = from->socket;
    bool more = true;
    int events = 0;
    size_t size = sizeof(events);

    request->door = door;
    request->peer = (struct peer){.gate = (unsigned char)gate,
                                  .proof = from->kind == ENDPOINT_CURVE ? PROOF_KEY
                                           : from->kind == ENDPOINT_IPC ? PROOF_USER
                                                                        : PROOF_NONE,
                                  .uid = PEER_UNKNOWN};
    if (door != DOOR_PUSH) {
        if (!receive_routing_id(socket, &request->peer, &more))
            return BUS_NOTHING;
        if (!more)
            return BUS_DROPPED;
    } else if (zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) != 0 || !(events & ZMQ_POLLIN)) {
        return BUS_NOTHING;
    }
    zmq_msg_t *body = malloc(sizeof(*body));
    if (!body) {
        drop_rest(socket);
        return BUS_DROPPED;
    }
    receive_body(from, &request->peer, body);
    request->body = (struct slice){zmq_msg_data(body), zmq_msg_size(body)};
    request->owner = body;
    request->release = release_message;
    return BUS_MESSAGE;
}

enum bus_sent bus_send(struct bus *bus, const struct peer *peer, struct slice body)
{
    void *socket = bus->gates[peer->gate].socket;

    if (zmq_send(socket, peer->routing_id, peer->routing_id_len, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
        return zmq_errno() == EAGAIN ? BUS_FULL : BUS_GONE;
    if (peer->delimiter)
        zmq_send(socket, "", 0, ZMQ_SNDMORE);
    return zmq_send(socket, body.data, body.len, 0) < 0 ? BUS_GONE : BUS_SENT;
}

void bus_publish(struct bus *bus, struct slice topic, struct slice body)
{
    relay_publish(bus->relay, topic, body);
}

bool bus_drop_subscribers(struct bus *bus)
{
    return relay_rebind(bus->relay);
}
