#include "decide.h"

#include "../../proto/fields.h"
#include "targets.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

enum { REASONS_MAX = 8 };

/* Arguments of approve, reject, escalate and erase; each verb uses what it has. */
struct decide_args {
    const msgpack_object *comments;
    const msgpack_object *reason_list;
    struct slice note;
    bool supersede;
    struct targets targets;
    struct slice reasons[REASONS_MAX];
    size_t reason_count;
};

static const struct field decide_fields[] = {
    FIELD_LIMITED(struct decide_args, comments, "comments", LIST, FIELD_REQUIRED, 1, MAX_BATCH),
    FIELD(struct decide_args, supersede, "supersede", BOOL, 0, 0, 0),
    FIELD(struct decide_args, reason_list, "reasons", LIST, 0, 1, REASONS_MAX),
    FIELD_LIMITED(struct decide_args, note, "note", TEXT, 0, 0, NOTE_BYTES),
};

static struct decide_args *decode_targets(struct request *request, const struct settings *settings)
{
    struct decide_args *args = request_alloc(request, sizeof(*args));

    request->args = args;
    if (!args ||
        !fields_decode(&request->map, decide_fields, ROWS(decide_fields), &settings->limits, NULL, args,
                       &request->fault) ||
        !targets_decode(request, settings, args->comments, "comments", &args->targets))
        return NULL;
    return args;
}

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
    struct decide_args *args = decode_targets(request, settings);

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

/* Codes that the site's policy has, and a note where one is needed. */
static bool check_reasons(const struct work *work, const struct decide_args *args, struct slice site,
                          struct fault *fault)
{
    const struct policy *policy = settings_policy(work->settings, site);
    struct path list = {.key = "reasons"};

    for (size_t i = 0; i < args->reason_count; i++) {
        struct path at = {.up = &list, .index = i};
        const struct policy_reason *reason = policy_reason(policy, args->reasons[i]);
        if (!reason) {
            fault_at(fault, E_UNKNOWN_REASON, &at, NULL);
            fault_say(fault, "%s: the site's policy has no reason \"%.*s\"", fault->field, (int)args->reasons[i].len,
                      args->reasons[i].data);
            return false;
        }
        if (reason->needs_note && args->note.len == 0) {
            fault_at(fault, E_NOTE_NEEDED, NULL, "note");
            fault_say(fault, "note: the reason %s needs a note", reason->code);
            return false;
        }
    }
    return true;
}

static bool check_current_seq(struct work *work, const struct store_comment *comment, int64_t seq, struct fault *fault)
{
    if (!seq)
        return true;
    if (!comment->decision) {
        fault_set(fault, E_NOT_CURRENT);
        fault_str(fault, "state", slice_of(state_name(comment->state)));
        fault_int(fault, "seq", work_seq_of(work, comment->record));
        return false;
    }
    if (work_seq_of(work, comment->decision) == seq)
        return true;
    work_fault_decided(work, comment, fault);
    return false;
}

static bool check_revision(const struct target *target, const struct store_comment *comment, struct fault *fault)
{
    if (!target->revision || target->revision == comment->revision)
        return true;
    fault_set(fault, E_STALE_REVISION);
    fault_say(fault, "revision %lld is current", (long long)comment->revision);
    fault_int(fault, "revision", comment->revision);
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
    if (!check_revision(target, comment, fault) || !check_reasons(work, args, target->site, fault))
        return false;
    if (go->error || (comment->decision && !args->supersede)) {
        work_fault_decided(work, comment, fault);
        return false;
    }
    if (args->supersede && !check_current_seq(work, comment, target->seq, fault))
        return false;
    if (work_held_by_other(work, comment, request->actor)) {
        work_fault_claimed(work, comment, fault);
        return false;
    }
    return true;
}

/* A note stands apart from its event, which holds SHA-256(salt, note) only, so that it can be erased. */
static bool write_note(struct work *work, struct slice note, struct out *data)
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

static void put_reasons(struct out *data, const struct slice *reasons, size_t n)
{
    out_key(data, "reasons");
    out_array(data);
    for (size_t i = 0; i < n; i++)
        out_str(data, reasons[i]);
    out_end(data);
}

/* Appends a record that changes the comment's state, and puts the comment. */
static bool write_record(struct work *work, struct store_site *site, struct store_comment *comment, enum kind kind,
                         enum state next, const char *actor, struct slice data, int64_t *seq)
{
    struct ledger_entry entry = {.kind = kind,
                                 .revision = comment->revision,
                                 .text = comment->text,
                                 .actor = slice_of(actor),
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

static bool decide(struct work *work, const struct request *request, const struct target *target,
                   struct store_site *site, struct store_comment *comment, enum happening happening, int64_t *seq)
{
    const struct decide_args *args = request->args;
    const struct transition *go = state_transition(comment->state, happening);
    int64_t superseded = work_seq_of(work, comment->record);
    struct out *data = work_data(work);

