/* A stream: where it is, and what has come and was not handed out. */
#ifndef MODQ_STREAM_H
#define MODQ_STREAM_H

#include "internal.h"

/* Until the daemon tells. */
enum { HEARTBEAT_MS = 1000, CREDIT_TIMEOUT_MS = 30000 };

enum phase { PAUSED, OPENING, OPEN, REPLAYED, ENDED, FAILED };

/* A message that is queued for the caller: of records, or that the stream is level. */
struct parcel {
    struct parcel *next;
    struct message *message;
    size_t at;  /* the next record of it */
    bool stale; /* of a stream that is over: what is left of it comes again */
};

struct modq_stream {
    struct link link;
    char *site;
    int credit, give_up_ms;
    bool replay;

    int64_t seq; /* of the last record handed out */
    uint8_t chain[HASH_BYTES];
    bool has_chain;
    uint8_t epoch[EPOCH_BYTES];
    bool has_epoch, epoch_told;
    int64_t newest;

    enum phase phase;
    uint64_t id;
    int64_t received; /* number of the last record queued */
    int64_t opened, heard, alive_due, pause_ends, silent_since;
    int64_t heartbeat_ms, credit_timeout_ms;
    struct backoff backoff;
    struct parcel *first, **last;
    struct parcel *shown; /* holds the record handed out last */
    int taken;            /* records whose credit is not given back */
    bool requested;       /* on the socket of now */
    bool lost;            /* the caller has to be told */
    struct modq_error error;
};

void parcel_free(struct parcel *parcel);
void stream_drop_queue(struct modq_stream *stream);

/* Says that the caller is through with so many records. */
void stream_send_credit(struct modq_stream *stream, int credit);

/* When something has to be done though nothing comes. */
int64_t stream_next_moment(const struct modq_stream *stream);

#endif
