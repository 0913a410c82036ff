/* The store of libmodq: what an outbox keeps and sends, what is set aside, and places. The rest is in
 * tests/conformance. */
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <zmq.h>

#include "clients/c/modq.h"
#include "proto/mp.h"
#include "proto/out.h"
#include "unit.h"

/* A message has 16 levels; a request, its list, the comment and its extra are four of them. */
enum { DEEPEST = 12 };

enum { PATIENCE_MS = 5000, ORDER_BYTES = 4096, CHILD_S = 1, THREADS = 8, ROUNDS = 10 };

/* ---- a daemon that judges a comment by its id: "no…" is refused for good, "later…" the first time it is heard. A
 * message that holds "poison…" is one that it cannot read (and so it does not name it), "door…" is at the wrong socket,
 * and "fork…" makes the process fork. Everything else is taken. It notes the ids of each message. */

struct judge {
    void *context, *router;
    char endpoint[64];
    pthread_t thread;
    char order[ORDER_BYTES]; /* ids; a message ends with a bar */
    bool delayed;
    pid_t child;
};

static void note(struct judge *judge, struct slice id, const char *end)
{
    size_t len = strlen(judge->order);

    snprintf(judge->order + len, sizeof(judge->order) - len, "%.*s%s", (int)id.len, id.data ? id.data : "", end);
}

static bool begins(struct slice id, const char *word)
{
    return id.len >= strlen(word) && memcmp(id.data, word, strlen(word)) == 0;
}

static void put_error(struct out *out, int number, const char *name, const char *class)
{
    out_key(out, "error");
    out_map(out);
    out_key_int(out, "number", number);
    out_key_cstr(out, "name", name);
    out_key_cstr(out, "class", class);
    out_key_cstr(out, "message", "so it is");
    out_key_int(out, "retry_after_ms", 20);
    out_end(out);
}

static void judge_one(struct judge *judge, struct slice id, struct out *out)
{
    out_map(out);
    if (begins(id, "no")) {
        put_error(out, 80, "conflict", "final");
    } else if (begins(id, "later") && !judge->delayed) {
        judge->delayed = true;
        put_error(out, 2, "storage_full", "retry");
    } else {
        out_key_cstr(out, "status", "accepted");
    }
    out_end(out);
}

static bool any_begins(const msgpack_object *comments, const char *word)
{
    for (size_t i = 0; i < mp_count(comments); i++)
        if (begins(mp_get_str(mp_item(comments, i), "comment"), word))
            return true;
    return false;
}

static void note_message(struct judge *judge, const msgpack_object *map, const msgpack_object *comments)
{
    note(judge, comments ? SLICE_NONE : mp_get_str(map, "op"), "");
    for (size_t i = 0; i < mp_count(comments); i++)
        note(judge, mp_get_str(mp_item(comments, i), "comment"), " ");
    note(judge, SLICE_NONE, "|");
}

/* A child that has all descriptors of this process for a while. */
static void fork_one(struct judge *judge)
{
    judge->child = fork();
    if (judge->child > 0)
        return;
    sleep(CHILD_S);
    _exit(0);
}

static void put_results(struct judge *judge, const msgpack_object *comments, struct out *out)
{
    out_key(out, "results");
    out_array(out);
    for (size_t i = 0; i < mp_count(comments); i++)
        judge_one(judge, mp_get_str(mp_item(comments, i), "comment"), out);
    out_end(out);
}

static void judge_message(struct judge *judge, const msgpack_object *map, struct out *out)
{
    const msgpack_object *comments = mp_get(map, "comments");
    bool unread = any_begins(comments, "poison");
    bool wrong_door = any_begins(comments, "door");

    if (!slice_is(mp_get_str(map, "op"), "hello"))
        note_message(judge, map, comments);
    if (any_begins(comments, "fork"))
        fork_one(judge);
    out_map(out);
    out_key_int(out, "v", 1);
    if (!unread)
        out_key_int(out, "id", mp_get_int(map, "id", 0));
    out_key_bool(out, "ok", !unread && !wrong_door);
    if (unread)
        put_error(out, 20, "malformed", "fix");
    else if (wrong_door)
        put_error(out, 22, "unknown_operation", "fix");
    else
        put_results(judge, comments, out);
    out_end(out);
}

