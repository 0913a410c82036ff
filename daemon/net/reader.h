/* The thread that answers what only reads, on a connection of its own: it never delays an acknowledgement. */
#ifndef MODQD_READER_H
#define MODQD_READER_H

#include "../work/work.h"
#include "worker.h"

struct reader;

/* `work` is copied; its store is the reader's from now on. NULL when it cannot start. */
struct reader *reader_start(const struct work *work);
struct worker *reader_worker(struct reader *reader);
void reader_free(struct reader *reader);

#endif
