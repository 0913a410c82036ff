/* Decisions, and what undoes them. A decision leaves at once and the next comment is there; what the daemon says to it
 * comes later, and brings the comment back where it has to. */
#include <stdlib.h>

#include "../say.h"
#include "inside.h"

static const struct {
    const char *operation, *done;
} words[] = {
    [APPROVE] = {"approve", "approved"},
    [REJECT] = {"reject", "rejected"},
    [ESCALATE] = {"escalate", "escalated"},
    [SKIP] = {"skip", "skipped"},
};

/* ---- for which comments */

/* What is to be decided of this card: as it was read, so that the daemon can see that it is still so. */
static json_t *target_of(const struct card *card)
{
    json_t *target = name_of(card->card);

    json_object_set_new(target, "revision", json_integer(look_int(card->card, "revision", 1)));
    if (!card_is_pending(card))
        json_object_set_new(target, "seq", json_integer(look_int(card->card, "seq", 0)));
    return target;
}

/* Marked ones are decided together, and only pending ones: to replace a decision is for one comment at a time. */
static void target_marked(struct review *r)
{
    for (size_t i = 0; i < r->cards.count; i++)
        if (r->cards.item[i]->marked && card_is_pending(r->cards.item[i]))
            json_array_append_new(r->targets, target_of(r->cards.item[i]));
}

static void choose_targets(struct review *r)
{
    size_t at = r->base == MODE_LIST ? r->list_at : r->at;

    json_decref(r->targets);
    r->targets = json_array();
    json_array_clear(r->reasons);
    if (r->base == MODE_LIST && review_marked(r) > 0)
        target_marked(r);
    else if (at < r->cards.count)
        json_array_append_new(r->targets, target_of(r->cards.item[at]));
}

static struct card *lone_target(const struct review *r)
{
    size_t at = json_array_size(r->targets) == 1 ? cards_find(&r->cards, json_array_get(r->targets, 0)) : SIZE_MAX;
    return at == SIZE_MAX ? NULL : r->cards.item[at];
}

/* Withdrawn and erased comments, and those that are approved already, have nothing to decide. */
static bool can_be_decided(struct review *r, int64_t now)
{
    struct card *card = lone_target(r);
    bool decided = card && (look_is(card->card, "state", "approved") || look_is(card->card, "state", "rejected"));

    if (!card || card_is_pending(card))
        return json_array_size(r->targets) > 0;
    if (decided && (r->asking == REJECT || (r->asking == APPROVE && look_is(card->card, "state", "rejected"))))
        return true;
    struct slice state = look_text(card->card, "state");
    notice_add(r, true, now, "this comment is %.*s; Enter goes on to the next one", (int)state.len, state.data);
    return false;
}

static void go_on(struct review *r, int64_t now)
{
    if (r->asking == REJECT) {
        r->mode = MODE_REASONS;
        r->paged = 0;
    } else if (r->asking == ESCALATE) {
        typing_begin(r, EDIT_ESCALATE, SLICE_LIT(""));
    } else {
        judge_send(r, SLICE_NONE, now);
    }
}

void judge_begin(struct review *r, enum decision what, int64_t now)
{
    if (flow_is_guarded(r, now)) {
        flow_guard(r, r->too_soon_ms, now); /* a key that is held down repeats, and none of them is meant */
        notice_add(r, true, now, "that key came before this comment could be read; press it again");
        return;
    }
    r->asking = what;
    choose_targets(r);
    if (!can_be_decided(r, now))
        return;
    struct card *card = lone_target(r);
    if (card && r->base == MODE_LIST) /* what is asked about it is asked beside its text */
        flow_go(r, r->list_at, now);
    if (card && !card_is_pending(card))
        r->mode = MODE_ASK;
    else
        go_on(r, now);
}

void judge_agreed(struct review *r, int64_t now)
{
    go_on(r, now);
}

/* ---- reasons */

static const json_t *policy_of(const struct review *r, struct slice site)
{
    return look_in(json_object_getn(r->policies, site.data ? site.data : "", site.len), "policy");
}

const json_t *review_reason(const struct review *r, size_t i)
{
    struct slice site = look_text(json_array_get(r->targets, 0), "site");
    return json_array_get(look_list(policy_of(r, site), "reasons"), i);
}

