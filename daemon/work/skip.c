#include "skip.h"

#include <stdlib.h>

#include "../../proto/fields.h"
#include "decision.h"
#include "second.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

enum { SKIP_MS = 1800000, SKIP_MS_MIN = 60000, SKIP_MS_MAX = 604800000 };

struct skip_args {
    const msgpack_object *comments;
    int64_t for_ms;
    struct targets targets;
};

static const struct field skip_fields[] = {
    FIELD_LIMITED(struct skip_args, comments, "comments", LIST, FIELD_REQUIRED, 1, MAX_BATCH),
    FIELD(struct skip_args, for_ms, "for_ms", INT, 0, SKIP_MS_MIN, SKIP_MS_MAX),
};

bool skip_decode(struct request *request, const struct settings *settings)
{
    struct skip_args *args = request_alloc(request, sizeof(*args));

    request->args = args;
    if (!args)
        return false;
    args->for_ms = SKIP_MS;
    return fields_decode(&request->map, skip_fields, ROWS(skip_fields), &settings->limits, NULL, args,
                         &request->fault) &&
           targets_decode(request, settings, args->comments, "comments", &args->targets);
}

static bool skip(struct work *work, const struct request *request, struct store_site *site,
                 struct store_comment *comment, int64_t until)
{
    const struct store_ops *ops = work->store->ops;
    struct out *data = work_data(work);

    out_key_int(data, "until", until);
    out_end(data);
    struct ledger_entry entry = {.kind = KIND_SKIPPED,
                                 .revision = comment->revision,
                                 .text = comment->text,
                                 .actor = slice_of(request->actor),
                                 .via = work_via(request),
                                 .data = out_slice(data)};
    work_end_claim(comment);
    return work_ok(work, ledger_append(work->ledger, site, comment, &entry, NULL)) &&
           work_ok(work, ops->skip_put(work->store, entry.actor, comment->text, until)) &&
           work_ok(work, ops->comment_put(work->store, comment));
}

void skip_run(struct work *work, struct request *request, struct out *out)
{
    const struct skip_args *args = request->args;
    int64_t until = ledger_now(work->ledger) + args->for_ms;

    out_key(out, "results");
    out_array(out);
    for (size_t i = 0; i < args->targets.n && !work->trouble; i++) {
        const struct target *target = &args->targets.items[i];
        struct store_site *site;
        struct store_comment comment;
        struct fault fault;
        if (!target_find(work, target, &site, &comment, &fault) ||
            !decision_check_waiting(work, request, target, &comment, ON_CLAIM, &fault)) {
            work_item_failed(work, out, target->site, target->comment, &fault);
            continue;
        }
        if (!skip(work, request, site, &comment, until))
            return;
        work_item(out, target->site, target->comment);
        out_key_cstr(out, "status", "skipped");
        out_key_int(out, "until", until);
        out_end(out);
    }
    out_end(out);
}

/* ---- what is skipped ---- */

struct loading {
    struct skips *skips;
    int64_t now;
};

static bool keep_live(void *arg, int64_t text, int64_t until)
{
    struct loading *loading = arg;

    if (until > loading->now)
        loading->skips->texts[loading->skips->n++] = text;
    return loading->skips->n < SKIPS_MAX;
}

void skips_load(struct work *work, struct slice moderator, struct skips *skips)
{
    struct loading loading = {skips, work->ledger ? ledger_now(work->ledger) : work->clock_ms};

    skips->n = 0;
    work_ok(work, work->store->ops->skip_scan(work->store, moderator, 0, INT64_MAX, keep_live, &loading));
}

static int newest_first(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

bool skips_hold(const struct skips *skips, int64_t text)
{
    return skips->n && bsearch(&text, skips->texts, skips->n, sizeof(text), newest_first);
}
