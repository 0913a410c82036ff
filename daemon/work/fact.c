#include "fact.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../proto/mp.h"

enum {
    CHAIN_STEPS = 1000, /* events of a comment between a decision and its claim, or the decision that it looks at */
    REACH = 100000      /* events of the daemon between a claim and its decision */
};

struct acted {
    char actor[NAME_BYTES + 1];
    int64_t no, at;
};

/* What a fact says beside what its event says. */
struct told {
    enum kind before;              /* of the comment's record before it; KIND_NONE: there was none */
    int64_t before_at;             /* and when that was */
    int64_t waited_ms, handled_ms; /* -1: nothing */
    int pending;                   /* how many more comments are pending after it */
};

bool fact_is(enum kind kind)
{
    return kind == KIND_SUBMITTED || kind_is_record(kind) || kind == KIND_ESCALATED || kind == KIND_REPORTED ||
           kind == KIND_SKIPPED || kind == KIND_SECOND_LOOK;
}

static bool is_decision(enum kind kind)
{
    return kind == KIND_APPROVED || kind == KIND_REJECTED;
}

bool fact_is_decision(enum kind kind)
{
    return is_decision(kind) || kind == KIND_SECOND_LOOK;
}

/* ---- keeping */

static void read_data(struct slice bytes, struct happened *kept)
{
    msgpack_zone zone;
    msgpack_object data = {.type = MSGPACK_OBJECT_NIL};

    if (!msgpack_zone_init(&zone, 512))
        return;
    mp_unpack_map(bytes, &zone, &data);
    int64_t cause = mp_get_int(&data, "cause", CAUSE_NONE);
    kept->cause = cause > CAUSE_NONE && cause < CAUSE_COUNT ? (enum cause)cause : CAUSE_NONE;
    kept->supersedes = mp_get_int(&data, "supersedes", 0);
    msgpack_zone_destroy(&zone);
}

void fact_keep(struct facts *facts, const struct store_event *event, bool shown, struct happened *kept)
{
    *kept = (struct happened){.no = event->no,
                              .at = event->at,
                              .site = event->site,
                              .text = event->text,
                              .previous = event->previous,
                              .kind = event->kind,
                              .data_at = facts->data.len,
                              .shown = shown};
    snprintf(kept->actor, sizeof(kept->actor), "%.*s", (int)event->actor.len,
             event->actor.data ? event->actor.data : "");
    read_data(event->data, kept);
    out_raw(&facts->data, event->data);
    kept->data_len = facts->data.len - kept->data_at;
}

void facts_free(struct facts *facts)
{
    out_free(&facts->data);
    out_free(&facts->other);
    free(facts->acted);
}

/* ---- who decided when */

static struct acted *find_acted(struct facts *facts, struct slice actor)
{
    for (size_t i = 0; i < facts->acted_count; i++)
        if (slice_is(actor, facts->acted[i].actor))
            return &facts->acted[i];
    return NULL;
}

static bool add_acted(struct facts *facts, struct slice actor, int64_t no, int64_t at)
{
    if (facts->acted_count == facts->acted_cap) {
        size_t cap = facts->acted_cap ? facts->acted_cap * 2 : 32;
        struct acted *acted = realloc(facts->acted, cap * sizeof(*acted));
        if (!acted) {
            facts->out_of_memory = true;
            return false;
        }
        facts->acted = acted;
        facts->acted_cap = cap;
    }
    struct acted *one = &facts->acted[facts->acted_count++];
    *one = (struct acted){.no = no, .at = at};
    snprintf(one->actor, sizeof(one->actor), "%.*s", (int)actor.len, actor.data ? actor.data : "");
    return true;
}

static void note_acted(struct facts *facts, const struct happened *event)
{
    struct acted *acted = find_acted(facts, slice_of(event->actor));

    if (!acted) {
        add_acted(facts, slice_of(event->actor), event->no, event->at);
        return;
    }
    acted->no = event->no;
    acted->at = event->at;
}

/* Met from the newest on, so the first one of an actor is the last that they decided. */
static bool note_earlier(void *arg, const struct store_event *event)
{
    struct facts *facts = arg;

    if (!fact_is_decision(event->kind) || !facts->seen(facts->arg, event->site) || find_acted(facts, event->actor))
        return true;
    return add_acted(facts, event->actor, event->no, event->at);
}

