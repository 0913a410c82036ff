/* Sends what a store's outbox keeps, in its order. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/mp.h"
#include "store.h"

enum { GROUP_MAX = 256, LONGEST_PAUSE_MS = 60000, PATH_BYTES = 4096 };

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

/* Takes a row into the group. False: the group ends before it. */
static bool add_row(struct group *group, const struct limits *limits, int64_t id, const char *operation,
                    const msgpack_object *map)
{
    const msgpack_object *comment = strcmp(operation, "submit") == 0 ? mp_get(map, "comment") : NULL;
    bool other = outbox_keeps(operation) && map->type == MSGPACK_OBJECT_MAP;

    if (group->count > 0 && !comment)
        return false;
    if (comment && !add_comment(group, limits, comment))
        return false;
    if (other && !(group->fields = outbox_fields(map)))
        return false;
    if (!comment && !other)
        outbox_spoilt(&group->errors[group->count]);
    snprintf(group->operation, sizeof(group->operation), "%s", comment || other ? operation : "");
    group->ids[group->count++] = id;
    return comment != NULL;
}

static bool take_row(struct modq_store *store, struct group *group, const struct limits *limits, sqlite3_stmt *row)
{
    const char *operation = (const char *)sqlite3_column_text(row, 1);
    struct slice fields = store_blob(row, 2);
    msgpack_object map = {.type = MSGPACK_OBJECT_NIL};

    msgpack_zone_clear(&store->zone);
    if (sqlite3_errcode(store->database) == SQLITE_NOMEM)
        return false;
    if (mp_check(fields) && !mp_unpack(fields, &store->zone, &map))
        return false; /* memory is out */
    if (!mp_is_map(&map))
        map.type = MSGPACK_OBJECT_NIL; /* the disk has spoilt it */
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

/* NULL: memory is out. */
static struct modq_answer *ask(struct modq *front, const struct group *group, int timeout_ms)
{
    struct modq_fields comments = {.pairs = 1};

    if (group->fields)
        return modq_call(front, group->operation, group->fields, timeout_ms);
    batch_append(&group->comments, &comments.out);
    struct modq_answer *answer = comments.out.failed ? NULL : modq_call(front, group->operation, &comments, timeout_ms);
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

/* Errors that say nothing of the request itself: of the moment, of this machine, of where the connection leads to. */
static bool may_pass(const struct modq_error *error)
{
    switch (error->number) {
    case MODQ_E_UNSUPPORTED_VERSION:
    case MODQ_E_UNKNOWN_OPERATION:
    case MODQ_E_AS_REQUIRED:
        return true;
    default:
        return error->number < 0 || error->class_ == MODQ_CLASS_RETRY || error->class_ == MODQ_CLASS_LOCAL;
    }
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

/* Beyond a limit that was lowered since it was told, nothing is answered. */
static void doubt_silence(struct modq *front, const struct modq_answer *answer)
{
    const struct modq_error *whole = answer ? modq_answer_error(answer) : NULL;

    if (whole && whole->number == MODQ_E_TIMEOUT)
        connection_doubt_limits(front);
}

/* False: it says nothing yet of each. */
static bool take_answer(struct modq *front, struct group *group, const struct modq_answer *answer)
{
    doubt_silence(front, answer);
    if (hear_alone(group, answer))
        return false;
    read_outcomes(group, answer);
    group->alone -= group->alone > 0;
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
    struct out packed = {0};
    bool ok = false;

    pack_error(why, &packed);
    sqlite3_stmt *statement = store_prepare(store, "UPDATE modqd_outbox SET error = ? WHERE id = ?", error);
    if (statement && packed.failed)
        ok = store_bound(statement, SQLITE_NOMEM, error);
    else if (statement) {
        int codes = sqlite3_bind_blob64(statement, 1, packed.data, packed.len, SQLITE_STATIC);
        codes |= sqlite3_bind_int64(statement, 2, id);
        ok = store_bound(statement, codes, error) && store_finish(store, statement, error);
    }
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
 * that may pass goes to flushed->error. Nothing is counted that was not committed. */
static bool settle(struct modq_store *store, const struct group *group, struct modq_flushed *flushed,
                   struct modq_error *error)
{
    struct modq_flushed after = *flushed;
    bool ok = store_run(store, "BEGIN IMMEDIATE", error);

    if (!ok)
        return false;
    for (size_t i = 0; ok && i < group->count; i++)
        ok = settle_one(store, group->ids[i], &group->errors[i], &after, error);
    if (ok && store_run(store, "COMMIT", error)) {
        *flushed = after;
        return true;
    }
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
    bool heard = take_answer(front, group, answer);
    modq_answer_free(answer);
    return !heard || settle(store, group, flushed, error);
}

static bool flush(struct modq_store *store, struct modq *front, int64_t until, struct group *group,
                  struct modq_flushed *flushed, struct modq_error *error)
{
    struct backoff backoff = {0};

    while (now_ms() < until) {
        size_t sent = flushed->sent;
        store_patience(store, wait_until(until, -1));
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

/* What was made for a database belongs to whom the database belongs to, as SQLite's own files beside it do: root may
 * flush first. Where that cannot be, it stays as it was made. */
static void give_to_owner(int fd, const char *path)
{
    struct stat file;

    if (stat(path, &file) != 0)
        return;
    if (geteuid() == 0 && fchown(fd, file.st_uid, file.st_gid) != 0)
        return;
    fchmod(fd, file.st_mode & 0777);
}

/* Follows no link, and changes only what it has made: others may write to the directory. */
static int open_lock(const char *path, const char *name)
{
    int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0 && errno == EEXIST)
        return open(name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0)
        give_to_owner(fd, path);
    return fd;
}

/* Takes the lock of those who flush; *lock is -1 where there is no file to flush alone. False: *error says why, or has
 * number 0 when another has it. */
static bool begin_flush(struct modq_store *store, int *lock, struct modq_error *error)
{
    const char *path = sqlite3_db_filename(store->database, "main");
    char name[PATH_BYTES];

    *lock = -1;
    if (!sqlite3_get_autocommit(store->database))
        return error_local(error, MODQ_E_ARGUMENT, "an outbox is flushed outside of transactions");
    if (!path || !*path)
        return true;
    if (snprintf(name, sizeof(name), "%s.flush", path) >= (int)sizeof(name))
        return error_local(error, MODQ_E_ARGUMENT, "the path of the store is too long");
    *lock = open_lock(path, name);
    if (*lock >= 0 && flock(*lock, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (*lock < 0 || errno != EWOULDBLOCK)
        error_local(error, MODQ_E_SYSTEM, "%s: %s", name, strerror(errno));
    if (*lock >= 0)
        close(*lock);
    return false;
}

/* A child that another thread forked meanwhile has the descriptor, too: closing it here would not end the lock. */
static void end_flush(int lock)
{
    if (lock < 0)
        return;
    flock(lock, LOCK_UN);
    close(lock);
}

/* Batches keep the daemon's limits: what is beyond them gets no answer. False: *why says what stands in the way. */
static bool learn_limits(struct modq *front, int64_t until, struct modq_error *why)
{
    return connection_knows_limits(front) || modq_hello(front, wait_until(until, -1), why) || !may_pass(why);
}

static bool flush_alone(struct modq_store *store, struct modq *front, int64_t until, struct modq_flushed *flushed,
                        struct modq_error *error)
{
    struct group *group = calloc(1, sizeof(*group));
    bool ok = true;

    if (!group)
        return error_local(error, MODQ_E_MEMORY, "out of memory");
    store_patience(store, wait_until(until, -1));
    if (now_ms() < until && modq_store_count(store, error) != 0 && learn_limits(front, until, &flushed->error)) {
        error_clear(&flushed->error);
        ok = flush(store, front, until, group, flushed, error);
    }
    store_patience(store, STORE_BUSY_MS);
    group_reset(group);
    batch_free(&group->comments);
    free(group);
    return ok;
}

bool modq_store_flush(struct modq_store *store, struct modq *front, int timeout_ms, struct modq_flushed *flushed,
                      struct modq_error *error)
{
    struct modq_error why;
    int lock;
    bool ok;

    *flushed = (struct modq_flushed){.left = -1};
    error_clear(&flushed->error);
    error_clear(&why);
    if (!front)
        return error_local(error, MODQ_E_ARGUMENT, "an outbox is flushed through a connection");
    if (begin_flush(store, &lock, &why)) {
        ok = flush_alone(store, front, deadline_after(now_ms(), timeout_ms < 0 ? 0 : timeout_ms), flushed, &why);
        end_flush(lock);
    } else {
        flushed->elsewhere = why.number == 0;
        ok = flushed->elsewhere;
    }
    if (ok)
        flushed->left = modq_store_count(store, &why);
    if (error)
        *error = why;
    return ok && flushed->left >= 0;
}
