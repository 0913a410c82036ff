/* Bytes as hexadecimal digits, as --json prints them. */
#ifndef MODQ_HEX_H
#define MODQ_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "render.h"

/* Exactly `count` bytes, in digits of either case. False: it is something else. */
bool hex_parse(const char *text, uint8_t *bytes, size_t count);

void hex_say(struct text *out, const uint8_t *bytes, size_t count);

#endif
