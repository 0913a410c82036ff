#include "claim.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../proto/fields.h"
#include "card.h"
#include "grant.h"
#include "pick.h"
#include "second.h"
#include "targets.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

enum { CLAIM_MAX = 100, LEASE_MS = 300000, LEASE_MS_MIN = 1000, LEASE_MS_MAX = 3600000 };

struct claim_args {
    struct slice site, lane_word;
    int64_t limit, lease_ms;
    const msgpack_object *comments;
    enum lane lane;
    struct targets targets;
};

static const struct field claim_fields[] = {
    FIELD(struct claim_args, site, "site", NAME, 0, 1, 64),
    FIELD(struct claim_args, lane_word, "lane", TEXT, 0, 0, 64),
    FIELD(struct claim_args, limit, "limit", INT, 0, 1, CLAIM_MAX),
    FIELD(struct claim_args, lease_ms, "lease_ms", INT, 0, LEASE_MS_MIN, LEASE_MS_MAX),
    FIELD(struct claim_args, comments, "comments", LIST, 0, 1, CLAIM_MAX),
};

bool claim_decode(struct request *request, const struct settings *settings)
{
    struct claim_args *args = request_alloc(request, sizeof(*args));

    request->args = args;
    if (!args)
        return false;
    args->limit = 1;
    args->lease_ms = LEASE_MS;
    if (!fields_decode(&request->map, claim_fields, ROWS(claim_fields), &settings->limits, NULL, args, &request->fault))
        return false;
    if (!request_take_lane(request, args->lane_word, &args->lane))
        return false;
    return !args->comments || targets_decode(request, settings, args->comments, "comments", &args->targets);
}

/* `request` is NULL when the daemon itself ends a claim. */
static bool write_claim(struct work *work, const struct request *request, struct store_comment *comment, enum kind kind,
                        int64_t until)
{
    const char *actor = request ? request->actor : "modqd";
    struct out *data = work_data(work);

    if (until)
        out_key_int(data, "until", work_wall_time(work, until));
    out_end(data);
    struct ledger_entry entry = {.kind = kind,
                                 .revision = comment->revision,
                                 .text = comment->text,
                                 .actor = slice_of(actor),
                                 .via = request ? work_via(request) : SLICE_NONE,
                                 .data = out_slice(data)};
    struct store_site *site = ledger_site_at(work->ledger, comment->site);
    snprintf(comment->claimed_by, sizeof(comment->claimed_by), "%s", until ? actor : "");
    comment->claimed_until = until;
    return work_ok(work, ledger_append(work->ledger, site, comment, &entry, NULL)) &&
           work_ok(work, work->store->ops->comment_put(work->store, comment));
}

static bool count_one(void *arg, const struct store_comment *comment)
{
    (void)comment;
    (*(int64_t *)arg)++;
    return true;
}

static int64_t may_claim(struct work *work, const char *actor)
{
    int64_t max = work->settings->limits.value[LIMIT_CLAIMS_PER_MODERATOR];
    int64_t held = 0;

    work_ok(work, work->store->ops->claims_of(work->store, slice_of(actor), max, count_one, &held));
    return max - held;
}

/* How many bytes a comment adds to an answer, near enough. */
static size_t weight(struct work *work, const struct store_comment *comment)
{
    struct store_text text;
    if (!work_ok(work, work->store->ops->text_get(work->store, comment->text, &text)))
        return 512;
    return text.body.len + text.meta.len + 512;
}

/* What a claim keeps of its answer: {claimed: [[site, comment], ...], refused: [...]}; the cards are made anew. */
static void keep(struct out *out, const struct store_site *site, const struct store_comment *comment)
{
    out_array(out);
    out_str(out, slice_of(site->name));
    out_str(out, slice_of(comment->id));
    out_end(out);
}

static void claim_next(struct work *work, const struct request *request, const struct claim_args *args, struct out *out)
{
    struct store_site *site = args->site.data ? ledger_site(work->ledger, args->site) : NULL;
    int64_t may = may_claim(work, request->actor);
    struct queue_page page = {.limit = (size_t)(may < args->limit ? may : args->limit)};
    size_t bytes = 0;

    if (may <= 0 || (args->site.data && !site))
        return;
    page.comments = calloc(page.limit + 1, sizeof(*page.comments));
    if (!page.comments) {
        out->failed = true;
        return;
    }
    if (!pick_next(work, request, site ? site->no : 0, args->lane, &page)) {
        out->failed = true;
        page.n = 0;
    }
    for (size_t i = 0; i < page.n; i++) {
        struct store_comment *comment = &page.comments[i];
        bytes += weight(work, comment);
        if (i > 0 && bytes > CARDS_BYTES)
            break;
        if (!write_claim(work, request, comment, KIND_CLAIMED, work->boot_ms + args->lease_ms))
            break;
        keep(out, ledger_site_at(work->ledger, comment->site), comment);
    }
    free(page.comments);
}

