#include "fsck_comment.h"
#include "place.h"

#include "fsck_due.h"
#include "fsck_history.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

enum { COMMENTS_A_SCAN = 64 };

/* One comment: its row, and what its events make of it. */
struct subject {
    struct fsck *fsck;
    struct fsck_subject of;
    const struct store_comment *row;
    struct fsck_fold fold;
};

#define FAULT(subject, table, what, no, ...)                                                                           \
    fsck_fault((subject)->fsck, table, what, no, (subject)->of.site, (subject)->of.comment, __VA_ARGS__)

/* A column of the row. */
#define ROW_FAULT(subject, ...) FAULT(subject, FSCK_IN_COMMENT, FSCK_DIFFERS, (subject)->row->last_event, __VA_ARGS__)

/* ---- the row ---- */

static const char *state_word(enum state state)
{
    return state > STATE_NONE && state < STATE_COUNT ? state_name(state) : "none";
}

static void check_words(const struct subject *s)
{
    if (s->row->state != s->fold.state)
        ROW_FAULT(s, "its state is %s (%d), and its events make it %s", state_word(s->row->state), (int)s->row->state,
                  state_word(s->fold.state));
    /* Which decided comments wait for a second look is drawn by lot: no event tells it. */
    if (s->row->lane != s->fold.lane && !(s->row->lane == LANE_SECOND && s->fold.decision))
        ROW_FAULT(s, "its lane is number %d, and its events make it %s", (int)s->row->lane, lane_name(s->fold.lane));
}

static void check_numbers(const struct subject *s)
{
    const struct store_comment *row = s->row;
    const struct fsck_fold *fold = &s->fold;
    const struct {
        const char *name;
        int64_t row, events;
    } columns[] = {
        {"revision", row->revision, fold->revision},
        {"text", row->text, fold->text},
        {"newest_text", row->newest_text, fold->newest_text},
        {"record", row->record, fold->record},
        {"decision", row->decision, fold->decision},
        {"approval", row->approval, fold->approval},
        {"reports", row->reports, fold->reports},
        {"revisions", row->revisions, fold->revisions},
    };

    for (size_t i = 0; i < ROWS(columns); i++)
        if (columns[i].row != columns[i].events)
            ROW_FAULT(s, "its %s is %lld, and its events make it %lld", columns[i].name, (long long)columns[i].row,
                      (long long)columns[i].events);
}

/* What the store tells as the oldest of a site's queue, it finds by an index of its own. */
static void check_oldest(const struct subject *s)
{
    struct fsck *fsck = s->fsck;
    struct store *store = fsck->work->store;
    struct store_queue queue = {0};

    if (s->row->state != STATE_PENDING)
        return;
    if (fsck->oldest_site != s->of.site) {
        fsck->weight++;
        work_ok(fsck->work, store->ops->queue_figures(store, s->of.site, &queue));
        fsck->oldest_site = s->of.site;
        fsck->oldest = queue.oldest;
    }
    if (s->row->text < fsck->oldest && !fsck->work->trouble)
        ROW_FAULT(s, "its text %lld waits, and text %lld is told as the oldest of its site", (long long)s->row->text,
                  (long long)fsck->oldest);
}

static void check_claim(const struct subject *s)
{
    const struct store_ops *ops = s->fsck->work->store->ops;
    struct store_event event = {.actor = SLICE_LIT("")};
    const char *holder = s->row->claimed_by;

    if (s->fold.claim && !work_ok(s->fsck->work, ops->event_head(s->fsck->work->store, s->fold.claim, &event)))
        return;
    if (!slice_is(event.actor, holder))
        ROW_FAULT(s, "it is held by \"%s\", and its events say \"%.*s\"", holder, (int)event.actor.len,
                  event.actor.data);
    else if (holder[0] && s->row->claimed_until <= 0)
        ROW_FAULT(s, "it is held until %lld, which never was", (long long)s->row->claimed_until);
}

/* ---- what stands beside it ---- */

