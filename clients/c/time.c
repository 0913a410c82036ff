#include <time.h>

#include "internal.h"

enum { FIRST_PAUSE_MS = 100, LONGEST_PAUSE_MS = 60000 };

int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t deadline_after(int64_t now, int64_t delay_ms)
{
    return delay_ms < NEVER - now ? now + delay_ms : NEVER;
}

int wait_until(int64_t moment, int wait_ms)
{
    if (moment == NEVER)
        return wait_ms;
    int64_t left = moment - now_ms();
    if (left < 0)
        left = 0;
    if (wait_ms >= 0 && left > wait_ms)
        left = wait_ms;
    return left > INT32_MAX ? INT32_MAX : (int)left;
}

int64_t backoff_next(struct backoff *backoff, int64_t least_ms, int64_t most_ms)
{
    backoff->pause_ms = backoff->pause_ms ? backoff->pause_ms * 2 : FIRST_PAUSE_MS;
    if (backoff->pause_ms > earlier(most_ms, LONGEST_PAUSE_MS))
        backoff->pause_ms = earlier(most_ms, LONGEST_PAUSE_MS);
    return backoff->pause_ms < least_ms ? least_ms : backoff->pause_ms;
}
