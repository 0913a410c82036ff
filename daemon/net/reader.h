/* A thread that answers what only reads, on a connection of its own: it never delays an acknowledgement. There are two:
 * what takes long is done by one of its own, so that no list and no card is behind it. */
#ifndef MODQD_READER_H
#define MODQD_READER_H

#include "../work/work.h"
#include "worker.h"

struct reader;

enum reader_kind {
    READER_SHORT, /* VERB_READ */
    READER_LONG   /* VERB_LOOK */
};

/* `work` is copied; its store and its search are the reader's from now on. The one of READER_LONG keeps the index of
 * search up when nobody asks for anything. NULL when it cannot start. */
struct reader *reader_start(const struct work *work, enum reader_kind kind);
struct worker *reader_worker(struct reader *reader);
void reader_free(struct reader *reader);

#endif
