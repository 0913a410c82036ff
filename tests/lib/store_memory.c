#include "store_memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

struct report {
    int64_t site;
    struct slice comment;
    struct store_report is;
};

struct article {
    int64_t site;
    struct slice id;
    struct store_article is;
};

struct operation {
    struct slice id;
    struct store_operation is;
};

struct skip {
    struct slice moderator;
    int64_t text, until;
};

struct batch {
    struct slice id;
    int64_t event;
};

enum table {
    SITES,
    COMMENTS,
    TEXTS,
    EVENTS,
    NOTES,
    REPORTS,
    ARTICLES,
    LISTENERS,
    OPERATIONS,
    KEYS,
    AUTHORS,
    SKIPS,
    BATCHES,
    TABLES
};

/* What a row is: its size, and where in it the slices are that it owns. */
struct row_type {
    size_t size;
    size_t slices;
    size_t at[8];
};

#define AT(type, field) offsetof(struct type, field)

static const struct row_type types[TABLES] = {
    [SITES] = {sizeof(struct store_site), 0, {0}},
    [COMMENTS] = {sizeof(struct store_comment), 0, {0}},
    [TEXTS] = {sizeof(struct store_text),
               7,
               {AT(store_text, article), AT(store_text, author), AT(store_text, language), AT(store_text, body),
                AT(store_text, sha256), AT(store_text, salt), AT(store_text, meta)}},
    [EVENTS] = {sizeof(struct store_event),
                6,
                {AT(store_event, comment), AT(store_event, actor), AT(store_event, data), AT(store_event, via),
                 AT(store_event, hash), AT(store_event, sha256)}},
    [NOTES] = {sizeof(struct store_note), 2, {AT(store_note, salt), AT(store_note, text)}},
    [REPORTS] = {sizeof(struct report),
                 4,
                 {AT(report, comment), AT(report, is.reader), AT(report, is.reason), AT(report, is.note)}},
    [ARTICLES] = {sizeof(struct article), 2, {AT(article, id), AT(article, is.meta)}},
    [LISTENERS] = {sizeof(struct store_listener), 1, {AT(store_listener, name)}},
    [OPERATIONS] = {sizeof(struct operation),
                    4,
                    {AT(operation, id), AT(operation, is.actor), AT(operation, is.request), AT(operation, is.answer)}},
    [KEYS] = {sizeof(struct store_key), 1, {AT(store_key, sites)}},
    [AUTHORS] = {sizeof(struct store_author), 0, {0}},
    [SKIPS] = {sizeof(struct skip), 1, {AT(skip, moderator)}},
    [BATCHES] = {sizeof(struct batch), 1, {AT(batch, id)}},
};

struct rows {
    char *items;
    size_t count, room;
};

struct contents {
    struct rows tables[TABLES];
    unsigned char epoch[EPOCH_BYTES];
    char boot[64];
};

struct memory {
    struct store store;
    struct contents now, before; /* before: as it was at begin */
    bool transaction;
    bool broken; /* a call failed inside the transaction */
    int scans;   /* scans that are under way */
    const char *reason;
    char **loans; /* memory behind the slices that the last call handed out */
    size_t loan_count;
};

static void *allocate(void *old, size_t bytes)
{
    void *p = realloc(old, bytes ? bytes : 1);

    if (!p) {
        perror("store_memory");
        abort();
    }
    return p;
}

/* ---- rows ---- */

static struct slice slice_copy(struct slice s)
{
    if (!s.data)
        return SLICE_NONE;
    char *data = allocate(NULL, s.len);
    if (s.len)
        memcpy(data, s.data, s.len);
    return (struct slice){data, s.len};
}

static struct slice *row_slice(enum table table, void *row, size_t i)
{
    return (struct slice *)((char *)row + types[table].at[i]);
}

static void row_own(enum table table, void *row)
{
    for (size_t i = 0; i < types[table].slices; i++)
        *row_slice(table, row, i) = slice_copy(*row_slice(table, row, i));
}

static void row_free(enum table table, void *row)
{
    for (size_t i = 0; i < types[table].slices; i++)
        free((char *)row_slice(table, row, i)->data);
}

static void *row_at(const struct contents *c, enum table table, size_t i)
{
    return c->tables[table].items + i * types[table].size;
}

static void rows_reserve(struct rows *rows, enum table table, size_t room)
{
    rows->items = allocate(rows->items, room * types[table].size);
    rows->room = room;
}

static void row_add(struct contents *c, enum table table, const void *row)
{
    struct rows *rows = &c->tables[table];

    if (rows->count == rows->room)
        rows_reserve(rows, table, 2 * rows->count + 1);
    memcpy(row_at(c, table, rows->count), row, types[table].size);
    row_own(table, row_at(c, table, rows->count++));
}

/* Puts `row` in the place of `old`, or adds it when there is no old one. */
static void row_put(struct contents *c, enum table table, void *old, const void *row)
{
    if (!old) {
        row_add(c, table, row);
        return;
    }
    row_free(table, old);
    memcpy(old, row, types[table].size);
    row_own(table, old);
}

static void row_remove(struct contents *c, enum table table, size_t i)
{
    struct rows *rows = &c->tables[table];
    char *row = row_at(c, table, i);

    row_free(table, row);
    rows->count--;
    memmove(row, row + types[table].size, (rows->count - i) * types[table].size);
}

/* First row for which is(row, key), else NULL. */
static void *row_find(const struct contents *c, enum table table, bool (*is)(const void *row, const void *key),
                      const void *key)
{
    for (size_t i = 0; i < c->tables[table].count; i++)
        if (is(row_at(c, table, i), key))
            return row_at(c, table, i);
    return NULL;
}

static void contents_copy(struct contents *to, const struct contents *from)
{
    *to = *from;
    memset(to->tables, 0, sizeof(to->tables));
    for (enum table t = 0; t < TABLES; t++) {
        rows_reserve(&to->tables[t], t, from->tables[t].count + 1);
        for (size_t i = 0; i < from->tables[t].count; i++)
            row_add(to, t, row_at(from, t, i));
    }
}

static void contents_free(struct contents *c)
{
    for (enum table t = 0; t < TABLES; t++) {
        for (size_t i = 0; i < c->tables[t].count; i++)
            row_free(t, row_at(c, t, i));
        free(c->tables[t].items);
    }
    memset(c, 0, sizeof(*c));
}

/* ---- entering a call, lending, scanning ---- */

static void loans_end(struct memory *m)
{
    while (m->loan_count)
        free(m->loans[--m->loan_count]);
}

static struct memory *reading(struct store *store)
{
    struct memory *m = (struct memory *)store;

    assert(!m->broken && "only rollback may follow a failure");
    loans_end(m);
    return m;
}

static struct memory *writing(struct store *store)
{
    struct memory *m = reading(store);

