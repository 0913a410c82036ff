#include "card.h"

#include <stdlib.h>
#include <string.h>

static void card_free(struct card *card)
{
    if (!card)
        return;
    json_decref(card->card);
    json_decref(card->details);
    free(card);
}

static bool grow(struct cards *cards)
{
    size_t cap = cards->cap ? 2 * cards->cap : 16;

    if (cards->count < cards->cap)
        return true;
    struct card **item = realloc(cards->item, cap * sizeof(struct card *));
    if (!item)
        return false;
    cards->item = item;
    cards->cap = cap;
    return true;
}

struct card *cards_insert(struct cards *cards, size_t at, const json_t *card)
{
    struct card *fresh = grow(cards) ? calloc(1, sizeof(*fresh)) : NULL;

    if (!fresh)
        return NULL;
    fresh->card = json_incref((json_t *)card);
    fresh->serial = ++cards->last_serial;
    at = at < cards->count ? at : cards->count;
    memmove(&cards->item[at + 1], &cards->item[at], (cards->count - at) * sizeof(struct card *));
    cards->item[at] = fresh;
    cards->count++;
    return fresh;
}

size_t cards_find(const struct cards *cards, const json_t *name)
{
    for (size_t i = 0; i < cards->count; i++)
        if (same_comment(cards->item[i]->card, name))
            return i;
    return SIZE_MAX;
}

void cards_remove(struct cards *cards, size_t at)
{
    if (at >= cards->count)
        return;
    card_free(cards->item[at]);
    cards->count--;
    memmove(&cards->item[at], &cards->item[at + 1], (cards->count - at) * sizeof(struct card *));
}

void cards_clear(struct cards *cards)
{
    while (cards->count > 0)
        card_free(cards->item[--cards->count]);
    free(cards->item);
    *cards = (struct cards){0};
}

static bool is_another(const json_t *a, const json_t *b)
{
    return look_int(a, "revision", 1) != look_int(b, "revision", 1) ||
           !slice_equal(look_text(a, "state"), look_text(b, "state"));
}

void cards_renew(struct cards *cards, struct card *card, const json_t *newer)
{
    if (!json_is_object(newer))
        return;
    if (is_another(card->card, newer))
        card->serial = ++cards->last_serial;
    json_incref((json_t *)newer);
    json_decref(card->card);
    card->card = (json_t *)newer;
}

void card_detail(struct card *card, const json_t *details)
{
    json_incref((json_t *)details);
    json_decref(card->details);
    card->details = (json_t *)details;
}

bool card_is_held(const struct card *card, int64_t now)
{
    return card->held_until > now;
}

bool card_is_pending(const struct card *card)
{
    return look_is(card->card, "state", "pending");
}
