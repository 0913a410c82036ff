#include <stdlib.h>

#include "internal.h"
#include "proto/mp.h"

enum { ATTEMPT_MS = 5000, ATTEMPT_LEAST_MS = 10 };

/* A request under way. */
struct pending {
    uint64_t id;
    struct slice bytes; /* its own */
    void *tag;
    bool sent;          /* on the socket of now */
    bool was_sent;      /* on any */
    int64_t deadline;   /* of the whole of it */
    int64_t send_after; /* not before, while it is not sent */
    int64_t attempt_ends;
    struct backoff backoff;
    struct modq_error refused; /* the last answer of class retry */
    struct message *refusal;
};

struct modq_answer {
    struct modq_answer *next;
    uint64_t ticket;
    void *tag;
    struct modq_error error;
    struct message *message; /* NULL: none came */
};

struct modq {
    struct link link;
    int attempt_ms;
    char *as;
    uint64_t last_id;
    struct pending *pending[MODQ_WINDOW]; /* in the order sent; the first `pendings` */
    size_t pendings, finished;
    struct modq_answer *first, **last;
    struct limits limits;
};

struct modq *modq_open(const char *endpoint, struct modq_error *error)
{
    struct modq *connection = calloc(1, sizeof(*connection));

    if (!connection) {
        error_local(error, MODQ_E_MEMORY, "out of memory");
        return NULL;
    }
    connection->attempt_ms = ATTEMPT_MS;
    connection->last = &connection->first;
    limits_default(&connection->limits);
    if (!link_open(&connection->link, endpoint, ZMQ_DEALER, error)) {
        modq_close(connection);
        return NULL;
    }
    return connection;
}

static void pending_free(struct pending *pending)
{
    message_free(pending->refusal);
    free((char *)pending->bytes.data);
    free(pending);
}

void modq_close(struct modq *connection)
{
    struct modq_answer *answer;

    if (!connection)
        return;
    for (size_t i = 0; i < connection->pendings; i++)
        pending_free(connection->pending[i]);
    while ((answer = connection->first)) {
        connection->first = answer->next;
        modq_answer_free(answer);
    }
    link_close(&connection->link);
    free(connection->as);
    free(connection);
}

void modq_set_attempt_ms(struct modq *connection, int attempt_ms)
{
    connection->attempt_ms = attempt_ms < ATTEMPT_LEAST_MS ? ATTEMPT_LEAST_MS : attempt_ms;
}

bool modq_set_as(struct modq *connection, const char *name)
{
    char *copy = name ? strdup(name) : NULL;

    if (name && !copy)
        return false;
    free(connection->as);
    connection->as = copy;
    return true;
}

const struct limits *connection_limits(const struct modq *connection)
{
    return connection ? &connection->limits : NULL;
}

/* ---- sending */

static bool compose(const struct modq *connection, const char *operation, uint64_t id, struct slice packed,
                    uint32_t pairs, struct out *out)
{
    out_map(out);
    out_key_int(out, "v", 1);
    out_key_cstr(out, "op", operation);
    out_key_int(out, "id", (int64_t)id);
    if (connection->as)
        out_key_cstr(out, "as", connection->as);
    if (pairs > 0) {
        out_raw(out, packed);
        out->open[0].count += out->failed ? 0 : pairs - 1;
    }
    out_end(out);
    return !out->failed;
}

static bool check_size(const struct modq *connection, const struct out *out, struct modq_error *error)
{
    int64_t max = connection->limits.value[LIMIT_MAX_MESSAGE_BYTES];
    struct fault fault;

    if ((int64_t)out->len <= max)
        return true;
    fault_set(&fault, E_TOO_LONG);
    fault_say(&fault, "the request has %zu bytes, at most %lld are allowed", out->len, (long long)max);
    return error_fault(error, &fault);
}

