/* key_add, key_list, key_revoke, key_rotate: who may what (proto/PROTOCOL.md, "Keys").
 *
 * None of it can lock root or the daemon's own user out: over ipc they are administrators without a key. */
#ifndef MODQD_KEYS_H
#define MODQD_KEYS_H

#include "request.h"
#include "work.h"

bool key_add_decode(struct request *request, const struct settings *settings);
void key_add_run(struct work *work, struct request *request, struct out *out);

bool key_list_decode(struct request *request, const struct settings *settings);
void key_list_run(struct work *work, struct request *request, struct out *out);

bool key_revoke_decode(struct request *request, const struct settings *settings);
void key_revoke_run(struct work *work, struct request *request, struct out *out);

bool key_rotate_decode(struct request *request, const struct settings *settings);
void key_rotate_run(struct work *work, struct request *request, struct out *out);

#endif
