#include "internal.h"

const struct modq_value *results_of(const struct modq_answer *answer)
{
    const struct modq_value *results = modq_get(modq_answer_value(answer), "results");

    return modq_type(results) == MODQ_LIST ? results : NULL;
}

void result_error(const struct modq_value *result, struct modq_error *error)
{
    const struct modq_value *refusal = modq_get(result, "error");
    const struct modq_value *status = modq_get(result, "status");

    error_clear(error);
    if (refusal)
        modq_error_of(refusal, error);
    else if (!modq_is(status, "accepted") && !modq_is(status, "duplicate"))
        error_local(error, MODQ_E_REPLY, "the daemon's result says neither success nor error");
}
