#include "../../daemon/net/worker.h"
#include "../../daemon/work/grant.h"
#include "unit.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MANY = 1000 };

/* What the thread does: remembers the order, and waits while the gate is shut. */
struct diary {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool shut, fail;
    int lists, idles;
    int idles_wanted; /* so often one follows the other at once */
    size_t longest;   /* list */
    size_t n;
    const void *order[MANY];
};

static struct diary diary;
static struct worker *worker;
static struct request *requests[MANY];

static bool run(void *self, struct request *list)
{
    struct diary *d = self;
    size_t length = 0;

    pthread_mutex_lock(&d->mutex);
    d->lists++;
    pthread_cond_broadcast(&d->changed);
    while (d->shut)
        pthread_cond_wait(&d->changed, &d->mutex);
    for (; list; list = list->next, length++)
        d->order[d->n++] = list;
    if (length > d->longest)
        d->longest = length;
    bool good = !d->fail;
    pthread_mutex_unlock(&d->mutex);
    return good;
}

static bool idle(void *self, bool *more)
{
    struct diary *d = self;

    pthread_mutex_lock(&d->mutex);
    d->idles++;
    *more = d->idles < d->idles_wanted;
    pthread_cond_broadcast(&d->changed);
    bool good = !d->fail;
    pthread_mutex_unlock(&d->mutex);
    return good;
}

static void gate(bool shut)
{
    pthread_mutex_lock(&diary.mutex);
    diary.shut = shut;
    pthread_cond_broadcast(&diary.changed);
    pthread_mutex_unlock(&diary.mutex);
}

/* Waits until the thread has begun so many lists. */
static void wait_for_lists(int n)
{
    pthread_mutex_lock(&diary.mutex);
    while (diary.lists < n)
        pthread_cond_wait(&diary.changed, &diary.mutex);
    pthread_mutex_unlock(&diary.mutex);
}

