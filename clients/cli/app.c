/* What is around a verb: endpoints, connections, the terminal, the exit code. */
#include "app.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "explain.h"
#include "say.h"

enum { TIMEOUT_MS = 10000, COLUMNS_PIPED = 120, COLUMNS_LEAST = 40, COLUMNS_MOST = 10000 };

/* ---- exit codes */

/* Which of two is told: what was wrong here first, then what keeps all from working, then single refusals. */
static int rank(int code)
{
    static const int ranks[] = {[EXIT_DONE] = 0,        [EXIT_FAILED] = 1, [EXIT_WRONG] = 2, [EXIT_DENIED] = 3,
                                [EXIT_UNREACHABLE] = 4, [EXIT_LOCAL] = 5,  [EXIT_USAGE] = 6};
    return ranks[code];
}

int exit_worse(int a, int b)
{
    return rank(a) >= rank(b) ? a : b;
}

int exit_of(const struct modq_error *error)
{
    if (!error || error->number == 0)
        return EXIT_DONE;
    switch (error->class_) {
    case MODQ_CLASS_RETRY:
        return EXIT_UNREACHABLE;
    case MODQ_CLASS_FIX:
        return EXIT_WRONG;
    case MODQ_CLASS_DENIED:
        return EXIT_DENIED;
    case MODQ_CLASS_LOCAL:
        return EXIT_LOCAL;
    default:
        return EXIT_FAILED;
    }
}

void app_exit(struct app *app, int code)
{
    app->exit = exit_worse(app->exit, code);
}

/* ---- connections */

int app_timeout_ms(const struct app *app, int otherwise_ms)
{
    return app->options.given[OPT_TIMEOUT] ? (int)app->options.number[OPT_TIMEOUT] * 1000 : otherwise_ms;
}

static const char *key_path(const struct app *app)
{
    const char *path = app->options.text[OPT_KEY];

    if (!path)
        path = getenv("MODQ_KEY");
    return path && *path ? path : NULL;
}

const char *app_endpoint(struct app *app, enum endpoint which)
{
    static const char *const names[] = {[ENDPOINT_FRONT] = "front",
                                        [ENDPOINT_DESK] = "desk",
                                        [ENDPOINT_PUSH] = "push",
                                        [ENDPOINT_DECISIONS] = "decisions"};

    if (!app->endpoint[which]) {
        complain("%s does not say where the %s socket is: the key is for something else, or the socket is not on TCP",
                 key_path(app), names[which]);
        complain("--%s ENDPOINT%s names it", names[which], which == ENDPOINT_PUSH ? " (with =)" : "");
        app_exit(app, EXIT_USAGE);
    }
    return app->endpoint[which];
}

/* 0: somebody listens, or nobody can tell from here; else why a socket of this machine cannot be opened. */
static int why_closed(const struct app *app, enum endpoint which)
{
    const char *endpoint = app->endpoint[which] ? app->endpoint[which] : "";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = strncmp(endpoint, "ipc://", 6) == 0 ? endpoint + 6 : "";

    if (!*path || strlen(path) >= sizeof(address.sun_path))
        return 0;
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int why = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return why;
}

bool app_nobody_listens(const struct app *app, enum endpoint which)
{
    int why = why_closed(app, which);

    return why == ENOENT || why == ECONNREFUSED || why == ENOTDIR;
}

/* ZeroMQ would try on for ever, and say nothing. */
static bool may_open(struct app *app, enum endpoint which)
{
    if (why_closed(app, which) != EACCES)
        return true;
    complain("you may not open %s", app->endpoint[which]);
    complain("ask an administrator to put you into the group of that socket (ls -l tells it), then log in anew");
    app_exit(app, EXIT_DENIED);
    return false;
}

/* Calls go on trying for a while, so that a restart of the daemon harms nobody. Who sits before the screen learns at
 * once what they are waiting for. */
static void tell_waiting(const struct app *app, enum endpoint which)
{
    if (isatty(STDERR_FILENO) && app_nobody_listens(app, which))
        complain("nobody listens at %s yet; trying on", app->endpoint[which]);
}

static struct modq *open_connection(struct app *app, enum endpoint which)
{
    struct modq_error error;
    if (!app_endpoint(app, which) || !may_open(app, which))
        return NULL;
    struct modq *connection = modq_open(app->endpoint[which], app->key, &error);
    const char *as = app->options.text[OPT_AS];

    if (connection && as && !modq_set_as(connection, as)) {
        modq_close(connection);
        connection = NULL;
    }
    if (connection)
        tell_waiting(app, which);
    if (connection)
        return connection;
    complain("%s", error.message);
    app_exit(app, exit_of(&error));
    return NULL;
}

struct modq *app_front(struct app *app)
{
    if (!app->front)
        app->front = open_connection(app, ENDPOINT_FRONT);
    return app->front;
}

struct modq *app_desk(struct app *app)
{
    if (!app->desk)
        app->desk = open_connection(app, ENDPOINT_DESK);
    return app->desk;
}

