#include "second.h"

#include "../../proto/mp.h"
#include "batch.h"
#include "decision.h"

enum { WAITING_MAX = 1000 };

bool second_is_on_at(const struct work *work, const struct store_site *site)
{
    return settings_policy(work->settings, slice_of(site->name))->second_look > 0;
}

bool second_is_on(const struct work *work, int64_t site)
{
    const struct settings *settings = work->settings;
    bool on = settings->policy->second_look > 0;

    if (site)
        return second_is_on_at(work, ledger_site_at(work->ledger, site));
    for (size_t i = 0; !on && i < settings->site_count; i++)
        on = settings->sites[i].policy->second_look > 0;
    return on;
}

static bool happens(double share)
{
    uint32_t number;

    if (share <= 0)
        return false;
    work_random((unsigned char *)&number, sizeof(number));
    return number < share * 4294967296.0;
}

bool second_is_chosen(struct work *work, const struct store_site *site, const struct store_comment *comment)
{
    struct store_queue figures;

    /* What was escalated had its second moderator. */
    if (comment->state != STATE_PENDING || comment->lane != LANE_NORMAL ||
        !happens(settings_policy(work->settings, slice_of(site->name))->second_look))
        return false;
    return work_ok(work, work->store->ops->queue_figures(work->store, site->no, &figures)) &&
           figures.second < WAITING_MAX;
}

bool second_open(struct work *work, struct store_comment *comment)
{
    comment->lane = LANE_SECOND;
    return work_ok(work, work->store->ops->comment_put(work->store, comment));
}

bool second_is_of_another(struct work *work, const struct store_comment *comment, const char *actor)
{
    struct store_event event;

    return work_ok(work, work->store->ops->event_get(work->store, comment->decision, &event)) &&
           !slice_is(event.actor, actor);
}

bool second_is_held(const struct work *work, const struct store_comment *comment, const char *actor)
{
    return comment->lane == LANE_SECOND && actor[0] && strcmp(comment->claimed_by, actor) == 0 &&
           comment->claimed_until > work->boot_ms;
}

void second_mark(const struct store_comment *comment, struct out *data)
{
    out_key_bool(data, "second", true);
    if (comment->reports)
        out_key_int(data, "reports", comment->reports);
}

/* An approval began to count readers' reports anew: how many there were, 0 of a rejection. */
static int64_t reports_before(struct work *work, const struct store_comment *comment)
{
    struct store_event event;
    msgpack_zone zone;
    msgpack_object data;
    int64_t reports = 0;

    if (!work_ok(work, work->store->ops->event_get(work->store, comment->decision, &event)) ||
        event.kind != KIND_APPROVED || !msgpack_zone_init(&zone, 1024))
        return 0;
    if (mp_unpack_map(event.data, &zone, &data))
        reports = mp_get_int(&data, "reports", 0);
    msgpack_zone_destroy(&zone);
    return reports;
}

void second_blind(struct work *work, const char *actor, struct store_comment *comment)
{
    if (!second_is_held(work, comment, actor))
        return;
    comment->reports += reports_before(work, comment);
    comment->state = STATE_PENDING;
    comment->lane = LANE_NORMAL;
    comment->record = 0;
    comment->decision = 0;
}

/* ---- the judgement ---- */

/* The decision, and how the second moderator's compares with it. */
struct comparison {
    bool agreed;
    bool both_rejected, same_reasons;
};

static bool is_named(const msgpack_object *reasons, struct slice code)
{
    for (size_t i = 0; i < mp_count(reasons); i++)
        if (slice_equal(mp_str(mp_item(reasons, i)), code))
            return true;
    return false;
}

static bool have_reason_in_common(struct slice data, const struct second_judgement *judgement)
{
    msgpack_zone zone;
    msgpack_object map;
    bool common = false;

    if (!msgpack_zone_init(&zone, 1024))
        return false;
    if (mp_unpack_map(data, &zone, &map))
        for (size_t i = 0; i < judgement->reason_count && !common; i++)
            common = is_named(mp_get(&map, "reasons"), judgement->reasons[i]);
    msgpack_zone_destroy(&zone);
    return common;
}

static bool compare(struct work *work, const struct store_comment *comment, const struct second_judgement *judgement,
                    struct comparison *comparison)
{
    struct store_event event;

    if (!work_must(work, work->store->ops->event_get(work->store, comment->decision, &event)))
        return false;
    comparison->agreed = event.kind == judgement->decision;
    comparison->both_rejected = comparison->agreed && event.kind == KIND_REJECTED;
    comparison->same_reasons = comparison->both_rejected && have_reason_in_common(event.data, judgement);
    return true;
}

static bool put_data(struct work *work, const struct second_judgement *judgement, const struct comparison *comparison,
                     struct out *data)
{
    out_key_cstr(data, "decision", judgement->decision ? kind_name(judgement->decision) : NULL);
    if (judgement->decision == KIND_REJECTED) {
        out_key(data, "reasons");
        out_array(data);
        for (size_t i = 0; i < judgement->reason_count; i++)
            out_str(data, judgement->reasons[i]);
        out_end(data);
    }
    out_key_bool(data, "agreed", comparison->agreed);
    if (comparison->both_rejected)
        out_key_bool(data, "same_reasons", comparison->same_reasons);
    if (!decision_write_note(work, judgement->note, data))
        return false;
    out_end(data);
    return true;
}

/* They disagree: whoever works in the lane `escalated` decides. */
static bool dispute(struct work *work, const struct request *request, struct store_site *site,
                    struct store_comment *comment)
{
    const struct transition *go = state_transition(comment->state, ON_DISPUTED);
    int64_t superseded = work_seq_of(work, comment->record);
    struct out *data = work_data(work);
    int64_t seq;

    out_key_int(data, "cause", CAUSE_SECOND_LOOK);
    out_key_int(data, "supersedes", superseded);
    out_end(data);
    comment->lane = LANE_ESCALATED;
    return !work->trouble &&
           decision_write_record(work, request, site, comment, go->record, go->next, out_slice(data), &seq);
}

bool second_judge(struct work *work, const struct request *request, struct store_site *site,
                  struct store_comment *comment, const struct second_judgement *judgement, bool *agreed)
{
    struct comparison comparison;
    struct out *data = work_data(work);

    if (!compare(work, comment, judgement, &comparison) || !put_data(work, judgement, &comparison, data))
        return false;
    struct ledger_entry entry = {.kind = KIND_SECOND_LOOK,
                                 .revision = comment->revision,
                                 .text = comment->text,
                                 .actor = slice_of(request->actor),
                                 .via = work_via(request),
                                 .data = out_slice(data)};
    work_end_claim(comment);
    comment->lane = LANE_NORMAL;
    *agreed = comparison.agreed;
    if (!work_ok(work, ledger_append(work->ledger, site, comment, &entry, NULL)) ||
        !batch_keep(work, judgement->batch, comment))
        return false;
    return *agreed ? work_ok(work, work->store->ops->comment_put(work->store, comment))
                   : dispute(work, request, site, comment);
}

void second_encode(const struct work *work, const struct target *target, const struct store_comment *comment,
                   const char *status, bool agreed, struct out *out)
{
    work_item(out, target->site, target->comment);
    out_key_cstr(out, "status", status);
    out_key_int(out, "revision", comment->revision);
    out_key_nil(out, "seq");
    out_key_int(out, "decided_at", ledger_now(work->ledger));
    out_key_bool(out, "second_look", true);
    out_key_bool(out, "agreed", agreed);
    out_end(out);
}
