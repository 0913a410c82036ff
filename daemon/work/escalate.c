#include "escalate.h"

#include "batch.h"
#include "decision.h"
#include "second.h"

static const struct field escalate_fields[] = {
    FIELD_LIMITED(struct decide_args, comments, "comments", LIST, FIELD_REQUIRED, 1, MAX_BATCH),
    FIELD_LIMITED(struct decide_args, note, "note", TEXT, 0, 0, NOTE_BYTES),
    BATCH_FIELD(struct decide_args, batch),
};

bool escalate_decode(struct request *request, const struct settings *settings)
{
    return decision_decode(request, settings, escalate_fields, sizeof(escalate_fields) / sizeof(escalate_fields[0])) !=
           NULL;
}

static bool escalate(struct work *work, const struct request *request, struct store_site *site,
                     struct store_comment *comment)
{
    const struct decide_args *args = request->args;
    struct out *data = work_data(work);

    if (!decision_write_note(work, args->note, data))
        return false;
    out_end(data);
    struct ledger_entry entry = {.kind = KIND_ESCALATED,
                                 .revision = comment->revision,
                                 .text = comment->text,
                                 .actor = slice_of(request->actor),
                                 .via = work_via(request),
                                 .data = out_slice(data)};
    work_end_claim(comment);
    comment->lane = LANE_ESCALATED;
    return work_ok(work, ledger_append(work->ledger, site, comment, &entry, NULL)) &&
           work_ok(work, work->store->ops->comment_put(work->store, comment)) && batch_keep(work, args->batch, comment);
}

/* The holder of a second look leaves it to those who work in the lane: that is no agreement. */
static void pass_on(struct work *work, const struct request *request, const struct target *target,
                    struct store_site *site, struct store_comment *comment, struct out *out)
{
    const struct decide_args *args = request->args;
    struct second_judgement judgement = {.decision = KIND_NONE, .note = args->note, .batch = args->batch};
    bool agreed;

    if (second_judge(work, request, site, comment, &judgement, &agreed))
        second_encode(work, target, comment, "escalated", agreed, out);
}

void escalate_run(struct work *work, struct request *request, struct out *out)
{
    const struct decide_args *args = request->args;

    out_key(out, "results");
    out_array(out);
    for (size_t i = 0; i < args->targets.n && !work->trouble; i++) {
        const struct target *target = &args->targets.items[i];
        struct store_site *site;
        struct store_comment comment;
        struct fault fault;
        if (!target_find(work, target, &site, &comment, &fault) ||
            !decision_check_waiting(work, request, target, &comment, ON_ESCALATE, &fault)) {
            work_item_failed(work, out, target->site, target->comment, &fault);
            continue;
        }
        if (second_is_held(work, &comment, request->actor)) {
            pass_on(work, request, target, site, &comment, out);
            continue;
        }
        if (comment.lane != LANE_ESCALATED && !escalate(work, request, site, &comment))
            return;
        work_item(out, target->site, target->comment);
        out_key_cstr(out, "status", "escalated");
        out_end(out);
    }
    out_end(out);
}
