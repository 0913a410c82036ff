#include "admit.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "../../proto/fields.h"
#include "verbs.h"

struct envelope {
    int64_t v;
    struct slice op, as, operation;
    const msgpack_object *id;
};

static const struct field envelope_fields[] = {
    FIELD(struct envelope, v, "v", INT, FIELD_REQUIRED, INT64_MIN, INT64_MAX),
    FIELD(struct envelope, op, "op", TEXT, FIELD_REQUIRED, 1, 64),
    FIELD(struct envelope, id, "id", ANY, 0, 0, 0),
    FIELD(struct envelope, as, "as", NAME, 0, 1, 64),
    FIELD(struct envelope, operation, "operation", BIN, 0, OPERATION_BYTES, OPERATION_BYTES),
};

/* An id that is good comes back in the answer, whatever else is wrong. */
static bool decode_id(struct request *request)
{
    const msgpack_object *id = mp_get(&request->map, "id");

    if (!id)
        return true;
    if (!request_check_id(id, "id", &request->fault))
        return false;
    request->id = id;
    return true;
}

static bool unknown_operation(struct request *request, struct slice op)
{
    fault_at(&request->fault, E_UNKNOWN_OPERATION, NULL, "op");
    fault_say(&request->fault, "unknown operation \"%.*s\"", (int)op.len, op.data);
    return false;
}

/* Everything but the id, so that a repeat under another id is the same request. */
static void hash_asked(struct request *request)
{
    struct out bytes = {0};
    const msgpack_object_map *map = &request->map.via.map;

    out_array(&bytes);
    for (uint32_t i = 0; i < map->size; i++)
        if (!slice_is(mp_str(&map->ptr[i].key), "id")) {
            out_object(&bytes, &map->ptr[i].key);
            out_object(&bytes, &map->ptr[i].val);
        }
    out_end(&bytes);
    sha256_of(request->asked, out_slice(&bytes));
    if (bytes.failed)
        fault_set(&request->fault, E_INTERNAL);
    out_free(&bytes);
}

static void set_actor(struct request *request, struct slice name)
{
    size_t len = name.len < NAME_BYTES ? name.len : NAME_BYTES;
    memcpy(request->actor, name.data, len);
    request->actor[len] = '\0';
}

/* Actors of the daemon's own, whom nobody else may be taken for. */
static bool is_reserved(struct slice name)
{
    return slice_is(name, "modqd") || slice_is(name, "front") || slice_is(name, "push");
}

/* The system's name of a user; "uid:N" when it has none, or one that is reserved. Kept for the next request, which is
 * mostly the same user's: a look-up reads files. */
static void set_user(struct request *request, uid_t uid)
{
    static uid_t known;
    static char name[NAME_BYTES + 1];
    char buffer[4096];
    struct passwd entry;
    struct passwd *found = NULL;

    if (!name[0] || known != uid) {
        if (getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) == 0 && found &&
            !is_reserved(slice_of(entry.pw_name)))
            snprintf(name, sizeof(name), "%s", entry.pw_name);
        else
            snprintf(name, sizeof(name), "uid:%u", uid);
        known = uid;
    }
    set_actor(request, slice_of(name));
}

static bool refuse_reserved(struct request *request, struct slice as)
{
    fault_at(&request->fault, E_BAD_VALUE, NULL, "as");
    fault_say(&request->fault, "as: %.*s is the daemon's own name", (int)as.len, as.data);
    return false;
}

static bool authorise_moderator(struct request *request, struct slice as)
{
    bool changes = request->verb->kind == VERB_CHANGE;

    if (as.data && is_reserved(as))
        return refuse_reserved(request, as);
    if (request->peer.uid == PEER_UNKNOWN_LOCAL) {
        fault_set(&request->fault, E_DENIED);
        fault_say(&request->fault, "the kernel does not say who you are; use a current version of ZeroMQ");
        return false;
    }
    bool administrator = request->peer.uid == 0 || request->peer.uid == (int64_t)geteuid();
    if (as.data && (administrator || request->peer.uid < 0)) {
        set_actor(request, as);
        return true;
    }
    if (request->peer.uid < 0) {
        if (!changes)
            return true;
        fault_at(&request->fault, E_AS_REQUIRED, NULL, "as");
        fault_say(&request->fault, "as: over TCP a moderator's name is needed");
        return false;
    }
    set_user(request, (uid_t)request->peer.uid);
    if (!as.data || slice_is(as, request->actor))
        return true;
    fault_at(&request->fault, E_DENIED, NULL, "as");
    fault_say(&request->fault, "as: only root and the daemon's own user may act for others; you are %s",
              request->actor);
    return false;
}

/* Who is asking, and may they: the one place (PROTOCOL.md, "Who is asking"). */
static bool authorise(struct request *request, struct slice as)
{
    if (request->door == DOOR_DESK)
        return authorise_moderator(request, as);
    set_actor(request, request->door == DOOR_FRONT ? SLICE_LIT("front") : SLICE_LIT("push"));
    return true;
}

/* Only hello may be asked in a version that is not spoken: its answer says which are. */
static bool check_version(struct request *request, const struct envelope *envelope)
{
    if (envelope->v == 1 || slice_is(envelope->op, "hello"))
        return true;
    fault_at(&request->fault, E_UNSUPPORTED_VERSION, NULL, "v");
    fault_say(&request->fault, "v: version %lld is not spoken here", (long long)envelope->v);
    fault_numbers(&request->fault, "versions", SLICE_LIT("1"));
    return false;
}

static bool check_operation(struct request *request, struct slice operation)
{
    enum verb_operation rule = request->door == DOOR_DESK ? request->verb->operation : OPERATION_NONE;

    request->operation = rule == OPERATION_NONE ? SLICE_NONE : operation;
    if (rule != OPERATION_NEEDED || operation.data)
        return true;
    fault_at(&request->fault, E_MISSING_FIELD, NULL, "operation");
    fault_say(&request->fault, "operation: required, 16 random bytes chosen once for each wish");
    return false;
}

bool admit(struct request *request, const struct settings *settings)
{
    struct envelope envelope = {0};

    fault_set(&request->fault, E_OK);
    if (!mp_unpack_map(request->body, &request->zone, &request->map))
        return fault_set(&request->fault, E_MALFORMED);
    if (!decode_id(request) ||
        !fields_decode(&request->map, envelope_fields, sizeof(envelope_fields) / sizeof(envelope_fields[0]),
                       &settings->limits, NULL, &envelope, &request->fault))
        return false;
    if (!check_version(request, &envelope))
        return false;
    request->verb = verb_find(envelope.op, request->door);
    if (!request->verb)
        return unknown_operation(request, envelope.op);
    if (!authorise(request, envelope.as) || !check_operation(request, envelope.operation) ||
        !request->verb->decode(request, settings))
        return false;
    if (request->operation.data)
        hash_asked(request);
    return request->fault.code == E_OK;
}
