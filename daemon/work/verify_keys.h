/* Keys, compared with what the events tell of them. */
#ifndef MODQD_VERIFY_KEYS_H
#define MODQD_VERIFY_KEYS_H

#include "verify_state.h"

void verify_keys(struct verify *v);

#endif
