/* Having the daemon read its configuration anew. */
#include "json.h"
#include "say.h"
#include "verbs.h"

int run_reload(struct app *app)
{
    struct modq_fields *fields = modq_fields_new();
    struct text line = {0};

    if (fields)
        modq_put_operation(fields);
    struct modq_answer *answer = fields && app_desk(app) ? app_call(app, app->desk, "reload", fields) : NULL;
    modq_fields_free(fields);
    if (!answer)
        return app->exit == EXIT_DONE ? EXIT_LOCAL : app->exit;
    const struct modq_value *map = modq_answer_value(answer);
    const struct modq_value *waiting = modq_get(map, "restart");
    if (app->json) {
        json_print(json_answer(map), stdout);
    } else {
        say(&line, "The configuration was read anew.");
        if (modq_count(waiting) > 0) {
            say(&line, " These differ and wait for a restart: ");
            say_list(&line, waiting, ", ");
        }
        put_line(&line, stdout);
    }
    modq_answer_free(answer);
    return app->exit;
}