/* Answers until the context ends. */
static void *judge_run(void *of)
{
    struct judge *judge = of;
    char peer[64];
    char body[65536];
    int peer_len;

    while ((peer_len = zmq_recv(judge->router, peer, sizeof(peer), 0)) > 0) {
        int len = zmq_recv(judge->router, body, sizeof(body), 0);
        struct out out = {0};
        msgpack_zone zone;
        msgpack_object map;
        msgpack_zone_init(&zone, 1024);
        if (len > 0 && mp_unpack_map((struct slice){body, (size_t)len}, &zone, &map)) {
            judge_message(judge, &map, &out);
            zmq_send(judge->router, peer, (size_t)peer_len, ZMQ_SNDMORE);
            zmq_send(judge->router, out.data, out.len, 0);
        }
        msgpack_zone_destroy(&zone);
        out_free(&out);
    }
    zmq_close(judge->router);
    return NULL;
}

static void judge_open(struct judge *judge)
{
    static int count;
    int linger = 0;

    *judge = (struct judge){0};
    snprintf(judge->endpoint, sizeof(judge->endpoint), "ipc:///tmp/modq-judge-%d-%d", (int)getpid(), count++);
    judge->context = zmq_ctx_new();
    judge->router = zmq_socket(judge->context, ZMQ_ROUTER);
    zmq_setsockopt(judge->router, ZMQ_LINGER, &linger, sizeof(linger));
    assert_int_equal(zmq_bind(judge->router, judge->endpoint), 0);
    assert_int_equal(pthread_create(&judge->thread, NULL, judge_run, judge), 0);
}

static void judge_close(struct judge *judge)
{
    zmq_ctx_shutdown(judge->context);
    pthread_join(judge->thread, NULL);
    zmq_ctx_term(judge->context);
    unlink(judge->endpoint + strlen("ipc://"));
}

/* ---- stores */

static const char *store_path(void)
{
    static char path[128];
    static int count;

    snprintf(path, sizeof(path), "%s/modq-outbox-%d-%d", unit_database_dir(), (int)getpid(), count++);
    return path;
}

static void remove_store(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal", ".flush"};
    char name[160];

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        unlink(name);
    }
}

static void keep(struct modq_store *store, const char *id)
{
    struct modq_comment *comment = modq_comment_new();
    struct modq_error error;

    modq_comment_text(comment, MODQ_SITE, "news", 4);
    modq_comment_text(comment, MODQ_COMMENT, id, strlen(id));
    modq_comment_text(comment, MODQ_BODY, "text", 4);
    assert_true(modq_store_keep_comment(store, comment, NULL, &error));
    modq_comment_free(comment);
}

static void keep_withdrawal(struct modq_store *store, const char *id)
{
    struct modq_fields *fields = modq_fields_new();
    struct modq_error error;

    modq_put_string(fields, "site", "news");
    modq_put_string(fields, "comment", id);
    assert_true(modq_store_keep(store, "withdraw", fields, &error));
    modq_fields_free(fields);
}

static void flushes(struct modq_store *store, struct judge *judge, size_t sent, size_t refused)
{
    struct modq *front = modq_open(judge->endpoint, NULL, NULL);
    struct modq_flushed flushed;
    struct modq_error error;

    judge->order[0] = '\0';
    assert_true(modq_store_flush(store, front, PATIENCE_MS, &flushed, &error));
    assert_int_equal(flushed.error.number, 0);
    assert_int_equal(flushed.sent, sent);
    assert_int_equal(flushed.refused, refused);
    assert_int_equal(flushed.left, 0);
    modq_close(front);
}

