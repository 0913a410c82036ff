#include "facts.h"

#include <stdlib.h>

#include "../../proto/fields.h"
#include "fact.h"
#include "grant.h"
#include "moment.h"
#include "site_names.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define NO_MAX      ((INT64_C(1) << 53) - 1)

/* An answer is a slice of the work, about 200 ms of it at the most, because others wait behind it. */
enum {
    FACTS_MAX = 20000,
    FACTS_DEFAULT = 5000,
    FACTS_BYTES = 1 << 20,
    WORK_MAX = 200000, /* an event that is looked at costs 1 */
    LOOKUP = 4,        /* and so much whatever is looked for besides */
    PORTION = 256      /* events that are kept at a time */
};

struct facts_args {
    struct slice site;
    int64_t after, limit;
    int64_t since, until; /* -1: not given */
};

static const struct field facts_fields[] = {
    FIELD(struct facts_args, after, "after", INT, 0, 0, NO_MAX),
    FIELD(struct facts_args, limit, "limit", INT, 0, 1, FACTS_MAX),
    FIELD(struct facts_args, site, "site", NAME, 0, 1, 64),
    FIELD(struct facts_args, since, "since", TIME, 0, 0, 0),
    FIELD(struct facts_args, until, "until", TIME, 0, 0, 0),
};

bool facts_decode(struct request *request, const struct settings *settings)
{
    struct facts_args *args = request_alloc(request, sizeof(*args));

    request->args = args;
    if (!args)
        return false;
    args->limit = FACTS_DEFAULT;
    args->since = args->until = -1;
    return fields_decode(&request->map, facts_fields, ROWS(facts_fields), &settings->limits, NULL, args,
                         &request->fault);
}

enum { UNSEEN = -1, SEEN = -2 };

struct page {
    const struct facts_args *args;
    struct site_names names;
    int64_t *place; /* by number of the site, less 1: its place in the answer, SEEN when it is not asked for, UNSEEN */
    struct facts facts;
    int64_t last;            /* event that was looked at last */
    int64_t looked, portion; /* events, in all and in this portion */
    int64_t told;            /* facts */
    bool over;               /* there is no more */
    bool full;               /* the rest is for the next page */
    size_t n;
    struct happened kept[PORTION];
};

static bool may_see(const void *arg, int64_t site)
{
    const struct page *page = arg;

    return site > 0 && (size_t)site <= page->names.n && page->place[site - 1] != UNSEEN;
}

/* Decisions on sites that were not asked for are kept, too: a moderator's time goes into them. */
static bool look_at(void *arg, const struct store_event *event)
{
    struct page *page = arg;

    page->over = page->args->until >= 0 && event->at >= page->args->until;
    if (page->over)
        return false;
    page->portion++;
    page->last = event->no;
    if (!fact_is(event->kind) || !may_see(page, event->site))
        return true;
    bool shown = page->place[event->site - 1] >= 0;
    if (shown || fact_is_decision(event->kind))
        fact_keep(&page->facts, event, shown, &page->kept[page->n++]);
    return page->n < PORTION;
}

static int64_t work_left(const struct page *page)
{
    return WORK_MAX - page->looked - page->facts.lookups * LOOKUP;
}

/* Shows what was kept. What has no room any more is looked at again on the next page. */
static void encode_kept(struct page *page, size_t start, struct out *out)
{
    for (size_t i = 0; i < page->n; i++) {
        const struct happened *event = &page->kept[i];
        page->full = page->told > 0 &&
                     (page->told == page->args->limit || out->len - start > FACTS_BYTES || work_left(page) <= 0);
        if (page->full) {
            page->last = event->no - 1;
            page->over = false;
            return;
        }
        fact_encode(&page->facts, event, page->place[event->site - 1], out);
        page->told += event->shown;
    }
}

/* False: that was all, or enough for this page. */
static bool next_portion(struct work *work, struct page *page, size_t start, struct out *out)
{
    int64_t left = work_left(page);

    page->n = 0;
    page->portion = 0;
    out_reset(&page->facts.data);
    work_ok(work, work->store->ops->event_scan(work->store, page->last, left, look_at, page));
    page->looked += page->portion;
    page->over |= page->n < PORTION && page->portion < left;
    encode_kept(page, start, out);
    return !page->over && !page->full && work_left(page) > 0 && !work->trouble && !out->failed;
}

/* The sites that the answer is about, each with what is pending there at the same moment. */
static void encode_sites(struct page *page, struct out *out)
{
    out_key(out, "sites");
    out_array(out);
    for (size_t i = 0; i < page->names.n; i++)
        if (page->place[i] >= 0)
            out_str(out, slice_of(page->names.sites[i].name));
    out_end(out);
    out_key(out, "pending");
    out_array(out);
    for (size_t i = 0; i < page->names.n; i++)
        if (page->place[i] >= 0)
            out_int(out, page->names.sites[i].pending);
    out_end(out);
}

static bool find_places(struct page *page, const struct grant *grant)
{
    int64_t place = 0;

    page->place = calloc(page->names.n + 1, sizeof(*page->place));
    for (size_t i = 0; page->place && i < page->names.n; i++) {
        struct slice name = slice_of(page->names.sites[i].name);
        bool asked = !page->args->site.data || slice_equal(name, page->args->site);
        page->place[i] = !grant_sees(grant, name) ? UNSEEN : asked ? place++ : SEEN;
    }
    return page->place;
}

static void answer(struct work *work, struct page *page, struct out *out)
{
    int64_t first = page->args->since > 0 ? moment_first(work, page->args->since) : 1;
    size_t start = out->len;

    page->last = page->args->after >= first ? page->args->after : first - 1;
    page->facts.back = page->last + 1;
    out_key(out, "facts");
    out_array(out);
    while (next_portion(work, page, start, out))
        ;
    out_end(out);
    encode_sites(page, out);
    out_key(out, "next");
    if (page->over)
        out_nil(out);
    else
        out_int(out, page->last);
    out->failed |= page->facts.out_of_memory || page->facts.data.failed;
}

void facts_run(struct work *work, struct request *request, struct out *out)
{
    struct page *page = calloc(1, sizeof(*page));

    if (!page) {
        out->failed = true;
        return;
    }
    page->args = request->args;
    page->facts = (struct facts){.work = work, .seen = may_see, .arg = page};
    work_ok(work, work->store->ops->site_scan(work->store, site_names_add, &page->names));
    if (find_places(page, request->grant))
        answer(work, page, out);
    else
        out->failed = true;
    facts_free(&page->facts);
    free(page->place);
    free(page->names.sites);
    free(page);
}
