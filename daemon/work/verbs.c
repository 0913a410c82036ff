#include "verbs.h"

#include "../../proto/fields.h"
#include "audit.h"
#include "author.h"
#include "batch.h"
#include "claim.h"
#include "decide.h"
#include "erase.h"
#include "escalate.h"
#include "facts.h"
#include "front.h"
#include "fsck.h"
#include "keys.h"
#include "list.h"
#include "note.h"
#include "read.h"
#include "reload.h"
#include "search_request.h"
#include "show.h"
#include "skip.h"
#include "stats.h"
#include "stream_request.h"
#include "submit.h"
#include "undo.h"
#include "verify.h"

#define ANYWHERE (DOOR_FRONT | DOOR_DESK)
#define INTAKE   (DOOR_FRONT | DOOR_PUSH)

/* One row: name, sockets, thread, operation id, roles, sites, then how it is read and run, and what else there is. */
#define VERB(name_, doors_, kind_, operation_, roles_, scope_, decode_, run_, ...)                                     \
    {                                                                                                                  \
        .name = (name_), .doors = (doors_), .kind = VERB_##kind_, .operation = OPERATION_##operation_,                 \
        .roles = FOR_##roles_, .scope = SCOPE_##scope_, .decode = (decode_), .run = (run_), __VA_ARGS__                \
    }

