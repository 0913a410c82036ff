#include "show.h"

#include "../../proto/fields.h"
#include "around.h"
#include "card.h"
#include "record.h"
#include "second.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

enum { HISTORY_MAX = 500, HISTORY_DEFAULT = 100, REPORTS_SHOWN = 50 };

struct one_args {
    struct slice site, comment;
    int64_t limit, before;
};

static const struct field one_fields[] = {
    FIELD(struct one_args, site, "site", NAME, FIELD_REQUIRED, 1, 64),
    FIELD(struct one_args, comment, "comment", KEY, FIELD_REQUIRED, 1, 128),
    FIELD(struct one_args, limit, "limit", INT, 0, 1, HISTORY_MAX),
    FIELD(struct one_args, before, "before", INT, 0, 1, (INT64_C(1) << 53) - 1),
};

static bool decode_one(struct request *request, const struct settings *settings, size_t rows)
{
    struct one_args *args = request_alloc(request, sizeof(*args));

    request->args = args;
    if (!args)
        return false;
    args->limit = HISTORY_DEFAULT;
    return fields_decode(&request->map, one_fields, rows, &settings->limits, NULL, args, &request->fault);
}

bool show_decode(struct request *request, const struct settings *settings)
{
    return decode_one(request, settings, 2);
}

bool history_decode(struct request *request, const struct settings *settings)
{
    return decode_one(request, settings, ROWS(one_fields));
}

static bool find_one(struct work *work, struct request *request, struct store_comment *comment)
{
    const struct one_args *args = request->args;
    struct store_site site;

    if (work_site(work, args->site, &site) &&
        work_ok(work, work->store->ops->comment_get(work->store, site.no, args->comment, comment)))
        return true;
    return fault_set(&request->fault, E_NOT_FOUND);
}

static bool encode_report(void *arg, const struct store_report *report)
{
    struct out *out = arg;

    out_map(out);
    out_key_str(out, "reason", report->reason);
    out_key_str(out, "note", report->note);
    out_key_int(out, "at", report->at);
    out_end(out);
    return true;
}

void show_run(struct work *work, struct request *request, struct out *out)
{
    const struct one_args *args = request->args;
    struct store_comment comment;

    if (!find_one(work, request, &comment))
        return;
    out_key(out, "card");
    card_encode(work, request->actor, args->site, &comment, out);
    out_key(out, "reported");
    out_array(out);
    work_ok(work,
            work->store->ops->report_scan(work->store, comment.site, args->comment, REPORTS_SHOWN, encode_report, out));
    out_end(out);
    around_encode(work, request, args->site, &comment, out);
}

/* A note's bytes are borrowed until the next call of the store, as those of the event are: so one of them is copied. */
static void encode_event(struct work *work, int64_t no, struct out *out, int64_t *previous)
{
    struct store_event event;
    struct slice note = SLICE_NONE;
    struct out copy = {0};

    work_ok(work, work->store->ops->note_get(work->store, no, &note));
    out_raw(&copy, note);
    struct slice kept = note.data ? out_slice(&copy) : SLICE_NONE;
    *previous = 0;
    if (work_ok(work, work->store->ops->event_get(work->store, no, &event))) {
        event_encode(&event, kept, out);
        *previous = event.previous;
    }
    out_free(&copy);
}

/* The newest event before `before`. The `next` of a page leads straight to it; for other numbers the chain is followed.
 */
static int64_t first_event(struct work *work, int64_t before, const struct store_comment *comment)
{
    const struct store_ops *ops = work->store->ops;
    struct store_event event;
    int64_t no = comment->last_event;

    if (!before)
        return no;
    if (work_ok(work, ops->event_get(work->store, before - 1, &event)) && event.site == comment->site &&
        slice_is(event.comment, comment->id))
        return event.no;
    while (no >= before && work_ok(work, ops->event_get(work->store, no, &event)))
        no = event.previous;
    return no;
}

void history_run(struct work *work, struct request *request, struct out *out)
{
    const struct one_args *args = request->args;
    struct store_comment comment;

    if (!find_one(work, request, &comment))
        return;
    int64_t before = args->before;
    if (second_is_held(work, &comment, request->actor) && (!before || before > comment.decision))
        before = comment.decision;
    int64_t no = first_event(work, before, &comment);
    size_t start = out->len;
    out_key(out, "events");
    out_array(out);
    for (int64_t shown = 0; no && shown < args->limit && out->len - start < CARDS_BYTES && !work->trouble; shown++)
        encode_event(work, no, out, &no);
    out_end(out);
    out_key(out, "next");
    if (no)
        out_int(out, no + 1);
    else
        out_nil(out);
}
