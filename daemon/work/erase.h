/* erase: what people wrote is removed; that it was there stays. */
#ifndef MODQD_ERASE_H
#define MODQD_ERASE_H

#include "request.h"
#include "work.h"

bool erase_decode(struct request *request, const struct settings *settings);
void erase_run(struct work *work, struct request *request, struct out *out);

#endif
