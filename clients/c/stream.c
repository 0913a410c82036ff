#include <stdlib.h>

#include "stream.h"

enum { CREDIT = 500, CREDIT_MOST = 10000 };

static bool copy_options(struct modq_stream *s, const struct modq_stream_options *options, struct modq_error *error)
{
    if (!options->site || options->after < 0 || options->credit < 0 || options->credit > CREDIT_MOST)
        return error_local(error, MODQ_E_ARGUMENT, "a stream needs a site, after >= 0, and a credit of 0 to %d",
                           CREDIT_MOST);
    s->site = strdup(options->site);
    if (!s->site)
        return error_local(error, MODQ_E_MEMORY, "out of memory");
    s->credit = options->credit ? options->credit : CREDIT;
    s->replay = options->replay;
    s->give_up_ms = options->give_up_ms;
    s->seq = options->after;
    s->has_chain = options->hash && options->after > 0;
    if (s->has_chain)
        memcpy(s->chain, options->hash, HASH_BYTES);
    s->has_epoch = options->epoch;
    if (s->has_epoch)
        memcpy(s->epoch, options->epoch, EPOCH_BYTES);
    return true;
}

struct modq_stream *modq_stream_open(const char *endpoint, const struct modq_stream_options *options,
                                     struct modq_error *error)
{
    struct modq_stream *s = calloc(1, sizeof(*s));

    if (!s) {
        error_local(error, MODQ_E_MEMORY, "out of memory");
        return NULL;
    }
    s->last = &s->first;
    s->newest = -1;
    s->heartbeat_ms = HEARTBEAT_MS;
    s->credit_timeout_ms = CREDIT_TIMEOUT_MS;
    s->silent_since = s->opened = now_ms();
    s->phase = OPENING;
    if (!copy_options(s, options, error) || !link_open(&s->link, endpoint, options->key, ZMQ_DEALER, error)) {
        modq_stream_close(s);
        return NULL;
    }
    s->received = s->seq;
    return s;
}

void modq_stream_close(struct modq_stream *s)
{
    if (!s)
        return;
    stream_drop_queue(s);
    parcel_free(s->shown);
    link_close(&s->link);
    free(s->site);
    free(s);
}

int modq_stream_fd(const struct modq_stream *s)
{
    return link_fd(&s->link);
}

int modq_stream_wait_ms(const struct modq_stream *s)
{
    if (s->first || s->lost || s->phase == FAILED)
        return 0;
    return wait_until(stream_next_moment(s), -1);
}

/* ---- handing out */

/* The caller is through with the record that it got last: its credit goes back, half of the whole at a time. */
static void take_back(struct modq_stream *s)
{
    struct parcel *parcel = s->shown;

    s->shown = NULL;
    if (!parcel)
        return;
    bool empty = parcel->at == modq_count(modq_get(as_value(&parcel->message->map), "records"));
    if (!parcel->stale)
        s->taken++;
    if (parcel->stale || empty) {
        parcel_free(parcel);
    } else {
        parcel->next = s->first;
        if (!s->first)
            s->last = &parcel->next;
        s->first = parcel;
    }
    if (s->phase == OPEN && s->taken * 2 >= s->credit)
        stream_send_credit(s, s->taken);
}

static struct parcel *pop(struct modq_stream *s)
{
    struct parcel *parcel = s->first;

    s->first = parcel->next;
    if (!s->first)
        s->last = &s->first;
    parcel->next = NULL;
    return parcel;
}

static enum modq_event hand_out(struct modq_stream *s, const struct modq_value **record)
{
    struct parcel *parcel = pop(s);
    const struct modq_value *map = as_value(&parcel->message->map);

    if (modq_is(modq_get(map, "op"), "level")) {
        parcel_free(parcel);
        if (s->replay)
            s->phase = ENDED;
        return MODQ_EVENT_LEVEL;
    }
    *record = modq_item(modq_get(map, "records"), parcel->at++);
    s->seq = modq_get_int(*record, "seq", 0);
    memcpy(s->chain, modq_get_bytes(*record, "chain", NULL), HASH_BYTES);
    s->has_chain = true;
    s->shown = parcel;
    return MODQ_EVENT_RECORD;
}

static enum modq_event next_event(struct modq_stream *s, const struct modq_value **record)
{
    if (s->lost) {
        s->lost = false;
        return MODQ_EVENT_LOST;
    }
    if (s->first)
        return hand_out(s, record);
    if (s->phase == FAILED)
        return MODQ_EVENT_FAILED;
    return s->phase == ENDED ? MODQ_EVENT_END : MODQ_EVENT_NONE;
}

enum modq_event modq_stream_next(struct modq_stream *s, int wait_ms, const struct modq_value **record)
{
    int64_t until = wait_ms < 0 ? NEVER : now_ms() + wait_ms;

    take_back(s);
    for (;;) {
        enum modq_event event;
        modq_stream_process(s);
        if ((event = next_event(s, record)) != MODQ_EVENT_NONE)
            return event;
        if (now_ms() >= until)
            return MODQ_EVENT_NONE;
        bool writable = s->phase == OPENING && !s->requested;
        if (!link_wait(&s->link, writable, wait_until(earlier(until, stream_next_moment(s)), -1)))
            return MODQ_EVENT_NONE;
    }
}

const struct modq_error *modq_stream_error(const struct modq_stream *s)
{
    return &s->error;
}

int64_t modq_stream_seq(const struct modq_stream *s)
{
    return s->seq;
}

const uint8_t *modq_stream_chain(const struct modq_stream *s)
{
    return s->has_chain ? s->chain : NULL;
}

int64_t modq_stream_newest(const struct modq_stream *s)
{
    return s->newest;
}

const uint8_t *modq_stream_epoch(const struct modq_stream *s)
{
    return s->epoch_told ? s->epoch : NULL;
}

void modq_stream_position(const struct modq_stream *s, struct modq_position *position)
{
    *position = (struct modq_position){.seq = s->seq, .has_chain = s->has_chain, .has_epoch = s->has_epoch};
    if (s->has_chain)
        memcpy(position->chain, s->chain, HASH_BYTES);
    if (s->has_epoch)
        memcpy(position->epoch, s->epoch, EPOCH_BYTES);
}
