#include "state.h"

/* clang-format off */
#define REFUSE(e)        {.error = E_##e}
#define GO(state, kind)  {.next = STATE_##state, .record = KIND_##kind}
#define ENTER(state)     {.next = STATE_##state}
#define SAME             {.error = E_OK}
#define BEFORE           {.before = true}
#define NEVER            {.impossible = true}

static const struct transition table[STATE_COUNT][HAPPENINGS] = {
    [STATE_NONE] = {
        [ON_NEWER]    = ENTER(PENDING),
        [ON_APPROVE]  = REFUSE(NOT_FOUND),
        [ON_REJECT]   = REFUSE(NOT_FOUND),
        [ON_WITHDRAW] = GO(WITHDRAWN, WITHDRAWN),
        [ON_UNDO]     = NEVER,
        [ON_REPORTED] = REFUSE(NOT_FOUND),
        [ON_ESCALATE] = REFUSE(NOT_FOUND),
        [ON_CLAIM]    = REFUSE(NOT_FOUND),
        [ON_ERASE]    = REFUSE(NOT_FOUND),
        [ON_DISPUTED] = NEVER,
    },
    [STATE_PENDING] = {
        [ON_NEWER]    = ENTER(PENDING),
        [ON_APPROVE]  = GO(APPROVED, APPROVED),
        [ON_REJECT]   = GO(REJECTED, REJECTED),
        [ON_WITHDRAW] = GO(WITHDRAWN, WITHDRAWN),
        [ON_UNDO]     = REFUSE(NOT_CURRENT),
        [ON_REPORTED] = SAME,
        [ON_ESCALATE] = SAME,
        [ON_CLAIM]    = SAME,
        [ON_ERASE]    = GO(ERASED, ERASED),
        [ON_DISPUTED] = NEVER,
    },
    [STATE_APPROVED] = {
        [ON_NEWER]    = GO(PENDING, REOPENED),
        [ON_APPROVE]  = REFUSE(ALREADY_DECIDED),
        [ON_REJECT]   = GO(REJECTED, REJECTED),
        [ON_WITHDRAW] = GO(WITHDRAWN, WITHDRAWN),
        [ON_UNDO]     = BEFORE,
        [ON_REPORTED] = GO(PENDING, REOPENED),
        [ON_ESCALATE] = REFUSE(ALREADY_DECIDED),
        [ON_CLAIM]    = REFUSE(ALREADY_DECIDED),
        [ON_ERASE]    = GO(ERASED, ERASED),
        [ON_DISPUTED] = GO(PENDING, REOPENED),
    },
    [STATE_REJECTED] = {
        [ON_NEWER]    = GO(PENDING, REOPENED),
        [ON_APPROVE]  = GO(APPROVED, APPROVED),
        [ON_REJECT]   = GO(REJECTED, REJECTED),
        [ON_WITHDRAW] = GO(WITHDRAWN, WITHDRAWN),
        [ON_UNDO]     = BEFORE,
        [ON_REPORTED] = SAME,
        [ON_ESCALATE] = REFUSE(ALREADY_DECIDED),
        [ON_CLAIM]    = REFUSE(ALREADY_DECIDED),
        [ON_ERASE]    = GO(ERASED, ERASED),
        [ON_DISPUTED] = GO(PENDING, REOPENED),
    },
    [STATE_WITHDRAWN] = {
        [ON_NEWER]    = REFUSE(WITHDRAWN),
        [ON_APPROVE]  = REFUSE(WITHDRAWN),
        [ON_REJECT]   = REFUSE(WITHDRAWN),
        [ON_WITHDRAW] = SAME,
        [ON_UNDO]     = REFUSE(WITHDRAWN),
        [ON_REPORTED] = REFUSE(WITHDRAWN),
        [ON_ESCALATE] = REFUSE(WITHDRAWN),
        [ON_CLAIM]    = REFUSE(WITHDRAWN),
        [ON_ERASE]    = GO(ERASED, ERASED),
        [ON_DISPUTED] = NEVER,
    },
    [STATE_ERASED] = {
        [ON_NEWER]    = REFUSE(ERASED),
        [ON_APPROVE]  = REFUSE(ERASED),
        [ON_REJECT]   = REFUSE(ERASED),
        [ON_WITHDRAW] = REFUSE(ERASED),
        [ON_UNDO]     = REFUSE(ERASED),
        [ON_REPORTED] = REFUSE(ERASED),
        [ON_ESCALATE] = REFUSE(ERASED),
        [ON_CLAIM]    = REFUSE(ERASED),
        [ON_ERASE]    = SAME,
        [ON_DISPUTED] = NEVER,
    },
};
/* clang-format on */

static const char *const names[HAPPENINGS] = {"newer",    "approve",  "reject", "withdraw", "undo",
                                              "reported", "escalate", "claim",  "erase",    "disputed"};

const struct transition *state_transition(enum state state, enum happening happening)
{
    return &table[state][happening];
}

const char *happening_name(enum happening happening)
{
    return names[happening];
}
