#include <stdlib.h>

#include "internal.h"

enum { BYTES_MAX = 32 << 20, ITEMS_MAX = 65536, BATCHES_MAX = 64, SEND_AGAIN_MS = 10 };

/* One comment, in exactly one list: waiting for a batch, or in one that is under way, or pausing before a repeat. */
struct item {
    struct item *next;
    uint64_t tag;
    int64_t deadline, send_after;
    struct backoff backoff;
    struct modq_error refused; /* the last refusal of class retry, number 0: none */
    size_t values, len;
    char packed[];
};

struct list {
    struct item *first, **last;
};

/* A batch under way, and its answer once it is there. */
struct flight {
    struct list items;
    struct modq_answer *answer;
    size_t next; /* index of the first item's result */
};

struct modq_submitter {
    struct modq *front;
    int timeout_ms;
    struct list waiting, pausing;
    size_t waiting_count, waiting_bytes, waiting_values;
    size_t items, bytes, flights;
    struct flight *landed; /* its results are being handed out */
    struct item *shown;    /* the one handed out last */
    struct out packed;
    struct batch batch;
};

static void list_init(struct list *list)
{
    list->first = NULL;
    list->last = &list->first;
}

static void list_push(struct list *list, struct item *item)
{
    item->next = NULL;
    *list->last = item;
    list->last = &item->next;
}

static struct item *list_pop(struct list *list)
{
    struct item *item = list->first;

    if (item) {
        list->first = item->next;
        if (!list->first)
            list->last = &list->first;
    }
    return item;
}

static void list_free(struct list *list)
{
    struct item *item;

    while ((item = list_pop(list)))
        free(item);
}

struct modq_submitter *modq_submitter_new(struct modq *front, int timeout_ms)
{
    struct modq_submitter *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->front = front;
    s->timeout_ms = timeout_ms < 0 ? 0 : timeout_ms;
    list_init(&s->waiting);
    list_init(&s->pausing);
    return s;
}

static void flight_free(struct flight *flight)
{
    if (!flight)
        return;
    list_free(&flight->items);
    modq_answer_free(flight->answer);
    free(flight);
}

static void forget_flight(void *flight)
{
    flight_free(flight);
}

void modq_submitter_free(struct modq_submitter *s)
{
    if (!s)
        return;
    connection_forget(s->front, forget_flight);
    list_free(&s->waiting);
    list_free(&s->pausing);
    flight_free(s->landed);
    free(s->shown);
    out_free(&s->packed);
    batch_free(&s->batch);
    free(s);
}

size_t modq_submitter_pending(const struct modq_submitter *s)
{
    return s->items;
}

/* ---- sending */

static void queue(struct modq_submitter *s, struct item *item)
{
    list_push(&s->waiting, item);
    s->waiting_count++;
    s->waiting_bytes += item->len;
    s->waiting_values += item->values;
}

/* Moves as many as fit from the waiting ones to the flight; the first one in any case. */
static bool fill(struct modq_submitter *s, struct flight *flight)
{
    const struct limits *limits = connection_limits(s->front);
    struct item *item;

    batch_reset(&s->batch);
    while ((item = s->waiting.first) &&
           (s->batch.count == 0 || batch_fits(&s->batch, limits, item->len, item->values))) {
        if (!batch_add(&s->batch, (struct slice){item->packed, item->len}, item->values))
            return false;
        list_push(&flight->items, list_pop(&s->waiting));
        s->waiting_count--;
        s->waiting_bytes -= item->len;
        s->waiting_values -= item->values;
    }
    return s->batch.count > 0;
}

/* The longest time that one of them still has. */
static int time_left(const struct flight *flight)
{
    int64_t latest = 0;

    for (const struct item *item = flight->items.first; item; item = item->next)
        if (item->deadline > latest)
            latest = item->deadline;
    return wait_until(latest, -1);
}

static bool launch(struct modq_submitter *s)
{
    struct flight *flight = calloc(1, sizeof(*flight));
    struct out list = {0};
    struct modq_error error;
    bool sent = false;
    struct item *item;

    if (!flight)
        return false;
    list_init(&flight->items);
    error_local(&error, MODQ_E_MEMORY, "out of memory");
    if (fill(s, flight)) {
        batch_append(&s->batch, &list);
        sent = !list.failed &&
               connection_send(s->front, "submit", out_slice(&list), 1, time_left(flight), flight, &error) > 0;
    }
    out_free(&list);
    if (sent) {
        s->flights++;
        return true;
    }
    while ((item = list_pop(&flight->items))) {
        item->refused = error;
        queue(s, item);
    }
    flight_free(flight);
    return false;
}

/* A batch is full when one more of the usual size would not fit. */
static bool full_batch(const struct modq_submitter *s)
{
    struct batch all = {.count = s->waiting_count, .values = s->waiting_values, .list.len = s->waiting_bytes};
    size_t usual = s->waiting_count ? s->waiting_bytes / s->waiting_count : 0;

    return !batch_fits(&all, connection_limits(s->front), usual, 16);
}

static void end_pauses(struct modq_submitter *s)
{
    int64_t now = now_ms();
    struct list pausing = s->pausing;
    struct item *item;

    if (!pausing.first)
        return;
    list_init(&s->pausing);
    while (pausing.first) {
        item = pausing.first;
        pausing.first = item->next;
        if (now >= item->send_after)
            queue(s, item);
        else
            list_push(&s->pausing, item);
    }
}

