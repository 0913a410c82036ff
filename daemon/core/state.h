/* The one table of states: what may follow what (proto/PROTOCOL.md, "States"). Pure. */
#ifndef MODQD_STATE_H
#define MODQD_STATE_H

#include "../../proto/errors.h"
#include "../../proto/words.h"

/* What can happen to a comment; the columns of the table. */
enum happening {
    ON_NEWER,   /* a submit whose revision is higher than any before */
    ON_APPROVE, /* with supersede where it is needed */
    ON_REJECT,  /* likewise */
    ON_WITHDRAW,
    ON_UNDO,     /* of its current decision */
    ON_REPORTED, /* the threshold of reports is reached */
    ON_ESCALATE,
    ON_CLAIM,
    ON_ERASE,
    ON_DISPUTED, /* a second moderator, who did not know the decision, judged otherwise */
    HAPPENINGS
};

/* One cell. */
struct transition {
    enum error error; /* E_OK, or why it may not be */
    enum state next;  /* STATE_NONE: the state stays */
    enum kind record; /* record of the log that is written, KIND_NONE if none */
    bool before;      /* undo: next and record are those of the decision that comes back, or pending and reopened */
    bool impossible;  /* this never happens in this state */
};

const struct transition *state_transition(enum state state, enum happening happening);

/* "newer", "approve", ... as the document's table heads its columns. */
const char *happening_name(enum happening happening);

#endif
