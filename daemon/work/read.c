#include "read.h"

#include <stdlib.h>

#include "../../proto/fields.h"
#include "card.h"
#include "queue.h"
#include "record.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

enum { LIST_MAX = 500, LIST_DEFAULT = 50, HISTORY_MAX = 500, HISTORY_DEFAULT = 100, REPORTS_SHOWN = 50 };

/* hello */

bool hello_decode(struct request *request, const struct settings *settings)
{
    (void)request;
    (void)settings;
    return true;
}

static void encode_limits(const struct limits *limits, struct out *out)
{
    out_key(out, "limits");
    out_map(out);
    for (int i = 0; i < LIMIT_COUNT; i++)
        out_key_int(out, limit_table[i].name, limits->value[i]);
    out_end(out);
}

void hello_run(struct work *work, struct request *request, struct out *out)
{
    out_key_cstr(out, "server", "modqd " MODQ_VERSION);
    out_key(out, "versions");
    out_array(out);
    out_int(out, 1);
    out_end(out);
    out_key_bin(out, "epoch", (struct slice){(const char *)work->epoch, EPOCH_BYTES});
    out_key_int(out, "time", work->clock_ms);
    out_key_int(out, "heartbeat_ms", work->settings->heartbeat_ms);
    out_key_int(out, "credit_timeout_ms", work->settings->credit_timeout_ms);
    encode_limits(&work->settings->limits, out);
    if (request->door == DOOR_DESK)
        out_key_cstr(out, "you", request->actor[0] ? request->actor : NULL);
}

/* policy */

struct site_args {
    struct slice site;
};

static const struct field site_fields[] = {
    FIELD(struct site_args, site, "site", NAME, FIELD_REQUIRED, 1, 64),
};

bool policy_request_decode(struct request *request, const struct settings *settings)
{
    request->args = request_alloc(request, sizeof(struct site_args));
    return request->args && fields_decode(&request->map, site_fields, ROWS(site_fields), &settings->limits, NULL,
                                          request->args, &request->fault);
}

void policy_run(struct work *work, struct request *request, struct out *out)
{
    const struct site_args *args = request->args;

    out_key(out, "policy");
    policy_encode(settings_policy(work->settings, args->site), out);
}

/* status */

struct status_args {
    struct slice site;
    const msgpack_object *comments;
};

static const struct field status_fields[] = {
    FIELD(struct status_args, site, "site", NAME, FIELD_REQUIRED, 1, 64),
    FIELD_LIMITED(struct status_args, comments, "comments", LIST, FIELD_REQUIRED, 1, MAX_BATCH),
};

bool status_decode(struct request *request, const struct settings *settings)
{
    request->args = request_alloc(request, sizeof(struct status_args));
    return request->args && fields_decode(&request->map, status_fields, ROWS(status_fields), &settings->limits, NULL,
                                          request->args, &request->fault);
}

static void encode_last_record(struct work *work, struct slice site, const struct store_comment *comment,
                               struct out *out)
{
    struct store_event event;
    msgpack_object map;
    msgpack_zone zone;
    struct out record = {0};
    static const char *const keys[] = {"seq", "decision", "reasons", "decided_at"};

    if (!comment->record || !work_ok(work, work->store->ops->event_get(work->store, comment->record, &event))) {
        out_key_nil(out, "seq");
        out_key_nil(out, "decision");
        out_key(out, "reasons");
        out_array(out);
        out_end(out);
        out_key_nil(out, "decided_at");
        return;
    }
    record_encode(site, &event, &record);
    if (msgpack_zone_init(&zone, 1024)) {
        if (mp_unpack_map(out_slice(&record), &zone, &map))
            for (size_t i = 0; i < ROWS(keys); i++) {
                out_key(out, keys[i]);
                out_object(out, mp_get(&map, keys[i]));
            }
        msgpack_zone_destroy(&zone);
    }
    out_free(&record);
}

