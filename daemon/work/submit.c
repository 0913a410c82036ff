#include "submit.h"

#include "../../proto/comment.h"
#include "../../proto/fields.h"
#include "due.h"
#include "place.h"

/* One comment of a submit. What does not need the store is done before it comes to the thread that writes. */
struct item {
    struct comment_event event;
    unsigned char sha256[SHA256_BYTES];
    size_t meta_at, meta_len; /* packed, in request->scratch */
    unsigned char meta_sha256[SHA256_BYTES];
    const struct fault *fault; /* NULL: the event is good */
};

struct submit_args {
    const msgpack_object *comments;
    size_t n;
    struct item *items;
};

static const struct field submit_fields[] = {
    FIELD_LIMITED(struct submit_args, comments, "comments", LIST, FIELD_REQUIRED, 1, MAX_BATCH),
};

static bool keep_fault(struct request *request, struct item *item, const struct fault *fault)
{
    struct fault *kept = request_alloc(request, sizeof(*kept));
    if (!kept)
        return false;
    *kept = *fault;
    item->fault = kept;
    return true;
}

static bool decode_item(struct request *request, const struct settings *settings, const msgpack_object *map,
                        const struct path *at, struct item *item)
{
    struct fault fault;

    if (!comment_decode(map, &settings->limits, at, &item->event, &fault) ||
        request_is_foreign(request, at->index, at, &fault))
        return keep_fault(request, item, &fault);
    sha256_of(item->sha256, item->event.body);
    item->meta_at = request->scratch.len;
    comment_encode_meta(&item->event, &request->scratch);
    item->meta_len = request->scratch.len - item->meta_at;
    if (request->scratch.failed)
        return fault_set(&request->fault, E_INTERNAL);
    sha256_of(item->meta_sha256, (struct slice){request->scratch.data + item->meta_at, item->meta_len});
    return true;
}

bool submit_decode(struct request *request, const struct settings *settings)
{
    struct submit_args *args = request_alloc(request, sizeof(*args));

    if (!args || !fields_decode(&request->map, submit_fields, 1, &settings->limits, NULL, args, &request->fault))
        return false;
    args->n = mp_count(args->comments);
    args->items = request_alloc(request, args->n * sizeof(*args->items));
    request->args = args;
    if (!args->items)
        return false;
    struct path list = {.key = "comments"};
    for (size_t i = 0; i < args->n; i++) {
        struct path at = {.up = &list, .index = i};
        if (!decode_item(request, settings, mp_item(args->comments, i), &at, &args->items[i]))
            return false;
    }
    return true;
}

/* What became of one item. */
struct outcome {
    bool duplicate;
    const char *state;
    int64_t received_at;
};

enum { ROOM_RETRY_MS = 5000 };

static bool check_room(const struct work *work, struct fault *fault)
{
    if (!work->intake_closed)
        return true;
    fault_set(fault, E_STORAGE_FULL);
    fault_int(fault, "retry_after_ms", ROOM_RETRY_MS);
    return false;
}

static bool check_backlog(struct work *work, const struct store_site *site, struct fault *fault)
{
    return site->pending < work->settings->limits.value[LIMIT_PENDING_PER_SITE] ||
           tally_busy(work->tally, fault, LIMIT_PENDING_PER_SITE, "this site has as many pending comments as it may",
                      ROOM_RETRY_MS);
}

/* SHA-256(salt, hash): what the chain covers of something that can be erased. */
static void commit_to(struct out *data, const char *key, const unsigned char *salt, const unsigned char *hash)
{
    unsigned char commitment[SHA256_BYTES];
    struct slice pieces[] = {{(const char *)salt, SALT_BYTES}, {(const char *)hash, SHA256_BYTES}};

    sha256(commitment, pieces, 2);
    out_key_bin(data, key, (struct slice){(const char *)commitment, SHA256_BYTES});
}

