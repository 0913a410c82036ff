#include "config.h"

#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../proto/fields.h"
#include "config_listen.h"
#include "confuse_text.h"

enum { HEARTBEAT_MS = 5000, CREDIT_TIMEOUT_MS = 30000, EVENT_OVERHEAD_BYTES = 16384 };

/* libConfuse tells errors to a function without an argument of the caller's, and calls what it is given as text
 * "[buf]": this is where its words go, and the file's name. One configuration is read at a time. */
static char *complaint;
static size_t complaint_bytes;
static const char *complaint_file;

static void on_error(cfg_t *cfg, const char *format, va_list args)
{
    char text[384];

    vsnprintf(text, sizeof(text), format, args);
    snprintf(complaint, complaint_bytes, "%s:%d: %s", complaint_file, cfg->line, text);
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
        snprintf(reason, n, "site: \"%s\": this cannot be a site's name%s", cfg_title(section), fault.message);
        return false;
    }
    site->name = strdup(cfg_title(section));
    site->policy_path = path ? strdup(path) : NULL;
    site->search = cfg_size(section, "search") ? cfg_getbool(section, "search") : s->search;
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

static bool take_server(struct settings *s, cfg_t *cfg, char *reason, size_t n)
{
    const char *key = cfg_getstr(cfg, "server_key");
    const char *metrics = cfg_getstr(cfg, "metrics");

    if (metrics && !config_is_loopback_port(metrics)) {
        snprintf(reason, n,
                 "metrics: %s: must be an address of loopback and a port, such as 127.0.0.1:9469; for others put a "
                 "web server in front of it",
                 metrics);
        return false;
    }
    s->server_key_path = key ? strdup(key) : NULL;
    s->metrics = metrics ? strdup(metrics) : NULL;
    return true;
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
    s->insecure_loopback = cfg_getbool(cfg, "insecure_loopback");
    s->single_owner = cfg_getbool(cfg, "single_owner");
    s->audit_reads = cfg_getbool(cfg, "audit_reads");
    s->search = cfg_getbool(cfg, "search");
    limits_default(&s->limits);
    return take_interval(cfg, "heartbeat_ms", 100, 60000, &s->heartbeat_ms, reason, n) &&
           take_interval(cfg, "credit_timeout_ms", 1000, 600000, &s->credit_timeout_ms, reason, n) &&
           take_server(s, cfg, reason, n) &&
           config_listen_take(s, cfg_size(cfg, "listen") ? cfg_getsec(cfg, "listen") : NULL, reason, n) &&
           take_limits(s, cfg_size(cfg, "limits") ? cfg_getsec(cfg, "limits") : NULL, reason, n) &&
           load_policy(s->policy_path, &s->policy, reason, n) && take_sites(s, cfg, reason, n);
}

static bool parse(cfg_t *cfg, const char *name, char *text, char *reason, size_t n)
{
    int unclosed = confuse_text_prepare(text);

    if (unclosed) {
        snprintf(reason, n, "%s:%d: a quote, brace or comment is opened here and never closed", name, unclosed);
        return false;
    }
    complaint = reason;
    complaint_bytes = n;
    complaint_file = name;
    snprintf(reason, n, "%s: cannot be read", name);
    cfg_set_error_function(cfg, on_error);
    errno = 0;
    return cfg_parse_buf(cfg, text) == CFG_SUCCESS;
}

/* The line on which an option is given; 0 when it is not. Comments are blank in a prepared text. */
static int line_of(const char *text, const char *option, size_t len)
{
    int line = 1;

    for (const char *at = text; *at; line += *at++ == '\n') {
        bool begins = at == text || strchr(" \t\n{;", at[-1]);
        if (begins && strncmp(at, option, len) == 0 && strchr(" \t\n=+{\"", at[len]))
            return line;
    }
    return 0;
}

/* What libConfuse did not see wrong has no line: it is found by the option that the reason begins with, such as
 * "limits.streams: ". A reason that begins with something else, a policy's file, say, stays as it is. */
