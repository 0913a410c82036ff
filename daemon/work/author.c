#include "author.h"

#include "author_map.h"
#include "author_record.h"
#include "card.h"
#include "decision.h"
#include "due.h"
#include "record.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define NO_MAX      ((INT64_C(1) << 53) - 1)

enum { EVENTS_MAX = 500, EVENTS_DEFAULT = 50 };

struct author_args {
    struct slice site, author, note, mark_word;
    enum mark mark;
    int64_t until; /* 0: not given */
    int64_t limit, before;
};

/* The first two rows are of every verb. */
#define WHO                                                                                                            \
    FIELD(struct author_args, site, "site", NAME, FIELD_REQUIRED, 1, 64),                                              \
        FIELD(struct author_args, author, "author", KEY, FIELD_REQUIRED, 1, 128)

static const struct field author_fields[] = {
    WHO,
    FIELD(struct author_args, limit, "limit", INT, 0, 1, EVENTS_MAX),
    FIELD(struct author_args, before, "before", INT, 0, 1, NO_MAX),
};

static const struct field mark_fields[] = {
    WHO,
    FIELD(struct author_args, mark_word, "mark", TEXT, FIELD_REQUIRED, 1, 64),
    FIELD_LIMITED(struct author_args, note, "note", TEXT, 0, 1, NOTE_BYTES),
    FIELD(struct author_args, until, "until", TIME, 0, 0, 0),
};

static const struct field note_fields[] = {
    WHO,
    FIELD_LIMITED(struct author_args, note, "note", TEXT, FIELD_REQUIRED, 1, NOTE_BYTES),
};

static const struct field erase_fields[] = {WHO};

static struct author_args *decode(struct request *request, const struct settings *settings, const struct field *table,
                                  size_t rows)
{
    struct author_args *args = request_alloc(request, sizeof(*args));

    request->args = args;
    if (!args)
        return NULL;
    args->limit = EVENTS_DEFAULT;
    args->until = -1;
    return fields_decode(&request->map, table, rows, &settings->limits, NULL, args, &request->fault) ? args : NULL;
}

bool author_decode(struct request *request, const struct settings *settings)
{
    return decode(request, settings, author_fields, ROWS(author_fields)) != NULL;
}

bool author_mark_decode(struct request *request, const struct settings *settings)
{
    struct author_args *args = decode(request, settings, mark_fields, ROWS(mark_fields));

    if (!args)
        return false;
    args->mark = mark_of(args->mark_word);
    if (args->mark == MARK_COUNT) {
        fault_at(&request->fault, E_BAD_VALUE, NULL, "mark");
        fault_say(&request->fault, "mark: must be none, trusted, watched or blocked");
        return false;
    }
    if (args->mark == MARK_NONE || args->note.data)
        return true;
    fault_at(&request->fault, E_MISSING_FIELD, NULL, "note");
    fault_say(&request->fault, "note: required, so that others know why");
    return false;
}

bool author_note_decode(struct request *request, const struct settings *settings)
{
    return decode(request, settings, note_fields, ROWS(note_fields)) != NULL;
}

bool author_erase_decode(struct request *request, const struct settings *settings)
{
    return decode(request, settings, erase_fields, ROWS(erase_fields)) != NULL;
}

/* ---- author ---- */

static void encode_event(struct work *work, int64_t no, struct out *out, int64_t *previous)
{
    struct store_event event;
    struct slice note = SLICE_NONE;
    struct out copy = {0}; /* what is borrowed ends with the next call of the store */

    work_ok(work, work->store->ops->note_get(work->store, no, &note));
    out_raw(&copy, note);
    *previous = 0;
    if (work_ok(work, work->store->ops->event_get(work->store, no, &event))) {
        event_encode_author(&event, note.data ? out_slice(&copy) : SLICE_NONE, out);
        *previous = event.previous;
    }
    out->failed |= copy.failed;
    out_free(&copy);
}

static bool is_about(struct work *work, int64_t no, const char *id)
{
    struct slice note = SLICE_NONE;

    return work_ok(work, work->store->ops->note_get(work->store, no, &note)) && strcmp(author_unpack(note).id, id) == 0;
}

/* The newest event before `before`. The `next` of a page leads straight to it; for other numbers the chain is followed.
 */
static int64_t first_event(struct work *work, const struct store_author *author, int64_t before)
{
    const struct store_ops *ops = work->store->ops;
    struct store_event event;
    int64_t no = author->last_event;

    if (!before || before > no)
        return no;
    if (work_ok(work, ops->event_get(work->store, before - 1, &event)) && event.site == author->site &&
        author_is_about(event.kind) && is_about(work, before - 1, author->id))
        return before - 1;
    while (no >= before && work_ok(work, ops->event_get(work->store, no, &event)))
        no = event.previous;
    return no;
}

void author_run(struct work *work, struct request *request, struct out *out)
{
    const struct author_args *args = request->args;
    struct author_facts facts;
    struct store_site site;

    if (!work_site(work, args->site, &site) || !author_look_up(work, site.no, args->author, &facts)) {
        fault_set(&request->fault, E_NOT_FOUND);
        return;
    }
    out_key(out, "record");
    author_record_encode(work, args->site, &facts, out);
    int64_t no = first_event(work, &facts.row, args->before);
    size_t start = out->len;
    out_key(out, "events");
    out_array(out);
    for (int64_t shown = 0; no && shown < args->limit && out->len - start < CARDS_BYTES && !work->trouble; shown++)
        encode_event(work, no, out, &no);
    out_end(out);
    out_key(out, "next");
    if (no)
        out_int(out, no + 1);
    else
        out_nil(out);
}