/* A store, the judge, and a connection to it. */
struct scene {
    struct judge judge;
    char path[128];
    struct modq_store *store;
    struct modq *front;
};

static void scene_open(struct scene *scene)
{
    snprintf(scene->path, sizeof(scene->path), "%s", store_path());
    scene->store = modq_store_open(scene->path, NULL);
    assert_non_null(scene->store);
    judge_open(&scene->judge);
    scene->front = modq_open(scene->judge.endpoint, NULL, NULL);
}

static void scene_close(struct scene *scene)
{
    modq_close(scene->front);
    modq_store_close(scene->store);
    judge_close(&scene->judge);
    remove_store(scene->path);
}

static sqlite3 *database_at(const char *path)
{
    sqlite3 *database;

    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    return database;
}

static void runs(sqlite3 *database, const char *sql)
{
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* Another program opens the file, says how many requests there are, and closes it. */
static void run_sqlite(const char *path, int output)
{
    dup2(output, STDOUT_FILENO);
    execlp("sqlite3", "sqlite3", "-cmd", ".timeout 5000", path, "SELECT count(*) FROM modqd_outbox", (char *)NULL);
    _exit(1);
}

static int counted_elsewhere(const char *path)
{
    int ends[2];
    int status;
    char said[32] = "";

    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0)
        run_sqlite(path, ends[1]);
    close(ends[1]);
    assert_true(read(ends[0], said, sizeof(said) - 1) > 0);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    return (int)strtol(said, NULL, 10);
}

static void count_is(struct modq_store *store, int64_t count)
{
    struct modq_error error;

    assert_int_equal(modq_store_count(store, &error), count);
}

/* ---- the outbox */

TEST(requests_go_in_their_order_comments_together)
{
    struct scene s;

    scene_open(&s);
    keep(s.store, "a");
    keep(s.store, "b");
    keep_withdrawal(s.store, "a");
    keep(s.store, "c");
    flushes(s.store, &s.judge, 4, 0);
    assert_string_equal(s.judge.order, "a b |withdraw|c |");
    scene_close(&s);
}

TEST(what_is_refused_is_set_aside_listed_and_tried_again_in_its_place)
{
    struct scene s;
    struct modq_refused refused = {0};
    struct modq_error error;

    scene_open(&s);
    keep(s.store, "a");
    keep(s.store, "no1");
    keep(s.store, "b");
    keep(s.store, "no2");
    flushes(s.store, &s.judge, 2, 2);
    assert_true(modq_store_refused(s.store, 0, &refused, &error));
    assert_string_equal(refused.operation, "submit");
    assert_true(modq_is(modq_get(modq_get(refused.fields, "comment"), "comment"), "no1"));
    assert_string_equal(refused.error.name, "conflict");
    assert_int_equal(refused.error.class_, MODQ_CLASS_FINAL);
    assert_true(modq_store_refused(s.store, refused.number, &refused, &error));
    assert_true(modq_is(modq_get(modq_get(refused.fields, "comment"), "comment"), "no2"));
    assert_false(modq_store_refused(s.store, refused.number, &refused, &error));
    assert_int_equal(error.number, 0);

    keep(s.store, "c");
    assert_int_equal(modq_store_retry_refused(s.store, &error), 2);
    assert_int_equal(modq_store_count(s.store, &error), 3);
    flushes(s.store, &s.judge, 1, 2);
    assert_string_equal(s.judge.order, "no1 no2 c |");
    assert_int_equal(modq_store_forget_refused(s.store, &error), 2);
    assert_false(modq_store_refused(s.store, 0, &refused, &error));
    scene_close(&s);
}

TEST(a_comment_that_spoils_the_whole_message_is_found_alone)
{
    struct scene s;

    scene_open(&s);
    keep(s.store, "a");
    keep(s.store, "poison");
    keep(s.store, "b");
    flushes(s.store, &s.judge, 2, 1);
    assert_string_equal(s.judge.order, "a poison b |a |poison |b |");
    scene_close(&s);
}

