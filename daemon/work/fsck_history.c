#include "fsck_history.h"

#include <stdlib.h>

#include "../../proto/mp.h"

/* ---- from an event to a link ---- */

static void take_data(struct fsck *fsck, struct slice data, struct fsck_link *link)
{
    msgpack_object map;

    msgpack_zone_clear(&fsck->zone);
    if (!mp_unpack_map(data, &fsck->zone, &map))
        return;
    link->undoes = mp_get_int(&map, "undoes", 0);
    link->supersedes = mp_get_int(&map, "supersedes", 0);
    link->cause = (enum cause)mp_get_int(&map, "cause", CAUSE_NONE);
    link->has_note = mp_get_bin(&map, "note").data != NULL;
}

void fsck_link_of(struct fsck *fsck, const struct store_event *event, struct fsck_link *link)
{
    *link = (struct fsck_link){.no = event->no,
                               .at = event->at,
                               .revision = event->revision,
                               .text = event->text,
                               .seq = event->seq,
                               .kind = event->kind};
    if (event->kind != KIND_SUBMITTED)
        take_data(fsck, event->data, link);
}

static struct fsck_link *add_link(struct fsck *fsck)
{
    if (fsck->link_count == fsck->link_cap) {
        size_t cap = fsck->link_cap ? fsck->link_cap * 2 : 64;
        struct fsck_link *links = realloc(fsck->links, cap * sizeof(*links));
        if (!links)
            return NULL;
        fsck->links = links;
        fsck->link_cap = cap;
    }
    return &fsck->links[fsck->link_count++];
}

/* ---- the chain ---- */

/* Why an event is not one of this comment's; NULL: it is. */
static const char *wrong_with_event(const struct fsck_subject *of, const struct store_event *event)
{
    if (event->site != of->site || !slice_equal(event->comment, of->comment))
        return "is of another comment";
    return event->previous < 0 || event->previous >= event->no ? "does not come after the one before it" : NULL;
}

bool fsck_read_history(struct fsck *fsck, const struct fsck_subject *of, int64_t last, bool tell)
{
    struct store *store = fsck->work->store;
    struct store_event event;
    const char *wrong = NULL;
    int64_t no = last;

    for (fsck->link_count = 0; no; no = event.previous) {
        enum store_result r = store->ops->event_head(store, no, &event);
        fsck->weight++;
        if (!work_ok(fsck->work, r)) {
            wrong = "is not there";
            break;
        }
        wrong = wrong_with_event(of, &event);
        struct fsck_link *link = wrong ? NULL : add_link(fsck);
        if (!link)
            break;
        fsck_link_of(fsck, &event, link);
    }
    if (no && wrong && tell && !fsck->work->trouble)
        fsck_fault(
            fsck, FSCK_IN_EVENT, FSCK_DIFFERS, no, of->site, of->comment,
            "event %lld, to which the comment's history leads, %s; modq audit verify tells which row was changed",
            (long long)no, wrong);
    if (no && !wrong)
        fsck->work->trouble = STORE_FAILED; /* out of memory */
    return !no;
}

static void keep(struct fsck *fsck, const struct fsck_fold *fold)
{
    fsck->cache[(uint64_t)fold->last_event % FSCK_CACHED] = *fold;
}

void fsck_replay(struct fsck *fsck, const struct fsck_subject *of, size_t without, struct fsck_fold *fold, bool tell)
{
    const char *why;

    *fold = (struct fsck_fold){.state = STATE_NONE};
    for (size_t i = fsck->link_count; i > without; i--) {
        const struct fsck_link *link = &fsck->links[i - 1];
        if (fsck_fold(fold, link, &why) || !tell)
            continue;
        fsck_fault(fsck, FSCK_IN_EVENT, FSCK_IMPOSSIBLE, link->no, of->site, of->comment,
                   "%s cannot follow the events before it: %s", kind_name(link->kind), why);
        tell = false; /* what comes after it follows from it */
    }
    keep(fsck, fold);
}

bool fsck_fold_at(struct fsck *fsck, const struct fsck_subject *of, int64_t last, struct fsck_fold *fold)
{
    const struct fsck_fold *kept = &fsck->cache[(uint64_t)last % FSCK_CACHED];

    *fold = (struct fsck_fold){.state = STATE_NONE};
    if (!last)
        return true;
    if (kept->last_event == last) {
        *fold = *kept;
        return true;
    }
    if (!fsck_read_history(fsck, of, last, false))
        return false;
    fsck_replay(fsck, of, 0, fold, false);
    return true;
}

void fsck_fold_on(struct fsck *fsck, const struct store_event *event, struct fsck_fold *fold)
{
    struct fsck_link link;
    const char *why;

    fsck_link_of(fsck, event, &link);
    fsck_fold(fold, &link, &why);
    keep(fsck, fold);
}

void fsck_add(struct fsck_sums *sums, const struct fsck_fold *fold, int64_t times)
{
    bool pending = fold->state == STATE_PENDING;

    sums->of[FSCK_PENDING] += pending ? times : 0;
    sums->of[FSCK_ESCALATED] += pending && fold->lane == LANE_ESCALATED ? times : 0;
    sums->of[FSCK_HELD] += fold->claim ? times : 0;
}
