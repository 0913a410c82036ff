/* modq author, author mark, author note. */
#include "author.h"

#include <string.h>

#include "explain.h"
#include "history.h"
#include "items.h"
#include "json.h"
#include "options.h"
#include "record.h"
#include "rows.h"
#include "table.h"
#include "verbs.h"
#include "when.h"
#include "written.h"

enum { EVENTS_SHOWN = 50 };

bool author_named(struct app *app, struct names *names)
{
    struct slice site, author;
    struct modq_error error;

    if (!name_split(slice_of(app->argv[0]), &site, &author))
        complain("\"%s\" names nobody; an author is named SITE/AUTHOR", app->argv[0]);
    else if (!names_add(names, site, author, &error))
        complain("\"%s\": %s", app->argv[0], error.message);
    else
        return true;
    app_exit(app, EXIT_USAGE);
    return false;
}

void author_put(struct modq_fields *fields, const struct name *name)
{
    modq_put_string(fields, "site", name->site);
    modq_put_string(fields, "author", name->comment);
}

struct modq_answer *author_ask(struct app *app, const struct name *name, int64_t limit, int64_t before)
{
    struct modq_fields *fields = modq_fields_new();
    struct modq_answer *answer = NULL;

    if (fields && app_desk(app)) {
        author_put(fields, name);
        modq_put_int(fields, "limit", limit);
        if (before >= 0)
            modq_put_int(fields, "before", before);
        answer = modq_call(app->desk, "author", fields, app->timeout_ms);
    }
    modq_fields_free(fields);
    const struct modq_error *error = answer ? modq_answer_error(answer) : NULL;
    if (answer && !error)
        return answer;
    if (error && error->number == MODQ_E_NOT_FOUND)
        complain("%s/%s: nothing is known of this author", name->site, name->comment);
    else
        complain_error(error, "author");
    app_exit(app, error ? exit_of(error) : EXIT_LOCAL);
    modq_answer_free(answer);
    return NULL;
}

/* ---- modq author */

static enum shade shade_of_mark(const struct modq_value *mark)
{
    if (modq_is(mark, "trusted"))
        return SHADE_GREEN;
    return modq_is(mark, "blocked") ? SHADE_RED : SHADE_YELLOW;
}

static void say_mark(const struct app *app, struct text *out, const struct modq_value *record)
{
    const struct modq_value *mark = modq_get(record, "mark");
    int64_t until = modq_get_int(record, "mark_until", -1);

    if (!mark || modq_is(mark, "none"))
        return;
    rows_title(out, "mark");
    say_shade(app, out, shade_of_mark(mark));
    say_value(out, mark);
    say_shade(app, out, SHADE_NONE);
    say(out, " since ");
    when_say(out, modq_get_int(record, "marked_at", 0));
    say(out, ", by ");
    say_value(out, modq_get(record, "marked_by"));
    if (until >= 0) {
        say(out, ", until ");
        when_say(out, until);
    }
    say(out, "\n");
    rows_wrapped(app, out, "", value_slice(modq_get(record, "mark_note")));
}

static void say_record(const struct app *app, struct text *out, const struct name *name,
                       const struct modq_value *record)
{
    say_shade(app, out, SHADE_BOLD);
    items_say_name(out, name);
    say_shade(app, out, SHADE_NONE);
    say(out, "\n");
    rows_wrapped(app, out, "name", value_slice(modq_get(record, "name")));
    say_mark(app, out, record);
    rows_title(out, "wrote");
    record_say_counts(out, record);
    say(out, "\n");
    rows_time(out, "first", modq_get_int(record, "first_at", -1));
    if (modq_count(modq_get(record, "reasons")) > 0) {
        rows_title(out, "rejected");
        say(out, "for ");
        record_say_reasons(out, record);
        say(out, "\n");
    }
}

static void print_last(const struct app *app, const struct name *name, const struct modq_value *last)
{
    static const char *const headers[] = {"COMMENT", "STATE", "AGE", "REASONS", "TEXT", NULL};
    struct table table = {.app = app, .headers = headers};

    for (size_t i = 0; i < modq_count(last); i++) {
        const struct modq_value *one = modq_item(last, i);
        struct slice comment = value_slice(modq_get(one, "comment"));
        struct slice state = value_slice(modq_get(one, "state"));
        struct text text = {0};
        say(&text, "%s/%.*s", name->site, (int)comment.len, comment.data ? comment.data : "");
        table_word(&table, text_slice(&text), SHADE_BOLD);
        text_free(&text);
        table_word(&table, state, shade_of(state));
        when_say_age(&text, modq_get_int(one, "received_at", 0), when_now());
        table_text(&table, &text);
        say_list(&text, modq_get(one, "reasons"), ", ");
        table_text(&table, &text);
        table_untrusted(&table, value_slice(modq_get(one, "start")));
    }
    fputs(table.count ? "\n" : "", stdout);
    table_print(&table);
    table_free(&table);
}

