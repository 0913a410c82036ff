/* Comments by a piece of their text. */
#include <string.h>

#include "clients/cli/json.h"
#include "filter.h"
#include "names.h"
#include "options.h"
#include "table.h"
#include "verbs.h"
#include "when.h"

/* Of the text before the match as many bytes are shown as leave room for the match itself on a narrow line. */
enum { SEARCH_LIMIT = 20, PAGE = 100, BEFORE_BYTES = 24 };

static const char *const headers[] = {"COMMENT", "STATE", "AGE", "TEXT", NULL};

struct search {
    struct app *app;
    struct filter filter;
    struct text wanted;
    struct table table;
    int64_t after; /* 0: from the newest */
    int64_t left;  /* INT64_MAX: all */
    size_t shown;
    bool told_off; /* which sites are not searched */
};

static bool begins_character(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

/* The text from a little before its match on. */
static void say_passage(struct text *out, const struct modq_value *card, const struct modq_value *match)
{
    struct slice body = value_slice(modq_get(card, "body"));
    int64_t at = modq_get_int(match, "at", 0);
    size_t from = at > 0 && (size_t)at <= body.len ? (size_t)at : 0;

    if (from > BEFORE_BYTES) {
        from -= BEFORE_BYTES;
        while (from > 0 && !begins_character(body.data[from]))
            from--;
        text_append(out, SLICE_LIT("\u2026"));
    } else {
        from = 0;
    }
    if (body.data)
        text_append(out, (struct slice){body.data + from, body.len - from});
}

static void add_hit(struct table *table, const struct modq_value *card, const struct modq_value *match)
{
    struct slice state = value_slice(modq_get(card, "state"));
    struct text name = {0};
    struct text age = {0};
    struct text passage = {0};

    text_append(&name, value_slice(modq_get(card, "site")));
    text_append(&name, SLICE_LIT("/"));
    text_append(&name, value_slice(modq_get(card, "comment")));
    table_word(table, text_slice(&name), SHADE_BOLD);
    text_free(&name);
    table_word(table, state, shade_of(state));
    when_say_age(&age, modq_get_int(card, "received_at", 0), when_now());
    table_text(table, &age);
    say_passage(&passage, card, match);
    table_untrusted(table, text_slice(&passage));
    text_free(&passage);
}

static void print_json(const struct modq_value *card, const struct modq_value *match)
{
    json_t *line = json_from(card);

    if (line && match)
        json_object_set_new(line, "match", json_from(match));
    json_print(line, stdout);
}

static void show_page(struct search *s, const struct modq_value *map)
{
    const struct modq_value *cards = modq_get(map, "comments");
    const struct modq_value *matches = modq_get(map, "matches");

    for (size_t i = 0; i < modq_count(cards) && s->left > 0; i++) {
        if (s->app->json)
            print_json(modq_item(cards, i), modq_item(matches, i));
        else
            add_hit(&s->table, modq_item(cards, i), modq_item(matches, i));
        s->left -= s->left != INT64_MAX;
        s->shown++;
    }
    if (!s->app->json && !table_print(&s->table))
        complain("out of memory");
}

/* Once, so that nobody takes their silence for an answer. */
static void tell_off(struct search *s, const struct modq_value *off)
{
    struct text names = {0};

    if (s->told_off || modq_count(off) == 0)
        return;
    s->told_off = true;
    say_list(&names, off, ", ");
    complain("not searched, because the configuration says so: %.*s", (int)names.len, names.data);
    text_free(&names);
}

static struct modq_answer *ask_page(struct search *s)
{
    struct modq_fields *fields = modq_fields_new();
    struct modq_answer *answer = NULL;

    if (fields) {
        modq_put_text(fields, "text", s->wanted.data, s->wanted.len);
        filter_put(&s->filter, fields);
        modq_put_int(fields, "limit", s->left < PAGE ? s->left : PAGE);
        if (s->after > 0)
            modq_put_int(fields, "after", s->after);
        answer = app_call(s->app, app_desk(s->app), "search", fields);
    }
    modq_fields_free(fields);
    return answer;
}

/* False: that was the last page. A page may be empty and not the last. */
static bool next_page(struct search *s)
{
    struct modq_answer *answer = ask_page(s);

    if (!answer)
        return false;
    const struct modq_value *map = modq_answer_value(answer);
    show_page(s, map);
    tell_off(s, modq_get(map, "off"));
    s->after = modq_get_int(map, "next", 0);
    modq_answer_free(answer);
    return s->after > 0 && s->left > 0;
}

/* The words of the command line are one text. */
static void join_words(const struct app *app, struct text *wanted)
{
    for (int i = 0; i < app->argc; i++) {
        if (i > 0)
            text_append(wanted, SLICE_LIT(" "));
        text_append(wanted, slice_of(app->argv[i]));
    }
}

int run_search(struct app *app)
{
    struct search s = {.app = app, .left = SEARCH_LIMIT, .table = {.app = app, .headers = headers}};

    if (!filter_take(app, "any", &s.filter) || !app_desk(app))
        return app->exit;
    if (app->options.given[OPT_LIMIT])
        s.left = app->options.number[OPT_LIMIT] ? app->options.number[OPT_LIMIT] : INT64_MAX;
    join_words(app, &s.wanted);
    while (next_page(&s))
        ;
    if (s.after > 0 && s.left == 0 && !app->json)
        complain("these are the newest %zu; --limit 0 shows all", s.shown);
    else if (s.shown == 0 && !app->json && app->exit == EXIT_DONE)
        complain("no comment holds that");
    table_free(&s.table);
    text_free(&s.wanted);
    return app->exit;
}
