#include "record.h"

void record_say_counts(struct text *out, const struct modq_value *record)
{
    static const char *const states[] = {"pending", "approved", "rejected", "withdrawn"};
    int64_t comments = modq_get_int(record, "comments", 0);
    const char *gap = ": ";

    say(out, "%lld comment%s", (long long)comments, comments == 1 ? "" : "s");
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        int64_t count = modq_get_int(record, states[i], 0);
        if (count == 0)
            continue;
        say(out, "%s%lld %s", gap, (long long)count, states[i]);
        gap = ", ";
    }
    if (!modq_get_bool(record, "counted_all", true))
        say(out, " (of the newest alone)");
}

void record_say_reasons(struct text *out, const struct modq_value *record)
{
    const struct modq_value *reasons = modq_get(record, "reasons");

    for (size_t i = 0; i < modq_count(reasons); i++) {
        const struct modq_value *one = modq_item(reasons, i);
        say(out, "%s", i ? ", " : "");
        say_value(out, modq_get(one, "reason"));
        say(out, " %lld", (long long)modq_get_int(one, "count", 0));
    }
}
