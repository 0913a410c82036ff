/* Who did what, and whether anybody changed what is written about it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explain.h"
#include "hex.h"
#include "json.h"
#include "say.h"
#include "table.h"
#include "verbs.h"
#include "when.h"

enum { AUDIT_SHOWN = 100, AUDIT_PAGE = 500, VERIFY_PAGE = 5000, HASH_LEN = 32, PROGRESS_EVERY_MS = 200 };

/* ---- audit */

struct audit {
    struct app *app;
    struct table table;
    int64_t since, until; /* -1: not given */
    int64_t before, left; /* before 0: from the newest; left -1: all */
    bool any;
};

static bool put_moment(struct app *app, enum option_id option, const char *name, int64_t *ms)
{
    const char *when = app->options.text[option];

    *ms = -1;
    if (!when || when_parse_moment(when, false, ms))
        return true;
    complain("--%s: \"%s\" is neither a span such as 2h or 7d nor a date such as 2026-01-31", name, when);
    return false;
}

static struct modq_fields *audit_fields(const struct audit *audit)
{
    const struct options *options = &audit->app->options;
    struct modq_fields *fields = modq_fields_new();

    if (!fields)
        return NULL;
    modq_put_string(fields, "site", options->text[OPT_SITE]);
    modq_put_string(fields, "actor", options->text[OPT_BY]);
    modq_put_string(fields, "kind", options->text[OPT_KIND]);
    if (options->given[OPT_OF_KEY])
        modq_put_int(fields, "key", options->number[OPT_OF_KEY]);
    if (audit->since >= 0)
        modq_put_int(fields, "since", audit->since);
    if (audit->until >= 0)
        modq_put_int(fields, "until", audit->until);
    if (audit->before > 0)
        modq_put_int(fields, "before", audit->before);
    modq_put_int(fields, "limit", audit->left < 0 || audit->left > AUDIT_PAGE ? AUDIT_PAGE : audit->left);
    return fields;
}

/* What it is about: a comment, a key, or what was looked at. */
static void say_object(struct text *out, const struct modq_value *event)
{
    if (modq_get(event, "name")) {
        say(out, "key %lld, ", (long long)modq_get_int(event, "key", 0));
        say_value(out, modq_get(event, "name"));
        say(out, " (");
        say_value(out, modq_get(event, "role"));
        say(out, ")");
    } else if (modq_get(event, "comment")) {
        say_name(out, event);
    } else {
        say_value(out, modq_get(event, "site"));
    }
    if (modq_get(event, "operation")) {
        say(out, modq_get(event, "site") ? " by " : "");
        say_value(out, modq_get(event, "operation"));
    }
    if (modq_count(modq_get(event, "reasons")) > 0) {
        say(out, ": ");
        say_list(out, modq_get(event, "reasons"), ", ");
    }
}

static void add_event(struct audit *audit, const struct modq_value *event)
{
    struct text text = {0};

    table_number(&audit->table, modq_get_int(event, "no", 0));
    when_say(&text, modq_get_int(event, "at", 0));
    table_text(&audit->table, &text);
    table_word(&audit->table, value_slice(modq_get(event, "kind")), SHADE_NONE);
    table_untrusted(&audit->table, value_slice(modq_get(event, "actor")));
    table_untrusted(&audit->table, value_slice(modq_get(event, "via")));
    say_object(&text, event);
    table_text(&audit->table, &text);
}

static void show_page(struct audit *audit, const struct modq_value *map)
{
    const struct modq_value *events = modq_get(map, "events");

    audit->any |= modq_count(events) > 0;
    for (size_t i = 0; i < modq_count(events); i++) {
        if (audit->app->json)
            json_print(json_from(modq_item(events, i)), stdout);
        else
            add_event(audit, modq_item(events, i));
    }
    if (!audit->app->json)
        table_print(&audit->table);
    audit->before = modq_get_int(map, "next", -1);
    if (audit->left >= 0)
        audit->left -= (int64_t)modq_count(events);
}

