/* The door-keeper: what is asked, by whom, and may they. */
#ifndef MODQD_ADMIT_H
#define MODQD_ADMIT_H

#include "request.h"

/* Decodes the envelope (v, op, id, as, operation) and the verb's own fields, finds out who is asking, and checks that
 * they may. False with request->fault set. */
bool admit(struct request *request, const struct settings *settings);

#endif
