#include "queue.h"
#include "clients/cli/json.h"
#include "explain.h"
#include "filter.h"
#include "listing.h"
#include "names.h"
#include "table.h"
#include "verbs.h"
#include "when.h"

enum { QUEUE_LIMIT = 50, CLAIM_MOST = 100 };

/* ---- cards in a table */

enum { MARKS = 2 };

static const char *const headers[] = {"COMMENT", "AGE", "", "TEXT", NULL};
static const char *const headers_with_state[] = {"COMMENT", "STATE", "AGE", "", "TEXT", NULL};

void cards_begin(struct table *table, const struct app *app, bool states)
{
    *table = (struct table){.app = app, .headers = states ? headers_with_state : headers, .yields = MARKS};
}

/* What a moderator wants to see before the text: an edit, reports, what is thought of the author, who reads it. */
static void say_marks(struct text *out, const struct modq_value *card)
{
    int64_t revision = modq_get_int(card, "revision", 1);
    int64_t reports = modq_get_int(card, "reports", 0);
    const char *gap = "";

    if (revision > 1) {
        say(out, "edit %lld", (long long)revision);
        gap = ", ";
    }
    if (reports > 0) {
        say(out, "%s%lld report%s", gap, (long long)reports, reports == 1 ? "" : "s");
        gap = ", ";
    }
    if (modq_get(card, "mark")) {
        say(out, "%s", gap);
        render_line(out, value_slice(modq_get(card, "mark")));
        gap = ", ";
    }
    if (modq_get(card, "claimed_by")) {
        say(out, "%s", gap);
        render_line(out, value_slice(modq_get(card, "claimed_by")));
    }
}

void cards_add(struct table *table, const struct modq_value *card)
{
    struct text name = {0};
    struct text age = {0};
    struct text marks = {0};

    text_append(&name, value_slice(modq_get(card, "site")));
    text_append(&name, SLICE_LIT("/"));
    text_append(&name, value_slice(modq_get(card, "comment")));
    table_word(table, text_slice(&name), SHADE_BOLD);
    text_free(&name);
    if (table->headers == headers_with_state)
        table_word(table, value_slice(modq_get(card, "state")), shade_of(value_slice(modq_get(card, "state"))));
    when_say_age(&age, modq_get_int(card, "received_at", 0), when_now());
    table_text(table, &age);
    say_marks(&marks, card);
    table_text(table, &marks);
    table_untrusted(table, value_slice(modq_get(card, "body")));
}

/* ---- queue */

struct shown {
    struct app *app;
    struct table table;
};

static void show_card(void *context, const struct modq_value *card)
{
    struct shown *shown = context;

    if (shown->app->json)
        json_print(json_from(card), stdout);
    else
        cards_add(&shown->table, card);
}

static void show_page(void *context)
{
    struct shown *shown = context;

    if (!shown->app->json && !table_print(&shown->table))
        complain("out of memory");
}

int run_queue(struct app *app)
{
    struct filter filter;
    struct shown shown = {.app = app};
    struct listing listing = {
        .app = app, .filter = &filter, .most = QUEUE_LIMIT, .context = &shown, .each = show_card, .page = show_page};

    if (!filter_take(app, "pending", &filter))
        return EXIT_USAGE;
    if (app->options.given[OPT_LIMIT])
        listing.most = app->options.number[OPT_LIMIT] ? app->options.number[OPT_LIMIT] : INT64_MAX;
    cards_begin(&shown.table, app, !slice_is(filter.state, "pending"));
    bool ok = listing_walk(&listing);
    if (ok && listing.more && !app->json)
        complain("these are the first %zu; --limit 0 shows all", listing.found);
    else if (ok && listing.found == 0 && !app->json)
        complain(filter_is_queue(&filter) ? "nothing is waiting" : "no comment is like that");
    table_free(&shown.table);
    return app->exit;
}

/* ---- claim */

/* A claim is of one lane. False: said that there is no such lane. */
static bool check_lane(const struct app *app)
{
    static const char *const lanes[] = {"normal", "escalated", NULL};
    const char *lane = app->options.text[OPT_LANE];

    for (size_t i = 0; lane && lanes[i]; i++)
        if (slice_is(slice_of(lane), lanes[i]))
            return true;
    if (lane)
        complain_word("lane", lane, lanes);
    return !lane;
}

static void put_place(const struct app *app, struct modq_fields *fields)
{
    if (app->options.given[OPT_SITE])
        modq_put_string(fields, "site", app->options.text[OPT_SITE]);
    if (app->options.given[OPT_LANE])
        modq_put_string(fields, "lane", app->options.text[OPT_LANE]);
}

