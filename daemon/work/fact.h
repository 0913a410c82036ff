/* One fact: an event, and what the log says beside it of how long it took and what it changed. Everything is read from
 * the events themselves, so a fact never differs from them. */
#ifndef MODQD_FACT_H
#define MODQD_FACT_H

#include "work.h"

/* An event on its way to be told. Copied, because nothing may be read from within a scan. */
struct happened {
    int64_t no, at, site, text, previous;
    int64_t supersedes; /* number of the record that it takes the place of, 0 for none */
    enum kind kind;
    enum cause cause;
    char actor[NAME_BYTES + 1];
    size_t data_at, data_len; /* of its packed data, in facts.data */
    bool shown;               /* else it is only looked at for what its actor did last */
};

struct acted; /* when each actor decided last */

/* What is kept from one event to the next. Zero-initialise it, with work, seen, arg and back; free it with facts_free.
 */
struct facts {
    struct work *work;
    struct out data;                             /* packed data of the events that were kept */
    struct out other;                            /* of the fact that is being written */
    bool (*seen)(const void *arg, int64_t site); /* whether the caller may know of a site */
    const void *arg;
    struct acted *acted; /* by actor, in events from `back` on */
    size_t acted_count, acted_cap;
    int64_t back;    /* the first event that is looked at; what is before it is looked at when it is asked for */
    int64_t lookups; /* how often the store was asked: the work that it was */
    bool out_of_memory;
};

/* Whether an event of this kind is a fact. */
bool fact_is(enum kind kind);

/* Whether it is one of those that its actor decided by, so that the next one counts from it. */
bool fact_is_decision(enum kind kind);

/* Copies an event; its data goes into facts->data. */
void fact_keep(struct facts *facts, const struct store_event *event, bool shown, struct happened *kept);

/* Writes the fact as a list (proto/PROTOCOL.md, "facts"), unless it is not to be shown. `site` is its place in the
 * list of sites. Facts must come by number. */
void fact_encode(struct facts *facts, const struct happened *event, int64_t site, struct out *out);

void facts_free(struct facts *facts);

#endif
