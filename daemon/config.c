#include "config.h"

#include <arpa/inet.h>
#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../proto/fields.h"
#include "confuse_text.h"

enum { HEARTBEAT_MS = 5000, CREDIT_TIMEOUT_MS = 30000, EVENT_OVERHEAD_BYTES = 16384 };

/* libConfuse tells errors to a function without an argument of the caller's: this is where its words go. One
 * configuration is read at a time. */
static char *complaint;
static size_t complaint_bytes;

static void on_error(cfg_t *cfg, const char *format, va_list args)
{
    char text[384];

    vsnprintf(text, sizeof(text), format, args);
    snprintf(complaint, complaint_bytes, "%s:%d: %s", cfg->filename ? cfg->filename : "configuration", cfg->line, text);
}

const struct policy *settings_policy(const struct settings *settings, struct slice site)
{
    for (size_t i = 0; i < settings->site_count; i++)
        if (slice_is(site, settings->sites[i].name))
            return settings->sites[i].policy;
    return settings->policy;
}

/* An address written as a number: names and interfaces can mean anything. */
static bool is_loopback(const char *host, size_t len)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr address;

    if (len == 5 && memcmp(host, "[::1]", 5) == 0)
        return true;
    if (len >= sizeof(text))
        return false;
    memcpy(text, host, len);
    text[len] = '\0';
    return inet_pton(AF_INET, text, &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

/* A port that clients can be told: neither 0 nor *, which would make the system choose one. */
static bool is_port(const char *text)
{
    char *end;
    long port = strtol(text, &end, 10);

    return *text >= '1' && *text <= '9' && !*end && port <= 65535;
}

static bool tcp_allowed(const char *endpoint, char *reason, size_t reason_bytes)
{
    const char *host = endpoint + 6;
    const char *port = strrchr(host, ':');

    if (!port || !is_loopback(host, (size_t)(port - host)))
        snprintf(reason, reason_bytes,
                 "%s: this version has no authentication, so TCP is possible on loopback only (tcp://127.0.0.1:PORT or "
                 "tcp://[::1]:PORT); use ipc://PATH, or a tunnel",
                 endpoint);
    else if (!is_port(port + 1))
        snprintf(reason, reason_bytes, "%s: the port must be a number from 1 to 65535", endpoint);
    else
        return true;
    return false;
}

bool config_endpoint_allowed(const char *endpoint, char *reason, size_t reason_bytes)
{
    if (strncmp(endpoint, "ipc://", 6) == 0 && endpoint[6] && endpoint[6] != '@' && endpoint[6] != '*')
        return true;
    if (strncmp(endpoint, "tcp://", 6) == 0)
        return tcp_allowed(endpoint, reason, reason_bytes);
    snprintf(reason, reason_bytes, "%s: must be ipc://PATH or tcp://127.0.0.1:PORT", endpoint);
    return false;
}

static bool take_endpoint(cfg_t *listen, const char *name, const char *dir, char **endpoint, char *reason, size_t n)
{
    const char *given = listen ? cfg_getstr(listen, name) : NULL;
    char why[512];

    if (!given) {
        if (asprintf(endpoint, "ipc://%s/%s.sock", dir, name) >= 0)
            return true;
        snprintf(reason, n, "out of memory");
        return false;
    }
    if (!config_endpoint_allowed(given, why, sizeof(why))) {
        snprintf(reason, n, "listen.%s: %s", name, why);
        return false;
    }
    *endpoint = strdup(given);
    return *endpoint != NULL;
}

/* The last one that binds an ipc path has it alone, without anybody noticing. */
static bool check_endpoints_differ(const struct settings *s, char *reason, size_t n)
{
    const char *names[] = {"front", "push", "decisions", "desk"};
    const char *endpoints[] = {s->front, s->push, s->decisions, s->desk};

    for (int i = 1; i < 4; i++)
        for (int j = 0; j < i; j++)
            if (strcmp(endpoints[i], endpoints[j]) == 0) {
                snprintf(reason, n, "listen.%s and listen.%s are both %s; each socket needs an endpoint of its own",
                         names[j], names[i], endpoints[i]);
                return false;
            }
    return true;
}

static bool take_endpoints(struct settings *s, cfg_t *listen, char *reason, size_t n)
{
    return take_endpoint(listen, "front", s->dir, &s->front, reason, n) &&
           take_endpoint(listen, "push", s->dir, &s->push, reason, n) &&
           take_endpoint(listen, "decisions", s->dir, &s->decisions, reason, n) &&
           take_endpoint(listen, "desk", s->dir, &s->desk, reason, n) && check_endpoints_differ(s, reason, n);
}

static bool check_message(const struct limits *limits, char *reason, size_t n)
{
    int64_t event = limits->value[LIMIT_BODY_BYTES] + limits->value[LIMIT_EXTRA_BYTES] + EVENT_OVERHEAD_BYTES;

    if (event <= limits->value[LIMIT_MAX_MESSAGE_BYTES])
        return true;
    snprintf(reason, n,
             "limits.max_message_bytes: %lld is too little for one comment of body_bytes and extra_bytes; "
             "at least %lld are needed",
             (long long)limits->value[LIMIT_MAX_MESSAGE_BYTES], (long long)event);
    return false;
}

/* Where nearly all of the database is kept back, no comment is ever taken. */
static bool check_reserve(const struct limits *limits, char *reason, size_t n)
{
    int64_t reserve = limits->value[LIMIT_RESERVE_BYTES];

    if (reserve <= limits->value[LIMIT_DATABASE_BYTES] / 2)
        return true;
    snprintf(reason, n,
             "limits.reserve_bytes: %lld is more than half of database_bytes, %lld, and leaves too little for "
             "comments; lower it, or give database_bytes at least %lld",
             (long long)reserve, (long long)limits->value[LIMIT_DATABASE_BYTES], (long long)reserve * 2);
    return false;
}

/* Limits are kept as text by libConfuse's int, which is a long here: 64 bits. */
static bool take_limits(struct settings *s, cfg_t *section, char *reason, size_t n)
{
    for (int i = 0; section && i < LIMIT_COUNT; i++) {
        const struct limit_info *info = &limit_table[i];
        long value = cfg_getint(section, info->name);
        if (value < info->least || value > info->most) {
            snprintf(reason, n, "limits.%s: %ld is not between %lld and %lld", info->name, value,
                     (long long)info->least, (long long)info->most);
            return false;
        }
        s->limits.value[i] = value;
    }
    return check_message(&s->limits, reason, n) && check_reserve(&s->limits, reason, n);
}

static bool take_interval(cfg_t *cfg, const char *name, long least, long most, int64_t *value, char *reason, size_t n)
{
    *value = cfg_getint(cfg, name);
    if (*value >= least && *value <= most)
        return true;
    snprintf(reason, n, "%s: %lld is not between %ld and %ld", name, (long long)*value, least, most);
    return false;
}

static bool load_policy(const char *path, struct policy **policy, char *reason, size_t n)
{
    *policy =
        path ? policy_load(path, reason, n) : policy_load_text("the built-in policy", policy_default_text, reason, n);
    return *policy != NULL;
}

static bool take_site(struct settings *s, cfg_t *section, char *reason, size_t n)
{
    struct settings_site *site = &s->sites[s->site_count];
    const char *path = cfg_getstr(section, "policy");
    struct fault fault;

    if (!field_check_text(slice_of(cfg_title(section)), FIELD_NAME, 1, 64, NULL, NULL, &fault)) {
        snprintf(reason, n, "site \"%s\": this cannot be a site's name%s", cfg_title(section), fault.message);
        return false;
    }
    site->name = strdup(cfg_title(section));
    site->policy_path = path ? strdup(path) : NULL;
    s->site_count++;
    return load_policy(path ? path : s->policy_path, &site->policy, reason, n);
}

static bool take_sites(struct settings *s, cfg_t *cfg, char *reason, size_t n)
{
    unsigned count = cfg_size(cfg, "site");

    s->sites = calloc(count + 1, sizeof(*s->sites));
    for (unsigned i = 0; s->sites && i < count; i++)
        if (!take_site(s, cfg_getnsec(cfg, "site", i), reason, n))
            return false;
    return s->sites != NULL;
}

static bool take_all(struct settings *s, cfg_t *cfg, const char *dir, char *reason, size_t n)
{
    const char *given = dir ? dir : cfg_getstr(cfg, "dir");
    const char *policy = cfg_getstr(cfg, "policy");

    if (!given) {
        snprintf(reason, n, "no directory: give --dir DIR, or dir = \"...\" in the configuration");
        return false;
    }
    s->dir = strdup(given);
    s->policy_path = policy ? strdup(policy) : NULL;
    limits_default(&s->limits);
    return take_interval(cfg, "heartbeat_ms", 100, 60000, &s->heartbeat_ms, reason, n) &&
           take_interval(cfg, "credit_timeout_ms", 1000, 600000, &s->credit_timeout_ms, reason, n) &&
           take_endpoints(s, cfg_size(cfg, "listen") ? cfg_getsec(cfg, "listen") : NULL, reason, n) &&
           take_limits(s, cfg_size(cfg, "limits") ? cfg_getsec(cfg, "limits") : NULL, reason, n) &&
           load_policy(s->policy_path, &s->policy, reason, n) && take_sites(s, cfg, reason, n);
}

static bool parse(cfg_t *cfg, const char *path, char *reason, size_t n)
{
    char *text = confuse_text_read(path, reason, n);

    if (!text)
        return false;
    int unclosed = confuse_text_prepare(text);
    if (unclosed) {
        snprintf(reason, n, "%s:%d: a quote, brace or comment is opened here and never closed", path, unclosed);
        free(text);
        return false;
    }
    complaint = reason;
    complaint_bytes = n;
    snprintf(reason, n, "%s: cannot be read", path);
    cfg_set_error_function(cfg, on_error);
    cfg->filename = strdup(path);
    errno = 0;
    int r = cfg_parse_buf(cfg, text);
    free(text);
    return r == CFG_SUCCESS;
}

static struct settings *load(cfg_t *cfg, const char *dir, const char *path, char *reason, size_t n)
{
    struct settings *s = calloc(1, sizeof(*s));

    if (!s)
        snprintf(reason, n, "out of memory");
    else if ((!path || parse(cfg, path, reason, n)) && take_all(s, cfg, dir, reason, n))
        return s;
    config_free(s);
    return NULL;
}

struct settings *config_load(const char *dir, const char *path, char *reason, size_t reason_bytes)
{
    cfg_opt_t listen[] = {CFG_STR("front", NULL, CFGF_NODEFAULT), CFG_STR("push", NULL, CFGF_NODEFAULT),
                          CFG_STR("decisions", NULL, CFGF_NODEFAULT), CFG_STR("desk", NULL, CFGF_NODEFAULT), CFG_END()};
    cfg_opt_t limits[LIMIT_COUNT + 1] = {0};
    for (int i = 0; i < LIMIT_COUNT; i++)
        limits[i] = (cfg_opt_t)CFG_INT(limit_table[i].name, limit_table[i].value, CFGF_NONE);
    limits[LIMIT_COUNT] = (cfg_opt_t)CFG_END();
    cfg_opt_t site[] = {CFG_STR("policy", NULL, CFGF_NODEFAULT), CFG_END()};
    cfg_opt_t options[] = {CFG_STR("dir", NULL, CFGF_NODEFAULT),
                           CFG_STR("policy", NULL, CFGF_NODEFAULT),
                           CFG_INT("heartbeat_ms", HEARTBEAT_MS, CFGF_NONE),
                           CFG_INT("credit_timeout_ms", CREDIT_TIMEOUT_MS, CFGF_NONE),
                           CFG_SEC("listen", listen, CFGF_NODEFAULT),
                           CFG_SEC("limits", limits, CFGF_NODEFAULT),
                           CFG_SEC("site", site, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
                           CFG_END()};
    cfg_t *cfg = cfg_init(options, CFGF_NONE);
    struct settings *s = load(cfg, dir, path, reason, reason_bytes);
    cfg_free(cfg);
    return s;
}

void config_free(struct settings *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->site_count; i++) {
        free(s->sites[i].name);
        free(s->sites[i].policy_path);
        policy_free(s->sites[i].policy);
    }
    free(s->sites);
    policy_free(s->policy);
    free(s->policy_path);
    free(s->dir);
    free(s->front);
    free(s->push);
    free(s->decisions);
    free(s->desk);
    free(s);
}
