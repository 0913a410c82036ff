#include "due.h"

#include <stdio.h>
#include <stdlib.h>

enum { AT_ONCE = 1000 };

static const struct policy_queue *queue_of(const struct work *work, struct slice site)
{
    return &settings_policy(work->settings, site)->queue;
}

int64_t due_time(const struct policy_queue *queue, const struct due_facts *facts)
{
    int64_t due = facts->received_at;

    if (queue->order == ORDER_OLDEST)
        return due;
    if (queue->order == ORDER_NEWEST)
        return DUE_LAST - due;
    due += queue->target_ms;
    if (queue->report_ms && facts->reports > due / queue->report_ms)
        return 0;
    due -= facts->reports * queue->report_ms;
    due -= facts->front_page ? queue->front_page_ms : 0;
    due -= facts->mark == MARK_WATCHED ? queue->watched_ms : 0;
    due += facts->mark == MARK_TRUSTED ? queue->trusted_ms : 0;
    return due < 0 ? 0 : due;
}

void due_rule(const struct policy_queue *queue, char rule[DUE_RULE_BYTES + 1])
{
    rule[0] = '\0';
    if (queue->order == ORDER_NEWEST)
        snprintf(rule, DUE_RULE_BYTES + 1, "%s", queue_order_name(queue->order));
    else if (queue->order == ORDER_URGENCY)
        snprintf(rule, DUE_RULE_BYTES + 1, "%s %lld %lld %lld %lld %lld", queue_order_name(queue->order),
                 (long long)queue->target_ms, (long long)queue->report_ms, (long long)queue->front_page_ms,
                 (long long)queue->watched_ms, (long long)queue->trusted_ms);
}

/* One number and the space before it. */
static bool read_ms(const char **at, int64_t *ms)
{
    char *end;

    if (**at != ' ')
        return false;
    *ms = strtoll(*at + 1, &end, 10);
    bool good = end > *at + 1;
    *at = end;
    return good;
}

bool due_rule_read(const char *rule, struct policy_queue *queue)
{
    const char *urgency = queue_order_name(ORDER_URGENCY);
    size_t len = strlen(urgency);

    *queue = (struct policy_queue){.order = ORDER_OLDEST};
    if (!rule[0])
        return true;
    queue->order = ORDER_NEWEST;
    if (strcmp(rule, queue_order_name(ORDER_NEWEST)) == 0)
        return true;
    queue->order = ORDER_URGENCY;
    if (strncmp(rule, urgency, len) != 0)
        return false;
    const char *at = rule + len;
    return read_ms(&at, &queue->target_ms) && read_ms(&at, &queue->report_ms) && read_ms(&at, &queue->front_page_ms) &&
           read_ms(&at, &queue->watched_ms) && read_ms(&at, &queue->trusted_ms) && !*at;
}

enum mark due_mark(struct work *work, int64_t site, const char *author)
{
    struct store_author row;
    int64_t now = work->ledger ? ledger_now(work->ledger) : work->clock_ms;

    if (!author[0] || !work_ok(work, work->store->ops->author_get(work->store, site, slice_of(author), &row)))
        return MARK_NONE;
    return row.until && row.until <= now ? MARK_NONE : row.mark;
}

static bool on_front_page(struct work *work, const struct store_comment *comment)
{
    struct store_article article;

    return comment->article[0] &&
           work_ok(work,
                   work->store->ops->article_get(work->store, comment->site, slice_of(comment->article), &article)) &&
           article.front_page == 1;
}

static struct due_facts facts_of(struct work *work, const struct store_comment *comment, int64_t received_at)
{
    return (struct due_facts){.received_at = received_at,
                              .reports = comment->reports,
                              .front_page = on_front_page(work, comment),
                              .mark = due_mark(work, comment->site, comment->author)};
}

void due_set(struct work *work, const struct store_site *site, struct store_comment *comment, int64_t received_at)
{
    const struct policy_queue *queue = queue_of(work, slice_of(site->name));
    struct due_facts facts = {.received_at = received_at};

    if (queue->order == ORDER_URGENCY)
        facts = facts_of(work, comment, received_at);
    comment->due_at = due_time(queue, &facts);
}

void due_renew(struct work *work, const struct store_site *site, struct store_comment *comment)
{
    struct store_text text;

    if (comment->text && work_ok(work, work->store->ops->text_head(work->store, comment->text, &text)))
        due_set(work, site, comment, text.received_at);
}

/* Comments that a scan finds, because a scan must not change what it walks over. */
struct found {
    struct store_comment *comments;
    size_t n, cap;
};

static bool remember(void *arg, const struct store_comment *comment)
{
    struct found *found = arg;

    found->comments[found->n++] = *comment;
    return found->n < found->cap;
}

static bool found_begin(struct found *found, size_t cap)
{
    *found = (struct found){.comments = calloc(cap, sizeof(*found->comments)), .cap = cap};
    return found->comments != NULL;
}

/* Puts those anew that are pending and whose time has changed. */
static void put_found(struct work *work, const struct store_site *site, const struct found *found)
{
    for (size_t i = 0; i < found->n && !work->trouble; i++) {
        struct store_comment comment = found->comments[i];
        int64_t before = comment.due_at;
        if (comment.state != STATE_PENDING)
            continue;
        due_renew(work, site, &comment);
        if (comment.due_at != before)
            work_ok(work, work->store->ops->comment_put(work->store, &comment));
    }
}

