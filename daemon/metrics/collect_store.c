#include "collect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../log.h"
#include "../work/site_names.h"

enum { LISTENERS_MAX = 4096 };

/* What one look at the store found: families stand together, but the store is asked site by site. */
struct look {
    struct site_names sites;
    struct store_queue *queues; /* one a site */
    int64_t *oldest_at;         /* likewise: when the oldest of it came, 0 when nothing waits */
    struct listener {
        struct store_listener row;
        char name[NAME_BYTES + 1];
    } * listeners; /* the first LISTENERS_MAX of them */
    size_t listener_count, listener_cap;
    int64_t listeners_all;
    int64_t room;
};

static void look_free(struct look *look)
{
    free(look->sites.sites);
    free(look->queues);
    free(look->oldest_at);
    free(look->listeners);
}

static bool grow(struct look *look)
{
    if (look->listener_count < look->listener_cap)
        return true;
    size_t cap = look->listener_cap ? look->listener_cap * 2 : 16;
    struct listener *listeners = realloc(look->listeners, cap * sizeof(*listeners));
    if (!listeners)
        return false;
    look->listeners = listeners;
    look->listener_cap = cap;
    return true;
}

static bool on_listener(void *arg, const struct store_listener *row)
{
    struct look *look = arg;

    look->listeners_all++;
    if (look->listener_count == LISTENERS_MAX || !grow(look))
        return true;
    struct listener *kept = &look->listeners[look->listener_count++];
    kept->row = *row;
    size_t len = row->name.len < NAME_BYTES ? row->name.len : NAME_BYTES;
    memcpy(kept->name, row->name.data, len);
    kept->name[len] = '\0';
    kept->row.name = SLICE_NONE; /* was borrowed */
    return true;
}

/* When the oldest of a queue came. */
static enum store_result read_oldest(struct look *look, struct store *store, size_t i)
{
    struct store_text text = {0};
    enum store_result r =
        look->queues[i].oldest ? store->ops->text_head(store, look->queues[i].oldest, &text) : STORE_OK;

    look->oldest_at[i] = text.received_at;
    return r;
}

static enum store_result read_queues(struct look *look, struct store *store)
{
    look->queues = calloc(look->sites.n + 1, sizeof(*look->queues));
    look->oldest_at = calloc(look->sites.n + 1, sizeof(*look->oldest_at));
    if (!look->queues || !look->oldest_at)
        return STORE_FAILED;
    for (size_t i = 0; i < look->sites.n; i++) {
        enum store_result r = store->ops->queue_figures(store, look->sites.sites[i].no, &look->queues[i]);
        if (r == STORE_OK)
            r = read_oldest(look, store, i);
        if (r != STORE_OK)
            return r;
    }
    return STORE_OK;
}

/* One state of the store, and nothing is held open afterwards. */
static bool look_at(struct look *look, struct store *store)
{
    enum store_result r = store->ops->begin(store);

    if (r == STORE_OK)
        r = store->ops->site_scan(store, site_names_add, &look->sites);
    if (r == STORE_OK)
        r = read_queues(look, store);
    if (r == STORE_OK)
        r = store->ops->listener_scan(store, on_listener, look);
    if (r == STORE_OK)
        r = store->ops->room(store, &look->room);
    if (r != STORE_OK)
        log_event(LOG_ID_READ_FAILED, NULL, "figures cannot be read: %s", store->ops->reason(store));
    store->ops->rollback(store);
    return r == STORE_OK;
}

/* sites */

static void expose_sites(struct exposition *out, const struct look *look, const char *name, const char *help,
                         int64_t (*figure)(const struct look *look, size_t i))
{
    expose_family(out, name, "gauge", help);
    for (size_t i = 0; i < look->sites.n; i++)
        expose_int(out, name, LABELS({"site", slice_of(look->sites.sites[i].name)}), figure(look, i));
}

static int64_t pending(const struct look *look, size_t i)
{
    return look->sites.sites[i].pending;
}

static int64_t escalated(const struct look *look, size_t i)
{
    return look->queues[i].escalated;
}

static int64_t claimed(const struct look *look, size_t i)
{
    return look->queues[i].claimed;
}

