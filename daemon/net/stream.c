#include "stream.h"

#include <stdlib.h>

#include "../clock.h"
#include "../work/admit.h"
#include "../work/record.h"
#include "../work/stream_request.h"
#include "../work/verbs.h"

enum { SHARES = 4 }; /* one key holds no more than this part of all streams */

/* {v, id, op, ... of a stream; the caller adds pairs and ends the map. */
static struct out *message(struct publisher *p, const struct stream *s, const char *op)
{
    struct out *out = &p->out;

    out_reset(out);
    out_map(out);
    out_key_int(out, "v", 1);
    out_key_raw(out, "id", (struct slice){s->id, s->id_len});
    out_key_cstr(out, "op", op);
    out_key_cstr(out, "site", s->channel->name[0] ? s->channel->name : NULL);
    return out;
}

/* Sends what stands in p->out. A peer that is gone takes its stream with it. */
static bool send_to(struct publisher *p, struct stream *s)
{
    if (p->out.failed)
        return false;
    switch (bus_send(p->bus, &s->peer, out_slice(&p->out))) {
    case BUS_SENT:
        return true;
    case BUS_FULL:
        s->stuck = true;
        return false;
    case BUS_GONE:
        s->over = true;
        return false;
    }
    return false;
}

void stream_end(struct publisher *p, struct stream *s, enum error error)
{
    struct fault fault;
    struct out *out = message(p, s, "ended");

    count_error(p->work.counters, error);
    fault_set(&fault, error);
    if (error == E_STOPPING)
        fault_int(&fault, "retry_after_ms", 200);
    out_key(out, "error");
    fault_encode(&fault, out);
    out_end(out);
    send_to(p, s);
    s->over = true;
}

void streams_measure(const struct publisher *p)
{
    int64_t lag = 0;

    for (size_t i = 0; i < p->stream_count; i++) {
        int64_t behind = p->streams[i]->channel->newest - p->streams[i]->sent;
        lag = behind > lag ? behind : lag;
    }
    p->work.counters->streams_open = (int64_t)p->stream_count;
    p->work.counters->streams_lag = lag;
}

void stream_free(struct stream *s)
{
    grant_drop(s->grant);
    free(s);
}

bool stream_is_allowed(const struct stream *s, const struct access *access, int64_t now_ms)
{
    const struct grant *newest = s->grant->key ? access_by_number(access, s->grant->key) : s->grant;

    if (!s->grant->key && s->peer.proof == PROOF_USER) { /* who may have got a key since */
        const struct grant *listed = admit_listed(access, s->peer.uid, now_ms);
        if (s->peer.uid == PEER_UNKNOWN && access_knows_users(access))
            return false;
        newest = listed ? listed : newest;
    }
    return newest && grant_is_good(newest, now_ms) && grant_may_enter(newest, SOCKET_FRONT) &&
           grant_sees(newest, slice_of(s->channel->name));
}

void streams_sweep(struct publisher *p)
{
    size_t kept = 0;

    for (size_t i = 0; i < p->stream_count; i++) {
        if (p->streams[i]->over)
            stream_free(p->streams[i]);
        else
            p->streams[kept++] = p->streams[i];
    }
    bool fewer = kept < p->stream_count;
    p->stream_count = kept;
    if (fewer)
        publisher_sweep_channels(p);
}

static bool add_record(void *arg, const struct store_event *event)
{
    struct portion *portion = arg;

    record_encode(portion->site, event, &portion->publisher->out);
    portion->last = event->seq;
    portion->n++;
    return true;
}

static void tell_level(struct publisher *p, struct stream *s)
{
    struct out *out = message(p, s, "level");

    out_key_int(out, "newest", s->sent);
    out_end(out);
    if (!send_to(p, s))
        return;
    s->level_told = true;
    s->over = !s->live;
}

bool stream_pump(struct publisher *p, struct stream *s)
{
    struct portion portion;
    int64_t limit = s->credit < RECORDS_AT_ONCE ? s->credit : RECORDS_AT_ONCE;

    if (s->over || s->stuck)
        return false;
    if (s->sent < s->channel->newest) {
        if (limit == 0)
            return false;
        struct out *out = message(p, s, "records");
        out_key(out, "records");
        out_array(out);
        if (!publisher_scan_log(p, s->channel, s->sent, limit, add_record, &portion)) {
            stream_end(p, s, E_INTERNAL);
            return false;
        }
        out_end(out);
        out_end(out);
        if (portion.n == 0 || !send_to(p, s))
            return false;
        s->sent = portion.last;
        s->credit -= portion.n;
        p->work.counters->records_sent += portion.n;
    }
    if (!s->level_told && s->sent >= s->channel->newest)
        tell_level(p, s);
    return s->sent < s->channel->newest && s->credit > 0 && !s->over && !s->stuck;
}

