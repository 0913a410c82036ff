/* From the bytes of a peer to a request that may be carried out: decoding, and the one place that decides who is asking
 * and what they may. */
#ifndef MODQD_ADMIT_H
#define MODQD_ADMIT_H

#include "access.h"
#include "request.h"

struct admission {
    const struct settings *settings;
    struct access *access;
    int64_t now_ms;  /* milliseconds UTC: keys expire */
    int64_t boot_ms; /* boot clock: how fast a key asks */
};

/* Reads request->body, which came from request->peer at request->door. True: request->verb, ->args, ->grant and ->actor
 * are there, and it may be run. False: request->fault says why not. Nothing is changed either way, but that what a key
 * asked for is counted: admit_end when the request is done. */
bool admit(struct request *request, const struct admission *admission);

/* The newest grant of a user's own key, good or not; NULL when there is none, and for root and the daemon's own user,
 * whom no key binds. No reference is taken. */
struct grant *admit_listed(const struct access *access, int64_t uid, int64_t now_ms);

/* Names of the daemon's own, whom nobody else may be taken for. */
bool admit_is_reserved(struct slice name);

/* Gives back what admit took for the request. */
void admit_end(struct request *request, struct access *access);

#endif
