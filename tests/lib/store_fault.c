#include "store_fault.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct fault_store {
    struct store store;
    struct store *inner;
    uint64_t calls, failures;
    uint64_t left; /* calls until the one that fails; 0: not armed */
    enum store_result result;
    bool for_good;
    bool transaction;
    bool broken;             /* a call failed inside the transaction: until rollback all others do, too */
    enum store_result stuck; /* with what */
    bool ours_failed;        /* the last failure was made here, not by the inner store */
};

static const struct store_ops fault_ops;

static struct fault_store *fault_of(const struct store *store)
{
    assert(store->ops == &fault_ops);
    return (struct fault_store *)store;
}

/* Counts a call. True when it is to fail. */
static bool fault_strikes(struct fault_store *f)
{
    f->calls++;
    if (!f->left || --f->left)
        return false;
    f->left = f->for_good ? 1 : 0;
    f->failures++;
    return true;
}

static enum store_result fault_note(struct fault_store *f, enum store_result result, bool ours)
{
    if (result == STORE_FULL || result == STORE_BUSY || result == STORE_FAILED) {
        f->broken = f->transaction;
        f->stuck = result;
        f->ours_failed = ours;
    }
    return result;
}

/* One function of the table: fails, or calls the same function of the inner store with the rest of the arguments. */
#define PASS(verb, parameters, ...)                                                                                    \
    static enum store_result fault_##verb parameters                                                                   \
    {                                                                                                                  \
        struct fault_store *f = fault_of(store);                                                                       \
        if (f->broken)                                                                                                 \
            return f->stuck;                                                                                           \
        if (fault_strikes(f))                                                                                          \
            return fault_note(f, f->result, true);                                                                     \
        return fault_note(f, f->inner->ops->verb(f->inner, ##__VA_ARGS__), false);                                     \
    }

#define STORE struct store *store

PASS(room, (STORE, int64_t *bytes), bytes)
PASS(epoch, (STORE, unsigned char epoch[EPOCH_BYTES]), epoch)
PASS(epoch_set, (STORE, const unsigned char epoch[EPOCH_BYTES]), epoch)
PASS(boot, (STORE, char boot[64]), boot)
PASS(boot_set, (STORE, const char *boot), boot)
PASS(site_find, (STORE, struct slice name, struct store_site *site), name, site)
PASS(site_scan, (STORE, store_on_site *on, void *arg), on, arg)
PASS(site_put, (STORE, const struct store_site *site), site)
PASS(comment_get, (STORE, int64_t site, struct slice id, struct store_comment *comment), site, id, comment)
PASS(comment_put, (STORE, const struct store_comment *comment), comment)
PASS(comment_scan_all,
     (STORE, int64_t after_site, struct slice after_id, int64_t limit, store_on_comment *on, void *arg), after_site,
     after_id, limit, on, arg)
PASS(text_add, (STORE, const struct store_text *text), text)
PASS(text_get, (STORE, int64_t no, struct store_text *text), no, text)
PASS(text_head, (STORE, int64_t no, struct store_text *text), no, text)
PASS(text_erase, (STORE, int64_t no), no)
PASS(event_add, (STORE, const struct store_event *event), event)
PASS(event_get, (STORE, int64_t no, struct store_event *event), no, event)
PASS(event_head, (STORE, int64_t no, struct store_event *event), no, event)
PASS(event_last, (STORE, struct store_event *event), event)
PASS(log_get, (STORE, int64_t site, int64_t seq, struct store_event *event), site, seq, event)
PASS(log_scan, (STORE, int64_t site, int64_t after, int64_t limit, store_on_event *on, void *arg), site, after, limit,
     on, arg)
PASS(event_scan, (STORE, int64_t after, int64_t limit, store_on_event *on, void *arg), after, limit, on, arg)
PASS(event_scan_keys, (STORE, int64_t after, int64_t limit, store_on_event *on, void *arg), after, limit, on, arg)
PASS(event_scan_back, (STORE, int64_t before, int64_t limit, store_on_event *on, void *arg), before, limit, on, arg)
PASS(text_scan, (STORE, int64_t after, int64_t last, store_on_text *on, void *arg), after, last, on, arg)
PASS(note_scan, (STORE, int64_t after, int64_t last, store_on_note *on, void *arg), after, last, on, arg)
PASS(key_scan, (STORE, store_on_key *on, void *arg), on, arg)
PASS(key_put, (STORE, const struct store_key *key), key)
PASS(note_add, (STORE, int64_t event, struct slice salt, struct slice text), event, salt, text)
PASS(note_get, (STORE, int64_t event, struct slice *text), event, text)
PASS(note_erase, (STORE, int64_t event), event)
PASS(report_get, (STORE, int64_t site, struct slice comment, struct slice reader, struct store_report *report), site,
     comment, reader, report)
PASS(report_put, (STORE, int64_t site, struct slice comment, const struct store_report *report), site, comment, report)
PASS(report_scan, (STORE, int64_t site, struct slice comment, int64_t limit, store_on_report *on, void *arg), site,
     comment, limit, on, arg)
PASS(report_erase, (STORE, int64_t site, struct slice comment), site, comment)
PASS(report_count, (STORE, int64_t site, struct slice comment, int64_t round, int64_t *n), site, comment, round, n)
PASS(report_scan_all,
     (STORE, int64_t after_site, struct slice after_comment, struct slice after_reader, int64_t limit,
      store_on_report_of *on, void *arg),
     after_site, after_comment, after_reader, limit, on, arg)
PASS(article_get, (STORE, int64_t site, struct slice id, struct store_article *article), site, id, article)
PASS(article_put, (STORE, int64_t site, struct slice id, const struct store_article *article), site, id, article)
PASS(listener_put, (STORE, const struct store_listener *listener, int64_t max, int64_t forget_before), listener, max,
     forget_before)
PASS(tidy, (STORE))
PASS(listener_scan, (STORE, store_on_listener *on, void *arg), on, arg)
PASS(operation_get, (STORE, struct slice id, struct store_operation *operation), id, operation)
PASS(operation_add, (STORE, struct slice id, const struct store_operation *operation), id, operation)
PASS(operation_prune, (STORE, int64_t before, int64_t limit), before, limit)
PASS(queue_scan,
     (STORE, int64_t site, enum lane lane, bool held, int64_t after_due_at, int64_t after_text, int64_t limit,
      store_on_comment *on, void *arg),
     site, lane, held, after_due_at, after_text, limit, on, arg)
PASS(queue_figures, (STORE, int64_t site, struct store_queue *figures), site, figures)
PASS(claims_ending, (STORE, int64_t until, int64_t limit, store_on_comment *on, void *arg), until, limit, on, arg)
PASS(claims_of, (STORE, struct slice moderator, int64_t limit, store_on_comment *on, void *arg), moderator, limit, on,
     arg)
PASS(comment_scan, (STORE, int64_t site, struct slice after, int64_t limit, store_on_comment *on, void *arg), site,
     after, limit, on, arg)
PASS(author_comments,
     (STORE, int64_t site, struct slice author, int64_t before, int64_t limit, store_on_comment *on, void *arg), site,
     author, before, limit, on, arg)
PASS(author_figures, (STORE, int64_t site, struct slice author, int64_t limit, struct store_author_figures *figures),
     site, author, limit, figures)
PASS(author_in_state,
     (STORE, int64_t site, struct slice author, enum state state, int64_t among, int64_t limit, store_on_comment *on,
      void *arg),
     site, author, state, among, limit, on, arg)
PASS(article_pending,
     (STORE, int64_t site, struct slice article, enum lane lane, int64_t after_due_at, int64_t after_text,
      int64_t limit, store_on_comment *on, void *arg),
     site, article, lane, after_due_at, after_text, limit, on, arg)
PASS(author_get, (STORE, int64_t site, struct slice id, struct store_author *author), site, id, author)
PASS(author_put, (STORE, const struct store_author *author), author)
PASS(author_erase, (STORE, int64_t site, struct slice id), site, id)
PASS(skip_put, (STORE, struct slice moderator, int64_t text, int64_t until), moderator, text, until)
PASS(skip_scan, (STORE, struct slice moderator, int64_t after_text, int64_t limit, store_on_skip *on, void *arg),
     moderator, after_text, limit, on, arg)
PASS(skip_prune, (STORE, int64_t before, int64_t limit), before, limit)
PASS(batch_add, (STORE, struct slice id, int64_t event), id, event)
PASS(batch_scan, (STORE, struct slice id, int64_t after, int64_t limit, store_on_number *on, void *arg), id, after,
     limit, on, arg)

PASS(author_scan_all, (STORE, int64_t after_site, struct slice after_id, int64_t limit, store_on_author *on, void *arg),
     after_site, after_id, limit, on, arg)
PASS(skip_scan_all,
     (STORE, struct slice after_moderator, int64_t after_text, int64_t limit, store_on_skip_of *on, void *arg),
     after_moderator, after_text, limit, on, arg)
PASS(batch_scan_all,
     (STORE, const unsigned char after_id[BATCH_BYTES], int64_t after_event, int64_t limit, store_on_batch *on,
      void *arg),
     after_id, after_event, limit, on, arg)

static enum store_result fault_begin(struct store *store)
{
    struct fault_store *f = fault_of(store);

    if (fault_strikes(f))
        return fault_note(f, f->result, true);
    enum store_result result = f->inner->ops->begin(f->inner);
    f->transaction = result == STORE_OK;
    return fault_note(f, result, false);
}

static enum store_result fault_commit(struct store *store)
{
    struct fault_store *f = fault_of(store);

    if (f->broken)
        return f->stuck;
    if (fault_strikes(f))
        return fault_note(f, f->result, true);
    enum store_result result = f->inner->ops->commit(f->inner);
    if (result == STORE_OK)
        f->transaction = false;
    return fault_note(f, result, false);
}

static void fault_rollback(struct store *store)
{
    struct fault_store *f = fault_of(store);

    f->transaction = false;
    f->broken = false;
    f->inner->ops->rollback(f->inner);
}

static const char *fault_reason(struct store *store)
{
    struct fault_store *f = fault_of(store);

    return f->ours_failed ? "a fault on demand" : f->inner->ops->reason(f->inner);
}

static void fault_close(struct store *store)
{
    struct fault_store *f = fault_of(store);

    store_close(f->inner);
    free(f);
}

static const struct store_ops fault_ops = {
    .name = "fault",
    .close = fault_close,
    .reason = fault_reason,
    .begin = fault_begin,
    .commit = fault_commit,
    .rollback = fault_rollback,
    .room = fault_room,
    .tidy = fault_tidy,
    .epoch = fault_epoch,
    .epoch_set = fault_epoch_set,
    .boot = fault_boot,
    .boot_set = fault_boot_set,
    .site_find = fault_site_find,
    .site_scan = fault_site_scan,
    .site_put = fault_site_put,
    .comment_get = fault_comment_get,
    .comment_put = fault_comment_put,
    .comment_scan_all = fault_comment_scan_all,
    .text_add = fault_text_add,
    .text_get = fault_text_get,
    .text_head = fault_text_head,
    .text_erase = fault_text_erase,
    .event_add = fault_event_add,
    .event_get = fault_event_get,
    .event_head = fault_event_head,
    .event_last = fault_event_last,
    .event_scan = fault_event_scan,
    .event_scan_keys = fault_event_scan_keys,
    .event_scan_back = fault_event_scan_back,
    .text_scan = fault_text_scan,
    .note_scan = fault_note_scan,
    .key_scan = fault_key_scan,
    .key_put = fault_key_put,
    .log_get = fault_log_get,
    .log_scan = fault_log_scan,
    .note_add = fault_note_add,
    .comment_scan = fault_comment_scan,
    .author_comments = fault_author_comments,
    .author_figures = fault_author_figures,
    .author_in_state = fault_author_in_state,
    .article_pending = fault_article_pending,
    .author_get = fault_author_get,
    .author_put = fault_author_put,
    .author_erase = fault_author_erase,
    .skip_put = fault_skip_put,
    .skip_scan = fault_skip_scan,
    .skip_prune = fault_skip_prune,
    .batch_add = fault_batch_add,
    .batch_scan = fault_batch_scan,
    .author_scan_all = fault_author_scan_all,
    .skip_scan_all = fault_skip_scan_all,
    .batch_scan_all = fault_batch_scan_all,
    .note_get = fault_note_get,
    .note_erase = fault_note_erase,
    .report_get = fault_report_get,
    .report_put = fault_report_put,
    .report_scan = fault_report_scan,
    .report_erase = fault_report_erase,
    .report_count = fault_report_count,
    .report_scan_all = fault_report_scan_all,
    .article_get = fault_article_get,
    .article_put = fault_article_put,
    .listener_put = fault_listener_put,
    .listener_scan = fault_listener_scan,
    .operation_get = fault_operation_get,
    .operation_add = fault_operation_add,
    .operation_prune = fault_operation_prune,
    .queue_scan = fault_queue_scan,
    .queue_figures = fault_queue_figures,
    .claims_ending = fault_claims_ending,
    .claims_of = fault_claims_of,
};

struct store *store_fault_open(struct store *inner)
{
    struct fault_store *f = calloc(1, sizeof(*f));

    if (!f) {
        perror("store_fault");
        abort();
    }
    f->store.ops = &fault_ops;
    f->inner = inner;
    return &f->store;
}

void store_fault_arm(struct store *store, uint64_t nth, enum store_result result, bool for_good)
{
    struct fault_store *f = fault_of(store);

    assert(nth > 0 && (result == STORE_FULL || result == STORE_BUSY || result == STORE_FAILED));
    f->left = nth;
    f->result = result;
    f->for_good = for_good;
}

void store_fault_disarm(struct store *store)
{
    fault_of(store)->left = 0;
}

uint64_t store_fault_calls(const struct store *store)
{
    return fault_of(store)->calls;
}

uint64_t store_fault_failures(const struct store *store)
{
    return fault_of(store)->failures;
}
