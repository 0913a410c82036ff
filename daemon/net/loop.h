/* The loop: one thread owns the sockets, hands requests to the threads that write and read, and answers. */
#ifndef MODQD_LOOP_H
#define MODQD_LOOP_H

#include "../work/work.h"
#include "bus.h"
#include "publish.h"
#include "reader.h"
#include "writer.h"

struct loop_parts {
    struct bus *bus;
    struct publisher *publisher;
    struct writer *writer;
    struct reader *reader;
    struct work *work; /* for what is answered at once: its store is not used */
    int signal_fd;     /* SIGTERM and SIGINT end the loop in good order */
};

/* Runs until a signal ends it (0), or the store cannot be believed any more (1). */
int loop_run(const struct loop_parts *parts);

#endif
