#include "follow.h"

#include <stdio.h>
#include <stdlib.h>

#include "gram.h"

/* A block ends before it has more trigrams than KEYS_MOST, unless a single text has. */
enum { KEYS_MOST = 1 << 20, EVENTS_A_SLICE = 16384, ERASED_A_SLICE = 16, REASON_BYTES = 512 };

struct follow {
    struct search *search;
    struct store *store;
    const struct follow_sites *sites;
    int64_t newest; /* event */
    bool forgot;    /* something that was erased: enough for one slice */
    unsigned char hash[SHA256_BYTES];
    enum store_result trouble; /* of the store */
    char reason[REASON_BYTES];
};

static bool read_ok(struct follow *f, enum store_result r)
{
    if (r != STORE_OK && r != STORE_NONE)
        f->trouble = r;
    return r == STORE_OK;
}

static enum store_result index_failed(struct follow *f, enum store_result r)
{
    if (r != STORE_OK && !f->reason[0])
        snprintf(f->reason, sizeof(f->reason), "%s", index_reason(f->search->index));
    return r;
}

/* ---- where the index comes from ---- */

static bool is_of_this_database(struct follow *f)
{
    struct index_origin origin = index_origin(f->search->index);
    struct store_event event;

    if (origin.event == 0)
        return true;
    return read_ok(f, f->store->ops->event_get(f->store, origin.event, &event)) &&
           slice_equal(event.hash, (struct slice){(const char *)origin.hash, SHA256_BYTES});
}

static enum store_result set_origin(struct follow *f)
{
    struct index_origin origin = {.event = f->search->seen, .sites = f->sites->number};
    struct store_event event;

    if (!read_ok(f, f->store->ops->event_get(f->store, origin.event, &event)) || event.hash.len != SHA256_BYTES)
        return STORE_FAILED;
    memcpy(origin.hash, event.hash.data, SHA256_BYTES);
    return index_set_origin(f->search->index, &origin);
}

static enum store_result open_index(struct follow *f)
{
    struct search *search = f->search;

    if (!search->index)
        search->index = index_open(search->path, f->reason, sizeof(f->reason));
    if (!search->index)
        return STORE_FAILED;
    if (!search->known && !is_of_this_database(f)) {
        if (f->trouble)
            return STORE_OK;
        index_close(search->index);
        search->index = index_make(search->path, f->reason, sizeof(f->reason));
        if (!search->index)
            return STORE_FAILED;
    }
    search->known = true;
    search->seen = index_origin(search->index).event;
    return STORE_OK;
}

/* All blocks are to be made anew when other sites are searched than before. What was erased until now concerns no block
 * that is made from now on. */
static enum store_result begin_anew(struct follow *f)
{
    struct index *index = f->search->index;
    enum store_result r = index_begin(index);
    int64_t seen = f->search->seen;

    if (index_origin(index).event == 0)
        f->search->seen = f->newest;
    if (r == STORE_OK)
        r = index_mark_all(index);
    if (r == STORE_OK)
        r = set_origin(f);
    if (r == STORE_OK)
        r = index_commit(index);
    if (r == STORE_OK)
        return r;
    index_rollback(index);
    f->search->seen = seen;
    return r;
}

/* ---- what was erased ---- */

struct erased {
    size_t n;
    int64_t last; /* event that was looked at */
    struct {
        int64_t site;
        char comment[KEY_BYTES + 1];
    } comments[ERASED_A_SLICE];
};

static bool note_erased(void *arg, const struct store_event *event)
{
    struct erased *erased = arg;

    erased->last = event->no;
    if (event->kind == KIND_ERASED && event->comment.len <= KEY_BYTES) {
        erased->comments[erased->n].site = event->site;
        snprintf(erased->comments[erased->n].comment, KEY_BYTES + 1, "%.*s", (int)event->comment.len,
                 event->comment.data);
        erased->n++;
    }
    return erased->n < ERASED_A_SLICE;
}

/* The words go at once, not only when the block is made anew. */
static enum store_result forget_comment(struct follow *f, int64_t site, const char *id)
{
    const struct store_ops *ops = f->store->ops;
    struct store_comment comment;
    struct store_text text;
    enum store_result r = STORE_OK;

    if (!read_ok(f, ops->comment_get(f->store, site, slice_of(id), &comment)))
        return STORE_OK;
    for (int64_t no = comment.newest_text; no && r == STORE_OK; no = text.previous) {
        r = index_empty_block(f->search->index, no);
        if (!read_ok(f, ops->text_head(f->store, no, &text)))
            break;
    }
    return r;
}

static enum store_result forget(struct follow *f, const struct erased *erased)
{
    struct index *index = f->search->index;
    int64_t seen = f->search->seen;
    enum store_result r = index_begin(index);

