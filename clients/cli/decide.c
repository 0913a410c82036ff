#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explain.h"
#include "items.h"
#include "policy.h"
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

/* The revision that was read, where it is known. */
static void put_compared(const struct app *app, struct modq_fields *fields, const struct name *name)
{
    items_put_name(app, fields, name);
    if (name->revision >= 0)
        modq_put_int(fields, "revision", name->revision);
}

static void put_lease(const struct app *app, struct modq_fields *fields)
{
    if (app->options.given[OPT_LEASE])
        modq_put_int(fields, "lease_ms", app->options.number[OPT_LEASE] * 1000);
}

static void put_record(const struct app *app, struct modq_fields *fields, const struct name *name)
{
    (void)app;
    modq_put_string(fields, "site", name->site);
    modq_put_int(fields, "seq", name->seq);
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

/* "approved news/17 (record 5)" */
static void say_decided(const struct app *app, struct text *out, const struct name *name,
                        const struct modq_value *result)
{
    (void)name;
    say_status(app, out, result);
    say_name(out, result);
    if (modq_get(result, "seq"))
        say(out, " (record %lld)", (long long)modq_get_int(result, "seq", 0));
}

static void say_undone(const struct app *app, struct text *out, const struct name *name,
                       const struct modq_value *result)
{
    struct slice state = value_slice(modq_get(result, "state"));

    (void)name;
    say(out, "undone ");
    say_name(out, result);
    say(out, ": ");
    say_shade(app, out, shade_of(state));
    say_quoted(out, state);
    say_shade(app, out, SHADE_NONE);
    say(out, " again (record %lld takes back record %lld)", (long long)modq_get_int(result, "seq", 0),
        (long long)modq_get_int(result, "undoes", 0));
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

/* False: no comment was named, which has been said. */
static bool read_some(struct app *app, struct names *names)
{
    if (!names_read(app, names))
        return false;
    if (app->argc > 0 || app->options.given[OPT_STDIN])
        return true;
    complain("name comments as SITE/ID, or give --stdin");
    app_exit(app, EXIT_USAGE);
    return false;
}

static int run_named(struct app *app, const struct items_job *job)
{
    struct names names = {0};

    if (read_some(app, &names) && app_desk(app))
        items_run(app, app->desk, job, &names);
    if (app->exit == EXIT_WRONG && app->options.given[OPT_REASON] && names.count > 0)
        policy_complain_reasons(app, names.item, names.count);
    names_free(&names);
    return app->exit;
}

int run_approve(struct app *app)
{
    static const struct items_job job = {.operation = "approve",
                                         .changing = true,
                                         .list = "comments",
                                         .put_name = put_compared,
                                         .put_rest = put_decision,
                                         .say_done = say_decided};
    return run_named(app, &job);
}

int run_reject(struct app *app)
{
    static const struct items_job job = {.operation = "reject",
                                         .changing = true,
                                         .list = "comments",
                                         .put_name = put_compared,
                                         .put_rest = put_decision,
                                         .say_done = say_decided};

    if (!app->options.given[OPT_REASON]) {
        complain("reject needs --reason CODE; modq policy lists the codes");
        return EXIT_USAGE;
    }
    return run_named(app, &job);
}

int run_escalate(struct app *app)
{
    static const struct items_job job = {.operation = "escalate",
                                         .changing = true,
                                         .list = "comments",
                                         .put_name = put_compared,
                                         .put_rest = put_note,
                                         .say_done = say_decided};
    return run_named(app, &job);
}

/* ---- erase */

static bool confirmed(const struct app *app)
{
    char line[16] = "";
    struct text question = {0};

    if (app->options.given[OPT_YES])
        return true;
    if (!isatty(STDIN_FILENO) || app->options.given[OPT_STDIN]) {
        complain("erasing cannot be undone; give --yes when you mean it");
        return false;
    }
    say(&question, "Erase text, author and notes of ");
    if (app->argc == 1)
        say_quoted(&question, slice_of(app->argv[0]));
    else
        say(&question, "%d comments", app->argc);
    say(&question, " for good? [y/N] ");
    put_text(&question, stderr);
    fflush(stderr);
    if (fgets(line, sizeof(line), stdin) && (line[0] == 'y' || line[0] == 'Y'))
        return true;
    complain("nothing was erased");
    return false;
}

int run_erase(struct app *app)
{
    static const struct items_job job = {.operation = "erase",
                                         .changing = true,
                                         .list = "comments",
                                         .put_name = items_put_name,
                                         .say_done = say_decided};

    if ((app->argc > 0 || app->options.given[OPT_STDIN]) && !confirmed(app))
        return EXIT_USAGE;
    return run_named(app, &job);
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
    if (app->argc == 0 && !app->options.given[OPT_STDIN])
        return run_all_held(app, job);
    return run_named(app, job);
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

/* ---- undo */

static const struct items_job undo_job = {
    .operation = "undo", .changing = true, .list = "records", .put_name = put_record, .say_done = say_undone};

/* The number of the comment's current decision; false: there is none, which has been told. */
static bool find_decision(struct app *app, struct name *name)
{
    struct modq_fields *fields = modq_fields_new();
    struct modq_answer *answer = NULL;
    struct modq_error none = {0, MODQ_CLASS_FINAL, "not_a_decision", "", "", -1, {0}};

    if (fields) {
        items_put_name(app, fields, name);
        answer = modq_call(app->desk, "show", fields, app->timeout_ms);
    }
    const struct modq_value *map = answer ? modq_answer_value(answer) : NULL;
    const struct modq_value *card = modq_get(map, "card");
    const struct modq_value *state = modq_get(card, "state");
    const struct modq_error *error = answer ? modq_answer_error(answer) : NULL;
    if (!error && (modq_is(state, "approved") || modq_is(state, "rejected")))
        name->seq = modq_get_int(card, "seq", -1);
    none.number = MODQ_E_NOT_A_DECISION;
    snprintf(none.message, sizeof(none.message), "there is no decision to undo: it is %.*s",
             (int)value_slice(state).len, value_slice(state).data ? value_slice(state).data : "unknown");
    if (name->seq < 0)
        items_tell(app, &undo_job, name, NULL, error ? error : &none);
    modq_answer_free(answer);
    modq_fields_free(fields);
    return name->seq >= 0;
}

/* --site and --seq name a record directly. */
static bool add_record(struct app *app, struct names *names)
{
    struct modq_error error;
    struct slice site = slice_of(app->options.text[OPT_SITE]);

    if (!names_add(names, site, SLICE_LIT("-"), &error)) {
        complain("--site: %s", error.message);
        app_exit(app, EXIT_USAGE);
        return false;
    }
    names->item[0].comment[0] = '\0';
    names->item[0].seq = app->options.number[OPT_SEQ];
    return true;
}

static void find_decisions(struct app *app, struct names *names)
{
    size_t kept = 0;

    for (size_t i = 0; i < names->count; i++) {
        struct name name = names->item[i];
        if (find_decision(app, &name)) {
            names->item[kept++] = name;
        } else {
            free(name.site);
            free(name.comment);
        }
    }
    names->count = kept;
}

int run_undo(struct app *app)
{
    struct names names = {0};
    bool by_number = app->options.given[OPT_SITE] && app->options.given[OPT_SEQ];

    if (app->options.given[OPT_SITE] != app->options.given[OPT_SEQ] || (by_number && app->argc > 0)) {
        complain("undo takes SITE/ID, or --site with --seq");
        return EXIT_USAGE;
    }
    if (by_number ? add_record(app, &names) : read_some(app, &names)) {
        if (app_desk(app)) {
            if (!by_number)
                find_decisions(app, &names);
            items_run(app, app->desk, &undo_job, &names);
        }
    }
    names_free(&names);
    return app->exit;
}
