#include "bulk.h"
#include "say.h"
#include "verbs.h"
#include "when.h"

/* ---- fields */

static void put_note(const struct app *app, struct modq_fields *fields)
{
    if (app->options.given[OPT_NOTE])
        modq_put_string(fields, "note", app->options.text[OPT_NOTE]);
}

static void put_reasons(const struct app *app, struct modq_fields *fields)
{
    const char *code = app->options.text[OPT_REASON];

    if (!code)
        return;
    modq_put_list(fields, "reasons");
    while (*code) {
        size_t len = strcspn(code, ",");
        if (len > 0)
            modq_put_text(fields, NULL, code, len);
        code += len + (code[len] == ',');
    }
    modq_put_end(fields);
}

static void put_decision(const struct app *app, struct modq_fields *fields)
{
    if (app->options.given[OPT_SUPERSEDE])
        modq_put_bool(fields, "supersede", true);
    put_reasons(app, fields);
    put_note(app, fields);
}

/* The revision that was read, and the decision that is to be replaced, where they are known. */
static void put_compared(const struct app *app, struct modq_fields *fields, const struct name *name)
{
    items_put_name(app, fields, name);
    if (name->revision >= 0)
        modq_put_int(fields, "revision", name->revision);
    if (name->seq >= 0 && app->options.given[OPT_SUPERSEDE])
        modq_put_int(fields, "seq", name->seq);
}

static void put_lease(const struct app *app, struct modq_fields *fields)
{
    if (app->options.given[OPT_LEASE])
        modq_put_int(fields, "lease_ms", app->options.number[OPT_LEASE] * 1000);
}

/* ---- results */

static void say_status(const struct app *app, struct text *out, const struct modq_value *result)
{
    struct slice status = value_slice(modq_get(result, "status"));

    say_shade(app, out, shade_of(status));
    say_quoted(out, status);
    say_shade(app, out, SHADE_NONE);
    say(out, " ");
}

/* Of a comment that was decided before, which nobody said. */
static void say_second_look(struct text *out, const struct modq_value *result)
{
    if (!modq_get_bool(result, "second_look", false))
        return;
    say(out, modq_get_bool(result, "agreed", true)
                 ? " (a second look: it was decided so before)"
                 : " (a second look: it was decided otherwise before, and waits in the lane escalated now)");
}

/* "approved news/17 (record 5)" */
static void say_decided(const struct app *app, struct text *out, const struct name *name,
                        const struct modq_value *result)
{
    (void)name;
    say_status(app, out, result);
    say_name(out, result);
    if (modq_get(result, "seq"))
        say(out, " (record %lld)", (long long)modq_get_int(result, "seq", 0));
    say_second_look(out, result);
}

static void say_held(const struct app *app, struct text *out, const struct name *name, const struct modq_value *result)
{
    int64_t until = modq_get_int(result, "claimed_until", -1);

    (void)name;
    say_status(app, out, result);
    say_name(out, result);
    if (until >= 0) {
        say(out, ", yours until ");
        when_say_short(out, until, when_now());
    }
}

/* ---- verbs */

int run_approve(struct app *app)
{
    static const struct bulk_job job = {.items = {.operation = "approve",
                                                  .changing = true,
                                                  .list = "comments",
                                                  .put_name = put_compared,
                                                  .put_rest = put_decision,
                                                  .say_done = say_decided},
                                        .wish = "Approve",
                                        .done = "approved",
                                        .usual = "pending",
                                        .batch = true,
                                        .undoable = true};
    return bulk_run(app, &job);
}

int run_reject(struct app *app)
{
    static const struct bulk_job job = {.items = {.operation = "reject",
                                                  .changing = true,
                                                  .list = "comments",
                                                  .put_name = put_compared,
                                                  .put_rest = put_decision,
                                                  .say_done = say_decided},
                                        .wish = "Reject",
                                        .done = "rejected",
                                        .usual = "pending",
                                        .batch = true,
                                        .undoable = true};

    if (!app->options.given[OPT_REASON]) {
        complain("reject needs --reason CODE; modq policy lists the codes");
        return EXIT_USAGE;
    }
    return bulk_run(app, &job);
}

int run_escalate(struct app *app)
{
    static const struct bulk_job job = {.items = {.operation = "escalate",
                                                  .changing = true,
                                                  .list = "comments",
                                                  .put_name = put_compared,
                                                  .put_rest = put_note,
                                                  .say_done = say_decided},
                                        .wish = "Escalate",
                                        .done = "escalated",
                                        .usual = "pending",
                                        .batch = true};
    return bulk_run(app, &job);
}

/* ---- renew, release */

static int run_all_held(struct app *app, const struct items_job *job)
{
    struct modq_fields *fields = modq_fields_new();
    struct modq_answer *answer = NULL;

    if (fields && app_desk(app)) {
        modq_put_operation(fields);
        if (job->put_rest)
            job->put_rest(app, fields);
        answer = app_call(app, app->desk, job->operation, fields);
    }
    if (answer) {
        const struct modq_value *results = modq_get(modq_answer_value(answer), "results");
        items_tell_all(app, job, results);
        if (modq_count(results) == 0 && !app->json)
            complain("you hold nothing");
    }
    modq_answer_free(answer);
    modq_fields_free(fields);
    return app->exit;
}

static int run_held(struct app *app, const struct items_job *job)
{
    struct names names = {0};

    if (app->argc == 0 && !app->options.given[OPT_STDIN])
        return run_all_held(app, job);
    if (names_read(app, &names) && app_desk(app))
        items_run(app, app->desk, job, &names);
    names_free(&names);
    return app->exit;
}

int run_renew(struct app *app)
{
    static const struct items_job job = {.operation = "renew",
                                         .changing = true,
                                         .list = "comments",
                                         .put_name = items_put_name,
                                         .put_rest = put_lease,
                                         .say_done = say_held};
    return run_held(app, &job);
}

int run_release(struct app *app)
{
    static const struct items_job job = {
        .operation = "release", .changing = true, .list = "comments", .put_name = items_put_name, .say_done = say_held};
    return run_held(app, &job);
}
