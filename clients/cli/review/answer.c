/* What the daemon said. */
#include <stdlib.h>

#include "../say.h"
#include "inside.h"

static void keep(json_t **place, const json_t *value)
{
    json_t *fresh = value ? json_incref((json_t *)value) : NULL;

    json_decref(*place);
    *place = fresh;
}

static void tell(struct review *r, const char *what, const json_t *error, int64_t now)
{
    struct text line = {0};

    say(&line, "%s: ", what);
    say_error(&line, error);
    notice_text(r, true, now, &line);
}

static void take_policy(struct review *r, const struct request *request, const json_t *answer)
{
    struct slice site = look_text(request->about, "site");

    json_object_setn_new(r->policies, site.data, site.len, answer ? json_incref((json_t *)answer) : json_object());
}

static void take_show(struct review *r, const struct request *request, const json_t *answer, const json_t *error,
                      int64_t now)
{
    size_t at = cards_find(&r->cards, request->about);

    if (at == SIZE_MAX)
        return;
    if (error)
        tell(r, "cannot show it", error, now);
    else
        flow_shown(r, r->cards.item[at], answer, now);
}

static bool is_open(const struct review *r, enum paper paper)
{
    return r->mode == MODE_PAPER && r->paper == paper;
}

static void take_paper(struct review *r, enum paper paper, const json_t *answer, const json_t *error, int64_t now)
{
    if (!is_open(r, paper) || is_asked(r, paper == PAPER_AUTHOR ? WISH_AUTHOR : WISH_HISTORY))
        return; /* closed, or opened anew for another comment, and this is the answer of the former */
    r->waiting = false;
    keep(&r->answer, answer);
    if (!error)
        return;
    tell(r, paper == PAPER_AUTHOR ? "author" : "history", error, now);
    go_back(r);
}

/* A daemon without `author` may have said it with the comment. */
static void take_author(struct review *r, const json_t *answer, const json_t *error, int64_t now)
{
    const struct card *card = review_current(r);
    const json_t *record = look_in(card ? card->details : NULL, "author_record");

    if (error && record && is_open(r, PAPER_AUTHOR)) {
        json_t *map = json_pack("{s:O}", "record", record);
        take_paper(r, PAPER_AUTHOR, map, NULL, now);
        json_decref(map);
    } else {
        take_paper(r, PAPER_AUTHOR, answer, error, now);
    }
}

static void take_hits(struct review *r, const json_t *answer, const json_t *error, int64_t now)
{
    if (r->mode != MODE_HITS || is_asked(r, WISH_SEARCH))
        return;
    r->waiting = false;
    keep(&r->hits, look_list(answer, "comments"));
    if (!error)
        return;
    tell(r, "search", error, now);
    go_back(r);
}

static void take_note(struct review *r, const struct request *request, const json_t *error, int64_t now)
{
    size_t at = cards_find(&r->cards, request->about);

    if (error) {
        tell(r, "the note was not kept", error, now);
        return;
    }
    notice_add(r, false, now, "noted");
    if (at != SIZE_MAX)
        ask_show(r, r->cards.item[at], now);
}

static void take_claim(struct review *r, const struct request *request, const json_t *answer, const json_t *error,
                       int64_t now)
{
    if (!error) {
        flow_take(r, request, answer, now);
        return;
    }
    r->empty_claims++;
    tell(r, "cannot claim", error, now);
}

static void take_list(struct review *r, const struct request *request, const json_t *answer, const json_t *error,
                      int64_t now)
{
    if (!error) {
        flow_list(r, request, answer, now);
        return;
    }
    r->empty_claims++;
    tell(r, "cannot list", error, now);
}

static void take_answer(struct review *r, const struct request *request, const json_t *answer, const json_t *error,
                        int64_t now)
{
    switch (request->wish) {
    case WISH_HELLO:
        keep(&r->you, error ? r->you : answer);
        break;
    case WISH_STATS:
        keep(&r->stats, error ? r->stats : answer);
        r->gone = 0;
        break;
    case WISH_POLICY:
        take_policy(r, request, error ? NULL : answer);
        break;
    case WISH_CLAIM:
    case WISH_CLAIM_NAMED:
        take_claim(r, request, answer, error, now);
        break;
    case WISH_LIST:
    case WISH_LIST_AUTHOR:
        take_list(r, request, answer, error, now);
        break;
    case WISH_SHOW:
        take_show(r, request, answer, error, now);
        break;
    case WISH_RENEW:
        flow_renewed(r, request, answer, now);
        break;
    case WISH_RELEASE:
        break;
    case WISH_DECIDE:
        judge_answer(r, request, answer, error, now);
        break;
    case WISH_UNDO:
        judge_undone(r, request, answer, error, now);
        break;
    case WISH_NOTE:
        take_note(r, request, error, now);
        break;
    case WISH_SEARCH:
        take_hits(r, answer, error, now);
        break;
    case WISH_HISTORY:
        take_paper(r, PAPER_HISTORY, answer, error, now);
        break;
    case WISH_AUTHOR:
        take_author(r, answer, error, now);
        break;
    }
}

void review_answer(struct review *r, uint64_t id, const json_t *answer, const json_t *error, int64_t now)
{
    struct request *found = asked_of(r, id);

    r->away = false;
    if (!found)
        return;
    struct request request = *found; /* its place is needed for what follows from the answer */
    request.fields = json_incref(found->fields);
    request.about = json_incref(found->about);
    ask_forget(r, found);
    take_answer(r, &request, answer, error, now);
    json_decref(request.fields);
    json_decref(request.about);
    flow(r, now);
}
