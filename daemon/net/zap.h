/* Who may connect over CURVE: the handler of ZAP 1.0 (rfc.zeromq.org/spec/27), which libzmq asks in the middle of each
 * handshake. */
#ifndef MODQD_ZAP_H
#define MODQD_ZAP_H

#include "../work/access.h"
#include "../work/settings.h"
#include "../work/work.h"

enum { ZAP_FRAMES_MAX = 8, ZAP_ID_BYTES = 255 };

/* A request's frames; they point into what was decoded. */
struct zap_request {
    struct slice id;      /* given back in the answer, at most 255 bytes */
    struct slice domain;  /* name of our socket */
    struct slice address; /* of the peer, for a log */
    struct slice public_key;
    enum settings_socket socket;
};

/* True when the frames are a request of version 1.0, of mechanism CURVE with a 32-byte key, for one of our sockets. */
bool zap_decode(const struct slice *frames, size_t n, struct zap_request *request);

enum zap_verdict { ZAP_WELCOME, ZAP_UNKNOWN, ZAP_EXPIRED, ZAP_REVOKED, ZAP_WRONG_ROLE, ZAP_MALFORMED };

/* `key` is the number of the key, 0 when it is unknown. */
enum zap_verdict zap_decide(const struct zap_request *request, const struct access *access, int64_t now_ms,
                            int64_t *key);

/* What any frames at all are answered with. Slices point into the frames. */
struct zap_reply {
    enum zap_verdict verdict;
    struct slice id, domain, address; /* the last two are absent when the request is malformed */
    int64_t key;
    const char *status, *text; /* "200" for ZAP_WELCOME alone */
    char user[24];             /* number of the key; "" for who is not let in */
};

/* `frames` holds the first ZAP_FRAMES_MAX of `n` frames. */
void zap_judge(const struct slice *frames, size_t n, const struct access *access, int64_t now_ms,
               struct zap_reply *reply);

/* Makes the socket that libzmq asks at, before any other socket is bound. NULL on failure. */
void *zap_open(void *context);

/* Answers what is asked, at most `most` times. Returns how often. Refusals are counted and logged. */
int zap_answer(void *socket, const struct access *access, struct counters *counters, int64_t now_ms, int most);

#endif
