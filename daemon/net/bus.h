/* The four sockets of ZeroMQ, and nothing else of the daemon touches ZeroMQ.
 *
 * One thread uses a bus. Facts about libzmq 4.3.4 that shaped it stand in docs/architecture.md, "Sockets". */
#ifndef MODQD_BUS_H
#define MODQD_BUS_H

#include "../work/request.h"
#include "../work/settings.h"

struct bus;

/* Binds what the settings name. NULL with the reason on failure. */
struct bus *bus_open(const struct settings *settings, char *reason, size_t reason_bytes);

/* Closes after what was sent has left, or after `linger_ms`. The process should end then: a thread of libzmq that
 * cannot be ended in time is left behind. */
void bus_close(struct bus *bus, int linger_ms);

/* The ZeroMQ socket behind a door, for zmq_poll. */
void *bus_socket(const struct bus *bus, enum door door);

enum bus_received {
    BUS_MESSAGE, /* request->body, ->peer and ->door are filled in; a body of 0 bytes means: not one frame */
    BUS_NOTHING, /* nothing is there */
    BUS_DROPPED  /* something came that cannot be answered */
};

/* Takes the next message, without waiting. */
enum bus_received bus_receive(struct bus *bus, enum door door, struct request *request);

enum bus_sent {
    BUS_SENT,
    BUS_FULL, /* the peer does not read: try again later, or drop it */
    BUS_GONE
};

/* Sends one body to one peer, without waiting. */
enum bus_sent bus_send(struct bus *bus, enum door door, const struct peer *peer, struct slice body);

/* Publishes on the decisions socket; slow subscribers miss it. */
void bus_publish(struct bus *bus, struct slice topic, struct slice body);

#endif
