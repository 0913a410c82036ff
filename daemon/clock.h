/* The clocks. Everything below the loop gets the time passed in; only threads ask here. */
#ifndef MODQD_CLOCK_H
#define MODQD_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_read_ms(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Milliseconds UTC. */
static inline int64_t clock_wall_ms(void)
{
    return clock_read_ms(CLOCK_REALTIME);
}

/* For how long something takes. */
static inline int64_t clock_monotonic_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Milliseconds since the machine started, suspended or not: claims are measured by it. */
static inline int64_t clock_boot_ms(void)
{
    return clock_read_ms(CLOCK_BOOTTIME);
}

#endif
