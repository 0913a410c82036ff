/* Hours and days as people count them: in local time, where a day may have 23 hours, or 25. */
#ifndef MODQ_CALENDAR_H
#define MODQ_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum calendar_unit { CALENDAR_HOUR, CALENDAR_DAY };

/* The bounds of the hours or days from `since` to `until`, the first and the last cut there: count + 1 of them in
 * *bounds, to be freed. False: out of memory, or more than `most`; then there are none. */
bool calendar_bounds(int64_t since, int64_t until, enum calendar_unit unit, size_t most, int64_t **bounds,
                     size_t *count);

/* The first moment of the day that `at` lies in, and of the one `days` before it. */
int64_t calendar_days_before(int64_t at, int days);

#endif
