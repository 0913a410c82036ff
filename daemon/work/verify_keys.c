#include "verify_keys.h"

#include <stdlib.h>

#include "../../proto/mp.h"
#include "key_map.h"
#include "verify_chain.h"

enum { KEY_NUMBERS_MAX = 1000000 };

/* A key as the events tell of it. */
struct told {
    struct store_key key; /* its sites are kept as a hash */
    unsigned char sites[SHA256_BYTES];
    int64_t event;     /* that told of it first; 0: none told of this number */
    int64_t end;       /* that brought its end nearer or revoked it, the last of them; 0: none */
    const char *wrong; /* column in which the row is another, NULL: none */
    bool met;          /* there is a row */
};

/* Numbers of events that tell of keys. */
struct numbers {
    int64_t *no;
    size_t n, cap;
};

struct replay {
    struct verify *v;
    const struct numbers *changed; /* events that are not what they were, ascending */
    struct told *keys;             /* keys[no - 1] */
    size_t n, cap;
    struct out sites;
};

/* The place of a key's number, made when there is none. NULL for numbers that no key has, and without memory. */
static struct told *place(struct replay *replay, int64_t no)
{
    if (no < 1 || no > KEY_NUMBERS_MAX)
        return NULL;
    if ((size_t)no > replay->cap) {
        size_t cap = (size_t)no * 2;
        struct told *keys = realloc(replay->keys, cap * sizeof(*keys));
        if (!keys)
            return NULL;
        memset(keys + replay->cap, 0, (cap - replay->cap) * sizeof(*keys));
        replay->keys = keys;
        replay->cap = cap;
    }
    if ((size_t)no > replay->n)
        replay->n = (size_t)no;
    return &replay->keys[no - 1];
}

static bool tell_new(struct replay *replay, const struct store_event *event, const msgpack_object *data)
{
    struct store_key key;

    if (!key_told(event, data, &key, &replay->sites))
        return false;
    struct told *told = place(replay, key.no);
    if (!told || told->event)
        return false;
    sha256_of(told->sites, key.sites);
    key.sites = SLICE_NONE;
    told->key = key;
    told->event = event->no;
    return true;
}

static bool tell_end(struct replay *replay, const struct store_event *event, const msgpack_object *pair)
{
    int64_t no = 0;
    int64_t end = 0;
    bool whole = mp_int(mp_item(pair, 0), &no) && mp_int(mp_item(pair, 1), &end);
    struct told *told = whole ? place(replay, no) : NULL;

    if (!told || !told->event)
        return false;
    told->key.expires_at = end;
    told->end = event->no;
    return true;
}

static bool tell_revoked(struct replay *replay, const struct store_event *event, const msgpack_object *data)
{
    struct told *told = place(replay, mp_get_int(data, "key", 0));

    if (!told || !told->event)
        return false;
    told->key.revoked_at = event->at;
    told->end = event->no;
    return true;
}

static bool tell(struct replay *replay, const struct store_event *event, const msgpack_object *data)
{
    const msgpack_object *old = mp_get(data, "old");
    bool good = true;

    switch (event->kind) {
    case KIND_KEY_ADDED:
        return tell_new(replay, event, data);
    case KIND_KEY_ROTATED:
        for (size_t i = 0; i < mp_count(old); i++)
            good &= tell_end(replay, event, mp_item(old, i));
        return tell_new(replay, event, data) && good;
    case KIND_KEY_REVOKED:
        return tell_revoked(replay, event, data);
    default:
        return true;
    }
}

static bool is_in(const struct numbers *numbers, int64_t no)
{
    for (size_t i = 0; i < numbers->n; i++)
        if (numbers->no[i] == no)
            return true;
    return false;
}

/* What an event cannot have told (of a key that is there already, of one that never was) is the work of somebody who
 * can make a chain, unless what it is about stands in an event that was changed. */
static bool on_event(void *arg, const struct store_event *event)
{
    struct replay *replay = arg;
    msgpack_zone zone;
    msgpack_object data;

    if (is_in(replay->changed, event->no))
        return true;
    if (!msgpack_zone_init(&zone, 1024))
        return false;
    bool whole = mp_unpack_map(event->data, &zone, &data);
    int64_t key = whole ? mp_get_int(&data, "key", 0) : 0;
    bool good = whole && tell(replay, event, &data);
    msgpack_zone_destroy(&zone);
    if (!good && replay->changed->n == 0)
        verify_fault(replay->v, IN_KEY, key, CHANGED, "what event %lld tells of it does not follow from those before",
                     (long long)event->no);
    return !replay->v->overflow;
}