static void begin_job(const struct worker_job *job)
{
    diary = (struct diary){.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    for (size_t i = 0; i < MANY; i++) {
        requests[i] = request_new();
        assert_non_null(requests[i]);
        requests[i]->cost = 10;
    }
    worker = worker_start(job);
    assert_non_null(worker);
}

static void begin(int64_t max_requests, int64_t max_bytes, int64_t max_list)
{
    begin_job(&(struct worker_job){.name = "test",
                                   .run = run,
                                   .idle = idle,
                                   .self = &diary,
                                   .max_requests = max_requests,
                                   .max_bytes = max_bytes,
                                   .max_list = max_list});
}

static void end(void)
{
    worker_free(worker);
    for (size_t i = 0; i < MANY; i++)
        request_free(requests[i]);
    request_pool_drop();
}

static bool readable(int timeout_ms)
{
    struct pollfd fd = {.fd = worker_fd(worker), .events = POLLIN};
    return poll(&fd, 1, timeout_ms) == 1;
}

/* Collects until so many came, which must be requests[from], requests[from + 1], ... */
static void collect(size_t from, size_t count)
{
    bool broken;

    for (size_t n = 0; n < count;) {
        assert_true(readable(5000));
        struct request *list = worker_collect(worker, &broken);
        assert_false(broken);
        for (; list; list = list->next, n++)
            assert_ptr_equal(list, requests[from + n]);
    }
}

/* A worker that is fair and takes one at a time, and has been given requests[0], for which its gate is shut. */
static void begin_fair(void)
{
    begin_job(&(struct worker_job){.name = "test",
                                   .run = run,
                                   .self = &diary,
                                   .max_requests = MANY,
                                   .max_bytes = 1 << 20,
                                   .max_list = 1,
                                   .fair = true});
    gate(true);
    assert_true(worker_post(worker, requests[0]));
    wait_for_lists(1);
}

/* As `text` has them: "0 1 5". */
static void assert_order(const char *text)
{
    char found[1024] = "";

    for (size_t n = 0, at = 0; n < diary.n; n++)
        for (size_t i = 0; i < MANY; i++)
            if (diary.order[n] == requests[i])
                at += (size_t)snprintf(found + at, sizeof(found) - at, "%s%zu", n ? " " : "", i);
    assert_string_equal(found, text);
}

static void post_as(struct grant *grant, const char *routing_id, size_t from, size_t to)
{
    for (size_t i = from; i <= to; i++) {
        requests[i]->grant = grant;
        requests[i]->peer.routing_id_len = (unsigned char)strlen(routing_id);
        memcpy(requests[i]->peer.routing_id, routing_id, strlen(routing_id));
        assert_true(worker_post(worker, requests[i]));
    }
}

static void end_fair(size_t count)
{
    bool broken;

    gate(false);
    worker_stop(worker);
    assert_int_equal(worker_pending(worker), count);
    for (struct request *r = worker_collect(worker, &broken); r; r = r->next)
        r->grant = NULL; /* of the test, not counted */
}

TEST(keys_that_ask_much_take_turns_with_those_that_ask_little)
{
    static struct grant greedy = {.key = 7};
    static struct grant quiet = {.key = 3};
    static struct grant other = {.key = 900};

    begin_fair();
    post_as(&greedy, "a", 1, 3);
    post_as(&greedy, "b", 4, 5); /* another connection of the same key */
    post_as(&quiet, "c", 6, 7);
    post_as(&other, "d", 8, 8);
    end_fair(9);
    assert_order("0 6 1 8 7 2 3 4 5");
    end();
}

TEST(connections_without_a_key_take_turns_too)
{
    begin_fair();
    post_as(NULL, "one", 1, 3);
    post_as(NULL, "two", 4, 5);
    end_fair(6);
    assert_true(diary.order[5] == requests[3] && (diary.order[2] == requests[4] || diary.order[1] == requests[4]));
    end();
}

TEST(requests_are_done_and_given_back_in_the_order_in_which_they_were_posted)
{
    begin(MANY, 1 << 20, 64);
    for (size_t i = 0; i < MANY; i++)
        assert_true(worker_post(worker, requests[i]));
    collect(0, MANY);
    assert_int_equal(diary.n, MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_ptr_equal(diary.order[i], requests[i]);
    assert_true(diary.longest <= 64);
    assert_int_equal(worker_pending(worker), 0);
    worker_stop(worker);
    end();
}

TEST(what_arrives_while_a_list_is_done_is_the_next_list)
{
    begin(MANY, 1 << 20, 64);
    gate(true);
    assert_true(worker_post(worker, requests[0]));
    wait_for_lists(1);
    for (size_t i = 1; i <= 50; i++)
        assert_true(worker_post(worker, requests[i]));
    assert_int_equal(worker_pending(worker), 51);
    gate(false);
    collect(0, 51);
    assert_int_equal(diary.lists, 2);
    assert_int_equal(diary.longest, 50);
    worker_stop(worker);
    end();
}

TEST(what_the_daemon_asks_itself_goes_first_where_the_job_says_so)
{
    begin_job(&(struct worker_job){.name = "test",
                                   .run = run,
                                   .self = &diary,
                                   .max_requests = 2,
                                   .max_bytes = 1 << 20,
                                   .max_list = 1,
                                   .inside_first = true});
    gate(true);
    assert_true(worker_post(worker, requests[3]));
    wait_for_lists(1);
    assert_true(worker_post_inside(worker, requests[0])); /* into an empty inbox */
    assert_true(worker_post(worker, requests[1]));
    assert_false(worker_post(worker, requests[4]));
    assert_true(worker_post_inside(worker, requests[2])); /* into a full one */
    assert_int_equal(worker_pending(worker), 4);
    gate(false);
    worker_stop(worker);
    assert_int_equal(diary.n, 4);
    const size_t order[] = {3, 0, 2, 1};
    for (size_t i = 0; i < 4; i++)
        assert_ptr_equal(diary.order[i], requests[order[i]]);
    end();
}

TEST(a_full_inbox_takes_no_more_until_the_thread_took_some)
{
    begin(10, 1 << 20, 64);
    gate(true);
    assert_true(worker_post(worker, requests[0]));
    wait_for_lists(1);
    for (size_t i = 1; i <= 10; i++) {
        assert_false(worker_is_full(worker));
        assert_true(worker_post(worker, requests[i]));
    }
    assert_true(worker_is_full(worker));
    assert_false(worker_post(worker, requests[11]));
    gate(false);
    collect(0, 11);
    assert_true(worker_post(worker, requests[11]));
    collect(11, 1);
    worker_stop(worker);
    end();
}

TEST(an_inbox_is_full_of_bytes_too)
{
    begin(MANY, 35, 64);
    gate(true);
    assert_true(worker_post(worker, requests[0]));
    wait_for_lists(1);
    for (size_t i = 1; i <= 4; i++)
        assert_true(worker_post(worker, requests[i]));
    assert_false(worker_post(worker, requests[5]));
    gate(false);
    collect(0, 5);
    assert_false(worker_is_full(worker));
    worker_stop(worker);
    end();
}

TEST(a_list_that_is_cut_leaves_the_count_of_bytes_right)
{
    begin(MANY, 100, 3);
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < 10; i++)
            assert_true(worker_post(worker, requests[i]));
        collect(0, 10);
    }
    assert_false(worker_is_full(worker));
    worker_stop(worker);
    end();
}