static void encode_status(struct work *work, struct slice site, const struct store_comment *comment, struct out *out)
{
    struct store_text text = {0};

    out_key_cstr(out, "status", "found");
    out_key_cstr(out, "state", state_name(comment->state));
    out_key_int(out, "revision", comment->revision);
    out_key(out, "received_at");
    if (comment->text && work_ok(work, work->store->ops->text_get(work->store, comment->text, &text)))
        out_int(out, text.received_at);
    else
        out_nil(out);
    out_key_bin(out, "body_sha256", text.sha256);
    encode_last_record(work, site, comment, out);
}

static void status_item(struct work *work, const struct status_args *args, int64_t site, size_t i, struct out *out)
{
    struct path list = {.key = "comments"};
    struct path at = {.up = &list, .index = i};
    const msgpack_object *item = mp_item(args->comments, i);
    struct slice id = mp_str(item);
    struct store_comment comment;
    struct fault fault;
    bool good = id.data ? field_check_text(id, FIELD_KEY, 1, KEY_BYTES, &at, NULL, &fault)
                        : fault_at(&fault, E_BAD_TYPE, &at, NULL);

    out_map(out);
    out_key_str(out, "comment", good ? id : SLICE_NONE);
    if (good && (!site || !work_ok(work, work->store->ops->comment_get(work->store, site, id, &comment))))
        good = fault_set(&fault, E_NOT_FOUND);
    if (!good) {
        work_item_error(out, &fault);
        return;
    }
    encode_status(work, args->site, &comment, out);
    out_end(out);
}

void status_run(struct work *work, struct request *request, struct out *out)
{
    const struct status_args *args = request->args;
    struct store_site site = {0};

    work_site(work, args->site, &site);
    out_key(out, "results");
    out_array(out);
    for (size_t i = 0; i < mp_count(args->comments) && !work->trouble; i++)
        status_item(work, args, site.no, i, out);
    out_end(out);
}

/* list */

struct list_args {
    struct slice site, lane_word;
    int64_t limit;
    const msgpack_object *after;
    enum lane lane;
    struct queue_place from;
};

static const struct field list_fields[] = {
    FIELD(struct list_args, site, "site", NAME, 0, 1, 64),
    FIELD(struct list_args, lane_word, "lane", TEXT, 0, 0, 64),
    FIELD(struct list_args, limit, "limit", INT, 0, 1, LIST_MAX),
    FIELD(struct list_args, after, "after", LIST, 0, 2, 2),
};

bool list_decode(struct request *request, const struct settings *settings)
{
    struct list_args *args = request_alloc(request, sizeof(*args));

    request->args = args;
    if (!args)
        return false;
    args->limit = LIST_DEFAULT;
    args->from = (struct queue_place){-1, 0};
    if (!fields_decode(&request->map, list_fields, ROWS(list_fields), &settings->limits, NULL, args, &request->fault))
        return false;
    args->lane = args->lane_word.data ? lane_of(args->lane_word) : LANE_NORMAL;
    if (args->lane == LANE_COUNT) {
        fault_at(&request->fault, E_BAD_VALUE, NULL, "lane");
        fault_say(&request->fault, "lane: must be normal or escalated");
        return false;
    }
    if (args->after &&
        (!mp_int(mp_item(args->after, 0), &args->from.due_at) || !mp_int(mp_item(args->after, 1), &args->from.text)))
        return fault_at(&request->fault, E_BAD_TYPE, NULL, "after");
    return true;
}

struct names {
    struct store_site *sites;
    size_t n, cap;
};

static bool remember_site(void *arg, const struct store_site *site)
{
    struct names *names = arg;

    if (names->n == names->cap) {
        size_t cap = names->cap ? names->cap * 2 : 16;
        struct store_site *sites = realloc(names->sites, cap * sizeof(*sites));
        if (!sites)
            return false;
        names->sites = sites;
        names->cap = cap;
    }
    names->sites[names->n++] = *site;
    return true;
}

