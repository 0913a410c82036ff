#include "lateness.h"

#include <stddef.h>

enum { MISSES = 2 };

static bool above(int64_t value, int64_t limit)
{
    return limit > 0 && value > limit;
}

static bool well_below(int64_t value, int64_t limit)
{
    return limit <= 0 || value <= limit - (limit + 3) / 4;
}

static enum lateness not_reached(struct lateness_state *state)
{
    if (state->missed < MISSES)
        state->missed++;
    if (state->away || state->missed < MISSES)
        return LATENESS_NOTHING;
    state->away = true;
    return LATENESS_UNREACHABLE;
}

enum lateness lateness_next(struct lateness_state *state, const struct lateness_seen *seen)
{
    bool was_late = state->late;
    bool was_away = state->away;

    if (!seen->reached)
        return not_reached(state);
    state->missed = 0;
    state->away = false;
    if (above(seen->oldest_ms, state->oldest_ms) || above(seen->pending, state->pending))
        state->late = true;
    else if (well_below(seen->oldest_ms, state->oldest_ms) && well_below(seen->pending, state->pending))
        state->late = false;
    if (state->late == was_late && !was_away)
        return LATENESS_NOTHING;
    return state->late ? LATENESS_LATE : LATENESS_RECOVERED;
}

const char *lateness_name(enum lateness lateness)
{
    static const char *const names[] = {NULL, "late", "recovered", "unreachable"};
    return names[lateness];
}
