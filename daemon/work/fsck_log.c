#include "fsck_log.h"

#include <stdio.h>

#include "fsck_history.h"

enum { EVENTS_A_SCAN = 128 };

/* What of an event is looked at after the scan. */
struct row {
    struct store_event event; /* without what is borrowed */
    char comment[KEY_BYTES + 1];
};

struct page {
    size_t n;
    struct row rows[EVENTS_A_SCAN];
};

/* Events that are to be added one by one are read again then, with all that they hold. */
static bool on_event(void *arg, const struct store_event *event)
{
    struct page *page = arg;
    struct row *row = &page->rows[page->n++];
    size_t len = event->comment.len <= KEY_BYTES ? event->comment.len : KEY_BYTES;

    *row = (struct row){.event = {.no = event->no,
                                  .at = event->at,
                                  .kind = event->kind,
                                  .site = event->site,
                                  .seq = event->seq,
                                  .previous = event->previous}};
    memcpy(row->comment, event->comment.data, len);
    row->comment[len] = '\0';
    return true;
}

/* ---- an event ---- */

static void doubt(struct fsck *fsck)
{
    for (size_t i = 0; i < fsck->names.n; i++)
        fsck->sums[i].of[FSCK_DOUBT] = 1;
}

static void check_number(struct fsck *fsck, const struct store_event *event)
{
    if (event->no == fsck->no + 1)
        return;
    fsck_fault(fsck, FSCK_IN_EVENT, FSCK_MISSING, fsck->no + 1, 0, SLICE_NONE,
               "the log goes on with event %lld; modq audit verify says more", (long long)event->no);
    doubt(fsck);
}

static void check_seq(struct fsck *fsck, struct fsck_sums *sums, const struct row *row)
{
    const struct store_event *event = &row->event;
    int64_t expected = kind_is_record(event->kind) ? sums->of[FSCK_SEQ] + 1 : 0;

    if (event->seq != expected)
        fsck_fault(fsck, FSCK_IN_EVENT, FSCK_DIFFERS, event->no, event->site, slice_of(row->comment),
                   "its number in the site's log is %lld, and should be %lld (0: it is no record)",
                   (long long)event->seq, (long long)expected);
    if (kind_is_record(event->kind))
        sums->of[FSCK_SEQ] = event->seq > 0 ? event->seq : expected;
}

/* Every comment has exactly one event with none before it. */
static void check_comment_is_there(struct fsck *fsck, const struct row *row)
{
    struct store *store = fsck->work->store;
    struct store_comment comment;

    fsck->weight++;
    enum store_result r = store->ops->comment_get(store, row->event.site, slice_of(row->comment), &comment);
    if (r == STORE_NONE) {
        fsck_fault(fsck, FSCK_IN_COMMENT, FSCK_MISSING, row->event.no, row->event.site, slice_of(row->comment),
                   "event %lld tells of it", (long long)row->event.no);
        fsck_sums_of(fsck, row->event.site)->of[FSCK_DOUBT] = 1;
    }
    work_ok(fsck->work, r);
}

/* What an event behind `upto` changed of what its comment counts as. */
static void add_change(struct fsck *fsck, struct fsck_sums *sums, const struct row *row)
{
    struct store *store = fsck->work->store;
    struct fsck_subject of = {row->event.site, slice_of(row->comment)};
    struct store_event event;
    struct fsck_fold fold;

    if (row->event.previous < 0 || row->event.previous >= row->event.no ||
        !fsck_fold_at(fsck, &of, row->event.previous, &fold)) {
        sums->of[FSCK_DOUBT] = 1;
        return;
    }
    fsck_add(sums, &fold, -1);
    if (work_ok(fsck->work, store->ops->event_head(store, row->event.no, &event)))
        fsck_fold_on(fsck, &event, &fold);
    fsck_add(sums, &fold, 1);
}

static void check_event(struct fsck *fsck, const struct row *row)
{
    const struct store_event *event = &row->event;
    struct fsck_sums *sums = event->site ? fsck_sums_of(fsck, event->site) : NULL;

    fsck->weight++;
    fsck->checked[FSCK_COUNT_EVENTS]++;
    check_number(fsck, event);
    if (event->site && !sums)
        fsck_fault(fsck, FSCK_IN_EVENT, FSCK_STRAY, event->no, event->site, slice_of(row->comment),
                   "there is no site %lld", (long long)event->site);
    if (!sums)
        return;
    check_seq(fsck, sums, row);
    if (!row->comment[0])
        return; /* about an author */
    if (event->kind >= KIND_SUBMITTED && event->kind <= KIND_ERASED)
        sums->of[FSCK_KINDS + event->kind - KIND_SUBMITTED]++;
    if (event->previous == 0)
        check_comment_is_there(fsck, row);
    if (event->no <= fsck->upto)
        sums->of[FSCK_EVENTS]++;
    else
        add_change(fsck, sums, row);
}

