#include "decide.h"

#include "batch.h"
#include "decision.h"
#include "second.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static const struct field approve_fields[] = {
    FIELD_LIMITED(struct decide_args, comments, "comments", LIST, FIELD_REQUIRED, 1, MAX_BATCH),
    FIELD(struct decide_args, supersede, "supersede", BOOL, 0, 0, 0),
    FIELD_LIMITED(struct decide_args, note, "note", TEXT, 0, 0, NOTE_BYTES),
    BATCH_FIELD(struct decide_args, batch),
};

static const struct field reject_fields[] = {
    FIELD_LIMITED(struct decide_args, comments, "comments", LIST, FIELD_REQUIRED, 1, MAX_BATCH),
    FIELD(struct decide_args, supersede, "supersede", BOOL, 0, 0, 0),
    FIELD(struct decide_args, reason_list, "reasons", LIST, 0, 1, REASONS_MAX),
    FIELD_LIMITED(struct decide_args, note, "note", TEXT, 0, 0, NOTE_BYTES),
    BATCH_FIELD(struct decide_args, batch),
};

static bool add_reason(struct request *request, struct decide_args *args, size_t i)
{
    struct path list = {.key = "reasons"};
    struct path at = {.up = &list, .index = i};
    struct slice code = mp_str(mp_item(args->reason_list, i));

    if (!code.data)
        return fault_at(&request->fault, E_BAD_TYPE, &at, NULL);
    if (!field_check_text(code, FIELD_TEXT, 1, 64, &at, NULL, &request->fault))
        return false;
    for (size_t j = 0; j < args->reason_count; j++)
        if (slice_equal(args->reasons[j], code)) {
            fault_at(&request->fault, E_BAD_VALUE, &at, NULL);
            fault_say(&request->fault, "%s: this reason is given twice", request->fault.field);
            return false;
        }
    args->reasons[args->reason_count++] = code;
    return true;
}

bool decide_decode(struct request *request, const struct settings *settings)
{
    bool reject = slice_is(mp_get_str(&request->map, "op"), "reject");
    const struct field *table = reject ? reject_fields : approve_fields;
    struct decide_args *args =
        decision_decode(request, settings, table, reject ? ROWS(reject_fields) : ROWS(approve_fields));

    if (!args || !reject)
        return args != NULL;
    if (!args->reason_list) {
        fault_at(&request->fault, E_MISSING_FIELD, NULL, "reasons");
        fault_say(&request->fault, "reasons: a reject names at least one reason of the site's policy");
        return false;
    }
    for (size_t i = 0; i < mp_count(args->reason_list); i++)
        if (!add_reason(request, args, i))
            return false;
    return true;
}

static bool check_codes(const struct policy *policy, const struct decide_args *args, struct fault *fault)
{
    struct path list = {.key = "reasons"};

    for (size_t i = 0; i < args->reason_count; i++) {
        struct path at = {.up = &list, .index = i};
        if (policy_reason(policy, args->reasons[i]))
            continue;
        fault_at(fault, E_UNKNOWN_REASON, &at, NULL);
        fault_say(fault, "%s: the site's policy has no reason \"%.*s\"", fault->field, (int)args->reasons[i].len,
                  args->reasons[i].data);
        return false;
    }
    return true;
}

static bool check_note(const struct policy *policy, const struct decide_args *args, struct fault *fault)
{
    for (size_t i = 0; i < args->reason_count && args->note.len == 0; i++) {
        const struct policy_reason *reason = policy_reason(policy, args->reasons[i]);
        if (!reason->needs_note)
            continue;
        fault_at(fault, E_NOTE_NEEDED, NULL, "note");
        fault_say(fault, "note: the reason %s needs a note", reason->code);
        return false;
    }
    return true;
}

/* Codes that the site's policy has, all of them, and then a note where one is needed. */
static bool check_reasons(const struct work *work, const struct decide_args *args, struct slice site,
                          struct fault *fault)
{
    const struct policy *policy = settings_policy(work->settings, site);

    return check_codes(policy, args, fault) && check_note(policy, args, fault);
}

/* Whether what the moderator saw is still so: the decision of that number, or none (0). */
static bool check_current_seq(struct work *work, const struct store_comment *comment, int64_t seq, struct fault *fault)
{
    if (seq < 0 || work_seq_of(work, comment->decision) == seq)
        return true;
    if (!comment->decision) {
        fault_set(fault, E_NOT_CURRENT);
        fault_str(fault, "state", slice_of(state_name(comment->state)));
        fault_int(fault, "seq", work_seq_of(work, comment->record));
        return false;
    }
    work_fault_decided(work, comment, fault);
    return false;
}