/* ---- author_mark, author_note ---- */

/* Appends an event about the author, with what was said beside it, and puts the author. `data` was begun. */
static bool say(struct work *work, const struct request *request, const struct store_site *site,
                struct store_author *author, enum kind kind, struct out *data)
{
    const struct author_args *args = request->args;
    struct out words = {0};

    author_pack(args->author, args->note, &words);
    bool good = !words.failed && decision_write_note(work, out_slice(&words), data);
    if (words.failed)
        work_ok(work, STORE_FAILED);
    out_free(&words);
    if (!good)
        return false;
    out_end(data);
    struct ledger_entry entry = {
        .kind = kind, .actor = slice_of(request->actor), .via = work_via(request), .data = out_slice(data)};
    return work_ok(work, ledger_append_author(work->ledger, site, author, &entry));
}

/* The author's row, or a new one. NULL with `not_found` when the site is not known. */
static struct store_site *find(struct work *work, struct request *request, struct store_author *author)
{
    const struct author_args *args = request->args;
    struct store_site *site = ledger_site(work->ledger, args->site);

    if (!site) {
        fault_set(&request->fault, E_NOT_FOUND);
        return NULL;
    }
    if (!work_ok(work, work->store->ops->author_get(work->store, site->no, args->author, author))) {
        *author = (struct store_author){.site = site->no};
        memcpy(author->id, args->author.data, args->author.len);
    }
    return work->trouble ? NULL : site;
}

static bool check_until(struct work *work, struct request *request)
{
    const struct author_args *args = request->args;
    int64_t now = ledger_now(work->ledger);

    if (args->mark == MARK_NONE || args->until < 0 || args->until > now)
        return true;
    fault_at(&request->fault, E_OUT_OF_RANGE, NULL, "until");
    fault_say(&request->fault, "until: is over already");
    fault_int(&request->fault, "min", now + 1);
    fault_int(&request->fault, "max", FIELD_TIME_MAX);
    return false;
}

/* The queue may be in an order that depends on the mark. */
static void put_mark(struct work *work, struct store_site *site, const struct store_author *author)
{
    if (work_ok(work, work->store->ops->author_put(work->store, author)))
        due_author_changed(work, site, slice_of(author->id));
}

void author_mark_run(struct work *work, struct request *request, struct out *out)
{
    const struct author_args *args = request->args;
    struct store_author author;
    struct store_site *site = check_until(work, request) ? find(work, request, &author) : NULL;

    if (!site)
        return;
    author.mark = args->mark;
    author.until = args->until > 0 && args->mark != MARK_NONE ? args->until : 0;
    struct out *data = work_data(work);
    out_key_int(data, "mark", author.mark);
    if (author.until)
        out_key_int(data, "until", author.until);
    if (!say(work, request, site, &author, KIND_AUTHOR_MARKED, data))
        return;
    author.marked = author.last_event;
    put_mark(work, site, &author);
    out_key_cstr(out, "status", "marked");
    out_key_int(out, "no", author.last_event);
}

void author_note_run(struct work *work, struct request *request, struct out *out)
{
    struct store_author author;
    struct store_site *site = find(work, request, &author);

    if (!site || !say(work, request, site, &author, KIND_AUTHOR_NOTED, work_data(work)))
        return;
    work_ok(work, work->store->ops->author_put(work->store, &author));
    out_key_cstr(out, "status", "noted");
    out_key_int(out, "no", author.last_event);
}

/* ---- author_erase ---- */

/* What was said about the author goes, event by event; where it stood remains which event took it away. */
static bool erase_words(struct work *work, const struct store_author *author)
{
    const struct store_ops *ops = work->store->ops;
    int64_t eraser = ledger_next(work->ledger);
    struct out gone = {0};
    struct store_event event;
    bool good = true;

    author_pack_erased(eraser, &gone);
    for (int64_t no = author->last_event; good && no; no = event.previous)
        good = work_must(work, ops->event_get(work->store, no, &event)) &&
               work_ok(work, ops->note_erase(work->store, no)) &&
               work_ok(work, ops->note_add(work->store, no, SLICE_LIT(""), out_slice(&gone)));
    out_free(&gone);
    return good;
}

static bool erase(struct work *work, const struct request *request, struct store_site *site,
                  struct store_author *author)
{
    if (!erase_words(work, author))
        return false;
    struct ledger_entry entry = {
        .kind = KIND_AUTHOR_ERASED, .actor = slice_of(request->actor), .via = work_via(request)};
    if (!work_ok(work, ledger_append_author(work->ledger, site, author, &entry)) ||
        !work_ok(work, work->store->ops->author_erase(work->store, site->no, slice_of(author->id))))
        return false;
    due_author_changed(work, site, slice_of(author->id));
    return !work->trouble;
}

void author_erase_run(struct work *work, struct request *request, struct out *out)
{
    const struct author_args *args = request->args;
    struct store_site *site = ledger_site(work->ledger, args->site);
    struct author_facts facts;

    if (!site || !author_look_up(work, site->no, args->author, &facts)) {
        fault_set(&request->fault, E_NOT_FOUND);
        return;
    }
    if (facts.row.last_event && !erase(work, request, site, &facts.row))
        return;
    out_key_cstr(out, "status", "erased");
}
