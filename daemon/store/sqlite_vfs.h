/* How long the disk takes: a VFS of SQLite that is the default one but for a clock around each sync. */
#ifndef MODQD_SQLITE_VFS_H
#define MODQD_SQLITE_VFS_H

#include "../core/histogram.h"

/* Syncs of the process so far, in histogram_nanoseconds: of the WAL, which a commit waits for, and of the database
 * itself (and a rollback journal), at a checkpoint. */
extern struct histogram sqlite_vfs_wal_syncs, sqlite_vfs_database_syncs;

/* Name of the VFS for sqlite3_open_v2, which is made on top of whatever is the default when it is first asked for.
 * NULL, which means the default one, when it cannot be made. */
const char *sqlite_vfs_timed(void);

#endif
