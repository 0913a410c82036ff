#include "lines.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_BYTES = 1 << 17 };

void lines_open(struct lines *lines, int fd)
{
    *lines = (struct lines){.fd = fd};
}

void lines_close(struct lines *lines)
{
    free(lines->data);
    *lines = (struct lines){0};
}

static bool make_room(struct lines *lines)
{
    if (lines->data && lines->start > 0 && lines->start < lines->end)
        memmove(lines->data, lines->data + lines->start, lines->end - lines->start);
    lines->end -= lines->start;
    lines->start = 0;
    if (lines->cap - lines->end >= READ_BYTES)
        return true;
    size_t cap = lines->cap ? lines->cap * 2 : 2 * READ_BYTES;
    char *data = realloc(lines->data, cap);
    if (!data)
        return false;
    lines->data = data;
    lines->cap = cap;
    return true;
}

/* LINE_HERE: read something, or the end. */
static enum line_status read_more(struct lines *lines, bool wait)
{
    struct pollfd fd = {.fd = lines->fd, .events = POLLIN};

    int ready = poll(&fd, 1, wait ? -1 : 0);
    if (ready == 0)
        return LINE_NOT_YET;
    if (!make_room(lines))
        return LINE_FAILED;
    ssize_t n = ready < 0 ? -1 : read(lines->fd, lines->data + lines->end, READ_BYTES);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? LINE_NOT_YET : LINE_FAILED;
    lines->over = n == 0;
    lines->end += (size_t)n;
    lines->bytes += (uint64_t)n;
    return LINE_HERE;
}

/* Hands out `len` bytes and the line end behind them. */
static enum line_status hand_out(struct lines *lines, size_t len, bool ended, struct slice *line)
{
    bool skipped = lines->skipping;

    *line = (struct slice){lines->data + lines->start, len};
    lines->start += len + ended;
    lines->number++;
    lines->skipping = false;
    return skipped ? LINE_TOO_LONG : LINE_HERE;
}

enum line_status lines_next(struct lines *lines, struct slice *line, bool wait)
{
    size_t searched = 0;

    for (;;) {
        size_t len = lines->end - lines->start;
        const char *from = len > searched ? lines->data + lines->start + searched : NULL;
        const char *end = from ? memchr(from, '\n', len - searched) : NULL;
        if (end)
            return hand_out(lines, (size_t)(end - (lines->data + lines->start)), true, line);
        if (lines->over && (len > 0 || lines->skipping))
            return hand_out(lines, len, false, line);
        if (lines->over)
            return LINE_END;
        searched = len;
        if (len > LINE_BYTES_MAX) {
            lines->skipping = true;
            lines->start = lines->end = searched = 0;
        }
        enum line_status status = read_more(lines, wait);
        if (status != LINE_HERE)
            return status;
    }
}
