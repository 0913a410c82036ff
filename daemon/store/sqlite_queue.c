#include "sqlite.h"

static struct sqlite_store *self(struct store *store)
{
    return (struct sqlite_store *)store;
}

static enum store_result comments(struct sqlite_store *s, sqlite3_stmt *st, store_on_comment *on_comment, void *arg)
{
    struct store_comment comment;
    enum store_result r;

    while ((r = sqlite_row(s, st)) == STORE_OK) {
        sqlite_comment_row(st, &comment);
        if (!on_comment(arg, &comment))
            break;
    }
    return sqlite_scan_end(s, r);
}

/* The lane of second looks holds decided comments, so it has an index of its own. */
static const char queue_lane[] = "SELECT " SQLITE_COMMENT_COLUMNS " FROM comment INDEXED BY queue WHERE state = 1"
                                 " AND site = ?1 AND lane = ?2 AND held = ?3 AND (due_at, text) > (?4, ?5)"
                                 " ORDER BY due_at, text LIMIT ?6";
static const char queue_second[] = "SELECT " SQLITE_COMMENT_COLUMNS " FROM comment INDEXED BY second WHERE lane = 2"
                                   " AND site = ?1 AND ?2 = 2 AND held = ?3 AND (due_at, text) > (?4, ?5)"
                                   " ORDER BY due_at, text LIMIT ?6";

static enum store_result op_queue_scan(struct store *store, int64_t site, enum lane lane, bool held,
                                       int64_t after_due_at, int64_t after_text, int64_t limit,
                                       store_on_comment *on_comment, void *arg)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st =
        lane == LANE_SECOND ? sqlite_use(s, ST_SECOND_SCAN, queue_second) : sqlite_use(s, ST_QUEUE_SCAN, queue_lane);
    sqlite3_bind_int64(st, 1, site);
    sqlite3_bind_int64(st, 2, lane);
    sqlite3_bind_int64(st, 3, held);
    sqlite3_bind_int64(st, 4, after_due_at);
    sqlite3_bind_int64(st, 5, after_text);
    sqlite3_bind_int64(st, 6, limit < 0 ? 0 : limit);
    return comments(s, st, on_comment, arg);
}

static enum store_result op_comment_scan(struct store *store, int64_t site, struct slice after, int64_t limit,
                                         store_on_comment *on_comment, void *arg)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_COMMENT_SCAN,
                                  "SELECT " SQLITE_COMMENT_COLUMNS " FROM comment WHERE site = ? AND id > ?"
                                  " ORDER BY id LIMIT ?");
    sqlite3_bind_int64(st, 1, site);
    sqlite_bind_text(st, 2, after.data ? after : SLICE_LIT(""));
    sqlite3_bind_int64(st, 3, limit < 0 ? 0 : limit);
    return comments(s, st, on_comment, arg);
}

static enum store_result op_author_comments(struct store *store, int64_t site, struct slice author, int64_t before,
                                            int64_t limit, store_on_comment *on_comment, void *arg)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_AUTHOR_COMMENTS,
                                  "SELECT " SQLITE_COMMENT_COLUMNS " FROM comment INDEXED BY of_author WHERE site = ?"
                                  " AND author = ? AND text < ? ORDER BY text DESC LIMIT ?");
    sqlite3_bind_int64(st, 1, site);
    sqlite_bind_text(st, 2, author);
    sqlite3_bind_int64(st, 3, before);
    sqlite3_bind_int64(st, 4, limit < 0 ? 0 : limit);
    return comments(s, st, on_comment, arg);
}

/* The index alone is read: it holds state and lane as well. What waits for a second look counts as pending. */
#define NEWEST_OF_AUTHOR                                                                                               \
    "SELECT site AS s, id AS i, text AS t, CASE lane WHEN 2 THEN 1 ELSE state END AS st FROM comment INDEXED BY "      \
    "of_author"                                                                                                        \
    " WHERE site = ?1 AND author = ?2 ORDER BY text DESC LIMIT ?3"

static enum store_result op_author_figures(struct store *store, int64_t site, struct slice author, int64_t limit,
                                           struct store_author_figures *figures)
{
    struct sqlite_store *s = self(store);
    enum store_result r;
    sqlite3_stmt *st =
        sqlite_use(s, ST_AUTHOR_FIGURES, "SELECT st, count(*), min(t) FROM (" NEWEST_OF_AUTHOR ") GROUP BY st");
    sqlite3_bind_int64(st, 1, site);
    sqlite_bind_text(st, 2, author);
    sqlite3_bind_int64(st, 3, limit < 0 ? 0 : limit);
    *figures = (struct store_author_figures){0};
    while ((r = sqlite_row(s, st)) == STORE_OK) {
        int state = sqlite3_column_int(st, 0);
        int64_t oldest = sqlite3_column_int64(st, 2);
        if (state >= 0 && state < STATE_COUNT)
            figures->counts[state] = sqlite3_column_int64(st, 1);
        if (!figures->oldest || oldest < figures->oldest)
            figures->oldest = oldest;
    }
    return sqlite_scan_end(s, r);
}

