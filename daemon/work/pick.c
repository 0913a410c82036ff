#include "pick.h"

#include <stdlib.h>

#include "skip.h"

/* Beyond those that are wanted, so that a page of what was skipped costs few scans. */
enum { SPARE = 32 };

struct pick {
    struct work *work;
    const struct request *request;
    int64_t site;
    const struct skips *skips;
};

static bool suits(const struct pick *pick, const struct store_comment *comment)
{
    return !skips_hold(pick->skips, comment->text);
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
        if (!queue_next(pick->work, pick->request->grant, pick->site, lane, false, from, part))
            return false;
        for (size_t i = 0; i < part->n && page->n < page->limit; i++)
            if (suits(pick, &part->comments[i]))
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
        return queue_next(pick->work, pick->request->grant, pick->site, lane, false, (struct queue_place){-1, 0}, page);
    return sift_apart(pick, lane, page->limit + pick->skips->n, page);
}

bool pick_next(struct work *work, const struct request *request, int64_t site, enum lane lane, struct queue_page *page)
{
    struct skips skips;
    struct pick pick = {work, request, site, &skips};

    skips_load(work, slice_of(request->actor), &skips);
    return pick_lane(&pick, lane, page);
}
