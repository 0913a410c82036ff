/* What libmodq reads: a key file, a program's own comment, a daemon's answers, and a daemon's stream. The link is one
 * of the target's own: what comes over it is the input. */
#include "fuzz.h"

#include <stdlib.h>

#include "../../clients/c/internal.h"
#include "../../clients/c/key.h"
#include "../../proto/mp.h"
#include "../../proto/utf8.h"

enum { STEPS = 200, STEP_MS = 1000, LONGEST_PAUSE_MS = 60000 };

/* ---- a link without sockets ---- */

static struct fuzz_input incoming;
static bool asked; /* nothing is answered before */

bool link_open(struct link *link, const char *endpoint, const struct modq_key *key, int type, struct modq_error *error)
{
    (void)key;
    (void)error;
    link->type = type;
    link->endpoint = strdup(endpoint);
    return link->endpoint && link_renew(link);
}

bool link_renew(struct link *link)
{
    link->socket = &incoming;
    asked = false;
    return true;
}

void link_drop(struct link *link)
{
    link->socket = NULL;
}

void link_close(struct link *link)
{
    free(link->endpoint);
    *link = (struct link){0};
}

int link_fd(const struct link *link)
{
    (void)link;
    return -1;
}

int64_t link_renew_at(const struct link *link, int attempt_ms)
{
    (void)link;
    (void)attempt_ms;
    return NEVER;
}

int link_look(struct link *link)
{
    return ZMQ_POLLOUT | (link->socket && asked && incoming.len > 0 ? ZMQ_POLLIN : 0);
}

bool link_send(struct link *link, struct slice bytes)
{
    msgpack_zone zone;
    msgpack_object map;

    DEMAND(link->socket);
    DEMAND(msgpack_zone_init(&zone, 1024));
    DEMAND(mp_unpack_map(bytes, &zone, &map) && mp_get_int(&map, "v", 0) == 1);
    msgpack_zone_destroy(&zone);
    asked = true;
    return true;
}

bool link_receive(struct link *link, zmq_msg_t *message)
{
    if (!link->socket || !asked || incoming.len == 0)
        return false;
    struct slice frame = fuzz_frame(&incoming);
    DEMAND(zmq_msg_init_size(message, frame.len) == 0);
    if (frame.len)
        memcpy(zmq_msg_data(message), frame.data, frame.len);
    return true;
}

bool link_wait(struct link *link, bool writable, int wait_ms)
{
    (void)link;
    (void)writable;
    DEMAND(wait_ms >= -1);
    return false;
}

/* ---- values and errors ---- */

/* Reads everything of a value in every way that there is. */
static size_t walk(const struct modq_value *value)
{
    size_t len = 0;
    size_t all = (size_t)modq_int(value, 1) + modq_bool(value, false) + (modq_float(value, 0) > 1);

    if (modq_text(value, &len) && len)
        all += (size_t)modq_text(value, NULL)[len - 1];
    if (modq_bytes(value, &len) && len)
        all += modq_bytes(value, NULL)[len - 1];
    DEMAND(!modq_item(value, modq_count(value)) && !modq_key(value, modq_count(value)));
    for (size_t i = 0; i < modq_count(value); i++) {
        DEMAND(modq_item(value, i));
        DEMAND((modq_key(value, i) != NULL) == (modq_type(value) == MODQ_MAP));
        all += walk(modq_item(value, i));
    }
    return all;
}

static bool is_string(const char *text, size_t size)
{
    return memchr(text, '\0', size) && utf8_valid(slice_of(text), NULL);
}

static void check_error(const struct modq_error *error)
{
    struct backoff backoff = {0};

    DEMAND(error->number != 0);
    DEMAND(is_string(error->name, sizeof(error->name)) && is_string(error->field, sizeof(error->field)));
    DEMAND(is_string(error->message, sizeof(error->message)));
    DEMAND(error->class_ > MODQ_CLASS_NONE && modq_class_name(error->class_)[0]);
    DEMAND(backoff_next(&backoff, error->retry_after_ms, LONGEST_PAUSE_MS) >= 1);
}

/* ---- a key file ---- */

static void check_key(const struct modq_key *key)
{
    struct modq_key *copy = key_copy(key);
    const char *public_text = modq_key_text(key, MODQ_KEY_PUBLIC);
    char again[Z85_BYTES];

    DEMAND(copy && public_text && strlen(key_secret(key)) == Z85_BYTES - 1);
    modq_key_encode(modq_key_public(key), again);
    DEMAND(strcmp(again, public_text) == 0);
    DEMAND(strcmp(key_secret(copy), key_secret(key)) == 0);
    for (int i = 0; i <= MODQ_KEY_DESK; i++) {
        const char *text = modq_key_text(key, (enum modq_key_text)i);
        DEMAND(!text || !strpbrk(text, "\r\n\""));
        DEMAND(slice_equal(slice_of(text), slice_of(modq_key_text(copy, (enum modq_key_text)i))));
    }
    modq_key_free(copy);
}

static void run_key(struct fuzz_input *input)
{
    struct modq_error error = {0};
    char *text = fuzz_text(fuzz_rest(input));
    struct modq_key *key = key_empty();

    bool good = key && key_parse(key, text, &error);
    fuzz_count(good);
    if (good)
        check_key(key);
    else
        check_error(&error);
    modq_key_free(key);
    free(text);
}

