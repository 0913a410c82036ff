/* The words of the protocol that stand for states, decisions, causes, lanes and kinds of events. The numbers are what
 * the daemon stores and never change. */
#ifndef MODQ_WORDS_H
#define MODQ_WORDS_H

#include "slice.h"

enum state { STATE_NONE, STATE_PENDING, STATE_APPROVED, STATE_REJECTED, STATE_WITHDRAWN, STATE_ERASED, STATE_COUNT };

enum lane { LANE_NORMAL, LANE_ESCALATED, LANE_COUNT };

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
    CAUSE_COUNT
};

const char *state_name(enum state state);
const char *lane_name(enum lane lane);
const char *kind_name(enum kind kind);
const char *cause_name(enum cause cause); /* NULL for CAUSE_NONE */

/* The other way round; the _COUNT value for an unknown word. */
enum lane lane_of(struct slice word);

static inline bool kind_is_record(enum kind kind)
{
    return kind >= KIND_APPROVED && kind <= KIND_ERASED;
}

#endif
