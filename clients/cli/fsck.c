/* Have the daemon count everything anew, and say what differs. */
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "say.h"
#include "verbs.h"
#include "when.h"

enum { PROGRESS_EVERY_MS = 200 };

struct recount {
    struct app *app;
    int64_t faults, told_at;
    bool done;
};

/* Every event is met twice: in its comment's history, and in the log. */
static void tell_progress(struct recount *recount, const struct modq_value *map)
{
    const struct modq_value *checked = modq_get(map, "checked");
    int64_t now = when_now();

    if (!isatty(STDERR_FILENO) || (!recount->done && now - recount->told_at < PROGRESS_EVERY_MS))
        return;
    recount->told_at = now;
    if (recount->done) {
        fputs("\r\033[K", stderr);
        return;
    }
    int64_t part = modq_get_int(checked, "history", 0) + modq_get_int(checked, "events", 0);
    int64_t whole = 2 * modq_get_int(map, "total", 0);
    fprintf(stderr, "\r%lld %%, %lld comments\033[K",
            whole > 0 ? (long long)(100 * (part < whole ? part : whole) / whole) : 0,
            (long long)modq_get_int(checked, "comments", 0));
}

static void show_fault(struct recount *recount, const struct modq_value *fault)
{
    struct text line = {0};

    recount->faults++;
    if (recount->app->json) {
        json_print(json_from(fault), stdout);
        return;
    }
    say_value(&line, modq_get(fault, "table"));
    say(&line, " %lld", (long long)modq_get_int(fault, "no", 0));
    if (modq_get(fault, "site")) {
        say(&line, ", ");
        say_value(&line, modq_get(fault, "site"));
    }
    if (modq_get(fault, "comment")) {
        say(&line, "/");
        say_value(&line, modq_get(fault, "comment"));
    }
    say(&line, ": ");
    say_value(&line, modq_get(fault, "fault"));
    say(&line, ": ");
    say_value(&line, modq_get(fault, "detail"));
    put_line(&line, stdout);
}

/* What there is none of is left out, but for what there always is. */
static bool is_told(const char *name, int64_t n)
{
    return strcmp(name, "comments") == 0 || strcmp(name, "events") == 0 || (n > 0 && strcmp(name, "history") != 0);
}

static void say_checked(struct text *line, const struct modq_value *checked)
{
    static const char *const names[] = {"comments", "events", "texts",   "notes", "reports",
                                        "authors",  "skips",  "batches", "sites"};
    const char *before = "checked";

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        int64_t n = modq_get_int(checked, names[i], 0);
        if (!is_told(names[i], n))
            continue;
        say(line, "%s %lld %s", before, (long long)n, names[i]);
        before = ",";
    }
}

static void say_end(const struct recount *recount, const struct modq_value *map)
{
    struct text line = {0};

    if (recount->app->json) {
        json_print(json_pack("{s:o, s:I}", "checked", json_from(modq_get(map, "checked")), "faults",
                             (json_int_t)recount->faults),
                   stdout);
        return;
    }
    say_checked(&line, modq_get(map, "checked"));
    if (recount->faults)
        say(&line, ": %lld faults; nothing was changed", (long long)recount->faults);
    else
        say(&line, ": all counts agree");
    put_line(&line, stdout);
}

static void take_slice(struct recount *recount, const struct modq_value *map)
{
    const struct modq_value *faults = modq_get(map, "faults");

    recount->done = modq_get_bool(map, "done", true);
    tell_progress(recount, map);
    for (size_t i = 0; i < modq_count(faults); i++)
        show_fault(recount, modq_item(faults, i));
    if (recount->done)
        say_end(recount, map);
}

/* Asks with *fields, and puts those of the next slice there. False: it is done, or failed. */
static bool next_slice(struct recount *recount, struct modq_fields **fields)
{
    struct app *app = recount->app;
    struct modq_answer *answer = *fields && app_desk(app) ? app_call(app, app->desk, "fsck", *fields) : NULL;
    const struct modq_value *map = answer ? modq_answer_value(answer) : NULL;

    modq_fields_free(*fields);
    *fields = NULL;
    if (map)
        take_slice(recount, map);
    if (map && !recount->done) {
        *fields = modq_fields_new();
        if (*fields)
            modq_put_value(*fields, "state", modq_get(map, "state"));
    }
    modq_answer_free(answer);
    return *fields != NULL;
}

int run_fsck(struct app *app)
{
    struct recount recount = {.app = app};
    struct modq_fields *fields = modq_fields_new();

    while (next_slice(&recount, &fields))
        ;
    if (!recount.done)
        return app->exit == EXIT_DONE ? EXIT_LOCAL : app->exit;
    if (recount.faults > 0)
        app_exit(app, EXIT_FAILED);
    return app->exit;
}
