/* What approve, reject, undo, escalate and erase share: their arguments, and how a record is written. */
#ifndef MODQD_DECISION_H
#define MODQD_DECISION_H

#include "../../proto/fields.h"
#include "targets.h"

enum { REASONS_MAX = 8 };

/* Arguments of approve, reject, escalate and erase; each verb has a table of those it takes. */
struct decide_args {
    const msgpack_object *comments;
    const msgpack_object *reason_list;
    struct slice note, batch;
    bool supersede;
    struct targets targets;
    struct slice reasons[REASONS_MAX];
    size_t reason_count;
};

/* Reads the arguments, of which `table` says which a verb has: `comments` always. NULL with request->fault set. */
struct decide_args *decision_decode(struct request *request, const struct settings *settings, const struct field *table,
                                    size_t rows);

/* False and stale_revision when the target names another revision than the current one. */
bool decision_check_revision(const struct target *target, const struct store_comment *comment, struct fault *fault);

/* What the caller has no right to: what was escalated, and what another decided. False with *fault `denied`. */
bool decision_check_lane(const struct request *request, const struct store_comment *comment, struct fault *fault);
bool decision_check_owner(struct work *work, const struct request *request, int64_t decision, struct fault *fault);

/* All that may stand in the way of doing something (ON_CLAIM, ON_ESCALATE) with what waits for a decision, or with what
 * the caller holds for a second look, in the order that PROTOCOL.md gives. */
bool decision_check_waiting(struct work *work, const struct request *request, const struct target *target,
                            const struct store_comment *comment, enum happening happening, struct fault *fault);

/* Stores a moderator's note for the next event, and its commitment in the event's data. An empty note is none. */
bool decision_write_note(struct work *work, struct slice note, struct out *data);

/* Appends a record that changes the comment's state, by the one who sent the request, and puts the comment. */
bool decision_write_record(struct work *work, const struct request *request, struct store_site *site,
                           struct store_comment *comment, enum kind kind, enum state next, struct slice data,
                           int64_t *seq);

#endif
