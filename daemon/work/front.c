#include "front.h"

#include "../../proto/comment.h"
#include "../../proto/fields.h"
#include "due.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* Allocates the verb's arguments and decodes the message's own map into them. */
static void *decode(struct request *request, const struct settings *settings, const struct field *table, size_t rows,
                    size_t bytes)
{
    request->args = request_alloc(request, bytes);
    if (!request->args ||
        !fields_decode(&request->map, table, rows, &settings->limits, NULL, request->args, &request->fault))
        return NULL;
    return request->args;
}

/* withdraw */

struct withdraw_args {
    struct slice site, comment;
};

static const struct field withdraw_fields[] = {
    FIELD(struct withdraw_args, site, "site", NAME, FIELD_REQUIRED, 1, 64),
    FIELD(struct withdraw_args, comment, "comment", KEY, FIELD_REQUIRED, 1, 128),
};

bool withdraw_decode(struct request *request, const struct settings *settings)
{
    return decode(request, settings, withdraw_fields, ROWS(withdraw_fields), sizeof(struct withdraw_args)) != NULL;
}

static void write_withdrawal(struct work *work, const struct request *request, struct store_site *site,
                             struct store_comment *comment, int64_t *seq)
{
    struct out *data = work_data(work);

    out_key_int(data, "cause", CAUSE_AUTHOR);
    out_key_int(data, "supersedes", work_seq_of(work, comment->record));
    out_end(data);
    struct ledger_entry entry = {.kind = KIND_WITHDRAWN,
                                 .revision = comment->revision,
                                 .text = comment->text,
                                 .actor = slice_of(request->actor),
                                 .via = work_via(request),
                                 .data = out_slice(data)};
    work_end_claim(comment);
    comment->decision = 0;
    if (!work_ok(work, ledger_append(work->ledger, site, comment, &entry, seq)))
        return;
    work_set_state(work, site, comment, STATE_WITHDRAWN);
    work_ok(work, work->store->ops->comment_put(work->store, comment));
}

void withdraw_run(struct work *work, struct request *request, struct out *out)
{
    const struct withdraw_args *args = request->args;
    struct store_site *site = work_site_for(work, args->site, &request->fault);
    struct store_comment comment;

    if (!site)
        return;
    enum store_result r = work->store->ops->comment_get(work->store, site->no, args->comment, &comment);
    if (r == STORE_NONE) {
        comment = (struct store_comment){.site = site->no};
        memcpy(comment.id, args->comment.data, args->comment.len);
    } else if (!work_ok(work, r)) {
        return;
    }
    const struct transition *go = state_transition(comment.state, ON_WITHDRAW);
    if (go->error) {
        fault_set(&request->fault, go->error);
        return;
    }
    int64_t seq = 0;
    if (go->next)
        write_withdrawal(work, request, site, &comment, &seq);
    else
        seq = work_seq_of(work, comment.record);
    out_key_cstr(out, "status", go->next ? "withdrawn" : "duplicate");
    out_key_int(out, "seq", seq);
}

/* report */

struct report_args {
    struct slice site, comment, reader, reason, note;
    int64_t at; /* -1: not said */
};

static const struct field report_fields[] = {
    FIELD(struct report_args, site, "site", NAME, FIELD_REQUIRED, 1, 64),
    FIELD(struct report_args, comment, "comment", KEY, FIELD_REQUIRED, 1, 128),
    FIELD(struct report_args, reader, "reader", KEY, FIELD_REQUIRED, 1, 128),
    FIELD(struct report_args, reason, "reason", TEXT, 0, 1, 64),
    FIELD(struct report_args, note, "note", TEXT, 0, 0, 1024),
    FIELD(struct report_args, at, "at", TIME, 0, 0, 0),
};

bool report_decode(struct request *request, const struct settings *settings)
{
    struct report_args *args = decode(request, settings, report_fields, ROWS(report_fields), sizeof(*args));

    if (!args)
        return false;
    if (!mp_get(&request->map, "at"))
        args->at = -1;
    if (!args->reason.data || policy_reason(settings_policy(settings, args->site), args->reason))
        return true;
    fault_at(&request->fault, E_UNKNOWN_REASON, NULL, "reason");
    fault_say(&request->fault, "reason: the site's policy has no reason \"%.*s\"", (int)args->reason.len,
              args->reason.data);
    return false;
}

