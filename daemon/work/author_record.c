#include "author_record.h"

#include <stdlib.h>

#include "../../proto/mp.h"
#include "../../proto/utf8.h"
#include "author_map.h"
#include "due.h"

enum { LAST_SHOWN = 10, START_BYTES = 160, CODES_MAX = POLICY_REASONS_MAX, CODE_BYTES = 64 };

/* ---- the mark ---- */

static void encode_no_mark(struct out *out)
{
    static const char *const keys[] = {"mark", "mark_note", "marked_by", "marked_at", "mark_until"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        out_key_nil(out, keys[i]);
}

static void encode_mark(struct work *work, const struct store_author *row, struct out *out)
{
    const struct store_ops *ops = work->store->ops;
    struct slice note = SLICE_NONE;
    struct store_event event;

    if (due_mark(work, row->site, row->id) == MARK_NONE) {
        encode_no_mark(out);
        return;
    }
    out_key_cstr(out, "mark", mark_name(row->mark));
    work_ok(work, ops->note_get(work->store, row->marked, &note));
    out_key_str(out, "mark_note", author_unpack(note).note);
    bool known = work_ok(work, ops->event_get(work->store, row->marked, &event));
    out_key_str(out, "marked_by", known ? event.actor : SLICE_NONE);
    out_key(out, "marked_at");
    if (known)
        out_int(out, event.at);
    else
        out_nil(out);
    out_key(out, "mark_until");
    if (row->until)
        out_int(out, row->until);
    else
        out_nil(out);
}

/* ---- what is counted ---- */

static bool see_one(void *arg, const struct store_comment *comment)
{
    (void)comment;
    *(bool *)arg = true;
    return false;
}

bool author_look_up(struct work *work, int64_t site, struct slice id, struct author_facts *facts)
{
    const struct store_ops *ops = work->store->ops;
    bool more = false;

    *facts = (struct author_facts){0};
    if (!work_ok(work, ops->author_get(work->store, site, id, &facts->row))) {
        facts->row = (struct store_author){.site = site};
        memcpy(facts->row.id, id.data, id.len);
    }
    work_ok(work, ops->author_figures(work->store, site, id, AUTHOR_COUNTED, &facts->figures));
    for (int i = 0; i < STATE_COUNT; i++)
        facts->comments += facts->figures.counts[i];
    if (facts->comments == AUTHOR_COUNTED)
        work_ok(work, ops->author_comments(work->store, site, id, facts->figures.oldest, 1, see_one, &more));
    facts->counted_all = !more;
    return facts->comments > 0 || facts->row.last_event;
}

/* How often each reason was given. */
struct tally_of_reasons {
    size_t n, decisions;
    int64_t events[AUTHOR_REASONS];
    struct reason_count {
        char code[CODE_BYTES + 1];
        int64_t count;
    } reasons[CODES_MAX];
};

static bool note_decision(void *arg, const struct store_comment *comment)
{
    struct tally_of_reasons *tally = arg;

    if (comment->decision)
        tally->events[tally->decisions++] = comment->decision;
    return true;
}

static void add_reason(struct tally_of_reasons *tally, struct slice code)
{
    size_t i = 0;

    while (i < tally->n && !slice_is(code, tally->reasons[i].code))
        i++;
    if (i == CODES_MAX || code.len > CODE_BYTES || !code.data)
        return;
    if (i == tally->n) {
        memcpy(tally->reasons[tally->n].code, code.data, code.len);
        tally->n++;
    }
    tally->reasons[i].count++;
}

/* The reasons that an event's data holds, unpacked in `zone`; NULL when there are none. */
static const msgpack_object *reasons_of(struct work *work, int64_t no, msgpack_zone *zone, msgpack_object *data)
{
    struct store_event event;

    return no && work_ok(work, work->store->ops->event_get(work->store, no, &event)) &&
                   mp_unpack_map(event.data, zone, data)
               ? mp_get(data, "reasons")
               : NULL;
}

static int by_count(const void *a, const void *b)
{
    const struct reason_count *x = a;
    const struct reason_count *y = b;

    return x->count != y->count ? (x->count < y->count) - (x->count > y->count) : strcmp(x->code, y->code);
}

static void encode_reasons(struct work *work, const struct author_facts *facts, struct out *out)
{
    struct tally_of_reasons tally = {0};
    msgpack_zone zone;
    msgpack_object data;

    if (facts->figures.counts[STATE_REJECTED])
        work_ok(work,
                work->store->ops->author_in_state(work->store, facts->row.site, slice_of(facts->row.id), STATE_REJECTED,
                                                  AUTHOR_COUNTED, AUTHOR_REASONS, note_decision, &tally));
    if (!msgpack_zone_init(&zone, 4096)) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i < tally.decisions; i++) {
        const msgpack_object *reasons = reasons_of(work, tally.events[i], &zone, &data);
        for (size_t j = 0; j < mp_count(reasons); j++)
            add_reason(&tally, mp_str(mp_item(reasons, j)));
        msgpack_zone_clear(&zone);
    }
    msgpack_zone_destroy(&zone);
    qsort(tally.reasons, tally.n, sizeof(tally.reasons[0]), by_count);
    out_key(out, "reasons");
    out_array(out);
    for (size_t i = 0; i < tally.n; i++) {
        out_map(out);
        out_key_cstr(out, "reason", tally.reasons[i].code);
        out_key_int(out, "count", tally.reasons[i].count);
        out_end(out);
    }
    out_end(out);
}

