/* What the configuration says. Read-only once the daemon runs; a reload makes another one. */
#ifndef MODQD_SETTINGS_H
#define MODQD_SETTINGS_H

#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "../../proto/limits.h"
#include "../policy/policy.h"

struct settings_site {
    char *name;
    char *policy_path;
    struct policy *policy;
    bool search;
};

/* The four sockets of the protocol. */
enum settings_socket { SOCKET_FRONT, SOCKET_PUSH, SOCKET_DECISIONS, SOCKET_DESK, SOCKET_COUNT };

enum { ENDPOINTS_MAX = 4 };

enum endpoint_kind {
    ENDPOINT_IPC,
    ENDPOINT_CURVE, /* TCP, to known keys only */
    ENDPOINT_OPEN   /* TCP on loopback without authentication */
};

struct settings_endpoint {
    char *address; /* "ipc://PATH" or "tcp://ADDRESS:PORT" */
    enum endpoint_kind kind;
};

struct settings_listen {
    struct settings_endpoint endpoints[ENDPOINTS_MAX];
    size_t count;     /* 0: not bound */
    char *group;      /* of ipc sockets; NULL: the daemon's own */
    mode_t mode;      /* of ipc sockets */
    bool listed_only; /* over ipc only root, the daemon's own user and users with a key of their own */
};

struct settings {
    char *dir;
    char *server_key_path; /* NULL: where the daemon looks by itself */
    bool insecure_loopback, single_owner;
    bool audit_reads; /* what is only read at the desk leaves an event, too */
    bool search;      /* texts are searched, of sites that say nothing else */
    char *metrics;    /* "127.0.0.1:9469"; NULL: none */
    struct settings_listen listen[SOCKET_COUNT];
    int64_t heartbeat_ms, credit_timeout_ms;
    struct limits limits;
    char *policy_path; /* NULL: the one compiled in */
    struct policy *policy;
    struct settings_site *sites;
    size_t site_count;
};

extern const char *const settings_socket_names[SOCKET_COUNT]; /* "front", ... */

/* True when any socket has an endpoint of that kind. */
bool settings_has(const struct settings *settings, enum endpoint_kind kind);

/* Names of the settings that differ and that a running daemon cannot take over, at most `most`. Returns how many. */
size_t settings_restart_needed(const struct settings *old, const struct settings *fresh, const char **names,
                               size_t most);

/* Gives *fresh the values of *running wherever a running daemon cannot take others over, so that it says what is in
 * force. False when there is no memory. */
bool settings_keep_running(struct settings *fresh, const struct settings *running);

void settings_free(struct settings *settings); /* NULL: nothing */

/* Whether the texts of a site are searched; of every site; and a number that is another one whenever the answer for any
 * site is another. */
bool settings_searched(const struct settings *settings, struct slice site);
bool settings_search_all(const struct settings *settings);
int64_t settings_search_number(const struct settings *settings);

/* The policy that a site decides by. Never NULL. */
const struct policy *settings_policy(const struct settings *settings, struct slice site);

#endif
