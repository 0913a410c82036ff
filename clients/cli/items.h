/* One operation on many comments: in batches, several under way, results in the order of the names. */
#ifndef MODQ_ITEMS_H
#define MODQ_ITEMS_H

#include "cli.h"
#include "names.h"

/* Follows a run. Its owner is told of each, and whether it is said to people, too, is the owner's business then. */
struct items_watch {
    /* `result` is NULL when the request as a whole has failed. */
    void (*told)(struct items_watch *watch, const struct name *name, const struct modq_value *result,
                 const struct modq_error *error);
    bool (*go_on)(struct items_watch *watch); /* false: nothing more is sent */
    bool alone;                               /* people are told nothing of single ones */
};

enum { BATCH_BYTES = 16 };

struct items_job {
    const char *operation;
    bool changing;    /* of the desk: each batch gets an operation id of its own */
    bool one_each;    /* the fields of the name stand in the request itself, and its answer is the result */
    const char *list; /* key of the list, unless one_each */
    void (*put_name)(const struct app *app, struct modq_fields *fields, const struct name *name);
    void (*put_rest)(const struct app *app, struct modq_fields *fields); /* NULL: nothing */
    const uint8_t *batch; /* BATCH_BYTES that stand in each request and, as hex, in each line of JSON; NULL: none */
    struct items_watch *watch; /* NULL: nobody */
    /* Says what was done. `name` is NULL when nobody named it; the result of one_each holds no name. */
    void (*say_done)(const struct app *app, struct text *out, const struct name *name, const struct modq_value *result);
};

/* Does it, tells each result and sets the exit code. Ends between requests when stop_asked. */
void items_run(struct app *app, struct modq *connection, const struct items_job *job, const struct names *names);

/* Site and comment, the fields of most operations. */
void items_put_name(const struct app *app, struct modq_fields *fields, const struct name *name);

void items_say_name(struct text *out, const struct name *name);

/* Says why it was not done: `result` holds an error, or `error` is one. */
void items_say_why(const struct app *app, struct text *out, const struct modq_value *result,
                   const struct modq_error *error);

/* Tells one result that the daemon sent (`result`), or why there is none (`error`), of this comment. */
void items_tell(struct app *app, const struct items_job *job, const struct name *name, const struct modq_value *result,
                const struct modq_error *error);

/* The result of an operation on everything: tells each. */
void items_tell_all(struct app *app, const struct items_job *job, const struct modq_value *results);

#endif
