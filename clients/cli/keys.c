/* Keys: who may do what. */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explain.h"
#include "json.h"
#include "options.h"
#include "say.h"
#include "table.h"
#include "verbs.h"
#include "when.h"

static bool is_word(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(*words, word) == 0)
            return true;
    return false;
}

/* Calls fn for each part of a text that `separator` parts; false as soon as one is. */
static bool each_part(const char *text, char separator, bool (*fn)(void *arg, const char *part), void *arg)
{
    char *copy = strdup(text);
    bool good = copy != NULL;
    char parting[] = {separator, '\0'};
    char *rest = NULL;

    for (char *part = copy ? strtok_r(copy, parting, &rest) : NULL; good && part; part = strtok_r(NULL, parting, &rest))
        good = fn(arg, part);
    free(copy);
    return good;
}

static bool put_site(void *fields, const char *site)
{
    modq_put_string(fields, NULL, site);
    return true;
}

static bool put_right(void *fields, const char *right)
{
    if (!is_word(right, option_words(OPT_RIGHT))) {
        complain_word("right", right, option_words(OPT_RIGHT));
        return false;
    }
    modq_put_string(fields, NULL, right);
    return true;
}

static bool put_expiry(const struct app *app, struct modq_fields *fields)
{
    const char *when = app->options.text[OPT_EXPIRES];
    int64_t ms;

    if (!when)
        return true;
    if (!when_parse_moment(when, true, &ms)) {
        complain("--expires: \"%s\" is neither a span such as 90d or 12h nor a date such as 2027-01-31", when);
        return false;
    }
    modq_put_int(fields, "expires_at", ms);
    return true;
}

/* name, role, sites, rights, expires_at. */
static bool put_grant(struct app *app, struct modq_fields *fields)
{
    const struct options *options = &app->options;
    bool good = true;

    modq_put_string(fields, "name", app->argv[0]);
    modq_put_string(fields, "role", options->text[OPT_ROLE]);
    if (options->text[OPT_SITE]) {
        modq_put_list(fields, "sites");
        good = each_part(options->text[OPT_SITE], '/', put_site, fields);
        modq_put_end(fields);
    }
    if (options->text[OPT_RIGHT]) {
        modq_put_list(fields, "rights");
        good = good && each_part(options->text[OPT_RIGHT], ',', put_right, fields);
        modq_put_end(fields);
    }
    return good && put_expiry(app, fields);
}

static bool check_role(const struct app *app)
{
    const char *role = app->options.text[OPT_ROLE];

    if (!role)
        complain("%s needs --role: front for a web server, moderator, or administrator", app->verb->name);
    else if (!is_word(role, option_words(OPT_ROLE)))
        complain_word("role", role, option_words(OPT_ROLE));
    else
        return true;
    return false;
}

/* ---- what a key is, in words */

static void say_sites(struct text *out, const struct modq_value *key)
{
    const struct modq_value *sites = modq_get(key, "sites");

    if (sites)
        say_list(out, sites, ", ");
    else
        say(out, "all sites");
}

static void say_end(struct text *out, const struct modq_value *key)
{
    int64_t revoked = modq_get_int(key, "revoked_at", -1);
    int64_t expires = modq_get_int(key, "expires_at", -1);

    if (revoked >= 0 || expires >= 0)
        say(out, revoked >= 0 ? "revoked " : expires <= when_now() ? "expired " : "until ");
    if (revoked >= 0 || expires >= 0)
        when_say(out, revoked >= 0 ? revoked : expires);
    else
        say(out, "no end");
}

/* "news-web: key 1, front of news, no end" */
static void say_key(struct text *out, const struct modq_value *key)
{
    say_value(out, modq_get(key, "name"));
    say(out, ": key %lld, ", (long long)modq_get_int(key, "key", 0));
    say_value(out, modq_get(key, "role"));
    say(out, " of ");
    say_sites(out, key);
    if (modq_count(modq_get(key, "rights")) > 0) {
        say(out, ", may ");
        say_list(out, modq_get(key, "rights"), ", ");
    }
    say(out, ", ");
    say_end(out, key);
}

static void print_key(const struct app *app, const struct modq_value *map)
{
    struct text line = {0};

    if (app->json) {
        json_print(json_answer(map), stdout);
        return;
    }
    say_key(&line, modq_get(map, "key"));
    put_line(&line, stdout);
}

/* ---- asking */

/* Asks the desk; NULL when it failed, which has been said. Takes the fields. */
static struct modq_answer *ask(struct app *app, const char *operation, struct modq_fields *fields)
{
    struct modq_answer *answer = fields && app_desk(app) ? app_call(app, app->desk, operation, fields) : NULL;