    assert(m->transaction && "writes need a transaction");
    assert(!m->scans && "no writes from within a scan");
    return m;
}

static enum store_result failed(struct memory *m, const char *reason)
{
    m->reason = reason;
    m->broken = m->transaction;
    return STORE_FAILED;
}

/* Turns the slices of a copied row into loans. */
static void lend(struct memory *m, enum table table, void *row)
{
    row_own(table, row);
    for (size_t i = 0; i < types[table].slices; i++) {
        m->loans = allocate(m->loans, (m->loan_count + 1) * sizeof(*m->loans));
        m->loans[m->loan_count++] = (char *)row_slice(table, row, i)->data;
    }
}

struct scan {
    enum table table;
    bool (*wanted)(const void *row, const void *key);
    const void *key;
    int (*order)(const void *a, const void *b); /* of two pointers to rows; NULL: as they were added */
    int64_t limit;
};

/* The rows that a scan wants, in its order; the caller frees the array. */
static void **scan_rows(const struct contents *c, const struct scan *scan, size_t *count)
{
    size_t all = c->tables[scan->table].count;
    void **rows = allocate(NULL, all * sizeof(*rows));

    *count = 0;
    for (size_t i = 0; i < all; i++)
        if (!scan->wanted || scan->wanted(row_at(c, scan->table, i), scan->key))
            rows[(*count)++] = row_at(c, scan->table, i);
    if (scan->order && *count > 1)
        qsort(rows, *count, sizeof(*rows), scan->order);
    size_t most = scan->limit > 0 ? (size_t)scan->limit : 0;
    if (most < *count)
        *count = most;
    return rows;
}

/* Runs `each(m, row, on, arg)` for them until it returns false. */
static enum store_result scan_run(struct memory *m, const struct scan *scan,
                                  bool (*each)(struct memory *, const void *row, void *call), void *call)
{
    size_t count;
    void **rows = scan_rows(&m->now, scan, &count);
    bool more = true;

    m->scans++;
    for (size_t i = 0; i < count && more; i++) {
        more = each(m, rows[i], call);
        loans_end(m);
    }
    m->scans--;
    free(rows);
    return STORE_OK;
}

static int compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* In the order of their bytes, as SQLite compares texts. */
static int slice_compare(struct slice a, struct slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.data, b.data, len) : 0;

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

#define ROW(type, pointer) (*(const struct type *const *)(pointer))

/* ---- transactions ---- */

static void memory_close(struct store *store)
{
    struct memory *m = (struct memory *)store;

    loans_end(m);
    free(m->loans);
    contents_free(&m->now);
    contents_free(&m->before);
    free(m);
}

static const char *memory_reason(struct store *store)
{
    return ((struct memory *)store)->reason;
}

static enum store_result memory_begin(struct store *store)
{
    struct memory *m = reading(store);

    assert(!m->transaction && "transactions do not nest");
    contents_copy(&m->before, &m->now);
    m->transaction = true;
    return STORE_OK;
}

static enum store_result memory_commit(struct store *store)
{
    struct memory *m = writing(store);

    contents_free(&m->before);
    m->transaction = false;
    return STORE_OK;
}

static void memory_rollback(struct store *store)
{
    struct memory *m = (struct memory *)store;

    loans_end(m);
    if (!m->transaction)
        return;
    contents_free(&m->now);
    m->now = m->before;
    memset(&m->before, 0, sizeof(m->before));
    m->transaction = false;
    m->broken = false;
}

static enum store_result memory_room(struct store *store, int64_t *bytes)
{
    reading(store);
    *bytes = INT64_C(1) << 40;
    return STORE_OK;
}

static enum store_result memory_epoch(struct store *store, unsigned char epoch[EPOCH_BYTES])
{
    struct memory *m = reading(store);

    memcpy(epoch, m->now.epoch, EPOCH_BYTES);
    return STORE_OK;
}

static enum store_result memory_epoch_set(struct store *store, const unsigned char epoch[EPOCH_BYTES])
{
    struct memory *m = writing(store);

    memcpy(m->now.epoch, epoch, EPOCH_BYTES);
    return STORE_OK;
}

static enum store_result memory_boot(struct store *store, char boot[64])
{
    memcpy(boot, reading(store)->now.boot, 64);
    return STORE_OK;
}

static enum store_result memory_boot_set(struct store *store, const char *boot)
{
    struct memory *m = writing(store);

    assert(strlen(boot) < sizeof(m->now.boot));
    memset(m->now.boot, 0, sizeof(m->now.boot));
    memcpy(m->now.boot, boot, strlen(boot));
    return STORE_OK;
}

/* ---- sites ---- */

static bool site_named(const void *row, const void *name)
{
    return slice_equal(slice_of(((const struct store_site *)row)->name), *(const struct slice *)name);
}

static bool site_numbered(const void *row, const void *no)
{
    return ((const struct store_site *)row)->no == *(const int64_t *)no;
}

static int site_order(const void *a, const void *b)
{
    return compare(ROW(store_site, a)->no, ROW(store_site, b)->no);
}

static enum store_result memory_site_find(struct store *store, struct slice name, struct store_site *site)
{
    const struct store_site *row = row_find(&reading(store)->now, SITES, site_named, &name);

    if (!row)
        return STORE_NONE;
    *site = *row;
    return STORE_OK;
}

struct site_call {
    store_on_site *on;
    void *arg;
};

static bool site_each(struct memory *m, const void *row, void *arg)
{
    struct site_call *call = arg;
    struct store_site site = *(const struct store_site *)row;

    (void)m;
    return call->on(call->arg, &site);
}

static enum store_result memory_site_scan(struct store *store, store_on_site *on, void *arg)
{
    struct scan scan = {.table = SITES, .order = site_order, .limit = INT64_MAX};

    return scan_run(reading(store), &scan, site_each, &(struct site_call){on, arg});
}

static enum store_result memory_site_put(struct store *store, const struct store_site *site)
{
    struct memory *m = writing(store);

    row_put(&m->now, SITES, row_find(&m->now, SITES, site_numbered, &site->no), site);
    return STORE_OK;
}

/* ---- comments ---- */

/* What comments, reports and articles are found by. */
struct key {
    int64_t site;
    struct slice id, reader;
};

static bool comment_is(const void *row, const void *of)
{
    const struct store_comment *c = row;
    const struct key *key = of;

    return c->site == key->site && slice_equal(slice_of(c->id), key->id);
}

static enum store_result memory_comment_get(struct store *store, int64_t site, struct slice id,
                                            struct store_comment *comment)
{
    const struct store_comment *row =
        row_find(&reading(store)->now, COMMENTS, comment_is, &(struct key){site, id, SLICE_NONE});

    if (!row)
        return STORE_NONE;
    *comment = *row;
    return STORE_OK;
}

