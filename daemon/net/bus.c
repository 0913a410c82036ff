#include "bus.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum {
    BACKLOG = 1024,
    HIGH_WATER_FRONT = 2000,
    HIGH_WATER_DESK = 1000,
    HANDSHAKE_MS = 3000,
    HIGH_WATER_RELAY = 10000,
    RELAY_LINGER_MS = 500,
    RELAY_STOP_S = 2,
    MAX_SOCKETS = 8192
};

struct bus {
    void *context;
    void *front, *push, *desk;
    void *decisions; /* where records go in; the relay publishes them */
    pthread_t relay;
    void *relay_in, *published; /* the relay's own from the moment it runs */
    bool relay_runs;
    bool desk_is_ipc;
};

static void *socket_of(const struct bus *bus, enum door door)
{
    return door == DOOR_FRONT ? bus->front : door == DOOR_PUSH ? bus->push : bus->desk;
}

void *bus_socket(const struct bus *bus, enum door door)
{
    return socket_of(bus, door);
}

static void set(void *socket, int option, int value)
{
    zmq_setsockopt(socket, option, &value, sizeof(value));
}

static bool bind_failed(const char *what, const char *endpoint, char *reason, size_t reason_bytes)
{
    snprintf(reason, reason_bytes, "listen.%s: cannot bind %s: %s%s", what, endpoint, zmq_strerror(zmq_errno()),
             zmq_errno() == ENAMETOOLONG ? " (a path of at most 107 bytes is possible; choose a shorter --dir)" : "");
    return false;
}

static void *bind_socket(struct bus *bus, int type, const char *what, const char *endpoint, int64_t max_bytes,
                         int high_water, char *reason, size_t reason_bytes)
{
    void *socket = zmq_socket(bus->context, type);

    if (!socket) {
        snprintf(reason, reason_bytes, "cannot make a socket: %s", zmq_strerror(zmq_errno()));
        return NULL;
    }
    zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max_bytes, sizeof(max_bytes));
    set(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
    set(socket, ZMQ_BACKLOG, BACKLOG);
    set(socket, ZMQ_SNDHWM, high_water);
    set(socket, ZMQ_LINGER, 0);
    if (type == ZMQ_ROUTER)
        set(socket, ZMQ_ROUTER_MANDATORY, 1);
    if (zmq_bind(socket, endpoint) == 0)
        return socket;
    bind_failed(what, endpoint, reason, reason_bytes);
    zmq_close(socket);
    return NULL;
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

/* The decisions socket has a thread of its own: a subscriber that comes or goes with 300,000 subscriptions keeps a PUB
 * socket busy for seconds, and that must not delay anybody else. An empty message ends it. */
static void *relay(void *arg)
{
    struct bus *bus = arg;
    zmq_msg_t frame;

    for (bool stop = false; !stop;) {
        zmq_msg_init(&frame);
        bool good = zmq_msg_recv(&frame, bus->relay_in, 0) >= 0;
        bool more = good && zmq_msg_more(&frame);
        stop = !good || (!more && zmq_msg_size(&frame) == 0);
        if (!stop)
            zmq_msg_send(&frame, bus->published, more ? ZMQ_SNDMORE : 0);
        zmq_msg_close(&frame);
    }
    zmq_close(bus->relay_in);
    zmq_close(bus->published);
    return NULL;
}

static bool start_relay(struct bus *bus, char *reason, size_t reason_bytes)
{
    bus->relay_in = zmq_socket(bus->context, ZMQ_PULL);
    bus->decisions = zmq_socket(bus->context, ZMQ_PUSH);
    set(bus->decisions, ZMQ_SNDHWM, HIGH_WATER_RELAY);
    set(bus->published, ZMQ_LINGER, RELAY_LINGER_MS);
    bus->relay_runs = zmq_bind(bus->relay_in, "inproc://decisions") == 0 &&
                      zmq_connect(bus->decisions, "inproc://decisions") == 0 &&
                      pthread_create(&bus->relay, NULL, relay, bus) == 0;
    if (!bus->relay_runs)
        snprintf(reason, reason_bytes, "the thread of the decisions socket cannot start");
    return bus->relay_runs;
}

/* False when the relay does not end in time: libzmq walks through every subscription for every subscriber that left,
 * and thousands of both can keep it busy for minutes. */
static bool stop_relay(struct bus *bus)
{
    struct timespec until;

    if (bus->relay_runs) {
        zmq_send(bus->decisions, "", 0, ZMQ_DONTWAIT);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += RELAY_STOP_S;
        return pthread_timedjoin_np(bus->relay, NULL, &until) == 0;
    }
    if (bus->relay_in)
        zmq_close(bus->relay_in);
    if (bus->published)
        zmq_close(bus->published);
    return true;
}

static bool bind_all(struct bus *bus, const struct settings *s, char *reason, size_t n)
{
    int64_t max = s->limits.value[LIMIT_MAX_MESSAGE_BYTES];

    bus->front = bind_socket(bus, ZMQ_ROUTER, "front", s->front, max, HIGH_WATER_FRONT, reason, n);
    if (bus->front)
        bus->push = bind_socket(bus, ZMQ_PULL, "push", s->push, max, HIGH_WATER_FRONT, reason, n);
    if (bus->push)
        bus->published = bind_socket(bus, ZMQ_PUB, "decisions", s->decisions, 4096, HIGH_WATER_FRONT, reason, n);
    if (bus->published)
        bus->desk = bind_socket(bus, ZMQ_ROUTER, "desk", s->desk, max, HIGH_WATER_DESK, reason, n);
    return bus->desk && start_relay(bus, reason, n);
}

struct bus *bus_open(const struct settings *settings, char *reason, size_t reason_bytes)
{
    struct bus *bus = calloc(1, sizeof(*bus));

    if (!bus) {
        snprintf(reason, reason_bytes, "out of memory");
        return NULL;
    }
    seed_routing_ids();
    bus->context = zmq_ctx_new();
    zmq_ctx_set(bus->context, ZMQ_MAX_SOCKETS, MAX_SOCKETS);
    bus->desk_is_ipc = strncmp(settings->desk, "ipc:", 4) == 0;
    if (bind_all(bus, settings, reason, reason_bytes))
        return bus;
    bus_close(bus, 0);
    return NULL;
}

void bus_close(struct bus *bus, int linger_ms)
{
    void *sockets[] = {bus->front, bus->push, bus->desk, bus->decisions};

    bool ended = stop_relay(bus);
    for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++)
        if (sockets[i]) {
            set(sockets[i], ZMQ_LINGER, linger_ms);
            zmq_close(sockets[i]);
        }
    if (!ended) { /* the context would wait for it for ever; the process ends, and with it the thread */
        nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
        return;
    }
    zmq_ctx_term(bus->context);
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
                return PEER_UNKNOWN_LOCAL;
            at--;
        } while (*at != ':');
    }
    char *end;
    long long uid = strtoll(at + 1, &end, 10);
    return end != at + 1 && *end == ':' ? uid : PEER_UNKNOWN_LOCAL;
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
    *more = zmq_msg_more(&frame);
    zmq_msg_close(&frame);
    return true;
}

