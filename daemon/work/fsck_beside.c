#include "fsck_beside.h"

#include <stdio.h>

#include "fsck_history.h"

enum { ROWS_A_SCAN = 64 };

/* ---- notes ---- */

/* A scan must not ask for anything else, so some numbers are read first. */
struct numbers {
    size_t n;
    int64_t no[ROWS_A_SCAN];
};

static bool on_note(void *arg, const struct store_note *note)
{
    struct numbers *numbers = arg;

    numbers->no[numbers->n++] = note->event;
    return numbers->n < ROWS_A_SCAN;
}

/* Whether it should be there still, its comment's history has told. */
static void check_note(struct fsck *fsck, int64_t no)
{
    struct store *store = fsck->work->store;
    struct store_event event;
    struct fsck_link link = {.has_note = false};
    enum store_result r = store->ops->event_head(store, no, &event);

    fsck->weight++;
    fsck->checked[FSCK_COUNT_NOTES]++;
    if (work_ok(fsck->work, r))
        fsck_link_of(fsck, &event, &link);
    else if (!fsck->work->trouble)
        fsck_fault(fsck, FSCK_IN_NOTE, FSCK_STRAY, no, 0, SLICE_NONE, "there is no event of this number");
    if (r == STORE_OK && !link.has_note)
        fsck_fault(fsck, FSCK_IN_NOTE, FSCK_STRAY, no, event.site, event.comment,
                   "its event was written without a note");
}

bool fsck_notes(struct fsck *fsck)
{
    struct store *store = fsck->work->store;
    struct numbers numbers = {.n = 0};

    work_ok(fsck->work, store->ops->note_scan(store, fsck->no, INT64_MAX, on_note, &numbers));
    for (size_t i = 0; i < numbers.n && fsck_may_go_on(fsck); i++) {
        check_note(fsck, numbers.no[i]);
        fsck->no = numbers.no[i];
    }
    return numbers.n > 0;
}

/* ---- reports ---- */

struct report {
    int64_t site, round;
    char comment[KEY_BYTES + 1], reader[KEY_BYTES + 1];
};

struct reports {
    size_t n;
    struct report rows[ROWS_A_SCAN];
};

static bool on_report(void *arg, int64_t site, struct slice comment, const struct store_report *report)
{
    struct reports *reports = arg;
    struct report *row = &reports->rows[reports->n++];

    *row = (struct report){.site = site, .round = report->round};
    snprintf(row->comment, sizeof(row->comment), "%.*s", (int)comment.len, comment.data);
    snprintf(row->reader, sizeof(row->reader), "%.*s", (int)report->reader.len, report->reader.data);
    return true;
}

/* Why a report cannot be there; NULL: it can. */
static const char *wrong_with_report(const struct report *report, const struct store_comment *comment)
{
    if (comment->state == STATE_ERASED)
        return "the comment was erased, and a reader's report of it was not";
    if (report->round != comment->approval)
        return report->round > comment->approval
                   ? "a reader's report says that it followed a later approval than the last"
                   : NULL;
    return comment->reports == 0 ? "a reader's report is there, and it was not reported since its last approval" : NULL;
}

static void check_report(struct fsck *fsck, const struct report *report)
{
    struct store *store = fsck->work->store;
    struct store_comment comment;
    enum store_result r = store->ops->comment_get(store, report->site, slice_of(report->comment), &comment);

    fsck->weight++;
    fsck->checked[FSCK_COUNT_REPORTS]++;
    bool there = work_ok(fsck->work, r);
    if (fsck->work->trouble)
        return;
    const char *wrong =
        there ? wrong_with_report(report, &comment) : "a reader's report is about a comment that is not there";
    if (wrong)
        fsck_fault(fsck, FSCK_IN_REPORT, FSCK_STRAY, there ? comment.last_event : 0, report->site,
                   slice_of(report->comment), "%s", wrong);
}

