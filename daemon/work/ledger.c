#include "ledger.h"

#include <stdlib.h>

struct entry {
    struct store_site row;
    int64_t published; /* newest that on_growth was told */
    bool dirty;
};

struct ledger {
    struct store *store;
    int64_t now;
    int64_t last_no, last_at;
    unsigned char last_hash[SHA256_BYTES];
    struct entry **by_no;   /* entry i has no i + 1 */
    struct entry **by_name; /* the same, sorted */
    size_t sites, cap;
    size_t *dirty; /* indexes into by_no */
    size_t dirty_count;
    struct out scratch;
};

static int compare(const void *a, const void *b)
{
    const struct entry *const *x = a;
    const struct entry *const *y = b;
    return strcmp((*x)->row.name, (*y)->row.name);
}

static bool grow(struct ledger *ledger)
{
    if (ledger->sites < ledger->cap)
        return true;
    size_t cap = ledger->cap ? ledger->cap * 2 : 16;
    struct entry **by_no = realloc(ledger->by_no, cap * sizeof(struct entry *));
    if (by_no)
        ledger->by_no = by_no;
    struct entry **by_name = realloc(ledger->by_name, cap * sizeof(struct entry *));
    if (by_name)
        ledger->by_name = by_name;
    size_t *dirty = realloc(ledger->dirty, cap * sizeof(size_t));
    if (dirty)
        ledger->dirty = dirty;
    if (!by_no || !by_name || !dirty)
        return false;
    ledger->cap = cap;
    return true;
}

static struct entry *add(struct ledger *ledger, const struct store_site *row)
{
    struct entry *entry = grow(ledger) ? calloc(1, sizeof(*entry)) : NULL;
    if (!entry)
        return NULL;
    entry->row = *row;
    entry->published = row->newest;
    ledger->by_no[ledger->sites] = entry;
    ledger->by_name[ledger->sites] = entry;
    ledger->sites++;
    return entry;
}

/* How many names stand before `name`; *found says whether it is the next one. */
static size_t rank(const struct ledger *ledger, size_t names, struct slice name, bool *found)
{
    size_t low = 0;
    size_t high = names;

    *found = false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const char *other = ledger->by_name[middle]->row.name;
        size_t len = strlen(other);
        int order = memcmp(name.data, other, name.len < len ? name.len : len);
        if (order == 0)
            order = (name.len > len) - (name.len < len);
        *found |= order == 0;
        if (order <= 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Moves the name that was added last to its place. */
static void insert_name(struct ledger *ledger)
{
    size_t last = ledger->sites - 1;
    struct entry *entry = ledger->by_name[last];
    bool found;
    size_t at = rank(ledger, last, slice_of(entry->row.name), &found);

    memmove(&ledger->by_name[at + 1], &ledger->by_name[at], (last - at) * sizeof(struct entry *));
    ledger->by_name[at] = entry;
}

static bool on_site(void *arg, const struct store_site *row)
{
    return add(arg, row) != NULL;
}

static void forget_sites(struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->sites; i++)
        free(ledger->by_no[i]);
    ledger->sites = 0;
    ledger->dirty_count = 0;
}

static enum store_result load(struct ledger *ledger)
{
    struct store_event last;

    forget_sites(ledger);
    ledger->last_no = 0;
    ledger->last_at = 0;
    memset(ledger->last_hash, 0, SHA256_BYTES);
    enum store_result r = ledger->store->ops->site_scan(ledger->store, on_site, ledger);
    if (ledger->sites > 0)
        qsort(ledger->by_name, ledger->sites, sizeof(struct entry *), compare);
    if (r != STORE_OK)
        return r;
    r = ledger->store->ops->event_last(ledger->store, &last);
    if (r == STORE_OK) {
        ledger->last_no = last.no;
        ledger->last_at = last.at;
        ledger_hash_of(&last, ledger->last_hash);
    }
    return r == STORE_NONE ? STORE_OK : r;
}

struct ledger *ledger_new(struct store *store, enum store_result *result)
{
    struct ledger *ledger = calloc(1, sizeof(*ledger));
    *result = STORE_FAILED;
    if (!ledger)
        return NULL;
    ledger->store = store;
    *result = load(ledger);
    store->ops->rollback(store);
    if (*result == STORE_OK)
        return ledger;
    ledger_free(ledger);
    return NULL;
}

void ledger_free(struct ledger *ledger)
{
    if (!ledger)
        return;
    forget_sites(ledger);
    free(ledger->by_no);
    free(ledger->by_name);
    free(ledger->dirty);
    out_free(&ledger->scratch);
    free(ledger);
}

enum store_result ledger_begin(struct ledger *ledger, int64_t clock_ms)
{
    ledger->now = clock_ms > ledger->last_at ? clock_ms : ledger->last_at;
    return ledger->store->ops->begin(ledger->store);
}

static enum store_result put_sites(struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->dirty_count; i++) {
        enum store_result r = ledger->store->ops->site_put(ledger->store, &ledger->by_no[ledger->dirty[i]]->row);
        if (r != STORE_OK)
            return r;
    }
    return STORE_OK;
}

