/* The outbox of a store: requests are kept, and sent later in their order. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "proto/mp.h"
#include "store.h"

enum { GROUP_MAX = 256, LONGEST_PAUSE_MS = 60000 };

/* ---- keeping */

static bool is_kept(const char *operation)
{
    return operation && (strcmp(operation, "withdraw") == 0 || strcmp(operation, "report") == 0);
}

static int64_t wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool insert(struct modq_store *store, const char *operation, const struct out *packed, struct modq_error *error)
{
    if (packed->failed)
        return error_local(error, MODQ_E_MEMORY, "out of memory");
    sqlite3_stmt *statement = store_prepare(store, "INSERT INTO modqd_outbox (op, fields) VALUES (?, ?)", error);
    if (!statement)
        return false;
    sqlite3_bind_text(statement, 1, operation, -1, SQLITE_STATIC);
    sqlite3_bind_blob64(statement, 2, packed->data, packed->len, SQLITE_STATIC);
    return store_finish(store, statement, error);
}

bool modq_store_keep_comment(struct modq_store *store, const struct modq_comment *comment, struct modq_error *error)
{
    struct out event = {0};
    struct out packed = {0};
    struct limits defaults;
    size_t values;

    limits_default(&defaults);
    bool ok = comment_pack(comment, &defaults, &event, &values, error);
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

static bool has_time(const struct modq_fields *fields)
{
    struct out packed = {0};
    msgpack_zone zone;
    msgpack_object map;

    if (!msgpack_zone_init(&zone, MSGPACK_ZONE_CHUNK_SIZE))
        return false;
    out_map(&packed);
    fields_append(fields, &packed);
    out_end(&packed);
    bool has = !packed.failed && mp_unpack_map(out_slice(&packed), &zone, &map) && mp_get(&map, "at");
    out_free(&packed);
    msgpack_zone_destroy(&zone);
    return has;
}

bool modq_store_keep(struct modq_store *store, const char *operation, const struct modq_fields *fields,
                     struct modq_error *error)
{
    struct out packed = {0};

    error_clear(error);
    if (!is_kept(operation) || !fields)
        return error_local(error, MODQ_E_ARGUMENT, "an outbox keeps withdraw and report with their fields");
    if (!fields_finished(fields, error))
        return false;
    out_map(&packed);
    fields_append(fields, &packed);
    if (strcmp(operation, "report") == 0 && !has_time(fields))
        out_key_int(&packed, "at", wall_ms());
    out_end(&packed);
    bool ok = insert(store, operation, &packed, error);
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

/* ---- what is sent together: comments that follow one another, or one other request, or one that is spoilt */

struct group {
    int64_t ids[GROUP_MAX];
    struct modq_error errors[GROUP_MAX]; /* of each, number 0: the daemon has it */
    size_t count;
    size_t alone; /* so many of the next ones go each in a message of its own */
    char operation[16];
    struct batch comments;
    struct modq_fields *fields; /* of another request */
};

static void group_reset(struct group *group)
{
    group->count = 0;
    group->operation[0] = '\0';
    batch_reset(&group->comments);
    modq_fields_free(group->fields);
    group->fields = NULL;
}

static void spoilt(struct modq_error *error)
{
    struct fault fault;

    fault_set(&fault, E_MALFORMED);
    fault_say(&fault, "it was damaged where it was kept");
    error_fault(error, &fault);
}

/* False: it has its place in the next group. */
static bool add_comment(struct group *group, const struct limits *limits, const msgpack_object *comment)
{
    struct out packed = {0};
    size_t values = count_values(comment);

    out_object(&packed, comment);
    bool fits = group->count == 0 || batch_fits(&group->comments, limits, packed.len, values);
    bool added = fits && !packed.failed && batch_add(&group->comments, out_slice(&packed), values);
    out_free(&packed);
    return added;
}

static bool add_fields(struct group *group, const msgpack_object *map)
{
    group->fields = modq_fields_new();
    for (uint32_t i = 0; group->fields && i < map->via.map.size; i++) {
        const msgpack_object_kv *pair = &map->via.map.ptr[i];
        modq_put_key(group->fields, pair->key.via.str.ptr, pair->key.via.str.size);
        modq_put_value(group->fields, NULL, as_value(&pair->val));
    }
    return group->fields && fields_finished(group->fields, NULL);
}

/* Takes a row into the group. False: the group ends before it. */
static bool add_row(struct group *group, const struct limits *limits, int64_t id, const char *operation,
                    const msgpack_object *map)
{
    const msgpack_object *comment = strcmp(operation, "submit") == 0 ? mp_get(map, "comment") : NULL;
    bool other = is_kept(operation) && map->type == MSGPACK_OBJECT_MAP;

    if (group->count > 0 && !comment)
        return false;
    if (comment && !add_comment(group, limits, comment))
        return false;
    if (other && !add_fields(group, map))
        return false;
    if (!comment && !other)
        spoilt(&group->errors[group->count]);
    snprintf(group->operation, sizeof(group->operation), "%s", comment || other ? operation : "");
    group->ids[group->count++] = id;
    return comment != NULL;
}

static bool take_row(struct modq_store *store, struct group *group, const struct limits *limits, sqlite3_stmt *row)
{
    const char *operation = (const char *)sqlite3_column_text(row, 1);
    msgpack_object map = {.type = MSGPACK_OBJECT_NIL};

    msgpack_zone_clear(&store->zone);
    if (!operation || !mp_unpack_map(store_blob(row, 2), &store->zone, &map))
        map.type = MSGPACK_OBJECT_NIL;
    return add_row(group, limits, sqlite3_column_int64(row, 0), operation ? operation : "", &map);
}

/* The requests that go next; none: the outbox is empty. */
static bool read_group(struct modq_store *store, struct group *group, const struct limits *limits,
                       struct modq_error *error)
{
    int code;

    group_reset(group);
    sqlite3_stmt *row =
        store_prepare(store, "SELECT id, op, fields FROM modqd_outbox WHERE error IS NULL ORDER BY id LIMIT ?", error);
    if (!row)
        return false;
    sqlite3_bind_int64(row, 1, group->alone ? 1 : GROUP_MAX);
    while ((code = sqlite3_step(row)) == SQLITE_ROW && take_row(store, group, limits, row))
        ;
    bool ok = code == SQLITE_ROW || code == SQLITE_DONE;
    if (!ok)
        store_failed(store, error);
    sqlite3_finalize(row);
    if (ok && code == SQLITE_ROW && group->count == 0)
        return error_local(error, MODQ_E_MEMORY, "out of memory");
    return ok;
}

/* ---- sending */

static struct modq_answer *ask(struct modq *front, const struct group *group, int timeout_ms)
{
    struct modq_fields comments = {.pairs = 1};

    if (group->fields)
        return modq_call(front, group->operation, group->fields, timeout_ms);
    batch_append(&group->comments, &comments.out);
    struct modq_answer *answer = modq_call(front, group->operation, &comments, timeout_ms);
    out_free(&comments.out);
    return answer;
}

static void read_outcomes(struct group *group, const struct modq_answer *answer)
{
    const struct modq_error *whole = answer ? modq_answer_error(answer) : NULL;
    const struct modq_value *results = answer ? results_of(answer) : NULL;

    for (size_t i = 0; i < group->count; i++) {
        struct modq_error *error = &group->errors[i];
        if (!answer)
            error_local(error, MODQ_E_MEMORY, "out of memory");
        else if (whole)
            *error = *whole;
        else if (group->fields)
            error_clear(error);
        else
            result_error(modq_item(results, i), error);
    }
}

static bool may_pass(const struct modq_error *error)
{
    return error->class_ == MODQ_CLASS_RETRY || error->class_ == MODQ_CLASS_LOCAL;
}

/* One bad comment may be why the daemon refuses the whole message: then each has to be heard alone. */
static bool hear_alone(struct group *group, const struct modq_answer *answer)
{
    const struct modq_error *whole = answer ? modq_answer_error(answer) : NULL;

    if (!whole || may_pass(whole) || group->count < 2)
        return false;
    group->alone = group->count;
    return true;
}

/* ---- settling */

static void pack_error(const struct modq_error *error, struct out *out)
{
    out_map(out);
    out_key_int(out, "number", error->number);
    out_key_cstr(out, "name", error->name);
    out_key_cstr(out, "class", modq_class_name(error->class_));
    out_key_cstr(out, "message", error->message);
    if (error->field[0])
        out_key_cstr(out, "field", error->field);
    out_end(out);
}

static bool drop(struct modq_store *store, int64_t id, struct modq_error *error)
{
    sqlite3_stmt *statement = store_prepare(store, "DELETE FROM modqd_outbox WHERE id = ?", error);

    if (statement)
        sqlite3_bind_int64(statement, 1, id);
    return store_finish(store, statement, error);
}

static bool set_aside(struct modq_store *store, int64_t id, const struct modq_error *why, struct modq_error *error)
{
    sqlite3_stmt *statement = store_prepare(store, "UPDATE modqd_outbox SET error = ? WHERE id = ?", error);
    struct out packed = {0};

    pack_error(why, &packed);
    if (statement) {
        sqlite3_bind_blob64(statement, 1, packed.data, packed.len, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 2, id);
    }
    bool ok = store_finish(store, statement, error);
    out_free(&packed);
    return ok;
}

static bool settle_one(struct modq_store *store, int64_t id, const struct modq_error *why, struct modq_flushed *flushed,
                       struct modq_error *error)
{
    if (why->number == 0) {
        flushed->sent++;
        return drop(store, id, error);
    }
    if (!may_pass(why)) {
        flushed->refused++;
        return set_aside(store, id, why, error);
    }
    if (flushed->error.number == 0)
        flushed->error = *why;
    return true;
}

/* One transaction: what the daemon has is gone, what it will never have is set aside, the rest stays. The first error
 * that may pass goes to flushed->error. */
static bool settle(struct modq_store *store, const struct group *group, struct modq_flushed *flushed,
                   struct modq_error *error)
{
    bool ok = store_run(store, "BEGIN IMMEDIATE", error);

    if (!ok)
        return false;
    for (size_t i = 0; ok && i < group->count; i++)
        ok = settle_one(store, group->ids[i], &group->errors[i], flushed, error);
    if (ok && store_run(store, "COMMIT", error))
        return true;
    sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
    return false;
}

/* ---- flushing */

/* Waits until a refusal may have passed. False: it would take too long, and the flush ends with it. */
static bool pause_after(struct modq_flushed *flushed, struct backoff *backoff, int64_t until)
{
    struct link none = {0};
    int64_t moment;

    if (flushed->error.class_ != MODQ_CLASS_RETRY || flushed->error.number < 0)
        return false;
    moment = deadline_after(now_ms(), backoff_next(backoff, flushed->error.retry_after_ms, LONGEST_PAUSE_MS));
    if (moment >= until)
        return false;
    while (now_ms() < moment)
        link_wait(&none, false, wait_until(moment, -1)); /* whatever signals come */
    error_clear(&flushed->error);
    return true;
}

/* Sends one group and settles it. */
static bool flush_group(struct modq_store *store, struct modq *front, struct group *group, int64_t until,
                        struct modq_flushed *flushed, struct modq_error *error)
{
    struct modq_answer *answer;

    if (!group->operation[0])
        return settle(store, group, flushed, error);
    answer = ask(front, group, wait_until(until, -1));
    bool again = hear_alone(group, answer);
    if (!again) {
        read_outcomes(group, answer);
        group->alone -= group->alone > 0;
    }
    modq_answer_free(answer);
    return again || settle(store, group, flushed, error);
}

static bool flush(struct modq_store *store, struct modq *front, int64_t until, struct group *group,
                  struct modq_flushed *flushed, struct modq_error *error)
{
    struct backoff backoff = {0};

    while (now_ms() < until) {
        size_t sent = flushed->sent;
        if (!read_group(store, group, connection_limits(front), error))
            return false;
        if (group->count == 0)
            return true;
        if (!flush_group(store, front, group, until, flushed, error))
            return false;
        if (flushed->sent > sent)
            backoff = (struct backoff){0};
        if (flushed->error.number != 0 && !pause_after(flushed, &backoff, until))
            return true;
    }
    return true;
}

/* False: *error says why, or has number 0 when another process flushes. */
static bool begin_flush(struct modq_store *store, struct modq_error *error)
{
    const char *path = sqlite3_db_filename(store->database, "main");
    char name[4096];

    if (!sqlite3_get_autocommit(store->database))
        return error_local(error, MODQ_E_ARGUMENT, "an outbox is flushed outside of transactions");
    if (!path || !*path)
        return true;
    snprintf(name, sizeof(name), "%s.flush", path);
    store->flushing = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->flushing < 0)
        return error_local(error, MODQ_E_SYSTEM, "%s: %s", name, strerror(errno));
    if (flock(store->flushing, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (errno != EWOULDBLOCK)
        error_local(error, MODQ_E_SYSTEM, "%s: %s", name, strerror(errno));
    close(store->flushing);
    store->flushing = -1;
    return false;
}

static void end_flush(struct modq_store *store)
{
    if (store->flushing >= 0)
        close(store->flushing);
    store->flushing = -1;
}

static bool flush_alone(struct modq_store *store, struct modq *front, int timeout_ms, struct modq_flushed *flushed,
                        struct modq_error *error)
{
    struct group *group = calloc(1, sizeof(*group));

    if (!group)
        return error_local(error, MODQ_E_MEMORY, "out of memory");
    bool ok = flush(store, front, deadline_after(now_ms(), timeout_ms < 0 ? 0 : timeout_ms), group, flushed, error);
    group_reset(group);
    batch_free(&group->comments);
    free(group);
    return ok;
}

bool modq_store_flush(struct modq_store *store, struct modq *front, int timeout_ms, struct modq_flushed *flushed,
                      struct modq_error *error)
{
    struct modq_error why;
    bool ok;

    *flushed = (struct modq_flushed){.left = -1};
    error_clear(&flushed->error);
    error_clear(&why);
    if (begin_flush(store, &why))
        ok = flush_alone(store, front, timeout_ms, flushed, &why);
    else
        ok = why.number == 0;
    end_flush(store);
    if (ok)
        flushed->left = modq_store_count(store, &why);
    if (error)
        *error = why;
    return ok && flushed->left >= 0;
}

/* ---- what was set aside */

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
        spoilt(&refused->error);
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
