/* The operations of the protocol: one row each, and this is the only place where one is added. */
#ifndef MODQD_VERBS_H
#define MODQD_VERBS_H

#include "request.h"
#include "work.h"

enum verb_kind {
    VERB_AT_ONCE, /* answered by the thread that owns the sockets, without the store */
    VERB_READ,    /* on the thread that reads */
    VERB_LOOK,    /* reads, too, but takes long: on a thread of its own, so that no VERB_READ is ever behind it */
    VERB_CHANGE,  /* on the thread that writes, in a transaction */
    VERB_STREAM,  /* belongs to the publisher */
    VERB_RELOAD   /* rereads the configuration on the thread that owns the sockets, then is written as a change */
};

/* How a verb is bound to sites. There is no default: a verb without a rule is a mistake that a test finds. */
enum verb_scope {
    SCOPE_UNSAID,
    SCOPE_NONE,  /* about no site, or for those who see all of them */
    SCOPE_NAMED, /* about the sites that the request names: checked before it is run */
    SCOPE_SEEN   /* about those that it names, or else all that the caller sees: its handler leaves the others out */
};

/* Roles that may use a verb, or-ed. */
#define FOR_FRONT          (1U << ROLE_FRONT | 1U << ROLE_ADMINISTRATOR)
#define FOR_MODERATORS     (1U << ROLE_MODERATOR | 1U << ROLE_ADMINISTRATOR)
#define FOR_ADMINISTRATORS (1U << ROLE_ADMINISTRATOR)
#define FOR_ALL            (FOR_FRONT | FOR_MODERATORS)

enum verb_operation { OPERATION_NONE, OPERATION_OPTIONAL, OPERATION_NEEDED };

struct verb {
    const char *name;
    unsigned doors; /* enum door, or-ed */
    enum verb_kind kind;
    enum verb_operation operation;
    unsigned roles; /* 1 << enum role, or-ed */
    enum verb_scope scope;
    enum right right;  /* that it needs in any case; 0: none */
    bool bulk;         /* many items at once need the right to */
    const char *items; /* key of its list of items; NULL: "comments", if it has one */
    int64_t lists;     /* how many it counts as showing, or more by its `limit`; 0: it is no list */
    bool changes_keys; /* who may do what is another after it */

    /* Reads the verb's fields into request->args. False with request->fault set. */
    bool (*decode)(struct request *request, const struct settings *settings);

    /* Does it, and adds its pairs to the reply begun in `out`; or sets request->fault and has changed nothing. */
    void (*run)(struct work *work, struct request *request, struct out *out);

    /* For an answer that shows comments as they are now: run then writes to `out` what is to be kept for a repeat (one
     * packed map), and this makes the pairs of the reply from it, the first time and every time. NULL: what run wrote
     * is kept as it is. */
    void (*render)(struct work *work, struct request *request, struct slice kept, struct out *out);
};

extern const struct verb verb_table[];
extern const size_t verb_count;

/* NULL when the door has no verb of that name. */
const struct verb *verb_find(struct slice name, enum door door);

/* Runs a verb that reads or is answered at once, or one of the front or push sockets that changes something; the reply
 * is complete afterwards. */
void verb_run(struct work *work, struct request *request);

/* Runs a changing verb of the desk under its operation id: the first answer is kept, and a repeat gets it. */
void verb_run_once(struct work *work, struct request *request);

#endif
