/* Errors in words for people: who decided first, who holds it, until when. */
#ifndef MODQ_EXPLAIN_H
#define MODQ_EXPLAIN_H

#include "cli.h"

/* Appends what this error map says. `superseding`: --supersede was given or does not help, so it is not advised. */
void explain(struct text *out, const struct modq_value *error, bool superseding);

/* The same for an error without further keys. */
void explain_error(struct text *out, const struct modq_error *error);

/* On standard error, with what can be done about it. NULL: memory is out, or the operation is none of the protocol. */
void complain_error(const struct modq_error *error, const char *operation);

#endif