int32_t review_reason_key(size_t i)
{
    static const char keys[] = "1234567890abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return i + 1 < sizeof(keys) ? keys[i] : 0;
}

static size_t chosen_at(const struct review *r, const json_t *reason)
{
    struct slice code = look_text(reason, "code");

    for (size_t i = 0; i < json_array_size(r->reasons); i++)
        if (slice_equal(look_string(json_array_get(r->reasons, i)), code))
            return i;
    return SIZE_MAX;
}

bool review_reason_chosen(const struct review *r, const json_t *reason)
{
    return chosen_at(r, reason) != SIZE_MAX;
}

struct slice review_reason_title(const struct review *r, const json_t *reason)
{
    const json_t *titles = look_in(reason, "title");
    struct slice title = r->language ? look_text(titles, r->language) : SLICE_NONE;

    if (!title.data)
        title = look_text(titles, "en");
    if (!title.data)
        title = look_string(json_object_iter_value(json_object_iter((json_t *)titles)));
    return title.data ? title : look_text(reason, "code");
}

struct slice review_title_of(const struct review *r, struct slice site, struct slice code)
{
    const json_t *reasons = look_list(policy_of(r, site), "reasons");

    for (size_t i = 0; i < json_array_size(reasons); i++)
        if (slice_equal(look_text(json_array_get(reasons, i), "code"), code))
            return review_reason_title(r, json_array_get(reasons, i));
    return code;
}

static void toggle(struct review *r, const json_t *reason, int64_t now)
{
    size_t at = chosen_at(r, reason);

    if (at != SIZE_MAX)
        json_array_remove(r->reasons, at);
    else if (json_array_size(r->reasons) < REASONS_MOST)
        json_array_append(r->reasons, json_object_get(reason, "code"));
    else
        notice_add(r, true, now, "no more than %d reasons", REASONS_MOST);
}

static bool note_is_needed(const struct review *r)
{
    const json_t *reason;

    for (size_t i = 0; (reason = review_reason(r, i)); i++)
        if (review_reason_chosen(r, reason) && look_bool(reason, "needs_note"))
            return true;
    return false;
}

static void confirm_reasons(struct review *r, bool note, int64_t now)
{
    if (json_array_size(r->reasons) == 0)
        notice_add(r, true, now, "choose a reason by its key; Escape leaves the comment undecided");
    else if (note || note_is_needed(r))
        typing_begin(r, EDIT_REJECT, SLICE_LIT(""));
    else
        judge_send(r, SLICE_NONE, now);
}

void judge_reasons(struct review *r, int32_t key, int64_t now)
{
    const json_t *reason;

    if (key == KEY_OF_ENTER || key == KEY_OF_TAB) {
        confirm_reasons(r, key == KEY_OF_TAB, now);
        return;
    }
    for (size_t i = 0; (reason = review_reason(r, i)); i++)
        if (key == review_reason_key(i)) {
            toggle(r, reason, now);
            return;
        }
    notice_add(r, true, now, "no reason has that key");
}

/* ---- sending */

static json_t *decision_fields(const struct review *r, struct slice note)
{
    json_t *fields = json_object();
    const json_t *first = json_array_get(r->targets, 0);

    json_object_set(fields, "comments", r->targets);
    if (r->asking == REJECT)
        json_object_set_new(fields, "reasons", json_deep_copy(r->reasons));
    if (note.len > 0)
        put_text_key(fields, "note", note);
    if (json_object_get(first, "seq"))
        json_object_set_new(fields, "supersede", json_true());
    return fields;
}

static bool remember(struct review *r, uint64_t request)
{
    size_t cap = r->dones_cap ? 2 * r->dones_cap : 64;

    if (r->dones == r->dones_cap) {
        struct done *done = realloc(r->done, cap * sizeof(struct done));
        if (!done)
            return false;
        r->done = done;
        r->dones_cap = cap;
    }
    r->done[r->dones++] = (struct done){.request = request, .what = r->asking, .items = json_deep_copy(r->targets)};
    return true;
}

