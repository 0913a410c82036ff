#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <msgpack/unpack.h>
#include <zmq.h>

#include "clients/c/modq.h"
#include "clients/cli/cli.h"
#include "clients/cli/event.h"
#include "clients/cli/json.h"
#include "clients/cli/lines.h"
#include "clients/cli/names.h"
#include "clients/cli/say.h"
#include "clients/cli/verbs.h"
#include "clients/cli/when.h"
#include "proto/errors.h"
#include "proto/mp.h"
#include "proto/out.h"
#include "unit.h"

/* ---- times */

static int64_t parsed(const char *text)
{
    int64_t ms;
    return when_parse(slice_of(text), &ms) ? ms : -1;
}

TEST(rfc3339_times_become_milliseconds)
{
    assert_int_equal(parsed("1970-01-01T00:00:00Z"), 0);
    assert_int_equal(parsed("2004-12-15T14:10:30Z"), 1103119830000);
    assert_int_equal(parsed("2004-12-15t14:10:30.5z"), 1103119830500);
    assert_int_equal(parsed("2004-12-15 14:10:30.123456+03:00"), 1103109030123);
    assert_int_equal(parsed("2024-02-29T23:59:60-00:30"), 1709253000000);
    assert_int_equal(parsed("9999-12-31T23:59:59.999Z"), 253402300799999);
}

TEST(what_is_no_time_is_refused)
{
    static const char *const wrong[] = {"",
                                        "2004",
                                        "2004-12-15",
                                        "2004-12-15T14:10:30",
                                        "2004-13-15T14:10:30Z",
                                        "2023-02-29T00:00:00Z",
                                        "2004-12-15T24:00:00Z",
                                        "2004-12-15T14:10:30.Z",
                                        "2004-12-15T14:10:30+25:00",
                                        "1969-12-31T23:59:59Z",
                                        "2004-12-15T14:10:30Zx",
                                        "+004-12-15T14:10:30Z"};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(parsed(wrong[i]), -1);
}

/* ---- names */

TEST(a_name_is_split_at_its_first_slash)
{
    struct slice site, comment;

    assert_true(name_split(SLICE_LIT("news/2026/17"), &site, &comment));
    assert_true(slice_is(site, "news"));
    assert_true(slice_is(comment, "2026/17"));
    assert_false(name_split(SLICE_LIT("news"), &site, &comment));
    assert_false(name_split(SLICE_LIT("/17"), &site, &comment));
    assert_false(name_split(SLICE_LIT("news/"), &site, &comment));
    assert_false(name_split(SLICE_LIT(""), &site, &comment));
}

TEST(lines_name_comments_plainly_or_as_json)
{
    struct names names = {0};
    struct modq_error error;

    assert_true(names_add_line(&names, SLICE_LIT("  news/17\r"), &error));
    assert_true(
        names_add_line(&names, SLICE_LIT("{\"site\":\"a\",\"comment\":\"b/c\",\"revision\":3,\"x\":[]}"), &error));
    assert_true(names_add_line(&names, SLICE_LIT(""), &error));
    assert_int_equal(names.count, 2);
    assert_string_equal(names.item[0].comment, "17");
    assert_int_equal(names.item[0].revision, -1);
    assert_string_equal(names.item[1].comment, "b/c");
    assert_int_equal(names.item[1].revision, 3);
    assert_false(names_add_line(&names, SLICE_LIT("nothing"), &error));
    assert_false(names_add_line(&names, SLICE_LIT("{\"site\":\"a\"}"), &error));
    assert_false(names_add_line(&names, SLICE_LIT("{\"site\":\"a\",\"comment\":\"b\",\"revision\":\"1\"}"), &error));
    assert_false(names_add_line(&names, SLICE_LIT("{"), &error));
    assert_int_equal(names.count, 2);
    names_free(&names);
}

TEST(names_that_the_daemon_would_refuse_are_refused)
{
    struct names names = {0};
    struct modq_error error;
    char site[66] = "";

    memset(site, 'a', 65);
    assert_false(names_add(&names, slice_of(site), SLICE_LIT("1"), &error));
    assert_string_equal(error.name, "too_long");
    assert_string_equal(error.field, "site");
    assert_false(names_add(&names, SLICE_LIT("a"), SLICE_LIT("x\033[31m"), &error));
    assert_string_equal(error.field, "comment");
    names_free(&names);
}

