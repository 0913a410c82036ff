#include "listing.h"

#include "progress.h"

enum { PAGE = 200, PATIENCE_MS = 1000 };

/* `before`: the page before, whose `next` is sent back; NULL: the first page is asked for. */
static struct modq_answer *ask_page(const struct listing *l, const struct modq_answer *before)
{
    struct modq_fields *fields = modq_fields_new();
    const struct modq_value *next = before ? modq_get(modq_answer_value(before), "next") : NULL;
    int64_t left = l->most - (int64_t)l->found;
    struct modq_answer *answer = NULL;

    if (fields) {
        filter_put(l->filter, fields);
        modq_put_int(fields, "limit", left < PAGE ? left : PAGE);
        if (next)
            modq_put_value(fields, "after", next);
        answer = app_call(l->app, l->app->desk, "list", fields);
    }
    modq_fields_free(fields);
    return answer;
}

static void hand_out(struct listing *l, const struct modq_value *cards)
{
    for (size_t i = 0; i < modq_count(cards) && (int64_t)l->found < l->most; i++) {
        l->each(l->context, modq_item(cards, i));
        l->found++;
    }
    if (l->page)
        l->page(l->context);
}

bool listing_walk(struct listing *l)
{
    struct progress progress;
    struct modq_answer *page = NULL;

    l->found = 0;
    if (!app_desk(l->app))
        return false;
    progress_begin(&progress, l->app->columns);
    progress_wait(&progress, PATIENCE_MS);
    do {
        struct modq_answer *next = ask_page(l, page);
        modq_answer_free(page);
        page = next;
        progress_clear(&progress);
        if (!page)
            return false;
        hand_out(l, modq_get(modq_answer_value(page), "comments"));
        l->more = modq_get(modq_answer_value(page), "next") != NULL;
        if (l->more)
            progress_draw(&progress, 0, 0, l->found);
    } while (l->more && (int64_t)l->found < l->most);
    progress_clear(&progress);
    modq_answer_free(page);
    return true;
}
