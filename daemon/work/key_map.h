/* Keys as maps: as the protocol shows them, and as events tell of them. */
#ifndef MODQD_KEY_MAP_H
#define MODQD_KEY_MAP_H

#include "../../proto/out.h"
#include "../store/store.h"

/* Neither revoked nor past its end. */
bool key_is_good(const struct store_key *key, int64_t now);

/* Writes the whole map (proto/PROTOCOL.md, "Keys"). */
void key_encode(const struct store_key *key, int64_t now, struct out *out);

/* Writes into an event's data all that is stored of a new key but what the event says itself: who made it, and when. */
void key_tell(const struct store_key *key, struct out *data);

/* The other way round: the key as it was when `event`, whose data is unpacked in `data`, told of it. Its sites are
 * packed into `sites`, and borrowed from there. False when the data does not tell of a key. */
bool key_told(const struct store_event *event, const msgpack_object *data, struct store_key *key, struct out *sites);

/* The pairs `key`, `name`, `role`, ... of what an event's data tells of a key; what it does not tell is left out. */
void key_encode_told(const msgpack_object *data, struct out *out);

#endif
