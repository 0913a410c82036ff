/* Figures: what is counted once, how it is written down, who may ask for it, and whether the daemon is well.
 * waits: for connections that it gives up after a while */
#include "../../daemon/clock.h"
#include "../../daemon/metrics/address.h"
#include "../../daemon/metrics/exposition.h"
#include "../../daemon/metrics/metrics.h"
#include "../../daemon/net/writer.h"
#include "../../daemon/search/search.h"
#include "../../daemon/store/sqlite_vfs.h"
#include "../lib/rig.h"
#include "../lib/store_fault.h"
#include "../lib/store_memory.h"
#include "unit.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- histograms ---- */

static int64_t total(const struct histogram *histogram)
{
    int64_t n = 0;
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++)
        n += histogram->counts[i];
    return n;
}

TEST(a_value_is_counted_in_the_first_bucket_that_holds_it)
{
    struct histogram h = {0};
    int64_t ms = 1000000;

    histogram_add(&h, &histogram_nanoseconds, 0);
    histogram_add(&h, &histogram_nanoseconds, ms / 10);
    histogram_add(&h, &histogram_nanoseconds, ms / 10 + 1);
    histogram_add(&h, &histogram_nanoseconds, 10000 * ms);
    histogram_add(&h, &histogram_nanoseconds, 10000 * ms + 1);
    assert_int_equal(h.counts[0], 2);
    assert_int_equal(h.counts[1], 1);
    assert_int_equal(h.counts[15], 1);
    assert_int_equal(h.counts[16], 1);
    assert_int_equal(h.sum, ms / 10 * 2 + 1 + 20000 * ms + 1);
}

static void rises(const struct histogram_scale *scale)
{
    assert_true(scale->n > 1 && scale->n <= HISTOGRAM_BOUNDS);
    for (size_t i = 1; i < scale->n; i++)
        assert_true(scale->bounds[i] > scale->bounds[i - 1]);
}

TEST(bounds_rise)
{
    rises(&histogram_nanoseconds);
    rises(&histogram_requests);
}

/* ---- the text ---- */

TEST(labels_are_escaped)
{
    struct exposition out = {0};

    expose_int(&out, "m", LABELS({"site", SLICE_LIT("a\"b\\c\nd")}, {"kind", SLICE_LIT("سایت")}), -7);
    assert_string_equal(out.text, "m{site=\"a\\\"b\\\\c\\nd\",kind=\"سایت\"} -7\n");
    assert_false(out.failed);
    free(out.text);
}

TEST(a_family_has_its_help_and_type_first)
{
    struct exposition out = {0};

    expose_counter(&out, "a_total", "Things.", INT64_MAX);
    expose_gauge(&out, "b_seconds", "Time.", 0.25);
    assert_string_equal(out.text, "# HELP a_total Things.\n# TYPE a_total counter\na_total 9223372036854775807\n"
                                  "# HELP b_seconds Time.\n# TYPE b_seconds gauge\nb_seconds 0.25\n");
    free(out.text);
}

TEST(a_histogram_is_cumulated_and_ends_with_its_count)
{
    struct exposition out = {0};
    struct histogram h = {0};

    for (int64_t n = 1; n <= 3; n++)
        histogram_add(&h, &histogram_requests, n);
    histogram_add(&h, &histogram_requests, 5000);
    expose_histogram(&out, "m", LABELS({"file", SLICE_LIT("wal")}), &h, &histogram_requests);
    assert_non_null(strstr(out.text, "m_bucket{file=\"wal\",le=\"1\"} 1\nm_bucket{file=\"wal\",le=\"2\"} 2\n"
                                     "m_bucket{file=\"wal\",le=\"4\"} 3\n"));
    assert_non_null(strstr(out.text, "m_bucket{file=\"wal\",le=\"1024\"} 3\nm_bucket{file=\"wal\",le=\"+Inf\"} 4\n"
                                     "m_sum{file=\"wal\"} 5006\nm_count{file=\"wal\"} 4\n"));
    free(out.text);
}

