/* The forgetful VFS: see sabotage.h. The database and its WAL have a shadow in memory, one a path, that all handles of
 * the process read and write. Syncing a file writes to the real one what has changed. Other files (rollback journals,
 * the index of the WAL) are the system's own: they promise more than they must, or are made anew after a crash. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sabotage.h"

enum { BLOCK = 4096 };

struct shadow {
    struct shadow *next;
    char *path;
    int handles;
    unsigned char *data; /* the file as the process sees it */
    bool *dirty;         /* for each block: not synced yet */
    sqlite3_int64 size, cap;
    sqlite3_int64 cut; /* the real file is to be cut to this size first; -1: not */
};

struct forgetful {
    sqlite3_file base;
    struct shadow *shadow;
    bool writes;
    /* the real file follows */
};

static sqlite3_vfs *system_vfs;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards every shadow */
static struct shadow *shadows;

static struct forgetful *self(sqlite3_file *file)
{
    return (struct forgetful *)file;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return (sqlite3_file *)(self(file) + 1);
}

/* shadows; called with the mutex held */

static bool reserve(struct shadow *s, sqlite3_int64 size)
{
    sqlite3_int64 cap = s->cap ? s->cap : (sqlite3_int64)BLOCK * 16;

    if (size <= s->cap)
        return true;
    while (cap < size)
        cap *= 2;
    unsigned char *data = realloc(s->data, (size_t)cap);
    if (data)
        s->data = data;
    bool *dirty = realloc(s->dirty, (size_t)(cap / BLOCK) * sizeof(bool));
    if (dirty)
        s->dirty = dirty;
    if (!data || !dirty)
        return false;
    memset(data + s->cap, 0, (size_t)(cap - s->cap));
    memset(dirty + s->cap / BLOCK, 0, (size_t)((cap - s->cap) / BLOCK) * sizeof(bool));
    s->cap = cap;
    return true;
}

static struct shadow *find(const char *path)
{
    struct shadow *s = shadows;
    while (s && (!s->path || strcmp(s->path, path) != 0))
        s = s->next;
    return s;
}

static void drop(struct shadow *s)
{
    struct shadow **at = &shadows;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    free(s->path);
    free(s->data);
    free(s->dirty);
    free(s);
}

static bool load(struct shadow *s, sqlite3_file *real)
{
    sqlite3_int64 size;

    if (real->pMethods->xFileSize(real, &size) != SQLITE_OK || !reserve(s, size))
        return false;
    for (; s->size < size; s->size += BLOCK) {
        int n = size - s->size < BLOCK ? (int)(size - s->size) : BLOCK;
        if (real->pMethods->xRead(real, s->data + s->size, n, s->size) != SQLITE_OK)
            return false;
    }
    s->size = size;
    return true;
}

static struct shadow *shadow_for(const char *path, sqlite3_file *real)
{
    struct shadow *s = find(path);

    if (!s) {
        s = calloc(1, sizeof(*s));
        if (!s)
            return NULL;
        s->next = shadows;
        shadows = s;
        s->cut = -1;
        s->path = strdup(path);
        if (!s->path || !load(s, real)) {
            drop(s);
            return NULL;
        }
    }
    s->handles++;
    return s;
}

static int flush_block(struct shadow *s, sqlite3_file *real, sqlite3_int64 block)
{
    sqlite3_int64 at = block * BLOCK;
    int n = s->size - at < BLOCK ? (int)(s->size - at) : BLOCK;
    int r = real->pMethods->xWrite(real, s->data + at, n, at);

    s->dirty[block] = r != SQLITE_OK;
    return r;
}

/* Writes to the real file what has changed since the last time. */
static int flush(struct shadow *s, sqlite3_file *real)
{
    int r = SQLITE_OK;

    if (s->cut >= 0)
        r = real->pMethods->xTruncate(real, s->cut);
    if (r == SQLITE_OK)
        s->cut = -1;
    for (sqlite3_int64 block = 0; block * BLOCK < s->size && r == SQLITE_OK; block++)
        if (s->dirty[block])
            r = flush_block(s, real, block);
    return r;
}

/* files */

static int forgetful_read(sqlite3_file *file, void *to, int n, sqlite3_int64 at)
{
    struct shadow *s = self(file)->shadow;

    pthread_mutex_lock(&mutex);
    sqlite3_int64 there = s->size - at;
    int have = there <= 0 ? 0 : there < n ? (int)there : n;
    if (have > 0)
        memcpy(to, s->data + at, (size_t)have);
    pthread_mutex_unlock(&mutex);
    memset((char *)to + have, 0, (size_t)(n - have));
    return have == n ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int forgetful_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 at)
{
    struct shadow *s = self(file)->shadow;

    pthread_mutex_lock(&mutex);
    bool good = reserve(s, at + n);
    if (good) {
        memcpy(s->data + at, from, (size_t)n);
        for (sqlite3_int64 block = at / BLOCK; block * BLOCK < at + n; block++)
            s->dirty[block] = true;
        s->size = at + n > s->size ? at + n : s->size;
    }
    pthread_mutex_unlock(&mutex);
    return good ? SQLITE_OK : SQLITE_IOERR_NOMEM;
}

static int forgetful_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct shadow *s = self(file)->shadow;

    pthread_mutex_lock(&mutex);
    if (size < s->size) {
        memset(s->data + size, 0, (size_t)(s->size - size));
        s->size = size;
        s->cut = s->cut < 0 || size < s->cut ? size : s->cut;
    }
    pthread_mutex_unlock(&mutex);
    return SQLITE_OK;
}

