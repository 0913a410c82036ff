#include <stdio.h>

#include "sqlite.h"

static struct sqlite_store *self(struct store *store)
{
    return (struct sqlite_store *)store;
}

static void copy(char *to, size_t size, struct slice from)
{
    snprintf(to, size, "%.*s", (int)from.len, from.data ? from.data : "");
}

/* meta */

static enum store_result meta_get(struct store *store, const char *key, struct slice *value)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_META_GET, "SELECT value FROM meta WHERE key = ?");
    sqlite_bind_text(st, 1, slice_of(key));
    enum store_result r = sqlite_row(s, st);
    if (r == STORE_OK)
        *value = sqlite_blob(st, 0);
    return r;
}

static enum store_result meta_set(struct store *store, const char *key, struct slice value)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_META_SET, "UPDATE meta SET value = ?2 WHERE key = ?1");
    sqlite_bind_text(st, 1, slice_of(key));
    sqlite_bind_blob(st, 2, value);
    return sqlite_run(s, st);
}

static enum store_result op_epoch(struct store *store, unsigned char epoch[EPOCH_BYTES])
{
    struct slice value = SLICE_NONE;
    enum store_result r = meta_get(store, "epoch", &value);
    if (r == STORE_OK && value.len != EPOCH_BYTES)
        return sqlite_wrong(self(store), SQLITE_CORRUPT);
    if (r == STORE_OK)
        memcpy(epoch, value.data, EPOCH_BYTES);
    return r;
}

static enum store_result op_epoch_set(struct store *store, const unsigned char epoch[EPOCH_BYTES])
{
    return meta_set(store, "epoch", (struct slice){(const char *)epoch, EPOCH_BYTES});
}

static enum store_result op_boot(struct store *store, char boot[64])
{
    struct slice value = SLICE_NONE;
    enum store_result r = meta_get(store, "boot", &value);
    if (r == STORE_OK)
        copy(boot, 64, value);
    return r;
}

static enum store_result op_boot_set(struct store *store, const char *boot)
{
    return meta_set(store, "boot", slice_of(boot));
}

/* site */

#define SITE_COLUMNS                                                                                                   \
    "no, name, newest, pending, submitted, approved, rejected, reopened, withdrawn, erased, due_rule, due_after"

static void site_row(sqlite3_stmt *st, struct store_site *site)
{
    *site = (struct store_site){.no = sqlite3_column_int64(st, 0),
                                .newest = sqlite3_column_int64(st, 2),
                                .pending = sqlite3_column_int64(st, 3)};
    copy(site->name, sizeof(site->name), sqlite_text(st, 1));
    for (enum kind k = KIND_SUBMITTED; k <= KIND_ERASED; k++)
        site->counts[k] = sqlite3_column_int64(st, 4 + (int)(k - KIND_SUBMITTED));
    copy(site->due_rule, sizeof(site->due_rule), sqlite_text(st, 10));
    copy(site->due_after, sizeof(site->due_after), sqlite_text(st, 11));
}

static enum store_result op_site_find(struct store *store, struct slice name, struct store_site *site)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_SITE_FIND, "SELECT " SITE_COLUMNS " FROM site WHERE name = ?");
    sqlite_bind_text(st, 1, name);
    enum store_result r = sqlite_row(s, st);
    if (r == STORE_OK)
        site_row(st, site);
    return r;
}

static enum store_result op_site_scan(struct store *store, store_on_site *on_site, void *arg)
{
    struct sqlite_store *s = self(store);
    struct store_site site;
    enum store_result r;
    sqlite3_stmt *st = sqlite_use(s, ST_SITE_SCAN, "SELECT " SITE_COLUMNS " FROM site ORDER BY no");

    while ((r = sqlite_row(s, st)) == STORE_OK) {
        site_row(st, &site);
        if (!on_site(arg, &site))
            break;
    }
    return sqlite_scan_end(s, r);
}

static enum store_result op_site_put(struct store *store, const struct store_site *site)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_SITE_PUT,
                                  "INSERT INTO site(" SITE_COLUMNS ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)"
                                  " ON CONFLICT(no) DO UPDATE SET name = ?2, newest = ?3, pending = ?4, submitted = ?5,"
                                  " approved = ?6, rejected = ?7, reopened = ?8, withdrawn = ?9, erased = ?10,"
                                  " due_rule = ?11, due_after = ?12");
    sqlite3_bind_int64(st, 1, site->no);
    sqlite_bind_text(st, 2, slice_of(site->name));
    sqlite3_bind_int64(st, 3, site->newest);
    sqlite3_bind_int64(st, 4, site->pending);
    for (enum kind k = KIND_SUBMITTED; k <= KIND_ERASED; k++)
        sqlite3_bind_int64(st, 5 + (int)(k - KIND_SUBMITTED), site->counts[k]);
    sqlite_bind_text(st, 11, slice_of(site->due_rule));
    sqlite_bind_text(st, 12, slice_of(site->due_after));
    return sqlite_run(s, st);
}

