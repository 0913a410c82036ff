#include "accept.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "handshake.h"

/* libzmq calls accept4, and the dynamic linker takes this one for it as well. It is replaced for two reasons.
 *
 * 1. libzmq 4.3.4 ends the process when accept4 on an ipc listener says EMFILE (src/ipc_listener.cpp asserts on all
 *    errors but a few): whoever may connect could end the daemon. ENFILE is one of the few, and means the same to it.
 * 2. libzmq has no limit of connections. The kernel gives the lowest free descriptor, so the number of a new one says
 *    how many are open; and who has them is remembered by descriptor, so that one address cannot take them all.
 *
 * Only ZeroMQ's one thread accepts, but for one exempt listener, so its table needs no lock. */

enum { LOCAL_RESERVE = 64, LOOK_EVERY_MS = 100 };

static _Atomic int64_t highest = DESCRIPTORS_MAX;
static _Atomic int64_t most_of_one = DESCRIPTORS_MAX;
static _Atomic int64_t refused;
static _Atomic int64_t taken;
static _Atomic int exempt = -1;

static atomic_bool accepted_here[DESCRIPTORS_MAX]; /* by descriptor: it was a connection, once at least */
static uint64_t owners[DESCRIPTORS_MAX];           /* by descriptor; 0: none, or over ipc */
static int top;                                    /* descriptors from here on were never used */
static int64_t looked_at;

/* Descriptors of the daemon itself: those below the lowest free one, but for connections that were accepted already. */
static int64_t count_own(void)
{
    int free_one = dup(STDERR_FILENO);
    int64_t own = free_one < 0 ? LOCAL_RESERVE : 0;

    for (int fd = 0; fd < free_one && fd < DESCRIPTORS_MAX; fd++)
        own += !accepted_here[fd];
    if (free_one >= 0)
        close(free_one);
    return own;
}

void accept_limit(int64_t most, int64_t most_an_address)
{
    static int64_t own;

    if (!own)
        own = count_own();
    atomic_store(&highest, most + own < DESCRIPTORS_MAX ? most + own : DESCRIPTORS_MAX);
    atomic_store(&most_of_one, most_an_address);
}

void accept_exempt(int listener)
{
    atomic_store(&exempt, listener);
}

int64_t accept_refused(void)
{
    return atomic_load(&refused);
}

int64_t accept_taken(void)
{
    return atomic_load(&taken);
}

/* An IPv4 address, or the network part of an IPv6 one; never 0. Of an IPv4 address in IPv6's clothes the former. */
static uint64_t owner_of(const struct sockaddr *address)
{
    uint64_t prefix;

    if (address->sa_family == AF_INET)
        return UINT64_C(1) << 32 | ((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr;
    if (address->sa_family != AF_INET6)
        return 0;
    const struct sockaddr_in6 *v6 = (const void *)address;
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
        uint32_t v4;
        memcpy(&v4, &v6->sin6_addr.s6_addr[12], sizeof(v4));
        return UINT64_C(1) << 32 | v4;
    }
    memcpy(&prefix, v6->sin6_addr.s6_addr, sizeof(prefix));
    return prefix ? prefix : 1;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Descriptors of connections that have ended since are forgotten. */
static int64_t count(uint64_t owner, bool look)
{
    struct sockaddr_storage address = {0};
    int64_t n = 0;

    for (int fd = 0; fd < top; fd++) {
        socklen_t len = sizeof(address);
        if (owners[fd] != owner)
            continue;
        if (look &&
            (getpeername(fd, (struct sockaddr *)&address, &len) != 0 || owner_of((struct sockaddr *)&address) != owner))
            owners[fd] = 0;
        else
            n++;
    }
    return n;
}

static bool has_too_many(uint64_t owner)
{
    int64_t most = atomic_load(&most_of_one);
    int64_t now = now_ms();

    if (count(owner, false) < most)
        return false;
    if (now - looked_at < LOOK_EVERY_MS)
        return true;
    looked_at = now;
    return count(owner, true) >= most;
}

static bool may_stay(int fd, uint64_t owner)
{
    int64_t limit = atomic_load(&highest) + (owner ? 0 : LOCAL_RESERVE);

    if (fd >= limit || fd >= DESCRIPTORS_MAX)
        return false;
    owners[fd] = 0;
    if (owner && has_too_many(owner))
        return false;
    owners[fd] = owner;
    accepted_here[fd] = true;
    if (fd >= top)
        top = fd + 1;
    return true;
}

int accept4(int fd, struct sockaddr *addr, socklen_t *addr_len, int flags)
{
    struct sockaddr_storage peer = {0};
    socklen_t peer_len = sizeof(peer);

    if (fd == atomic_load(&exempt))
        return (int)syscall(SYS_accept4, fd, addr, addr_len, flags);
    int accepted = (int)syscall(SYS_accept4, fd, &peer, &peer_len, flags);

    if (accepted < 0 && errno == EMFILE) {
        /* The listener is readable still and will ask again at once: not faster than this. */
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        errno = ENFILE;
    }
    if (accepted < 0)
        return accepted;
    uint64_t owner = owner_of((struct sockaddr *)&peer);
    if (!may_stay(accepted, owner)) {
        close(accepted);
        atomic_fetch_add(&refused, 1);
        errno = ECONNABORTED; /* as if the peer had thought better of it */
        return -1;
    }
    atomic_fetch_add(&taken, 1);
    handshake_begin(accepted, owner != 0);
    if (addr && addr_len) {
        memcpy(addr, &peer, *addr_len < peer_len ? *addr_len : peer_len);
        *addr_len = peer_len;
    }
    return accepted;
}
