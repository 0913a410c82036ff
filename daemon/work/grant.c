#include "grant.h"

#include <stdlib.h>
#include <string.h>

#include "../../proto/mp.h"

struct grant grant_front = {.references = 1, .role = ROLE_FRONT, .all_sites = true};
struct grant grant_moderator = {.references = 1, .role = ROLE_MODERATOR, .rights = RIGHTS_ALL, .all_sites = true};
struct grant grant_administrator = {
    .references = 1, .role = ROLE_ADMINISTRATOR, .rights = RIGHTS_ALL, .all_sites = true};

static bool copy_site(struct grant *grant, struct slice name)
{
    if (!name.data || name.len > NAME_BYTES)
        return false;
    memcpy(grant->sites[grant->site_count++], name.data, name.len);
    return true;
}

static bool copy_sites(struct grant *grant, struct slice packed)
{
    msgpack_zone zone;
    msgpack_object list;

    if (!msgpack_zone_init(&zone, 1024))
        return false;
    bool good = mp_unpack(packed, &zone, &list) && list.type == MSGPACK_OBJECT_ARRAY;
    if (good)
        good = (grant->sites = calloc(mp_count(&list) + 1, sizeof(*grant->sites))) != NULL;
    for (size_t i = 0; good && i < mp_count(&list); i++)
        good = copy_site(grant, mp_str(mp_item(&list, i)));
    msgpack_zone_destroy(&zone);
    return good;
}

struct grant *grant_new(const struct store_key *key)
{
    struct grant *grant = calloc(1, sizeof(*grant));

    if (!grant)
        return NULL;
    grant->references = 1;
    grant->key = key->no;
    grant->role = key->role;
    grant->rights = key->role == ROLE_ADMINISTRATOR ? RIGHTS_ALL : key->rights;
    grant->expires_at = key->expires_at;
    grant->revoked_at = key->revoked_at;
    grant->all_sites = key->role == ROLE_ADMINISTRATOR || key->all_sites;
    memcpy(grant->name, key->name, sizeof(grant->name));
    if (grant->all_sites || copy_sites(grant, key->sites))
        return grant;
    grant_drop(grant);
    return NULL;
}

void grant_take(struct grant *grant)
{
    grant->references++;
}

void grant_drop(struct grant *grant)
{
    if (!grant || --grant->references > 0)
        return;
    free(grant->sites);
    free(grant);
}

bool grant_is_good(const struct grant *grant, int64_t now_ms)
{
    return !grant->revoked_at && (!grant->expires_at || now_ms < grant->expires_at);
}

bool grant_may_enter(const struct grant *grant, enum settings_socket which)
{
    return grant->role == ROLE_ADMINISTRATOR || (grant->role == ROLE_MODERATOR) == (which == SOCKET_DESK);
}

bool grant_sees(const struct grant *grant, struct slice site)
{
    for (size_t i = 0; !grant->all_sites && i < grant->site_count; i++)
        if (slice_is(site, grant->sites[i]))
            return true;
    return grant->all_sites;
}
