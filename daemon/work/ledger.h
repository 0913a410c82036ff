/* The one writer of events: numbers them, chains them, keeps each site's log without gaps, and commits.
 *
 * One transaction: ledger_begin, any number of changes, ledger_commit. Nothing that a ledger holds in memory differs
 * from what the store will hold after the commit; after a rollback it is read anew. */
#ifndef MODQD_LEDGER_H
#define MODQD_LEDGER_H

#include "../../proto/out.h"
#include "../core/hash.h"
#include "../store/store.h"

struct ledger;

/* Called for each site whose log grew, after the commit. */
typedef void ledger_on_growth(void *arg, const struct store_site *site);

/* Reads the newest state. The store stays the caller's. NULL with *result set when it cannot be read. */
struct ledger *ledger_new(struct store *store, enum store_result *result);
void ledger_free(struct ledger *ledger);

/* `clock_ms` is the time of the wall clock, UTC; the transaction's time is never before that of the last event. */
enum store_result ledger_begin(struct ledger *ledger, int64_t clock_ms);

/* Writes what sites changed and commits. */
enum store_result ledger_commit(struct ledger *ledger, ledger_on_growth *on_growth, void *arg);

/* Takes everything since ledger_begin back. */
enum store_result ledger_rollback(struct ledger *ledger);

/* Time of this transaction, milliseconds UTC. */
int64_t ledger_now(const struct ledger *ledger);

/* A site that the store knows, NULL if it knows none of that name. The ledger's own; changes to it are written at the
 * commit after ledger_touch. */
struct store_site *ledger_site(struct ledger *ledger, struct slice name);
struct store_site *ledger_site_at(struct ledger *ledger, int64_t no);
struct store_site *ledger_site_add(struct ledger *ledger, struct slice name); /* NULL: out of memory */
size_t ledger_sites(const struct ledger *ledger);
void ledger_touch(struct ledger *ledger, const struct store_site *site);

/* The number that the next event will have. */
int64_t ledger_next(const struct ledger *ledger);

/* The end of the chain: number and hash (32 bytes, the ledger's own, good until it is next called) of the newest event.
 * NONE, with 0 and zeros, while there is none. */
enum store_result ledger_head(struct ledger *ledger, int64_t *no, const unsigned char **hash);

/* What an event of a comment says besides what the comment's row says. */
struct ledger_entry {
    enum kind kind;
    int64_t revision;
    int64_t text; /* text that it is about, 0 if none */
    struct slice actor;
    struct slice via;  /* how it came; absent: the daemon itself did it */
    struct slice data; /* packed map; absent: an empty one */
};

/* Adds an event of `comment`, and a record of its site's log when the kind is one. Updates comment->last_event and
 * ->record, and the site's numbers; the caller puts the comment. *seq (may be NULL) is the record's number, or 0. */
enum store_result ledger_append(struct ledger *ledger, struct store_site *site, struct store_comment *comment,
                                const struct ledger_entry *entry, int64_t *seq);

/* Adds an event about an author: of the site, with comment "", and chained to the author's event before. No record, and
 * nothing in it says who the author is. Updates author->last_event; the caller puts the author. */
enum store_result ledger_append_author(struct ledger *ledger, const struct store_site *site,
                                       struct store_author *author, const struct ledger_entry *entry);

/* Adds an event that is about neither: site 0, whose name is "", comment "" and nothing before it. */
enum store_result ledger_append_bare(struct ledger *ledger, const struct ledger_entry *entry);

/* The hash that is stored with an event. What a stranger made shorter ends in zeros: the chain goes on, and does not
 * fit there. */
void ledger_hash_of(const struct store_event *event, unsigned char hash[SHA256_BYTES]);

/* The chain hash of an event: SHA-256 over the hash before it (32 zero bytes for the first) and the MessagePack array
 * [no, at, kind's name, site's name, comment, revision, text, actor, seq, data as bin, via], shortest encoding. Where
 * via is absent, it is left out, as it was for all events before version 2 of the schema. */
void ledger_chain(unsigned char hash[SHA256_BYTES], const unsigned char before[SHA256_BYTES],
                  const struct store_event *event, struct slice site_name, struct out *scratch);

#endif