/* The column in which a row differs from what was told, NULL when it does not. */
static const char *compare(const struct store_key *row, const struct told *told)
{
    const struct store_key *key = &told->key;
    unsigned char sites[SHA256_BYTES];

    sha256_of(sites, row->sites);
    const struct {
        const char *name;
        bool differs;
    } columns[] = {
        {"name", strcmp(row->name, key->name) != 0},
        {"role", row->role != key->role},
        {"rights", row->rights != key->rights},
        {"public_key", row->has_public != key->has_public},
        {"public_key", memcmp(row->public_key, key->public_key, PUBLIC_KEY_BYTES) != 0},
        {"uid", row->uid != key->uid},
        {"sites", row->all_sites != key->all_sites || memcmp(sites, told->sites, SHA256_BYTES) != 0},
        {"created_at", row->created_at != key->created_at},
        {"created_by", strcmp(row->created_by, key->created_by) != 0},
        {"expires_at", row->expires_at != key->expires_at},
        {"revoked_at", row->revoked_at != key->revoked_at},
    };
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
        if (columns[i].differs)
            return columns[i].name;
    return NULL;
}

static bool on_key(void *arg, const struct store_key *row)
{
    struct replay *replay = arg;
    struct told *told = row->no >= 1 && (size_t)row->no <= replay->n ? &replay->keys[row->no - 1] : NULL;

    if (told && told->event) {
        told->met = true;
        told->wrong = compare(row, told);
    } else if (replay->changed->n == 0) {
        verify_fault(replay->v, IN_KEY, row->no, INSERTED, "no event tells of it");
    }
    return !replay->v->overflow;
}

/* Of how a key ended, only all events together can tell. */
static bool is_told_for_sure(const struct replay *replay, const struct told *told)
{
    return replay->changed->n == 0 || !told->wrong ||
           (strcmp(told->wrong, "expires_at") != 0 && strcmp(told->wrong, "revoked_at") != 0);
}

static void say_what_differs(struct replay *replay)
{
    for (size_t i = 0; i < replay->n && !replay->v->overflow; i++) {
        const struct told *told = &replay->keys[i];
        int64_t no = (int64_t)i + 1;
        if (told->event && !told->met)
            verify_fault(replay->v, IN_KEY, no, MISSING, "event %lld tells of it", (long long)told->event);
        else if (told->event && told->wrong && is_told_for_sure(replay, told))
            verify_fault(replay->v, IN_KEY, no, CHANGED, "its %s is not what event %lld%s told", told->wrong,
                         (long long)told->event, told->end ? " and those after it" : "");
    }
}

static void replay_all(struct verify *v, const struct numbers *changed)
{
    const struct store_ops *ops = v->work->store->ops;
    struct replay replay = {.v = v, .changed = changed};

    work_ok(v->work, ops->event_scan_keys(v->work->store, 0, INT64_MAX, on_event, &replay));
    work_ok(v->work, ops->key_scan(v->work->store, on_key, &replay));
    if (!v->work->trouble)
        say_what_differs(&replay);
    free(replay.keys);
    out_free(&replay.sites);
}

static bool keep_number(void *arg, const struct store_event *event)
{
    struct numbers *numbers = arg;

    if (numbers->n == numbers->cap) {
        size_t cap = numbers->cap ? numbers->cap * 2 : 64;
        int64_t *no = realloc(numbers->no, cap * sizeof(*no));
        if (!no)
            return false;
        numbers->no = no;
        numbers->cap = cap;
    }
    numbers->no[numbers->n++] = event->no;
    return true;
}

/* Those of them that were changed. */
static struct numbers find_changed(struct verify *v)
{
    struct numbers numbers = {0};
    size_t n = 0;

    work_ok(v->work, v->work->store->ops->event_scan_keys(v->work->store, 0, INT64_MAX, keep_number, &numbers));
    for (size_t i = 0; i < numbers.n && !v->work->trouble; i++)
        if (!verify_event_fits(v, numbers.no[i], NULL))
            numbers.no[n++] = numbers.no[i];
    numbers.n = n;
    return numbers;
}

/* What differs because an event was changed was told of with that event. So when anything differs, it is done again
 * without them. */
void verify_keys(struct verify *v)
{
    size_t faults = v->n;

    replay_all(v, &(struct numbers){0});
    if (v->n == faults && !v->overflow)
        return;
    struct numbers changed = find_changed(v);
    if (changed.n > 0) {
        v->n = faults;
        replay_all(v, &changed);
    }
    free(changed.no);
}
