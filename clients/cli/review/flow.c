/* What is on the table: claiming ahead, looking, holding, giving back. */
#include <stdlib.h>

#include "../say.h"
#include "inside.h"

/* ---- which one is before the moderator */

static void drop_visitors(struct review *r, size_t but)
{
    for (size_t i = r->cards.count; i-- > 0;)
        if (i != but && r->cards.item[i]->visiting) {
            cards_remove(&r->cards, i);
            but -= i < but;
            r->at -= i < r->at;
            r->list_at -= i < r->list_at;
        }
}

void flow_guard(struct review *r, int64_t ms, int64_t now)
{
    if (r->too_soon_ms > 0 && (now + ms > r->guard_until || r->guard_until - now > SURPRISE_MS))
        r->guard_until = now + ms;
}

/* A clock that was set back guards nothing. */
bool flow_is_guarded(const struct review *r, int64_t now)
{
    return now < r->guard_until && r->guard_until - now <= SURPRISE_MS;
}

/* Each look at a comment begins at its top, with what is known of it now. */
void flow_go(struct review *r, size_t at, int64_t now)
{
    r->at = at < r->cards.count ? at : 0;
    drop_visitors(r, r->at);
    struct card *card = review_current(r);
    if (!card || card->serial == r->focus)
        return;
    r->focus = card->serial;
    flow_guard(r, r->too_soon_ms, now);
    r->scroll = 0;
    if (card->details && now - card->shown_at > FRESH_MS)
        ask_show(r, card, now);
}

void flow_open(struct review *r, const json_t *card, int64_t now)
{
    size_t at = cards_find(&r->cards, card);

    if (at == SIZE_MAX) {
        at = r->at < r->cards.count ? r->at : r->cards.count;
        struct card *fresh = cards_insert(&r->cards, at, card);
        if (!fresh)
            return;
        fresh->visiting = true;
        ask_show(r, fresh, now);
    }
    flow_go(r, at, now);
}

/* ---- taking */

static json_t *names_in(const json_t *cards)
{
    json_t *names = json_array();

    for (size_t i = 0; i < json_array_size(cards); i++)
        json_array_append_new(names, name_of(json_array_get(cards, i)));
    return names;
}

/* Whoever reads a text that is changed under their eyes is told, and no key is for the new one yet. */
static void renew_card(struct review *r, struct card *card, const json_t *newer, int64_t now)
{
    uint64_t serial = card->serial;
    int64_t revision = look_int(card->card, "revision", 1);

    cards_renew(&r->cards, card, newer);
    if (card != review_current(r) || card->serial == serial)
        return;
    flow_guard(r, SURPRISE_MS, now);
    if (look_int(card->card, "revision", 1) != revision)
        notice_add(r, true, now, "its author has changed this comment just now; read it again");
}

void flow_shown(struct review *r, struct card *card, const json_t *answer, int64_t now)
{
    card_detail(card, answer);
    renew_card(r, card, json_object_get(answer, "card"), now);
}

/* The row of the list stays on its comment. */
static struct card *put_card(struct review *r, size_t place, const json_t *card)
{
    size_t count = r->cards.count;
    struct card *fresh = cards_insert(&r->cards, place, card);

    r->list_at += fresh && place <= r->list_at && r->list_at < count;
    return fresh;
}

static void take(struct review *r, const struct request *request, const json_t *card, size_t place, int64_t now)
{
    size_t at = cards_find(&r->cards, card);
    bool deciding = at == SIZE_MAX && judge_is_at(r, card);
    struct card *mine = at != SIZE_MAX ? r->cards.item[at] : deciding ? NULL : put_card(r, place, card);

    if (!mine)
        return;
    mine->held_until = request->made_at + r->lease_ms;
    mine->visiting = false;
    if (at == SIZE_MAX)
        ask_show(r, mine, now);
    else
        renew_card(r, mine, card, now);
}

static void tell_refused(struct review *r, const json_t *refused, int64_t now)
{
    for (size_t i = 0; i < json_array_size(refused); i++) {
        const json_t *one = json_array_get(refused, i);
        struct text line = {0};
        size_t at = cards_find(&r->cards, one);
        say_comment(&line, one);
        say(&line, ": ");
        say_error(&line, look_in(one, "error"));
        notice_text(r, true, now, &line);
        if (at != SIZE_MAX) {
            r->cards.item[at]->held_until = 0;
            ask_show(r, r->cards.item[at], now);
        }
    }
}

/* Whether a decision about what is on the screen is being made: nothing may take its place there. */
static bool is_judging(const struct review *r)
{
    return r->mode == MODE_REASONS || r->mode == MODE_EDIT || r->mode == MODE_ASK;
}

/* Before the one that is read, because it is to be read now; behind it while that one is being judged. */
static size_t place_for(const struct review *r, bool front)
{
    if (!front || r->at >= r->cards.count)
        return front ? 0 : r->cards.count;
    return is_judging(r) ? r->at + 1 : r->at;
}

