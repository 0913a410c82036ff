/* A stream as the daemon sees it: opened, kept alive, read, opened anew. */
#include <stdlib.h>

#include "stream.h"

enum { OPENING_MS = 5000, LONGEST_PAUSE_MS = 5000 };

void parcel_free(struct parcel *parcel)
{
    if (!parcel)
        return;
    message_free(parcel->message);
    free(parcel);
}

void stream_drop_queue(struct modq_stream *s)
{
    struct parcel *parcel;

    while ((parcel = s->first)) {
        s->first = parcel->next;
        parcel_free(parcel);
    }
    s->last = &s->first;
    if (s->shown)
        s->shown->stale = true;
}

static void fail(struct modq_stream *s)
{
    s->phase = FAILED;
    stream_drop_queue(s);
    link_drop(&s->link);
}

static void fail_memory(struct modq_stream *s)
{
    error_local(&s->error, MODQ_E_MEMORY, "out of memory");
    fail(s);
}

/* What is queued comes again: the stream goes on after the last record that the caller got. */
static void reopen(struct modq_stream *s, const struct modq_error *why)
{
    int64_t pause = backoff_next(&s->backoff, why ? why->retry_after_ms : 0, LONGEST_PAUSE_MS);

    s->lost = s->lost || s->phase == OPEN;
    if (why)
        s->error = *why;
    else
        error_clear(&s->error);
    stream_drop_queue(s);
    link_drop(&s->link);
    s->phase = PAUSED;
    s->pause_ends = deadline_after(now_ms(), pause);
}

static bool send_out(struct modq_stream *s, struct out *out)
{
    bool sent = !out->failed && link_send(&s->link, out_slice(out));

    out_free(out);
    return sent;
}

static bool send_request(struct modq_stream *s)
{
    struct out out = {0};

    out_map(&out);
    out_key_int(&out, "v", 1);
    out_key_cstr(&out, "op", "stream");
    out_key_int(&out, "id", (int64_t)s->id + 1);
    out_key_cstr(&out, "site", s->site);
    out_key_int(&out, "after", s->seq);
    if (s->seq > 0 && s->has_chain)
        out_key_bin(&out, "hash", (struct slice){(const char *)s->chain, HASH_BYTES});
    else if (s->seq > 0 && s->has_epoch)
        out_key_bin(&out, "epoch", (struct slice){(const char *)s->epoch, EPOCH_BYTES});
    out_key_int(&out, "credit", s->credit);
    out_key_bool(&out, "live", !s->replay);
    out_end(&out);
    if (!send_out(s, &out))
        return false;
    s->id++;
    s->received = s->seq;
    s->taken = 0;
    return true;
}

void stream_send_credit(struct modq_stream *s, int credit)
{
    struct out out = {0};

    out_map(&out);
    out_key_int(&out, "v", 1);
    out_key_cstr(&out, "op", "credit");
    out_key_int(&out, "stream", (int64_t)s->id);
    out_key_int(&out, "credit", credit);
    out_end(&out);
    if (!send_out(s, &out))
        return;
    s->taken -= credit;
    s->alive_due = now_ms() + s->credit_timeout_ms / 3;
}

/* ---- what the daemon says */

static int64_t positive(int64_t value, int64_t otherwise)
{
    return value > 0 && value < INT32_MAX ? value : otherwise;
}

static void take_epoch(struct modq_stream *s, const struct modq_value *map)
{
    size_t len;
    const uint8_t *epoch = modq_get_bytes(map, "epoch", &len);

    if (!epoch || len != EPOCH_BYTES)
        return;
    memcpy(s->epoch, epoch, EPOCH_BYTES);
    s->has_epoch = s->epoch_told = true;
}

static void take_newest(struct modq_stream *s, const struct modq_value *map)
{
    s->newest = modq_get_int(map, "newest", s->newest);
}

/* A daemon may allow less credit than is usual; it says how much. */
static bool lower_credit(struct modq_stream *s, const struct modq_value *map, const struct modq_error *error)
{
    int64_t max = modq_get_int(map, "max", 0);

    if (error->number != MODQ_E_OUT_OF_RANGE || strcmp(error->field, "credit") != 0 || max < 1 || max >= s->credit)
        return false;
    s->credit = (int)max;
    reopen(s, NULL);
    return true;
}

static void take_reply(struct modq_stream *s, const struct modq_value *map)
{
    struct modq_error error;

    if (s->phase != OPENING || s->id == 0)
        return;
    if (modq_get_bool(map, "ok", false)) {
        s->phase = OPEN;
        s->heartbeat_ms = positive(modq_get_int(map, "heartbeat_ms", 0), HEARTBEAT_MS);
        s->credit_timeout_ms = positive(modq_get_int(map, "credit_timeout_ms", 0), CREDIT_TIMEOUT_MS);
        s->alive_due = now_ms() + s->credit_timeout_ms / 3;
        s->backoff.pause_ms = 0;
        take_epoch(s, map);
        take_newest(s, map);
        return;
    }
    modq_error_of(modq_get(map, "error"), &error);
    if (error.class_ == MODQ_CLASS_RETRY) {
        reopen(s, &error);
        return;
    }
    if (lower_credit(s, modq_get(map, "error"), &error))
        return;
    s->error = error;
    take_newest(s, modq_get(map, "error"));
    fail(s);
}

