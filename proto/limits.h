/* The limits of the protocol: one list for names, defaults and ranges (proto/PROTOCOL.md, "Limits"). */
#ifndef MODQ_LIMITS_H
#define MODQ_LIMITS_H

#include <stdint.h>

#include "slice.h"

/* clang-format off */
/*    id                    name                     default        least    most */
#define MODQ_LIMITS(X)                                                                  \
    X(MAX_MESSAGE_BYTES,    "max_message_bytes",     1048576,       65536,   67108864)      \
    X(MAX_BATCH,            "max_batch",             256,           1,       512)           \
    X(BODY_BYTES,           "body_bytes",            65536,         1,       1048576)       \
    X(EXTRA_BYTES,          "extra_bytes",           4096,          0,       65536)         \
    X(NOTE_BYTES,           "note_bytes",            4096,          1,       65536)         \
    X(MAX_CREDIT,           "max_credit",            1000,          1,       10000)         \
    X(STREAMS,              "streams",               1024,          1,       65536)         \
    X(STREAMS_PER_PEER,     "streams_per_peer",      32,            1,       1024)          \
    X(CLAIMS_PER_MODERATOR, "claims_per_moderator",  500,           1,       10000)         \
    X(REVISIONS,            "revisions",             100,           1,       10000)         \
    X(LISTENERS_PER_SITE,   "listeners_per_site",    64,            1,       1000)          \
    X(SITES,                "sites",                 1000,          1,       10000)         \
    X(PENDING_PER_SITE,     "pending_per_site",      10000000,      1,       1000000000)    \
    X(QUEUE_REQUESTS,       "queue_requests",        8192,          16,      1000000)       \
    X(QUEUE_BYTES,          "queue_bytes",           67108864,      1048576, 4294967296)    \
    X(RESERVE_BYTES,        "reserve_bytes",         67108864,      0,       1099511627776) \
    X(DATABASE_BYTES,       "database_bytes",        1099511627776, 1048576, 17592186044416) \
    X(KEYS,                 "keys",                  1000,          1,       100000)        \
    X(BULK_ITEMS,           "bulk_items",            20,            1,       512)           \
    X(REQUESTS_PER_KEY,     "requests_per_key",      2000,          1,       1000000)       \
    X(RATE_PER_KEY,         "rate_per_key",          2000,          1,       10000000)      \
    X(CONNECTIONS,          "connections",           1024,          16,      65536)         \
    X(CONNECTIONS_PER_ADDRESS, "connections_per_address", 256,      1,       65536)
/* clang-format on */

enum limit {
#define X(id, name, value, least, most) LIMIT_##id,
    MODQ_LIMITS(X)
#undef X
        LIMIT_COUNT
};

struct limit_info {
    const char *name;
    int64_t value; /* the default */
    int64_t least, most;
};

/* Values in force, indexed by enum limit. */
struct limits {
    int64_t value[LIMIT_COUNT];
};

extern const struct limit_info limit_table[LIMIT_COUNT];

void limits_default(struct limits *limits);

#endif
