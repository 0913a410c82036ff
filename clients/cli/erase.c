/* modq erase: comments, or all that there is of an author. */
#include "bulk.h"
#include "dry_run.h"
#include "explain.h"
#include "json.h"
#include "say.h"
#include "selection.h"
#include "verbs.h"

static void say_erased(const struct app *app, struct text *out, const struct name *name,
                       const struct modq_value *result)
{
    (void)name;
    say_shade(app, out, SHADE_DIM);
    say(out, "erased");
    say_shade(app, out, SHADE_NONE);
    say(out, " ");
    say_name(out, result);
    say(out, " (record %lld)", (long long)modq_get_int(result, "seq", 0));
}

static const struct bulk_job erase_job = {.items = {.operation = "erase",
                                                    .changing = true,
                                                    .list = "comments",
                                                    .put_name = items_put_name,
                                                    .say_done = say_erased},
                                          .wish = "Erase text, author and notes of",
                                          .done = "erased",
                                          .usual = "any",
                                          .final = true};

/* ---- all of an author */

static void tell_author(const struct app *app, const struct filter *filter)
{
    json_t *line;
    struct text text = {0};

    if (app->json) {
        line = json_object();
        json_object_set_new(line, "site", json_text(filter->site));
        json_object_set_new(line, "author", json_text(filter->author));
        json_object_set_new(line, "status", json_string("erased"));
        json_print(line, stdout);
        return;
    }
    say(&text, "mark and notes of ");
    say_quoted(&text, slice_of(app->options.text[OPT_AUTHOR]));
    say(&text, " are erased");
    put_line(&text, stdout);
}

/* That nothing was noted of the author is as good. */
static void erase_author(struct app *app, const struct filter *filter)
{
    struct modq_fields *fields = modq_fields_new();
    struct modq_answer *answer = NULL;

    if (fields) {
        modq_put_operation(fields);
        modq_put_text(fields, "site", filter->site.data, filter->site.len);
        modq_put_text(fields, "author", filter->author.data, filter->author.len);
        answer = modq_call(app->desk, "author_erase", fields, app->timeout_ms);
    }
    const struct modq_error *error = answer ? modq_answer_error(answer) : NULL;
    if (answer && (!error || error->number == MODQ_E_NOT_FOUND)) {
        tell_author(app, filter);
    } else {
        complain_error(error, "author_erase");
        complain("mark and notes of the author are still there");
        app_exit(app, error ? exit_of(error) : EXIT_LOCAL);
    }
    modq_answer_free(answer);
    modq_fields_free(fields);
}

/* False: comments are left, which has been told. */
static bool erase_comments(struct app *app, const struct bulk_job *job, const struct names *names)
{
    struct bulk_tally tally = {0};

    if (names->count > 0)
        bulk_do(app, job, names, &tally);
    if (tally.done == names->count)
        return true;
    complain("mark and notes of the author are kept until all comments are erased; try again");
    return false;
}

/* Comments come in while others are erased: it is looked again until there are none. Erased ones have no author. */
static bool erase_all_comments(struct app *app, const struct bulk_job *job, const struct filter *filter,
                               const struct names *names)
{
    bool more = names->count > 0;

    if (!erase_comments(app, job, names))
        return false;
    while (more) {
        struct selection since = {0};
        bool good = selection_gather(app, filter, &since) && erase_comments(app, job, &since.names);
        more = since.names.count > 0;
        selection_free(&since);
        if (!good)
            return false;
    }
    return true;
}

static void erase_selected(struct app *app, const struct bulk_job *job, const struct filter *filter,
                           struct selection *selection)
{
    static const struct bulk_job noted = {.wish = "Erase", .final = true};
    struct text what = {0};
    size_t count = selection->names.count;

    if (count > 0) {
        selection_say(&what, selection);
    } else {
        say(&what, "mark and notes of ");
        say_quoted(&what, slice_of(app->options.text[OPT_AUTHOR]));
    }
    if (bulk_confirmed(app, count > 0 ? job : &noted, count, &what, &selection->sample) &&
        erase_all_comments(app, job, filter, &selection->names))
        erase_author(app, filter);
    text_free(&what);
}

static int erase_whole_author(struct app *app, const struct filter *filter)
{
    struct selection selection = {0};
    struct bulk_job job = erase_job;

    job.besides = ", in every state, and mark and notes of the author";
    if (app->options.given[OPT_DRY_RUN])
        return dry_run_filter(app, &job, filter);
    if (selection_gather(app, filter, &selection))
        erase_selected(app, &job, filter, &selection);
    selection_free(&selection);
    return app->exit;
}

int run_erase(struct app *app)
{
    struct filter filter;
    bool named = app->argc > 0 || app->options.given[OPT_STDIN];

    if (named || !app->options.given[OPT_AUTHOR])
        return bulk_run(app, &erase_job);
    if (!filter_take(app, erase_job.usual, &filter))
        return app->exit;
    if (!filter_is_whole_author(&filter))
        return bulk_run_filter(app, &erase_job, &filter);
    return erase_whole_author(app, &filter);
}
