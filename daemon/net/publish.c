#include <stdlib.h>

#include "../clock.h"
#include "../log.h"
#include "../work/record.h"
#include "stream.h"

/* How long one turn sends to streams of either kind, and how far behind they may be to be served first. */
enum { TURN_NS = 4000000, NEARLY_LEVEL = 16 };

static struct channel *channel_for(struct publisher *p, struct slice name)
{
    struct channel *channel = publisher_channel(p, name);
    return channel ? channel : publisher_channel_add(p, name);
}

static bool on_site(void *arg, const struct store_site *site)
{
    struct channel *channel = channel_for(arg, slice_of(site->name));

    if (!channel)
        return false;
    channel->no = site->no;
    channel->newest = site->newest;
    channel->published = site->newest;
    return true;
}

void publisher_grown(void *publisher, const struct store_site *site)
{
    struct channel *channel = channel_for(publisher, slice_of(site->name));

    if (!channel)
        return;
    channel->no = site->no;
    channel->newest = site->newest;
}

struct publisher *publisher_new(const struct work *work, struct bus *bus)
{
    struct publisher *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    p->work = *work;
    p->bus = bus;
    enum store_result r = work->store->ops->site_scan(work->store, on_site, p);
    work->store->ops->rollback(work->store);
    if (r == STORE_OK)
        return p;
    publisher_free(p);
    return NULL;
}

void publisher_free(struct publisher *p)
{
    for (size_t i = 0; i < p->channel_count; i++)
        free(p->channels[i]);
    for (size_t i = 0; i < p->stream_count; i++)
        stream_free(p->streams[i]);
    free(p->channels);
    free(p->streams);
    out_free(&p->out);
    store_close(p->work.store);
    free(p);
}

static bool publish_record(void *arg, const struct store_event *event)
{
    struct portion *portion = arg;
    struct publisher *p = portion->publisher;
    char topic[NAME_BYTES + 2];

    memcpy(topic, portion->site.data, portion->site.len);
    topic[portion->site.len] = '/';
    out_reset(&p->out);
    out_map(&p->out);
    out_key_int(&p->out, "v", 1);
    out_key_cstr(&p->out, "op", "record");
    out_key(&p->out, "record");
    record_encode(portion->site, event, &p->out);
    out_end(&p->out);
    bus_publish(p->bus, (struct slice){topic, portion->site.len + 1}, out_slice(&p->out));
    portion->last = event->seq;
    portion->n++;
    return true;
}

static bool pump_channel(struct publisher *p, struct channel *channel)
{
    struct portion portion;

    if (channel->published >= channel->newest ||
        !publisher_scan_log(p, channel, channel->published, RECORDS_AT_ONCE, publish_record, &portion))
        return false;
    channel->published = portion.last;
    return channel->published < channel->newest;
}

/* Sends to streams that are nearly level, or to those that are far behind, one after another from where it stopped
 * before, and not longer than a turn may last: hundreds that replay a long log must not keep everybody waiting. */
static bool pump_some(struct publisher *p, bool far_behind, size_t *place)
{
    int64_t until = clock_monotonic_ns() + TURN_NS;
    bool more = false;
    size_t i = 0;

    for (; i < p->stream_count && clock_monotonic_ns() < until; i++) {
        struct stream *s = p->streams[(*place + i) % p->stream_count];
        if ((s->channel->newest - s->sent > NEARLY_LEVEL) == far_behind)
            more |= stream_pump(p, s);
    }
    *place = p->stream_count ? (*place + i) % p->stream_count : 0;
    return more || i < p->stream_count;
}

bool publisher_pump(struct publisher *p)
{
    bool more = false;

    for (size_t i = 0; i < p->channel_count; i++)
        more |= pump_channel(p, p->channels[i]);
    more |= pump_some(p, false, &p->near_place);
    more |= pump_some(p, true, &p->far_place);
    streams_sweep(p);
    return more;
}

static void publish_heartbeat(struct publisher *p, const struct channel *channel)
{
    char topic[NAME_BYTES + 2];
    size_t len = strlen(channel->name);
    struct out *out = &p->out;

    memcpy(topic, channel->name, len);
    topic[len] = '/';
    out_reset(out);
    out_map(out);
    out_key_int(out, "v", 1);
    out_key_cstr(out, "op", "heartbeat");
    out_key_cstr(out, "site", channel->name);
    out_key_int(out, "newest", channel->newest);
    out_key_bin(out, "epoch", (struct slice){(const char *)p->work.epoch, EPOCH_BYTES});
    out_key_int(out, "time", clock_wall_ms());
    out_end(out);
    bus_publish(p->bus, (struct slice){topic, len + 1}, out_slice(out));
}

void publisher_check(struct publisher *p, const struct access *access)
{
    int64_t now_ms = clock_wall_ms();

    for (size_t i = 0; i < p->stream_count; i++)
        if (!stream_is_allowed(p->streams[i], access, now_ms))
            stream_end(p, p->streams[i], E_DENIED);
    streams_sweep(p);
}

bool publisher_knows(struct publisher *p, struct slice operation)
{
    struct store *store = p->work.store;
    struct store_operation found;
    bool known = operation.data && store->ops->operation_get(store, operation, &found) == STORE_OK;

    store->ops->rollback(store);
    return known;
}

enum store_result publisher_load_keys(struct publisher *p, struct access *access)
{
    return access_load(access, p->work.store);
}

void publisher_take_over(struct publisher *p, const struct settings *settings)
{
    p->work.settings = settings;
}

void publisher_tick(struct publisher *p, int64_t now_ms)
{
    for (size_t i = 0; i < p->stream_count; i++) {
        struct stream *s = p->streams[i];
        s->stuck = false;
        if (now_ms - s->heard_at > p->work.settings->credit_timeout_ms)
            stream_end(p, s, E_CREDIT_TIMEOUT);
        else if (now_ms >= s->heartbeat_at)
            stream_heartbeat(p, s, now_ms);
    }
    streams_sweep(p);
    streams_measure(p);
    if (now_ms < p->heartbeat_at)
        return;
    p->heartbeat_at = now_ms + p->work.settings->heartbeat_ms;
    for (size_t i = 0; i < p->channel_count; i++)
        if (p->channels[i]->no)
            publish_heartbeat(p, p->channels[i]);
}

void publisher_stop(struct publisher *p)
{
    for (size_t i = 0; i < p->stream_count; i++)
        stream_end(p, p->streams[i], E_STOPPING);
    streams_sweep(p);
}
