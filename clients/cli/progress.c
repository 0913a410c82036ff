#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "when.h"

enum { EVERY_MS = 100, BAR_MOST = 40, BESIDES = 42 };

void progress_begin(struct progress *progress, int columns)
{
    *progress = (struct progress){
        .wanted = isatty(STDERR_FILENO), .columns = columns, .what = "comments", .started = when_now()};
}

void progress_wait(struct progress *progress, int ms)
{
    progress->drawn = when_now() + ms - EVERY_MS;
}

static int bar(const struct progress *progress, uint64_t part, uint64_t whole, char *line)
{
    int width = progress->columns - BESIDES;

    if (whole == 0 || width < 10)
        return 0;
    width = width > BAR_MOST ? BAR_MOST : width;
    int full = (int)(part >= whole ? (uint64_t)width : part * (uint64_t)width / whole);
    line[0] = '[';
    memset(line + 1, '#', (size_t)full);
    memset(line + 1 + full, '.', (size_t)(width - full));
    memcpy(line + 1 + width, "] ", 3);
    return width + 3;
}

void progress_draw(struct progress *progress, uint64_t part, uint64_t whole, uint64_t done)
{
    char line[BAR_MOST + 8] = "";
    int64_t now = when_now();
    int64_t ms = now - progress->started;

    if (!progress->wanted || now - progress->drawn < EVERY_MS)
        return;
    progress->drawn = now;
    progress->shown = true;
    bar(progress, part, whole, line);
    fprintf(stderr, "\r%s%llu %s, %llu/s\033[K", line, (unsigned long long)done, progress->what,
            (unsigned long long)(ms > 0 ? done * 1000 / (uint64_t)ms : 0));
    fflush(stderr);
}

void progress_clear(struct progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}