static enum store_result memory_comment_put(struct store *store, const struct store_comment *comment)
{
    struct memory *m = writing(store);
    struct key key = {comment->site, slice_of(comment->id), SLICE_NONE};
    struct store_comment *old = row_find(&m->now, COMMENTS, comment_is, &key);
    struct store_comment stored = *comment;

    if (comment->stored != (old != NULL))
        return failed(m, old ? "the comment is stored already" : "the comment is not stored");
    stored.stored = true;
    row_put(&m->now, COMMENTS, old, &stored);
    return STORE_OK;
}

/* ---- texts ---- */

static bool text_is(const void *row, const void *no)
{
    return ((const struct store_text *)row)->no == *(const int64_t *)no;
}

static enum store_result memory_text_add(struct store *store, const struct store_text *text)
{
    struct memory *m = writing(store);

    if (row_find(&m->now, TEXTS, text_is, &text->no))
        return failed(m, "a text is never edited");
    row_add(&m->now, TEXTS, text);
    return STORE_OK;
}

static enum store_result memory_text_get(struct store *store, int64_t no, struct store_text *text)
{
    struct memory *m = reading(store);
    const struct store_text *row = row_find(&m->now, TEXTS, text_is, &no);

    if (!row)
        return STORE_NONE;
    *text = *row;
    lend(m, TEXTS, text);
    return STORE_OK;
}

static enum store_result memory_text_head(struct store *store, int64_t no, struct store_text *text)
{
    enum store_result r = memory_text_get(store, no, text);

    if (r == STORE_OK)
        text->body = text->meta = SLICE_NONE;
    return r;
}

static enum store_result memory_tidy(struct store *store)
{
    reading(store);
    return STORE_OK;
}

static enum store_result memory_text_erase(struct store *store, int64_t no)
{
    struct memory *m = writing(store);
    struct store_text *row = row_find(&m->now, TEXTS, text_is, &no);

    if (!row)
        return STORE_NONE;
    row_put(&m->now, TEXTS, row,
            &(struct store_text){
                .no = row->no, .previous = row->previous, .revision = row->revision, .received_at = row->received_at});
    return STORE_OK;
}

/* ---- events and the log ---- */

struct log_key {
    int64_t site, seq;
};

static bool event_is_record(const void *row, const void *of)
{
    const struct store_event *e = row;
    const struct log_key *key = of;

    return e->site == key->site && e->seq > 0 && e->seq == key->seq;
}

static bool event_is_after(const void *row, const void *of)
{
    const struct store_event *e = row;
    const struct log_key *key = of;

    return e->site == key->site && e->seq > 0 && e->seq > key->seq;
}

static int event_log_order(const void *a, const void *b)
{
    return compare(ROW(store_event, a)->seq, ROW(store_event, b)->seq);
}

static enum store_result memory_event_add(struct store *store, const struct store_event *event)
{
    struct memory *m = writing(store);
    struct store_event added = *event;

    if (event->no != (int64_t)m->now.tables[EVENTS].count + 1)
        return failed(m, "events are added with the next number");
    if (row_find(&m->now, EVENTS, event_is_record, &(struct log_key){event->site, event->seq}))
        return failed(m, "the number in the log is taken");
    added.sha256 = SLICE_NONE;
    row_add(&m->now, EVENTS, &added);
    return STORE_OK;
}

/* Lends an event together with the hash of the text that it is about. */
static enum store_result event_lend(struct memory *m, const struct store_event *row, struct store_event *event)
{
    if (!row)
        return STORE_NONE;
    const struct store_text *text = row_find(&m->now, TEXTS, text_is, &row->text);
    *event = *row;
    if (text)
        event->sha256 = text->sha256;
    lend(m, EVENTS, event);
    return STORE_OK;
}

static enum store_result memory_event_get(struct store *store, int64_t no, struct store_event *event)
{
    struct memory *m = reading(store);

    if (no < 1 || no > (int64_t)m->now.tables[EVENTS].count)
        return STORE_NONE;
    return event_lend(m, row_at(&m->now, EVENTS, (size_t)no - 1), event);
}

static enum store_result memory_event_last(struct store *store, struct store_event *event)
{
    return memory_event_get(store, (int64_t)((struct memory *)store)->now.tables[EVENTS].count, event);
}

static enum store_result memory_event_head(struct store *store, int64_t no, struct store_event *event)
{
    enum store_result r = memory_event_get(store, no, event);

    event->sha256 = SLICE_NONE;
    return r;
}

static enum store_result memory_log_get(struct store *store, int64_t site, int64_t seq, struct store_event *event)
{
    struct memory *m = reading(store);

    return event_lend(m, row_find(&m->now, EVENTS, event_is_record, &(struct log_key){site, seq}), event);
}

struct event_call {
    store_on_event *on;
    void *arg;
};

static bool event_each(struct memory *m, const void *row, void *arg)
{
    struct event_call *call = arg;
    struct store_event event;

    event_lend(m, row, &event);
    return call->on(call->arg, &event);
}

static enum store_result memory_log_scan(struct store *store, int64_t site, int64_t after, int64_t limit,
                                         store_on_event *on, void *arg)
{
    struct log_key key = {site, after};
    struct scan scan = {EVENTS, event_is_after, &key, event_log_order, limit};

    return scan_run(reading(store), &scan, event_each, &(struct event_call){on, arg});
}

/* Numbers above `after` and below `before`. */
struct range {
    int64_t after, before;
    bool of_keys;
};

static bool event_in(const void *row, const void *of)
{
    const struct store_event *e = row;
    const struct range *range = of;

    return e->no > range->after && e->no < range->before &&
           (!range->of_keys || (e->kind >= KIND_KEY_ADDED && e->kind <= KIND_KEY_ROTATED));
}

static int event_order(const void *a, const void *b)
{
    return compare(ROW(store_event, a)->no, ROW(store_event, b)->no);
}

static int event_order_back(const void *a, const void *b)
{
    return event_order(b, a);
}

/* Without the hash of the text. */
static bool event_each_alone(struct memory *m, const void *row, void *arg)
{
    struct event_call *call = arg;
    struct store_event event = *(const struct store_event *)row;

    lend(m, EVENTS, &event);
    return call->on(call->arg, &event);
}

static enum store_result events_in(struct store *store, struct range range, int (*order)(const void *, const void *),
                                   int64_t limit, store_on_event *on, void *arg)
{
    struct scan scan = {EVENTS, event_in, &range, order, limit};

    return scan_run(reading(store), &scan, event_each_alone, &(struct event_call){on, arg});
}

static enum store_result memory_event_scan(struct store *store, int64_t after, int64_t limit, store_on_event *on,
                                           void *arg)
{
    return events_in(store, (struct range){after, INT64_MAX, false}, event_order, limit, on, arg);
}

static enum store_result memory_event_scan_keys(struct store *store, int64_t after, int64_t limit, store_on_event *on,
                                                void *arg)
{
    return events_in(store, (struct range){after, INT64_MAX, true}, event_order, limit, on, arg);
}

