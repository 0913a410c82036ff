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
#include "tally.h"

/* DOOR_INSIDE: the daemon itself asks, and nobody is answered. */
enum door { DOOR_INSIDE = 0, DOOR_FRONT = 1, DOOR_PUSH = 2, DOOR_DESK = 4 };

/* What the transport proves about a peer. */
enum proof {
    PROOF_NONE, /* nothing: TCP on loopback that the configuration left open */
    PROOF_USER, /* ipc: the kernel says which user it is */
    PROOF_KEY   /* CURVE: it owns the key */
};

enum { PEER_UNKNOWN = -1 }; /* the kernel's word did not arrive: ZMTP before 3.0 */

/* Who sent it, as the bus knows it. */
struct peer {
    unsigned char routing_id[255];
    unsigned char routing_id_len; /* 0: nobody to answer (push) */
    unsigned char gate;           /* of the bus */
    bool delimiter;               /* an empty frame stood first, as REQ sends it */
    bool named;                   /* it chose its routing id itself, which another peer may take after it */
    enum proof proof;
    int64_t uid; /* with PROOF_USER, or PEER_UNKNOWN */
    int64_t key; /* with PROOF_KEY: number of the key */
};

enum { VIA_BYTES = 32 };

struct verb;
struct grant;

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
    struct grant *grant;      /* what the caller may; holds a reference */
    bool counted;             /* among the requests under way of its key */
    const bool *foreign;      /* by item of a list: of a site that the caller may not touch; NULL: none is */
    char via[VIA_BYTES];      /* how the caller came: "key:7", "uid:1000", "tcp" */
    char actor[NAME_BYTES + 1];
    const struct settings *take_over;  /* settings that the thread works by from this request on; NULL: as before */
    struct slice operation;            /* absent when none was given */
    unsigned char asked[SHA256_BYTES]; /* hash of the request without its id */
    struct out scratch;                /* bytes that args refer to by offset */
    struct fault fault;                /* why it is refused as a whole; code E_OK otherwise */
    size_t cost;                       /* bytes of memory that it holds, near enough: the queue is limited by them */
    int64_t refused;                   /* items that failed, for those who get no answer */
    const struct fault *refused_why;   /* the first of them */
    struct slice refused_site, refused_comment;
    struct tally tally; /* what it did, to be counted when it is answered */
    struct out reply;
};

/* Requests are kept for reuse, because each owns buffers. Only one thread makes and frees them. */
struct request *request_new(void); /* NULL: out of memory */
void request_free(struct request *request);
void request_pool_drop(void); /* frees what is kept for reuse */

/* Zeroed memory that lives as long as the request; NULL and fault `internal` when there is none. */
void *request_alloc(struct request *request, size_t bytes);

/* An item of the request failed: counted, and of the first one what it was about (absent: not known) and why is kept.
 */
void request_note_refused(struct request *request, struct slice site, struct slice comment, const struct fault *fault);

/* True when `id` may name a request; else *fault blames the field `key`. */
bool request_check_id(const msgpack_object *id, const char *key, struct fault *fault);

/* The lane that a word names, normal when it is absent. False with request->fault: `bad_value`, or `denied` when the
 * caller may not work in that lane. */
bool request_take_lane(struct request *request, struct slice word, enum lane *lane);

/* True when the caller has a right; else *fault is `denied` and names it. */
bool request_may(const struct request *request, enum right right, struct fault *fault);

/* True when item `i` of the request's list is of a site that the caller may not touch; *fault is `denied` then, at
 * `at`. */
bool request_is_foreign(const struct request *request, size_t i, const struct path *at, struct fault *fault);

/* Counts what a decoded request holds into request->cost. */
void request_weigh(struct request *request);

/* Begins the reply: {v, id, op, ok: true, ... The caller adds pairs and ends the map. */
void request_begin_reply(struct request *request);

/* The whole reply {..., ok: false, error: {...}} instead of whatever was begun. */
void request_refuse(struct request *request, const struct fault *fault);

#endif
