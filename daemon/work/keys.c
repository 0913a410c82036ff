#include "keys.h"

#include <stdlib.h>

#include "../../proto/fields.h"
#include "admit.h"
#include "card.h"
#include "key_map.h"

#define ROWS(table)    (sizeof(table) / sizeof((table)[0]))
#define UID_MAX        INT64_C(4294967294)
#define NO_MAX         ((INT64_C(1) << 53) - 1)
#define OVERLAP_MAX_MS (INT64_C(30) * 24 * 3600 * 1000)

enum { OVERLAP_DEFAULT_MS = 24 * 3600 * 1000, SITES_OF_A_KEY = 100, RIGHT_COUNT = 4, GOOD_OF_A_NAME = 100 };

struct key_args {
    struct slice name, role_word, public_key;
    int64_t no;         /* 0: not given */
    int64_t uid;        /* UID_NONE: not given */
    int64_t expires_at; /* -1: not given */
    int64_t overlap_ms, after;
    bool all;
    const msgpack_object *site_list, *right_list; /* NULL: not given */
    enum role role;
    unsigned rights;
    size_t sites_at, sites_len; /* packed, in request->scratch */
};

static struct key_args *decode(struct request *request, const struct settings *settings, const struct field *table,
                               size_t rows)
{
    struct key_args *args = request_alloc(request, sizeof(*args));

    request->args = args;
    if (!args)
        return NULL;
    args->uid = UID_NONE;
    args->expires_at = -1;
    args->overlap_ms = OVERLAP_DEFAULT_MS;
    return fields_decode(&request->map, table, rows, &settings->limits, NULL, args, &request->fault) ? args : NULL;
}

/* ---- what a key_add says ---- */

static const struct field add_fields[] = {
    FIELD(struct key_args, name, "name", NAME, FIELD_REQUIRED, 1, 64),
    FIELD(struct key_args, role_word, "role", TEXT, FIELD_REQUIRED, 0, 64),
    FIELD(struct key_args, public_key, "public_key", BIN, 0, PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES),
    FIELD(struct key_args, uid, "uid", INT, 0, 0, UID_MAX),
    FIELD(struct key_args, site_list, "sites", LIST, 0, 1, SITES_OF_A_KEY),
    FIELD(struct key_args, right_list, "rights", LIST, 0, 0, RIGHT_COUNT),
    FIELD(struct key_args, expires_at, "expires_at", TIME, 0, 0, 0),
};

static bool bad_value(struct request *request, const struct path *at, const char *key, const char *why)
{
    fault_at(&request->fault, E_BAD_VALUE, at, key);
    fault_say(&request->fault, "%s: %s", request->fault.field, why);
    return false;
}

static bool check_public(struct request *request, struct slice public_key)
{
    static const char zeros[PUBLIC_KEY_BYTES];

    if (!public_key.data || memcmp(public_key.data, zeros, PUBLIC_KEY_BYTES) != 0)
        return true;
    return bad_value(request, NULL, "public_key", "32 zero bytes are nobody's key");
}

static bool check_owner(struct request *request, const struct key_args *args)
{
    if (admit_is_reserved(args->name))
        return bad_value(request, NULL, "name", "this name is the daemon's own");
    if (args->public_key.data && args->uid != UID_NONE)
        return bad_value(request, NULL, "uid", "a key has a public_key or a uid, not both");
    if (args->uid == 0)
        return bad_value(request, NULL, "uid", "root is an administrator in any case");
    if (args->public_key.data || args->uid != UID_NONE)
        return check_public(request, args->public_key);
    fault_at(&request->fault, E_MISSING_FIELD, NULL, "public_key");
    fault_say(&request->fault, "public_key: this or a uid is needed");
    return false;
}

static bool take_role(struct request *request, struct key_args *args)
{
    args->role = role_of(args->role_word);
    return args->role != ROLE_COUNT || bad_value(request, NULL, "role", "must be front, moderator or administrator");
}

