#include "find.h"

#include <stdlib.h>

#include "second.h"
#include "site_names.h"
#include "skip.h"

enum { CHUNK = 256 };

/* Some comments from the index, in its order, and where each stands. */
struct chunk {
    struct store_comment *comments;
    struct queue_place *places;
    size_t n, cap;
    int64_t looked;          /* rows of the index that were read for it */
    struct queue_place last; /* the last of these */
    struct site_names names; /* read when they are first needed */
};

static bool add(void *arg, const struct store_comment *comment)
{
    struct chunk *chunk = arg;

    chunk->places[chunk->n] = (struct queue_place){comment->due_at, comment->text};
    chunk->comments[chunk->n++] = *comment;
    return chunk->n < chunk->cap;
}

static void end_chunk(struct chunk *chunk)
{
    chunk->looked = (int64_t)chunk->n;
    if (chunk->n)
        chunk->last = chunk->places[chunk->n - 1];
}

static bool read_queue(struct work *work, const struct find *find, struct chunk *chunk)
{
    struct queue_page page = {.comments = chunk->comments, .limit = chunk->cap};

    if (!queue_next(work, find->grant, find->site, find->filter->lanes, true, find->place, &page))
        return false;
    for (; chunk->n < page.n; chunk->n++)
        chunk->places[chunk->n] =
            (struct queue_place){chunk->comments[chunk->n].due_at, chunk->comments[chunk->n].text};
    end_chunk(chunk);
    return true;
}

static bool read_article(struct work *work, const struct find *find, struct chunk *chunk)
{
    const struct filter *filter = find->filter;

    work_ok(work,
            work->store->ops->article_pending(work->store, find->site, filter->article,
                                              filter->lanes & 1U << LANE_NORMAL ? LANE_NORMAL : LANE_ESCALATED,
                                              find->place.due_at, find->place.text, (int64_t)chunk->cap, add, chunk));
    end_chunk(chunk);
    return true;
}

static int64_t before_of(const struct find *find)
{
    return find->place.due_at < 0 ? INT64_MAX : find->place.text;
}

static bool read_author(struct work *work, const struct find *find, struct chunk *chunk)
{
    work_ok(work, work->store->ops->author_comments(work->store, find->site, find->filter->author, before_of(find),
                                                    (int64_t)chunk->cap, add, chunk));
    for (size_t i = 0; i < chunk->n; i++)
        chunk->places[i] = (struct queue_place){0, chunk->comments[i].text};
    end_chunk(chunk);
    return true;
}

/* Comments have no index by time; what was submitted has: the events, from the newest on. */
struct submitted {
    int64_t no, site;
    char comment[KEY_BYTES + 1];
};

struct submissions {
    struct submitted *items;
    size_t n;
    int64_t site; /* 0: any */
    int64_t looked, last;
};

static bool on_event(void *arg, const struct store_event *event)
{
    struct submissions *all = arg;

    all->looked++;
    all->last = event->no;
    if (event->kind != KIND_SUBMITTED || (all->site && event->site != all->site) || event->comment.len > KEY_BYTES)
        return true;
    struct submitted *one = &all->items[all->n++];
    one->no = event->no;
    one->site = event->site;
    memcpy(one->comment, event->comment.data, event->comment.len);
    one->comment[event->comment.len] = '\0';
    return true;
}

static void take_submitted(struct work *work, const struct find *find, const struct submitted *one, struct chunk *chunk)
{
    struct store_comment *comment = &chunk->comments[chunk->n];

    if (!grant_sees(find->grant, site_names_at(&chunk->names, one->site)) ||
        !work_ok(work, work->store->ops->comment_get(work->store, one->site, slice_of(one->comment), comment)) ||
        comment->text != one->no) /* another revision is current */
        return;
    chunk->places[chunk->n++] = (struct queue_place){0, one->no};
}

static bool read_all(struct work *work, const struct find *find, struct chunk *chunk)
{
    struct submissions all = {.items = calloc(chunk->cap + 1, sizeof(*all.items)), .site = find->site};

    if (!all.items)
        return false;
    if (!chunk->names.n)
        work_ok(work, work->store->ops->site_scan(work->store, site_names_add, &chunk->names));
    work_ok(work, work->store->ops->event_scan_back(work->store, before_of(find), (int64_t)chunk->cap, on_event, &all));
    for (size_t i = 0; i < all.n && !work->trouble; i++)
        take_submitted(work, find, &all.items[i], chunk);
    chunk->looked = all.looked;
    chunk->last = (struct queue_place){0, all.last};
    free(all.items);
    return true;
}

static bool read_chunk(struct work *work, const struct find *find, struct chunk *chunk)
{
    const struct filter *filter = find->filter;

    chunk->n = 0;
    chunk->looked = 0;
    if (filter->author.data)
        return read_author(work, find, chunk);
    if (filter->state != STATE_PENDING)
        return read_all(work, find, chunk);
    bool one_lane = (filter->lanes & (filter->lanes - 1)) == 0;
    if (filter->article.data && one_lane)
        return read_article(work, find, chunk);
    return read_queue(work, find, chunk);
}

/* Takes what is wanted from a chunk until the page is full; find->place is behind what was looked at. */
static void take_wanted(struct work *work, struct find *find, const struct filter_bounds *bounds,
                        const struct skips *skips, const struct chunk *chunk, struct queue_page *page,
                        struct queue_place *places)
{
    for (size_t i = 0; i < chunk->n && !work->trouble; i++) {
        struct store_comment seen = chunk->comments[i];
        find->place = chunk->places[i];
        second_blind(work, find->actor, &seen);
        if ((find->filter->free && skips_hold(skips, seen.text)) ||
            !filter_wants(work, find->filter, bounds, find->actor, &seen))
            continue;
        places[page->n] = chunk->places[i];
        page->comments[page->n++] = chunk->comments[i];
        if (page->n == page->limit)
            return;
    }
    find->place = chunk->last;
}

static bool fill(struct work *work, struct find *find, struct chunk *chunk, const struct skips *skips,
                 struct queue_page *page, struct queue_place *places)
{
    struct filter_bounds bounds = filter_bounds(work, find->filter);
    int64_t looked = 0;
    bool ended = false;

    while (!ended && page->n < page->limit && looked < FIND_LOOK_MAX && !work->trouble) {
        if (!read_chunk(work, find, chunk))
            return false;
        ended = chunk->looked < (int64_t)chunk->cap;
        looked += chunk->looked;
        if (chunk->looked)
            take_wanted(work, find, &bounds, skips, chunk, page, places);
    }
    find->more = !ended || page->n == page->limit;
    return true;
}

bool find_some(struct work *work, struct find *find, struct queue_page *page, struct queue_place *places)
{
    struct chunk chunk = {.cap = filter_is_plain(find->filter) ? page->limit : CHUNK};
    struct skips skips = {.n = 0};

    page->n = 0;
    if (find->filter->free)
        skips_load(work, slice_of(find->actor), &skips);
    chunk.comments = calloc(chunk.cap + 1, sizeof(*chunk.comments));
    chunk.places = calloc(chunk.cap + 1, sizeof(*chunk.places));
    bool good = chunk.comments && chunk.places && fill(work, find, &chunk, &skips, page, places);
    free(chunk.comments);
    free(chunk.places);
    free(chunk.names.sites);
    return good;
}
