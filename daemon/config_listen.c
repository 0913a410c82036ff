#include "config_listen.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MODE_DEFAULT = 0600, MODE_SHARED = 0660, NAME_MAX_BYTES = 32 };

/* front, front_group, front_mode, front_local, push, ...: libConfuse keeps the pointers. */
static char names[SOCKET_COUNT][4][NAME_MAX_BYTES];

void config_listen_options(cfg_opt_t options[CONFIG_LISTEN_OPTIONS])
{
    static const char *const suffixes[] = {"", "_group", "_mode", "_local"};

    for (int i = 0; i < SOCKET_COUNT; i++)
        for (int j = 0; j < 4; j++) {
            char *name = names[i][j];
            snprintf(name, NAME_MAX_BYTES, "%s%s", settings_socket_names[i], suffixes[j]);
            options[4 * i + j] = j == 0 ? (cfg_opt_t)CFG_STR_LIST(name, NULL, CFGF_NODEFAULT)
                                        : (cfg_opt_t)CFG_STR(name, NULL, CFGF_NODEFAULT);
        }
    options[4 * SOCKET_COUNT] = (cfg_opt_t)CFG_END();
}

enum reach { REACH_BAD, REACH_LOOPBACK, REACH_NETWORK };

/* An address written as a number, or * for all of them: names and interfaces can mean anything. */
static enum reach reach_of(const char *host, size_t len)
{
    char text[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;
    bool brackets = len > 2 && host[0] == '[' && host[len - 1] == ']';

    if (len == 1 && *host == '*')
        return REACH_NETWORK;
    host += brackets;
    len -= brackets ? 2 : 0;
    if (len >= sizeof(text))
        return REACH_BAD;
    memcpy(text, host, len);
    text[len] = '\0';
    if (brackets && inet_pton(AF_INET6, text, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6) ? REACH_LOOPBACK : REACH_NETWORK;
    if (!brackets && inet_pton(AF_INET, text, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127 ? REACH_LOOPBACK : REACH_NETWORK;
    return REACH_BAD;
}

/* A port that clients can be told: neither 0 nor *, which would make the system choose one. */
static bool is_port(const char *text)
{
    char *end;
    long port = strtol(text, &end, 10);

    return *text >= '1' && *text <= '9' && !*end && port <= 65535;
}

static enum reach reach_of_port(const char *text)
{
    const char *port = strrchr(text, ':');

    return port && is_port(port + 1) ? reach_of(text, (size_t)(port - text)) : REACH_BAD;
}

bool config_is_loopback_port(const char *text)
{
    return reach_of_port(text) == REACH_LOOPBACK;
}

bool config_endpoint_kind(const char *address, bool insecure_loopback, enum endpoint_kind *kind, char *reason,
                          size_t reason_bytes)
{
    if (strncmp(address, "ipc://", 6) == 0 && address[6] && address[6] != '@' && address[6] != '*') {
        *kind = ENDPOINT_IPC;
        return true;
    }
    if (strncmp(address, "tcp://", 6) != 0) {
        snprintf(reason, reason_bytes, "%s: must be ipc://PATH, tcp://ADDRESS:PORT or none", address);
        return false;
    }
    enum reach reach = reach_of_port(address + 6);
    *kind = reach == REACH_LOOPBACK && insecure_loopback ? ENDPOINT_OPEN : ENDPOINT_CURVE;
    if (reach == REACH_BAD)
        snprintf(reason, reason_bytes,
                 "%s: must be tcp://ADDRESS:PORT with a number as address (or *) and a port from 1 to 65535", address);
    return reach != REACH_BAD;
}

/* One of several errors of this section. */
static bool wrong(char *reason, size_t n, enum settings_socket which, const char *suffix, const char *what)
{
    snprintf(reason, n, "listen.%s%s: %s", settings_socket_names[which], suffix, what);
    return false;
}

static bool add_endpoint(struct settings *s, enum settings_socket which, const char *address, char *reason, size_t n)
{
    struct settings_listen *listen = &s->listen[which];
    struct settings_endpoint *endpoint = &listen->endpoints[listen->count];
    char why[512];

    if (listen->count == ENDPOINTS_MAX)
        return wrong(reason, n, which, "", "at most 4 endpoints are possible");
    if (!config_endpoint_kind(address, s->insecure_loopback, &endpoint->kind, why, sizeof(why)))
        return wrong(reason, n, which, "", why);
    if (which == SOCKET_DECISIONS && endpoint->kind != ENDPOINT_IPC && !s->single_owner)
        return wrong(reason, n, which, "",
                     "whoever may connect there hears the decisions of every site: possible on TCP only with "
                     "single_owner = true; use stream on the front socket instead");
    endpoint->address = strdup(address);
    listen->count += endpoint->address != NULL;
    return endpoint->address != NULL;
}

static bool add_default(struct settings *s, enum settings_socket which, char *reason, size_t n)
{
    char address[4200];

    snprintf(address, sizeof(address), "ipc://%s/%s.sock", s->dir, settings_socket_names[which]);
    return add_endpoint(s, which, address, reason, n);
}

static bool take_endpoints(struct settings *s, enum settings_socket which, cfg_t *section, char *reason, size_t n)
{
    const char *name = settings_socket_names[which];
    unsigned count = section ? cfg_size(section, name) : 0;

    if (count == 0)
        return add_default(s, which, reason, n);
    if (count == 1 && strcmp(cfg_getnstr(section, name, 0), "none") == 0)
        return which != SOCKET_DESK || wrong(reason, n, which, "", "the desk cannot be left out");
    for (unsigned i = 0; i < count; i++)
        if (!add_endpoint(s, which, cfg_getnstr(section, name, i), reason, n))
            return false;
    return true;
}

static const char *text_of(cfg_t *section, enum settings_socket which, int suffix)
{
    return section ? cfg_getstr(section, names[which][suffix]) : NULL;
}

static bool take_access(struct settings *s, enum settings_socket which, cfg_t *section, char *reason, size_t n)
{
    struct settings_listen *listen = &s->listen[which];
    const char *group = text_of(section, which, 1);
    const char *mode = text_of(section, which, 2);
    const char *local = text_of(section, which, 3);
    bool shared = mode && strcmp(mode, "0660") == 0;

    listen->mode = shared ? MODE_SHARED : MODE_DEFAULT;
    if (mode && !shared && strcmp(mode, "0600") != 0)
        return wrong(reason, n, which, "_mode",
                     "must be \"0600\" or \"0660\": everybody on the machine may never open a socket; use a group");
    listen->listed_only = local && strcmp(local, "listed") == 0;
    if (local && !listen->listed_only && strcmp(local, "all") != 0)
        return wrong(reason, n, which, "_local", "must be \"all\" or \"listed\"");
    listen->group = group ? strdup(group) : NULL;
    return !group || listen->group;
}

static bool is_endpoint_of(const struct settings_listen *listen, const char *address, size_t before)
{
    for (size_t i = 0; i < before; i++)
        if (strcmp(listen->endpoints[i].address, address) == 0)
            return true;
    return false;
}

/* The last one that binds an ipc path has it alone, without anybody noticing. */
static bool check_alone(const struct settings *s, enum settings_socket which, size_t i, char *reason, size_t n)
{
    const char *address = s->listen[which].endpoints[i].address;

    for (int other = 0; other <= (int)which; other++) {
        const struct settings_listen *listen = &s->listen[other];
        if (!is_endpoint_of(listen, address, other == (int)which ? i : listen->count))
            continue;
        snprintf(reason, n, "listen.%s and listen.%s are both %s; each socket needs an endpoint of its own",
                 settings_socket_names[other], settings_socket_names[which], address);
        return false;
    }
    return true;
}

static bool check_differ(const struct settings *s, char *reason, size_t n)
{
    for (int which = 0; which < SOCKET_COUNT; which++)
        for (size_t i = 0; i < s->listen[which].count; i++)
            if (!check_alone(s, (enum settings_socket)which, i, reason, n))
                return false;
    return true;
}

bool config_listen_take(struct settings *settings, cfg_t *section, char *reason, size_t reason_bytes)
{
    for (int which = 0; which < SOCKET_COUNT; which++)
        if (!take_endpoints(settings, (enum settings_socket)which, section, reason, reason_bytes) ||
            !take_access(settings, (enum settings_socket)which, section, reason, reason_bytes))
            return false;
    return check_differ(settings, reason, reason_bytes);
}
