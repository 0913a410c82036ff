#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#include "../proto/utf8.h"

enum { TEXT_BYTES = 1024 };

/* What a peer sent may stand in the text: a control character, which could begin a line of its own or command a
 * terminal, becomes \xNN for each of its bytes, and so does what is no UTF-8. */
static void escape(const char *text, char escaped[4 * TEXT_BYTES])
{
    struct slice all = slice_of(text);
    char *to = escaped;

    for (size_t i = 0; i < all.len;) {
        size_t start = i;
        int32_t c = utf8_next(all, &i);
        bool plain = c >= 0 && !utf8_is_control(c);
        for (; start < i; start++)
            if (plain)
                *to++ = all.data[start];
            else
                to += sprintf(to, "\\x%02X", (unsigned)(unsigned char)all.data[start]);
    }
    *to = '\0';
}

static void line(int priority, const char *format, va_list args)
{
    char raw[TEXT_BYTES];
    char text[4 * TEXT_BYTES];

    vsnprintf(raw, sizeof(raw), format, args);
    escape(raw, text);
    if (getenv("JOURNAL_STREAM"))
        fprintf(stderr, "<%d>%s\n", priority, text);
    else
        fprintf(stderr, "modqd: %s%s\n",
                priority == LOG_ERR       ? "error: "
                : priority == LOG_WARNING ? "warning: "
                                          : "",
                text);
}

void log_info(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    line(LOG_INFO, format, args);
    va_end(args);
}

void log_warning(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    line(LOG_WARNING, format, args);
    va_end(args);
}

void log_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    line(LOG_ERR, format, args);
    va_end(args);
}
