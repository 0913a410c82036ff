/* Counts of how long, or how many: a histogram that threads fill and read without a lock. */
#ifndef MODQD_HISTOGRAM_H
#define MODQD_HISTOGRAM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { HISTOGRAM_BOUNDS = 16 };

/* Upper bounds, rising; what is above all of them has a bucket of its own. */
struct histogram_scale {
    size_t n;
    int64_t bounds[HISTOGRAM_BOUNDS];
    double unit; /* what a bound or a sum is multiplied by to be told */
};

extern const struct histogram_scale histogram_nanoseconds; /* 0.1 ms to 10 s, told in seconds */
extern const struct histogram_scale histogram_requests;    /* 1, 2, 4 to 1024 */

/* All zero is empty. */
struct histogram {
    _Atomic int64_t counts[HISTOGRAM_BOUNDS + 1];
    _Atomic int64_t sum;
};

void histogram_add(struct histogram *histogram, const struct histogram_scale *scale, int64_t value);

#endif
