/* modq undo: decisions taken back, one by one, by their numbers, or a whole batch of them. */
#include <stdlib.h>
#include <string.h>

#include "bulk.h"
#include "hex.h"
#include "json.h"
#include "say.h"
#include "verbs.h"

enum { RECORDS_PAGE = 1000 };

static void put_record(const struct app *app, struct modq_fields *fields, const struct name *name)
{
    (void)app;
    modq_put_string(fields, "site", name->site);
    modq_put_int(fields, "seq", name->seq);
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

static const struct bulk_job undo_job = {
    .items = {.operation = "undo", .changing = true, .list = "records", .put_name = put_record, .say_done = say_undone},
    .wish = "Take back",
    .done = "undone",
    .batch = true};

/* ---- by name or number */

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
        items_tell(app, &undo_job.items, name, NULL, error ? error : &none);
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

/* ---- a batch */

struct undoing {
    struct app *app;
    uint8_t batch[BATCH_BYTES];
    struct names names; /* decisions that are current */
    struct bulk_tally tally;
};

/* Why a record of the batch is not taken back; NULL: it is. */
static const char *obstacle(const struct modq_value *record)
{
    const struct modq_value *kind = modq_get(record, "kind");

    if (!modq_is(kind, "approved") && !modq_is(kind, "rejected"))
        return "no decision";
    return modq_get_bool(record, "current", false) ? NULL : "something came after that decision";
}

static void tell_json(const struct undoing *u, const struct modq_value *record, const char *why)
{
    bool decided = modq_is(modq_get(record, "kind"), "approved") || modq_is(modq_get(record, "kind"), "rejected");
    bool dry = u->app->options.given[OPT_DRY_RUN];
    json_t *line;

    if (!u->app->json || (!why && !dry))
        return;
    line = json_from(record);
    json_object_set_new(line, "batch", json_string(u->app->options.text[OPT_BATCH]));
    json_object_set_new(line, "status", json_string(!why ? "undone" : decided ? "not_current" : "not_a_decision"));
    if (dry)
        json_object_set_new(line, "dry_run", json_true());
    json_print(line, stdout);
}

static bool take_record(struct undoing *u, const struct modq_value *record)
{
    const char *why = obstacle(record);
    struct modq_error error;
    struct text text = {0};

    if (!names_add(&u->names, value_slice(modq_get(record, "site")), value_slice(modq_get(record, "comment")),
                   &error)) {
        complain("%s", error.message);
        app_exit(u->app, EXIT_LOCAL);
        return false;
    }
    struct name *name = &u->names.item[u->names.count - 1];
    name->seq = modq_get_int(record, "seq", -1);
    tell_json(u, record, why);
    if (why) {
        say_quoted(&text, value_slice(modq_get(record, "kind")));
        say(&text, ", %s", why);
        bulk_leave_out(&u->tally, name, &text);
        names_drop(&u->names);
    }
    text_free(&text);
    return true;
}

static struct modq_answer *ask_records(struct undoing *u, int64_t after)
{
    struct modq_fields *fields = modq_fields_new();
    struct modq_answer *answer = NULL;

    if (fields && app_desk(u->app)) {
        modq_put_bytes(fields, "batch", u->batch, BATCH_BYTES);
        modq_put_int(fields, "limit", RECORDS_PAGE);
        if (after >= 0)
            modq_put_int(fields, "after", after);
        answer = app_call(u->app, u->app->desk, "batch", fields);
    }
    modq_fields_free(fields);
    return answer;
}

/* False: it failed, which has been told. */
static bool read_batch(struct undoing *u)
{
    int64_t after = -1;

    do {
        struct modq_answer *answer = ask_records(u, after);
        bool ok = answer != NULL;
        const struct modq_value *map = answer ? modq_answer_value(answer) : NULL;
        const struct modq_value *records = modq_get(map, "records");
        for (size_t i = 0; ok && i < modq_count(records); i++)
            ok = take_record(u, modq_item(records, i));
        after = modq_get_int(map, "next", -1);
        modq_answer_free(answer);
        if (!ok)
            return false;
    } while (after >= 0);
    return true;
}

static void tell_dry_run(struct undoing *u)
{
    struct text line = {0};

    if (u->app->json)
        return;
    for (size_t i = 0; i < u->names.count; i++) {
        items_say_name(&line, &u->names.item[i]);
        say(&line, " (record %lld)\n", (long long)u->names.item[i].seq);
    }
    text_append(&line, text_slice(&u->tally.lines));
    say(&line, "%zu would be undone", u->names.count);
    if (u->tally.left_out > 0)
        say(&line, ", %zu left out", u->tally.left_out);
    say(&line, "; nothing was changed");
    put_line(&line, stdout);
}

static void undo_records(struct undoing *u)
{
    struct text what = {0};
    struct text none = {0};

    say(&what, "%zu decisions", u->names.count);
    if (u->names.count + u->tally.left_out == 0) {
        complain("nothing was decided under this batch id");
        app_exit(u->app, EXIT_FAILED);
    } else if (u->app->options.given[OPT_DRY_RUN]) {
        tell_dry_run(u);
    } else if (bulk_confirmed(u->app, &undo_job, u->names.count, &what, &none)) {
        bulk_do(u->app, &undo_job, &u->names, &u->tally);
    }
    text_free(&what);
}

static int run_undo_batch(struct app *app)
{
    struct undoing u = {.app = app};

    if (!hex_parse(app->options.text[OPT_BATCH], u.batch, BATCH_BYTES)) {
        complain("--batch: %d hexadecimal digits, as they were told when it was decided", 2 * BATCH_BYTES);
        return EXIT_USAGE;
    }
    if (read_batch(&u))
        undo_records(&u);
    text_free(&u.tally.first);
    text_free(&u.tally.lines);
    names_free(&u.names);
    return app->exit;
}

/* ---- the verb */

/* One way to say which, and no options of another one. */
static bool named_one_way(const struct app *app)
{
    const bool *given = app->options.given;
    bool by_number = given[OPT_SITE] || given[OPT_SEQ];
    bool by_name = app->argc > 0 || given[OPT_STDIN];

    if (by_number + by_name + given[OPT_BATCH] != 1 || given[OPT_SITE] != given[OPT_SEQ])
        complain("undo takes SITE/ID, or --site with --seq, or --batch");
    else if (!given[OPT_BATCH] && (given[OPT_DRY_RUN] || given[OPT_YES]))
        complain("--dry-run and --yes are for --batch");
    else
        return true;
    return false;
}

int run_undo(struct app *app)
{
    struct names names = {0};
    bool by_number = app->options.given[OPT_SEQ];

    if (!named_one_way(app))
        return EXIT_USAGE;
    if (app->options.given[OPT_BATCH])
        return run_undo_batch(app);
    if ((by_number ? add_record(app, &names) : names_read(app, &names)) && app_desk(app)) {
        if (!by_number)
            find_decisions(app, &names);
        items_run(app, app->desk, &undo_job.items, &names);
    }
    names_free(&names);
    return app->exit;
}
