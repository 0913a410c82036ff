#include "bulk.h"

#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "dry_run.h"
#include "hex.h"
#include "policy.h"
#include "progress.h"
#include "say.h"
#include "selection.h"
#include "stop.h"

enum { LISTED = 3 };

/* ---- what came of it */

void bulk_leave_out(struct bulk_tally *tally, const struct name *name, const struct text *why)
{
    tally->left_out++;
    if (tally->left_out <= LISTED) {
        say(&tally->first, "%s", tally->left_out > 1 ? "; " : "");
        items_say_name(&tally->first, name);
        say(&tally->first, ": ");
        text_append(&tally->first, text_slice(why));
    }
    items_say_name(&tally->lines, name);
    say(&tally->lines, ": ");
    text_append(&tally->lines, text_slice(why));
    say(&tally->lines, "\n");
}

/* ---- a run */

struct run {
    struct items_watch watch; /* first, so that the one is found from the other */
    struct app *app;
    const struct bulk_job *job;
    struct bulk_tally *tally;
    size_t total, told;
    struct text failure; /* why the requests as a whole fail */
    bool failed;
    struct progress progress;
    uint8_t batch[BATCH_BYTES];
};

static void told(struct items_watch *watch, const struct name *name, const struct modq_value *result,
                 const struct modq_error *error)
{
    struct run *run = (struct run *)watch;
    struct text why = {0};

    run->told++;
    if (!error) {
        run->tally->done++;
    } else if (result) {
        items_say_why(run->app, &why, result, error);
        bulk_leave_out(run->tally, name, &why);
    } else if (!run->failed) {
        run->failed = true;
        items_say_why(run->app, &run->failure, NULL, error);
    }
    text_free(&why);
    if (watch->alone && !run->app->json)
        progress_draw(&run->progress, run->told, run->total, run->told);
}

static bool go_on(struct items_watch *watch)
{
    return !((struct run *)watch)->failed;
}

static bool run_begin(struct run *run, struct app *app, const struct bulk_job *job, size_t total, bool alone)
{
    *run =
        (struct run){.watch = {.told = told, .go_on = go_on, .alone = alone}, .app = app, .job = job, .total = total};
    progress_begin(&run->progress, app->columns);
    progress_wait(&run->progress, 1000);
    if (getrandom(run->batch, sizeof(run->batch), 0) == (ssize_t)sizeof(run->batch))
        return true;
    complain("the system has no random bytes");
    app_exit(app, EXIT_LOCAL);
    return false;
}

static void run_on(struct run *run, const struct names *names)
{
    struct items_job items = run->job->items;

    items.watch = &run->watch;
    if (run->job->batch)
        items.batch = run->batch;
    stop_catch();
    items_run(run->app, run->app->desk, &items, names);
    progress_clear(&run->progress);
}

/* What was sent and not answered may have been done. */
static void say_rest(const struct run *run, struct text *out)
{
    size_t rest = run->total - run->tally->done - run->tally->left_out;

    if (run->failed) {
        say(out, ", %zu not: ", rest);
        text_append(out, text_slice(&run->failure));
    } else if (rest > 0) {
        say(out, ", %zu not: interrupted", rest);
    }
}

/* "412 rejected, 3 left out (news/17: ...). modq undo --batch ID takes it back" */
static void say_summary(const struct run *run, struct text *out)
{
    const struct bulk_tally *tally = run->tally;

    say(out, "%zu %s", tally->done, run->job->done);
    if (tally->left_out > 0)
        say(out, ", %zu left out", tally->left_out);
    if (tally->left_out > 0 && tally->left_out <= LISTED) {
        say(out, " (");
        text_append(out, text_slice(&tally->first));
        say(out, ")");
    }
    say_rest(run, out);
    if (tally->done == 0 || !run->job->batch)
        return;
    say(out, run->job->undoable ? ". modq undo --batch " : ". Batch ");
    hex_say(out, run->batch, BATCH_BYTES);
    say(out, run->job->undoable ? " takes it back" : "");
}

static void summarise(struct run *run)
{
    struct text line = {0};

    if (run->tally->left_out > LISTED && !run->app->json) {
        fflush(stdout);
        put_text(&run->tally->lines, stderr);
    }
    say_summary(run, &line);
    fflush(stdout);
    put_line(&line, run->app->json ? stderr : stdout);
}

static void run_end(struct run *run)
{
    text_free(&run->failure);
    text_free(&run->tally->first);
    text_free(&run->tally->lines);
}

void bulk_do(struct app *app, const struct bulk_job *job, const struct names *names, struct bulk_tally *tally)
{
    struct run run;

    if (run_begin(&run, app, job, names->count + tally->left_out, true)) {
        run.tally = tally;
        if (names->count > 0)
            run_on(&run, names);
        summarise(&run);
        if (run.told < names->count || tally->left_out > 0)
            app_exit(app, EXIT_FAILED);
    }
    run.tally = tally;
    run_end(&run);
}

