#include "verify_chain.h"

static bool same(const unsigned char hash[SHA256_BYTES], struct slice bytes)
{
    return bytes.len == SHA256_BYTES && memcmp(hash, bytes.data, SHA256_BYTES) == 0;
}

static void chain_hash(struct verify *v, unsigned char hash[SHA256_BYTES], const unsigned char before[SHA256_BYTES],
                       const struct store_event *event)
{
    const struct store_site *site = verify_site(v, event->site);
    struct slice name = event->site == 0 ? SLICE_LIT("") : site ? slice_of(site->name) : SLICE_NONE;

    ledger_chain(hash, before, event, name, &v->scratch);
}

bool verify_event_fits(struct verify *v, int64_t no, unsigned char computed[SHA256_BYTES])
{
    const struct store_ops *ops = v->work->store->ops;
    unsigned char before[SHA256_BYTES] = {0};
    unsigned char hash[SHA256_BYTES];
    struct store_event found;

    if (no > 1 && !work_ok(v->work, ops->event_get(v->work->store, no - 1, &found)))
        return true; /* nobody can tell */
    if (no > 1)
        ledger_hash_of(&found, before);
    if (!work_ok(v->work, ops->event_get(v->work->store, no, &found)))
        return true;
    chain_hash(v, hash, before, &found);
    if (computed)
        memcpy(computed, hash, SHA256_BYTES);
    return same(hash, found.hash);
}

bool verify_follow(struct verify *v, struct verify_chain *chain, const struct store_event *event)
{
    unsigned char hash[SHA256_BYTES];
    unsigned char other[SHA256_BYTES];
    bool known = !chain->broken;

    chain_hash(v, hash, chain->stored, event);
    bool fits = !known || same(hash, event->hash);
    if (!fits && chain->differs) {
        chain_hash(v, other, chain->computed, event);
        fits = same(other, event->hash);
    }
    fits = fits && event->hash.len == SHA256_BYTES;
    chain->broken = false;
    chain->differs = known && !fits;
    memcpy(chain->computed, hash, SHA256_BYTES);
    ledger_hash_of(event, chain->stored);
    return fits;
}
