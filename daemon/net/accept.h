/* How many connections there may be, and from one address: looked at before ZeroMQ sees a connection. */
#ifndef MODQD_ACCEPT_H
#define MODQD_ACCEPT_H

#include <stdint.h>

enum { DESCRIPTORS_MAX = 131072 };

/* `most` connections of all kinds, and a few more over ipc, so that whoever is on the machine gets in when strangers
 * have taken all others; `most_an_address` from one IPv4 address or one /64 of IPv6. To be called when all other
 * descriptors of the daemon are open; and again, when the limits are others. */
void accept_limit(int64_t most, int64_t most_an_address);

/* Connections that `listener` takes in are none of those: libmicrohttpd calls accept4, too, bounds them by itself, and
 * must be reachable when everything else is full. One listener; before it accepts. */
void accept_exempt(int listener);

/* Connections since the start: those that were closed at once, and those that ZeroMQ got. */
int64_t accept_refused(void);
int64_t accept_taken(void);

#endif
