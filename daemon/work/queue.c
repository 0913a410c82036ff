#include "queue.h"

static bool before(const struct store_comment *a, const struct store_comment *b)
{
    return a->due_at != b->due_at ? a->due_at < b->due_at : a->text < b->text;
}

/* Keeps the best `limit` of all that is offered, in order. A scan comes in order, too: it can end at the first comment
 * that finds no place. */
static bool offer(void *arg, const struct store_comment *comment)
{
    struct queue_page *page = arg;
    size_t at = page->n;

    if (page->n == page->limit && !before(comment, &page->comments[page->n - 1]))
        return false;
    while (at > 0 && before(comment, &page->comments[at - 1]))
        at--;
    if (page->n < page->limit)
        page->n++;
    memmove(&page->comments[at + 1], &page->comments[at], (page->n - 1 - at) * sizeof(*comment));
    page->comments[at] = *comment;
    return true;
}

struct sites {
    int64_t no[64];
    size_t n;
    int64_t after;
};

static bool collect(void *arg, const struct store_site *site)
{
    struct sites *sites = arg;

    if (site->no <= sites->after || site->pending == 0)
        return true;
    sites->no[sites->n++] = site->no;
    return sites->n < sizeof(sites->no) / sizeof(sites->no[0]);
}

static void scan(struct work *work, int64_t site, enum lane lane, bool also_held, struct queue_place from,
                 struct queue_page *page)
{
    const struct store_ops *ops = work->store->ops;
    int64_t limit = (int64_t)page->limit;

    work_ok(work, ops->queue_scan(work->store, site, lane, false, from.due_at, from.text, limit, offer, page));
    if (also_held)
        work_ok(work, ops->queue_scan(work->store, site, lane, true, from.due_at, from.text, limit, offer, page));
}

void queue_next(struct work *work, int64_t site, enum lane lane, bool also_held, struct queue_place from,
                struct queue_page *page)
{
    page->n = 0;
    if (site) {
        scan(work, site, lane, also_held, from, page);
        return;
    }
    if (work->ledger) {
        for (size_t i = 1; i <= ledger_sites(work->ledger); i++)
            if (ledger_site_at(work->ledger, (int64_t)i)->pending > 0)
                scan(work, (int64_t)i, lane, also_held, from, page);
        return;
    }
    struct sites sites = {0};
    do {
        sites.n = 0;
        work_ok(work, work->store->ops->site_scan(work->store, collect, &sites));
        for (size_t i = 0; i < sites.n; i++)
            scan(work, sites.no[i], lane, also_held, from, page);
        sites.after = sites.n ? sites.no[sites.n - 1] : 0;
    } while (sites.n == sizeof(sites.no) / sizeof(sites.no[0]) && !work->trouble);
}
