#include <stdio.h>

#include "sqlite.h"

static struct sqlite_store *self(struct store *store)
{
    return (struct sqlite_store *)store;
}

/* Keys of another type than ours, which other hands may have written, come back as what they are not: whoever goes on
 * behind them would meet them again for ever. They, and ids that are too long, are left out. */
#define IS_A_KEY(column) "typeof(" column ") = 'text' AND length(CAST(" column " AS BLOB)) <= 128"

static enum store_result op_comment_scan_all(struct store *store, int64_t after_site, struct slice after_id,
                                             int64_t limit, store_on_comment *on_comment, void *arg)
{
    struct sqlite_store *s = self(store);
    struct store_comment comment;
    enum store_result r;
    sqlite3_stmt *st = sqlite_use(s, ST_COMMENT_SCAN_ALL,
                                  "SELECT " SQLITE_COMMENT_COLUMNS " FROM comment WHERE (site, id) > (?, ?)"
                                  " AND typeof(site) = 'integer' AND " IS_A_KEY("id") " ORDER BY site, id LIMIT ?");

    sqlite3_bind_int64(st, 1, after_site);
    sqlite_bind_text(st, 2, after_id);
    sqlite3_bind_int64(st, 3, limit < 0 ? 0 : limit);
    while ((r = sqlite_row(s, st)) == STORE_OK) {
        sqlite_comment_row(st, &comment);
        if (!on_comment(arg, &comment))
            break;
    }
    return sqlite_scan_end(s, r);
}

static enum store_result op_event_head(struct store *store, int64_t no, struct store_event *event)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_EVENT_HEAD, "SELECT " SQLITE_EVENT_COLUMNS " FROM event WHERE no = ?");

    sqlite3_bind_int64(st, 1, no);
    enum store_result r = sqlite_row(s, st);
    if (r == STORE_OK)
        sqlite_event_row(st, event);
    return r;
}

static enum store_result op_report_count(struct store *store, int64_t site, struct slice comment, int64_t round,
                                         int64_t *n)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st =
        sqlite_use(s, ST_REPORT_COUNT, "SELECT count(*) FROM report WHERE site = ? AND comment = ? AND round = ?");

    sqlite3_bind_int64(st, 1, site);
    sqlite_bind_text(st, 2, comment);
    sqlite3_bind_int64(st, 3, round);
    enum store_result r = sqlite_row(s, st);
    if (r == STORE_OK)
        *n = sqlite3_column_int64(st, 0);
    return r;
}

static enum store_result op_report_scan_all(struct store *store, int64_t after_site, struct slice after_comment,
                                            struct slice after_reader, int64_t limit, store_on_report_of *on_report,
                                            void *arg)
{
    struct sqlite_store *s = self(store);
    enum store_result r;
    sqlite3_stmt *st =
        sqlite_use(s, ST_REPORT_SCAN_ALL,
                   "SELECT site, comment, reader, round, at, reason, note FROM report"
                   " WHERE (site, comment, reader) > (?, ?, ?) AND typeof(site) = 'integer' AND " IS_A_KEY(
                       "comment") " AND " IS_A_KEY("reader") " ORDER BY site, comment, reader LIMIT ?");

    sqlite3_bind_int64(st, 1, after_site);
    sqlite_bind_text(st, 2, after_comment);
    sqlite_bind_text(st, 3, after_reader);
    sqlite3_bind_int64(st, 4, limit < 0 ? 0 : limit);
    while ((r = sqlite_row(s, st)) == STORE_OK) {
        struct store_report report = {.reader = sqlite_text(st, 2),
                                      .round = sqlite3_column_int64(st, 3),
                                      .at = sqlite3_column_int64(st, 4),
                                      .reason = sqlite_text(st, 5),
                                      .note = sqlite_text(st, 6)};
        if (!on_report(arg, sqlite3_column_int64(st, 0), sqlite_text(st, 1), &report))
            break;
    }
    return sqlite_scan_end(s, r);
}

