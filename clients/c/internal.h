/* What the parts of libmodq share. */
#ifndef MODQ_INTERNAL_H
#define MODQ_INTERNAL_H

#include <msgpack/object.h>
#include <msgpack/zone.h>
#include <zmq.h>

#include "modq.h"
#include "proto/comment.h"
#include "proto/fault.h"
#include "proto/limits.h"
#include "proto/out.h"
#include "proto/slice.h"

enum { HASH_BYTES = 32, EPOCH_BYTES = 16 }; /* a record's `chain`, and the log's epoch */

/* ---- error.c */

/* Fills *error (may be NULL) with one of the library's own errors. Always returns false. */
bool error_local(struct modq_error *error, enum modq_number number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool error_fault(struct modq_error *error, const struct fault *fault); /* the same for what proto/ found */
/* `what` ("the comment") does not fit into a message: too_long, or malformed for its values and depth. Return false. */
bool error_too_long(struct modq_error *error, const char *what, size_t bytes, int64_t most);
bool error_too_much(struct modq_error *error, const char *what);
void error_clear(struct modq_error *error);

/* ---- time.c */

int64_t now_ms(void);                        /* monotonic */
int64_t earlier(int64_t a, int64_t b);       /* of two moments */
int wait_until(int64_t moment, int wait_ms); /* how long to sleep: until then, at most wait_ms (-1: no limit) */
int64_t deadline_after(int64_t now, int64_t delay_ms); /* saturates */
#define NEVER INT64_MAX

/* Growing pauses between repeats. */
struct backoff {
    int64_t pause_ms; /* the last one; 0 at first */
};
int64_t backoff_next(struct backoff *backoff, int64_t least_ms, int64_t most_ms);

/* ---- link.c: a ZeroMQ socket that can be replaced */

struct link {
    void *context, *socket;
    char *endpoint;
    struct modq_key *key; /* NULL: none */
    int64_t opened;       /* when the socket was made */
    int type;
    bool connected; /* as link_look saw it last */
    bool lost;      /* it was connected, and is not any more: renew it */
};

bool link_open(struct link *link, const char *endpoint, const struct modq_key *key, int type, struct modq_error *error);
bool link_renew(struct link *link); /* a new socket in place of the old one; false: there is none now */
void link_drop(struct link *link);  /* no socket until it is renewed */
void link_close(struct link *link);
int link_fd(const struct link *link);

/* When a socket that is not connected should be renewed; NEVER where ZeroMQ tries again by itself. With a key it does
 * not, once the daemon has refused it. */
int64_t link_renew_at(const struct link *link, int attempt_ms);

/* What can be done now: ZMQ_POLLIN, ZMQ_POLLOUT. */
int link_look(struct link *link);
bool link_send(struct link *link, struct slice bytes);

/* The next message of one frame, which the caller closes; others are thrown away. False: none there. */
bool link_receive(struct link *link, zmq_msg_t *message);

/* Sleeps until something comes, or (`writable`) can be sent. False: a signal came. */
bool link_wait(struct link *link, bool writable, int wait_ms);

/* ---- message.c: a message that came, unpacked */

struct message {
    zmq_msg_t frame;
    msgpack_zone zone;
    msgpack_object map;
};

/* Takes the frame over. NULL (frame closed): it is no map as the protocol wants it, or memory is out. */
struct message *message_open(zmq_msg_t *frame);
void message_free(struct message *message);

static inline const struct modq_value *as_value(const msgpack_object *object)
{
    return (const struct modq_value *)object;
}

static inline const msgpack_object *as_object(const struct modq_value *value)
{
    return (const msgpack_object *)value;
}

/* ---- fields.c */

/* Pairs one after the other, without the map's header. */
struct modq_fields {
    struct out out;
    uint32_t pairs;
    bool failed;
    bool keyed;      /* modq_put_key has written the key of the next value */
    bool no_entropy; /* the system gave no random bytes */
};

/* Whether it is complete. Otherwise *error says what is wrong with it. */
bool fields_finished(const struct modq_fields *fields, struct modq_error *error);

/* Writes them as pairs of the map that is open in `out`. */
void fields_append(const struct modq_fields *fields, struct out *out);

/* ---- comment.c */

/* Packs and checks it. The number of its values goes to *values. */
bool comment_pack(const struct modq_comment *comment, const struct limits *limits, struct out *out, size_t *values,
                  struct modq_error *error);

/* How many values it is, those inside and the keys of maps among them. */
size_t count_values(const msgpack_object *object);

/* How deep it is nested; 0: it is no map or list. */
int depth_of(const msgpack_object *object);

/* ---- results.c: what the daemon says to each comment of a `submit` */

/* The list of results; NULL: there is none. */
const struct modq_value *results_of(const struct modq_answer *answer);

/* Reads one; number 0 when the comment is stored. */
void result_error(const struct modq_value *result, struct modq_error *error);

/* ---- batch.c: packed comments for one request */

struct batch {
    struct out list; /* packed events, one after the other */
    size_t count, values;
};

/* What a request is besides its comments. */
enum { BATCH_ENVELOPE_BYTES = 256, BATCH_ENVELOPE_VALUES = 16, BATCH_ENVELOPE_DEPTH = 2 };

/* Whether one more of so many bytes and values has its place. */
bool batch_fits(const struct batch *batch, const struct limits *limits, size_t bytes, size_t values);
bool batch_add(struct batch *batch, struct slice packed, size_t values);
void batch_reset(struct batch *batch);
void batch_free(struct batch *batch);

/* Writes the key `comments` and the list into the map that is open. */
void batch_append(const struct batch *batch, struct out *out);

/* ---- connection.c */

const struct limits *connection_limits(const struct modq *connection); /* NULL: the defaults */
bool connection_knows_limits(const struct modq *connection);           /* they are the daemon's own */
void connection_doubt_limits(struct modq *connection);                 /* they may be others by now */

/* modq_send with the fields packed already, as `pairs` pairs. */
uint64_t connection_send(struct modq *connection, const char *operation, struct slice packed, uint32_t pairs,
                         int timeout_ms, void *tag, struct modq_error *error);

/* Drops all that is under way or finished, telling the tag of each. */
void connection_forget(struct modq *connection, void (*drop)(void *tag));

#endif
