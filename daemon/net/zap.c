#include "zap.h"

#include <stdio.h>
#include <zmq.h>

#include "../log.h"

enum { FRAMES = 7 }; /* version, request id, domain, address, routing id, mechanism, credentials */

static bool socket_named(struct slice domain, enum settings_socket *which)
{
    for (int i = 0; i < SOCKET_COUNT; i++)
        if (slice_is(domain, settings_socket_names[i])) {
            *which = (enum settings_socket)i;
            return true;
        }
    return false;
}

bool zap_decode(const struct slice *frames, size_t n, struct zap_request *request)
{
    if (n != FRAMES || !slice_is(frames[0], "1.0") || frames[1].len > ZAP_ID_BYTES)
        return false;
    *request =
        (struct zap_request){.id = frames[1], .domain = frames[2], .address = frames[3], .public_key = frames[6]};
    return slice_is(frames[5], "CURVE") && request->public_key.len == PUBLIC_KEY_BYTES &&
           socket_named(request->domain, &request->socket);
}

enum zap_verdict zap_decide(const struct zap_request *request, const struct access *access, int64_t now_ms,
                            int64_t *key)
{
    const struct grant *grant = access_by_public(access, (const unsigned char *)request->public_key.data);

    *key = grant ? grant->key : 0;
    if (!grant)
        return ZAP_UNKNOWN;
    if (grant->revoked_at)
        return ZAP_REVOKED;
    if (!grant_is_good(grant, now_ms))
        return ZAP_EXPIRED;
    return grant_may_enter(grant, request->socket) ? ZAP_WELCOME : ZAP_WRONG_ROLE;
}

void zap_judge(const struct slice *frames, size_t n, const struct access *access, int64_t now_ms,
               struct zap_reply *reply)
{
    struct zap_request request = {0};

    *reply = (struct zap_reply){.verdict = ZAP_MALFORMED, .status = "400", .text = "No"};
    if (zap_decode(frames, n, &request))
        reply->verdict = zap_decide(&request, access, now_ms, &reply->key);
    reply->id = n > 1 && frames[1].len <= ZAP_ID_BYTES ? frames[1] : SLICE_LIT("");
    reply->domain = request.domain;
    reply->address = request.address;
    if (reply->verdict != ZAP_WELCOME)
        return;
    reply->status = "200";
    reply->text = "OK";
    snprintf(reply->user, sizeof(reply->user), "%lld", (long long)reply->key);
}

void *zap_open(void *context)
{
    void *socket = zmq_socket(context, ZMQ_REP);

    if (socket && zmq_bind(socket, "inproc://zeromq.zap.01") == 0)
        return socket;
    if (socket)
        zmq_close(socket);
    return NULL;
}

/* Takes one message; what has more frames than a request is none. */
static size_t receive(void *socket, zmq_msg_t messages[ZAP_FRAMES_MAX], struct slice frames[ZAP_FRAMES_MAX])
{
    size_t n = 0;

    for (bool more = true; more;) {
        zmq_msg_t *message = &messages[n < ZAP_FRAMES_MAX ? n : ZAP_FRAMES_MAX - 1];
        if (n >= ZAP_FRAMES_MAX)
            zmq_msg_close(message);
        zmq_msg_init(message);
        if (zmq_msg_recv(message, socket, ZMQ_DONTWAIT) < 0)
            return n;
        more = zmq_msg_more(message);
        n++;
    }
    for (size_t i = 0; i < n && i < ZAP_FRAMES_MAX; i++)
        frames[i] = (struct slice){zmq_msg_data(&messages[i]), zmq_msg_size(&messages[i])};
    return n;
}

static void send_frame(void *socket, struct slice frame, bool more)
{
    zmq_send(socket, frame.data, frame.len, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0));
}

static void send_reply(void *socket, const struct zap_reply *reply)
{
    send_frame(socket, SLICE_LIT("1.0"), true);
    send_frame(socket, reply->id, true);
    send_frame(socket, slice_of(reply->status), true);
    send_frame(socket, slice_of(reply->text), true);
    send_frame(socket, slice_of(reply->user), true);
    send_frame(socket, SLICE_LIT(""), false);
}

static const char *count(enum zap_verdict verdict, struct counters *counters)
{
    switch (verdict) {
    case ZAP_EXPIRED:
        counters->peers_expired++;
        return "its key has expired";
    case ZAP_REVOKED:
        counters->peers_revoked++;
        return "its key was revoked";
    case ZAP_WRONG_ROLE:
        counters->peers_wrong_role++;
        return "its key is for another socket";
    default:
        counters->peers_unknown++;
        return "its key is unknown";
    }
}

static void answer(void *socket, const struct slice *frames, size_t n, const struct access *access,
                   struct counters *counters, int64_t now_ms)
{
    struct zap_reply reply;

    zap_judge(frames, n, access, now_ms, &reply);
    send_reply(socket, &reply);
    if (reply.verdict == ZAP_WELCOME)
        counters->peers_welcome++;
    else
        log_peer_refused(reply.domain, reply.address, reply.key, count(reply.verdict, counters));
}

int zap_answer(void *socket, const struct access *access, struct counters *counters, int64_t now_ms, int most)
{
    zmq_msg_t messages[ZAP_FRAMES_MAX];
    struct slice frames[ZAP_FRAMES_MAX] = {{0}};
    int answered = 0;

    for (; answered < most; answered++) {
        size_t n = receive(socket, messages, frames);
        if (n == 0)
            break;
        answer(socket, frames, n, access, counters, now_ms);
        for (size_t i = 0; i < n && i < ZAP_FRAMES_MAX; i++)
            zmq_msg_close(&messages[i]);
    }
    return answered;
}