static enum store_result op_author_in_state(struct store *store, int64_t site, struct slice author, enum state state,
                                            int64_t among, int64_t limit, store_on_comment *on_comment, void *arg)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_AUTHOR_IN_STATE,
                                  "SELECT " SQLITE_COMMENT_COLUMNS " FROM (SELECT s, i, t FROM (" NEWEST_OF_AUTHOR
                                  ") WHERE st = ?4 ORDER BY t DESC LIMIT ?5)"
                                  " CROSS JOIN comment ON site = s AND id = i ORDER BY t DESC");
    sqlite3_bind_int64(st, 1, site);
    sqlite_bind_text(st, 2, author);
    sqlite3_bind_int64(st, 3, among < 0 ? 0 : among);
    sqlite3_bind_int64(st, 4, state);
    sqlite3_bind_int64(st, 5, limit < 0 ? 0 : limit);
    return comments(s, st, on_comment, arg);
}

static enum store_result op_article_pending(struct store *store, int64_t site, struct slice article, enum lane lane,
                                            int64_t after_due_at, int64_t after_text, int64_t limit,
                                            store_on_comment *on_comment, void *arg)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_ARTICLE_PENDING,
                                  "SELECT " SQLITE_COMMENT_COLUMNS " FROM comment INDEXED BY pending_article"
                                  " WHERE state = 1 AND site = ? AND article = ? AND lane = ?"
                                  " AND (due_at, text) > (?, ?) ORDER BY due_at, text LIMIT ?");
    sqlite3_bind_int64(st, 1, site);
    sqlite_bind_text(st, 2, article);
    sqlite3_bind_int64(st, 3, lane);
    sqlite3_bind_int64(st, 4, after_due_at);
    sqlite3_bind_int64(st, 5, after_text);
    sqlite3_bind_int64(st, 6, limit < 0 ? 0 : limit);
    return comments(s, st, on_comment, arg);
}

/* Every count here is over a range of an index that is as long as the count itself: what is escalated, held or waits
 * for a second look is little. The oldest is the first of its index. */
#define COUNT_OF(index, what) "(SELECT count(*) FROM comment INDEXED BY " index " WHERE site = ?1 AND " what ")"

static const char queue_figures[] = "SELECT " COUNT_OF("queue", "state = 1 AND lane = 1") ", " COUNT_OF(
    "queue",
    "state = 1 AND lane = 0 AND held "
    "= 1") " + " COUNT_OF("queue", "state = 1 AND lane = 1 AND held = 1") " + " COUNT_OF("second",
                                                                                         "lane = 2 AND held = "
                                                                                         "1") ", " COUNT_OF("se"
                                                                                                            "co"
                                                                                                            "n"
                                                                                                            "d",
                                                                                                            "la"
                                                                                                            "ne"
                                                                                                            " ="
                                                                                                            " "
                                                                                                            "2") ","
                                                                                                                 " ("
                                                                                                                 "SELEC"
                                                                                                                 "T "
                                                                                                                 "text "
                                                                                                                 "FROM "
                                                                                                                 "comme"
                                                                                                                 "nt "
                                                                                                                 "INDEX"
                                                                                                                 "ED "
                                                                                                                 "BY "
                                                                                                                 "pendi"
                                                                                                                 "ng_"
                                                                                                                 "age "
                                                                                                                 "WHERE"
                                                                                                                 " site"
                                                                                                                 " = "
                                                                                                                 "?1 "
                                                                                                                 "AND "
                                                                                                                 "state"
                                                                                                                 " = 1 "
                                                                                                                 "ORDER"
                                                                                                                 " BY "
                                                                                                                 "text "
                                                                                                                 "LIMIT"
                                                                                                                 " 1)";

static enum store_result op_queue_figures(struct store *store, int64_t site, struct store_queue *figures)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_QUEUE_FIGURES, queue_figures);
    sqlite3_bind_int64(st, 1, site);
    enum store_result r = sqlite_row(s, st);
    if (r == STORE_OK)
        *figures = (struct store_queue){.escalated = sqlite3_column_int64(st, 0),
                                        .claimed = sqlite3_column_int64(st, 1),
                                        .second = sqlite3_column_int64(st, 2),
                                        .oldest = sqlite3_column_int64(st, 3)};
    return r;
}

static enum store_result op_claims_ending(struct store *store, int64_t until, int64_t limit,
                                          store_on_comment *on_comment, void *arg)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_CLAIMS_ENDING,
                                  "SELECT " SQLITE_COMMENT_COLUMNS " FROM comment INDEXED BY claim_end WHERE held = 1"
                                  " AND claimed_until <= ? ORDER BY claimed_until LIMIT ?");
    sqlite3_bind_int64(st, 1, until);
    sqlite3_bind_int64(st, 2, limit < 0 ? 0 : limit);
    return comments(s, st, on_comment, arg);
}

static enum store_result op_claims_of(struct store *store, struct slice moderator, int64_t limit,
                                      store_on_comment *on_comment, void *arg)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_CLAIMS_OF,
                                  "SELECT " SQLITE_COMMENT_COLUMNS " FROM comment INDEXED BY claim_holder"
                                  " WHERE held = 1 AND claimed_by = ? LIMIT ?");
    sqlite_bind_text(st, 1, moderator);
    sqlite3_bind_int64(st, 2, limit < 0 ? 0 : limit);
    return comments(s, st, on_comment, arg);
}

void sqlite_queue_ops(struct store_ops *ops)
{
    ops->comment_scan = op_comment_scan;
    ops->author_comments = op_author_comments;
    ops->author_figures = op_author_figures;
    ops->author_in_state = op_author_in_state;
    ops->article_pending = op_article_pending;
    ops->queue_scan = op_queue_scan;
    ops->queue_figures = op_queue_figures;
    ops->claims_ending = op_claims_ending;
    ops->claims_of = op_claims_of;
}
