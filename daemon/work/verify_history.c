#include "verify_history.h"

#include <stdlib.h>

#include "verify_author.h"
#include "verify_chain.h"

/* The events of one comment in a part, in their order, and the comment as it is now. */
struct thread {
    struct verify *v;
    const struct verify_part *part;
    struct verify_row **rows;
    size_t n;
    struct store_comment comment;
    const char *site;
    bool erased; /* an event says so */
};

static int by_comment(const void *a, const void *b)
{
    const struct verify_row *x = *(struct verify_row *const *)a;
    const struct verify_row *y = *(struct verify_row *const *)b;
    int order = x->site == y->site ? strcmp(x->comment, y->comment) : x->site < y->site ? -1 : 1;

    return order ? order : (x->no > y->no) - (x->no < y->no);
}

static bool is_of(const struct thread *t, int64_t site, struct slice comment)
{
    return site == t->rows[0]->site && slice_is(comment, t->rows[0]->comment);
}

static enum store_result get_event(const struct thread *t, int64_t no, struct store_event *event)
{
    enum store_result r = t->v->work->store->ops->event_get(t->v->work->store, no, event);

    t->v->weight++;
    work_ok(t->v->work, r);
    return r;
}

/* ---- from event to event ---- */

/* An event that is really of another comment: not one whose own row was changed. */
static bool is_of_another(const struct thread *t, int64_t no)
{
    struct store_event event;

    return get_event(t, no, &event) == STORE_OK && !is_of(t, event.site, event.comment) &&
           verify_event_fits(t->v, no, NULL);
}

static void wrong_previous(const struct thread *t, const struct verify_row *row)
{
    verify_fault(t->v, IN_EVENT, row->no, CHANGED, "the event before it is said to be %lld, which is not so",
                 (long long)row->previous);
}

static void check_previous(const struct thread *t)
{
    const struct verify_row *first = t->rows[0];

    if (first->previous < 0 || first->previous >= first->no)
        wrong_previous(t, first);
    else if (first->previous && !verify_is_out_of_order(t->part, first->previous) && is_of_another(t, first->previous))
        wrong_previous(t, first);
    for (size_t i = 1; i < t->n; i++)
        if (t->rows[i]->previous != t->rows[i - 1]->no &&
            (t->rows[i]->previous <= t->rows[i - 1]->no || !verify_is_out_of_order(t->part, t->rows[i]->previous)))
            wrong_previous(t, t->rows[i]);
}

/* From the comment's newest event back to the last one in this part: each event of a history is met by who reads it.
 * What is wrong with an event on the way is told of in that event's own part. */
static void check_reached(const struct thread *t)
{
    int64_t last = t->rows[t->n - 1]->no;
    int64_t no = t->comment.last_event;
    int64_t from = 0;
    bool own = false;
    struct store_event event;

    while (no > last && get_event(t, no, &event) == STORE_OK && event.previous < no) {
        own = is_of(t, event.site, event.comment);
        from = no;
        no = event.previous;
    }
    if (no > t->v->newest)
        verify_fault(t->v, IN_EVENT, no, MISSING, "comment %s/%s has it as its newest event", t->site, t->comment.id);
    else if (no < last && no >= 0 && from && own && !(no > 0 && is_of_another(t, no)))
        verify_fault(t->v, IN_EVENT, from, CHANGED, "the event before it is said to be %lld, which passes over %lld",
                     (long long)no, (long long)last);
}

static void check_known(const struct thread *t)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->rows[i]->no > t->comment.last_event)
            verify_fault(t->v, IN_EVENT, t->rows[i]->no, INSERTED, "comment %s/%s knows of none after %lld", t->site,
                         t->comment.id, (long long)t->comment.last_event);
}

/* ---- from text to text ---- */

static bool is_text(const struct verify_row *row)
{
    return row->kind == KIND_SUBMITTED && row->text_is_there;
}

static void wrong_text_previous(const struct thread *t, const struct verify_row *row)
{
    verify_fault(t->v, IN_TEXT, row->no, CHANGED, "the text before it is said to be %lld, which is not so",
                 (long long)row->text_previous);
}

static bool is_submit_of(const struct thread *t, int64_t no)
{
    struct store_event event;

    return get_event(t, no, &event) != STORE_OK ||
           (is_of(t, event.site, event.comment) && event.kind == KIND_SUBMITTED) || !verify_event_fits(t->v, no, NULL);
}

/* `before` is the last text before the row's in this part, 0 when there is none. */
static void check_text_previous(const struct thread *t, const struct verify_row *row, int64_t before)
{
    int64_t previous = row->text_previous;

    if (previous == before)
        return;
    if (previous < before || previous >= row->no)
        wrong_text_previous(t, row);
    else if (!verify_is_out_of_order(t->part, previous) && (before || !is_submit_of(t, previous)))
        wrong_text_previous(t, row);
}

static void check_text_reached(const struct thread *t, int64_t last)
{
    const struct store_ops *ops = t->v->work->store->ops;
    int64_t no = t->comment.newest_text;
    int64_t from = 0;
    struct store_text text;

    if (no < last)
        verify_fault(t->v, IN_COMMENT, last, CHANGED, "comment %s/%s does not know of text %lld", t->site,
                     t->comment.id, (long long)last);
    while (no > last && work_ok(t->v->work, ops->text_head(t->v->work->store, no, &text)) && text.previous < no) {
        from = no;
        no = text.previous;
        t->v->weight++;
    }
    if (from && no < last && no >= 0 && is_submit_of(t, from) && (no == 0 || is_submit_of(t, no)))
        verify_fault(t->v, IN_TEXT, from, CHANGED, "the text before it is said to be %lld, which passes over %lld",
                     (long long)no, (long long)last);
}

