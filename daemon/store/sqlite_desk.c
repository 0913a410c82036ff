#include "sqlite.h"

static struct sqlite_store *self(struct store *store)
{
    return (struct sqlite_store *)store;
}

/* note */

static enum store_result op_note_add(struct store *store, int64_t event, struct slice salt, struct slice text)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_NOTE_ADD, "INSERT INTO note(event, salt, text) VALUES(?, ?, ?)");
    sqlite3_bind_int64(st, 1, event);
    sqlite_bind_blob(st, 2, salt);
    sqlite_bind_blob(st, 3, text);
    return sqlite_run(s, st);
}

static enum store_result op_note_get(struct store *store, int64_t event, struct slice *text)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_NOTE_GET, "SELECT text FROM note WHERE event = ?");
    sqlite3_bind_int64(st, 1, event);
    enum store_result r = sqlite_row(s, st);
    if (r == STORE_OK)
        *text = sqlite_blob(st, 0);
    return r;
}

static enum store_result op_note_erase(struct store *store, int64_t event)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_NOTE_ERASE, "DELETE FROM note WHERE event = ?");
    sqlite3_bind_int64(st, 1, event);
    enum store_result r = sqlite_run(s, st);
    return r == STORE_OK && sqlite3_changes(s->db) > 0 ? sqlite_note_erased(s) : r;
}

/* report */

#define REPORT_COLUMNS "reader, round, at, reason, note"

static void report_row(sqlite3_stmt *st, struct store_report *report)
{
    *report = (struct store_report){.reader = sqlite_text(st, 0),
                                    .round = sqlite3_column_int64(st, 1),
                                    .at = sqlite3_column_int64(st, 2),
                                    .reason = sqlite_text(st, 3),
                                    .note = sqlite_text(st, 4)};
}

static enum store_result op_report_get(struct store *store, int64_t site, struct slice comment, struct slice reader,
                                       struct store_report *report)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(
        s, ST_REPORT_GET, "SELECT " REPORT_COLUMNS " FROM report WHERE site = ? AND comment = ? AND reader = ?");
    sqlite3_bind_int64(st, 1, site);
    sqlite_bind_text(st, 2, comment);
    sqlite_bind_text(st, 3, reader);
    enum store_result r = sqlite_row(s, st);
    if (r == STORE_OK)
        report_row(st, report);
    return r;
}

static enum store_result op_report_put(struct store *store, int64_t site, struct slice comment,
                                       const struct store_report *report)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st =
        sqlite_use(s, ST_REPORT_PUT,
                   "INSERT OR REPLACE INTO report(site, comment, " REPORT_COLUMNS ") VALUES(?, ?, ?, ?, ?, ?, ?)");
    sqlite3_bind_int64(st, 1, site);
    sqlite_bind_text(st, 2, comment);
    sqlite_bind_text(st, 3, report->reader);
    sqlite3_bind_int64(st, 4, report->round);
    sqlite3_bind_int64(st, 5, report->at);
    sqlite_bind_text(st, 6, report->reason);
    sqlite_bind_text(st, 7, report->note);
    return sqlite_run(s, st);
}

static enum store_result op_report_scan(struct store *store, int64_t site, struct slice comment, int64_t limit,
                                        store_on_report *on_report, void *arg)
{
    struct sqlite_store *s = self(store);
    struct store_report report;
    enum store_result r;
    sqlite3_stmt *st =
        sqlite_use(s, ST_REPORT_SCAN,
                   "SELECT " REPORT_COLUMNS " FROM report WHERE site = ? AND comment = ? ORDER BY at DESC LIMIT ?");

    sqlite3_bind_int64(st, 1, site);
    sqlite_bind_text(st, 2, comment);
    sqlite3_bind_int64(st, 3, limit < 0 ? 0 : limit);
    while ((r = sqlite_row(s, st)) == STORE_OK) {
        report_row(st, &report);
        if (!on_report(arg, &report))
            break;
    }
    return sqlite_scan_end(s, r);
}

static enum store_result op_report_erase(struct store *store, int64_t site, struct slice comment)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_REPORT_ERASE, "DELETE FROM report WHERE site = ? AND comment = ?");
    sqlite3_bind_int64(st, 1, site);
    sqlite_bind_text(st, 2, comment);
    enum store_result r = sqlite_run(s, st);
    return r == STORE_OK && sqlite3_changes(s->db) > 0 ? sqlite_note_erased(s) : r;
}

/* article */

static enum store_result op_article_get(struct store *store, int64_t site, struct slice id,
                                        struct store_article *article)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st =
        sqlite_use(s, ST_ARTICLE_GET, "SELECT meta, closed, front_page FROM article WHERE site = ? AND id = ?");
    sqlite3_bind_int64(st, 1, site);
    sqlite_bind_text(st, 2, id);
    enum store_result r = sqlite_row(s, st);
    if (r == STORE_OK)
        *article = (struct store_article){
            .meta = sqlite_blob(st, 0), .closed = sqlite3_column_int(st, 1), .front_page = sqlite3_column_int(st, 2)};
    return r;
}

