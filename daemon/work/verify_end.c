#include "verify_end.h"

#include "verify_chain.h"
#include "verify_keys.h"

/* ---- numbers that no event has ---- */

struct stray {
    struct verify *v;
    enum verify_table table;
};

static bool stray(struct stray *stray, int64_t no)
{
    verify_fault(stray->v, stray->table, no, INSERTED, "there is no event of this number");
    return !stray->v->overflow;
}

static bool stray_event(void *arg, const struct store_event *event)
{
    return event->no < 1 && stray(arg, event->no);
}

static bool stray_text(void *arg, const struct store_text *text)
{
    return stray(arg, text->no);
}

static bool stray_note(void *arg, const struct store_note *note)
{
    return stray(arg, note->event);
}

static void check_strays(struct verify *v)
{
    const struct store_ops *ops = v->work->store->ops;
    struct store *store = v->work->store;
    struct stray events = {v, IN_EVENT};
    struct stray texts = {v, IN_TEXT};
    struct stray notes = {v, IN_NOTE};

    work_ok(v->work, ops->event_scan(store, INT64_MIN, FAULTS_MAX, stray_event, &events));
    work_ok(v->work, ops->text_scan(store, INT64_MIN, 0, stray_text, &texts));
    work_ok(v->work, ops->text_scan(store, v->newest, INT64_MAX, stray_text, &texts));
    work_ok(v->work, ops->note_scan(store, INT64_MIN, 0, stray_note, &notes));
    work_ok(v->work, ops->note_scan(store, v->newest, INT64_MAX, stray_note, &notes));
}

/* ---- sites ---- */

static bool keep_number(void *arg, const struct store_event *event)
{
    *(int64_t *)arg = event->no;
    return false;
}

/* What stands behind the newest record may be an event that was changed, and that was said already. */
static void check_newest(struct verify *v, const struct store_site *site)
{
    const struct store_ops *ops = v->work->store->ops;
    struct store_event event;
    int64_t behind = 0;

    work_ok(v->work, ops->log_scan(v->work->store, site->no, site->newest, 1, keep_number, &behind));
    if (behind && verify_event_fits(v, behind, NULL))
        verify_fault(v, IN_SITE, site->no, CHANGED,
                     "the newest number of %s is %lld, and its log goes on with event %lld", site->name,
                     (long long)site->newest, (long long)behind);
    if (site->newest && !work_ok(v->work, ops->log_get(v->work->store, site->no, site->newest, &event)) &&
        !v->work->trouble)
        verify_fault(v, IN_SITE, site->no, CHANGED, "the newest number of %s is %lld, which its log does not have",
                     site->name, (long long)site->newest);
}

static void check_counts(struct verify *v, const struct store_site *site, const struct verify_counts *counts)
{
    int64_t records = 0;

    for (enum kind k = KIND_APPROVED; k <= KIND_ERASED; k++)
        records += site->counts[k];
    if (records != site->newest)
        verify_fault(v, IN_SITE, site->no, CHANGED, "%s has %lld records and counts %lld", site->name,
                     (long long)site->newest, (long long)records);
    for (enum kind k = KIND_SUBMITTED; counts && k <= KIND_ERASED; k++)
        if (counts->of[k] != site->counts[k])
            verify_fault(v, IN_SITE, site->no, CHANGED, "%s counts %lld events %s, the log has %lld", site->name,
                         (long long)site->counts[k], kind_name(k), (long long)counts->of[k]);
}

static void check_sites(struct verify *v)
{
    int64_t expected = 1;

    for (size_t i = 0; i < v->names.n && !v->work->trouble; i++) {
        const struct store_site *site = &v->names.sites[i];
        for (; expected < site->no && !v->overflow; expected++)
            verify_fault(v, IN_SITE, expected, MISSING, "sites have the numbers 1, 2, 3, ...");
        expected = site->no + 1;
        check_newest(v, site);
        check_counts(v, site, v->counts ? &v->counts[i] : NULL);
    }
}

void verify_end(struct verify *v)
{
    check_strays(v);
    check_sites(v);
    verify_keys(v);
}
