/* What moderators say of an author, as it is kept: the author's id and the words stand in a note beside the event, one
 * packed map, and the event holds SHA-256(salt, map) only. So the events say who said something about whom without
 * saying about whom, and the notes can be erased.
 *
 * Where they were erased, the note says which event erased it: an int, without a salt. Whoever verifies can tell an
 * erasure from a note that somebody took away. */
#ifndef MODQD_AUTHOR_MAP_H
#define MODQD_AUTHOR_MAP_H

#include "../../proto/out.h"
#include "../store/store.h"

/* A note beside an event, read. */
struct author_words {
    char id[KEY_BYTES + 1]; /* "" when it was erased, or is no such map */
    struct slice note;      /* borrowed from what was read; absent when nothing was said */
    int64_t erased_by;      /* event that erased it, 0: none did */
};

/* An event about an author: of a site, and of no comment. */
bool author_is_about(enum kind kind);

/* Packs the note; `note` may be absent or empty. */
void author_pack(struct slice id, struct slice note, struct out *out);

/* Packs what stands where a note was erased. */
void author_pack_erased(int64_t erased_by, struct out *out);

/* Reads what one of them packed. */
struct author_words author_unpack(struct slice packed);

#endif
