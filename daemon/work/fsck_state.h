/* What a recount knows so far, shared by its parts; and what it finds.
 *
 * fsck.c asks and answers on the wire; fsck_run.c goes from phase to phase; fsck_history.c replays the events of one
 * comment (fsck_fold.c), fsck_comment.c compares them with its row, fsck_beside.c looks at notes and reports, and
 * fsck_log.c counts events and compares the sites' figures. Nothing here changes anything.
 *
 * The daemon works meanwhile, and a recount is done in slices, each of which sees one state of the store. A comment is
 * compared with its events within a slice. For totals, each comment counts as it was at event `upto`, which was the
 * newest when the recount began; what the events behind it changed is added one by one, and when the newest event of
 * all is reached, the sums are those of the same slice's rows. */
#ifndef MODQD_FSCK_STATE_H
#define MODQD_FSCK_STATE_H

#include <msgpack/zone.h>

#include "fsck_fold.h"
#include "site_names.h"
#include "work.h"

enum {
    FSCK_FAULTS_MAX = 100,
    FSCK_ROOM = 24, /* faults that one comment, or one event, may have; more are told when those are mended */
    FSCK_CACHED = 4096,
    FSCK_CATCH_UP = 100000 /* rows read for one answer, behind where the log ended at the beginning */
};

#define FSCK_NO_MAX ((INT64_C(1) << 53) - 1)

enum fsck_phase {
    FSCK_COMMENTS,
    FSCK_NOTES,
    FSCK_REPORTS,
    FSCK_AUTHORS,
    FSCK_SKIPS,
    FSCK_BATCHES,
    FSCK_LOG,
    FSCK_DONE
};

enum fsck_table {
    FSCK_IN_COMMENT,
    FSCK_IN_EVENT,
    FSCK_IN_TEXT,
    FSCK_IN_NOTE,
    FSCK_IN_REPORT,
    FSCK_IN_AUTHOR,
    FSCK_IN_SKIP,
    FSCK_IN_BATCH,
    FSCK_IN_SITE
};

enum fsck_what {
    FSCK_DIFFERS,   /* a row says one thing, and the events another */
    FSCK_MISSING,   /* it should be there */
    FSCK_STRAY,     /* it should not be there */
    FSCK_IMPOSSIBLE /* an event that cannot follow the ones before it */
};

/* Strings are cut where they would not fit, and between characters. */
struct fsck_fault {
    enum fsck_table table;
    enum fsck_what what;
    int64_t no;                  /* of the event, text, note or site; of a comment, that of its newest event */
    char site[NAME_BYTES + 1];   /* "": about none, or one of no name */
    char comment[KEY_BYTES + 1]; /* "": about none */
    char detail[256];
};

/* What was counted of one site. */
enum fsck_sum {
    FSCK_CHAINED, /* events up to `upto` that the comments' histories have */
    FSCK_EVENTS,  /* events up to `upto` that the log has of comments */
    FSCK_PENDING,
    FSCK_ESCALATED,
    FSCK_HELD,
    FSCK_SEQ,   /* number of the newest record met */
    FSCK_DOUBT, /* a history or the log is broken: sums tell nothing new */
    FSCK_KINDS, /* events submitted, approved, ... erased */
    FSCK_SUMS = FSCK_KINDS + KIND_ERASED
};

struct fsck_sums {
    int64_t of[FSCK_SUMS];
};

/* How much was looked at, for people and for progress. */
enum fsck_count {
    FSCK_COUNT_COMMENTS,
    FSCK_COUNT_HISTORY, /* events as part of a comment's history */
    FSCK_COUNT_EVENTS,  /* events as part of the log */
    FSCK_COUNT_TEXTS,
    FSCK_COUNT_NOTES,
    FSCK_COUNT_REPORTS,
    FSCK_COUNT_AUTHORS,
    FSCK_COUNT_SKIPS,
    FSCK_COUNT_BATCHES, /* events of batches */
    FSCK_COUNT_SITES,
    FSCK_COUNTS
};

struct fsck {
    /* What lasts from slice to slice. */
    enum fsck_phase phase;
    int64_t upto;
    int64_t site, no; /* where the phase is: after these, of which each phase uses its own */
    char comment[KEY_BYTES + 1], reader[KEY_BYTES + 1];
    unsigned char batch[BATCH_BYTES];
    int64_t checked[FSCK_COUNTS];
    struct fsck_sums *sums; /* of names.sites[i] */

    /* What belongs to a slice. */
    struct work *work;
    struct site_names names;
    int64_t newest;
    int64_t weight, weight_max;  /* of what was done, in rows read */
    int64_t oldest_site, oldest; /* what the store takes for the oldest that waits at the site looked at last */
    size_t n;
    struct fsck_fault faults[FSCK_FAULTS_MAX];

    /* Memory that is used again and again. */
    msgpack_zone zone;
    bool zone_made;
    struct fsck_link *links; /* of one comment, the newest first */
    size_t link_count, link_cap;
    struct fsck_fold cache[FSCK_CACHED]; /* by last_event % FSCK_CACHED */
};

/* False: out of memory. */
bool fsck_open(struct fsck *fsck);
void fsck_close(struct fsck *fsck);

/* A slice: fsck_begin_slice, then either fsck_begin (the first one), or fsck_unpack where *fsck did not last, and
 * fsck_run_slice; all of it between begin and rollback of work->store. It does what amounts to about `weight_max` rows
 * read, and FSCK_CATCH_UP of what came after the first slice, so that it gets to an end beside a daemon that writes all
 * the time. What it found is in fsck->faults, and at the end of all fsck->phase is FSCK_DONE. Trouble of the store is
 * in work->trouble; false: out of memory. */
bool fsck_begin_slice(struct fsck *fsck, struct work *work, int64_t weight_max);
void fsck_begin(struct fsck *fsck);
void fsck_run_slice(struct fsck *fsck);

/* What the next slice goes on from, as a packed map; and the same from a peer: false when it is none that could have
 * been given. */
void fsck_pack(const struct fsck *fsck, struct out *out);
bool fsck_unpack(struct fsck *fsck, struct slice packed);

/* Notes a fault of the site with that number, and of a comment ("" when it is about none). */
void fsck_fault(struct fsck *fsck, enum fsck_table table, enum fsck_what what, int64_t no, int64_t site,
                struct slice comment, const char *format, ...) __attribute__((format(printf, 7, 8)));

const char *fsck_table_name(enum fsck_table table);
const char *fsck_what_name(enum fsck_what what);
const char *fsck_count_name(enum fsck_count count);

/* The sums of the site with that number, NULL when there is none. */
struct fsck_sums *fsck_sums_of(struct fsck *fsck, int64_t site);

/* True while this slice may do more. */
bool fsck_may_go_on(const struct fsck *fsck);

#endif
