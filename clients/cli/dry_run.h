/* --dry-run: what a verb would do to comments, told without doing it. */
#ifndef MODQ_DRY_RUN_H
#define MODQ_DRY_RUN_H

#include "bulk.h"

/* Both return the exit code. What is told holds for this moment: somebody may decide something before it is done. */
int dry_run_filter(struct app *app, const struct bulk_job *job, const struct filter *filter);
int dry_run_names(struct app *app, const struct bulk_job *job, const struct names *names);

#endif