/* comment */

void sqlite_comment_row(sqlite3_stmt *st, struct store_comment *comment)
{
    *comment = (struct store_comment){.site = sqlite3_column_int64(st, 0),
                                      .state = (enum state)sqlite3_column_int(st, 2),
                                      .lane = (enum lane)sqlite3_column_int(st, 3),
                                      .revision = sqlite3_column_int64(st, 4),
                                      .text = sqlite3_column_int64(st, 5),
                                      .newest_text = sqlite3_column_int64(st, 6),
                                      .last_event = sqlite3_column_int64(st, 7),
                                      .record = sqlite3_column_int64(st, 8),
                                      .decision = sqlite3_column_int64(st, 9),
                                      .approval = sqlite3_column_int64(st, 10),
                                      .due_at = sqlite3_column_int64(st, 11),
                                      .reports = sqlite3_column_int64(st, 12),
                                      .revisions = sqlite3_column_int64(st, 13),
                                      .claimed_until = sqlite3_column_int64(st, 15),
                                      .stored = true};
    copy(comment->id, sizeof(comment->id), sqlite_text(st, 1));
    copy(comment->claimed_by, sizeof(comment->claimed_by), sqlite_text(st, 14));
    copy(comment->article, sizeof(comment->article), sqlite_text(st, 16));
    copy(comment->author, sizeof(comment->author), sqlite_text(st, 17));
    copy(comment->language, sizeof(comment->language), sqlite_text(st, 18));
}

static enum store_result op_comment_get(struct store *store, int64_t site, struct slice id,
                                        struct store_comment *comment)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st =
        sqlite_use(s, ST_COMMENT_GET, "SELECT " SQLITE_COMMENT_COLUMNS " FROM comment WHERE site = ? AND id = ?");
    sqlite3_bind_int64(st, 1, site);
    sqlite_bind_text(st, 2, id);
    enum store_result r = sqlite_row(s, st);
    if (r == STORE_OK)
        sqlite_comment_row(st, comment);
    return r;
}

static const char comment_insert[] = "INSERT INTO comment(" SQLITE_COMMENT_COLUMNS ", held)"
                                     " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,"
                                     "?20)";

static const char comment_update[] =
    "UPDATE comment SET state = ?3, lane = ?4, revision = ?5, text = ?6, newest_text = ?7, last_event = ?8,"
    " record = ?9, decision = ?10, approval = ?11, due_at = ?12, reports = ?13, revisions = ?14, claimed_by = ?15,"
    " claimed_until = ?16, article = ?17, author = ?18, language = ?19, held = ?20 WHERE site = ?1 AND id = ?2";

/* "" is stored as NULL, which the indexes leave out. */
static void bind_some(sqlite3_stmt *st, int i, const char *text)
{
    sqlite_bind_text(st, i, text[0] ? slice_of(text) : SLICE_NONE);
}

static enum store_result op_comment_put(struct store *store, const struct store_comment *comment)
{
    struct sqlite_store *s = self(store);
    bool held = comment->claimed_by[0] != '\0';
    sqlite3_stmt *st = comment->stored ? sqlite_use(s, ST_COMMENT_UPDATE, comment_update)
                                       : sqlite_use(s, ST_COMMENT_INSERT, comment_insert);
    sqlite3_bind_int64(st, 1, comment->site);
    sqlite_bind_text(st, 2, slice_of(comment->id));
    sqlite3_bind_int64(st, 3, comment->state);
    sqlite3_bind_int64(st, 4, comment->lane);
    sqlite3_bind_int64(st, 5, comment->revision);
    sqlite3_bind_int64(st, 6, comment->text);
    sqlite3_bind_int64(st, 7, comment->newest_text);
    sqlite3_bind_int64(st, 8, comment->last_event);
    sqlite3_bind_int64(st, 9, comment->record);
    sqlite3_bind_int64(st, 10, comment->decision);
    sqlite3_bind_int64(st, 11, comment->approval);
    sqlite3_bind_int64(st, 12, comment->due_at);
    sqlite3_bind_int64(st, 13, comment->reports);
    sqlite3_bind_int64(st, 14, comment->revisions);
    sqlite_bind_text(st, 15, held ? slice_of(comment->claimed_by) : SLICE_NONE);
    if (held)
        sqlite3_bind_int64(st, 16, comment->claimed_until);
    else
        sqlite3_bind_null(st, 16);
    bind_some(st, 17, comment->article);
    bind_some(st, 18, comment->author);
    bind_some(st, 19, comment->language);
    sqlite3_bind_int64(st, 20, held);
    enum store_result r = sqlite_run(s, st);
    if (r == STORE_OK && comment->stored && sqlite3_changes(s->db) != 1) {
        snprintf(s->reason, sizeof(s->reason), "a comment to be changed is not there");
        return s->stuck = STORE_FAILED;
    }
    return r;
}

