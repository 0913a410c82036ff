#include <string.h>

#include "explain.h"
#include "items.h"
#include "json.h"
#include "policy.h"
#include "say.h"
#include "verbs.h"
#include "when.h"

/* ---- withdraw, report */

static void say_withdrawn(const struct app *app, struct text *out, const struct name *name,
                          const struct modq_value *result)
{
    (void)app;
    say(out, modq_is(modq_get(result, "status"), "duplicate") ? "already withdrawn " : "withdrawn ");
    items_say_name(out, name);
    if (modq_get(result, "seq"))
        say(out, " (record %lld)", (long long)modq_get_int(result, "seq", 0));
}

static void say_reported(const struct app *app, struct text *out, const struct name *name,
                         const struct modq_value *result)
{
    int64_t reports = modq_get_int(result, "reports", 0);

    (void)app;
    say(out, modq_is(modq_get(result, "status"), "duplicate") ? "already reported " : "reported ");
    items_say_name(out, name);
    say(out, ": %lld report%s now, it is ", (long long)reports, reports == 1 ? "" : "s");
    say_value(out, modq_get(result, "state"));
}

static void put_report(const struct app *app, struct modq_fields *fields, const struct name *name)
{
    items_put_name(app, fields, name);
    modq_put_string(fields, "reader", app->options.text[OPT_READER]);
    modq_put_string(fields, "reason", app->options.text[OPT_REASON]);
    modq_put_string(fields, "note", app->options.text[OPT_NOTE]);
    modq_put_int(fields, "at", when_now());
}

static int run_each(struct app *app, const struct items_job *job)
{
    struct names names = {0};

    if (names_read(app, &names) && app_front(app))
        items_run(app, app->front, job, &names);
    if (app->exit == EXIT_WRONG && app->options.given[OPT_REASON] && names.count > 0)
        policy_has_reasons(app, names.item, names.count);
    names_free(&names);
    return app->exit;
}

int run_withdraw(struct app *app)
{
    static const struct items_job job = {
        .operation = "withdraw", .one_each = true, .put_name = items_put_name, .say_done = say_withdrawn};

    if (app->argc == 0 && !app->options.given[OPT_STDIN]) {
        complain("name comments as SITE/ID, or give --stdin");
        return EXIT_USAGE;
    }
    return run_each(app, &job);
}

int run_report(struct app *app)
{
    static const struct items_job job = {
        .operation = "report", .one_each = true, .put_name = put_report, .say_done = say_reported};

    if (!app->options.given[OPT_READER]) {
        complain("report needs --reader READER: what stands for the reader who reports");
        return EXIT_USAGE;
    }
    return run_each(app, &job);
}

/* ---- article, confirm */

/* False: said that it is neither yes nor no. */
static bool put_yes_no(const struct app *app, struct modq_fields *fields, enum option_id option, const char *key)
{
    const char *word = app->options.text[option];

    if (!word)
        return true;
    if (strcmp(word, "yes") != 0 && strcmp(word, "no") != 0) {
        complain_word("value", word, option_words(option));
        return false;
    }
    modq_put_bool(fields, key, strcmp(word, "yes") == 0);
    return true;
}

/* Asks, and prints the answer: as JSON, or with `say_it`. */
static int ask(struct app *app, const char *operation, const struct modq_fields *fields,
               void (*say_it)(const struct app *app, struct text *out, const struct modq_value *map))
{
    struct modq_answer *answer = app_front(app) ? app_call(app, app->front, operation, fields) : NULL;
    struct text line = {0};

    if (!answer)
        return app->exit;
    const struct modq_value *map = modq_answer_value(answer);
    if (app->json) {
        json_print(json_from(map), stdout);
    } else {
        say_it(app, &line, map);
        put_line(&line, stdout);
    }
    modq_answer_free(answer);
    return app->exit;
}

static void say_stored(const struct app *app, struct text *out, const struct modq_value *map)
{
    say_value(out, modq_get(map, "status"));
    say(out, " article ");
    say_quoted(out, slice_of(app->options.text[OPT_ID]));
    say(out, " of ");
    say_quoted(out, slice_of(app->options.text[OPT_SITE]));
}

static void put_article(const struct app *app, struct modq_fields *fields)
{
    modq_put_string(fields, "site", app->options.text[OPT_SITE]);
    modq_put_map(fields, "article");
    modq_put_string(fields, "id", app->options.text[OPT_ID]);
    modq_put_string(fields, "title", app->options.text[OPT_TITLE]);
    modq_put_string(fields, "url", app->options.text[OPT_URL]);
    modq_put_string(fields, "language", app->options.text[OPT_LANG]);
    modq_put_end(fields);
}

int run_article(struct app *app)
{
    struct modq_fields *fields;

    if (!app->options.given[OPT_SITE] || !app->options.given[OPT_ID]) {
        complain("article needs --site SITE and --id ID");
        return EXIT_USAGE;
    }
    fields = modq_fields_new();
    if (!fields)
        return EXIT_LOCAL;
    put_article(app, fields);
    if (put_yes_no(app, fields, OPT_CLOSED, "closed") && put_yes_no(app, fields, OPT_FRONT_PAGE, "front_page"))
        ask(app, "article", fields, say_stored);
    else
        app_exit(app, EXIT_USAGE);
    modq_fields_free(fields);
    return app->exit;
}

static void say_lag(const struct app *app, struct text *out, const struct modq_value *map)
{
    say(out, "confirmed ");
    say_quoted(out, slice_of(app->options.text[OPT_SITE]));
    say(out, " up to record %lld: %lld behind the newest, %lld", (long long)app->options.number[OPT_SEQ],
        (long long)modq_get_int(map, "lag", 0), (long long)modq_get_int(map, "newest", 0));
}

int run_confirm(struct app *app)
{
    struct modq_fields *fields;

    if (!app->options.given[OPT_SITE] || !app->options.given[OPT_LISTENER] || !app->options.given[OPT_SEQ]) {
        complain("confirm needs --site SITE, --listener NAME and --seq N");
        return EXIT_USAGE;
    }
    fields = modq_fields_new();
    if (!fields)
        return EXIT_LOCAL;
    modq_put_string(fields, "site", app->options.text[OPT_SITE]);
    modq_put_string(fields, "listener", app->options.text[OPT_LISTENER]);
    modq_put_int(fields, "seq", app->options.number[OPT_SEQ]);
    ask(app, "confirm", fields, say_lag);
    modq_fields_free(fields);
    return app->exit;
}
