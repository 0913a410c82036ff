/* Inside of the SQLite back end, shared by its files: sqlite.c opens and commits, sqlite_comment.c keeps comments,
 * texts and events, sqlite_look.c reads them by number, sqlite_key.c keeps keys, sqlite_desk.c what stands around them,
 * sqlite_queue.c finds what waits and what somebody wrote, sqlite_author.c keeps marks, skips and batches;
 * sqlite_recount.c is for those who count everything anew; sqlite_statement.c runs their statements. */
#ifndef MODQD_SQLITE_H
#define MODQD_SQLITE_H

#include <sqlite3.h>

#include "store.h"

/* One number for each prepared statement of all files. */
enum sqlite_statement {
    ST_META_GET,
    ST_META_SET,
    ST_META_ERASED,
    ST_SITE_FIND,
    ST_SITE_SCAN,
    ST_SITE_PUT,
    ST_COMMENT_GET,
    ST_COMMENT_INSERT,
    ST_COMMENT_UPDATE,
    ST_TEXT_ADD,
    ST_TEXT_GET,
    ST_TEXT_HEAD,
    ST_TEXT_ERASE,
    ST_EVENT_ADD,
    ST_EVENT_GET,
    ST_EVENT_LAST,
    ST_EVENT_SCAN,
    ST_EVENT_SCAN_KEYS,
    ST_EVENT_SCAN_BACK,
    ST_TEXT_SCAN,
    ST_NOTE_SCAN,
    ST_KEY_SCAN,
    ST_KEY_INSERT,
    ST_KEY_UPDATE,
    ST_LOG_GET,
    ST_LOG_SCAN,
    ST_NOTE_ADD,
    ST_NOTE_GET,
    ST_NOTE_ERASE,
    ST_REPORT_GET,
    ST_REPORT_PUT,
    ST_REPORT_SCAN,
    ST_REPORT_ERASE,
    ST_ARTICLE_GET,
    ST_ARTICLE_PUT,
    ST_LISTENER_PUT,
    ST_LISTENER_FORGET,
    ST_LISTENER_SCAN,
    ST_OPERATION_GET,
    ST_OPERATION_ADD,
    ST_OPERATION_PRUNE,
    ST_QUEUE_SCAN,
    ST_QUEUE_FIGURES,
    ST_CLAIMS_ENDING,
    ST_CLAIMS_OF,
    ST_COMMENT_SCAN,
    ST_AUTHOR_COMMENTS,
    ST_AUTHOR_FIGURES,
    ST_AUTHOR_IN_STATE,
    ST_ARTICLE_PENDING,
    ST_SECOND_SCAN,
    ST_AUTHOR_GET,
    ST_AUTHOR_PUT,
    ST_AUTHOR_ERASE,
    ST_SKIP_PUT,
    ST_SKIP_SCAN,
    ST_SKIP_PRUNE,
    ST_BATCH_ADD,
    ST_BATCH_SCAN,
    ST_COMMENT_SCAN_ALL,
    ST_EVENT_HEAD,
    ST_REPORT_COUNT,
    ST_REPORT_SCAN_ALL,
    ST_AUTHOR_SCAN_ALL,
    ST_SKIP_SCAN_ALL,
    ST_BATCH_SCAN_ALL,
    ST_COUNT
};

struct sqlite_store {
    struct store base;
    struct store_ops ops;
    sqlite3 *db;
    sqlite3_stmt *statements[ST_COUNT]; /* prepared when first used */
    sqlite3_stmt *busy;                 /* its row is what a caller has borrowed */
    bool read_only;
    enum store_result stuck; /* FULL or FAILED inside this transaction, which SQLite may have ended by itself */
    bool erased;             /* as in meta: the WAL may still hold what was erased */
    int64_t database_bytes;
    char path[4096];
    char directory[4096];
    uint64_t device, inode; /* of the file that was opened */
    char reason[4608];
};

/* Ends what a caller has borrowed. Every function of the store begins with it. */
void sqlite_let_go(struct sqlite_store *s);

/* Keeps the reason and says what an error code of SQLite means for the caller. */
enum store_result sqlite_wrong(struct sqlite_store *s, int code);

/* The statement, ready to be bound; what was borrowed before is let go. NULL (and a reason) when it cannot be prepared;
 * binding to NULL is harmless, and stepping it fails. */
sqlite3_stmt *sqlite_use(struct sqlite_store *s, enum sqlite_statement which, const char *sql);

/* Something was erased in this transaction: remembered with it, until tidy has removed what the WAL holds. */
enum store_result sqlite_note_erased(struct sqlite_store *s);

/* Parameters count from 1. Bound bytes are borrowed until the statement has been stepped; absent means NULL. */
void sqlite_bind_text(sqlite3_stmt *st, int i, struct slice text);
void sqlite_bind_blob(sqlite3_stmt *st, int i, struct slice bytes);

/* Steps a statement that changes something. */
enum store_result sqlite_run(struct sqlite_store *s, sqlite3_stmt *st);

/* Steps to the next row, which the caller then borrows: OK, or NONE after the last. */
enum store_result sqlite_row(struct sqlite_store *s, sqlite3_stmt *st);

/* A column of the row borrowed. NULL is absent. */
struct slice sqlite_text(sqlite3_stmt *st, int column);
struct slice sqlite_blob(sqlite3_stmt *st, int column);

/* What a scan returns when it ended with `r` (NONE: all rows were seen). */
enum store_result sqlite_scan_end(struct sqlite_store *s, enum store_result r);

/* Reads the columns of COMMENT_COLUMNS. */
#define SQLITE_COMMENT_COLUMNS                                                                                         \
    "site, id, state, lane, revision, text, newest_text, last_event, record, decision, approval, due_at, reports, "    \
    "revisions, claimed_by, claimed_until, article, author, language"
void sqlite_comment_row(sqlite3_stmt *st, struct store_comment *comment);

/* The same for texts and events. A text's last two columns may be long. */
#define SQLITE_TEXT_HEAD_COLUMNS "no, previous, revision, received_at, article, author, language, sha256, salt"
#define SQLITE_TEXT_COLUMNS      SQLITE_TEXT_HEAD_COLUMNS ", meta, body"
void sqlite_text_head_row(sqlite3_stmt *st, struct store_text *text);
void sqlite_text_row(sqlite3_stmt *st, struct store_text *text);
#define SQLITE_EVENT_COLUMNS "no, at, kind, site, comment, revision, text, actor, seq, previous, data, via, hash"
void sqlite_event_row(sqlite3_stmt *st, struct store_event *event);

/* Fill in the functions of each file. */
void sqlite_comment_ops(struct store_ops *ops);
void sqlite_look_ops(struct store_ops *ops);
void sqlite_key_ops(struct store_ops *ops);
void sqlite_desk_ops(struct store_ops *ops);
void sqlite_queue_ops(struct store_ops *ops);
void sqlite_author_ops(struct store_ops *ops);
void sqlite_recount_ops(struct store_ops *ops);

#endif
