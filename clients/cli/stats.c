#include <string.h>

#include "explain.h"
#include "json.h"
#include "names.h"
#include "page.h"
#include "report.h"
#include "table.h"
#include "verbs.h"
#include "when.h"

/* ---- stats */

static bool wanted(const struct app *app, const struct modq_value *map)
{
    return !app->options.given[OPT_SITE] || modq_is(modq_get(map, "site"), app->options.text[OPT_SITE]);
}

static void print_waiting(const struct app *app, const struct modq_value *sites)
{
    static const char *const headers[] = {"SITE", "PENDING", "OLDEST", "ESCALATED", "CLAIMED", NULL};
    struct table table = {.app = app, .headers = headers};

    for (size_t i = 0; i < modq_count(sites); i++) {
        const struct modq_value *site = modq_item(sites, i);
        int64_t oldest = modq_get_int(site, "oldest_pending_at", -1);
        struct text age = {0};
        if (!wanted(app, site))
            continue;
        table_word(&table, value_slice(modq_get(site, "site")), SHADE_BOLD);
        table_number(&table, modq_get_int(site, "pending", 0));
        if (oldest >= 0)
            when_say_age(&age, oldest, when_now());
        table_text(&table, &age);
        table_number(&table, modq_get_int(site, "escalated", 0));
        table_number(&table, modq_get_int(site, "claimed", 0));
    }
    table_print(&table);
    table_free(&table);
}

static void print_done(const struct app *app, const struct modq_value *sites)
{
    static const char *const headers[] = {"SITE",      "SUBMITTED", "APPROVED", "REJECTED",
                                          "WITHDRAWN", "ERASED",    "RECORDS",  NULL};
    static const char *const numbers[] = {"submitted", "approved", "rejected", "withdrawn", "erased", "newest"};
    struct table table = {.app = app, .headers = headers};

    if (modq_count(sites) > 0)
        fputs("\n", stdout);
    for (size_t i = 0; i < modq_count(sites); i++) {
        const struct modq_value *site = modq_item(sites, i);
        if (!wanted(app, site))
            continue;
        table_word(&table, value_slice(modq_get(site, "site")), SHADE_BOLD);
        for (size_t j = 0; j < sizeof(numbers) / sizeof(numbers[0]); j++)
            table_number(&table, modq_get_int(site, numbers[j], 0));
    }
    table_print(&table);
    table_free(&table);
}

static void print_listeners(const struct app *app, const struct modq_value *listeners)
{
    static const char *const headers[] = {"LISTENER", "SITE", "RECORD", "LAG", "CONFIRMED", NULL};
    struct table table = {.app = app, .headers = headers};

    if (modq_count(listeners) > 0)
        fputs("\n", stdout);
    for (size_t i = 0; i < modq_count(listeners); i++) {
        const struct modq_value *one = modq_item(listeners, i);
        struct text at = {0};
        if (!wanted(app, one))
            continue;
        table_word(&table, value_slice(modq_get(one, "listener")), SHADE_BOLD);
        table_untrusted(&table, value_slice(modq_get(one, "site")));
        table_number(&table, modq_get_int(one, "seq", 0));
        table_number(&table, modq_get_int(one, "lag", 0));
        when_say(&at, modq_get_int(one, "confirmed_at", 0));
        table_text(&table, &at);
    }
    table_print(&table);
    table_free(&table);
}

static void print_counters(const struct app *app, const struct modq_value *counters)
{
    static const char *const headers[] = {"COUNTER", "SINCE THE START", NULL};
    struct table table = {.app = app, .headers = headers};

    fputs("\n", stdout);
    for (size_t i = 0; i < modq_count(counters); i++) {
        table_untrusted(&table, value_slice(modq_key(counters, i)));
        table_number(&table, modq_int(modq_item(counters, i), 0));
    }
    table_print(&table);
    table_free(&table);
}

