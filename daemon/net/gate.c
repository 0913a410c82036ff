#include "gate.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum {
    BACKLOG = 1024,
    HIGH_WATER_FRONT = 2000,
    HIGH_WATER_DESK = 1000, /* more than the 500 requests that may be unanswered on one connection */
    HANDSHAKE_MS = 3000,
    DECISIONS_MESSAGE_BYTES = 4096,    /* subscribers send subscriptions only */
    CURVE_BYTES_MORE = 8 + 8 + 16 + 1, /* around each frame: name, number, seal and flags */
    KEEPALIVE_IDLE_S = 60,
    KEEPALIVE_INTERVAL_S = 10,
    KEEPALIVE_COUNT = 3,
    REBIND_TRIES = 500,
    REBIND_PAUSE_MS = 10
};

#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93 /* there, but among the drafts of zmq.h */
#endif

bool gate_is_wanted(const struct settings *settings, enum settings_socket which, enum endpoint_kind kind)
{
    const struct settings_listen *listen = &settings->listen[which];

    for (size_t i = 0; i < listen->count; i++)
        if (listen->endpoints[i].kind == kind)
            return true;
    return false;
}

static bool set(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof(value)) == 0;
}

static bool set_limits(const struct gate *gate, const struct gate_context *context)
{
    void *socket = gate->socket;
    int64_t max_bytes = gate->which == SOCKET_DECISIONS ? DECISIONS_MESSAGE_BYTES
                                                        : context->settings->limits.value[LIMIT_MAX_MESSAGE_BYTES];

    max_bytes += gate->kind == ENDPOINT_CURVE ? CURVE_BYTES_MORE : 0;
    return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max_bytes, sizeof(max_bytes)) == 0 &&
           set(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) && set(socket, ZMQ_BACKLOG, BACKLOG) &&
           set(socket, ZMQ_SNDHWM, gate->which == SOCKET_DESK ? HIGH_WATER_DESK : HIGH_WATER_FRONT) &&
           set(socket, ZMQ_LINGER, 0);
}

/* Without the handler of ZAP and its enforced domain a CURVE socket of libzmq lets everyone in. */
static bool set_curve(void *socket, const struct server_key *key, enum settings_socket which)
{
    const char *domain = settings_socket_names[which];

    return set(socket, ZMQ_CURVE_SERVER, 1) &&
           zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, key->secret_key, CURVE_BYTES) == 0 &&
           zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, domain, strlen(domain)) == 0 &&
           set(socket, ZMQ_ZAP_ENFORCE_DOMAIN, 1);
}

/* A peer whose machine was switched off is noticed, and its connection given back. */
static bool set_keepalive(void *socket)
{
    return set(socket, ZMQ_TCP_KEEPALIVE, 1) && set(socket, ZMQ_TCP_KEEPALIVE_IDLE, KEEPALIVE_IDLE_S) &&
           set(socket, ZMQ_TCP_KEEPALIVE_INTVL, KEEPALIVE_INTERVAL_S) &&
           set(socket, ZMQ_TCP_KEEPALIVE_CNT, KEEPALIVE_COUNT);
}

static bool set_options(struct gate *gate, const struct gate_context *context)
{
    static const int types[SOCKET_COUNT] = {ZMQ_ROUTER, ZMQ_PULL, ZMQ_PUB, ZMQ_ROUTER};
    int type = types[gate->which];

    gate->socket = zmq_socket(context->zmq, type);
    bool good = gate->socket && set_limits(gate, context) &&
                (type != ZMQ_ROUTER || set(gate->socket, ZMQ_ROUTER_MANDATORY, 1)) &&
                (gate->kind == ENDPOINT_IPC || set_keepalive(gate->socket)) &&
                (gate->kind != ENDPOINT_CURVE || set_curve(gate->socket, context->server_key, gate->which)) &&
                watch_socket(context->watch, gate->socket);
    if (!good)
        snprintf(context->reason, context->reason_bytes, "listen.%s: a socket cannot be made: %s",
                 settings_socket_names[gate->which], zmq_strerror(zmq_errno()));
    return good;
}

static bool failed(const struct gate_context *context, enum settings_socket which, const char *endpoint,
                   const char *what, int error)
{
    snprintf(context->reason, context->reason_bytes, "listen.%s: %s: %s: %s%s", settings_socket_names[which], endpoint,
             what, zmq_strerror(error),
             error == ENAMETOOLONG ? " (a path of at most 107 bytes is possible; choose a shorter --dir)" : "");
    return false;
}

