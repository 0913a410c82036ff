#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "event.h"
#include "explain.h"
#include "json.h"
#include "lines.h"
#include "progress.h"
#include "say.h"
#include "stop.h"
#include "verbs.h"

enum { EACH_TIMEOUT_MS = 60000, IDLE_MS = 20, DRAIN_EVERY = 64, LINGER_MS = 5000 };

/* Where a comment came from; kept until its result is there. */
struct origin {
    const char *file;
    uint64_t line;
    struct event_name name;
};

struct submit {
    struct app *app;
    struct modq_submitter *submitter; /* NULL: over the push socket */
    struct modq_push *push;
    struct modq_comment *comment;
    struct progress progress;
    const char *file;
    uint64_t bytes_before, bytes_all; /* of the files read, of all files (0: unknown) */
    uint64_t accepted, duplicate, conflict, failed, handed;
    bool hopeless; /* the daemon is not there: more lines would fail alike */
};

/* ---- telling */

static json_t *name_or_null(const char *name)
{
    return *name ? json_text(slice_of(name)) : json_null();
}

static void tell_json(const struct origin *origin, const struct modq_value *result, const struct modq_error *error)
{
    json_t *map = result ? json_from(result) : json_object();

    if (!json_is_string(json_object_get(map, "site")))
        json_object_set_new(map, "site", name_or_null(origin->name.site));
    if (!json_is_string(json_object_get(map, "comment")))
        json_object_set_new(map, "comment", name_or_null(origin->name.comment));
    if (!json_is_integer(json_object_get(map, "revision")))
        json_object_set_new(map, "revision", json_integer(origin->name.revision));
    if (error && error->number != 0) {
        json_object_set_new(map, "status", json_text(slice_of(error->name)));
        if (!modq_get(result, "error"))
            json_object_set_new(map, "error", json_from_error(error));
    }
    json_object_set_new(map, "line", json_integer((json_int_t)origin->line));
    json_print(map, stdout);
}

static void tell_failure(struct submit *s, const struct origin *origin, const struct modq_value *result,
                         const struct modq_error *error)
{
    struct text name = {0};
    struct text line = {0};

    text_append(&name, slice_of(origin->name.site));
    text_append(&name, SLICE_LIT("/"));
    text_append(&name, slice_of(origin->name.comment));
    say_quoted(&line, slice_of(origin->file));
    say(&line, ":%llu: ", (unsigned long long)origin->line);
    if (origin->name.comment[0]) {
        say_quoted(&line, text_slice(&name));
        say(&line, ": ");
    }
    if (modq_get(result, "error") && !error->field[0])
        explain(&line, modq_get(result, "error"), true);
    else
        explain_error(&line, error);
    say(&line, " (%s)", error->name);
    progress_clear(&s->progress);
    put_line(&line, stderr);
    text_free(&name);
}

static void tell(struct submit *s, const struct origin *origin, const struct modq_value *result,
                 const struct modq_error *error)
{
    if (error->number != 0) {
        app_exit(s->app, exit_of(error));
        if (error->number == MODQ_E_CONFLICT)
            s->conflict++;
        else
            s->failed++;
    }
    if (s->app->json)
        tell_json(origin, result, error);
    else if (error->number != 0)
        tell_failure(s, origin, result, error);
}

/* ---- results */

static void take_result(struct submit *s, const struct modq_result *result)
{
    struct origin *origin = (struct origin *)(uintptr_t)result->tag;

    if (result->stored && modq_is(modq_get(result->result, "status"), "accepted"))
        s->accepted++;
    else if (result->stored)
        s->duplicate++;
    else if (result->error.number == MODQ_E_CONNECT || result->error.number == MODQ_E_TIMEOUT)
        s->hopeless = true;
    tell(s, origin, result->result, &result->error);
    free(origin);
}

/* Takes results; waits for one at most. */
static void drain(struct submit *s, int wait_ms)
{
    struct modq_result result;

    while (s->submitter && modq_submitter_next(s->submitter, wait_ms, &result)) {
        take_result(s, &result);
        wait_ms = 0;
    }
}

/* ---- lines */

static bool push_comment(struct submit *s, struct modq_error *error)
{
    int wait_ms = app_timeout_ms(s->app, LINGER_MS);

    if (modq_push_add(s->push, s->comment, wait_ms, error)) {
        s->handed++;
        return true;
    }
    if (error->number != MODQ_E_TIMEOUT)
        return false;
    s->handed++; /* the batch before it was lost, which is counted at the end */
    s->hopeless = true;
    return true;
}

static bool submit_comment(struct submit *s, struct origin *origin, struct modq_error *error)
{
    int taken;

    while ((taken = modq_submitter_add(s->submitter, s->comment, (uintptr_t)origin, error)) == 0)
        drain(s, 1000);
    return taken > 0;
}

static void bad_line(struct origin *origin, struct modq_error *error)
{
    *error =
        (struct modq_error){MODQ_E_ARGUMENT, MODQ_CLASS_FIX, "client_bad_line", "", "the line is too long", -1, {0}};
    origin->name = (struct event_name){0};
}

static void take_line(struct submit *s, struct slice line, uint64_t number, bool too_long)
{
    struct origin *origin = calloc(1, sizeof(*origin));
    struct modq_error error = {0};
    bool ok = false;

    if (!origin) {
        complain("out of memory");
        app_exit(s->app, EXIT_LOCAL);
        s->hopeless = true;
        return;
    }
    origin->file = s->file;
    origin->line = number;
    if (too_long)
        bad_line(origin, &error);
    else if (event_from_json(line, s->app->options.text[OPT_SITE], s->comment, &origin->name, &error))
        ok = s->submitter ? submit_comment(s, origin, &error) : push_comment(s, &error);
    if (!ok)
        tell(s, origin, NULL, &error);
    if (!ok || !s->submitter)
        free(origin);
}

