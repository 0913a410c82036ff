/* modq note and modq skip. */
#include "bulk.h"
#include "json.h"
#include "names.h"
#include "say.h"
#include "verbs.h"
#include "when.h"
#include "written.h"

/* ---- note */

static void tell_noted(const struct app *app, const struct name *name, const struct modq_value *map)
{
    json_t *line;
    struct text text = {0};

    if (app->json) {
        line = json_answer(map);
        json_object_set_new(line, "site", json_text(slice_of(name->site)));
        json_object_set_new(line, "comment", json_text(slice_of(name->comment)));
        json_print(line, stdout);
        return;
    }
    say(&text, "noted on ");
    items_say_name(&text, name);
    put_line(&text, stdout);
}

static void note(struct app *app, const struct name *name, struct slice text)
{
    struct modq_fields *fields = modq_fields_new();
    struct modq_answer *answer = NULL;

    if (fields && app_desk(app)) {
        modq_put_operation(fields);
        items_put_name(app, fields, name);
        modq_put_text(fields, "note", text.data, text.len);
        answer = app_call(app, app->desk, "note", fields);
    }
    if (answer)
        tell_noted(app, name, modq_answer_value(answer));
    modq_answer_free(answer);
    modq_fields_free(fields);
}

int run_note(struct app *app)
{
    struct names names = {0};
    struct text text = {0};
    const char *given = app->argc > 1 ? app->argv[1] : NULL;

    app->argc = 1; /* only the first one is a name */
    if (names_read(app, &names) && written_read(app, given, &text))
        note(app, &names.item[0], text_slice(&text));
    text_free(&text);
    names_free(&names);
    return app->exit;
}

/* ---- skip */

enum { SKIP_LEAST_MS = 60000, SKIP_MOST_MS = 604800000 };

static void put_span(const struct app *app, struct modq_fields *fields)
{
    int64_t ms;

    if (app->options.given[OPT_FOR] && when_parse_span(app->options.text[OPT_FOR], &ms))
        modq_put_int(fields, "for_ms", ms);
}

static void say_skipped(const struct app *app, struct text *out, const struct name *name,
                        const struct modq_value *result)
{
    int64_t until = modq_get_int(result, "until", -1);

    (void)app;
    (void)name;
    say(out, "skipped ");
    say_name(out, result);
    if (until >= 0) {
        say(out, " until ");
        when_say_short(out, until, when_now());
    }
}

int run_skip(struct app *app)
{
    static const struct bulk_job job = {.items = {.operation = "skip",
                                                  .changing = true,
                                                  .list = "comments",
                                                  .put_name = items_put_name,
                                                  .put_rest = put_span,
                                                  .say_done = say_skipped},
                                        .wish = "Skip",
                                        .done = "skipped",
                                        .usual = "pending"};
    int64_t ms;

    if (app->options.given[OPT_FOR] &&
        (!when_parse_span(app->options.text[OPT_FOR], &ms) || ms < SKIP_LEAST_MS || ms > SKIP_MOST_MS)) {
        complain("--for: \"%s\" is no span of time from 1m to 7d", app->options.text[OPT_FOR]);
        return EXIT_USAGE;
    }
    return bulk_run(app, &job);
}
