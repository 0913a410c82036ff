/* The index of what people wrote: a file of its own beside the database, DIR/search.db.
 *
 * Everything in it is made from the database, so it may be deleted, and is made anew when anything about it is wrong.
 * It is divided into blocks: texts whose numbers lie within POSTING_SPAN of one another. A block says for each trigram
 * in which of its texts it occurs. One thread uses it, and no other program can while it is open. */
#ifndef MODQD_INDEX_H
#define MODQD_INDEX_H

#include "../core/hash.h"
#include "../store/store.h"
#include "posting.h"

struct index;

/* A block is about all texts numbered first to last. A stale one is still to be made anew: nothing in it is believed.
 */
struct index_block {
    int64_t first, last;
    bool stale;
};

/* What the index was made from. */
struct index_origin {
    int64_t event;                    /* every event up to this one was seen; 0: none yet */
    unsigned char hash[SHA256_BYTES]; /* of that event: the end of the chain then */
    int64_t sites;                    /* a number for which sites are searched */
};

/* Opens the index, or makes an empty one in the place of whatever cannot be used. NULL on failure, with the reason. */
struct index *index_open(const char *path, char *reason, size_t reason_bytes);
void index_close(struct index *index); /* NULL: nothing */

/* Makes an empty one, whatever was there. */
struct index *index_make(const char *path, char *reason, size_t reason_bytes);

/* What the last failure was. */
const char *index_reason(const struct index *index);

struct index_origin index_origin(const struct index *index);

/* All blocks by number. Good until the next change. */
const struct index_block *index_blocks(const struct index *index, size_t *n);

/* Changes come between begin and commit, which is taken back when it fails. Every function that returns a store_result
 * returns FULL when there is no room for it, and FAILED when the file is no good any more: then index_open makes
 * another one. What was removed is overwritten in the file; index_tidy removes it from the log beside it, too, and is
 * called when anything was. */
enum store_result index_begin(struct index *index);
enum store_result index_commit(struct index *index);
void index_rollback(struct index *index);
enum store_result index_set_origin(struct index *index, const struct index_origin *origin);
enum store_result index_tidy(struct index *index);

/* Adds a block, or makes a new one of the same first number. */
enum store_result index_put_block(struct index *index, struct index_block block);
enum store_result index_put_chunk(struct index *index, int64_t first, const struct chunk *chunk);
enum store_result index_drop_chunks(struct index *index, int64_t first); /* of the block that begins there */

/* Empties the block that text `no` is in, which is stale then. Harmless when it is in none. */
enum store_result index_empty_block(struct index *index, int64_t no);

/* Marks all blocks stale. */
enum store_result index_mark_all(struct index *index);

/* Gives back to the system some of the room that is not used, if it is a lot. *some says whether it did. */
enum store_result index_shrink(struct index *index, bool *some);

/* The list of a trigram in the block that begins at `first`, absent when it is in none of its texts. Borrowed until the
 * next call. */
enum store_result index_find(struct index *index, int64_t first, uint32_t gram, struct slice *packed);

#endif
