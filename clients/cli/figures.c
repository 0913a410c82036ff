#include "figures.h"

#include <stdlib.h>

enum { HOUR_MS = 3600000, SLOTS_FIRST = 64 };

/* ---- names: each is kept once, and known by its number from 1 on */

struct pool {
    struct slice *names;
    size_t count, cap;
    uint32_t *slots; /* numbers, 0 for none; their number is a power of two */
    size_t slot_count;
};

static uint64_t hash_of(struct slice name)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.data[i]) * UINT64_C(1099511628211);
    return hash;
}

static uint32_t *slot_of(const struct pool *pool, struct slice name)
{
    size_t at = hash_of(name) & (pool->slot_count - 1);

    while (pool->slots[at] && !slice_equal(pool->names[pool->slots[at] - 1], name))
        at = (at + 1) & (pool->slot_count - 1);
    return &pool->slots[at];
}

static bool more_slots(struct pool *pool)
{
    struct pool larger = *pool;

    if (pool->count * 2 < pool->slot_count)
        return true;
    larger.slot_count = pool->slot_count ? pool->slot_count * 2 : SLOTS_FIRST;
    larger.slots = calloc(larger.slot_count, sizeof(*larger.slots));
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < pool->count; i++)
        *slot_of(&larger, pool->names[i]) = (uint32_t)i + 1;
    free(pool->slots);
    *pool = larger;
    return true;
}

static bool more_names(struct pool *pool)
{
    size_t cap = pool->cap ? pool->cap * 2 : SLOTS_FIRST;

    if (pool->count < pool->cap)
        return true;
    struct slice *names = realloc(pool->names, cap * sizeof(*names));
    if (!names)
        return false;
    pool->names = names;
    pool->cap = cap;
    return true;
}

/* NULL: out of memory. */
static char *copy_of(struct slice name)
{
    char *copy = malloc(name.len + 1);

    if (copy && name.len)
        memcpy(copy, name.data, name.len);
    if (copy)
        copy[name.len] = '\0';
    return copy;
}

static bool add_name(struct pool *pool, struct slice name)
{
    struct slice *to = &pool->names[pool->count];

    to->data = copy_of(name);
    to->len = name.len;
    pool->count += to->data != NULL;
    return to->data;
}

/* 0: out of memory. */
static uint32_t intern(struct pool *pool, struct slice name)
{
    if (!more_slots(pool) || !more_names(pool))
        return 0;
    uint32_t *slot = slot_of(pool, name);
    if (*slot == 0 && add_name(pool, name))
        *slot = (uint32_t)pool->count;
    return *slot;
}

static void pool_free(struct pool *pool)
{
    for (size_t i = 0; i < pool->count; i++)
        free((char *)pool->names[i].data);
    free(pool->names);
    free(pool->slots);
}

/* ---- facts */

struct reasons {
    uint32_t code[FACT_REASONS_MAX];
    uint8_t count;
};

struct kept {
    int64_t no, at, waited_ms, handled_ms, first_no;
    uint32_t site, actor, article, first_by; /* names */
    struct reasons reasons, first_reasons;
    uint8_t kind, cause, first, second;
    int8_t pending;
    bool overturned;
};

struct figures {
    int64_t since, until;
    int64_t pending;
    struct pool names;
    struct kept *facts;
    size_t count, cap;
};

struct figures *figures_new(int64_t since, int64_t until)
{
    struct figures *figures = calloc(1, sizeof(*figures));

    if (!figures)
        return NULL;
    figures->since = since;
    figures->until = until;
    return figures;
}

void figures_free(struct figures *figures)
{
    if (!figures)
        return;
    pool_free(&figures->names);
    free(figures->facts);
    free(figures);
}

void figures_set_pending(struct figures *figures, int64_t pending)
{
    figures->pending = pending;
}

static bool within(const struct figures *figures, const struct kept *fact)
{
    return fact->at >= figures->since && fact->at < figures->until;
}

static bool is_decision(const struct kept *fact)
{
    return (fact->kind == FACT_APPROVED || fact->kind == FACT_REJECTED) &&
           (fact->cause == FACT_BY_MODERATOR || fact->cause == FACT_BY_RULE);
}

static struct kept *find(const struct figures *figures, int64_t no)
{
    size_t low = 0;
    size_t high = figures->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (figures->facts[middle].no < no)
            low = middle + 1;
        else
            high = middle;
    }
    return low < figures->count && figures->facts[low].no == no ? &figures->facts[low] : NULL;
}

