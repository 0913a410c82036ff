/* The sockets of ZeroMQ, and nothing else of the daemon touches ZeroMQ but the files beside this one that it is made
 * of: gate.c (a socket is made and bound), relay.c (the decisions), zap.c (who may connect), accept.c, server_key.c.
 *
 * One thread uses a bus. Facts about libzmq 4.3.4 that shaped it stand in docs/architecture.md, "Sockets". */
#ifndef MODQD_BUS_H
#define MODQD_BUS_H

#include "../work/access.h"
#include "../work/request.h"
#include "../work/settings.h"
#include "inherit.h"
#include "server_key.h"

struct bus;

/* Binds what the settings name; everything is borrowed and must live as long as the bus. NULL with the reason. */
struct bus *bus_open(const struct settings *settings, const struct inherited *inherited,
                     const struct server_key *server_key, struct counters *counters, char *reason, size_t reason_bytes);

/* Closes after what was sent has left, or after `linger_ms`. The process should end then: a thread of libzmq that
 * cannot be ended in time is left behind. */
void bus_close(struct bus *bus, int linger_ms);

/* The gates that requests come in by: 0 to bus_gates() - 1. */
size_t bus_gates(const struct bus *bus);
enum door bus_door(const struct bus *bus, size_t gate);
void *bus_socket(const struct bus *bus, size_t gate); /* for zmq_poll */

enum bus_received {
    BUS_MESSAGE, /* request->body, ->peer and ->door are filled in; a body of 0 bytes means: not one frame */
    BUS_NOTHING, /* nothing is there */
    BUS_DROPPED  /* something came that cannot be answered */
};

/* Takes the next message of a gate, without waiting. */
enum bus_received bus_receive(struct bus *bus, size_t gate, struct request *request);

enum bus_sent {
    BUS_SENT,
    BUS_FULL, /* the peer does not read: try again later, or drop it */
    BUS_GONE
};

/* Sends one body to one peer, without waiting. */
enum bus_sent bus_send(struct bus *bus, const struct peer *peer, struct slice body);

/* Publishes on the decisions socket; slow subscribers miss it. */
void bus_publish(struct bus *bus, struct slice topic, struct slice body);

/* Parts from all subscribers over TCP, so that one whose key was revoked hears no more; the others come back. False
 * when too much waits for the thread of the decisions: try again. */
bool bus_drop_subscribers(struct bus *bus);

/* The socket where connecting peers are asked for, for zmq_poll; NULL when there is no CURVE endpoint. */
void *bus_zap_socket(const struct bus *bus);

/* Answers whether connecting peers may, at most `most` of them. Returns how many. */
int bus_zap_answer(struct bus *bus, const struct access *access, struct counters *counters, int64_t now_ms, int most);

#endif
