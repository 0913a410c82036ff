/* The chain of hashes, computed anew (ledger_chain). */
#ifndef MODQD_VERIFY_CHAIN_H
#define MODQD_VERIFY_CHAIN_H

#include "verify_state.h"

/* True when the event of that number follows from the hash stored before it, or nobody can tell. `computed` (may be
 * NULL) gets what its hash should be. */
bool verify_event_fits(struct verify *v, int64_t no, unsigned char computed[SHA256_BYTES]);

/* Follows the chain by one event, whose number is the next one. True when it fits to the hash before it. */
bool verify_follow(struct verify *v, struct verify_chain *chain, const struct store_event *event);

#endif
