#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "arguments.h"
#include "clock.h"
#include "config.h"
#include "lock.h"
#include "log.h"
#include "metrics/metrics.h"
#include "net/accept.h"
#include "net/loop.h"
#include "offline_fsck.h"
#include "search/search.h"

enum { LINGER_MS = 2000, DESCRIPTORS_WANTED = 4096 };

/* Everything that lives as long as the daemon. */
struct daemon {
    const struct arguments *arguments;
    struct settings *settings; /* those that it started with */
    struct counters counters;
    struct health health;
    struct inherited inherited;
    struct server_key server_key;
    struct work work; /* the common part, copied to each thread */
    struct loop_parts parts;
    struct metrics *metrics;
    struct locks locks;
    char reason[8192];
};

static struct store *open_store(struct daemon *d, bool read_only)
{
    char path[4200];

    snprintf(path, sizeof(path), "%s/modqd.db", d->settings->dir);
    return store_sqlite_open(path, read_only, d->settings->limits.value[LIMIT_DATABASE_BYTES], d->reason,
                             sizeof(d->reason));
}

/* The kernel's id of this boot; "" when it cannot be read, which makes every start look like the same boot. */
static void read_boot(char boot[64])
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

    boot[0] = '\0';
    if (!file)
        return;
    if (!fgets(boot, 64, file))
        boot[0] = '\0';
    boot[strcspn(boot, "\n")] = '\0';
    fclose(file);
}

static bool begin_epoch(struct daemon *d, struct store *store)
{
    unsigned char epoch[EPOCH_BYTES];

    work_random(epoch, sizeof(epoch));
    if (store->ops->begin(store) == STORE_OK && store->ops->epoch_set(store, epoch) == STORE_OK &&
        store->ops->commit(store) == STORE_OK)
        return true;
    snprintf(d->reason, sizeof(d->reason), "%s", store->ops->reason(store));
    return false;
}

static int fail(const struct daemon *d)
{
    log_event(LOG_ID_CANNOT_START, NULL, "%s", d->reason);
    return EXIT_START;
}

/* A directory that was mistyped is not made, and no database in it. */
static bool database_is_there(struct daemon *d)
{
    char path[4200];
    struct stat status;

    snprintf(path, sizeof(path), "%s/modqd.db", d->settings->dir);
    if (stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
        return true;
    snprintf(d->reason, sizeof(d->reason),
             "%s: there is no database; put the backup there first, or look whether the directory is the right one",
             path);
    return false;
}

static int restored(struct daemon *d)
{
    struct store *store =
        database_is_there(d) && lock_directory(&d->locks, d->settings->dir, d->reason, sizeof(d->reason))
            ? open_store(d, false)
            : NULL;
    bool good = store && begin_epoch(d, store);

    store_close(store);
    if (!good)
        return fail(d);
    puts("A new epoch has begun: listeners whose past differs will be told.");
    return EXIT_DONE;
}

static int fsck(struct daemon *d)
{
    int code = database_is_there(d) ? offline_fsck(d->settings, d->reason, sizeof(d->reason)) : EXIT_START;

    return code == EXIT_START ? fail(d) : code;
}

static int new_server_key(struct daemon *d)
{
    if (!server_key_make(&d->server_key, d->arguments->new_server_key, d->reason, sizeof(d->reason))) {
        fprintf(stderr, "modqd: %s\n", d->reason);
        return EXIT_START;
    }
    puts(d->server_key.public_text);
    return EXIT_DONE;
}

static bool start_writer(struct daemon *d)
{
    char boot[64];
    enum store_result r;
    struct work work = d->work;

    work.store = open_store(d, false);
    if (!work.store)
        return false;
    r = work.store->ops->epoch(work.store, d->work.epoch);
    work.store->ops->rollback(work.store);
    memcpy(work.epoch, d->work.epoch, EPOCH_BYTES);
    if (r == STORE_OK)
        work.ledger = ledger_new(work.store, &r);
    if (!work.ledger) {
        snprintf(d->reason, sizeof(d->reason), "the database cannot be read: %s", work.store->ops->reason(work.store));
        store_close(work.store);
        return false;
    }
    read_boot(boot);
    d->parts.writer = writer_start(&work, boot, d->reason, sizeof(d->reason));
    return d->parts.writer != NULL;
}

/* The index itself is opened later, by the thread that uses it: whatever is wrong with it keeps nobody from starting.
 */
static bool make_search(struct daemon *d, struct work *work)
{
    char path[4200];

    snprintf(path, sizeof(path), "%s/search.db", d->settings->dir);
    work->search = search_new(path);
    snprintf(d->reason, sizeof(d->reason), "out of memory");
    return work->search != NULL;
}

static bool start_reader(struct daemon *d, enum reader_kind kind, struct reader **reader)
{
    struct work work = d->work;

    work.store = open_store(d, true);
    if (!work.store)
        return false;
    if (kind == READER_LONG && !make_search(d, &work))
        return false;
    *reader = reader_start(&work, kind);
    snprintf(d->reason, sizeof(d->reason), "cannot start a thread");
    return *reader != NULL;
}

static bool start_publisher(struct daemon *d)
{
    struct work work = d->work;

    work.store = open_store(d, true);
    if (!work.store)
        return false;
    d->parts.publisher = publisher_new(&work, d->parts.bus);
    snprintf(d->reason, sizeof(d->reason), "the sites cannot be read");
    return d->parts.publisher != NULL;
}

/* Signals are taken from a descriptor by the loop; threads inherit the mask. */
static bool catch_signals(struct daemon *d)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    d->parts.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    snprintf(d->reason, sizeof(d->reason), "signals cannot be caught: %s", strerror(errno));
    return d->parts.signal_fd >= 0;
}