/* Names were given one by one: each is told, and at the end how to take all of them back. */
static void do_named(struct app *app, const struct bulk_job *job, const struct names *names)
{
    struct bulk_tally tally = {0};
    struct bulk_job alone = *job;
    struct text line = {0};
    struct run run;

    alone.batch = job->batch && names->count > 1;
    if (!run_begin(&run, app, &alone, names->count, false))
        return;
    run.tally = &tally;
    run_on(&run, names);
    if (alone.batch && job->undoable && tally.done > 1) {
        say(&line, "modq: modq undo --batch ");
        hex_say(&line, run.batch, BATCH_BYTES);
        say(&line, " takes back these %zu", tally.done);
        fflush(stdout);
        put_line(&line, stderr);
    }
    if (run.told < names->count)
        complain("interrupted: %zu of %zu were not sent", names->count - run.told, names->count);
    if (run.told < names->count)
        app_exit(app, EXIT_FAILED);
    run_end(&run);
}

/* ---- asking */

static bool on_terminal(const struct app *app)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO) && !app->options.given[OPT_STDIN];
}

static bool answered_yes(const struct bulk_job *job, const struct text *what, const struct text *sample)
{
    struct text question = {0};
    char line[16] = "";

    say(&question, "%s ", job->wish);
    text_append(&question, text_slice(what));
    say(&question, "%s?%s\n", job->besides ? job->besides : "", job->final ? " It cannot be undone." : "");
    text_append(&question, text_slice(sample));
    say(&question, "[y/N] ");
    fflush(stdout);
    put_text(&question, stderr);
    fflush(stderr);
    return fgets(line, sizeof(line), stdin) && (line[0] == 'y' || line[0] == 'Y');
}

bool bulk_confirmed(struct app *app, const struct bulk_job *job, size_t count, const struct text *what,
                    const struct text *sample)
{
    if (app->options.given[OPT_YES] || (!job->final && count <= BULK_ASKED))
        return true;
    if (on_terminal(app) && answered_yes(job, what, sample))
        return true;
    if (on_terminal(app))
        complain("nothing was done");
    else if (job->final)
        complain("it cannot be undone; give --yes when you mean it");
    else
        complain("these are %zu, more than %d; give --yes when you mean them all, --dry-run shows them", count,
                 BULK_ASKED);
    app_exit(app, EXIT_USAGE);
    return false;
}

/* ---- which comments */

/* Before anything is decided: whether the sites have the reasons. */
static bool reasons_fit(struct app *app, const struct names *names)
{
    if (!app->options.given[OPT_REASON] || policy_has_reasons(app, names->item, names->count))
        return true;
    app_exit(app, EXIT_WRONG);
    return false;
}

static void do_selected(struct app *app, const struct bulk_job *job, struct selection *selection)
{
    struct bulk_tally tally = {0};
    struct text what = {0};

    selection_say(&what, selection);
    if (bulk_confirmed(app, job, selection->names.count, &what, &selection->sample))
        bulk_do(app, job, &selection->names, &tally);
    text_free(&what);
}

int bulk_run_filter(struct app *app, const struct bulk_job *job, const struct filter *filter)
{
    struct selection selection = {0};

    if (app->options.given[OPT_DRY_RUN])
        return dry_run_filter(app, job, filter);
    if (selection_gather(app, filter, &selection)) {
        if (selection.names.count == 0)
            complain("no comment is like that");
        else if (reasons_fit(app, &selection.names))
            do_selected(app, job, &selection);
    }
    selection_free(&selection);
    return app->exit;
}

static bool names_fit(struct app *app, const struct bulk_job *job, const struct names *names)
{
    struct text what = {0};
    struct text none = {0};
    bool ok = true;

    if (job->final && !app->options.given[OPT_DRY_RUN]) {
        if (names->count == 1)
            items_say_name(&what, &names->item[0]);
        else
            say(&what, "%zu comments", names->count);
        ok = bulk_confirmed(app, job, names->count, &what, &none);
    }
    text_free(&what);
    return ok;
}

static int run_names(struct app *app, const struct bulk_job *job)
{
    struct names names = {0};

    if (names_read(app, &names) && names.count > 0 && names_fit(app, job, &names) && app_desk(app)) {
        if (app->options.given[OPT_DRY_RUN])
            dry_run_names(app, job, &names);
        else
            do_named(app, job, &names);
        if (app->exit == EXIT_WRONG && app->options.given[OPT_REASON])
            policy_has_reasons(app, names.item, names.count);
    }
    names_free(&names);
    return app->exit;
}

int bulk_run(struct app *app, const struct bulk_job *job)
{
    struct filter filter;
    bool named = app->argc > 0 || app->options.given[OPT_STDIN];

    if (named && filter_given(&app->options)) {
        complain("name comments, or select them with options such as --author, not both");
        return EXIT_USAGE;
    }
    if (named)
        return run_names(app, job);
    if (!filter_given(&app->options)) {
        complain("name comments as SITE/ID, give --stdin, or select them with options such as --author");
        return EXIT_USAGE;
    }
    return filter_take(app, job->usual, &filter) ? bulk_run_filter(app, job, &filter) : app->exit;
}