static enum store_result memory_event_scan_back(struct store *store, int64_t before, int64_t limit, store_on_event *on,
                                                void *arg)
{
    return events_in(store, (struct range){0, before, false}, event_order_back, limit, on, arg);
}

static bool text_in(const void *row, const void *of)
{
    const struct store_text *t = row;
    const struct range *range = of;

    return t->no > range->after && t->no < range->before;
}

static int text_order(const void *a, const void *b)
{
    return compare(ROW(store_text, a)->no, ROW(store_text, b)->no);
}

struct text_call {
    store_on_text *on;
    void *arg;
};

static bool text_each(struct memory *m, const void *row, void *arg)
{
    struct text_call *call = arg;
    struct store_text text = *(const struct store_text *)row;

    lend(m, TEXTS, &text);
    return call->on(call->arg, &text);
}

/* The number above, which the greatest one does not have. */
static int64_t above(int64_t no)
{
    return no < INT64_MAX ? no + 1 : no;
}

static enum store_result memory_text_scan(struct store *store, int64_t after, int64_t last, store_on_text *on,
                                          void *arg)
{
    struct range range = {after, above(last), false};
    struct scan scan = {TEXTS, text_in, &range, text_order, INT64_MAX};

    return scan_run(reading(store), &scan, text_each, &(struct text_call){on, arg});
}

/* ---- notes ---- */

static bool note_is(const void *row, const void *event)
{
    return ((const struct store_note *)row)->event == *(const int64_t *)event;
}

static enum store_result memory_note_add(struct store *store, int64_t event, struct slice salt, struct slice text)
{
    struct memory *m = writing(store);

    if (row_find(&m->now, NOTES, note_is, &event))
        return failed(m, "the event has a note already");
    row_add(&m->now, NOTES, &(struct store_note){event, salt, text});
    return STORE_OK;
}

static enum store_result memory_note_get(struct store *store, int64_t event, struct slice *text)
{
    struct memory *m = reading(store);
    const struct store_note *row = row_find(&m->now, NOTES, note_is, &event);

    if (!row)
        return STORE_NONE;
    struct store_note note = *row;
    lend(m, NOTES, &note);
    *text = note.text;
    return STORE_OK;
}

static bool note_in(const void *row, const void *of)
{
    const struct store_note *n = row;
    const struct range *range = of;

    return n->event > range->after && n->event < range->before;
}

static int note_order(const void *a, const void *b)
{
    return compare(ROW(store_note, a)->event, ROW(store_note, b)->event);
}

struct note_call {
    store_on_note *on;
    void *arg;
};

static bool note_each(struct memory *m, const void *row, void *arg)
{
    struct note_call *call = arg;
    struct store_note note = *(const struct store_note *)row;

    lend(m, NOTES, &note);
    return call->on(call->arg, &note);
}

static enum store_result memory_note_scan(struct store *store, int64_t after, int64_t last, store_on_note *on,
                                          void *arg)
{
    struct range range = {after, above(last), false};
    struct scan scan = {NOTES, note_in, &range, note_order, INT64_MAX};

    return scan_run(reading(store), &scan, note_each, &(struct note_call){on, arg});
}

/* Takes out of a table at most `limit` rows for which is(row, key). */
static void rows_remove(struct contents *c, enum table table, bool (*is)(const void *row, const void *key),
                        const void *key, int64_t limit)
{
    for (size_t i = 0; i < c->tables[table].count && limit > 0;) {
        if (is(row_at(c, table, i), key)) {
            row_remove(c, table, i);
            limit--;
        } else {
            i++;
        }
    }
}

static enum store_result memory_note_erase(struct store *store, int64_t event)
{
    rows_remove(&writing(store)->now, NOTES, note_is, &event, 1);
    return STORE_OK;
}

/* ---- reports ---- */

static bool report_about(const void *row, const void *of)
{
    const struct report *r = row;
    const struct key *key = of;

    return r->site == key->site && slice_equal(r->comment, key->id);
}

static bool report_is(const void *row, const void *of)
{
    return report_about(row, of) &&
           slice_equal(((const struct report *)row)->is.reader, ((const struct key *)of)->reader);
}

static int report_order(const void *a, const void *b)
{
    return -compare(ROW(report, a)->is.at, ROW(report, b)->is.at);
}

static void report_lend(struct memory *m, const struct report *row, struct store_report *report)
{
    struct report copy = *row;

    lend(m, REPORTS, &copy);
    *report = copy.is;
}

static enum store_result memory_report_get(struct store *store, int64_t site, struct slice comment, struct slice reader,
                                           struct store_report *report)
{
    struct memory *m = reading(store);
    const struct report *row = row_find(&m->now, REPORTS, report_is, &(struct key){site, comment, reader});

    if (!row)
        return STORE_NONE;
    report_lend(m, row, report);
    return STORE_OK;
}

static enum store_result memory_report_put(struct store *store, int64_t site, struct slice comment,
                                           const struct store_report *report)
{
    struct memory *m = writing(store);
    struct key key = {site, comment, report->reader};

    row_put(&m->now, REPORTS, row_find(&m->now, REPORTS, report_is, &key), &(struct report){site, comment, *report});
    return STORE_OK;
}

struct report_call {
    store_on_report *on;
    void *arg;
};

static bool report_each(struct memory *m, const void *row, void *arg)
{
    struct report_call *call = arg;
    struct store_report report;

    report_lend(m, row, &report);
    return call->on(call->arg, &report);
}

static enum store_result memory_report_scan(struct store *store, int64_t site, struct slice comment, int64_t limit,
                                            store_on_report *on, void *arg)
{
    struct key key = {site, comment, SLICE_NONE};
    struct scan scan = {REPORTS, report_about, &key, report_order, limit};

    return scan_run(reading(store), &scan, report_each, &(struct report_call){on, arg});
}

static enum store_result memory_report_erase(struct store *store, int64_t site, struct slice comment)
{
    struct key key = {site, comment, SLICE_NONE};

    rows_remove(&writing(store)->now, REPORTS, report_about, &key, INT64_MAX);
    return STORE_OK;
}

static enum store_result memory_report_count(struct store *store, int64_t site, struct slice comment, int64_t round,
                                             int64_t *n)
{
    struct memory *m = reading(store);
    struct key key = {site, comment, SLICE_NONE};

    *n = 0;
    for (size_t i = 0; i < m->now.tables[REPORTS].count; i++) {
        const struct report *r = row_at(&m->now, REPORTS, i);
        *n += report_about(r, &key) && r->is.round == round;
    }
    return STORE_OK;
}

static int report_key_compare(const struct key *a, const struct key *b)
{
    int order = compare(a->site, b->site);

    order = order ? order : slice_compare(a->id, b->id);
    return order ? order : slice_compare(a->reader, b->reader);
}