static bool check_claim(struct work *work, const struct request *request, const struct store_comment *comment,
                        int64_t may, struct fault *fault)
{
    const char *actor = request->actor;
    const struct transition *go = state_transition(comment->state, ON_CLAIM);

    if (second_is_held(work, comment, actor))
        return true;
    if (go->error == E_ALREADY_DECIDED)
        work_fault_decided(work, comment, fault);
    else if (go->error)
        fault_set(fault, go->error);
    else if (comment->lane == LANE_ESCALATED && !request_may(request, RIGHT_ESCALATED, fault))
        return false;
    else if (work_held_by_other(work, comment, actor))
        work_fault_claimed(work, comment, fault);
    else if (may <= 0 && strcmp(comment->claimed_by, actor) != 0) {
        fault_set(fault, E_TOO_MANY_CLAIMS);
        fault_int(fault, "max", work->settings->limits.value[LIMIT_CLAIMS_PER_MODERATOR]);
    } else
        return true;
    return false;
}

static bool check_weight(struct work *work, const struct store_comment *comment, size_t *bytes, struct fault *fault)
{
    size_t more = weight(work, comment);

    if (*bytes > 0 && *bytes + more > CARDS_BYTES) {
        fault_set(fault, E_BUSY);
        fault_say(fault, "the answer would be too large; claim it with another request");
        fault_int(fault, "retry_after_ms", 0);
        return false;
    }
    *bytes += more;
    return true;
}

static void claim_named(struct work *work, const struct request *request, const struct claim_args *args,
                        struct out *claimed, struct out *refused)
{
    int64_t may = may_claim(work, request->actor);
    size_t bytes = 0;

    for (size_t i = 0; i < args->targets.n && !work->trouble; i++) {
        const struct target *target = &args->targets.items[i];
        struct store_site *site;
        struct store_comment comment;
        struct fault fault;
        if (!target_find(work, target, &site, &comment, &fault) || !check_claim(work, request, &comment, may, &fault) ||
            !check_weight(work, &comment, &bytes, &fault)) {
            work_item_failed(work, refused, target->site, target->comment, &fault);
            continue;
        }
        bool mine = strcmp(comment.claimed_by, request->actor) == 0 && comment.claimed_until > work->boot_ms;
        may -= !mine;
        write_claim(work, request, &comment, mine ? KIND_RENEWED : KIND_CLAIMED, work->boot_ms + args->lease_ms);
        keep(claimed, site, &comment);
    }
}

void claim_run(struct work *work, struct request *request, struct out *out)
{
    const struct claim_args *args = request->args;
    struct out refused = {0};

    out_array(&refused);
    out_map(out);
    out_key(out, "claimed");
    out_array(out);
    if (args->comments)
        claim_named(work, request, args, out, &refused);
    else
        claim_next(work, request, args, out);
    out_end(out);
    out_end(&refused);
    out_key_raw(out, "refused", out_slice(&refused));
    out->failed |= refused.failed;
    out_end(out);
    out_free(&refused);
}

/* A repeat may come with another key of the moderator's name, which does not see all that the first one saw. */
static void render_card(struct work *work, const struct request *request, const msgpack_object *pair, struct out *out)
{
    struct store_site site;
    struct store_comment comment;
    struct slice name = mp_str(mp_item(pair, 0));

    if (!grant_sees(request->grant, name) || !work_site(work, name, &site) ||
        !work_ok(work, work->store->ops->comment_get(work->store, site.no, mp_str(mp_item(pair, 1)), &comment)))
        return;
    card_encode(work, request->actor, name, &comment, out);
}

void claim_render(struct work *work, struct request *request, struct slice kept, struct out *out)
{
    msgpack_object map;

    out_key(out, "comments");
    out_array(out);
    bool good = mp_unpack_map(kept, &request->zone, &map);
    const msgpack_object *claimed = good ? mp_get(&map, "claimed") : NULL;
    for (size_t i = 0; i < mp_count(claimed); i++)
        render_card(work, request, mp_item(claimed, i), out);
    out_end(out);
    out_key(out, "refused");
    out_object(out, good ? mp_get(&map, "refused") : NULL);
}

/* renew and release */

struct hold_args {
    const msgpack_object *comments;
    int64_t lease_ms;
    struct targets targets;
};

static const struct field hold_fields[] = {
    FIELD_LIMITED(struct hold_args, comments, "comments", LIST, 0, 1, MAX_BATCH),
    FIELD(struct hold_args, lease_ms, "lease_ms", INT, 0, LEASE_MS_MIN, LEASE_MS_MAX),
};

