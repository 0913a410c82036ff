#include "site_names.h"

#include <stdlib.h>

bool site_names_add(void *arg, const struct store_site *site)
{
    struct site_names *names = arg;

    if (names->n == names->cap) {
        size_t cap = names->cap ? names->cap * 2 : 16;
        struct store_site *sites = realloc(names->sites, cap * sizeof(*sites));
        if (!sites)
            return false;
        names->sites = sites;
        names->cap = cap;
    }
    names->sites[names->n++] = *site;
    return true;
}

struct slice site_names_at(const struct site_names *names, int64_t no)
{
    return no >= 1 && (size_t)no <= names->n ? slice_of(names->sites[no - 1].name) : SLICE_NONE;
}

const struct store_site *site_names_find(const struct site_names *names, int64_t no)
{
    size_t low = 0;
    size_t high = names->n;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (names->sites[middle].no == no)
            return &names->sites[middle];
        if (names->sites[middle].no < no)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
