#include "fsck_fold.h"

/* What follows from the table for one event: what it happened as, and whether the table's cell is that. */
static const struct transition *cell(const struct fsck_fold *fold, enum happening happening)
{
    return state_transition(fold->state, happening);
}

static bool may(const struct fsck_fold *fold, enum happening happening)
{
    const struct transition *go = cell(fold, happening);

    return !go->error && !go->impossible;
}

/* The cell writes a record of that kind. */
static bool writes(const struct fsck_fold *fold, enum happening happening, enum kind kind)
{
    return may(fold, happening) && cell(fold, happening)->record == kind;
}

/* A decision that is undone gives way to the one before it; without one the comment is pending again. */
static enum kind kind_after_undo(const struct fsck_fold *fold)
{
    bool decided = fold->kind_before == KIND_APPROVED || fold->kind_before == KIND_REJECTED;

    return decided ? fold->kind_before : KIND_REOPENED;
}

static bool may_undo(const struct fsck_fold *fold, const struct fsck_link *event)
{
    return may(fold, ON_UNDO) && fold->decision && event->undoes == fold->seq && event->kind == kind_after_undo(fold);
}

static bool may_reopen(const struct fsck_fold *fold, const struct fsck_link *event)
{
    switch (event->cause) {
    case CAUSE_NEW_REVISION:
        return fold->reopens;
    case CAUSE_REPORTS:
        return writes(fold, ON_REPORTED, KIND_REOPENED);
    case CAUSE_SECOND_LOOK:
        return writes(fold, ON_DISPUTED, KIND_REOPENED);
    default:
        return false;
    }
}

/* Why a record cannot follow; NULL: it can. */
static const char *wrong_with_record(const struct fsck_fold *fold, const struct fsck_link *event)
{
    static const enum happening happenings[KIND_COUNT] = {[KIND_APPROVED] = ON_APPROVE,
                                                          [KIND_REJECTED] = ON_REJECT,
                                                          [KIND_WITHDRAWN] = ON_WITHDRAW,
                                                          [KIND_ERASED] = ON_ERASE};

    if (event->supersedes != fold->seq)
        return "it names another record than the one before it as superseded";
    if (event->cause == CAUSE_UNDO)
        return may_undo(fold, event) ? NULL : "it undoes what is not the current decision, or restores another one";
    if (event->kind == KIND_REOPENED)
        return may_reopen(fold, event) ? NULL : "there was nothing to reopen, or not for that cause";
    return writes(fold, happenings[event->kind], event->kind) ? NULL : "this cannot be decided in that state";
}

/* What is decided can be held, too: for a second look. */
static bool may_hold(const struct fsck_fold *fold)
{
    return may(fold, ON_CLAIM) || fold->decision;
}

static const char *wrong_with_claim(const struct fsck_fold *fold, const struct fsck_link *event)
{
    bool begins = event->kind == KIND_CLAIMED || event->kind == KIND_SKIPPED;

    if (event->kind != KIND_RELEASED && event->kind != KIND_LEASE_EXPIRED && !may_hold(fold))
        return "nobody can hold it in that state";
    return begins || fold->claim ? NULL : "nobody held it";
}

/* Why an event cannot follow; NULL: it can. */
static const char *wrong(const struct fsck_fold *fold, const struct fsck_link *event)
{
    bool submitted = event->kind == KIND_SUBMITTED;

    if (fold->reopens && event->kind != KIND_REOPENED)
        return "the record that reopens the comment for its newer revision is missing before it";
    if (submitted ? event->text != event->no : event->text != fold->text || event->revision != fold->revision)
        return "it is about another revision than the current one";
    if (kind_is_record(event->kind))
        return wrong_with_record(fold, event);
    switch (event->kind) {
    case KIND_SUBMITTED:
        return may(fold, ON_NEWER) ? NULL : "no revision is taken in that state";
    case KIND_CLAIMED:
    case KIND_RENEWED:
    case KIND_RELEASED:
    case KIND_LEASE_EXPIRED:
    case KIND_SKIPPED:
        return wrong_with_claim(fold, event);
    case KIND_ESCALATED:
        return may(fold, ON_ESCALATE) ? NULL : "it cannot be escalated in that state";
    case KIND_REPORTED:
        return may(fold, ON_REPORTED) ? NULL : "it cannot be reported in that state";
    case KIND_SECOND_LOOK:
        return !fold->decision ? "there is no decision to look at" : fold->claim ? NULL : "nobody held it";
    case KIND_NOTED:
        return fold->state == STATE_NONE || fold->state == STATE_ERASED ? "nothing is noted in that state" : NULL;
    default:
        return "an event of this kind is about no comment";
    }
}

/* A lower revision that comes late is kept, and changes nothing. */
static void fold_submitted(struct fsck_fold *fold, const struct fsck_link *event)
{
    const struct transition *go = cell(fold, ON_NEWER);

    fold->newest_text = event->no;
    fold->revisions++;
    if (event->revision <= fold->revision)
        return;
    fold->revision = event->revision;
    fold->text = event->no;
    fold->received_at = event->at;
    fold->claim = 0;
    fold->reopens = go->record == KIND_REOPENED;
    if (!fold->reopens && go->next)
        fold->state = go->next;
}

static void fold_record(struct fsck_fold *fold, const struct fsck_link *event)
{
    static const enum state states[KIND_COUNT] = {[KIND_APPROVED] = STATE_APPROVED,
                                                  [KIND_REJECTED] = STATE_REJECTED,
                                                  [KIND_REOPENED] = STATE_PENDING,
                                                  [KIND_WITHDRAWN] = STATE_WITHDRAWN,
                                                  [KIND_ERASED] = STATE_ERASED};
    bool decision = event->kind == KIND_APPROVED || event->kind == KIND_REJECTED;

    fold->state = states[event->kind];
    fold->kind_before = fold->kind;
    fold->kind = event->kind;
    fold->record = event->no;
    fold->seq = event->seq;
    fold->decision = decision ? event->no : 0;
    fold->claim = 0;
    fold->reopens = false;
    if (event->kind == KIND_APPROVED)
        fold->approval = event->no;
    if (event->kind == KIND_APPROVED || event->kind == KIND_ERASED)
        fold->reports = 0;
}

/* Who holds it after an event that is neither a text nor a record. */
static void fold_claim(struct fsck_fold *fold, const struct fsck_link *event)
{
    switch (event->kind) {
    case KIND_CLAIMED:
    case KIND_RENEWED:
        fold->claim = event->no;
        break;
    case KIND_RELEASED:
    case KIND_LEASE_EXPIRED:
    case KIND_SKIPPED:
    case KIND_ESCALATED:
    case KIND_SECOND_LOOK:
        fold->claim = 0;
        break;
    default:
        break;
    }
}

bool fsck_fold(struct fsck_fold *fold, const struct fsck_link *event, const char **why)
{
    *why = wrong(fold, event);
    if (event->kind == KIND_SUBMITTED)
        fold_submitted(fold, event);
    else if (kind_is_record(event->kind))
        fold_record(fold, event);
    else
        fold_claim(fold, event);
    if (event->kind == KIND_ESCALATED || (event->kind == KIND_REOPENED && event->cause == CAUSE_SECOND_LOOK))
        fold->lane = LANE_ESCALATED;
    fold->reports += event->kind == KIND_REPORTED;
    fold->last_event = event->no;
    return !*why;
}
