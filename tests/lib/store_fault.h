/* A store that fails on demand: it hands every call to another back end, but the Nth fails before it gets there.
 *
 * Only functions that return an enum store_result count and can fail. After a failure inside a transaction only
 * rollback may follow (daemon/store/store.h); whatever else comes ends the program. */
#ifndef STORE_FAULT_H
#define STORE_FAULT_H

#include "../../daemon/store/store.h"

/* Takes ownership of `inner`. Nothing fails until store_fault_arm. Never NULL. */
struct store *store_fault_open(struct store *inner);

/* The `nth` call from now (1: the next one) fails with `result`, STORE_FULL or STORE_FAILED; `for_good` says that all
 * calls after it fail as well. Arming again replaces what was armed before. */
void store_fault_arm(struct store *store, uint64_t nth, enum store_result result, bool for_good);

/* No call fails any more. */
void store_fault_disarm(struct store *store);

/* Calls made since the store was opened, those that failed among them; and how many failed on demand. */
uint64_t store_fault_calls(const struct store *store);
uint64_t store_fault_failures(const struct store *store);

#endif
