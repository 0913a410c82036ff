#include "search.h"

#include <stdio.h>
#include <stdlib.h>

struct search *search_new(const char *path)
{
    struct search *search = calloc(1, sizeof(*search));

    if (search)
        snprintf(search->path, sizeof(search->path), "%s", path);
    return search;
}

void search_drop_index(struct search *search)
{
    index_close(search->index);
    search->index = NULL;
    search->known = false;
}

void search_free(struct search *search)
{
    if (!search)
        return;
    index_close(search->index);
    fold_free(&search->fold);
    free(search->keys);
    free(search->sorted);
    free(search);
}