TEST(bounds_in_seconds_are_written_as_a_person_would)
{
    struct exposition out = {0};
    struct histogram h = {0};
    static const char *const bounds[] = {"0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025",
                                         "0.05",   "0.1",     "0.25",   "0.5",   "1",      "2.5",   "5",    "10"};

    expose_histogram(&out, "m", NO_LABELS, &h, &histogram_nanoseconds);
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        char line[64];
        snprintf(line, sizeof(line), "m_bucket{le=\"%s\"} 0\n", bounds[i]);
        assert_non_null(strstr(out.text, line));
    }
    free(out.text);
}

/* ---- health ---- */

static const char *sick(struct health *health, int64_t now)
{
    static char why[HEALTH_WHY_BYTES];
    return health_is_good(health, now, why) ? "ok" : why;
}

TEST(health_needs_both_threads_lately)
{
    struct health health = {0};

    assert_string_equal(sick(&health, 100000), "the daemon is starting");
    health.loop_ticked_ms = 100000;
    assert_string_equal(sick(&health, 100000), "the daemon is starting");
    health.store_probed_ms = 100000;
    assert_string_equal(sick(&health, 100000), "ok");
    assert_string_equal(sick(&health, 102000), "ok");
    assert_string_equal(sick(&health, 102001), "requests have not been taken for 2.0 s");
    health.loop_ticked_ms = 105001;
    assert_string_equal(sick(&health, 105000), "ok");
    assert_string_equal(sick(&health, 105001), "nothing could be written for 5.0 s");
}

TEST(health_is_bad_without_room_and_at_the_end)
{
    struct health health = {.loop_ticked_ms = 1, .store_probed_ms = 1};

    health.intake_closed = true;
    assert_string_equal(sick(&health, 2), "no room for new comments");
    health.stopping = true;
    assert_string_equal(sick(&health, 2), "the daemon is stopping");
}

/* ---- addresses ---- */

TEST(only_addresses_and_localhost_are_ours)
{
    static const char *const ours[] = {"127.0.0.1", "127.0.0.1:9469", "[::1]",          "[::1]:9469",
                                       "localhost", "LocalHost:80",   "10.0.0.1:65535", "[fe80::1]:1"};
    static const char *const strangers[] = {
        "",           "evil.example",     "evil.example:9469", "127.0.0.1.evil.example",
        "localhost.", "localhost.evil",   "127.0.0.1:",        "127.0.0.1:x",
        "[::1",       "[::1]x",           "[127.0.0.1]",       "::1",
        ":9469",      "127.0.0.1:123456", "127.0.0.1 ",        "1:2:3"};

    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (!address_is_ours(ours[i]))
            fail_msg("%s is not ours", ours[i]);
    for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++)
        if (address_is_ours(strangers[i]))
            fail_msg("%s is ours", strangers[i]);
}

TEST(it_listens_on_loopback_only)
{
    static const char *const wrong[] = {"0.0.0.0:0",    "192.0.2.1:0",     "[::]:0", "127.0.0.1",     "localhost:9469",
                                        "127.0.0.1:-1", "127.0.0.1:99999", "*:9469", "[127.0.0.1]:0", ""};
    char reason[256];

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (address_listen(wrong[i], reason, sizeof(reason)) >= 0)
            fail_msg("%s is listened at", wrong[i]);
        assert_non_null(strstr(reason, "must be a loopback address and a port"));
    }
    int fd = address_listen("127.0.0.2:0", reason, sizeof(reason));
    assert_true(fd >= 0);
    close(fd);
}

/* ---- counted once ---- */

static void asked(struct rig *rig, enum door door, const char *json)
{
    if (!rig_ask(rig, door, json))
        fail_msg("not answered: %s", json);
}

