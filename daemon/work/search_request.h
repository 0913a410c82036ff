/* The operation `search`, and keeping its index up. */
#ifndef MODQD_SEARCH_REQUEST_H
#define MODQD_SEARCH_REQUEST_H

#include "request.h"
#include "work.h"

bool search_decode(struct request *request, const struct settings *settings);
void search_run(struct work *work, struct request *request, struct out *out);

/* Does the next thing for work->search (daemon/search/follow.h), reading the store in a transaction of its own; *more
 * says that there is more to do at once. What fails is the index, and the reason is in `reason`; of the store, it is in
 * work->trouble. */
enum store_result search_follow(struct work *work, bool *more, char *reason, size_t reason_bytes);

#endif
