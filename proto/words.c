#include "words.h"

static const char *const states[STATE_COUNT] = {"none", "pending", "approved", "rejected", "withdrawn", "erased"};

static const char *const lanes[LANE_COUNT] = {"normal", "escalated", "second_look"};

static const char *const kinds[KIND_COUNT] = {
    "none",     "submitted", "approved",    "rejected",     "reopened",      "withdrawn",
    "erased",   "claimed",   "renewed",     "released",     "lease_expired", "escalated",
    "reported", "key_added", "key_revoked", "key_rotated",  "reloaded",      "looked",
    "skipped",  "noted",     "second_look", "author_noted", "author_marked", "author_erased",
};

static const char *const marks[MARK_COUNT] = {"none", "trusted", "watched", "blocked"};

static const char *const roles[ROLE_COUNT] = {NULL, "front", "moderator", "administrator"};

static const struct {
    enum right right;
    const char *name;
} rights[] = {{RIGHT_UNDO, "undo"}, {RIGHT_ESCALATED, "escalated"}, {RIGHT_ERASE, "erase"}, {RIGHT_BULK, "bulk"}};

static const char *const causes[CAUSE_COUNT] = {NULL,     "moderator", "undo", "new_revision", "reports",
                                                "author", "erasure",   "rule", "second_look"};

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
    for (enum lane l = 0; l < LANE_SECOND; l++)
        if (slice_is(word, lanes[l]))
            return l;
    return LANE_COUNT;
}

const char *mark_name(enum mark mark)
{
    return marks[mark];
}

enum mark mark_of(struct slice word)
{
    for (enum mark m = 0; m < MARK_COUNT; m++)
        if (slice_is(word, marks[m]))
            return m;
    return MARK_COUNT;
}

const char *role_name(enum role role)
{
    return roles[role];
}

const char *right_name(enum right right)
{
    for (size_t i = 0; i < sizeof(rights) / sizeof(rights[0]); i++)
        if (rights[i].right == right)
            return rights[i].name;
    return NULL;
}

enum kind kind_of(struct slice word)
{
    for (enum kind k = KIND_SUBMITTED; k < KIND_COUNT; k++)
        if (slice_is(word, kinds[k]))
            return k;
    return KIND_COUNT;
}

enum role role_of(struct slice word)
{
    for (enum role r = ROLE_FRONT; r < ROLE_COUNT; r++)
        if (slice_is(word, roles[r]))
            return r;
    return ROLE_COUNT;
}

enum right right_of(struct slice word)
{
    for (size_t i = 0; i < sizeof(rights) / sizeof(rights[0]); i++)
        if (slice_is(word, rights[i].name))
            return rights[i].right;
    return 0;
}
