#include "verify.h"

#include <stdlib.h>

#include "../../proto/fields.h"
#include "../../proto/mp.h"
#include "verify_chain.h"
#include "verify_end.h"
#include "verify_history.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define NO_MAX      ((INT64_C(1) << 53) - 1)

enum {
    EVENTS_MAX = 5000,
    EVENTS_DEFAULT = 2000,
    WEIGHT_MAX = 20000, /* so much is done for one answer, that others who read need not wait for long */
    ROOM = 16,          /* faults that one event may have */
    COUNTS_BYTES = 1048576,
    COUNTS_AN_ITEM = 1 + KIND_ERASED /* a site's number, then its counts */
};

struct verify_args {
    int64_t after, limit;
    struct slice hash, counts;
};

static const struct field verify_fields[] = {
    FIELD(struct verify_args, after, "after", INT, 0, 0, NO_MAX),
    FIELD(struct verify_args, hash, "hash", BIN, 0, SHA256_BYTES, SHA256_BYTES),
    FIELD(struct verify_args, counts, "counts", BIN, 0, 0, COUNTS_BYTES),
    FIELD(struct verify_args, limit, "limit", INT, 0, 1, EVENTS_MAX),
};

bool verify_decode(struct request *request, const struct settings *settings)
{
    struct verify_args *args = request_alloc(request, sizeof(*args));

    request->args = args;
    if (!args)
        return false;
    args->limit = EVENTS_DEFAULT;
    return fields_decode(&request->map, verify_fields, ROWS(verify_fields), &settings->limits, NULL, args,
                         &request->fault);
}

/* ---- what is counted of sites ---- */

/* They come from a client: what could not be counted on from is refused. */
static bool take_counts(struct verify *v, const msgpack_object *item)
{
    int64_t no = 0;

    mp_int(mp_item(item, 0), &no);
    const struct store_site *site = verify_site(v, no);
    for (enum kind k = KIND_SUBMITTED; site && k <= KIND_ERASED; k++) {
        int64_t *count = &v->counts[site - v->names.sites].of[k];
        if (mp_int(mp_item(item, k), count) && (*count < 0 || *count > NO_MAX))
            return false;
    }
    return true;
}

/* Counting begins with the first event, or goes on from what the answer before gave. */
static bool begin_counts(struct verify *v, const struct verify_args *args)
{
    msgpack_zone zone;
    msgpack_object map = {.type = MSGPACK_OBJECT_NIL};

    if (args->after && !args->counts.data)
        return true;
    v->counts = calloc(v->names.n + 1, sizeof(*v->counts));
    if (!v->counts || !msgpack_zone_init(&zone, 4096))
        return false;
    bool good = !args->after || mp_unpack_answer(args->counts, &zone, &map);
    const msgpack_object *list = mp_get(&map, "sites");
    for (size_t i = 0; good && i < mp_count(list); i++)
        good = take_counts(v, mp_item(list, i));
    msgpack_zone_destroy(&zone);
    return good;
}

static void encode_counts(const struct verify *v, struct out *out)
{
    struct out counts = {0};

    out_map(&counts);
    out_key(&counts, "sites");
    out_array(&counts);
    for (size_t i = 0; v->counts && i < v->names.n; i++) {
        out_array(&counts);
        out_int(&counts, v->names.sites[i].no);
        for (enum kind k = KIND_SUBMITTED; k <= KIND_ERASED; k++)
            out_int(&counts, v->counts[i].of[k]);
        out_end(&counts);
    }
    out_end(&counts);
    out_end(&counts);
    out_key_bin(out, "counts", v->counts ? out_slice(&counts) : SLICE_NONE);
    out->failed |= counts.failed;
    out_free(&counts);
}

/* ---- the chain, from where the answer before ended ---- */

static void go_on(struct verify *v, const struct verify_args *args)
{
    const struct store_ops *ops = v->work->store->ops;
    struct verify_chain *chain = &v->chain;
    struct store_event event;

    chain->last = args->after;
    if (args->after == 0)
        return;
    enum store_result r = ops->event_get(v->work->store, args->after, &event);
    chain->broken = !work_ok(v->work, r);
    if (r == STORE_NONE)
        verify_fault(v, IN_EVENT, args->after, MISSING, "it was there before");
    if (chain->broken)
        return;
    ledger_hash_of(&event, chain->stored);
    if (args->hash.data && memcmp(args->hash.data, chain->stored, SHA256_BYTES) != 0)
        verify_fault(v, IN_EVENT, args->after, CHANGED, "its hash is another than before");
    chain->differs = !verify_event_fits(v, args->after, chain->computed);
}