/* ---- lines to comments */

static bool event_ok(const char *line, struct modq_error *error)
{
    struct modq_comment *comment = modq_comment_new();
    struct event_name name;

    bool ok = event_from_json(slice_of(line), NULL, comment, &name, error) && modq_comment_check(comment, NULL, error);
    modq_comment_free(comment);
    return ok;
}

TEST(a_full_line_becomes_a_comment)
{
    struct modq_error error;

    assert_true(event_ok("{\"site\":\"news\",\"id\":\"17\",\"revision\":2,\"body\":\"a\\u0000b\",\"parent_id\":\"3\","
                         "\"article\":{\"id\":5,\"title\":\"t\",\"url\":\"u\",\"lang\":\"en\"},"
                         "\"author\":{\"id\":\"u\",\"name\":\"n\",\"registered_since\":\"2004-12-15T14:10:30Z\"},"
                         "\"created_at\":1103119830000,\"lang\":\"ckb\",\"labels\":[\"x\",null,1.5,{\"y\":true}]}",
                         &error));
    assert_true(
        event_ok("{\"site\":\"news\",\"comment\":17,\"body\":\"x\",\"parent\":null,\"extra\":{\"a\":1}}", &error));
}

TEST(a_bad_line_names_its_field)
{
    static const struct {
        const char *line, *name, *field;
    } wrong[] = {
        {"{", "client_bad_line", ""},
        {"[]", "client_bad_line", ""},
        {"{\"site\":\"a\",\"site\":\"b\"}", "client_bad_line", ""},
        {"{\"id\":\"1\",\"body\":\"x\"}", "missing_field", "site"},
        {"{\"site\":\"a\",\"body\":\"x\"}", "missing_field", "comment"},
        {"{\"site\":\"a\",\"id\":\"1\"}", "missing_field", "body"},
        {"{\"site\":\"a\",\"id\":\"1\",\"body\":\"\"}", "too_short", "body"},
        {"{\"site\":\"a/b\",\"id\":\"1\",\"body\":\"x\"}", "bad_character", "site"},
        {"{\"site\":\"a\",\"id\":\"1\",\"body\":[]}", "client_bad_line", "body"},
        {"{\"site\":\"a\",\"id\":\"1\",\"comment\":\"2\",\"body\":\"x\"}", "client_bad_line", "id"},
        {"{\"site\":\"a\",\"id\":\"1\",\"body\":\"x\",\"revision\":0}", "out_of_range", "revision"},
        {"{\"site\":\"a\",\"id\":\"1\",\"body\":\"x\",\"revision\":1.5}", "client_bad_line", "revision"},
        {"{\"site\":\"a\",\"id\":\"1\",\"body\":\"x\",\"created_at\":\"now\"}", "client_bad_line", "created_at"},
        {"{\"site\":\"a\",\"id\":\"1\",\"body\":\"x\",\"author\":7}", "client_bad_line", "author"},
        {"{\"site\":\"a\",\"id\":\"1\",\"body\":\"x\",\"author\":{\"name\":7.5}}", "client_bad_line", "author.name"},
        {"{\"site\":\"a\",\"id\":\"1\",\"body\":\"x\",\"article\":{\"title\":\"t\"}}", "missing_field", "article.id"},
        {"{\"site\":\"a\",\"id\":\"1\",\"body\":\"x\",\"extra\":[]}", "client_bad_line", "extra"},
        {"{\"site\":\"a\",\"id\":\"1\",\"body\":\"x\",\"y\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", "client_bad_line",
         "extra"},
    };
    struct modq_error error;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(event_ok(wrong[i].line, &error));
        assert_string_equal(error.name, wrong[i].name);
        assert_string_equal(error.field, wrong[i].field);
        assert_int_equal(error.class_, MODQ_CLASS_FIX);
    }
}

TEST(a_line_without_site_gets_the_one_given)
{
    struct modq_comment *comment = modq_comment_new();
    struct event_name name;
    struct modq_error error;

    assert_true(event_from_json(SLICE_LIT("{\"id\":\"1\",\"body\":\"x\"}"), "news", comment, &name, &error));
    assert_string_equal(name.site, "news");
    assert_true(modq_comment_check(comment, NULL, &error));
    assert_true(
        event_from_json(SLICE_LIT("{\"site\":\"own\",\"id\":2,\"body\":\"x\"}"), "news", comment, &name, &error));
    assert_string_equal(name.site, "own");
    assert_string_equal(name.comment, "2");
    modq_comment_free(comment);
}

