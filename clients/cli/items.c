#include "items.h"

#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "hex.h"
#include "json.h"
#include "say.h"
#include "stop.h"
#include "verbs.h"

struct batch {
    size_t first, count;
    struct modq_answer *answer;
    bool failed; /* there will be none */
};

void items_put_name(const struct app *app, struct modq_fields *fields, const struct name *name)
{
    (void)app;
    modq_put_string(fields, "site", name->site);
    modq_put_string(fields, "comment", name->comment);
}

void items_say_name(struct text *out, const struct name *name)
{
    struct text full = {0};

    say(&full, "%s/%s", name->site, name->comment);
    if (name->comment[0] == '\0')
        say(&full, "#%lld", (long long)name->seq);
    say_quoted(out, text_slice(&full));
    text_free(&full);
}

/* ---- telling */

static void put_batch(json_t *map, const struct items_job *job)
{
    struct text hex = {0};

    if (!job->batch)
        return;
    hex_say(&hex, job->batch, BATCH_BYTES);
    json_object_set_new(map, "batch", json_text(text_slice(&hex)));
    text_free(&hex);
}

static json_t *name_json(const struct items_job *job, const struct name *name, const struct modq_error *error)
{
    json_t *map = json_object();

    json_object_set_new(map, "site", json_text(slice_of(name->site)));
    json_object_set_new(map, "comment", json_text(slice_of(name->comment)));
    json_object_set_new(map, "status", json_text(slice_of(error->name)));
    json_object_set_new(map, "error", json_from_error(error));
    put_batch(map, job);
    return map;
}

/* What the daemon sent, with the name where it left that out. */
static json_t *result_json(const struct items_job *job, const struct name *name, const struct modq_value *result)
{
    json_t *map = json_from(result);

    json_object_del(map, "v");
    json_object_del(map, "id");
    json_object_del(map, "op");
    json_object_del(map, "ok");
    if (name && !json_is_string(json_object_get(map, "site")))
        json_object_set_new(map, "site", json_text(slice_of(name->site)));
    if (name && !json_is_string(json_object_get(map, "comment")) && *name->comment)
        json_object_set_new(map, "comment", json_text(slice_of(name->comment)));
    put_batch(map, job);
    return map;
}

/* An approval cannot replace an approval. */
static bool may_supersede(const struct app *app, const struct modq_value *error)
{
    bool approved = modq_is(modq_get(error, "decision"), "approved");
    return !app->options.given[OPT_SUPERSEDE] && !(approved && strcmp(app->verb->name, "approve") == 0);
}

void items_say_why(const struct app *app, struct text *out, const struct modq_value *result,
                   const struct modq_error *error)
{
    if (modq_get(result, "error"))
        explain(out, modq_get(result, "error"), !may_supersede(app, modq_get(result, "error")));
    else
        explain_error(out, error);
}

static void say_failure(struct app *app, const struct name *name, const struct modq_value *result,
                        const struct modq_error *error)
{
    struct text line = {0};

    if (modq_get(result, "comment") || !name)
        say_name(&line, result);
    else
        items_say_name(&line, name);
    say(&line, ": ");
    items_say_why(app, &line, result, error);
    fflush(stdout);
    put_line(&line, stderr);
}

static bool error_of_result(const struct modq_value *result, struct modq_error *error)
{
    if (!modq_get(result, "error"))
        return false;
    modq_error_of(modq_get(result, "error"), error);
    return true;
}

void items_tell(struct app *app, const struct items_job *job, const struct name *name, const struct modq_value *result,
                const struct modq_error *error)
{
    struct modq_error own;
    struct text line = {0};

    if (!error && error_of_result(result, &own))
        error = &own;
    if (error)
        app_exit(app, exit_of(error));
    if (job->watch)
        job->watch->told(job->watch, name, result, error);
    if (app->json) {
        json_print(result ? result_json(job, name, result) : name_json(job, name, error), stdout);
    } else if (job->watch && job->watch->alone) {
        return;
    } else if (error) {
        say_failure(app, name, result, error);
    } else {
        job->say_done(app, &line, name, result);
        put_line(&line, stdout);
    }
}

void items_tell_all(struct app *app, const struct items_job *job, const struct modq_value *results)
{
    for (size_t i = 0; i < modq_count(results); i++)
        items_tell(app, job, NULL, modq_item(results, i), NULL);
}

