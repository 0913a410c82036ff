/* Requests of the model on their way to the daemon and back: none is waited for, and each is repeated unchanged until
 * it is answered, whatever becomes of the daemon meanwhile. */
#ifndef MODQ_REVIEW_WIRE_H
#define MODQ_REVIEW_WIRE_H

#include "../cli.h"
#include "model.h"

struct wire;

/* `desk` stays the caller's, who uses it for nothing else until wire_close. NULL: memory is out. */
struct wire *wire_open(struct modq *desk, int timeout_ms);
void wire_close(struct wire *wire);

/* Sends what the model wishes, hands it what came. False: this machine has no memory. */
bool wire_run(struct wire *wire, struct review *review, int64_t now);

/* For poll: the descriptor (-1: none just now), and how long at most to wait. */
int wire_fd(const struct wire *wire);
int wire_wait_ms(const struct wire *wire, int64_t now);

#endif
