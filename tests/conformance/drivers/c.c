/* The driver of the conformance suite for libmodq (tests/conformance/README.md): a JSON object a line in, one out.
 *
 * JSON becomes MessagePack objects and back; everything between is the library's. Comments go through modq_submitter,
 * as far as modq_comment can say them: a body that is a number, say, can only be sent as bare fields. */
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "clients/c/internal.h"
#include "proto/mp.h"

enum { HANDLES = 64, NAME_BYTES = 64, PATIENCE_MS = 5000 };

struct front {
    struct modq *connection;
    int timeout_ms;
    bool knows_limits;
};

/* A place in a file of its own, or in a database that somebody else has opened. */
struct place {
    struct modq_store *store; /* NULL: none */
    sqlite3 *database;        /* NULL: the store's own */
};

struct stream {
    struct modq_stream *stream;
    char *site;
    struct place place;
    struct modq_position recorded;
};

static struct handle {
    char name[NAME_BYTES];
    struct front *front; /* one of the three, or none: free */
    struct stream *stream;
    struct modq_store *outbox;
} handles[HANDLES];

/* ---- answers */

static json_t *succeeded(void)
{
    return json_pack("{s:b}", "ok", 1);
}

static json_t *error_json(const struct modq_error *error)
{
    json_t *map =
        json_pack("{s:s, s:i, s:s, s:s, s:b}", "name", error->name, "number", error->number, "class",
                  modq_class_name(error->class_), "message", error->message, "keep", error->class_ == MODQ_CLASS_RETRY);

    json_object_set_new(map, "field", error->field[0] ? json_string(error->field) : json_null());
    json_object_set_new(map, "retry_after_ms",
                        error->retry_after_ms >= 0 ? json_integer(error->retry_after_ms) : json_null());
    return map;
}

static json_t *failed(const struct modq_error *error)
{
    return json_pack("{s:b, s:o}", "ok", 0, "error", error_json(error));
}

static json_t *bad_request(const char *what)
{
    struct modq_error error;

    error_local(&error, MODQ_E_ARGUMENT, "%s", what);
    return failed(&error);
}

/* ---- JSON to MessagePack objects, whose texts belong to the JSON */

static bool hex_bytes(const char *hex, size_t len, char *bytes)
{
    for (size_t i = 0; i + 1 < len; i += 2) {
        char pair[3] = {hex[i], hex[i + 1], 0};
        char *end;
        bytes[i / 2] = (char)strtol(pair, &end, 16);
        if (*end)
            return false;
    }
    return len % 2 == 0;
}

/* {"$bin": "hex"}, and nothing else beside it. */
static json_t *bin_of(json_t *json)
{
    return json_object_size(json) == 1 ? json_object_get(json, "$bin") : NULL;
}

static msgpack_object packed(json_t *json, msgpack_zone *zone);

static msgpack_object packed_bin(json_t *hex, msgpack_zone *zone)
{
    msgpack_object object = {.type = MSGPACK_OBJECT_BIN};
    size_t len = json_string_length(hex);
    char *bytes = msgpack_zone_malloc(zone, len / 2 + 1);

    if (hex_bytes(json_string_value(hex), len, bytes))
        object.via.bin = (msgpack_object_bin){(uint32_t)(len / 2), bytes};
    return object;
}

static msgpack_object text_object(const char *text, size_t len)
{
    return (msgpack_object){.type = MSGPACK_OBJECT_STR, .via.str = {(uint32_t)len, text}};
}

static msgpack_object packed_map(json_t *json, msgpack_zone *zone)
{
    msgpack_object object = {.type = MSGPACK_OBJECT_MAP};
    size_t n = 0;

    object.via.map.ptr = msgpack_zone_malloc(zone, (json_object_size(json) + 1) * sizeof(msgpack_object_kv));
    for (void *at = json_object_iter(json); at; at = json_object_iter_next(json, at))
        object.via.map.ptr[n++] =
            (msgpack_object_kv){text_object(json_object_iter_key(at), json_object_iter_key_len(at)),
                                packed(json_object_iter_value(at), zone)};
    object.via.map.size = (uint32_t)n;
    return object;
}

