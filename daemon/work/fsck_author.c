#include "fsck_author.h"

enum { AUTHORS_A_SCAN = 64 };

static bool is_of_authors(const struct store_event *event, int64_t site)
{
    return event->site == site && event->comment.len == 0 && event->previous >= 0 && event->previous < event->no &&
           (event->kind == KIND_AUTHOR_NOTED || event->kind == KIND_AUTHOR_MARKED || event->kind == KIND_AUTHOR_ERASED);
}

/* Whose events they are stands nowhere but in the row, so that it can be erased; but they must be of an author. */
static const char *wrong_with_events(struct fsck *fsck, const struct store_author *author)
{
    struct store *store = fsck->work->store;
    struct store_event event;
    int64_t marked = 0;

    if (!author->last_event)
        return "no event tells of it";
    for (int64_t no = author->last_event; no; no = event.previous) {
        fsck->weight++;
        if (!work_ok(fsck->work, store->ops->event_head(store, no, &event)))
            return "an event about it is not there; modq audit verify tells which";
        if (!is_of_authors(&event, author->site))
            return "an event about it is none of an author's; modq audit verify tells which row was changed";
        if (!marked && event.kind == KIND_AUTHOR_MARKED)
            marked = no;
    }
    return marked != author->marked ? "its mark is said to be of another event than the newest that marks it" : NULL;
}

static void check_author(struct fsck *fsck, const struct store_author *author)
{
    const char *wrong = wrong_with_events(fsck, author);

    fsck->checked[FSCK_COUNT_AUTHORS]++;
    if (!wrong && (author->mark < MARK_NONE || author->mark >= MARK_COUNT))
        wrong = "its mark is none that there is";
    if (!wrong && author->mark != MARK_NONE && !author->marked)
        wrong = "it is marked, and no event marks it";
    if (wrong && !fsck->work->trouble)
        fsck_fault(fsck, FSCK_IN_AUTHOR, FSCK_DIFFERS, author->last_event, author->site, SLICE_NONE, "author %s: %s",
                   author->id, wrong);
}

struct page {
    size_t n;
    struct store_author rows[AUTHORS_A_SCAN];
};

static bool on_author(void *arg, const struct store_author *author)
{
    struct page *page = arg;

    page->rows[page->n++] = *author;
    return true;
}

bool fsck_authors(struct fsck *fsck)
{
    struct store *store = fsck->work->store;
    struct page page = {.n = 0};

    work_ok(fsck->work,
            store->ops->author_scan_all(store, fsck->site, slice_of(fsck->comment), AUTHORS_A_SCAN, on_author, &page));
    for (size_t i = 0; i < page.n && fsck_may_go_on(fsck); i++) {
        check_author(fsck, &page.rows[i]);
        fsck->site = page.rows[i].site;
        memcpy(fsck->comment, page.rows[i].id, sizeof(fsck->comment));
    }
    return page.n > 0;
}
