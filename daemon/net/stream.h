/* Inside of the publisher: what publish.c (sites, the decisions socket, time) and stream.c (streams) share. */
#ifndef MODQD_STREAM_H
#define MODQD_STREAM_H

#include "../work/access.h"
#include "publish.h"

enum { RECORDS_AT_ONCE = 128, STREAM_ID_BYTES = 80 };

/* A site of which something was said since the start. `no` is 0 until the store knows it. */
struct channel {
    char name[NAME_BYTES + 1];
    int64_t no;
    int64_t newest;
    int64_t published; /* newest that the decisions socket was sent */
};

struct stream {
    struct peer peer;
    struct grant *grant;      /* what its listener may; holds a reference */
    char id[STREAM_ID_BYTES]; /* packed, as the listener gave it */
    size_t id_len;
    struct channel *channel;
    int64_t sent; /* last number that was sent */
    int64_t credit;
    int64_t heard_at, heartbeat_at; /* boot time */
    bool live, level_told;
    bool stuck; /* the peer's queue is full: wait for the next tick */
    bool over;
};

struct publisher {
    struct work work;
    struct bus *bus;
    struct channel **channels;
    size_t channel_count, channel_cap;
    struct stream **streams;
    size_t stream_count, stream_cap;
    size_t near_place, far_place; /* streams that the next turn begins with */
    int64_t heartbeat_at;
    struct out out;
};

/* A scan of the log on its way into p->out. */
struct portion {
    struct publisher *publisher;
    struct slice site;
    int64_t last, n;
};

/* The channel of a site; NULL when nothing was said of it. */
struct channel *publisher_channel(struct publisher *p, struct slice name);
struct channel *publisher_channel_add(struct publisher *p, struct slice name); /* NULL: out of memory */

/* Forgets sites that the store does not know and that no stream waits for any longer. */
void publisher_sweep_channels(struct publisher *p);

/* Reads records after a number, at most `limit`, and none that the loop does not know of yet. False (and logged) when
 * the store cannot be read. */
bool publisher_scan_log(struct publisher *p, const struct channel *channel, int64_t after, int64_t limit,
                        store_on_event *on_event, struct portion *portion);

/* Sends a stream what is due, as far as its credit goes. True when there is more to send at once. */
bool stream_pump(struct publisher *p, struct stream *s);
void stream_heartbeat(struct publisher *p, struct stream *s, int64_t now_ms);

void stream_free(struct stream *s);

/* True while its listener may hear this site. */
bool stream_is_allowed(const struct stream *s, const struct access *access, int64_t now_ms);

/* Tells the listener that its stream ends, and why. streams_sweep takes what is over away. */
void stream_end(struct publisher *p, struct stream *s, enum error error);
void streams_sweep(struct publisher *p);

/* Tells the counters how many streams are open, and how far the slowest is behind. */
void streams_measure(const struct publisher *p);

#endif