static bool add_text(struct work *work, const struct request *request, const struct item *item,
                     struct store_comment *comment, const unsigned char *salt)
{
    struct store_text text = {.no = ledger_next(work->ledger),
                              .previous = comment->newest_text,
                              .revision = item->event.revision,
                              .received_at = ledger_now(work->ledger),
                              .article = item->event.article_id,
                              .author = item->event.author_id,
                              .language = item->event.language,
                              .body = item->event.body,
                              .sha256 = {(const char *)item->sha256, SHA256_BYTES},
                              .salt = {(const char *)salt, SALT_BYTES},
                              .meta = {request->scratch.data + item->meta_at, item->meta_len}};
    return work_ok(work, work->store->ops->text_add(work->store, &text));
}

/* The event `submitted`; its data holds what the chain covers of the body, and of what came with it. */
static bool add_submitted(struct work *work, const struct request *request, struct store_site *site,
                          struct store_comment *comment, const struct item *item)
{
    unsigned char salt[SALT_BYTES];
    int64_t no = ledger_next(work->ledger);

    work_random(salt, sizeof(salt));
    if (!add_text(work, request, item, comment, salt))
        return false;
    struct out *data = work_data(work);
    commit_to(data, "text", salt, item->sha256);
    commit_to(data, "meta", salt, item->meta_sha256);
    out_end(data);
    struct ledger_entry entry = {.kind = KIND_SUBMITTED,
                                 .revision = item->event.revision,
                                 .text = no,
                                 .actor = slice_of(request->actor),
                                 .via = work_via(request),
                                 .data = out_slice(data)};
    comment->newest_text = no;
    comment->revisions++;
    return work_ok(work, ledger_append(work->ledger, site, comment, &entry, NULL));
}

static bool add_reopened(struct work *work, struct store_site *site, struct store_comment *comment)
{
    struct out *data = work_data(work);

    out_key_int(data, "cause", CAUSE_NEW_REVISION);
    out_key_int(data, "supersedes", work_seq_of(work, comment->record));
    out_end(data);
    struct ledger_entry entry = {.kind = KIND_REOPENED,
                                 .revision = comment->revision,
                                 .text = comment->text,
                                 .actor = SLICE_LIT("modqd"),
                                 .data = out_slice(data)};
    comment->decision = 0;
    return work_ok(work, ledger_append(work->ledger, site, comment, &entry, NULL));
}

/* A revision higher than any before: it is what is judged from now on. */
static void take_newer(struct work *work, const struct request *request, struct store_site *site,
                       struct store_comment *comment, const struct item *item, struct fault *fault)
{
    const struct transition *go = state_transition(comment->state, ON_NEWER);

    if (go->error) {
        fault_set(fault, go->error);
        return;
    }
    int64_t no = ledger_next(work->ledger);
    if (!add_submitted(work, request, site, comment, item))
        return;
    comment->revision = item->event.revision;
    comment->text = no;
    place_keep(comment, item->event.article_id, item->event.author_id, item->event.language);
    due_set(work, site, comment, ledger_now(work->ledger));
    work_end_claim(comment);
    if (go->record == KIND_REOPENED && !add_reopened(work, site, comment))
        return;
    work_set_state(work, site, comment, go->next);
    work_ok(work, work->store->ops->comment_put(work->store, comment));
}

/* A lower revision that comes late is kept, and changes nothing. */
static void take_older(struct work *work, const struct request *request, struct store_site *site,
                       struct store_comment *comment, const struct item *item, struct fault *fault)
{
    if (comment->state == STATE_WITHDRAWN || comment->state == STATE_ERASED) {
        fault_set(fault, comment->state == STATE_ERASED ? E_ERASED : E_WITHDRAWN);
        return;
    }
    if (add_submitted(work, request, site, comment, item))
        work_ok(work, work->store->ops->comment_put(work->store, comment));
}

/* Looks for the text of a revision that is there already. */
static bool find_revision(struct work *work, const struct store_comment *comment, int64_t revision,
                          struct store_text *text)
{
    int64_t no = revision == comment->revision ? comment->text : comment->newest_text;

    while (no && work_ok(work, work->store->ops->text_head(work->store, no, text))) {
        if (text->revision == revision)
            return true;
        no = text->previous;
    }
    return false;
}