TEST(what_became_of_each_comment_is_counted)
{
    struct rig rig;

    rig_open(&rig, store_memory_open());
    asked(
        &rig, DOOR_FRONT,
        "{'op':'submit','comments':[{'site':'news','comment':'1','body':'a'},{'site':'news','comment':'2','body':'b'},"
        "{'site':'news','comment':'1','body':'a'},{'site':'news','comment':'1','body':'other'},"
        "{'site':'news','comment':'3'}]}");
    assert_int_equal(rig.counters.submits, 5);
    assert_int_equal(rig.counters.accepted, 2);
    assert_int_equal(rig.counters.duplicates, 1);
    assert_int_equal(rig.counters.refused, 2);
    assert_int_equal(rig.counters.errors[E_CONFLICT], 1);
    assert_int_equal(rig.counters.errors[E_MISSING_FIELD], 1);
    rig_close(&rig);
}

TEST(an_error_is_counted_once_for_each_item_and_once_for_a_whole_request)
{
    struct rig rig;

    rig_open(&rig, store_memory_open());
    asked(&rig, DOOR_DESK,
          "{'op':'approve','as':'ann','comments':[{'site':'news','comment':'1'},{'site':'news','comment':'2'}]}");
    assert_int_equal(rig.counters.errors[E_NOT_FOUND], 2);
    asked(&rig, DOOR_DESK, "{'op':'approve','as':'ann'}");
    assert_int_equal(rig.counters.errors[E_MISSING_FIELD], 1);
    asked(&rig, DOOR_FRONT, "{'op':'nothing'}");
    assert_int_equal(rig.counters.errors[E_UNKNOWN_OPERATION], 1);
    asked(&rig, DOOR_FRONT, "{'op':'status','site':'news','comments':['1',7]}");
    assert_int_equal(rig.counters.errors[E_NOT_FOUND], 3);
    assert_int_equal(rig.counters.errors[E_BAD_TYPE], 1);
    rig_close(&rig);
}

TEST(decisions_are_counted_with_their_reasons_and_a_repeat_is_not)
{
    struct rig rig;
    const char *reject =
        "{'op':'reject','as':'ann','comments':[{'site':'news','comment':'1'},{'site':'news','comment':'2'}],"
        "'reasons':['promotion','abuse'],'operation':{'$bin':'00112233445566778899aabbccddeeff'}}";

    rig_open(&rig, store_memory_open());
    asked(
        &rig, DOOR_FRONT,
        "{'op':'submit','comments':[{'site':'news','comment':'1','body':'a'},{'site':'news','comment':'2','body':'b'},"
        "{'site':'news','comment':'3','body':'c'}]}");
    asked(&rig, DOOR_DESK, reject);
    asked(&rig, DOOR_DESK, reject);
    asked(&rig, DOOR_DESK, "{'op':'approve','as':'ann','comments':[{'site':'news','comment':'3'}]}");
    assert_int_equal(rig.counters.rejected, 2);
    assert_int_equal(rig.counters.approved, 1);
    assert_int_equal(rig.counters.reasons.n, 2);
    assert_string_equal(rig.counters.reasons.rows[0].code, "promotion");
    assert_int_equal(rig.counters.reasons.rows[0].count, 2);
    assert_string_equal(rig.counters.reasons.rows[1].code, "abuse");
    assert_int_equal(rig.counters.reasons.rows[1].count, 2);
    rig_close(&rig);
}

TEST(more_reasons_than_there_is_place_for_are_counted_together)
{
    static struct counters counters;

    for (int round = 0; round < 2; round++)
        for (int i = 0; i < REASON_ROWS + 10; i++) {
            char code[32];
            snprintf(code, sizeof(code), "reason-%d", i);
            count_reason(&counters, slice_of(code), 1);
        }
    assert_int_equal(counters.reasons.n, REASON_ROWS);
    assert_int_equal(counters.reasons.rows[REASON_ROWS - 1].count, 2);
    assert_int_equal(counters.reasons.others, 20);
}

/* The writer runs a list again when its first transaction finds no room. */
static struct request *admitted(struct rig *rig, struct out *body, const char *json)
{
    struct request *request = request_new();
    struct admission admission = {
        .settings = &rig->settings, .access = rig->access, .now_ms = rig->now_ms, .boot_ms = rig->work.boot_ms};

