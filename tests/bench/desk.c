/* The desk under a large backlog: filling it, and the latency of claims. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <zmq.h>

#include "bench.h"
#include "proto/mp.h"
#include "proto/out.h"

static void *dealer(void *context, const char *endpoint)
{
    void *socket = zmq_socket(context, ZMQ_DEALER);
    int linger = 0;
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger));
    return zmq_connect(socket, endpoint) == 0 ? socket : NULL;
}

static void put_comment(struct out *out, int64_t n, int prose)
{
    char body[BENCH_PROSE_BYTES];
    char id[32];
    size_t len = BENCH_BODY_BYTES;

    if (prose)
        len = bench_prose(n, body);
    else
        bench_body(n, body);
    bench_id(n, 0, id);
    out_map(out);
    out_key_cstr(out, "site", "bench");
    out_key_cstr(out, "comment", id);
    out_key_str(out, "body", (struct slice){body, len});
    out_end(out);
}

/* bench fill ENDPOINT FROM TO [1]: submits comments (with 1: of words) until there are so many, 256 in a request, four
 * requests at once. */
int bench_fill(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    int64_t next = atoll(argv[2]);
    int64_t to = atoll(argv[3]);
    int prose = argc > 4 && atoi(argv[4]);
    int under_way = 0;
    void *context = zmq_ctx_new();
    void *socket = dealer(context, argv[1]);

    while (next < to || under_way > 0) {
        while (next < to && under_way < 4) {
            struct out out = {0};
            out_map(&out);
            out_key_int(&out, "v", 1);
            out_key_cstr(&out, "op", "submit");
            out_key(&out, "comments");
            out_array(&out);
            for (int i = 0; i < 256 && next < to; i++)
                put_comment(&out, next++, prose);
            out_end(&out);
            out_end(&out);
            zmq_send(socket, out.data, out.len, 0);
            out_free(&out);
            under_way++;
        }
        zmq_msg_t reply;
        zmq_msg_init(&reply);
        if (zmq_msg_recv(&reply, socket, 0) < 0 || !memmem(zmq_msg_data(&reply), zmq_msg_size(&reply), "accepted", 8))
            return 1;
        zmq_msg_close(&reply);
        under_way--;
    }
    zmq_close(socket);
    zmq_ctx_term(context);
    return 0;
}

/* One request of the desk; true when it was answered with ok and (if given) holds `word`. */
static int ask(void *socket, const char *op, const char *word)
{
    unsigned char operation[16];
    struct out out = {0};
    zmq_msg_t reply;

    if (getrandom(operation, sizeof(operation), 0) != (ssize_t)sizeof(operation))
        return 0;
    out_map(&out);
    out_key_int(&out, "v", 1);
    out_key_cstr(&out, "op", op);
    out_key_cstr(&out, "as", "bench");
    out_key_bin(&out, "operation", (struct slice){(const char *)operation, sizeof(operation)});
    out_end(&out);
    zmq_send(socket, out.data, out.len, 0);
    out_free(&out);
    zmq_msg_init(&reply);
    int good = zmq_msg_recv(&reply, socket, 0) >= 0 &&
               (!word || memmem(zmq_msg_data(&reply), zmq_msg_size(&reply), word, strlen(word)) != NULL);
    zmq_msg_close(&reply);
    return good;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* bench claim ENDPOINT TIMES: p50 and p99 in microseconds of claiming the next comment; everything is released after.
 */
int bench_claim(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    int times = atoi(argv[2]);
    double *latency = calloc((size_t)times, sizeof(double));
    void *context = zmq_ctx_new();
    void *socket = dealer(context, argv[1]);

    for (int i = 0; i < times; i++) {
        double start = bench_now();
        if (!ask(socket, "claim", "claimed_by"))
            return 1;
        latency[i] = bench_now() - start;
        if (i % 100 == 99 && !ask(socket, "release", NULL))
            return 1;
    }
    if (!ask(socket, "release", NULL))
        return 1;
    qsort(latency, (size_t)times, sizeof(double), compare);
    printf("%.1f %.1f\n", latency[times / 2] * 1e6, latency[times * 99 / 100] * 1e6);
    free(latency);
    zmq_close(socket);
    zmq_ctx_term(context);
    return 0;
}