    out_key_int(data, "cause", CAUSE_MODERATOR);
    out_key_cstr(data, "policy", settings_policy(work->settings, target->site)->version);
    if (superseded)
        out_key_int(data, "supersedes", superseded);
    if (go->record == KIND_REJECTED)
        put_reasons(data, args->reasons, args->reason_count);
    if (!write_note(work, args->note, data))
        return false;
    out_end(data);
    return write_record(work, site, comment, go->record, go->next, request->actor, out_slice(data), seq);
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
            work_item_failed(out, target->site, target->comment, &fault);
            continue;
        }
        if (!decide(work, request, target, site, &comment, happening, &seq))
            return;
        work_item(out, target->site, target->comment);
        out_key_cstr(out, "status", state_name(comment.state));
        out_key_int(out, "revision", comment.revision);
        out_key_int(out, "seq", seq);
        out_key_int(out, "decided_at", ledger_now(work->ledger));
        out_end(out);
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

/* undo */

struct undo_args {
    const msgpack_object *records;
    struct targets targets;
};

static const struct field undo_fields[] = {
    FIELD_LIMITED(struct undo_args, records, "records", LIST, FIELD_REQUIRED, 1, MAX_BATCH),
};

bool undo_decode(struct request *request, const struct settings *settings)
{
    struct undo_args *args = request_alloc(request, sizeof(*args));

    request->args = args;
    return args &&
           fields_decode(&request->map, undo_fields, ROWS(undo_fields), &settings->limits, NULL, args,
                         &request->fault) &&
           targets_decode_records(request, settings, args->records, "records", &args->targets);
}

/* A decision to be undone, and what came before it. */
struct undoing {
    struct store_site *site;
    struct store_comment comment;
    int64_t event;      /* of the record named */
    enum kind kind;     /* of the record named */
    int64_t supersedes; /* record before it, 0 if none */
    enum kind before;   /* approved or rejected: that comes back; else the comment is pending again */
    struct out restored; /* reasons and policy of what comes back: pairs of a packed map, from its data */
};

static int64_t data_int(struct slice data, const char *key)
{
    msgpack_zone zone;
    msgpack_object map;
    int64_t value = 0;

    if (!msgpack_zone_init(&zone, 1024))
        return 0;
    if (mp_unpack_map(data, &zone, &map))
        value = mp_get_int(&map, key, 0);
    msgpack_zone_destroy(&zone);
    return value;
}

static bool find_record(struct work *work, const struct target *target, struct undoing *u, struct fault *fault)
{
    struct store_event event;

    if (target->fault) {
        *fault = *target->fault;
        return false;
    }
    u->site = ledger_site(work->ledger, target->site);
    if (!u->site || !work_ok(work, work->store->ops->log_get(work->store, u->site->no, target->seq, &event)))
        return fault_set(fault, E_NOT_FOUND);
    u->event = event.no;
    u->kind = event.kind;
    u->supersedes = data_int(event.data, "supersedes");
    snprintf(u->comment.id, sizeof(u->comment.id), "%.*s", (int)event.comment.len, event.comment.data);
    char id[KEY_BYTES + 1];
    memcpy(id, u->comment.id, sizeof(id));
    if (work_ok(work, work->store->ops->comment_get(work->store, u->site->no, slice_of(id), &u->comment)))
        return true;
    return fault_set(fault, E_INTERNAL);
}

static bool check_undo(struct work *work, const struct undoing *u, struct fault *fault)
{
    const struct transition *go = state_transition(u->comment.state, ON_UNDO);

    if (go->error == E_ERASED || go->error == E_WITHDRAWN)
        return fault_set(fault, go->error);
    if (u->kind != KIND_APPROVED && u->kind != KIND_REJECTED) {
        fault_set(fault, E_NOT_A_DECISION);
        fault_str(fault, "decision", slice_of(kind_name(u->kind)));
        return false;
    }
    if (!go->error && u->comment.decision == u->event)
        return true;
    fault_set(fault, E_NOT_CURRENT);
    fault_str(fault, "state", slice_of(state_name(u->comment.state)));
    fault_int(fault, "seq", work_seq_of(work, u->comment.record));
    return false;
}

static void copy_restored(const msgpack_object *map, struct out *to)
{
    static const char *const keys[] = {"policy", "reasons"};

    out_reset(to);
    out_map(to);
    for (size_t i = 0; i < ROWS(keys); i++) {
        const msgpack_object *value = mp_get(map, keys[i]);
        if (value) {
            out_key(to, keys[i]);
            out_object(to, value);
        }
    }
}

/* The record before the one that is undone tells what comes back. */
static bool look_back(struct work *work, struct undoing *u)
{
    struct store_event event;
    msgpack_zone zone;
    msgpack_object map = {.type = MSGPACK_OBJECT_NIL};

    u->before = KIND_REOPENED;
    if (!msgpack_zone_init(&zone, 1024))
        return false;
    if (u->supersedes &&
        work_ok(work, work->store->ops->log_get(work->store, u->site->no, u->supersedes, &event)) &&
        (event.kind == KIND_APPROVED || event.kind == KIND_REJECTED) && mp_unpack_map(event.data, &zone, &map))
        u->before = event.kind;
    struct out *data = &work->scratch;
    copy_restored(&map, data);
    msgpack_zone_destroy(&zone);
    return !work->trouble;
}

static bool undo(struct work *work, const struct request *request, const struct target *target, struct undoing *u,
                 int64_t *seq)
{
    static const enum state states[KIND_COUNT] = {[KIND_APPROVED] = STATE_APPROVED,
                                                  [KIND_REJECTED] = STATE_REJECTED,
                                                  [KIND_REOPENED] = STATE_PENDING};

    if (!look_back(work, u))
        return false;
    struct out *data = &work->scratch;
    out_key_int(data, "cause", CAUSE_UNDO);
    out_key_int(data, "undoes", target->seq);
    out_key_int(data, "supersedes", target->seq);
    out_end(data);
    return write_record(work, u->site, &u->comment, u->before, states[u->before], request->actor, out_slice(data), seq);
}

void undo_run(struct work *work, struct request *request, struct out *out)
{
    const struct undo_args *args = request->args;

    out_key(out, "results");
    out_array(out);
    for (size_t i = 0; i < args->targets.n && !work->trouble; i++) {
        const struct target *target = &args->targets.items[i];
        struct undoing u = {0};
        struct fault fault;
        int64_t seq;
        bool found = find_record(work, target, &u, &fault);
        bool good = found && check_undo(work, &u, &fault);
        if (good && !undo(work, request, target, &u, &seq))
            return;
        work_item(out, target->site, found ? slice_of(u.comment.id) : SLICE_NONE);
        if (target->seq)
            out_key_int(out, "undoes", target->seq);
        if (!good) {
            work_item_error(out, &fault);
            continue;
        }
        out_key_cstr(out, "status", "undone");
        out_key_int(out, "seq", seq);
        out_key_cstr(out, "state", state_name(u.comment.state));
        out_end(out);
    }
    out_end(out);
}

/* escalate */

bool escalate_decode(struct request *request, const struct settings *settings)
{
    return decode_targets(request, settings) != NULL;
}

static bool check_escalation(struct work *work, const struct request *request, const struct target *target,
                             const struct store_comment *comment, struct fault *fault)
{
    const struct transition *go = state_transition(comment->state, ON_ESCALATE);

    if (go->error == E_ERASED || go->error == E_WITHDRAWN)
        return fault_set(fault, go->error);
    if (!check_revision(target, comment, fault))
        return false;
    if (go->error) {
        work_fault_decided(work, comment, fault);
        return false;
    }
    if (work_held_by_other(work, comment, request->actor)) {
        work_fault_claimed(work, comment, fault);
        return false;
    }
    return true;
}

static bool escalate(struct work *work, const struct request *request, struct store_site *site,
                     struct store_comment *comment)
{
    const struct decide_args *args = request->args;
    struct out *data = work_data(work);