/* True when this reader's report counts: it is the first since the comment was last approved. */
static bool counts(struct work *work, const struct store_comment *comment, const struct report_args *args)
{
    struct store_report before;
    struct store_event approval;

    enum store_result r =
        work->store->ops->report_get(work->store, comment->site, args->comment, args->reader, &before);
    if (work_ok(work, r) && before.round == comment->approval)
        return false;
    if (args->at < 0 || !comment->approval ||
        !work_ok(work, work->store->ops->event_get(work->store, comment->approval, &approval)))
        return !work->trouble;
    return args->at >= approval.at;
}

static void write_report(struct work *work, const struct request *request, struct store_site *site,
                         struct store_comment *comment, const struct report_args *args)
{
    struct store_report report = {.reader = args->reader,
                                  .round = comment->approval,
                                  .at = ledger_now(work->ledger),
                                  .reason = args->reason,
                                  .note = args->note};

    if (!work_ok(work, work->store->ops->report_put(work->store, comment->site, args->comment, &report)))
        return;
    comment->reports++;
    struct out *data = work_data(work);
    if (args->reason.data) {
        out_key(data, "reasons");
        out_array(data);
        out_str(data, args->reason);
        out_end(data);
    }
    out_end(data);
    struct ledger_entry entry = {.kind = KIND_REPORTED,
                                 .revision = comment->revision,
                                 .text = comment->text,
                                 .actor = slice_of(request->actor),
                                 .via = work_via(request),
                                 .data = out_slice(data)};
    work_ok(work, ledger_append(work->ledger, site, comment, &entry, NULL));
}

/* The threshold is reached: back to the moderators. */
static void reopen(struct work *work, struct store_site *site, struct store_comment *comment,
                   const struct transition *go)
{
    struct out *data = work_data(work);

    out_key_int(data, "cause", CAUSE_REPORTS);
    out_key_int(data, "supersedes", work_seq_of(work, comment->record));
    out_end(data);
    struct ledger_entry entry = {.kind = go->record,
                                 .revision = comment->revision,
                                 .text = comment->text,
                                 .actor = SLICE_LIT("modqd"),
                                 .data = out_slice(data)};
    comment->decision = 0;
    if (work_ok(work, ledger_append(work->ledger, site, comment, &entry, NULL)))
        work_set_state(work, site, comment, go->next);
}

static bool find(struct work *work, struct slice site_name, struct slice id, struct store_site **site,
                 struct store_comment *comment, struct fault *fault)
{
    *site = ledger_site(work->ledger, site_name);
    if (*site && work_ok(work, work->store->ops->comment_get(work->store, (*site)->no, id, comment)))
        return true;
    return fault_set(fault, E_NOT_FOUND);
}

void report_run(struct work *work, struct request *request, struct out *out)
{
    const struct report_args *args = request->args;
    int64_t threshold = settings_policy(work->settings, args->site)->reports_reopen;
    struct store_site *site;
    struct store_comment comment;

    if (!find(work, args->site, args->comment, &site, &comment, &request->fault))
        return;
    const struct transition *go = state_transition(comment.state, ON_REPORTED);
    if (go->error) {
        fault_set(&request->fault, go->error);
        return;
    }
    bool counted = counts(work, &comment, args);
    if (counted) {
        write_report(work, request, site, &comment, args);
        if (go->next && threshold > 0 && comment.reports >= threshold)
            reopen(work, site, &comment, go);
        else if (comment.state == STATE_PENDING)
            due_renew(work, site, &comment);
        work_ok(work, work->store->ops->comment_put(work->store, &comment));
    }
    out_key_cstr(out, "status", counted ? "counted" : "duplicate");
    out_key_int(out, "reports", comment.reports);
    out_key_cstr(out, "state", state_name(comment.state));
}

/* article */

struct article_args {
    struct slice site;
    const msgpack_object *article;
    int closed, front_page; /* -1: not said */
    bool closed_value, front_page_value;
    struct slice id;
};

