#include <stdlib.h>

#include "internal.h"

enum { RECENT = 80 }; /* more than a push socket's queue and its peer's hold */

/* ZeroMQ's clock is not ours: it gives up some tenths of a millisecond before the time is over. */
enum { LINGER_EARLY_MS = 5 };

struct modq_push {
    struct link link;
    struct limits limits;
    struct batch batch;
    struct out packed;
    size_t dropped;
    size_t recent[RECENT]; /* comments in each of the last batches handed to ZeroMQ */
    size_t sent;
};

struct modq_push *modq_push_open(const char *endpoint, const struct modq_key *key, struct modq_error *error)
{
    struct modq_push *push = calloc(1, sizeof(*push));

    if (!push) {
        error_local(error, MODQ_E_MEMORY, "out of memory");
        return NULL;
    }
    limits_default(&push->limits);
    if (!link_open(&push->link, endpoint, key, ZMQ_PUSH, error)) {
        modq_push_close(push, 0);
        return NULL;
    }
    return push;
}

/* ZeroMQ wakes up for signals; the caller's time counts all the same. */
static bool hand_over(struct modq_push *push, struct slice bytes, int wait_ms)
{
    int64_t until = wait_ms < 0 ? NEVER : now_ms() + wait_ms;

    while (!link_send(&push->link, bytes)) {
        if (now_ms() >= until)
            return false;
        zmq_pollitem_t item = {.socket = push->link.socket, .events = ZMQ_POLLOUT};
        zmq_poll(&item, 1, wait_until(until, -1));
    }
    return true;
}

bool modq_push_flush(struct modq_push *push, int wait_ms, struct modq_error *error)
{
    struct out out = {0};
    bool ok;

    error_clear(error);
    if (push->batch.count == 0)
        return true;
    out_map(&out);
    out_key_int(&out, "v", 1);
    out_key_cstr(&out, "op", "submit");
    batch_append(&push->batch, &out);
    out_end(&out);
    if (out.failed)
        ok = error_local(error, MODQ_E_MEMORY, "out of memory");
    else if (!hand_over(push, out_slice(&out), wait_ms))
        ok = error_local(error, MODQ_E_TIMEOUT, "the queue to %s is full", push->link.endpoint);
    else
        ok = true;
    out_free(&out);
    if (ok)
        push->recent[push->sent++ % RECENT] = push->batch.count;
    else
        push->dropped += push->batch.count;
    batch_reset(&push->batch);
    return ok;
}

bool modq_push_add(struct modq_push *push, const struct modq_comment *comment, int wait_ms, struct modq_error *error)
{
    size_t values;
    bool flushed = true;
    struct modq_error ignored;

    if (!comment_pack(comment, &push->limits, &push->packed, &values, error))
        return false;
    if (!batch_fits(&push->batch, &push->limits, push->packed.len, values))
        flushed = modq_push_flush(push, wait_ms, error);
    if (batch_add(&push->batch, out_slice(&push->packed), values))
        return flushed;
    batch_reset(&push->batch);
    return error_local(error ? error : &ignored, MODQ_E_MEMORY, "out of memory");
}

/* Closes the socket and waits for what it still holds. False: it was not through in time. */
static bool drain(struct modq_push *push, int linger_ms)
{
    int64_t start = now_ms();

    if (push->link.socket)
        zmq_setsockopt(push->link.socket, ZMQ_LINGER, &linger_ms, sizeof(linger_ms));
    link_close(&push->link);
    return now_ms() - start < linger_ms - LINGER_EARLY_MS;
}

size_t modq_push_close(struct modq_push *push, int linger_ms)
{
    size_t missing;

    if (!push)
        return 0;
    if (push->link.socket)
        modq_push_flush(push, linger_ms, NULL);
    missing = push->dropped;
    if (!drain(push, linger_ms))
        for (size_t i = 0; i < RECENT; i++)
            missing += push->recent[i];
    out_free(&push->packed);
    batch_free(&push->batch);
    free(push);
    return missing;
}
