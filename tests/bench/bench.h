/* Parts of the benchmark program: tests/bench/run starts it, once for each figure, and prints the medians. */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

static inline double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The comments of all benchmarks: 600 bytes of text each, ids that rise as web sites make them. `n` counts from 0. */
enum { BENCH_BODY_BYTES = 600 };
void bench_body(int64_t n, char body[BENCH_BODY_BYTES]);
/* The same for search: BENCH_BODY_BYTES and a little more, of words. Returns how many bytes. */
enum { BENCH_PROSE_BYTES = BENCH_BODY_BYTES + 128 };
size_t bench_prose(int64_t n, char body[BENCH_PROSE_BYTES]);
void bench_id(int64_t n, int random_ids, char id[32]);

int bench_store(int argc, char **argv);
int bench_reference(int argc, char **argv);
int bench_echo(int argc, char **argv);
int bench_load(int argc, char **argv);
int bench_claim(int argc, char **argv);
int bench_fill(int argc, char **argv);

#endif