/* text */

static enum store_result op_text_add(struct store *store, const struct store_text *text)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st =
        sqlite_use(s, ST_TEXT_ADD, "INSERT INTO text(" SQLITE_TEXT_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?)");
    sqlite3_bind_int64(st, 1, text->no);
    sqlite3_bind_int64(st, 2, text->previous);
    sqlite3_bind_int64(st, 3, text->revision);
    sqlite3_bind_int64(st, 4, text->received_at);
    sqlite_bind_text(st, 5, text->article);
    sqlite_bind_text(st, 6, text->author);
    sqlite_bind_text(st, 7, text->language);
    sqlite_bind_blob(st, 8, text->sha256);
    sqlite_bind_blob(st, 9, text->salt);
    sqlite_bind_blob(st, 10, text->meta);
    sqlite_bind_blob(st, 11, text->body);
    return sqlite_run(s, st);
}

void sqlite_text_head_row(sqlite3_stmt *st, struct store_text *text)
{
    *text = (struct store_text){.no = sqlite3_column_int64(st, 0),
                                .previous = sqlite3_column_int64(st, 1),
                                .revision = sqlite3_column_int64(st, 2),
                                .received_at = sqlite3_column_int64(st, 3),
                                .article = sqlite_text(st, 4),
                                .author = sqlite_text(st, 5),
                                .language = sqlite_text(st, 6),
                                .sha256 = sqlite_blob(st, 7),
                                .salt = sqlite_blob(st, 8)};
}

void sqlite_text_row(sqlite3_stmt *st, struct store_text *text)
{
    sqlite_text_head_row(st, text);
    text->meta = sqlite_blob(st, 9);
    text->body = sqlite_blob(st, 10);
}

static enum store_result op_text_get(struct store *store, int64_t no, struct store_text *text)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_TEXT_GET, "SELECT " SQLITE_TEXT_COLUMNS " FROM text WHERE no = ?");
    sqlite3_bind_int64(st, 1, no);
    enum store_result r = sqlite_row(s, st);
    if (r == STORE_OK)
        sqlite_text_row(st, text);
    return r;
}

static enum store_result op_text_head(struct store *store, int64_t no, struct store_text *text)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_TEXT_HEAD, "SELECT " SQLITE_TEXT_HEAD_COLUMNS " FROM text WHERE no = ?");
    sqlite3_bind_int64(st, 1, no);
    enum store_result r = sqlite_row(s, st);
    if (r == STORE_OK)
        sqlite_text_head_row(st, text);
    return r;
}

enum store_result sqlite_note_erased(struct sqlite_store *s)
{
    s->erased = true;
    return sqlite_run(s, sqlite_use(s, ST_META_ERASED, "UPDATE meta SET value = 1 WHERE key = 'erased'"));
}

static enum store_result op_text_erase(struct store *store, int64_t no)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_TEXT_ERASE,
                                  "UPDATE text SET article = NULL, author = NULL, language = NULL, sha256 = NULL,"
                                  " salt = NULL, meta = NULL, body = NULL WHERE no = ?");
    sqlite3_bind_int64(st, 1, no);
    enum store_result r = sqlite_run(s, st);
    return r == STORE_OK ? sqlite_note_erased(s) : r;
}

/* event */

/* SQLITE_EVENT_COLUMNS and the hash of the text. */
#define EVENT_SELECT                                                                                                   \
    "SELECT e.no, e.at, e.kind, e.site, e.comment, e.revision, e.text, e.actor, e.seq, e.previous, e.data, e.via,"     \
    " e.hash, t.sha256 FROM event e LEFT JOIN text t ON t.no = e.text "

static enum store_result op_event_add(struct store *store, const struct store_event *event)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st =
        sqlite_use(s, ST_EVENT_ADD, "INSERT INTO event(" SQLITE_EVENT_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)");
    sqlite3_bind_int64(st, 1, event->no);
    sqlite3_bind_int64(st, 2, event->at);
    sqlite3_bind_int64(st, 3, event->kind);
    sqlite3_bind_int64(st, 4, event->site);
    sqlite_bind_text(st, 5, event->comment);
    sqlite3_bind_int64(st, 6, event->revision);
    sqlite3_bind_int64(st, 7, event->text);
    sqlite_bind_text(st, 8, event->actor);
    if (event->seq)
        sqlite3_bind_int64(st, 9, event->seq);
    else
        sqlite3_bind_null(st, 9);
    sqlite3_bind_int64(st, 10, event->previous);
    sqlite_bind_blob(st, 11, event->data);
    sqlite_bind_text(st, 12, event->via);
    sqlite_bind_blob(st, 13, event->hash);
    return sqlite_run(s, st);
}