static bool take_site(struct request *request, const struct key_args *args, size_t i)
{
    struct path list = {.key = "sites"};
    struct path at = {.up = &list, .index = i};
    struct slice name = mp_str(mp_item(args->site_list, i));

    if (!name.data)
        return fault_at(&request->fault, E_BAD_TYPE, &at, NULL);
    if (!field_check_text(name, FIELD_NAME, 0, 0, &at, NULL, &request->fault))
        return false;
    for (size_t j = 0; j < i; j++)
        if (slice_equal(name, mp_str(mp_item(args->site_list, j))))
            return bad_value(request, &at, NULL, "this site is given twice");
    out_str(&request->scratch, name);
    return true;
}

static bool take_sites(struct request *request, struct key_args *args)
{
    if (!args->site_list)
        return true;
    if (args->role == ROLE_ADMINISTRATOR)
        return bad_value(request, NULL, "sites", "an administrator has all sites");
    args->sites_at = request->scratch.len;
    out_array(&request->scratch);
    for (size_t i = 0; i < mp_count(args->site_list); i++)
        if (!take_site(request, args, i))
            return false;
    out_end(&request->scratch);
    args->sites_len = request->scratch.len - args->sites_at;
    return !request->scratch.failed || fault_set(&request->fault, E_INTERNAL);
}

static bool take_rights(struct request *request, struct key_args *args)
{
    struct path list = {.key = "rights"};

    if (mp_count(args->right_list) > 0 && args->role != ROLE_MODERATOR)
        return bad_value(request, NULL, "rights", "only a moderator's key has rights");
    for (size_t i = 0; i < mp_count(args->right_list); i++) {
        struct path at = {.up = &list, .index = i};
        struct slice word = mp_str(mp_item(args->right_list, i));
        enum right right = right_of(word);
        if (!word.data)
            return fault_at(&request->fault, E_BAD_TYPE, &at, NULL);
        if (!right)
            return bad_value(request, &at, NULL, "must be undo, escalated, erase or bulk");
        if (args->rights & right)
            return bad_value(request, &at, NULL, "this right is given twice");
        args->rights |= right;
    }
    return true;
}

bool key_add_decode(struct request *request, const struct settings *settings)
{
    struct key_args *args = decode(request, settings, add_fields, ROWS(add_fields));

    return args && take_role(request, args) && check_owner(request, args) && take_sites(request, args) &&
           take_rights(request, args);
}

/* ---- a look at all keys ---- */

/* What one walk over the keys finds: those of a name that are good, and whatever is in a new one's way. */
struct survey {
    struct request *request;
    const struct key_args *args;
    int64_t now;
    int64_t newest, good;
    struct store_key *found; /* good ones of the name, or the one of the number; sites live as long as the request */
    size_t n, cap;
    int64_t same_public, same_uid; /* numbers, 0: none */
};

static bool keep_found(struct survey *survey, const struct store_key *key)
{
    if (survey->n == survey->cap) {
        size_t cap = survey->cap ? survey->cap * 2 : 8;
        struct store_key *found = realloc(survey->found, cap * sizeof(*found));
        if (!found)
            return fault_set(&survey->request->fault, E_INTERNAL);
        survey->found = found;
        survey->cap = cap;
    }
    struct store_key *kept = &survey->found[survey->n];
    *kept = *key;
    if (key->sites.data) {
        char *copy = request_alloc(survey->request, key->sites.len + 1);
        if (!copy)
            return false;
        memcpy(copy, key->sites.data, key->sites.len);
        kept->sites.data = copy;
    }
    survey->n++;
    return true;
}