/* When the actor decided last between the event `claim` and now, 0 when not. What lies before the first event that was
 * looked at is looked at when it is asked for, once. */
static int64_t acted_since(struct facts *facts, const char *actor, int64_t claim)
{
    const struct acted *acted = find_acted(facts, slice_of(actor));

    if (!acted && claim + 1 < facts->back) {
        int64_t count = facts->back - claim - 1;
        work_ok(facts->work,
                facts->work->store->ops->event_scan_back(facts->work->store, facts->back, count, note_earlier, facts));
        facts->lookups += count / 8; /* a row of a scan costs less than a row that is looked for */
        facts->back = claim + 1;
        acted = find_acted(facts, slice_of(actor));
    }
    return acted && acted->no > claim ? acted->at : 0;
}

/* ---- what the log says */

static bool get_event(struct facts *facts, int64_t no, struct store_event *event)
{
    facts->lookups++;
    return no && work_ok(facts->work, facts->work->store->ops->event_get(facts->work->store, no, event));
}

/* Whether a claim goes on after an event of its comment. A revision that came too late changes nothing. */
static bool leaves_claim(const struct store_event *event, int64_t text)
{
    return event->kind == KIND_RENEWED || event->kind == KIND_REPORTED || event->kind == KIND_NOTED ||
           (event->kind == KIND_SUBMITTED && event->no != text);
}

/* The event by which the actor claimed the comment and held it until this event; false: did not hold it. */
static bool find_claim(struct facts *facts, const struct happened *event, struct store_event *claim)
{
    int64_t no = event->previous;

    for (int i = 0; i < CHAIN_STEPS && event->no - no <= REACH && get_event(facts, no, claim); i++) {
        if (claim->kind == KIND_CLAIMED)
            return slice_is(claim->actor, event->actor);
        if (!leaves_claim(claim, event->text))
            return false;
        no = claim->previous;
    }
    return false;
}

static int64_t handled_ms(struct facts *facts, const struct happened *event)
{
    struct store_event claim;

    if (!find_claim(facts, event, &claim))
        return -1;
    int64_t from = claim.at;
    int64_t acted = acted_since(facts, event->actor, claim.no);
    return event->at - (acted > from ? acted : from);
}

/* When the text came; 0: there is none. */
static int64_t received_at(struct facts *facts, int64_t no)
{
    struct store_text text;

    facts->lookups++;
    return no && work_ok(facts->work, facts->work->store->ops->text_head(facts->work->store, no, &text))
               ? text.received_at
               : 0;
}

/* A record finds the comment in the state that the record before it had made, or that its first text had. */
static void look_at_record(struct facts *facts, const struct happened *event, struct told *told)
{
    bool was_pending = told->before ? told->before == KIND_REOPENED : event->text != 0;

    told->pending = was_pending ? -1 : 0;
    if (!was_pending || !is_decision(event->kind) || event->cause != CAUSE_MODERATOR)
        return;
    int64_t received = received_at(facts, event->text);
    told->waited_ms = event->at - (received > told->before_at ? received : told->before_at);
}

static void encode_reasons(struct slice data, struct out *out)
{
    msgpack_zone zone;
    msgpack_object map = {.type = MSGPACK_OBJECT_NIL};

    if (!msgpack_zone_init(&zone, 512)) {
        out->failed = true;
        return;
    }
    mp_unpack_map(data, &zone, &map);
    const msgpack_object *reasons = mp_get(&map, "reasons");
    if (reasons) {
        out_object(out, reasons);
    } else {
        out_array(out);
        out_end(out);
    }
    msgpack_zone_destroy(&zone);
}

/* What the moderator of a second look would have decided; nil when they escalated. */
static void encode_second(struct slice data, struct out *out)
{
    msgpack_zone zone;
    msgpack_object map = {.type = MSGPACK_OBJECT_NIL};

    if (!msgpack_zone_init(&zone, 512)) {
        out->failed = true;
        return;
    }
    mp_unpack_map(data, &zone, &map);
    out_key_str(out, "decision", mp_get_str(&map, "decision"));
    msgpack_zone_destroy(&zone);
}

