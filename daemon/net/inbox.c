#include "inbox.h"

#include "../work/grant.h"

void box_init(struct box *box)
{
    *box = (struct box){.end = &box->first};
}

void box_put(struct box *box, struct request *request)
{
    request->next = NULL;
    *box->end = request;
    box->end = &request->next;
    box->requests++;
}

struct request *box_take_all(struct box *box)
{
    struct request *first = box->first;

    box_init(box);
    return first;
}

static struct request *box_take(struct box *box)
{
    struct request *request = box->first;

    box->first = request->next;
    if (!box->first)
        box->end = &box->first;
    box->requests--;
    return request;
}

void inbox_init(struct inbox *inbox, bool fair)
{
    *inbox = (struct inbox){.rows = fair ? INBOX_ROWS : 1};
    box_init(&inbox->first);
    for (size_t i = 0; i < INBOX_ROWS; i++)
        box_init(&inbox->row[i]);
}

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */
static size_t hash_of(const struct peer *peer)
{
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < peer->routing_id_len; i++)
        hash = (hash ^ peer->routing_id[i]) * 16777619U;
    return hash ^ peer->gate;
}

static struct box *row_for(struct inbox *inbox, const struct request *request)
{
    size_t who = request->grant && request->grant->key ? (size_t)request->grant->key : hash_of(&request->peer);

    return &inbox->row[who % inbox->rows];
}

static void put(struct inbox *inbox, struct box *box, struct request *request)
{
    box_put(box, request);
    inbox->requests++;
    inbox->bytes += (int64_t)request->cost;
}

void inbox_put(struct inbox *inbox, struct request *request)
{
    put(inbox, row_for(inbox, request), request);
}

void inbox_put_first(struct inbox *inbox, struct request *request)
{
    put(inbox, &inbox->first, request);
}

/* The box whose turn it is; one of them holds something. */
static struct box *turn(struct inbox *inbox)
{
    if (inbox->first.first)
        return &inbox->first;
    while (!inbox->row[inbox->next].first)
        inbox->next = (inbox->next + 1) % inbox->rows;
    struct box *box = &inbox->row[inbox->next];
    inbox->next = (inbox->next + 1) % inbox->rows;
    return box;
}

struct request *inbox_take(struct inbox *inbox, int64_t most, int64_t *taken)
{
    struct box list;

    box_init(&list);
    while (inbox->requests > 0 && list.requests < most) {
        struct request *request = box_take(turn(inbox));
        inbox->requests--;
        inbox->bytes -= (int64_t)request->cost;
        box_put(&list, request);
    }
    *taken = list.requests;
    return list.first;
}
