#include <stdlib.h>

#include "../log.h"
#include "stream.h"

struct channel *publisher_channel(struct publisher *p, struct slice name)
{
    for (size_t i = 0; i < p->channel_count; i++)
        if (slice_is(name, p->channels[i]->name))
            return p->channels[i];
    return NULL;
}

struct channel *publisher_channel_add(struct publisher *p, struct slice name)
{
    if (p->channel_count == p->channel_cap) {
        size_t cap = p->channel_cap ? p->channel_cap * 2 : 16;
        struct channel **channels = realloc(p->channels, cap * sizeof(struct channel *));
        if (!channels)
            return NULL;
        p->channels = channels;
        p->channel_cap = cap;
    }
    struct channel *channel = calloc(1, sizeof(*channel));
    if (!channel)
        return NULL;
    memcpy(channel->name, name.data, name.len);
    p->channels[p->channel_count++] = channel;
    return channel;
}

bool publisher_scan_log(struct publisher *p, const struct channel *channel, int64_t after, int64_t limit,
                        store_on_event *on_event, struct portion *portion)
{
    struct store *store = p->work.store;

    /* Not beyond what the loop knows: a listener must not be ahead of what its next request is compared with. */
    if (limit > channel->newest - after)
        limit = channel->newest - after;
    *portion = (struct portion){.publisher = p, .site = slice_of(channel->name), .last = after};
    enum store_result r = store->ops->begin(store);
    if (r == STORE_OK)
        r = store->ops->log_scan(store, channel->no, after, limit, on_event, portion);
    store->ops->rollback(store);
    if (r == STORE_OK)
        return true;
    log_event(LOG_ID_READ_FAILED, &(struct log_fields){.site = slice_of(channel->name)},
              "the log of %s cannot be read: %s", channel->name, store->ops->reason(store));
    return false;
}

static bool is_waited_for(const struct publisher *p, const struct channel *channel)
{
    for (size_t i = 0; i < p->stream_count; i++)
        if (p->streams[i]->channel == channel)
            return true;
    return false;
}

void publisher_sweep_channels(struct publisher *p)
{
    size_t kept = 0;

    for (size_t i = 0; i < p->channel_count; i++) {
        struct channel *channel = p->channels[i];
        if (channel->no || is_waited_for(p, channel))
            p->channels[kept++] = channel;
        else
            free(channel);
    }
    p->channel_count = kept;
}
