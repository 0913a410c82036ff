#include "calendar.h"

#include <stdlib.h>
#include <time.h>

enum { HOUR_MS = 3600000, DAY_MS = 24 * HOUR_MS };

static int64_t midnight(int64_t at, int days)
{
    time_t seconds = (time_t)(at / 1000);
    struct tm tm;

    if (!localtime_r(&seconds, &tm))
        return at;
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    tm.tm_mday += days;
    tm.tm_isdst = -1;
    return (int64_t)mktime(&tm) * 1000;
}

int64_t calendar_days_before(int64_t at, int days)
{
    int64_t moment = midnight(at, -days);
    return moment < 0 ? 0 : moment;
}

/* Zones differ from UTC by minutes, too, so an hour begins where the local clock says so. */
static int64_t next_hour(int64_t at)
{
    time_t seconds = (time_t)(at / 1000);
    struct tm tm;

    if (!localtime_r(&seconds, &tm))
        return at + HOUR_MS;
    return ((int64_t)seconds - tm.tm_min * 60 - tm.tm_sec) * 1000 + HOUR_MS;
}

static int64_t next(int64_t at, enum calendar_unit unit)
{
    int64_t after = unit == CALENDAR_HOUR ? next_hour(at) : midnight(at, 1);
    return after > at ? after : at + (unit == CALENDAR_HOUR ? HOUR_MS : DAY_MS); /* a clock that was set back */
}

bool calendar_bounds(int64_t since, int64_t until, enum calendar_unit unit, size_t most, int64_t **bounds,
                     size_t *count)
{
    int64_t length = unit == CALENDAR_HOUR ? HOUR_MS : DAY_MS - HOUR_MS;

    *bounds = NULL;
    *count = 0;
    if (until <= since || (uint64_t)(until - since) / (uint64_t)length > most)
        return false;
    int64_t *list = calloc((size_t)((until - since) / length) + 3, sizeof(*list));
    if (!list)
        return false;
    list[0] = since;
    for (int64_t at = since; at < until; (*count)++) {
        at = next(at, unit);
        list[*count + 1] = at < until ? at : until;
    }
    *bounds = list;
    return true;
}