/* Sites are numbered 1, 2, 3, ...: site `no` is the no-th that a scan meets. */
static struct slice site_name(const struct names *names, int64_t no)
{
    return no >= 1 && (size_t)no <= names->n ? slice_of(names->sites[no - 1].name) : SLICE_NONE;
}

static void encode_page(struct work *work, const struct queue_page *page, bool full, struct out *out)
{
    struct names names = {0};
    size_t start = out->len;
    size_t shown = 0;

    work_ok(work, work->store->ops->site_scan(work->store, remember_site, &names));
    out_key(out, "comments");
    out_array(out);
    while (shown < page->n && (shown == 0 || out->len - start < CARDS_BYTES)) {
        const struct store_comment *comment = &page->comments[shown++];
        card_encode(work, site_name(&names, comment->site), comment, out);
    }
    out_end(out);
    out_key(out, "next");
    if (shown < page->n || full) {
        out_array(out);
        out_int(out, page->comments[shown - 1].due_at);
        out_int(out, page->comments[shown - 1].text);
        out_end(out);
    } else {
        out_nil(out);
    }
    free(names.sites);
}

void list_run(struct work *work, struct request *request, struct out *out)
{
    const struct list_args *args = request->args;
    struct store_site site = {0};
    struct queue_page page = {.limit = (size_t)args->limit + 1}; /* one more tells whether there is a next page */

    page.comments = calloc(page.limit + 1, sizeof(*page.comments));
    if (!page.comments) {
        fault_set(&request->fault, E_INTERNAL);
        return;
    }
    if (!args->site.data || work_site(work, args->site, &site))
        queue_next(work, site.no, args->lane, true, args->from, &page);
    bool full = page.n == page.limit;
    page.n -= full;
    encode_page(work, &page, full, out);
    free(page.comments);
}

/* show and history */

struct one_args {
    struct slice site, comment;
    int64_t limit, before;
};

static const struct field one_fields[] = {
    FIELD(struct one_args, site, "site", NAME, FIELD_REQUIRED, 1, 64),
    FIELD(struct one_args, comment, "comment", KEY, FIELD_REQUIRED, 1, 128),
    FIELD(struct one_args, limit, "limit", INT, 0, 1, HISTORY_MAX),
    FIELD(struct one_args, before, "before", INT, 0, 1, (INT64_C(1) << 53) - 1),
};

static bool decode_one(struct request *request, const struct settings *settings, size_t rows)
{
    struct one_args *args = request_alloc(request, sizeof(*args));

    request->args = args;
    if (!args)
        return false;
    args->limit = HISTORY_DEFAULT;
    return fields_decode(&request->map, one_fields, rows, &settings->limits, NULL, args, &request->fault);
}

bool show_decode(struct request *request, const struct settings *settings)
{
    return decode_one(request, settings, 2);
}

bool history_decode(struct request *request, const struct settings *settings)
{
    return decode_one(request, settings, ROWS(one_fields));
}

static bool find_one(struct work *work, struct request *request, struct store_comment *comment)
{
    const struct one_args *args = request->args;
    struct store_site site;

    if (work_site(work, args->site, &site) &&
        work_ok(work, work->store->ops->comment_get(work->store, site.no, args->comment, comment)))
        return true;
    return fault_set(&request->fault, E_NOT_FOUND);
}

static bool encode_report(void *arg, const struct store_report *report)
{
    struct out *out = arg;

    out_map(out);
    out_key_str(out, "reason", report->reason);
    out_key_str(out, "note", report->note);
    out_key_int(out, "at", report->at);
    out_end(out);
    return true;
}

void show_run(struct work *work, struct request *request, struct out *out)
{
    const struct one_args *args = request->args;
    struct store_comment comment;

    if (!find_one(work, request, &comment))
        return;
    out_key(out, "card");
    card_encode(work, args->site, &comment, out);
    out_key(out, "reported");
    out_array(out);
    work_ok(work,
            work->store->ops->report_scan(work->store, comment.site, args->comment, REPORTS_SHOWN, encode_report, out));
    out_end(out);
}