static void leave_table(struct review *r, int64_t now)
{
    if (r->base == MODE_LIST) /* another one comes under the cursor */
        flow_guard(r, r->too_soon_ms, now);
    for (size_t i = 0; i < json_array_size(r->targets); i++) {
        size_t at = cards_find(&r->cards, json_array_get(r->targets, i));
        cards_remove(&r->cards, at);
        if (at != SIZE_MAX) {
            r->at -= at < r->at;
            r->list_at -= at < r->list_at;
        }
    }
    if (r->list_at >= r->cards.count)
        r->list_at = r->cards.count ? r->cards.count - 1 : 0;
}

void judge_send(struct review *r, struct slice note, int64_t now)
{
    json_t *about = json_pack("{s:i, s:O}", "what", (int)r->asking, "items", r->targets);
    struct request *request = ask(r, WISH_DECIDE, words[r->asking].operation, decision_fields(r, note), about, now);

    if (!request)
        return;
    r->failed = !remember(r, request->id) || r->failed;
    leave_table(r, now);
    json_decref(r->targets);
    r->targets = NULL;
    r->scroll = 0;
    go_back(r);
    flow_go(r, r->at, now);
}

bool judge_is_at(const struct review *r, const json_t *name)
{
    for (size_t i = 0; i < r->requests; i++) {
        const json_t *items = r->request[i].wish == WISH_DECIDE ? look_list(r->request[i].about, "items") : NULL;
        for (size_t j = 0; j < json_array_size(items); j++)
            if (same_comment(json_array_get(items, j), name))
                return true;
    }
    return false;
}

/* ---- what the daemon said to it */

static struct done *done_of(struct review *r, uint64_t request)
{
    for (size_t i = r->dones; i-- > 0;)
        if (r->done[i].request == request)
            return &r->done[i];
    return NULL;
}

static int *count_of(struct review *r, enum decision what)
{
    int *counts[] = {
        [APPROVE] = &r->approved, [REJECT] = &r->rejected, [ESCALATE] = &r->escalated, [SKIP] = &r->skipped};
    return counts[what];
}

static void count_one(struct review *r, enum decision what)
{
    ++*count_of(r, what);
    r->gone += what != SKIP;
}

/* Those that can still be decided by us as things stand. */
static bool comes_back(const json_t *error)
{
    return !look_is(error, "name", "already_decided") && !look_is(error, "name", "claimed") &&
           !look_is(error, "name", "withdrawn") && !look_is(error, "name", "erased") &&
           !look_is(error, "name", "not_found");
}

static void say_refusal(struct review *r, const json_t *name, enum decision what, const json_t *error, int64_t now)
{
    struct text line = {0};

    say_comment(&line, name);
    say(&line, " not %s: ", words[what].done);
    say_error(&line, error);
    notice_text(r, true, now, &line);
}

static void say_second_look(struct review *r, const json_t *result, int64_t now)
{
    if (look_bool(result, "second_look"))
        notice_add(r, false, now, "that was a second look: %s",
                   look_bool(result, "agreed") ? "the first moderator decided as you did"
                                               : "the first moderator decided otherwise; it is escalated");
}

static void take_result(struct review *r, struct done *done, size_t i, enum decision what, const json_t *result,
                        json_t *back, int64_t now)
{
    const json_t *error = look_in(result, "error");

    if (error) {
        say_refusal(r, result, what, error, now);
        if (comes_back(error))
            json_array_append_new(back, name_of(result));
        return;
    }
    count_one(r, what);
    say_second_look(r, result, now);
    if (done)
        json_object_set(json_array_get(done->items, i), "done", json_object_get(result, "seq"));
}

static json_t *back_names(const json_t *items)
{
    json_t *names = json_array();

    for (size_t i = 0; i < json_array_size(items) && i < BRING_BACK_MOST; i++)
        json_array_append_new(names, name_of(json_array_get(items, i)));
    return names;
}

/* To be read again; whoever has left by then holds it no longer. Takes the names. */
static void bring_back(struct review *r, json_t *names, enum arrival arrival, int64_t now)
{
    if (json_array_size(names) == 0)
        json_decref(names);
    else if (r->leaving)
        ask_release(r, names, now);
    else
        ask_named(r, names, arrival, now);
}

/* Refused as a whole: nothing was done. What this daemon cannot do goes to the end of the table, not before the
 * moderator's eyes again. */