static int forgetful_sync(sqlite3_file *file, int flags)
{
    pthread_mutex_lock(&mutex);
    int r = flush(self(file)->shadow, real_of(file));
    pthread_mutex_unlock(&mutex);
    return r == SQLITE_OK ? real_of(file)->pMethods->xSync(real_of(file), flags) : r;
}

static int forgetful_size(sqlite3_file *file, sqlite3_int64 *size)
{
    pthread_mutex_lock(&mutex);
    *size = self(file)->shadow->size;
    pthread_mutex_unlock(&mutex);
    return SQLITE_OK;
}

static int forgetful_close(sqlite3_file *file)
{
    struct shadow *s = self(file)->shadow;

    pthread_mutex_lock(&mutex);
    if (self(file)->writes && s->path)
        flush(s, real_of(file));
    if (--s->handles == 0)
        drop(s);
    pthread_mutex_unlock(&mutex);
    return real_of(file)->pMethods->xClose(real_of(file));
}

/* One method that the real file answers. */
#define PASS(name, method, parameters, ...)                                                                            \
    static int forgetful_##name parameters                                                                             \
    {                                                                                                                  \
        return real_of(file)->pMethods->method(real_of(file), ##__VA_ARGS__);                                          \
    }

PASS(lock, xLock, (sqlite3_file * file, int level), level)
PASS(unlock, xUnlock, (sqlite3_file * file, int level), level)
PASS(reserved, xCheckReservedLock, (sqlite3_file * file, int *is), is)
PASS(control, xFileControl, (sqlite3_file * file, int op, void *arg), op, arg)
PASS(sector, xSectorSize, (sqlite3_file * file))
PASS(traits, xDeviceCharacteristics, (sqlite3_file * file))
PASS(shm_map, xShmMap, (sqlite3_file * file, int page, int size, int extend, void volatile **to), page, size, extend,
     to)
PASS(shm_lock, xShmLock, (sqlite3_file * file, int offset, int n, int flags), offset, n, flags)
PASS(shm_unmap, xShmUnmap, (sqlite3_file * file, int delete), delete)

static void forgetful_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

/* Version 2: without memory maps of the file, which would look past the shadow. */
static const sqlite3_io_methods methods = {.iVersion = 2,
                                           .xClose = forgetful_close,
                                           .xRead = forgetful_read,
                                           .xWrite = forgetful_write,
                                           .xTruncate = forgetful_truncate,
                                           .xSync = forgetful_sync,
                                           .xFileSize = forgetful_size,
                                           .xLock = forgetful_lock,
                                           .xUnlock = forgetful_unlock,
                                           .xCheckReservedLock = forgetful_reserved,
                                           .xFileControl = forgetful_control,
                                           .xSectorSize = forgetful_sector,
                                           .xDeviceCharacteristics = forgetful_traits,
                                           .xShmMap = forgetful_shm_map,
                                           .xShmLock = forgetful_shm_lock,
                                           .xShmBarrier = forgetful_shm_barrier,
                                           .xShmUnmap = forgetful_shm_unmap};

/* the VFS */

static int forgetful_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out)
{
    int given = 0;

    (void)vfs;
    if (!path || !(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)))
        return system_vfs->xOpen(system_vfs, path, file, flags, out);
    memset(file, 0, sizeof(struct forgetful));
    int r = system_vfs->xOpen(system_vfs, path, real_of(file), flags, &given);
    if (r != SQLITE_OK)
        return r;
    self(file)->writes = given & SQLITE_OPEN_READWRITE;
    pthread_mutex_lock(&mutex);
    self(file)->shadow = shadow_for(path, real_of(file));
    pthread_mutex_unlock(&mutex);
    if (!self(file)->shadow) {
        real_of(file)->pMethods->xClose(real_of(file));
        return SQLITE_IOERR_NOMEM;
    }
    file->pMethods = &methods;
    if (out)
        *out = given;
    return SQLITE_OK;
}

/* A file that is deleted while it is open goes on without a name, and is never written out. */
static int forgetful_delete(sqlite3_vfs *vfs, const char *path, int sync_directory)
{
    (void)vfs;
    pthread_mutex_lock(&mutex);
    struct shadow *s = find(path);
    if (s) {
        free(s->path);
        s->path = NULL;
    }
    pthread_mutex_unlock(&mutex);
    return system_vfs->xDelete(system_vfs, path, sync_directory);
}

/* The system calls an empty file absent, and the real one may be empty yet. */
static int forgetful_access(sqlite3_vfs *vfs, const char *path, int what, int *is)
{
    (void)vfs;
    pthread_mutex_lock(&mutex);
    struct shadow *s = find(path);
    bool there = s && s->size > 0;
    pthread_mutex_unlock(&mutex);
    if (what != SQLITE_ACCESS_EXISTS || !there)
        return system_vfs->xAccess(system_vfs, path, what, is);
    *is = 1;
    return SQLITE_OK;
}

bool sabotage_forget_unsynced(void)
{
    static sqlite3_vfs vfs;

    system_vfs = sqlite3_vfs_find(NULL);
    if (!system_vfs)
        return false;
    vfs = *system_vfs;
    vfs.pNext = NULL;
    vfs.zName = "forgetful";
    vfs.szOsFile += (int)sizeof(struct forgetful);
    vfs.xOpen = forgetful_open;
    vfs.xDelete = forgetful_delete;
    vfs.xAccess = forgetful_access;
    return sqlite3_vfs_register(&vfs, 1) == SQLITE_OK;
}
