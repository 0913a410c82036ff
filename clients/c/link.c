#include <errno.h>
#include <stdlib.h>

#include "key.h"

enum {
    LARGEST_MESSAGE_BYTES = 64 << 20, /* as much as max_message_bytes may ever be */
    FIRST_RECONNECT_MS = 10,
    LAST_RECONNECT_MS = 500,
    PUSH_QUEUE = 64,
    KEEPALIVE_IDLE_S = 60
};

static bool set(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof(value)) == 0;
}

/* IMMEDIATE keeps messages of a DEALER from being queued for nobody, and makes POLLOUT say whether there is a
 * connection. A PUSH socket has no repeats: there the queue has to outlive a connection. */
static bool configure(void *socket, int type)
{
    int64_t largest = LARGEST_MESSAGE_BYTES;
    bool push = type == ZMQ_PUSH;

    return set(socket, ZMQ_LINGER, 0) && set(socket, ZMQ_IMMEDIATE, !push) &&
           set(socket, ZMQ_SNDHWM, push ? PUSH_QUEUE : 0) && set(socket, ZMQ_RCVHWM, 0) &&
           set(socket, ZMQ_RECONNECT_IVL, FIRST_RECONNECT_MS) &&
           set(socket, ZMQ_RECONNECT_IVL_MAX, LAST_RECONNECT_MS) &&
           zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &largest, sizeof(largest)) == 0;
}

static bool set_text(void *socket, int option, const char *text)
{
    return zmq_setsockopt(socket, option, text, strlen(text) + 1) == 0;
}

/* A peer whose machine was switched off is noticed after a while. */
static bool configure_key(void *socket, const struct modq_key *key)
{
    return !key || (set_text(socket, ZMQ_CURVE_SERVERKEY, modq_key_text(key, MODQ_KEY_SERVER)) &&
                    set_text(socket, ZMQ_CURVE_PUBLICKEY, modq_key_text(key, MODQ_KEY_PUBLIC)) &&
                    set_text(socket, ZMQ_CURVE_SECRETKEY, key_secret(key)) && set(socket, ZMQ_TCP_KEEPALIVE, 1) &&
                    set(socket, ZMQ_TCP_KEEPALIVE_IDLE, KEEPALIVE_IDLE_S));
}

static bool connect_socket(struct link *link, struct modq_error *error)
{
    link->connected = link->lost = false;
    link->opened = now_ms();
    link->socket = zmq_socket(link->context, link->type);
    if (!link->socket)
        return error_local(error, MODQ_E_SYSTEM, "cannot make a socket: %s", zmq_strerror(errno));
    if (!configure(link->socket, link->type) || !configure_key(link->socket, link->key) ||
        !set(link->socket, ZMQ_IPV6, strchr(link->endpoint, '[') != NULL))
        error_local(error, MODQ_E_SYSTEM, "cannot set up a socket: %s", zmq_strerror(errno));
    else if (zmq_connect(link->socket, link->endpoint) == 0)
        return true;
    else
        error_local(error, MODQ_E_ARGUMENT, "endpoint %s: %s", link->endpoint, zmq_strerror(errno));
    zmq_close(link->socket);
    link->socket = NULL;
    return false;
}

bool link_open(struct link *link, const char *endpoint, const struct modq_key *key, int type, struct modq_error *error)
{
    bool tcp = endpoint && strncmp(endpoint, "tcp:", 4) == 0;

    if (!endpoint)
        return error_local(error, MODQ_E_ARGUMENT, "no endpoint");
    if (key && tcp && !modq_key_text(key, MODQ_KEY_SERVER))
        return error_local(error, MODQ_E_ARGUMENT, "the key does not say which server it is for (server-key)");
    link->type = type;
    link->endpoint = strdup(endpoint);
    link->key = key && tcp ? key_copy(key) : NULL; /* over ipc nobody asks for it */
    if (!link->endpoint || (key && tcp && !link->key))
        return error_local(error, MODQ_E_MEMORY, "out of memory");
    link->context = zmq_ctx_new();
    if (!link->context)
        return error_local(error, MODQ_E_SYSTEM, "cannot start ZeroMQ: %s", zmq_strerror(errno));
    return connect_socket(link, error);
}

void link_drop(struct link *link)
{
    if (link->socket)
        zmq_close(link->socket);
    link->socket = NULL;
    link->connected = link->lost = false;
}

bool link_renew(struct link *link)
{
    link_drop(link);
    return connect_socket(link, NULL);
}

void link_close(struct link *link)
{
    link_drop(link);
    while (link->context && zmq_ctx_term(link->context) != 0 && errno == EINTR)
        ;
    free(link->endpoint);
    modq_key_free(link->key);
    *link = (struct link){0};
}

int link_fd(const struct link *link)
{
    int fd;
    size_t size = sizeof(fd);

    if (!link->socket || zmq_getsockopt(link->socket, ZMQ_FD, &fd, &size) != 0)
        return -1;
    return fd;
}

int64_t link_renew_at(const struct link *link, int attempt_ms)
{
    return link->key && link->socket && !link->connected ? deadline_after(link->opened, attempt_ms) : NEVER;
}

int link_look(struct link *link)
{
    int events = 0;
    size_t size = sizeof(events);

    if (!link->socket || zmq_getsockopt(link->socket, ZMQ_EVENTS, &events, &size) != 0)
        events = 0;
    bool connected = events & ZMQ_POLLOUT;
    if (link->connected && !connected)
        link->lost = true;
    link->connected = connected;
    return events;
}

bool link_send(struct link *link, struct slice bytes)
{
    return link->socket && zmq_send(link->socket, bytes.data, bytes.len, ZMQ_DONTWAIT) >= 0;
}

/* The rest of a message of several frames. */
static void skip_frames(void *socket)
{
    zmq_msg_t frame;
    bool more = true;

    zmq_msg_init(&frame);
    while (more && zmq_msg_recv(&frame, socket, ZMQ_DONTWAIT) >= 0)
        more = zmq_msg_more(&frame);
    zmq_msg_close(&frame);
}

bool link_receive(struct link *link, zmq_msg_t *message)
{
    while (link->socket) {
        zmq_msg_init(message);
        if (zmq_msg_recv(message, link->socket, ZMQ_DONTWAIT) < 0)
            break;
        if (!zmq_msg_more(message))
            return true;
        skip_frames(link->socket);
        zmq_msg_close(message);
    }
    return false;
}

bool link_wait(struct link *link, bool writable, int wait_ms)
{
    zmq_pollitem_t item = {.socket = link->socket, .events = (short)(ZMQ_POLLIN | (writable ? ZMQ_POLLOUT : 0))};
    return zmq_poll(&item, link->socket ? 1 : 0, wait_ms) >= 0 || errno != EINTR;
}