bool hold_decode(struct request *request, const struct settings *settings)
{
    struct hold_args *args = request_alloc(request, sizeof(*args));

    request->args = args;
    if (!args)
        return false;
    args->lease_ms = LEASE_MS;
    return fields_decode(&request->map, hold_fields, ROWS(hold_fields), &settings->limits, NULL, args,
                         &request->fault) &&
           (!args->comments || targets_decode(request, settings, args->comments, "comments", &args->targets));
}

/* A growing list of comments that a scan finds, because a scan must not change what it walks over. */
struct found {
    struct store_comment *comments;
    size_t n, cap;
    bool failed;
};

static bool remember(void *arg, const struct store_comment *comment)
{
    struct found *found = arg;

    if (found->n == found->cap) {
        size_t cap = found->cap ? found->cap * 2 : 64;
        struct store_comment *comments = realloc(found->comments, cap * sizeof(*comments));
        if (!comments) {
            found->failed = true;
            return false;
        }
        found->comments = comments;
        found->cap = cap;
    }
    found->comments[found->n++] = *comment;
    return true;
}

static void hold_one(struct work *work, const struct request *request, struct store_comment *comment, enum kind kind,
                     struct out *out)
{
    const struct hold_args *args = request->args;
    int64_t until = kind == KIND_RENEWED ? work->boot_ms + args->lease_ms : 0;
    struct store_site *site = ledger_site_at(work->ledger, comment->site);

    if (!write_claim(work, request, comment, kind, until))
        return;
    work_item(out, slice_of(site->name), slice_of(comment->id));
    out_key_cstr(out, "status", kind_name(kind));
    if (until)
        out_key_int(out, "claimed_until", work_wall_time(work, until));
    out_end(out);
}

static void hold_named(struct work *work, const struct request *request, const struct target *target, enum kind kind,
                       struct out *out)
{
    struct store_site *site;
    struct store_comment comment;
    struct fault fault;

    if (!target_find(work, target, &site, &comment, &fault)) {
        if (!target->fault)
            fault_set(&fault, E_NOT_HELD);
        work_item_failed(work, out, target->site, target->comment, &fault);
        return;
    }
    if (strcmp(comment.claimed_by, request->actor) != 0 || comment.claimed_until <= work->boot_ms) {
        fault_set(&fault, E_NOT_HELD);
        work_item_failed(work, out, target->site, target->comment, &fault);
        return;
    }
    hold_one(work, request, &comment, kind, out);
}

static bool may_hold(struct work *work, const struct request *request, const struct store_comment *comment)
{
    return comment->claimed_until > work->boot_ms &&
           grant_sees(request->grant, slice_of(ledger_site_at(work->ledger, comment->site)->name));
}

/* All that the moderator holds and still sees: claims are held by name, whichever key they were made with. */
static void hold_all(struct work *work, const struct request *request, enum kind kind, struct out *out)
{
    struct found found = {0};
    int64_t max = work->settings->limits.value[LIMIT_CLAIMS_PER_MODERATOR];

    work_ok(work, work->store->ops->claims_of(work->store, slice_of(request->actor), max, remember, &found));
    for (size_t i = 0; i < found.n && !work->trouble; i++)
        if (may_hold(work, request, &found.comments[i]))
            hold_one(work, request, &found.comments[i], kind, out);
    out->failed |= found.failed;
    free(found.comments);
}

static void hold(struct work *work, struct request *request, enum kind kind, struct out *out)
{
    const struct hold_args *args = request->args;

    out_key(out, "results");
    out_array(out);
    if (!args->comments)
        hold_all(work, request, kind, out);
    for (size_t i = 0; i < args->targets.n && !work->trouble; i++)
        hold_named(work, request, &args->targets.items[i], kind, out);
    out_end(out);
}

void renew_run(struct work *work, struct request *request, struct out *out)
{
    hold(work, request, KIND_RENEWED, out);
}

void release_run(struct work *work, struct request *request, struct out *out)
{
    hold(work, request, KIND_RELEASED, out);
}

static int64_t expire(struct work *work, int64_t until, int64_t limit)
{
    struct found found = {0};
    int64_t done = 0;

    work_ok(work, work->store->ops->claims_ending(work->store, until, limit, remember, &found));
    for (size_t i = 0; i < found.n && !work->trouble; i++)
        done += write_claim(work, NULL, &found.comments[i], KIND_LEASE_EXPIRED, 0);
    free(found.comments);
    return done;
}

int64_t claims_expire(struct work *work, int64_t limit)
{
    return expire(work, work->boot_ms, limit);
}

int64_t claims_drop_all(struct work *work, int64_t limit)
{
    return expire(work, INT64_MAX, limit);
}