    assert_non_null(request);
    rig_pack(body, json);
    request->door = DOOR_DESK;
    request->peer = rig->from;
    request->body = out_slice(body);
    assert_true(admit(request, &admission));
    return request;
}

static struct request *wait_for(struct worker *worker)
{
    struct request *done = NULL;
    bool broken = false;

    while (!done && !broken) {
        poll(&(struct pollfd){.fd = worker_fd(worker), .events = POLLIN}, 1, 5000);
        done = worker_collect(worker, &broken);
    }
    return done;
}

static bool reject_once(uint64_t nth)
{
    struct rig rig;
    struct out body = {0};
    char reason[256];

    rig_open(&rig, store_fault_open(store_memory_open()));
    asked(&rig, DOOR_FRONT, "{'op':'submit','comments':[{'site':'news','comment':'1','body':'a'}]}");
    struct writer *writer = writer_start(&rig.work, "boot", reason, sizeof(reason));
    assert_non_null(writer);
    struct request *request = admitted(&rig, &body,
                                       "{'v':1,'op':'reject','as':'ann','comments':[{'site':'news','comment':'1'},"
                                       "{'site':'news','comment':'2'}],'reasons':['promotion'],"
                                       "'operation':{'$bin':'00112233445566778899aabbccddeeff'}}");
    store_fault_arm(rig.store, nth, STORE_FULL, false);
    assert_true(worker_post(writer_worker(writer), request));
    struct request *done = wait_for(writer_worker(writer));
    assert_ptr_equal(done, request);
    worker_stop(writer_worker(writer));
    bool failed = store_fault_failures(rig.store) > 0;
    store_fault_disarm(rig.store);
    tally_settle(done, &rig.counters);
    if (!done->fault.code) { /* room() itself may be what failed: then nothing was done */
        assert_int_equal(rig.counters.rejected, 1);
        assert_int_equal(rig.counters.reasons.rows[0].count, 1);
        assert_int_equal(rig.counters.errors[E_NOT_FOUND], 1);
        assert_int_equal(rig.counters.commits, 1);
        assert_true(total(&rig.counters.commit_times) >= 1);
        assert_int_equal(total(&rig.counters.commit_batches), 1);
    } else {
        assert_int_equal(rig.counters.errors[done->fault.code], 1);
        assert_int_equal(rig.counters.rejected + rig.counters.errors[E_NOT_FOUND], 0);
    }
    admit_end(done, rig.access);
    request_free(done);
    access_free(rig.access);
    search_free(rig.work.search);
    writer_free(writer);
    out_free(&body);
    msgpack_zone_destroy(&rig.zone);
    request_pool_drop();
    return failed;
}

TEST(a_transaction_that_is_run_again_counts_once)
{
    uint64_t nth = 1;

    while (reject_once(nth) && nth < 200)
        nth++;
    assert_in_range(nth, 8, 199); /* every call of the transaction failed once */
}

/* ---- the store's file ---- */

static char dir[] = "/tmp/mq-metrics-XXXXXX";
static char path[64];

static void make_path(void)
{
    static bool made;
    static int n;

    if (!made)
        assert_non_null(mkdtemp(dir));
    made = true;
    snprintf(path, sizeof(path), "%s/%d.db", dir, ++n);
}

static void remove_path(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char file[80];

    for (size_t i = 0; i < 3; i++) {
        snprintf(file, sizeof(file), "%s%s", path, suffixes[i]);
        unlink(file);
    }
    rmdir(dir); /* succeeds for the last */
    mkdir(dir, 0700);
}

static struct store *open_store(bool read_only)
{
    char reason[256];
    struct store *store = store_sqlite_open(path, read_only, 1 << 30, reason, sizeof(reason));

    if (!store)
        fail_msg("%s", reason);
    return store;
}

