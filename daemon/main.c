#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "clock.h"
#include "config.h"
#include "log.h"
#include "metrics/metrics.h"
#include "net/loop.h"

/* Exit codes: stable, in modqd(8). */
enum { EXIT_DONE = 0, EXIT_BROKEN = 1, EXIT_USAGE = 2, EXIT_START = 3 };

enum { LINGER_MS = 2000, DESCRIPTORS_WANTED = 4096 };

static const char help[] =
    "Usage: modqd --dir DIR [--config FILE]\n"
    "\n"
    "The daemon of modqd, a moderation queue: it takes comments from web servers, keeps\n"
    "them until moderators have decided with modq, and tells every listener each decision.\n"
    "\n"
    "  -d, --dir DIR      where the database and the four sockets lie; made if it is not there\n"
    "  -c, --config FILE  read a configuration (modqd.conf(5)); it may name the directory\n"
    "      --check        only read the configuration and say whether it is good\n"
    "      --restored     say that DIR was restored from a backup: begin a new epoch, and end\n"
    "      --new-server-key FILE\n"
    "                     write a new pair of CURVE keys for a server, print the public one, and end\n"
    "  -h, --help         show this\n"
    "  -V, --version      show the version\n"
    "\n"
    "DIR and nothing else is enough:  modqd --dir ./var     then:  modq --dir ./var queue\n"
    "\n"
    "SIGTERM and SIGINT end it after everything that was received has been answered.\n"
    "SIGHUP rereads the configuration and the policies; a wrong one changes nothing.\n"
    "Exit codes: 0 ended by a signal; 1 the store failed; 2 wrong usage; 3 cannot start.\n";

struct arguments {
    const char *dir, *config, *new_server_key;
    bool check, restored;
};

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
    int lock_fds[1 + INHERITED_MAX]; /* of the directory and the sockets, open until the end */
    int locks;
    char reason[8192];
};

static int usage(const char *message)
{
    fprintf(stderr, "modqd: %s\nTry: modqd --help\n", message);
    return EXIT_USAGE;
}

static int parse_arguments(int argc, char **argv, struct arguments *a)
{
    static const struct option options[] = {
        {"dir", required_argument, NULL, 'd'},
        {"config", required_argument, NULL, 'c'},
        {"check", no_argument, NULL, 'k'},
        {"restored", no_argument, NULL, 'r'},
        {"new-server-key", required_argument, NULL, 'n'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "d:c:hV", options, NULL)) != -1) {
        switch (c) {
        case 'd':
            a->dir = optarg;
            break;
        case 'c':
            a->config = optarg;
            break;
        case 'k':
            a->check = true;
            break;
        case 'r':
            a->restored = true;
            break;
        case 'n':
            a->new_server_key = optarg;
            break;
        case 'h':
            fputs(help, stdout);
            exit(EXIT_DONE);
        case 'V':
            puts("modqd " MODQ_VERSION);
            exit(EXIT_DONE);
        default:
            return usage("wrong usage");
        }
    }
    if (optind < argc)
        return usage("arguments without an option are not understood");
    return a->dir || a->config || a->new_server_key ? EXIT_DONE : usage("where? give --dir DIR or --config FILE");
}

/* Says who has the lock on `fd`, as that one wrote it. */
static void blame_owner(struct daemon *d, int fd, const char *what, const char *does)
{
    char owner[32] = "";

    if (read(fd, owner, sizeof(owner) - 1) <= 0)
        owner[0] = '\0';
    owner[strcspn(owner, "\n")] = '\0';
    if (strtol(owner, NULL, 10) == (long)getpid())
        snprintf(d->reason, sizeof(d->reason), "%s: two sockets cannot have the same path", what);
    else
        snprintf(d->reason, sizeof(d->reason), "%s: another modqd (process %s) %s; stop it first", what, owner, does);
}

