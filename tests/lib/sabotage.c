/* A daemon with one fault, chosen by the environment variable MODQD_SABOTAGE. The store is bent between the daemon and
 * the back end, so that everything else is the real program.
 *
 *   ack-before-commit      commit says OK, and what it promised is committed up to 100 ms later
 *   skip-number            now and then a record's number is left out
 *   publish-before-commit  records of a transaction can be read, and so are published, before it is committed; its
 * answers still wait for the commit forget-unsynced        synchronous=OFF, on files that lose what was not synced when
 * the process is killed vfs-only               the same files alone: nothing may be lost, since everything is synced in
 * time
 *
 * Without the variable it is the real daemon. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../daemon/clock.h"
#include "../../daemon/store/sqlite.h"
#include "sabotage.h"

enum { LATE_MS = 100, ABANDONED_MS = 1000, SKIP_EVERY = 40, EARLY_WAIT_MS = 5, SEEN_WAIT_MS = 100 };

struct store *__real_store_sqlite_open(const char *path, bool read_only, int64_t database_bytes, char *reason,
                                       size_t reason_bytes);
struct store *__wrap_store_sqlite_open(const char *path, bool read_only, int64_t database_bytes, char *reason,
                                       size_t reason_bytes);

/* What SQLite's store does, and what the two kinds of stores do instead. */
static struct store_ops real, bent_writer, bent_reader;

/* ack-before-commit. One thread writes, so there is one such transaction. When that thread has ended, whoever reads in
 * vain commits it: else a daemon that stops would wait for it for ever. */

static struct {
    pthread_mutex_t mutex;
    struct store *store;
    bool open;     /* the transaction has begun and its commit is owed */
    bool inside;   /* between begin and commit of the caller */
    int64_t since; /* boot time of its begin */
} late = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static enum store_result late_pay(int64_t after_ms)
{
    enum store_result r = STORE_OK;

    pthread_mutex_lock(&late.mutex);
    if (late.open && !late.inside && clock_boot_ms() - late.since >= after_ms) {
        late.open = false;
        r = real.commit(late.store);
    }
    pthread_mutex_unlock(&late.mutex);
    return r;
}

static enum store_result late_begin(struct store *store)
{
    enum store_result r = late_pay(LATE_MS);

    pthread_mutex_lock(&late.mutex);
    late.store = store;
    if (r == STORE_OK && !late.open) {
        r = real.begin(store);
        late.open = r == STORE_OK;
        late.since = clock_boot_ms();
    }
    late.inside = r == STORE_OK;
    pthread_mutex_unlock(&late.mutex);
    return r;
}

static enum store_result late_commit(struct store *store)
{
    (void)store;
    late.inside = false;
    return STORE_OK;
}

/* Outside a transaction of the caller it takes nothing back: what is owed stays owed. */
static void late_rollback(struct store *store)
{
    if (late.open && !late.inside)
        return;
    late.open = late.inside = false;
    real.rollback(store);
}

/* An idle daemon asks for this a few times a second. */
static enum store_result late_claims_ending(struct store *store, int64_t until, int64_t limit, store_on_comment *on,
                                            void *arg)
{
    enum store_result r = late_pay(LATE_MS);
    return r == STORE_OK ? real.claims_ending(store, until, limit, on, arg) : r;
}

static void late_close(struct store *store)
{
    late_pay(0);
    real.close(store);
}

static enum store_result late_log_scan(struct store *store, int64_t site, int64_t after, int64_t limit,
                                       store_on_event *on_event, void *arg)
{
    late_pay(ABANDONED_MS);
    return real.log_scan(store, site, after, limit, on_event, arg);
}

static void bend_ack_before_commit(void)
{
    bent_writer.begin = late_begin;
    bent_writer.commit = late_commit;
    bent_writer.rollback = late_rollback;
    bent_writer.claims_ending = late_claims_ending;
    bent_writer.close = late_close;
    bent_reader.log_scan = late_log_scan;
}

/* skip-number */

/* The caller's event is a variable of its own, from which it reads the number again: so it believes it, too. */
static enum store_result skipping_event_add(struct store *store, const struct store_event *event)
{
    static int records;

    if (event->seq && ++records % SKIP_EVERY == 0)
        ((struct store_event *)event)->seq++;
    return real.event_add(store, event);
}

static void bend_skip_number(void)
{
    bent_writer.event_add = skipping_event_add;
}

/* publish-before-commit: a side list of the records of the transaction under way, which the reading stores see behind
 * the log. The publisher reads as much as it gets when it is woken for the transaction before, and the commit that it
 * should have waited for takes its time. */

struct early {
    struct early *next;
    struct store_event event; /* its slices point into bytes */
    char bytes[];
};

static pthread_mutex_t early_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct early *early_first, **early_end = &early_first;
static bool early_seen;

static void early_forget(void)
{
    pthread_mutex_lock(&early_mutex);
    while (early_first) {
        struct early *next = early_first->next;
        free(early_first);
        early_first = next;
    }
    early_end = &early_first;
    early_seen = false;
    pthread_mutex_unlock(&early_mutex);
}

static char *keep(struct slice *slice, char *to)
{
    if (slice->data) {
        memcpy(to, slice->data, slice->len);
        slice->data = to;
    }
    return to + slice->len;
}