/* All of the site's due times are made anew, from the beginning. */
static void begin_anew(struct work *work, struct store_site *site)
{
    char rule[DUE_RULE_BYTES + 1];

    due_rule(queue_of(work, slice_of(site->name)), rule);
    snprintf(site->due_rule, sizeof(site->due_rule), "~%.*s", DUE_RULE_BYTES - 1, rule);
    site->due_after[0] = '\0';
    ledger_touch(work->ledger, site);
    work->due_stale = true;
}

/* False while a pass over the site's comments is to be made, or two: the row has one '~' for each before the rule. */
static bool is_level(struct work *work, struct store_site *site)
{
    char rule[DUE_RULE_BYTES + 1];

    if (!site)
        return true;
    due_rule(queue_of(work, slice_of(site->name)), rule);
    if (strcmp(site->due_rule, rule) == 0)
        return true;
    if (strcmp(site->due_rule + strspn(site->due_rule, "~"), rule) != 0)
        begin_anew(work, site);
    return false;
}

/* Something was said that changes due times on both sides of where a pass may be now. That one goes on, and another one
 * comes after it: if it began anew each time, changes that come again and again would keep it from its end. */
static void pass_once_more(struct work *work, struct store_site *site)
{
    if (is_level(work, site)) {
        begin_anew(work, site);
    } else if (site->due_after[0] && site->due_rule[1] != '~') {
        memmove(site->due_rule + 1, site->due_rule, DUE_RULE_BYTES - 1);
        ledger_touch(work->ledger, site);
    }
}

static void put_or_pass(struct work *work, struct store_site *site, struct found *found)
{
    if (found->n == found->cap)
        pass_once_more(work, site);
    else
        put_found(work, site, found);
    free(found->comments);
}

void due_article_changed(struct work *work, struct store_site *site, struct slice article)
{
    struct found found;

    if (queue_of(work, slice_of(site->name))->order != ORDER_URGENCY)
        return;
    if (!found_begin(&found, AT_ONCE)) {
        pass_once_more(work, site);
        return;
    }
    for (enum lane lane = LANE_NORMAL; lane <= LANE_ESCALATED; lane++)
        if (found.n < found.cap)
            work_ok(work, work->store->ops->article_pending(work->store, site->no, article, lane, -1, 0, AT_ONCE,
                                                            remember, &found));
    put_or_pass(work, site, &found);
}

void due_author_changed(struct work *work, struct store_site *site, struct slice author)
{
    struct found found;

    if (queue_of(work, slice_of(site->name))->order != ORDER_URGENCY)
        return;
    if (!found_begin(&found, AT_ONCE)) {
        pass_once_more(work, site);
        return;
    }
    work_ok(work,
            work->store->ops->author_comments(work->store, site->no, author, INT64_MAX, AT_ONCE, remember, &found));
    put_or_pass(work, site, &found);
}

/* One slice of a site; how many comments were looked at. */
static int64_t pass_site(struct work *work, struct store_site *site, int64_t limit)
{
    struct found found;

    if (!found_begin(&found, (size_t)limit))
        return limit; /* later */
    work_ok(work,
            work->store->ops->comment_scan(work->store, site->no, slice_of(site->due_after), limit, remember, &found));
    put_found(work, site, &found);
    if (found.n < found.cap) {
        memmove(site->due_rule, site->due_rule + 1, strlen(site->due_rule)); /* one '~' less */
        site->due_after[0] = '\0';
    } else {
        snprintf(site->due_after, sizeof(site->due_after), "%s", found.comments[found.n - 1].id);
    }
    ledger_touch(work->ledger, site);
    free(found.comments);
    return (int64_t)found.n;
}

/* Each site's row says that it is on its way to another rule before any due time is made by that: else times of two
 * rules would stand beside a row that knows of one. */
static void begin_all(struct work *work)
{
    for (size_t i = 1; i <= ledger_sites(work->ledger); i++)
        is_level(work, ledger_site_at(work->ledger, (int64_t)i));
}

bool due_pass(struct work *work, int64_t limit)
{
    if (work->due_stale)
        begin_all(work);
    for (size_t i = 1; work->due_stale && i <= ledger_sites(work->ledger); i++) {
        struct store_site *site = ledger_site_at(work->ledger, (int64_t)i);
        while (!is_level(work, site) && limit > 0 && !work->trouble)
            limit -= pass_site(work, site, limit);
        if ((limit <= 0 && !is_level(work, site)) || work->trouble)
            return true;
    }
    work->due_stale = false;
    return false;
}

static void explain(struct out *out, const char *what, int64_t ms)
{
    if (ms == 0)
        return;
    out_map(out);
    out_key_cstr(out, "what", what);
    out_key_int(out, "ms", ms);
    out_end(out);
}

void due_explain(struct work *work, struct slice site, const struct store_comment *comment, int64_t received_at,
                 struct out *out)
{
    const struct policy_queue *queue = queue_of(work, site);

    out_key(out, "urgency");
    if (queue->order != ORDER_URGENCY || comment->state != STATE_PENDING) {
        out_nil(out);
        return;
    }
    struct due_facts facts = facts_of(work, comment, received_at);
    out_array(out);
    explain(out, "received", facts.received_at);
    explain(out, "target", queue->target_ms);
    explain(out, "reports", -facts.reports * queue->report_ms);
    explain(out, "front_page", facts.front_page ? -queue->front_page_ms : 0);
    explain(out, "watched", facts.mark == MARK_WATCHED ? -queue->watched_ms : 0);
    explain(out, "trusted", facts.mark == MARK_TRUSTED ? queue->trusted_ms : 0);
    out_end(out);
}
