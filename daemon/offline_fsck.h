/* modqd --fsck: the same recount that a running daemon is asked for, on the database itself. */
#ifndef MODQD_OFFLINE_FSCK_H
#define MODQD_OFFLINE_FSCK_H

#include <stddef.h>

#include "work/settings.h"

/* Prints each fault on a line of its own and then what was looked at, on stdout. EXIT_DONE, EXIT_BROKEN when there are
 * faults, or EXIT_START with the reason when the database cannot be read.
 *
 * It only reads, slice by slice, so it does no harm where a daemon works on the same directory. */
int offline_fsck(const struct settings *settings, char *reason, size_t reason_bytes);

#endif