TEST(a_refusal_that_passes_is_waited_for)
{
    struct scene s;

    scene_open(&s);
    keep(s.store, "later");
    keep(s.store, "a");
    flushes(s.store, &s.judge, 2, 0);
    assert_string_equal(s.judge.order, "later a |later |");
    scene_close(&s);
}

TEST(no_time_is_no_error)
{
    struct modq_flushed flushed;
    struct modq_error error;
    const char *path = store_path();
    struct modq_store *store = modq_store_open(path, NULL);
    struct modq *front = modq_open("ipc:///tmp/modq-nobody-is-here", NULL, NULL);

    keep(store, "a");
    assert_true(modq_store_flush(store, front, 0, &flushed, &error));
    assert_int_equal(flushed.error.number, 0);
    assert_int_equal(flushed.left, 1);
    modq_close(front);
    modq_store_close(store);
    remove_store(path);
}

TEST(nobody_at_the_endpoint_leaves_everything_kept)
{
    struct modq_flushed flushed;
    struct modq_error error;
    const char *path = store_path();
    struct modq_store *store = modq_store_open(path, NULL);
    struct modq *front = modq_open("ipc:///tmp/modq-nobody-is-here", NULL, NULL);

    keep(store, "a");
    assert_true(modq_store_flush(store, front, 50, &flushed, &error));
    assert_int_equal(flushed.error.number, MODQ_E_CONNECT);
    assert_int_equal(flushed.left, 1);
    modq_close(front);
    modq_store_close(store);
    remove_store(path);
}

TEST(what_the_disk_has_spoilt_is_set_aside_and_holds_up_nothing)
{
    struct scene s;
    struct modq_refused refused = {0};
    struct modq_error error;

    scene_open(&s);
    sqlite3 *database = database_at(s.path);
    keep(s.store, "a");
    keep(s.store, "b");
    keep_withdrawal(s.store, "b");
    keep(s.store, "c");
    runs(database, "UPDATE modqd_outbox SET fields = x'8161' WHERE id = 2");
    runs(database, "UPDATE modqd_outbox SET op = 'nonsense' WHERE id = 3");
    flushes(s.store, &s.judge, 2, 2);
    assert_string_equal(s.judge.order, "a |c |");
    assert_true(modq_store_refused(s.store, 0, &refused, &error));
    assert_null(refused.fields);
    assert_string_equal(refused.error.name, "malformed");
    sqlite3_close(database);
    scene_close(&s);
}

TEST(a_store_in_your_database_is_in_your_transaction)
{
    struct judge judge;
    struct modq_flushed flushed;
    struct modq_error error;
    const char *path = store_path();
    sqlite3 *database = database_at(path);
    struct modq_store *store = modq_store_attach(database, &error);
    struct modq_position position = {.seq = 7};

    judge_open(&judge);
    runs(database, "BEGIN");
    keep(store, "a");
    assert_true(modq_store_save_place(store, "news", &position, &error));
    runs(database, "ROLLBACK");
    assert_int_equal(modq_store_count(store, &error), 0);
    assert_true(modq_store_load_place(store, "news", &position, &error));
    assert_int_equal(position.seq, 0);
    runs(database, "BEGIN");
    keep(store, "a");
    assert_false(modq_store_flush(store, NULL, PATIENCE_MS, &flushed, &error));
    assert_int_equal(error.number, MODQ_E_ARGUMENT);
    runs(database, "COMMIT");
    flushes(store, &judge, 1, 0);
    modq_store_close(store);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
    judge_close(&judge);
    remove_store(path);
}

