#include <stdlib.h>

#include "connection.h"

enum { ATTEMPT_MS = 5000, ATTEMPT_LEAST_MS = 10 };

struct modq *modq_open(const char *endpoint, const struct modq_key *key, struct modq_error *error)
{
    struct modq *connection = calloc(1, sizeof(*connection));

    if (!connection) {
        error_local(error, MODQ_E_MEMORY, "out of memory");
        return NULL;
    }
    connection->attempt_ms = ATTEMPT_MS;
    connection->last = &connection->first;
    limits_default(&connection->limits);
    if (!link_open(&connection->link, endpoint, key, ZMQ_DEALER, error)) {
        modq_close(connection);
        return NULL;
    }
    return connection;
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

bool connection_knows_limits(const struct modq *connection)
{
    return connection->knows_limits;
}

void connection_doubt_limits(struct modq *connection)
{
    connection->knows_limits = false;
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
    out_pairs(out, packed, pairs);
    out_end(out);
    return !out->failed;
}

static bool check_size(const struct modq *connection, const struct out *out, struct modq_error *error)
{
    int64_t max = connection->limits.value[LIMIT_MAX_MESSAGE_BYTES];

    return (int64_t)out->len <= max || error_too_long(error, "the request", out->len, max);
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

/* ---- answers */

struct modq_answer *modq_call(struct modq *connection, const char *operation, const struct modq_fields *fields,
                              int timeout_ms)
{
    struct modq_error error;
    struct modq_answer *answer;
    uint64_t ticket = modq_send(connection, operation, fields, timeout_ms, NULL, &error);

    if (ticket == 0) {
        answer = calloc(1, sizeof(*answer));
        if (answer)
            answer->error = error;
        return answer;
    }
    for (;;) {
        modq_process(connection);
        answer = connection_pick(connection, ticket);
        if (answer)
            return answer;
        connection_sleep(connection, NEVER);
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
        connection->knows_limits = true;
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
