/* The outbox of a store: requests are kept; those that were set aside can be looked at. flush.c sends them. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "proto/mp.h"
#include "store.h"

/* ---- keeping */

bool outbox_keeps(const char *operation)
{
    return operation && (strcmp(operation, "withdraw") == 0 || strcmp(operation, "report") == 0);
}

static int64_t wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The user's own last row stays the last one. */
static bool insert_row(struct modq_store *store, sqlite3_stmt *statement, struct modq_error *error)
{
    int64_t last = sqlite3_last_insert_rowid(store->database);
    bool ok = store_finish(store, statement, error);

    sqlite3_set_last_insert_rowid(store->database, last);
    return ok && store_is_there(store, error);
}

static bool insert(struct modq_store *store, const char *operation, const struct out *packed, struct modq_error *error)
{
    if (packed->failed)
        return error_local(error, MODQ_E_MEMORY, "out of memory");
    if (!store_is_there(store, error))
        return false;
    sqlite3_stmt *statement = store_prepare(store, "INSERT INTO modqd_outbox (op, fields) VALUES (?, ?)", error);
    if (!statement)
        return false;
    int codes = sqlite3_bind_text(statement, 1, operation, -1, SQLITE_STATIC);
    codes |= sqlite3_bind_blob64(statement, 2, packed->data, packed->len, SQLITE_STATIC);
    return store_bound(statement, codes, error) && insert_row(store, statement, error);
}

bool modq_store_keep_comment(struct modq_store *store, const struct modq_comment *comment, const struct modq *front,
                             struct modq_error *error)
{
    struct out event = {0};
    struct out packed = {0};
    struct limits defaults;
    size_t values;

    limits_default(&defaults);
    bool ok = comment_pack(comment, front ? connection_limits(front) : &defaults, &event, &values, error);
    if (ok) {
        out_map(&packed);
        out_key_raw(&packed, "comment", out_slice(&event));
        out_end(&packed);
        ok = insert(store, "submit", &packed, error);
    }
    out_free(&event);
    out_free(&packed);
    return ok;
}

struct modq_fields *outbox_fields(const msgpack_object *map)
{
    struct modq_fields *fields = modq_fields_new();

    for (uint32_t i = 0; fields && i < map->via.map.size; i++) {
        const msgpack_object_kv *pair = &map->via.map.ptr[i];
        if (pair->val.type == MSGPACK_OBJECT_NIL)
            continue;
        struct slice key = mp_str(&pair->key);
        modq_put_key(fields, key.data ? key.data : "", key.len);
        modq_put_value(fields, NULL, as_value(&pair->val));
    }
    if (!fields || fields_finished(fields, NULL))
        return fields;
    modq_fields_free(fields);
    return NULL;
}

/* Reads what was packed. What could never be a request is refused while somebody is there to hear of it. */
static bool read_request(struct slice packed, msgpack_zone *zone, msgpack_object *map, struct modq_error *error)
{
    struct limits defaults;

    limits_default(&defaults);
    int64_t most = defaults.value[LIMIT_MAX_MESSAGE_BYTES] - BATCH_ENVELOPE_BYTES;
    if ((int64_t)packed.len > most)
        return error_too_long(error, "the request", packed.len, most);
    if (!mp_check(packed))
        return error_too_much(error, "the request");
    if (!mp_unpack_map(packed, zone, map))
        return error_local(error, MODQ_E_MEMORY, "out of memory");
    return count_values(map) <= MP_VALUES_MAX - BATCH_ENVELOPE_VALUES || error_too_much(error, "the request");
}

static void pack_fields(const struct modq_fields *fields, struct out *packed)
{
    out_map(packed);
    fields_append(fields, packed);
    out_end(packed);
}

/* Keeps the fields of `map` that say something, and says when a report was made. */
static bool keep_map(struct modq_store *store, const char *operation, const msgpack_object *map,
                     struct modq_error *error)
{
    struct modq_fields *fields = outbox_fields(map);
    struct out packed = {0};

