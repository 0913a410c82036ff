#include <stdlib.h>
#include <string.h>

#include "around.h"
#include "ask.h"
#include "items.h"
#include "json.h"
#include "rows.h"
#include "say.h"
#include "verbs.h"
#include "when.h"

enum { INDENT = 4 };

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

static void say_author(const struct app *app, struct text *out, const struct modq_value *card)
{
    const struct modq_value *author = modq_get(card, "author");
    const struct modq_value *name = modq_get(author, "name");

    rows_wrapped(app, out, "author", value_slice(name ? name : modq_get(author, "id")));
    if (name)
        rows_text(out, "author id", modq_get(author, "id"));
    rows_time(out, "member", modq_get_int(author, "registered_at", -1));
    rows_text(out, "mark", modq_get(card, "mark"));
}

static void say_article(const struct app *app, struct text *out, const struct modq_value *card)
{
    const struct modq_value *article = modq_get(card, "article");
    const struct modq_value *title = modq_get(article, "title");

    rows_wrapped(app, out, "article", value_slice(title ? title : modq_get(article, "id")));
    rows_text(out, "url", modq_get(article, "url"));
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
    rows_title(out, "answers");
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
        rows_wrapped(app, out, "extra", slice_of(dump));
    free(dump);
    json_decref(json);
}

static void say_decision(const struct app *app, struct text *out, const struct modq_value *card)
{
    if (!modq_get(card, "decided_at"))
        return;
    rows_wrapped(app, out, "decided by", value_slice(modq_get(card, "decided_by")));
    rows_time(out, "decided", modq_get_int(card, "decided_at", -1));
    if (modq_count(modq_get(card, "reasons")) > 0) {
        rows_title(out, "reasons");
        say_list(out, modq_get(card, "reasons"), ", ");
        say(out, "\n");
    }
    rows_wrapped(app, out, "note", value_slice(modq_get(card, "note")));
}

static void say_claim(const struct app *app, struct text *out, const struct modq_value *card)
{
    struct text line = {0};

    if (!modq_get(card, "claimed_by"))
        return;
    text_append(&line, value_slice(modq_get(card, "claimed_by")));
    say(&line, " until ");
    when_say_short(&line, modq_get_int(card, "claimed_until", 0), when_now());
    rows_wrapped(app, out, "claimed by", text_slice(&line));
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
    rows_wrapped(app, out, "", text_slice(&line));
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
    rows_time(&out, "received", modq_get_int(card, "received_at", -1));
    rows_time(&out, "written", modq_get_int(card, "created_at", -1));
    around_say_urgency(app, &out, card);
    say_author(app, &out, card);
    around_say_record(app, &out, map);
    say_article(app, &out, card);
    say_parent(&out, card);
    around_say_parent(app, &out, map);
    rows_text(&out, "language", modq_get(card, "language"));
    say_claim(app, &out, card);
    around_say_seen(app, &out, map);
    say_decision(app, &out, card);
    say_reports(app, &out, card, modq_get(map, "reported"));
    around_say_notes(app, &out, map);
    say_extra(app, &out, modq_get(card, "extra"));
    around_say_before(app, &out, map);
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
        around_to_json(card, map);
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
