#include "search_request.h"

#include <stdlib.h>

#include "../../proto/fields.h"
#include "../search/finder.h"
#include "../search/follow.h"
#include "card.h"
#include "filter.h"
#include "grant.h"
#include "second.h"
#include "site_names.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define NO_MAX      ((INT64_C(1) << 53) - 1)

enum { SEARCH_MAX = 100, SEARCH_DEFAULT = 20, TEXT_BYTES = 256 };

/* About how many microseconds one request may take, and what a comment costs that holds the text, whether it is shown
 * or not. */
enum { EFFORT_US = 100000, COST_COMMENT_US = 30 };

struct search_args {
    struct slice text;
    int64_t limit, after;
    struct filter filter;
    struct fold wanted; /* of the request's memory */
};

static const struct field search_fields[] = {
    FIELD(struct search_args, text, "text", TEXT, FIELD_REQUIRED, 1, TEXT_BYTES),
    FIELD(struct search_args, limit, "limit", INT, 0, 1, SEARCH_MAX),
    FIELD(struct search_args, after, "after", INT, 0, 1, NO_MAX),
};

/* Moves the folded text into the request's memory. */
static bool take_text(struct request *request, struct search_args *args)
{
    struct fold fold = {0};
    bool good = fold_text(&fold, args->text);
    char *copy = good ? request_alloc(request, fold.len + 1) : NULL;

    if (!good)
        fault_set(&request->fault, E_INTERNAL);
    if (copy) {
        memcpy(copy, fold_slice(&fold).data, fold.len);
        args->wanted = (struct fold){.data = copy, .len = fold.len};
    }
    fold_free(&fold);
    if (!copy || args->wanted.len > 0)
        return copy != NULL;
    fault_at(&request->fault, E_BAD_VALUE, NULL, "text");
    fault_say(&request->fault, "text: there is nothing in it to look for");
    return false;
}

bool search_decode(struct request *request, const struct settings *settings)
{
    struct search_args *args = request_alloc(request, sizeof(*args));

    request->args = args;
    if (!args)
        return false;
    args->limit = SEARCH_DEFAULT;
    args->after = NO_MAX;
    return fields_decode(&request->map, search_fields, ROWS(search_fields), &settings->limits, NULL, args,
                         &request->fault) &&
           filter_decode(request, settings, STATE_NONE, &args->filter) && take_text(request, args);
}

/* ---- looking ---- */

struct page {
    struct work *work;
    const struct search_args *args;
    const struct request *request;
    struct site_names names;
    struct finder finder;
    struct filter_bounds bounds;
    int64_t site; /* 0: all that the caller sees */
    size_t n;
    struct store_comment *comments; /* `limit` of them */
};

static bool site_is_wanted(const struct page *page, int64_t no)
{
    struct slice name = site_names_at(&page->names, no);

    return (!page->site || no == page->site) && name.data && grant_sees(page->request->grant, name) &&
           settings_searched(page->work->settings, name);
}

/* The comment that text `no` is the current revision of. */
static bool find_comment(const struct page *page, int64_t no, struct store_comment *comment)
{
    struct work *work = page->work;
    struct store_event event;
    char id[KEY_BYTES + 1];

    if (!work_ok(work, work->store->ops->event_get(work->store, no, &event)) || event.comment.len > KEY_BYTES ||
        !site_is_wanted(page, event.site))
        return false;
    struct slice copy = {memcpy(id, event.comment.data, event.comment.len), event.comment.len};
    return work_ok(work, work->store->ops->comment_get(work->store, event.site, copy, comment)) && comment->text == no;
}

static bool on_match(void *arg, int64_t no)
{
    struct page *page = arg;
    struct work *work = page->work;
    const char *actor = page->request->actor;
    struct store_comment comment;

    page->finder.effort -= COST_COMMENT_US;
    if (find_comment(page, no, &comment)) {
        struct store_comment seen = comment;
        second_blind(work, actor, &seen);
        if (filter_wants(work, &page->args->filter, &page->bounds, actor, &seen))
            page->comments[page->n++] = comment;
    }
    return page->n < (size_t)page->args->limit && !work->trouble;
}

/* ---- the answer ---- */

