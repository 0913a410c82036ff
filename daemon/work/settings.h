/* What the configuration says, read-only once the daemon runs. */
#ifndef MODQD_SETTINGS_H
#define MODQD_SETTINGS_H

#include <stdint.h>

#include "../../proto/limits.h"
#include "../policy/policy.h"

struct settings_site {
    char *name;
    char *policy_path;
    struct policy *policy;
};

struct settings {
    char *dir;
    char *front, *push, *decisions, *desk; /* endpoints */
    int64_t heartbeat_ms, credit_timeout_ms;
    struct limits limits;
    char *policy_path; /* NULL: the one compiled in */
    struct policy *policy;
    struct settings_site *sites;
    size_t site_count;
};

/* The policy that a site decides by. Never NULL. */
const struct policy *settings_policy(const struct settings *settings, struct slice site);

#endif