static void print_stats(const struct app *app, const struct modq_value *map)
{
    int64_t started = modq_get_int(map, "started_at", -1);
    struct text line = {0};

    if (started >= 0) {
        say(&line, "running since ");
        when_say(&line, started);
        say(&line, " (");
        when_say_age(&line, started, modq_get_int(map, "time", started));
        say(&line, ")");
        put_line(&line, stdout);
    }
    print_waiting(app, modq_get(map, "sites"));
    print_done(app, modq_get(map, "sites"));
    print_listeners(app, modq_get(map, "listeners"));
    if (!app->options.given[OPT_SITE])
        print_counters(app, modq_get(map, "counters"));
}

/* The daemon's figures of now, and below them what the report says of a span of time. */
static void show_stats(const struct app *app, const struct modq_value *now, const struct report *report)
{
    if (app->json) {
        json_t *map = json_from(now);
        json_object_set_new(map, "window", report_json(report));
        json_print(map, stdout);
        return;
    }
    print_stats(app, now);
    report_print(report);
}

int run_stats(struct app *app)
{
    const char *page = app->options.text[OPT_HTML];
    struct report report;

    if (!report_options(app, &report))
        return EXIT_USAGE;
    struct modq_answer *answer = app_desk(app) ? app_call(app, app->desk, "stats", NULL) : NULL;
    if (!answer)
        return app->exit;
    if (report_make(&report) && (!page || page_write(&report, page)) && (!page || app->json))
        show_stats(app, modq_answer_value(answer), &report);
    report_free(&report);
    modq_answer_free(answer);
    return app->exit;
}

/* ---- status */

static const char *const status_headers[] = {"COMMENT", "STATE", "REV", "RECORD", "DECIDED", "REASONS", NULL};

static void add_status(struct table *table, const struct name *name, const struct modq_value *result)
{
    struct slice state = value_slice(modq_get(result, "state"));
    int64_t at = modq_get_int(result, "decided_at", -1);
    struct text full = {0};
    struct text decided = {0};
    struct text reasons = {0};

    say(&full, "%s/%s", name->site, name->comment);
    table_word(table, text_slice(&full), SHADE_BOLD);
    text_free(&full);
    table_word(table, state.data ? state : value_slice(modq_get(result, "status")), shade_of(state));
    table_optional(table, modq_get(result, "revision"));
    table_optional(table, modq_get(result, "seq"));
    if (at >= 0)
        when_say(&decided, at);
    table_text(table, &decided);
    for (size_t i = 0; i < modq_count(modq_get(result, "reasons")); i++) {
        say(&reasons, i ? ", " : "");
        render_line(&reasons, value_slice(modq_item(modq_get(result, "reasons"), i)));
    }
    table_text(table, &reasons);
}

static void show_status(struct app *app, struct table *table, const struct name *name, const struct modq_value *result)
{
    struct modq_error error;

    if (modq_get(result, "error") && modq_error_of(modq_get(result, "error"), &error))
        app_exit(app, exit_of(&error));
    if (!app->json) {
        add_status(table, name, result);
        return;
    }
    json_t *map = json_object();
    json_object_set_new(map, "site", json_text(slice_of(name->site)));
    json_object_set_new(map, "comment", json_text(slice_of(name->comment)));
    json_t *rest = json_from(result);
    json_object_update(map, rest);
    json_decref(rest);
    json_print(map, stdout);
}

/* How many of the names from here on are of one site, and go into one request. */
static size_t same_site(const struct names *names, size_t first, size_t most)
{
    size_t n = 1;

    while (n < most && first + n < names->count && strcmp(names->item[first].site, names->item[first + n].site) == 0)
        n++;
    return n;
}

