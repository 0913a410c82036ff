#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "../say.h"
#include "inside.h"

/* ---- beginning and end */

static bool copy_filter(struct pick *to, const struct pick *from)
{
    *to = (struct pick){.older_ms = from->older_ms,
                        .newer_ms = from->newer_ms,
                        .reported = from->reported,
                        .escalated = from->escalated};
    for (int i = 0; i < FILTER_TEXTS; i++)
        if (from->text[i] && !filter_set(to, i, slice_of(from->text[i])))
            return false;
    return true;
}

bool review_open(struct review *r, const struct review_options *options)
{
    *r = (struct review){
        .ahead = options->ahead,
        .wanted = options->ahead + 1,
        .lease_ms = options->lease_ms,
        .too_soon_ms = options->too_soon_ms,
        .page = 10,
        .policies = json_object(),
        .reasons = json_array(),
        .language = options->language ? strdup(options->language) : NULL,
    };
    return copy_filter(&r->filter, &options->filter) && r->policies && r->reasons &&
           (r->language || !options->language);
}

static void free_lists(struct review *r)
{
    while (r->requests > 0)
        ask_forget(r, &r->request[r->requests - 1]);
    for (size_t i = 0; i < r->dones; i++)
        json_decref(r->done[i].items);
    for (size_t i = 0; i < r->notices; i++)
        free(r->notice[i].text);
    free(r->request);
    free(r->done);
    free(r->notice);
}

void review_close(struct review *r)
{
    json_t *values[] = {r->list_next, r->targets, r->reasons, r->answer, r->hits, r->you, r->stats, r->policies};

    cards_clear(&r->cards);
    free_lists(r);
    filter_free(&r->filter);
    edit_free(&r->edit);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        json_decref(values[i]);
    free(r->language);
    free(r->searched);
    free(r->away_why);
    *r = (struct review){0};
}

void review_start(struct review *r, int64_t now)
{
    r->key_at = now;
    flow(r, now);
}

void review_time(struct review *r, int64_t now)
{
    flow(r, now);
}

void review_away(struct review *r, const char *why, int64_t now)
{
    if (!r->away)
        r->away_since = now;
    r->away = true;
    free(r->away_why);
    r->away_why = strdup(why);
}

void review_leave(struct review *r, int64_t now)
{
    if (r->leaving)
        return;
    r->leaving = true;
    ask_release(r, flow_held(r, now), now);
    cards_clear(&r->cards);
    go_back(r);
}

static bool matters_at_the_end(enum wish wish)
{
    return wish == WISH_DECIDE || wish == WISH_UNDO || wish == WISH_NOTE || wish == WISH_RELEASE ||
           wish == WISH_CLAIM || wish == WISH_CLAIM_NAMED;
}

bool review_is_over(const struct review *r)
{
    for (size_t i = 0; i < r->requests; i++)
        if (matters_at_the_end(r->request[i].wish))
            return false;
    return r->leaving;
}

size_t review_unanswered(const struct review *r)
{
    size_t count = 0;

    for (size_t i = 0; i < r->requests; i++) {
        enum wish wish = r->request[i].wish;
        count += wish == WISH_DECIDE || wish == WISH_UNDO || wish == WISH_NOTE;
    }
    return count;
}

bool review_is_settled(const struct review *r)
{
    return review_unanswered(r) == 0 && !is_asked(r, WISH_CLAIM_NAMED) && !is_asked(r, WISH_LIST_AUTHOR) &&
           !is_asked(r, WISH_POLICY);
}

/* ---- for those who show it */

struct card *review_current(const struct review *r)
{
    return r->at < r->cards.count ? r->cards.item[r->at] : NULL;
}

size_t review_marked(const struct review *r)
{
    size_t count = 0;

    for (size_t i = 0; i < r->cards.count; i++)
        count += r->cards.item[i]->marked;
    return count;
}

int64_t review_waiting(const struct review *r)
{
    const json_t *sites = look_list(r->stats, "sites");
    const char *wanted = r->filter.text[FILTER_SITE];
    int64_t count = 0;

    if (!sites)
        return -1;
    for (size_t i = 0; i < json_array_size(sites); i++) {
        const json_t *site = json_array_get(sites, i);
        if (!wanted || slice_is(look_text(site, "site"), wanted))
            count += look_int(site, r->filter.escalated ? "escalated" : "pending", 0);
    }
    return count > r->gone ? count - r->gone : 0;
}

/* ---- modes */

void go_back(struct review *r)
{
    r->mode = r->base;
    r->waiting = false;
}

void open_paper(struct review *r, enum paper paper, bool waiting)
{
    r->paper = paper;
    r->mode = MODE_PAPER;
    r->paged = 0;
    r->waiting = waiting;
    json_decref(r->answer);
    r->answer = NULL;
}