enum store_result ledger_commit(struct ledger *ledger, ledger_on_growth *on_growth, void *arg)
{
    enum store_result r = put_sites(ledger);
    if (r == STORE_OK)
        r = ledger->store->ops->commit(ledger->store);
    if (r != STORE_OK)
        return r;
    for (size_t i = 0; i < ledger->dirty_count; i++) {
        struct entry *entry = ledger->by_no[ledger->dirty[i]];
        entry->dirty = false;
        if (entry->row.newest == entry->published)
            continue;
        entry->published = entry->row.newest;
        on_growth(arg, &entry->row);
    }
    ledger->dirty_count = 0;
    return STORE_OK;
}

enum store_result ledger_rollback(struct ledger *ledger)
{
    ledger->store->ops->rollback(ledger->store);
    enum store_result r = load(ledger);
    ledger->store->ops->rollback(ledger->store);
    return r;
}

int64_t ledger_now(const struct ledger *ledger)
{
    return ledger->now;
}

struct store_site *ledger_site(struct ledger *ledger, struct slice name)
{
    bool found;
    size_t at = rank(ledger, ledger->sites, name, &found);

    return found ? &ledger->by_name[at]->row : NULL;
}

struct store_site *ledger_site_at(struct ledger *ledger, int64_t no)
{
    return no >= 1 && (size_t)no <= ledger->sites ? &ledger->by_no[no - 1]->row : NULL;
}

struct store_site *ledger_site_add(struct ledger *ledger, struct slice name)
{
    struct store_site row = {.no = (int64_t)ledger->sites + 1};

    memcpy(row.name, name.data, name.len);
    struct entry *entry = add(ledger, &row);
    if (!entry)
        return NULL;
    insert_name(ledger);
    ledger_touch(ledger, &entry->row);
    return &entry->row;
}

size_t ledger_sites(const struct ledger *ledger)
{
    return ledger->sites;
}

void ledger_touch(struct ledger *ledger, const struct store_site *site)
{
    struct entry *entry = ledger->by_no[site->no - 1];
    if (entry->dirty)
        return;
    entry->dirty = true;
    ledger->dirty[ledger->dirty_count++] = (size_t)site->no - 1;
}

int64_t ledger_next(const struct ledger *ledger)
{
    return ledger->last_no + 1;
}

enum store_result ledger_head(struct ledger *ledger, int64_t *no, const unsigned char **hash)
{
    *no = ledger->last_no;
    *hash = ledger->last_hash;
    return ledger->last_no > 0 ? STORE_OK : STORE_NONE;
}

