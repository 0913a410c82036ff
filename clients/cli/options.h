/* The command line: one table of options, of which each verb takes some. */
#ifndef MODQ_OPTIONS_H
#define MODQ_OPTIONS_H

#include "cli.h"

/* What the value of an option, or an argument of a verb, is: completion in the shells offers what there is of it. */
enum value {
    VALUE_NONE,
    VALUE_TEXT, /* anything */
    VALUE_NUMBER,
    VALUE_WORDS, /* one of `words` */
    VALUE_FILE,
    VALUE_DIRECTORY,
    VALUE_USER, /* of the system */
    VALUE_VERB,
    VALUE_SITE, /* this and the following are asked from the daemon */
    VALUE_COMMENT,
    VALUE_REASON,
    VALUE_LANGUAGE,
    VALUE_KEY,
    VALUE_KEY_NUMBER,
};

/* What --values calls it; NULL or VALUE_NONE: the daemon is not asked for such a thing. */
const char *value_word(enum value value);
enum value value_of_word(const char *word);

struct option_row {
    enum option_id id;
    const char *name;
    const char *argument; /* what to call it; NULL: a flag */
    enum value value;
    const char *help;
    const char *const *words; /* that it can be, too; NULL: none */
    char joined;              /* what several of them are joined with; '\0': it is given once */
    int64_t min, max;         /* of a number; both 0: it is none */
};

/* The row of this number, NULL past the end. */
const struct option_row *option_row(size_t i);
const char *const *option_words(enum option_id id); /* its end is NULL */
bool option_is_global(enum option_id id);

/* Reads all options, wherever they stand; *verb is the first argument that is none (NULL: there is none), and
 * app->argc and app->argv are those after it. False: said what is wrong. */
bool options_parse(struct app *app, int argc, char **argv, const char **verb);

/* Whether the verb takes all options given. False: said which it does not. Two options may have one name, when no verb
 * takes both and their values are read alike: what was given is then the one that the verb takes. */
bool options_fit(struct app *app, option_set allowed);

#endif