    if (!fields) {
        complain("out of memory");
        app_exit(app, EXIT_LOCAL);
    }
    modq_fields_free(fields);
    return answer;
}

static struct modq_fields *changing(void)
{
    struct modq_fields *fields = modq_fields_new();

    if (fields)
        modq_put_operation(fields);
    return fields;
}

/* ---- a new pair */

static char *key_file(const struct app *app)
{
    const char *given = app->options.text[OPT_FILE];
    char *path = NULL;

    if (given)
        return strdup(given);
    if (strchr(app->argv[0], '/') || asprintf(&path, "%s.key", app->argv[0]) < 0)
        return NULL;
    return path;
}

static bool set(struct modq_key *key, enum modq_key_text which, const struct modq_value *text, struct modq_error *error)
{
    struct text copy = {0};
    struct slice value = value_slice(text);

    text_append(&copy, value);
    text_append(&copy, (struct slice){"", 1});
    bool good = !value.data || modq_key_set(key, which, copy.data, error);
    text_free(&copy);
    return good;
}

static bool set_server(struct modq_key *key, const struct modq_value *bytes, struct modq_error *error)
{
    size_t len;
    const uint8_t *raw = modq_bytes(bytes, &len);
    char text[41];

    if (!raw || len != 32)
        return true;
    modq_key_encode(raw, text);
    return modq_key_set(key, MODQ_KEY_SERVER, text, error);
}

/* What its owner needs to know: the server's key, and where it listens. An address that stands for all of a machine's
 * is no place to go to; the host's name is put there by a person. */
static bool complete(struct modq_key *key, const struct modq_value *map, struct modq_error *error)
{
    static const struct {
        const char *name;
        enum modq_key_text text;
    } sockets[] = {
        {"front", MODQ_KEY_FRONT}, {"push", MODQ_KEY_PUSH}, {"decisions", MODQ_KEY_DECISIONS}, {"desk", MODQ_KEY_DESK}};
    const struct modq_value *of = modq_get(map, "key");
    const struct modq_value *endpoints = modq_get(map, "endpoints");
    bool moderator = modq_is(modq_get(of, "role"), "moderator");
    bool front = modq_is(modq_get(of, "role"), "front");
    bool good = set(key, MODQ_KEY_NAME, modq_get(of, "name"), error) &&
                set(key, MODQ_KEY_ROLE, modq_get(of, "role"), error) &&
                set_server(key, modq_get(map, "server_key"), error);

    for (size_t i = 0; good && i < 4; i++) {
        bool desk = sockets[i].text == MODQ_KEY_DESK;
        if ((desk && front) || (!desk && moderator))
            continue;
        good = set(key, sockets[i].text, modq_item(modq_get(endpoints, sockets[i].name), 0), error);
    }
    return good;
}

/* The answer, and besides what only we know: the public half as the file has it, and where that is. */
static void print_made(const struct modq_key *key, const char *path, const struct modq_value *map)
{
    json_t *json = json_answer(map);

    json_object_set_new(json, "public", json_text(slice_of(modq_key_text(key, MODQ_KEY_PUBLIC))));
    json_object_set_new(json, "file", json_text(slice_of(path)));
    json_print(json, stdout);
}

static void say_file(const struct modq_key *key, const char *path)
{
    static const enum modq_key_text places[] = {MODQ_KEY_FRONT, MODQ_KEY_PUSH, MODQ_KEY_DECISIONS, MODQ_KEY_DESK};
    struct text line = {0};
    bool anywhere = false;

    say(&line, "public half  %s\n", modq_key_text(key, MODQ_KEY_PUBLIC));
    for (size_t i = 0; i < 4; i++) {
        const char *place = modq_key_text(key, places[i]);
        anywhere |= place != NULL;
        if (place && (strstr(place, "//*") || strstr(place, "//0.0.0.0") || strstr(place, "//[::]")))
            say(&line, "In the file, put this machine's address into %s\n", place);
    }
    if (!anywhere)
        say(&line, "The daemon listens on no TCP endpoint for it yet; see listen in modqd.conf(5).\n");
    say(&line, "Wrote ");
    say_quoted(&line, slice_of(path));
    say(&line, ", which holds the secret half: give it to its owner, and to nobody else.\n");
    put_text(&line, stdout);
}

/* Local failures after the daemon has taken the key: it is there, and its secret is lost. */
static void take_back(struct app *app, const struct modq_value *key)
{
    struct modq_fields *fields = changing();

    if (fields)
        modq_put_int(fields, "key", modq_get_int(key, "key", 0));
    modq_answer_free(ask(app, "key_revoke", fields));
    complain("the key was revoked again, because its file could not be written");
}