static msgpack_object packed_list(json_t *json, msgpack_zone *zone)
{
    msgpack_object object = {.type = MSGPACK_OBJECT_ARRAY};
    size_t n = json_array_size(json);

    object.via.array.size = (uint32_t)n;
    object.via.array.ptr = msgpack_zone_malloc(zone, (n + 1) * sizeof(msgpack_object));
    for (size_t i = 0; i < n; i++)
        object.via.array.ptr[i] = packed(json_array_get(json, i), zone);
    return object;
}

static msgpack_object packed_int(int64_t number)
{
    msgpack_object object = {.type = number < 0 ? MSGPACK_OBJECT_NEGATIVE_INTEGER : MSGPACK_OBJECT_POSITIVE_INTEGER};

    object.via.i64 = number;
    return object;
}

static msgpack_object packed(json_t *json, msgpack_zone *zone)
{
    switch (json ? json_typeof(json) : JSON_NULL) {
    case JSON_OBJECT:
        return json_is_string(bin_of(json)) ? packed_bin(bin_of(json), zone) : packed_map(json, zone);
    case JSON_ARRAY:
        return packed_list(json, zone);
    case JSON_STRING:
        return text_object(json_string_value(json), json_string_length(json));
    case JSON_INTEGER:
        return packed_int(json_integer_value(json));
    case JSON_REAL:
        return (msgpack_object){.type = MSGPACK_OBJECT_FLOAT64, .via.f64 = json_real_value(json)};
    case JSON_TRUE:
    case JSON_FALSE:
        return (msgpack_object){.type = MSGPACK_OBJECT_BOOLEAN, .via.boolean = json_is_true(json)};
    default:
        return (msgpack_object){.type = MSGPACK_OBJECT_NIL};
    }
}

/* ---- values to JSON */

