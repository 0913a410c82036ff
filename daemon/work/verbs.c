#include "verbs.h"

#include "../../proto/fields.h"
#include "claim.h"
#include "decide.h"
#include "erase.h"
#include "escalate.h"
#include "front.h"
#include "list.h"
#include "read.h"
#include "show.h"
#include "stats.h"
#include "stream_request.h"
#include "submit.h"
#include "undo.h"

#define ANYWHERE (DOOR_FRONT | DOOR_DESK)
#define INTAKE   (DOOR_FRONT | DOOR_PUSH)

/* clang-format off */
const struct verb verb_table[] = {
    {"hello",    ANYWHERE,   VERB_AT_ONCE, OPERATION_NONE,     hello_decode,           hello_run,    NULL},
    {"policy",   ANYWHERE,   VERB_AT_ONCE, OPERATION_NONE,     policy_request_decode,  policy_run,   NULL},
    {"status",   ANYWHERE,   VERB_READ,    OPERATION_NONE,     status_decode,          status_run,   NULL},

    {"submit",   INTAKE,     VERB_CHANGE,  OPERATION_NONE,     submit_decode,          submit_run,   NULL},
    {"withdraw", INTAKE,     VERB_CHANGE,  OPERATION_NONE,     withdraw_decode,        withdraw_run, NULL},
    {"report",   INTAKE,     VERB_CHANGE,  OPERATION_NONE,     report_decode,          report_run,   NULL},
    {"article",  INTAKE,     VERB_CHANGE,  OPERATION_NONE,     article_request_decode, article_run,  NULL},
    {"confirm",  DOOR_FRONT, VERB_CHANGE,  OPERATION_NONE,     confirm_decode,         confirm_run,  NULL},
    {"stream",   DOOR_FRONT, VERB_STREAM,  OPERATION_NONE,     stream_decode,          NULL,         NULL},
    {"credit",   DOOR_FRONT, VERB_STREAM,  OPERATION_NONE,     credit_decode,          NULL,         NULL},
    {"cancel",   DOOR_FRONT, VERB_STREAM,  OPERATION_NONE,     cancel_decode,          NULL,         NULL},

    {"list",     DOOR_DESK,  VERB_READ,    OPERATION_NONE,     list_decode,            list_run,     NULL},
    {"show",     DOOR_DESK,  VERB_READ,    OPERATION_NONE,     show_decode,            show_run,     NULL},
    {"history",  DOOR_DESK,  VERB_READ,    OPERATION_NONE,     history_decode,         history_run,  NULL},
    {"stats",    DOOR_DESK,  VERB_READ,    OPERATION_NONE,     stats_decode,           stats_run,    NULL},
    {"claim",    DOOR_DESK,  VERB_CHANGE,  OPERATION_NEEDED,   claim_decode,           claim_run,    claim_render},
    {"renew",    DOOR_DESK,  VERB_CHANGE,  OPERATION_OPTIONAL, hold_decode,            renew_run,    NULL},
    {"release",  DOOR_DESK,  VERB_CHANGE,  OPERATION_OPTIONAL, hold_decode,            release_run,  NULL},
    {"approve",  DOOR_DESK,  VERB_CHANGE,  OPERATION_NEEDED,   decide_decode,          approve_run,  NULL},
    {"reject",   DOOR_DESK,  VERB_CHANGE,  OPERATION_NEEDED,   decide_decode,          reject_run,   NULL},
    {"undo",     DOOR_DESK,  VERB_CHANGE,  OPERATION_NEEDED,   undo_decode,            undo_run,     NULL},
    {"escalate", DOOR_DESK,  VERB_CHANGE,  OPERATION_NEEDED,   escalate_decode,        escalate_run, NULL},
    {"erase",    DOOR_DESK,  VERB_CHANGE,  OPERATION_NEEDED,   erase_decode,           erase_run,    NULL},
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

/* Completes the reply, or makes it the refusal that request->fault says. */
static void finish(struct work *work, struct request *request)
{
    if (work->trouble)
        return; /* the transaction is lost: its thread answers */
    if (!request->fault.code) {
        out_end(&request->reply);
        if (request->reply.failed || request->reply.depth != 0)
            fault_set(&request->fault, E_INTERNAL);
    }
    if (request->fault.code)
        request_refuse(request, &request->fault);
}

void verb_run(struct work *work, struct request *request)
{
    request_begin_reply(request);
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
    request_begin_reply(request);
    if (!repeat(work, request) && !work->trouble)
        run_and_keep(work, request);
    finish(work, request);
}