TEST(what_is_wrong_with_the_connection_sets_nothing_aside)
{
    struct scene s;
    struct modq_flushed flushed;
    struct modq_error error;

    scene_open(&s);
    keep(s.store, "door1");
    keep(s.store, "door2");
    assert_true(modq_store_flush(s.store, s.front, PATIENCE_MS, &flushed, &error));
    assert_int_equal(flushed.error.number, MODQ_E_UNKNOWN_OPERATION);
    assert_int_equal(flushed.refused, 0);
    assert_int_equal(flushed.left, 2);
    assert_false(modq_store_flush(s.store, NULL, PATIENCE_MS, &flushed, &error));
    assert_int_equal(error.number, MODQ_E_ARGUMENT);
    scene_close(&s);
}

TEST(a_flush_elsewhere_is_told_and_a_child_does_not_keep_the_lock)
{
    struct scene s;
    struct modq_flushed flushed;
    struct modq_error error;
    char name[160];

    scene_open(&s);
    keep(s.store, "fork");
    flushes(s.store, &s.judge, 1, 0);
    keep(s.store, "a");
    flushes(s.store, &s.judge, 1, 0);
    assert_int_equal(waitpid(s.judge.child, NULL, 0), s.judge.child);

    keep(s.store, "b");
    snprintf(name, sizeof(name), "%s.flush", s.path);
    int lock = open(name, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    assert_true(modq_store_flush(s.store, s.front, PATIENCE_MS, &flushed, &error));
    assert_true(flushed.elsewhere);
    assert_int_equal(flushed.sent, 0);
    assert_int_equal(flushed.left, 1);
    close(lock);
    flushes(s.store, &s.judge, 1, 0);
    scene_close(&s);
}

TEST(a_link_in_the_place_of_the_lock_is_not_followed)
{
    struct modq_flushed flushed;
    struct modq_error error;
    struct stat before, after;
    char name[160];
    char victim[160];
    const char *path = store_path();
    struct modq_store *store = modq_store_open(path, NULL);
    struct modq *front = modq_open("ipc:///tmp/modq-nobody-is-here", NULL, NULL);

    snprintf(name, sizeof(name), "%s.flush", path);
    snprintf(victim, sizeof(victim), "%s-victim", path);
    close(open(victim, O_RDWR | O_CREAT | O_CLOEXEC, 0640));
    assert_int_equal(stat(victim, &before), 0);
    assert_int_equal(symlink(victim, name), 0);
    assert_false(modq_store_flush(store, front, 10, &flushed, &error));
    assert_int_equal(error.number, MODQ_E_SYSTEM);
    assert_non_null(strstr(error.message, name));
    assert_int_equal(stat(victim, &after), 0);
    assert_int_equal(after.st_mode, before.st_mode);
    unlink(victim);
    modq_close(front);
    modq_store_close(store);
    remove_store(path);
}

TEST(two_stores_of_a_file_in_one_process_lose_nothing_to_other_processes)
{
    const char *path = store_path();
    struct modq_store *first = modq_store_open(path, NULL);

    keep(first, "a");
    struct modq_store *second = modq_store_open(path, NULL);
    modq_store_close(second);
    second = modq_store_open(path, NULL);
    assert_int_equal(counted_elsewhere(path), 1);
    keep(first, "b");
    keep(second, "c");
    assert_int_equal(counted_elsewhere(path), 3);
    modq_store_close(second);
    assert_int_equal(counted_elsewhere(path), 3);
    keep(first, "d");
    modq_store_close(first);
    assert_int_equal(counted_elsewhere(path), 4);
    remove_store(path);
}

static void *open_and_keep(void *path)
{
    struct modq_store *store = modq_store_open(path, NULL);

    if (store)
        keep(store, "a");
    modq_store_close(store);
    return store;
}

TEST(many_open_a_new_store_at_once)
{
    pthread_t threads[THREADS];
    void *opened;

    for (int round = 0; round < ROUNDS; round++) {
        const char *path = store_path();
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, open_and_keep, (void *)path), 0);
        for (int i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_join(threads[i], &opened), 0);
            assert_non_null(opened);
        }
        struct modq_store *store = modq_store_open(path, NULL);
        count_is(store, THREADS);
        modq_store_close(store);
        remove_store(path);
    }
}

