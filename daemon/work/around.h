/* What stands around a comment that somebody is to judge: what it answers, what it was before, who wrote it, which
 * moderators had it and what they noted. */
#ifndef MODQD_AROUND_H
#define MODQD_AROUND_H

#include "request.h"
#include "work.h"

/* Writes the pairs `parent_card`, `before`, `author_record`, `seen` and `notes` of show. Costs the same however long
 * the comment's history and its author's past are: at most AROUND_EVENTS events are looked at. Whoever holds it for a
 * blind second look learns nothing of what moderators did. */
void around_encode(struct work *work, const struct request *request, struct slice site,
                   const struct store_comment *comment, struct out *out);

enum { AROUND_EVENTS = 500 };

#endif
