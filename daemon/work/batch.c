#include "batch.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../proto/fields.h"
#include "card.h"
#include "grant.h"
#include "site_names.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

enum { BATCH_MAX = 1000, BATCH_DEFAULT = 500 };

struct batch_args {
    struct slice batch;
    int64_t after, limit;
};

static const struct field batch_fields[] = {
    FIELD(struct batch_args, batch, "batch", BIN, FIELD_REQUIRED, BATCH_BYTES, BATCH_BYTES),
    FIELD(struct batch_args, after, "after", INT, 0, 0, (INT64_C(1) << 53) - 1),
    FIELD(struct batch_args, limit, "limit", INT, 0, 1, BATCH_MAX),
};

bool batch_decode(struct request *request, const struct settings *settings)
{
    struct batch_args *args = request_alloc(request, sizeof(*args));

    request->args = args;
    if (!args)
        return false;
    args->limit = BATCH_DEFAULT;
    return fields_decode(&request->map, batch_fields, ROWS(batch_fields), &settings->limits, NULL, args,
                         &request->fault);
}

bool batch_keep(struct work *work, struct slice batch, const struct store_comment *comment)
{
    return !batch.data || work_ok(work, work->store->ops->batch_add(work->store, batch, comment->last_event));
}

struct numbers {
    int64_t no[BATCH_MAX + 1];
    size_t n;
};

static bool add_number(void *arg, int64_t no)
{
    struct numbers *numbers = arg;

    numbers->no[numbers->n++] = no;
    return true;
}

/* True while what the event did is how things stand: nobody needs to undo what something else has replaced. */
static bool is_current(struct work *work, int64_t site, const char *id, enum kind kind, int64_t no)
{
    struct store_comment comment;

    if (!work_ok(work, work->store->ops->comment_get(work->store, site, slice_of(id), &comment)))
        return false;
    if (kind == KIND_ESCALATED)
        return comment.state == STATE_PENDING && comment.lane == LANE_ESCALATED;
    return comment.record == no;
}

/* What of an event is shown; its bytes are borrowed until the store is called again. */
static void encode_event(struct slice site, const struct store_event *event, struct out *out)
{
    out_map(out);
    out_key_int(out, "no", event->no);
    out_key_str(out, "site", site);
    out_key_str(out, "comment", event->comment);
    out_key_cstr(out, "kind", kind_name(event->kind));
    out_key(out, "seq");
    if (event->seq)
        out_int(out, event->seq);
    else
        out_nil(out);
    out_key_str(out, "by", event->actor);
    out_key_int(out, "at", event->at);
}

static void encode_one(struct work *work, const struct grant *grant, const struct site_names *names, int64_t no,
                       struct out *out)
{
    struct store_event event;
    char id[KEY_BYTES + 1];

    if (!work_ok(work, work->store->ops->event_get(work->store, no, &event)))
        return;
    struct slice site = site_names_at(names, event.site);
    if (!grant_sees(grant, site))
        return;
    snprintf(id, sizeof(id), "%.*s", (int)event.comment.len, event.comment.data);
    encode_event(site, &event, out);
    out_key_bool(out, "current", is_current(work, event.site, id, event.kind, no));
    out_end(out);
}

void batch_run(struct work *work, struct request *request, struct out *out)
{
    const struct batch_args *args = request->args;
    struct site_names names = {0};
    struct numbers numbers = {.n = 0};
    size_t limit = (size_t)args->limit;
    size_t start = out->len;
    size_t i = 0;

    work_ok(work, work->store->ops->site_scan(work->store, site_names_add, &names));
    if (!work->trouble) /* one more tells whether there is a next page */
        work_ok(work, work->store->ops->batch_scan(work->store, args->batch, args->after, args->limit + 1, add_number,
                                                   &numbers));
    out_key(out, "records");
    out_array(out);
    for (; i < numbers.n && i < limit && out->len - start < CARDS_BYTES && !work->trouble; i++)
        encode_one(work, request->grant, &names, numbers.no[i], out);
    out_end(out);
    out_key(out, "next");
    if (i < numbers.n && i > 0)
        out_int(out, numbers.no[i - 1]);
    else
        out_nil(out);
    free(names.sites);
}
