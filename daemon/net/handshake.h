/* What a stranger may send before CURVE has let them in. */
#ifndef MODQD_HANDSHAKE_H
#define MODQD_HANDSHAKE_H

#include <stdbool.h>

/* A connection was taken in, by ZeroMQ's thread. A stranger's is heard for a few thousand bytes only, until CURVE has
 * let its peer in; unless its endpoint turns out to be one without CURVE. */
void handshake_begin(int fd, bool stranger);

#endif
