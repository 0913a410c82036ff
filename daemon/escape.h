/* Text that others wrote, made fit for a log and a terminal. */
#ifndef MODQD_ESCAPE_H
#define MODQD_ESCAPE_H

#include <stddef.h>

/* What could begin a line of its own, command a terminal, or turn the rest of the line round, becomes \xNN for each of
 * its bytes, and so does what is no UTF-8. Writes at most `size` bytes (above 0), and 0 at their end; four for each of
 * the text and one more are always enough. */
void escape_text(const char *text, char *escaped, size_t size);

#endif