/* Every connection is a descriptor: as many as the system allows us. */
static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < DESCRIPTORS_WANTED)
        log_event(LOG_ID_FEW_DESCRIPTORS, NULL,
                  "only %llu file descriptors are allowed; %d or more are better (LimitNOFILE=, ulimit -n)",
                  (unsigned long long)limit.rlim_cur, DESCRIPTORS_WANTED);
}

static bool lock(struct daemon *d)
{
    return lock_directory(&d->locks, d->settings->dir, d->reason, sizeof(d->reason)) &&
           lock_sockets(&d->locks, d->settings, &d->inherited, d->reason, sizeof(d->reason));
}

static struct settings *reread(void *arg, char *reason, size_t reason_bytes)
{
    const struct daemon *d = arg;

    return config_load(d->arguments->dir, d->arguments->config, reason, reason_bytes);
}

/* Also where nobody listens on TCP yet: a key file that is made today names the server's key, and is good when TCP
 * comes.
 */
static bool find_server_key(struct daemon *d)
{
    if (!server_key_find(&d->server_key, d->settings->server_key_path, d->settings->dir, d->reason, sizeof(d->reason)))
        return false;
    d->work.server_public = d->server_key.public_key;
    return true;
}

static bool start_metrics(struct daemon *d)
{
    char path[4200];
    const char *address = d->settings->metrics;
    struct metrics_sources sources = {.database = path,
                                      .database_bytes = d->settings->limits.value[LIMIT_DATABASE_BYTES],
                                      .counters = &d->counters,
                                      .health = &d->health,
                                      .started_at = d->work.started_at,
                                      .on_listener = accept_exempt};

    if (!address)
        return true;
    sources.inherited = inherited_dup(&d->inherited, address);
    snprintf(path, sizeof(path), "%s/modqd.db", d->settings->dir);
    d->metrics = metrics_start(address, &sources, d->reason, sizeof(d->reason));
    return d->metrics != NULL;
}

static bool start_access(struct daemon *d)
{
    d->parts.access = access_new();
    if (d->parts.access && publisher_load_keys(d->parts.publisher, d->parts.access) == STORE_OK)
        return true;
    snprintf(d->reason, sizeof(d->reason), "the keys cannot be read");
    return false;
}