/* Receives the last frame of a message into *body. An empty frame before it is the envelope of a REQ; with any other
 * frame before or behind, *body is left empty. */
static void receive_body(void *socket, struct peer *peer, zmq_msg_t *body)
{
    bool more = true;

    for (int i = 0; more; i++) {
        if (i > 0)
            zmq_msg_close(body);
        zmq_msg_init(body);
        if (zmq_msg_recv(body, socket, 0) < 0)
            return;
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

enum bus_received bus_receive(struct bus *bus, enum door door, struct request *request)
{
    void *socket = socket_of(bus, door);
    bool more = true;
    int events = 0;
    size_t size = sizeof(events);

    request->door = door;
    request->peer = (struct peer){.uid = PEER_REMOTE};
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
    receive_body(socket, &request->peer, body);
    if (door == DOOR_DESK && bus->desk_is_ipc)
        request->peer.uid = peer_uid(body);
    request->body = (struct slice){zmq_msg_data(body), zmq_msg_size(body)};
    request->owner = body;
    request->release = release_message;
    return BUS_MESSAGE;
}

enum bus_sent bus_send(struct bus *bus, enum door door, const struct peer *peer, struct slice body)
{
    void *socket = socket_of(bus, door);

    if (zmq_send(socket, peer->routing_id, peer->routing_id_len, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
        return zmq_errno() == EAGAIN ? BUS_FULL : BUS_GONE;
    if (peer->delimiter)
        zmq_send(socket, "", 0, ZMQ_SNDMORE);
    return zmq_send(socket, body.data, body.len, 0) < 0 ? BUS_GONE : BUS_SENT;
}

void bus_publish(struct bus *bus, struct slice topic, struct slice body)
{
    if (zmq_send(bus->decisions, topic.data, topic.len, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
        zmq_send(bus->decisions, body.data, body.len, ZMQ_DONTWAIT);
}

/* libzmq 4.3.4 ends the process when accept4 on an ipc listener says EMFILE (src/ipc_listener.cpp asserts on all errors
 * but a few): whoever may connect could end the daemon. ENFILE is one of the few, and means the same to it: no
 * connection now. So this function stands in for libc's; the dynamic linker takes it for libzmq as well. */
int accept4(int fd, struct sockaddr *addr, socklen_t *addr_len, int flags)
{
    int accepted = (int)syscall(SYS_accept4, fd, addr, addr_len, flags);

    if (accepted < 0 && errno == EMFILE) {
        /* The listener is readable still and will ask again at once: not faster than this. */
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        errno = ENFILE;
    }
    return accepted;
}
