/* A comment event: what a web server hands in (proto/PROTOCOL.md, "Comment event"). */
#ifndef MODQ_COMMENT_H
#define MODQ_COMMENT_H

#include <msgpack/object.h>

#include "fault.h"
#include "limits.h"
#include "out.h"

struct article {
    struct slice id, title, url, language;
};

/* Points into the message that it was decoded from. */
struct comment_event {
    struct slice site, comment;
    int64_t revision;
    struct slice body;
    const msgpack_object *article; /* NULL: none */
    struct slice article_id;       /* of it, for an index */
    struct slice parent;
    const msgpack_object *author; /* NULL: none */
    struct slice author_id;
    int64_t created_at; /* -1: none */
    struct slice language;
    const msgpack_object *extra; /* NULL: none */
};

/* Decodes one event. On failure *event holds what could be read of site, comment and revision (otherwise absent, and
 * 0). */
bool comment_decode(const msgpack_object *map, const struct limits *limits, const struct path *at,
                    struct comment_event *event, struct fault *fault);

/* Decodes an article map (as in a comment event and in the operation `article`). */
bool article_decode(const msgpack_object *map, const struct limits *limits, const struct path *at,
                    struct article *article, struct fault *fault);

/* Writes the known keys of an article map that was decoded. */
void article_encode(const msgpack_object *map, struct out *out);

/* Writes all of the event but site, comment, revision and body as one map: what is stored beside the text. */
void comment_encode_meta(const struct comment_event *event, struct out *out);

#endif