static struct key report_key(const struct report *r)
{
    return (struct key){r->site, r->comment, r->is.reader};
}

static bool report_after(const void *row, const void *of)
{
    struct key key = report_key(row);

    return report_key_compare(&key, of) > 0;
}

static int report_key_order(const void *a, const void *b)
{
    struct key x = report_key(ROW(report, a));
    struct key y = report_key(ROW(report, b));

    return report_key_compare(&x, &y);
}

struct report_of_call {
    store_on_report_of *on;
    void *arg;
};

static bool report_of_each(struct memory *m, const void *row, void *arg)
{
    struct report_of_call *call = arg;
    struct report copy = *(const struct report *)row;

    lend(m, REPORTS, &copy);
    return call->on(call->arg, copy.site, copy.comment, &copy.is);
}

static enum store_result memory_report_scan_all(struct store *store, int64_t after_site, struct slice after_comment,
                                                struct slice after_reader, int64_t limit, store_on_report_of *on,
                                                void *arg)
{
    struct key key = {after_site, after_comment, after_reader};
    struct scan scan = {REPORTS, report_after, &key, report_key_order, limit};

    return scan_run(reading(store), &scan, report_of_each, &(struct report_of_call){on, arg});
}

/* ---- articles, listeners, operations ---- */

static bool article_is(const void *row, const void *of)
{
    const struct article *a = row;
    const struct key *key = of;

    return a->site == key->site && slice_equal(a->id, key->id);
}

static enum store_result memory_article_get(struct store *store, int64_t site, struct slice id,
                                            struct store_article *article)
{
    struct memory *m = reading(store);
    const struct article *row = row_find(&m->now, ARTICLES, article_is, &(struct key){site, id, SLICE_NONE});

    if (!row)
        return STORE_NONE;
    struct article copy = *row;
    lend(m, ARTICLES, &copy);
    *article = copy.is;
    return STORE_OK;
}

static enum store_result memory_article_put(struct store *store, int64_t site, struct slice id,
                                            const struct store_article *article)
{
    struct memory *m = writing(store);
    struct key key = {site, id, SLICE_NONE};

    row_put(&m->now, ARTICLES, row_find(&m->now, ARTICLES, article_is, &key), &(struct article){site, id, *article});
    return STORE_OK;
}

static bool listener_is(const void *row, const void *of)
{
    const struct store_listener *a = row, *b = of;

    return a->site == b->site && slice_equal(a->name, b->name);
}

/* Other listeners of the same site; those that were silent since before `forget_before` are not counted, and go. */
static int64_t listeners_beside(struct memory *m, const struct store_listener *listener, int64_t forget_before,
                                bool forget)
{
    struct rows *rows = &m->now.tables[LISTENERS];
    int64_t n = 0;

    for (size_t i = rows->count; i-- > 0;) {
        struct store_listener *row = row_at(&m->now, LISTENERS, i);
        if (row->site != listener->site)
            continue;
        if (forget && row->at < forget_before)
            row_remove(&m->now, LISTENERS, i);
        else
            n += !slice_equal(row->name, listener->name);
    }
    return n;
}

static enum store_result memory_listener_put(struct store *store, const struct store_listener *listener, int64_t max,
                                             int64_t forget_before)
{
    struct memory *m = writing(store);

    if (listeners_beside(m, listener, forget_before, false) >= max &&
        listeners_beside(m, listener, forget_before, true) >= max)
        return STORE_NONE;
    row_put(&m->now, LISTENERS, row_find(&m->now, LISTENERS, listener_is, listener), listener);
    return STORE_OK;
}

struct listener_call {
    store_on_listener *on;
    void *arg;
};

static bool listener_each(struct memory *m, const void *row, void *arg)
{
    struct listener_call *call = arg;
    struct store_listener listener = *(const struct store_listener *)row;

    lend(m, LISTENERS, &listener);
    return call->on(call->arg, &listener);
}

static enum store_result memory_listener_scan(struct store *store, store_on_listener *on, void *arg)
{
    struct scan scan = {.table = LISTENERS, .limit = INT64_MAX};

    return scan_run(reading(store), &scan, listener_each, &(struct listener_call){on, arg});
}

static bool operation_is(const void *row, const void *id)
{
    return slice_equal(((const struct operation *)row)->id, *(const struct slice *)id);
}

static bool operation_older(const void *row, const void *before)
{
    return ((const struct operation *)row)->is.at < *(const int64_t *)before;
}

static enum store_result memory_operation_get(struct store *store, struct slice id, struct store_operation *operation)
{
    struct memory *m = reading(store);
    const struct operation *row = row_find(&m->now, OPERATIONS, operation_is, &id);

    if (!row)
        return STORE_NONE;
    struct operation copy = *row;
    lend(m, OPERATIONS, &copy);
    *operation = copy.is;
    return STORE_OK;
}

static enum store_result memory_operation_add(struct store *store, struct slice id,
                                              const struct store_operation *operation)
{
    struct memory *m = writing(store);

    if (row_find(&m->now, OPERATIONS, operation_is, &id))
        return failed(m, "the operation is stored already");
    row_add(&m->now, OPERATIONS, &(struct operation){id, *operation});
    return STORE_OK;
}

static enum store_result memory_operation_prune(struct store *store, int64_t before, int64_t limit)
{
    rows_remove(&writing(store)->now, OPERATIONS, operation_older, &before, limit);
    return STORE_OK;
}

/* ---- keys ---- */

static bool key_is(const void *row, const void *no)
{
    return ((const struct store_key *)row)->no == *(const int64_t *)no;
}

static bool key_public(const void *row, const void *public_key)
{
    const struct store_key *k = row;

    return k->has_public && memcmp(k->public_key, public_key, PUBLIC_KEY_BYTES) == 0;
}

static bool key_may_become(const struct store_key *old, const struct store_key *key)
{
    return strcmp(old->name, key->name) == 0 && old->role == key->role && old->rights == key->rights &&
           old->has_public == key->has_public &&
           (!old->has_public || memcmp(old->public_key, key->public_key, PUBLIC_KEY_BYTES) == 0) &&
           old->uid == key->uid && old->all_sites == key->all_sites && slice_equal(old->sites, key->sites) &&
           strcmp(old->created_by, key->created_by) == 0 && old->created_at == key->created_at &&
           (!old->expires_at || (key->expires_at && key->expires_at <= old->expires_at)) &&
           (!old->revoked_at || key->revoked_at == old->revoked_at);
}

static enum store_result memory_key_put(struct store *store, const struct store_key *key)
{
    struct memory *m = writing(store);
    struct store_key *old = row_find(&m->now, KEYS, key_is, &key->no);

