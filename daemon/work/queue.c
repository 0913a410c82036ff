#include "queue.h"

#include <stdlib.h>

#include "second.h"

/* The queue of all sites is merged from one source for each site and lane (and one more for what is held there). Only
 * the place of each source's first comment is kept; comments are read once it is their turn, from the source whose turn
 * it is. */
struct source {
    int64_t site;
    enum lane lane;
    bool held;
    struct queue_place first;
};

struct merge {
    struct work *work;
    const struct grant *grant;
    unsigned lanes; /* 1 << enum lane, or-ed */
    bool also_held;
    struct source *sources; /* a heap by `first`, once all are there */
    size_t n, cap;
    struct queue_page *page;
    bool failed; /* out of memory */
};

static bool before(struct queue_place a, struct queue_place b)
{
    return a.due_at != b.due_at ? a.due_at < b.due_at : a.text < b.text;
}

static struct queue_place place_of(const struct store_comment *comment)
{
    return (struct queue_place){comment->due_at, comment->text};
}

static void scan(struct merge *m, const struct source *source, struct queue_place after, size_t limit,
                 store_on_comment *on, void *arg)
{
    struct work *work = m->work;

    work_ok(work, work->store->ops->queue_scan(work->store, source->site, source->lane, source->held, after.due_at,
                                               after.text, (int64_t)limit, on, arg));
}

static bool add_source(struct merge *m, int64_t site, enum lane lane, bool held)
{
    if (m->n == m->cap) {
        size_t cap = m->cap ? m->cap * 2 : 16;
        struct source *sources = realloc(m->sources, cap * sizeof(*sources));
        m->failed = !sources;
        if (!sources)
            return false;
        m->sources = sources;
        m->cap = cap;
    }
    m->sources[m->n++] = (struct source){.site = site, .lane = lane, .held = held};
    return true;
}

static bool add_site(struct merge *m, int64_t site)
{
    for (enum lane lane = 0; lane < LANE_COUNT; lane++)
        if ((m->lanes & 1U << lane) &&
            (!add_source(m, site, lane, false) || (m->also_held && !add_source(m, site, lane, true))))
            return false;
    return true;
}

static bool on_site(void *arg, const struct store_site *site)
{
    struct merge *m = arg;

    bool serves = m->lanes & 1U << LANE_SECOND ? second_is_on_at(m->work, site) : site->pending > 0;

    return !serves || !grant_sees(m->grant, slice_of(site->name)) || add_site(m, site->no);
}

static void add_all_sites(struct merge *m)
{
    struct work *work = m->work;
    bool good = true;

    if (!work->ledger) {
        work_ok(work, work->store->ops->site_scan(work->store, on_site, m));
        return;
    }
    for (size_t i = 1; good && i <= ledger_sites(work->ledger); i++)
        good = on_site(m, ledger_site_at(work->ledger, (int64_t)i));
}

static bool on_first(void *arg, const struct store_comment *comment)
{
    *(struct queue_place *)arg = place_of(comment);
    return false;
}

/* Leaves the sources that have anything after `from`. */
static void find_firsts(struct merge *m, struct queue_place from)
{
    size_t n = 0;

    for (size_t i = 0; i < m->n && !m->work->trouble; i++) {
        struct source source = m->sources[i];
        source.first = from;
        scan(m, &source, from, 1, on_first, &source.first);
        if (before(from, source.first))
            m->sources[n++] = source;
    }
    m->n = n;
}

static void sift_down(struct merge *m, size_t at)
{
    struct source *heap = m->sources;

    for (size_t child = 2 * at + 1; child < m->n; child = 2 * at + 1) {
        if (child + 1 < m->n && before(heap[child + 1].first, heap[child].first))
            child++;
        if (!before(heap[child].first, heap[at].first))
            return;
        struct source source = heap[at];
        heap[at] = heap[child];
        heap[child] = source;
        at = child;
    }
}

/* The first place that is another source's turn; NULL when there is only one source. */
static const struct queue_place *next_turn(const struct merge *m)
{
    const struct source *heap = m->sources;

    if (m->n < 2)
        return NULL;
    return m->n > 2 && before(heap[2].first, heap[1].first) ? &heap[2].first : &heap[1].first;
}

struct turn {
    struct queue_page *page;
    const struct queue_place *end;
    struct queue_place left; /* first comment beyond the turn */
    bool ended;
};

static bool on_comment(void *arg, const struct store_comment *comment)
{
    struct turn *turn = arg;
    struct queue_place place = place_of(comment);

    turn->ended = turn->end && !before(place, *turn->end);
    if (turn->ended) {
        turn->left = place;
        return false;
    }
    turn->page->comments[turn->page->n++] = *comment;
    return true;
}

/* Takes from the best source until it is another one's turn. */
static void take_turn(struct merge *m)
{
    struct source *best = &m->sources[0];
    struct queue_place after = {best->first.due_at, best->first.text - 1};
    struct turn turn = {.page = m->page, .end = next_turn(m)};

    scan(m, best, after, m->page->limit - m->page->n, on_comment, &turn);
    if (turn.ended)
        best->first = turn.left;
    else
        *best = m->sources[--m->n]; /* it has no more, or the page is full */
    sift_down(m, 0);
}

bool queue_next(struct work *work, const struct grant *grant, int64_t site, unsigned lanes, bool also_held,
                struct queue_place from, struct queue_page *page)
{
    struct merge m = {.work = work, .grant = grant, .lanes = lanes, .also_held = also_held, .page = page};

    page->n = 0;
    if (site)
        add_site(&m, site);
    else
        add_all_sites(&m);
    find_firsts(&m, from);
    for (size_t i = m.n / 2; i > 0; i--)
        sift_down(&m, i - 1);
    while (!m.failed && m.n > 0 && page->n < page->limit && !work->trouble)
        take_turn(&m);
    free(m.sources);
    return !m.failed;
}