TEST(nothing_is_kept_in_a_file_that_was_taken_away)
{
    struct modq_position position = {.seq = 1};
    struct modq_comment *comment = modq_comment_new();
    struct modq_error error;
    const char *path = store_path();
    struct modq_store *store = modq_store_open(path, NULL);

    modq_comment_text(comment, MODQ_SITE, "news", 4);
    modq_comment_text(comment, MODQ_COMMENT, "1", 1);
    modq_comment_text(comment, MODQ_BODY, "text", 4);
    unlink(path);
    assert_false(modq_store_keep_comment(store, comment, NULL, &error));
    assert_int_equal(error.number, MODQ_E_SYSTEM);
    assert_false(modq_store_save_place(store, "news", &position, &error));
    assert_int_equal(error.number, MODQ_E_SYSTEM);
    modq_comment_free(comment);
    modq_store_close(store);
    remove_store(path);
}

TEST(your_database_stays_as_you_left_it)
{
    struct modq_position found;
    struct modq_position saved = {.seq = 9, .has_chain = true};
    struct modq_error error;
    sqlite3 *database = database_at(":memory:");

    runs(database,
         "PRAGMA encoding = 'UTF-16'; CREATE TABLE mine (id INTEGER PRIMARY KEY); INSERT INTO mine VALUES (4711)");
    struct modq_store *store = modq_store_attach(database, &error);
    keep(store, "a");
    assert_int_equal(sqlite3_last_insert_rowid(database), 4711);
    assert_true(modq_store_save_place(store, "news", &saved, &error));
    assert_true(modq_store_load_place(store, "news", &found, &error));
    assert_int_equal(found.seq, 9);
    assert_true(found.has_chain);
    count_is(store, 1);
    modq_store_close(store);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

/* Whether a comment is kept that has `depth` lists, one in the other, in its extra. */
static bool keeps_nested(struct modq_store *store, struct modq_comment *comment, int depth)
{
    struct modq_fields *extra = modq_fields_new();
    struct modq_error error;
    char lists[64];
    msgpack_zone zone;
    msgpack_object object;

    memset(lists, 0x91, (size_t)depth);
    lists[depth] = 1;
    msgpack_zone_init(&zone, 1024);
    assert_true(mp_unpack((struct slice){lists, (size_t)depth + 1}, &zone, &object));
    modq_put_value(extra, "deep", (const struct modq_value *)&object);
    modq_comment_text(comment, MODQ_SITE, "news", 4);
    modq_comment_text(comment, MODQ_COMMENT, "1", 1);
    modq_comment_text(comment, MODQ_BODY, "text", 4);
    assert_true(modq_comment_extra(comment, extra));
    bool kept = modq_store_keep_comment(store, comment, NULL, &error);
    if (!kept)
        assert_int_equal(error.number, MODQ_E_MALFORMED);
    modq_fields_free(extra);
    msgpack_zone_destroy(&zone);
    return kept;
}

TEST(what_no_message_could_hold_is_not_kept)
{
    struct modq_error error;
    const char *path = store_path();
    struct modq_store *store = modq_store_open(path, NULL);
    struct modq_comment *comment = modq_comment_new();

    for (int depth = DEEPEST; depth <= DEEPEST + 1; depth++)
        assert_int_equal(keeps_nested(store, comment, depth), depth == DEEPEST);
    modq_comment_reset(comment);
    assert_false(modq_store_keep_comment(store, comment, NULL, &error));
    assert_int_equal(error.number, MODQ_E_MISSING_FIELD);

    struct modq_fields *many = modq_fields_new();
    modq_put_list(many, "many");
    for (int i = 0; i < 20000; i++)
        modq_put_int(many, NULL, i);
    modq_put_end(many);
    assert_false(modq_store_keep(store, "withdraw", many, &error));
    assert_int_equal(error.number, MODQ_E_MALFORMED);
    modq_fields_free(many);

    struct modq_fields *large = modq_fields_new();
    char *note = calloc(1, 2 << 20);
    modq_put_text(large, "note", note, 2 << 20);
    assert_false(modq_store_keep(store, "report", large, &error));
    assert_int_equal(error.number, MODQ_E_TOO_LONG);
    free(note);
    modq_fields_free(large);
    count_is(store, 1);
    modq_comment_free(comment);
    modq_store_close(store);
    remove_store(path);
}

TEST(what_an_outbox_does_not_keep_is_refused)
{
    struct modq_error error;
    const char *path = store_path();
    struct modq_store *store = modq_store_open(path, NULL);
    struct modq_fields *fields = modq_fields_new();
    struct modq_comment *comment = modq_comment_new();

    assert_false(modq_store_keep(store, "approve", fields, &error));
    assert_int_equal(error.number, MODQ_E_ARGUMENT);
    assert_false(modq_store_keep(store, "report", NULL, &error));
    assert_int_equal(error.number, MODQ_E_ARGUMENT);
    modq_put_map(fields, "open");
    assert_false(modq_store_keep(store, "withdraw", fields, &error));
    assert_int_equal(error.number, MODQ_E_ARGUMENT);
    assert_false(modq_store_keep_comment(store, comment, NULL, &error));
    assert_int_equal(error.number, MODQ_E_MISSING_FIELD);
    assert_int_equal(modq_store_count(store, &error), 0);
    modq_comment_free(comment);
    modq_fields_free(fields);
    modq_store_close(store);
    remove_store(path);
}

TEST(a_report_says_when_it_was_made)
{
    const char *path = store_path();
    struct modq_store *store = modq_store_open(path, NULL);
    struct modq_fields *fields = modq_fields_new();
    struct modq_error error;
    sqlite3 *database = database_at(path);

    modq_put_string(fields, "site", "news");
    assert_true(modq_store_keep(store, "report", fields, &error));
    modq_put_int(fields, "at", 5);
    assert_true(modq_store_keep(store, "report", fields, &error));
    struct modq_fields *nothing = modq_fields_new();
    modq_put_value(nothing, "at", NULL);
    assert_true(modq_store_keep(store, "report", nothing, &error));
    modq_fields_free(nothing);
    /* the key `at` (a2 61 74) once in each: with a number of 64 bits, and with 5 */
    runs(database, "CREATE TABLE t (c CHECK (c = 1))");
    runs(database, "INSERT INTO t SELECT instr(hex(fields), 'A26174CF') > 0 FROM modqd_outbox WHERE id = 1");
    runs(database, "INSERT INTO t SELECT hex(fields) LIKE '%A2617405' AND hex(fields) NOT LIKE '%A26174%A26174%' "
                   "FROM modqd_outbox WHERE id = 2");
    runs(database, "INSERT INTO t SELECT hex(fields) LIKE '81A26174CF%' FROM modqd_outbox WHERE id = 3"); /* not nil */
    sqlite3_close(database);
    modq_fields_free(fields);
    modq_store_close(store);
    remove_store(path);
}

/* ---- files */

TEST(a_store_is_private_and_its_file_must_be_one)
{
    static const char *const contents[] = {"1", "{",
                                           "this is no database, and it is longer than a header of SQLite, which "
                                           "has a hundred bytes, so that SQLite looks at it"};
    struct modq_error error;
    struct stat file;
    const char *path = store_path();
    struct modq_store *store = modq_store_open(path, &error);

    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    modq_store_close(store);
    remove_store(path);
    for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
        FILE *spoilt = fopen(path, "w");
        fputs(contents[i], spoilt);
        fclose(spoilt);
        assert_null(modq_store_open(path, &error));
        assert_int_equal(error.number, MODQ_E_SYSTEM);
        assert_non_null(strstr(error.message, path));
    }
    remove_store(path);
    assert_null(modq_store_open("/tmp/modq-no/such/folder", &error));
    assert_int_equal(error.number, MODQ_E_SYSTEM);
    assert_int_equal(symlink("/tmp/modq-no/such/folder", path), 0);
    assert_null(modq_store_open(path, &error));
    assert_non_null(strstr(error.message, "link to nothing"));
    remove_store(path);
    assert_null(modq_store_open(":memory:", &error));
    assert_int_equal(error.number, MODQ_E_ARGUMENT);
    assert_null(modq_store_open(NULL, &error));
    assert_int_equal(error.number, MODQ_E_ARGUMENT);
}

