/* claim, renew, release: leases, so that two moderators do not read the same comment. */
#ifndef MODQD_CLAIM_H
#define MODQD_CLAIM_H

#include "request.h"
#include "work.h"

bool claim_decode(struct request *request, const struct settings *settings);
void claim_run(struct work *work, struct request *request, struct out *out);
void claim_render(struct work *work, struct request *request, struct slice kept, struct out *out);

bool hold_decode(struct request *request, const struct settings *settings);
void renew_run(struct work *work, struct request *request, struct out *out);
void release_run(struct work *work, struct request *request, struct out *out);

/* Ends claims whose time is over, at most `limit`, each with its event. Returns how many it ended. Inside a
 * transaction. */
int64_t claims_expire(struct work *work, int64_t limit);

/* Ends all claims: their end was measured by the clock of another boot. */
int64_t claims_drop_all(struct work *work, int64_t limit);

#endif
