#include "inherit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

enum { TEXT_BYTES = 160 };

union address {
    struct sockaddr any;
    struct sockaddr_un un;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage storage;
};

/* Where a socket listens, written as an endpoint; every address of the machine is *. */
static bool describe(int fd, char text[TEXT_BYTES])
{
    union address address = {0};
    socklen_t len = sizeof(address);
    char host[INET6_ADDRSTRLEN] = "";

    if (getsockname(fd, &address.any, &len) != 0)
        return false;
    switch (address.any.sa_family) {
    case AF_UNIX:
        snprintf(text, TEXT_BYTES, "ipc://%.*s", (int)sizeof(address.un.sun_path), address.un.sun_path);
        return address.un.sun_path[0] != '\0';
    case AF_INET:
        inet_ntop(AF_INET, &address.v4.sin_addr, host, sizeof(host));
        snprintf(text, TEXT_BYTES, "tcp://%s:%u", address.v4.sin_addr.s_addr == INADDR_ANY ? "*" : host,
                 ntohs(address.v4.sin_port));
        return true;
    case AF_INET6:
        inet_ntop(AF_INET6, &address.v6.sin6_addr, host, sizeof(host));
        if (IN6_IS_ADDR_UNSPECIFIED(&address.v6.sin6_addr))
            snprintf(text, TEXT_BYTES, "tcp://*:%u", ntohs(address.v6.sin6_port));
        else
            snprintf(text, TEXT_BYTES, "tcp://[%s]:%u", host, ntohs(address.v6.sin6_port));
        return true;
    default:
        return false;
    }
}

/* The same endpoint in the settings' words: 0.0.0.0 and [::] are *, too, and an address of IPv6 may be written in many
 * ways. */
static void normalise(const char *endpoint, char text[TEXT_BYTES])
{
    const char *port = strrchr(endpoint, ':');
    char host[INET6_ADDRSTRLEN];
    struct in6_addr v6;

    snprintf(text, TEXT_BYTES, "%s", endpoint);
    if (strncmp(endpoint, "tcp://0.0.0.0:", 14) == 0)
        snprintf(text, TEXT_BYTES, "tcp://*%s", port);
    if (strncmp(endpoint, "tcp://[", 7) != 0 || (size_t)(port - endpoint - 8) >= sizeof(host))
        return;
    snprintf(host, sizeof(host), "%.*s", (int)(port - endpoint - 8), endpoint + 7);
    if (inet_pton(AF_INET6, host, &v6) != 1)
        return;
    inet_ntop(AF_INET6, &v6, host, sizeof(host));
    if (IN6_IS_ADDR_UNSPECIFIED(&v6))
        snprintf(text, TEXT_BYTES, "tcp://*%s", port);
    else
        snprintf(text, TEXT_BYTES, "tcp://[%s]%s", host, port);
}

/* The address of metrics is no endpoint of the protocol, and written without tcp://. */
static bool is_metrics(const struct settings *settings, const char *described)
{
    char endpoint[TEXT_BYTES];
    char text[TEXT_BYTES];

    if (!settings->metrics)
        return false;
    snprintf(endpoint, sizeof(endpoint), "tcp://%s", settings->metrics);
    normalise(endpoint, text);
    return strcmp(text, described) == 0;
}

static char *find_endpoint(const struct settings *settings, const char *described)
{
    char text[TEXT_BYTES];

    if (is_metrics(settings, described))
        return settings->metrics;
    for (int which = 0; which < SOCKET_COUNT; which++)
        for (size_t i = 0; i < settings->listen[which].count; i++) {
            char *endpoint = settings->listen[which].endpoints[i].address;
            normalise(endpoint, text);
            if (strcmp(text, described) == 0)
                return endpoint;
        }
    return NULL;
}

bool inherit(struct inherited *inherited, const struct settings *settings, char *reason, size_t reason_bytes)
{
    int n = sd_listen_fds(1);
    char text[TEXT_BYTES] = "a socket of an unknown kind";

    for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + n; fd++) {
        char *endpoint = describe(fd, text) ? find_endpoint(settings, text) : NULL;
        if (!endpoint || inherited->count == INHERITED_MAX) {
            snprintf(
                reason, reason_bytes,
                "%s: systemd listens there, but it is no endpoint of the configuration; put it into listen { }, or "
                "take it out of the socket unit",
                text);
            return false;
        }
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); /* else ZeroMQ's thread would hang in accept */
        inherited->endpoints[inherited->count] = endpoint;
        inherited->fds[inherited->count++] = fd;
    }
    return true;
}

static int find(const struct inherited *inherited, const char *endpoint)
{
    for (size_t i = 0; i < inherited->count; i++)
        if (strcmp(inherited->endpoints[i], endpoint) == 0)
            return inherited->fds[i];
    return -1;
}

bool inherited_has(const struct inherited *inherited, const char *endpoint)
{
    return find(inherited, endpoint) >= 0;
}

int inherited_dup(const struct inherited *inherited, const char *endpoint)
{
    int fd = find(inherited, endpoint);

    return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}
