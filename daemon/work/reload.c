#include "reload.h"

bool reload_decode(struct request *request, const struct settings *settings)
{
    (void)request;
    (void)settings;
    return true;
}

void reload_run(struct work *work, struct request *request, struct out *out)
{
    const struct reload *reload = request->args;
    struct ledger_entry entry = {.kind = KIND_RELOADED, .actor = slice_of(request->actor), .via = work_via(request)};

    if (!work_ok(work, ledger_append_bare(work->ledger, &entry)))
        return;
    out_key(out, "restart");
    out_array(out);
    for (size_t i = 0; i < reload->restart_count; i++)
        out_str(out, slice_of(reload->restart[i]));
    out_end(out);
}

/* The epoch is written as it is: a transaction like any other, that changes nothing. */
static void probe(struct work *work, struct request *request, struct out *out)
{
    unsigned char epoch[EPOCH_BYTES];

    (void)request;
    (void)out;
    if (work->ledger)
        work_ok(work, work->store->ops->epoch_set(work->store, work->epoch));
    else
        work_must(work, work->store->ops->epoch(work->store, epoch));
}

const struct verb verb_probe = {.name = "probe", .kind = VERB_CHANGE, .run = probe};