static bool same_peer(const struct peer *a, const struct peer *b)
{
    return a->gate == b->gate && a->routing_id_len == b->routing_id_len &&
           memcmp(a->routing_id, b->routing_id, a->routing_id_len) == 0;
}

static struct stream *stream_find(struct publisher *p, const struct peer *peer, struct slice id)
{
    for (size_t i = 0; i < p->stream_count; i++) {
        struct stream *s = p->streams[i];
        if (same_peer(&s->peer, peer) && slice_equal(id, (struct slice){s->id, s->id_len}))
            return s;
    }
    return NULL;
}

static size_t streams_of(const struct publisher *p, const struct peer *peer)
{
    size_t n = 0;
    for (size_t i = 0; i < p->stream_count; i++)
        n += same_peer(&p->streams[i]->peer, peer);
    return n;
}

static int64_t streams_of_key(const struct publisher *p, const struct grant *grant)
{
    int64_t n = 0;
    for (size_t i = 0; grant->key && i < p->stream_count; i++)
        n += p->streams[i]->grant->key == grant->key;
    return n;
}

static bool too_many(struct fault *fault, int64_t max)
{
    fault_set(fault, E_TOO_MANY_STREAMS);
    fault_int(fault, "retry_after_ms", 5000);
    fault_int(fault, "max", max);
    return false;
}

/* Of all streams, of those of one key, which must leave some to others, and of those of one connection. */
static bool check_number(struct publisher *p, const struct request *request, struct fault *fault)
{
    int64_t all = p->work.settings->limits.value[LIMIT_STREAMS];
    int64_t of_peer = p->work.settings->limits.value[LIMIT_STREAMS_PER_PEER];
    int64_t of_key = (all + SHARES - 1) / SHARES;

    if ((int64_t)p->stream_count >= all)
        return too_many(fault, all);
    if (streams_of_key(p, request->grant) >= of_key)
        return too_many(fault, of_key);
    return (int64_t)streams_of(p, &request->peer) < of_peer || too_many(fault, of_peer);
}

/* E_OK, or diverged; or internal, when it cannot be known: a listener that is told `diverged` starts anew. */
static enum error compare_hash(struct publisher *p, const struct channel *channel, int64_t seq, struct slice hash)
{
    struct store *store = p->work.store;
    struct store_event event;
    enum error error = E_INTERNAL;
    enum store_result r = store->ops->begin(store);

    if (r == STORE_OK)
        r = store->ops->log_get(store, channel->no, seq, &event);
    if (r == STORE_OK)
        error = slice_equal(event.hash, hash) ? E_OK : E_DIVERGED;
    store->ops->rollback(store);
    return error;
}

/* Does the listener's past agree with this log's? */
static bool check_past(struct publisher *p, const struct channel *channel, const struct stream_args *args,
                       struct fault *fault)
{
    struct slice epoch = {(const char *)p->work.epoch, EPOCH_BYTES};
    enum error error = args->after <= channel->newest ? E_OK : E_DIVERGED;

    if (!error && args->after > 0 && args->hash.data)
        error = compare_hash(p, channel, args->after, args->hash);
    else if (!error && args->after > 0 && args->epoch.data && !slice_equal(args->epoch, epoch))
        error = E_DIVERGED;
    if (!error)
        return true;
    fault_set(fault, error);
    if (error != E_DIVERGED)
        return false;
    fault_int(fault, "newest", channel->newest);
    fault_bin(fault, "epoch", epoch);
    return false;
}

static struct stream *stream_add(struct publisher *p)
{
    if (p->stream_count == p->stream_cap) {
        size_t cap = p->stream_cap ? p->stream_cap * 2 : 16;
        struct stream **streams = realloc(p->streams, cap * sizeof(struct stream *));
        if (!streams)
            return NULL;
        p->streams = streams;
        p->stream_cap = cap;
    }
    struct stream *s = calloc(1, sizeof(*s));
    if (s)
        p->streams[p->stream_count++] = s;
    return s;
}

/* A request's id as bytes, to be compared and given back. */
static size_t pack_id(const msgpack_object *id, char packed[STREAM_ID_BYTES])
{
    struct out out = {0};
    out_object(&out, id);
    size_t len = out.failed || out.len > STREAM_ID_BYTES ? 0 : out.len;
    if (len)
        memcpy(packed, out.data, len);
    out_free(&out);
    return len;
}