/* clang-format off */
const struct verb verb_table[] = {
    VERB("hello",      ANYWHERE,    AT_ONCE,  NONE,      ALL,             NONE,   hello_decode,            hello_run),
    VERB("policy",     ANYWHERE,    AT_ONCE,  NONE,      ALL,             NAMED,  policy_request_decode,   policy_run),
    VERB("status",     ANYWHERE,    READ,     NONE,      ALL,             NAMED,  status_decode,           status_run),

    VERB("submit",     INTAKE,      CHANGE,   NONE,      FRONT,           NAMED,  submit_decode,           submit_run),
    VERB("withdraw",   INTAKE,      CHANGE,   NONE,      FRONT,           NAMED,  withdraw_decode,         withdraw_run),
    VERB("report",     INTAKE,      CHANGE,   NONE,      FRONT,           NAMED,  report_decode,           report_run),
    VERB("article",    INTAKE,      CHANGE,   NONE,      FRONT,           NAMED,  article_request_decode,  article_run),
    VERB("confirm",    DOOR_FRONT,  CHANGE,   NONE,      FRONT,           NAMED,  confirm_decode,          confirm_run),
    VERB("stream",     DOOR_FRONT,  STREAM,   NONE,      FRONT,           NAMED,  stream_decode,           NULL),
    VERB("credit",     DOOR_FRONT,  STREAM,   NONE,      FRONT,           NONE,   credit_decode,           NULL),
    VERB("cancel",     DOOR_FRONT,  STREAM,   NONE,      FRONT,           NONE,   cancel_decode,           NULL),

    VERB("list",       DOOR_DESK,   READ,     NONE,      MODERATORS,      SEEN,   list_decode,             list_run, .lists = 50),
    VERB("show",       DOOR_DESK,   READ,     NONE,      MODERATORS,      NAMED,  show_decode,             show_run, .lists = 50),
    VERB("history",    DOOR_DESK,   READ,     NONE,      MODERATORS,      NAMED,  history_decode,          history_run, .lists = 100),
    VERB("batch",      DOOR_DESK,   READ,     NONE,      MODERATORS,      SEEN,   batch_decode,            batch_run, .lists = 500),
    VERB("stats",      DOOR_DESK,   READ,     NONE,      MODERATORS,      SEEN,   stats_decode,            stats_run, .lists = 50),
    VERB("search",     DOOR_DESK,   LOOK,     NONE,      MODERATORS,      SEEN,   search_decode,           search_run, .lists = 20),
    VERB("facts",      DOOR_DESK,   LOOK,     NONE,      MODERATORS,      SEEN,   facts_decode,            facts_run, .lists = 5000),
    VERB("claim",      DOOR_DESK,   CHANGE,   NEEDED,    MODERATORS,      SEEN,   claim_decode,            claim_run, .render = claim_render),
    VERB("renew",      DOOR_DESK,   CHANGE,   OPTIONAL,  MODERATORS,      SEEN,   hold_decode,             renew_run),
    VERB("release",    DOOR_DESK,   CHANGE,   OPTIONAL,  MODERATORS,      SEEN,   hold_decode,             release_run),
    VERB("skip",       DOOR_DESK,   CHANGE,   NEEDED,    MODERATORS,      NAMED,  skip_decode,             skip_run),
    VERB("approve",    DOOR_DESK,   CHANGE,   NEEDED,    MODERATORS,      NAMED,  decide_decode,           approve_run, .bulk = true),
    VERB("reject",     DOOR_DESK,   CHANGE,   NEEDED,    MODERATORS,      NAMED,  decide_decode,           reject_run, .bulk = true),
    VERB("undo",       DOOR_DESK,   CHANGE,   NEEDED,    MODERATORS,      NAMED,  undo_decode,             undo_run, .bulk = true, .items = "records"),
    VERB("escalate",   DOOR_DESK,   CHANGE,   NEEDED,    MODERATORS,      NAMED,  escalate_decode,         escalate_run, .bulk = true),
    VERB("erase",      DOOR_DESK,   CHANGE,   NEEDED,    MODERATORS,      NAMED,  erase_decode,            erase_run, .right = RIGHT_ERASE, .bulk = true),

    VERB("note",       DOOR_DESK,   CHANGE,   NEEDED,    MODERATORS,      NAMED,  note_decode,             note_run),
    VERB("author",     DOOR_DESK,   READ,     NONE,      MODERATORS,      NAMED,  author_decode,           author_run, .lists = 50),
    VERB("author_mark", DOOR_DESK,  CHANGE,   NEEDED,    MODERATORS,      NAMED,  author_mark_decode,      author_mark_run),
    VERB("author_note", DOOR_DESK,  CHANGE,   NEEDED,    MODERATORS,      NAMED,  author_note_decode,      author_note_run),
    VERB("author_erase", DOOR_DESK, CHANGE,   NEEDED,    MODERATORS,      NAMED,  author_erase_decode,     author_erase_run, .right = RIGHT_ERASE),

    VERB("key_add",    DOOR_DESK,   CHANGE,   NEEDED,    ADMINISTRATORS,  NONE,   key_add_decode,          key_add_run, .changes_keys = true),
    VERB("key_list",   DOOR_DESK,   READ,     NONE,      ADMINISTRATORS,  NONE,   key_list_decode,         key_list_run),
    VERB("key_revoke", DOOR_DESK,   CHANGE,   NEEDED,    ADMINISTRATORS,  NONE,   key_revoke_decode,       key_revoke_run, .changes_keys = true),
    VERB("key_rotate", DOOR_DESK,   CHANGE,   NEEDED,    ADMINISTRATORS,  NONE,   key_rotate_decode,       key_rotate_run, .changes_keys = true),
    VERB("reload",     DOOR_DESK,   RELOAD,   NEEDED,    ADMINISTRATORS,  NONE,   reload_decode,           reload_run),
    VERB("audit",      DOOR_DESK,   LOOK,     NONE,      ADMINISTRATORS,  NONE,   audit_decode,            audit_run),
    VERB("verify",     DOOR_DESK,   LOOK,     NONE,      ADMINISTRATORS,  NONE,   verify_decode,           verify_run),
    VERB("fsck",       DOOR_DESK,   LOOK,     NONE,      ADMINISTRATORS,  NONE,   fsck_decode,             fsck_run),
};
/* clang-format on */

const size_t verb_count = sizeof(verb_table) / sizeof(verb_table[0]);

const struct verb *verb_find(struct slice name, enum door door)
{
    for (size_t i = 0; i < verb_count; i++)
        if ((verb_table[i].doors & door) && slice_is(name, verb_table[i].name))
            return &verb_table[i];
    return NULL;
}