static void early_show(const struct store_event *event)
{
    size_t bytes = event->comment.len + event->actor.len + event->data.len + event->hash.len + event->sha256.len;
    struct early *early = malloc(sizeof(*early) + bytes);

    if (!early)
        abort();
    early->next = NULL;
    early->event = *event;
    char *to = keep(&early->event.comment, early->bytes);
    to = keep(&early->event.actor, to);
    to = keep(&early->event.data, to);
    to = keep(&early->event.hash, to);
    keep(&early->event.sha256, to);
    pthread_mutex_lock(&early_mutex);
    *early_end = early;
    early_end = &early->next;
    pthread_mutex_unlock(&early_mutex);
}

static enum store_result early_event_add(struct store *store, const struct store_event *event)
{
    struct store_event stored;
    enum store_result r = real.event_add(store, event);

    if (r == STORE_OK && event->seq && real.event_get(store, event->no, &stored) == STORE_OK)
        early_show(&stored);
    return r;
}

/* Waits at most so long for the flag, or for the list to be filled. */
static bool early_wait(int ms, const bool *flag)
{
    const struct timespec step = {.tv_nsec = 100000};
    bool there = false;

    for (int i = 0; i < ms * 10 && !there; i++) {
        pthread_mutex_lock(&early_mutex);
        there = flag ? *flag : early_first != NULL;
        pthread_mutex_unlock(&early_mutex);
        nanosleep(&step, NULL);
    }
    return there;
}

static enum store_result early_commit(struct store *store)
{
    const struct timespec delay = {.tv_nsec = SEEN_WAIT_MS * 1000000L};

    if (early_first && early_wait(EARLY_WAIT_MS, &early_seen))
        nanosleep(&delay, NULL);
    enum store_result r = real.commit(store);
    early_forget();
    return r;
}

static void early_rollback(struct store *store)
{
    early_forget();
    real.rollback(store);
}

struct early_scan {
    store_on_event *on_event;
    void *arg;
    int64_t last;
    bool ended; /* by the callback */
};

static bool early_pass(void *arg, const struct store_event *event)
{
    struct early_scan *scan = arg;

    scan->last = event->seq;
    scan->ended = !scan->on_event(scan->arg, event);
    return !scan->ended;
}

static enum store_result early_log_scan(struct store *store, int64_t site, int64_t after, int64_t limit,
                                        store_on_event *on_event, void *arg)
{
    struct early_scan scan = {.on_event = on_event, .arg = arg, .last = after};
    enum store_result r = real.log_scan(store, site, after, limit, early_pass, &scan);

    early_wait(EARLY_WAIT_MS, NULL);
    pthread_mutex_lock(&early_mutex);
    for (struct early *e = early_first; r == STORE_OK && e && !scan.ended; e = e->next)
        if (e->event.site == site && e->event.seq == scan.last + 1)
            early_seen = early_pass(&scan, &e->event);
    pthread_mutex_unlock(&early_mutex);
    return r;
}

static void bend_publish_before_commit(void)
{
    bent_writer.event_add = early_event_add;
    bent_writer.commit = early_commit;
    bent_writer.rollback = early_rollback;
    bent_reader.log_scan = early_log_scan;
}

/* all of them */

static void bend_nothing(void)
{
}

static const struct sabotage {
    const char *name;
    void (*bend)(void);
    bool forgetful;
    const char *pragma; /* for the store that writes */
} sabotages[] = {
    {"ack-before-commit", bend_ack_before_commit, false, NULL},
    {"skip-number", bend_skip_number, false, NULL},
    {"publish-before-commit", bend_publish_before_commit, false, NULL},
    {"forget-unsynced", bend_nothing, true, "PRAGMA synchronous=OFF"},
    {"vfs-only", bend_nothing, true, NULL},
};

static const struct sabotage *chosen(const char *name)
{
    for (size_t i = 0; i < sizeof(sabotages) / sizeof(sabotages[0]); i++)
        if (strcmp(sabotages[i].name, name) == 0)
            return &sabotages[i];
    return NULL;
}

/* The table of every store of SQLite is the same, so the first one that is opened gives it. */
static void bend(struct store *store, bool read_only, const struct sabotage *sabotage)
{
    if (!real.name) {
        real = bent_writer = bent_reader = *store->ops;
        sabotage->bend();
    }
    store->ops = read_only ? &bent_reader : &bent_writer;
    if (!read_only && sabotage->pragma)
        sqlite3_exec(((struct sqlite_store *)store)->db, sabotage->pragma, NULL, NULL, NULL);
}

struct store *__wrap_store_sqlite_open(const char *path, bool read_only, int64_t database_bytes, char *reason,
                                       size_t reason_bytes)
{
    static bool forgetful;
    const char *name = getenv("MODQD_SABOTAGE");
    const struct sabotage *sabotage = name ? chosen(name) : NULL;

    if (name && !sabotage) {
        snprintf(reason, reason_bytes, "MODQD_SABOTAGE: there is no %s", name);
        return NULL;
    }
    if (sabotage && sabotage->forgetful && !forgetful) {
        forgetful = sabotage_forget_unsynced();
        if (!forgetful) {
            snprintf(reason, reason_bytes, "the forgetful VFS cannot be registered");
            return NULL;
        }
    }
    struct store *store = __real_store_sqlite_open(path, read_only, database_bytes, reason, reason_bytes);
    if (store && sabotage)
        bend(store, read_only, sabotage);
    return store;
}
