/* A connection: what is under way, and what is finished. */
#ifndef MODQ_CONNECTION_H
#define MODQ_CONNECTION_H

#include "internal.h"

/* A request under way. */
struct pending {
    uint64_t id;
    struct slice bytes; /* its own */
    void *tag;
    bool sent;          /* on the socket of now */
    bool was_sent;      /* on any */
    int64_t deadline;   /* of the whole of it */
    int64_t send_after; /* not before, while it is not sent */
    int64_t attempt_ends;
    struct backoff backoff;
    struct modq_error refused; /* the last answer of class retry */
    struct message *refusal;
};

struct modq_answer {
    struct modq_answer *next;
    uint64_t ticket;
    void *tag;
    struct modq_error error;
    struct message *message; /* NULL: none came */
};

struct modq {
    struct link link;
    int attempt_ms;
    char *as;
    uint64_t last_id;
    struct pending *pending[MODQ_WINDOW]; /* in the order sent; the first `pendings` */
    size_t pendings, finished;
    bool orphans; /* what was given up may still be answered on this socket */
    struct modq_answer *first, **last;
    struct limits limits;
    bool knows_limits; /* they are the daemon's, not the defaults */
};

void pending_free(struct pending *pending);

/* Takes the first finished answer out; NULL: there is none. */
struct modq_answer *connection_pop(struct modq *connection);

/* Takes the answer with this ticket out of the finished ones. */
struct modq_answer *connection_pick(struct modq *connection, uint64_t ticket);

/* Sleeps until something comes or has to be done, at most until then. False: a signal came. */
bool connection_sleep(struct modq *connection, int64_t until);

#endif