static void begin(struct work *work, struct request *request)
{
    request->tally = (struct tally){0}; /* what a run counted whose transaction was lost is forgotten */
    work->tally = &request->tally;
    request_begin_reply(request);
}

/* Completes the reply, or makes it the refusal that request->fault says. */
static void finish(struct work *work, struct request *request)
{
    work->tally = NULL;
    if (work->trouble)
        return; /* the transaction is lost: its thread answers */
    if (!request->fault.code) {
        out_end(&request->reply);
        if (request->reply.failed || request->reply.depth != 0)
            fault_set(&request->fault, E_INTERNAL);
    }
    if (request->fault.code)
        request_refuse(request, &request->fault);
    else
        work->keys_changed |= request->verb->changes_keys;
}

void verb_run(struct work *work, struct request *request)
{
    begin(work, request);
    request->verb->run(work, request, &request->reply);
    finish(work, request);
}

/* The first answer, kept under the operation id: what the verb's run wrote, with the number of its pairs before it. A
 * verb with a render keeps what render needs instead. */
static bool keep_answer(struct work *work, const struct request *request, struct slice answer, int64_t pairs)
{
    struct out kept = {0};

    out_array(&kept);
    out_int(&kept, pairs);
    out_bin(&kept, answer);
    out_end(&kept);
    struct store_operation operation = {.actor = slice_of(request->actor),
                                        .request = {(const char *)request->asked, SHA256_BYTES},
                                        .at = ledger_now(work->ledger),
                                        .answer = out_slice(&kept)};
    bool good =
        !kept.failed && work_ok(work, work->store->ops->operation_add(work->store, request->operation, &operation));
    out_free(&kept);
    return good;
}

static void run_and_keep(struct work *work, struct request *request)
{
    struct out *out = &request->reply;
    struct out kept = {0};

    if (!request->verb->render) {
        size_t start = out->len;
        int64_t pairs = out_count(out);
        request->verb->run(work, request, out);
        if (!request->fault.code && !work->trouble)
            keep_answer(work, request, (struct slice){out->data + start, out->len - start}, out_count(out) - pairs);
        return;
    }
    request->verb->run(work, request, &kept);
    if (!request->fault.code && !work->trouble && keep_answer(work, request, out_slice(&kept), 0))
        request->verb->render(work, request, out_slice(&kept), out);
    out_free(&kept);
}

/* True when the operation id was used before: the answer is in the reply, or request->fault says why not. */
static bool repeat(struct work *work, struct request *request)
{
    struct store_operation operation;
    msgpack_object kept;

    if (!work_ok(work, work->store->ops->operation_get(work->store, request->operation, &operation)))
        return false;
    if (!slice_is(operation.actor, request->actor) ||
        !slice_equal(operation.request, (struct slice){(const char *)request->asked, SHA256_BYTES})) {
        fault_at(&request->fault, E_OPERATION_REUSED, NULL, "operation");
        return true;
    }
    struct slice copy = {request_alloc(request, operation.answer.len + 1), operation.answer.len};
    if (!copy.data)
        return true;
    memcpy((char *)copy.data, operation.answer.data, copy.len);
    if (!mp_unpack(copy, &request->zone, &kept)) {
        fault_set(&request->fault, E_INTERNAL);
        return true;
    }
    int64_t pairs = 0;
    mp_int(mp_item(&kept, 0), &pairs);
    struct slice answer = mp_bin(mp_item(&kept, 1));
    if (request->verb->render)
        request->verb->render(work, request, answer, &request->reply);
    else
        out_pairs(&request->reply, answer, (uint32_t)pairs);
    return true;
}

void verb_run_once(struct work *work, struct request *request)
{
    if (!request->operation.data) {
        verb_run(work, request);
        return;
    }
    begin(work, request);
    request->tally.repeated = repeat(work, request);
    if (!request->tally.repeated && !work->trouble)
        run_and_keep(work, request);
    finish(work, request);
}