static uint64_t enqueue(struct modq *connection, struct out *out, int timeout_ms, void *tag)
{
    struct pending *pending = calloc(1, sizeof(*pending));
    int64_t now = now_ms();

    if (!pending)
        return 0;
    pending->id = ++connection->last_id;
    pending->bytes = out_slice(out);
    pending->tag = tag;
    pending->deadline = deadline_after(now, timeout_ms < 0 ? 0 : timeout_ms);
    pending->send_after = now;
    connection->pending[connection->pendings++] = pending;
    *out = (struct out){0};
    return pending->id;
}

uint64_t connection_send(struct modq *connection, const char *operation, struct slice packed, uint32_t pairs,
                         int timeout_ms, void *tag, struct modq_error *error)
{
    struct out out = {0};
    uint64_t ticket = 0;

    error_clear(error);
    if (connection->pendings == MODQ_WINDOW)
        error_local(error, MODQ_E_WINDOW, "%d requests are unanswered", MODQ_WINDOW);
    else if (!compose(connection, operation, connection->last_id + 1, packed, pairs, &out))
        error_local(error, MODQ_E_MEMORY, "out of memory");
    else if (check_size(connection, &out, error) && !(ticket = enqueue(connection, &out, timeout_ms, tag)))
        error_local(error, MODQ_E_MEMORY, "out of memory");
    out_free(&out);
    return ticket;
}

uint64_t modq_send(struct modq *connection, const char *operation, const struct modq_fields *fields, int timeout_ms,
                   void *tag, struct modq_error *error)
{
    if (!operation) {
        error_local(error, MODQ_E_ARGUMENT, "no operation");
        return 0;
    }
    if (fields && !fields_finished(fields, error))
        return 0;
    return connection_send(connection, operation, fields ? out_slice(&fields->out) : SLICE_NONE,
                           fields ? fields->pairs : 0, timeout_ms, tag, error);
}

/* ---- finishing */

/* Hands the answer over; takes `message`. An answer that finds no memory is left to its deadline. */
static bool finish(struct modq *connection, size_t i, struct message *message, const struct modq_error *error)
{
    struct pending *pending = connection->pending[i];
    struct modq_answer *answer = calloc(1, sizeof(*answer));

    if (!answer) {
        message_free(message);
        return false;
    }
    answer->ticket = pending->id;
    answer->tag = pending->tag;
    answer->message = message;
    answer->error = *error;
    *connection->last = answer;
    connection->last = &answer->next;
    connection->finished++;
    connection->pendings--;
    memmove(&connection->pending[i], &connection->pending[i + 1],
            (connection->pendings - i) * sizeof(connection->pending[0]));
    pending_free(pending);
    return true;
}

static void finish_late(struct modq *connection, size_t i)
{
    struct pending *pending = connection->pending[i];
    struct message *refusal = pending->refusal;
    struct modq_error error = pending->refused;

    pending->refusal = NULL;
    if (!refusal && pending->was_sent)
        error_local(&error, MODQ_E_TIMEOUT, "no answer from %s", connection->link.endpoint);
    else if (!refusal)
        error_local(&error, MODQ_E_CONNECT, "nobody listens at %s", connection->link.endpoint);
    finish(connection, i, refusal, &error);
}

/* Sends it again later, or gives it up when that would be too late; takes `message`, the refusal (NULL: silence). */
static void repeat_later(struct modq *connection, size_t i, struct message *message, const struct modq_error *error)
{
    struct pending *pending = connection->pending[i];
    int64_t now = now_ms();
    int64_t pause = backoff_next(&pending->backoff, error ? error->retry_after_ms : 0, 60000);

    pending->sent = false;
    pending->send_after = deadline_after(now, pause);
    if (!message)
        return;
    message_free(pending->refusal);
    pending->refusal = message;
    pending->refused = *error;
    if (pending->send_after >= pending->deadline)
        finish_late(connection, i);
}

static void take_answer(struct modq *connection, size_t i, struct message *message)
{
    const struct modq_value *map = as_value(&message->map);
    const struct modq_value *ok = modq_get(map, "ok");
    struct modq_error error;

    error_clear(&error);
    if (modq_type(ok) != MODQ_BOOL)
        error_local(&error, MODQ_E_REPLY, "the daemon's answer does not say whether it is ok");
    else if (!modq_bool(ok, false))
        modq_error_of(modq_get(map, "error"), &error);
    if (error.class_ == MODQ_CLASS_RETRY)
        repeat_later(connection, i, message, &error);
    else
        finish(connection, i, message, &error);
}

