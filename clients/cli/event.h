/* A line of JSON as a comment to submit. */
#ifndef MODQ_EVENT_H
#define MODQ_EVENT_H

#include "clients/c/modq.h"
#include "render.h"

/* Which comment a line is about, as far as that could be read, to say it later; what is too long is cut. */
struct event_name {
    char site[72], comment[136];
    int64_t revision;
};

/* Fills *comment from the line; `site` (may be NULL) is for lines without one. Keys that are not known go into `extra`.
 * False: *error says what is wrong, and with which key. The daemon's rules are not checked here. */
bool event_from_json(struct slice line, const char *site, struct modq_comment *comment, struct event_name *name,
                     struct modq_error *error);

#endif
