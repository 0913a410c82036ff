#include "skips.h"

#include <stdlib.h>

static bool take(void *arg, int64_t text, int64_t until)
{
    struct skips *skips = arg;

    if (until > skips->now)
        skips->texts[skips->n++] = text;
    return true;
}

bool skips_load(struct work *work, const char *moderator, struct skips *skips)
{
    skips->texts = calloc(SKIPS_MAX, sizeof(*skips->texts));
    skips->n = 0;
    skips->now = work->ledger ? ledger_now(work->ledger) : work->clock_ms;
    if (!skips->texts)
        return false;
    work_ok(work, work->store->ops->skip_scan(work->store, slice_of(moderator), 0, SKIPS_MAX, take, skips));
    return true;
}

bool skips_have(const struct skips *skips, int64_t text)
{
    size_t low = 0, high = skips->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (skips->texts[middle] == text)
            return true;
        if (skips->texts[middle] < text)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

void skips_free(struct skips *skips)
{
    free(skips->texts);
    *skips = (struct skips){0};
}