static bool start(struct daemon *d)
{
    raise_descriptors();
    d->work.health = &d->health;
    d->work.settings = d->settings;
    d->work.counters = &d->counters;
    d->work.started_at = clock_wall_ms();
    if (!inherit(&d->inherited, d->settings, d->reason, sizeof(d->reason)) || !catch_signals(d) || !lock(d) ||
        !find_server_key(d) || !start_writer(d) || !start_reader(d, READER_SHORT, &d->parts.reader) ||
        !start_reader(d, READER_LONG, &d->parts.looker))
        return false;
    d->parts.bus = bus_open(d->settings, &d->inherited, &d->server_key, &d->counters, d->reason, sizeof(d->reason));
    d->parts.work = &d->work;
    d->parts.settings = d->settings;
    d->parts.started_with = d->settings;
    d->parts.on_reload = reread;
    d->parts.on_reload_arg = d;
    return d->parts.bus && start_publisher(d) && start_access(d) && start_metrics(d);
}

/* "front ipc:///run/modqd/front.sock tcp://0.0.0.0:5590, push ..." */
static void describe(const struct settings *s, char *text, size_t bytes)
{
    size_t at = 0;

    text[0] = '\0';
    for (int which = 0; which < SOCKET_COUNT; which++) {
        const struct settings_listen *listen = &s->listen[which];
        for (size_t i = 0; i < listen->count && at < bytes; i++) {
            const char *before = i ? "" : settings_socket_names[which];
            at += (size_t)snprintf(text + at, bytes - at, "%s%s %s", !i && at ? ", " : "", before,
                                   listen->endpoints[i].address);
        }
    }
}

/* Who hears that it is ready may ask at once whether it is well: it was a moment ago, when the store was opened. */
static void announce(struct daemon *d)
{
    char text[4096];

    d->health.loop_ticked_ms = d->health.store_probed_ms = clock_boot_ms();
    describe(d->settings, text, sizeof(text));
    log_event(LOG_ID_STARTED, NULL, "version " MODQ_VERSION ", directory %s", d->settings->dir);
    log_event(LOG_ID_READY, NULL, "%s; public key %s", text, d->server_key.public_text);
    if (access_count(d->parts.access) == 0)
        log_event(LOG_ID_NO_KEYS, NULL,
                  "there is no key yet: nobody comes in over TCP; root, on this machine, makes the first one with "
                  "modq key new NAME --role ROLE");
    sd_notify(0, "READY=1");
}

static void clean_up(struct daemon *d)
{
    metrics_stop(d->metrics);
    if (d->parts.publisher)
        publisher_free(d->parts.publisher);
    if (d->parts.bus)
        bus_close(d->parts.bus, LINGER_MS);
    if (d->parts.reader)
        reader_free(d->parts.reader);
    if (d->parts.looker)
        reader_free(d->parts.looker);
    if (d->parts.writer) /* last: the last connection of all merges the WAL into the database */
        writer_free(d->parts.writer);
    request_pool_drop();
    access_free(d->parts.access);
    explicit_bzero(&d->server_key, sizeof(d->server_key));
}

static int run(struct daemon *d)
{
    if (!start(d))
        return fail(d); /* the process ends: what was started ends with it */
    announce(d);
    int code = loop_run(&d->parts) == 0 ? EXIT_DONE : EXIT_BROKEN;
    clean_up(d);
    if (d->parts.settings != d->settings)
        settings_free(d->parts.settings);
    if (code == EXIT_DONE)
        log_event(LOG_ID_STOPPED, NULL, "stopped");
    return code;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {0};
    struct daemon d = {.arguments = &arguments, .parts = {.signal_fd = -1}};

    umask(0077); /* database and sockets are for our own user alone */
    int code = arguments_parse(argc, argv, &arguments);
    if (code != EXIT_DONE)
        return code;
    if (arguments.new_server_key)
        return new_server_key(&d);
    d.settings = config_load(arguments.dir, arguments.config, d.reason, sizeof(d.reason));
    if (!d.settings)
        code = fail(&d);
    else if (arguments.check)
        puts("The configuration is good.");
    else
        code = arguments.fsck ? fsck(&d) : arguments.restored ? restored(&d) : run(&d);
    settings_free(d.settings);
    return code;
}
