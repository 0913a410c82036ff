#include <assert.h>

#include "sqlite.h"

static struct sqlite_store *self(struct store *store)
{
    return (struct sqlite_store *)store;
}

static enum store_result events(struct sqlite_store *s, sqlite3_stmt *st, int64_t from, int64_t limit,
                                store_on_event *on_event, void *arg)
{
    struct store_event event;
    enum store_result r;

    sqlite3_bind_int64(st, 1, from);
    sqlite3_bind_int64(st, 2, limit < 0 ? 0 : limit);
    while ((r = sqlite_row(s, st)) == STORE_OK) {
        sqlite_event_row(st, &event);
        if (!on_event(arg, &event))
            break;
    }
    return sqlite_scan_end(s, r);
}

static enum store_result op_event_scan(struct store *store, int64_t after, int64_t limit, store_on_event *on_event,
                                       void *arg)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st =
        sqlite_use(s, ST_EVENT_SCAN, "SELECT " SQLITE_EVENT_COLUMNS " FROM event WHERE no > ? ORDER BY no LIMIT ?");
    return events(s, st, after, limit, on_event, arg);
}

static_assert(KIND_KEY_ADDED == 13 && KIND_KEY_REVOKED == 14 && KIND_KEY_ROTATED == 15,
              "numbers in the statement below");

static enum store_result op_event_scan_keys(struct store *store, int64_t after, int64_t limit, store_on_event *on_event,
                                            void *arg)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_EVENT_SCAN_KEYS,
                                  "SELECT " SQLITE_EVENT_COLUMNS " FROM event INDEXED BY of_keys"
                                  " WHERE kind BETWEEN 13 AND 15"
                                  " AND no > ? ORDER BY no LIMIT ?");
    return events(s, st, after, limit, on_event, arg);
}

static enum store_result op_event_scan_back(struct store *store, int64_t before, int64_t limit,
                                            store_on_event *on_event, void *arg)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_EVENT_SCAN_BACK,
                                  "SELECT " SQLITE_EVENT_COLUMNS " FROM event WHERE no < ? ORDER BY no DESC LIMIT ?");
    return events(s, st, before, limit, on_event, arg);
}

static enum store_result op_text_scan(struct store *store, int64_t after, int64_t last, store_on_text *on_text,
                                      void *arg)
{
    struct sqlite_store *s = self(store);
    struct store_text text;
    enum store_result r;
    sqlite3_stmt *st =
        sqlite_use(s, ST_TEXT_SCAN, "SELECT " SQLITE_TEXT_COLUMNS " FROM text WHERE no > ? AND no <= ? ORDER BY no");

    sqlite3_bind_int64(st, 1, after);
    sqlite3_bind_int64(st, 2, last);
    while ((r = sqlite_row(s, st)) == STORE_OK) {
        sqlite_text_row(st, &text);
        if (!on_text(arg, &text))
            break;
    }
    return sqlite_scan_end(s, r);
}

static enum store_result op_note_scan(struct store *store, int64_t after, int64_t last, store_on_note *on_note,
                                      void *arg)
{
    struct sqlite_store *s = self(store);
    enum store_result r;
    sqlite3_stmt *st =
        sqlite_use(s, ST_NOTE_SCAN, "SELECT event, salt, text FROM note WHERE event > ? AND event <= ? ORDER BY event");

    sqlite3_bind_int64(st, 1, after);
    sqlite3_bind_int64(st, 2, last);
    while ((r = sqlite_row(s, st)) == STORE_OK) {
        struct store_note note = {
            .event = sqlite3_column_int64(st, 0), .salt = sqlite_blob(st, 1), .text = sqlite_blob(st, 2)};
        if (!on_note(arg, &note))
            break;
    }
    return sqlite_scan_end(s, r);
}

void sqlite_look_ops(struct store_ops *ops)
{
    ops->event_scan = op_event_scan;
    ops->event_scan_keys = op_event_scan_keys;
    ops->event_scan_back = op_event_scan_back;
    ops->text_scan = op_text_scan;
    ops->note_scan = op_note_scan;
}
