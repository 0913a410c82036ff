#include "tally.h"

#include "request.h"

bool tally_busy(struct tally *tally, struct fault *fault, enum limit limit, const char *why, int64_t retry_after_ms)
{
    tally->limit = &limit_table[limit];
    fault_set(fault, E_BUSY);
    fault_say(fault, "%s", why);
    fault_int(fault, "retry_after_ms", retry_after_ms);
    fault_str(fault, "limit", slice_of(tally->limit->name));
    return false;
}

static void settle_errors(const struct request *request, struct counters *counters)
{
    if (request->fault.code) { /* it was refused whole: nothing of its items was done */
        count_error(counters, request->fault.code);
        return;
    }
    for (int error = 1; error < ERROR_NUMBERS; error++)
        if (request->tally.errors[error])
            counters->errors[error] += request->tally.errors[error];
}

void tally_settle(const struct request *request, struct counters *counters)
{
    const struct tally *tally = &request->tally;

    settle_errors(request, counters);
    if (tally->limit)
        counters->limits_reached[tally->limit - limit_table]++;
    if (request->fault.code)
        return;
    counters->submits += tally->submits;
    counters->accepted += tally->accepted;
    counters->duplicates += tally->duplicates;
    counters->refused += tally->submits - tally->accepted - tally->duplicates;
    counters->approved += tally->approved;
    counters->rejected += tally->rejected;
    for (size_t i = 0; i < tally->reason_count; i++)
        count_reason(counters, tally->reasons[i], tally->rejected);
}