/* The socket was made for its owner alone; who else may open it is said by group and mode. */
static bool open_to_group(const struct gate_context *context, enum settings_socket which, const char *endpoint)
{
    const struct settings_listen *listen = &context->settings->listen[which];
    const char *path = endpoint + 6;
    const struct group *group = listen->group ? getgrnam(listen->group) : NULL;

    if (listen->group && !group) {
        snprintf(context->reason, context->reason_bytes, "listen.%s_group: there is no group %s",
                 settings_socket_names[which], listen->group);
        return false;
    }
    if (group && chown(path, (uid_t)-1, group->gr_gid) != 0)
        return failed(context, which, endpoint, "cannot be given to its group", errno);
    if (chmod(path, listen->mode) != 0)
        return failed(context, which, endpoint, "cannot get its mode", errno);
    return true;
}

/* Where systemd forbids sockets of the Internet (RestrictAddressFamilies=), libzmq would abort instead of failing. */
static bool tcp_is_forbidden(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0)
        close(fd);
    return fd < 0 && errno == EAFNOSUPPORT;
}

static bool bind_one(struct gate *gate, const struct gate_context *context, const char *endpoint)
{
    int fd = inherited_dup(context->inherited, endpoint);

    if (fd < 0 && gate->kind != ENDPOINT_IPC && tcp_is_forbidden()) {
        snprintf(context->reason, context->reason_bytes,
                 "listen.%s: %s: systemd has to listen there; put the address into the socket unit (ListenStream=)",
                 settings_socket_names[gate->which], endpoint);
        return false;
    }
    set(gate->socket, ZMQ_USE_FD, fd);
    set(gate->socket, ZMQ_IPV6, strpbrk(endpoint, "[*") != NULL);
    bool bound = zmq_bind(gate->socket, endpoint) == 0;
    int error = zmq_errno();
    set(gate->socket, ZMQ_USE_FD, -1); /* or the next bind would take it, too, and end the process */
    if (!bound) {
        if (fd >= 0)
            close(fd);
        return failed(context, gate->which, endpoint, "cannot be bound", error);
    }
    return fd >= 0 || gate->kind != ENDPOINT_IPC || open_to_group(context, gate->which, endpoint);
}

static bool bind_all(struct gate *gate, const struct gate_context *context)
{
    const struct settings_listen *listen = &context->settings->listen[gate->which];

    for (size_t i = 0; i < listen->count; i++)
        if (listen->endpoints[i].kind == gate->kind && !bind_one(gate, context, listen->endpoints[i].address))
            return false;
    return true;
}

bool gate_open(struct gate *gate, const struct gate_context *context, enum settings_socket which,
               enum endpoint_kind kind)
{
    *gate = (struct gate){.which = which, .kind = kind};
    return set_options(gate, context) && bind_all(gate, context);
}

/* ZeroMQ knows an endpoint of all addresses by one of them. */
static void unbind(struct gate *gate, const char *endpoint)
{
    char every[64];

    if (zmq_unbind(gate->socket, endpoint) == 0 || strncmp(endpoint, "tcp://*:", 8) != 0)
        return;
    snprintf(every, sizeof(every), "tcp://[::]:%s", endpoint + 8);
    if (zmq_unbind(gate->socket, every) == 0)
        return;
    snprintf(every, sizeof(every), "tcp://0.0.0.0:%s", endpoint + 8);
    zmq_unbind(gate->socket, every);
}

/* The listener of before is closed by another thread. */
static bool bind_again(struct gate *gate, const struct gate_context *context, const char *endpoint)
{
    const struct timespec pause = {.tv_nsec = REBIND_PAUSE_MS * 1000000};

    for (int tries = 0; tries < REBIND_TRIES; tries++) {
        if (bind_one(gate, context, endpoint))
            return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

bool gate_rebind(struct gate *gate, const struct gate_context *context)
{
    const struct settings_listen *listen = &context->settings->listen[gate->which];
    bool good = true;

    for (size_t i = 0; i < listen->count; i++) {
        const char *endpoint = listen->endpoints[i].address;
        if (listen->endpoints[i].kind != gate->kind)
            continue;
        unbind(gate, endpoint);
        good &= bind_again(gate, context, endpoint);
    }
    return good;
}
