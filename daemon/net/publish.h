/* The publisher: sends records of the log, read from the store after their commit, to the decisions socket and to
 * streams.
 *
 * It belongs to the thread of the loop and has a read-only store of its own. A listener that is slow costs its credit
 * at most, and delays nobody. */
#ifndef MODQD_PUBLISH_H
#define MODQD_PUBLISH_H

#include "../work/request.h"
#include "../work/work.h"
#include "bus.h"

struct publisher;

/* `work` is copied; its store is the publisher's from now on. Records that are there already are not sent to the
 * decisions socket. NULL on failure. */
struct publisher *publisher_new(const struct work *work, struct bus *bus);
void publisher_free(struct publisher *publisher);

/* The log of a site has grown. Fits ledger_on_growth. */
void publisher_grown(void *publisher, const struct store_site *site);

/* stream, credit or cancel. True when request->reply is to be sent before publisher_pump is called. */
bool publisher_request(struct publisher *publisher, struct request *request, int64_t now_ms);

/* Ends all streams of a peer without a word: it did not get the answer that comes before everything else. */
void publisher_forget(struct publisher *publisher, const struct peer *peer);

/* Sends a portion of what is due. True when there is more to send at once. */
bool publisher_pump(struct publisher *publisher);

/* Heartbeats, and the end of streams that were not heard from. `now_ms` is the boot clock. */
void publisher_tick(struct publisher *publisher, int64_t now_ms);

/* Ends streams whose listeners may no longer hear their site, with `denied`. */
void publisher_check(struct publisher *publisher, const struct access *access);

/* True when an operation id was used already. */
bool publisher_knows(struct publisher *publisher, struct slice operation);

/* Reads all keys anew. On failure those of before stay. */
enum store_result publisher_load_keys(struct publisher *publisher, struct access *access);

/* Works by these settings from now on. */
void publisher_take_over(struct publisher *publisher, const struct settings *settings);

/* Ends all streams with `stopping`. */
void publisher_stop(struct publisher *publisher);

#endif
