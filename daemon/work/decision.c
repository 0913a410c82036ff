#include "decision.h"

#include "grant.h"
#include "second.h"

struct decide_args *decision_decode(struct request *request, const struct settings *settings, const struct field *table,
                                    size_t rows)
{
    struct decide_args *args = request_alloc(request, sizeof(*args));

    request->args = args;
    if (!args || !fields_decode(&request->map, table, rows, &settings->limits, NULL, args, &request->fault) ||
        !targets_decode(request, settings, args->comments, "comments", &args->targets))
        return NULL;
    return args;
}

bool decision_check_revision(const struct target *target, const struct store_comment *comment, struct fault *fault)
{
    if (!target->revision || target->revision == comment->revision)
        return true;
    fault_set(fault, E_STALE_REVISION);
    fault_say(fault, "revision %lld is current", (long long)comment->revision);
    fault_int(fault, "revision", comment->revision);
    return false;
}

bool decision_check_lane(const struct request *request, const struct store_comment *comment, struct fault *fault)
{
    return comment->lane != LANE_ESCALATED || comment->state != STATE_PENDING ||
           request_may(request, RIGHT_ESCALATED, fault);
}

bool decision_check_waiting(struct work *work, const struct request *request, const struct target *target,
                            const struct store_comment *comment, enum happening happening, struct fault *fault)
{
    const struct transition *go = state_transition(comment->state, happening);

    if (go->error == E_ERASED || go->error == E_WITHDRAWN)
        return fault_set(fault, go->error);
    if (!decision_check_revision(target, comment, fault))
        return false;
    if (second_is_held(work, comment, request->actor))
        return true;
    if (go->error) {
        work_fault_decided(work, comment, fault);
        return false;
    }
    if (work_held_by_other(work, comment, request->actor)) {
        work_fault_claimed(work, comment, fault);
        return false;
    }
    return decision_check_lane(request, comment, fault);
}

bool decision_check_owner(struct work *work, const struct request *request, int64_t decision, struct fault *fault)
{
    struct store_event event;

    if (request->grant->rights & RIGHT_UNDO)
        return true;
    if (!work_ok(work, work->store->ops->event_get(work->store, decision, &event)))
        return fault_set(fault, E_INTERNAL);
    return slice_is(event.actor, request->actor) || request_may(request, RIGHT_UNDO, fault);
}

/* A note stands apart from its event, which holds SHA-256(salt, note) only, so that it can be erased. */
bool decision_write_note(struct work *work, struct slice note, struct out *data)
{
    unsigned char salt[SALT_BYTES];
    unsigned char hash[SHA256_BYTES];
    struct slice pieces[] = {{(const char *)salt, SALT_BYTES}, note};

    if (note.len == 0)
        return true;
    work_random(salt, sizeof(salt));
    sha256(hash, pieces, 2);
    out_key_bin(data, "note", (struct slice){(const char *)hash, SHA256_BYTES});
    return work_ok(work, work->store->ops->note_add(work->store, ledger_next(work->ledger), pieces[0], note));
}

bool decision_write_record(struct work *work, const struct request *request, struct store_site *site,
                           struct store_comment *comment, enum kind kind, enum state next, struct slice data,
                           int64_t *seq)
{
    struct ledger_entry entry = {.kind = kind,
                                 .revision = comment->revision,
                                 .text = comment->text,
                                 .actor = slice_of(request->actor),
                                 .via = work_via(request),
                                 .data = data};

    work_end_claim(comment);
    if (!work_ok(work, ledger_append(work->ledger, site, comment, &entry, seq)))
        return false;
    comment->decision = kind == KIND_APPROVED || kind == KIND_REJECTED ? comment->last_event : 0;
    if (kind == KIND_APPROVED) {
        comment->approval = comment->last_event;
        comment->reports = 0;
    }
    work_set_state(work, site, comment, next);
    return work_ok(work, work->store->ops->comment_put(work->store, comment));
}
