#include "ask.h"

#include "explain.h"
#include "items.h"
#include "say.h"

/* NULL: it failed, which has been told. */
static struct modq_answer *check_answer(struct app *app, const struct name *name, struct modq_answer *answer)
{
    static const struct items_job telling = {.operation = "show"};
    const struct modq_error *error = answer ? modq_answer_error(answer) : NULL;

    if (answer && !error)
        return answer;
    if (error && error->number > 0)
        items_tell(app, &telling, name, modq_answer_value(answer), error);
    else
        complain_error(error, NULL);
    app_exit(app, error ? exit_of(error) : EXIT_LOCAL);
    modq_answer_free(answer);
    return NULL;
}

struct modq_answer *ask_one(struct app *app, const char *operation, const struct name *name, int64_t limit,
                            int64_t before)
{
    struct modq_fields *fields = modq_fields_new();
    struct modq_answer *answer = NULL;

    if (fields && app_desk(app)) {
        items_put_name(app, fields, name);
        if (limit > 0)
            modq_put_int(fields, "limit", limit);
        if (before >= 0)
            modq_put_int(fields, "before", before);
        answer = check_answer(app, name, modq_call(app->desk, operation, fields, app->timeout_ms));
    }
    modq_fields_free(fields);
    return answer;
}
