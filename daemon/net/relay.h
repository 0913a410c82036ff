/* The decisions socket, in a thread of its own: a subscriber that comes or goes with 300,000 subscriptions keeps a PUB
 * socket busy for seconds, and that must not delay anybody else. */
#ifndef MODQD_RELAY_H
#define MODQD_RELAY_H

#include "gate.h"

struct relay;

/* Binds the gates of the decisions socket and starts the thread; the context stays good and unchanged until relay_stop.
 * NULL with the reason. */
struct relay *relay_start(const struct gate_context *context);

/* Publishes; slow subscribers miss it. */
void relay_publish(struct relay *relay, struct slice topic, struct slice body);

/* Parts from all subscribers over TCP; those that may come back do so by themselves. False when the queue is full. */
bool relay_rebind(struct relay *relay);

/* False when the thread does not end in time: libzmq walks through every subscription for every subscriber that left,
 * and thousands of both can keep it busy for minutes. ZeroMQ's context would wait for it then. */
bool relay_stop(struct relay *relay);

#endif