static enum store_result op_author_scan_all(struct store *store, int64_t after_site, struct slice after_id,
                                            int64_t limit, store_on_author *on_author, void *arg)
{
    struct sqlite_store *s = self(store);
    enum store_result r;
    sqlite3_stmt *st = sqlite_use(
        s, ST_AUTHOR_SCAN_ALL,
        "SELECT site, id, mark, until, marked, last_event FROM author"
        " WHERE (site, id) > (?, ?) AND typeof(site) = 'integer' AND " IS_A_KEY("id") " ORDER BY site, id LIMIT ?");

    sqlite3_bind_int64(st, 1, after_site);
    sqlite_bind_text(st, 2, after_id);
    sqlite3_bind_int64(st, 3, limit < 0 ? 0 : limit);
    while ((r = sqlite_row(s, st)) == STORE_OK) {
        struct store_author author = {.site = sqlite3_column_int64(st, 0),
                                      .mark = (enum mark)sqlite3_column_int(st, 2),
                                      .until = sqlite3_column_int64(st, 3),
                                      .marked = sqlite3_column_int64(st, 4),
                                      .last_event = sqlite3_column_int64(st, 5)};
        struct slice id = sqlite_text(st, 1);
        snprintf(author.id, sizeof(author.id), "%.*s", (int)id.len, id.data);
        if (!on_author(arg, &author))
            break;
    }
    return sqlite_scan_end(s, r);
}

static enum store_result op_skip_scan_all(struct store *store, struct slice after_moderator, int64_t after_text,
                                          int64_t limit, store_on_skip_of *on_skip, void *arg)
{
    struct sqlite_store *s = self(store);
    enum store_result r;
    sqlite3_stmt *st =
        sqlite_use(s, ST_SKIP_SCAN_ALL,
                   "SELECT moderator, text FROM skip WHERE (moderator, text) > (?, ?)"
                   " AND typeof(text) = 'integer' AND " IS_A_KEY("moderator") " ORDER BY moderator, text LIMIT ?");

    sqlite_bind_text(st, 1, after_moderator);
    sqlite3_bind_int64(st, 2, after_text);
    sqlite3_bind_int64(st, 3, limit < 0 ? 0 : limit);
    while ((r = sqlite_row(s, st)) == STORE_OK)
        if (!on_skip(arg, sqlite_text(st, 0), sqlite3_column_int64(st, 1)))
            break;
    return sqlite_scan_end(s, r);
}

static enum store_result op_batch_scan_all(struct store *store, const unsigned char after_id[BATCH_BYTES],
                                           int64_t after_event, int64_t limit, store_on_batch *on_batch, void *arg)
{
    struct sqlite_store *s = self(store);
    enum store_result r;
    sqlite3_stmt *st = sqlite_use(s, ST_BATCH_SCAN_ALL,
                                  "SELECT id, event FROM batch WHERE (id, event) > (?, ?) AND typeof(id) = 'blob'"
                                  " AND length(id) = 16 AND typeof(event) = 'integer' ORDER BY id, event LIMIT ?");

    sqlite_bind_blob(st, 1, (struct slice){(const char *)after_id, BATCH_BYTES});
    sqlite3_bind_int64(st, 2, after_event);
    sqlite3_bind_int64(st, 3, limit < 0 ? 0 : limit);
    while ((r = sqlite_row(s, st)) == STORE_OK)
        if (!on_batch(arg, (const unsigned char *)sqlite_blob(st, 0).data, sqlite3_column_int64(st, 1)))
            break;
    return sqlite_scan_end(s, r);
}

void sqlite_recount_ops(struct store_ops *ops)
{
    ops->comment_scan_all = op_comment_scan_all;
    ops->event_head = op_event_head;
    ops->report_count = op_report_count;
    ops->report_scan_all = op_report_scan_all;
    ops->author_scan_all = op_author_scan_all;
    ops->skip_scan_all = op_skip_scan_all;
    ops->batch_scan_all = op_batch_scan_all;
}