static json_t *hex_json(const uint8_t *bytes, size_t len)
{
    char *hex = malloc(2 * len + 1);

    hex[0] = '\0';
    for (size_t i = 0; i < len; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    json_t *json = json_stringn(hex, 2 * len);
    free(hex);
    return json;
}

static json_t *bin_json(const uint8_t *bytes, size_t len)
{
    return json_pack("{s:o}", "$bin", hex_json(bytes, len));
}

static json_t *text_json(const struct modq_value *value)
{
    size_t len;
    const char *text = modq_text(value, &len);
    json_t *json = json_stringn(text, len);

    return json ? json : bin_json((const uint8_t *)text, len); /* no UTF-8 */
}

static json_t *value_json(const struct modq_value *value);

static json_t *map_json(const struct modq_value *map)
{
    json_t *json = json_object();
    size_t len;

    for (size_t i = 0; i < modq_count(map); i++) {
        const char *key = modq_text(modq_key(map, i), &len);
        json_object_setn_new(json, key, len, value_json(modq_item(map, i)));
    }
    return json;
}

static json_t *list_json(const struct modq_value *list)
{
    json_t *json = json_array();

    for (size_t i = 0; i < modq_count(list); i++)
        json_array_append_new(json, value_json(modq_item(list, i)));
    return json;
}

static json_t *value_json(const struct modq_value *value)
{
    size_t len;
    const uint8_t *bytes;

    switch (modq_type(value)) {
    case MODQ_BOOL:
        return json_boolean(modq_bool(value, false));
    case MODQ_INT:
        return json_integer(modq_int(value, 0));
    case MODQ_FLOAT:
        return json_real(modq_float(value, 0));
    case MODQ_TEXT:
        return text_json(value);
    case MODQ_BYTES:
        bytes = modq_bytes(value, &len);
        return bin_json(bytes, len);
    case MODQ_LIST:
        return list_json(value);
    case MODQ_MAP:
        return map_json(value);
    default:
        return json_null();
    }
}

/* ---- what requests say */

static const char *text(json_t *request, const char *key)
{
    return json_string_value(json_object_get(request, key));
}

static int64_t number(json_t *request, const char *key, int64_t otherwise)
{
    json_t *json = json_object_get(request, key);

    return json_is_integer(json) ? json_integer_value(json) : otherwise;
}

/* The handle that the request names under `key`; with `free_one`, one for a new thing of that name. */
static struct handle *find(json_t *request, const char *key, bool free_one)
{
    const char *name = text(request, key);

    for (int i = 0; name && i < HANDLES; i++) {
        bool used = handles[i].front || handles[i].stream || handles[i].outbox;
        if (free_one ? !used : used && strcmp(handles[i].name, name) == 0)
            return &handles[i];
    }
    return NULL;
}

static void name_it(struct handle *handle, json_t *request)
{
    snprintf(handle->name, sizeof(handle->name), "%s", text(request, "name"));
}

/* The key that the request names: false when it cannot be had. None: NULL. */
static bool load_key(json_t *request, struct modq_key **key, struct modq_error *error)
{
    const char *path = text(request, "key");

    *key = path ? modq_key_load(path, error) : NULL;
    return !path || *key;
}

/* ---- vectors */

static json_t *do_about(json_t *request)
{
    (void)request;
    return json_pack("{s:b, s:s, s:[s, s, s, s, s, s, s, s, s]}", "ok", 1, "language", "c", "can", "vectors",
                     "exchange", "stream", "push", "key", "place_file", "place_sql", "outbox", "retry_refused");
}

static json_t *do_encode(json_t *request)
{
    msgpack_zone zone;
    struct out out = {0};

    msgpack_zone_init(&zone, MSGPACK_ZONE_CHUNK_SIZE);
    msgpack_object object = packed(json_object_get(request, "value"), &zone);
    out_object(&out, &object);
    json_t *answer = json_pack("{s:b, s:o}", "ok", 1, "hex", hex_json((const uint8_t *)out.data, out.len));
    out_free(&out);
    msgpack_zone_destroy(&zone);
    return answer;
}

/* A message that holds the bytes of `hex`. */
static void message_of(zmq_msg_t *message, json_t *hex)
{
    size_t len = json_string_length(hex);

    zmq_msg_init_size(message, len / 2);
    hex_bytes(json_string_value(hex), len, zmq_msg_data(message));
}

static json_t *do_decode(json_t *request)
{
    zmq_msg_t frame;

    message_of(&frame, json_object_get(request, "hex"));
    struct message *message = message_open(&frame);
    if (!message)
        return bad_request("this is no message");
    json_t *answer = json_pack("{s:b, s:o}", "ok", 1, "value", value_json(as_value(&message->map)));
    message_free(message);
    return answer;
}

/* The next message's map; null when none comes in time. */
static json_t *receive_json(struct link *link, int64_t until)
{
    zmq_msg_t frame;

    while (now_ms() < until) {
        link_look(link);
        if (link_receive(link, &frame)) {
            struct message *message = message_open(&frame);
            json_t *json = message ? value_json(as_value(&message->map)) : json_null();
            message_free(message);
            return json;
        }
        link_wait(link, false, wait_until(until, -1));
    }
    return json_null();
}

static json_t *do_exchange(json_t *request)
{
    struct link link = {0};
    struct modq_error error;
    zmq_msg_t body;

    if (!link_open(&link, text(request, "endpoint"), NULL, ZMQ_DEALER, &error) || !link_renew(&link))
        return failed(&error);
    message_of(&body, json_object_get(request, "hex"));
    int64_t until = now_ms() + number(request, "timeout_ms", PATIENCE_MS);
    while (!link_send(&link, (struct slice){zmq_msg_data(&body), zmq_msg_size(&body)}) && now_ms() < until)
        link_wait(&link, true, wait_until(until, -1));
    json_t *answer = json_pack("{s:b, s:o}", "ok", 1, "reply", receive_json(&link, until));
    zmq_msg_close(&body);
    link_close(&link);
    return answer;
}

/* ---- front */

static json_t *do_front(json_t *request)
{
    struct handle *handle = find(request, "name", true);
    struct modq_error error;
    struct modq_key *key;

    if (!handle || !load_key(request, &key, &error))
        return handle ? failed(&error) : bad_request("no name, or too many");
    struct front *front = calloc(1, sizeof(*front));
    front->connection = modq_open(text(request, "endpoint"), key, &error);
    modq_key_free(key);
    if (!front->connection) {
        free(front);
        return failed(&error);
    }
    front->timeout_ms = (int)number(request, "timeout_ms", PATIENCE_MS);
    modq_set_attempt_ms(front->connection, (int)number(request, "attempt_ms", PATIENCE_MS));
    handle->front = front;
    name_it(handle, request);
    return succeeded();
}

static struct front *front_of(json_t *request)
{
    struct handle *handle = find(request, "front", false);

    return handle ? handle->front : NULL;
}

/* The answer's own keys. */
static json_t *answer_json(const struct modq_answer *answer)
{
    static const char *const envelope[] = {"v", "id", "op", "ok"};
    json_t *json = map_json(modq_answer_value(answer));

    for (size_t i = 0; i < sizeof(envelope) / sizeof(envelope[0]); i++)
        json_object_del(json, envelope[i]);
    return json;
}

/* The pairs of a map. */
static struct modq_fields *fields_of(json_t *map)
{
    struct modq_fields *fields = modq_fields_new();
    msgpack_zone zone;

    msgpack_zone_init(&zone, MSGPACK_ZONE_CHUNK_SIZE);
    for (void *at = json_object_iter(map); at; at = json_object_iter_next(map, at)) {
        msgpack_object value = packed(json_object_iter_value(at), &zone);
        modq_put_key(fields, json_object_iter_key(at), json_object_iter_key_len(at));
        modq_put_value(fields, NULL, as_value(&value));
    }
    msgpack_zone_destroy(&zone);
    return fields;
}

static json_t *ask(struct front *front, const char *op, json_t *fields, int timeout_ms)
{
    struct modq_fields *packed_fields = fields_of(fields);
    json_t *json;

    struct modq_answer *answer = modq_call(front->connection, op, packed_fields, timeout_ms);
    if (modq_answer_error(answer))
        json = failed(modq_answer_error(answer));
    else
        json = json_pack("{s:b, s:o}", "ok", 1, "answer", answer_json(answer));
    modq_answer_free(answer);
    modq_fields_free(packed_fields);
    return json;
}

static json_t *do_hello(json_t *request)
{
    struct front *front = front_of(request);

    return front ? ask(front, "hello", NULL, front->timeout_ms) : bad_request("no such front");
}

static int64_t wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static json_t *do_call(json_t *request)
{
    struct front *front = front_of(request);

    if (!front || !text(request, "op"))
        return bad_request("no such front, or no op");
    json_t *fields = json_object_get(request, "fields");
    if (strcmp(text(request, "op"), "report") == 0 && !json_object_get(fields, "at"))
        json_object_set_new(fields, "at", json_integer(wall_ms())); /* so that a repeat counts once */
    return ask(front, text(request, "op"), fields, front->timeout_ms);
}

/* ---- comments */

static const struct {
    const char *map, *key; /* map NULL: the comment's own */
    enum modq_comment_text which;
} texts[] = {
    {NULL, "site", MODQ_SITE},
    {NULL, "comment", MODQ_COMMENT},
    {NULL, "body", MODQ_BODY},
    {NULL, "parent", MODQ_PARENT},
    {NULL, "language", MODQ_LANGUAGE},
    {"article", "id", MODQ_ARTICLE_ID},
    {"article", "title", MODQ_ARTICLE_TITLE},
    {"article", "url", MODQ_ARTICLE_URL},
    {"article", "language", MODQ_ARTICLE_LANGUAGE},
    {"author", "id", MODQ_AUTHOR_ID},
    {"author", "name", MODQ_AUTHOR_NAME},
    {"author", "address_hash", MODQ_AUTHOR_ADDRESS_HASH},
};

static const struct {
    const char *map, *key;
    enum modq_comment_number which;
} numbers[] = {
    {NULL, "revision", MODQ_REVISION},
    {NULL, "created_at", MODQ_CREATED_AT},
    {"author", "registered_at", MODQ_AUTHOR_REGISTERED_AT},
};

/* Where a field is: NULL when it is not there, or is null. *fits becomes false when its place is no map. */
static json_t *field_of(json_t *event, const char *map, const char *key, bool *fits)
{
    json_t *place = map ? json_object_get(event, map) : event;
    json_t *json = json_object_get(place, key);

    if (place && !json_is_null(place) && !json_is_object(place))
        *fits = false;
    return json_is_null(json) ? NULL : json;
}

static bool put_extra(struct modq_comment *comment, json_t *extra)
{
    struct modq_fields *fields = fields_of(extra);
    bool put = modq_comment_extra(comment, fields);

    modq_fields_free(fields);
    return put;
}

/* Fills the comment. False: an event that modq_comment cannot say. */
static bool put_comment(struct modq_comment *comment, json_t *event)
{
    bool fits = json_is_object(event);
    json_t *extra = json_object_get(event, "extra");

    modq_comment_reset(comment);
    for (size_t i = 0; fits && i < sizeof(texts) / sizeof(texts[0]); i++) {
        json_t *json = field_of(event, texts[i].map, texts[i].key, &fits);
        fits = fits && (!json || json_is_string(json));
        if (fits && json)
            modq_comment_text(comment, texts[i].which, json_string_value(json), json_string_length(json));
    }
    for (size_t i = 0; fits && i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        json_t *json = field_of(event, numbers[i].map, numbers[i].key, &fits);
        fits = fits && (!json || json_is_integer(json));
        if (fits && json)
            modq_comment_number(comment, numbers[i].which, json_integer_value(json));
    }
    if (!fits || !extra || json_is_null(extra))
        return fits;
    return json_is_object(extra) && put_extra(comment, extra);
}

/* W3C Trace Context, version 00: 00-{32 hex}-{16 hex}-{2 hex}, neither id all zeros; a later version may go on. */
static bool is_traceparent(const char *header)
{
    static const char form[] = "hh-hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh-hhhhhhhhhhhhhhhh-hh";
    size_t len = strlen(header);

    if (len < sizeof(form) - 1 || strncmp(header, "ff", 2) == 0)
        return false;
    for (size_t i = 0; i < sizeof(form) - 1; i++)
        if (form[i] == '-' ? header[i] != '-' : !strchr("0123456789abcdef", header[i]))
            return false;
    if (strspn(header + 3, "0") >= 32 || strspn(header + 36, "0") >= 16)
        return false;
    return len == sizeof(form) - 1 || (strncmp(header, "00", 2) != 0 && header[sizeof(form) - 1] == '-');
}

static void put_traceparent(json_t *comments, const char *header)
{
    if (!header || !is_traceparent(header))
        return;
    for (size_t i = 0; i < json_array_size(comments); i++) {
        json_t *event = json_array_get(comments, i);
        json_t *extra = json_object_get(event, "extra");
        if (!extra || json_is_null(extra))
            json_object_set_new(event, "extra", extra = json_object());
        if (!json_object_get(extra, "traceparent"))
            json_object_set_new(extra, "traceparent", json_string(header));
    }
}

static json_t *refusal(json_t *event, const struct modq_error *error)
{
    json_t *result = json_pack("{s:s, s:o}", "status", error->name, "error", error_json(error));

    json_object_set(result, "site", json_object_get(event, "site"));
    json_object_set(result, "comment", json_object_get(event, "comment"));
    return result;
}

static void take_result(const struct modq_result *result, json_t *comments, json_t *results)
{
    bool told = result->stored || modq_type(modq_get(result->result, "error")) == MODQ_MAP;
    json_t *json = told ? value_json(result->result) : refusal(json_array_get(comments, result->tag), &result->error);

    json_array_set_new(results, result->tag, json);
}

static json_t *submit_all(struct front *front, json_t *comments, int timeout_ms)
{
    struct modq_submitter *submitter = modq_submitter_new(front->connection, timeout_ms);
    struct modq_comment *comment = modq_comment_new();
    json_t *results = json_array();
    struct modq_error error;
    struct modq_result result;

    for (size_t i = 0; i < json_array_size(comments); i++) {
        int taken;
        json_array_append_new(results, json_null());
        put_comment(comment, json_array_get(comments, i));
        while ((taken = modq_submitter_add(submitter, comment, i, &error)) == 0)
            if (modq_submitter_next(submitter, -1, &result))
                take_result(&result, comments, results);
        if (taken < 0)
            json_array_set_new(results, i, refusal(json_array_get(comments, i), &error));
    }
    while (modq_submitter_pending(submitter) > 0)
        if (modq_submitter_next(submitter, -1, &result))
            take_result(&result, comments, results);
    modq_submitter_free(submitter);
    modq_comment_free(comment);
    return results;
}

static bool can_say(json_t *comments)
{
    struct modq_comment *comment = modq_comment_new();
    bool can = true;

    for (size_t i = 0; can && i < json_array_size(comments); i++)
        can = put_comment(comment, json_array_get(comments, i));
    modq_comment_free(comment);
    return can;
}

/* As bare fields, in one request. */
static json_t *submit_bare(struct front *front, json_t *comments, int timeout_ms)
{
    json_t *fields = json_pack("{s:O}", "comments", comments);
    json_t *said = ask(front, "submit", fields, timeout_ms);
    json_t *results = json_object_get(json_object_get(said, "answer"), "results");
    json_t *answer = results ? json_pack("{s:b, s:O}", "ok", 1, "results", results) : json_incref(said);

    json_decref(said);
    json_decref(fields);
    return answer;
}

static json_t *refuse_all(json_t *comments, const struct modq_error *error)
{
    json_t *results = json_array();

    for (size_t i = 0; i < json_array_size(comments); i++)
        json_array_append_new(results, refusal(json_array_get(comments, i), error));
    return json_pack("{s:b, s:o}", "ok", 1, "results", results);
}

static json_t *do_submit(json_t *request)
{
    struct front *front = front_of(request);
    json_t *comments = json_object_get(request, "comments");
    struct modq_error error;

    if (!front || !json_is_array(comments))
        return bad_request("no such front, or no list of comments");
    int64_t timeout_ms = number(request, "timeout_ms", front->timeout_ms);
    int64_t until = now_ms() + timeout_ms;
    if (!front->knows_limits && !modq_hello(front->connection, (int)timeout_ms, &error))
        return refuse_all(comments, &error);
    front->knows_limits = true;
    put_traceparent(comments, text(request, "traceparent"));
    if (!can_say(comments))
        return submit_bare(front, comments, wait_until(until, -1));
    return json_pack("{s:b, s:o}", "ok", 1, "results", submit_all(front, comments, wait_until(until, -1)));
}

/* ---- push */

static json_t *do_push(json_t *request)
{
    json_t *comments = json_object_get(request, "comments");
    int linger_ms = (int)number(request, "linger_ms", PATIENCE_MS);
    struct modq_comment *comment = modq_comment_new();
    struct modq_error error;
    struct modq_key *key;
    struct modq_push *push =
        load_key(request, &key, &error) ? modq_push_open(text(request, "endpoint"), key, &error) : NULL;
    bool added = push;

    for (size_t i = 0; added && i < json_array_size(comments); i++) {
        put_comment(comment, json_array_get(comments, i));
        added = modq_push_add(push, comment, linger_ms, &error) || error.number == MODQ_E_TIMEOUT;
    }
    size_t unsent = push ? modq_push_close(push, linger_ms) : 0;
    modq_comment_free(comment);
    modq_key_free(key);
    return added ? json_pack("{s:b, s:I}", "ok", 1, "unsent", (json_int_t)unsent) : failed(&error);
}

/* ---- stream */

static const uint8_t *bytes_of(json_t *request, const char *key, size_t len, uint8_t *bytes)
{
    json_t *hex = bin_of(json_object_get(request, key));

    return json_string_length(hex) == 2 * len && hex_bytes(json_string_value(hex), 2 * len, (char *)bytes) ? bytes
                                                                                                           : NULL;
}

static void close_place(struct place *place)
{
    modq_store_close(place->store);
    sqlite3_close_v2(place->database);
}

/* {"file": path} or {"sql": path}; null: none. */
static bool open_place(struct place *place, json_t *json, struct modq_error *error)
{
    const char *file = text(json, "file");
    const char *sql = text(json, "sql");

    *place = (struct place){0};
    if (file)
        place->store = modq_store_open(file, error);
    else if (sql && sqlite3_open(sql, &place->database) == SQLITE_OK)
        place->store = modq_store_attach(place->database, error);
    else
        return !sql || error_local(error, MODQ_E_SYSTEM, "%s: %s", sql, sqlite3_errmsg(place->database));
    return place->store;
}

static bool begin_stream(struct stream *stream, json_t *request, struct modq_error *error)
{
    struct modq_position from;
    struct modq_key *key;
    uint8_t hash[HASH_BYTES];
    uint8_t epoch[EPOCH_BYTES];
    struct modq_stream_options options = {
        .site = stream->site,
        .after = number(request, "after", 0),
        .hash = bytes_of(request, "hash", sizeof(hash), hash),
        .epoch = bytes_of(request, "epoch", sizeof(epoch), epoch),
        .credit = (int)number(request, "credit", 0),
        .replay = json_is_false(json_object_get(request, "live")),
        .give_up_ms = (int)number(request, "give_up_ms", 0),
    };

    if (!open_place(&stream->place, json_object_get(request, "place"), error))
        return false;
    if (stream->place.store) {
        if (!modq_store_load_place(stream->place.store, stream->site, &from, error))
            return false;
        options.after = from.seq;
        options.hash = from.has_chain ? from.chain : NULL;
        options.epoch = from.has_epoch ? from.epoch : NULL;
    }
    if (!load_key(request, &key, error))
        return false;
    options.key = key;
    stream->stream = modq_stream_open(text(request, "endpoint"), &options, error);
    modq_key_free(key);
    if (stream->stream)
        modq_stream_position(stream->stream, &stream->recorded);
    return stream->stream;
}

static void free_stream(struct stream *stream)
{
    modq_stream_close(stream->stream);
    close_place(&stream->place);
    free(stream->site);
    free(stream);
}

static json_t *do_stream(json_t *request)
{
    struct handle *handle = find(request, "name", true);
    struct modq_error error;

    if (!handle || !text(request, "site"))
        return bad_request("no name or site, or too many");
    struct stream *stream = calloc(1, sizeof(*stream));
    stream->site = strdup(text(request, "site"));
    if (!begin_stream(stream, request, &error)) {
        free_stream(stream);
        return failed(&error);
    }
    handle->stream = stream;
    name_it(handle, request);
    return succeeded();
}

static struct stream *stream_of(json_t *request)
{
    struct handle *handle = find(request, "stream", false);

    return handle ? handle->stream : NULL;
}

static json_t *do_next(json_t *request)
{
    static const char *const names[] = {"none", "record", "level", "lost", "end", "failed"};
    struct stream *stream = stream_of(request);
    const struct modq_value *record;

    if (!stream)
        return bad_request("no such stream");
    enum modq_event event = modq_stream_next(stream->stream, (int)number(request, "wait_ms", PATIENCE_MS), &record);
    json_t *answer = json_pack("{s:b, s:s}", "ok", 1, "event", names[event]);
    if (event == MODQ_EVENT_RECORD)
        json_object_set_new(answer, "record", value_json(record));
    if (event == MODQ_EVENT_FAILED)
        json_object_set_new(answer, "error", error_json(modq_stream_error(stream->stream)));
    return answer;
}

static json_t *do_recorded(json_t *request)
{
    struct stream *stream = stream_of(request);
    struct modq_error error;

    if (!stream)
        return bad_request("no such stream");
    struct modq_position position;
    modq_stream_position(stream->stream, &position);
    if (stream->place.store && !modq_store_save_place(stream->place.store, stream->site, &position, &error))
        return failed(&error);
    stream->recorded = position;
    return succeeded();
}

static json_t *do_place(json_t *request)
{
    struct stream *stream = stream_of(request);

    if (!stream)
        return bad_request("no such stream");
    return json_pack("{s:b, s:I, s:o}", "ok", 1, "seq", (json_int_t)stream->recorded.seq, "chain",
                     stream->recorded.has_chain ? bin_json(stream->recorded.chain, HASH_BYTES) : json_null());
}

/* ---- outbox */

static json_t *do_outbox(json_t *request)
{
    struct handle *handle = find(request, "name", true);
    struct modq_error error;

    if (!handle)
        return bad_request("no name, or too many");
    handle->outbox = modq_store_open(text(request, "path"), &error);
    if (!handle->outbox)
        return failed(&error);
    name_it(handle, request);
    return succeeded();
}

static struct modq_store *outbox_of(json_t *request)
{
    struct handle *handle = find(request, "outbox", false);

    return handle ? handle->outbox : NULL;
}

static json_t *keep_comment(struct modq_store *outbox, json_t *event)
{
    struct modq_comment *comment = modq_comment_new();
    struct modq_error error;
    json_t *answer;

    if (!put_comment(comment, event))
        answer = bad_request("a comment that modq_comment cannot say");
    else
        answer = modq_store_keep_comment(outbox, comment, NULL, &error) ? succeeded() : failed(&error);
    modq_comment_free(comment);
    return answer;
}

static json_t *do_keep(json_t *request)
{
    struct modq_store *outbox = outbox_of(request);
    json_t *values = json_object_get(request, "fields");
    struct modq_error error;

    if (!outbox || !text(request, "op"))
        return bad_request("no such outbox, or no op");
    if (strcmp(text(request, "op"), "submit") == 0)
        return keep_comment(outbox, json_object_get(values, "comment"));
    struct modq_fields *fields = fields_of(values);
    json_t *answer = modq_store_keep(outbox, text(request, "op"), fields, &error) ? succeeded() : failed(&error);
    modq_fields_free(fields);
    return answer;
}

/* What is set aside, by number. */
static json_t *set_aside(struct modq_store *outbox)
{
    json_t *errors = json_object();
    struct modq_refused refused = {0};
    struct modq_error error;
    char number[32];

    while (modq_store_refused(outbox, refused.number, &refused, &error)) {
        snprintf(number, sizeof(number), "%lld", (long long)refused.number);
        json_object_set_new(errors, number, error_json(&refused.error));
    }
    return errors;
}

static json_t *newly_set_aside(struct modq_store *outbox, json_t *before)
{
    json_t *now = set_aside(outbox);
    json_t *errors = json_array();
    const char *number;
    json_t *error;

    json_object_foreach(now, number, error) if (!json_object_get(before, number)) json_array_append(errors, error);
    json_decref(now);
    return errors;
}

static json_t *do_flush(json_t *request)
{
    struct modq_store *outbox = outbox_of(request);
    struct front *front = front_of(request);
    struct modq_flushed flushed;
    struct modq_error error;
    json_t *answer;

    if (!outbox || !front)
        return bad_request("no such outbox or front");
    json_t *before = set_aside(outbox);
    if (modq_store_flush(outbox, front->connection, (int)number(request, "timeout_ms", PATIENCE_MS), &flushed, &error))
        answer = json_pack("{s:b, s:I, s:I, s:o}", "ok", 1, "sent", (json_int_t)flushed.sent, "left",
                           (json_int_t)flushed.left, "refused", newly_set_aside(outbox, before));
    else
        answer = failed(&error);
    json_decref(before);
    return answer;
}

static json_t *counted(const char *key, int64_t count, const struct modq_error *error)
{
    return count < 0 ? failed(error) : json_pack("{s:b, s:I}", "ok", 1, key, (json_int_t)count);
}

static json_t *do_count(json_t *request)
{
    struct modq_store *outbox = outbox_of(request);
    struct modq_error error;

    return outbox ? counted("left", modq_store_count(outbox, &error), &error) : bad_request("no such outbox");
}

static json_t *do_retry_refused(json_t *request)
{
    struct modq_store *outbox = outbox_of(request);
    struct modq_error error;

    return outbox ? counted("count", modq_store_retry_refused(outbox, &error), &error) : bad_request("no such outbox");
}

/* ---- the program */

static void close_handle(struct handle *handle)
{
    if (handle->front)
        modq_close(handle->front->connection);
    if (handle->stream)
        free_stream(handle->stream);
    modq_store_close(handle->outbox);
    free(handle->front);
    *handle = (struct handle){0};
}

static json_t *do_close(json_t *request)
{
    static const char *const kinds[] = {"front", "stream", "outbox"};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct handle *handle = find(request, kinds[i], false);
        if (handle) {
            close_handle(handle);
            return succeeded();
        }
    }
    return bad_request("nothing of that name is open");
}