/* Marks the decision that a fact overturned. */
static void overturn(struct figures *figures, const struct kept *fact)
{
    bool by_decision = is_decision(fact) || fact->cause == FACT_BY_UNDO;
    bool by_second_look = fact->kind == FACT_REOPENED && fact->cause == FACT_BY_SECOND_LOOK;
    struct kept *first = fact->first_no && fact->kind != FACT_SECOND_LOOK ? find(figures, fact->first_no) : NULL;

    if (!first || !is_decision(first) || !within(figures, fact) || !within(figures, first))
        return;
    first->overturned |= by_second_look || (by_decision && first->actor != fact->actor);
}

static bool copy_reasons(struct figures *figures, const struct fact_reasons *from, struct reasons *to)
{
    for (size_t i = 0; i < from->count && i < FACT_REASONS_MAX; i++) {
        to->code[i] = intern(&figures->names, from->code[i]);
        if (!to->code[i])
            return false;
        to->count++;
    }
    return true;
}

static bool copy_name(struct figures *figures, struct slice from, uint32_t *to)
{
    *to = from.data ? intern(&figures->names, from) : 0;
    return !from.data || *to;
}

/* Two sites may have an article of one id. */
static bool copy_article(struct figures *figures, const struct fact *fact, uint32_t *to)
{
    size_t len = fact->site.len + 1 + fact->article.len;
    char *both = fact->article.data ? malloc(len + 1) : NULL;

    if (!both)
        return !fact->article.data;
    if (fact->site.len)
        memcpy(both, fact->site.data, fact->site.len);
    both[fact->site.len] = '/';
    if (fact->article.len)
        memcpy(both + fact->site.len + 1, fact->article.data, fact->article.len);
    *to = intern(&figures->names, (struct slice){both, len});
    free(both);
    return *to;
}

static bool make_room(struct figures *figures)
{
    size_t cap = figures->cap ? figures->cap * 2 : 1024;

    if (figures->count < figures->cap)
        return true;
    struct kept *facts = realloc(figures->facts, cap * sizeof(*facts));
    if (!facts)
        return false;
    figures->facts = facts;
    figures->cap = cap;
    return true;
}

bool figures_add(struct figures *figures, const struct fact *fact)
{
    struct kept kept = {.no = fact->no,
                        .at = fact->at,
                        .waited_ms = fact->waited_ms,
                        .handled_ms = fact->handled_ms,
                        .first_no = fact->first_no,
                        .kind = (uint8_t)fact->kind,
                        .cause = (uint8_t)fact->cause,
                        .first = (uint8_t)fact->first,
                        .second = (uint8_t)fact->second,
                        .pending = (int8_t)fact->pending};

    if (!make_room(figures) || !copy_name(figures, fact->site, &kept.site) ||
        !copy_name(figures, fact->actor, &kept.actor) || !copy_article(figures, fact, &kept.article) ||
        !copy_name(figures, fact->first_by, &kept.first_by) || !copy_reasons(figures, &fact->reasons, &kept.reasons) ||
        !copy_reasons(figures, &fact->first_reasons, &kept.first_reasons))
        return false;
    figures->facts[figures->count++] = kept;
    overturn(figures, &kept);
    return true;
}

static struct slice name_of(const struct figures *figures, uint32_t number)
{
    return number ? figures->names.names[number - 1] : SLICE_NONE;
}

static void tell_reasons(const struct figures *figures, const struct reasons *from, struct fact_reasons *to)
{
    to->count = from->count;
    for (size_t i = 0; i < from->count; i++)
        to->code[i] = name_of(figures, from->code[i]);
}

void figures_second_looks(const struct figures *figures, figures_on_second_look *on_look, void *arg)
{
    for (size_t i = 0; i < figures->count; i++) {
        const struct kept *kept = &figures->facts[i];
        if (kept->kind != FACT_SECOND_LOOK || !within(figures, kept))
            continue;
        struct fact fact = {.no = kept->no,
                            .at = kept->at,
                            .kind = FACT_SECOND_LOOK,
                            .site = name_of(figures, kept->site),
                            .actor = name_of(figures, kept->actor),
                            .first_no = kept->first_no,
                            .first = (enum fact_kind)kept->first,
                            .first_by = name_of(figures, kept->first_by),
                            .second = (enum fact_kind)kept->second};
        tell_reasons(figures, &kept->reasons, &fact.reasons);
        tell_reasons(figures, &kept->first_reasons, &fact.first_reasons);
        on_look(arg, &fact);
    }
}

