/* The comments on a moderator's table. */
#ifndef MODQ_REVIEW_CARD_H
#define MODQ_REVIEW_CARD_H

#include "look.h"

struct card {
    json_t *card;       /* as the daemon last gave it */
    json_t *details;    /* the answer to `show`; NULL: it has not come yet */
    int64_t held_until; /* by our clock; 0: not held, only looked at */
    uint64_t serial;    /* of what there is to read; never used twice in a sitting */
    int64_t shown_at;   /* when `show` was asked for; 0: never */
    bool visiting;      /* found by a search; goes away when it is left */
    bool marked;
};

struct cards {
    struct card **item;
    size_t count, cap;
    uint64_t last_serial;
};

/* Puts one at a place (copied reference). NULL: memory is out. */
struct card *cards_insert(struct cards *cards, size_t at, const json_t *card);

/* SIZE_MAX: it is not there. */
size_t cards_find(const struct cards *cards, const json_t *name);

void cards_remove(struct cards *cards, size_t at);
void cards_clear(struct cards *cards);

/* Takes what `show` or another answer says of it now. One that was revised, or whose state is another, is another thing
 * to read: it gets a new serial number. */
void cards_renew(struct cards *cards, struct card *card, const json_t *newer);
void card_detail(struct card *card, const json_t *details);

bool card_is_held(const struct card *card, int64_t now);
bool card_is_pending(const struct card *card);

#endif