static enum store_result op_article_put(struct store *store, int64_t site, struct slice id,
                                        const struct store_article *article)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_ARTICLE_PUT,
                                  "INSERT OR REPLACE INTO article(site, id, meta, closed, front_page)"
                                  " VALUES(?, ?, ?, ?, ?)");
    sqlite3_bind_int64(st, 1, site);
    sqlite_bind_text(st, 2, id);
    sqlite_bind_blob(st, 3, article->meta);
    sqlite3_bind_int64(st, 4, article->closed);
    sqlite3_bind_int64(st, 5, article->front_page);
    return sqlite_run(s, st);
}

/* listener */

static enum store_result put_listener(struct sqlite_store *s, const struct store_listener *listener, int64_t max)
{
    sqlite3_stmt *st = sqlite_use(s, ST_LISTENER_PUT,
                                  "INSERT OR REPLACE INTO listener(site, name, seq, at) SELECT ?1, ?2, ?3, ?4"
                                  " WHERE (SELECT count(*) FROM listener WHERE site = ?1 AND name <> ?2) < ?5");
    sqlite3_bind_int64(st, 1, listener->site);
    sqlite_bind_text(st, 2, listener->name);
    sqlite3_bind_int64(st, 3, listener->seq);
    sqlite3_bind_int64(st, 4, listener->at);
    sqlite3_bind_int64(st, 5, max);
    enum store_result r = sqlite_run(s, st);
    return r == STORE_OK && sqlite3_changes(s->db) == 0 ? STORE_NONE : r;
}

static enum store_result op_listener_put(struct store *store, const struct store_listener *listener, int64_t max,
                                         int64_t forget_before)
{
    struct sqlite_store *s = self(store);
    enum store_result r = put_listener(s, listener, max);

    if (r != STORE_NONE)
        return r;
    sqlite3_stmt *st = sqlite_use(s, ST_LISTENER_FORGET, "DELETE FROM listener WHERE site = ? AND at < ?");
    sqlite3_bind_int64(st, 1, listener->site);
    sqlite3_bind_int64(st, 2, forget_before);
    r = sqlite_run(s, st);
    return r == STORE_OK && sqlite3_changes(s->db) > 0 ? put_listener(s, listener, max)
           : r == STORE_OK                             ? STORE_NONE
                                                       : r;
}

static enum store_result op_listener_scan(struct store *store, store_on_listener *on_listener, void *arg)
{
    struct sqlite_store *s = self(store);
    enum store_result r;
    sqlite3_stmt *st = sqlite_use(s, ST_LISTENER_SCAN, "SELECT site, name, seq, at FROM listener ORDER BY site, name");

    while ((r = sqlite_row(s, st)) == STORE_OK) {
        struct store_listener listener = {.site = sqlite3_column_int64(st, 0),
                                          .name = sqlite_text(st, 1),
                                          .seq = sqlite3_column_int64(st, 2),
                                          .at = sqlite3_column_int64(st, 3)};
        if (!on_listener(arg, &listener))
            break;
    }
    return sqlite_scan_end(s, r);
}

/* operation */

static enum store_result op_operation_get(struct store *store, struct slice id, struct store_operation *operation)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_OPERATION_GET, "SELECT actor, request, at, answer FROM operation WHERE id = ?");
    sqlite_bind_blob(st, 1, id);
    enum store_result r = sqlite_row(s, st);
    if (r == STORE_OK)
        *operation = (struct store_operation){.actor = sqlite_text(st, 0),
                                              .request = sqlite_blob(st, 1),
                                              .at = sqlite3_column_int64(st, 2),
                                              .answer = sqlite_blob(st, 3)};
    return r;
}

static enum store_result op_operation_add(struct store *store, struct slice id, const struct store_operation *operation)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st =
        sqlite_use(s, ST_OPERATION_ADD, "INSERT INTO operation(id, actor, request, at, answer) VALUES(?, ?, ?, ?, ?)");
    sqlite_bind_blob(st, 1, id);
    sqlite_bind_text(st, 2, operation->actor);
    sqlite_bind_blob(st, 3, operation->request);
    sqlite3_bind_int64(st, 4, operation->at);
    sqlite_bind_blob(st, 5, operation->answer);
    return sqlite_run(s, st);
}

static enum store_result op_operation_prune(struct store *store, int64_t before, int64_t limit)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_OPERATION_PRUNE,
                                  "DELETE FROM operation WHERE id IN"
                                  " (SELECT id FROM operation WHERE at < ? ORDER BY at LIMIT ?)");
    sqlite3_bind_int64(st, 1, before);
    sqlite3_bind_int64(st, 2, limit < 0 ? 0 : limit);
    return sqlite_run(s, st);
}

void sqlite_desk_ops(struct store_ops *ops)
{
    ops->note_add = op_note_add;
    ops->note_get = op_note_get;
    ops->note_erase = op_note_erase;
    ops->report_get = op_report_get;
    ops->report_put = op_report_put;
    ops->report_scan = op_report_scan;
    ops->report_erase = op_report_erase;
    ops->article_get = op_article_get;
    ops->article_put = op_article_put;
    ops->listener_put = op_listener_put;
    ops->listener_scan = op_listener_scan;
    ops->operation_get = op_operation_get;
    ops->operation_add = op_operation_add;
    ops->operation_prune = op_operation_prune;
}
