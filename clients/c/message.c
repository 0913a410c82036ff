#include <stdlib.h>

#include "internal.h"
#include "proto/mp.h"

struct message *message_open(zmq_msg_t *frame)
{
    struct message *message = calloc(1, sizeof(*message));
    struct slice bytes;

    if (!message) {
        zmq_msg_close(frame);
        return NULL;
    }
    zmq_msg_init(&message->frame);
    zmq_msg_move(&message->frame, frame);
    zmq_msg_close(frame);
    bytes = (struct slice){zmq_msg_data(&message->frame), zmq_msg_size(&message->frame)};
    if (!msgpack_zone_init(&message->zone, MSGPACK_ZONE_CHUNK_SIZE)) {
        zmq_msg_close(&message->frame);
        free(message);
        return NULL;
    }
    if (!mp_unpack_answer(bytes, &message->zone, &message->map)) {
        message_free(message);
        return NULL;
    }
    return message;
}

void message_free(struct message *message)
{
    if (!message)
        return;
    msgpack_zone_destroy(&message->zone);
    zmq_msg_close(&message->frame);
    free(message);
}
