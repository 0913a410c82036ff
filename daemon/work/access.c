#include "access.h"

#include <stdlib.h>
#include <string.h>

/* How much one key has asked for. `purse` is in thousandths of an item, so that a millisecond's share is a whole
 * number. */
struct pace {
    int64_t under_way;
    int64_t purse, at;
    bool known;
};

struct slot {
    struct grant *grant;
    struct pace pace;
    bool has_public;
    unsigned char public_key[PUBLIC_KEY_BYTES];
    int64_t uid;
};

/* slots[no - 1]; and their indexes in the order of their public keys. */
struct access {
    struct slot *slots;
    size_t count, cap;
    size_t *by_public;
    size_t public_count;
    size_t *with_uid; /* indexes of slots that have one */
    size_t uid_count;
};

struct access *access_new(void)
{
    return calloc(1, sizeof(struct access));
}

static void free_slots(struct slot *slots, size_t count)
{
    for (size_t i = 0; i < count; i++)
        grant_drop(slots[i].grant);
    free(slots);
}

void access_free(struct access *access)
{
    if (!access)
        return;
    free_slots(access->slots, access->count);
    free(access->by_public);
    free(access->with_uid);
    free(access);
}

static bool reserve(struct access *access)
{
    if (access->count < access->cap)
        return true;
    size_t cap = access->cap ? access->cap * 2 : 16;
    struct slot *slots = realloc(access->slots, cap * sizeof(*slots));
    if (!slots)
        return false;
    access->slots = slots;
    access->cap = cap;
    return true;
}

/* Numbers are 1, 2, 3, ...; a row that is missing or makes no sense is a key that lets nobody in. */
static bool on_key(void *arg, const struct store_key *key)
{
    struct access *access = arg;

    do {
        if (!reserve(access))
            return false;
        access->slots[access->count++] = (struct slot){.uid = UID_NONE};
    } while ((int64_t)access->count < key->no);
    struct slot *slot = &access->slots[access->count - 1];
    slot->grant = grant_new(key);
    slot->has_public = key->has_public;
    memcpy(slot->public_key, key->public_key, PUBLIC_KEY_BYTES);
    slot->uid = key->uid;
    return true;
}

static int compare(const void *a, const void *b, void *slots)
{
    const struct slot *all = slots;
    return memcmp(all[*(const size_t *)a].public_key, all[*(const size_t *)b].public_key, PUBLIC_KEY_BYTES);
}

static bool make_indexes(struct access *access)
{
    access->by_public = calloc(access->count + 1, sizeof(size_t));
    access->with_uid = calloc(access->count + 1, sizeof(size_t));
    if (!access->by_public || !access->with_uid)
        return false;
    for (size_t i = 0; i < access->count; i++) {
        if (!access->slots[i].grant)
            continue;
        if (access->slots[i].has_public)
            access->by_public[access->public_count++] = i;
        else
            access->with_uid[access->uid_count++] = i;
    }
    qsort_r(access->by_public, access->public_count, sizeof(size_t), compare, access->slots);
    return true;
}

enum store_result access_load(struct access *access, struct store *store)
{
    struct access fresh = {0};
    enum store_result r = store->ops->key_scan(store, on_key, &fresh);

    store->ops->rollback(store);
    if (r != STORE_OK || !make_indexes(&fresh)) {
        free_slots(fresh.slots, fresh.count);
        free(fresh.by_public);
        free(fresh.with_uid);
        return r == STORE_OK ? STORE_FAILED : r;
    }
    for (size_t i = 0; i < access->count && i < fresh.count; i++)
        fresh.slots[i].pace = access->slots[i].pace;
    free_slots(access->slots, access->count);
    free(access->by_public);
    free(access->with_uid);
    *access = fresh;
    return STORE_OK;
}

struct grant *access_by_number(const struct access *access, int64_t key)
{
    return key >= 1 && (size_t)key <= access->count ? access->slots[key - 1].grant : NULL;
}

struct grant *access_by_public(const struct access *access, const unsigned char public_key[PUBLIC_KEY_BYTES])
{
    size_t low = 0;
    size_t high = access->public_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct slot *slot = &access->slots[access->by_public[middle]];
        int order = memcmp(public_key, slot->public_key, PUBLIC_KEY_BYTES);
        if (order == 0)
            return slot->grant;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

struct grant *access_by_uid(const struct access *access, int64_t uid, int64_t now_ms)
{
    struct grant *found = NULL;

    for (size_t i = 0; uid >= 0 && i < access->uid_count; i++) {
        const struct slot *slot = &access->slots[access->with_uid[i]];
        if (slot->uid == uid && (!found || !grant_is_good(found, now_ms)))
            found = slot->grant;
    }
    return found;
}

bool access_knows_users(const struct access *access)
{
    return access->uid_count > 0;
}

size_t access_count(const struct access *access)
{
    return access->count;
}

size_t access_ended(const struct access *access, int64_t now_ms)
{
    size_t n = 0;

    for (size_t i = 0; i < access->count; i++)
        n += !access->slots[i].grant || !grant_is_good(access->slots[i].grant, now_ms);
    return n;
}

static struct pace *pace_of(struct access *access, const struct grant *grant)
{
    return grant->key >= 1 && (size_t)grant->key <= access->count ? &access->slots[grant->key - 1].pace : NULL;
}

void access_begin(struct access *access, const struct grant *grant)
{
    struct pace *pace = pace_of(access, grant);
    if (pace)
        pace->under_way++;
}

void access_end(struct access *access, const struct grant *grant)
{
    struct pace *pace = pace_of(access, grant);
    if (pace && pace->under_way > 0)
        pace->under_way--;
}

enum { BURST_S = 2, IN_FLIGHT_RETRY_MS = 50 };

static void fill_purse(struct pace *pace, int64_t rate, int64_t boot_ms)
{
    int64_t full = rate * BURST_S * 1000;
    int64_t passed = boot_ms - pace->at;

    if (!pace->known || pace->purse + passed * rate > full)
        pace->purse = full;
    else
        pace->purse += passed * rate;
    pace->known = true;
    pace->at = boot_ms;
}

bool access_pace(struct access *access, const struct grant *grant, int64_t items, int64_t boot_ms,
                 const struct limits *limits, struct tally *tally, struct fault *fault)
{
    struct pace *pace = pace_of(access, grant);
    int64_t rate = limits->value[LIMIT_RATE_PER_KEY];

    if (!pace)
        return true;
    fill_purse(pace, rate, boot_ms);
    if (pace->under_way >= limits->value[LIMIT_REQUESTS_PER_KEY])
        return tally_busy(tally, fault, LIMIT_REQUESTS_PER_KEY, "this key has as many requests under way as it may",
                          IN_FLIGHT_RETRY_MS);
    int64_t needed = items < rate * BURST_S ? items * 1000 : rate * BURST_S * 1000;
    if (pace->purse < needed)
        return tally_busy(tally, fault, LIMIT_RATE_PER_KEY, "this key asks for more than it may at a time",
                          (needed - pace->purse) / rate + 1);
    pace->purse -= items * 1000;
    return true;
}