/* Which kinds there are is the daemon's to say; those that we know help whoever got one wrong. */
static void complain_kind(const struct app *app)
{
    const char *kind = app->options.text[OPT_KIND];
    const char *const *kinds = option_words(OPT_KIND);

    for (size_t i = 0; kind && kinds[i]; i++)
        if (strcmp(kinds[i], kind) == 0)
            return;
    if (kind)
        complain_word("kind", kind, kinds);
}

static bool next_page(struct audit *audit)
{
    struct app *app = audit->app;
    struct modq_fields *fields = audit_fields(audit);
    struct modq_answer *answer = fields && app_desk(app) ? app_call(app, app->desk, "audit", fields) : NULL;

    modq_fields_free(fields);
    if (!answer && app->exit == EXIT_WRONG)
        complain_kind(app);
    if (answer)
        show_page(audit, modq_answer_value(answer));
    bool more = answer && audit->before > 0 && audit->left != 0;
    modq_answer_free(answer);
    return more;
}

int run_audit(struct app *app)
{
    static const char *const headers[] = {"NO", "TIME", "WHAT", "WHO", "VIA", "ABOUT", NULL};
    struct audit audit = {.app = app,
                          .table = {.app = app, .headers = headers},
                          .before = app->options.given[OPT_BEFORE] ? app->options.number[OPT_BEFORE] : 0,
                          .left = app->options.given[OPT_LIMIT] ? app->options.number[OPT_LIMIT] : AUDIT_SHOWN};

    if (app->options.given[OPT_LIMIT] && audit.left == 0)
        audit.left = -1;
    if (!put_moment(app, OPT_SINCE, "since", &audit.since) || !put_moment(app, OPT_UNTIL, "until", &audit.until))
        return EXIT_USAGE;
    while (next_page(&audit))
        ;
    table_free(&audit.table);
    if (!audit.any && !app->json && app->exit == EXIT_DONE)
        puts("There is no such event.");
    return app->exit;
}

/* ---- audit verify */

struct walk {
    struct app *app;
    int64_t last, newest;
    uint8_t hash[HASH_LEN];
    int64_t head_no; /* that must be there; 0: none was given */
    uint8_t head[HASH_LEN];
    bool head_seen, done;
    int64_t faults, told_at;
};

static bool parse_head(struct walk *walk, const char *text)
{
    char *end;

    walk->head_no = strtoll(text, &end, 10);
    return walk->head_no >= 1 && *end == ':' && hex_parse(end + 1, walk->head, HASH_LEN);
}

static void tell_progress(struct walk *walk)
{
    int64_t now = when_now();

    if (!isatty(STDERR_FILENO) || (!walk->done && now - walk->told_at < PROGRESS_EVERY_MS))
        return;
    walk->told_at = now;
    fprintf(stderr, "\r%lld of %lld events%s", (long long)walk->last, (long long)walk->newest,
            walk->done ? "\r\033[K" : "");
}

static void show_fault(struct walk *walk, const struct modq_value *fault)
{
    struct text line = {0};

    walk->faults++;
    if (walk->app->json) {
        json_print(json_from(fault), stdout);
        return;
    }
    say_value(&line, modq_get(fault, "table"));
    say(&line, " %lld: ", (long long)modq_get_int(fault, "no", 0));
    say_value(&line, modq_get(fault, "fault"));
    say(&line, ": ");
    say_value(&line, modq_get(fault, "detail"));
    put_line(&line, stdout);
}

/* Portions end where the head stands, so that it is met. */
static int64_t portion(const struct walk *walk)
{
    int64_t to_head = walk->head_no - walk->last;
    return to_head > 0 && to_head < VERIFY_PAGE ? to_head : VERIFY_PAGE;
}

/* As a fault that the daemon found, but found here. */
static void show_head_fault(struct walk *walk, const char *fault, const char *detail)
{
    struct text line = {0};

    walk->faults++;
    if (walk->app->json)
        json_print(json_pack("{s:s, s:I, s:s, s:s}", "table", "event", "no", (json_int_t)walk->head_no, "fault", fault,
                             "detail", detail),
                   stdout);
    else
        say(&line, "event %lld: %s: %s", (long long)walk->head_no, fault, detail);
    if (!walk->app->json)
        put_line(&line, stdout);
}

