#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "hex.h"
#include "json.h"
#include "say.h"
#include "stop.h"
#include "verbs.h"
#include "when.h"

enum { HASH_BYTES = 32, WAIT_MS = 500, CONFIRM_EVERY_MS = 1000, ABSENT_MS = 2000 };

struct follow {
    struct app *app;
    struct modq_stream *stream;
    const char *site;
    int64_t left;       /* records still wanted */
    int64_t confirmed;  /* what was told last */
    int64_t confirm_at; /* not before */
    int64_t started;
    bool waiting; /* has said that the daemon is away */
};

/* ---- records */

static void print_record(struct follow *f, const struct modq_value *record)
{
    struct slice decision = value_slice(modq_get(record, "decision"));
    const struct modq_value *reasons = modq_get(record, "reasons");
    struct text line = {0};

    if (f->app->json) {
        json_print(json_from(record), stdout);
        return;
    }
    say(&line, "%6lld  ", (long long)modq_get_int(record, "seq", 0));
    when_say(&line, modq_get_int(record, "decided_at", 0));
    say(&line, "  ");
    say_shade(f->app, &line, shade_of(decision));
    say(&line, "%-9.*s", (int)(decision.len < 16 ? decision.len : 16), decision.data ? decision.data : "?");
    say_shade(f->app, &line, SHADE_NONE);
    say(&line, "  ");
    say_name(&line, record);
    say(&line, " revision %lld", (long long)modq_get_int(record, "revision", 0));
    if (modq_count(reasons) > 0) {
        say(&line, " (");
        say_list(&line, reasons, ", ");
        say(&line, ")");
    }
    if (!modq_is(modq_get(record, "cause"), "moderator")) {
        say(&line, " ");
        say_value(&line, modq_get(record, "cause"));
    }
    put_line(&line, stdout);
}

/* ---- confirming */

static void throw_answers_away(struct modq *front)
{
    struct modq_answer *answer;

    while ((answer = modq_next(front, 0))) {
        if (modq_answer_error(answer))
            complain_error(modq_answer_error(answer), NULL);
        modq_answer_free(answer);
    }
}

static bool put_confirm(struct follow *f, struct modq_fields *fields)
{
    if (!fields)
        return false;
    modq_put_string(fields, "site", f->site);
    modq_put_string(fields, "listener", f->app->options.text[OPT_CONFIRM]);
    modq_put_int(fields, "seq", modq_stream_seq(f->stream));
    return true;
}

/* Tells how far it is, now and then, and at the end: of what has really been written. */
static void confirm(struct follow *f, bool last)
{
    int64_t seq = modq_stream_seq(f->stream);
    struct modq *front = f->app->options.given[OPT_CONFIRM] ? app_front(f->app) : NULL;
    struct modq_fields *fields;

    if (!front)
        return;
    throw_answers_away(front);
    if (seq == f->confirmed || (!last && when_now() < f->confirm_at) || fflush(stdout) != 0)
        return;
    fields = modq_fields_new();
    if (put_confirm(f, fields) && last) {
        modq_answer_free(app_call(f->app, front, "confirm", fields));
    } else if (fields) {
        modq_send(front, "confirm", fields, f->app->timeout_ms, NULL, NULL);
        modq_process(front);
    }
    modq_fields_free(fields);
    f->confirmed = seq;
    f->confirm_at = when_now() + CONFIRM_EVERY_MS;
}

/* ---- the stream */

static void tell_lost(struct follow *f)
{
    const struct modq_error *why = modq_stream_error(f->stream);

    fflush(stdout);
    complain("the daemon is away%s%s; going on after record %lld when it is back", why->number ? ": " : "",
             why->number ? why->message : "", (long long)modq_stream_seq(f->stream));
    f->waiting = true;
}

/* Whoever follows for good is told once why nothing comes. */
static void tell_absent(struct follow *f)
{
    if (f->waiting || modq_stream_newest(f->stream) >= 0 || when_now() < f->started + ABSENT_MS)
        return;
    complain("waiting for the daemon at %s", f->app->endpoint[ENDPOINT_FRONT]);
    f->waiting = true;
}

static void tell_back(struct follow *f)
{
    if (f->waiting)
        complain("the daemon is back");
    f->waiting = false;
}

static void tell_failed(struct follow *f)
{
    const struct modq_error *error = modq_stream_error(f->stream);

    complain_error(error, NULL);
    app_exit(f->app, exit_of(error));
    if (error->number == MODQ_E_DIVERGED)
        complain("the log of %s is not the one that your record %lld is from (newest now: %lld): set aside what you "
                 "have of this site and follow again with --after 0",
                 f->site, (long long)modq_stream_seq(f->stream), (long long)modq_stream_newest(f->stream));
}

/* False: it is over. */
static bool handle(struct follow *f, enum modq_event event, const struct modq_value *record)
{
    switch (event) {
    case MODQ_EVENT_RECORD:
        tell_back(f);
        print_record(f, record);
        return !ferror(stdout) && --f->left > 0;
    case MODQ_EVENT_LEVEL:
        tell_back(f);
        return true;
    case MODQ_EVENT_LOST:
        tell_lost(f);
        return true;
    case MODQ_EVENT_FAILED:
        fflush(stdout);
        tell_failed(f);
        return false;
    case MODQ_EVENT_END:
        return false;
    case MODQ_EVENT_NONE:
        tell_absent(f);
        break;
    }
    return true;
}

static void follow_stream(struct follow *f)
{
    const struct modq_value *record = NULL;
    enum modq_event event;
    bool on = true;

    while (on && !stop_asked()) {
        event = modq_stream_next(f->stream, 0, &record);
        if (event == MODQ_EVENT_NONE) {
            fflush(stdout); /* whoever reads along sees it before we sleep */
            event = modq_stream_next(f->stream, WAIT_MS, &record);
        }
        on = handle(f, event, record);
        confirm(f, false);
    }
    if (!ferror(stdout))
        confirm(f, true);
}

int run_follow(struct app *app)
{
    struct follow f = {.app = app,
                       .started = when_now(),
                       .site = app->options.text[OPT_SITE],
                       .left = INT64_MAX,
                       .confirmed = app->options.number[OPT_AFTER]};
    bool replay = app->options.given[OPT_NO_WAIT];
    struct modq_stream_options options = {.site = f.site,
                                          .key = app->key,
                                          .after = app->options.number[OPT_AFTER],
                                          .replay = replay,
                                          .give_up_ms = app_timeout_ms(app, replay ? app->timeout_ms : 0)};
    uint8_t hash[HASH_BYTES];
    struct modq_error error;

    if (!f.site) {
        complain("follow needs --site SITE");
        return EXIT_USAGE;
    }
    if (app->options.given[OPT_HASH]) {
        if (!hex_parse(app->options.text[OPT_HASH], hash, sizeof(hash))) {
            complain("--hash: 64 hexadecimal digits, the chain of a record");
            return EXIT_USAGE;
        }
        options.hash = hash;
    }
    if (app->options.given[OPT_COUNT_RECORDS])
        f.left = app->options.number[OPT_COUNT_RECORDS];
    if (!app_endpoint(app, ENDPOINT_FRONT))
        return app->exit;
    f.stream = modq_stream_open(app->endpoint[ENDPOINT_FRONT], &options, &error);
    if (!f.stream) {
        complain_error(&error, NULL);
        return exit_of(&error);
    }
    stop_catch();
    follow_stream(&f);
    modq_stream_close(f.stream);
    return app->exit;
}