    for (size_t i = 0; i < erased->n && r == STORE_OK && !f->trouble; i++)
        r = forget_comment(f, erased->comments[i].site, erased->comments[i].comment);
    f->search->seen = erased->last;
    if (r == STORE_OK && !f->trouble)
        r = set_origin(f);
    if (r == STORE_OK && !f->trouble)
        r = index_commit(index);
    if (r == STORE_OK && !f->trouble)
        return index_tidy(index);
    index_rollback(index);
    f->search->seen = seen;
    return r;
}

static enum store_result look_for_erased(struct follow *f)
{
    struct erased erased = {.last = f->search->seen};

    if (f->search->seen >= f->newest)
        return STORE_OK;
    if (!read_ok(f, f->store->ops->event_scan(f->store, f->search->seen, EVENTS_A_SLICE, note_erased, &erased)))
        return STORE_OK;
    f->forgot = erased.n > 0;
    if (f->forgot)
        return forget(f, &erased);
    f->search->seen = erased.last;
    return STORE_OK;
}

/* ---- making a block ---- */

struct gather {
    struct search *search;
    int64_t first, last; /* texts that the block is about */
    bool full, failed;
    bool some_are_out;
    uint64_t out[POSTING_WORDS]; /* texts of sites that are not searched */
    const struct follow_sites *sites;
    uint32_t offset; /* of the text that is looked at */
};

static bool note_site(void *arg, const struct store_event *event)
{
    struct gather *g = arg;

    if (event->no > g->last)
        return false;
    if (event->kind == KIND_SUBMITTED && !g->sites->searched(g->sites->arg, event->site)) {
        uint32_t offset = (uint32_t)(event->no - g->first);
        g->out[offset / 64] |= UINT64_C(1) << (offset % 64);
    }
    return true;
}

static bool grow(uint32_t **array, size_t cap)
{
    uint32_t *larger = realloc(*array, cap * sizeof(**array));

    if (larger)
        *array = larger;
    return larger != NULL;
}

static bool make_room(struct search *search, size_t more)
{
    size_t needed = search->key_count + more;
    size_t cap = needed + needed / 2;

    if (needed <= search->key_cap)
        return true;
    if (!grow(&search->keys, cap) || !grow(&search->sorted, cap))
        return false;
    search->key_cap = cap;
    return true;
}

static bool add_key(void *arg, uint32_t gram)
{
    struct gather *g = arg;

    g->search->keys[g->search->key_count++] = gram << POSTING_BITS | g->offset;
    return true;
}

static bool add_text(void *arg, const struct store_text *text)
{
    struct gather *g = arg;
    struct search *search = g->search;

    g->offset = (uint32_t)(text->no - g->first);
    if (!text->body.data || g->out[g->offset / 64] >> (g->offset % 64) & 1)
        return true;
    g->failed = !fold_text(&search->fold, text->body);
    g->full = search->key_count > 0 && search->key_count + search->fold.len > KEYS_MOST;
    g->failed = g->failed || !make_room(search, search->fold.len);
    if (g->failed || g->full) {
        g->last = text->no - 1;
        return false;
    }
    gram_each(fold_slice(&search->fold), add_key, g);
    return true;
}