/* ---- places */

TEST(a_place_comes_back_as_it_was_saved_for_each_site)
{
    struct modq_position saved = {.seq = 1LL << 40, .has_chain = true, .has_epoch = true};
    struct modq_position other = {.seq = 3};
    struct modq_position found;
    struct modq_error error;
    const char *path = store_path();
    struct modq_store *store = modq_store_open(path, NULL);

    for (size_t i = 0; i < sizeof(saved.chain); i++)
        saved.chain[i] = (uint8_t)(i * 37);
    for (size_t i = 0; i < sizeof(saved.epoch); i++)
        saved.epoch[i] = (uint8_t)(255 - i);
    assert_true(modq_store_load_place(store, "a", &found, &error));
    assert_int_equal(found.seq, 0);
    assert_true(modq_store_save_place(store, "a", &other, &error));
    assert_true(modq_store_save_place(store, "a", &saved, &error));
    assert_true(modq_store_save_place(store, "b", &other, &error));
    assert_true(modq_store_load_place(store, "a", &found, &error));
    assert_int_equal(found.seq, saved.seq);
    assert_true(found.has_chain && found.has_epoch);
    assert_memory_equal(found.chain, saved.chain, sizeof(saved.chain));
    assert_memory_equal(found.epoch, saved.epoch, sizeof(saved.epoch));
    assert_true(modq_store_load_place(store, "b", &found, &error));
    assert_int_equal(found.seq, 3);
    assert_false(found.has_chain || found.has_epoch);
    assert_true(modq_store_forget_place(store, "a", &error));
    assert_true(modq_store_load_place(store, "a", &found, &error));
    assert_int_equal(found.seq, 0);
    modq_store_close(store);
    remove_store(path);
}