static void go_to_arrival(struct review *r, const struct request *request, const json_t *cards, int64_t now)
{
    size_t at = cards_find(&r->cards, json_array_get(cards, 0));

    flow_go(r, at == SIZE_MAX ? 0 : at, now);
    if (look_bool(request->about, "unasked"))
        flow_guard(r, SURPRISE_MS, now);
}

void flow_take(struct review *r, const struct request *request, const json_t *answer, int64_t now)
{
    const json_t *cards = look_list(answer, "comments");
    bool front = look_bool(request->about, "front");
    bool first = r->cards.count == 0;
    size_t place = place_for(r, front);

    if (r->leaving || request->round != r->round) {
        ask_release(r, names_in(cards), now);
        return;
    }
    for (size_t i = 0; i < json_array_size(cards); i++)
        take(r, request, json_array_get(cards, i), front ? place + i : r->cards.count, now);
    tell_refused(r, look_list(answer, "refused"), now);
    if (json_array_size(cards) == 0)
        r->empty_claims++;
    else
        r->empty_claims = 0;
    if (first || (front && json_array_size(cards) > 0 && !is_judging(r)))
        go_to_arrival(r, request, cards, now);
}

static bool may_take(const struct review *r, const struct pick *filter, const json_t *card, int64_t now)
{
    return filter_fits(filter, card, now) && look_is(card, "state", "pending") &&
           cards_find(&r->cards, card) == SIZE_MAX && !look_text(card, "claimed_by").data;
}

static json_t *choose(const struct review *r, const struct pick *filter, const json_t *cards, size_t most, int64_t now)
{
    json_t *names = json_array();

    for (size_t i = 0; i < json_array_size(cards) && json_array_size(names) < most; i++) {
        const json_t *card = json_array_get(cards, i);
        if (may_take(r, filter, card, now))
            json_array_append_new(names, name_of(card));
    }
    return names;
}

static void list_author(struct review *r, const struct request *request, const json_t *answer, int64_t now)
{
    struct pick author = {.escalated = look_bool(request->about, "escalated")};

    if (filter_set(&author, FILTER_SITE, look_text(request->fields, "site")) &&
        filter_set(&author, FILTER_AUTHOR, look_text(request->fields, "author"))) {
        json_t *names = choose(r, &author, look_list(answer, "comments"), AHEAD_MOST, now);
        notice_add(r, json_array_size(names) == 0, now, "%zu more of this author wait", json_array_size(names));
        if (json_array_size(names) > 0)
            ask_named(r, names, ARRIVE_FIRST, now);
        else
            json_decref(names);
    }
    filter_free(&author);
}

/* Pages of the list until enough fit; from its beginning again, after a while, when it is at its end. */
void flow_list(struct review *r, const struct request *request, const json_t *answer, int64_t now)
{
    const json_t *next = look_list(answer, "next");
    size_t missing = r->wanted > (int)r->cards.count ? (size_t)r->wanted - r->cards.count : 0;

    if (request->round != r->round || r->leaving)
        return;
    if (request->wish == WISH_LIST_AUTHOR) {
        list_author(r, request, answer, now);
        return;
    }
    json_t *names = choose(r, &r->filter, look_list(answer, "comments"), missing, now);
    if (json_array_size(names) < missing) {
        json_decref(r->list_next);
        r->list_next = json_incref((json_t *)next);
        r->empty_claims = next ? 0 : r->empty_claims + 1;
    }
    if (json_array_size(names) > 0)
        ask_named(r, names, ARRIVE_BEHIND, now);
    else
        json_decref(names);
}

/* ---- holding */

json_t *flow_held(const struct review *r, int64_t now)
{
    json_t *names = json_array();

    for (size_t i = 0; i < r->cards.count; i++)
        if (card_is_held(r->cards.item[i], now))
            json_array_append_new(names, name_of(r->cards.item[i]->card));
    return names;
}

/* One that is no longer held is claimed anew: then we have it, or are told who has. */
void flow_renewed(struct review *r, const struct request *request, const json_t *answer, int64_t now)
{
    const json_t *results = look_list(answer, "results");
    json_t *lost = json_array();

    for (size_t i = 0; i < json_array_size(results); i++) {
        const json_t *result = json_array_get(results, i);
        size_t at = cards_find(&r->cards, result);
        if (at == SIZE_MAX)
            continue;
        if (look_is(result, "status", "renewed")) {
            r->cards.item[at]->held_until = request->made_at + r->lease_ms;
        } else {
            r->cards.item[at]->held_until = 0;
            json_array_append_new(lost, name_of(result));
        }
    }
    if (json_array_size(lost) > 0 && !r->leaving)
        ask_named(r, lost, ARRIVE_BEHIND, now);
    else
        json_decref(lost);
}

static void ask_renew(struct review *r, json_t *names, int64_t now)
{
    json_t *fields = json_object();

    json_object_set(fields, "comments", names);
    json_object_set_new(fields, "lease_ms", json_integer(r->lease_ms));
    ask(r, WISH_RENEW, NULL, fields, NULL, now);
}

