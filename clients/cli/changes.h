/* What differs between two revisions of a text. */
#ifndef MODQ_CHANGES_H
#define MODQ_CHANGES_H

#include <stdbool.h>

#include "render.h"

/* Parts of the two texts, whole words: before them, and behind them, both are the same. */
struct change {
    struct slice old, now;
    bool more_before, more_behind; /* something was left out there */
};

struct change change_between(struct slice old, struct slice now);

#endif
