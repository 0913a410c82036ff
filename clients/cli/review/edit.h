/* A line that is being typed. */
#ifndef MODQ_REVIEW_EDIT_H
#define MODQ_REVIEW_EDIT_H

#include "../render.h"
#include "keys.h"

/* Zero-initialise it; free with edit_free. */
struct edit {
    struct text text;
    size_t at; /* where the next character goes, in bytes */
};

void edit_set(struct edit *edit, struct slice text); /* the cursor stands at its end */
void edit_free(struct edit *edit);

/* True when the key changed or moved something. Enter and Escape are not its business. At most `bytes_max` bytes. */
bool edit_key(struct edit *edit, int32_t key, size_t bytes_max);

#endif
