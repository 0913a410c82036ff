#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { BACKLOG = 32, HOST_BYTES = 64 };

union socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Splits "HOST:PORT", "[HOST]:PORT" or, with an absent port, "HOST" and "[HOST]"; host goes without its brackets. False
 * when it is none of them. */
static bool split(const char *text, char host[HOST_BYTES], const char **port)
{
    bool brackets = *text == '[';
    const char *from = text + brackets;
    size_t len = strcspn(from, brackets ? "]" : ":");
    const char *rest = from + len;

    if (len == 0 || len >= HOST_BYTES || (brackets && *rest++ != ']') || (*rest && *rest != ':'))
        return false;
    memcpy(host, from, len);
    host[len] = '\0';
    *port = *rest ? rest + 1 : NULL;
    return true;
}

static bool take_port(const char *text, in_port_t *port)
{
    size_t digits = text ? strspn(text, "0123456789") : 0;
    long number = digits > 0 && digits <= 5 && !text[digits] ? strtol(text, NULL, 10) : -1;

    *port = htons((uint16_t)number);
    return number >= 0 && number <= 65535;
}

static bool resolve(const char *text, union socket_address *address, socklen_t *len)
{
    char host[HOST_BYTES];
    const char *port;
    in_port_t number;

    if (!split(text, host, &port) || !take_port(port, &number))
        return false;
    memset(address, 0, sizeof(*address));
    if (*text != '[' && inet_pton(AF_INET, host, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = number;
        *len = sizeof(address->v4);
        return ntohl(address->v4.sin_addr.s_addr) >> 24 == 127;
    }
    if (*text != '[' || inet_pton(AF_INET6, host, &address->v6.sin6_addr) != 1)
        return false;
    address->v6.sin6_family = AF_INET6;
    address->v6.sin6_port = number;
    *len = sizeof(address->v6);
    return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
}

int address_listen(const char *address, char *reason, size_t reason_bytes)
{
    union socket_address at;
    socklen_t len;
    int one = 1;

    if (!resolve(address, &at, &len)) {
        snprintf(reason, reason_bytes, "metrics: %s: must be a loopback address and a port, such as 127.0.0.1:9469",
                 address);
        return -1;
    }
    int fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 && bind(fd, &at.any, len) == 0 &&
        listen(fd, BACKLOG) == 0)
        return fd;
    /* where systemd forbids sockets of the Internet (RestrictAddressFamilies=) */
    snprintf(reason, reason_bytes, "metrics: %s: %s", address,
             errno == EAFNOSUPPORT ? "systemd has to listen there; put the address into the socket unit (ListenStream=)"
                                   : strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

uint16_t address_port(int fd)
{
    union socket_address at;
    socklen_t len = sizeof(at);

    memset(&at, 0, sizeof(at));
    getsockname(fd, &at.any, &len);
    return ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
}

bool address_is_ours(const char *host)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    char name[HOST_BYTES];
    const char *port;
    in_port_t number;

    if (!split(host, name, &port) || (port && !take_port(port, &number)))
        return false;
    if (*host == '[')
        return inet_pton(AF_INET6, name, bytes) == 1;
    return inet_pton(AF_INET, name, bytes) == 1 || strcasecmp(name, "localhost") == 0;
}
