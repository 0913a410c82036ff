#include "verify_author.h"

#include "../../proto/mp.h"
#include "author_map.h"
#include "verify_chain.h"

/* An event about an author, and the row of that author as it is now. */
struct about {
    struct verify *v;
    const struct verify_row *row;
    struct store_author author; /* unless the words are erased */
    int64_t newest;             /* where the chain that the event is in begins */
};

static enum store_result get_event(const struct about *a, int64_t no, struct store_event *event)
{
    enum store_result r = a->v->work->store->ops->event_get(a->v->work->store, no, event);

    a->v->weight++;
    work_ok(a->v->work, r);
    return r;
}

/* True when an event is about the same author, as far as the note beside it tells. */
static bool is_of(const struct about *a, int64_t no)
{
    const struct store_ops *ops = a->v->work->store->ops;
    struct slice note = SLICE_NONE;
    struct store_event event;

    if (get_event(a, no, &event) != STORE_OK || event.site != a->row->site || event.comment.len > 0)
        return false;
    if (event.kind == KIND_AUTHOR_ERASED)
        return no == a->newest;
    if (event.kind != KIND_AUTHOR_NOTED && event.kind != KIND_AUTHOR_MARKED)
        return false;
    work_ok(a->v->work, ops->note_get(a->v->work->store, no, &note));
    struct author_words words = author_unpack(note);
    if (!words.id[0] && !words.erased_by)
        return true; /* that is told of where the note is looked at */
    return a->author.last_event ? strcmp(words.id, a->author.id) == 0 : words.erased_by == a->newest;
}

/* An event that is really another author's, or no author's: not one whose own row was changed. */
static bool is_of_another(const struct about *a, int64_t no)
{
    struct store_event event;

    return get_event(a, no, &event) == STORE_OK && !is_of(a, no) && verify_event_fits(a->v, no, NULL);
}

static void check_previous(const struct about *a, const struct verify_part *part)
{
    int64_t previous = a->row->previous;

    if (previous < 0 || previous >= a->row->no ||
        (previous && !verify_is_out_of_order(part, previous) && is_of_another(a, previous)))
        verify_fault(a->v, IN_EVENT, a->row->no, CHANGED, "the event before it is said to be %lld, which is not so",
                     (long long)previous);
}

/* From the newest event about the author back to this one. What is wrong on the way is told of where that is met. */
static void check_reached(const struct about *a)
{
    int64_t last = a->row->no;
    int64_t no = a->newest;
    int64_t from = 0;
    struct store_event event;

    while (no > last && get_event(a, no, &event) == STORE_OK && event.previous < no) {
        from = no;
        no = event.previous;
    }
    if (no < last && no >= 0 && from && is_of(a, from) && !(no > 0 && is_of_another(a, no)))
        verify_fault(a->v, IN_EVENT, from, CHANGED, "the event before it is said to be %lld, which passes over %lld",
                     (long long)no, (long long)last);
}

/* ---- the author's row ---- */

/* The newest event that set a mark, 0 when none did. False when it cannot be told, because an event on the way is
 * missing or was changed. */
static bool newest_mark(const struct about *a, struct store_event *event)
{
    int64_t no = a->author.last_event;

    while (no > 0) {
        if (!verify_event_fits(a->v, no, NULL) || get_event(a, no, event) != STORE_OK || event->previous >= no)
            return false;
        if (event->kind == KIND_AUTHOR_MARKED)
            return true;
        no = event->previous;
    }
    *event = (struct store_event){0};
    return no == 0;
}

static bool is_what_was_set(const struct store_author *author, const struct store_event *event)
{
    msgpack_zone zone;
    msgpack_object data;

    if (!event->no)
        return author->mark == MARK_NONE && !author->until && !author->marked;
    if (!msgpack_zone_init(&zone, 1024))
        return true;
    bool same = author->marked == event->no && mp_unpack_map(event->data, &zone, &data) &&
                mp_get_int(&data, "mark", MARK_COUNT) == (int64_t)author->mark &&
                mp_get_int(&data, "until", 0) == author->until;
    msgpack_zone_destroy(&zone);
    return same;
}

static void check_mark(const struct about *a)
{
    struct store_event event;

    if (a->row->no == a->author.last_event && newest_mark(a, &event) && !is_what_was_set(&a->author, &event))
        verify_fault(a->v, IN_AUTHOR, a->row->no, CHANGED,
                     "an author of %s has mark %d by event %lld, and the events say otherwise",
                     verify_site(a->v, a->row->site)->name, (int)a->author.mark, (long long)a->author.marked);
}

static void check_live(struct about *a, const struct verify_part *part)
{
    enum store_result r =
        a->v->work->store->ops->author_get(a->v->work->store, a->row->site, slice_of(a->row->author), &a->author);

    if (r == STORE_NONE)
        verify_fault(a->v, IN_AUTHOR, a->row->no, MISSING, "the author of %s, about whom this is, is not there",
                     verify_site(a->v, a->row->site)->name);
    if (!work_ok(a->v->work, r))
        return;
    a->newest = a->author.last_event;
    if (a->row->no > a->newest)
        verify_fault(a->v, IN_EVENT, a->row->no, INSERTED, "an author of %s knows of none after %lld",
                     verify_site(a->v, a->row->site)->name, (long long)a->newest);
    check_previous(a, part);
    check_reached(a);
    check_mark(a);
}

/* ---- what was erased ---- */

/* What is said to have erased the words did so: it is an erasure, of the same author. */
static void check_erased(struct about *a, const struct verify_part *part)
{
    struct store_event event;

    a->newest = a->row->erased_by;
    enum store_result r = get_event(a, a->newest, &event);
    bool known = r == STORE_OK && !verify_is_out_of_order(part, a->newest) && verify_event_fits(a->v, a->newest, NULL);
    bool good = known && get_event(a, a->newest, &event) == STORE_OK && event.kind == KIND_AUTHOR_ERASED &&
                event.site == a->row->site;
    if ((known && !good) || a->newest > a->v->newest)
        verify_fault(a->v, IN_NOTE, a->row->no, CHANGED, "event %lld did not erase it", (long long)a->newest);
    if (!good)
        return;
    check_previous(a, part);
    check_reached(a);
}

void verify_author(struct verify_part *part, const struct verify_row *row)
{
    struct about a = {.v = part->v, .row = row};

    if (row->kind == KIND_AUTHOR_ERASED) {
        a.newest = row->no;
        check_previous(&a, part);
    } else if (row->has_note && !row->note_is_there) {
        verify_fault(part->v, IN_NOTE, row->no, MISSING, "what was said about an author was not erased");
    } else if (row->erased_by) {
        check_erased(&a, part);
    } else if (row->author[0]) {
        check_live(&a, part);
    }
}
