/* A few events that follow each other, read and compared with the chain and with the texts and notes beside them. */
#ifndef MODQD_VERIFY_PART_H
#define MODQD_VERIFY_PART_H

#include "verify_state.h"

enum { PART_MAX = 64 };

/* One event of a part, with what its data says of text and note. */
struct verify_row {
    int64_t no, at, site, revision, text, previous;
    enum kind kind;
    char comment[KEY_BYTES + 1];
    bool fits; /* the chain has it as it is; if not, that was said, and what it says is not compared with anything */
    bool has_text, has_meta, has_note;
    unsigned char of_text[SHA256_BYTES], of_meta[SHA256_BYTES], of_note[SHA256_BYTES];
    bool text_is_there, text_is_erased, note_is_there;
    int64_t text_previous;
    /* Of an event about an author: whose it is, as long as the note beside it is there, or what erased that. */
    char author[KEY_BYTES + 1];
    int64_t erased_by;
};

struct verify_part {
    struct verify *v;
    struct verify_chain chain; /* after the last row */
    size_t n, next;            /* next: the first row that a scan of texts or notes has not passed */
    struct verify_row rows[PART_MAX];
};

/* A number of the part that is of no use for a comparison: what is missing or was changed was told of already. */
bool verify_is_out_of_order(const struct verify_part *part, int64_t no);

/* Reads the events behind verify->chain, at most `limit`, into *part, with the chain after the last of them. */
void verify_read_part(struct verify_part *part, struct verify *v, size_t limit);

#endif