static bool look_at(void *arg, const struct store_key *key)
{
    struct survey *survey = arg;
    const struct key_args *args = survey->args;
    bool good = key_is_good(key, survey->now);

    survey->newest = key->no;
    survey->good += good;
    if (args->public_key.data && key->has_public &&
        memcmp(key->public_key, args->public_key.data, PUBLIC_KEY_BYTES) == 0)
        survey->same_public = key->no;
    if (good && args->uid != UID_NONE && key->uid == args->uid)
        survey->same_uid = key->no;
    bool asked = args->no ? key->no == args->no : slice_is(args->name, key->name);
    return !good || !asked || keep_found(survey, key);
}

/* False with request->fault or work->trouble set. The caller frees survey->found in any case. */
static bool look_around(struct work *work, struct request *request, struct survey *survey)
{
    *survey = (struct survey){.request = request, .args = request->args, .now = ledger_now(work->ledger)};
    return work_ok(work, work->store->ops->key_scan(work->store, look_at, survey)) && !request->fault.code;
}

static bool key_exists(struct request *request, const char *field, int64_t no, const char *why)
{
    fault_at(&request->fault, E_KEY_EXISTS, NULL, field);
    fault_say(&request->fault, "%s: key %lld %s", field, (long long)no, why);
    fault_int(&request->fault, "key", no);
    return false;
}

static bool check_public_is_new(struct request *request, const struct survey *survey)
{
    return !survey->same_public || key_exists(request, "public_key", survey->same_public, "has this public key");
}

static bool check_room(const struct work *work, struct request *request, int64_t good)
{
    int64_t max = work->settings->limits.value[LIMIT_KEYS];

    if (good <= max)
        return true;
    fault_set(&request->fault, E_TOO_MANY_KEYS);
    fault_int(&request->fault, "max", max);
    return false;
}

/* ---- answers ---- */

static void encode_endpoints(const struct settings_listen *listen, struct out *out)
{
    out_array(out);
    for (size_t i = 0; i < listen->count; i++)
        if (listen->endpoints[i].kind == ENDPOINT_CURVE)
            out_str(out, slice_of(listen->endpoints[i].address));
    out_end(out);
}

/* What the owner of a key needs to know of the daemon. */
static void encode_daemon(const struct work *work, struct out *out)
{
    out_key_bin(out, "server_key", (struct slice){(const char *)work->server_public, PUBLIC_KEY_BYTES});
    out_key(out, "endpoints");
    out_map(out);
    for (enum settings_socket s = 0; s < SOCKET_COUNT; s++) {
        out_key(out, settings_socket_names[s]);
        encode_endpoints(&work->settings->listen[s], out);
    }
    out_end(out);
}

static void encode_keys(const char *name, const struct survey *survey, struct out *out)
{
    out_key(out, name);
    out_array(out);
    for (size_t i = 0; i < survey->n; i++)
        key_encode(&survey->found[i], survey->now, out);
    out_end(out);
}

/* ---- key_add ---- */

static bool append(struct work *work, const struct request *request, enum kind kind, struct out *data)
{
    out_end(data);
    struct ledger_entry entry = {
        .kind = kind, .actor = slice_of(request->actor), .via = work_via(request), .data = out_slice(data)};
    return work_ok(work, ledger_append_bare(work->ledger, &entry));
}

static bool put(struct work *work, const struct store_key *key)
{
    return work_ok(work, work->store->ops->key_put(work->store, key));
}

static struct store_key new_key(const struct request *request, const struct survey *survey)
{
    const struct key_args *args = request->args;
    struct store_key key = {.no = survey->newest + 1,
                            .has_public = args->public_key.data != NULL,
                            .uid = args->uid,
                            .created_at = survey->now};

    memcpy(key.name, args->name.data, args->name.len);
    memcpy(key.created_by, request->actor, sizeof(key.created_by));
    if (key.has_public)
        memcpy(key.public_key, args->public_key.data, PUBLIC_KEY_BYTES);
    return key;
}