/* ---- the newest comments ---- */

struct last {
    size_t n;
    struct store_comment comments[LAST_SHOWN];
};

static bool keep_last(void *arg, const struct store_comment *comment)
{
    struct last *last = arg;

    last->comments[last->n++] = *comment;
    return last->n < LAST_SHOWN;
}

/* The first bytes of a text, cut at a character. */
static struct slice start_of(struct slice body)
{
    size_t cut = 0;

    for (size_t at = 0; at < body.len && utf8_next(body, &at) >= 0 && at <= START_BYTES;)
        cut = at;
    return (struct slice){body.data, cut};
}

/* A second look is blind: nobody is told here what was decided before it was taken. */
static void encode_decision(struct work *work, const struct store_comment *comment, struct out *out)
{
    bool waits = comment->lane == LANE_SECOND;
    msgpack_zone zone;
    msgpack_object data;

    out_key_cstr(out, "state", state_name(waits ? STATE_PENDING : comment->state));
    out_key(out, "reasons");
    if (!msgpack_zone_init(&zone, 1024)) {
        out->failed = true;
        return;
    }
    const msgpack_object *reasons = waits ? NULL : reasons_of(work, comment->decision, &zone, &data);
    if (reasons) {
        out_object(out, reasons);
    } else {
        out_array(out);
        out_end(out);
    }
    msgpack_zone_destroy(&zone);
}

static void encode_one(struct work *work, const struct store_comment *comment, struct out *out)
{
    struct store_text text = {0};

    out_map(out);
    out_key_cstr(out, "comment", comment->id);
    encode_decision(work, comment, out);
    bool there = work_ok(work, work->store->ops->text_get(work->store, comment->text, &text));
    out_key(out, "received_at");
    if (there)
        out_int(out, text.received_at);
    else
        out_nil(out);
    out_key_str(out, "start", start_of(text.body));
    out_end(out);
}

/* The name that came with the newest of those comments that has one. */
static void encode_name(struct work *work, const struct last *last, struct out *out)
{
    struct slice name = SLICE_NONE;
    msgpack_zone zone;
    msgpack_object meta;
    struct store_text text;

    if (!msgpack_zone_init(&zone, 1024)) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i < last->n && !name.data; i++)
        if (work_ok(work, work->store->ops->text_get(work->store, last->comments[i].text, &text)) &&
            mp_unpack_map(text.meta, &zone, &meta))
            name = mp_get_str(mp_get(&meta, "author"), "name");
    out_key_str(out, "name", name);
    msgpack_zone_destroy(&zone);
}

static void encode_first(struct work *work, const struct author_facts *facts, struct out *out)
{
    int64_t oldest = facts->counted_all ? facts->figures.oldest : 0;
    struct store_text text;

    out_key(out, "first_at");
    if (oldest && work_ok(work, work->store->ops->text_head(work->store, oldest, &text)))
        out_int(out, text.received_at);
    else
        out_nil(out);
}

void author_record_encode(struct work *work, struct slice site, const struct author_facts *facts, struct out *out)
{
    struct last last = {0};

    work_ok(work, work->store->ops->author_comments(work->store, facts->row.site, slice_of(facts->row.id), INT64_MAX,
                                                    LAST_SHOWN, keep_last, &last));
    out_map(out);
    out_key_str(out, "site", site);
    out_key_cstr(out, "author", facts->row.id);
    encode_name(work, &last, out);
    encode_first(work, facts, out);
    out_key_int(out, "comments", facts->comments);
    for (enum state s = STATE_PENDING; s <= STATE_WITHDRAWN; s++)
        out_key_int(out, state_name(s), facts->figures.counts[s]);
    out_key_bool(out, "counted_all", facts->counted_all);
    encode_reasons(work, facts, out);
    out_key(out, "last");
    out_array(out);
    for (size_t i = 0; i < last.n; i++)
        encode_one(work, &last.comments[i], out);
    out_end(out);
    encode_mark(work, &facts->row, out);
    out_end(out);
}
