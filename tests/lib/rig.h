/* A daemon without sockets and threads, for tests of what stands above the store: requests are written as JSON with
 * single quotes, go through the decoder and the handlers like those of a peer, and their replies are looked into by
 * path.
 *
 * In the JSON, {'$bin': 'hex'} is a bin, {'$str': 'hex'} a str of any bytes, and {'$raw': 'hex'} a packed value. `v`
 * and, where it is needed, `operation` are added unless they are given. */
#ifndef RIG_H
#define RIG_H

#include "../../daemon/work/admit.h"
#include "../../daemon/work/verbs.h"

struct rig {
    struct store *store;
    struct settings settings;
    struct counters counters;
    struct access *access;     /* keys: read anew after each change of them */
    struct peer from;          /* who asks: TCP without a key unless told; {.proof = PROOF_USER} is root */
    struct work work;          /* boot_ms is the boot clock */
    int64_t now_ms;            /* the wall clock */
    enum store_result trouble; /* of the last request, when it was not answered */
    uint64_t operations;
    msgpack_zone zone; /* holds every reply until rig_close */
    char wrong[256];   /* why the last reply is no good reply, "" when it is */
};

/* Takes the store. Never fails: what cannot be made ends the program. */
void rig_open(struct rig *rig, struct store *store);
void rig_close(struct rig *rig);

/* The ledger is read anew, as after a restart of the daemon. False when that is not possible. */
bool rig_restart(struct rig *rig);

/* The answer to one request, which is a transaction of its own; what does not change anything reads between begin and
 * rollback. NULL when the store failed: the transaction was taken back then, and rig->trouble says how it failed. */
const msgpack_object *rig_ask(struct rig *rig, enum door door, const char *json);

/* The same with packed bytes. */
const msgpack_object *rig_ask_packed(struct rig *rig, enum door door, struct slice bytes);

/* Packs JSON as above. */
void rig_pack(struct out *out, const char *json);

/* A value inside another one: "results.0.error.name". NULL when it is not there or nil. */
const msgpack_object *rig_at(const msgpack_object *value, const char *path);

/* A value as text, for comparisons and messages; the caller frees it. */
char *rig_text(const msgpack_object *value);

/* Every site's log has the numbers 1 to its newest without gaps, and the chain of all events is what ledger.h says,
 * computed here by other means. False with the reason in rig->wrong. */
bool rig_log_is_whole(struct rig *rig);

/* The operations `verify` and `fsck` find no fault in what is stored. False with its answer in rig->wrong. */
bool rig_is_verified(struct rig *rig);

/* The chain hash of an event, written down from the definition in ledger.h once more. */
void rig_chain(unsigned char hash[SHA256_BYTES], const unsigned char before[SHA256_BYTES],
               const struct store_event *event, const char *site);

#endif
