/* When a comment is due, which is its place in the queue: the queue is an index by due time, so reading it costs the
 * same whatever the order and however long it is. The due time is set when something changes that it depends on.
 *
 *   oldest   the moment it came
 *   newest   DUE_LAST minus that moment, so the latest is the first; no time that means anything to a person
 *   urgency  the moment it came + target - report x reports - front page - watched + trusted, never below 0
 *
 * A site's row says by which rule its due times were made. When the policy's rule is another one, they are made anew in
 * slices, a few hundred comments a transaction; meanwhile the queue holds both kinds. */
#ifndef MODQD_DUE_H
#define MODQD_DUE_H

#include "work.h"

#define DUE_LAST INT64_C(253402300799999) /* the end of the year 9999 */

/* What urgency is made of, besides the policy. */
struct due_facts {
    int64_t received_at;
    int64_t reports;
    bool front_page;
    enum mark mark; /* as it holds now */
};

/* Pure. */
int64_t due_time(const struct policy_queue *queue, const struct due_facts *facts);

/* The rule as text, for a site's row: "" for oldest, so that sites from before have it. */
void due_rule(const struct policy_queue *queue, char rule[DUE_RULE_BYTES + 1]);

/* The other way round. False when it is none, or one that is still being applied. */
bool due_rule_read(const char *rule, struct policy_queue *queue);

/* Sets comment->due_at by the site's policy; the caller puts the comment. `received_at`: when its current revision
 * came. */
void due_set(struct work *work, const struct store_site *site, struct store_comment *comment, int64_t received_at);

/* The same where the moment is not at hand. */
void due_renew(struct work *work, const struct store_site *site, struct store_comment *comment);

/* Puts the pending comments of an article or an author anew: something was said about it. When there are very many,
 * they are left to due_pass; to the next one, where one is on its way. */
void due_article_changed(struct work *work, struct store_site *site, struct slice article);
void due_author_changed(struct work *work, struct store_site *site, struct slice author);

/* Makes due times anew where a site's rule is not its policy's: looks at `limit` comments at most. True when there is
 * more to do. Within a transaction, before anything that sets due times; with limit 0 it only says of sites that they
 * are on their way. */
bool due_pass(struct work *work, int64_t limit);

/* The mark that moderators gave an author, as it holds now. */
enum mark due_mark(struct work *work, int64_t site, const char *author);

/* The pair `urgency` of a card: what the due time is made of (nil unless the order is urgency). */
void due_explain(struct work *work, struct slice site, const struct store_comment *comment, int64_t received_at,
                 struct out *out);

#endif
