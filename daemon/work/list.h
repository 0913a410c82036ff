/* list: pages of the queue. */
#ifndef MODQD_LIST_H
#define MODQD_LIST_H

#include "request.h"
#include "work.h"

bool list_decode(struct request *request, const struct settings *settings);
void list_run(struct work *work, struct request *request, struct out *out);

#endif