/* All that may stand in a decision's way, in the order that PROTOCOL.md gives ("approve, reject"). */
static bool check_decision(struct work *work, const struct request *request, const struct target *target,
                           const struct store_comment *comment, enum happening happening, struct fault *fault)
{
    const struct decide_args *args = request->args;
    const struct transition *go = state_transition(comment->state, happening);

    if (go->error == E_ERASED || go->error == E_WITHDRAWN)
        return fault_set(fault, go->error);
    if (!decision_check_revision(target, comment, fault) || !check_reasons(work, args, target->site, fault))
        return false;
    if (second_is_held(work, comment, request->actor))
        return true;
    if (go->error || (comment->decision && !args->supersede)) {
        work_fault_decided(work, comment, fault);
        return false;
    }
    if (args->supersede && !check_current_seq(work, comment, target->seq, fault))
        return false;
    if (comment->lane != LANE_SECOND && work_held_by_other(work, comment, request->actor)) {
        work_fault_claimed(work, comment, fault);
        return false;
    }
    if (!decision_check_lane(request, comment, fault))
        return false;
    return !comment->decision || decision_check_owner(work, request, comment->decision, fault);
}

static void put_reasons(struct out *data, const struct slice *reasons, size_t n)
{
    out_key(data, "reasons");
    out_array(data);
    for (size_t i = 0; i < n; i++)
        out_str(data, reasons[i]);
    out_end(data);
}

static void count_decision(struct tally *tally, enum kind kind, const struct decide_args *args)
{
    tally->approved += kind == KIND_APPROVED;
    tally->rejected += kind == KIND_REJECTED;
    tally->reasons = args->reasons;
    tally->reason_count = args->reason_count;
}

static bool decide(struct work *work, const struct request *request, const struct target *target,
                   struct store_site *site, struct store_comment *comment, enum happening happening, int64_t *seq)
{
    const struct decide_args *args = request->args;
    const struct transition *go = state_transition(comment->state, happening);
    int64_t superseded = work_seq_of(work, comment->record);
    bool chosen = second_is_chosen(work, site, comment);
    struct out *data = work_data(work);

    out_key_int(data, "cause", CAUSE_MODERATOR);
    out_key_cstr(data, "policy", settings_policy(work->settings, target->site)->version);
    if (superseded)
        out_key_int(data, "supersedes", superseded);
    if (go->record == KIND_REJECTED)
        put_reasons(data, args->reasons, args->reason_count);
    if (chosen)
        second_mark(comment, data);
    if (work->trouble || !decision_write_note(work, args->note, data))
        return false;
    out_end(data);
    if (!decision_write_record(work, request, site, comment, go->record, go->next, out_slice(data), seq) ||
        !batch_keep(work, args->batch, comment) || (chosen && !second_open(work, comment)))
        return false;
    count_decision(work->tally, go->record, args);
    return true;
}

static void encode_decided(const struct work *work, const struct target *target, const struct store_comment *comment,
                           int64_t seq, struct out *out)
{
    work_item(out, target->site, target->comment);
    out_key_cstr(out, "status", state_name(comment->state));
    out_key_int(out, "revision", comment->revision);
    out_key_int(out, "seq", seq);
    out_key_int(out, "decided_at", ledger_now(work->ledger));
    out_end(out);
}

/* The holder of a second look decides nothing anew, whatever `supersede` says. */
static void judge_again(struct work *work, const struct request *request, const struct target *target,
                        struct store_site *site, struct store_comment *comment, enum happening happening,
                        struct out *out)
{
    const struct decide_args *args = request->args;
    struct second_judgement judgement = {.decision = happening == ON_APPROVE ? KIND_APPROVED : KIND_REJECTED,
                                         .reasons = args->reasons,
                                         .reason_count = args->reason_count,
                                         .note = args->note,
                                         .batch = args->batch};
    bool agreed;

    if (second_judge(work, request, site, comment, &judgement, &agreed))
        second_encode(work, target, comment, kind_name(judgement.decision), agreed, out);
}

static void run_decision(struct work *work, struct request *request, enum happening happening, struct out *out)
{
    const struct decide_args *args = request->args;

    out_key(out, "results");
    out_array(out);
    for (size_t i = 0; i < args->targets.n && !work->trouble; i++) {
        const struct target *target = &args->targets.items[i];
        struct store_site *site;
        struct store_comment comment;
        struct fault fault;
        int64_t seq;
        if (!target_find(work, target, &site, &comment, &fault) ||
            !check_decision(work, request, target, &comment, happening, &fault)) {
            work_item_failed(work, out, target->site, target->comment, &fault);
            continue;
        }
        if (second_is_held(work, &comment, request->actor)) {
            judge_again(work, request, target, site, &comment, happening, out);
            continue;
        }
        if (!decide(work, request, target, site, &comment, happening, &seq))
            return;
        encode_decided(work, target, &comment, seq, out);
    }
    out_end(out);
}

void approve_run(struct work *work, struct request *request, struct out *out)
{
    run_decision(work, request, ON_APPROVE, out);
}

void reject_run(struct work *work, struct request *request, struct out *out)
{
    run_decision(work, request, ON_REJECT, out);
}