static void put_site(struct store *store, int64_t no, const char *name)
{
    struct store_site site = {.no = no, .newest = 12, .pending = 3};

    snprintf(site.name, sizeof(site.name), "%s", name);
    assert_int_equal(store->ops->begin(store), STORE_OK);
    assert_int_equal(store->ops->site_put(store, &site), STORE_OK);
    assert_int_equal(store->ops->commit(store), STORE_OK);
}

TEST(a_commit_is_one_sync_of_the_wal_and_is_timed)
{
    make_path();
    struct store *store = open_store(false);
    struct store *reader = open_store(true);
    struct store_site site;

    int64_t before = total(&sqlite_vfs_wal_syncs);
    put_site(store, 1, "news");
    put_site(store, 2, "blog");
    assert_int_equal(total(&sqlite_vfs_wal_syncs), before + 2);
    assert_true(sqlite_vfs_wal_syncs.sum > 0);
    assert_int_equal(reader->ops->site_find(reader, SLICE_LIT("blog"), &site), STORE_OK);
    reader->ops->rollback(reader);
    int64_t checkpoints = total(&sqlite_vfs_database_syncs);
    store_close(reader);
    store_close(store); /* the last one merges the WAL into the database */
    assert_true(total(&sqlite_vfs_database_syncs) > checkpoints);
    store = open_store(false);
    assert_int_equal(store->ops->site_find(store, SLICE_LIT("news"), &site), STORE_OK);
    store_close(store);
    remove_path();
}

/* ---- over HTTP ---- */

enum { HOUR_MS = 3600000 };

static struct {
    struct counters counters;
    struct health health;
    struct metrics *metrics;
    struct store *store;
    int listener;
} served;

static void note_listener(int listener)
{
    served.listener = listener;
}

static void serve(void)
{
    char reason[256];

    make_path();
    memset(&served, 0, sizeof(served));
    served.store = open_store(false);
    put_site(served.store, 1, "a\"b\\c");
    struct metrics_sources sources = {.database = path,
                                      .database_bytes = 1 << 30,
                                      .counters = &served.counters,
                                      .health = &served.health,
                                      .started_at = 1700000000500,
                                      .on_listener = note_listener};
    served.metrics = metrics_start("127.0.0.1:0", &sources, reason, sizeof(reason));
    if (!served.metrics)
        fail_msg("%s", reason);
    served.health.loop_ticked_ms = clock_boot_ms() + HOUR_MS; /* so that no test is too slow for good health */
    served.health.store_probed_ms = clock_boot_ms() + HOUR_MS;
}

static void serve_no_more(void)
{
    metrics_stop(served.metrics);
    store_close(served.store);
    remove_path();
}

static int dial(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(metrics_port(served.metrics)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = 20}, sizeof(struct timeval));
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* Sends a request as it is; the whole answer, until it is closed, is in `answered`. */
static char answered[262144];