static json_t *answer_to(json_t *request)
{
    static const struct {
        const char *name;
        json_t *(*run)(json_t *request);
    } verbs[] = {
        {"about", do_about},
        {"encode", do_encode},
        {"decode", do_decode},
        {"exchange", do_exchange},
        {"front", do_front},
        {"hello", do_hello},
        {"submit", do_submit},
        {"call", do_call},
        {"push", do_push},
        {"stream", do_stream},
        {"next", do_next},
        {"place", do_place},
        {"close", do_close},
        {"recorded", do_recorded},
        {"outbox", do_outbox},
        {"keep", do_keep},
        {"flush", do_flush},
        {"count", do_count},
        {"retry_refused", do_retry_refused},
    };
    const char *name = text(request, "do");

    for (size_t i = 0; name && i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcmp(verbs[i].name, name) == 0)
            return verbs[i].run(request);
    return bad_request("unknown request");
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len;

    while ((len = getline(&line, &room, stdin)) > 0) {
        json_t *request = json_loadb(line, (size_t)len, JSON_ALLOW_NUL, NULL);
        json_t *answer = json_is_object(request) ? answer_to(request) : bad_request("a line is one JSON object");
        json_dumpf(answer, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(answer);
        json_decref(request);
    }
    free(line);
    for (int i = 0; i < HANDLES; i++)
        close_handle(&handles[i]);
    return 0;
}