struct modq_answer *app_call(struct app *app, struct modq *connection, const char *operation,
                             const struct modq_fields *fields)
{
    struct modq_answer *answer = modq_call(connection, operation, fields, app->timeout_ms);
    const struct modq_error *error = answer ? modq_answer_error(answer) : NULL;

    if (answer && !error)
        return answer;
    complain_error(error, operation);
    app->error = error ? error->number : 0;
    app_exit(app, error ? exit_of(error) : EXIT_LOCAL);
    modq_answer_free(answer);
    return NULL;
}

/* ---- what is around */

static const char *directory(const struct app *app)
{
    const char *dir = app->options.text[OPT_DIR];
    struct stat status;

    if (!dir)
        dir = getenv("MODQ_DIR");
    if (dir && *dir)
        return dir;
    /* the lock, not the directory: / has a var that is not ours, and services begin there */
    return stat("var/modqd.lock", &status) == 0 && S_ISREG(status.st_mode) ? "./var" : "/run/modqd";
}

bool app_find_endpoints(struct app *app)
{
    static const struct {
        enum option_id option;
        const char *file;
    } sockets[] = {[ENDPOINT_FRONT] = {OPT_FRONT, "front.sock"},
                   [ENDPOINT_DESK] = {OPT_DESK, "desk.sock"},
                   [ENDPOINT_PUSH] = {OPT_PUSH_ENDPOINT, "push.sock"},
                   [ENDPOINT_DECISIONS] = {OPT_DECISIONS, "decisions.sock"}};
    const char *dir = directory(app);

    for (int i = ENDPOINT_FRONT; i <= ENDPOINT_DECISIONS; i++) {
        const char *given = app->options.text[sockets[i].option];
        int written = given ? asprintf(&app->endpoint[i], "%s", given)
                            : asprintf(&app->endpoint[i], "ipc://%s/%s", dir, sockets[i].file);
        if (written < 0) {
            app->endpoint[i] = NULL;
            return false;
        }
    }
    return true;
}

/* The sockets are those that the file names. Never one of this machine instead: there the user would be somebody else,
 * and the daemon another one. */
bool app_load_key(struct app *app)
{
    static const struct {
        enum option_id option;
        enum modq_key_text text;
    } sockets[] = {[ENDPOINT_FRONT] = {OPT_FRONT, MODQ_KEY_FRONT},
                   [ENDPOINT_DESK] = {OPT_DESK, MODQ_KEY_DESK},
                   [ENDPOINT_PUSH] = {OPT_PUSH_ENDPOINT, MODQ_KEY_PUSH},
                   [ENDPOINT_DECISIONS] = {OPT_DECISIONS, MODQ_KEY_DECISIONS}};
    struct modq_error error;

    if (!key_path(app))
        return true;
    app->key = modq_key_load(key_path(app), &error);
    if (!app->key) {
        complain("%s", error.message);
        app_exit(app, exit_of(&error));
        return false;
    }
    for (int i = ENDPOINT_FRONT; i <= ENDPOINT_DECISIONS; i++) {
        const char *endpoint = modq_key_text(app->key, sockets[i].text);
        if (app->options.text[sockets[i].option])
            continue;
        free(app->endpoint[i]);
        app->endpoint[i] = endpoint ? strdup(endpoint) : NULL;
    }
    return true;
}

bool app_may_use(const struct app *app, enum endpoint which)
{
    const char *role = app->key ? modq_key_text(app->key, MODQ_KEY_ROLE) : NULL;

    if (role && strcmp(role, "moderator") == 0)
        return which == ENDPOINT_DESK;
    return !role || strcmp(role, "front") != 0 || which != ENDPOINT_DESK;
}

static int columns(void)
{
    const char *variable = getenv("COLUMNS");
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col < COLUMNS_LEAST ? COLUMNS_LEAST : size.ws_col;
    long given = variable ? strtol(variable, NULL, 10) : 0;
    return given >= COLUMNS_LEAST && given <= COLUMNS_MOST ? (int)given : COLUMNS_PIPED;
}

void app_look_around(struct app *app)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    app->json = app->options.given[OPT_JSON];
    app->columns = columns();
    app->color = isatty(STDOUT_FILENO) && !(no_color && *no_color) && !app->options.given[OPT_NO_COLOR] &&
                 !(term && strcmp(term, "dumb") == 0);
    app->timeout_ms = app_timeout_ms(app, TIMEOUT_MS);
    const char *as = getenv("MODQ_AS");
    if (!app->options.text[OPT_AS] && as && *as)
        app->options.text[OPT_AS] = as;
}

void app_close(struct app *app)
{
    modq_close(app->front);
    modq_close(app->desk);
    modq_key_free(app->key);
    for (int i = ENDPOINT_FRONT; i <= ENDPOINT_DECISIONS; i++)
        free(app->endpoint[i]);
}
