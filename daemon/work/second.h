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

/* True when the one who asks is not to know the decision. Then second_blind makes `comment` what that one sees:
 * pending, in the lane normal, decided by nobody; what was before event `comment->decision` may be shown. A comment that
 * was made so is blind no more: ask before. */
bool second_is_blind(const struct work *work, const struct request *request, const struct store_comment *comment);
void second_blind(struct store_comment *comment);

/* Writes the card of a comment as the one who asks is to see it. */
void second_card(struct work *work, const struct request *request, struct slice site,
                 const struct store_comment *comment, struct out *out);

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
