/* What is known of an author, as `author` and `show` answer it. */
#ifndef MODQ_RECORD_H
#define MODQ_RECORD_H

#include "say.h"

/* "412 comments: 3 pending, 200 approved, 205 rejected, 4 withdrawn" */
void record_say_counts(struct text *out, const struct modq_value *record);

/* "abuse 25, promotion.commercial 3" */
void record_say_reasons(struct text *out, const struct modq_value *record);

#endif