static void reply_opened(struct publisher *p, struct request *request, const struct channel *channel)
{
    struct out *out = &request->reply;

    request_begin_reply(request);
    out_key_cstr(out, "site", channel->name);
    out_key_bin(out, "epoch", (struct slice){(const char *)p->work.epoch, EPOCH_BYTES});
    out_key_int(out, "newest", channel->newest);
    out_key_int(out, "heartbeat_ms", p->work.settings->heartbeat_ms);
    out_key_int(out, "credit_timeout_ms", p->work.settings->credit_timeout_ms);
    out_end(out);
}

static void open_stream(struct publisher *p, struct request *request, int64_t now_ms)
{
    const struct stream_args *args = request->args;
    char id[STREAM_ID_BYTES];
    size_t id_len = pack_id(request->id, id);
    struct channel nothing = {0};
    struct channel *channel = publisher_channel(p, args->site);

    if (stream_find(p, &request->peer, (struct slice){id, id_len})) {
        fault_at(&request->fault, E_STREAM_EXISTS, NULL, "id");
        return;
    }
    if (!check_number(p, request, &request->fault) ||
        !check_past(p, channel ? channel : &nothing, args, &request->fault))
        return;
    channel = channel ? channel : publisher_channel_add(p, args->site);
    struct stream *s = channel ? stream_add(p) : NULL;
    if (!s) {
        fault_set(&request->fault, E_INTERNAL);
        return;
    }
    grant_take(request->grant);
    *s = (struct stream){.peer = request->peer,
                         .grant = request->grant,
                         .id_len = id_len,
                         .channel = channel,
                         .sent = args->after,
                         .credit = args->credit,
                         .heard_at = now_ms,
                         .heartbeat_at = now_ms + p->work.settings->heartbeat_ms,
                         .live = args->live};
    memcpy(s->id, id, id_len);
    p->work.counters->streams++;
    reply_opened(p, request, channel);
}

/* Credit for a stream that is not open is answered as that stream's end. */
static void tell_unknown(struct publisher *p, const struct request *request, const char *id, size_t id_len)
{
    struct channel nowhere = {0};
    struct stream s = {.peer = request->peer, .id_len = id_len, .channel = &nowhere};

    memcpy(s.id, id, id_len);
    stream_end(p, &s, E_NOT_FOUND);
}

void publisher_forget(struct publisher *p, const struct peer *peer)
{
    for (size_t i = 0; i < p->stream_count; i++)
        p->streams[i]->over |= same_peer(&p->streams[i]->peer, peer);
    streams_sweep(p);
}

static void take_credit(struct publisher *p, const struct request *request, int64_t now_ms)
{
    const struct credit_args *args = request->args;
    int64_t max = p->work.settings->limits.value[LIMIT_MAX_CREDIT];
    char id[STREAM_ID_BYTES];
    size_t id_len = pack_id(args->stream, id);
    struct stream *s = stream_find(p, &request->peer, (struct slice){id, id_len});

    if (!s) {
        tell_unknown(p, request, id, id_len);
        return;
    }
    s->heard_at = now_ms;
    s->stuck = false;
    s->credit = s->credit + args->credit < max ? s->credit + args->credit : max;
}

static void cancel(struct publisher *p, const struct request *request)
{
    const struct credit_args *args = request->args;
    char id[STREAM_ID_BYTES];
    size_t id_len = pack_id(args->stream, id);
    struct stream *s = stream_find(p, &request->peer, (struct slice){id, id_len});

    if (s)
        s->over = true;
    streams_sweep(p);
}

bool publisher_request(struct publisher *p, struct request *request, int64_t now_ms)
{
    const char *op = request->verb->name;

    if (strcmp(op, "credit") == 0) {
        take_credit(p, request, now_ms);
        return false;
    }
    if (strcmp(op, "cancel") == 0) {
        cancel(p, request);
        return false;
    }
    open_stream(p, request, now_ms);
    if (request->fault.code)
        request_refuse(request, &request->fault);
    return true;
}

void stream_heartbeat(struct publisher *p, struct stream *s, int64_t now_ms)
{
    struct out *out = message(p, s, "heartbeat");

    out_key_int(out, "newest", s->channel->newest);
    out_key_int(out, "sent", s->sent);
    out_key_int(out, "credit", s->credit);
    out_key_int(out, "time", clock_wall_ms());
    out_end(out);
    send_to(p, s);
    s->heartbeat_at = now_ms + p->work.settings->heartbeat_ms;
}