    if (key->has_public == (key->uid != UID_NONE))
        return failed(m, "a key has a public key or a user");
    if (old && !key_may_become(old, key))
        return failed(m, "a key ends or is revoked, and never changes otherwise");
    if (!old && key->no != (int64_t)m->now.tables[KEYS].count + 1)
        return failed(m, "keys are added with the next number");
    if (!old && key->has_public && row_find(&m->now, KEYS, key_public, key->public_key))
        return failed(m, "the public key is there already");
    struct store_key row = *key;
    if (key->all_sites)
        row.sites = SLICE_NONE;
    row_put(&m->now, KEYS, old, &row);
    return STORE_OK;
}

struct key_call {
    store_on_key *on;
    void *arg;
};

static bool key_each(struct memory *m, const void *row, void *arg)
{
    struct key_call *call = arg;
    struct store_key key = *(const struct store_key *)row;

    lend(m, KEYS, &key);
    return call->on(call->arg, &key);
}

static enum store_result memory_key_scan(struct store *store, store_on_key *on, void *arg)
{
    struct scan scan = {.table = KEYS, .limit = INT64_MAX};

    return scan_run(reading(store), &scan, key_each, &(struct key_call){on, arg});
}

/* ---- the queue and claims ---- */

struct queue_key {
    int64_t site;
    enum lane lane;
    bool held;
    int64_t due_at, text;
};

static bool queue_wants(const void *row, const void *of)
{
    const struct store_comment *c = row;
    const struct queue_key *key = of;

    if ((key->lane != LANE_SECOND && c->state != STATE_PENDING) || c->site != key->site || c->lane != key->lane)
        return false;
    if ((*c->claimed_by != '\0') != key->held)
        return false;
    return c->due_at > key->due_at || (c->due_at == key->due_at && c->text > key->text);
}

static int queue_order(const void *a, const void *b)
{
    int by_due = compare(ROW(store_comment, a)->due_at, ROW(store_comment, b)->due_at);

    return by_due ? by_due : compare(ROW(store_comment, a)->text, ROW(store_comment, b)->text);
}

static bool claim_ends(const void *row, const void *until)
{
    const struct store_comment *c = row;

    return *c->claimed_by && c->claimed_until <= *(const int64_t *)until;
}

static int claim_order(const void *a, const void *b)
{
    return compare(ROW(store_comment, a)->claimed_until, ROW(store_comment, b)->claimed_until);
}

static bool claim_of(const void *row, const void *moderator)
{
    const struct store_comment *c = row;

    return *c->claimed_by && slice_equal(slice_of(c->claimed_by), *(const struct slice *)moderator);
}

struct comment_call {
    store_on_comment *on;
    void *arg;
};

static bool comment_each(struct memory *m, const void *row, void *arg)
{
    struct comment_call *call = arg;
    struct store_comment comment = *(const struct store_comment *)row;

    (void)m;
    return call->on(call->arg, &comment);
}

static enum store_result memory_queue_scan(struct store *store, int64_t site, enum lane lane, bool held,
                                           int64_t after_due_at, int64_t after_text, int64_t limit,
                                           store_on_comment *on, void *arg)
{
    struct queue_key key = {site, lane, held, after_due_at, after_text};
    struct scan scan = {COMMENTS, queue_wants, &key, queue_order, limit};

    return scan_run(reading(store), &scan, comment_each, &(struct comment_call){on, arg});
}

static enum store_result memory_queue_figures(struct store *store, int64_t site, struct store_queue *figures)
{
    struct memory *m = reading(store);

    *figures = (struct store_queue){0};
    for (size_t i = 0; i < m->now.tables[COMMENTS].count; i++) {
        const struct store_comment *c = row_at(&m->now, COMMENTS, i);
        if (c->site != site || (c->state != STATE_PENDING && c->lane != LANE_SECOND))
            continue;
        figures->escalated += c->lane == LANE_ESCALATED;
        figures->second += c->lane == LANE_SECOND;
        figures->claimed += *c->claimed_by != '\0';
        if (c->state == STATE_PENDING && (!figures->oldest || c->text < figures->oldest))
            figures->oldest = c->text;
    }
    return STORE_OK;
}

static enum store_result memory_claims_ending(struct store *store, int64_t until, int64_t limit, store_on_comment *on,
                                              void *arg)
{
    struct scan scan = {COMMENTS, claim_ends, &until, claim_order, limit};

    return scan_run(reading(store), &scan, comment_each, &(struct comment_call){on, arg});
}

static enum store_result memory_claims_of(struct store *store, struct slice moderator, int64_t limit,
                                          store_on_comment *on, void *arg)
{
    struct scan scan = {COMMENTS, claim_of, &moderator, NULL, limit};

    return scan_run(reading(store), &scan, comment_each, &(struct comment_call){on, arg});
}

static bool comment_after(const void *row, const void *of)
{
    const struct store_comment *c = row;
    const struct key *key = of;

    return c->site == key->site && strcmp(c->id, key->id.data) > 0;
}

static int comment_order(const void *a, const void *b)
{
    return strcmp(ROW(store_comment, a)->id, ROW(store_comment, b)->id);
}

static enum store_result memory_comment_scan(struct store *store, int64_t site, struct slice after, int64_t limit,
                                             store_on_comment *on, void *arg)
{
    char id[KEY_BYTES + 1] = "";
    struct key key = {site, {id, after.len}, SLICE_NONE};
    struct scan scan = {COMMENTS, comment_after, &key, comment_order, limit};

    assert(after.len <= KEY_BYTES);
    if (after.len)
        memcpy(id, after.data, after.len);
    return scan_run(reading(store), &scan, comment_each, &(struct comment_call){on, arg});
}

struct by_author {
    int64_t site;
    struct slice author;
    int64_t before;
};

static bool comment_by(const void *row, const void *of)
{
    const struct store_comment *c = row;
    const struct by_author *by = of;

    return c->site == by->site && *c->author && slice_equal(slice_of(c->author), by->author) && c->text < by->before;
}

static int text_order_back(const void *a, const void *b)
{
    return compare(ROW(store_comment, b)->text, ROW(store_comment, a)->text);
}

static enum store_result memory_author_comments(struct store *store, int64_t site, struct slice author, int64_t before,
                                                int64_t limit, store_on_comment *on, void *arg)
{
    struct by_author by = {site, author, before};
    struct scan scan = {COMMENTS, comment_by, &by, text_order_back, limit};

    return scan_run(reading(store), &scan, comment_each, &(struct comment_call){on, arg});
}

static enum state state_told(const struct store_comment *comment)
{
    return comment->lane == LANE_SECOND ? STATE_PENDING : comment->state;
}

static bool count_state(void *arg, const struct store_comment *comment)
{
    struct store_author_figures *figures = arg;

    figures->counts[state_told(comment)]++;
    figures->oldest = comment->text;
    return true;
}