static void check_texts(const struct thread *t)
{
    int64_t before = 0;

    for (size_t i = 0; i < t->n; i++) {
        const struct verify_row *row = t->rows[i];
        if (is_text(row))
            check_text_previous(t, row, before);
        if (row->kind == KIND_SUBMITTED)
            before = row->no;
    }
    if (before)
        check_text_reached(t, before);
}

/* ---- what is erased, and the state ---- */

/* False when the record that says it was itself changed or is missing, which was told of. */
static bool can_tell_the_state(const struct thread *t)
{
    struct store_event event;
    int64_t record = t->comment.record;

    return !record || record > t->comment.last_event ||
           (get_event(t, record, &event) == STORE_OK && verify_event_fits(t->v, record, NULL));
}

static void wrong_erasure(const struct thread *t, enum verify_table table, int64_t no, enum verify_what what)
{
    if (can_tell_the_state(t))
        verify_fault(t->v, table, no, what, "comment %s/%s %s erased", t->site, t->comment.id,
                     t->erased ? "was" : "was not");
}

static void check_erasure(const struct thread *t)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct verify_row *row = t->rows[i];
        if (is_text(row) && row->text_is_erased != t->erased)
            wrong_erasure(t, IN_TEXT, row->no, CHANGED);
        if (row->has_note && row->note_is_there == t->erased)
            wrong_erasure(t, IN_NOTE, row->no, t->erased ? CHANGED : MISSING);
    }
}

static enum state state_after(enum kind record)
{
    static const enum state states[KIND_COUNT] = {
        [KIND_NONE] = STATE_PENDING,      [KIND_REOPENED] = STATE_PENDING,    [KIND_APPROVED] = STATE_APPROVED,
        [KIND_REJECTED] = STATE_REJECTED, [KIND_WITHDRAWN] = STATE_WITHDRAWN, [KIND_ERASED] = STATE_ERASED};

    return states[record];
}

/* The kind of the comment's newest record; KIND_COUNT when what it takes for that is none of its own. */
static enum kind newest_record(const struct thread *t)
{
    struct store_event event;
    int64_t record = t->comment.record;

    for (size_t i = 0; i < t->n; i++)
        if (kind_is_record(t->rows[i]->kind) && t->rows[i]->no > record)
            return KIND_COUNT;
    if (!record)
        return KIND_NONE;
    bool good = record <= t->comment.last_event && get_event(t, record, &event) == STORE_OK &&
                is_of(t, event.site, event.comment);
    return good && kind_is_record(event.kind) ? event.kind : KIND_COUNT;
}

/* A comment's state is what its newest record made of it. */
static void check_state(struct thread *t)
{
    const struct store_comment *comment = &t->comment;
    enum kind record = newest_record(t);

    t->erased = record == KIND_ERASED;
    if ((record == KIND_COUNT || state_after(record) != comment->state) && can_tell_the_state(t))
        verify_fault(t->v, IN_COMMENT, comment->last_event, CHANGED,
                     "comment %s/%s has state %d and record %lld, and its events say otherwise", t->site, comment->id,
                     (int)comment->state, (long long)comment->record);
}

static void check_thread(struct thread *t)
{
    const struct verify_row *first = t->rows[0];
    struct store *store = t->v->work->store;
    enum store_result r = store->ops->comment_get(store, first->site, slice_of(first->comment), &t->comment);

    t->site = verify_site(t->v, first->site)->name;
    check_previous(t);
    if (r == STORE_NONE)
        verify_fault(t->v, IN_COMMENT, first->no, MISSING, "comment %s/%s, of which this event is, is not there",
                     t->site, first->comment);
    if (!work_ok(t->v->work, r))
        return;
    check_known(t);
    check_reached(t);
    check_state(t);
    check_texts(t);
    check_erasure(t);
}

static bool belongs_to_a_site(const struct verify *v, const struct verify_row *row)
{
    return row->fits && row->site && verify_site(v, row->site);
}

static void check_bare(const struct verify_part *part, const struct verify_row *row)
{
    if (row->fits && row->previous)
        verify_fault(part->v, IN_EVENT, row->no, CHANGED, "nothing comes before what is about no comment");
}

void verify_history(struct verify_part *part)
{
    struct verify_row *rows[PART_MAX] = {0};
    size_t n = 0;

    for (size_t i = 0; i < part->n; i++)
        if (!belongs_to_a_site(part->v, &part->rows[i]))
            check_bare(part, &part->rows[i]);
        else if (part->rows[i].comment[0])
            rows[n++] = &part->rows[i];
        else
            verify_author(part, &part->rows[i]);
    qsort(rows, n, sizeof(struct verify_row *), by_comment);
    for (size_t from = 0, to; from < n && !part->v->work->trouble; from = to) {
        struct thread t = {.v = part->v, .part = part, .rows = rows + from};
        for (to = from + 1; to < n && is_of(&t, rows[to]->site, slice_of(rows[to]->comment)); to++)
            continue;
        t.n = to - from;
        check_thread(&t);
    }
}