TEST(a_damaged_place_is_never_the_beginning)
{
    static const char *const damages[] = {"chain = 'abc'", "chain = printf('%064d', 0) || 'g'",
                                          "seq = -1",      "seq = ''",
                                          "seq = '7 00'",  "seq = 6.5",
                                          "seq = x'37'",   "chain = replace(printf('%064d', 0), '0', 'G')",
                                          "epoch = '00'"};
    struct modq_position saved = {.seq = 3, .has_chain = true};
    struct modq_position found;
    struct modq_error error;
    char sql[256];
    const char *path = store_path();
    struct modq_store *store = modq_store_open(path, NULL);
    sqlite3 *database = database_at(path);

    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        assert_true(modq_store_save_place(store, "news", &saved, &error));
        snprintf(sql, sizeof(sql), "UPDATE modqd_place SET %s", damages[i]);
        runs(database, sql);
        assert_false(modq_store_load_place(store, "news", &found, &error));
        assert_int_equal(error.number, MODQ_E_SYSTEM);
        assert_non_null(strstr(error.message, "news"));
    }
    saved.seq = -1;
    assert_false(modq_store_save_place(store, "news", &saved, &error));
    assert_int_equal(error.number, MODQ_E_ARGUMENT);
    assert_false(modq_store_load_place(store, NULL, &found, &error));
    assert_int_equal(error.number, MODQ_E_ARGUMENT);
    assert_false(modq_store_forget_place(store, NULL, &error));
    sqlite3_close(database);
    modq_store_close(store);
    remove_store(path);
}