static bool replace(const struct modq_key *key, const char *path, struct modq_error *error)
{
    char *fresh = NULL;
    bool good = asprintf(&fresh, "%s.new", path) >= 0 && modq_key_save(key, fresh, error) && rename(fresh, path) == 0;

    free(fresh);
    return good;
}

/* The file comes first, with all but what only the daemon knows, so that no secret of a key that the daemon knows is
 * ever lost by a crash between the two; then it is written again, whole. */
static void make(struct app *app, const char *operation, struct modq_key *key, const char *path,
                 struct modq_fields *fields)
{
    struct modq_error error;

    modq_put_bytes(fields, "public_key", modq_key_public(key), 32);
    if (!modq_key_save(key, path, &error)) {
        complain("%s", error.message);
        if (!app->options.given[OPT_FILE])
            complain("--file FILE writes it elsewhere");
        app_exit(app, exit_of(&error));
        modq_fields_free(fields);
        return;
    }
    struct modq_answer *answer = ask(app, operation, fields);
    const struct modq_value *map = answer ? modq_answer_value(answer) : NULL;
    if (!map) {
        /* Not when the daemon may have taken it: the file is all there is of it then. */
        if (app->exit != EXIT_UNREACHABLE || app->error == MODQ_E_CONNECT)
            unlink(path);
        else
            complain("whether the daemon has the key is not known: modq key list tells; %s is its file", path);
    } else if (complete(key, map, &error) && replace(key, path, &error)) {
        if (app->json) {
            print_made(key, path, map);
        } else {
            print_key(app, map);
            say_file(key, path);
        }
    } else {
        complain("%s: cannot be written", path);
        app_exit(app, EXIT_LOCAL);
        take_back(app, modq_get(map, "key"));
    }
    modq_answer_free(answer);
}

static int make_key(struct app *app, const char *operation, struct modq_fields *fields)
{
    struct modq_error error;
    struct modq_key *key = modq_key_new(&error);
    char *path = key_file(app);

    if (key && path && fields) {
        make(app, operation, key, path, fields);
    } else {
        modq_fields_free(fields);
        complain("%s", key ? "the name of a key holds no '/'" : error.message);
        app_exit(app, key ? EXIT_USAGE : EXIT_LOCAL);
    }
    free(path);
    modq_key_free(key);
    return app->exit;
}

int run_key_new(struct app *app)
{
    struct modq_fields *fields = check_role(app) ? changing() : NULL;

    if (fields && put_grant(app, fields))
        return make_key(app, "key_add", fields);
    modq_fields_free(fields);
    return EXIT_USAGE;
}

int run_key_rotate(struct app *app)
{
    const char *overlap = app->options.text[OPT_OVERLAP];
    int64_t ms = 0;

    if (overlap && !when_parse_span(overlap, &ms)) {
        complain("--overlap: \"%s\" is no span such as 0, 30m, 12h or 7d", overlap);
        return EXIT_USAGE;
    }
    struct modq_fields *fields = changing();
    if (fields) {
        modq_put_string(fields, "name", app->argv[0]);
        if (overlap)
            modq_put_int(fields, "overlap_ms", ms);
    }
    return make_key(app, "key_rotate", fields);
}

/* ---- what others made */

static bool put_user(const struct app *app, struct modq_fields *fields)
{
    const char *login = app->options.text[OPT_USER];
    char *end;
    long number = strtol(login, &end, 10);
    const struct passwd *entry = getpwnam(login);

    if (entry || (*login && !*end && number >= 0)) {
        modq_put_int(fields, "uid", entry ? (int64_t)entry->pw_uid : number);
        return true;
    }
    complain("--user: there is no user %s here", login);
    return false;
}

static bool put_public(const struct app *app, struct modq_fields *fields)
{
    uint8_t bytes[32];

    if (modq_key_decode(app->options.text[OPT_PUBLIC], bytes)) {
        modq_put_bytes(fields, "public_key", bytes, sizeof(bytes));
        return true;
    }
    complain("--public: a public key has 40 characters; modq key show FILE tells it");
    return false;
}

static bool put_owner(const struct app *app, struct modq_fields *fields)
{
    bool by_user = app->options.given[OPT_USER];

    if (by_user != app->options.given[OPT_PUBLIC])
        return by_user ? put_user(app, fields) : put_public(app, fields);
    complain("key add needs --public KEY or --user LOGIN; modq key new makes a new pair");
    return false;
}

