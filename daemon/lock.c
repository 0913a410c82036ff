#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

enum { PATH_BYTES = 4200 };

/* Says who has the lock on `fd`, as that one wrote it. */
static void blame_owner(int fd, const char *what, const char *does, char *reason, size_t n)
{
    char owner[32] = "";

    if (read(fd, owner, sizeof(owner) - 1) <= 0)
        owner[0] = '\0';
    owner[strcspn(owner, "\n")] = '\0';
    if (strtol(owner, NULL, 10) == (long)getpid())
        snprintf(reason, n, "%s: two sockets cannot have the same path", what);
    else
        snprintf(reason, n, "%s: another modqd (process %s) %s; stop it first", what, owner, does);
}

/* Locks the file `path`, making it when it is not there. */
static bool lock_file(struct locks *locks, const char *path, const char *what, const char *does, char *reason, size_t n)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0) {
        snprintf(reason, n, "%s: cannot be opened: %s", path, strerror(errno));
        return false;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        blame_owner(fd, what, does, reason, n);
        close(fd);
        return false;
    }
    if (ftruncate(fd, 0) != 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0)
        log_warning("%s: cannot be written: %s", path, strerror(errno));
    locks->fds[locks->count++] = fd;
    return true;
}

bool lock_directory(struct locks *locks, const char *dir, char *reason, size_t reason_bytes)
{
    char path[PATH_BYTES];

    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        snprintf(reason, reason_bytes, "%s: cannot be made: %s", dir, strerror(errno));
        return false;
    }
    snprintf(path, sizeof(path), "%s/modqd.lock", dir);
    return lock_file(locks, path, dir, "works in this directory", reason, reason_bytes);
}

static bool lock_socket(struct locks *locks, const struct settings_endpoint *endpoint,
                        const struct inherited *inherited, char *reason, size_t n)
{
    char path[PATH_BYTES];

    if (endpoint->kind != ENDPOINT_IPC || inherited_has(inherited, endpoint->address))
        return true; /* systemd's own: nobody else can take its path */
    snprintf(path, sizeof(path), "%s.lock", endpoint->address + strlen("ipc://"));
    return lock_file(locks, path, endpoint->address, "listens there", reason, n);
}

bool lock_sockets(struct locks *locks, const struct settings *settings, const struct inherited *inherited, char *reason,
                  size_t reason_bytes)
{
    for (int which = 0; which < SOCKET_COUNT; which++) {
        const struct settings_listen *listen = &settings->listen[which];
        for (size_t i = 0; i < listen->count; i++)
            if (!lock_socket(locks, &listen->endpoints[i], inherited, reason, reason_bytes))
                return false;
    }
    return true;
}