static void tell_batch(struct app *app, const struct items_job *job, const struct names *names,
                       const struct batch *batch)
{
    static const struct modq_error memory = {
        MODQ_E_MEMORY, MODQ_CLASS_LOCAL, "client_out_of_memory", "", "out of memory", -1, {0}};
    static const struct modq_error missing = {
        MODQ_E_REPLY, MODQ_CLASS_LOCAL, "client_bad_reply", "", "the daemon's answer lacks this result", -1, {0}};
    const struct modq_error *error = batch->answer ? modq_answer_error(batch->answer) : &memory;
    const struct modq_value *map = batch->answer ? modq_answer_value(batch->answer) : NULL;

    for (size_t i = 0; i < batch->count; i++) {
        const struct name *name = &names->item[batch->first + i];
        const struct modq_value *result = job->one_each ? map : modq_item(modq_get(map, "results"), i);
        if (error)
            items_tell(app, job, name, job->one_each ? map : NULL, error);
        else
            items_tell(app, job, name, result, result ? NULL : &missing);
    }
}

/* ---- sending */

static uint64_t send_batch(struct app *app, struct modq *connection, const struct items_job *job,
                           const struct names *names, struct batch *batch)
{
    struct modq_fields *fields = modq_fields_new();
    uint64_t ticket = 0;

    if (!fields)
        return 0;
    if (job->changing)
        modq_put_operation(fields);
    if (!job->one_each)
        modq_put_list(fields, job->list);
    for (size_t i = 0; i < batch->count; i++) {
        if (!job->one_each)
            modq_put_map(fields, NULL);
        job->put_name(app, fields, &names->item[batch->first + i]);
        if (!job->one_each)
            modq_put_end(fields);
    }
    if (!job->one_each)
        modq_put_end(fields);
    if (job->put_rest)
        job->put_rest(app, fields);
    if (job->batch)
        modq_put_bytes(fields, "batch", job->batch, BATCH_BYTES);
    ticket = modq_send(connection, job->operation, fields, app->timeout_ms, batch, NULL);
    modq_fields_free(fields);
    return ticket;
}

/* Takes answers until this batch has its own. */
static void await(struct modq *connection, struct batch *batch)
{
    while (!batch->answer && !batch->failed && modq_pending(connection) > 0) {
        struct modq_answer *answer = modq_next(connection, -1);
        if (answer)
            ((struct batch *)modq_answer_tag(answer))->answer = answer;
    }
}

/* How many names go into one request. The daemon may take fewer than by default. */
static size_t batch_size(struct app *app, struct modq *connection, const struct items_job *job, size_t names)
{
    struct modq_error error;

    if (job->one_each || names <= 1)
        return 1;
    if (!modq_hello(connection, app->timeout_ms, &error)) {
        complain_error(&error, NULL);
        app_exit(app, exit_of(&error));
        return 0;
    }
    return (size_t)modq_limit(connection, "max_batch");
}

static bool goes_on(const struct items_job *job)
{
    return !stop_asked() && (!job->watch || job->watch->go_on(job->watch));
}

void items_run(struct app *app, struct modq *connection, const struct items_job *job, const struct names *names)
{
    enum { WINDOW = 64, WATCHED_WINDOW = 2 }; /* who watches wants to end soon */
    size_t window = job->watch && job->watch->alone ? WATCHED_WINDOW : WINDOW;
    size_t size = batch_size(app, connection, job, names->count);
    size_t batches = size ? (names->count + size - 1) / size : 0;
    struct batch *all = calloc(batches ? batches : 1, sizeof(*all));
    size_t sent = 0;

    if (!all) {
        complain("out of memory");
        app_exit(app, EXIT_LOCAL);
        return;
    }
    for (size_t told = 0; told < batches; told++) {
        for (; sent < batches && sent < told + window && goes_on(job); sent++) {
            struct batch *batch = &all[sent];
            batch->first = sent * size;
            batch->count = names->count - batch->first < size ? names->count - batch->first : size;
            batch->failed = send_batch(app, connection, job, names, batch) == 0;
        }
        if (told == sent)
            break;
        await(connection, &all[told]);
        tell_batch(app, job, names, &all[told]);
        modq_answer_free(all[told].answer);
    }
    free(all);
}