static bool begin(struct verify *v, const struct verify_args *args, struct fault *fault)
{
    const struct store_ops *ops = v->work->store->ops;
    struct store_event event = {0};

    work_ok(v->work, ops->site_scan(v->work->store, site_names_add, &v->names));
    work_ok(v->work, ops->event_last(v->work->store, &event));
    v->newest = event.no;
    if (args->after > v->newest) {
        fault_at(fault, E_OUT_OF_RANGE, NULL, "after");
        fault_say(fault, "after: %lld, and the newest event is %lld", (long long)args->after, (long long)v->newest);
        fault_int(fault, "min", 0);
        fault_int(fault, "max", v->newest);
        return false;
    }
    if (!begin_counts(v, args)) {
        fault_at(fault, E_BAD_VALUE, NULL, "counts");
        fault_say(fault, "counts: not what an answer gave");
        return false;
    }
    go_on(v, args);
    return true;
}

/* ---- part by part ---- */

/* Where an event is missing or changed, counts tell nothing new. */
static void count(struct verify *v, const struct verify_part *part)
{
    bool whole = part->chain.last - v->chain.last == (int64_t)part->n;

    for (size_t i = 0; whole && i < part->n; i++)
        whole = part->rows[i].fits;
    if (!whole) {
        free(v->counts);
        v->counts = NULL;
    }
    for (size_t i = 0; v->counts && i < part->n; i++) {
        const struct verify_row *row = &part->rows[i];
        const struct store_site *site = verify_site(v, row->site);
        if (site && row->kind > KIND_NONE && row->kind <= KIND_ERASED)
            v->counts[site - v->names.sites].of[row->kind]++;
    }
}

/* Compares the next events, at most `limit`. Nothing is left out when that finds more faults than there is room for:
 * then it is done again with fewer. */
static void next_part(struct verify *v, size_t limit)
{
    struct verify_part part;
    size_t faults = v->n;

    for (;;) {
        verify_read_part(&part, v, limit);
        verify_history(&part);
        if (!v->overflow || limit <= 1)
            break;
        v->n = faults;
        v->overflow = false;
        limit = limit / 8 ? limit / 8 : 1;
    }
    count(v, &part);
    v->chain = part.chain;
    v->weight += (int64_t)part.n;
}

static bool may_go_on(const struct verify *v)
{
    return !v->work->trouble && v->weight < WEIGHT_MAX && v->n + ROOM <= FAULTS_MAX;
}

/* True when all was compared. */
static bool compare(struct verify *v, const struct verify_args *args)
{
    int64_t left = args->limit;

    while (v->chain.last < v->newest && left > 0 && may_go_on(v)) {
        int64_t from = v->chain.last;
        next_part(v, (size_t)(left < PART_MAX ? left : PART_MAX));
        left -= v->chain.last - from;
    }
    if (v->chain.last < v->newest || !may_go_on(v))
        return false;
    verify_end(v);
    return true;
}

static void answer(struct verify *v, const struct verify_args *args, struct out *out)
{
    bool done = compare(v, args);

    out_key_int(out, "last", v->chain.last);
    out_key_bin(out, "hash", (struct slice){(const char *)v->chain.stored, SHA256_BYTES});
    out_key_int(out, "newest", v->newest);
    out_key_bool(out, "done", done);
    encode_counts(v, out);
    verify_encode_faults(v, out);
}

void verify_run(struct work *work, struct request *request, struct out *out)
{
    const struct verify_args *args = request->args;
    struct verify *v = calloc(1, sizeof(*v));

    if (!v) {
        fault_set(&request->fault, E_INTERNAL);
        return;
    }
    v->work = work;
    if (begin(v, args, &request->fault))
        answer(v, args, out);
    free(v->names.sites);
    free(v->counts);
    out_free(&v->scratch);
    free(v);
}
