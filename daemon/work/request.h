/* One request on its way through the daemon: from the bytes of a peer to the bytes of the answer. */
#ifndef MODQD_REQUEST_H
#define MODQD_REQUEST_H

#include <msgpack/zone.h>

#include "../../proto/fault.h"
#include "../../proto/mp.h"
#include "../../proto/out.h"
#include "../core/hash.h"
#include "../store/store.h"
#include "settings.h"

enum door { DOOR_FRONT = 1, DOOR_PUSH = 2, DOOR_DESK = 4 };

enum {
    PEER_REMOTE = -1,       /* not an ipc connection */
    PEER_UNKNOWN_LOCAL = -2 /* an ipc connection of which the kernel's word did not arrive: ZMTP before 3.0 */
};

/* Who sent it, as the bus knows it. */
struct peer {
    unsigned char routing_id[255];
    unsigned char routing_id_len; /* 0: nobody to answer (push) */
    bool delimiter;               /* an empty frame stood first, as REQ sends it */
    int64_t uid;                  /* user of the process at the other end of an ipc connection, or one of below */
};

struct verb;

struct request {
    struct request *next;
    enum door door;
    struct peer peer;
    struct slice body; /* borrowed from *owner */
    void *owner;
    void (*release)(void *owner);
    msgpack_zone zone; /* holds map and args; strings in them point into body */
    msgpack_object map;
    const msgpack_object *id; /* NULL when the caller gave none */
    const struct verb *verb;  /* NULL while unknown */
    void *args;               /* of the verb's own type */
    char actor[NAME_BYTES + 1];
    struct slice operation;            /* absent when none was given */
    unsigned char asked[SHA256_BYTES]; /* hash of the request without its id */
    struct out scratch;                /* bytes that args refer to by offset */
    struct fault fault;                /* why it is refused as a whole; code E_OK otherwise */
    size_t cost;                       /* bytes of memory that it holds, near enough: the queue is limited by them */
    int64_t refused;                   /* items that failed, for those who get no answer */
    const struct fault *refused_why;   /* the first of them */
    struct out reply;
};

/* Requests are kept for reuse, because each owns buffers. Only one thread makes and frees them. */
struct request *request_new(void); /* NULL: out of memory */
void request_free(struct request *request);
void request_pool_drop(void); /* frees what is kept for reuse */

/* Zeroed memory that lives as long as the request; NULL and fault `internal` when there is none. */
void *request_alloc(struct request *request, size_t bytes);

/* An item of the request failed: counted, and the first fault is kept. */
void request_note_refused(struct request *request, const struct fault *fault);

/* True when `id` may name a request; else *fault blames the field `key`. */
bool request_check_id(const msgpack_object *id, const char *key, struct fault *fault);

/* The lane that a word names, normal when it is absent; else false with request->fault `bad_value`. */
bool request_take_lane(struct request *request, struct slice word, enum lane *lane);

/* Counts what a decoded request holds into request->cost. */
void request_weigh(struct request *request);

/* Begins the reply: {v, id, op, ok: true, ... The caller adds pairs and ends the map. */
void request_begin_reply(struct request *request);

/* The whole reply {..., ok: false, error: {...}} instead of whatever was begun. */
void request_refuse(struct request *request, const struct fault *fault);

#endif
