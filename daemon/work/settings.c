#include "settings.h"

#include <stdlib.h>

#include "../core/hash.h"

const char *const settings_socket_names[SOCKET_COUNT] = {"front", "push", "decisions", "desk"};

bool settings_has(const struct settings *settings, enum endpoint_kind kind)
{
    for (int which = 0; which < SOCKET_COUNT; which++)
        for (size_t i = 0; i < settings->listen[which].count; i++)
            if (settings->listen[which].endpoints[i].kind == kind)
                return true;
    return false;
}

const struct policy *settings_policy(const struct settings *settings, struct slice site)
{
    for (size_t i = 0; i < settings->site_count; i++)
        if (slice_is(site, settings->sites[i].name))
            return settings->sites[i].policy;
    return settings->policy;
}

bool settings_searched(const struct settings *settings, struct slice site)
{
    for (size_t i = 0; i < settings->site_count; i++)
        if (slice_is(site, settings->sites[i].name))
            return settings->sites[i].search;
    return settings->search;
}

bool settings_search_all(const struct settings *settings)
{
    bool all = settings->search;

    for (size_t i = 0; i < settings->site_count; i++)
        all = all && settings->sites[i].search;
    return all;
}

/* The sum of hashes of the names that differ from the rest: the order of sections means nothing. */
int64_t settings_search_number(const struct settings *settings)
{
    unsigned char hash[SHA256_BYTES];
    uint64_t sum = settings->search;

    for (size_t i = 0; i < settings->site_count; i++) {
        uint64_t number;
        if (settings->sites[i].search == settings->search)
            continue;
        sha256_of(hash, slice_of(settings->sites[i].name));
        memcpy(&number, hash, sizeof(number));
        sum += number;
    }
    return (int64_t)(sum & INT64_MAX);
}

static void free_listen(struct settings_listen *listen)
{
    for (size_t i = 0; i < ENDPOINTS_MAX; i++)
        free(listen->endpoints[i].address);
    free(listen->group);
}

void settings_free(struct settings *settings)
{
    if (!settings)
        return;
    for (size_t i = 0; i < settings->site_count; i++) {
        free(settings->sites[i].name);
        free(settings->sites[i].policy_path);
        policy_free(settings->sites[i].policy);
    }
    free(settings->sites);
    policy_free(settings->policy);
    free(settings->policy_path);
    free(settings->dir);
    free(settings->server_key_path);
    free(settings->metrics);
    for (int i = 0; i < SOCKET_COUNT; i++)
        free_listen(&settings->listen[i]);
    free(settings);
}

/* NULL is what a setting that was left out is. */
static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_listen(const struct settings_listen *a, const struct settings_listen *b)
{
    if (a->count != b->count || a->mode != b->mode || !same(a->group, b->group))
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->endpoints[i].kind != b->endpoints[i].kind || !same(a->endpoints[i].address, b->endpoints[i].address))
            return false;
    return true;
}

static void note(const char *name, bool differs, const char **names, size_t *n, size_t most)
{
    if (differs && *n < most)
        names[(*n)++] = name;
}

/* Limits that sockets, threads and the store were made with. */
static const enum limit fixed[] = {LIMIT_MAX_MESSAGE_BYTES, LIMIT_QUEUE_REQUESTS, LIMIT_QUEUE_BYTES,
                                   LIMIT_DATABASE_BYTES};
enum { FIXED = sizeof(fixed) / sizeof(fixed[0]) };

size_t settings_restart_needed(const struct settings *old, const struct settings *fresh, const char **names,
                               size_t most)
{
    size_t n = 0;

    note("dir", !same(old->dir, fresh->dir), names, &n, most);
    note("server_key", !same(old->server_key_path, fresh->server_key_path), names, &n, most);
    note("metrics", !same(old->metrics, fresh->metrics), names, &n, most);
    for (int i = 0; i < SOCKET_COUNT; i++)
        note(settings_socket_names[i], !same_listen(&old->listen[i], &fresh->listen[i]), names, &n, most);
    for (size_t i = 0; i < FIXED; i++)
        note(limit_table[fixed[i]].name, old->limits.value[fixed[i]] != fresh->limits.value[fixed[i]], names, &n, most);
    return n;
}

static bool copy(char **to, const char *from)
{
    char *text = from ? strdup(from) : NULL;

    if (from && !text)
        return false;
    free(*to);
    *to = text;
    return true;
}

/* All but who is listed, which is looked at with each request. */
static bool copy_listen(struct settings_listen *to, const struct settings_listen *from)
{
    bool good = copy(&to->group, from->group);

    to->mode = from->mode;
    for (size_t i = 0; i < ENDPOINTS_MAX; i++) {
        good = good && copy(&to->endpoints[i].address, i < from->count ? from->endpoints[i].address : NULL);
        to->endpoints[i].kind = from->endpoints[i].kind;
    }
    to->count = from->count;
    return good;
}

bool settings_keep_running(struct settings *fresh, const struct settings *running)
{
    bool good = copy(&fresh->dir, running->dir) && copy(&fresh->server_key_path, running->server_key_path) &&
                copy(&fresh->metrics, running->metrics);

    for (int i = 0; i < SOCKET_COUNT; i++)
        good = good && copy_listen(&fresh->listen[i], &running->listen[i]);
    for (size_t i = 0; i < FIXED; i++)
        fresh->limits.value[fixed[i]] = running->limits.value[fixed[i]];
    return good;
}
