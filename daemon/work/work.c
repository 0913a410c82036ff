#include "work.h"

#include <stdlib.h>
#include <sys/random.h>

#include "../../proto/mp.h"
#include "due.h"
#include "request.h"

bool work_ok(struct work *work, enum store_result result)
{
    if (result != STORE_OK && result != STORE_NONE)
        work->trouble = result;
    return result == STORE_OK;
}

bool work_must(struct work *work, enum store_result result)
{
    return work_ok(work, result == STORE_NONE ? STORE_FAILED : result);
}

void work_random(unsigned char *bytes, size_t n)
{
    static _Thread_local unsigned char stock[4096];
    static _Thread_local size_t left;

    if (left < n) {
        /* A request of at most 256 bytes is never cut short; this one is repeated until it is whole. */
        for (size_t have = 0; have < sizeof(stock);) {
            ssize_t got = getrandom(stock + have, sizeof(stock) - have, 0);
            have += got > 0 ? (size_t)got : 0;
        }
        left = sizeof(stock);
    }
    left -= n;
    memcpy(bytes, stock + left, n);
}

bool work_site(struct work *work, struct slice name, struct store_site *site)
{
    if (!work->ledger)
        return work_ok(work, work->store->ops->site_find(work->store, name, site));
    const struct store_site *row = ledger_site(work->ledger, name);
    if (row)
        *site = *row;
    return row != NULL;
}

struct store_site *work_site_for(struct work *work, struct slice name, struct fault *fault)
{
    struct store_site *site = ledger_site(work->ledger, name);
    int64_t max = work->settings->limits.value[LIMIT_SITES];

    if (site)
        return site;
    if ((int64_t)ledger_sites(work->ledger) < max) {
        site = ledger_site_add(work->ledger, name);
        if (site)
            due_rule(&settings_policy(work->settings, name)->queue, site->due_rule);
        else
            fault_set(fault, E_INTERNAL);
        return site;
    }
    fault_set(fault, E_TOO_MANY_SITES);
    fault_int(fault, "max", max);
    return NULL;
}

static void take_over(struct work *work, const struct settings *settings)
{
    work->settings = settings;
    work->due_stale = true;
}

void work_take_over(struct work *work, const struct request *list)
{
    for (; list; list = list->next)
        if (list->take_over)
            take_over(work, list->take_over);
}

struct slice work_via(const struct request *request)
{
    return request->via[0] ? slice_of(request->via) : SLICE_NONE;
}

struct out *work_data(struct work *work)
{
    out_reset(&work->scratch);
    out_map(&work->scratch);
    return &work->scratch;
}

void work_set_state(struct work *work, struct store_site *site, struct store_comment *comment, enum state state)
{
    if (state == STATE_NONE)
        return;
    if (comment->lane == LANE_SECOND) {
        comment->lane = LANE_NORMAL;
        work_end_claim(comment);
    }
    if (state == comment->state)
        return;
    if (state == STATE_PENDING && comment->state != STATE_NONE)
        due_renew(work, site, comment); /* its reports may be others, and so may what is known of its author */
    site->pending += (state == STATE_PENDING) - (comment->state == STATE_PENDING);
    comment->state = state;
    ledger_touch(work->ledger, site);
}

void work_end_claim(struct store_comment *comment)
{
    comment->claimed_by[0] = '\0';
    comment->claimed_until = 0;
}

bool work_held_by_other(const struct work *work, const struct store_comment *comment, const char *actor)
{
    return comment->claimed_by[0] && comment->claimed_until > work->boot_ms && strcmp(comment->claimed_by, actor) != 0;
}

int64_t work_wall_time(const struct work *work, int64_t boot_ms)
{
    int64_t now = work->ledger ? ledger_now(work->ledger) : work->clock_ms;
    return now + (boot_ms - work->boot_ms);
}

int64_t work_seq_of(struct work *work, int64_t no)
{
    struct store_event event;
    return no && work_ok(work, work->store->ops->event_get(work->store, no, &event)) ? event.seq : 0;
}

/* "profanity,abuse.racism" of the reasons in an event's data. */
static void add_reasons(struct slice data, struct fault *fault)
{
    msgpack_zone zone;
    msgpack_object map;
    char text[FAULT_TEXT_BYTES] = "";
    size_t at = 0;

    if (!msgpack_zone_init(&zone, 1024))
        return;
    if (mp_unpack_map(data, &zone, &map)) {
        const msgpack_object *reasons = mp_get(&map, "reasons");
        for (size_t i = 0; i < mp_count(reasons); i++) {
            struct slice code = mp_str(mp_item(reasons, i));
            if (at + code.len + 2 > sizeof(text))
                break;
            if (at)
                text[at++] = ',';
            memcpy(text + at, code.data, code.len);
            at += code.len;
        }
    }
    msgpack_zone_destroy(&zone);
    fault_list(fault, "reasons", (struct slice){text, at});
}

void work_fault_decided(struct work *work, const struct store_comment *comment, struct fault *fault)
{
    struct store_event event;

    fault_set(fault, E_ALREADY_DECIDED);
    if (!work_ok(work, work->store->ops->event_get(work->store, comment->decision, &event)))
        return;
    fault_say(fault, "already %s by %.*s", kind_name(event.kind), (int)event.actor.len, event.actor.data);
    fault_str(fault, "decision", slice_of(kind_name(event.kind)));
    fault_str(fault, "by", event.actor);
    fault_int(fault, "at", event.at);
    fault_int(fault, "seq", event.seq);
    add_reasons(event.data, fault);
}

void work_fault_claimed(struct work *work, const struct store_comment *comment, struct fault *fault)
{
    fault_set(fault, E_CLAIMED);
    fault_say(fault, "%s holds it", comment->claimed_by);
    fault_str(fault, "by", slice_of(comment->claimed_by));
    fault_int(fault, "until", work_wall_time(work, comment->claimed_until));
}

void work_item(struct out *out, struct slice site, struct slice comment)
{
    out_map(out);
    out_key_str(out, "site", site);
    out_key_str(out, "comment", comment);
}

void work_item_error(const struct work *work, struct out *out, const struct fault *fault)
{
    if (work->tally)
        work->tally->errors[fault->code]++;
    out_key_cstr(out, "status", error_info(fault->code)->name);
    out_key(out, "error");
    fault_encode(fault, out);
    out_end(out);
}

void work_item_failed(const struct work *work, struct out *out, struct slice site, struct slice comment,
                      const struct fault *fault)
{
    work_item(out, site, comment);
    work_item_error(work, out, fault);
}