static const char *http(const char *request)
{
    int fd = dial();
    size_t have = 0;
    ssize_t n;

    assert_int_equal(write(fd, request, strlen(request)), strlen(request));
    while (have < sizeof(answered) - 1 && (n = read(fd, answered + have, sizeof(answered) - 1 - have)) > 0)
        have += (size_t)n;
    answered[have] = '\0';
    close(fd);
    return answered;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"

static void begins(const char *request, const char *expected)
{
    http(request);
    if (strncmp(answered, expected, strlen(expected)) != 0)
        fail_msg("%s\n-> %.300s", request, answered);
}

TEST(metrics_are_served_and_nothing_else)
{
    serve();
    assert_true(served.listener > 0);
    begins(GET("/metrics"), "HTTP/1.1 200 ");
    assert_non_null(strstr(answered, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert_non_null(strstr(answered, "modqd_pending_comments{site=\"a\\\"b\\\\c\"} 3\n"));
    assert_non_null(strstr(answered, "process_start_time_seconds 1700000000.5\n"));
    assert_non_null(strstr(answered, "modqd_database_limit_bytes 1073741824\n"));
    begins(GET("/"), "HTTP/1.1 404 ");
    begins(GET("/metrics/"), "HTTP/1.1 404 ");
    begins("POST /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 405 ");
    assert_non_null(strstr(answered, "Allow: GET, HEAD\r\n"));
    begins("DELETE /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", "HTTP/1.1 405 ");
    begins("PUT /x HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 ");
    serve_no_more();
}

TEST(a_head_has_no_body)
{
    serve();
    begins("HEAD /metrics HTTP/1.1\r\nHost: [::1]:9469\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 ");
    assert_non_null(strstr(answered, "Content-Length: "));
    assert_string_equal(strstr(answered, "\r\n\r\n"), "\r\n\r\n");
    serve_no_more();
}

TEST(a_page_of_another_name_learns_nothing)
{
    serve();
    begins("GET /metrics HTTP/1.1\r\nHost: evil.example:9469\r\nConnection: close\r\n\r\n", "HTTP/1.1 403 ");
    assert_null(strstr(answered, "modqd_"));
    begins("GET /healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", "HTTP/1.1 403 ");
    begins("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
           "HTTP/1.1 403 ");
    begins("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 ");
    begins("GET /healthz HTTP/1.0\r\n\r\n", "HTTP/1.1 200 "); /* no browser asks like this */
    serve_no_more();
}

TEST(healthz_says_in_one_line_why_not)
{
    serve();
    begins(GET("/healthz"), "HTTP/1.1 200 ");
    assert_string_equal(strstr(answered, "\r\n\r\n"), "\r\n\r\nok\n");
    served.health.intake_closed = true;
    begins(GET("/healthz"), "HTTP/1.1 503 ");
    assert_string_equal(strstr(answered, "\r\n\r\n"), "\r\n\r\nno room for new comments\n");
    begins(GET("/metrics"), "HTTP/1.1 200 ");
    assert_non_null(strstr(answered, "modqd_healthy 0\n"));
    assert_non_null(strstr(answered, "modqd_intake_open 0\n"));
    serve_no_more();
}

/* Prometheus keeps its connection; a second question on it is answered, too. */
TEST(a_connection_is_kept)
{
    serve();
    begins("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
           "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
           "HTTP/1.1 200 ");
    const char *second = strstr(answered + 1, "HTTP/1.1 200 ");
    assert_non_null(second);
    assert_non_null(strstr(second, "\r\n\r\nok\n"));
    serve_no_more();
}

TEST(whoever_holds_all_connections_holds_them_for_ten_seconds_at_most)
{
    enum { MANY = 40 };
    int held[MANY];

    serve();
    for (int i = 0; i < MANY; i++)
        held[i] = dial(); /* and says nothing */
    int64_t begun = clock_boot_ms();
    const char *question = GET("/healthz");
    bool answer = false;
    while (!answer && clock_boot_ms() - begun < 20000) {
        answer = strncmp(http(question), "HTTP/1.1 ", 9) == 0;
        usleep(100000);
    }
    assert_true(answer);
    assert_true(clock_boot_ms() - begun >= 5000); /* there was a limit at all */
    for (int i = 0; i < MANY; i++)
        close(held[i]);
    serve_no_more();
}

TEST(a_port_that_is_taken_is_named)
{
    char reason[256];
    char address[32];

    serve();
    struct metrics_sources sources = {
        .database = path, .database_bytes = 1 << 30, .counters = &served.counters, .health = &served.health};
    snprintf(address, sizeof(address), "127.0.0.1:%u", metrics_port(served.metrics));
    assert_null(metrics_start(address, &sources, reason, sizeof(reason)));
    assert_non_null(strstr(reason, address));
    assert_non_null(strstr(reason, "in use"));
    sources.database = "/nowhere/at/all.db";
    assert_null(metrics_start("127.0.0.1:0", &sources, reason, sizeof(reason)));
    assert_non_null(strstr(reason, "/nowhere/at/all.db"));
    serve_no_more();
}
