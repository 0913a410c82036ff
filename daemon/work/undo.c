#include "undo.h"

#include "../../proto/fields.h"
#include "batch.h"
#include "decision.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

struct undo_args {
    const msgpack_object *records;
    struct slice batch;
    struct targets targets;
};

static const struct field undo_fields[] = {
    FIELD_LIMITED(struct undo_args, records, "records", LIST, FIELD_REQUIRED, 1, MAX_BATCH),
    BATCH_FIELD(struct undo_args, batch),
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
    int64_t event;       /* of the record named */
    enum kind kind;      /* of the record named */
    int64_t supersedes;  /* record before it, 0 if none */
    enum kind before;    /* approved or rejected: that comes back; else the comment is pending again */
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

static bool check_undo(struct work *work, const struct request *request, const struct undoing *u, struct fault *fault)
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
        return decision_check_owner(work, request, u->event, fault);
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
    if (u->supersedes && work_ok(work, work->store->ops->log_get(work->store, u->site->no, u->supersedes, &event)) &&
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
    static const enum state states[KIND_COUNT] = {
        [KIND_APPROVED] = STATE_APPROVED, [KIND_REJECTED] = STATE_REJECTED, [KIND_REOPENED] = STATE_PENDING};

    const struct undo_args *args = request->args;

    if (!look_back(work, u))
        return false;
    struct out *data = &work->scratch;
    out_key_int(data, "cause", CAUSE_UNDO);
    out_key_int(data, "undoes", target->seq);
    out_key_int(data, "supersedes", target->seq);
    out_end(data);
    return decision_write_record(work, request, u->site, &u->comment, u->before, states[u->before], out_slice(data),
                                 seq) &&
           batch_keep(work, args->batch, &u->comment);
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
        bool good = found && check_undo(work, request, &u, &fault);
        if (good && !undo(work, request, target, &u, &seq))
            return;
        work_item(out, target->site, found ? slice_of(u.comment.id) : SLICE_NONE);
        if (target->seq > 0)
            out_key_int(out, "undoes", target->seq);
        if (!good) {
            work_item_error(work, out, &fault);
            continue;
        }
        out_key_cstr(out, "status", "undone");
        out_key_int(out, "seq", seq);
        out_key_cstr(out, "state", state_name(u.comment.state));
        out_end(out);
    }
    out_end(out);
}