/* An answer to nothing that is under way, a second one, say, is thrown away. */
static void match_answer(struct modq *connection, struct message *message)
{
    int64_t id = modq_get_int(as_value(&message->map), "id", 0);

    for (size_t i = 0; i < connection->pendings; i++)
        if (connection->pending[i]->sent && (int64_t)connection->pending[i]->id == id) {
            take_answer(connection, i, message);
            return;
        }
    message_free(message);
}

static void receive_answers(struct modq *connection)
{
    zmq_msg_t frame;

    while (link_receive(&connection->link, &frame)) {
        struct message *message = message_open(&frame);
        if (message)
            match_answer(connection, message);
    }
}

/* ---- time */

/* On a new socket all has to be sent again. */
static void renew(struct modq *connection)
{
    for (size_t i = 0; i < connection->pendings; i++)
        if (connection->pending[i]->sent)
            repeat_later(connection, i, NULL, NULL);
    link_renew(&connection->link);
}

static void give_up_late(struct modq *connection, int64_t now)
{
    for (size_t i = 0; i < connection->pendings;) {
        size_t before = connection->pendings;
        if (now >= connection->pending[i]->deadline)
            finish_late(connection, i);
        i += connection->pendings == before;
    }
}

static bool attempt_over(const struct modq *connection, int64_t now)
{
    for (size_t i = 0; i < connection->pendings; i++)
        if (connection->pending[i]->sent && now >= connection->pending[i]->attempt_ends)
            return true;
    return false;
}

static void send_due(struct modq *connection, int64_t now)
{
    for (size_t i = 0; i < connection->pendings; i++) {
        struct pending *pending = connection->pending[i];
        if (pending->sent || now < pending->send_after)
            continue;
        if (!link_send(&connection->link, pending->bytes))
            break;
        pending->sent = pending->was_sent = true;
        pending->attempt_ends = deadline_after(now, connection->attempt_ms);
    }
}

static void process_once(struct modq *connection)
{
    receive_answers(connection);
    int64_t now = now_ms();
    give_up_late(connection, now);
    if (connection->link.lost || !connection->link.socket || attempt_over(connection, now))
        renew(connection);
    send_due(connection, now);
}

/* The descriptor tells of changes only: nothing that is there may be left unseen. */
void modq_process(struct modq *connection)
{
    link_look(&connection->link);
    do
        process_once(connection);
    while (link_look(&connection->link) & ZMQ_POLLIN);
}

/* When something has to be done though nothing comes. `*writable`: or as soon as there is a connection. */
static int64_t next_moment(const struct modq *connection, bool *writable)
{
    int64_t now = now_ms();
    int64_t moment = NEVER;

    *writable = false;
    for (size_t i = 0; i < connection->pendings; i++) {
        const struct pending *pending = connection->pending[i];
        moment = earlier(moment, pending->deadline);
        if (pending->sent)
            moment = earlier(moment, pending->attempt_ends);
        else if (now < pending->send_after)
            moment = earlier(moment, pending->send_after);
        else
            *writable = true;
    }
    return moment;
}

int modq_fd(const struct modq *connection)
{
    return link_fd(&connection->link);
}

int modq_wait_ms(const struct modq *connection)
{
    bool writable;

    if (connection->first)
        return 0;
    return wait_until(next_moment(connection, &writable), -1);
}

/* ---- answers */

static struct modq_answer *pop(struct modq *connection)
{
    struct modq_answer *answer = connection->first;

    if (!answer)
        return NULL;
    connection->first = answer->next;
    if (!connection->first)
        connection->last = &connection->first;
    connection->finished--;
    answer->next = NULL;
    return answer;
}