/* By trigram; the offsets of one are in order already, and stay so. */
static void sort_digit(const uint32_t *from, uint32_t *to, size_t n, unsigned shift)
{
    enum { DIGITS = 1 << POSTING_BITS };
    size_t place[DIGITS] = {0};
    size_t sum = 0;

    for (size_t i = 0; i < n; i++)
        place[from[i] >> shift & (DIGITS - 1)]++;
    for (size_t i = 0; i < DIGITS; i++) {
        size_t count = place[i];
        place[i] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        to[place[from[i] >> shift & (DIGITS - 1)]++] = from[i];
}

static enum store_result put_list(struct index *index, int64_t first, struct chunk *chunk, uint32_t gram,
                                  const uint16_t *offsets, size_t n)
{
    unsigned char packed[POSTING_BYTES];
    size_t len = posting_pack(packed, offsets, n);
    enum store_result r = STORE_OK;

    if (chunk_add(chunk, gram, packed, len))
        return r;
    r = index_put_chunk(index, first, chunk);
    chunk->len = 0;
    chunk_add(chunk, gram, packed, len);
    return r;
}

static enum store_result put_lists(struct search *search, int64_t first)
{
    struct chunk chunk = {.len = 0};
    uint16_t offsets[POSTING_SPAN];
    enum store_result r = STORE_OK;

    sort_digit(search->keys, search->sorted, search->key_count, POSTING_BITS);
    sort_digit(search->sorted, search->keys, search->key_count, 2 * POSTING_BITS);
    for (size_t i = 0; i < search->key_count && r == STORE_OK;) {
        uint32_t gram = search->keys[i] >> POSTING_BITS;
        size_t n = 0;
        for (; i < search->key_count && search->keys[i] >> POSTING_BITS == gram; i++)
            if (n == 0 || search->keys[i] != search->keys[i - 1])
                offsets[n++] = (uint16_t)(search->keys[i] & (POSTING_SPAN - 1));
        r = put_list(search->index, first, &chunk, gram, offsets, n);
    }
    return r == STORE_OK && chunk.len > 0 ? index_put_chunk(search->index, first, &chunk) : r;
}

/* Of texts from block.first to g->last; what is left of the block's numbers, when they are too much, stays stale. */
static enum store_result put_block(struct follow *f, const struct gather *g, struct index_block block)
{
    struct index *index = f->search->index;
    struct index_block made = {.first = g->first, .last = g->last};
    struct index_block rest = {.first = g->last + 1, .last = block.last, .stale = true};
    enum store_result r = index_drop_chunks(index, block.first);

    if (r == STORE_OK)
        r = put_lists(f->search, block.first);
    if (r == STORE_OK)
        r = index_put_block(index, made);
    if (r == STORE_OK && block.stale && rest.first <= rest.last)
        r = index_put_block(index, rest);
    return r == STORE_OK ? set_origin(f) : r;
}

static bool gather(struct follow *f, struct gather *g)
{
    const struct store_ops *ops = f->store->ops;

    f->search->key_count = 0;
    if (!f->sites->all && !read_ok(f, ops->event_scan(f->store, g->first - 1, g->last - g->first + 1, note_site, g)))
        return false;
    if (!read_ok(f, ops->text_scan(f->store, g->first - 1, g->last, add_text, g)))
        return false;
    if (g->failed)
        snprintf(f->reason, sizeof(f->reason), "out of memory");
    return !g->failed;
}

static enum store_result make_block(struct follow *f, struct index_block block)
{
    struct index *index = f->search->index;
    struct gather g = {.search = f->search, .sites = f->sites, .first = block.first, .last = block.last};

    if (!gather(f, &g))
        return f->trouble ? STORE_OK : STORE_FULL;
    enum store_result r = index_begin(index);
    if (r == STORE_OK)
        r = put_block(f, &g, block);
    if (r == STORE_OK)
        r = index_commit(index);
    else
        index_rollback(index);
    return r == STORE_OK && block.stale ? index_tidy(index) : r;
}

/* ---- the next thing ---- */

/* The block that is to be made next: one that is stale, or one for what came. False: none is due. */
static bool next_block(const struct follow *f, struct index_block *block)
{
    size_t n;
    const struct index_block *blocks = index_blocks(f->search->index, &n);
    int64_t end = n ? blocks[n - 1].last : 0;

    for (size_t i = 0; i < n; i++)
        if (blocks[i].stale) {
            *block = blocks[i];
            return true;
        }
    *block = (struct index_block){.first = end + 1, .last = end + POSTING_SPAN};
    return f->newest >= block->last;
}

static bool has_room(struct follow *f, int64_t room)
{
    int64_t bytes = 0;

    return read_ok(f, f->store->ops->room(f->store, &bytes)) && bytes >= room;
}

static enum store_result go_on(struct follow *f, int64_t room, bool *more)
{
    struct index *index = f->search->index;
    struct index_origin origin = index_origin(index);
    struct index_block block;

    *more = true;
    if (origin.event == 0 || origin.sites != f->sites->number)
        return begin_anew(f);
    enum store_result r = look_for_erased(f);
    bool behind = f->search->seen < f->newest;
    if (r != STORE_OK || f->trouble || f->forgot)
        return r;
    if (next_block(f, &block) && (block.stale || has_room(f, room)))
        return make_block(f, block); /* however far behind: it holds nothing that is erased now */
    return behind ? STORE_OK : index_shrink(index, more);
}

enum store_result follow(struct search *search, struct store *store, const struct follow_sites *sites, int64_t room,
                         bool *more, enum store_result *store_trouble, char *reason, size_t reason_bytes)
{
    struct follow f = {.search = search, .store = store, .sites = sites};
    struct store_event event;
    enum store_result r = STORE_OK;

    *more = false;
    if (read_ok(&f, store->ops->event_last(store, &event))) {
        f.newest = search->newest = event.no;
        r = search->known ? STORE_OK : open_index(&f);
        if (r == STORE_OK && !f.trouble)
            r = index_failed(&f, go_on(&f, room, more));
    }
    *store_trouble = f.trouble;
    snprintf(reason, reason_bytes, "%s", f.reason);
    *more = *more && r == STORE_OK && !f.trouble;
    if (r == STORE_FAILED)
        search_drop_index(search);
    return f.trouble ? STORE_OK : r;
}
