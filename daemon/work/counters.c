#include "counters.h"

#include <string.h>

/* clang-format off */
#define X(number, id, name, class, message)                                                                            \
    _Static_assert((number) < ERROR_NUMBERS, "counters have no place for the error " name);
MODQ_ERRORS(X)
#undef X
/* clang-format on */

void count_error(struct counters *counters, enum error error)
{
    if (error != E_OK && (unsigned)error < ERROR_NUMBERS)
        counters->errors[error]++;
}

/* The row is whole before `n` says that it is there. */
static _Atomic int64_t *row_of(struct reason_counts *reasons, struct slice code)
{
    size_t n = reasons->n;

    for (size_t i = 0; i < n; i++)
        if (slice_is(code, reasons->rows[i].code))
            return &reasons->rows[i].count;
    if (n == REASON_ROWS || code.len >= REASON_BYTES)
        return &reasons->others;
    memcpy(reasons->rows[n].code, code.data, code.len);
    reasons->n = n + 1;
    return &reasons->rows[n].count;
}

void count_reason(struct counters *counters, struct slice code, int64_t times)
{
    *row_of(&counters->reasons, code) += times;
}
