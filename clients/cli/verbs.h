/* The verbs of modq: one table. */
#ifndef MODQ_VERBS_H
#define MODQ_VERBS_H

#include "cli.h"
#include "options.h"

struct verb {
    const char *name;   /* one word, or two: "key new" */
    const char *usage;  /* what follows the name */
    const char *help;   /* one line */
    const char *more;   /* paragraphs and examples */
    option_set options; /* OPTION_BIT of its own */
    int least, most;    /* number of arguments; most -1: any */
    enum value argument;
    const char *const *words; /* that an argument can be; NULL: none */
    bool many_sites;          /* --site may be given more than once */
    int (*run)(struct app *app);
};

const struct verb *verb_at(size_t i); /* NULL past the end */
const struct verb *verb_named(const char *name);

/* The verb that these words begin with, the longest one; *words is how many of them it took. NULL: none. */
const struct verb *verb_of(const char *word, const char *next, int *words);

void help_all(struct app *app);
void help_verb(const struct verb *verb);
bool help_group(const char *word); /* of the verbs of two words that begin with it; false: there are none */

/* Each returns an exit code; failures that app_exit was told of count besides. */
int run_submit(struct app *app);
int run_queue(struct app *app);
int run_search(struct app *app);
int run_claim(struct app *app);
int run_review(struct app *app);
int run_renew(struct app *app);
int run_release(struct app *app);
int run_show(struct app *app);
int run_history(struct app *app);
int run_approve(struct app *app);
int run_reject(struct app *app);
int run_escalate(struct app *app);
int run_erase(struct app *app);
int run_undo(struct app *app);
int run_note(struct app *app);
int run_skip(struct app *app);
int run_author(struct app *app);
int run_author_mark(struct app *app);
int run_author_note(struct app *app);
int run_export(struct app *app);
int run_withdraw(struct app *app);
int run_report(struct app *app);
int run_article(struct app *app);
int run_confirm(struct app *app);
int run_follow(struct app *app);
int run_status(struct app *app);
int run_stats(struct app *app);
int run_watch(struct app *app);
int run_policy(struct app *app);
int run_key_new(struct app *app);
int run_key_add(struct app *app);
int run_key_list(struct app *app);
int run_key_revoke(struct app *app);
int run_key_rotate(struct app *app);
int run_key_show(struct app *app);
int run_audit(struct app *app);
int run_audit_verify(struct app *app);
int run_fsck(struct app *app);
int run_reload(struct app *app);
int run_hello(struct app *app);
int run_completion(struct app *app);
int run_help(struct app *app);
int run_version(struct app *app);

#endif
