/* Records of a site's log and events of a history, as the protocol shows them. */
#ifndef MODQD_RECORD_H
#define MODQD_RECORD_H

#include "../../proto/out.h"
#include "../store/store.h"

/* Writes the record (proto/PROTOCOL.md, "Record") that an event of the log is. */
void record_encode(struct slice site, const struct store_event *event, struct out *out);

/* Writes an event of a comment's history ("history"). `note` is absent when there is none. */
void event_encode(const struct store_event *event, struct slice note, struct out *out);

/* The same for an event about an author ("author"), with the mark that it set. `note` is what author_pack made. */
void event_encode_author(const struct store_event *event, struct slice note, struct out *out);

/* The same for "audit": with site and comment (nil when it is about none), how it came, and the key or author that it
 * tells of. */
void event_encode_audit(struct slice site, const struct store_event *event, struct slice note, struct out *out);

#endif