TEST(stop_finishes_what_is_in_the_inbox)
{
    bool broken;
    size_t n = 0;

    begin(MANY, 1 << 20, 7);
    gate(true);
    for (size_t i = 0; i < 100; i++)
        assert_true(worker_post(worker, requests[i]));
    gate(false);
    worker_stop(worker);
    assert_true(readable(0));
    for (struct request *r = worker_collect(worker, &broken); r; r = r->next)
        assert_ptr_equal(r, requests[n++]);
    assert_int_equal(n, 100);
    assert_false(broken);
    assert_int_equal(worker_pending(worker), 0);
    end();
}

/* In milliseconds. */
static int64_t time_of_a_stop(void)
{
    struct timespec before;
    struct timespec after;

    begin(MANY, 1 << 20, 7);
    clock_gettime(CLOCK_MONOTONIC, &before);
    worker_stop(worker);
    clock_gettime(CLOCK_MONOTONIC, &after);
    end();
    return (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
}

/* A busy machine may hold it up, but not every time. */
TEST(stop_without_work_ends_at_once)
{
    int64_t shortest = INT64_MAX;

    for (int i = 0; i < 10 && shortest >= 200; i++) {
        int64_t took = time_of_a_stop();
        if (took < shortest)
            shortest = took;
    }
    assert_true(shortest < 200);
}

TEST(a_broken_run_is_told_and_answers_nothing_of_its_list)
{
    bool broken = false;

    /* without idle, which would break, too, before the list has come */
    begin_job(&(struct worker_job){
        .name = "test", .run = run, .self = &diary, .max_requests = MANY, .max_bytes = 1 << 20, .max_list = 2});
    assert_true(worker_post(worker, requests[0]));
    collect(0, 1);
    gate(true);
    pthread_mutex_lock(&diary.mutex);
    diary.fail = true;
    pthread_mutex_unlock(&diary.mutex);
    for (size_t i = 1; i < 5; i++)
        assert_true(worker_post(worker, requests[i]));
    gate(false);
    assert_true(readable(5000));
    assert_null(worker_collect(worker, &broken));
    assert_true(broken);
    assert_false(worker_post(worker, requests[5]));
    int lists = diary.lists;
    worker_stop(worker);
    assert_null(worker_collect(worker, &broken));
    assert_true(broken);
    assert_int_equal(diary.lists, lists);
    end();
}

TEST(an_idle_thread_is_told_so_now_and_then)
{
    begin(MANY, 1 << 20, 2);
    pthread_mutex_lock(&diary.mutex);
    while (diary.idles < 2)
        pthread_cond_wait(&diary.changed, &diary.mutex);
    pthread_mutex_unlock(&diary.mutex);
    assert_false(readable(0));
    worker_stop(worker);
    end();
}

TEST(a_thread_that_breaks_while_idle_is_told)
{
    bool broken = false;

    begin(MANY, 1 << 20, 2);
    pthread_mutex_lock(&diary.mutex);
    diary.fail = true;
    pthread_mutex_unlock(&diary.mutex);
    assert_true(readable(5000));
    assert_null(worker_collect(worker, &broken));
    assert_true(broken);
    worker_stop(worker);
    end();
}