/* ---- spreads */

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

struct spread spread_of(int64_t *values, size_t count)
{
    if (count == 0)
        return (struct spread){.median_ms = -1, .p90_ms = -1};
    qsort(values, count, sizeof(*values), by_size);
    int64_t low = values[(count - 1) / 2];
    int64_t high = values[count / 2];
    return (struct spread){
        .count = (int64_t)count, .median_ms = low + (high - low) / 2, .p90_ms = values[(count * 9 + 9) / 10 - 1]};
}

/* ---- rows */

struct values {
    int64_t *list;
    size_t count, cap;
};

/* A row that is being counted. */
struct count {
    struct figures_row row;
    struct values waited, handled;
    int64_t hour; /* the last one in which something was decided, counted from 1970 */
};

struct counts {
    const struct figures *figures;
    struct count *list;
    size_t count, cap;
    uint32_t *of_name; /* by number of a name: place in the list from 1 on, 0 for none */
    bool failed;
};

static void put_value(struct counts *counts, struct values *values, int64_t value)
{
    if (value < 0)
        return;
    if (values->count == values->cap) {
        size_t cap = values->cap ? values->cap * 2 : 16;
        int64_t *list = realloc(values->list, cap * sizeof(*list));
        if (!list) {
            counts->failed = true;
            return;
        }
        values->list = list;
        values->cap = cap;
    }
    values->list[values->count++] = value;
}

static void count_decision(struct counts *counts, struct count *count, const struct kept *fact)
{
    int64_t hour = fact->at / HOUR_MS;

    count->row.approved += fact->kind == FACT_APPROVED;
    count->row.rejected += fact->kind == FACT_REJECTED;
    count->row.overturned += fact->overturned;
    count->row.hours += count->row.hours == 0 || hour != count->hour;
    count->hour = hour;
    put_value(counts, &count->waited, fact->waited_ms);
    put_value(counts, &count->handled, fact->handled_ms);
}

static void count_fact(struct counts *counts, struct count *count, const struct kept *fact)
{
    struct figures_row *row = &count->row;

    if (is_decision(fact))
        count_decision(counts, count, fact);
    row->undone += fact->cause == FACT_BY_UNDO;
    row->arrivals += fact->kind == FACT_SUBMITTED;
    row->reopened += fact->kind == FACT_REOPENED;
    row->withdrawn += fact->kind == FACT_WITHDRAWN;
    row->erased += fact->kind == FACT_ERASED;
    row->escalated += fact->kind == FACT_ESCALATED;
    row->reported += fact->kind == FACT_REPORTED;
    row->skipped += fact->kind == FACT_SKIPPED;
    row->second_looks += fact->kind == FACT_SECOND_LOOK;
}

static struct count *add_count(struct counts *counts)
{
    if (counts->count == counts->cap) {
        size_t cap = counts->cap ? counts->cap * 2 : 32;
        struct count *list = realloc(counts->list, cap * sizeof(*list));
        if (!list) {
            counts->failed = true;
            return NULL;
        }
        counts->list = list;
        counts->cap = cap;
    }
    struct count *count = &counts->list[counts->count++];
    *count = (struct count){.row = {.from = counts->figures->since, .to = counts->figures->until, .pending = -1}};
    return count;
}

static void count_name(struct counts *counts, uint32_t name, const struct kept *fact)
{
    if (!name)
        return;
    if (!counts->of_name[name]) {
        struct count *added = add_count(counts);
        if (!added)
            return;
        added->row.name = name_of(counts->figures, name);
        counts->of_name[name] = (uint32_t)counts->count;
    }
    count_fact(counts, &counts->list[counts->of_name[name] - 1], fact);
}

/* The daemon acts under these names, and no moderator does. */
static bool is_moderator(struct slice actor)
{
    return !slice_is(actor, "front") && !slice_is(actor, "push") && !slice_is(actor, "modqd");
}

static void count_by(struct counts *counts, enum figures_by by, const struct kept *fact)
{
    if (by == FIGURES_ALL)
        count_fact(counts, &counts->list[0], fact);
    else if (by == FIGURES_SITE)
        count_name(counts, fact->site, fact);
    else if (by == FIGURES_ARTICLE)
        count_name(counts, fact->article, fact);
    else if (by == FIGURES_MODERATOR && is_moderator(name_of(counts->figures, fact->actor)))
        count_name(counts, fact->actor, fact);
    for (size_t i = 0; by == FIGURES_REASON && is_decision(fact) && i < fact->reasons.count; i++)
        count_name(counts, fact->reasons.code[i], fact);
}