static void refused_all(struct review *r, const struct request *request, enum decision what, const json_t *error,
                        int64_t now)
{
    const json_t *items = look_list(request->about, "items");
    bool unknown = look_is(error, "name", "unknown_operation");

    say_refusal(r, json_array_get(items, 0), what, error, now);
    bring_back(r, back_names(items), unknown ? ARRIVE_BEHIND : ARRIVE_BACK, now);
}

static void undo_now(struct review *r, struct done *done, int64_t now);

void judge_answer(struct review *r, const struct request *request, const json_t *answer, const json_t *error,
                  int64_t now)
{
    enum decision what = (enum decision)look_int(request->about, "what", APPROVE);
    const json_t *results = look_list(answer, "results");
    struct done *done = done_of(r, request->id);
    json_t *back = json_array();

    if (done)
        done->answered = true;
    if (error)
        refused_all(r, request, what, error, now);
    for (size_t i = 0; !error && i < json_array_size(results); i++)
        take_result(r, done, i, what, json_array_get(results, i), back, now);
    bring_back(r, back, ARRIVE_BACK, now);
    if (done && done->undo_asked)
        undo_now(r, done, now);
}

/* ---- undo */

static json_t *records_of(const struct done *done)
{
    json_t *records = json_array();

    for (size_t i = 0; i < json_array_size(done->items); i++) {
        const json_t *item = json_array_get(done->items, i);
        int64_t seq = look_int(item, "done", -1);
        if (seq < 0)
            continue;
        json_t *record = json_object();
        put_text_key(record, "site", look_text(item, "site"));
        json_object_set_new(record, "seq", json_integer(seq));
        json_array_append_new(records, record);
    }
    return records;
}

static void undo_now(struct review *r, struct done *done, int64_t now)
{
    json_t *records = records_of(done);
    json_t *fields = json_object();

    if (json_array_size(records) > 0) {
        json_object_set_new(fields, "records", records);
        ask(r, WISH_UNDO, NULL, fields, json_pack("{s:i}", "what", (int)done->what), now);
        return;
    }
    notice_add(r, true, now, "the daemon did not take that decision, so there is nothing to undo");
    json_decref(records);
    json_decref(fields);
}

void judge_undo(struct review *r, int64_t now)
{
    struct done *done = NULL;

    for (size_t i = r->dones; i-- > 0 && !done;)
        if (!r->done[i].undo_asked)
            done = &r->done[i];
    if (!done) {
        notice_add(r, true, now, "nothing of this sitting is left to undo");
        return;
    }
    done->undo_asked = true;
    if (done->what == ESCALATE || done->what == SKIP)
        notice_add(r, true, now, "the last one was %s, and that cannot be undone; u again undoes what was before it",
                   words[done->what].done);
    else if (done->answered)
        undo_now(r, done, now);
    else
        notice_add(r, false, now, "will be undone as soon as the daemon has answered");
}

static void say_undone(struct review *r, const json_t *result, int64_t now)
{
    struct text line = {0};

    say_comment(&line, result);
    say(&line, ": undone, it is ");
    text_append(&line, look_text(result, "state"));
    say(&line, " again");
    notice_text(r, false, now, &line);
}

static void say_not_undone(struct review *r, const json_t *error, int64_t now)
{
    struct text line = {0};

    say(&line, "not undone: ");
    say_error(&line, error);
    notice_text(r, true, now, &line);
}

void judge_undone(struct review *r, const struct request *request, const json_t *answer, const json_t *error,
                  int64_t now)
{
    const json_t *results = look_list(answer, "results");
    json_t *back = json_array();

    if (error)
        say_not_undone(r, error, now);
    for (size_t i = 0; i < json_array_size(results); i++) {
        const json_t *result = json_array_get(results, i);
        if (look_in(result, "error")) {
            say_not_undone(r, look_in(result, "error"), now);
            continue;
        }
        --*count_of(r, (enum decision)look_int(request->about, "what", APPROVE));
        say_undone(r, result, now);
        if (look_is(result, "state", "pending"))
            json_array_append_new(back, name_of(result));
    }
    if (r->leaving)
        json_decref(back); /* what is undone is held by nobody */
    else
        bring_back(r, back, ARRIVE_FIRST, now);
}