static enum store_result memory_author_figures(struct store *store, int64_t site, struct slice author, int64_t limit,
                                               struct store_author_figures *figures)
{
    *figures = (struct store_author_figures){0};
    return memory_author_comments(store, site, author, INT64_MAX, limit, count_state, figures);
}

struct in_state {
    enum state state;
    int64_t left;
    store_on_comment *on;
    void *arg;
};

static bool only_in_state(void *arg, const struct store_comment *comment)
{
    struct in_state *in = arg;

    if (state_told(comment) != in->state)
        return true;
    return in->left-- > 0 && in->on(in->arg, comment);
}

static enum store_result memory_author_in_state(struct store *store, int64_t site, struct slice author,
                                                enum state state, int64_t among, int64_t limit, store_on_comment *on,
                                                void *arg)
{
    struct in_state in = {state, limit, on, arg};

    return memory_author_comments(store, site, author, INT64_MAX, among, only_in_state, &in);
}

struct in_article {
    struct queue_key queue;
    struct slice article;
};

static bool article_wants(const void *row, const void *of)
{
    const struct store_comment *c = row;
    const struct in_article *in = of;
    struct queue_key key = in->queue;

    key.held = *c->claimed_by != '\0';
    return *c->article && slice_equal(slice_of(c->article), in->article) && c->state == STATE_PENDING &&
           queue_wants(row, &key);
}

static enum store_result memory_article_pending(struct store *store, int64_t site, struct slice article, enum lane lane,
                                                int64_t after_due_at, int64_t after_text, int64_t limit,
                                                store_on_comment *on, void *arg)
{
    struct in_article in = {{site, lane, false, after_due_at, after_text}, article};
    struct scan scan = {COMMENTS, article_wants, &in, queue_order, limit};

    return scan_run(reading(store), &scan, comment_each, &(struct comment_call){on, arg});
}

/* ---- authors, skips, batches ---- */

static bool author_is(const void *row, const void *of)
{
    const struct store_author *a = row;
    const struct key *key = of;

    return a->site == key->site && slice_equal(slice_of(a->id), key->id);
}

static enum store_result memory_author_get(struct store *store, int64_t site, struct slice id,
                                           struct store_author *author)
{
    const struct store_author *row =
        row_find(&reading(store)->now, AUTHORS, author_is, &(struct key){site, id, SLICE_NONE});

    if (!row)
        return STORE_NONE;
    *author = *row;
    return STORE_OK;
}

static enum store_result memory_author_put(struct store *store, const struct store_author *author)
{
    struct memory *m = writing(store);
    struct key key = {author->site, slice_of(author->id), SLICE_NONE};

    row_put(&m->now, AUTHORS, row_find(&m->now, AUTHORS, author_is, &key), author);
    return STORE_OK;
}

static enum store_result memory_author_erase(struct store *store, int64_t site, struct slice id)
{
    rows_remove(&writing(store)->now, AUTHORS, author_is, &(struct key){site, id, SLICE_NONE}, 1);
    return STORE_OK;
}

static bool skip_is(const void *row, const void *of)
{
    const struct skip *a = row, *b = of;

    return a->text == b->text && slice_equal(a->moderator, b->moderator);
}

static bool skip_after(const void *row, const void *of)
{
    const struct skip *a = row, *b = of;

    return a->text > b->text && slice_equal(a->moderator, b->moderator);
}

static bool skip_over(const void *row, const void *before)
{
    return ((const struct skip *)row)->until < *(const int64_t *)before;
}

static int skip_order(const void *a, const void *b)
{
    return compare(ROW(skip, b)->text, ROW(skip, a)->text);
}

static enum store_result memory_skip_put(struct store *store, struct slice moderator, int64_t text, int64_t until)
{
    struct memory *m = writing(store);
    struct skip skip = {moderator, text, until};

    row_put(&m->now, SKIPS, row_find(&m->now, SKIPS, skip_is, &skip), &skip);
    return STORE_OK;
}

struct skip_call {
    store_on_skip *on;
    void *arg;
};

static bool skip_each(struct memory *m, const void *row, void *arg)
{
    const struct skip_call *call = arg;

    (void)m;
    return call->on(call->arg, ((const struct skip *)row)->text, ((const struct skip *)row)->until);
}

static enum store_result memory_skip_scan(struct store *store, struct slice moderator, int64_t after_text,
                                          int64_t limit, store_on_skip *on, void *arg)
{
    struct skip key = {moderator, after_text, 0};
    struct scan scan = {SKIPS, skip_after, &key, skip_order, limit};

    return scan_run(reading(store), &scan, skip_each, &(struct skip_call){on, arg});
}

static enum store_result memory_skip_prune(struct store *store, int64_t before, int64_t limit)
{
    rows_remove(&writing(store)->now, SKIPS, skip_over, &before, limit);
    return STORE_OK;
}

static bool batch_is(const void *row, const void *of)
{
    const struct batch *a = row, *b = of;

    return a->event == b->event && slice_equal(a->id, b->id);
}

static bool batch_after(const void *row, const void *of)
{
    const struct batch *a = row, *b = of;

    return a->event > b->event && slice_equal(a->id, b->id);
}

static int batch_order(const void *a, const void *b)
{
    return compare(ROW(batch, a)->event, ROW(batch, b)->event);
}

static enum store_result memory_batch_add(struct store *store, struct slice id, int64_t event)
{
    struct memory *m = writing(store);
    struct batch batch = {id, event};

    row_put(&m->now, BATCHES, row_find(&m->now, BATCHES, batch_is, &batch), &batch);
    return STORE_OK;
}

struct number_call {
    store_on_number *on;
    void *arg;
};

static bool batch_each(struct memory *m, const void *row, void *arg)
{
    const struct number_call *call = arg;

    (void)m;
    return call->on(call->arg, ((const struct batch *)row)->event);
}

static enum store_result memory_batch_scan(struct store *store, struct slice id, int64_t after, int64_t limit,
                                           store_on_number *on, void *arg)
{
    struct batch key = {id, after};
    struct scan scan = {BATCHES, batch_after, &key, batch_order, limit};

    return scan_run(reading(store), &scan, batch_each, &(struct number_call){on, arg});
}

/* ---- everything, for those who count anew ---- */

static bool comment_after_all(const void *row, const void *of)
{
    const struct store_comment *c = row;
    const struct key *key = of;

    return c->site > key->site || (c->site == key->site && slice_compare(slice_of(c->id), key->id) > 0);
}

static int comment_order_all(const void *a, const void *b)
{
    const struct store_comment *x = ROW(store_comment, a);
    const struct store_comment *y = ROW(store_comment, b);

    return x->site == y->site ? strcmp(x->id, y->id) : compare(x->site, y->site);
}

static enum store_result memory_comment_scan_all(struct store *store, int64_t after_site, struct slice after_id,
                                                 int64_t limit, store_on_comment *on, void *arg)
{
    struct key key = {after_site, after_id, SLICE_NONE};
    struct scan scan = {COMMENTS, comment_after_all, &key, comment_order_all, limit};

    return scan_run(reading(store), &scan, comment_each, &(struct comment_call){on, arg});
}

