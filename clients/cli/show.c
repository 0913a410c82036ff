#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "items.h"
#include "json.h"
#include "say.h"
#include "table.h"
#include "verbs.h"
#include "when.h"

enum { INDENT = 4, ROW_INDENT = 13, HISTORY_LIMIT = 100, HISTORY_PAGE = 500 };

/* NULL: it failed, which has been told. */
static struct modq_answer *check_answer(struct app *app, const struct name *name, struct modq_answer *answer)
{
    static const struct items_job telling = {.operation = "show"};
    const struct modq_error *error = answer ? modq_answer_error(answer) : NULL;

    if (answer && !error)
        return answer;
    if (error && error->number > 0)
        items_tell(app, &telling, name, modq_answer_value(answer), error);
    else
        complain_error(error, NULL);
    app_exit(app, error ? exit_of(error) : EXIT_LOCAL);
    modq_answer_free(answer);
    return NULL;
}

static struct modq_answer *ask_one(struct app *app, const char *operation, const struct name *name, int64_t limit,
                                   int64_t before)
{
    struct modq_fields *fields = modq_fields_new();
    struct modq_answer *answer = NULL;

    if (fields && app_desk(app)) {
        items_put_name(app, fields, name);
        if (limit > 0)
            modq_put_int(fields, "limit", limit);
        if (before >= 0)
            modq_put_int(fields, "before", before);
        answer = check_answer(app, name, modq_call(app->desk, operation, fields, app->timeout_ms));
    }
    modq_fields_free(fields);
    return answer;
}

/* ---- show */

/* Its line ends and tabs as render_line shows them, so that only we begin lines. */
static void one_line(struct text *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        bool pair = text.data[i] == '\r' && i + 1 < text.len && text.data[i + 1] == '\n';
        if (pair || text.data[i] == '\n')
            text_append(out, SLICE_LIT("\u23ce"));
        else if (text.data[i] == '\t')
            text_append(out, SLICE_LIT(" "));
        else
            text_append(out, (struct slice){text.data + i, 1});
        i += pair;
    }
}

/* The text from ROW_INDENT on, each of its lines in a direction of its own. */
static void say_wrapped(const struct app *app, struct text *out, struct slice value)
{
    struct text line = {0};
    struct text block = {0};

    one_line(&line, value);
    render_block(&block, text_slice(&line), ROW_INDENT, (size_t)app->columns);
    text_free(&line);
    for (size_t at = 0; at < block.len;) {
        struct slice rest = {block.data + at, block.len - at};
        const char *end = memchr(rest.data, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.data) : rest.len;
        size_t skip = len < ROW_INDENT ? len : ROW_INDENT;
        if (at > 0)
            say(out, "%*s", (int)skip, "");
        say_isolated(out, (struct slice){rest.data + skip, len - skip});
        say(out, "\n");
        at += len + 1;
    }
    text_free(&block);
}

/* Lines "  title    text", when there is a text. */
static void row_wrapped(const struct app *app, struct text *out, const char *title, struct slice value)
{
    if (!value.data || value.len == 0)
        return;
    say(out, "  %-10s ", title);
    say_wrapped(app, out, value);
}

/* The same in one line, however long: for what is copied. */
static void row(struct text *out, const char *title, const struct modq_value *text)
{
    struct slice value = value_slice(text);

    if (!value.data || value.len == 0)
        return;
    say(out, "  %-10s ", title);
    say_quoted(out, value);
    say(out, "\n");
}

static void row_time(struct text *out, const char *title, int64_t ms)
{
    if (ms < 0)
        return;
    say(out, "  %-10s ", title);
    when_say(out, ms);
    say(out, " (");
    when_say_age(out, ms, when_now());
    say(out, " ago)\n");
}

static void say_head(const struct app *app, struct text *out, const struct modq_value *card)
{
    struct slice state = value_slice(modq_get(card, "state"));

    say_shade(app, out, SHADE_BOLD);
    say_name(out, card);
    say_shade(app, out, SHADE_NONE);
    say(out, "  revision %lld  ", (long long)modq_get_int(card, "revision", 0));
    say_shade(app, out, shade_of(state));
    say_quoted(out, state);
    say_shade(app, out, SHADE_NONE);
    if (modq_is(modq_get(card, "lane"), "escalated"))
        say(out, ", escalated");
    if (modq_get(card, "seq"))
        say(out, "  (record %lld)", (long long)modq_get_int(card, "seq", 0));
    say(out, "\n");
}

static void say_author(const struct app *app, struct text *out, const struct modq_value *author)
{
    const struct modq_value *name = modq_get(author, "name");

    row_wrapped(app, out, "author", value_slice(name ? name : modq_get(author, "id")));
    if (name)
        row(out, "author id", modq_get(author, "id"));
    row_time(out, "member", modq_get_int(author, "registered_at", -1));
}

static void say_article(const struct app *app, struct text *out, const struct modq_value *card)
{
    const struct modq_value *article = modq_get(card, "article");
    const struct modq_value *title = modq_get(article, "title");

    row_wrapped(app, out, "article", value_slice(title ? title : modq_get(article, "id")));
    row(out, "url", modq_get(article, "url"));
    if (modq_get_bool(card, "article_closed", false))
        say(out, "  %-10s closed\n", "");
    if (modq_get_bool(card, "article_front_page", false))
        say(out, "  %-10s on the front page\n", "");
}

