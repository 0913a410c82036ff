/* A site's house rules. */
#ifndef MODQ_POLICY_H
#define MODQ_POLICY_H

#include "cli.h"
#include "names.h"

/* Whether the sites of these names have all codes given with --reason. False: said which they do not have, and what
 * they have; or asking failed, which has been told. Of more than 32 sites the others are not asked for. */
bool policy_has_reasons(struct app *app, const struct name *names, size_t count);

#endif
