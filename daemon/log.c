#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

static void line(int priority, const char *format, va_list args)
{
    char text[1024];

    vsnprintf(text, sizeof(text), format, args);
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
