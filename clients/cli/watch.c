/* modq watch: looks at the queue now and then, and runs a command when it is late, and when it has recovered. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "explain.h"
#include "hook.h"
#include "json.h"
#include "lateness.h"
#include "report.h"
#include "stop.h"
#include "verbs.h"
#include "when.h"

enum { EVERY_S = 30, STEP_MS = 200 };

struct watch {
    struct app *app;
    struct lateness_state state;
    struct lateness_seen seen;
    const char *site; /* NULL: all */
};

/* ---- looking */

static void look_at(struct watch *watch, const struct modq_value *stats)
{
    const struct modq_value *sites = modq_get(stats, "sites");
    int64_t now = modq_get_int(stats, "time", when_now());

    watch->seen = (struct lateness_seen){.reached = true};
    for (size_t i = 0; i < modq_count(sites); i++) {
        const struct modq_value *site = modq_item(sites, i);
        int64_t age = now - modq_get_int(site, "oldest_pending_at", now);
        if (watch->site && !modq_is(modq_get(site, "site"), watch->site))
            continue;
        watch->seen.pending += modq_get_int(site, "pending", 0);
        if (age > watch->seen.oldest_ms)
            watch->seen.oldest_ms = age;
    }
}

/* Waits in short steps, because commands are to be looked after, and a signal to end may come. NULL: none came. */
static struct modq_answer *wait_for_answer(struct modq *desk)
{
    struct modq_answer *answer = NULL;

    while (!answer && !stop_asked() && modq_pending(desk) > 0) {
        answer = modq_next(desk, STEP_MS);
        hook_look_after();
    }
    return answer;
}

/* False: there is no use in going on. */
static bool look(struct watch *watch)
{
    struct app *app = watch->app;
    struct modq_error failed = {0};
    const struct modq_error *error = &failed;
    struct modq_answer *answer = NULL;

    watch->seen = (struct lateness_seen){0};
    if (modq_send(app->desk, "stats", NULL, app->timeout_ms, NULL, &failed))
        answer = wait_for_answer(app->desk);
    if (answer)
        error = modq_answer_error(answer);
    if (answer && !error)
        look_at(watch, modq_answer_value(answer));
    bool hopeless = error && error->number && error->class_ != MODQ_CLASS_RETRY;
    if (hopeless) {
        complain_error(error, "stats");
        app_exit(app, exit_of(error));
    }
    modq_answer_free(answer);
    return !hopeless;
}

/* ---- telling */

static void say_limit(struct text *line, const struct watch *watch, enum lateness what)
{
    if (what == LATENESS_UNREACHABLE) {
        say(line, "the daemon does not answer");
        return;
    }
    say(line, "%lld pending", (long long)watch->seen.pending);
    if (watch->state.pending)
        say(line, " (limit %lld)", (long long)watch->state.pending);
    if (watch->seen.pending) {
        say(line, ", the oldest since ");
        report_say_span(line, watch->seen.oldest_ms);
    }
    if (watch->state.oldest_ms) {
        say(line, " (limit ");
        report_say_span(line, watch->state.oldest_ms);
        say(line, ")");
    }
}

static void print_json(const struct watch *watch, const char *word)
{
    bool known = watch->seen.reached;
    json_t *map = json_object();

    json_object_set_new(map, "at", json_integer(when_now()));
    json_object_set_new(map, "state", json_string(word));
    json_object_set_new(map, "pending", known ? json_integer(watch->seen.pending) : json_null());
    json_object_set_new(map, "oldest_seconds", known ? json_integer(watch->seen.oldest_ms / 1000) : json_null());
    json_print(map, stdout);
    fflush(stdout);
}

static void run(const struct watch *watch, const char *word)
{
    char pending[48] = "MODQ_PENDING=";
    char oldest[48] = "MODQ_OLDEST_SECONDS=";
    char state[32];
    char *site = NULL;

    snprintf(state, sizeof(state), "MODQ_STATE=%s", word);
    if (watch->seen.reached) {
        snprintf(pending, sizeof(pending), "MODQ_PENDING=%lld", (long long)watch->seen.pending);
        snprintf(oldest, sizeof(oldest), "MODQ_OLDEST_SECONDS=%lld", (long long)(watch->seen.oldest_ms / 1000));
    }
    if (asprintf(&site, "MODQ_SITE=%s", watch->site ? watch->site : "") < 0) {
        complain("out of memory");
        return;
    }
    const char *variables[] = {state, pending, oldest, site, NULL};
    hook_run(watch->app->options.text[OPT_EXEC], variables);
    free(site);
}

static void tell(struct watch *watch, enum lateness what)
{
    const char *word = lateness_name(what);
    bool command = watch->app->options.given[OPT_EXEC];
    struct text line = {0};

    if (!word)
        return;
    say_limit(&line, watch, what);
    complain("%s: %.*s%s", word, (int)line.len, line.data ? line.data : "", command ? "; running the command" : "");
    text_free(&line);
    if (watch->app->json)
        print_json(watch, word);
    if (command)
        run(watch, word);
}

/* ---- the verb */

static bool read_limits(struct watch *watch)
{
    const struct options *options = &watch->app->options;
    const char *older = options->text[OPT_OLDER_THAN];

    watch->site = options->text[OPT_SITE];
    watch->state.pending = options->number[OPT_PENDING];
    if (older && (!when_parse_span(older, &watch->state.oldest_ms) || watch->state.oldest_ms == 0)) {
        complain("--older-than: \"%s\" is no span such as 30m, 2h or 1d", older);
        return false;
    }
    if (older || options->given[OPT_PENDING])
        return true;
    complain("watch needs a limit: --older-than 30m, --pending N, or both");
    return false;
}

static void rest(int64_t ms)
{
    int64_t end = when_now() + ms;

    for (int64_t left = ms; left > 0 && left <= ms && !stop_asked(); left = end - when_now()) {
        poll(NULL, 0, (int)(left < STEP_MS ? left : STEP_MS));
        hook_look_after();
    }
}

int run_watch(struct app *app)
{
    struct watch watch = {.app = app};
    int64_t every_ms = (app->options.given[OPT_EVERY] ? app->options.number[OPT_EVERY] : EVERY_S) * 1000;

    if (!read_limits(&watch))
        return EXIT_USAGE;
    if (!app_desk(app))
        return app->exit;
    signal(SIGCHLD, SIG_DFL); /* whoever began this may have ignored it, and then no command's end would be told */
    stop_catch();
    while (!stop_asked() && look(&watch)) {
        if (stop_asked())
            break;
        tell(&watch, lateness_next(&watch.state, &watch.seen));
        rest(every_ms);
    }
    hook_end_all();
    return app->exit;
}