TEST(lines_are_numbered_and_too_long_ones_skipped)
{
    struct lines lines;
    struct slice line;
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        char block[4096];
        memset(block, 'x', sizeof(block));
        ssize_t n = write(fds[1], "a\n\n", 3);
        for (size_t sent = 0; n > 0 && sent < LINE_BYTES_MAX + (4 << 20); sent += sizeof(block))
            n = write(fds[1], block, sizeof(block));
        n = write(fds[1], "\nlast", 5);
        _exit(n < 0);
    }
    close(fds[1]);
    lines_open(&lines, fds[0]);
    assert_int_equal(lines_next(&lines, &line, true), LINE_HERE);
    assert_true(slice_is(line, "a"));
    assert_int_equal(lines_next(&lines, &line, true), LINE_HERE);
    assert_int_equal(line.len, 0);
    assert_int_equal(lines_next(&lines, &line, true), LINE_TOO_LONG);
    assert_int_equal(lines_next(&lines, &line, true), LINE_HERE);
    assert_true(slice_is(line, "last"));
    assert_int_equal(lines.number, 4);
    assert_int_equal(lines_next(&lines, &line, true), LINE_END);
    lines_close(&lines);
    close(fds[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

/* ---- errors and exit codes */

TEST(every_class_has_its_exit_code)
{
    struct modq_error error = {.number = 1};
    static const int codes[] = {[MODQ_CLASS_RETRY] = EXIT_UNREACHABLE,
                                [MODQ_CLASS_FIX] = EXIT_WRONG,
                                [MODQ_CLASS_DENIED] = EXIT_DENIED,
                                [MODQ_CLASS_FINAL] = EXIT_FAILED,
                                [MODQ_CLASS_LOCAL] = EXIT_LOCAL};

    assert_int_equal(exit_of(NULL), EXIT_DONE);
    for (int class = MODQ_CLASS_RETRY; class <= MODQ_CLASS_LOCAL; class ++) {
        error.class_ = (enum modq_class) class;
        assert_int_equal(exit_of(&error), codes[class]);
    }
}

TEST(of_several_exit_codes_the_documented_one_is_told)
{
    static const int order[] = {EXIT_DONE,        EXIT_FAILED, EXIT_WRONG, EXIT_DENIED,
                                EXIT_UNREACHABLE, EXIT_LOCAL,  EXIT_USAGE};

    for (int i = 0; i < 7; i++)
        for (int j = 0; j < 7; j++)
            assert_int_equal(exit_worse(order[i], order[j]), order[i > j ? i : j]);
}

TEST(own_error_names_never_collide_with_the_protocol)
{
    for (size_t i = 0; error_at(i); i++)
        assert_int_not_equal(strncmp(error_at(i)->name, "client_", 7), 0);
}

TEST(a_near_word_is_offered)
{
    static const char *const words[] = {"approve", "reject", "report", NULL};

    assert_string_equal(nearest("aprove", words), "approve");
    assert_string_equal(nearest("rejct", words), "reject");
    assert_null(nearest("x", words));
    assert_null(nearest("something", words));
}

TEST(every_verb_has_usage_help_and_a_name_of_its_own)
{
    for (size_t i = 0; verb_at(i); i++) {
        assert_non_null(verb_at(i)->usage);
        assert_true(strlen(verb_at(i)->help) > 0);
        assert_non_null(verb_at(i)->run);
        assert_ptr_equal(verb_named(verb_at(i)->name), verb_at(i));
    }
}

/* ---- the library against a daemon that misbehaves */

struct fake {
    void *context, *router;
    char endpoint[64];
};

static void fake_open(struct fake *fake)
{
    static int count;

    snprintf(fake->endpoint, sizeof(fake->endpoint), "ipc:///tmp/modq-test-%d-%d", (int)getpid(), count++);
    fake->context = zmq_ctx_new();
    fake->router = zmq_socket(fake->context, ZMQ_ROUTER);
    assert_int_equal(zmq_bind(fake->router, fake->endpoint), 0);
}

static void fake_close(struct fake *fake)
{
    int linger = 0;

    zmq_setsockopt(fake->router, ZMQ_LINGER, &linger, sizeof(linger));
    zmq_close(fake->router);
    zmq_ctx_term(fake->context);
    unlink(fake->endpoint + strlen("ipc://"));
}

/* A request as it came: who, and the bytes. */
struct heard {
    char peer[64], body[4096];
    int peer_len, body_len;
};

static bool fake_hears(struct fake *fake, struct heard *heard)
{
    heard->peer_len = zmq_recv(fake->router, heard->peer, sizeof(heard->peer), ZMQ_DONTWAIT);
    if (heard->peer_len < 0)
        return false;
    heard->body_len = zmq_recv(fake->router, heard->body, sizeof(heard->body), 0);
    return heard->body_len >= 0;
}

static void fake_sends(struct fake *fake, const struct heard *to, struct out *out)
{
    assert_false(out->failed);
    zmq_send(fake->router, to->peer, (size_t)to->peer_len, ZMQ_SNDMORE);
    zmq_send(fake->router, out->data, out->len, 0);
    out_free(out);
}

static int64_t id_of(const struct heard *heard)
{
    msgpack_zone zone;
    msgpack_object map;

    assert_true(msgpack_zone_init(&zone, 1024));
    assert_true(mp_unpack_map((struct slice){heard->body, (size_t)heard->body_len}, &zone, &map));
    int64_t id = mp_get_int(&map, "id", -1);
    msgpack_zone_destroy(&zone);
    return id;
}

static void begin_message(struct out *out, const struct heard *heard, const char *op)
{
    out_map(out);
    out_key_int(out, "v", 1);
    out_key_int(out, "id", id_of(heard));
    out_key_cstr(out, "op", op);
}

static void answer_ok(struct fake *fake, const struct heard *heard)
{
    struct out out = {0};

    begin_message(&out, heard, "x");
    out_key_bool(&out, "ok", true);
    out_end(&out);
    fake_sends(fake, heard, &out);
}

static void answer_error(struct fake *fake, const struct heard *heard, int number, const char *name, const char *class)
{
    struct out out = {0};

    begin_message(&out, heard, "x");
    out_key_bool(&out, "ok", false);
    out_key(&out, "error");
    out_map(&out);
    out_key_int(&out, "number", number);
    out_key_cstr(&out, "name", name);
    out_key_cstr(&out, "class", class);
    out_key_cstr(&out, "message", "so it is");
    out_key_int(&out, "retry_after_ms", 20);
    out_end(&out);
    out_end(&out);
    fake_sends(fake, heard, &out);
}

/* Runs the client until the fake hears something. */
static void await_request(struct fake *fake, struct modq *connection, struct heard *heard)
{
    for (int i = 0; i < 2000; i++) {
        modq_process(connection);
        if (fake_hears(fake, heard))
            return;
        usleep(2000);
    }
    fail_msg("no request came");
}

/* As the daemon answers a request that it cannot read. */
static void answer_nobody(struct fake *fake, const struct heard *heard)
{
    struct out out = {0};

    out_map(&out);
    out_key_int(&out, "v", 1);
    out_key_nil(&out, "id");
    out_key_bool(&out, "ok", false);
    out_key(&out, "error");
    out_map(&out);
    out_key_int(&out, "number", 20);
    out_key_cstr(&out, "name", "malformed");
    out_key_cstr(&out, "class", "fix");
    out_end(&out);
    out_end(&out);
    fake_sends(fake, heard, &out);
}

TEST(an_answer_that_names_no_request_is_that_of_the_only_one)
{
    struct fake fake;
    struct heard heard;

    fake_open(&fake);
    struct modq *connection = modq_open(fake.endpoint, NULL, NULL);
    modq_send(connection, "withdraw", NULL, 5000, NULL, NULL);
    await_request(&fake, connection, &heard);
    answer_nobody(&fake, &heard);
    struct modq_answer *answer = modq_next(connection, 5000);
    assert_non_null(answer);
    assert_int_equal(modq_answer_error(answer)->number, MODQ_E_MALFORMED);
    modq_answer_free(answer);
    modq_close(connection);
    fake_close(&fake);
}

TEST(a_late_answer_that_names_no_request_is_nobodys)
{
    struct fake fake;
    struct heard first, second;

    fake_open(&fake);
    struct modq *connection = modq_open(fake.endpoint, NULL, NULL);
    modq_send(connection, "withdraw", NULL, 1000, NULL, NULL); /* is to be heard before it is late */
    await_request(&fake, connection, &first);
    struct modq_answer *answer = modq_next(connection, 5000);
    assert_int_equal(modq_answer_error(answer)->number, MODQ_E_TIMEOUT);
    modq_answer_free(answer);
    modq_send(connection, "report", NULL, 5000, NULL, NULL);
    await_request(&fake, connection, &second);
    answer_nobody(&fake, &first);
    answer_ok(&fake, &second);
    answer = modq_next(connection, 5000);
    assert_non_null(answer);
    assert_null(modq_answer_error(answer));
    modq_answer_free(answer);
    modq_close(connection);
    fake_close(&fake);
}

TEST(silence_and_busy_are_answered_with_the_same_bytes_again)
{
    struct fake fake;
    struct heard first, second, third;
    struct modq_fields *fields = modq_fields_new();

    fake_open(&fake);
    struct modq *connection = modq_open(fake.endpoint, NULL, NULL);
    modq_set_attempt_ms(connection, 200);
    modq_put_operation(fields);
    modq_put_string(fields, "site", "news");
    assert_int_not_equal(modq_send(connection, "approve", fields, 20000, &fake, NULL), 0);
    await_request(&fake, connection, &first);
    modq_set_attempt_ms(connection, 20000); /* from here on the fake answers, at once or a little later */
    await_request(&fake, connection, &second);
    answer_error(&fake, &second, 1, "busy", "retry");
    await_request(&fake, connection, &third);
    assert_memory_equal(first.body, second.body, (size_t)first.body_len);
    assert_memory_equal(first.body, third.body, (size_t)first.body_len);
    answer_ok(&fake, &third);
    struct modq_answer *answer = modq_next(connection, 2000);
    assert_non_null(answer);
    assert_null(modq_answer_error(answer));
    assert_ptr_equal(modq_answer_tag(answer), &fake);
    assert_null(modq_next(connection, 0));
    modq_answer_free(answer);
    modq_fields_free(fields);
    modq_close(connection);
    fake_close(&fake);
}

TEST(errors_of_unknown_number_or_class_are_handed_over)
{
    struct fake fake;
    struct heard heard;

    fake_open(&fake);
    struct modq *connection = modq_open(fake.endpoint, NULL, NULL);
    modq_send(connection, "x", NULL, 5000, NULL, NULL);
    await_request(&fake, connection, &heard);
    answer_error(&fake, &heard, 4711, "brand_new", "strange");
    struct modq_answer *answer = modq_next(connection, 2000);
    assert_non_null(answer);
    assert_int_equal(modq_answer_error(answer)->number, 4711);
    assert_string_equal(modq_answer_error(answer)->name, "brand_new");
    assert_int_equal(modq_answer_error(answer)->class_, MODQ_CLASS_FINAL);
    modq_answer_free(answer);
    modq_close(connection);
    fake_close(&fake);
}

TEST(an_error_is_cut_where_it_is_no_utf8)
{
    struct fake fake;
    struct heard heard;

    fake_open(&fake);
    struct modq *connection = modq_open(fake.endpoint, NULL, NULL);
    modq_send(connection, "x", NULL, 5000, NULL, NULL);
    await_request(&fake, connection, &heard);
    answer_error(&fake, &heard, 4711, "brand\xc3_new", "final");
    struct modq_answer *answer = modq_next(connection, 2000);
    assert_non_null(answer);
    assert_string_equal(modq_answer_error(answer)->name, "brand");
    modq_answer_free(answer);
    modq_close(connection);
    fake_close(&fake);
}

TEST(an_answer_that_cannot_be_read_ends_its_request)
{
    static const char bombs[][8] = {"\xdd\xff\xff\xff\xff", "\x93\x01", "", "\xc1", "\x01"};
    static const size_t lens[] = {5, 2, 0, 1, 1};
    struct fake fake;
    struct heard heard;

    fake_open(&fake);
    struct modq *connection = modq_open(fake.endpoint, NULL, NULL);
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        modq_send(connection, "x", NULL, 5000, NULL, NULL);
        await_request(&fake, connection, &heard);
        zmq_send(fake.router, heard.peer, (size_t)heard.peer_len, ZMQ_SNDMORE);
        zmq_send(fake.router, bombs[i], lens[i], 0);
        struct modq_answer *answer = modq_next(connection, 2000);
        assert_non_null(answer);
        assert_int_equal(modq_answer_error(answer)->number, MODQ_E_REPLY);
        assert_null(modq_answer_value(answer));
        modq_answer_free(answer);
    }
    modq_close(connection);
    fake_close(&fake);
}

TEST(nobody_there_is_told_at_the_deadline)
{
    struct modq *connection = modq_open("ipc:///tmp/modq-test-nobody", NULL, NULL);
    struct modq_answer *answer = modq_call(connection, "hello", NULL, 60);
    struct modq_error error;

    assert_int_equal(modq_answer_error(answer)->number, MODQ_E_CONNECT);
    assert_int_equal(modq_answer_error(answer)->class_, MODQ_CLASS_RETRY);
    modq_answer_free(answer);
    modq_close(connection);
    assert_null(modq_open("nonsense", NULL, &error));
    assert_int_equal(error.number, MODQ_E_ARGUMENT);
}

TEST(the_window_holds_500_requests)
{
    struct modq *connection = modq_open("ipc:///tmp/modq-test-nobody", NULL, NULL);
    struct modq_error error;

    for (int i = 0; i < MODQ_WINDOW; i++)
        assert_int_equal(modq_send(connection, "x", NULL, 60000, NULL, &error), i + 1);
    assert_int_equal(modq_send(connection, "x", NULL, 60000, NULL, &error), 0);
    assert_int_equal(error.number, MODQ_E_WINDOW);
    modq_close(connection);
}

/* ---- streams */

static void put_record(struct out *out, int64_t seq)
{
    uint8_t chain[32];

    memset(chain, (int)seq, sizeof(chain));
    out_map(out);
    out_key_cstr(out, "site", "news");
    out_key_int(out, "seq", seq);
    out_key_bin(out, "chain", (struct slice){(const char *)chain, sizeof(chain)});
    out_end(out);
}

static void send_records(struct fake *fake, const struct heard *to, int64_t from, int64_t last)
{
    struct out out = {0};

    begin_message(&out, to, "records");
    out_key(&out, "records");
    out_array(&out);
    for (int64_t seq = from; seq <= last; seq++)
        put_record(&out, seq);
    out_end(&out);
    out_end(&out);
    fake_sends(fake, to, &out);
}

static void send_opened(struct fake *fake, const struct heard *to)
{
    struct out out = {0};

    begin_message(&out, to, "stream");
    out_key_bool(&out, "ok", true);
    out_key_int(&out, "newest", 9);
    out_key_int(&out, "heartbeat_ms", 1000);
    out_key_int(&out, "credit_timeout_ms", 30000);
    out_end(&out);
    fake_sends(fake, to, &out);
}

static void await_stream(struct fake *fake, struct modq_stream *stream, struct heard *heard)
{
    for (int i = 0; i < 2000; i++) {
        modq_stream_process(stream);
        if (fake_hears(fake, heard))
            return;
        usleep(2000);
    }
    fail_msg("no stream request came");
}

/* Runs the stream until what it heard is an error. */
static void await_error(struct modq_stream *stream, int number)
{
    for (int i = 0; i < 2000 && modq_stream_error(stream)->number != number; i++) {
        modq_stream_process(stream);
        usleep(2000);
    }
    assert_int_equal(modq_stream_error(stream)->number, number);
}

static int64_t asked_after(const struct heard *heard, bool *with_hash)
{
    msgpack_zone zone;
    msgpack_object map;

    assert_true(msgpack_zone_init(&zone, 1024));
    assert_true(mp_unpack_map((struct slice){heard->body, (size_t)heard->body_len}, &zone, &map));
    int64_t after = mp_get_int(&map, "after", -1);
    *with_hash = mp_get_bin(&map, "hash").len == 32;
    msgpack_zone_destroy(&zone);
    return after;
}

static void expect_records(struct modq_stream *stream, int64_t from, int64_t last)
{
    const struct modq_value *record;

    for (int64_t seq = from; seq <= last; seq++) {
        assert_int_equal(modq_stream_next(stream, 2000, &record), MODQ_EVENT_RECORD);
        assert_int_equal(modq_get_int(record, "seq", 0), seq);
        assert_int_equal(modq_stream_seq(stream), seq);
    }
}

TEST(a_stream_with_a_gap_is_opened_anew_after_the_last_record_taken)
{
    struct modq_stream_options options = {.site = "news"};
    const struct modq_value *record;
    struct fake fake;
    struct heard heard;
    bool with_hash;

    fake_open(&fake);
    struct modq_stream *stream = modq_stream_open(fake.endpoint, &options, NULL);
    await_stream(&fake, stream, &heard);
    assert_int_equal(asked_after(&heard, &with_hash), 0);
    assert_false(with_hash);
    send_opened(&fake, &heard);
    send_records(&fake, &heard, 1, 3);
    expect_records(stream, 1, 2);
    send_records(&fake, &heard, 5, 6);
    await_error(stream, MODQ_E_REPLY);
    assert_int_equal(modq_stream_next(stream, 2000, &record), MODQ_EVENT_LOST);
    await_stream(&fake, stream, &heard);
    assert_int_equal(asked_after(&heard, &with_hash), 2);
    assert_true(with_hash);
    send_opened(&fake, &heard);
    send_records(&fake, &heard, 3, 6);
    expect_records(stream, 3, 6);
    modq_stream_close(stream);
    fake_close(&fake);
}

TEST(a_diverged_stream_fails_and_says_so_again)
{
    struct modq_stream_options options = {.site = "news", .after = 7};
    const struct modq_value *record;
    struct fake fake;
    struct heard heard;
    struct out out = {0};

    fake_open(&fake);
    struct modq_stream *stream = modq_stream_open(fake.endpoint, &options, NULL);
    await_stream(&fake, stream, &heard);
    begin_message(&out, &heard, "stream");
    out_key_bool(&out, "ok", false);
    out_key(&out, "error");
    out_map(&out);
    out_key_int(&out, "number", 89);
    out_key_cstr(&out, "name", "diverged");
    out_key_cstr(&out, "class", "final");
    out_key_int(&out, "newest", 4);
    out_end(&out);
    out_end(&out);
    fake_sends(&fake, &heard, &out);
    assert_int_equal(modq_stream_next(stream, 2000, &record), MODQ_EVENT_FAILED);
    assert_int_equal(modq_stream_next(stream, 2000, &record), MODQ_EVENT_FAILED);
    assert_int_equal(modq_stream_error(stream)->number, MODQ_E_DIVERGED);
    assert_int_equal(modq_stream_newest(stream), 4);
    modq_stream_close(stream);
    fake_close(&fake);
}

TEST(a_list_of_no_records_is_passed_over)
{
    struct modq_stream_options options = {.site = "news"};
    struct fake fake;
    struct heard heard;

    fake_open(&fake);
    struct modq_stream *stream = modq_stream_open(fake.endpoint, &options, NULL);
    await_stream(&fake, stream, &heard);
    send_opened(&fake, &heard);
    send_records(&fake, &heard, 1, 0);
    send_records(&fake, &heard, 1, 2);
    expect_records(stream, 1, 2);
    modq_stream_close(stream);
    fake_close(&fake);
}

TEST(a_daemon_that_wants_to_be_left_alone_for_ever_is)
{
    struct modq_stream_options options = {.site = "news"};
    struct fake fake;
    struct heard heard;
    struct out out = {0};

    fake_open(&fake);
    struct modq_stream *stream = modq_stream_open(fake.endpoint, &options, NULL);
    await_stream(&fake, stream, &heard);
    begin_message(&out, &heard, "stream");
    out_key_bool(&out, "ok", false);
    out_key(&out, "error");
    out_map(&out);
    out_key_int(&out, "number", 1);
    out_key_cstr(&out, "name", "busy");
    out_key_cstr(&out, "class", "retry");
    out_key_int(&out, "retry_after_ms", INT64_MAX);
    out_end(&out);
    out_end(&out);
    fake_sends(&fake, &heard, &out);
    await_error(stream, MODQ_E_BUSY);
    for (int i = 0; i < 100; i++) {
        modq_stream_process(stream);
        assert_false(fake_hears(&fake, &heard));
        usleep(2000);
    }
    assert_int_equal(modq_stream_error(stream)->number, MODQ_E_BUSY);
    modq_stream_close(stream);
    fake_close(&fake);
}
