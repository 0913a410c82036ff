/* Fields of stream, credit and cancel; what they do is the publisher's (daemon/net/publish.h). */
#ifndef MODQD_STREAM_REQUEST_H
#define MODQD_STREAM_REQUEST_H

#include "request.h"

struct stream_args {
    struct slice site;
    int64_t after;
    struct slice hash, epoch;
    int64_t credit;
    bool live;
};

struct credit_args {
    const msgpack_object *stream; /* id of the stream's request */
    int64_t credit;
};

bool stream_decode(struct request *request, const struct settings *settings);
bool credit_decode(struct request *request, const struct settings *settings);
bool cancel_decode(struct request *request, const struct settings *settings);

#endif