static int by_business(const void *a, const void *b)
{
    const struct figures_row *x = a;
    const struct figures_row *y = b;
    int64_t more = figures_decisions(y) + y->arrivals - figures_decisions(x) - x->arrivals;

    if (more)
        return more > 0 ? 1 : -1;
    size_t least = x->name.len < y->name.len ? x->name.len : y->name.len;
    int order = least ? memcmp(x->name.data, y->name.data, least) : 0;
    return order ? order : (x->name.len > y->name.len) - (x->name.len < y->name.len);
}

/* The rows of what was counted; frees all else. */
static bool finish(struct counts *counts, struct figures_table *table)
{
    table->rows = counts->failed ? NULL : calloc(counts->count + 1, sizeof(*table->rows));
    table->count = table->rows ? counts->count : 0;
    for (size_t i = 0; i < counts->count; i++) {
        struct count *count = &counts->list[i];
        count->row.waited = spread_of(count->waited.list, count->waited.count);
        count->row.handled = spread_of(count->handled.list, count->handled.count);
        if (table->rows)
            table->rows[i] = count->row;
        free(count->waited.list);
        free(count->handled.list);
    }
    free(counts->list);
    free(counts->of_name);
    return table->rows;
}

/* What was pending at a moment: what is now, less what came to it since. `at` is where to go on: facts from there on
 * are not before the moment. */
static int64_t pending_at(const struct figures *figures, int64_t moment, size_t *at, int64_t pending)
{
    while (*at > 0 && figures->facts[*at - 1].at >= moment)
        pending -= figures->facts[--*at].pending;
    return pending;
}

bool figures_group(const struct figures *figures, enum figures_by by, struct figures_table *table)
{
    struct counts counts = {.figures = figures};
    size_t end = figures->count;

    counts.of_name = calloc(figures->names.count + 1, sizeof(*counts.of_name));
    counts.failed = !counts.of_name;
    if (by == FIGURES_ALL && add_count(&counts))
        counts.list[0].row.pending = pending_at(figures, figures->until, &end, figures->pending);
    for (size_t i = 0; i < figures->count && !counts.failed; i++)
        if (within(figures, &figures->facts[i]))
            count_by(&counts, by, &figures->facts[i]);
    if (!finish(&counts, table))
        return false;
    qsort(table->rows, table->count, sizeof(*table->rows), by_business);
    return true;
}

static void count_spans(struct counts *counts, const int64_t *bounds, size_t count)
{
    const struct figures *figures = counts->figures;
    size_t span = 0;

    for (size_t i = 0; i < figures->count; i++) {
        const struct kept *fact = &figures->facts[i];
        while (span < count && fact->at >= bounds[span + 1])
            span++;
        if (span < count && fact->at >= bounds[0] && within(figures, fact))
            count_fact(counts, &counts->list[span], fact);
    }
}

bool figures_by_time(const struct figures *figures, const int64_t *bounds, size_t count, struct figures_table *table)
{
    struct counts counts = {.figures = figures};
    size_t at = figures->count;
    int64_t pending = figures->pending;

    for (size_t i = 0; i < count && add_count(&counts); i++) {
        counts.list[i].row.from = bounds[i];
        counts.list[i].row.to = bounds[i + 1];
    }
    if (!counts.failed)
        count_spans(&counts, bounds, count);
    for (size_t i = counts.count; i > 0; i--) {
        pending = pending_at(figures, bounds[i], &at, pending);
        counts.list[i - 1].row.pending = pending;
    }
    return finish(&counts, table);
}

void figures_table_free(struct figures_table *table)
{
    free(table->rows);
    *table = (struct figures_table){0};
}

int64_t figures_decisions(const struct figures_row *row)
{
    return row->approved + row->rejected;
}

double figures_pace(const struct figures_row *row)
{
    return row->to > row->from ? (double)figures_decisions(row) * HOUR_MS / (double)(row->to - row->from) : 0;
}

double figures_pace_at_work(const struct figures_row *row)
{
    return row->hours ? (double)figures_decisions(row) / (double)row->hours : 0;
}