/* Also when all of it was refused. */
static int64_t renew_pause_ms(const struct review *r)
{
    return r->lease_ms / 8 < POLL_FIRST_MS ? r->lease_ms / 8 : POLL_FIRST_MS;
}

static void renew(struct review *r, int64_t now)
{
    bool due = false;

    for (size_t i = 0; i < r->cards.count; i++)
        due = due || (card_is_held(r->cards.item[i], now) && r->cards.item[i]->held_until - now < r->lease_ms / 2);
    if (!due || is_asked(r, WISH_RENEW) || now - r->renew_at < renew_pause_ms(r))
        return;
    r->renew_at = now;
    json_t *held = flow_held(r, now);
    for (json_t *part; (part = names_part(r, held)); json_decref(part))
        ask_renew(r, part, now);
    json_decref(held);
}

/* Whoever comes back holds again what lapsed meanwhile, unless others took it. */
void flow_wake(struct review *r, int64_t now)
{
    json_t *names = json_array();

    r->idle = false;
    for (size_t i = 0; i < r->cards.count; i++)
        if (!r->cards.item[i]->visiting && !card_is_held(r->cards.item[i], now) &&
            json_array_size(names) < BRING_BACK_MOST)
            json_array_append_new(names, name_of(r->cards.item[i]->card));
    if (json_array_size(names) > 0)
        ask_named(r, names, ARRIVE_BEHIND, now);
    else
        json_decref(names);
}

/* ---- what is due */

static int64_t poll_ms(const struct review *r)
{
    int64_t ms = POLL_FIRST_MS * (int64_t)r->empty_claims;
    return ms < POLL_MOST_MS ? ms : POLL_MOST_MS;
}

static void claim(struct review *r, int64_t now)
{
    int missing = r->wanted - (int)r->cards.count;

    if (missing <= 0 || now < r->claim_at + poll_ms(r) || is_asked(r, WISH_CLAIM) || is_asked(r, WISH_LIST) ||
        is_asked(r, WISH_CLAIM_NAMED))
        return;
    r->claim_at = now;
    json_t *fields = filter_fields(&r->filter, now);
    if (filter_is_simple(&r->filter)) {
        json_object_set_new(fields, "limit", json_integer(missing));
        json_object_set_new(fields, "lease_ms", json_integer(r->lease_ms));
        ask(r, WISH_CLAIM, NULL, fields, NULL, now);
        return;
    }
    json_object_set_new(fields, "free", json_true());
    json_object_set_new(fields, "limit", json_integer(2 * AHEAD_MOST));
    if (r->list_next)
        json_object_set(fields, "after", r->list_next);
    ask(r, WISH_LIST, NULL, fields, NULL, now);
}

static void look_again(struct review *r, int64_t now)
{
    struct card *card = review_current(r);

    if (card && !is_asked(r, WISH_SHOW) && now - card->shown_at > LOOK_AGAIN_MS)
        ask_show(r, card, now);
}

static bool has_policy(const struct review *r, struct slice site)
{
    return json_object_getn(r->policies, site.data, site.len) != NULL;
}

static void fetch_policies(struct review *r, int64_t now)
{
    for (size_t i = 0; i < r->cards.count && !is_asked(r, WISH_POLICY); i++) {
        struct slice site = look_text(r->cards.item[i]->card, "site");
        if (!site.data || has_policy(r, site))
            continue;
        json_t *fields = json_object();
        put_text_key(fields, "site", site);
        ask(r, WISH_POLICY, NULL, fields, json_incref(fields), now);
    }
}

static void greet(struct review *r, int64_t now)
{
    if (now - r->hello_at >= HELLO_MS && !is_asked(r, WISH_HELLO)) {
        r->hello_at = now;
        ask(r, WISH_HELLO, NULL, json_object(), NULL, now);
    }
    if (now - r->stats_at >= STATS_MS && !is_asked(r, WISH_STATS)) {
        r->stats_at = now;
        ask(r, WISH_STATS, NULL, json_object(), NULL, now);
    }
}

void flow(struct review *r, int64_t now)
{
    if (r->leaving)
        return;
    greet(r, now);
    r->idle = r->idle || now - r->key_at > IDLE_MS;
    if (!r->idle) {
        renew(r, now);
        claim(r, now);
        look_again(r, now);
    }
    fetch_policies(r, now);
    if (r->mode == MODE_READ)
        flow_go(r, r->at, now);
}

void flow_filter(struct review *r, int64_t now)
{
    ask_release(r, flow_held(r, now), now);
    cards_clear(&r->cards);
    json_decref(r->list_next);
    r->list_next = NULL;
    r->round++;
    r->at = r->list_at = 0;
    r->wanted = r->ahead + 1;
    r->claim_at = 0;
    r->empty_claims = 0;
    r->mode = r->base = MODE_READ;
    r->stats_at = 0;
    flow(r, now);
}
