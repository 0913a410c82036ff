#include "stats.h"

#include <stdlib.h>

#include "grant.h"
#include "site_names.h"

bool stats_decode(struct request *request, const struct settings *settings)
{
    (void)request;
    (void)settings;
    return true;
}

static void encode_site(struct work *work, const struct store_site *site, struct out *out)
{
    struct store_queue queue = {0};
    struct store_text oldest = {0};

    work_ok(work, work->store->ops->queue_figures(work->store, site->no, &queue));
    if (queue.oldest)
        work_ok(work, work->store->ops->text_head(work->store, queue.oldest, &oldest));
    out_map(out);
    out_key_cstr(out, "site", site->name);
    out_key_int(out, "newest", site->newest);
    out_key_int(out, "pending", site->pending);
    out_key_int(out, "escalated", queue.escalated);
    out_key_int(out, "claimed", queue.claimed);
    out_key_int(out, "second_look", queue.second);
    out_key(out, "oldest_pending_at");
    if (queue.oldest)
        out_int(out, oldest.received_at);
    else
        out_nil(out);
    for (enum kind k = KIND_SUBMITTED; k <= KIND_ERASED; k++)
        out_key_int(out, kind_name(k), site->counts[k]);
    out_end(out);
}

struct listeners {
    const struct site_names *names;
    const struct grant *grant;
    struct out *out;
};

static bool encode_listener(void *arg, const struct store_listener *listener)
{
    const struct listeners *listeners = arg;
    struct out *out = listeners->out;
    struct slice site = site_names_at(listeners->names, listener->site);

    if (!site.data || !grant_sees(listeners->grant, site))
        return true;
    out_map(out);
    out_key_str(out, "site", site);
    out_key_str(out, "listener", listener->name);
    out_key_int(out, "seq", listener->seq);
    out_key_int(out, "lag", listeners->names->sites[listener->site - 1].newest - listener->seq);
    out_key_int(out, "confirmed_at", listener->at);
    out_end(out);
    return true;
}

static void encode_counters(const struct counters *counters, struct out *out)
{
    out_key(out, "counters");
    out_map(out);
#define X(name) out_key_int(out, #name, counters->name);
    MODQ_COUNTERS(X)
#undef X
    out_end(out);
}

void stats_run(struct work *work, struct request *request, struct out *out)
{
    struct site_names names = {0};
    struct listeners listeners = {&names, request->grant, out};

    work_ok(work, work->store->ops->site_scan(work->store, site_names_add, &names));
    out_key_int(out, "time", work->clock_ms);
    out_key_int(out, "started_at", work->started_at);
    out_key(out, "sites");
    out_array(out);
    for (size_t i = 0; i < names.n && !work->trouble; i++)
        if (grant_sees(request->grant, slice_of(names.sites[i].name)))
            encode_site(work, &names.sites[i], out);
    out_end(out);
    out_key(out, "listeners");
    out_array(out);
    work_ok(work, work->store->ops->listener_scan(work->store, encode_listener, &listeners));
    out_end(out);
    if (request->grant->all_sites) /* they tell the pace of all sites */
        encode_counters(work->counters, out);
    free(names.sites);
}