static void expose_ages(struct exposition *out, const struct look *look, int64_t clock_ms)
{
    const char *name = "modqd_oldest_pending_age_seconds";

    expose_family(out, name, "gauge", "How long the oldest pending comment waits; 0 when none is pending.");
    for (size_t i = 0; i < look->sites.n; i++) {
        int64_t since = look->oldest_at[i];
        int64_t age = since && clock_ms > since ? clock_ms - since : 0;
        expose_number(out, name, LABELS({"site", slice_of(look->sites.sites[i].name)}), (double)age / 1000);
    }
}

static void expose_events(struct exposition *out, const struct look *look)
{
    const char *name = "modqd_site_events_total";

    expose_family(out, name, "counter",
                  "Events of a site's whole history, by kind: counted by the store, not since "
                  "the start.");
    for (size_t i = 0; i < look->sites.n; i++)
        for (enum kind k = KIND_SUBMITTED; k <= KIND_ERASED; k++)
            expose_int(out, name,
                       LABELS({"site", slice_of(look->sites.sites[i].name)}, {"kind", slice_of(kind_name(k))}),
                       look->sites.sites[i].counts[k]);
}

/* listeners */

static int64_t lag_of(const struct look *look, const struct listener *listener)
{
    return look->sites.sites[listener->row.site - 1].newest - listener->row.seq;
}

static void expose_listeners(struct exposition *out, const struct look *look)
{
    expose_gauge(out, "modqd_listeners", "Listeners known, of all sites.", (double)look->listeners_all);
    expose_family(out, "modqd_listener_lag_records", "gauge", "Records that a listener has not confirmed yet.");
    for (size_t i = 0; i < look->listener_count; i++) {
        const struct listener *l = &look->listeners[i];
        struct slice site = site_names_at(&look->sites, l->row.site);
        if (site.data)
            expose_int(out, "modqd_listener_lag_records", LABELS({"site", site}, {"listener", slice_of(l->name)}),
                       lag_of(look, l));
    }
    expose_family(out, "modqd_listener_confirmed_timestamp_seconds", "gauge",
                  "When a listener confirmed last, since unix epoch.");
    for (size_t i = 0; i < look->listener_count; i++) {
        const struct listener *l = &look->listeners[i];
        struct slice site = site_names_at(&look->sites, l->row.site);
        if (site.data)
            expose_number(out, "modqd_listener_confirmed_timestamp_seconds",
                          LABELS({"site", site}, {"listener", slice_of(l->name)}), (double)l->row.at / 1000);
    }
}

/* room; stat() opens nothing, and so drops no lock of SQLite's */
static void expose_files(struct exposition *out, const struct metrics_sources *sources)
{
    char wal[4200];
    struct stat file;

    snprintf(wal, sizeof(wal), "%s-wal", sources->database);
    expose_gauge(out, "modqd_database_bytes", "Size of the database's file.",
                 stat(sources->database, &file) == 0 ? (double)file.st_size : 0);
    expose_gauge(out, "modqd_database_wal_bytes", "Size of the database's write-ahead log.",
                 stat(wal, &file) == 0 ? (double)file.st_size : 0);
    expose_gauge(out, "modqd_database_limit_bytes", "The most that the database may grow to (limit database_bytes).",
                 (double)sources->database_bytes);
}

static void expose_look(struct exposition *out, const struct look *look, int64_t clock_ms)
{
    expose_gauge(out, "modqd_sites", "Sites known.", (double)look->sites.n);
    expose_sites(out, look, "modqd_pending_comments", "Comments that wait for a decision, in any lane.", pending);
    expose_sites(out, look, "modqd_escalated_comments", "Pending comments in the lane escalated.", escalated);
    expose_sites(out, look, "modqd_claimed_comments", "Pending comments that a moderator holds.", claimed);
    expose_ages(out, look, clock_ms);
    expose_events(out, look);
    expose_listeners(out, look);
    expose_gauge(out, "modqd_room_bytes", "Bytes that may still be written: by the limit, and by the disk.",
                 (double)look->room);
}

void collect_store(struct exposition *out, const struct metrics_sources *sources, struct store *store, int64_t clock_ms)
{
    struct look look = {0};
    bool good = look_at(&look, store);

    expose_gauge(out, "modqd_store_readable", "0 when the figures of sites could not be read; they are left out then.",
                 good);
    if (good)
        expose_look(out, &look, clock_ms);
    expose_files(out, sources);
    look_free(&look);
}
