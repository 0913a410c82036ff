#include "read.h"

#include "../../proto/fields.h"
#include "grant.h"
#include "record.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

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

/* Whom the daemon takes the caller for, and what they may. */
static void encode_you(const struct request *request, struct out *out)
{
    const struct grant *grant = request->grant;

    out_key_cstr(out, "you", request->actor[0] ? request->actor : NULL);
    out_key_cstr(out, "role", role_name(grant->role));
    out_key(out, "rights");
    out_array(out);
    for (unsigned right = RIGHT_UNDO; right <= RIGHT_BULK; right <<= 1)
        if (grant->rights & right)
            out_str(out, slice_of(right_name((enum right)right)));
    out_end(out);
    out_key(out, "sites");
    if (grant->all_sites) {
        out_nil(out);
        return;
    }
    out_array(out);
    for (size_t i = 0; i < grant->site_count; i++)
        out_str(out, slice_of(grant->sites[i]));
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
        encode_you(request, out);
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
        work_item_error(work, out, &fault);
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