static bool check_add(const struct work *work, struct request *request, const struct survey *survey)
{
    const struct key_args *args = request->args;

    if (args->expires_at >= 0 && args->expires_at <= survey->now) {
        fault_at(&request->fault, E_OUT_OF_RANGE, NULL, "expires_at");
        fault_say(&request->fault, "expires_at: is over already");
        fault_int(&request->fault, "min", survey->now + 1);
        fault_int(&request->fault, "max", FIELD_TIME_MAX);
        return false;
    }
    if (!check_public_is_new(request, survey))
        return false;
    if (survey->same_uid)
        return key_exists(request, "uid", survey->same_uid, "is this user's");
    if (survey->n > 0)
        return key_exists(request, "name", survey->found[0].no, "has this name");
    return check_room(work, request, survey->good + 1);
}

static void add(struct work *work, struct request *request, const struct survey *survey, struct out *out)
{
    const struct key_args *args = request->args;
    struct store_key key = new_key(request, survey);

    key.role = args->role;
    key.rights = args->rights;
    key.all_sites = !args->site_list;
    if (args->site_list)
        key.sites = (struct slice){request->scratch.data + args->sites_at, args->sites_len};
    key.expires_at = args->expires_at < 0 ? 0 : args->expires_at;
    struct out *data = work_data(work);
    key_tell(&key, data);
    if (!append(work, request, KIND_KEY_ADDED, data) || !put(work, &key))
        return;
    out_key(out, "key");
    key_encode(&key, survey->now, out);
    encode_daemon(work, out);
}

void key_add_run(struct work *work, struct request *request, struct out *out)
{
    struct survey survey;

    if (look_around(work, request, &survey) && check_add(work, request, &survey))
        add(work, request, &survey, out);
    free(survey.found);
}

/* ---- key_list ---- */

static const struct field list_fields[] = {
    FIELD(struct key_args, all, "all", BOOL, 0, 0, 0),
    FIELD(struct key_args, after, "after", INT, 0, 0, NO_MAX),
};

bool key_list_decode(struct request *request, const struct settings *settings)
{
    return decode(request, settings, list_fields, ROWS(list_fields)) != NULL;
}

struct listing {
    const struct key_args *args;
    struct out *out;
    size_t start;
    int64_t now, last; /* last: number of the last key shown */
    bool more;
};

static bool list_one(void *arg, const struct store_key *key)
{
    struct listing *listing = arg;

    if (key->no <= listing->args->after || !(listing->args->all || key_is_good(key, listing->now)))
        return true;
    listing->more = listing->out->len - listing->start >= CARDS_BYTES;
    if (listing->more)
        return false;
    key_encode(key, listing->now, listing->out);
    listing->last = key->no;
    return true;
}

void key_list_run(struct work *work, struct request *request, struct out *out)
{
    struct listing listing = {.args = request->args, .out = out, .start = out->len, .now = work->clock_ms};

    out_key(out, "keys");
    out_array(out);
    work_ok(work, work->store->ops->key_scan(work->store, list_one, &listing));
    out_end(out);
    out_key(out, "next");
    if (listing.more)
        out_int(out, listing.last);
    else
        out_nil(out);
    encode_daemon(work, out);
}

/* ---- key_revoke ---- */

static const struct field revoke_fields[] = {
    FIELD(struct key_args, name, "name", NAME, 0, 1, 64),
    FIELD(struct key_args, no, "key", INT, 0, 1, NO_MAX),
};

bool key_revoke_decode(struct request *request, const struct settings *settings)
{
    const struct key_args *args = decode(request, settings, revoke_fields, ROWS(revoke_fields));

    if (!args)
        return false;
    if (args->name.data && args->no)
        return bad_value(request, NULL, "key", "a name or a key is revoked, not both");
    if (args->name.data || args->no)
        return true;
    fault_at(&request->fault, E_MISSING_FIELD, NULL, "name");
    fault_say(&request->fault, "name: this or a key is needed");
    return false;
}

