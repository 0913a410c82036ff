/* A line on standard error, on a terminal only, that says how far a long work is. */
#ifndef MODQ_PROGRESS_H
#define MODQ_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool shown, wanted;
    int columns;
    const char *what;       /* is done */
    int64_t started, drawn; /* ms */
};

void progress_begin(struct progress *progress, int columns);

/* Draws nothing for so long: what is over by then needs no line. */
void progress_wait(struct progress *progress, int ms);

/* `part` of `whole` bytes (0: unknown), and how many are done. Draws at most ten times a second. */
void progress_draw(struct progress *progress, uint64_t part, uint64_t whole, uint64_t done);
void progress_clear(struct progress *progress);

#endif
