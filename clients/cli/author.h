/* Authors as they are named on the command line: SITE/AUTHOR. */
#ifndef MODQ_AUTHOR_H
#define MODQ_AUTHOR_H

#include "names.h"

/* The first argument; in *name the author stands where a comment would. False: it is none, which has been told and has
 * set the exit code. names_free frees it. */
bool author_named(struct app *app, struct names *names);

void author_put(struct modq_fields *fields, const struct name *name);

/* One page of `author`; `before` below 0: the newest events. NULL: it failed, which has been told. */
struct modq_answer *author_ask(struct app *app, const struct name *name, int64_t limit, int64_t before);

#endif