    if (!fields)
        return error_local(error, MODQ_E_MEMORY, "out of memory");
    if (strcmp(operation, "report") == 0 && !mp_get(map, "at"))
        modq_put_int(fields, "at", wall_ms());
    pack_fields(fields, &packed);
    bool ok = insert(store, operation, &packed, error);
    out_free(&packed);
    modq_fields_free(fields);
    return ok;
}

bool modq_store_keep(struct modq_store *store, const char *operation, const struct modq_fields *fields,
                     struct modq_error *error)
{
    struct out packed = {0};
    msgpack_object map;
    bool ok = false;

    error_clear(error);
    if (!outbox_keeps(operation) || !fields)
        return error_local(error, MODQ_E_ARGUMENT, "an outbox keeps withdraw and report with their fields");
    if (!fields_finished(fields, error))
        return false;
    pack_fields(fields, &packed);
    msgpack_zone_clear(&store->zone);
    if (packed.failed)
        error_local(error, MODQ_E_MEMORY, "out of memory");
    else if (read_request(out_slice(&packed), &store->zone, &map, error))
        ok = keep_map(store, operation, &map, error);
    out_free(&packed);
    return ok;
}

int64_t modq_store_count(struct modq_store *store, struct modq_error *error)
{
    int64_t count = -1;

    error_clear(error);
    sqlite3_stmt *row = store_prepare(store, "SELECT count(*) FROM modqd_outbox WHERE error IS NULL", error);
    if (row && sqlite3_step(row) == SQLITE_ROW)
        count = sqlite3_column_int64(row, 0);
    else if (row)
        store_failed(store, error);
    sqlite3_finalize(row);
    return count;
}

/* ---- what was set aside */

void outbox_spoilt(struct modq_error *error)
{
    struct fault fault;

    fault_set(&fault, E_MALFORMED);
    fault_say(&fault, "it was damaged where it was kept");
    error_fault(error, &fault);
}

static bool show_refused(struct modq_store *store, sqlite3_stmt *row, struct modq_refused *refused,
                         struct modq_error *error)
{
    const char *operation = (const char *)sqlite3_column_text(row, 1);
    msgpack_object why;

    msgpack_zone_clear(&store->zone);
    out_reset(&store->shown);
    out_raw(&store->shown, store_blob(row, 2));
    if (store->shown.failed)
        return error_local(error, MODQ_E_MEMORY, "out of memory");
    *refused = (struct modq_refused){.number = sqlite3_column_int64(row, 0)};
    snprintf(refused->operation, sizeof(refused->operation), "%s", operation ? operation : "");
    if (mp_unpack_map(out_slice(&store->shown), &store->zone, &store->fields))
        refused->fields = as_value(&store->fields);
    if (mp_unpack_map(store_blob(row, 3), &store->zone, &why))
        modq_error_of(as_value(&why), &refused->error);
    else
        outbox_spoilt(&refused->error);
    return true;
}

bool modq_store_refused(struct modq_store *store, int64_t after, struct modq_refused *refused, struct modq_error *error)
{
    bool found = false;

    error_clear(error);
    sqlite3_stmt *row = store_prepare(store,
                                      "SELECT id, op, fields, error FROM modqd_outbox "
                                      "WHERE error IS NOT NULL AND id > ? ORDER BY id LIMIT 1",
                                      error);
    if (!row)
        return false;
    sqlite3_bind_int64(row, 1, after);
    int code = sqlite3_step(row);
    if (code == SQLITE_ROW)
        found = show_refused(store, row, refused, error);
    else if (code != SQLITE_DONE)
        store_failed(store, error);
    sqlite3_finalize(row);
    return found;
}

/* Runs a statement and tells how many rows it changed. */
static int64_t change(struct modq_store *store, const char *sql, struct modq_error *error)
{
    error_clear(error);
    return store_finish(store, store_prepare(store, sql, error), error) ? sqlite3_changes64(store->database) : -1;
}

int64_t modq_store_retry_refused(struct modq_store *store, struct modq_error *error)
{
    return change(store, "UPDATE modqd_outbox SET error = NULL WHERE error IS NOT NULL", error);
}

int64_t modq_store_forget_refused(struct modq_store *store, struct modq_error *error)
{
    return change(store, "DELETE FROM modqd_outbox WHERE error IS NOT NULL", error);
}
