#include <stdlib.h>
#include <string.h>

#include "inside.h"

static const struct {
    const char *operation;
    bool changing;
} wishes[] = {
    [WISH_HELLO] = {"hello", false},      [WISH_STATS] = {"stats", false},      [WISH_POLICY] = {"policy", false},
    [WISH_CLAIM] = {"claim", true},       [WISH_CLAIM_NAMED] = {"claim", true}, [WISH_LIST] = {"list", false},
    [WISH_LIST_AUTHOR] = {"list", false}, [WISH_SHOW] = {"show", false},        [WISH_RENEW] = {"renew", true},
    [WISH_RELEASE] = {"release", true},   [WISH_DECIDE] = {NULL, true},         [WISH_UNDO] = {"undo", true},
    [WISH_NOTE] = {"note", true},         [WISH_SEARCH] = {"search", false},    [WISH_HISTORY] = {"history", false},
    [WISH_AUTHOR] = {"author", false},
};

static bool grow(struct review *r)
{
    size_t cap = r->requests_cap ? 2 * r->requests_cap : 16;

    if (r->requests < r->requests_cap)
        return true;
    struct request *request = realloc(r->request, cap * sizeof(struct request));
    if (!request)
        return false;
    r->request = request;
    r->requests_cap = cap;
    return true;
}

struct request *ask(struct review *r, enum wish wish, const char *operation, json_t *fields, json_t *about, int64_t now)
{
    if (!fields || !grow(r)) {
        json_decref(fields);
        json_decref(about);
        r->failed = true;
        return NULL;
    }
    struct request *request = &r->request[r->requests++];
    *request = (struct request){
        .id = ++r->last_id,
        .wish = wish,
        .operation = operation ? operation : wishes[wish].operation,
        .changing = wishes[wish].changing,
        .made_at = now,
        .round = r->round,
        .fields = fields,
        .about = about,
    };
    return request;
}

bool is_asked(const struct review *r, enum wish wish)
{
    for (size_t i = 0; i < r->requests; i++)
        if (r->request[i].wish == wish)
            return true;
    return false;
}

struct request *asked_of(const struct review *r, uint64_t id)
{
    for (size_t i = 0; i < r->requests; i++)
        if (r->request[i].id == id)
            return &r->request[i];
    return NULL;
}

void ask_forget(struct review *r, struct request *request)
{
    size_t at = (size_t)(request - r->request);

    json_decref(request->fields);
    json_decref(request->about);
    r->requests--;
    memmove(request, request + 1, (r->requests - at) * sizeof(*request));
}

const struct request *review_request(struct review *r)
{
    for (size_t i = 0; i < r->requests; i++)
        if (!r->request[i].handed_out) {
            r->request[i].handed_out = true;
            return &r->request[i];
        }
    return NULL;
}

void ask_named(struct review *r, json_t *names, enum arrival arrival, int64_t now)
{
    json_t *fields = json_object();
    json_t *about = json_pack("{s:b, s:b}", "front", arrival != ARRIVE_BEHIND, "unasked", arrival == ARRIVE_BACK);

    json_object_set_new(fields, "comments", names);
    json_object_set_new(fields, "lease_ms", json_integer(r->lease_ms));
    ask(r, WISH_CLAIM_NAMED, NULL, fields, about, now);
}

/* What the daemon takes at a time. */
static size_t batch_most(const struct review *r)
{
    int64_t most = look_int(look_in(r->you, "limits"), "max_batch", BATCH_MOST);
    return most >= 1 && most < BATCH_MOST ? (size_t)most : BATCH_MOST;
}

json_t *names_part(const struct review *r, json_t *names)
{
    json_t *part = json_array();

    while (json_array_size(names) > 0 && json_array_size(part) < batch_most(r)) {
        json_array_append(part, json_array_get(names, 0));
        json_array_remove(names, 0);
    }
    if (json_array_size(part) > 0)
        return part;
    json_decref(part);
    return NULL;
}

void ask_release(struct review *r, json_t *names, int64_t now)
{
    for (json_t *part; (part = names_part(r, names));) {
        json_t *fields = json_object();
        json_object_set_new(fields, "comments", part);
        ask(r, WISH_RELEASE, NULL, fields, NULL, now);
    }
    json_decref(names);
}

void ask_show(struct review *r, struct card *card, int64_t now)
{
    card->shown_at = now;
    ask(r, WISH_SHOW, NULL, name_of(card->card), name_of(card->card), now);
}
