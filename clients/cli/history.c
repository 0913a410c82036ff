/* modq history: what happened to a comment. */
#include "history.h"
#include "ask.h"
#include "items.h"
#include "json.h"
#include "table.h"
#include "verbs.h"
#include "when.h"

enum { HISTORY_LIMIT = 100, HISTORY_PAGE = 500 };

static const char *const headers[] = {"TIME", "WHAT", "REV", "RECORD", "WHO", "DETAILS", NULL};

static void say_numbers(struct text *out, const struct modq_value *event)
{
    static const char *const numbers[] = {"undoes", "supersedes"};

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (modq_get(event, numbers[i]))
            say(out, "%s%s %lld", out->len ? ", " : "", numbers[i], (long long)modq_get_int(event, numbers[i], 0));
}

/* Of a second look: how it was decided, and whether that was so before. */
static void say_agreement(struct text *out, const struct modq_value *event)
{
    if (modq_get(event, "decision")) {
        say(out, out->len ? " " : "");
        render_line(out, value_slice(modq_get(event, "decision")));
    }
    if (modq_get(event, "agreed"))
        say(out, "%s%s", out->len ? ", " : "", modq_get_bool(event, "agreed", false) ? "agreed" : "disagreed");
    if (!modq_get_bool(event, "same_reasons", true))
        say(out, ", for other reasons");
}

void history_say_details(struct text *out, const struct modq_value *event)
{
    const struct modq_value *reasons = modq_get(event, "reasons");

    if (!modq_is(modq_get(event, "cause"), "moderator")) /* WHO tells that */
        render_line(out, value_slice(modq_get(event, "cause")));
    say_agreement(out, event);
    for (size_t i = 0; i < modq_count(reasons); i++) {
        say(out, out->len ? " " : "");
        render_line(out, value_slice(modq_item(reasons, i)));
    }
    if (modq_get(event, "mark")) {
        say(out, out->len ? " " : "");
        render_line(out, value_slice(modq_get(event, "mark")));
    }
    say_numbers(out, event);
    if (modq_get(event, "until")) {
        say(out, "%suntil ", out->len ? ", " : "");
        when_say_short(out, modq_get_int(event, "until", 0), when_now());
    }
    if (modq_get(event, "note")) {
        say(out, out->len ? ": " : "");
        render_line(out, value_slice(modq_get(event, "note")));
    }
}

static void add_event(struct table *table, const struct modq_value *event)
{
    struct slice kind = value_slice(modq_get(event, "kind"));
    struct text at = {0};
    struct text details = {0};

    when_say(&at, modq_get_int(event, "at", 0));
    table_text(table, &at);
    table_word(table, kind, shade_of(kind));
    table_optional(table, modq_get(event, "revision"));
    table_optional(table, modq_get(event, "seq"));
    table_untrusted(table, value_slice(modq_get(event, "actor")));
    history_say_details(&details, event);
    table_text(table, &details);
}

static void print_events(struct app *app, struct table *table, const struct name *name, const struct modq_value *events,
                         int64_t left)
{
    for (size_t i = 0; i < modq_count(events) && left > 0; i++, left--) {
        const struct modq_value *event = modq_item(events, i);
        if (!app->json) {
            add_event(table, event);
            continue;
        }
        json_t *object = json_object();
        json_object_set_new(object, "site", json_text(slice_of(name->site)));
        json_object_set_new(object, "comment", json_text(slice_of(name->comment)));
        json_t *rest = json_from(event);
        json_object_update(object, rest);
        json_decref(rest);
        json_print(object, stdout);
    }
    if (!app->json)
        table_print(table);
}

/* Of several comments: whose history follows. */
static void print_whose(const struct app *app, const struct name *name, bool first)
{
    struct text line = {0};

    fputs(first ? "" : "\n", stdout);
    say_shade(app, &line, SHADE_BOLD);
    items_say_name(&line, name);
    say_shade(app, &line, SHADE_NONE);
    put_line(&line, stdout);
}

static void history_of(struct app *app, const struct name *name, int64_t left)
{
    struct table table = {.app = app, .headers = headers, .whole = true};
    int64_t before = -1;

    do {
        int64_t limit = left < HISTORY_PAGE ? left : HISTORY_PAGE;
        struct modq_answer *answer = ask_one(app, "history", name, limit, before);
        if (!answer)
            break;
        const struct modq_value *map = modq_answer_value(answer);
        const struct modq_value *events = modq_get(map, "events");
        print_events(app, &table, name, events, left);
        left -= (int64_t)modq_count(events);
        before = modq_get_int(map, "next", -1);
        modq_answer_free(answer);
    } while (before >= 0 && left > 0);
    table_free(&table);
}

int run_history(struct app *app)
{
    struct names names = {0};
    int64_t limit = HISTORY_LIMIT;

    if (app->options.given[OPT_LIMIT])
        limit = app->options.number[OPT_LIMIT] ? app->options.number[OPT_LIMIT] : INT64_MAX;
    if (names_read(app, &names))
        for (size_t i = 0; i < names.count && app->exit != EXIT_UNREACHABLE; i++) {
            if (names.count > 1 && !app->json)
                print_whose(app, &names.item[i], i == 0);
            history_of(app, &names.item[i], limit);
        }
    names_free(&names);
    return app->exit;
}
