#include "stream_request.h"

#include "../../proto/fields.h"
#include "../store/store.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static const struct field stream_fields[] = {
    FIELD(struct stream_args, site, "site", NAME, FIELD_REQUIRED, 1, 64),
    FIELD(struct stream_args, after, "after", INT, 0, 0, (INT64_C(1) << 53) - 1),
    FIELD(struct stream_args, hash, "hash", BIN, 0, HASH_BYTES, HASH_BYTES),
    FIELD(struct stream_args, epoch, "epoch", BIN, 0, EPOCH_BYTES, EPOCH_BYTES),
    FIELD_LIMITED(struct stream_args, credit, "credit", INT, FIELD_REQUIRED, 1, MAX_CREDIT),
    FIELD(struct stream_args, live, "live", BOOL, 0, 0, 0),
};

static const struct field credit_fields[] = {
    FIELD(struct credit_args, stream, "stream", ANY, FIELD_REQUIRED, 0, 0),
    FIELD_LIMITED(struct credit_args, credit, "credit", INT, FIELD_REQUIRED, 0, MAX_CREDIT),
};

/* A REQ socket takes one reply and no more. */
static bool needs_dealer(struct request *request)
{
    return !request->peer.delimiter || fault_set(&request->fault, E_DEALER_NEEDED);
}

/* What it sends goes to whoever has the routing id. */
static bool needs_a_name_of_ours(struct request *request)
{
    if (!request->peer.named)
        return true;
    fault_set(&request->fault, E_DENIED);
    fault_say(&request->fault,
              "set no routing id (ZMQ_ROUTING_ID): another peer could take it, and the stream with it");
    return false;
}

bool stream_decode(struct request *request, const struct settings *settings)
{
    struct stream_args *args = request_alloc(request, sizeof(*args));

    request->args = args;
    if (!args)
        return false;
    args->live = true;
    if (!needs_dealer(request) || !needs_a_name_of_ours(request) ||
        !fields_decode(&request->map, stream_fields, ROWS(stream_fields), &settings->limits, NULL, args,
                       &request->fault))
        return false;
    if (request->id)
        return true;
    fault_at(&request->fault, E_MISSING_FIELD, NULL, "id");
    fault_say(&request->fault, "id: a stream needs one, it is the stream's name");
    return false;
}

static bool decode(struct request *request, const struct settings *settings, size_t rows)
{
    struct credit_args *args = request_alloc(request, sizeof(*args));

    request->args = args;
    return args && needs_dealer(request) &&
           fields_decode(&request->map, credit_fields, rows, &settings->limits, NULL, args, &request->fault) &&
           request_check_id(args->stream, "stream", &request->fault);
}

bool credit_decode(struct request *request, const struct settings *settings)
{
    return decode(request, settings, ROWS(credit_fields));
}

bool cancel_decode(struct request *request, const struct settings *settings)
{
    return decode(request, settings, 1);
}