static void say_parent(struct text *out, const struct modq_value *card)
{
    struct slice site = value_slice(modq_get(card, "site"));
    struct text name = {0};

    if (!modq_get(card, "parent"))
        return;
    text_append(&name, site);
    text_append(&name, SLICE_LIT("/"));
    text_append(&name, value_slice(modq_get(card, "parent")));
    say(out, "  %-10s ", "answers");
    say_quoted(out, text_slice(&name));
    say(out, "\n");
    text_free(&name);
}

static void say_extra(const struct app *app, struct text *out, const struct modq_value *extra)
{
    if (modq_count(extra) == 0)
        return;
    json_t *json = json_from(extra);
    char *dump = json ? json_dumps(json, 0) : NULL;
    if (dump)
        row_wrapped(app, out, "extra", slice_of(dump));
    free(dump);
    json_decref(json);
}

static void say_decision(const struct app *app, struct text *out, const struct modq_value *card)
{
    if (!modq_get(card, "decided_at"))
        return;
    row_wrapped(app, out, "decided by", value_slice(modq_get(card, "decided_by")));
    row_time(out, "decided", modq_get_int(card, "decided_at", -1));
    if (modq_count(modq_get(card, "reasons")) > 0) {
        say(out, "  %-10s ", "reasons");
        say_list(out, modq_get(card, "reasons"), ", ");
        say(out, "\n");
    }
    row_wrapped(app, out, "note", value_slice(modq_get(card, "note")));
}

static void say_claim(const struct app *app, struct text *out, const struct modq_value *card)
{
    struct text line = {0};

    if (!modq_get(card, "claimed_by"))
        return;
    text_append(&line, value_slice(modq_get(card, "claimed_by")));
    say(&line, " until ");
    when_say_short(&line, modq_get_int(card, "claimed_until", 0), when_now());
    row_wrapped(app, out, "claimed by", text_slice(&line));
    text_free(&line);
}

static void say_report(const struct app *app, struct text *out, const struct modq_value *one)
{
    struct text line = {0};

    when_say(&line, modq_get_int(one, "at", 0));
    if (modq_get(one, "reason")) {
        say(&line, " ");
        text_append(&line, value_slice(modq_get(one, "reason")));
    }
    if (modq_get(one, "note")) {
        say(&line, ": ");
        text_append(&line, value_slice(modq_get(one, "note")));
    }
    row_wrapped(app, out, "", text_slice(&line));
    text_free(&line);
}

static void say_reports(const struct app *app, struct text *out, const struct modq_value *card,
                        const struct modq_value *reported)
{
    int64_t reports = modq_get_int(card, "reports", 0);

    if (reports > 0)
        say(out, "  %-10s %lld\n", "reports", (long long)reports);
    for (size_t i = 0; i < modq_count(reported); i++)
        say_report(app, out, modq_item(reported, i));
}

static void say_body(const struct app *app, struct text *out, const struct modq_value *card)
{
    struct slice body = value_slice(modq_get(card, "body"));

    say(out, "\n");
    if (body.data)
        render_block(out, body, INDENT, (size_t)app->columns);
    else
        say(out, "    (no text)\n");
}

static void print_card(const struct app *app, const struct modq_value *map)
{
    const struct modq_value *card = modq_get(map, "card");
    struct text out = {0};

    say_head(app, &out, card);
    row_time(&out, "received", modq_get_int(card, "received_at", -1));
    row_time(&out, "written", modq_get_int(card, "created_at", -1));
    say_author(app, &out, modq_get(card, "author"));
    say_article(app, &out, card);
    say_parent(&out, card);
    row(&out, "language", modq_get(card, "language"));
    say_claim(app, &out, card);
    say_decision(app, &out, card);
    say_reports(app, &out, card, modq_get(map, "reported"));
    say_extra(app, &out, modq_get(card, "extra"));
    say_body(app, &out, card);
    put_text(&out, stdout);
}

static void show_one(struct app *app, const struct name *name, bool first)
{
    struct modq_answer *answer = ask_one(app, "show", name, 0, -1);

    if (!answer)
        return;
    const struct modq_value *map = modq_answer_value(answer);
    if (app->json) {
        json_t *card = json_from(modq_get(map, "card"));
        json_object_set_new(card, "reported", json_from(modq_get(map, "reported")));
        json_print(card, stdout);
    } else {
        fputs(first ? "" : "\n", stdout);
        print_card(app, map);
    }
    modq_answer_free(answer);
}

int run_show(struct app *app)
{
    struct names names = {0};

    if (names_read(app, &names))
        for (size_t i = 0; i < names.count && app->exit != EXIT_UNREACHABLE; i++)
            show_one(app, &names.item[i], i == 0);
    names_free(&names);
    return app->exit;
}

/* ---- history */

static const char *const headers[] = {"TIME", "WHAT", "REV", "RECORD", "WHO", "DETAILS", NULL};

static void say_details(struct text *out, const struct modq_value *event)
{
    const struct modq_value *reasons = modq_get(event, "reasons");
    static const char *const numbers[] = {"undoes", "supersedes"};

    if (!modq_is(modq_get(event, "cause"), "moderator")) /* WHO tells that */
        render_line(out, value_slice(modq_get(event, "cause")));
    for (size_t i = 0; i < modq_count(reasons); i++) {
        say(out, out->len ? " " : "");
        render_line(out, value_slice(modq_item(reasons, i)));
    }
    for (size_t i = 0; i < 2; i++)
        if (modq_get(event, numbers[i]))
            say(out, "%s%s %lld", out->len ? ", " : "", numbers[i], (long long)modq_get_int(event, numbers[i], 0));
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
    say_details(&details, event);
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
