/* What an identity may: a role, sites and rights.
 *
 * A grant never changes; when a key changes, the table makes a new one (access.h). Only the thread that owns the table
 * takes and drops references; any thread may read a grant that a request holds. */
#ifndef MODQD_GRANT_H
#define MODQD_GRANT_H

#include <stdbool.h>
#include <stddef.h>

#include "../store/store.h"
#include "settings.h"

struct grant {
    int references;
    int64_t key; /* number in the store; 0: no key, somebody who is here by way of a socket's permissions */
    char name[NAME_BYTES + 1]; /* "" without a key */
    enum role role;
    unsigned rights;                /* enum right, or-ed */
    int64_t expires_at, revoked_at; /* milliseconds UTC; 0: never */
    bool all_sites;
    size_t site_count;
    char (*sites)[NAME_BYTES + 1];
};

/* Grants of those who come without a key: everything on front and push; a moderator with all rights; an administrator.
 * They are never freed. */
extern struct grant grant_front, grant_moderator, grant_administrator;

/* A copy of what the store says, with one reference. NULL: out of memory, or a row that makes no sense. */
struct grant *grant_new(const struct store_key *key);
void grant_take(struct grant *grant);
void grant_drop(struct grant *grant); /* NULL: nothing */

bool grant_is_good(const struct grant *grant, int64_t now_ms); /* neither revoked nor expired */
/* A moderator has nothing to do at the front socket, nor a front end at the desk. */
bool grant_may_enter(const struct grant *grant, enum settings_socket which);
bool grant_sees(const struct grant *grant, struct slice site);

#endif