static void launch_all(struct modq_submitter *s, bool part)
{
    end_pauses(s);
    while (s->flights < BATCHES_MAX && s->waiting.first && (full_batch(s) || part))
        if (!launch(s))
            break;
    modq_process(s->front);
}

static struct item *item_new(struct slice packed, size_t values, uint64_t tag, int timeout_ms)
{
    struct item *item = calloc(1, sizeof(*item) + packed.len);

    if (!item)
        return NULL;
    memcpy(item->packed, packed.data, packed.len);
    item->len = packed.len;
    item->values = values;
    item->tag = tag;
    item->deadline = deadline_after(now_ms(), timeout_ms);
    return item;
}

int modq_submitter_add(struct modq_submitter *s, const struct modq_comment *comment, uint64_t tag,
                       struct modq_error *error)
{
    size_t values;

    error_clear(error);
    if (s->bytes >= BYTES_MAX || s->items >= ITEMS_MAX)
        return 0;
    if (!comment_pack(comment, connection_limits(s->front), &s->packed, &values, error))
        return -1;
    struct item *item = item_new(out_slice(&s->packed), values, tag, s->timeout_ms);
    if (!item) {
        error_local(error, MODQ_E_MEMORY, "out of memory");
        return -1;
    }
    s->items++;
    s->bytes += item->len;
    queue(s, item);
    if (full_batch(s))
        launch_all(s, false);
    return 1;
}

/* ---- results */

static void release(struct modq_submitter *s, struct item *item)
{
    s->items--;
    s->bytes -= item->len;
    free(item);
}

/* Puts it back when its refusal may pass and there is time left. */
static bool try_again(struct modq_submitter *s, struct item *item, const struct modq_error *error)
{
    int64_t now = now_ms();

    if (error->class_ != MODQ_CLASS_RETRY || error->number < 0)
        return false;
    int64_t pause = backoff_next(&item->backoff, error->retry_after_ms, 60000);
    if (deadline_after(now, pause) >= item->deadline)
        return false;
    item->refused = *error;
    item->send_after = now + pause;
    list_push(&s->pausing, item);
    return true;
}

/* The next item of the batch that came back whose end this is. */
static bool take_result(struct modq_submitter *s, struct modq_result *result)
{
    struct flight *flight = s->landed;
    const struct modq_error *whole = modq_answer_error(flight->answer);
    const struct modq_value *results = results_of(flight->answer);
    struct item *item;

    while ((item = list_pop(&flight->items))) {
        const struct modq_value *one = whole ? NULL : modq_item(results, flight->next);
        flight->next++;
        if (whole)
            result->error = *whole;
        else
            result_error(one, &result->error);
        if (try_again(s, item, &result->error))
            continue;
        result->tag = item->tag;
        result->stored = result->error.number == 0;
        result->result = one;
        s->shown = item;
        return true;
    }
    flight_free(flight);
    s->landed = NULL;
    return false;
}

static void land(struct modq_submitter *s, struct modq_answer *answer)
{
    s->landed = modq_answer_tag(answer);
    s->landed->answer = answer;
    s->flights--;
}

/* What could not even be sent: the one that all the others wait for, once nothing else can help it. */
static bool give_up_first(struct modq_submitter *s, struct modq_result *result)
{
    struct item *item = s->waiting.first;

    if (!item || s->flights > 0)
        return false;
    if (item->refused.class_ != MODQ_CLASS_FIX && now_ms() < item->deadline)
        return false;
    list_pop(&s->waiting);
    s->waiting_count--;
    s->waiting_bytes -= item->len;
    s->waiting_values -= item->values;
    *result = (struct modq_result){.tag = item->tag, .error = item->refused};
    if (result->error.number == 0)
        error_local(&result->error, MODQ_E_TIMEOUT, "it could not be sent in time");
    s->shown = item;
    return true;
}

/* Until when nothing can happen but an answer. What could not be sent is tried again soon. */
static int64_t pause_ends(const struct modq_submitter *s, int64_t until)
{
    if (s->flights == 0 && s->waiting.first)
        until = earlier(until, now_ms() + SEND_AGAIN_MS);
    for (const struct item *item = s->pausing.first; item; item = item->next)
        until = earlier(until, item->send_after);
    return until;
}

static bool sleep_until(struct modq_submitter *s, int64_t moment)
{
    struct link none = {0};
    struct modq_answer *answer;
    int wait_ms = wait_until(moment, -1);

    if (s->flights == 0)
        return link_wait(&none, false, wait_ms);
    answer = modq_next(s->front, wait_ms);
    if (answer)
        land(s, answer);
    return answer || now_ms() >= moment;
}

bool modq_submitter_next(struct modq_submitter *s, int wait_ms, struct modq_result *result)
{
    int64_t until = wait_ms < 0 ? NEVER : now_ms() + wait_ms;
    struct modq_answer *answer;

    if (s->shown)
        release(s, s->shown);
    s->shown = NULL;
    for (;;) {
        if (s->landed && take_result(s, result))
            return true;
        launch_all(s, wait_ms != 0);
        if ((answer = modq_next(s->front, 0)))
            land(s, answer);
        else if (give_up_first(s, result))
            return true;
        else if (s->items == 0 || now_ms() >= until || !sleep_until(s, pause_ends(s, until)))
            return false;
    }
}
