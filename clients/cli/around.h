/* What stands around a comment in the answer of `show`: what it answers, its author's record, who else had it, notes,
 * the revision before. Each part says nothing when it is not there. */
#ifndef MODQ_AROUND_H
#define MODQ_AROUND_H

#include "json.h"
#include "say.h"

void around_say_parent(const struct app *app, struct text *out, const struct modq_value *answer);
void around_say_record(const struct app *app, struct text *out, const struct modq_value *answer);
void around_say_seen(const struct app *app, struct text *out, const struct modq_value *answer);
void around_say_notes(const struct app *app, struct text *out, const struct modq_value *answer);
void around_say_before(const struct app *app, struct text *out, const struct modq_value *answer);

/* Why it stands where it stands in the queue, where that is ordered by urgency. */
void around_say_urgency(const struct app *app, struct text *out, const struct modq_value *card);

/* All of it as keys of the card. */
void around_to_json(json_t *card, const struct modq_value *answer);

#endif