bool fsck_reports(struct fsck *fsck)
{
    struct store *store = fsck->work->store;
    struct reports reports = {.n = 0};

    work_ok(fsck->work, store->ops->report_scan_all(store, fsck->site, slice_of(fsck->comment), slice_of(fsck->reader),
                                                    ROWS_A_SCAN, on_report, &reports));
    for (size_t i = 0; i < reports.n && fsck_may_go_on(fsck); i++) {
        const struct report *row = &reports.rows[i];
        check_report(fsck, row);
        fsck->site = row->site;
        memcpy(fsck->comment, row->comment, sizeof(fsck->comment));
        memcpy(fsck->reader, row->reader, sizeof(fsck->reader));
    }
    return reports.n > 0;
}

/* ---- skips and batches ---- */

/* Rows that name a number, and are found by something before it. */
struct name {
    char moderator[KEY_BYTES + 1];
    unsigned char batch[BATCH_BYTES];
    int64_t no;
};

struct names {
    size_t n;
    struct name rows[ROWS_A_SCAN];
};

static bool on_skip(void *arg, struct slice moderator, int64_t text)
{
    struct names *names = arg;
    struct name *row = &names->rows[names->n++];

    *row = (struct name){.no = text};
    snprintf(row->moderator, sizeof(row->moderator), "%.*s", (int)moderator.len, moderator.data);
    return true;
}

static bool on_batch(void *arg, const unsigned char id[BATCH_BYTES], int64_t event)
{
    struct names *names = arg;
    struct name *row = &names->rows[names->n++];

    *row = (struct name){.no = event};
    memcpy(row->batch, id, BATCH_BYTES);
    return true;
}

static void check_skip(struct fsck *fsck, const struct name *row)
{
    struct store *store = fsck->work->store;
    struct store_text text;
    enum store_result r = store->ops->text_head(store, row->no, &text);

    fsck->weight++;
    fsck->checked[FSCK_COUNT_SKIPS]++;
    if (!work_ok(fsck->work, r) && !fsck->work->trouble)
        fsck_fault(fsck, FSCK_IN_SKIP, FSCK_STRAY, row->no, 0, SLICE_NONE, "%s skipped a text that is not there",
                   row->moderator);
}

static bool can_be_in_a_batch(enum kind kind)
{
    return kind == KIND_APPROVED || kind == KIND_REJECTED || kind == KIND_REOPENED || kind == KIND_ESCALATED ||
           kind == KIND_SECOND_LOOK;
}

static void check_batch(struct fsck *fsck, const struct name *row)
{
    struct store *store = fsck->work->store;
    struct store_event event = {.kind = KIND_NONE};
    enum store_result r = store->ops->event_head(store, row->no, &event);

    fsck->weight++;
    fsck->checked[FSCK_COUNT_BATCHES]++;
    bool there = work_ok(fsck->work, r);
    if (fsck->work->trouble || (there && can_be_in_a_batch(event.kind)))
        return;
    fsck_fault(fsck, FSCK_IN_BATCH, FSCK_STRAY, row->no, event.site, event.comment,
               there ? "an event of this kind is in no batch" : "there is no event of this number");
}

bool fsck_skips(struct fsck *fsck)
{
    struct store *store = fsck->work->store;
    struct names names = {.n = 0};

    work_ok(fsck->work,
            store->ops->skip_scan_all(store, slice_of(fsck->comment), fsck->no, ROWS_A_SCAN, on_skip, &names));
    for (size_t i = 0; i < names.n && fsck_may_go_on(fsck); i++) {
        check_skip(fsck, &names.rows[i]);
        memcpy(fsck->comment, names.rows[i].moderator, sizeof(fsck->comment));
        fsck->no = names.rows[i].no;
    }
    return names.n > 0;
}

bool fsck_batches(struct fsck *fsck)
{
    struct store *store = fsck->work->store;
    struct names names = {.n = 0};

    work_ok(fsck->work, store->ops->batch_scan_all(store, fsck->batch, fsck->no, ROWS_A_SCAN, on_batch, &names));
    for (size_t i = 0; i < names.n && fsck_may_go_on(fsck); i++) {
        check_batch(fsck, &names.rows[i]);
        memcpy(fsck->batch, names.rows[i].batch, sizeof(fsck->batch));
        fsck->no = names.rows[i].no;
    }
    return names.n > 0;
}