/* Where in the body the first match is. */
static void encode_match(struct page *page, const struct store_comment *comment, struct out *out)
{
    struct work *work = page->work;
    struct fold *fold = &work->search->fold;
    struct slice wanted = page->finder.wanted;
    struct store_text text = {0};
    const char *found = NULL;
    size_t from = 0;
    size_t to = 0;

    if (work_ok(work, work->store->ops->text_get(work->store, comment->text, &text)) && text.body.data &&
        fold_text(fold, text.body))
        found = memmem(fold->data, fold->len, wanted.data, wanted.len);
    if (found)
        fold_place(text.body, (size_t)(found - fold->data), wanted.len, &from, &to);
    out_map(out);
    out_key_int(out, "at", (int64_t)from);
    out_key_int(out, "bytes", (int64_t)(to - from));
    out_end(out);
}

static void encode_off(const struct page *page, struct out *out)
{
    out_key(out, "off");
    out_array(out);
    for (size_t i = 0; i < page->names.n && !page->site; i++) {
        struct slice name = slice_of(page->names.sites[i].name);
        if (grant_sees(page->request->grant, name) && !settings_searched(page->work->settings, name))
            out_str(out, name);
    }
    out_end(out);
}

static void encode_page(struct page *page, int64_t next, struct out *out)
{
    size_t start = out->len;
    size_t shown = 0;

    out_key(out, "comments");
    out_array(out);
    while (shown < page->n && (shown == 0 || out->len - start < CARDS_BYTES)) {
        const struct store_comment *comment = &page->comments[shown++];
        card_encode(page->work, page->request->actor, site_names_at(&page->names, comment->site), comment, out);
    }
    out_end(out);
    out_key(out, "matches");
    out_array(out);
    for (size_t i = 0; i < shown; i++)
        encode_match(page, &page->comments[i], out);
    out_end(out);
    if (shown < page->n)
        next = page->comments[shown - 1].text;
    out_key(out, "next");
    if (next)
        out_int(out, next);
    else
        out_nil(out);
    encode_off(page, out);
}

static void look(struct page *page, struct out *out)
{
    struct work *work = page->work;
    int64_t next = 0;

    enum store_result r = find_texts(work->search, work->store, &page->finder, &next);
    if (r != STORE_OK)
        work->trouble = r;
    if (!work->trouble)
        encode_page(page, next, out);
}

void search_run(struct work *work, struct request *request, struct out *out)
{
    const struct search_args *args = request->args;
    struct page page = {.work = work, .args = args, .request = request};
    struct store_site site = {0};

    if (args->filter.site.data && !settings_searched(work->settings, args->filter.site)) {
        fault_at(&request->fault, E_SEARCH_OFF, NULL, "site");
        return;
    }
    page.finder = (struct finder){.wanted = fold_slice(&args->wanted),
                                  .below = args->after,
                                  .sites = settings_search_number(work->settings),
                                  .effort = EFFORT_US,
                                  .on_match = on_match,
                                  .arg = &page};
    page.comments = calloc((size_t)args->limit, sizeof(*page.comments));
    if (!page.comments || !work->search) {
        fault_set(&request->fault, E_INTERNAL);
        free(page.comments);
        return;
    }
    work_ok(work, work->store->ops->site_scan(work->store, site_names_add, &page.names));
    if (args->filter.site.data && !work_site(work, args->filter.site, &site))
        page.finder.below = 0; /* nothing was ever sent for it */
    page.site = args->filter.site.data && !site.no ? NO_MAX : site.no;
    page.bounds = filter_bounds(work, &args->filter);
    look(&page, out);
    free(page.names.sites);
    free(page.comments);
}

/* ---- the index ---- */

struct searched {
    const struct settings *settings;
    struct site_names names;
};

static bool is_searched(void *arg, int64_t site)
{
    const struct searched *searched = arg;

    return settings_searched(searched->settings, site_names_at(&searched->names, site));
}

enum store_result search_follow(struct work *work, bool *more, char *reason, size_t reason_bytes)
{
    const struct store_ops *ops = work->store->ops;
    struct searched searched = {.settings = work->settings};
    struct follow_sites sites = {.number = settings_search_number(work->settings),
                                 .all = settings_search_all(work->settings),
                                 .searched = is_searched,
                                 .arg = &searched};
    enum store_result trouble = STORE_OK;
    enum store_result r = STORE_OK;

    *more = false;
    reason[0] = '\0';
    work->trouble = STORE_OK;
    if (work_ok(work, ops->begin(work->store)) &&
        (sites.all || work_ok(work, ops->site_scan(work->store, site_names_add, &searched.names)))) {
        r = follow(work->search, work->store, &sites, 2 * work->settings->limits.value[LIMIT_RESERVE_BYTES], more,
                   &trouble, reason, reason_bytes);
        work_ok(work, trouble);
    }
    ops->rollback(work->store);
    free(searched.names.sites);
    return r;
}