/* A note's bytes are borrowed until the next call of the store, as those of the event are: so one of them is copied. */
static void encode_event(struct work *work, int64_t no, struct out *out, int64_t *previous)
{
    struct store_event event;
    struct slice note = SLICE_NONE;
    struct out copy = {0};

    work_ok(work, work->store->ops->note_get(work->store, no, &note));
    out_raw(&copy, note);
    struct slice kept = note.data ? out_slice(&copy) : SLICE_NONE;
    *previous = 0;
    if (work_ok(work, work->store->ops->event_get(work->store, no, &event))) {
        event_encode(&event, kept, out);
        *previous = event.previous;
    }
    out_free(&copy);
}

void history_run(struct work *work, struct request *request, struct out *out)
{
    const struct one_args *args = request->args;
    struct store_comment comment;
    struct store_event event;

    if (!find_one(work, request, &comment))
        return;
    int64_t no = comment.last_event;
    while (args->before && no >= args->before && work_ok(work, work->store->ops->event_get(work->store, no, &event)))
        no = event.previous;
    out_key(out, "events");
    out_array(out);
    for (int64_t shown = 0; no && shown < args->limit && !work->trouble; shown++)
        encode_event(work, no, out, &no);
    out_end(out);
    out_key(out, "next");
    if (no)
        out_int(out, no + 1);
    else
        out_nil(out);
}

/* stats */

bool stats_decode(struct request *request, const struct settings *settings)
{
    (void)request;
    (void)settings;
    return true;
}

static void encode_site(struct work *work, const struct store_site *site, struct out *out)
{
    struct store_queue queue = {0};

    work_ok(work, work->store->ops->queue_figures(work->store, site->no, &queue));
    out_map(out);
    out_key_cstr(out, "site", site->name);
    out_key_int(out, "newest", site->newest);
    out_key_int(out, "pending", site->pending);
    out_key_int(out, "escalated", queue.escalated);
    out_key_int(out, "claimed", queue.claimed);
    out_key(out, "oldest_pending_at");
    if (queue.oldest_at)
        out_int(out, queue.oldest_at);
    else
        out_nil(out);
    for (enum kind k = KIND_SUBMITTED; k <= KIND_ERASED; k++)
        out_key_int(out, kind_name(k), site->counts[k]);
    out_end(out);
}

struct listeners {
    const struct names *names;
    struct out *out;
};

static bool encode_listener(void *arg, const struct store_listener *listener)
{
    const struct listeners *listeners = arg;
    struct out *out = listeners->out;
    struct slice site = site_name(listeners->names, listener->site);

    if (!site.data)
        return true;
    out_map(out);
    out_key_str(out, "site", site);
    out_key_str(out, "listener", listener->name);
    out_key_int(out, "seq", listener->seq);
    out_key_int(out, "lag", listeners->names->sites[listener->site - 1].newest - listener->seq);
    out_key_int(out, "confirmed_at", listener->at);
    out_end(out);
    return true;
}

static void encode_counters(const struct counters *counters, struct out *out)
{
    out_key(out, "counters");
    out_map(out);
#define X(name) out_key_int(out, #name, counters->name);
    MODQ_COUNTERS(X)
#undef X
    out_end(out);
}

void stats_run(struct work *work, struct request *request, struct out *out)
{
    struct names names = {0};
    struct listeners listeners = {&names, out};

    (void)request;
    work_ok(work, work->store->ops->site_scan(work->store, remember_site, &names));
    out_key_int(out, "time", work->clock_ms);
    out_key_int(out, "started_at", work->started_at);
    out_key(out, "sites");
    out_array(out);
    for (size_t i = 0; i < names.n && !work->trouble; i++)
        encode_site(work, &names.sites[i], out);
    out_end(out);
    out_key(out, "listeners");
    out_array(out);
    work_ok(work, work->store->ops->listener_scan(work->store, encode_listener, &listeners));
    out_end(out);
    encode_counters(work->counters, out);
    free(names.sites);
}
