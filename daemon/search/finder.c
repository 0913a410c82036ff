#include "finder.h"

#include <stdlib.h>

#include "gram.h"

/* Microseconds that steps take, near enough (docs/performance.md): reading a text, each 256 bytes of it, a look into
 * the index. */
enum { COST_TEXT = 2, BYTES_A_MICROSECOND = 256, COST_LIST = 8 };

/* Texts that are read in one go; lists that are looked up for one block at most; trigrams that are thought of at all.
 */
enum { SCAN_SPAN = 128, LISTS_MOST = 8, GRAMS_MOST = 256 };

/* A trigram that is looked for. The lighter ones so far go first: they leave fewer texts to be looked at. */
struct wanted_gram {
    uint32_t gram;
    uint64_t weight; /* bytes of its lists so far */
};

struct looking {
    struct search *search;
    struct store *store;
    struct finder *finder;
    struct wanted_gram grams[GRAMS_MOST];
    size_t gram_count;
    bool failed; /* the index */
    bool enough;
    int64_t next;             /* with enough */
    int64_t found[SCAN_SPAN]; /* of one scan */
    size_t found_count;
    enum store_result trouble;
};

static bool add_gram(void *arg, uint32_t gram)
{
    struct looking *f = arg;

    for (size_t i = 0; i < f->gram_count; i++)
        if (f->grams[i].gram == gram)
            return true;
    f->grams[f->gram_count++].gram = gram;
    return f->gram_count < GRAMS_MOST;
}

static void sort_grams(struct looking *f)
{
    for (size_t i = 1; i < f->gram_count; i++) {
        struct wanted_gram gram = f->grams[i];
        size_t at = i;
        for (; at > 0 && f->grams[at - 1].weight > gram.weight; at--)
            f->grams[at] = f->grams[at - 1];
        f->grams[at] = gram;
    }
}

static bool holds(struct looking *f, struct slice body)
{
    struct fold *fold = &f->search->fold;

    f->finder->effort -= COST_TEXT + (int64_t)body.len / BYTES_A_MICROSECOND;
    if (!body.data)
        return false;
    if (!fold_text(fold, body)) {
        f->trouble = STORE_FAILED;
        return false;
    }
    return memmem(fold->data, fold->len, f->finder->wanted.data, f->finder->wanted.len) != NULL;
}

static void tell(struct looking *f, int64_t no)
{
    f->enough = !f->finder->on_match(f->finder->arg, no);
    f->next = no;
}

/* ---- texts that are not in a block ---- */

static bool look_at(void *arg, const struct store_text *text)
{
    struct looking *f = arg;

    if (holds(f, text->body))
        f->found[f->found_count++] = text->no;
    return !f->trouble;
}

/* Texts numbered low to high; no more than SCAN_SPAN. */
static void scan(struct looking *f, int64_t low, int64_t high)
{
    f->found_count = 0;
    f->finder->effort--;
    enum store_result r = f->store->ops->text_scan(f->store, low - 1, high, look_at, f);
    if (r != STORE_OK && r != STORE_NONE)
        f->trouble = r;
    while (f->found_count > 0 && !f->enough && !f->trouble)
        tell(f, f->found[--f->found_count]);
}

/* ---- texts of a block ---- */

static unsigned count_bits(const uint64_t bits[POSTING_WORDS])
{
    unsigned n = 0;

    for (size_t i = 0; i < POSTING_WORDS; i++)
        n += (unsigned)__builtin_popcountll(bits[i]);
    return n;
}

/* Leaves in `bits` the texts that have the trigram, too. */
static void narrow(struct looking *f, int64_t first, struct wanted_gram *gram, uint64_t bits[POSTING_WORDS])
{
    uint64_t list[POSTING_WORDS] = {0};
    struct slice packed;

    f->finder->effort -= COST_LIST;
    f->failed = index_find(f->search->index, first, gram->gram, &packed) != STORE_OK ||
                (packed.data && !posting_unpack(packed, list));
    gram->weight += packed.len;
    for (size_t i = 0; i < POSTING_WORDS; i++)
        bits[i] &= list[i];
}

static void look_at_one(struct looking *f, int64_t no)
{
    struct store_text text;
    enum store_result r = f->store->ops->text_get(f->store, no, &text);

    if (r == STORE_OK && holds(f, text.body))
        tell(f, no);
    else if (r != STORE_OK && r != STORE_NONE)
        f->trouble = r;
}

/* The texts of a block that may hold it, up to number `high`. Returns the number below which to go on. */
static int64_t look_into(struct looking *f, const struct index_block *block, int64_t high)
{
    uint64_t bits[POSTING_WORDS];
    int64_t first = block->first;

    memset(bits, 0xff, sizeof(bits));
    for (size_t i = 0; i < f->gram_count && i < LISTS_MOST && count_bits(bits) > 1 && !f->failed; i++)
        narrow(f, first, &f->grams[i], bits);
    sort_grams(f);
    if (f->failed)
        return high + 1;
    for (int64_t no = high; no >= first && !f->enough && !f->trouble; no--) {
        size_t offset = (size_t)(no - first);
        if (!(bits[offset / 64] >> (offset % 64) & 1))
            continue;
        if (f->finder->effort <= 0)
            return no + 1;
        look_at_one(f, no);
    }
    return first;
}

/* ---- all of them ---- */

static bool may_believe(const struct looking *f)
{
    const struct search *search = f->search;

    return search->index && search->known && !f->failed && index_origin(search->index).sites == f->finder->sites;
}

/* The last block that begins at or before `no`; NULL: none does. */
static const struct index_block *block_before(const struct looking *f, int64_t no)
{
    size_t n = 0;
    const struct index_block *blocks = may_believe(f) ? index_blocks(f->search->index, &n) : NULL;
    size_t low = 0;

    while (low < n) {
        size_t middle = low + (n - low) / 2;
        if (blocks[middle].first <= no)
            low = middle + 1;
        else
            n = middle;
    }
    return low > 0 ? &blocks[low - 1] : NULL;
}

/* Looks at some texts up to number `high`. Returns the number below which to go on. */
static int64_t some(struct looking *f, int64_t high)
{
    const struct index_block *block = block_before(f, high);
    bool inside = block && high <= block->last;
    int64_t low = block ? (inside ? block->first : block->last + 1) : 1;

    if (inside && !block->stale && f->gram_count > 0)
        return look_into(f, block, high);
    if (low < high - SCAN_SPAN + 1)
        low = high - SCAN_SPAN + 1;
    scan(f, low, high);
    return low;
}

enum store_result find_texts(struct search *search, struct store *store, struct finder *finder, int64_t *next)
{
    struct looking f = {.search = search, .store = store, .finder = finder};
    struct store_event event;

    *next = 0;
    enum store_result r = store->ops->event_last(store, &event);
    if (r != STORE_OK)
        return r == STORE_NONE ? STORE_OK : r;
    gram_each(finder->wanted, add_gram, &f);
    int64_t below = finder->below <= event.no ? finder->below : event.no + 1;
    while (below > 1 && !f.enough && !f.trouble && finder->effort > 0)
        below = some(&f, below - 1);
    if (f.failed)
        search_drop_index(search);
    *next = f.enough ? f.next : below;
    if (*next <= 1)
        *next = 0;
    return f.trouble;
}
