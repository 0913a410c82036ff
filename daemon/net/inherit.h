/* Listening sockets that systemd made and handed over (sd_listen_fds(3)). */
#ifndef MODQD_INHERIT_H
#define MODQD_INHERIT_H

#include "../work/settings.h"

enum { INHERITED_MAX = SOCKET_COUNT * ENDPOINTS_MAX + 1 /* metrics */ };

struct inherited {
    int fds[INHERITED_MAX];
    char *endpoints[INHERITED_MAX]; /* what each is called in the settings; borrowed from them */
    size_t count;
};

/* Takes what was handed over, if anything was. False with the reason when a socket is none of the settings' endpoints:
 * nobody would ever accept its connections. The descriptors stay open until the process ends. */
bool inherit(struct inherited *inherited, const struct settings *settings, char *reason, size_t reason_bytes);

bool inherited_has(const struct inherited *inherited, const char *endpoint);

/* A new descriptor of the listening socket for this endpoint; the caller's. -1: it was not handed over. */
int inherited_dup(const struct inherited *inherited, const char *endpoint);

#endif
