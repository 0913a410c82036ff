#include "key_map.h"

#include "../../proto/mp.h"

bool key_is_good(const struct store_key *key, int64_t now)
{
    return !key->revoked_at && (!key->expires_at || now < key->expires_at);
}

static void time_or_nil(struct out *out, const char *key, int64_t at)
{
    out_key(out, key);
    if (at)
        out_int(out, at);
    else
        out_nil(out);
}

static void encode_rights(unsigned rights, struct out *out)
{
    out_key(out, "rights");
    out_array(out);
    for (unsigned right = 1; right <= RIGHTS_ALL; right <<= 1)
        if (rights & right)
            out_str(out, slice_of(right_name((enum right)right)));
    out_end(out);
}

static struct slice public_key_of(const struct store_key *key)
{
    return key->has_public ? (struct slice){(const char *)key->public_key, PUBLIC_KEY_BYTES} : SLICE_NONE;
}

void key_encode(const struct store_key *key, int64_t now, struct out *out)
{
    out_map(out);
    out_key_int(out, "key", key->no);
    out_key_cstr(out, "name", key->name);
    out_key_cstr(out, "role", role_name(key->role));
    out_key_bin(out, "public_key", public_key_of(key));
    out_key(out, "uid");
    if (key->uid == UID_NONE)
        out_nil(out);
    else
        out_int(out, key->uid);
    out_key_raw(out, "sites", key->sites);
    encode_rights(key->rights, out);
    out_key_int(out, "created_at", key->created_at);
    out_key_cstr(out, "created_by", key->created_by);
    time_or_nil(out, "expires_at", key->expires_at);
    time_or_nil(out, "revoked_at", key->revoked_at);
    out_key_cstr(out, "state", key->revoked_at ? "revoked" : key_is_good(key, now) ? "good" : "expired");
    out_end(out);
}

void key_tell(const struct store_key *key, struct out *data)
{
    out_key_int(data, "key", key->no);
    out_key_cstr(data, "name", key->name);
    out_key_int(data, "role", key->role);
    out_key_int(data, "rights", key->rights);
    if (key->has_public)
        out_key_bin(data, "public_key", public_key_of(key));
    else
        out_key_int(data, "uid", key->uid);
    if (!key->all_sites)
        out_key_raw(data, "sites", key->sites);
    if (key->expires_at)
        out_key_int(data, "expires_at", key->expires_at);
}

static bool take_name(struct slice from, char name[NAME_BYTES + 1])
{
    if (from.len == 0 || from.len > NAME_BYTES)
        return false;
    memcpy(name, from.data, from.len);
    name[from.len] = '\0';
    return true;
}

bool key_told(const struct store_event *event, const msgpack_object *data, struct store_key *key, struct out *sites)
{
    struct slice public_key = mp_get_bin(data, "public_key");
    const msgpack_object *list = mp_get(data, "sites");

    *key = (struct store_key){.no = mp_get_int(data, "key", 0),
                              .role = (enum role)mp_get_int(data, "role", ROLE_NONE),
                              .rights = (unsigned)mp_get_int(data, "rights", 0),
                              .has_public = public_key.len == PUBLIC_KEY_BYTES,
                              .uid = mp_get_int(data, "uid", UID_NONE),
                              .all_sites = !list,
                              .created_at = event->at,
                              .expires_at = mp_get_int(data, "expires_at", 0)};
    if (key->has_public)
        memcpy(key->public_key, public_key.data, PUBLIC_KEY_BYTES);
    out_reset(sites);
    if (list)
        out_object(sites, list);
    key->sites = list ? out_slice(sites) : SLICE_NONE;
    return key->no > 0 && !sites->failed && take_name(mp_get_str(data, "name"), key->name) &&
           take_name(event->actor, key->created_by);
}

/* Only what the data holds; the words for numbers that mean nothing are nil. */
void key_encode_told(const msgpack_object *data, struct out *out)
{
    static const char *const plain[] = {"key", "name", "public_key", "uid", "sites", "expires_at"};
    int64_t role = mp_get_int(data, "role", ROLE_NONE);

    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        if (mp_get(data, plain[i])) {
            out_key(out, plain[i]);
            out_object(out, mp_get(data, plain[i]));
        }
    if (mp_get(data, "role"))
        out_key_cstr(out, "role", role > ROLE_NONE && role < ROLE_COUNT ? role_name((enum role)role) : NULL);
    if (mp_get(data, "rights"))
        encode_rights((unsigned)mp_get_int(data, "rights", 0), out);
}
