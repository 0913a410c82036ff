#include "erase.h"

#include "decision.h"
#include "place.h"

static const struct field erase_fields[] = {
    FIELD_LIMITED(struct decide_args, comments, "comments", LIST, FIELD_REQUIRED, 1, MAX_BATCH),
};

bool erase_decode(struct request *request, const struct settings *settings)
{
    return decision_decode(request, settings, erase_fields, sizeof(erase_fields) / sizeof(erase_fields[0])) != NULL;
}

/* Removes what people wrote: the texts of every revision, notes beside every event, readers' reports. */
static bool erase_words(struct work *work, const struct store_comment *comment)
{
    const struct store_ops *ops = work->store->ops;
    struct store_text text;
    struct store_event event;
    int64_t no;

    for (no = comment->newest_text; no; no = text.previous)
        if (!work_must(work, ops->text_head(work->store, no, &text)) ||
            !work_must(work, ops->text_erase(work->store, no)))
            return false;
    for (no = comment->last_event; no; no = event.previous)
        if (!work_must(work, ops->event_get(work->store, no, &event)) ||
            !work_must(work, ops->note_erase(work->store, no)))
            return false;
    return work_must(work, ops->report_erase(work->store, comment->site, slice_of(comment->id)));
}

static bool erase(struct work *work, const struct request *request, struct store_site *site,
                  struct store_comment *comment, const struct transition *go, int64_t *seq)
{
    if (!erase_words(work, comment))
        return false;
    comment->reports = 0;
    place_keep(comment, SLICE_NONE, SLICE_NONE, SLICE_NONE);
    int64_t superseded = work_seq_of(work, comment->record);
    struct out *data = work_data(work);
    out_key_int(data, "cause", CAUSE_ERASURE);
    if (superseded)
        out_key_int(data, "supersedes", superseded);
    out_end(data);
    return decision_write_record(work, request, site, comment, go->record, go->next, out_slice(data), seq);
}

void erase_run(struct work *work, struct request *request, struct out *out)
{
    const struct decide_args *args = request->args;

    out_key(out, "results");
    out_array(out);
    for (size_t i = 0; i < args->targets.n && !work->trouble; i++) {
        const struct target *target = &args->targets.items[i];
        struct store_site *site;
        struct store_comment comment;
        struct fault fault;
        int64_t seq = 0;
        if (!target_find(work, target, &site, &comment, &fault)) {
            work_item_failed(work, out, target->site, target->comment, &fault);
            continue;
        }
        const struct transition *go = state_transition(comment.state, ON_ERASE);
        if (go->next && !erase(work, request, site, &comment, go, &seq))
            return;
        if (!go->next)
            seq = work_seq_of(work, comment.record);
        work_item(out, target->site, target->comment);
        out_key_cstr(out, "status", "erased");
        out_key_int(out, "seq", seq);
        out_end(out);
    }
    out_end(out);
}
