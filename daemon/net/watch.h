/* Counts handshakes that come to nothing: who connects and is silent, and who speaks something else. ZeroMQ drops them
 * by itself, and nobody else would learn of it. */
#ifndef MODQD_WATCH_H
#define MODQD_WATCH_H

#include <stdbool.h>

#include "../work/counters.h"

struct watch;

/* NULL: out of memory. `context` is ZeroMQ's. */
struct watch *watch_new(void *context, struct counters *counters);

/* To be called for each socket before it is bound, and before watch_start. False: ZeroMQ says why. */
bool watch_socket(struct watch *watch, void *socket);

/* Starts the thread that counts. It must not stop before ZeroMQ does, whose own thread would wait for it. */
bool watch_start(struct watch *watch);

/* The thread ends when the context is terminated; which waits for it, if it was never started, for ever: so to be
 * called before that, and watch_free behind it. */
void watch_end(struct watch *watch);
void watch_free(struct watch *watch);

#endif
