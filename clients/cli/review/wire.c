#include "wire.h"

#include <stdlib.h>

#include "../json.h"

enum {
    ATTEMPT_MS = 2000, /* an answer that takes longer is asked for again, on a new socket */
    PAUSE_MS = 500,    /* before the library is given a request anew */
    SILENCE_MS = 2500, /* after so long the moderator is told that the daemon does not answer */
};

/* One request. Its fields hold the operation id, so sending them again is the same request to the daemon. */
struct errand {
    uint64_t id;
    const char *operation;
    struct modq_fields *fields;
    bool under_way;
    int64_t send_at, made_at;
    struct errand *next;
};

struct wire {
    struct modq *desk;
    int timeout_ms;
    int64_t heard_at;
    struct errand *first;
};

struct wire *wire_open(struct modq *desk, int timeout_ms)
{
    struct wire *wire = calloc(1, sizeof(*wire));

    if (!wire)
        return NULL;
    wire->desk = desk;
    wire->timeout_ms = timeout_ms;
    modq_set_attempt_ms(desk, ATTEMPT_MS);
    return wire;
}

static void errand_free(struct errand *errand)
{
    modq_fields_free(errand->fields);
    free(errand);
}

void wire_close(struct wire *wire)
{
    while (wire && wire->first) {
        struct errand *next = wire->first->next;
        errand_free(wire->first);
        wire->first = next;
    }
    free(wire);
}

/* ---- out */

static bool add(struct wire *wire, const struct request *request, int64_t now)
{
    struct errand *errand = calloc(1, sizeof(*errand));
    struct errand **end = &wire->first;

    if (!errand || !(errand->fields = modq_fields_new())) {
        free(errand);
        return false;
    }
    for (void *at = json_object_iter(request->fields); at; at = json_object_iter_next(request->fields, at))
        json_to_fields(errand->fields, json_object_iter_key(at), json_object_iter_key_len(at),
                       json_object_iter_value(at));
    if (request->changing)
        modq_put_operation(errand->fields);
    errand->id = request->id;
    errand->operation = request->operation;
    errand->send_at = errand->made_at = now;
    while (*end)
        end = &(*end)->next;
    *end = errand;
    return true;
}

/* ---- in */

static void finish(struct wire *wire, struct errand *errand)
{
    struct errand **at = &wire->first;

    while (*at && *at != errand)
        at = &(*at)->next;
    if (*at)
        *at = errand->next;
    errand_free(errand);
}

/* Not carried out, or nobody knows: the same again. */
static bool is_to_be_repeated(const struct modq_error *error)
{
    return error && error->class_ == MODQ_CLASS_RETRY;
}

static void repeat_later(struct errand *errand, const struct modq_error *error, int64_t now)
{
    errand->under_way = false;
    errand->send_at = now + (error->retry_after_ms > PAUSE_MS ? error->retry_after_ms : PAUSE_MS);
}

static json_t *error_json(const struct modq_answer *answer)
{
    const struct modq_error *error = modq_answer_error(answer);
    const struct modq_value *map = modq_get(modq_answer_value(answer), "error");

    if (!error)
        return NULL;
    return map ? json_from(map) : json_from_error(error);
}

static bool deliver(struct wire *wire, struct review *review, const struct modq_answer *answer, int64_t now)
{
    struct errand *errand = modq_answer_tag(answer);
    const struct modq_error *error = modq_answer_error(answer);

    if (is_to_be_repeated(error)) {
        repeat_later(errand, error, now);
        review_away(review, error->message, now);
        return true;
    }
    json_t *failure = error_json(answer);
    json_t *map = failure ? NULL : json_answer(modq_answer_value(answer));
    bool told = failure || map;
    if (told)
        review_answer(review, errand->id, map, failure, now);
    json_decref(failure);
    json_decref(map);
    finish(wire, errand);
    wire->heard_at = now;
    return told;
}

/* ---- out, again */

/* A request that can never be sent, too long a one, say, is answered here. */
static void refuse(struct wire *wire, struct review *review, struct errand *errand, const struct modq_error *error,
                   int64_t now)
{
    json_t *failure = json_from_error(error);

    review_answer(review, errand->id, NULL, failure, now);
    json_decref(failure);
    finish(wire, errand);
}

static bool send_one(struct wire *wire, struct errand *errand, struct modq_error *error, int64_t now)
{
    errand->under_way = modq_send(wire->desk, errand->operation, errand->fields, wire->timeout_ms, errand, error) != 0;
    if (!errand->under_way)
        errand->send_at = now + PAUSE_MS;
    return errand->under_way;
}

/* The first one that cannot be sent yet holds back the others, so that they leave in order. */
static void send_due(struct wire *wire, struct review *review, int64_t now)
{
    struct modq_error error;

    for (struct errand *errand = wire->first, *next; errand; errand = next) {
        next = errand->next;
        if (errand->under_way)
            continue;
        if (errand->send_at > now)
            return;
        if (send_one(wire, errand, &error, now))
            continue;
        if (error.class_ == MODQ_CLASS_RETRY || error.class_ == MODQ_CLASS_LOCAL)
            return;
        refuse(wire, review, errand, &error, now);
    }
}

static int64_t oldest(const struct wire *wire, int64_t now)
{
    int64_t at = now;

    for (const struct errand *errand = wire->first; errand; errand = errand->next)
        at = errand->made_at < at ? errand->made_at : at;
    return at;
}

static void notice_silence(struct wire *wire, struct review *review, int64_t now)
{
    int64_t since = oldest(wire, now);

    if (since < wire->heard_at)
        since = wire->heard_at;
    if (wire->first && now - since > SILENCE_MS && !review->away)
        review_away(review, "the daemon does not answer", now);
}

bool wire_run(struct wire *wire, struct review *review, int64_t now)
{
    const struct request *request;
    struct modq_answer *answer;
    bool good = true;

    modq_process(wire->desk);
    while (good && (answer = modq_next(wire->desk, 0))) {
        good = deliver(wire, review, answer, now);
        modq_answer_free(answer);
    }
    while (good && (request = review_request(review)))
        good = add(wire, request, now);
    send_due(wire, review, now);
    modq_process(wire->desk);
    notice_silence(wire, review, now);
    return good && !review->failed;
}

int wire_fd(const struct wire *wire)
{
    return modq_fd(wire->desk);
}

int wire_wait_ms(const struct wire *wire, int64_t now)
{
    int wait = modq_wait_ms(wire->desk);

    for (const struct errand *errand = wire->first; errand; errand = errand->next) {
        int64_t left = errand->send_at > now ? errand->send_at - now : 0;
        if (!errand->under_way && (wait < 0 || left < wait))
            wait = (int)left;
    }
    return wait;
}
