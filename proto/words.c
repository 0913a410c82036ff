#include "words.h"

static const char *const states[STATE_COUNT] = {"none", "pending", "approved", "rejected", "withdrawn", "erased"};

static const char *const lanes[LANE_COUNT] = {"normal", "escalated"};

static const char *const kinds[KIND_COUNT] = {
    "none",    "submitted", "approved", "rejected",      "reopened",  "withdrawn", "erased",
    "claimed", "renewed",   "released", "lease_expired", "escalated", "reported",
};

static const char *const causes[CAUSE_COUNT] = {NULL,      "moderator", "undo",    "new_revision",
                                                "reports", "author",    "erasure", "rule"};

const char *state_name(enum state state)
{
    return states[state];
}

const char *lane_name(enum lane lane)
{
    return lanes[lane];
}

const char *kind_name(enum kind kind)
{
    return kinds[kind];
}

const char *cause_name(enum cause cause)
{
    return causes[cause];
}

enum lane lane_of(struct slice word)
{
    for (enum lane l = 0; l < LANE_COUNT; l++)
        if (slice_is(word, lanes[l]))
            return l;
    return LANE_COUNT;
}
