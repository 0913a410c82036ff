/* Faults put into a daemon on purpose, to show that the tests find them (tests/lib/sabotage.c). */
#ifndef MODQD_SABOTAGE_H
#define MODQD_SABOTAGE_H

#include <stdbool.h>

/* Makes a VFS the default one whose files keep what is written in memory until it is synced: a killed process then
 * loses what a machine without power would lose. All connections of the process see the same bytes. A file that is
 * closed in good order is written out. False when SQLite refuses it. */
bool sabotage_forget_unsynced(void);

#endif