static bool revoke(struct work *work, const struct request *request, struct store_key *key, int64_t now)
{
    struct out *data = work_data(work);

    out_key_int(data, "key", key->no);
    out_key_cstr(data, "name", key->name);
    out_key_int(data, "role", key->role);
    key->revoked_at = now;
    return append(work, request, KIND_KEY_REVOKED, data) && put(work, key);
}

static bool no_good_key(struct request *request)
{
    fault_set(&request->fault, E_NOT_FOUND);
    fault_say(&request->fault, "no such key is good");
    return false;
}

void key_revoke_run(struct work *work, struct request *request, struct out *out)
{
    struct survey survey;

    if (look_around(work, request, &survey) && (survey.n > 0 || no_good_key(request))) {
        for (size_t i = 0; i < survey.n && !work->trouble; i++)
            revoke(work, request, &survey.found[i], survey.now);
        encode_keys("keys", &survey, out);
    }
    free(survey.found);
}

/* ---- key_rotate ---- */

static const struct field rotate_fields[] = {
    FIELD(struct key_args, name, "name", NAME, FIELD_REQUIRED, 1, 64),
    FIELD(struct key_args, public_key, "public_key", BIN, FIELD_REQUIRED, PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES),
    FIELD(struct key_args, overlap_ms, "overlap_ms", INT, 0, 0, OVERLAP_MAX_MS),
};

bool key_rotate_decode(struct request *request, const struct settings *settings)
{
    const struct key_args *args = decode(request, settings, rotate_fields, ROWS(rotate_fields));

    return args && check_public(request, args->public_key);
}

static bool check_rotate(const struct work *work, struct request *request, const struct survey *survey)
{
    const struct key_args *args = request->args;
    int64_t ending = args->overlap_ms ? 0 : (int64_t)survey->n;

    if (survey->n == 0)
        return no_good_key(request);
    if (!check_public_is_new(request, survey))
        return false;
    if (survey->n >= GOOD_OF_A_NAME && args->overlap_ms) {
        fault_set(&request->fault, E_TOO_MANY_KEYS);
        fault_say(&request->fault, "so many keys of this name are good: revoke some, or rotate without overlap");
        fault_int(&request->fault, "max", GOOD_OF_A_NAME);
        return false;
    }
    return check_room(work, request, survey->good + 1 - ending);
}

/* Brings the old ones to their end, and tells of it: pairs of number and end. */
static bool end_old(struct work *work, struct survey *survey, int64_t end, struct out *data)
{
    out_key(data, "old");
    out_array(data);
    for (size_t i = 0; i < survey->n; i++) {
        struct store_key *key = &survey->found[i];
        if (key->expires_at && key->expires_at <= end)
            continue;
        key->expires_at = end;
        out_array(data);
        out_int(data, key->no);
        out_int(data, end);
        out_end(data);
        if (!put(work, key))
            return false;
    }
    out_end(data);
    return true;
}

static void rotate(struct work *work, struct request *request, struct survey *survey, struct out *out)
{
    const struct key_args *args = request->args;
    struct store_key key = new_key(request, survey);
    const struct store_key *model = &survey->found[survey->n - 1];

    key.role = model->role;
    key.rights = model->rights & RIGHTS_ALL;
    key.all_sites = model->all_sites;
    key.sites = model->sites;
    key.expires_at = model->expires_at;
    struct out *data = work_data(work);
    key_tell(&key, data);
    if (!end_old(work, survey, survey->now + args->overlap_ms, data) ||
        !append(work, request, KIND_KEY_ROTATED, data) || !put(work, &key))
        return;
    out_key(out, "key");
    key_encode(&key, survey->now, out);
    encode_keys("old", survey, out);
    encode_daemon(work, out);
}

void key_rotate_run(struct work *work, struct request *request, struct out *out)
{
    struct survey survey;

    if (look_around(work, request, &survey) && check_rotate(work, request, &survey))
        rotate(work, request, &survey, out);
    free(survey.found);
}