/* A number that no kind has, which nobody but a stranger writes, is none: it must not lead past the end of a table. */
static enum kind kind_in(sqlite3_stmt *st, int column)
{
    int64_t kind = sqlite3_column_int64(st, column);
    return kind > KIND_NONE && kind < KIND_COUNT ? (enum kind)kind : KIND_NONE;
}

/* The same of numbers in a log: 0 is for what is no record. */
static int64_t seq_in(sqlite3_stmt *st, int column)
{
    int64_t seq = sqlite3_column_int64(st, column);
    return seq > 0 || sqlite3_column_type(st, column) == SQLITE_NULL ? seq : -1;
}

void sqlite_event_row(sqlite3_stmt *st, struct store_event *event)
{
    *event = (struct store_event){.no = sqlite3_column_int64(st, 0),
                                  .at = sqlite3_column_int64(st, 1),
                                  .kind = kind_in(st, 2),
                                  .site = sqlite3_column_int64(st, 3),
                                  .comment = sqlite_text(st, 4),
                                  .revision = sqlite3_column_int64(st, 5),
                                  .text = sqlite3_column_int64(st, 6),
                                  .actor = sqlite_text(st, 7),
                                  .seq = seq_in(st, 8),
                                  .previous = sqlite3_column_int64(st, 9),
                                  .data = sqlite_blob(st, 10),
                                  .via = sqlite_text(st, 11),
                                  .hash = sqlite_blob(st, 12)};
}

static enum store_result one_event(struct sqlite_store *s, sqlite3_stmt *st, struct store_event *event)
{
    enum store_result r = sqlite_row(s, st);
    if (r == STORE_OK) {
        sqlite_event_row(st, event);
        event->sha256 = sqlite_blob(st, 13);
    }
    return r;
}

static enum store_result op_event_get(struct store *store, int64_t no, struct store_event *event)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_EVENT_GET, EVENT_SELECT "WHERE e.no = ?");
    sqlite3_bind_int64(st, 1, no);
    return one_event(s, st, event);
}

static enum store_result op_event_last(struct store *store, struct store_event *event)
{
    struct sqlite_store *s = self(store);
    return one_event(s, sqlite_use(s, ST_EVENT_LAST, EVENT_SELECT "ORDER BY e.no DESC LIMIT 1"), event);
}

static enum store_result op_log_get(struct store *store, int64_t site, int64_t seq, struct store_event *event)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_LOG_GET, EVENT_SELECT "WHERE e.site = ? AND e.seq = ?");
    sqlite3_bind_int64(st, 1, site);
    sqlite3_bind_int64(st, 2, seq);
    return one_event(s, st, event);
}

static enum store_result op_log_scan(struct store *store, int64_t site, int64_t after, int64_t limit,
                                     store_on_event *on_event, void *arg)
{
    struct sqlite_store *s = self(store);
    struct store_event event;
    enum store_result r;
    sqlite3_stmt *st = sqlite_use(s, ST_LOG_SCAN, EVENT_SELECT "WHERE e.site = ? AND e.seq > ? ORDER BY e.seq LIMIT ?");

    sqlite3_bind_int64(st, 1, site);
    sqlite3_bind_int64(st, 2, after);
    sqlite3_bind_int64(st, 3, limit < 0 ? 0 : limit);
    while ((r = one_event(s, st, &event)) == STORE_OK)
        if (!on_event(arg, &event))
            break;
    return sqlite_scan_end(s, r);
}

void sqlite_comment_ops(struct store_ops *ops)
{
    ops->epoch = op_epoch;
    ops->epoch_set = op_epoch_set;
    ops->boot = op_boot;
    ops->boot_set = op_boot_set;
    ops->site_find = op_site_find;
    ops->site_scan = op_site_scan;
    ops->site_put = op_site_put;
    ops->comment_get = op_comment_get;
    ops->comment_put = op_comment_put;
    ops->text_add = op_text_add;
    ops->text_get = op_text_get;
    ops->text_head = op_text_head;
    ops->text_erase = op_text_erase;
    ops->event_add = op_event_add;
    ops->event_get = op_event_get;
    ops->event_last = op_event_last;
    ops->log_get = op_log_get;
    ops->log_scan = op_log_scan;
}