static bool ask_status(struct app *app, struct table *table, const struct name *names, size_t count)
{
    struct modq_fields *fields = modq_fields_new();
    struct modq_answer *answer = NULL;

    if (fields) {
        modq_put_string(fields, "site", names[0].site);
        modq_put_list(fields, "comments");
        for (size_t i = 0; i < count; i++)
            modq_put_string(fields, NULL, names[i].comment);
        modq_put_end(fields);
        answer = app_call(app, app->desk, "status", fields);
    }
    const struct modq_value *results = modq_get(answer ? modq_answer_value(answer) : NULL, "results");
    for (size_t i = 0; i < count && i < modq_count(results); i++)
        show_status(app, table, &names[i], modq_item(results, i));
    bool ok = answer;
    modq_answer_free(answer);
    modq_fields_free(fields);
    return ok;
}

int run_status(struct app *app)
{
    struct names names = {0};
    struct table table = {.app = app, .headers = status_headers};
    struct modq_error error;

    if (!names_read(app, &names) || !app_desk(app)) {
        names_free(&names);
        return app->exit;
    }
    if (names.count > 1 && !modq_hello(app->desk, app->timeout_ms, &error)) {
        complain_error(&error, NULL);
        app_exit(app, exit_of(&error));
        names.count = 0;
    }
    for (size_t at = 0; at < names.count;) {
        size_t count = same_site(&names, at, (size_t)modq_limit(app->desk, "max_batch"));
        if (!ask_status(app, &table, &names.item[at], count))
            break;
        at += count;
    }
    table_print(&table);
    table_free(&table);
    names_free(&names);
    return app->exit;
}

/* ---- hello */

/* ", moderator of news, sport, may undo, bulk" */
static void say_what_you_may(struct text *out, const struct modq_value *map)
{
    const struct modq_value *rights = modq_get(map, "rights");

    say(out, ", ");
    say_value(out, modq_get(map, "role"));
    if (modq_get(map, "sites")) {
        say(out, " of ");
        say_list(out, modq_get(map, "sites"), ", ");
    }
    if (modq_count(rights) > 0) {
        say(out, ", may ");
        say_list(out, rights, ", ");
    }
}

static void print_hello(const struct app *app, const struct modq_value *map, const char *socket, int64_t took_ms)
{
    int64_t skew = modq_get_int(map, "time", when_now()) - when_now();
    struct text line = {0};

    if (app->json) {
        json_t *object = json_from(map);
        json_object_set_new(object, "socket", json_string(socket));
        json_print(object, stdout);
        return;
    }
    say(&line, "%-6s", socket);
    say_value(&line, modq_get(map, "server"));
    say(&line, " answered in %lld ms", (long long)took_ms);
    if (modq_get(map, "you")) {
        say(&line, "; you are ");
        say_value(&line, modq_get(map, "you"));
        say_what_you_may(&line, map);
    }
    if (skew > 2000 || skew < -2000)
        say(&line, "; its clock differs by %lld s", (long long)(skew / 1000));
    put_line(&line, stdout);
}

static void hello(struct app *app, struct modq *connection, const char *socket)
{
    int64_t start = when_now();
    struct modq_answer *answer = connection ? app_call(app, connection, "hello", NULL) : NULL;

    if (answer)
        print_hello(app, modq_answer_value(answer), socket, when_now() - start);
    modq_answer_free(answer);
}

int run_hello(struct app *app)
{
    static const char *const names[] = {"front", "desk", "push", "decisions"};
    struct text line = {0};

    bool desk = app_may_use(app, ENDPOINT_DESK) && (app->endpoint[ENDPOINT_DESK] || !app->endpoint[ENDPOINT_FRONT]);
    if (app_may_use(app, ENDPOINT_FRONT) && (app->endpoint[ENDPOINT_FRONT] || !desk))
        hello(app, app_front(app), "front");
    if (app->exit == EXIT_DONE && desk)
        hello(app, app_desk(app), "desk");
    for (int i = ENDPOINT_FRONT; !app->json && i <= ENDPOINT_DECISIONS; i++) {
        if (!app_may_use(app, i) || !app->endpoint[i])
            continue;
        say(&line, "%-10s", names[i]);
        say_quoted(&line, slice_of(app->endpoint[i]));
        put_line(&line, stdout);
    }
    return app->exit;
}
