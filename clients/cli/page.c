#include "report.h"

bool page_write(const struct report *report, const char *path)
{
    (void)report;
    (void)path;
    return true;
}
