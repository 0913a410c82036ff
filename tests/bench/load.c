/* Load over ZeroMQ: an echo server, and clients that submit to it or to the daemon with the same frames. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "bench.h"
#include "proto/mp.h"
#include "proto/out.h"

enum { CLIENTS_MAX = 64, ECHO_BYTES = 160, WARM_UP_MS = 300 };

/* bench echo ENDPOINT: answers every request with as many bytes as the daemon does, until it is killed. */
int bench_echo(int argc, char **argv)
{
    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_ROUTER);
    int high_water = 2000;
    char reply[ECHO_BYTES] = {0};

    if (argc < 2 || zmq_setsockopt(socket, ZMQ_SNDHWM, &high_water, sizeof(high_water)) != 0 ||
        zmq_bind(socket, argv[1]) != 0)
        return 1;
    for (;;) {
        zmq_msg_t id;
        zmq_msg_t body;
        zmq_msg_init(&id);
        zmq_msg_init(&body);
        if (zmq_msg_recv(&id, socket, 0) < 0 || zmq_msg_recv(&body, socket, 0) < 0)
            return 1;
        zmq_msg_close(&body);
        zmq_msg_send(&id, socket, ZMQ_SNDMORE);
        zmq_send(socket, reply, sizeof(reply), 0);
    }
}

enum { POOL = 2048 };

static struct {
    char text[BENCH_PROSE_BYTES];
    size_t len;
} pool[POOL];

struct client {
    void *socket;
    double sent_at[1024]; /* by place in the window: replies come in order */
    int64_t sent, answered;
};

struct load {
    struct client clients[CLIENTS_MAX];
    int count, window, check;
    int prose; /* bodies are of words: one of POOL, because making them takes longer than sending them */
    int64_t next, answered, start_number;
    double *latency;
    size_t latencies, cap;
    int failed;
};

static void send_one(struct load *load, struct client *client)
{
    struct out out = {0};
    char body[BENCH_BODY_BYTES];
    char id[32];
    int64_t n = load->start_number + load->next++;
    struct slice text = {body, sizeof(body)};

    if (load->prose)
        text = (struct slice){pool[n % POOL].text, pool[n % POOL].len};
    else
        bench_body(n, body);
    bench_id(n, 0, id);
    out_map(&out);
    out_key_int(&out, "v", 1);
    out_key_cstr(&out, "op", "submit");
    out_key_int(&out, "id", n);
    out_key(&out, "comments");
    out_array(&out);
    out_map(&out);
    out_key_cstr(&out, "site", "bench");
    out_key_cstr(&out, "comment", id);
    out_key_str(&out, "body", text);
    out_end(&out);
    out_end(&out);
    out_end(&out);
    client->sent_at[client->sent++ % 1024] = bench_now();
    zmq_send(client->socket, out.data, out.len, 0);
    out_free(&out);
}

/* The daemon's answer must say "accepted": a figure for refusals would be worth nothing. */
static int accepted(const void *data, size_t len)
{
    return memmem(data, len, "accepted", 8) != NULL;
}

static void keep(struct load *load, double seconds)
{
    if (load->latencies == load->cap) {
        load->cap = load->cap ? load->cap * 2 : 65536;
        load->latency = realloc(load->latency, load->cap * sizeof(double));
    }
    load->latency[load->latencies++] = seconds;
}

static void receive(struct load *load, struct client *client, int measuring)
{
    zmq_msg_t reply;

    for (zmq_msg_init(&reply); zmq_msg_recv(&reply, client->socket, ZMQ_DONTWAIT) >= 0; zmq_msg_init(&reply)) {
        load->failed += load->check && !accepted(zmq_msg_data(&reply), zmq_msg_size(&reply));
        zmq_msg_close(&reply);
        double sent_at = client->sent_at[client->answered++ % 1024];
        if (measuring) {
            load->answered++;
            keep(load, bench_now() - sent_at);
        }
        send_one(load, client);
    }
    zmq_msg_close(&reply);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static int turn(struct load *load, int measuring)
{
    zmq_pollitem_t items[CLIENTS_MAX];

    for (int i = 0; i < load->count; i++)
        items[i] = (zmq_pollitem_t){.socket = load->clients[i].socket, .events = ZMQ_POLLIN};
    if (zmq_poll(items, load->count, 10000) <= 0)
        return 0;
    for (int i = 0; i < load->count; i++)
        if (items[i].revents)
            receive(load, &load->clients[i], measuring);
    return 1;
}

static void report(struct load *load, double seconds)
{
    qsort(load->latency, load->latencies, sizeof(double), compare);
    size_t n = load->latencies;
    printf("%.1f %.1f %.1f %d\n", (double)load->answered / seconds, n ? load->latency[n / 2] * 1e6 : 0,
           n ? load->latency[n * 99 / 100] * 1e6 : 0, load->failed);
}

/* bench load ENDPOINT CLIENTS WINDOW SECONDS START CHECK [1]: prints answers/s, p50 and p99 in microseconds, failures.
 * With 1 at the end the comments are of words. */
int bench_load(int argc, char **argv)
{
    static struct load load;
    void *context = zmq_ctx_new();

    if (argc < 7)
        return 2;
    load.count = atoi(argv[2]);
    load.window = atoi(argv[3]);
    double seconds = atof(argv[4]);
    load.start_number = atoll(argv[5]);
    load.check = atoi(argv[6]);
    load.prose = argc > 7 && atoi(argv[7]);
    for (int64_t i = 0; load.prose && i < POOL; i++)
        pool[i].len = bench_prose(i, pool[i].text);
    for (int i = 0; i < load.count; i++) {
        int linger = 0;
        load.clients[i].socket = zmq_socket(context, ZMQ_DEALER);
        zmq_setsockopt(load.clients[i].socket, ZMQ_LINGER, &linger, sizeof(linger));
        if (zmq_connect(load.clients[i].socket, argv[1]) != 0)
            return 1;
    }
    for (int w = 0; w < load.window; w++)
        for (int i = 0; i < load.count; i++)
            send_one(&load, &load.clients[i]);
    double start = bench_now();
    while (bench_now() - start < WARM_UP_MS / 1000.0)
        if (!turn(&load, 0))
            return 1;
    start = bench_now();
    while (bench_now() - start < seconds)
        if (!turn(&load, 1))
            return 1;
    report(&load, bench_now() - start);
    for (int i = 0; i < load.count; i++)
        zmq_close(load.clients[i].socket);
    zmq_ctx_term(context);
    free(load.latency);
    return load.failed != 0;
}
