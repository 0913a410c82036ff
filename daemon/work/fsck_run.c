#include "fsck_state.h"

#include <stdlib.h>

#include "fsck_author.h"
#include "fsck_beside.h"
#include "fsck_comment.h"
#include "fsck_log.h"

/* Sites are only ever added, so those of the slice before keep their places. */
static bool read_sites(struct fsck *fsck)
{
    struct store *store = fsck->work->store;
    size_t before = fsck->names.n;

    fsck->names.n = 0;
    work_ok(fsck->work, store->ops->site_scan(store, site_names_add, &fsck->names));
    if (fsck->work->trouble)
        return true;
    struct fsck_sums *sums = realloc(fsck->sums, (fsck->names.n + 1) * sizeof(*sums));
    if (!sums)
        return false;
    fsck->sums = sums;
    for (size_t i = before; i < fsck->names.n; i++)
        sums[i] = (struct fsck_sums){.of = {0}};
    return true;
}

static void enter(struct fsck *fsck, enum fsck_phase phase)
{
    fsck->phase = phase;
    fsck->site = INT64_MIN;
    fsck->no = phase == FSCK_LOG ? 0 : INT64_MIN;
    fsck->comment[0] = '\0';
    fsck->reader[0] = '\0';
    memset(fsck->batch, 0, sizeof(fsck->batch));
}

bool fsck_begin_slice(struct fsck *fsck, struct work *work, int64_t weight_max)
{
    struct store_event event = {.no = 0};

    fsck->work = work;
    fsck->weight = 0;
    fsck->weight_max = weight_max;
    fsck->n = 0;
    fsck->oldest_site = 0;
    memset(fsck->cache, 0, sizeof(fsck->cache));
    if (!read_sites(fsck))
        return false;
    work_ok(work, work->store->ops->event_last(work->store, &event));
    fsck->newest = event.no;
    return true;
}

void fsck_begin(struct fsck *fsck)
{
    fsck->upto = fsck->newest;
    enter(fsck, FSCK_COMMENTS);
}

/* Sites are compared with the sums where those are of the newest event; what comes meanwhile must not outrun that. */
static bool log_and_sites(struct fsck *fsck)
{
    if (fsck->no >= fsck->upto && fsck->weight_max < FSCK_CATCH_UP)
        fsck->weight_max = FSCK_CATCH_UP;
    return fsck_log(fsck) || fsck->work->trouble || !fsck_may_go_on(fsck) || fsck_sites(fsck);
}

void fsck_run_slice(struct fsck *fsck)
{
    static bool (*const parts[])(struct fsck *) = {fsck_comments, fsck_notes,   fsck_reports, fsck_authors,
                                                   fsck_skips,    fsck_batches, log_and_sites};

    while (fsck->phase != FSCK_DONE && fsck_may_go_on(fsck))
        if (!parts[fsck->phase](fsck) && !fsck->work->trouble)
            enter(fsck, fsck->phase + 1);
}
