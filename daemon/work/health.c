#include "health.h"

#include <stdio.h>

static bool is_late(int64_t told_ms, int64_t now_ms, int allowed_ms, const char *who, char why[HEALTH_WHY_BYTES])
{
    if (told_ms == 0)
        snprintf(why, HEALTH_WHY_BYTES, "the daemon is starting");
    else if (now_ms - told_ms > allowed_ms)
        snprintf(why, HEALTH_WHY_BYTES, "%s for %.1f s", who, (double)(now_ms - told_ms) / 1000);
    else
        return false;
    return true;
}

bool health_is_good(const struct health *health, int64_t now_ms, char why[HEALTH_WHY_BYTES])
{
    if (health->stopping)
        snprintf(why, HEALTH_WHY_BYTES, "the daemon is stopping");
    else if (is_late(health->loop_ticked_ms, now_ms, HEALTH_LOOP_MS, "requests have not been taken", why) ||
             is_late(health->store_probed_ms, now_ms, HEALTH_STORE_MS, "nothing could be written", why))
        return false;
    else if (health->intake_closed)
        snprintf(why, HEALTH_WHY_BYTES, "no room for new comments");
    else
        return true;
    return false;
}
