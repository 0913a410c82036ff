#include "pick.h"

#include <stdlib.h>

#include "second.h"
#include "skip.h"

/* Beyond those that are wanted, so that a page of what was skipped costs few scans. */
enum { SPARE = 32, SECONDS_LOOKED_AT = 200 };

struct pick {
    struct work *work;
    const struct request *request;
    int64_t site;
    const struct skips *skips;
};

static bool suits(const struct pick *pick, enum lane lane, const struct store_comment *comment)
{
    return !skips_hold(pick->skips, comment->text) &&
           (lane != LANE_SECOND || second_is_of_another(pick->work, comment, pick->request->actor));
}

/* Those of a lane that suit the moderator, in order; at most `most` are looked at. `part` has room for what is wanted
 * and SPARE. */
static bool sift(const struct pick *pick, enum lane lane, size_t most, struct queue_page *part, struct queue_page *page)
{
    struct queue_place from = {-1, 0};
    size_t looked = 0;

    page->n = 0;
    for (bool more = true; more && page->n < page->limit && looked < most && !pick->work->trouble;) {
        part->limit = page->limit - page->n + SPARE;
        if (part->limit > most - looked)
            part->limit = most - looked;
        if (!queue_next(pick->work, pick->request->grant, pick->site, 1U << lane, false, from, part))
            return false;
        for (size_t i = 0; i < part->n && page->n < page->limit; i++)
            if (suits(pick, lane, &part->comments[i]))
                page->comments[page->n++] = part->comments[i];
        looked += part->n;
        more = part->n > 0 && part->n == part->limit;
        if (more)
            from = (struct queue_place){part->comments[part->n - 1].due_at, part->comments[part->n - 1].text};
    }
    return true;
}

static bool sift_apart(const struct pick *pick, enum lane lane, size_t most, struct queue_page *page)
{
    struct queue_page part = {.comments = calloc(page->limit + SPARE, sizeof(*part.comments))};
    bool good = part.comments && sift(pick, lane, most, &part, page);

    free(part.comments);
    return good;
}

static bool pick_lane(const struct pick *pick, enum lane lane, struct queue_page *page)
{
    if (pick->skips->n == 0)
        return queue_next(pick->work, pick->request->grant, pick->site, 1U << lane, false, (struct queue_place){-1, 0},
                          page);
    return sift_apart(pick, lane, page->limit + pick->skips->n, page);
}

static bool is_before(const struct store_comment *a, const struct store_comment *b)
{
    return a->due_at != b->due_at ? a->due_at < b->due_at : a->text < b->text;
}

/* Puts into `page` the first ones of both; from the end, so that none is written over before it has moved. */
static void merge(struct queue_page *page, const struct queue_page *more)
{
    size_t mine = 0;
    size_t theirs = 0;

    while (mine + theirs < page->limit && (mine < page->n || theirs < more->n)) {
        bool take = theirs < more->n && (mine == page->n || is_before(&more->comments[theirs], &page->comments[mine]));
        theirs += take;
        mine += !take;
    }
    page->n = mine + theirs;
    for (size_t at = page->n; theirs > 0; at--) {
        bool take = mine == 0 || is_before(&page->comments[mine - 1], &more->comments[theirs - 1]);
        page->comments[at - 1] = take ? more->comments[--theirs] : page->comments[--mine];
    }
}

static bool mix_in_seconds(const struct pick *pick, struct queue_page *page)
{
    struct queue_page seconds = {.limit = page->limit};

    if (!second_is_on(pick->work, pick->site))
        return true;
    seconds.comments = calloc(seconds.limit + 1, sizeof(*seconds.comments));
    bool good = seconds.comments && sift_apart(pick, LANE_SECOND, SECONDS_LOOKED_AT, &seconds);
    if (good)
        merge(page, &seconds);
    free(seconds.comments);
    return good;
}

bool pick_next(struct work *work, const struct request *request, int64_t site, enum lane lane, struct queue_page *page)
{
    struct skips skips;
    struct pick pick = {work, request, site, &skips};

    skips_load(work, slice_of(request->actor), &skips);
    return pick_lane(&pick, lane, page) && (lane != LANE_NORMAL || mix_in_seconds(&pick, page));
}
