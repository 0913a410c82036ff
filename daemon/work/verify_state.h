/* What a verification knows so far, shared by its parts; and what it finds.
 *
 * verify.c asks and answers; verify_part.c compares a few events with the chain (verify_chain.c) and with what stands
 * beside them, verify_history.c and verify_author.c what leads from event to event, verify_end.c sites, and
 * verify_keys.c keys. Nothing
 * here changes anything, and nothing is believed that can be computed. What may differ without a fault is what an
 * erasure takes away; that a comment was erased stands in an event. */
#ifndef MODQD_VERIFY_STATE_H
#define MODQD_VERIFY_STATE_H

#include "site_names.h"
#include "work.h"

enum { FAULTS_MAX = 100 };

enum verify_table { IN_EVENT, IN_TEXT, IN_NOTE, IN_KEY, IN_SITE, IN_COMMENT, IN_AUTHOR };
enum verify_what { CHANGED, MISSING, INSERTED };

struct verify_fault {
    int64_t no;
    enum verify_table table;
    enum verify_what what;
    char detail[320];
};

/* What the log says of a site so far. */
struct verify_counts {
    int64_t of[KIND_ERASED + 1];
};

/* Where the chain is: the hash stored with `last`. When that is not the hash that was computed, the latter is kept,
 * too: if the next event fits to it, nothing but that one stored hash was changed. */
struct verify_chain {
    int64_t last;
    unsigned char stored[SHA256_BYTES];
    unsigned char computed[SHA256_BYTES];
    bool differs; /* computed is another one */
    bool broken;  /* the event before the next one is not there, so the next one cannot be compared */
};

struct verify {
    struct work *work;
    struct site_names names;
    struct verify_counts *counts; /* of names.sites[i]; NULL: not all events were met, or some are not what they were */
    struct verify_chain chain;
    int64_t newest;
    int64_t weight; /* of what was done so far, in events */
    size_t n;
    bool overflow; /* there were more than FAULTS_MAX */
    struct verify_fault faults[FAULTS_MAX];
    struct out scratch;
};

void verify_fault(struct verify *v, enum verify_table table, int64_t no, enum verify_what what, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The site of that number, NULL when there is none. */
const struct store_site *verify_site(const struct verify *v, int64_t no);

/* Writes the pair `faults`, in the order of their numbers. */
void verify_encode_faults(struct verify *v, struct out *out);

#endif
