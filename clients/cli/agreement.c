#include "agreement.h"

#include <stdlib.h>

int64_t pairs_count(const struct pairs *pairs)
{
    return pairs->yes_yes + pairs->yes_no + pairs->no_yes + pairs->no_no;
}

int64_t pairs_agreed(const struct pairs *pairs)
{
    return pairs->yes_yes + pairs->no_no;
}

bool pairs_kappa(const struct pairs *pairs, double *kappa)
{
    double n = (double)pairs_count(pairs);
    double first_yes = (double)(pairs->yes_yes + pairs->yes_no);
    double second_yes = (double)(pairs->yes_yes + pairs->no_yes);
    double by_chance =
        first_yes * second_yes + (n - first_yes) * (n - second_yes); /* pe n^2: whole, so compared exactly */

    if (by_chance == n * n)
        return false;
    *kappa = ((double)pairs_agreed(pairs) * n - by_chance) / (n * n - by_chance);
    return true;
}

static void add_pair(struct pairs *pairs, bool first, bool second)
{
    pairs->yes_yes += first && second;
    pairs->yes_no += first && !second;
    pairs->no_yes += !first && second;
    pairs->no_no += !first && !second;
}

/* ---- gathering */

struct gathering {
    struct agreement *agreement;
    bool failed;
};

static struct agreement_row *row_of(struct agreement_row **rows, size_t *count, struct slice name)
{
    for (size_t i = 0; i < *count; i++)
        if (slice_equal((*rows)[i].name, name))
            return &(*rows)[i];
    struct agreement_row *more = realloc(*rows, (*count + 1) * sizeof(*more));
    if (!more)
        return NULL;
    *rows = more;
    more[*count] = (struct agreement_row){.name = name};
    return &more[(*count)++];
}

static bool is_pair(const struct fact *fact)
{
    return (fact->first == FACT_APPROVED || fact->first == FACT_REJECTED) &&
           (fact->second == FACT_APPROVED || fact->second == FACT_REJECTED);
}

static void take_moderators(void *arg, const struct fact *fact)
{
    struct gathering *gathering = arg;
    struct agreement *agreement = gathering->agreement;
    const struct slice both[] = {fact->first_by, fact->actor};

    if (!is_pair(fact))
        return;
    add_pair(&agreement->all, fact->first == FACT_APPROVED, fact->second == FACT_APPROVED);
    for (size_t i = 0; i < 2; i++) {
        struct agreement_row *row = row_of(&agreement->moderators, &agreement->moderator_count, both[i]);
        gathering->failed |= !row;
        if (row)
            add_pair(&row->pairs, fact->first == FACT_APPROVED, fact->second == FACT_APPROVED);
    }
}

static bool has(const struct fact_reasons *reasons, struct slice code)
{
    for (size_t i = 0; i < reasons->count; i++)
        if (slice_equal(reasons->code[i], code))
            return true;
    return false;
}

static void find_reasons(void *arg, const struct fact *fact)
{
    struct gathering *gathering = arg;
    struct agreement *agreement = gathering->agreement;
    const struct fact_reasons *both[] = {&fact->first_reasons, &fact->reasons};

    for (size_t i = 0; i < 2 && is_pair(fact); i++)
        for (size_t j = 0; j < both[i]->count; j++)
            gathering->failed |= !row_of(&agreement->reasons, &agreement->reason_count, both[i]->code[j]);
}

/* Every pair counts for every reason: that neither gave it is agreement, too. */
static void take_reasons(void *arg, const struct fact *fact)
{
    struct gathering *gathering = arg;
    struct agreement *agreement = gathering->agreement;

    for (size_t i = 0; i < agreement->reason_count && is_pair(fact); i++) {
        struct agreement_row *row = &agreement->reasons[i];
        add_pair(&row->pairs, has(&fact->first_reasons, row->name), has(&fact->reasons, row->name));
    }
}

static int by_name(const void *a, const void *b)
{
    struct slice x = ((const struct agreement_row *)a)->name;
    struct slice y = ((const struct agreement_row *)b)->name;
    size_t least = x.len < y.len ? x.len : y.len;
    int order = least ? memcmp(x.data, y.data, least) : 0;

    return order ? order : (x.len > y.len) - (x.len < y.len);
}

static void sort(struct agreement_row *rows, size_t count)
{
    if (count)
        qsort(rows, count, sizeof(*rows), by_name);
}

bool agreement_of(const struct figures *figures, struct agreement *agreement)
{
    struct gathering gathering = {.agreement = agreement};

    *agreement = (struct agreement){0};
    figures_second_looks(figures, take_moderators, &gathering);
    figures_second_looks(figures, find_reasons, &gathering);
    figures_second_looks(figures, take_reasons, &gathering);
    sort(agreement->moderators, agreement->moderator_count);
    sort(agreement->reasons, agreement->reason_count);
    if (gathering.failed)
        agreement_free(agreement);
    return !gathering.failed;
}

void agreement_free(struct agreement *agreement)
{
    free(agreement->moderators);
    free(agreement->reasons);
    *agreement = (struct agreement){0};
}
