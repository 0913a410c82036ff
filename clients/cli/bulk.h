/* A verb on many comments: those that are named, or those that a filter selects. */
#ifndef MODQ_BULK_H
#define MODQ_BULK_H

#include "filter.h"
#include "items.h"

/* When a filter selects more than so many, somebody is asked first. */
enum { BULK_ASKED = 20 };

struct bulk_job {
    struct items_job items; /* without batch and watch */
    const char *wish;       /* how the question begins: "Reject" */
    const char *done;       /* the status of what was done: "rejected" */
    const char *usual;      /* the state that a filter means when it names none */
    bool batch;             /* each run on several has a batch id */
    bool undoable;          /* undo --batch takes it back */
    bool final;             /* nothing does: it is always asked for, and --stdin needs --yes */
    const char *besides;    /* what else is asked for, after the number; NULL: nothing */
};

/* Reads which comments are meant and does it, or with --dry-run tells what would be done. Returns the exit code. */
int bulk_run(struct app *app, const struct bulk_job *job);

/* The same on what `filter` selects. */
int bulk_run_filter(struct app *app, const struct bulk_job *job, const struct filter *filter);

/* ---- the parts, for verbs that find otherwise what they are about */

/* What came of a run. Zero-initialise it. */
struct bulk_tally {
    size_t done, left_out;
    struct text first; /* the first few that were left out, and why, in one line */
    struct text lines; /* all of them */
};

/* Counts one that is left out, and why. */
void bulk_leave_out(struct bulk_tally *tally, const struct name *name, const struct text *why);

/* Does it to these names, tells single ones as JSON only, and at the end what came of it, with what was left out
 * before. Frees what the tally holds. */
void bulk_do(struct app *app, const struct bulk_job *job, const struct names *names, struct bulk_tally *tally);

/* Asks whether it should be done to `what`; `sample` holds lines to show, or nothing. Where there is no terminal --yes
 * is needed. False: no, which has been told and has set the exit code. */
bool bulk_confirmed(struct app *app, const struct bulk_job *job, size_t count, const struct text *what,
                    const struct text *sample);

#endif
