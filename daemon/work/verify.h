/* Inside of `verify`, shared by its files: verify.c asks and answers, verify_part.c compares a few events and what
 * stands beside them, verify_history.c what leads from event to event, verify_end.c sites and keys.
 *
 * Nothing here changes anything, and nothing is believed that can be computed. What may differ without a fault is what
 * an erasure takes away; that a comment was erased stands in an event. */
#ifndef MODQD_VERIFY_H
#define MODQD_VERIFY_H

#include "site_names.h"
#include "work.h"

enum { FAULTS_MAX = 100, PART_MAX = 64 };

enum verify_table { IN_EVENT, IN_TEXT, IN_NOTE, IN_KEY, IN_SITE, IN_COMMENT };
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

/* True when the event of that number follows from the hash stored before it, or nobody can tell. `computed` (may be
 * NULL) gets what its hash should be. */
bool verify_event_fits(struct verify *v, int64_t no, unsigned char computed[SHA256_BYTES]);

/* One event of a part, with what its data says of text and note. */
struct verify_row {
    int64_t no, at, site, revision, text, previous;
    enum kind kind;
    char comment[KEY_BYTES + 1];
    bool fits; /* the chain has it as it is; if not, that was said, and what it says is not compared with anything */
    bool has_text, has_meta, has_note;
    unsigned char of_text[SHA256_BYTES], of_meta[SHA256_BYTES], of_note[SHA256_BYTES];
    bool text_is_there, text_is_erased, note_is_there;
    int64_t text_previous;
};

struct verify_part {
    struct verify *v;
    struct verify_chain chain; /* after the last row */
    size_t n, next;            /* next: the first row that a scan of texts or notes has not passed */
    struct verify_row rows[PART_MAX];
};

/* Compares the next events, at most `limit`, with the chain, and what stands beside them. verify->chain goes on unless
 * the faults are too many. */
void verify_part(struct verify *v, size_t limit);

/* Compares what leads from event to event and from text to text, and what is erased. */
void verify_history(struct verify_part *part);

/* What is compared at the end: sites with the log, and what has a number that no event has; then keys. */
void verify_end(struct verify *v);
void verify_keys(struct verify *v);

#endif
