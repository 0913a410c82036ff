/* Files that are locked as long as the daemon lives: one daemon a directory, and one a socket. */
#ifndef MODQD_LOCK_H
#define MODQD_LOCK_H

#include "net/inherit.h"

enum { LOCKS_MAX = 1 + INHERITED_MAX };

/* Open until the process ends, which gives them back. */
struct locks {
    int fds[LOCKS_MAX];
    int count;
};

/* Makes the directory when it is not there. False with the reason: who has it. */
bool lock_directory(struct locks *locks, const char *dir, char *reason, size_t reason_bytes);

/* The paths of all ipc sockets that were not handed over: ZeroMQ would take one from another daemon, and nobody would
 * notice. */
bool lock_sockets(struct locks *locks, const struct settings *settings, const struct inherited *inherited, char *reason,
                  size_t reason_bytes);

#endif
