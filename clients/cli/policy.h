/* A site's house rules. */
#ifndef MODQ_POLICY_H
#define MODQ_POLICY_H

#include "cli.h"
#include "names.h"

/* After a refusal: which of the codes given with --reason a site of these names does not have, and what it has. */
void policy_complain_reasons(struct app *app, const struct name *names, size_t count);

#endif
