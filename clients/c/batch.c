#include "internal.h"
#include "proto/mp.h"

bool batch_fits(const struct batch *batch, const struct limits *limits, size_t bytes, size_t values)
{
    return (int64_t)batch->count < limits->value[LIMIT_MAX_BATCH] &&
           batch->values + values <= MP_VALUES_MAX - BATCH_ENVELOPE_VALUES &&
           (int64_t)(batch->list.len + bytes) <= limits->value[LIMIT_MAX_MESSAGE_BYTES] - BATCH_ENVELOPE_BYTES;
}

bool batch_add(struct batch *batch, struct slice packed, size_t values)
{
    out_raw(&batch->list, packed);
    if (batch->list.failed)
        return false;
    batch->count++;
    batch->values += values;
    return true;
}

void batch_reset(struct batch *batch)
{
    out_reset(&batch->list);
    batch->count = batch->values = 0;
}

void batch_free(struct batch *batch)
{
    out_free(&batch->list);
    batch_reset(batch);
}

void batch_append(const struct batch *batch, struct out *out)
{
    out_key(out, "comments");
    out_array(out);
    if (batch->count > 0) {
        out_raw(out, out_slice(&batch->list));
        out->open[out->depth - 1].count += (uint32_t)batch->count - 1;
    }
    out_end(out);
}
