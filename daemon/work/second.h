/* Second looks: a share of moderators' decisions is judged again by another moderator, who does not know the decision.
 *
 * Such a comment is decided as ever, and waits in LANE_SECOND besides. Who claims it sees it as if it were pending
 * (blind). Whatever else happens to it ends the second look (work_set_state). */
#ifndef MODQD_SECOND_H
#define MODQD_SECOND_H

#include "request.h"
#include "targets.h"
#include "work.h"

/* True when second looks are given out at the site (its number; 0: at any). */
bool second_is_on(const struct work *work, int64_t site);
bool second_is_on_at(const struct work *work, const struct store_site *site);

/* Before a moderator's decision of `comment`: by chance, whether it is to be looked at again. */
bool second_is_chosen(struct work *work, const struct store_site *site, const struct store_comment *comment);

/* After it: the comment waits, and is put. False with work->trouble. */
bool second_open(struct work *work, struct store_comment *comment);

/* True when what waits was decided by somebody else than `actor`. */
bool second_is_of_another(struct work *work, const struct store_comment *comment, const char *actor);

/* True while `actor` holds the comment for a second look. */
bool second_is_held(const struct work *work, const struct store_comment *comment, const char *actor);

/* Makes `comment` what `actor` sees of it: who holds it for a second look is not to know the decision, so for that one
 * it is pending, in the lane normal, decided by nobody, and has the reports that it would have. What was before event
 * `decision` of the comment's row may be shown. Everybody else sees the comment as it is. */
void second_blind(struct work *work, const char *actor, struct store_comment *comment);

/* What the data of a decision says that is to be looked at again, so that second_blind can tell what was before it. */
void second_mark(const struct store_comment *comment, struct out *data);

/* What the second moderator says. */
struct second_judgement {
    enum kind decision; /* approved or rejected; KIND_NONE: neither, somebody else shall judge */
    const struct slice *reasons;
    size_t reason_count;
    struct slice note, batch;
};

/* Writes it down and ends the second look. Where it differs from the decision, the comment is pending again, in the
 * lane `escalated`. False with work->trouble. */
bool second_judge(struct work *work, const struct request *request, struct store_site *site,
                  struct store_comment *comment, const struct second_judgement *judgement, bool *agreed);

/* The item of `results` for it. */
void second_encode(const struct work *work, const struct target *target, const struct store_comment *comment,
                   const char *status, bool agreed, struct out *out);

#endif