/* ---- a comment of a program ---- */

static void run_comment(struct fuzz_input *input)
{
    struct modq_comment *comment = modq_comment_new();
    struct comment_event event;
    struct modq_error error;
    struct limits limits;
    struct fault fault;
    struct out out = {0};
    msgpack_zone zone;
    msgpack_object map;
    size_t values = 0;

    DEMAND(comment && msgpack_zone_init(&zone, 4096));
    while (input->len > 0) {
        unsigned which = fuzz_byte(input) % 20;
        struct slice text = fuzz_frame(input);
        if (which < 16)
            modq_comment_text(comment, (enum modq_comment_text)which, text.data, text.len);
        else
            modq_comment_number(comment, (enum modq_comment_number)(which - 16), atoll(text.len < 9 ? "0" : "77777"));
    }
    limits_default(&limits);
    bool good = comment_pack(comment, &limits, &out, &values, &error);
    fuzz_count(good);
    DEMAND(modq_comment_check(comment, NULL, NULL) == good);
    if (good) {
        DEMAND(values > 3 && mp_unpack_map(out_slice(&out), &zone, &map));
        DEMAND(comment_decode(&map, &limits, NULL, &event, &fault));
    } else {
        check_error(&error);
    }
    msgpack_zone_destroy(&zone);
    out_free(&out);
    modq_comment_free(comment);
}

/* ---- answers ---- */

enum { REQUESTS = 3 };

static void take_answer(struct modq_answer *answer, bool told[REQUESTS])
{
    size_t i = (size_t)(intptr_t)modq_answer_tag(answer);
    const struct modq_error *error = modq_answer_error(answer);

    DEMAND(i < REQUESTS && !told[i]);
    told[i] = true;
    if (error)
        check_error(error);
    else
        DEMAND(modq_answer_value(answer));
    fuzz_count(!error);
    walk(modq_answer_value(answer));
    modq_answer_free(answer);
}

/* Whatever the daemon says, each request comes to an end, once, and in time. */
static void run_answers(struct fuzz_input *input)
{
    static const char *const operations[REQUESTS] = {"hello", "list", "show"};
    struct modq_error error = {0};
    struct modq_answer *answer;
    bool told[REQUESTS] = {false};
    struct modq *connection = modq_open("ipc:///nowhere", NULL, &error);

    DEMAND(connection);
    incoming = *input;
    fuzz_now_ms = STEP_MS;
    for (size_t i = 0; i < REQUESTS; i++)
        DEMAND(modq_send(connection, operations[i], NULL, 20 * STEP_MS, (void *)(intptr_t)i, &error));
    for (int i = 0; i < STEPS && modq_pending(connection) > 0; i++) {
        while ((answer = modq_next(connection, 0)))
            take_answer(answer, told);
        fuzz_now_ms += STEP_MS;
    }
    DEMAND(told[0] && told[1] && told[2]);
    modq_close(connection);
    fuzz_now_ms = 0;
}

/* ---- a stream ---- */

static void check_record(const struct modq_stream *stream, const struct modq_value *record, int64_t *seq)
{
    size_t len = 0;

    DEMAND(modq_type(record) == MODQ_MAP);
    DEMAND(modq_get_int(record, "seq", 0) == *seq + 1);
    DEMAND(modq_get_bytes(record, "chain", &len) && len == 32);
    DEMAND(modq_stream_seq(stream) == ++*seq);
    DEMAND(memcmp(modq_stream_chain(stream), modq_get_bytes(record, "chain", NULL), len) == 0);
    walk(record);
}

/* Whatever the daemon sends, what is handed out has no gap and comes once. */
static void run_stream(struct fuzz_input *input)
{
    unsigned how = fuzz_byte(input);
    struct modq_stream_options options = {.site = "news",
                                          .after = how & 1 ? 41 : 0,
                                          .credit = how & 2 ? 2 : 0,
                                          .replay = how & 4,
                                          .give_up_ms = how & 8 ? 5 * STEP_MS : 0};
    struct modq_error error = {0};
    int64_t seq = options.after;
    bool any = false;

    fuzz_now_ms = STEP_MS;
    incoming = *input;
    struct modq_stream *stream = modq_stream_open("ipc:///nowhere", &options, &error);
    DEMAND(stream);
    for (int i = 0; i < STEPS; i++) {
        const struct modq_value *record = NULL;
        enum modq_event event = modq_stream_next(stream, 0, &record);
        DEMAND(modq_stream_wait_ms(stream) >= -1);
        any |= event == MODQ_EVENT_RECORD;
        if (event == MODQ_EVENT_RECORD)
            check_record(stream, record, &seq);
        if (event == MODQ_EVENT_FAILED)
            check_error(modq_stream_error(stream));
        if (event == MODQ_EVENT_FAILED || event == MODQ_EVENT_END)
            break;
        if (event == MODQ_EVENT_NONE)
            fuzz_now_ms += STEP_MS;
    }
    fuzz_count(any);
    modq_stream_close(stream);
    fuzz_now_ms = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const runs[])(struct fuzz_input *) = {run_key, run_comment, run_answers, run_stream};
    struct fuzz_input input = fuzz_begin(data, size);

    runs[fuzz_byte(&input) % 4](&input);
    return 0;
}