static void put_lease(const struct app *app, struct modq_fields *fields)
{
    if (app->options.given[OPT_LEASE])
        modq_put_int(fields, "lease_ms", app->options.number[OPT_LEASE] * 1000);
}

static void put_named(struct modq_fields *fields, const struct name *names, size_t count)
{
    modq_put_list(fields, "comments");
    for (size_t i = 0; i < count; i++) {
        modq_put_map(fields, NULL);
        modq_put_string(fields, "site", names[i].site);
        modq_put_string(fields, "comment", names[i].comment);
        modq_put_end(fields);
    }
    modq_put_end(fields);
}

static void print_claimed(struct app *app, const struct modq_value *cards)
{
    struct table table;
    struct text line = {0};
    int64_t until = INT64_MAX;

    cards_begin(&table, app, false);
    for (size_t i = 0; i < modq_count(cards); i++) {
        const struct modq_value *card = modq_item(cards, i);
        int64_t ends = modq_get_int(card, "claimed_until", INT64_MAX);
        until = ends < until ? ends : until;
        if (app->json) {
            json_t *object = json_from(card);
            json_object_set_new(object, "status", json_string("claimed"));
            json_print(object, stdout);
        } else {
            cards_add(&table, card);
        }
    }
    if (!app->json && modq_count(cards) > 0) {
        table_print(&table);
        say(&line, "claimed %zu", modq_count(cards));
        if (until != INT64_MAX) {
            say(&line, " until ");
            when_say_short(&line, until, when_now());
        }
        put_line(&line, stdout);
    }
    table_free(&table);
}

static void print_refused(struct app *app, const struct modq_value *refused)
{
    for (size_t i = 0; i < modq_count(refused); i++) {
        const struct modq_value *one = modq_item(refused, i);
        struct modq_error error;
        struct text line = {0};

        modq_error_of(modq_get(one, "error"), &error);
        app_exit(app, exit_of(&error));
        if (app->json) {
            json_print(json_from(one), stdout);
            continue;
        }
        say_name(&line, one);
        say(&line, ": ");
        explain(&line, modq_get(one, "error"), true);
        fflush(stdout);
        put_line(&line, stderr);
    }
}

/* Returns how many are claimed now; -1: it failed. */
static int64_t claim(struct app *app, const struct name *names, size_t count, int64_t limit)
{
    struct modq_fields *fields = modq_fields_new();
    struct modq_answer *answer = NULL;
    int64_t got = -1;

    if (fields) {
        modq_put_operation(fields);
        put_lease(app, fields);
        if (names) {
            put_named(fields, names, count);
        } else {
            put_place(app, fields);
            modq_put_int(fields, "limit", limit);
        }
        answer = app_call(app, app_desk(app), "claim", fields);
    }
    if (answer) {
        const struct modq_value *map = modq_answer_value(answer);
        got = (int64_t)modq_count(modq_get(map, "comments"));
        print_claimed(app, modq_get(map, "comments"));
        print_refused(app, modq_get(map, "refused"));
    }
    modq_answer_free(answer);
    modq_fields_free(fields);
    return got;
}

int run_claim(struct app *app)
{
    struct names names = {0};
    bool named = app->argc > 0 || app->options.given[OPT_STDIN];
    int64_t limit = app->options.given[OPT_LIMIT] ? app->options.number[OPT_LIMIT] : 1;

    if (!check_lane(app))
        return EXIT_USAGE;
    if (limit < 1 || limit > CLAIM_MOST) {
        complain("--limit: claim takes 1 to %d", CLAIM_MOST);
        return EXIT_USAGE;
    }
    if (named && (app->options.given[OPT_SITE] || app->options.given[OPT_LANE] || app->options.given[OPT_LIMIT])) {
        complain("name comments, or give --site, --lane and --limit, not both");
        return EXIT_USAGE;
    }
    if (!names_read(app, &names) || !app_desk(app))
        return app->exit;
    if (!named && claim(app, NULL, 0, limit) == 0 && !app->json)
        complain("nothing is waiting that is not claimed, or you hold as many as you may");
    for (size_t at = 0; at < names.count; at += CLAIM_MOST)
        if (claim(app, &names.item[at], names.count - at < CLAIM_MOST ? names.count - at : CLAIM_MOST, 0) < 0)
            break;
    names_free(&names);
    return app->exit;
}