/* Locks the file `path`, making it when it is not there, until the process ends. */
static bool lock_file(struct daemon *d, const char *path, const char *what, const char *does)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0) {
        snprintf(d->reason, sizeof(d->reason), "%s: cannot be opened: %s", path, strerror(errno));
        return false;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        blame_owner(d, fd, what, does);
        close(fd);
        return false;
    }
    if (ftruncate(fd, 0) != 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0)
        log_warning("%s: cannot be written: %s", path, strerror(errno));
    d->lock_fds[d->locks++] = fd;
    return true;
}

/* One daemon a directory. */
static bool lock_directory(struct daemon *d)
{
    char path[4200];

    if (mkdir(d->settings->dir, 0700) != 0 && errno != EEXIST) {
        snprintf(d->reason, sizeof(d->reason), "%s: cannot be made: %s", d->settings->dir, strerror(errno));
        return false;
    }
    snprintf(path, sizeof(path), "%s/modqd.lock", d->settings->dir);
    return lock_file(d, path, d->settings->dir, "works in this directory");
}

/* One daemon a socket: ZeroMQ would take the path of another one over without anybody noticing. */
static bool lock_socket(struct daemon *d, const struct settings_endpoint *endpoint_)
{
    const char *endpoint = endpoint_->address;
    char path[4200];
    int fd = inherited_dup(&d->inherited, endpoint);

    if (fd >= 0)
        close(fd); /* systemd's own: nobody else can take its path */
    if (fd >= 0 || endpoint_->kind != ENDPOINT_IPC)
        return true;
    snprintf(path, sizeof(path), "%s.lock", endpoint + 6);
    return lock_file(d, path, endpoint, "listens there");
}

static bool lock_sockets(struct daemon *d)
{
    for (int which = 0; which < SOCKET_COUNT; which++) {
        const struct settings_listen *listen = &d->settings->listen[which];
        for (size_t i = 0; i < listen->count; i++)
            if (!lock_socket(d, &listen->endpoints[i]))
                return false;
    }
    return true;
}

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
    struct store *store = database_is_there(d) && lock_directory(d) ? open_store(d, false) : NULL;
    bool good = store && begin_epoch(d, store);

    store_close(store);
    if (!good)
        return fail(d);
    puts("A new epoch has begun: listeners whose past differs will be told.");
    return EXIT_DONE;
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

static bool start_reader(struct daemon *d)
{
    struct work work = d->work;

    work.store = open_store(d, true);
    if (!work.store)
        return false;
    d->parts.reader = reader_start(&work);
    snprintf(d->reason, sizeof(d->reason), "cannot start a thread");
    return d->parts.reader != NULL;
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
    struct metrics_sources sources = {.database = path,
                                      .database_bytes = d->settings->limits.value[LIMIT_DATABASE_BYTES],
                                      .counters = &d->counters,
                                      .health = &d->health,
                                      .started_at = d->work.started_at};

    if (!d->settings->metrics)
        return true;
    snprintf(path, sizeof(path), "%s/modqd.db", d->settings->dir);
    d->metrics = metrics_start(d->settings->metrics, &sources, d->reason, sizeof(d->reason));
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
    log_event(LOG_ID_STARTED, NULL, "version " MODQ_VERSION ", directory %s", d->settings->dir);
    d->work.health = &d->health;
    d->work.settings = d->settings;
    d->work.counters = &d->counters;
    d->work.started_at = clock_wall_ms();
    if (!inherit(&d->inherited, d->settings, d->reason, sizeof(d->reason)) || !catch_signals(d) || !lock_directory(d) ||
        !lock_sockets(d) || !find_server_key(d) || !start_writer(d) || !start_reader(d))
        return false;
    d->parts.bus = bus_open(d->settings, &d->inherited, &d->server_key, d->reason, sizeof(d->reason));
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

static void announce(const struct daemon *d)
{
    char text[4096];

    describe(d->settings, text, sizeof(text));
    log_event(LOG_ID_READY, NULL, "%s; public key %s", text, d->server_key.public_text);
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
    int code = parse_arguments(argc, argv, &arguments);
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
        code = arguments.restored ? restored(&d) : run(&d);
    settings_free(d.settings);
    return code;
}