void ledger_hash_of(const struct store_event *event, unsigned char hash[SHA256_BYTES])
{
    memset(hash, 0, SHA256_BYTES);
    if (event->hash.len > 0)
        memcpy(hash, event->hash.data, event->hash.len < SHA256_BYTES ? event->hash.len : SHA256_BYTES);
}

void ledger_chain(unsigned char hash[SHA256_BYTES], const unsigned char before[SHA256_BYTES],
                  const struct store_event *event, struct slice site_name, struct out *scratch)
{
    out_reset(scratch);
    out_array(scratch);
    out_int(scratch, event->no);
    out_int(scratch, event->at);
    out_str(scratch, slice_of(kind_name(event->kind)));
    out_str(scratch, site_name);
    out_str(scratch, event->comment);
    out_int(scratch, event->revision);
    out_int(scratch, event->text);
    out_str(scratch, event->actor);
    out_int(scratch, event->seq);
    out_bin(scratch, event->data);
    if (event->via.data)
        out_str(scratch, event->via);
    out_end(scratch);
    struct slice pieces[] = {{(const char *)before, SHA256_BYTES}, out_slice(scratch)};
    sha256(hash, pieces, 2);
}

/* Chains an event that is whole but for its hash, and stores it. */
static enum store_result add_event(struct ledger *ledger, struct store_event *event, struct slice site_name)
{
    unsigned char hash[SHA256_BYTES];

    ledger_chain(hash, ledger->last_hash, event, site_name, &ledger->scratch);
    if (ledger->scratch.failed)
        return STORE_FAILED;
    event->hash = (struct slice){(const char *)hash, SHA256_BYTES};
    enum store_result r = ledger->store->ops->event_add(ledger->store, event);
    event->hash = SLICE_NONE;
    if (r != STORE_OK)
        return r;
    ledger->last_no = event->no;
    ledger->last_at = event->at;
    memcpy(ledger->last_hash, hash, SHA256_BYTES);
    return STORE_OK;
}

static struct store_event next_event(const struct ledger *ledger, const struct ledger_entry *entry)
{
    return (struct store_event){.no = ledger->last_no + 1,
                                .at = ledger->now,
                                .kind = entry->kind,
                                .comment = SLICE_LIT(""),
                                .revision = entry->revision,
                                .text = entry->text,
                                .actor = entry->actor,
                                .via = entry->via,
                                .data = entry->data.data ? entry->data : SLICE_LIT("\x80")};
}

enum store_result ledger_append(struct ledger *ledger, struct store_site *site, struct store_comment *comment,
                                const struct ledger_entry *entry, int64_t *seq)
{
    bool record = kind_is_record(entry->kind);
    struct store_event event = next_event(ledger, entry);

    event.site = site->no;
    event.comment = slice_of(comment->id);
    event.seq = record ? site->newest + 1 : 0;
    event.previous = comment->last_event;
    enum store_result r = add_event(ledger, &event, slice_of(site->name));
    if (r != STORE_OK)
        return r;
    comment->last_event = event.no;
    if (record) {
        comment->record = event.no;
        site->newest = event.seq;
    }
    if (entry->kind <= KIND_ERASED) {
        site->counts[entry->kind]++;
        ledger_touch(ledger, site);
    }
    if (seq)
        *seq = event.seq;
    return STORE_OK;
}

enum store_result ledger_append_author(struct ledger *ledger, const struct store_site *site,
                                       struct store_author *author, const struct ledger_entry *entry)
{
    struct store_event event = next_event(ledger, entry);

    event.site = site->no;
    event.previous = author->last_event;
    enum store_result r = add_event(ledger, &event, slice_of(site->name));
    if (r == STORE_OK)
        author->last_event = event.no;
    return r;
}

enum store_result ledger_append_bare(struct ledger *ledger, const struct ledger_entry *entry)
{
    struct store_event event = next_event(ledger, entry);

    return add_event(ledger, &event, SLICE_LIT(""));
}
