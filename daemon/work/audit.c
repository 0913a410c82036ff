#include "audit.h"

#include <stdlib.h>

#include "../../proto/fields.h"
#include "card.h"
#include "moment.h"
#include "record.h"
#include "site_names.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define NO_MAX      ((INT64_C(1) << 53) - 1)

enum { AUDIT_MAX = 500, AUDIT_DEFAULT = 100, AUDIT_LOOKS = 20000 };

struct audit_args {
    struct slice site, actor, kind_word;
    int64_t before, limit;
    int64_t key;          /* 0: any */
    int64_t since, until; /* -1: not given */
    enum kind kind;       /* KIND_NONE: any */
    char via[VIA_BYTES];  /* of the key */
};

static const struct field audit_fields[] = {
    FIELD(struct audit_args, before, "before", INT, 0, 1, NO_MAX),
    FIELD(struct audit_args, limit, "limit", INT, 0, 1, AUDIT_MAX),
    FIELD(struct audit_args, site, "site", NAME, 0, 1, 64),
    FIELD(struct audit_args, actor, "actor", NAME, 0, 1, 64),
    FIELD(struct audit_args, key, "key", INT, 0, 1, NO_MAX),
    FIELD(struct audit_args, kind_word, "kind", TEXT, 0, 0, 64),
    FIELD(struct audit_args, since, "since", TIME, 0, 0, 0),
    FIELD(struct audit_args, until, "until", TIME, 0, 0, 0),
};

bool audit_decode(struct request *request, const struct settings *settings)
{
    struct audit_args *args = request_alloc(request, sizeof(*args));

    request->args = args;
    if (!args)
        return false;
    args->before = NO_MAX;
    args->limit = AUDIT_DEFAULT;
    args->since = args->until = -1;
    if (!fields_decode(&request->map, audit_fields, ROWS(audit_fields), &settings->limits, NULL, args, &request->fault))
        return false;
    args->kind = args->kind_word.data ? kind_of(args->kind_word) : KIND_NONE;
    snprintf(args->via, sizeof(args->via), "key:%lld", (long long)args->key);
    if (args->kind != KIND_COUNT)
        return true;
    fault_at(&request->fault, E_BAD_VALUE, NULL, "kind");
    fault_say(&request->fault, "kind: no event is called so");
    return false;
}

/* One page: the numbers of what fits are kept, because nothing else may be read from within a scan. */
struct page {
    const struct audit_args *args;
    int64_t site; /* 0: any */
    int64_t looked, last;
    bool over; /* what comes is older than what was asked for */
    size_t n;
    int64_t found[AUDIT_MAX];
};

static bool wanted(const struct page *page, const struct store_event *event)
{
    const struct audit_args *args = page->args;

    return (!page->site || event->site == page->site) &&
           (!args->actor.data || slice_equal(event->actor, args->actor)) &&
           (!args->key || slice_is(event->via, args->via)) && (!args->kind || event->kind == args->kind);
}

static bool look_at(void *arg, const struct store_event *event)
{
    struct page *page = arg;

    page->over = event->at < page->args->since;
    if (page->over)
        return false;
    page->looked++;
    page->last = event->no;
    if (wanted(page, event))
        page->found[page->n++] = event->no;
    return page->n < (size_t)page->args->limit;
}

/* The number below which all events are before `until`. */
static int64_t first_until(struct work *work, int64_t until, int64_t before)
{
    int64_t first = until < 0 ? before : moment_first(work, until);

    return first < before ? first : before;
}

/* A note's bytes are borrowed until the next call of the store, as those of the event are: so one of them is copied. */
static void encode_one(struct work *work, int64_t no, const struct site_names *names, struct out *copy, struct out *out)
{
    struct store_event event;
    struct slice note = SLICE_NONE;

    work_ok(work, work->store->ops->note_get(work->store, no, &note));
    out_reset(copy);
    out_raw(copy, note);
    if (note.data)
        note = out_slice(copy);
    out->failed |= copy->failed;
    if (work_ok(work, work->store->ops->event_get(work->store, no, &event)))
        event_encode_audit(site_names_at(names, event.site), &event, note, out);
}

/* Shows what was found, and gives the number before which the next page begins, 0 when there is none. */
static int64_t encode_page(struct work *work, const struct page *page, struct out *out)
{
    struct site_names names = {0};
    struct out copy = {0};
    size_t start = out->len;
    size_t shown = 0;

    work_ok(work, work->store->ops->site_scan(work->store, site_names_add, &names));
    out_key(out, "events");
    out_array(out);
    while (shown < page->n && (shown == 0 || out->len - start < CARDS_BYTES) && !work->trouble)
        encode_one(work, page->found[shown++], &names, &copy, out);
    out_end(out);
    out_free(&copy);
    free(names.sites);
    if (shown < page->n)
        return page->found[shown - 1];
    bool full = page->n == (size_t)page->args->limit || page->looked == AUDIT_LOOKS;
    return full && !page->over && page->last > 1 ? page->last : 0;
}

void audit_run(struct work *work, struct request *request, struct out *out)
{
    const struct audit_args *args = request->args;
    struct page page = {.args = args};
    struct store_site site = {0};
    bool known = !args->site.data || work_site(work, args->site, &site);

    page.site = site.no;
    if (known) {
        int64_t before = first_until(work, args->until, args->before);
        work_ok(work, work->store->ops->event_scan_back(work->store, before, AUDIT_LOOKS, look_at, &page));
    }
    int64_t next = encode_page(work, &page, out);
    out_key(out, "next");
    if (next)
        out_int(out, next);
    else
        out_nil(out);
}
