#include "moment.h"

int64_t moment_first(struct work *work, int64_t at)
{
    struct store_event event;
    int64_t low = 1;

    if (!work_ok(work, work->store->ops->event_last(work->store, &event)))
        return low;
    int64_t high = event.no + 1;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (!work_ok(work, work->store->ops->event_get(work->store, middle, &event)))
            return low;
        if (event.at < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
