/* Which comments: the options that every verb with a list takes, and the fields of `list` that they become. */
#ifndef MODQ_FILTER_H
#define MODQ_FILTER_H

#include "cli.h"

/* The options; each verb that has them puts this into its row. */
#define FILTER_OPTIONS                                                                                                 \
    (OPTION_BIT(OPT_SITE) | OPTION_BIT(OPT_LANE) | OPTION_BIT(OPT_STATE) | OPTION_BIT(OPT_ARTICLE) |                   \
     OPTION_BIT(OPT_AUTHOR) | OPTION_BIT(OPT_LANGUAGE) | OPTION_BIT(OPT_OLDER_THAN) | OPTION_BIT(OPT_NEWER_THAN) |     \
     OPTION_BIT(OPT_REPORTED) | OPTION_BIT(OPT_MARK) | OPTION_BIT(OPT_REJECTED_FOR) | OPTION_BIT(OPT_DECIDED_BY))

/* Slices without data and numbers below 0 were not asked for. The slices are parts of the options. */
struct filter {
    struct slice site, lane, state, article, author, language, mark, reason, by;
    int64_t since, until; /* received at: since <= t < until, milliseconds since 1970 */
    int64_t reported;
};

/* Whether any of the options was given. */
bool filter_given(const struct options *options);

/* Reads the options at the moment `now`. `usual` is the state when nothing that was given tells which: "pending" or
 * "any". False: *why says what is wrong, or what contradicts what. */
bool filter_read(const struct options *options, int64_t now, const char *usual, struct filter *filter,
                 struct text *why);

/* The same of the verb that is run, complained about with the exit code set. */
bool filter_take(struct app *app, const char *usual, struct filter *filter);

/* Puts the fields into a request of `list` or `search`. */
void filter_put(const struct filter *filter, struct modq_fields *fields);

/* Whether it selects the queue as it is, of a site and a lane perhaps. */
bool filter_is_queue(const struct filter *filter);

/* Whether it selects all that is of one author, whatever has become of it. */
bool filter_is_whole_author(const struct filter *filter);

#endif
