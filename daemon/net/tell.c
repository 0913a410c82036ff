#include "tell.h"

#include <stdio.h>
#include <string.h>

#include "../../proto/fields.h"
#include "../log.h"
#include "../work/grant.h"
#include "../work/verbs.h"

static const char *door_name(enum door door)
{
    return door == DOOR_FRONT ? "front" : door == DOOR_PUSH ? "push" : "desk";
}

/* A name that the request itself gives, if it is one. */
static struct slice named(const struct request *request, const char *key, enum field_type type, int64_t most)
{
    struct slice name = mp_get_str(&request->map, key);
    struct fault fault;

    return name.data && field_check_text(name, type, 1, most, NULL, key, &fault) ? name : SLICE_NONE;
}

/* Who asked for what. */
static struct log_fields fields_of(const struct request *request)
{
    return (struct log_fields){.site = named(request, "site", FIELD_NAME, NAME_BYTES),
                               .comment = named(request, "comment", FIELD_KEY, KEY_BYTES),
                               .key = request->grant ? request->grant->key : request->peer.key,
                               .key_name = request->grant ? request->grant->name : NULL,
                               .actor = request->actor,
                               .via = request->via,
                               .door = door_name(request->door),
                               .operation = request->verb ? request->verb->name : NULL};
}

/* "ann (key:7)" as far as it is known. */
static const char *who(const struct request *request, char text[128])
{
    const struct grant *grant = request->grant;
    const char *name = grant && grant->key ? grant->name : request->actor[0] ? request->actor : "somebody";

    if (request->via[0])
        snprintf(text, 128, "%s (%s)", name, request->via);
    else
        snprintf(text, 128, "%s", name);
    return text;
}

/* Only the error and the field: the message may quote what was sent. */
static void tell_push(const struct request *request)
{
    const struct fault *fault = request->fault.code ? &request->fault : request->refused_why;
    struct log_fields fields = fields_of(request);

    if (!fault)
        return;
    fields.error = error_info(fault->code)->name;
    if (request->refused_site.data)
        fields.site = request->refused_site;
    if (request->refused_comment.data)
        fields.comment = request->refused_comment;
    log_event(LOG_ID_PUSH_REFUSED, &fields, "push: refused: %s%s%s", fields.error, fault->field[0] ? ": " : "",
              fault->field);
}

/* What is denied quotes nothing that was sent. */
static const char *why(const struct fault *fault)
{
    if (!fault->code)
        return "items that they have no right to";
    return fault->message[0] ? fault->message : error_info(fault->code)->message;
}

static void tell_denied(const struct request *request)
{
    struct log_fields fields = fields_of(request);
    char text[128];

    fields.error = error_info(E_DENIED)->name;
    fields.cause = why(&request->fault);
    log_event(LOG_ID_DENIED, &fields, "%s: %s was denied%s%s: %s", fields.door, who(request, text),
              fields.operation ? ": " : "", fields.operation ? fields.operation : "", fields.cause);
}

static void tell_limit(const struct request *request)
{
    struct log_fields fields = fields_of(request);
    char text[128];

    fields.error = error_info(E_BUSY)->name;
    fields.limit = request->tally.limit->name;
    log_event(LOG_ID_LIMIT_REACHED, &fields, "%s: %s is told to wait: the limit %s is reached", fields.door,
              who(request, text), fields.limit);
}

/* keys */

/* A text of a key map, as a string. */
static const char *text_of(const msgpack_object *key, const char *name, char text[NAME_BYTES + 1])
{
    struct slice value = mp_get_str(key, name);

    snprintf(text, NAME_BYTES + 1, "%.*s", (int)value.len, value.data ? value.data : "");
    return text;
}

static void tell_key(enum log_id id, const struct request *request, const msgpack_object *key, const char *done)
{
    char name[NAME_BYTES + 1];
    char role[NAME_BYTES + 1];
    char text[128];
    struct log_fields fields = fields_of(request);

    fields.key = mp_get_int(key, "key", 0);
    fields.key_name = text_of(key, "name", name);
    fields.role = text_of(key, "role", role);
    log_event(id, &fields, "key %lld (%s, %s) was %s by %s", (long long)fields.key, name, role, done,
              who(request, text));
}

static void tell_keys(const struct request *request, const msgpack_object *reply)
{
    const char *op = request->verb->name;
    const msgpack_object *revoked = mp_get(reply, "keys");

    if (strcmp(op, "key_add") == 0)
        tell_key(LOG_ID_KEY_ADDED, request, mp_get(reply, "key"), "added");
    else if (strcmp(op, "key_rotate") == 0)
        tell_key(LOG_ID_KEY_ROTATED, request, mp_get(reply, "key"), "added to take the place of older ones");
    else
        for (size_t i = 0; i < mp_count(revoked); i++)
            tell_key(LOG_ID_KEY_REVOKED, request, mp_item(revoked, i), "revoked");
}

static bool changes_keys(const struct request *request)
{
    const char *op = request->verb ? request->verb->name : "";

    return !request->fault.code && !request->tally.repeated &&
           (strcmp(op, "key_add") == 0 || strcmp(op, "key_rotate") == 0 || strcmp(op, "key_revoke") == 0);
}

/* The answer names the keys as they are now; it is read as whoever asked will read it. */
static void read_keys(const struct request *request)
{
    msgpack_zone zone;
    msgpack_object reply;

    if (!msgpack_zone_init(&zone, 1024))
        return;
    if (mp_unpack_map(out_slice(&request->reply), &zone, &reply))
        tell_keys(request, &reply);
    msgpack_zone_destroy(&zone);
}

void tell_answered(const struct request *request)
{
    enum error whole = request->fault.code;

    if (request->door == DOOR_INSIDE)
        return;
    if (request->door == DOOR_PUSH)
        tell_push(request);
    else if (whole == E_DENIED || (!whole && request->tally.errors[E_DENIED]))
        tell_denied(request);
    else if (request->tally.limit)
        tell_limit(request);
    else if (changes_keys(request))
        read_keys(request);
}

void tell_connections(struct counters *counters, int64_t refused)
{
    int64_t before = counters->connections_refused;

    if (refused <= before)
        return;
    log_event(LOG_ID_LIMIT_REACHED, &(struct log_fields){.limit = "connections"},
              "%lld connections were closed at once: as many are open as there may be", (long long)(refused - before));
    counters->connections_refused = refused; /* whoever reads the figure finds the line */
}
