/* The words of the protocol that stand for states, decisions, causes, lanes and kinds of events. The numbers are what
 * the daemon stores and never change. */
#ifndef MODQ_WORDS_H
#define MODQ_WORDS_H

#include "slice.h"

enum state { STATE_NONE, STATE_PENDING, STATE_APPROVED, STATE_REJECTED, STATE_WITHDRAWN, STATE_ERASED, STATE_COUNT };

/* LANE_SECOND is for what was decided and waits for a blind second look; peers never name it. */
enum lane { LANE_NORMAL, LANE_ESCALATED, LANE_SECOND, LANE_COUNT };

/* What happened. Those from approved to erased are records of a site's log as well. */
enum kind {
    KIND_NONE,
    KIND_SUBMITTED,
    KIND_APPROVED,
    KIND_REJECTED,
    KIND_REOPENED,
    KIND_WITHDRAWN,
    KIND_ERASED,
    KIND_CLAIMED,
    KIND_RENEWED,
    KIND_RELEASED,
    KIND_LEASE_EXPIRED,
    KIND_ESCALATED,
    KIND_REPORTED,
    KIND_KEY_ADDED,
    KIND_KEY_REVOKED,
    KIND_KEY_ROTATED,
    KIND_RELOADED,
    KIND_LOOKED,
    KIND_SKIPPED,
    KIND_NOTED,
    KIND_SECOND_LOOK, /* another moderator judged a decided comment without knowing the decision */
    KIND_AUTHOR_NOTED,
    KIND_AUTHOR_MARKED,
    KIND_AUTHOR_ERASED,
    KIND_COUNT
};

enum cause {
    CAUSE_NONE,
    CAUSE_MODERATOR,
    CAUSE_UNDO,
    CAUSE_NEW_REVISION,
    CAUSE_REPORTS,
    CAUSE_AUTHOR,
    CAUSE_ERASURE,
    CAUSE_RULE,
    CAUSE_SECOND_LOOK,
    CAUSE_COUNT
};

/* What moderators think of an author. */
enum mark { MARK_NONE, MARK_TRUSTED, MARK_WATCHED, MARK_BLOCKED, MARK_COUNT };

/* What a key, or a user of the system, may be. */
enum role { ROLE_NONE, ROLE_FRONT, ROLE_MODERATOR, ROLE_ADMINISTRATOR, ROLE_COUNT };

/* What a moderator may besides reading and deciding; or-ed. An administrator has all. */
enum right { RIGHT_UNDO = 1, RIGHT_ESCALATED = 2, RIGHT_ERASE = 4, RIGHT_BULK = 8, RIGHTS_ALL = 15 };

const char *state_name(enum state state);
const char *lane_name(enum lane lane);
const char *kind_name(enum kind kind);
const char *cause_name(enum cause cause); /* NULL for CAUSE_NONE */

const char *mark_name(enum mark mark); /* "none", "trusted", ... */

const char *role_name(enum role role);    /* NULL for ROLE_NONE */
const char *right_name(enum right right); /* of one right */

/* The other way round; the _COUNT value for an unknown word, 0 for an unknown right. */
enum lane lane_of(struct slice word); /* never LANE_SECOND */
enum mark mark_of(struct slice word);
enum kind kind_of(struct slice word);
enum role role_of(struct slice word);
enum right right_of(struct slice word);

static inline bool kind_is_record(enum kind kind)
{
    return kind >= KIND_APPROVED && kind <= KIND_ERASED;
}

#endif