static void take_repeat(const struct store_comment *comment, const struct item *item, const struct store_text *text,
                        struct outcome *outcome, struct fault *fault)
{
    *outcome = (struct outcome){.duplicate = true,
                                .state = text->no == comment->text ? state_name(comment->state) : "superseded",
                                .received_at = text->received_at};
    if (slice_equal(text->sha256, (struct slice){(const char *)item->sha256, SHA256_BYTES}))
        return;
    fault_set(fault, E_CONFLICT);
    fault_say(fault, "another body is stored under revision %lld", (long long)item->event.revision);
    fault_str(fault, "state", slice_of(outcome->state));
    fault_bin(fault, "body_sha256", text->sha256);
}

static void take_known(struct work *work, const struct request *request, struct store_site *site,
                       struct store_comment *comment, const struct item *item, struct outcome *outcome,
                       struct fault *fault)
{
    struct store_text text;
    int64_t max = work->settings->limits.value[LIMIT_REVISIONS];

    if (comment->state == STATE_ERASED) {
        fault_set(fault, E_ERASED);
        return;
    }
    if (find_revision(work, comment, item->event.revision, &text)) {
        take_repeat(comment, item, &text, outcome, fault);
        return;
    }
    bool newer = item->event.revision > comment->revision;
    bool grows = newer && (comment->state == STATE_APPROVED || comment->state == STATE_REJECTED);
    if (work->trouble || !check_room(work, fault) || (grows && !check_backlog(work, site, fault)))
        return;
    if (comment->revisions >= max) {
        fault_set(fault, E_TOO_MANY_REVISIONS);
        fault_int(fault, "max", max);
        return;
    }
    outcome->received_at = ledger_now(work->ledger);
    if (newer) {
        take_newer(work, request, site, comment, item, fault);
        outcome->state = state_name(comment->state);
    } else {
        take_older(work, request, site, comment, item, fault);
        outcome->state = "superseded";
    }
}

static void take(struct work *work, const struct request *request, const struct item *item, struct outcome *outcome,
                 struct fault *fault)
{
    struct store_comment comment;
    struct store_site *site = ledger_site(work->ledger, item->event.site);

    if (!site && !check_room(work, fault))
        return;
    if (!site)
        site = work_site_for(work, item->event.site, fault);
    if (!site)
        return;
    enum store_result r = work->store->ops->comment_get(work->store, site->no, item->event.comment, &comment);
    if (r == STORE_NONE) {
        if (!check_room(work, fault) || !check_backlog(work, site, fault))
            return;
        comment = (struct store_comment){.site = site->no};
        memcpy(comment.id, item->event.comment.data, item->event.comment.len);
        outcome->received_at = ledger_now(work->ledger);
        take_newer(work, request, site, &comment, item, fault);
        outcome->state = state_name(comment.state);
    } else if (work_ok(work, r)) {
        take_known(work, request, site, &comment, item, outcome, fault);
    }
}

static void run_item(struct work *work, struct request *request, const struct item *item, struct out *out)
{
    struct outcome outcome = {0};
    struct fault fault;

    fault_set(&fault, E_OK);
    work->tally->submits++;
    if (!item->fault)
        take(work, request, item, &outcome, &fault);
    work_item(out, item->event.site, item->event.comment);
    out_key(out, "revision");
    if (item->event.revision)
        out_int(out, item->event.revision);
    else
        out_nil(out);
    if (item->fault || fault.code) {
        request_note_refused(request, item->event.site, item->event.comment, item->fault ? item->fault : &fault);
        work_item_error(work, out, item->fault ? item->fault : &fault);
        return;
    }
    work->tally->duplicates += outcome.duplicate;
    work->tally->accepted += !outcome.duplicate;
    out_key_cstr(out, "status", outcome.duplicate ? "duplicate" : "accepted");
    out_key_cstr(out, "state", outcome.state);
    out_key_int(out, "received_at", outcome.received_at);
    out_end(out);
}

void submit_run(struct work *work, struct request *request, struct out *out)
{
    const struct submit_args *args = request->args;

    out_key(out, "results");
    out_array(out);
    for (size_t i = 0; i < args->n && !work->trouble; i++)
        run_item(work, request, &args->items[i], out);
    out_end(out);
}