static bool author_after(const void *row, const void *of)
{
    const struct store_author *a = row;
    const struct key *key = of;

    return a->site > key->site || (a->site == key->site && slice_compare(slice_of(a->id), key->id) > 0);
}

static int author_order(const void *a, const void *b)
{
    const struct store_author *x = ROW(store_author, a);
    const struct store_author *y = ROW(store_author, b);

    return x->site == y->site ? strcmp(x->id, y->id) : compare(x->site, y->site);
}

struct author_call {
    store_on_author *on;
    void *arg;
};

static bool author_each(struct memory *m, const void *row, void *arg)
{
    const struct author_call *call = arg;

    (void)m;
    return call->on(call->arg, row);
}

static enum store_result memory_author_scan_all(struct store *store, int64_t after_site, struct slice after_id,
                                                int64_t limit, store_on_author *on, void *arg)
{
    struct key key = {after_site, after_id, SLICE_NONE};
    struct scan scan = {AUTHORS, author_after, &key, author_order, limit};

    return scan_run(reading(store), &scan, author_each, &(struct author_call){on, arg});
}

static bool skip_after_all(const void *row, const void *of)
{
    const struct skip *a = row, *b = of;
    int order = slice_compare(a->moderator, b->moderator);

    return order > 0 || (order == 0 && a->text > b->text);
}

static int skip_order_all(const void *a, const void *b)
{
    int order = slice_compare(ROW(skip, a)->moderator, ROW(skip, b)->moderator);

    return order ? order : compare(ROW(skip, a)->text, ROW(skip, b)->text);
}

struct skip_of_call {
    store_on_skip_of *on;
    void *arg;
};

static bool skip_of_each(struct memory *m, const void *row, void *arg)
{
    const struct skip_of_call *call = arg;

    (void)m;
    return call->on(call->arg, ((const struct skip *)row)->moderator, ((const struct skip *)row)->text);
}

static enum store_result memory_skip_scan_all(struct store *store, struct slice after_moderator, int64_t after_text,
                                              int64_t limit, store_on_skip_of *on, void *arg)
{
    struct skip key = {after_moderator, after_text, 0};
    struct scan scan = {SKIPS, skip_after_all, &key, skip_order_all, limit};

    return scan_run(reading(store), &scan, skip_of_each, &(struct skip_of_call){on, arg});
}

static bool batch_after_all(const void *row, const void *of)
{
    const struct batch *a = row, *b = of;
    int order = slice_compare(a->id, b->id);

    return order > 0 || (order == 0 && a->event > b->event);
}

static int batch_order_all(const void *a, const void *b)
{
    int order = slice_compare(ROW(batch, a)->id, ROW(batch, b)->id);

    return order ? order : batch_order(a, b);
}

struct batch_call {
    store_on_batch *on;
    void *arg;
};

static bool batch_of_each(struct memory *m, const void *row, void *arg)
{
    const struct batch_call *call = arg;
    const struct batch *batch = row;

    (void)m;
    return call->on(call->arg, (const unsigned char *)batch->id.data, batch->event);
}

static enum store_result memory_batch_scan_all(struct store *store, const unsigned char after_id[BATCH_BYTES],
                                               int64_t after_event, int64_t limit, store_on_batch *on, void *arg)
{
    struct batch key = {{(const char *)after_id, BATCH_BYTES}, after_event};
    struct scan scan = {BATCHES, batch_after_all, &key, batch_order_all, limit};

    return scan_run(reading(store), &scan, batch_of_each, &(struct batch_call){on, arg});
}

static const struct store_ops memory_ops = {
    .name = "memory",
    .close = memory_close,
    .reason = memory_reason,
    .begin = memory_begin,
    .commit = memory_commit,
    .rollback = memory_rollback,
    .room = memory_room,
    .tidy = memory_tidy,
    .epoch = memory_epoch,
    .epoch_set = memory_epoch_set,
    .boot = memory_boot,
    .boot_set = memory_boot_set,
    .site_find = memory_site_find,
    .site_scan = memory_site_scan,
    .site_put = memory_site_put,
    .comment_get = memory_comment_get,
    .comment_put = memory_comment_put,
    .comment_scan_all = memory_comment_scan_all,
    .text_add = memory_text_add,
    .text_get = memory_text_get,
    .text_head = memory_text_head,
    .text_erase = memory_text_erase,
    .event_add = memory_event_add,
    .event_get = memory_event_get,
    .event_head = memory_event_head,
    .event_last = memory_event_last,
    .event_scan = memory_event_scan,
    .event_scan_keys = memory_event_scan_keys,
    .event_scan_back = memory_event_scan_back,
    .text_scan = memory_text_scan,
    .note_scan = memory_note_scan,
    .log_get = memory_log_get,
    .log_scan = memory_log_scan,
    .note_add = memory_note_add,
    .note_get = memory_note_get,
    .note_erase = memory_note_erase,
    .report_get = memory_report_get,
    .report_put = memory_report_put,
    .report_scan = memory_report_scan,
    .report_erase = memory_report_erase,
    .report_count = memory_report_count,
    .report_scan_all = memory_report_scan_all,
    .article_get = memory_article_get,
    .article_put = memory_article_put,
    .listener_put = memory_listener_put,
    .listener_scan = memory_listener_scan,
    .operation_get = memory_operation_get,
    .operation_add = memory_operation_add,
    .operation_prune = memory_operation_prune,
    .key_scan = memory_key_scan,
    .key_put = memory_key_put,
    .queue_scan = memory_queue_scan,
    .queue_figures = memory_queue_figures,
    .claims_ending = memory_claims_ending,
    .claims_of = memory_claims_of,
    .comment_scan = memory_comment_scan,
    .author_comments = memory_author_comments,
    .author_figures = memory_author_figures,
    .author_in_state = memory_author_in_state,
    .article_pending = memory_article_pending,
    .author_get = memory_author_get,
    .author_put = memory_author_put,
    .author_erase = memory_author_erase,
    .skip_put = memory_skip_put,
    .skip_scan = memory_skip_scan,
    .skip_prune = memory_skip_prune,
    .batch_add = memory_batch_add,
    .batch_scan = memory_batch_scan,
    .author_scan_all = memory_author_scan_all,
    .skip_scan_all = memory_skip_scan_all,
    .batch_scan_all = memory_batch_scan_all,
};

struct store *store_memory_open(void)
{
    struct memory *m = allocate(NULL, sizeof(*m));

    *m = (struct memory){.store = {&memory_ops}, .reason = ""};
    if (getrandom(m->now.epoch, EPOCH_BYTES, 0) != EPOCH_BYTES)
        abort();
    return &m->store;
}