static void enqueue(struct modq_stream *s, struct message **message)
{
    struct parcel *parcel = calloc(1, sizeof(*parcel));

    if (!parcel) {
        fail_memory(s);
        return;
    }
    parcel->message = *message;
    *message = NULL;
    *s->last = parcel;
    s->last = &parcel->next;
}

static bool bad_record(struct modq_stream *s, const char *what)
{
    struct modq_error error;

    error_local(&error, MODQ_E_REPLY, "the daemon sent %s", what);
    reopen(s, &error);
    return false;
}

/* Every record must be the one after the one before, and must say what a listener keeps of it. */
static bool check_records(struct modq_stream *s, const struct modq_value *records)
{
    for (size_t i = 0; i < modq_count(records); i++) {
        const struct modq_value *record = modq_item(records, i);
        size_t len = 0;
        int64_t seq = modq_get_int(record, "seq", 0);
        if (!modq_get_bytes(record, "chain", &len) || len != HASH_BYTES)
            return bad_record(s, "a record without a chain hash");
        if (seq != s->received + 1)
            return bad_record(s, seq > s->received ? "a record after a gap" : "a record twice");
        s->received = seq;
    }
    return true;
}

static void take_records(struct modq_stream *s, struct message **message)
{
    const struct modq_value *records = modq_get(as_value(&(*message)->map), "records");

    if (modq_type(records) != MODQ_LIST || modq_count(records) == 0 || !check_records(s, records))
        return;
    if (s->received > s->newest)
        s->newest = s->received;
    enqueue(s, message);
}

static void take_heartbeat(struct modq_stream *s, const struct modq_value *map)
{
    take_newest(s, map);
    if (modq_get_int(map, "sent", 0) > s->received)
        bad_record(s, "a heartbeat that tells of a record that never came");
}

static void take_end(struct modq_stream *s, const struct modq_value *map)
{
    struct modq_error error;

    modq_error_of(modq_get(map, "error"), &error);
    if (error.class_ == MODQ_CLASS_RETRY || error.number == MODQ_E_NOT_FOUND) {
        reopen(s, &error);
        return;
    }
    s->error = error;
    fail(s);
}

static void take_message(struct modq_stream *s, struct message **message)
{
    const struct modq_value *map = as_value(&(*message)->map);
    const struct modq_value *op = modq_get(map, "op");

    if (modq_get_int(map, "id", -1) != (int64_t)s->id)
        return;
    s->heard = s->silent_since = now_ms();
    if (modq_is(op, "stream"))
        take_reply(s, map);
    if (s->phase != OPEN)
        return;
    if (modq_is(op, "records"))
        take_records(s, message);
    else if (modq_is(op, "heartbeat"))
        take_heartbeat(s, map);
    else if (modq_is(op, "ended"))
        take_end(s, map);
    else if (modq_is(op, "level")) {
        take_newest(s, map);
        if (s->replay)
            s->phase = REPLAYED;
        enqueue(s, message);
    }
}

static void receive(struct modq_stream *s)
{
    zmq_msg_t frame;

    while ((s->phase == OPENING || s->phase == OPEN) && link_receive(&s->link, &frame)) {
        struct message *message = message_open(&frame);
        if (!message)
            continue;
        take_message(s, &message);
        message_free(message);
    }
}

static int64_t silence_ends(const struct modq_stream *s)
{
    if (s->phase == OPENING)
        return s->opened + OPENING_MS;
    return s->heard + 2 * s->heartbeat_ms + s->heartbeat_ms / 2;
}

static void give_up(struct modq_stream *s)
{
    if (s->id > 0)
        error_local(&s->error, MODQ_E_TIMEOUT, "no answer from %s", s->link.endpoint);
    else
        error_local(&s->error, MODQ_E_CONNECT, "nobody listens at %s", s->link.endpoint);
    fail(s);
}

static int64_t gives_up_at(const struct modq_stream *s)
{
    return s->give_up_ms > 0 ? s->silent_since + s->give_up_ms : NEVER;
}

static void start(struct modq_stream *s, int64_t now)
{
    link_renew(&s->link);
    s->phase = OPENING;
    s->opened = now;
    s->requested = false;
}

static void watch(struct modq_stream *s)
{
    int64_t now = now_ms();

    if (s->phase == REPLAYED || s->phase == ENDED || s->phase == FAILED)
        return;
    if (now >= gives_up_at(s)) {
        give_up(s);
        return;
    }
    if (s->phase == PAUSED && now >= s->pause_ends)
        start(s, now);
    else if (s->phase != PAUSED && (s->link.lost || now >= silence_ends(s)))
        reopen(s, NULL);
    if (s->phase == OPENING && !s->requested)
        s->requested = send_request(s);
    if (s->phase == OPEN && now >= s->alive_due)
        stream_send_credit(s, s->taken);
}

void modq_stream_process(struct modq_stream *s)
{
    link_look(&s->link);
    do {
        receive(s);
        watch(s);
    } while ((link_look(&s->link) & ZMQ_POLLIN) && (s->phase == OPENING || s->phase == OPEN));
}

int64_t stream_next_moment(const struct modq_stream *s)
{
    if (s->phase == PAUSED)
        return earlier(s->pause_ends, gives_up_at(s));
    if (s->phase == OPENING)
        return earlier(silence_ends(s), gives_up_at(s));
    if (s->phase == OPEN)
        return earlier(earlier(silence_ends(s), s->alive_due), gives_up_at(s));
    return NEVER;
}