static bool blank(struct slice line)
{
    for (size_t i = 0; i < line.len; i++)
        if (!strchr(" \t\r", line.data[i]))
            return false;
    return true;
}

static void draw(struct submit *s, const struct lines *lines)
{
    uint64_t done = s->submitter ? s->accepted + s->duplicate + s->conflict + s->failed : s->handed;
    progress_draw(&s->progress, s->bytes_before + lines->bytes, s->bytes_all, done);
}

/* While nothing is there to read, results are taken and batches that are not full are sent. */
static void idle(struct submit *s)
{
    if (s->submitter && modq_submitter_pending(s->submitter) > 0)
        drain(s, IDLE_MS);
    else if (s->push)
        modq_push_flush(s->push, app_timeout_ms(s->app, LINGER_MS), NULL);
}

static void read_lines(struct submit *s, int fd)
{
    struct lines lines;
    struct slice line;
    enum line_status status = LINE_HERE;
    bool busy = false;

    lines_open(&lines, fd);
    while (!stop_asked() && !s->hopeless) {
        status = lines_next(&lines, &line, !busy);
        busy = status != LINE_NOT_YET || (s->submitter && modq_submitter_pending(s->submitter) > 0);
        if (status == LINE_END || status == LINE_FAILED)
            break;
        if (status == LINE_NOT_YET)
            idle(s);
        else if (status == LINE_TOO_LONG || !blank(line))
            take_line(s, line, lines.number, status == LINE_TOO_LONG);
        if (lines.number % DRAIN_EVERY == 0)
            drain(s, 0);
        draw(s, &lines);
    }
    if (status == LINE_FAILED) {
        complain("%s: %s", s->file, strerror(errno));
        app_exit(s->app, EXIT_LOCAL);
    }
    s->bytes_before += lines.bytes;
    lines_close(&lines);
}

static void read_file(struct submit *s, const char *file)
{
    if (strcmp(file, "-") == 0) {
        s->file = "(standard input)";
        read_lines(s, STDIN_FILENO);
        return;
    }
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    s->file = file;
    if (fd < 0) {
        complain("%s: %s", file, strerror(errno));
        app_exit(s->app, EXIT_LOCAL);
        return;
    }
    read_lines(s, fd);
    close(fd);
}

/* ---- all of it */

static uint64_t size_of_files(const struct app *app)
{
    uint64_t all = 0;

    for (int i = 0; i < (app->argc ? app->argc : 1); i++) {
        bool standard = app->argc == 0 || strcmp(app->argv[i], "-") == 0;
        struct stat status;
        if ((standard ? fstat(STDIN_FILENO, &status) : stat(app->argv[i], &status)) != 0 || !S_ISREG(status.st_mode))
            return 0;
        all += (uint64_t)status.st_size;
    }
    return all;
}

static bool open_sockets(struct submit *s)
{
    struct app *app = s->app;
    struct modq_error error;

    if (app->options.given[OPT_PUSH_ENDPOINT]) {
        if (!app_endpoint(app, ENDPOINT_PUSH))
            return false;
        s->push = modq_push_open(app->endpoint[ENDPOINT_PUSH], app->key, &error);
    } else if (!app_front(app)) {
        return false;
    } else if (modq_hello(app->front, app->timeout_ms, &error)) {
        s->submitter = modq_submitter_new(app->front, app_timeout_ms(app, EACH_TIMEOUT_MS));
    }
    if (s->push || s->submitter)
        return true;
    complain_error(&error, NULL);
    app_exit(app, exit_of(&error));
    return false;
}

static void summary(struct submit *s, size_t lost)
{
    progress_clear(&s->progress);
    fflush(stdout);
    if (s->submitter)
        fprintf(stderr, "%llu accepted, %llu duplicate, %llu conflict, %llu failed\n", (unsigned long long)s->accepted,
                (unsigned long long)s->duplicate, (unsigned long long)s->conflict, (unsigned long long)s->failed);
    else
        fprintf(stderr, "%llu handed over without acknowledgement, %zu not handed over, %llu failed\n",
                (unsigned long long)(s->handed - lost), lost, (unsigned long long)s->failed);
    if (lost > 0)
        app_exit(s->app, EXIT_UNREACHABLE);
    if (stop_asked() || (s->hopeless && s->app->exit == EXIT_UNREACHABLE))
        complain("stopped; what was not read yet has not been sent");
}

static void finish(struct submit *s)
{
    size_t lost = 0;

    while (s->submitter && modq_submitter_pending(s->submitter) > 0) {
        drain(s, 200);
        progress_draw(&s->progress, s->bytes_before, s->bytes_all, s->accepted + s->duplicate);
    }
    if (s->push)
        lost = modq_push_close(s->push, app_timeout_ms(s->app, LINGER_MS));
    summary(s, lost > s->handed ? s->handed : lost);
    modq_submitter_free(s->submitter);
}

int run_submit(struct app *app)
{
    struct submit s = {.app = app, .comment = modq_comment_new(), .bytes_all = size_of_files(app)};

    if (!s.comment) {
        complain("out of memory");
        return EXIT_LOCAL;
    }
    if (open_sockets(&s)) {
        stop_catch();
        progress_begin(&s.progress, app->columns);
        for (int i = 0; i < app->argc && !stop_asked() && !s.hopeless; i++)
            read_file(&s, app->argv[i]);
        if (app->argc == 0)
            read_file(&s, "-");
        finish(&s);
    }
    modq_comment_free(s.comment);
    return app->exit;
}
