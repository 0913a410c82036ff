/* The loop: one thread owns the sockets, hands requests to the threads that write and read, and answers. */
#ifndef MODQD_LOOP_H
#define MODQD_LOOP_H

#include "../work/work.h"
#include "bus.h"
#include "publish.h"
#include "reader.h"
#include "writer.h"

/* Reads the configuration anew. NULL with the reason: file, line, what is wrong. */
typedef struct settings *loop_on_reload(void *arg, char *reason, size_t reason_bytes);

struct loop_parts {
    struct bus *bus;
    struct publisher *publisher;
    struct writer *writer;
    struct reader *reader;
    struct reader *looker; /* of what takes long */
    struct access *access;
    const struct settings *started_with; /* the bus goes by them for ever, so they stay the caller's */
    struct settings *settings; /* those in force: others after a reload, which are the caller's to free, too */
    struct work *work;         /* for what is answered at once: its store is not used */
    int signal_fd;             /* SIGTERM and SIGINT end the loop in good order, SIGHUP rereads the configuration */
    loop_on_reload *on_reload;
    void *on_reload_arg;
};

/* Runs until a signal ends it (0), or the store cannot be believed any more (1). parts->settings may be others then. */
int loop_run(struct loop_parts *parts);

#endif