int run_key_add(struct app *app)
{
    struct modq_fields *fields = check_role(app) ? changing() : NULL;

    if (!fields || !put_owner(app, fields) || !put_grant(app, fields)) {
        modq_fields_free(fields);
        return EXIT_USAGE;
    }
    struct modq_answer *answer = ask(app, "key_add", fields);
    if (answer)
        print_key(app, modq_answer_value(answer));
    modq_answer_free(answer);
    return app->exit;
}

/* ---- list */

static void add_row(struct table *table, const struct modq_value *key)
{
    struct text text = {0};

    table_word(table, value_slice(modq_get(key, "name")), SHADE_BOLD);
    table_number(table, modq_get_int(key, "key", 0));
    table_untrusted(table, value_slice(modq_get(key, "role")));
    say_list(&text, modq_get(key, "rights"), ",");
    table_text(table, &text);
    say_end(&text, key);
    table_text(table, &text);
    if (modq_get(key, "uid"))
        say(&text, "user %lld, ", (long long)modq_get_int(key, "uid", 0));
    say_sites(&text, key);
    table_text(table, &text);
}

static void print_keys(const struct app *app, struct table *table, const struct modq_value *keys)
{
    for (size_t i = 0; i < modq_count(keys); i++) {
        if (app->json)
            json_print(json_from(modq_item(keys, i)), stdout);
        else
            add_row(table, modq_item(keys, i));
    }
    if (!app->json)
        table_print(table);
}

int run_key_list(struct app *app)
{
    static const char *const headers[] = {"NAME", "KEY", "ROLE", "RIGHTS", "END", "SITES", NULL};
    struct table table = {.app = app, .headers = headers};
    int64_t after = 0;
    bool any = false;

    while (after >= 0) {
        struct modq_fields *fields = modq_fields_new();
        if (fields) {
            modq_put_bool(fields, "all", app->options.given[OPT_ALL]);
            modq_put_int(fields, "after", after);
        }
        struct modq_answer *answer = ask(app, "key_list", fields);
        const struct modq_value *map = answer ? modq_answer_value(answer) : NULL;
        after = modq_get_int(map, "next", -1);
        any |= modq_count(modq_get(map, "keys")) > 0;
        print_keys(app, &table, modq_get(map, "keys"));
        modq_answer_free(answer);
    }
    table_free(&table);
    if (!any && !app->json && app->exit == EXIT_DONE)
        puts("No key is good. Make one:  modq key new NAME --role front --site SITE");
    return app->exit;
}

/* ---- revoke, show */

int run_key_revoke(struct app *app)
{
    bool by_number = app->options.given[OPT_NUMBER];
    struct text line = {0};

    if (by_number == (app->argc == 1)) {
        complain("key revoke needs a name, or --number N");
        return EXIT_USAGE;
    }
    struct modq_fields *fields = changing();
    if (fields && by_number)
        modq_put_int(fields, "key", app->options.number[OPT_NUMBER]);
    else if (fields)
        modq_put_string(fields, "name", app->argv[0]);
    struct modq_answer *answer = ask(app, "key_revoke", fields);
    const struct modq_value *keys = answer ? modq_get(modq_answer_value(answer), "keys") : NULL;
    for (size_t i = 0; i < modq_count(keys); i++) {
        if (app->json)
            json_print(json_from(modq_item(keys, i)), stdout);
        else
            say_key(&line, modq_item(keys, i));
        if (!app->json)
            put_line(&line, stdout);
    }
    modq_answer_free(answer);
    return app->exit;
}

int run_key_show(struct app *app)
{
    static const struct {
        const char *title;
        enum modq_key_text text;
    } rows[] = {{"name", MODQ_KEY_NAME},           {"role", MODQ_KEY_ROLE},   {"public", MODQ_KEY_PUBLIC},
                {"server", MODQ_KEY_SERVER},       {"front", MODQ_KEY_FRONT}, {"push", MODQ_KEY_PUSH},
                {"decisions", MODQ_KEY_DECISIONS}, {"desk", MODQ_KEY_DESK}};
    struct modq_error error;
    struct modq_key *key = modq_key_load(app->argv[0], &error);
    json_t *json = app->json ? json_object() : NULL;
    struct text out = {0};

    if (!key) {
        complain("%s", error.message);
        return exit_of(&error);
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *text = modq_key_text(key, rows[i].text);
        if (!text)
            continue;
        if (json)
            json_object_set_new(json, rows[i].title, json_text(slice_of(text)));
        say(&out, "%-10s ", rows[i].title);
        say_quoted(&out, slice_of(text));
        say(&out, "\n");
    }
    if (json)
        json_print(json, stdout);
    else
        put_text(&out, stdout);
    if (json)
        text_free(&out);
    modq_key_free(key);
    return EXIT_DONE;
}
