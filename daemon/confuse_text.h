/* Configuration text for libConfuse. */
#ifndef MODQ_CONFUSE_TEXT_H
#define MODQ_CONFUSE_TEXT_H

#include <stddef.h>

#define CONFUSE_TEXT_BYTES_MAX (1024 * 1024)

/* Reads the whole of a file, NUL-terminated; the caller frees it. NULL when it cannot be read, is larger than
 * CONFUSE_TEXT_BYTES_MAX or holds a NUL byte; `reason` then says what and what to do, the path in it. */
char *confuse_text_read(const char *path, char *reason, size_t reason_bytes);

/* Makes of our syntax what libConfuse 3.3 reads rightly, in place, every line end and the length kept:
 *
 *   - ';' outside quotes and comments becomes a space: libConfuse knows no separator, and would take it for a part of
 *     the word before it;
 *   - comments become spaces, since libConfuse counts the line end of each of them twice (all later messages would name
 * a wrong line) and refuses them inside lists.
 *
 * What is a comment is libConfuse's rule: '#' anywhere outside quotes; double slash and slash-star only where no
 * unquoted word is under way, so that tcp://127.0.0.1:5000 and ipc:///run/x are words. Since ';' ends a word here,
 * an unquoted value cannot hold one.
 *
 * Returns 0, or the line of a quote, comment or brace that is never closed (libConfuse takes the end of the file for
 * the end of comments and sections, so half a file would pass for a whole one). */
int confuse_text_prepare(char *text);

#endif