static void compare_head(struct walk *walk)
{
    if (walk->head_no == 0 || walk->head_seen || (walk->last < walk->head_no && !walk->done))
        return;
    walk->head_seen = true;
    if (walk->last < walk->head_no)
        show_head_fault(walk, "missing", "the log ends before it");
    else if (walk->last > walk->head_no)
        show_head_fault(walk, "missing", "it was given as --head and is not there");
    else if (memcmp(walk->hash, walk->head, HASH_LEN) != 0)
        show_head_fault(walk, "changed", "its chain is not the one given as --head");
}

/* What the next portion is asked with; `map` is the answer before it, NULL at the beginning. */
static struct modq_fields *next_fields(const struct walk *walk, const struct modq_value *map)
{
    struct modq_fields *fields = modq_fields_new();

    if (!fields)
        return NULL;
    modq_put_int(fields, "limit", portion(walk));
    modq_put_int(fields, "after", walk->last);
    modq_put_value(fields, "hash", modq_get(map, "hash"));
    modq_put_value(fields, "counts", modq_get(map, "counts"));
    return fields;
}

static void take_portion(struct walk *walk, const struct modq_value *map)
{
    const struct modq_value *faults = modq_get(map, "faults");
    size_t len;
    const uint8_t *hash = modq_get_bytes(map, "hash", &len);

    for (size_t i = 0; i < modq_count(faults); i++)
        show_fault(walk, modq_item(faults, i));
    walk->last = modq_get_int(map, "last", walk->last);
    walk->newest = modq_get_int(map, "newest", 0);
    walk->done = modq_get_bool(map, "done", true);
    if (hash && len == HASH_LEN)
        memcpy(walk->hash, hash, HASH_LEN);
    compare_head(walk);
    tell_progress(walk);
}

/* Asks with *fields, and puts those of the next portion there. False: it is done, or failed. */
static bool next_portion(struct walk *walk, struct modq_fields **fields)
{
    struct app *app = walk->app;
    struct modq_answer *answer = *fields && app_desk(app) ? app_call(app, app->desk, "verify", *fields) : NULL;
    const struct modq_value *map = answer ? modq_answer_value(answer) : NULL;

    modq_fields_free(*fields);
    *fields = NULL;
    if (map)
        take_portion(walk, map);
    if (map && !walk->done)
        *fields = next_fields(walk, map);
    modq_answer_free(answer);
    return *fields != NULL;
}

static void say_end(const struct walk *walk)
{
    struct text line = {0};

    if (walk->app->json)
        say(&line, "{\"events\":%lld,\"faults\":%lld,\"head\":\"", (long long)walk->last, (long long)walk->faults);
    else if (walk->faults == 0)
        say(&line, "%lld events, nothing was changed. Head, to keep elsewhere: ", (long long)walk->last);
    else
        say(&line, "%lld events, %lld faults. Head: ", (long long)walk->last, (long long)walk->faults);
    say(&line, "%lld:", (long long)walk->last);
    hex_say(&line, walk->hash, HASH_LEN);
    say(&line, walk->app->json ? "\"}" : "");
    put_line(&line, stdout);
}

int run_audit_verify(struct app *app)
{
    struct walk walk = {.app = app};
    const char *head = app->options.text[OPT_HEAD];

    if (head && !parse_head(&walk, head)) {
        complain("--head: \"%s\" is not NO:HASH as modq audit verify prints it", head);
        return EXIT_USAGE;
    }
    struct modq_fields *fields = next_fields(&walk, NULL);
    while (next_portion(&walk, &fields))
        ;
    if (!walk.done)
        return app->exit == EXIT_DONE ? EXIT_LOCAL : app->exit;
    say_end(&walk);
    if (walk.faults > 0)
        app_exit(app, EXIT_FAILED);
    return app->exit;
}
