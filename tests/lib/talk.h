/* How unit tests talk with a rig: they ask in JSON (rig.h), and an answer that is not as expected fails the test. There
 * is one rig in a program. */
#ifndef TALK_H
#define TALK_H

#include "../unit/unit.h"
#include "rig.h"

extern struct rig rig;

/* A rig on a store in memory, where a peer without a key asks. */
void begin(void);

/* A rig on that store, which it takes, where root asks. */
void begin_as_root(struct store *store);

/* The history must be whole, and without a fault. */
void end(void);

/* The answer to a request, which comes a millisecond after the one before. Never NULL. */
const msgpack_object *ask(enum door door, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define FRONT(...) ask(DOOR_FRONT, __VA_ARGS__)
#define DESK(...)  ask(DOOR_DESK, __VA_ARGS__)

/* Compares a value inside an answer with `expected`, as text: numbers plain, strings in quotes, nil and what is not
 * there as NOTHING. */
void is(const msgpack_object *reply, const char *path, const char *expected);
void is_int(const msgpack_object *reply, const char *path, int64_t expected);

#define NOTHING "(nothing)"

/* An answer that holds no error anywhere. */
void good(const msgpack_object *reply);

/* The number, and how many entries a list or a map has, at a path inside an answer. */
int64_t number(const msgpack_object *reply, const char *path);
size_t length(const msgpack_object *reply, const char *path);

#endif
