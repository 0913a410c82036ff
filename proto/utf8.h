/* UTF-8 as Unicode 15 defines it (table 3-7): no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef MODQ_UTF8_H
#define MODQ_UTF8_H

#include <stdint.h>

#include "slice.h"

/* Decodes the character at text[*at] (*at < text.len) and moves *at behind it.
 * Returns the code point, or -1 when no well-formed character stands there; *at then moves behind the longest prefix
 * of one ("maximal subpart"), at least one byte, so that a caller may go on. */
int32_t utf8_next(struct slice text, size_t *at);

/* True when all of it is well-formed; otherwise *bad (if not NULL) is the offset of the first character that is not. */
bool utf8_valid(struct slice text, size_t *bad);

/* C0, DEL and C1: what a name or an id may not hold. */
bool utf8_is_control(int32_t c);

#endif
