#include "sqlite_vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

/* A file stays what the default VFS made it, in the same memory; only its table of methods is replaced by a copy with
 * another xSync. Locks, shared memory and everything else are the default VFS's own, and so a connection through it and
 * one without it see each other as ever. */

enum { TABLES_MAX = 8 };

/* A copy of a table of methods, and what is behind it. */
struct timed {
    sqlite3_io_methods methods; /* first: a file's pMethods points here */
    const sqlite3_io_methods *real;
    struct histogram *syncs;
};

struct histogram sqlite_vfs_wal_syncs, sqlite_vfs_database_syncs;

static sqlite3_vfs *real_vfs;
static sqlite3_vfs timed_vfs;
static struct timed tables[TABLES_MAX];
static size_t table_count;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards making tables; a table that is made never changes */

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int timed_sync(sqlite3_file *file, int flags)
{
    const struct timed *timed = (const struct timed *)file->pMethods;
    int64_t begun = now_ns();
    int r = timed->real->xSync(file, flags);

    if (r == SQLITE_OK)
        histogram_add(timed->syncs, &histogram_nanoseconds, now_ns() - begun);
    return r;
}

/* How much of the struct a table of that version has; 0: a version that is not known. */
static size_t bytes_of(const sqlite3_io_methods *real)
{
    switch (real->iVersion) {
    case 1:
        return offsetof(sqlite3_io_methods, xShmMap);
    case 2:
        return offsetof(sqlite3_io_methods, xFetch);
    case 3:
        return sizeof(sqlite3_io_methods);
    default:
        return 0;
    }
}

static struct timed *find(const sqlite3_io_methods *real, const struct histogram *syncs)
{
    for (size_t i = 0; i < table_count; i++)
        if (tables[i].real == real && tables[i].syncs == syncs)
            return &tables[i];
    return NULL;
}

static struct timed *make(const sqlite3_io_methods *real, struct histogram *syncs)
{
    if (table_count == TABLES_MAX)
        return NULL;
    struct timed *timed = &tables[table_count++];
    memcpy(&timed->methods, real, bytes_of(real));
    timed->methods.xSync = timed_sync;
    timed->real = real;
    timed->syncs = syncs;
    return timed;
}

/* A table that is not understood, or one too many, is left alone: those syncs are not timed. */
static void time_syncs(sqlite3_file *file, struct histogram *syncs)
{
    const sqlite3_io_methods *real = file->pMethods;

    if (!real || !bytes_of(real))
        return;
    pthread_mutex_lock(&mutex);
    struct timed *timed = find(real, syncs);
    if (!timed)
        timed = make(real, syncs);
    pthread_mutex_unlock(&mutex);
    if (timed)
        file->pMethods = &timed->methods;
}

static int timed_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out)
{
    (void)vfs;
    int r = real_vfs->xOpen(real_vfs, path, file, flags, out);
    if (r == SQLITE_OK)
        time_syncs(file, flags & SQLITE_OPEN_WAL ? &sqlite_vfs_wal_syncs : &sqlite_vfs_database_syncs);
    return r;
}

const char *sqlite_vfs_timed(void)
{
    pthread_mutex_lock(&mutex);
    if (!real_vfs && (real_vfs = sqlite3_vfs_find(NULL))) {
        timed_vfs = *real_vfs;
        timed_vfs.pNext = NULL;
        timed_vfs.zName = "modqd-timed";
        timed_vfs.xOpen = timed_open;
        if (sqlite3_vfs_register(&timed_vfs, 0) != SQLITE_OK)
            real_vfs = NULL;
    }
    pthread_mutex_unlock(&mutex);
    return real_vfs ? timed_vfs.zName : NULL;
}