    if (!write_note(work, args->note, data))
        return false;
    out_end(data);
    struct ledger_entry entry = {.kind = KIND_ESCALATED,
                                 .revision = comment->revision,
                                 .text = comment->text,
                                 .actor = slice_of(request->actor),
                                 .data = out_slice(data)};
    work_end_claim(comment);
    comment->lane = LANE_ESCALATED;
    return work_ok(work, ledger_append(work->ledger, site, comment, &entry, NULL)) &&
           work_ok(work, work->store->ops->comment_put(work->store, comment));
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
            !check_escalation(work, request, target, &comment, &fault)) {
            work_item_failed(out, target->site, target->comment, &fault);
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

/* erase */

bool erase_decode(struct request *request, const struct settings *settings)
{
    return decode_targets(request, settings) != NULL;
}

/* Removes what people wrote: the texts of every revision, notes beside every event, readers' reports. */
static bool erase_words(struct work *work, const struct store_comment *comment)
{
    const struct store_ops *ops = work->store->ops;
    struct store_text text;
    struct store_event event;
    int64_t no;

    for (no = comment->newest_text; no; no = text.previous)
        if (!work_ok(work, ops->text_get(work->store, no, &text)) || !work_ok(work, ops->text_erase(work->store, no)))
            return false;
    for (no = comment->last_event; no; no = event.previous)
        if (!work_ok(work, ops->event_get(work->store, no, &event)) || !work_ok(work, ops->note_erase(work->store, no)))
            return false;
    return work_ok(work, ops->report_erase(work->store, comment->site, slice_of(comment->id)));
}

static bool erase(struct work *work, const struct request *request, struct store_site *site,
                  struct store_comment *comment, const struct transition *go, int64_t *seq)
{
    if (!erase_words(work, comment))
        return false;
    int64_t superseded = work_seq_of(work, comment->record);
    struct out *data = work_data(work);
    out_key_int(data, "cause", CAUSE_ERASURE);
    if (superseded)
        out_key_int(data, "supersedes", superseded);
    out_end(data);
    return write_record(work, site, comment, go->record, go->next, request->actor, out_slice(data), seq);
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
            work_item_failed(out, target->site, target->comment, &fault);
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
