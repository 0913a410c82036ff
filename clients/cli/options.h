/* The command line: one table of options, of which each verb takes some. */
#ifndef MODQ_OPTIONS_H
#define MODQ_OPTIONS_H

#include "cli.h"

struct option_row {
    enum option_id id;
    const char *name;
    const char *argument; /* what to call it; NULL: a flag */
    bool number;
    int64_t min, max;
    const char *help;
};

/* The row of this number, NULL past the end. */
const struct option_row *option_row(size_t i);
bool option_is_global(enum option_id id);

/* Reads all options, wherever they stand; *verb is the first argument that is none (NULL: there is none), and
 * app->argc and app->argv are those after it. False: said what is wrong. */
bool options_parse(struct app *app, int argc, char **argv, const char **verb);

/* Whether the verb takes all options given. False: said which it does not. */
bool options_fit(const struct app *app, uint64_t allowed);

#endif
