#include "bench.h"

#include <stdio.h>
#include <string.h>

void bench_body(int64_t n, char body[BENCH_BODY_BYTES])
{
    static const char words[] = "the quick brown fox wrote a comment under an article about a new tram line and ";

    for (int i = 0; i < BENCH_BODY_BYTES; i++)
        body[i] = words[(i + n * 7) % (int64_t)(sizeof(words) - 1)];
    char number[24];
    int len = snprintf(number, sizeof(number), "%lld:", (long long)n);
    memcpy(body, number, (size_t)len);
}

void bench_id(int64_t n, int random_ids, char id[32])
{
    uint64_t x = (uint64_t)n * 0x9e3779b97f4a7c15u;
    if (random_ids)
        snprintf(id, 32, "%016llx", (unsigned long long)(x ^ (x >> 29)));
    else
        snprintf(id, 32, "%010lld", (long long)n);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } parts[] = {{"store", bench_store}, {"reference", bench_reference}, {"echo", bench_echo},
                 {"load", bench_load},   {"claim", bench_claim},         {"fill", bench_fill}};

    for (size_t i = 0; argc > 1 && i < sizeof(parts) / sizeof(parts[0]); i++)
        if (strcmp(argv[1], parts[i].name) == 0)
            return parts[i].run(argc - 1, argv + 1);
    fputs("usage: bench store|reference|echo|load|claim|fill ...; tests/bench/run calls it\n", stderr);
    return 2;
}
