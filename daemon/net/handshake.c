#include "handshake.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>

#include "accept.h"

/* libzmq calls recv and send, and the dynamic linker takes these for them as well, as it takes our accept4.
 *
 * libzmq gathers a whole frame before it looks what is in it, also while the handshake is under way: with
 * ZMQ_MAXMSGSIZE alone everybody who can connect could hold max_message_bytes on each connection, and all of them
 * together more than the daemon's memory may be. The handshake of a peer takes some hundred bytes.
 *
 * When it is over can be seen on the connection itself: the daemon sends its greeting and WELCOME, and then either
 * ERROR or READY; so it has let the peer in when it has said more than the first three. A client sends no message
 * before it has READY.
 *
 * Only ZeroMQ's one thread reads and writes its connections, so the tables need no lock; others are not concerned. */

enum {
    HEARD_MOST = 4096, /* greeting, HELLO, and INITIATE with the peer's properties */
    GREETING_BYTES = 64,
    MECHANISM_AT = 12, /* in the greeting */
    WELCOME_BYTES = 2 + 168,
    ERROR_BYTES = 2 + 10,
    SAID_TO_STRANGERS = GREETING_BYTES + WELCOME_BYTES + ERROR_BYTES
};

static int left[DESCRIPTORS_MAX]; /* bytes that may still be heard, and one; 0: as many as there are */
static int said[DESCRIPTORS_MAX];
static _Thread_local bool is_zeromq;

void handshake_begin(int fd, bool stranger)
{
    is_zeromq = true;
    said[fd] = 0;
    left[fd] = stranger ? HEARD_MOST + 1 : 0;
}

static int bound_of(int fd)
{
    return is_zeromq && fd >= 0 && fd < DESCRIPTORS_MAX ? left[fd] : 0;
}

ssize_t recv(int fd, void *buf, size_t n, int flags)
{
    int bound = bound_of(fd);
    size_t most = bound ? (size_t)bound - 1 : n;

    if (bound == 1) {
        errno = EMSGSIZE; /* ends the connection; watch.c knows it by this */
        return -1;
    }
    ssize_t heard = recvfrom(fd, buf, n < most ? n : most, flags, NULL, NULL);
    if (bound && heard > 0)
        left[fd] = bound - (int)heard;
    return heard;
}

static void note_said(int fd, const char *data, size_t len)
{
    size_t before = (size_t)said[fd];
    size_t after = before + len;
    bool names_mechanism = before <= MECHANISM_AT && after > MECHANISM_AT;

    if (after > SAID_TO_STRANGERS || (names_mechanism && data[MECHANISM_AT - before] != 'C'))
        left[fd] = 0;
    else
        said[fd] = (int)after;
}

ssize_t send(int fd, const void *buf, size_t n, int flags)
{
    ssize_t sent = sendto(fd, buf, n, flags, NULL, 0);

    if (sent > 0 && bound_of(fd))
        note_said(fd, buf, (size_t)sent);
    return sent;
}