struct modq_answer *modq_next(struct modq *connection, int wait_ms)
{
    int64_t until = wait_ms < 0 ? NEVER : now_ms() + wait_ms;

    for (;;) {
        bool writable;
        modq_process(connection);
        if (connection->first || connection->pendings == 0 || now_ms() >= until)
            break;
        int64_t moment = earlier(until, next_moment(connection, &writable));
        if (!link_wait(&connection->link, writable, wait_until(moment, -1)))
            break;
    }
    return pop(connection);
}

/* Takes the answer with this ticket out of the finished ones. */
static struct modq_answer *pick(struct modq *connection, uint64_t ticket)
{
    for (struct modq_answer **at = &connection->first; *at; at = &(*at)->next) {
        struct modq_answer *answer = *at;
        if (answer->ticket != ticket)
            continue;
        *at = answer->next;
        if (connection->last == &answer->next)
            connection->last = at;
        connection->finished--;
        answer->next = NULL;
        answer->ticket = 0;
        return answer;
    }
    return NULL;
}

struct modq_answer *modq_call(struct modq *connection, const char *operation, const struct modq_fields *fields,
                              int timeout_ms)
{
    struct modq_error error;
    struct modq_answer *answer;
    bool writable;
    uint64_t ticket = modq_send(connection, operation, fields, timeout_ms, NULL, &error);

    if (ticket == 0) {
        answer = calloc(1, sizeof(*answer));
        if (answer)
            answer->error = error;
        return answer;
    }
    for (;;) {
        modq_process(connection);
        answer = pick(connection, ticket);
        if (answer)
            return answer;
        int64_t moment = next_moment(connection, &writable);
        link_wait(&connection->link, writable, wait_until(moment, -1));
    }
}

void modq_answer_free(struct modq_answer *answer)
{
    if (!answer)
        return;
    message_free(answer->message);
    free(answer);
}

uint64_t modq_answer_ticket(const struct modq_answer *answer)
{
    return answer->ticket;
}

void *modq_answer_tag(const struct modq_answer *answer)
{
    return answer->tag;
}

const struct modq_error *modq_answer_error(const struct modq_answer *answer)
{
    return answer->error.number ? &answer->error : NULL;
}

const struct modq_value *modq_answer_value(const struct modq_answer *answer)
{
    return answer->message ? as_value(&answer->message->map) : NULL;
}

void connection_forget(struct modq *connection, void (*drop)(void *tag))
{
    struct modq_answer *answer;

    for (size_t i = 0; i < connection->pendings; i++) {
        drop(connection->pending[i]->tag);
        pending_free(connection->pending[i]);
    }
    connection->pendings = 0;
    while ((answer = pop(connection))) {
        drop(answer->tag);
        modq_answer_free(answer);
    }
}

size_t modq_pending(const struct modq *connection)
{
    return connection->pendings + connection->finished;
}

/* ---- limits */

static void keep_limits(struct modq *connection, const struct modq_value *told)
{
    for (int i = 0; i < LIMIT_COUNT; i++) {
        const struct limit_info *info = &limit_table[i];
        int64_t value = modq_get_int(told, info->name, -1);
        if (value >= info->least && value <= info->most)
            connection->limits.value[i] = value;
    }
}

bool modq_hello(struct modq *connection, int timeout_ms, struct modq_error *error)
{
    struct modq_answer *answer = modq_call(connection, "hello", NULL, timeout_ms);
    bool ok = false;

    if (!answer)
        return error_local(error, MODQ_E_MEMORY, "out of memory");
    error_clear(error);
    if (!modq_answer_error(answer)) {
        keep_limits(connection, modq_get(modq_answer_value(answer), "limits"));
        ok = true;
    } else if (error) {
        *error = *modq_answer_error(answer);
    }
    modq_answer_free(answer);
    return ok;
}

int64_t modq_limit(const struct modq *connection, const char *name)
{
    for (int i = 0; i < LIMIT_COUNT; i++)
        if (strcmp(limit_table[i].name, name) == 0)
            return connection->limits.value[i];
    return -1;
}
