/* A gate: one ZeroMQ socket of one of the protocol's sockets, bound to all its endpoints of one kind. */
#ifndef MODQD_GATE_H
#define MODQD_GATE_H

#include "inherit.h"
#include "server_key.h"
#include "watch.h"

struct gate {
    enum settings_socket which;
    enum endpoint_kind kind;
    void *socket; /* of ZeroMQ */
};

/* What every gate needs to be opened; all borrowed. */
struct gate_context {
    void *zmq;
    const struct settings *settings;
    const struct inherited *inherited;
    const struct server_key *server_key;
    struct watch *watch;
    char *reason;
    size_t reason_bytes;
};

/* True when the settings have an endpoint for it. */
bool gate_is_wanted(const struct settings *settings, enum settings_socket which, enum endpoint_kind kind);

/* Makes and binds it. False with the reason. */
bool gate_open(struct gate *gate, const struct gate_context *context, enum settings_socket which,
               enum endpoint_kind kind);

/* Drops all connections and listens again: the only way to part from one peer of a PUB socket. May take seconds. False
 * with the reason when it does not succeed. */
bool gate_rebind(struct gate *gate, const struct gate_context *context);

#endif