static void locate(const char *name, const char *text, char *reason, size_t n)
{
    size_t len = strspn(reason, "abcdefghijklmnopqrstuvwxyz_.");
    char copy[1024];

    if (!text || len == 0 || reason[len] != ':')
        return;
    snprintf(copy, sizeof(copy), "%s", reason);
    const char *option = copy;
    for (size_t i = 0; i < len; i++)
        if (copy[i] == '.')
            option = copy + i + 1;
    int line = line_of(text, option, len - (size_t)(option - copy));
    if (line)
        snprintf(reason, n, "%s:%d: %s", name, line, copy);
    else
        snprintf(reason, n, "%s: %s", name, copy);
}

static struct settings *load(cfg_t *cfg, const char *dir, const char *name, char *text, char *reason, size_t n)
{
    struct settings *s = calloc(1, sizeof(*s));

    if (!s)
        snprintf(reason, n, "out of memory");
    else if (!text || parse(cfg, name, text, reason, n)) {
        if (take_all(s, cfg, dir, reason, n))
            return s;
        locate(name, text, reason, n);
    }
    settings_free(s);
    return NULL;
}

/* `text` is changed; NULL: no file. */
static struct settings *load_prepared(const char *dir, const char *name, char *text, char *reason, size_t reason_bytes)
{
    cfg_opt_t listen[CONFIG_LISTEN_OPTIONS];
    config_listen_options(listen);
    cfg_opt_t limits[LIMIT_COUNT + 1] = {0};
    for (int i = 0; i < LIMIT_COUNT; i++)
        limits[i] = (cfg_opt_t)CFG_INT(limit_table[i].name, limit_table[i].value, CFGF_NONE);
    limits[LIMIT_COUNT] = (cfg_opt_t)CFG_END();
    cfg_opt_t site[] = {CFG_STR("policy", NULL, CFGF_NODEFAULT), CFG_BOOL("search", cfg_true, CFGF_NODEFAULT),
                        CFG_END()};
    cfg_opt_t options[] = {CFG_STR("dir", NULL, CFGF_NODEFAULT),
                           CFG_STR("policy", NULL, CFGF_NODEFAULT),
                           CFG_STR("server_key", NULL, CFGF_NODEFAULT),
                           CFG_STR("metrics", NULL, CFGF_NODEFAULT),
                           CFG_BOOL("insecure_loopback", cfg_false, CFGF_NONE),
                           CFG_BOOL("single_owner", cfg_false, CFGF_NONE),
                           CFG_BOOL("audit_reads", cfg_true, CFGF_NONE),
                           CFG_BOOL("search", cfg_true, CFGF_NONE),
                           CFG_INT("heartbeat_ms", HEARTBEAT_MS, CFGF_NONE),
                           CFG_INT("credit_timeout_ms", CREDIT_TIMEOUT_MS, CFGF_NONE),
                           CFG_SEC("listen", listen, CFGF_NODEFAULT),
                           CFG_SEC("limits", limits, CFGF_NODEFAULT),
                           CFG_SEC("site", site, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
                           CFG_END()};
    cfg_t *cfg = cfg_init(options, CFGF_NONE);
    struct settings *s = load(cfg, dir, name, text, reason, reason_bytes);
    cfg_free(cfg);
    return s;
}

struct settings *config_load(const char *dir, const char *path, char *reason, size_t reason_bytes)
{
    char *text = path ? confuse_text_read(path, reason, reason_bytes) : NULL;

    if (path && !text)
        return NULL;
    struct settings *s = load_prepared(dir, path, text, reason, reason_bytes);
    free(text);
    return s;
}

struct settings *config_load_text(const char *dir, const char *name, const char *text, char *reason,
                                  size_t reason_bytes)
{
    char *copy = strdup(text);

    if (!copy) {
        snprintf(reason, reason_bytes, "out of memory");
        return NULL;
    }
    struct settings *s = load_prepared(dir, name, copy, reason, reason_bytes);
    free(copy);
    return s;
}
