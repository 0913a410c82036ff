/* A store that lives in memory: the plainest thing that keeps what daemon/store/store.h says.
 *
 * Meant for tests of what stands above the store, so it is strict where a real back end may be lucky: slices that it
 * lends are freed by the next call (the address sanitizer then sees who kept one), and writing outside a transaction,
 * inside a scan or after a failure ends the program. */
#ifndef STORE_MEMORY_H
#define STORE_MEMORY_H

#include "../../daemon/store/store.h"

/* Never NULL. Close with store_close. */
struct store *store_memory_open(void);

#endif