static bool is_empty(const struct store_text *text)
{
    return !text->body.data && !text->sha256.data && !text->salt.data && !text->meta.data && !text->article.data &&
           !text->author.data && !text->language.data;
}

/* Why the text of a revision is not what it should be; NULL: it is. */
static const char *wrong_with_text(const struct subject *s, int64_t no, struct store_text *text)
{
    struct store *store = s->fsck->work->store;
    bool erased = s->fold.state == STATE_ERASED;
    enum store_result r = erased ? store->ops->text_get(store, no, text) : store->ops->text_head(store, no, text);

    s->fsck->weight++;
    s->fsck->checked[FSCK_COUNT_TEXTS]++;
    if (!work_ok(s->fsck->work, r))
        return "it is not there";
    if (erased)
        return is_empty(text) ? NULL : "the comment was erased, and it was not, or not all of it";
    return text->sha256.data ? NULL : "it was erased, and the comment was not";
}

/* The row holds these as strings: a language, which may be any text, ends there with its first NUL. */
static struct slice as_in_row(struct slice text)
{
    const char *end = text.len ? memchr(text.data, '\0', text.len) : NULL;

    return end ? (struct slice){text.data, (size_t)(end - text.data)} : text;
}

/* What the queue is filtered by stands in the row, too. */
static void check_place(const struct subject *s, const struct store_text *text)
{
    const struct {
        const char *name, *row;
        struct slice text;
    } columns[] = {{"article", s->row->article, text->article},
                   {"author", s->row->author, text->author},
                   {"language", s->row->language, place_language(text->language)}};

    for (size_t i = 0; i < ROWS(columns); i++)
        if (!slice_equal(slice_of(columns[i].row), as_in_row(columns[i].text)))
            ROW_FAULT(s, "its %s is \"%s\", and its text has \"%.*s\"", columns[i].name, columns[i].row,
                      (int)columns[i].text.len, columns[i].text.data ? columns[i].text.data : "");
}

/* From the newest text to the first: they must be those of the events `submitted`. */
static void check_texts(const struct subject *s)
{
    struct fsck *fsck = s->fsck;
    struct store_text text = {.previous = s->row->newest_text};
    int64_t behind = 0; /* the text that says which one is before it; 0: the comment says it */

    for (size_t i = 0; i <= fsck->link_count; i++) {
        const struct fsck_link *link = i < fsck->link_count ? &fsck->links[i] : NULL;
        int64_t expected = link ? link->no : 0;
        if (link && link->kind != KIND_SUBMITTED)
            continue;
        if (text.previous != expected) {
            FAULT(s, FSCK_IN_TEXT, FSCK_DIFFERS, behind, "the text before it is said to be %lld, and is %lld",
                  (long long)text.previous, (long long)expected);
            return;
        }
        const char *wrong = link ? wrong_with_text(s, expected, &text) : NULL;
        if (wrong && !fsck->work->trouble)
            FAULT(s, FSCK_IN_TEXT, FSCK_DIFFERS, expected, "%s", wrong);
        if (wrong)
            return;
        if (expected && expected == s->fold.text)
            check_place(s, &text);
        behind = expected;
    }
}

/* A note is there until its comment is erased. One fault says it of all. */
static void check_notes(const struct subject *s)
{
    struct store *store = s->fsck->work->store;
    bool erased = s->fold.state == STATE_ERASED;
    int64_t wrong = 0;
    int64_t first = 0;
    struct slice note;

    for (size_t i = 0; i < s->fsck->link_count; i++) {
        const struct fsck_link *link = &s->fsck->links[i];
        if (!link->has_note)
            continue;
        s->fsck->weight++;
        if (work_ok(s->fsck->work, store->ops->note_get(store, link->no, &note)) == erased) {
            first = link->no;
            wrong++;
        }
    }
    if (wrong && !s->fsck->work->trouble)
        FAULT(s, FSCK_IN_NOTE, erased ? FSCK_STRAY : FSCK_MISSING, first,
              "%lld notes of the comment, which was %serased, "
              "are %sthere",
              (long long)wrong, erased ? "" : "not ", erased ? "still " : "not ");
}