static void print_events(const struct app *app, const struct modq_value *events)
{
    static const char *const headers[] = {"TIME", "WHAT", "WHO", "DETAILS", NULL};
    struct table table = {.app = app, .headers = headers, .whole = true};

    for (size_t i = 0; i < modq_count(events); i++) {
        const struct modq_value *event = modq_item(events, i);
        struct text text = {0};
        when_say(&text, modq_get_int(event, "at", 0));
        table_text(&table, &text);
        table_untrusted(&table, value_slice(modq_get(event, "kind")));
        table_untrusted(&table, value_slice(modq_get(event, "actor")));
        history_say_details(&text, event);
        table_text(&table, &text);
    }
    fputs(table.count ? "\n" : "", stdout);
    table_print(&table);
    table_free(&table);
}

static void print_author(const struct app *app, const struct name *name, const struct modq_value *map)
{
    const struct modq_value *record = modq_get(map, "record");
    struct text out = {0};

    say_record(app, &out, name, record);
    put_text(&out, stdout);
    print_last(app, name, modq_get(record, "last"));
    print_events(app, modq_get(map, "events"));
    if (modq_get(map, "next"))
        complain("these are the newest %d events of the author; modq export has all", EVENTS_SHOWN);
}

int run_author(struct app *app)
{
    struct names names = {0};
    struct modq_answer *answer = NULL;

    if (author_named(app, &names))
        answer = author_ask(app, &names.item[0], EVENTS_SHOWN, -1);
    if (answer && app->json) {
        json_t *record = json_from(modq_get(modq_answer_value(answer), "record"));
        json_object_set_new(record, "events", json_from(modq_get(modq_answer_value(answer), "events")));
        json_print(record, stdout);
    } else if (answer) {
        print_author(app, &names.item[0], modq_answer_value(answer));
    }
    modq_answer_free(answer);
    names_free(&names);
    return app->exit;
}

/* ---- modq author mark, modq author note */

static void tell(const struct app *app, const struct name *name, const char *what, const struct modq_value *map)
{
    json_t *line;
    struct text text = {0};

    if (app->json) {
        line = json_answer(map);
        json_object_set_new(line, "site", json_text(slice_of(name->site)));
        json_object_set_new(line, "author", json_text(slice_of(name->comment)));
        json_print(line, stdout);
        return;
    }
    items_say_name(&text, name);
    say(&text, ": %s", what);
    put_line(&text, stdout);
}

/* Sends the fields, to which it adds who it is about, and frees them. */
static void change(struct app *app, const char *operation, const struct name *name, struct modq_fields *fields,
                   const char *what)
{
    struct modq_answer *answer = NULL;

    if (fields && app_desk(app)) {
        modq_put_operation(fields);
        author_put(fields, name);
        answer = app_call(app, app->desk, operation, fields);
    }
    if (answer)
        tell(app, name, what, modq_answer_value(answer));
    modq_answer_free(answer);
    modq_fields_free(fields);
}

static bool check_mark(const char *mark, const struct app *app)
{
    const char *const *marks = option_words(OPT_MARK);

    for (size_t i = 0; marks[i]; i++)
        if (strcmp(marks[i], mark) == 0) {
            if (i == 0 || app->options.given[OPT_NOTE])
                return true;
            complain("a mark needs --note TEXT: why");
            return false;
        }
    complain_word("mark", mark, marks);
    return false;
}

/* False: said what is wrong with it. -1: no end. */
static bool read_end(const struct app *app, int64_t *until)
{
    const char *when = app->options.text[OPT_UNTIL];

    *until = -1;
    if (!when || (when_parse_moment(when, true, until) && *until > when_now()))
        return true;
    complain("--until: \"%s\" is neither a span such as 12h or 7d nor a date to come such as 2027-01-31", when);
    return false;
}

int run_author_mark(struct app *app)
{
    struct names names = {0};
    const char *mark = app->argv[1];
    int64_t until;

    if (!check_mark(mark, app) || !read_end(app, &until))
        return EXIT_USAGE;
    if (author_named(app, &names)) {
        struct modq_fields *fields = modq_fields_new();
        if (fields) {
            modq_put_string(fields, "mark", mark);
            modq_put_string(fields, "note", app->options.text[OPT_NOTE]);
            if (until >= 0)
                modq_put_int(fields, "until", until);
        }
        change(app, "author_mark", &names.item[0], fields, strcmp(mark, "none") == 0 ? "no mark" : mark);
    }
    names_free(&names);
    return app->exit;
}

int run_author_note(struct app *app)
{
    struct names names = {0};
    struct text text = {0};

    if (author_named(app, &names) && written_read(app, app->argc > 1 ? app->argv[1] : NULL, &text)) {
        struct modq_fields *fields = modq_fields_new();
        if (fields)
            modq_put_text(fields, "note", text.data, text.len);
        change(app, "author_note", &names.item[0], fields, "noted");
    }
    text_free(&text);
    names_free(&names);
    return app->exit;
}
