#include "fsck_due.h"

#include "due.h"

static bool is_on_front_page(struct fsck *fsck, const struct store_comment *row)
{
    struct store *store = fsck->work->store;
    struct store_article article;

    fsck->weight++;
    return row->article[0] &&
           work_ok(fsck->work, store->ops->article_get(store, row->site, slice_of(row->article), &article)) &&
           article.front_page == 1;
}

/* A mark that ends by itself changes no due time then: with one, it may have been made with the mark or without. */
static bool is_due(struct fsck *fsck, const struct policy_queue *queue, const struct store_comment *row,
                   struct due_facts *facts)
{
    struct store *store = fsck->work->store;
    struct store_author author = {.mark = MARK_NONE};

    if (queue->order == ORDER_URGENCY) {
        facts->reports = row->reports;
        facts->front_page = is_on_front_page(fsck, row);
        fsck->weight++;
        if (row->author[0])
            work_ok(fsck->work, store->ops->author_get(store, row->site, slice_of(row->author), &author));
    }
    if (author.until && row->due_at == due_time(queue, facts))
        return true;
    facts->mark = author.mark;
    return row->due_at == due_time(queue, facts);
}

void fsck_due(struct fsck *fsck, const struct store_comment *row, int64_t received_at)
{
    const struct store_site *site = site_names_find(&fsck->names, row->site);
    struct due_facts facts = {.received_at = received_at};
    struct policy_queue queue;

    if (row->state != STATE_PENDING || !due_rule_read(site->due_rule, &queue) || is_due(fsck, &queue, row, &facts) ||
        fsck->work->trouble)
        return;
    fsck_fault(fsck, FSCK_IN_COMMENT, FSCK_DIFFERS, row->last_event, row->site, slice_of(row->id),
               "its due_at is %lld, and the rule of its site (%s) makes it %lld", (long long)row->due_at,
               site->due_rule[0] ? site->due_rule : "oldest", (long long)due_time(&queue, &facts));
}
