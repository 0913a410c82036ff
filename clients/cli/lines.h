/* Lines of a file that may be endless, and may have nothing for us just now. */
#ifndef MODQ_LINES_H
#define MODQ_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "render.h"

/* Ten of the greatest comments there can be: longer lines are skipped. */
#define LINE_BYTES_MAX (size_t)(10 << 20)

struct lines {
    int fd;
    char *data;
    size_t start, end, cap; /* what is read and not handed out */
    uint64_t number;        /* of the line handed out last, from 1 */
    uint64_t bytes;         /* read so far */
    bool skipping, over;
};

enum line_status { LINE_HERE, LINE_NOT_YET, LINE_TOO_LONG, LINE_END, LINE_FAILED };

void lines_open(struct lines *lines, int fd);

/* The next line without its end; it lives until the next call. LINE_NOT_YET: nothing to read just now (unless `wait`),
 * or a signal came. */
enum line_status lines_next(struct lines *lines, struct slice *line, bool wait);

/* Frees the memory; the descriptor stays open. */
void lines_close(struct lines *lines);

#endif
