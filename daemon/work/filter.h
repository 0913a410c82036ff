/* What comments a list is to hold: the filters that every list of the desk takes (proto/PROTOCOL.md, "Filters"). */
#ifndef MODQD_FILTER_H
#define MODQD_FILTER_H

#include "request.h"
#include "work.h"

struct filter {
    struct slice site, article, author; /* absent: any */
    enum state state;                   /* STATE_NONE: any */
    unsigned lanes;                     /* 1 << enum lane, or-ed; looked at where a comment is pending */
    struct slice language;              /* a range of BCP 47 */
    int64_t since, until;               /* received at or after, and before; -1: not given */
    int64_t reported;                   /* so many readers' reports at least */
    enum mark mark;                     /* MARK_COUNT: any */
    struct slice reason, by;            /* of the current decision */
    bool free;                          /* nothing that others hold, or that the caller skipped */
    struct slice state_word, lane_word, mark_word;
};

/* Reads the filters of a request. `state` is what state is when the request does not say. False with request->fault. */
bool filter_decode(struct request *request, const struct settings *settings, enum state state, struct filter *filter);

/* True when everything that is wanted is what `site`, lanes and the state pending say: then nothing needs to be looked
 * at besides the queue. */
bool filter_is_plain(const struct filter *filter);

/* What a row tells. `texts` are the bounds that `since` and `until` mean (filter_bounds). */
struct filter_bounds {
    int64_t first, end; /* numbers of texts: from the first up to, without, the end */
};

struct filter_bounds filter_bounds(struct work *work, const struct filter *filter);

/* Whether a comment is wanted by `actor`; asks the store where the row does not tell. What the actor skipped is not
 * looked at here. Who holds a comment for a second look is to be told nothing of its decision: such a one comes blinded
 * (second.h). */
bool filter_wants(struct work *work, const struct filter *filter, const struct filter_bounds *bounds, const char *actor,
                  const struct store_comment *comment);

#endif