/* Past the end is cut to the last page by whoever shows it. */
static bool scroll(int *place, int32_t key, int page)
{
    switch (key) {
    case KEY_OF_UP:
    case 'k':
        *place -= *place > 0;
        return true;
    case KEY_OF_DOWN:
    case 'j':
        ++*place;
        return true;
    case KEY_OF_PAGE_UP:
    case CONTROL('b'):
        *place = *place > page ? *place - page : 0;
        return true;
    case KEY_OF_PAGE_DOWN:
    case CONTROL('f'):
        *place += page;
        return true;
    case KEY_OF_HOME:
    case 'g':
        *place = 0;
        return true;
    case KEY_OF_END:
    case 'G':
        *place = SCROLL_END;
        return true;
    default:
        return false;
    }
}

/* ---- what one asks for about a comment */

static void ask_history(struct review *r, int64_t now)
{
    const struct card *card = review_current(r);

    if (!card)
        return;
    open_paper(r, PAPER_HISTORY, true);
    ask(r, WISH_HISTORY, NULL, name_of(card->card), NULL, now);
}

static struct slice author_of(const struct card *card)
{
    return look_text(look_in(card ? card->card : NULL, "author"), "id");
}

static void ask_author(struct review *r, int64_t now)
{
    const struct card *card = review_current(r);

    if (!author_of(card).data) {
        notice_add(r, true, now, "the site did not say who wrote it");
        return;
    }
    open_paper(r, PAPER_AUTHOR, true);
    json_t *fields = json_object();
    put_text_key(fields, "site", look_text(card->card, "site"));
    put_text_key(fields, "author", author_of(card));
    ask(r, WISH_AUTHOR, NULL, fields, NULL, now);
}

static void ask_others_of_author(struct review *r, int64_t now)
{
    const struct card *card = review_current(r);

    if (!author_of(card).data) {
        notice_add(r, true, now, "the site did not say who wrote it");
        return;
    }
    if (is_asked(r, WISH_LIST_AUTHOR))
        return;
    json_t *fields = json_pack("{s:b, s:i}", "free", true, "limit", 500);
    put_text_key(fields, "site", look_text(card->card, "site"));
    put_text_key(fields, "author", author_of(card));
    if (look_is(card->card, "lane", "escalated"))
        json_object_set_new(fields, "lane", json_string("escalated"));
    json_t *about = json_pack("{s:b}", "escalated", look_is(card->card, "lane", "escalated"));
    ask(r, WISH_LIST_AUTHOR, NULL, fields, about, now);
}

static void begin_note(struct review *r)
{
    const struct card *card = review_current(r);

    if (!card)
        return;
    json_decref(r->targets);
    r->targets = json_array();
    json_array_append_new(r->targets, name_of(card->card));
    typing_begin(r, EDIT_NOTE, SLICE_LIT(""));
}

/* ---- keys */

static void step(struct review *r, int by, int64_t now)
{
    size_t count = r->cards.count;

    if (count > 0)
        flow_go(r, (r->at + count + (size_t)(by < 0 ? count - 1 : 1)) % count, now);
}

/* Enter leaves a comment that is not pending any more; a pending one has to be decided or skipped. */
static void pass(struct review *r, int64_t now)
{
    const struct card *card = review_current(r);

    if (card && !card_is_pending(card)) {
        cards_remove(&r->cards, r->at);
        flow_go(r, r->at, now);
    }
}

/* Keys that mean the same before one comment and before the list. */
static bool key_common(struct review *r, int32_t key, int64_t now)
{
    switch (key) {
    case 'a':
        judge_begin(r, APPROVE, now);
        return true;
    case 'r':
        judge_begin(r, REJECT, now);
        return true;
    case 's':
        judge_begin(r, SKIP, now);
        return true;
    case 'e':
        judge_begin(r, ESCALATE, now);
        return true;
    case 'u':
        judge_undo(r, now);
        return true;
    case '/':
        typing_begin(r, EDIT_SEARCH, slice_of(r->searched ? r->searched : ""));
        return true;
    case 'f':
        r->mode = MODE_FILTER;
        return true;
    case 'm':
        open_paper(r, PAPER_MESSAGES, false);
        r->paged = SCROLL_END;
        return true;
    case '?':
        open_paper(r, PAPER_HELP, false);
        return true;
    case 'q':
    case CONTROL('c'):
        review_leave(r, now);
        return true;
    default:
        return false;
    }
}

static void key_read(struct review *r, int32_t key, int64_t now)
{
    switch (key) {
    case KEY_OF_TAB:
    case 'l':
        r->mode = r->base = MODE_LIST;
        r->guard_until = 0; /* what follows is meant for the list */
        r->list_at = r->at < r->cards.count ? r->at : 0;
        break;
    case ' ':
        if (review_current(r))
            review_current(r)->marked = !review_current(r)->marked;
        break;
    case 'A':
        ask_others_of_author(r, now);
        break;
    case 'n':
        begin_note(r);
        break;
    case 'h':
        ask_history(r, now);
        break;
    case 'o':
        ask_author(r, now);
        break;
    case ']':
    case 'J':
    case KEY_OF_RIGHT:
        step(r, 1, now);
        break;
    case '[':
    case 'K':
    case KEY_OF_LEFT:
        step(r, -1, now);
        break;
    case KEY_OF_ENTER:
        pass(r, now);
        break;
    default:
        if (!scroll(&r->scroll, key, r->page) && !key_common(r, key, now))
            notice_add(r, false, now, "that key does nothing here; ? lists the keys");
    }
}

