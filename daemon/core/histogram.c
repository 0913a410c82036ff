#include "histogram.h"

#define MS INT64_C(1000000)

const struct histogram_scale histogram_nanoseconds = {
    .n = 16,
    .bounds = {MS / 10, MS / 4, MS / 2, MS, 5 * MS / 2, 5 * MS, 10 * MS, 25 * MS, 50 * MS, 100 * MS, 250 * MS, 500 * MS,
               1000 * MS, 2500 * MS, 5000 * MS, 10000 * MS},
    .unit = 1e-9,
};

const struct histogram_scale histogram_requests = {
    .n = 11,
    .bounds = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024},
    .unit = 1,
};

void histogram_add(struct histogram *histogram, const struct histogram_scale *scale, int64_t value)
{
    size_t i = 0;

    while (i < scale->n && value > scale->bounds[i])
        i++;
    atomic_fetch_add_explicit(&histogram->counts[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum, value, memory_order_relaxed);
}
