/* In which texts of a block a trigram occurs: offsets below POSTING_SPAN, packed; and chunks, which hold the packed
 * lists of many trigrams. Pure.
 *
 * A list is Rice-coded: four bits say k; then for each offset the distance from the one before (less one) as its
 * quotient by 2^k in ones ended by a zero, and k bits of remainder. Ones fill up the last byte. That is within a tenth
 * of what such lists hold: most trigrams are in one text or two, and a few in nearly all of them. */
#ifndef MODQD_POSTING_H
#define MODQD_POSTING_H

#include <stdint.h>

#include "../../proto/slice.h"

enum { POSTING_BITS = 11, POSTING_SPAN = 1 << POSTING_BITS, POSTING_WORDS = POSTING_SPAN / 64, POSTING_BYTES = 1024 };

/* Packs `n` (at least 1) rising offsets. Returns how many bytes, at most POSTING_BYTES. */
size_t posting_pack(unsigned char to[POSTING_BYTES], const uint16_t *offsets, size_t n);

/* Sets the bits of the offsets in `bits`. False when this is no packed list. */
bool posting_unpack(struct slice packed, uint64_t bits[POSTING_WORDS]);

/* Lists of one block by trigram, up to CHUNK_BYTES of them: a row that fills a page of the database. */
enum { CHUNK_BYTES = 4032 };

struct chunk {
    unsigned char bytes[CHUNK_BYTES];
    size_t len;
    uint32_t first, last; /* trigrams */
};

/* Adds the list of a trigram above all before it. False when it does not fit; it fits into an empty one. */
bool chunk_add(struct chunk *chunk, uint32_t gram, const unsigned char *packed, size_t len);

/* The packed list of `gram` in a chunk whose first trigram is `first`; absent when it is in no text. */
struct slice chunk_find(struct slice chunk, uint32_t first, uint32_t gram);

#endif