static const struct field article_request_fields[] = {
    FIELD(struct article_args, site, "site", NAME, FIELD_REQUIRED, 1, 64),
    FIELD(struct article_args, article, "article", MAP, FIELD_REQUIRED, 0, 0),
    FIELD(struct article_args, closed_value, "closed", BOOL, 0, 0, 0),
    FIELD(struct article_args, front_page_value, "front_page", BOOL, 0, 0, 0),
};

bool article_request_decode(struct request *request, const struct settings *settings)
{
    struct path at = {.key = "article"};
    struct article article;
    struct article_args *args =
        decode(request, settings, article_request_fields, ROWS(article_request_fields), sizeof(*args));

    if (!args || !article_decode(args->article, &settings->limits, &at, &article, &request->fault))
        return false;
    args->id = article.id;
    args->closed = mp_get(&request->map, "closed") ? args->closed_value : -1;
    args->front_page = mp_get(&request->map, "front_page") ? args->front_page_value : -1;
    return true;
}

void article_run(struct work *work, struct request *request, struct out *out)
{
    const struct article_args *args = request->args;
    struct store_article before = {.closed = -1, .front_page = -1};
    struct store_site *site = NULL;

    if (work->intake_closed) {
        fault_set(&request->fault, E_STORAGE_FULL);
        fault_int(&request->fault, "retry_after_ms", 5000);
        return;
    }
    site = work_site_for(work, args->site, &request->fault);
    if (!site)
        return;
    work_ok(work, work->store->ops->article_get(work->store, site->no, args->id, &before));
    bool was_on_front_page = before.front_page == 1;
    out_reset(&work->scratch);
    article_encode(args->article, &work->scratch);
    struct store_article article = {.meta = out_slice(&work->scratch),
                                    .closed = args->closed < 0 ? before.closed : args->closed,
                                    .front_page = args->front_page < 0 ? before.front_page : args->front_page};
    work_ok(work, work->store->ops->article_put(work->store, site->no, args->id, &article));
    if ((article.front_page == 1) != was_on_front_page)
        due_article_changed(work, site, args->id);
    out_key_cstr(out, "status", "stored");
}

/* confirm */

/* A listener that was silent for so long gives way to a new one. */
#define FORGET_MS (INT64_C(30) * 24 * 3600 * 1000)

struct confirm_args {
    struct slice site, listener;
    int64_t seq;
};

static const struct field confirm_fields[] = {
    FIELD(struct confirm_args, site, "site", NAME, FIELD_REQUIRED, 1, 64),
    FIELD(struct confirm_args, listener, "listener", NAME, FIELD_REQUIRED, 1, 64),
    FIELD(struct confirm_args, seq, "seq", INT, FIELD_REQUIRED, 0, (INT64_C(1) << 53) - 1),
};

bool confirm_decode(struct request *request, const struct settings *settings)
{
    return decode(request, settings, confirm_fields, ROWS(confirm_fields), sizeof(struct confirm_args)) != NULL;
}

void confirm_run(struct work *work, struct request *request, struct out *out)
{
    const struct confirm_args *args = request->args;
    const struct store_site *site = ledger_site(work->ledger, args->site);

    if (!site) {
        fault_set(&request->fault, E_NOT_FOUND);
        return;
    }
    if (args->seq > site->newest) {
        fault_set(&request->fault, E_DIVERGED);
        fault_int(&request->fault, "newest", site->newest);
        fault_bin(&request->fault, "epoch", (struct slice){(const char *)work->epoch, EPOCH_BYTES});
        return;
    }
    struct store_listener listener = {
        .site = site->no, .name = args->listener, .seq = args->seq, .at = ledger_now(work->ledger)};
    int64_t max = work->settings->limits.value[LIMIT_LISTENERS_PER_SITE];
    if (!work_ok(work, work->store->ops->listener_put(work->store, &listener, max, listener.at - FORGET_MS))) {
        fault_set(&request->fault, E_TOO_MANY_LISTENERS);
        fault_int(&request->fault, "max", max);
        return;
    }
    out_key_int(out, "newest", site->newest);
    out_key_int(out, "lag", site->newest - args->seq);
}