static bool was_reported(const struct fsck *fsck)
{
    for (size_t i = 0; i < fsck->link_count; i++)
        if (fsck->links[i].kind == KIND_REPORTED)
            return true;
    return false;
}

/* Reports of the current round are those since the last approval. Rows about comments that nobody reported are found by
 * fsck_reports. */
static void check_reports(const struct subject *s)
{
    struct fsck *fsck = s->fsck;
    struct store *store = fsck->work->store;
    int64_t n = 0;

    if (!was_reported(fsck))
        return;
    fsck->weight++;
    work_ok(fsck->work, store->ops->report_count(store, s->of.site, s->of.comment, s->fold.approval, &n));
    if (n != s->fold.reports && !fsck->work->trouble)
        FAULT(s, FSCK_IN_REPORT, FSCK_DIFFERS, s->row->last_event,
              "%lld readers' reports since its last approval are there, and its events say %lld", (long long)n,
              (long long)s->fold.reports);
}

/* ---- one after the other ---- */

/* In its site's sums a comment counts as what it was at `upto`. */
static void add_to_sums(const struct subject *s, struct fsck_sums *sums)
{
    struct fsck *fsck = s->fsck;
    struct fsck_fold then = s->fold;
    size_t later = 0;

    while (later < fsck->link_count && fsck->links[later].no > fsck->upto)
        later++;
    sums->of[FSCK_CHAINED] += (int64_t)(fsck->link_count - later);
    fsck->checked[FSCK_COUNT_HISTORY] += (int64_t)(fsck->link_count - later);
    if (later > 0)
        fsck_replay(fsck, &s->of, later, &then, false);
    fsck_add(sums, &then, 1);
}

static void check_comment(struct fsck *fsck, const struct store_comment *row)
{
    struct subject s = {.fsck = fsck, .of = {row->site, slice_of(row->id)}, .row = row};
    struct fsck_sums *sums = fsck_sums_of(fsck, row->site);

    fsck->weight++;
    fsck->checked[FSCK_COUNT_COMMENTS]++;
    if (!sums) {
        FAULT(&s, FSCK_IN_COMMENT, FSCK_STRAY, row->last_event, "there is no site %lld", (long long)row->site);
        return;
    }
    if (!fsck_read_history(fsck, &s.of, row->last_event, true)) {
        sums->of[FSCK_DOUBT] = 1;
        return;
    }
    if (fsck->link_count == 0)
        FAULT(&s, FSCK_IN_COMMENT, FSCK_STRAY, 0, "no event tells of it");
    fsck_replay(fsck, &s.of, 0, &s.fold, true);
    check_words(&s);
    check_numbers(&s);
    fsck_due(fsck, row, s.fold.received_at);
    check_oldest(&s);
    check_claim(&s);
    check_texts(&s);
    check_notes(&s);
    check_reports(&s);
    add_to_sums(&s, sums);
}

/* A scan must not ask for anything else, so some rows are read first. */
struct page {
    size_t n;
    struct store_comment rows[COMMENTS_A_SCAN];
};

static bool on_comment(void *arg, const struct store_comment *comment)
{
    struct page *page = arg;

    page->rows[page->n++] = *comment;
    return true;
}

bool fsck_comments(struct fsck *fsck)
{
    struct store *store = fsck->work->store;
    struct page page = {.n = 0};

    work_ok(fsck->work, store->ops->comment_scan_all(store, fsck->site, slice_of(fsck->comment), COMMENTS_A_SCAN,
                                                     on_comment, &page));
    for (size_t i = 0; i < page.n && fsck_may_go_on(fsck); i++) {
        check_comment(fsck, &page.rows[i]);
        fsck->site = page.rows[i].site;
        memcpy(fsck->comment, page.rows[i].id, sizeof(fsck->comment));
    }
    return page.n > 0;
}
