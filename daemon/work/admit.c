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

bool admit_is_reserved(struct slice name)
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
            !admit_is_reserved(slice_of(entry.pw_name)))
            snprintf(name, sizeof(name), "%s", entry.pw_name);
        else
            snprintf(name, sizeof(name), "uid:%u", uid);
        known = uid;
    }
    set_actor(request, slice_of(name));
}

static bool deny(struct request *request, const char *why)
{
    fault_set(&request->fault, E_DENIED);
    fault_say(&request->fault, "%s", why);
    return false;
}

static enum settings_socket socket_of(enum door door)
{
    return door == DOOR_FRONT ? SOCKET_FRONT : door == DOOR_PUSH ? SOCKET_PUSH : SOCKET_DESK;
}

/* A key is looked at with each message, because a connection outlives it. A routing id outlives the connection: whoever
 * takes one that another peer chose gets what is still to come for that one. */
static bool identify_key(struct request *request, struct grant *grant, const struct admission *admission)
{
    if (request->peer.named)
        return deny(request, "set no routing id (ZMQ_ROUTING_ID): another peer could take it after you");
    if (!grant)
        return deny(request, "this key is not known");
    if (grant->revoked_at)
        return deny(request, "this key was revoked");
    if (!grant_is_good(grant, admission->now_ms))
        return deny(request, "this key has expired");
    if (!grant_may_enter(grant, socket_of(request->door)))
        return deny(request, "this key is for another socket");
    request->grant = grant;
    return true;
}

static bool is_owner(int64_t uid)
{
    return uid == 0 || uid == (int64_t)geteuid();
}

struct grant *admit_listed(const struct access *access, int64_t uid, int64_t now_ms)
{
    return is_owner(uid) ? NULL : access_by_uid(access, uid, now_ms);
}

/* Over ipc a user with a key of their own is what it says; others are what the socket's permissions make them. */
static bool identify_user(struct request *request, const struct admission *admission)
{
    int64_t uid = request->peer.uid;
    struct grant *listed = admit_listed(admission->access, uid, admission->now_ms);
    bool owner = is_owner(uid);
    bool desk = request->door == DOOR_DESK;

    if (uid == PEER_UNKNOWN && (desk || admission->settings->listen[socket_of(request->door)].listed_only ||
                                access_knows_users(admission->access)))
        return deny(request, "the kernel does not say who you are; use a current version of ZeroMQ");
    if (uid != PEER_UNKNOWN)
        snprintf(request->via, sizeof(request->via), "uid:%lld", (long long)uid);
    if (listed)
        return identify_key(request, listed, admission);
    if (!owner && admission->settings->listen[socket_of(request->door)].listed_only)
        return deny(request, "your user has no key here; an administrator can add one");
    request->grant = !desk ? &grant_front : owner ? &grant_administrator : &grant_moderator;
    return true;
}

static bool identify(struct request *request, const struct admission *admission)
{
    switch (request->peer.proof) {
    case PROOF_KEY:
        snprintf(request->via, sizeof(request->via), "key:%lld", (long long)request->peer.key);
        return identify_key(request, access_by_number(admission->access, request->peer.key), admission);
    case PROOF_USER:
        return identify_user(request, admission);
    case PROOF_NONE:
        snprintf(request->via, sizeof(request->via), "tcp");
        request->grant = request->door == DOOR_DESK ? &grant_moderator : &grant_front;
        return true;
    }
    return false;
}

static bool refuse_reserved(struct request *request, struct slice as)
{
    fault_at(&request->fault, E_BAD_VALUE, NULL, "as");
    fault_say(&request->fault, "as: %.*s is the daemon's own name", (int)as.len, as.data);
    return false;
}

/* Whose name stands under what is done: the socket's where web servers come in, a person's at the desk. */
static void name_actor(struct request *request)
{
    if (request->door != DOOR_DESK)
        set_actor(request, request->door == DOOR_FRONT ? SLICE_LIT("front") : SLICE_LIT("push"));
    else if (request->grant->key)
        set_actor(request, slice_of(request->grant->name));
    else if (request->peer.proof == PROOF_USER)
        set_user(request, (uid_t)request->peer.uid);
}

/* Who acts for others: those whom nobody can hold to a name, and administrators. */
static bool name_other(struct request *request, struct slice as)
{
    if (as.data && admit_is_reserved(as))
        return refuse_reserved(request, as);
    if (as.data && (request->peer.proof == PROOF_NONE || request->grant->role == ROLE_ADMINISTRATOR)) {
        set_actor(request, as);
        return true;
    }
    if (as.data && !slice_is(as, request->actor)) {
        fault_at(&request->fault, E_DENIED, NULL, "as");
        fault_say(&request->fault, "as: only administrators may act for others; you are %s", request->actor);
        return false;
    }
    if (request->actor[0] || request->verb->kind != VERB_CHANGE)
        return true;
    fault_at(&request->fault, E_AS_REQUIRED, NULL, "as");
    fault_say(&request->fault, "as: over TCP without a key a moderator's name is needed");
    return false;
}

