#include "list.h"

#include <stdlib.h>

#include "../../proto/fields.h"
#include "card.h"
#include "find.h"
#include "site_names.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

enum { LIST_MAX = 500, LIST_DEFAULT = 50 };

struct list_args {
    int64_t limit;
    const msgpack_object *after;
    struct queue_place from;
    struct filter filter;
};

static const struct field list_fields[] = {
    FIELD(struct list_args, limit, "limit", INT, 0, 1, LIST_MAX),
    FIELD(struct list_args, after, "after", LIST, 0, 2, 2),
};

bool list_decode(struct request *request, const struct settings *settings)
{
    struct list_args *args = request_alloc(request, sizeof(*args));

    request->args = args;
    if (!args)
        return false;
    args->limit = LIST_DEFAULT;
    args->from = (struct queue_place){-1, 0};
    if (!fields_decode(&request->map, list_fields, ROWS(list_fields), &settings->limits, NULL, args, &request->fault) ||
        !filter_decode(request, settings, STATE_PENDING, &args->filter))
        return false;
    if (args->after &&
        (!mp_int(mp_item(args->after, 0), &args->from.due_at) || !mp_int(mp_item(args->after, 1), &args->from.text)))
        return fault_at(&request->fault, E_BAD_TYPE, NULL, "after");
    return true;
}

static void encode_place(const struct queue_place *place, struct out *out)
{
    out_key(out, "next");
    if (!place) {
        out_nil(out);
        return;
    }
    out_array(out);
    out_int(out, place->due_at);
    out_int(out, place->text);
    out_end(out);
}

/* The next page goes on behind the last card, or behind all that was looked at. */
static void encode_page(struct work *work, const struct find *find, const struct queue_page *page,
                        const struct queue_place *places, int64_t limit, struct out *out)
{
    struct site_names names = {0};
    size_t start = out->len;
    size_t shown = 0;

    work_ok(work, work->store->ops->site_scan(work->store, site_names_add, &names));
    out_key(out, "comments");
    out_array(out);
    while (shown < page->n && shown < (size_t)limit && (shown == 0 || out->len - start < CARDS_BYTES)) {
        const struct store_comment *comment = &page->comments[shown++];
        card_encode(work, find->actor, site_names_at(&names, comment->site), comment, out);
    }
    out_end(out);
    if (shown < page->n)
        encode_place(&places[shown - 1], out);
    else
        encode_place(find->more ? &find->place : NULL, out);
    free(names.sites);
}

static void list_found(struct work *work, struct request *request, struct find *find, struct queue_page *page,
                       struct queue_place *places, struct out *out)
{
    const struct list_args *args = request->args;
    bool known = !args->filter.site.data || find->site;

    if (known && !find_some(work, find, page, places)) {
        fault_set(&request->fault, E_INTERNAL);
        return;
    }
    encode_page(work, find, page, places, args->limit, out);
}

void list_run(struct work *work, struct request *request, struct out *out)
{
    const struct list_args *args = request->args;
    struct store_site site = {0};
    struct queue_page page = {.limit = (size_t)args->limit + 1}; /* one more tells whether there is a next page */
    struct queue_place *places = calloc(page.limit, sizeof(*places));

    page.comments = calloc(page.limit, sizeof(*page.comments));
    if (args->filter.site.data)
        work_site(work, args->filter.site, &site);
    struct find find = {.filter = &args->filter,
                        .grant = request->grant,
                        .actor = request->actor,
                        .site = site.no,
                        .place = args->from};
    if (page.comments && places)
        list_found(work, request, &find, &page, places, out);
    else
        fault_set(&request->fault, E_INTERNAL);
    free(page.comments);
    free(places);
}
