/* One question about one comment. */
#ifndef MODQ_ASK_H
#define MODQ_ASK_H

#include "names.h"

/* `limit` 0 and `before` below 0 are left out. NULL: it failed, which has been told and has set the exit code. */
struct modq_answer *ask_one(struct app *app, const char *operation, const struct name *name, int64_t limit,
                            int64_t before);

#endif
