#include <stdio.h>

#include "sqlite.h"

static struct sqlite_store *self(struct store *store)
{
    return (struct sqlite_store *)store;
}

/* author */

static enum store_result op_author_get(struct store *store, int64_t site, struct slice id, struct store_author *author)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st =
        sqlite_use(s, ST_AUTHOR_GET, "SELECT mark, until, marked, last_event FROM author WHERE site = ? AND id = ?");
    sqlite3_bind_int64(st, 1, site);
    sqlite_bind_text(st, 2, id);
    enum store_result r = sqlite_row(s, st);
    if (r != STORE_OK)
        return r;
    *author = (struct store_author){.site = site,
                                    .mark = (enum mark)sqlite3_column_int(st, 0),
                                    .until = sqlite3_column_int64(st, 1),
                                    .marked = sqlite3_column_int64(st, 2),
                                    .last_event = sqlite3_column_int64(st, 3)};
    snprintf(author->id, sizeof(author->id), "%.*s", (int)id.len, id.data);
    return r;
}

static enum store_result op_author_put(struct store *store, const struct store_author *author)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_AUTHOR_PUT,
                                  "INSERT OR REPLACE INTO author(site, id, mark, until, marked, last_event)"
                                  " VALUES(?, ?, ?, ?, ?, ?)");
    sqlite3_bind_int64(st, 1, author->site);
    sqlite_bind_text(st, 2, slice_of(author->id));
    sqlite3_bind_int64(st, 3, author->mark);
    sqlite3_bind_int64(st, 4, author->until);
    sqlite3_bind_int64(st, 5, author->marked);
    sqlite3_bind_int64(st, 6, author->last_event);
    return sqlite_run(s, st);
}

static enum store_result op_author_erase(struct store *store, int64_t site, struct slice id)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_AUTHOR_ERASE, "DELETE FROM author WHERE site = ? AND id = ?");
    sqlite3_bind_int64(st, 1, site);
    sqlite_bind_text(st, 2, id);
    enum store_result r = sqlite_run(s, st);
    return r == STORE_OK ? sqlite_note_erased(s) : r;
}

/* skip */

static enum store_result op_skip_put(struct store *store, struct slice moderator, int64_t text, int64_t until)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st =
        sqlite_use(s, ST_SKIP_PUT, "INSERT OR REPLACE INTO skip(moderator, text, until) VALUES(?, ?, ?)");
    sqlite_bind_text(st, 1, moderator);
    sqlite3_bind_int64(st, 2, text);
    sqlite3_bind_int64(st, 3, until);
    return sqlite_run(s, st);
}

static enum store_result op_skip_scan(struct store *store, struct slice moderator, int64_t after_text, int64_t limit,
                                      store_on_skip *on_skip, void *arg)
{
    struct sqlite_store *s = self(store);
    enum store_result r;
    sqlite3_stmt *st = sqlite_use(
        s, ST_SKIP_SCAN, "SELECT text, until FROM skip WHERE moderator = ? AND text > ? ORDER BY text DESC LIMIT ?");
    sqlite_bind_text(st, 1, moderator);
    sqlite3_bind_int64(st, 2, after_text);
    sqlite3_bind_int64(st, 3, limit < 0 ? 0 : limit);
    while ((r = sqlite_row(s, st)) == STORE_OK)
        if (!on_skip(arg, sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1)))
            break;
    return sqlite_scan_end(s, r);
}

static enum store_result op_skip_prune(struct store *store, int64_t before, int64_t limit)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_SKIP_PRUNE,
                                  "DELETE FROM skip WHERE (moderator, text) IN"
                                  " (SELECT moderator, text FROM skip WHERE until < ? ORDER BY until LIMIT ?)");
    sqlite3_bind_int64(st, 1, before);
    sqlite3_bind_int64(st, 2, limit < 0 ? 0 : limit);
    return sqlite_run(s, st);
}

/* batch */

static enum store_result op_batch_add(struct store *store, struct slice id, int64_t event)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_BATCH_ADD, "INSERT OR IGNORE INTO batch(id, event) VALUES(?, ?)");
    sqlite_bind_blob(st, 1, id);
    sqlite3_bind_int64(st, 2, event);
    return sqlite_run(s, st);
}

static enum store_result op_batch_scan(struct store *store, struct slice id, int64_t after, int64_t limit,
                                       store_on_number *on_event, void *arg)
{
    struct sqlite_store *s = self(store);
    enum store_result r;
    sqlite3_stmt *st =
        sqlite_use(s, ST_BATCH_SCAN, "SELECT event FROM batch WHERE id = ? AND event > ? ORDER BY event LIMIT ?");
    sqlite_bind_blob(st, 1, id);
    sqlite3_bind_int64(st, 2, after);
    sqlite3_bind_int64(st, 3, limit < 0 ? 0 : limit);
    while ((r = sqlite_row(s, st)) == STORE_OK)
        if (!on_event(arg, sqlite3_column_int64(st, 0)))
            break;
    return sqlite_scan_end(s, r);
}

void sqlite_author_ops(struct store_ops *ops)
{
    ops->author_get = op_author_get;
    ops->author_put = op_author_put;
    ops->author_erase = op_author_erase;
    ops->skip_put = op_skip_put;
    ops->skip_scan = op_skip_scan;
    ops->skip_prune = op_skip_prune;
    ops->batch_add = op_batch_add;
    ops->batch_scan = op_batch_scan;
}