static void mark_all(struct review *r)
{
    bool all = review_marked(r) == r->cards.count;

    for (size_t i = 0; i < r->cards.count; i++)
        r->cards.item[i]->marked = !all;
}

static bool move_in(size_t *at, size_t count, int32_t key, int page)
{
    size_t last = count ? count - 1 : 0;
    size_t by = (size_t)(page > 1 ? page : 1);

    switch (key) {
    case KEY_OF_UP:
    case 'k':
        *at -= *at > 0;
        return true;
    case KEY_OF_DOWN:
    case 'j':
        *at += *at < last;
        return true;
    case KEY_OF_PAGE_UP:
        *at = *at > by ? *at - by : 0;
        return true;
    case KEY_OF_PAGE_DOWN:
        *at = *at + by < last ? *at + by : last;
        return true;
    case KEY_OF_HOME:
    case 'g':
        *at = 0;
        return true;
    case KEY_OF_END:
    case 'G':
        *at = last;
        return true;
    default:
        return false;
    }
}

static void leave_list(struct review *r, size_t at, int64_t now)
{
    r->mode = r->base = MODE_READ;
    flow_go(r, at, now);
}

static void key_list(struct review *r, int32_t key, int64_t now)
{
    switch (key) {
    case ' ':
        if (r->list_at < r->cards.count)
            r->cards.item[r->list_at]->marked = !r->cards.item[r->list_at]->marked;
        r->list_at += r->list_at + 1 < r->cards.count;
        break;
    case '*':
        mark_all(r);
        break;
    case '+':
        r->wanted = r->wanted + 10 < AHEAD_MOST ? r->wanted + 10 : AHEAD_MOST;
        r->empty_claims = 0;
        break;
    case KEY_OF_ENTER:
        leave_list(r, r->list_at, now);
        break;
    case KEY_OF_TAB:
    case 'l':
    case KEY_OF_ESCAPE:
        leave_list(r, r->at, now);
        break;
    default:
        if (!move_in(&r->list_at, r->cards.count, key, r->page) && !key_common(r, key, now))
            notice_add(r, false, now, "that key does nothing here; ? lists the keys");
    }
}

static void key_hits(struct review *r, int32_t key, int64_t now)
{
    const json_t *hit = json_array_get(r->hits, r->hit_at);

    if (key == KEY_OF_ENTER && hit) {
        r->mode = r->base = MODE_READ;
        r->waiting = false;
        flow_open(r, hit, now);
    } else if (key == '/') {
        typing_begin(r, EDIT_SEARCH, slice_of(r->searched));
    } else if (key == 'q') {
        go_back(r);
    } else {
        move_in(&r->hit_at, json_array_size(r->hits), key, r->page);
    }
}

static void key_ask(struct review *r, int32_t key, int64_t now)
{
    r->mode = r->base;
    if (key == 'y')
        judge_agreed(r, now);
}

static void key_paper(struct review *r, int32_t key)
{
    if (!scroll(&r->paged, key, r->page))
        go_back(r);
}

static void key_by_mode(struct review *r, int32_t key, int64_t now)
{
    switch (r->mode) {
    case MODE_READ:
        key_read(r, key, now);
        break;
    case MODE_LIST:
        key_list(r, key, now);
        break;
    case MODE_HITS:
        key_hits(r, key, now);
        break;
    case MODE_PAPER:
        key_paper(r, key);
        break;
    case MODE_REASONS:
        if (key < KEY_OF_UP || !scroll(&r->paged, key, r->page))
            judge_reasons(r, key, now);
        break;
    case MODE_EDIT:
        typing_key(r, key, now);
        break;
    case MODE_ASK:
        key_ask(r, key, now);
        break;
    case MODE_FILTER:
        filter_key(r, key, now);
        break;
    }
}

/* After a long pause the first key only says that somebody is there: what is on the table may not be ours any more. */
void review_key(struct review *r, int32_t key, int64_t now)
{
    bool woken = r->idle;

    r->key_at = now;
    if (r->leaving)
        return;
    if (woken) {
        flow_wake(r, now);
    } else if (key == KEY_OF_ESCAPE && r->mode != MODE_LIST) {
        r->notice_read = true;
        go_back(r);
    } else {
        r->notice_read = r->notices > 0 && now - r->notice[r->notices - 1].at > NOTICE_MS;
        key_by_mode(r, key, now);
    }
    flow(r, now);
}