/* The record of the comment that a second look looked at: the last one before it. */
static bool find_looked_at(struct facts *facts, const struct happened *event, struct store_event *record)
{
    int64_t no = event->previous;

    for (int i = 0; i < CHAIN_STEPS && get_event(facts, no, record); i++) {
        if (kind_is_record(record->kind))
            return true;
        no = record->previous;
    }
    return false;
}

static bool find_before(struct facts *facts, const struct happened *event, struct store_event *record)
{
    if (event->kind == KIND_SECOND_LOOK)
        return find_looked_at(facts, event, record);
    facts->lookups++;
    return event->supersedes && work_ok(facts->work, facts->work->store->ops->log_get(facts->work->store, event->site,
                                                                                      event->supersedes, record));
}

static struct slice data_of(const struct facts *facts, const struct happened *event)
{
    return (struct slice){facts->data.data + event->data_at, event->data_len};
}

/* The record before it; when that is a decision which it replaced, or looked at, it is packed into facts->other. */
static void look_before(struct facts *facts, const struct happened *event, struct told *told)
{
    bool tells = is_decision(event->kind) || event->kind == KIND_REOPENED || event->kind == KIND_SECOND_LOOK;
    struct store_event record;
    struct out *other = &facts->other;

    out_reset(other);
    if (!find_before(facts, event, &record))
        return;
    told->before = record.kind;
    told->before_at = record.at;
    if (!tells || !is_decision(record.kind))
        return;
    out_map(other);
    if (event->kind == KIND_SECOND_LOOK)
        encode_second(data_of(facts, event), other);
    out_key_int(other, "first_no", record.no);
    out_key_cstr(other, "first_decision", kind_name(record.kind));
    out_key_str(other, "first_by", record.actor);
    out_key(other, "first_reasons");
    encode_reasons(record.data, other);
    out_end(other);
}

static void look_around(struct facts *facts, const struct happened *event, struct told *told)
{
    *told = (struct told){.waited_ms = -1, .handled_ms = -1};
    look_before(facts, event, told);
    if (event->kind == KIND_SUBMITTED)
        told->pending = event->previous == 0;
    else if (event->kind == KIND_REOPENED)
        told->pending = 1;
    else if (kind_is_record(event->kind))
        look_at_record(facts, event, told);
    if (event->kind == KIND_SECOND_LOOK || (is_decision(event->kind) && event->cause == CAUSE_MODERATOR))
        told->handled_ms = handled_ms(facts, event);
}

/* ---- telling */

static void int_or_nil(struct out *out, int64_t value)
{
    if (value >= 0)
        out_int(out, value);
    else
        out_nil(out);
}

static void encode_article(struct facts *facts, int64_t no, struct out *out)
{
    struct store_text text = {0};

    facts->lookups++;
    if (no)
        work_ok(facts->work, facts->work->store->ops->text_head(facts->work->store, no, &text));
    out_str(out, text.article);
    out_str(out, text.language);
}

static void encode(struct facts *facts, const struct happened *event, int64_t site, struct out *out)
{
    struct told told;

    look_around(facts, event, &told);
    out_array(out);
    out_int(out, event->no);
    out_int(out, event->at);
    out_str(out, slice_of(kind_name(event->kind)));
    out_int(out, site);
    out_str(out, slice_of(event->actor));
    encode_article(facts, event->text, out);
    int_or_nil(out, told.waited_ms);
    int_or_nil(out, told.handled_ms);
    out_str(out, event->cause ? slice_of(cause_name(event->cause)) : SLICE_NONE);
    encode_reasons(data_of(facts, event), out);
    out_raw(out, facts->other.len ? out_slice(&facts->other) : SLICE_NONE);
    out_int(out, told.pending);
    out_end(out);
    out->failed |= facts->other.failed;
}

void fact_encode(struct facts *facts, const struct happened *event, int64_t site, struct out *out)
{
    if (event->shown)
        encode(facts, event, site, out);
    if (fact_is_decision(event->kind))
        note_acted(facts, event);
}
