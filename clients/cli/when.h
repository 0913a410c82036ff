/* Moments: milliseconds since 1970, as people write and read them. */
#ifndef MODQ_WHEN_H
#define MODQ_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#include "render.h"

/* RFC 3339, such as 2026-11-23T10:12:03.5+03:00 or ...Z. False: it is none, or not within the years 1970 to 9999. */
bool when_parse(struct slice text, int64_t *ms);

/* A span such as 90s, 30m, 12h, 7d, 1w, or 0; at most a hundred years. */
bool when_parse_span(const char *text, int64_t *ms);

/* A moment: a date (its first moment, UTC), RFC 3339, or a span before now (`ahead`: after now). */
bool when_parse_moment(const char *text, bool ahead, int64_t *ms);

int64_t when_now(void);

/* In local time: the date and time; the time alone when it is of the same day as `now`. */
void when_say(struct text *out, int64_t ms);
void when_say_short(struct text *out, int64_t ms, int64_t now);

/* How long ago: 12s, 5m, 3h, 2d. */
void when_say_age(struct text *out, int64_t ms, int64_t now);

#endif
