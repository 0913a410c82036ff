#include "list.h"

#include <stdlib.h>

#include "../../proto/fields.h"
#include "card.h"
#include "queue.h"
#include "site_names.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

enum { LIST_MAX = 500, LIST_DEFAULT = 50 };

struct list_args {
    struct slice site, lane_word;
    int64_t limit;
    const msgpack_object *after;
    enum lane lane;
    struct queue_place from;
};

static const struct field list_fields[] = {
    FIELD(struct list_args, site, "site", NAME, 0, 1, 64),
    FIELD(struct list_args, lane_word, "lane", TEXT, 0, 0, 64),
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
    if (!fields_decode(&request->map, list_fields, ROWS(list_fields), &settings->limits, NULL, args, &request->fault))
        return false;
    if (!request_take_lane(request, args->lane_word, &args->lane))
        return false;
    if (args->after &&
        (!mp_int(mp_item(args->after, 0), &args->from.due_at) || !mp_int(mp_item(args->after, 1), &args->from.text)))
        return fault_at(&request->fault, E_BAD_TYPE, NULL, "after");
    return true;
}

static void encode_page(struct work *work, const struct queue_page *page, bool full, struct out *out)
{
    struct site_names names = {0};
    size_t start = out->len;
    size_t shown = 0;

    work_ok(work, work->store->ops->site_scan(work->store, site_names_add, &names));
    out_key(out, "comments");
    out_array(out);
    while (shown < page->n && (shown == 0 || out->len - start < CARDS_BYTES)) {
        const struct store_comment *comment = &page->comments[shown++];
        card_encode(work, site_names_at(&names, comment->site), comment, out);
    }
    out_end(out);
    out_key(out, "next");
    if (shown < page->n || full) {
        out_array(out);
        out_int(out, page->comments[shown - 1].due_at);
        out_int(out, page->comments[shown - 1].text);
        out_end(out);
    } else {
        out_nil(out);
    }
    free(names.sites);
}

void list_run(struct work *work, struct request *request, struct out *out)
{
    const struct list_args *args = request->args;
    struct store_site site = {0};
    struct queue_page page = {.limit = (size_t)args->limit + 1}; /* one more tells whether there is a next page */

    page.comments = calloc(page.limit + 1, sizeof(*page.comments));
    if (!page.comments) {
        fault_set(&request->fault, E_INTERNAL);
        return;
    }
    if ((!args->site.data || work_site(work, args->site, &site)) &&
        !queue_next(work, request->grant, site.no, args->lane, true, args->from, &page)) {
        fault_set(&request->fault, E_INTERNAL);
        free(page.comments);
        return;
    }
    bool full = page.n == page.limit;
    page.n -= full;
    encode_page(work, &page, full, out);
    free(page.comments);
}