bool fsck_log(struct fsck *fsck)
{
    struct store *store = fsck->work->store;
    struct page page = {.n = 0};

    work_ok(fsck->work, store->ops->event_scan(store, fsck->no, EVENTS_A_SCAN, on_event, &page));
    for (size_t i = 0; i < page.n && fsck_may_go_on(fsck); i++) {
        check_event(fsck, &page.rows[i]);
        fsck->no = page.rows[i].event.no;
    }
    return page.n > 0;
}

/* ---- the sites ---- */

static void compare(struct fsck *fsck, const struct store_site *site, const char *what, int64_t row, int64_t counted)
{
    if (row != counted)
        fsck_fault(fsck, FSCK_IN_SITE, FSCK_DIFFERS, site->no, site->no, SLICE_NONE,
                   "%s: it says %lld, and counted anew there are %lld", what, (long long)row, (long long)counted);
}

static bool is_pending(struct fsck *fsck, int64_t text)
{
    struct store *store = fsck->work->store;
    struct store_event event;
    struct store_comment comment;
    char id[KEY_BYTES + 1];

    if (!work_ok(fsck->work, store->ops->event_head(store, text, &event)))
        return false;
    snprintf(id, sizeof(id), "%.*s", (int)event.comment.len, event.comment.data);
    return work_ok(fsck->work, store->ops->comment_get(store, event.site, slice_of(id), &comment)) &&
           comment.state == STATE_PENDING && comment.text == text;
}

/* What `stats` says, which the store counts by its indexes. */
static void compare_queue(struct fsck *fsck, const struct store_site *site, const struct fsck_sums *sums)
{
    struct store *store = fsck->work->store;
    struct store_queue queue = {0};

    if (!work_ok(fsck->work, store->ops->queue_figures(store, site->no, &queue)))
        return;
    compare(fsck, site, "pending", site->pending, sums->of[FSCK_PENDING]);
    compare(fsck, site, "escalated", queue.escalated, sums->of[FSCK_ESCALATED]);
    compare(fsck, site, "claimed", queue.claimed, sums->of[FSCK_HELD]);
    compare(fsck, site, "whether anything waits (1: yes)", queue.oldest != 0, sums->of[FSCK_PENDING] != 0);
    if (queue.oldest && !is_pending(fsck, queue.oldest))
        fsck_fault(fsck, FSCK_IN_SITE, FSCK_DIFFERS, site->no, site->no, SLICE_NONE,
                   "text %lld is told as the oldest that waits, and does not wait", (long long)queue.oldest);
}

static void check_site(struct fsck *fsck, const struct store_site *site, const struct fsck_sums *sums)
{
    fsck->checked[FSCK_COUNT_SITES]++;
    fsck->weight++;
    compare(fsck, site, "newest record", site->newest, sums->of[FSCK_SEQ]);
    if (sums->of[FSCK_DOUBT])
        return;
    for (enum kind k = KIND_SUBMITTED; k <= KIND_ERASED; k++)
        compare(fsck, site, kind_name(k), site->counts[k], sums->of[FSCK_KINDS + k - KIND_SUBMITTED]);
    if (sums->of[FSCK_EVENTS] != sums->of[FSCK_CHAINED])
        fsck_fault(
            fsck, FSCK_IN_SITE, FSCK_DIFFERS, site->no, site->no, SLICE_NONE,
            "the log has %lld events of its comments, and their histories have %lld; modq audit verify says which",
            (long long)sums->of[FSCK_EVENTS], (long long)sums->of[FSCK_CHAINED]);
    compare_queue(fsck, site, sums);
}

bool fsck_sites(struct fsck *fsck)
{
    for (size_t i = 0; i < fsck->names.n; i++) {
        const struct store_site *site = &fsck->names.sites[i];
        if (site->no <= fsck->site)
            continue;
        if (!fsck_may_go_on(fsck))
            return true;
        check_site(fsck, site, &fsck->sums[i]);
        fsck->site = site->no;
    }
    return false;
}
