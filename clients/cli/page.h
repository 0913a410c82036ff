/* A report as one page for a browser, to be sent, printed or kept: without script, and with nothing from elsewhere. */
#ifndef MODQ_PAGE_H
#define MODQ_PAGE_H

#include "report.h"

extern const char page_style_text[]; /* page.css */

/* Writes FILE.new, and renames it to FILE when all of it is there. False: said why, and the exit code is set. */
bool page_write(const struct report *report, const char *path);

/* A moment in local time, as the page writes it. */
enum page_time { PAGE_MOMENT, PAGE_DAY, PAGE_DAY_SHORT, PAGE_HOUR, PAGE_CLOCK, PAGE_ZONE };
void page_say_local(char *to, size_t size, int64_t at, enum page_time what);

/* Its parts: the plots over time with their tables, and the tables that are plots themselves. */
void page_put_times(struct text *out, const struct report *report);
void page_put_groups(struct text *out, const struct report *report);
void page_put_agreement(struct text *out, const struct report *report);

#endif