static bool check_role(struct request *request)
{
    if (request->verb->roles & (1U << request->grant->role))
        return true;
    fault_set(&request->fault, E_DENIED);
    fault_say(&request->fault, "%s is for administrators", request->verb->name);
    fault_str(&request->fault, "right", SLICE_LIT("administrator"));
    return false;
}

/* What a request is about: the items of the list that its verb looks at, and no other; or itself. */
static const msgpack_object *items_of(const struct request *request)
{
    const msgpack_object *list = mp_get(&request->map, request->verb->items ? request->verb->items : "comments");

    return mp_count(list) ? list : NULL;
}

static bool check_rights(struct request *request, const struct settings *settings)
{
    bool many = (int64_t)mp_count(items_of(request)) > settings->limits.value[LIMIT_BULK_ITEMS];

    if (request->verb->right && !request_may(request, request->verb->right, &request->fault))
        return false;
    return !request->verb->bulk || !many || request_may(request, RIGHT_BULK, &request->fault);
}

/* Sites are compared here for every verb: the one that the request names, and those of its items, which are refused one
 * by one. What is no name is left to the verb's decoding. */
static bool check_sites(struct request *request)
{
    struct slice site = mp_get_str(&request->map, "site");
    const msgpack_object *items = items_of(request);
    size_t n = mp_count(items);
    bool *foreign = NULL;

    if (request->verb->scope == SCOPE_NONE || request->grant->all_sites)
        return true;
    if (site.data && !grant_sees(request->grant, site)) {
        fault_at(&request->fault, E_DENIED, NULL, "site");
        fault_say(&request->fault, "site: you have no right to this site");
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        site = mp_get_str(mp_item(items, i), "site");
        if (!site.data || grant_sees(request->grant, site))
            continue;
        if (!foreign && !(foreign = request_alloc(request, n * sizeof(*foreign))))
            return false;
        foreign[i] = true;
    }
    request->foreign = foreign;
    return true;
}

/* Who is asking, and may they: the one place (PROTOCOL.md, "Who is asking" and "Who may do what"). */
static bool authorise(struct request *request, const struct settings *settings, struct slice as)
{
    return check_role(request) && (request->door != DOOR_DESK || name_other(request, as)) &&
           check_rights(request, settings) && check_sites(request);
}

enum { BYTES_AN_ITEM = 4096, LISTED_AN_ITEM = 10, LISTED_MAX = 1000 };

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* How many are to be shown, for what costs as much as it shows. What is out of range is refused later. */
static int64_t listed(const struct request *request)
{
    int64_t asked = most(mp_get_int(&request->map, "limit", 0), request->verb->lists);

    return !request->verb->lists ? 0 : asked < LISTED_MAX ? asked : LISTED_MAX;
}

/* How much the request counts against its key's rate: its items, its size, or what it wants to be shown. */
static int64_t weigh(const struct request *request)
{
    int64_t items = (int64_t)mp_count(items_of(request));
    int64_t size = (int64_t)(request->body.len / BYTES_AN_ITEM);

    return most(most(items, size), most(listed(request) / LISTED_AN_ITEM, 1));
}

/* Credit that was refused would be lost, because nobody expects an answer to it, and with it the stream. */
static bool is_paced(const struct verb *verb)
{
    return verb->kind != VERB_STREAM || verb->scope != SCOPE_NONE;
}

static bool keep_pace(struct request *request, const struct admission *admission)
{
    if (!is_paced(request->verb))
        return true;
    if (!access_pace(admission->access, request->grant, weigh(request), admission->boot_ms,
                     &admission->settings->limits, &request->tally, &request->fault))
        return false;
    access_begin(admission->access, request->grant);
    request->counted = true;
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

static bool find_verb(struct request *request, struct slice op)
{
    request->verb = verb_find(op, request->door);
    return request->verb || unknown_operation(request, op);
}

/* What was asked, as far as it can be read, so that whoever is refused is answered under the id they gave. */
static bool read_envelope(struct request *request, const struct settings *settings, struct envelope *envelope)
{
    if (!mp_unpack_map(request->body, &request->zone, &request->map))
        return fault_set(&request->fault, E_MALFORMED);
    return decode_id(request) &&
           fields_decode(&request->map, envelope_fields, sizeof(envelope_fields) / sizeof(envelope_fields[0]),
                         &settings->limits, NULL, envelope, &request->fault) &&
           check_version(request, envelope);
}

bool admit(struct request *request, const struct admission *admission)
{
    const struct settings *settings = admission->settings;
    struct envelope envelope = {0};

    fault_set(&request->fault, E_OK);
    if (!read_envelope(request, settings, &envelope) || !identify(request, admission))
        return false;
    grant_take(request->grant);
    name_actor(request);
    if (!find_verb(request, envelope.op) || !keep_pace(request, admission) ||
        !authorise(request, settings, envelope.as) || !check_operation(request, envelope.operation) ||
        !request->verb->decode(request, settings))
        return false;
    if (request->operation.data)
        hash_asked(request);
    return request->fault.code == E_OK;
}

void admit_end(struct request *request, struct access *access)
{
    if (request->counted)
        access_end(access, request->grant);
    request->counted = false;
    grant_drop(request->grant);
    request->grant = NULL;
}
