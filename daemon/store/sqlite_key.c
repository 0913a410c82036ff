#include "sqlite.h"

static struct sqlite_store *self(struct store *store)
{
    return (struct sqlite_store *)store;
}

#define KEY_COLUMNS "no, name, role, rights, public_key, uid, sites, created_at, created_by, expires_at, revoked_at"

/* A name that no operation could have written is none, so that it is not taken for one that it begins with. */
static void take_name(char name[NAME_BYTES + 1], struct slice from)
{
    name[0] = '\0';
    if (from.len == 0 || from.len > NAME_BYTES || memchr(from.data, '\0', from.len))
        return;
    memcpy(name, from.data, from.len);
    name[from.len] = '\0';
}

/* 0: never. What is no time, and what was never written, is long over. */
static int64_t time_in(sqlite3_stmt *st, int column)
{
    int64_t at = sqlite3_column_int64(st, column);

    if (sqlite3_column_type(st, column) == SQLITE_NULL)
        return 0;
    return sqlite3_column_type(st, column) == SQLITE_INTEGER && at > 0 ? at : -1;
}

/* A public key and a user at once, or what is neither, is nobody. */
static void take_owner(struct store_key *key, struct slice public_key, sqlite3_stmt *st, int uid_column)
{
    int uid_type = sqlite3_column_type(st, uid_column);

    key->uid = UID_NONE;
    if (public_key.data && uid_type != SQLITE_NULL)
        return;
    key->has_public = public_key.data && public_key.len == PUBLIC_KEY_BYTES;
    if (key->has_public)
        memcpy(key->public_key, public_key.data, PUBLIC_KEY_BYTES);
    else if (!public_key.data && uid_type == SQLITE_INTEGER)
        key->uid = sqlite3_column_int64(st, uid_column);
}

/* What a stranger may have written into a row gives no rights: neither an unknown role nor an unknown right. */
static void key_row(sqlite3_stmt *st, struct store_key *key)
{
    int64_t role = sqlite3_column_int64(st, 2);
    int64_t rights = sqlite3_column_int64(st, 3);
    struct slice sites = sqlite_blob(st, 6);

    *key = (struct store_key){.no = sqlite3_column_int64(st, 0),
                              .role = role > ROLE_NONE && role < ROLE_COUNT ? (enum role)role : ROLE_NONE,
                              .rights = rights >= 0 && rights <= RIGHTS_ALL ? (unsigned)rights : RIGHTS_ALL + 1,
                              .all_sites = !sites.data,
                              .sites = sites,
                              .created_at = sqlite3_column_int64(st, 7),
                              .expires_at = time_in(st, 9),
                              .revoked_at = time_in(st, 10)};
    take_owner(key, sqlite_blob(st, 4), st, 5);
    take_name(key->name, sqlite_text(st, 1));
    take_name(key->created_by, sqlite_text(st, 8));
}

static enum store_result op_key_scan(struct store *store, store_on_key *on_key, void *arg)
{
    struct sqlite_store *s = self(store);
    struct store_key key;
    enum store_result r;
    sqlite3_stmt *st = sqlite_use(s, ST_KEY_SCAN, "SELECT " KEY_COLUMNS " FROM key ORDER BY no");

    while ((r = sqlite_row(s, st)) == STORE_OK) {
        key_row(st, &key);
        if (!on_key(arg, &key))
            break;
    }
    return sqlite_scan_end(s, r);
}

static void bind_time(sqlite3_stmt *st, int i, int64_t at)
{
    if (at)
        sqlite3_bind_int64(st, i, at);
    else
        sqlite3_bind_null(st, i);
}

static void bind_key(sqlite3_stmt *st, const struct store_key *key)
{
    struct slice public_key = {(const char *)key->public_key, PUBLIC_KEY_BYTES};

    sqlite3_bind_int64(st, 1, key->no);
    sqlite_bind_text(st, 2, slice_of(key->name));
    sqlite3_bind_int64(st, 3, key->role);
    sqlite3_bind_int64(st, 4, key->rights);
    sqlite_bind_blob(st, 5, key->has_public ? public_key : SLICE_NONE);
    if (key->uid == UID_NONE)
        sqlite3_bind_null(st, 6);
    else
        sqlite3_bind_int64(st, 6, key->uid);
    sqlite_bind_blob(st, 7, key->all_sites ? SLICE_NONE : key->sites);
    sqlite3_bind_int64(st, 8, key->created_at);
    sqlite_bind_text(st, 9, slice_of(key->created_by));
    bind_time(st, 10, key->expires_at);
    bind_time(st, 11, key->revoked_at);
}

/* Every column is written, so that the guard of the table compares them. It stands before an upsert, too, and would
 * take it for an insert: so there are two statements. */
static enum store_result op_key_put(struct store *store, const struct store_key *key)
{
    struct sqlite_store *s = self(store);
    sqlite3_stmt *st = sqlite_use(s, ST_KEY_UPDATE,
                                  "UPDATE key SET name = ?2, role = ?3, rights = ?4, public_key = ?5, uid = ?6,"
                                  " sites = ?7, created_at = ?8, created_by = ?9, expires_at = ?10, revoked_at = ?11"
                                  " WHERE no = ?1");
    bind_key(st, key);
    enum store_result r = sqlite_run(s, st);
    if (r != STORE_OK || sqlite3_changes(s->db) > 0)
        return r;
    st = sqlite_use(s, ST_KEY_INSERT, "INSERT INTO key(" KEY_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?)");
    bind_key(st, key);
    return sqlite_run(s, st);
}

void sqlite_key_ops(struct store_ops *ops)
{
    ops->key_scan = op_key_scan;
    ops->key_put = op_key_put;
}
