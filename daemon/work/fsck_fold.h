/* What a comment is by its events alone: they are replayed one after the other, and the table of states (core/state.h)
 * says what each of them makes of it. Pure. */
#ifndef MODQD_FSCK_FOLD_H
#define MODQD_FSCK_FOLD_H

#include "../core/state.h"
#include "../store/store.h"

/* One event, as far as a replay needs it. */
struct fsck_link {
    int64_t no, at, revision, text;
    int64_t seq;                /* number in the site's log, 0 if it is no record */
    int64_t undoes, supersedes; /* what a record says of other records, 0: nothing */
    enum kind kind;
    enum cause cause;
    bool has_note;
};

/* A comment after some of its events. Zero-initialised: before the first. Names are those of struct store_comment. */
struct fsck_fold {
    enum state state;
    enum lane lane;
    int64_t revision, text, newest_text, last_event, record, decision, approval, reports, revisions;
    int64_t received_at;         /* when the current revision came */
    int64_t claim;               /* event that says who holds it, 0: nobody does */
    int64_t seq;                 /* of `record` in the site's log */
    enum kind kind, kind_before; /* of `record`, and of the record before it */
    bool reopens;                /* the newer revision that came last must be followed by a record `reopened` */
};

/* One event more. False, with a sentence in *why, when this event cannot follow what was before; it is replayed as well
 * as can be. */
bool fsck_fold(struct fsck_fold *fold, const struct fsck_link *event, const char **why);

#endif
