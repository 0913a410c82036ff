/* What a handler works with: the store, the ledger, the time, and a sticky trouble. */
#ifndef MODQD_WORK_H
#define MODQD_WORK_H

#include "../../proto/fault.h"
#include "../core/state.h"
#include "counters.h"
#include "health.h"
#include "ledger.h"
#include "settings.h"
#include "tally.h"

struct search;

struct work {
    struct store *store;
    struct ledger *ledger; /* NULL for those that only read */
    const struct settings *settings;
    struct counters *counters;
    struct health *health; /* NULL: nobody asks */
    struct search *search; /* NULL: not this thread's */
    struct tally *tally;   /* of the request that is run; NULL: none is */
    unsigned char epoch[EPOCH_BYTES];
    const unsigned char *server_public; /* 32 bytes: the daemon's own public key; NULL: it has none */
    int64_t clock_ms;                   /* wall clock, for those that only read */
    int64_t boot_ms;                    /* boot clock, which claims are measured by */
    int64_t started_at;
    bool keys_changed;  /* by the transaction under way: who may do what is another after it */
    bool intake_closed; /* no room for new comments */
    bool due_stale;     /* some site's due times may be of another rule than its policy's (due.h) */
    struct out scratch; /* for data of events; a handler resets it before use */
    /* Sticky: the store's last word when it was FULL, BUSY or FAILED. The transaction is lost then. */
    enum store_result trouble;
};

/* True when `result` is OK. FULL, BUSY and FAILED stay in work->trouble. */
bool work_ok(struct work *work, enum store_result result);

/* The same where NONE cannot be: a chain that leads to nothing is a broken store, and half a change must not be kept.
 */
bool work_must(struct work *work, enum store_result result);

/* Random bytes from getrandom, fetched in larger portions. */
void work_random(unsigned char *bytes, size_t n);

/* A copy of what is known of a site, for those that only read, too. False when there is none of that name. */
bool work_site(struct work *work, struct slice name, struct store_site *site);

/* The site of that name, made when it is not there. NULL and *fault `too_many_sites` when there may be no more. */
struct store_site *work_site_for(struct work *work, struct slice name, struct fault *fault);

struct request;

/* Works by the settings that a request of the list brings: before anything of it is run, because those of before are
 * freed when it is done, whatever becomes of the rest. */
void work_take_over(struct work *work, const struct request *list);

/* How the request came, for an event that it causes; absent when nobody knows. */
struct slice work_via(const struct request *request);

/* Begins `data` anew: the packed map of an event, built in work->scratch. */
struct out *work_data(struct work *work);

/* The state of a comment and its site's count of pending ones, changed together. A second look that waits or is held
 * ends with whatever sets the state (none: nothing does). */
void work_set_state(struct work *work, struct store_site *site, struct store_comment *comment, enum state state);

/* Ends a claim without an event of its own (a decision says it already). */
void work_end_claim(struct store_comment *comment);

/* True while somebody else than `actor` holds the comment. */
bool work_held_by_other(const struct work *work, const struct store_comment *comment, const char *actor);

/* What a claim's end is on the wall clock. */
int64_t work_wall_time(const struct work *work, int64_t boot_ms);

/* Faults that say who, what and when. */
void work_fault_decided(struct work *work, const struct store_comment *comment, struct fault *fault);
void work_fault_claimed(struct work *work, const struct store_comment *comment, struct fault *fault);

/* The number in the log of the event `no`, 0 if it is none. */
int64_t work_seq_of(struct work *work, int64_t no);

/* One item of `results`: begun with site and comment (absent: nil), ended by the caller with out_end. */
void work_item(struct out *out, struct slice site, struct slice comment);

/* A whole failed item, which is counted. */
void work_item_failed(const struct work *work, struct out *out, struct slice site, struct slice comment,
                      const struct fault *fault);

/* Ends an item with the status and error of `fault`, and counts it: for items that were begun already. */
void work_item_error(const struct work *work, struct out *out, const struct fault *fault);

#endif
