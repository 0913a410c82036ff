/* author, author_mark, author_note, author_erase: what is known of an author, and what moderators say of one. */
#ifndef MODQD_AUTHOR_H
#define MODQD_AUTHOR_H

#include "request.h"
#include "work.h"

bool author_decode(struct request *request, const struct settings *settings);
void author_run(struct work *work, struct request *request, struct out *out);

bool author_mark_decode(struct request *request, const struct settings *settings);
void author_mark_run(struct work *work, struct request *request, struct out *out);

bool author_note_decode(struct request *request, const struct settings *settings);
void author_note_run(struct work *work, struct request *request, struct out *out);

bool author_erase_decode(struct request *request, const struct settings *settings);
void author_erase_run(struct work *work, struct request *request, struct out *out);

#endif
