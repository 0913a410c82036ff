/* The one thread that writes: whatever arrived while the last commit waited for the disk is the next transaction. */
#ifndef MODQD_WRITER_H
#define MODQD_WRITER_H

#include "../work/work.h"
#include "worker.h"

struct writer;

/* `work` is copied; its store and ledger are the writer's from now on, and closed by writer_free. `boot` names the boot
 * that claims are measured by. NULL with the reason on failure. */
struct writer *writer_start(const struct work *work, const char *boot, char *reason, size_t reason_bytes);
struct worker *writer_worker(struct writer *writer);

/* Sites whose log grew since the last call, with their newest number. */
void writer_grown(struct writer *writer, ledger_on_growth *tell, void *arg);

/* True when keys were added, revoked or rotated since the last call. */
bool writer_keys_changed(struct writer *writer);

/* Why it stopped for good. */
const char *writer_reason(const struct writer *writer);

void writer_free(struct writer *writer);

#endif
