/* Requests under way: sent, repeated, answered, given up. */
#include <stdlib.h>

#include "connection.h"

enum { LONGEST_PAUSE_MS = 60000 };

void pending_free(struct pending *pending)
{
    message_free(pending->refusal);
    free((char *)pending->bytes.data);
    free(pending);
}

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
            (connection->pendings - i) * sizeof(struct pending *));
    pending_free(pending);
    return true;
}

/* Who is not let in is told nothing. */
static const char *hint(const struct link *link)
{
    if (link->key)
        return ", or the daemon there does not let this key in (it is unknown, revoked, expired, or for another "
               "socket)";
    return strncmp(link->endpoint, "tcp:", 4) == 0 ? ", or the daemon there wants a key" : "";
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
        error_local(&error, MODQ_E_CONNECT, "nobody listens at %s%s", connection->link.endpoint,
                    hint(&connection->link));
    finish(connection, i, refusal, &error);
}

/* Sends it again later, or gives it up when that would be too late; takes `message`, the refusal (NULL: silence). */
static void repeat_later(struct modq *connection, size_t i, struct message *message, const struct modq_error *error)
{
    struct pending *pending = connection->pending[i];
    int64_t now = now_ms();
    int64_t pause = backoff_next(&pending->backoff, error ? error->retry_after_ms : 0, LONGEST_PAUSE_MS);

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

/* Whose answer it is. One that names no request (the daemon could not read which it was, or nobody can read the answer)
 * belongs to what was sent, where that is one request alone: repeating it would only bring the same answer again. */
static bool find_asker(const struct modq *connection, int64_t id, size_t *which)
{
    size_t sent = 0;

    if (!id && connection->orphans)
        return false;
    for (size_t i = 0; i < connection->pendings; i++) {
        if (!connection->pending[i]->sent || (id && (int64_t)connection->pending[i]->id != id))
            continue;
        sent++;
        *which = i;
    }
    return sent == 1;
}

/* An answer to nothing that is under way, a second one, say, is thrown away. */
static void match_answer(struct modq *connection, struct message *message)
{
    const struct modq_value *id = modq_get(as_value(&message->map), "id");
    size_t which;

    if (find_asker(connection, id ? modq_int(id, -1) : 0, &which))
        take_answer(connection, which, message);
    else
        message_free(message);
}

static void blame_answer(struct modq *connection)
{
    struct modq_error error;
    size_t which;

    if (!find_asker(connection, 0, &which))
        return;
    error_local(&error, MODQ_E_REPLY, "the daemon's answer is no map, or nested too deep, or has too many values");
    finish(connection, which, NULL, &error);
}

static void receive_answers(struct modq *connection)
{
    zmq_msg_t frame;

    while (link_receive(&connection->link, &frame)) {
        struct message *message = message_open(&frame);
        if (message)
            match_answer(connection, message);
        else
            blame_answer(connection);
    }
}

/* ---- time */

/* On a new socket all has to be sent again. */
static void renew(struct modq *connection)
{
    connection->orphans = false;
    for (size_t i = 0; i < connection->pendings; i++)
        if (connection->pending[i]->sent)
            repeat_later(connection, i, NULL, NULL);
    link_renew(&connection->link);
}

static void give_up_late(struct modq *connection, int64_t now)
{
    for (size_t i = 0; i < connection->pendings;) {
        size_t before = connection->pendings;
        if (now >= connection->pending[i]->deadline) {
            connection->orphans |= connection->pending[i]->sent;
            finish_late(connection, i);
        }
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
    if (connection->link.lost || !connection->link.socket || attempt_over(connection, now) ||
        now >= link_renew_at(&connection->link, connection->attempt_ms))
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
    int64_t moment = connection->pendings ? link_renew_at(&connection->link, connection->attempt_ms) : NEVER;

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

/* ---- handing out */

struct modq_answer *connection_pop(struct modq *connection)
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

bool connection_sleep(struct modq *connection, int64_t until)
{
    bool writable;
    int64_t moment = earlier(until, next_moment(connection, &writable));

    return link_wait(&connection->link, writable, wait_until(moment, -1));
}

struct modq_answer *modq_next(struct modq *connection, int wait_ms)
{
    int64_t until = wait_ms < 0 ? NEVER : now_ms() + wait_ms;

    do
        modq_process(connection);
    while (!connection->first && connection->pendings > 0 && now_ms() < until && connection_sleep(connection, until));
    return connection_pop(connection);
}

struct modq_answer *connection_pick(struct modq *connection, uint64_t ticket)
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

void connection_forget(struct modq *connection, void (*drop)(void *tag))
{
    struct modq_answer *answer;

    for (size_t i = 0; i < connection->pendings; i++) {
        drop(connection->pending[i]->tag);
        pending_free(connection->pending[i]);
    }
    connection->pendings = 0;
    while ((answer = connection_pop(connection))) {
        drop(answer->tag);
        modq_answer_free(answer);
    }
}
