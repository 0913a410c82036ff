#include "when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "say.h"

#define SPAN_MOST_MS (INT64_C(36500) * 86400000)

struct digits {
    struct slice text;
    size_t at;
    bool failed;
};

static int64_t number(struct digits *d, int count)
{
    int64_t value = 0;

    for (int i = 0; i < count; i++, d->at++) {
        if (d->at >= d->text.len || d->text.data[d->at] < '0' || d->text.data[d->at] > '9') {
            d->failed = true;
            return 0;
        }
        value = value * 10 + (d->text.data[d->at] - '0');
    }
    return value;
}

static char letter(struct digits *d, const char *allowed)
{
    char c = '\0';

    if (d->at < d->text.len)
        c = d->text.data[d->at++];
    if (c == '\0' || !strchr(allowed, c))
        d->failed = true;
    return c;
}

/* Digits beyond milliseconds are cut. */
static int64_t fraction(struct digits *d)
{
    int64_t value = 0;
    int64_t worth = 100;

    if (d->failed || d->at >= d->text.len || d->text.data[d->at] != '.')
        return 0;
    d->at++;
    do {
        value += worth * number(d, 1);
        worth /= 10;
    } while (!d->failed && d->at < d->text.len && d->text.data[d->at] >= '0' && d->text.data[d->at] <= '9');
    return value;
}

static int64_t offset_s(struct digits *d)
{
    char sign = letter(d, "Zz+-");

    if (d->failed || sign == 'Z' || sign == 'z')
        return 0;
    int64_t hours = number(d, 2);
    letter(d, ":");
    int64_t minutes = number(d, 2);
    if (hours > 23 || minutes > 59)
        d->failed = true;
    return (hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
}

static int days_in(int64_t year, int64_t month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

bool when_parse(struct slice text, int64_t *ms)
{
    struct digits d = {.text = text};
    struct tm tm = {0};

    int64_t year = number(&d, 4);
    letter(&d, "-");
    int64_t month = number(&d, 2);
    letter(&d, "-");
    int64_t day = number(&d, 2);
    letter(&d, "Tt ");
    int64_t hour = number(&d, 2);
    letter(&d, ":");
    int64_t minute = number(&d, 2);
    letter(&d, ":");
    int64_t second = number(&d, 2);
    int64_t milliseconds = fraction(&d);
    int64_t offset = offset_s(&d);
    if (d.failed || d.at != text.len || month < 1 || month > 12 || day < 1 || day > days_in(year, month) || hour > 23 ||
        minute > 59 || second > 60)
        return false;
    tm.tm_year = (int)year - 1900;
    tm.tm_mon = (int)month - 1;
    tm.tm_mday = (int)day;
    tm.tm_hour = (int)hour;
    tm.tm_min = (int)minute;
    tm.tm_sec = (int)second;
    *ms = ((int64_t)timegm(&tm) - offset) * 1000 + milliseconds;
    return *ms >= 0 && *ms <= INT64_C(253402300799999);
}

bool when_parse_span(const char *text, int64_t *ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {"w", 604800000}};
    char *end;
    long long number = strtoll(text, &end, 10);

    *ms = 0;
    if (text[0] < '0' || text[0] > '9')
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(end, units[i].name) == 0 && number <= SPAN_MOST_MS / units[i].ms) {
            *ms = number * units[i].ms;
            return true;
        }
    return number == 0 && !*end;
}

bool when_parse_moment(const char *text, bool ahead, int64_t *ms)
{
    char whole[sizeof("2026-01-31T00:00:00Z")];

    if (when_parse_span(text, ms)) {
        *ms = when_now() + (ahead ? *ms : -*ms);
        return true;
    }
    if (when_parse(slice_of(text), ms))
        return true;
    if (strlen(text) != strlen("2026-01-31"))
        return false;
    snprintf(whole, sizeof(whole), "%sT00:00:00Z", text);
    return when_parse(slice_of(whole), ms);
}

int64_t when_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool broken_down(int64_t ms, struct tm *tm)
{
    time_t seconds = (time_t)(ms / 1000);
    return localtime_r(&seconds, tm) != NULL;
}

static void say_clock(struct text *out, const struct tm *tm)
{
    say(out, "%02d:%02d:%02d", tm->tm_hour, tm->tm_min, tm->tm_sec);
}

void when_say(struct text *out, int64_t ms)
{
    struct tm tm;

    if (!broken_down(ms, &tm)) {
        say(out, "%lld", (long long)ms);
        return;
    }
    say(out, "%04d-%02d-%02d ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
    say_clock(out, &tm);
}

void when_say_short(struct text *out, int64_t ms, int64_t now)
{
    struct tm then, today;

    if (broken_down(ms, &then) && broken_down(now, &today) && then.tm_year == today.tm_year &&
        then.tm_yday == today.tm_yday)
        say_clock(out, &then);
    else
        when_say(out, ms);
}

void when_say_age(struct text *out, int64_t ms, int64_t now)
{
    int64_t s = now > ms ? (now - ms) / 1000 : 0;

    if (s < 60)
        say(out, "%llds", (long long)s);
    else if (s < 3600)
        say(out, "%lldm", (long long)(s / 60));
    else if (s < 2 * 86400)
        say(out, "%lldh", (long long)(s / 3600));
    else if (s < INT64_C(2) * 365 * 86400)
        say(out, "%lldd", (long long)(s / 86400));
    else
        say(out, "%lldy", (long long)(s / (INT64_C(365) * 86400)));
}
