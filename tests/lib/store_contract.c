#include "store_contract.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* One call on the `store` in scope that must end so. */
#define EXPECT(result, verb, ...) assert_int_equal(store->ops->verb(store, ##__VA_ARGS__), result)
#define OK(verb, ...)             EXPECT(STORE_OK, verb, ##__VA_ARGS__)
#define NONE(verb, ...)           EXPECT(STORE_NONE, verb, ##__VA_ARGS__)
#define REFUSED(verb, ...)        EXPECT(STORE_FAILED, verb, ##__VA_ARGS__)

#define S(literal)    SLICE_LIT(literal)
#define BYTES(array)  ((struct slice){(const char *)(array), sizeof(array)})
#define COUNT(array)  (sizeof(array) / sizeof(*(array)))
#define NO_LIMIT      1000
#define START         INT64_MIN, 0
#define MANY_BYTES    (64 * 1024)
#define LONG_NAME     "sixty-four-bytes-are-the-most-that-any-name-may-have-and-no-more"
#define NUMBER(shift) ((INT64_C(1) << 53) + (shift)) /* no double holds it when odd */

static const unsigned char hash_a[HASH_BYTES] = {0x00, 0xff, 0x27, 0x00, 0x80, [31] = 0x01};
static const unsigned char hash_b[HASH_BYTES] = {0x10, 0x00, [31] = 0x02};
static const unsigned char salt_a[SALT_BYTES] = {0x00, 0x00, 0x9c, [15] = 0x00};
static const unsigned char public_a[PUBLIC_KEY_BYTES] = {0x00, 0x01, [31] = 0x00};
static const unsigned char public_b[PUBLIC_KEY_BYTES] = {0x00, 0x01, [31] = 0x01};

static_assert(sizeof(LONG_NAME) == NAME_BYTES + 1, "a name of the greatest length");

/* ---- comparing ---- */

static void slices_equal(struct slice a, struct slice b, const char *file, int line)
{
    _assert_true(!a.data == !b.data, a.data ? "absent where a value was expected" : "a value where none was expected",
                 file, line);
    _assert_int_equal(b.len, a.len, file, line);
    if (a.len)
        _assert_memory_equal(a.data, b.data, a.len, file, line);
}

#define assert_slice(is, expected) slices_equal(expected, is, __FILE__, __LINE__)

static void assert_site(const struct store_site *is, const struct store_site *expected)
{
    assert_int_equal(is->no, expected->no);
    assert_string_equal(is->name, expected->name);
    assert_int_equal(is->newest, expected->newest);
    assert_int_equal(is->pending, expected->pending);
    for (enum kind k = KIND_SUBMITTED; k <= KIND_ERASED; k++)
        assert_int_equal(is->counts[k], expected->counts[k]);
}

static void assert_comment(const struct store_comment *is, const struct store_comment *expected)
{
    assert_int_equal(is->site, expected->site);
    assert_string_equal(is->id, expected->id);
    assert_int_equal(is->state, expected->state);
    assert_int_equal(is->lane, expected->lane);
    assert_int_equal(is->revision, expected->revision);
    assert_int_equal(is->text, expected->text);
    assert_int_equal(is->newest_text, expected->newest_text);
    assert_int_equal(is->last_event, expected->last_event);
    assert_int_equal(is->record, expected->record);
    assert_int_equal(is->decision, expected->decision);
    assert_int_equal(is->due_at, expected->due_at);
    assert_int_equal(is->reports, expected->reports);
    assert_int_equal(is->revisions, expected->revisions);
    assert_string_equal(is->claimed_by, expected->claimed_by);
    assert_string_equal(is->article, expected->article);
    assert_string_equal(is->author, expected->author);
    assert_string_equal(is->language, expected->language);
    if (*expected->claimed_by)
        assert_int_equal(is->claimed_until, expected->claimed_until);
    assert_true(is->stored);
}

static void assert_text(const struct store_text *is, const struct store_text *expected)
{
    assert_int_equal(is->no, expected->no);
    assert_int_equal(is->previous, expected->previous);
    assert_int_equal(is->revision, expected->revision);
    assert_int_equal(is->received_at, expected->received_at);
    assert_slice(is->article, expected->article);
    assert_slice(is->author, expected->author);
    assert_slice(is->language, expected->language);
    assert_slice(is->body, expected->body);
    assert_slice(is->sha256, expected->sha256);
    assert_slice(is->salt, expected->salt);
    assert_slice(is->meta, expected->meta);
}

static void assert_event(const struct store_event *is, const struct store_event *expected)
{
    assert_int_equal(is->no, expected->no);
    assert_int_equal(is->at, expected->at);
    assert_int_equal(is->kind, expected->kind);
    assert_int_equal(is->site, expected->site);
    assert_slice(is->comment, expected->comment);
    assert_int_equal(is->revision, expected->revision);
    assert_int_equal(is->text, expected->text);
    assert_slice(is->actor, expected->actor);
    assert_int_equal(is->seq, expected->seq);
    assert_int_equal(is->previous, expected->previous);
    assert_slice(is->data, expected->data);
    assert_slice(is->via, expected->via);
    assert_slice(is->hash, expected->hash);
    assert_slice(is->sha256, expected->sha256);
}

static void assert_key(const struct store_key *is, const struct store_key *expected)
{
    assert_int_equal(is->no, expected->no);
    assert_string_equal(is->name, expected->name);
    assert_int_equal(is->role, expected->role);
    assert_int_equal(is->rights, expected->rights);
    assert_int_equal(is->has_public, expected->has_public);
    assert_memory_equal(is->public_key, expected->public_key, PUBLIC_KEY_BYTES);
    assert_int_equal(is->uid, expected->uid);
    assert_int_equal(is->all_sites, expected->all_sites);
    assert_slice(is->sites, expected->sites);
    assert_string_equal(is->created_by, expected->created_by);
    assert_int_equal(is->created_at, expected->created_at);
    assert_int_equal(is->expires_at, expected->expires_at);
    assert_int_equal(is->revoked_at, expected->revoked_at);
}

static void assert_report(const struct store_report *is, const struct store_report *expected)
{
    assert_slice(is->reader, expected->reader);
    assert_int_equal(is->round, expected->round);
    assert_int_equal(is->at, expected->at);
    assert_slice(is->reason, expected->reason);
    assert_slice(is->note, expected->note);
}

static void assert_article(const struct store_article *is, const struct store_article *expected)
{
    assert_slice(is->meta, expected->meta);
    assert_int_equal(is->closed, expected->closed);
    assert_int_equal(is->front_page, expected->front_page);
}

static void assert_operation(const struct store_operation *is, const struct store_operation *expected)
{
    assert_slice(is->actor, expected->actor);
    assert_slice(is->request, expected->request);
    assert_int_equal(is->at, expected->at);
    assert_slice(is->answer, expected->answer);
}

/* ---- making ---- */

static struct store_site new_site(int64_t no, const char *name)
{
    struct store_site site = {.no = no};

    snprintf(site.name, sizeof(site.name), "%s", name);
    return site;
}

static struct store_comment new_comment(int64_t site, const char *id, int64_t text)
{
    struct store_comment comment = {.site = site, .state = STATE_PENDING, .revision = 1, .revisions = 1};

    snprintf(comment.id, sizeof(comment.id), "%s", id);
    comment.text = comment.newest_text = comment.last_event = text;
    return comment;
}

static struct store_text new_text(int64_t no, struct slice body)
{
    return (struct store_text){.no = no,
                               .revision = 1,
                               .received_at = 1000 + no,
                               .article = S("article-1"),
                               .author = S("author-1"),
                               .language = S("ar"),
                               .body = body,
                               .sha256 = BYTES(hash_a),
                               .salt = BYTES(salt_a),
                               .meta = S("\x81\xa1x\xc0")};
}

static struct store_event new_event(int64_t no, enum kind kind, int64_t site, struct slice comment)
{
    return (struct store_event){.no = no,
                                .at = 1000 + no,
                                .kind = kind,
                                .site = site,
                                .comment = comment,
                                .revision = 1,
                                .actor = S("front"),
                                .data = S("\x80"),
                                .hash = BYTES(hash_b)};
}

/* A record of the log: event `no`, number `seq` of the site. */
static struct store_event new_record(int64_t no, int64_t site, int64_t seq)
{
    struct store_event event = new_event(no, KIND_APPROVED, site, S("c"));

    event.seq = seq;
    return event;
}

/* A moderator's key for two sites, of a CURVE key or (NULL) of a user. */
static struct store_key new_key(int64_t no, const unsigned char *public_key)
{
    struct store_key key = {.no = no,
                            .role = ROLE_MODERATOR,
                            .rights = RIGHT_UNDO | RIGHT_BULK,
                            .has_public = public_key != NULL,
                            .uid = public_key ? UID_NONE : 1000 + no % 1000,
                            .sites = S("\x92\xa1"
                                       "a\xa1"
                                       "b"),
                            .created_at = 1000 + no % 1000,
                            .expires_at = 9000};

    snprintf(key.name, sizeof(key.name), "key %d", (int)no);
    snprintf(key.created_by, sizeof(key.created_by), "root");
    if (public_key)
        memcpy(key.public_key, public_key, PUBLIC_KEY_BYTES);
    return key;
}

static void queue_put(struct store *store, struct store_comment comment, enum lane lane, const char *holder,
                      int64_t due_at)
{
    comment.lane = lane;
    comment.due_at = due_at;
    snprintf(comment.claimed_by, sizeof(comment.claimed_by), "%s", holder);
    comment.claimed_until = *holder ? 5000 : 0;
    OK(comment_put, &comment);
}

/* ---- what scans gave ---- */

struct seen {
    int64_t values[64];
    size_t count;
    size_t stop_at; /* end the scan with this one; 0: never */
};

static bool see(struct seen *seen, int64_t value)
{
    assert_true(seen->count < COUNT(seen->values));
    seen->values[seen->count++] = value;
    return seen->count != seen->stop_at;
}

static bool see_site(void *arg, const struct store_site *site)
{
    return see(arg, site->no);
}

static bool see_comment(void *arg, const struct store_comment *comment)
{
    return see(arg, comment->text);
}

static bool see_number(void *arg, int64_t no)
{
    return see(arg, no);
}

static bool see_event(void *arg, const struct store_event *event)
{
    return see(arg, event->no);
}

static bool see_text(void *arg, const struct store_text *text)
{
    return see(arg, text->no);
}

static bool see_note(void *arg, const struct store_note *note)
{
    return see(arg, note->event);
}

static bool see_key(void *arg, const struct store_key *key)
{
    return see(arg, key->no);
}

static bool see_report(void *arg, const struct store_report *report)
{
    return see(arg, report->at);
}

static bool see_listener(void *arg, const struct store_listener *listener)
{
    return see(arg, listener->seq);
}

static void seen_equal(const struct seen *seen, const int64_t *expected, size_t count, const char *file, int line)
{
    _assert_int_equal(seen->count, count, file, line);
    for (size_t i = 0; i < count; i++)
        _assert_int_equal((uint64_t)seen->values[i], (uint64_t)expected[i], file, line);
}

#define assert_seen(scan, ...)                                                                                         \
    do {                                                                                                               \
        const int64_t expected_[] = {__VA_ARGS__};                                                                     \
        struct seen seen_ = scan;                                                                                      \
        seen_equal(&seen_, expected_, COUNT(expected_), __FILE__, __LINE__);                                           \
    } while (0)

static struct seen log_after(struct store *store, int64_t site, int64_t after, int64_t limit)
{
    struct seen seen = {.count = 0};

    OK(log_scan, site, after, limit, see_event, &seen);
    return seen;
}

static struct seen events_after(struct store *store, int64_t after, int64_t limit)
{
    struct seen seen = {.count = 0};

    OK(event_scan, after, limit, see_event, &seen);
    return seen;
}

static struct seen of_keys_after(struct store *store, int64_t after, int64_t limit)
{
    struct seen seen = {.count = 0};

    OK(event_scan_keys, after, limit, see_event, &seen);
    return seen;
}

static struct seen events_before(struct store *store, int64_t before, int64_t limit)
{
    struct seen seen = {.count = 0};

    OK(event_scan_back, before, limit, see_event, &seen);
    return seen;
}

static struct seen texts_in(struct store *store, int64_t after, int64_t last)
{
    struct seen seen = {.count = 0};

    OK(text_scan, after, last, see_text, &seen);
    return seen;
}

static struct seen notes_in(struct store *store, int64_t after, int64_t last)
{
    struct seen seen = {.count = 0};

    OK(note_scan, after, last, see_note, &seen);
    return seen;
}

static struct seen keys(struct store *store)
{
    struct seen seen = {.count = 0};

    OK(key_scan, see_key, &seen);
    return seen;
}

static struct seen reports_about(struct store *store, int64_t site, struct slice comment, int64_t limit)
{
    struct seen seen = {.count = 0};

    OK(report_scan, site, comment, limit, see_report, &seen);
    return seen;
}

static struct seen queue_after(struct store *store, int64_t site, enum lane lane, bool held, int64_t due_at,
                               int64_t text, int64_t limit)
{
    struct seen seen = {.count = 0};

    OK(queue_scan, site, lane, held, due_at, text, limit, see_comment, &seen);
    return seen;
}

static struct seen free_of(struct store *store, int64_t site, enum lane lane)
{
    return queue_after(store, site, lane, false, START, NO_LIMIT);
}

static struct seen held_of(struct store *store, int64_t site, enum lane lane)
{
    return queue_after(store, site, lane, true, START, NO_LIMIT);
}

static struct seen ending(struct store *store, int64_t until, int64_t limit)
{
    struct seen seen = {.count = 0};

    OK(claims_ending, until, limit, see_comment, &seen);
    return seen;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* In ascending order, as the store gives them in any. */
static struct seen claims(struct store *store, struct slice moderator, int64_t limit)
{
    struct seen seen = {.count = 0};

    OK(claims_of, moderator, limit, see_comment, &seen);
    qsort(seen.values, seen.count, sizeof(*seen.values), by_value);
    return seen;
}

static struct seen listeners(struct store *store)
{
    struct seen seen = {.count = 0};

    OK(listener_scan, see_listener, &seen);
    qsort(seen.values, seen.count, sizeof(*seen.values), by_value);
    return seen;
}

/* ---- the story ---- */

#define TRY(verb, ...)                                                                                                 \
    do {                                                                                                               \
        enum store_result result_ = store->ops->verb(store, ##__VA_ARGS__);                                            \
        if (result_ != STORE_OK && result_ != STORE_NONE)                                                              \
            return result_;                                                                                            \
    } while (0)

static const unsigned char story_operation[OPERATION_BYTES] = {0x00, 0x00, 0x01};
static const unsigned char story_old_operation[OPERATION_BYTES] = {0x00, 0x00, 0x02};

static enum store_result story_first_comment(struct store *store)
{
    struct store_site site = new_site(1, "news");
    struct store_comment comment = new_comment(1, "one", 1);
    struct store_event event = new_event(1, KIND_SUBMITTED, 1, S("one"));
    struct store_text text = new_text(1, S("the first body"));
    struct store_operation old = {S("ana"), BYTES(hash_a), 10, S("")};

    event.text = 1;
    site.pending = 1;
    TRY(boot_set, "boot-1");
    TRY(epoch_set, hash_a);
    TRY(site_find, S("news"), &(struct store_site){0});
    TRY(event_add, &event);
    TRY(text_add, &text);
    TRY(comment_put, &comment);
    TRY(site_put, &site);
    TRY(article_put, 1, S("article-1"), &(struct store_article){S("\x80"), -1, -1});
    TRY(listener_put, &(struct store_listener){1, S("web"), 0, 1001}, 64, 0);
    TRY(operation_add, BYTES(story_old_operation), &old);
    return STORE_OK;
}

static enum store_result story_second_comment(struct store *store)
{
    struct store_site site = new_site(1, "news");
    struct store_comment comment = new_comment(1, "two", 2);
    struct store_event submitted = new_event(2, KIND_SUBMITTED, 1, S("two"));
    struct store_event reported = new_event(3, KIND_REPORTED, 1, S("one"));
    struct store_text text = new_text(2, S("the second body"));

    submitted.text = 2;
    reported.text = 1;
    reported.previous = 1;
    site.pending = 2;
    comment.due_at = 7;
    TRY(room, &(int64_t){0});
    TRY(comment_get, 1, S("two"), &(struct store_comment){0});
    TRY(event_add, &submitted);
    TRY(text_add, &text);
    TRY(comment_put, &comment);
    TRY(event_add, &reported);
    TRY(report_put, 1, S("one"), &(struct store_report){S("reader-1"), 0, 1003, S("spam"), SLICE_NONE});
    TRY(note_add, 3, BYTES(salt_a), S("what the reader wrote"));
    TRY(site_put, &site);
    return STORE_OK;
}

static enum store_result story_claim(struct store *store)
{
    struct seen seen = {.count = 0};
    struct store_comment comment = new_comment(1, "two", 2);
    struct store_event event = new_event(4, KIND_CLAIMED, 1, S("two"));

    event.text = event.previous = 2;
    comment.stored = true;
    comment.due_at = 7;
    comment.last_event = 4;
    comment.claimed_until = 9000;
    snprintf(comment.claimed_by, sizeof(comment.claimed_by), "ana");
    TRY(queue_scan, 1, LANE_NORMAL, false, START, 10, see_comment, &seen);
    TRY(text_get, 2, &(struct store_text){0});
    TRY(event_add, &event);
    TRY(comment_put, &comment);
    TRY(claims_of, S("ana"), 10, see_comment, &seen);
    return STORE_OK;
}

static enum store_result story_decision(struct store *store)
{
    struct store_site site = new_site(1, "news");
    struct store_comment comment = new_comment(1, "one", 1);
    struct store_event event = new_record(5, 1, 1);
    struct store_operation operation = {S("ana"), BYTES(hash_b), 2000, S("\x81\xa2ok\xc3")};

    event.comment = S("one");
    event.text = 1;
    event.previous = 3;
    comment.stored = true;
    comment.state = STATE_APPROVED;
    comment.last_event = comment.record = comment.decision = 5;
    site.pending = site.newest = 1;
    site.counts[KIND_APPROVED] = 1;
    TRY(operation_get, BYTES(story_operation), &(struct store_operation){.at = 0});
    TRY(comment_get, 1, S("one"), &(struct store_comment){0});
    TRY(event_last, &(struct store_event){0});
    TRY(event_add, &event);
    TRY(note_add, 5, BYTES(salt_a), S("a note of the moderator"));
    TRY(comment_put, &comment);
    TRY(site_put, &site);
    TRY(operation_add, BYTES(story_operation), &operation);
    TRY(log_get, 1, 1, &(struct store_event){0});
    return STORE_OK;
}

/* An event about no comment, and two keys, one of which is revoked at once. */
static enum store_result story_keys(struct store *store)
{
    struct seen seen = {.count = 0};
    struct store_event event = new_event(6, KIND_KEY_ADDED, 0, S(""));
    struct store_key first = new_key(1, public_a), second = new_key(2, NULL);

    event.via = S("uid:0");
    TRY(key_scan, see_key, &seen);
    TRY(event_add, &event);
    TRY(key_put, &first);
    TRY(key_put, &second);
    first.expires_at = 8000;
    first.revoked_at = 1500;
    TRY(key_put, &first);
    return STORE_OK;
}

static enum store_result story_erasure(struct store *store)
{
    struct seen seen = {.count = 0};
    struct store_site site = new_site(1, "news");
    struct store_comment comment = new_comment(1, "one", 1);
    struct store_event event = new_record(7, 1, 2);

    event.kind = KIND_ERASED;
    event.comment = S("one");
    event.text = 1;
    event.previous = 5;
    comment.stored = true;
    comment.state = STATE_ERASED;
    comment.last_event = comment.record = 7;
    site.pending = 1;
    site.newest = 2;
    TRY(report_scan, 1, S("one"), 10, see_report, &seen);
    TRY(event_add, &event);
    TRY(text_erase, 1);
    TRY(note_erase, 3);
    TRY(report_erase, 1, S("one"));
    TRY(comment_put, &comment);
    TRY(site_put, &site);
    TRY(article_put, 1, S("article-1"), &(struct store_article){S("\x81\xa1x\xc0"), 1, 0});
    TRY(listener_put, &(struct store_listener){1, S("web"), 2, 1006}, 64, 0);
    TRY(operation_prune, 1000, 10);
    TRY(epoch_set, hash_b);
    TRY(boot_set, "boot-2");
    TRY(log_scan, 1, 0, 10, see_event, &seen);
    TRY(event_scan, 0, 10, see_event, &seen);
    TRY(event_scan_keys, 0, 10, see_event, &seen);
    TRY(event_scan_back, 10, 10, see_event, &seen);
    TRY(text_scan, 0, 10, see_text, &seen);
    TRY(note_scan, 0, 10, see_note, &seen);
    return STORE_OK;
}

enum store_result store_story(struct store *store, int part)
{
    static enum store_result (*const parts[STORE_STORY_PARTS])(struct store *) = {
        story_first_comment, story_second_comment, story_claim, story_decision, story_keys, story_erasure};

    return parts[part](store);
}

/* ---- the dump ---- */

static void dump_slice(FILE *out, const char *name, struct slice s)
{
    fprintf(out, " %s=%s", name, s.data ? "" : "absent");
    for (size_t i = 0; i < s.len; i++)
        fprintf(out, "%02x", (unsigned char)s.data[i]);
}

static void dump_comment(FILE *out, const char *from, const struct store_comment *c)
{
    fprintf(out, "%s %ld %s state %d lane %d revision %ld text %ld %ld event %ld record %ld decision %ld due %ld", from,
            (long)c->site, c->id, c->state, c->lane, (long)c->revision, (long)c->text, (long)c->newest_text,
            (long)c->last_event, (long)c->record, (long)c->decision, (long)c->due_at);
    fprintf(out, " reports %ld revisions %ld claim \"%s\" %ld\n", (long)c->reports, (long)c->revisions, c->claimed_by,
            (long)c->claimed_until);
}

static void dump_event(FILE *out, const char *from, const struct store_event *e)
{
    fprintf(out, "%s %ld at %ld kind %d site %ld revision %ld text %ld seq %ld previous %ld", from, (long)e->no,
            (long)e->at, e->kind, (long)e->site, (long)e->revision, (long)e->text, (long)e->seq, (long)e->previous);
    dump_slice(out, "comment", e->comment);
    dump_slice(out, "actor", e->actor);
    dump_slice(out, "data", e->data);
    dump_slice(out, "via", e->via);
    dump_slice(out, "hash", e->hash);
    dump_slice(out, "sha256", e->sha256);
    fputc('\n', out);
}

static void dump_text(FILE *out, const struct store_text *t)
{
    fprintf(out, "text %ld previous %ld revision %ld at %ld", (long)t->no, (long)t->previous, (long)t->revision,
            (long)t->received_at);
    dump_slice(out, "article", t->article);
    dump_slice(out, "author", t->author);
    dump_slice(out, "language", t->language);
    dump_slice(out, "body", t->body);
    dump_slice(out, "sha256", t->sha256);
    dump_slice(out, "salt", t->salt);
    dump_slice(out, "meta", t->meta);
    fputc('\n', out);
}

static bool dump_on_site(void *arg, const struct store_site *site)
{
    fprintf(arg, "site %ld %s newest %ld pending %ld counts", (long)site->no, site->name, (long)site->newest,
            (long)site->pending);
    for (enum kind k = KIND_SUBMITTED; k <= KIND_ERASED; k++)
        fprintf(arg, " %ld", (long)site->counts[k]);
    fputc('\n', arg);
    return true;
}

static bool dump_on_claim(void *arg, const struct store_comment *comment)
{
    dump_comment(arg, "claim", comment);
    return true;
}

static bool dump_on_queue(void *arg, const struct store_comment *comment)
{
    dump_comment(arg, "queue", comment);
    return true;
}

static bool dump_on_record(void *arg, const struct store_event *event)
{
    dump_event(arg, "record", event);
    return true;
}

static bool dump_on_report(void *arg, const struct store_report *report)
{
    fprintf(arg, "report at %ld round %ld", (long)report->at, (long)report->round);
    dump_slice(arg, "reader", report->reader);
    dump_slice(arg, "reason", report->reason);
    dump_slice(arg, "note", report->note);
    fputc('\n', arg);
    return true;
}

static bool dump_on_listener(void *arg, const struct store_listener *listener)
{
    fprintf(arg, "listener %ld seq %ld at %ld", (long)listener->site, (long)listener->seq, (long)listener->at);
    dump_slice(arg, "name", listener->name);
    fputc('\n', arg);
    return true;
}

static bool dump_on_key(void *arg, const struct store_key *key)
{
    fprintf(arg, "key %ld %s role %d rights %u uid %ld all %d by %s at %ld until %ld revoked %ld", (long)key->no,
            key->name, key->role, key->rights, (long)key->uid, key->all_sites, key->created_by, (long)key->created_at,
            (long)key->expires_at, (long)key->revoked_at);
    dump_slice(arg, "public", key->has_public ? BYTES(key->public_key) : SLICE_NONE);
    dump_slice(arg, "sites", key->sites);
    fputc('\n', arg);
    return true;
}

static enum store_result must_read(enum store_result result)
{
    assert_true(result == STORE_OK || result == STORE_NONE);
    return result;
}

#define FOUND(verb, ...) (must_read(store->ops->verb(store, ##__VA_ARGS__)) == STORE_OK)

static void dump_events(struct store *store, FILE *out)
{
    struct store_event event;
    struct store_text text;
    struct slice note;

    for (int64_t no = 1; FOUND(event_get, no, &event); no++) {
        dump_event(out, "event", &event);
        if (FOUND(text_get, no, &text))
            dump_text(out, &text);
        if (FOUND(note_get, no, &note))
            dump_slice(out, "note", note);
    }
    if (FOUND(event_last, &event))
        dump_event(out, "last", &event);
    OK(log_scan, 1, 0, NO_LIMIT, dump_on_record, out);
}

static void dump_comments(struct store *store, FILE *out)
{
    static const char *const ids[] = {"one", "two"};
    struct store_comment comment;

    for (size_t i = 0; i < COUNT(ids); i++) {
        if (FOUND(comment_get, 1, slice_of(ids[i]), &comment))
            dump_comment(out, "comment", &comment);
        OK(report_scan, 1, slice_of(ids[i]), NO_LIMIT, dump_on_report, out);
    }
    for (enum lane lane = 0; lane < LANE_COUNT; lane++) {
        OK(queue_scan, 1, lane, false, START, NO_LIMIT, dump_on_queue, out);
        OK(queue_scan, 1, lane, true, START, NO_LIMIT, dump_on_queue, out);
    }
    OK(claims_ending, INT64_MAX, NO_LIMIT, dump_on_claim, out);
    OK(claims_of, S("ana"), NO_LIMIT, dump_on_claim, out);
}

static void dump_operation(struct store *store, FILE *out, struct slice id)
{
    struct store_operation operation;

    if (!FOUND(operation_get, id, &operation))
        return;
    fprintf(out, "operation at %ld", (long)operation.at);
    dump_slice(out, "actor", operation.actor);
    dump_slice(out, "request", operation.request);
    dump_slice(out, "answer", operation.answer);
    fputc('\n', out);
}

static void dump_rest(struct store *store, FILE *out)
{
    struct store_queue figures;
    struct store_article article;
    unsigned char epoch[EPOCH_BYTES];
    char boot[64];

    OK(queue_figures, 1, &figures);
    fprintf(out, "figures %ld %ld %ld\n", (long)figures.escalated, (long)figures.claimed, (long)figures.oldest);
    if (FOUND(article_get, 1, S("article-1"), &article)) {
        fprintf(out, "article %d %d", article.closed, article.front_page);
        dump_slice(out, "meta", article.meta);
    }
    if (FOUND(epoch, epoch))
        dump_slice(out, "epoch", BYTES(epoch));
    OK(boot, boot);
    fprintf(out, " boot %s\n", boot);
}

char *store_dump(struct store *store)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    assert_non_null(out);
    OK(site_scan, dump_on_site, out);
    dump_events(store, out);
    dump_comments(store, out);
    OK(listener_scan, dump_on_listener, out);
    OK(key_scan, dump_on_key, out);
    dump_operation(store, out, BYTES(story_operation));
    dump_operation(store, out, BYTES(story_old_operation));
    dump_rest(store, out);
    fclose(out);
    return text;
}

/* ---- the store as a whole ---- */

void a_new_store_holds_nothing(struct store *store)
{
    struct seen seen = {.count = 0};
    struct store_queue figures;
    struct slice note;

    NONE(site_find, S("news"), &(struct store_site){0});
    NONE(comment_get, 1, S("c"), &(struct store_comment){0});
    NONE(text_get, 1, &(struct store_text){0});
    NONE(text_get, 0, &(struct store_text){0});
    NONE(event_get, 1, &(struct store_event){0});
    NONE(event_get, 0, &(struct store_event){0});
    NONE(event_last, &(struct store_event){0});
    NONE(log_get, 1, 1, &(struct store_event){0});
    NONE(note_get, 1, &note);
    NONE(report_get, 1, S("c"), S("r"), &(struct store_report){.at = 0});
    NONE(article_get, 1, S("a"), &(struct store_article){.closed = 0});
    NONE(operation_get, BYTES(story_operation), &(struct store_operation){.at = 0});
    OK(site_scan, see_site, &seen);
    OK(listener_scan, see_listener, &seen);
    OK(queue_figures, 1, &figures);
    assert_int_equal(seen.count + figures.claimed + figures.escalated + figures.oldest, 0);
    assert_seen(log_after(store, 1, 0, NO_LIMIT));
    assert_seen(events_after(store, 0, NO_LIMIT));
    assert_seen(of_keys_after(store, 0, NO_LIMIT));
    assert_seen(events_before(store, INT64_MAX, NO_LIMIT));
    assert_seen(texts_in(store, 0, INT64_MAX));
    assert_seen(notes_in(store, 0, INT64_MAX));
    assert_seen(keys(store));
    assert_seen(reports_about(store, 1, S("c"), NO_LIMIT));
    assert_seen(free_of(store, 1, LANE_NORMAL));
    assert_seen(ending(store, INT64_MAX, NO_LIMIT));
    assert_seen(claims(store, S("ana"), NO_LIMIT));
    assert_non_null(store->ops->name);
}

void there_is_room_in_a_new_store(struct store *store)
{
    int64_t bytes = 0;

    OK(room, &bytes);
    assert_true(bytes > 0);
    OK(begin);
    bytes = 0;
    OK(room, &bytes);
    assert_true(bytes > 0);
    OK(commit);
}

void a_new_store_has_an_epoch_that_stays(struct store *store)
{
    unsigned char first[EPOCH_BYTES], again[EPOCH_BYTES];

    OK(epoch, first);
    OK(begin);
    OK(site_put, &(struct store_site){.no = 1, .name = "news"});
    OK(commit);
    OK(epoch, again);
    assert_memory_equal(first, again, EPOCH_BYTES);
}

void the_epoch_is_what_was_set_last(struct store *store)
{
    static const unsigned char last[EPOCH_BYTES] = {0x00, 0xff, 0x00, '\'', [15] = 0xfe};
    unsigned char epoch[EPOCH_BYTES + 1];

    epoch[EPOCH_BYTES] = 0x5a;
    OK(begin);
    OK(epoch_set, hash_a);
    OK(epoch_set, last);
    OK(commit);
    for (int i = 0; i < 2; i++) {
        memset(epoch, 0, EPOCH_BYTES);
        OK(epoch, epoch);
        assert_memory_equal(epoch, last, EPOCH_BYTES);
        assert_int_equal(epoch[EPOCH_BYTES], 0x5a);
    }
}

void the_boot_is_what_was_set_last(struct store *store)
{
    static const char longest[] = "0123456789-123456789-123456789-123456789-123456789-123456789-12";
    char boot[64] = "something";

    static_assert(sizeof(longest) == sizeof(boot), "a boot id of the greatest length");
    OK(boot, boot);
    assert_string_equal(boot, "");
    OK(begin);
    OK(boot_set, longest);
    OK(commit);
    OK(boot, boot);
    assert_string_equal(boot, longest);
    OK(begin);
    OK(boot_set, "short");
    OK(commit);
    OK(boot, boot);
    assert_string_equal(boot, "short");
}

void a_transaction_sees_its_own_writes(struct store *store)
{
    OK(begin);
    for (int part = 0; part < STORE_STORY_PARTS; part++)
        assert_int_equal(store_story(store, part), STORE_OK);
    char *inside = store_dump(store);
    OK(commit);
    char *after = store_dump(store);
    assert_string_equal(inside, after);
    assert_non_null(strstr(after, "event 7 "));
    free(inside);
    free(after);
}

void rollback_undoes_every_kind_of_change(struct store *store)
{
    for (int part = 0; part < STORE_STORY_PARTS; part++) {
        char *before = store_dump(store);
        OK(begin);
        assert_int_equal(store_story(store, part), STORE_OK);
        store->ops->rollback(store);
        char *after = store_dump(store);
        assert_string_equal(before, after);
        OK(begin);
        assert_int_equal(store_story(store, part), STORE_OK);
        OK(commit);
        free(before);
        free(after);
    }
}

void rollback_outside_a_transaction_is_harmless(struct store *store)
{
    store->ops->rollback(store);
    OK(begin);
    OK(site_put, &(struct store_site){.no = 1, .name = "news"});
    OK(commit);
    store->ops->rollback(store);
    store->ops->rollback(store);
    OK(site_find, S("news"), &(struct store_site){0});
    OK(begin);
    OK(commit);
}

void a_transaction_that_wrote_nothing_changes_nothing(struct store *store)
{
    char *before = store_dump(store);

    OK(begin);
    OK(commit);
    OK(begin);
    NONE(site_find, S("news"), &(struct store_site){0});
    store->ops->rollback(store);
    char *after = store_dump(store);
    assert_string_equal(before, after);
    free(before);
    free(after);
}

void numbers_rolled_back_are_used_again(struct store *store)
{
    struct store_event event = new_record(1, 1, 1);
    struct store_text text = new_text(1, S("body"));

    for (int i = 0; i < 3; i++) {
        OK(begin);
        OK(event_add, &event);
        OK(text_add, &text);
        store->ops->rollback(store);
        NONE(event_last, &(struct store_event){0});
    }
    OK(begin);
    OK(event_add, &event);
    OK(text_add, &text);
    OK(commit);
    OK(log_get, 1, 1, &(struct store_event){0});
}

/* ---- sites ---- */

void a_site_is_found_by_its_exact_name(struct store *store)
{
    static const char *const names[] = {"news", "News", "new", "news2", "news/", "1", "1.0", "n%", "n_", LONG_NAME};
    struct store_site site;

    OK(begin);
    for (size_t i = 0; i < COUNT(names); i++)
        OK(site_put, &(struct store_site[]){new_site((int64_t)i + 1, names[i])}[0]);
    OK(commit);
    for (size_t i = 0; i < COUNT(names); i++) {
        OK(site_find, slice_of(names[i]), &site);
        assert_site(&site, &(struct store_site[]){new_site((int64_t)i + 1, names[i])}[0]);
    }
    NONE(site_find, S("NEWS"), &site);
    NONE(site_find, S("news\0"), &site);
    NONE(site_find, S("n"), &site);
    NONE(site_find, S(""), &site);
    /* a slice has no NUL at its end */
    OK(site_find, ((struct slice){"newspaper", 4}), &site);
    assert_int_equal(site.no, 1);
}

void counters_of_a_site_round_trip_for_every_kind(struct store *store)
{
    struct store_site site = new_site(1, "news"), found;

    site.newest = NUMBER(1);
    site.pending = NUMBER(3);
    for (enum kind k = KIND_SUBMITTED; k <= KIND_ERASED; k++)
        site.counts[k] = NUMBER(100 + k);
    OK(begin);
    OK(site_put, &site);
    OK(commit);
    OK(site_find, S("news"), &found);
    assert_site(&found, &site);
}

void putting_a_site_again_updates_that_site_alone(struct store *store)
{
    struct store_site first = new_site(1, "news"), second = new_site(2, "blog"), found;
    struct seen seen = {.count = 0};

    OK(begin);
    OK(site_put, &first);
    OK(site_put, &second);
    OK(commit);
    first.pending = 7;
    first.newest = 8;
    first.counts[KIND_ERASED] = 9;
    OK(begin);
    OK(site_put, &first);
    OK(commit);
    OK(site_find, S("news"), &found);
    assert_site(&found, &first);
    OK(site_find, S("blog"), &found);
    assert_site(&found, &second);
    OK(site_scan, see_site, &seen);
    assert_seen(seen, 1, 2);
}

void sites_are_scanned_by_number(struct store *store)
{
    struct seen seen = {.count = 0};

    OK(begin);
    OK(site_put, &(struct store_site){.no = 1, .name = "zebra"});
    OK(site_put, &(struct store_site){.no = 2, .name = "middle"});
    OK(site_put, &(struct store_site){.no = 3, .name = "aardvark"});
    OK(site_put, &(struct store_site){.no = 1, .name = "zebra", .pending = 1});
    OK(commit);
    OK(site_scan, see_site, &seen);
    assert_seen(seen, 1, 2, 3);
}

/* ---- comments ---- */

/* Every number another, and every text of the greatest length. */
static struct store_comment full_comment(void)
{
    struct store_comment c = {.site = 3, .state = STATE_PENDING, .lane = LANE_ESCALATED};

    memset(c.id, 'x', KEY_BYTES);
    memcpy(c.claimed_by, LONG_NAME, sizeof(LONG_NAME));
    c.revision = NUMBER(1);
    c.text = NUMBER(3);
    c.newest_text = NUMBER(5);
    c.last_event = NUMBER(7);
    c.record = NUMBER(9);
    c.decision = NUMBER(11);
    c.due_at = NUMBER(13);
    c.reports = NUMBER(15);
    c.revisions = NUMBER(17);
    c.claimed_until = NUMBER(19);
    memset(c.article, 'a', KEY_BYTES);
    memset(c.author, 'b', KEY_BYTES);
    memset(c.language, 'l', LANGUAGE_BYTES);
    return c;
}

void every_field_of_a_comment_round_trips(struct store *store)
{
    struct store_comment full = full_comment(), bare = {.site = 3, .id = "-", .state = STATE_WITHDRAWN}, found;

    OK(begin);
    OK(comment_put, &full);
    OK(comment_put, &bare);
    OK(commit);
    OK(comment_get, 3, slice_of(full.id), &found);
    assert_comment(&found, &full);
    OK(comment_get, 3, S("-"), &found);
    assert_comment(&found, &bare);
}

void every_state_and_lane_round_trips(struct store *store)
{
    struct store_comment found;
    char id[16];

    OK(begin);
    for (int i = STATE_PENDING * LANE_COUNT; i < STATE_COUNT * LANE_COUNT; i++) {
        snprintf(id, sizeof(id), "%d", i);
        struct store_comment comment = new_comment(1, id, i);
        comment.state = i / LANE_COUNT;
        comment.lane = i % LANE_COUNT;
        OK(comment_put, &comment);
    }
    OK(commit);
    for (int i = STATE_PENDING * LANE_COUNT; i < STATE_COUNT * LANE_COUNT; i++) {
        snprintf(id, sizeof(id), "%d", i);
        OK(comment_get, 1, slice_of(id), &found);
        assert_int_equal(found.state, i / LANE_COUNT);
        assert_int_equal(found.lane, i % LANE_COUNT);
    }
}

void a_comment_belongs_to_its_site(struct store *store)
{
    struct store_comment first = new_comment(1, "c", 11), second = new_comment(2, "c", 22), found;

    OK(begin);
    OK(comment_put, &first);
    OK(comment_put, &second);
    OK(commit);
    OK(comment_get, 1, S("c"), &found);
    assert_comment(&found, &first);
    OK(comment_get, 2, S("c"), &found);
    assert_comment(&found, &second);
    NONE(comment_get, 3, S("c"), &found);
}

void comment_ids_differ_by_any_byte(struct store *store)
{
    static const char longest[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
                                  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeX";
    static const char *const ids[] = {"a",
                                      "A",
                                      "a ",
                                      " a",
                                      "%",
                                      "_",
                                      "a%",
                                      "a_",
                                      "'",
                                      "''",
                                      "\"",
                                      "');--",
                                      "\\",
                                      "\\\\",
                                      "?1",
                                      "*",
                                      "1",
                                      "01",
                                      "1.0",
                                      "1e0",
                                      "+1",
                                      "0x1",
                                      "NULL",
                                      "\xd8\xaa\xd8\xb9\xd9\x84\xd9\x8a\xd9\x82",
                                      "\xd8\xaa\xd8\xb9\xd9\x84\xd9\x8a",
                                      "\xc3\xa9",
                                      "e\xcc\x81",
                                      "\xc3\x89",
                                      "\xef\xbb\xbf"
                                      "a",
                                      "a\n",
                                      "\x7f",
                                      "9223372036854775808",
                                      "9223372036854775807",
                                      longest};
    struct store_comment found;

    static_assert(sizeof(longest) == KEY_BYTES + 1, "an id of the greatest length");
    OK(begin);
    for (size_t i = 0; i < COUNT(ids); i++)
        OK(comment_put, &(struct store_comment[]){new_comment(1, ids[i], (int64_t)i + 1)}[0]);
    OK(commit);
    for (size_t i = 0; i < COUNT(ids); i++) {
        OK(comment_get, 1, slice_of(ids[i]), &found);
        assert_string_equal(found.id, ids[i]);
        assert_int_equal(found.text, i + 1);
    }
    NONE(comment_get, 1, S("b"), &found);
    NONE(comment_get, 1, S("a\0"), &found);
    NONE(comment_get, 1, ((struct slice){longest, KEY_BYTES - 1}), &found);
}

void a_stored_comment_is_updated_alone(struct store *store)
{
    struct store_comment first = new_comment(1, "first", 1), second = new_comment(1, "second", 2), found;
    struct store_comment full = full_comment();

    OK(begin);
    OK(comment_put, &first);
    OK(comment_put, &second);
    OK(comment_put, &full);
    OK(commit);
    OK(comment_get, 1, S("first"), &found);
    first = full;
    first.site = 1;
    memcpy(first.id, "first", sizeof("first"));
    first.stored = found.stored;
    OK(begin);
    OK(comment_put, &first);
    OK(commit);
    OK(comment_get, 1, S("first"), &found);
    assert_comment(&found, &first);
    OK(comment_get, 1, S("second"), &found);
    assert_comment(&found, &second);
    /* and back to nothing */
    first = (struct store_comment){.site = 1, .id = "first", .state = STATE_ERASED, .stored = true};
    OK(begin);
    OK(comment_put, &first);
    OK(commit);
    OK(comment_get, 1, S("first"), &found);
    assert_comment(&found, &first);
}

/* ---- texts ---- */

void every_field_of_a_text_round_trips(struct store *store)
{
    struct store_text text = new_text(7, S("body")), found;

    text.previous = 5;
    text.revision = NUMBER(1);
    text.received_at = NUMBER(3);
    text.article = S("a'%\xd8\xaa");
    text.author = S("123");
    text.language = S("pt-BR");
    text.meta = S("\x82\x00\xff'");
    OK(begin);
    OK(text_add, &text);
    OK(commit);
    OK(text_get, 7, &found);
    assert_text(&found, &text);
    NONE(text_get, 5, &found);
    NONE(text_get, 8, &found);
}

void a_body_may_be_long_and_hold_any_bytes(struct store *store)
{
    char *bytes = malloc(MANY_BYTES);
    struct store_text text = new_text(1, (struct slice){bytes, MANY_BYTES}), found;

    assert_non_null(bytes);
    for (size_t i = 0; i < MANY_BYTES; i++)
        bytes[i] = (char)(i * 31 + i / 256);
    text.meta = (struct slice){bytes, 1000};
    OK(begin);
    OK(text_add, &text);
    text.no = 2;
    text.body = S("\0");
    OK(text_add, &text);
    OK(commit);
    OK(text_get, 2, &found);
    assert_slice(found.body, S("\0"));
    OK(text_get, 1, &found);
    assert_slice(found.body, ((struct slice){bytes, MANY_BYTES}));
    assert_slice(found.meta, ((struct slice){bytes, 1000}));
    free(bytes);
}

void empty_and_absent_fields_of_a_text_stay_apart(struct store *store)
{
    struct store_text empty = new_text(1, S("")), absent = new_text(2, S("body")), found;

    empty.article = empty.author = empty.language = empty.meta = S("");
    absent.article = absent.author = absent.language = SLICE_NONE;
    OK(begin);
    OK(text_add, &empty);
    OK(text_add, &absent);
    OK(commit);
    OK(text_get, 1, &found);
    assert_text(&found, &empty);
    OK(text_get, 2, &found);
    assert_text(&found, &absent);
}

void a_text_is_never_replaced(struct store *store)
{
    struct store_text text = new_text(1, S("the body")), other = new_text(1, S("another body")), found;

    OK(begin);
    OK(text_add, &text);
    OK(commit);
    other.sha256 = BYTES(hash_b);
    OK(begin);
    REFUSED(text_add, &other);
    assert_true(strlen(store->ops->reason(store)) > 0);
    store->ops->rollback(store);
    OK(text_get, 1, &found);
    assert_text(&found, &text);
    OK(begin);
    REFUSED(text_add, &text);
    store->ops->rollback(store);
}

void an_erased_text_keeps_its_numbers_only(struct store *store)
{
    struct store_text first = new_text(1, S("first")), second = new_text(2, S("second")), found;

    second.previous = 1;
    second.revision = 2;
    OK(begin);
    OK(text_add, &first);
    OK(text_add, &second);
    OK(commit);
    OK(begin);
    OK(text_erase, 2);
    OK(commit);
    OK(text_get, 2, &found);
    assert_text(&found, &(struct store_text){.no = 2, .previous = 1, .revision = 2, .received_at = second.received_at});
    OK(text_get, 1, &found);
    assert_text(&found, &first);
}

void an_erased_text_is_never_filled_again(struct store *store)
{
    struct store_text text = new_text(1, S("body")), found;

    OK(begin);
    OK(text_add, &text);
    OK(text_erase, 1);
    OK(commit);
    OK(begin);
    REFUSED(text_add, &text);
    store->ops->rollback(store);
    OK(begin);
    OK(text_erase, 1);
    OK(commit);
    OK(text_get, 1, &found);
    assert_slice(found.body, SLICE_NONE);
}

/* ---- events ---- */

void every_field_of_an_event_round_trips(struct store *store)
{
    struct store_event event = new_event(1, KIND_REJECTED, NUMBER(1), S("c'%\xd8\xaa")), found;

    event.at = NUMBER(3);
    event.revision = NUMBER(5);
    event.text = NUMBER(7);
    event.actor = slice_of(LONG_NAME);
    event.seq = NUMBER(9);
    event.previous = NUMBER(11);
    event.data = S("\x81\x00\xff'");
    event.via = S("key:\xd8\xaa'7");
    event.hash = BYTES(hash_a);
    OK(begin);
    OK(event_add, &event);
    OK(commit);
    OK(event_get, 1, &found);
    assert_event(&found, &event);
    OK(event_last, &found);
    assert_event(&found, &event);
    OK(log_get, event.site, event.seq, &found);
    assert_event(&found, &event);
    NONE(event_get, 2, &found);
    NONE(event_get, 0, &found);
    NONE(event_get, -1, &found);
}

void every_kind_of_event_round_trips(struct store *store)
{
    struct store_event found;

    OK(begin);
    for (enum kind k = KIND_SUBMITTED; k < KIND_COUNT; k++)
        OK(event_add, &(struct store_event[]){new_event(k, k, 1, S("c"))}[0]);
    OK(commit);
    for (enum kind k = KIND_SUBMITTED; k < KIND_COUNT; k++) {
        OK(event_get, k, &found);
        assert_int_equal(found.kind, k);
    }
}

void empty_data_of_an_event_is_not_absent(struct store *store)
{
    struct store_event event = new_event(1, KIND_CLAIMED, 1, S("c")), found;

    event.data = S("");
    OK(begin);
    OK(event_add, &event);
    OK(commit);
    OK(event_get, 1, &found);
    assert_event(&found, &event);
}

void an_event_that_came_some_way_is_not_one_that_came_none(struct store *store)
{
    struct store_event none = new_event(1, KIND_CLAIMED, 1, S("c")), empty = new_event(2, KIND_CLAIMED, 1, S("c"));
    struct store_event found;

    empty.via = S("");
    OK(begin);
    OK(event_add, &none);
    OK(event_add, &empty);
    OK(commit);
    OK(event_get, 1, &found);
    assert_slice(found.via, SLICE_NONE);
    OK(event_get, 2, &found);
    assert_slice(found.via, S(""));
}

void an_event_is_never_replaced(struct store *store)
{
    struct store_event first = new_event(1, KIND_SUBMITTED, 1, S("c")), second = new_event(2, KIND_CLAIMED, 1, S("c"));
    struct store_event other = new_event(1, KIND_ERASED, 1, S("other")), found;

    OK(begin);
    OK(event_add, &first);
    OK(event_add, &second);
    OK(commit);
    OK(begin);
    REFUSED(event_add, &other);
    assert_true(strlen(store->ops->reason(store)) > 0);
    store->ops->rollback(store);
    OK(event_get, 1, &found);
    assert_event(&found, &first);
    OK(event_last, &found);
    assert_event(&found, &second);
}

void an_event_cannot_skip_a_number(struct store *store)
{
    static const int64_t wrong[] = {3, 0, -1, INT64_MAX};
    struct store_event event = new_event(1, KIND_SUBMITTED, 1, S("c")), found;

    OK(begin);
    OK(event_add, &event);
    OK(commit);
    for (size_t i = 0; i < COUNT(wrong); i++) {
        event.no = wrong[i];
        OK(begin);
        REFUSED(event_add, &event);
        store->ops->rollback(store);
        OK(event_last, &found);
        assert_int_equal(found.no, 1);
    }
    event.no = 2;
    OK(begin);
    OK(event_add, &event);
    OK(commit);
}

void the_last_event_is_the_newest(struct store *store)
{
    struct store_event found;

    OK(begin);
    for (int64_t no = 1; no <= 12; no++) {
        struct store_event event = new_event(no, KIND_CLAIMED, 1 + no % 3, S("c"));
        event.at = 5000; /* the clock may stand still */
        OK(event_add, &event);
        OK(event_last, &found);
        assert_event(&found, &event);
    }
    OK(commit);
    OK(event_last, &found);
    assert_int_equal(found.no, 12);
}

/* Two revisions of a comment (texts 1 and 2) with their own hashes, and record 3 about text `about`. */
static void put_two_revisions(struct store *store, int64_t about)
{
    struct store_text first = new_text(1, S("first")), second = new_text(2, S("second"));
    struct store_event event;

    second.sha256 = BYTES(hash_b);
    second.previous = 1;
    OK(begin);
    for (int64_t no = 1; no <= 2; no++) {
        event = new_event(no, KIND_SUBMITTED, 1, S("c"));
        event.text = no;
        OK(event_add, &event);
    }
    OK(text_add, &first);
    OK(text_add, &second);
    event = new_record(3, 1, 1);
    event.text = about;
    event.sha256 = BYTES(salt_a); /* not the event's own: what is read comes from the text */
    OK(event_add, &event);
    OK(commit);
}

static bool see_hash(void *arg, const struct store_event *event)
{
    struct slice *expected = arg;

    assert_slice(event->sha256, *expected);
    expected->len |= (size_t)1 << 63;
    return true;
}

/* Reads record 3 in each way there is. */
static void record_has_hash(struct store *store, struct slice expected)
{
    struct store_event found;
    struct slice scanned = expected;

    OK(event_get, 3, &found);
    assert_slice(found.sha256, expected);
    OK(event_last, &found);
    assert_slice(found.sha256, expected);
    OK(log_get, 1, 1, &found);
    assert_slice(found.sha256, expected);
    OK(log_scan, 1, 0, NO_LIMIT, see_hash, &scanned);
    assert_true(scanned.len >> 63);
}

void an_event_is_read_with_the_hash_of_its_own_text(struct store *store)
{
    struct store_event found;

    put_two_revisions(store, 1);
    record_has_hash(store, BYTES(hash_a));
    OK(event_get, 2, &found);
    assert_slice(found.sha256, BYTES(hash_b));
    OK(begin);
    OK(event_add, &(struct store_event[]){new_event(4, KIND_ESCALATED, 1, S("c"))}[0]);
    OK(commit);
    OK(event_get, 4, &found);
    assert_slice(found.sha256, SLICE_NONE);
}

void an_event_loses_the_hash_when_its_text_is_erased(struct store *store)
{
    struct store_event found;

    put_two_revisions(store, 1);
    OK(begin);
    OK(text_erase, 1);
    OK(commit);
    record_has_hash(store, SLICE_NONE);
    OK(event_get, 1, &found);
    assert_slice(found.sha256, SLICE_NONE);
    assert_int_equal(found.text, 1);
    OK(event_get, 2, &found);
    assert_slice(found.sha256, BYTES(hash_b));
}

/* ---- the log ---- */

/* Sites 1 and 2 by turns; each third event is no record. Of site 1: events 1, 4, 7, ... are records 1, 2, 3, ... */
static void put_log(struct store *store, int64_t records)
{
    OK(begin);
    for (int64_t i = 0; i < records; i++) {
        struct store_event event = new_record(3 * i + 1, 1, i + 1);
        OK(event_add, &event);
        event = new_record(3 * i + 2, 2, i + 1);
        OK(event_add, &event);
        event = new_event(3 * i + 3, KIND_CLAIMED, 1, S("c"));
        OK(event_add, &event);
    }
    OK(commit);
}

void a_record_is_found_by_site_and_number(struct store *store)
{
    struct store_event found;

    put_log(store, 4);
    for (int64_t seq = 1; seq <= 4; seq++) {
        OK(log_get, 1, seq, &found);
        assert_int_equal(found.no, 3 * seq - 2);
        OK(log_get, 2, seq, &found);
        assert_int_equal(found.no, 3 * seq - 1);
    }
    NONE(log_get, 1, 5, &found);
    NONE(log_get, 3, 1, &found);
    NONE(log_get, 1, -1, &found);
}

void a_number_of_the_log_is_taken_once_per_site(struct store *store)
{
    struct store_event event = new_record(1, 1, 1), found;

    OK(begin);
    OK(event_add, &event);
    OK(commit);
    event = new_record(2, 1, 1);
    event.comment = S("other");
    OK(begin);
    REFUSED(event_add, &event);
    store->ops->rollback(store);
    OK(log_get, 1, 1, &found);
    assert_int_equal(found.no, 1);
    event.site = 2;
    OK(begin);
    OK(event_add, &event);
    OK(commit);
    OK(log_get, 2, 1, &found);
    assert_int_equal(found.no, 2);
}

void an_event_that_is_no_record_is_not_in_the_log(struct store *store)
{
    struct store_event found;

    OK(begin);
    for (int64_t no = 1; no <= 3; no++)
        OK(event_add, &(struct store_event[]){new_event(no, KIND_CLAIMED, 1, S("c"))}[0]);
    OK(commit);
    NONE(log_get, 1, 0, &found);
    assert_seen(log_after(store, 1, 0, NO_LIMIT));
    assert_seen(log_after(store, 1, -1, NO_LIMIT));
    OK(event_get, 2, &found);
    assert_int_equal(found.seq, 0);
}

void the_log_is_scanned_after_a_number_up_to_a_limit(struct store *store)
{
    put_log(store, 5);
    assert_seen(log_after(store, 1, 0, NO_LIMIT), 1, 4, 7, 10, 13);
    assert_seen(log_after(store, 2, 0, NO_LIMIT), 2, 5, 8, 11, 14);
    assert_seen(log_after(store, 1, 2, NO_LIMIT), 7, 10, 13);
    assert_seen(log_after(store, 1, 2, 2), 7, 10);
    assert_seen(log_after(store, 1, 4, 1), 13);
    assert_seen(log_after(store, 1, 5, NO_LIMIT));
    assert_seen(log_after(store, 1, INT64_MAX, NO_LIMIT));
    assert_seen(log_after(store, 3, 0, NO_LIMIT));
}

/* ---- notes ---- */

void a_note_round_trips_with_any_bytes(struct store *store)
{
    struct slice text;

    OK(begin);
    OK(note_add, 1, BYTES(salt_a), S("a\0b'\xff"));
    OK(note_add, 2, BYTES(salt_a), S(""));
    OK(commit);
    OK(note_get, 1, &text);
    assert_slice(text, S("a\0b'\xff"));
    OK(note_get, 2, &text);
    assert_slice(text, S(""));
    NONE(note_get, 3, &text);
}

void an_erased_note_is_gone_and_its_event_stays(struct store *store)
{
    struct store_event event = new_record(1, 1, 1), found;
    struct slice text;

    OK(begin);
    OK(event_add, &event);
    OK(note_add, 1, BYTES(salt_a), S("first"));
    OK(note_add, 2, BYTES(salt_a), S("second"));
    OK(commit);
    OK(begin);
    OK(note_erase, 1);
    OK(note_erase, 1);
    OK(note_erase, 77);
    OK(commit);
    NONE(note_get, 1, &text);
    OK(note_get, 2, &text);
    assert_slice(text, S("second"));
    OK(event_get, 1, &found);
    assert_event(&found, &event);
}

/* ---- reports ---- */

void every_field_of_a_report_round_trips(struct store *store)
{
    struct store_report full = {S("r'%\xd8\xaa"), NUMBER(1), NUMBER(3), S("insult"), S("a\0b")};
    struct store_report bare = {S("123"), 0, 0, SLICE_NONE, SLICE_NONE}, empty = {S("0123"), 0, 1, S(""), S("")};
    struct store_report found;

    OK(begin);
    OK(report_put, 1, S("c"), &full);
    OK(report_put, 1, S("c"), &bare);
    OK(report_put, 1, S("c"), &empty);
    OK(commit);
    OK(report_get, 1, S("c"), full.reader, &found);
    assert_report(&found, &full);
    OK(report_get, 1, S("c"), bare.reader, &found);
    assert_report(&found, &bare);
    OK(report_get, 1, S("c"), empty.reader, &found);
    assert_report(&found, &empty);
}

void a_reader_has_one_report_per_comment(struct store *store)
{
    struct store_report report = {S("r"), 1, 10, S("spam"), S("note")}, found;
    struct store_report again = {S("r"), 2, 20, SLICE_NONE, SLICE_NONE};

    OK(begin);
    OK(report_put, 1, S("c"), &report);
    OK(report_put, 1, S("d"), &report);
    OK(report_put, 2, S("c"), &report);
    OK(report_put, 1, S("c"), &again);
    OK(commit);
    OK(report_get, 1, S("c"), S("r"), &found);
    assert_report(&found, &again);
    OK(report_get, 1, S("d"), S("r"), &found);
    assert_report(&found, &report);
    OK(report_get, 2, S("c"), S("r"), &found);
    assert_report(&found, &report);
    NONE(report_get, 1, S("c"), S("R"), &found);
    NONE(report_get, 1, S("e"), S("r"), &found);
    assert_seen(reports_about(store, 1, S("c"), NO_LIMIT), 20);
}

void reports_are_scanned_newest_first(struct store *store)
{
    static const int64_t times[] = {30, 10, 40, 20};
    char reader[] = "reader-0";

    OK(begin);
    for (size_t i = 0; i < COUNT(times); i++) {
        reader[7] = (char)('0' + i);
        OK(report_put, 1, S("c"), &(struct store_report){slice_of(reader), 0, times[i], SLICE_NONE, SLICE_NONE});
    }
    OK(report_put, 1, S("d"), &(struct store_report){S("x"), 0, 99, SLICE_NONE, SLICE_NONE});
    OK(commit);
    assert_seen(reports_about(store, 1, S("c"), NO_LIMIT), 40, 30, 20, 10);
    assert_seen(reports_about(store, 1, S("c"), 2), 40, 30);
    OK(begin);
    OK(report_put, 1, S("c"), &(struct store_report){S("reader-1"), 0, 50, SLICE_NONE, SLICE_NONE});
    OK(commit);
    assert_seen(reports_about(store, 1, S("c"), NO_LIMIT), 50, 40, 30, 20);
}

void erasing_reports_takes_those_of_one_comment(struct store *store)
{
    struct store_report report = {S("r"), 0, 1, S("spam"), SLICE_NONE};

    OK(begin);
    OK(report_put, 1, S("c"), &report);
    OK(report_put, 1, S("cc"), &report);
    OK(report_put, 2, S("c"), &report);
    report.reader = S("s");
    report.at = 2;
    OK(report_put, 1, S("c"), &report);
    OK(report_erase, 1, S("c"));
    OK(commit);
    assert_seen(reports_about(store, 1, S("c"), NO_LIMIT));
    assert_seen(reports_about(store, 1, S("cc"), NO_LIMIT), 1);
    assert_seen(reports_about(store, 2, S("c"), NO_LIMIT), 1);
    OK(begin);
    OK(report_put, 1, S("c"), &report);
    OK(commit);
    assert_seen(reports_about(store, 1, S("c"), NO_LIMIT), 2);
}

/* ---- articles, listeners, operations ---- */

void an_article_round_trips_and_is_replaced(struct store *store)
{
    struct store_article found, article = {S("\x81\0"), -1, -1};
    struct slice metas[] = {S("\x80"), S("")};

    OK(begin);
    OK(article_put, 1, S("other"), &article);
    OK(commit);
    for (int closed = -1; closed <= 1; closed++)
        for (int front_page = -1; front_page <= 1; front_page++)
            for (size_t i = 0; i < COUNT(metas); i++) {
                OK(begin);
                OK(article_put, 1, S("a"), &(struct store_article){metas[i], closed, front_page});
                OK(commit);
                OK(article_get, 1, S("a"), &found);
                assert_article(&found, &(struct store_article){metas[i], closed, front_page});
            }
    OK(article_get, 1, S("other"), &found);
    assert_article(&found, &article);
}

void an_article_belongs_to_its_site(struct store *store)
{
    struct store_article found, first = {S("\x80"), 1, 0}, second = {S("\x81"), 0, 1};

    OK(begin);
    OK(article_put, 1, S("a"), &first);
    OK(article_put, 2, S("a"), &second);
    OK(commit);
    OK(article_get, 1, S("a"), &found);
    assert_article(&found, &first);
    OK(article_get, 2, S("a"), &found);
    assert_article(&found, &second);
    NONE(article_get, 1, S("A"), &found);
    NONE(article_get, 3, S("a"), &found);
}

static bool find_listener(void *arg, const struct store_listener *listener)
{
    const struct store_listener *expected = arg;

    if (listener->site != expected->site || !slice_equal(listener->name, expected->name))
        return true;
    assert_int_equal(listener->seq, expected->seq);
    assert_int_equal(listener->at, expected->at);
    return false;
}

void a_listener_is_replaced_by_site_and_name(struct store *store)
{
    struct store_listener last = {1, slice_of(LONG_NAME), 30, NUMBER(1)};

    OK(begin);
    OK(listener_put, &(struct store_listener){1, slice_of(LONG_NAME), 10, 1}, 64, 0);
    OK(listener_put, &(struct store_listener){1, S("web"), 20, 2}, 64, 0);
    OK(listener_put, &(struct store_listener){2, slice_of(LONG_NAME), 40, 3}, 64, 0);
    OK(listener_put, &last, 64, 0);
    OK(commit);
    assert_seen(listeners(store), 20, 30, 40);
    OK(listener_scan, find_listener, &last);
    /* restored from a backup, it may go back */
    OK(begin);
    OK(listener_put, &(struct store_listener){1, S("web"), 5, 4}, 64, 0);
    OK(commit);
    assert_seen(listeners(store), 5, 30, 40);
}

void a_site_has_as_many_listeners_as_it_may_and_the_silent_give_way(struct store *store)
{
    struct store_listener more = {1, S("more"), 1, 50};

    OK(begin);
    OK(listener_put, &(struct store_listener){1, S("old"), 1, 10}, 2, 0);
    OK(listener_put, &(struct store_listener){1, S("web"), 2, 20}, 2, 0);
    OK(listener_put, &(struct store_listener){2, S("web"), 3, 20}, 2, 0);
    assert_int_equal(store->ops->listener_put(store, &more, 2, 10), STORE_NONE);
    OK(listener_put, &(struct store_listener){1, S("web"), 4, 30}, 2, 0); /* its own place is never refused */
    assert_seen(listeners(store), 1, 3, 4);
    OK(listener_put, &more, 2, 11);
    assert_seen(listeners(store), 1, 3, 4);
    OK(commit);
}

void the_head_of_a_text_is_all_but_body_and_meta(struct store *store)
{
    struct store_text head;

    OK(begin);
    OK(text_add, &(struct store_text[]){new_text(1, S("body"))}[0]);
    OK(commit);
    OK(text_head, 1, &head);
    assert_int_equal(head.no, 1);
    assert_true(head.sha256.len == HASH_BYTES && head.salt.len == SALT_BYTES);
    assert_null(head.body.data);
    assert_null(head.meta.data);
    assert_int_equal(store->ops->text_head(store, 2, &head), STORE_NONE);
}

void every_field_of_an_operation_round_trips(struct store *store)
{
    static const unsigned char bare_id[OPERATION_BYTES] = {0xff};
    struct store_operation full = {S("ana'%\xd8\xaa"), BYTES(hash_a), NUMBER(1), S("\x81\0\xff")};
    struct store_operation bare = {S("a"), BYTES(hash_b), 0, S("")}, found;

    OK(begin);
    OK(operation_add, BYTES(story_operation), &full);
    OK(operation_add, BYTES(bare_id), &bare);
    OK(commit);
    OK(operation_get, BYTES(story_operation), &found);
    assert_operation(&found, &full);
    OK(operation_get, BYTES(bare_id), &found);
    assert_operation(&found, &bare);
}

void operation_ids_are_compared_as_bytes(struct store *store)
{
    unsigned char id[OPERATION_BYTES] = {0};
    struct store_operation found;

    OK(begin);
    for (int i = 0; i < OPERATION_BYTES; i++) {
        memset(id, 0, sizeof(id));
        id[i] = 0x80;
        OK(operation_add, BYTES(id), &(struct store_operation){S("ana"), BYTES(hash_a), i, S("x")});
    }
    OK(commit);
    for (int i = 0; i < OPERATION_BYTES; i++) {
        memset(id, 0, sizeof(id));
        id[i] = 0x80;
        OK(operation_get, BYTES(id), &found);
        assert_int_equal(found.at, i);
    }
    memset(id, 0, sizeof(id));
    NONE(operation_get, BYTES(id), &found);
}

static int operations_left(struct store *store, int count)
{
    unsigned char id[OPERATION_BYTES] = {0};
    struct store_operation found;
    int left = 0;

    for (int i = 0; i < count; i++) {
        id[0] = (unsigned char)i;
        left += store->ops->operation_get(store, BYTES(id), &found) == STORE_OK;
    }
    return left;
}

void pruning_forgets_older_operations_up_to_a_limit(struct store *store)
{
    unsigned char id[OPERATION_BYTES] = {0};
    struct store_operation found;

    OK(begin);
    for (int i = 0; i < 6; i++) {
        id[0] = (unsigned char)i;
        OK(operation_add, BYTES(id), &(struct store_operation){S("ana"), BYTES(hash_a), 100 + i, S("x")});
    }
    OK(operation_prune, 100, NO_LIMIT);
    assert_int_equal(operations_left(store, 6), 6);
    OK(operation_prune, 104, 0);
    assert_int_equal(operations_left(store, 6), 6);
    OK(operation_prune, 104, 3);
    assert_int_equal(operations_left(store, 6), 3);
    OK(operation_prune, 104, 3);
    assert_int_equal(operations_left(store, 6), 2);
    OK(commit);
    for (int i = 0; i < 6; i++) {
        id[0] = (unsigned char)i;
        EXPECT(i < 4 ? STORE_NONE : STORE_OK, operation_get, BYTES(id), &found);
    }
    OK(begin);
    OK(operation_prune, INT64_MAX, NO_LIMIT);
    OK(commit);
    assert_int_equal(operations_left(store, 6), 0);
}

/* ---- the queue ---- */

void the_queue_is_ordered_by_due_time_then_text(struct store *store)
{
    OK(begin);
    queue_put(store, new_comment(1, "e", 5), LANE_NORMAL, "", 100);
    queue_put(store, new_comment(1, "a", 9), LANE_NORMAL, "", 50);
    queue_put(store, new_comment(1, "d", 3), LANE_NORMAL, "", 100);
    queue_put(store, new_comment(1, "b", 10), LANE_NORMAL, "", 100);
    queue_put(store, new_comment(1, "c", 1), LANE_NORMAL, "", 200);
    queue_put(store, new_comment(1, "f", 7), LANE_NORMAL, "", -100);
    queue_put(store, new_comment(1, "g", 2), LANE_NORMAL, "", INT64_MAX);
    OK(commit);
    assert_seen(free_of(store, 1, LANE_NORMAL), 7, 9, 3, 5, 10, 1, 2);
}

void the_queue_goes_on_strictly_after_the_cursor(struct store *store)
{
    OK(begin);
    queue_put(store, new_comment(1, "a", 1), LANE_NORMAL, "", 100);
    queue_put(store, new_comment(1, "b", 2), LANE_NORMAL, "", 100);
    queue_put(store, new_comment(1, "c", 3), LANE_NORMAL, "", 100);
    queue_put(store, new_comment(1, "d", 4), LANE_NORMAL, "", 50);
    queue_put(store, new_comment(1, "e", 5), LANE_NORMAL, "", 150);
    OK(commit);
    assert_seen(queue_after(store, 1, LANE_NORMAL, false, 0, 0, NO_LIMIT), 4, 1, 2, 3, 5);
    assert_seen(queue_after(store, 1, LANE_NORMAL, false, 50, 4, NO_LIMIT), 1, 2, 3, 5);
    assert_seen(queue_after(store, 1, LANE_NORMAL, false, 100, 0, NO_LIMIT), 1, 2, 3, 5);
    assert_seen(queue_after(store, 1, LANE_NORMAL, false, 100, 2, NO_LIMIT), 3, 5);
    assert_seen(queue_after(store, 1, LANE_NORMAL, false, 100, 3, NO_LIMIT), 5);
    assert_seen(queue_after(store, 1, LANE_NORMAL, false, 100, INT64_MAX, NO_LIMIT), 5);
    assert_seen(queue_after(store, 1, LANE_NORMAL, false, 149, 99, NO_LIMIT), 5);
    assert_seen(queue_after(store, 1, LANE_NORMAL, false, 150, 5, NO_LIMIT));
    assert_seen(queue_after(store, 1, LANE_NORMAL, false, 50, 4, 2), 1, 2);
}

void a_queue_walked_one_by_one_gives_each_comment_once(struct store *store)
{
    enum { COMMENTS = 40 };
    struct seen all, one;
    int64_t due_at = INT64_MIN, text = 0;
    char id[16];

    OK(begin);
    for (int i = 1; i <= COMMENTS; i++) {
        snprintf(id, sizeof(id), "%d", i);
        queue_put(store, new_comment(1, id, i), LANE_NORMAL, "", i * 7 % 4);
    }
    OK(commit);
    all = free_of(store, 1, LANE_NORMAL);
    assert_int_equal(all.count, COMMENTS);
    for (size_t i = 0; i < COMMENTS; i++) {
        one = queue_after(store, 1, LANE_NORMAL, false, due_at, text, 1);
        assert_seen(one, all.values[i]);
        text = one.values[0];
        due_at = text * 7 % 4;
    }
    assert_seen(queue_after(store, 1, LANE_NORMAL, false, due_at, text, 1));
}

void the_queue_holds_one_site_one_lane_and_held_or_free(struct store *store)
{
    OK(begin);
    for (int64_t site = 1; site <= 2; site++)
        for (enum lane lane = 0; lane < LANE_COUNT; lane++)
            for (int held = 0; held < 2; held++) {
                int64_t text = site * 100 + (int64_t)lane * 10 + held;
                char id[16];
                snprintf(id, sizeof(id), "%ld", (long)text);
                queue_put(store, new_comment(site, id, text), lane, held ? "ana" : "", 5);
            }
    OK(commit);
    assert_seen(free_of(store, 1, LANE_NORMAL), 100);
    assert_seen(held_of(store, 1, LANE_NORMAL), 101);
    assert_seen(free_of(store, 1, LANE_ESCALATED), 110);
    assert_seen(held_of(store, 1, LANE_ESCALATED), 111);
    assert_seen(free_of(store, 2, LANE_NORMAL), 200);
    assert_seen(held_of(store, 2, LANE_ESCALATED), 211);
    assert_seen(free_of(store, 3, LANE_NORMAL));
}

void the_queue_holds_pending_comments_only(struct store *store)
{
    char id[16];

    OK(begin);
    for (enum state state = STATE_PENDING; state < STATE_COUNT; state++) {
        snprintf(id, sizeof(id), "%d", state);
        struct store_comment comment = new_comment(1, id, state);
        comment.state = state;
        OK(comment_put, &comment);
    }
    OK(commit);
    assert_seen(free_of(store, 1, LANE_NORMAL), STATE_PENDING);
    assert_seen(held_of(store, 1, LANE_NORMAL));
    assert_seen(free_of(store, 1, LANE_ESCALATED));
}

/* Applies `change` to a stored comment, in a transaction of its own. */
static void change_comment(struct store *store, const char *id, void (*change)(struct store_comment *))
{
    struct store_comment comment;

    OK(begin);
    OK(comment_get, 1, slice_of(id), &comment);
    change(&comment);
    OK(comment_put, &comment);
    OK(commit);
}

static void claim(struct store_comment *comment)
{
    memcpy(comment->claimed_by, "ana", sizeof("ana"));
    comment->claimed_until = 5000;
}

static void pass_on(struct store_comment *comment)
{
    memcpy(comment->claimed_by, "bob", sizeof("bob"));
    comment->claimed_until = 7000;
}

static void release(struct store_comment *comment)
{
    *comment->claimed_by = '\0';
    comment->claimed_until = 0;
}

static void put_off(struct store_comment *comment)
{
    comment->due_at = 99;
}

static void revise(struct store_comment *comment)
{
    comment->text = comment->newest_text = 50;
    comment->due_at = 20;
}

static void escalate(struct store_comment *comment)
{
    comment->lane = LANE_ESCALATED;
}

static void approve(struct store_comment *comment)
{
    release(comment);
    comment->state = STATE_APPROVED;
}

static void reopen(struct store_comment *comment)
{
    comment->state = STATE_PENDING;
}

static void put_three(struct store *store)
{
    OK(begin);
    queue_put(store, new_comment(1, "a", 1), LANE_NORMAL, "", 10);
    queue_put(store, new_comment(1, "b", 2), LANE_NORMAL, "", 20);
    queue_put(store, new_comment(1, "c", 3), LANE_NORMAL, "", 30);
    OK(commit);
}

void a_comment_moves_between_free_and_held(struct store *store)
{
    put_three(store);
    change_comment(store, "b", claim);
    assert_seen(free_of(store, 1, LANE_NORMAL), 1, 3);
    assert_seen(held_of(store, 1, LANE_NORMAL), 2);
    change_comment(store, "a", pass_on);
    assert_seen(held_of(store, 1, LANE_NORMAL), 1, 2);
    change_comment(store, "b", pass_on);
    assert_seen(held_of(store, 1, LANE_NORMAL), 1, 2);
    assert_seen(claims(store, S("ana"), NO_LIMIT));
    assert_seen(claims(store, S("bob"), NO_LIMIT), 1, 2);
    change_comment(store, "b", release);
    assert_seen(free_of(store, 1, LANE_NORMAL), 2, 3);
    assert_seen(held_of(store, 1, LANE_NORMAL), 1);
    /* at the end of a claim that was rolled back the comment is where it was */
    OK(begin);
    queue_put(store, (struct store_comment){.site = 1, .id = "c", .state = STATE_PENDING, .text = 3, .stored = true},
              LANE_NORMAL, "ana", 30);
    assert_seen(held_of(store, 1, LANE_NORMAL), 1, 3);
    store->ops->rollback(store);
    assert_seen(free_of(store, 1, LANE_NORMAL), 2, 3);
}

void a_comment_moves_with_its_due_time_text_lane_and_state(struct store *store)
{
    put_three(store);
    change_comment(store, "a", put_off);
    assert_seen(free_of(store, 1, LANE_NORMAL), 2, 3, 1);
    change_comment(store, "c", revise);
    assert_seen(free_of(store, 1, LANE_NORMAL), 2, 50, 1);
    change_comment(store, "b", escalate);
    assert_seen(free_of(store, 1, LANE_NORMAL), 50, 1);
    assert_seen(free_of(store, 1, LANE_ESCALATED), 2);
    change_comment(store, "a", claim);
    change_comment(store, "a", approve);
    assert_seen(free_of(store, 1, LANE_NORMAL), 50);
    assert_seen(held_of(store, 1, LANE_NORMAL));
    change_comment(store, "a", reopen);
    assert_seen(free_of(store, 1, LANE_NORMAL), 50, 1);
}

static bool is_this_comment(void *arg, const struct store_comment *comment)
{
    struct store_comment *expected = arg;

    assert_comment(comment, expected);
    expected->reports = -1; /* seen, and never to be seen again */
    return true;
}

void the_queue_gives_whole_comments(struct store *store)
{
    struct store_comment full = full_comment(), expected;

    OK(begin);
    OK(comment_put, &full);
    OK(commit);
    expected = full;
    OK(queue_scan, 3, LANE_ESCALATED, true, START, NO_LIMIT, is_this_comment, &expected);
    assert_int_equal(expected.reports, -1);
    expected = full;
    OK(claims_ending, INT64_MAX, NO_LIMIT, is_this_comment, &expected);
    assert_int_equal(expected.reports, -1);
    expected = full;
    OK(claims_of, slice_of(full.claimed_by), NO_LIMIT, is_this_comment, &expected);
    assert_int_equal(expected.reports, -1);
}

void figures_count_one_sites_pending_comments(struct store *store)
{
    struct store_comment approved = new_comment(1, "approved", 5);
    struct store_queue figures;

    approved.state = STATE_APPROVED;
    OK(begin);
    queue_put(store, new_comment(1, "a", 1), LANE_NORMAL, "", 0);
    queue_put(store, new_comment(1, "b", 2), LANE_NORMAL, "ana", 0);
    queue_put(store, new_comment(1, "c", 3), LANE_ESCALATED, "", 0);
    queue_put(store, new_comment(1, "d", 4), LANE_ESCALATED, "bob", 0);
    queue_put(store, approved, LANE_ESCALATED, "", 0);
    queue_put(store, new_comment(2, "a", 6), LANE_ESCALATED, "ana", 0);
    OK(commit);
    OK(queue_figures, 1, &figures);
    assert_int_equal(figures.escalated, 2);
    assert_int_equal(figures.claimed, 2);
    OK(queue_figures, 2, &figures);
    assert_int_equal(figures.escalated, 1);
    assert_int_equal(figures.claimed, 1);
    OK(queue_figures, 3, &figures);
    assert_int_equal(figures.escalated, 0);
    assert_int_equal(figures.claimed, 0);
    assert_int_equal(figures.oldest, 0);
}

void the_oldest_is_told_of_any_lane_claimed_or_not(struct store *store)
{
    struct store_queue figures;

    OK(begin);
    queue_put(store, new_comment(1, "c", 3), LANE_NORMAL, "", 10);
    queue_put(store, new_comment(1, "b", 2), LANE_NORMAL, "", 20);
    queue_put(store, new_comment(1, "a", 1), LANE_ESCALATED, "ana", 30);
    OK(commit);
    OK(queue_figures, 1, &figures);
    assert_int_equal(figures.oldest, 1);
    change_comment(store, "a", approve);
    OK(queue_figures, 1, &figures);
    assert_int_equal(figures.oldest, 2);
    change_comment(store, "b", approve);
    OK(queue_figures, 1, &figures);
    assert_int_equal(figures.oldest, 3);
    change_comment(store, "c", approve);
    OK(queue_figures, 1, &figures);
    assert_int_equal(figures.oldest, 0);
}

/* ---- whose, where, and what moderators think ---- */

static struct store_comment placed(int64_t site, const char *id, int64_t text, const char *article, const char *author)
{
    struct store_comment comment = new_comment(site, id, text);

    snprintf(comment.article, sizeof(comment.article), "%s", article);
    snprintf(comment.author, sizeof(comment.author), "%s", author);
    return comment;
}

static struct seen by_author(struct store *store, int64_t site, struct slice author, int64_t before, int64_t limit)
{
    struct seen seen = {.count = 0};

    OK(author_comments, site, author, before, limit, see_comment, &seen);
    return seen;
}

static struct seen of_article(struct store *store, struct slice article, enum lane lane, int64_t due_at, int64_t text,
                              int64_t limit)
{
    struct seen seen = {.count = 0};

    OK(article_pending, 1, article, lane, due_at, text, limit, see_comment, &seen);
    return seen;
}

void an_authors_comments_are_found_newest_first_in_any_state(struct store *store)
{
    OK(begin);
    queue_put(store, placed(1, "a", 1, "", "ann"), LANE_NORMAL, "", 10);
    queue_put(store, placed(1, "b", 2, "", "ann"), LANE_ESCALATED, "bob", 5);
    queue_put(store, placed(1, "c", 3, "", "ann2"), LANE_NORMAL, "", 1);
    queue_put(store, placed(1, "d", 4, "", ""), LANE_NORMAL, "", 1);
    queue_put(store, placed(2, "e", 5, "", "ann"), LANE_NORMAL, "", 1);
    OK(commit);
    change_comment(store, "a", approve);
    assert_seen(by_author(store, 1, S("ann"), INT64_MAX, NO_LIMIT), 2, 1);
    assert_seen(by_author(store, 1, S("ann"), 2, NO_LIMIT), 1);
    assert_seen(by_author(store, 1, S("ann"), INT64_MAX, 1), 2);
    assert_seen(by_author(store, 2, S("ann"), INT64_MAX, NO_LIMIT), 5);
    assert_seen(by_author(store, 1, S(""), INT64_MAX, NO_LIMIT));
}

void an_articles_pending_comments_are_found_in_the_order_of_the_queue(struct store *store)
{
    OK(begin);
    queue_put(store, placed(1, "a", 1, "x", ""), LANE_NORMAL, "", 30);
    queue_put(store, placed(1, "b", 2, "x", ""), LANE_NORMAL, "bob", 10);
    queue_put(store, placed(1, "c", 3, "x", ""), LANE_NORMAL, "", 10);
    queue_put(store, placed(1, "d", 4, "x", ""), LANE_ESCALATED, "", 1);
    queue_put(store, placed(1, "e", 5, "y", ""), LANE_NORMAL, "", 1);
    queue_put(store, placed(2, "f", 6, "x", ""), LANE_NORMAL, "", 1);
    OK(commit);
    assert_seen(of_article(store, S("x"), LANE_NORMAL, START, NO_LIMIT), 2, 3, 1);
    assert_seen(of_article(store, S("x"), LANE_NORMAL, 10, 2, NO_LIMIT), 3, 1);
    assert_seen(of_article(store, S("x"), LANE_NORMAL, START, 2), 2, 3);
    assert_seen(of_article(store, S("x"), LANE_ESCALATED, START, NO_LIMIT), 4);
    change_comment(store, "c", approve);
    assert_seen(of_article(store, S("x"), LANE_NORMAL, START, NO_LIMIT), 2, 1);
}

void a_sites_comments_are_scanned_by_id(struct store *store)
{
    struct seen all = {.count = 0}, rest = all, two = all;

    OK(begin);
    queue_put(store, new_comment(1, "b", 2), LANE_NORMAL, "", 10);
    queue_put(store, new_comment(1, "ab", 3), LANE_NORMAL, "", 20);
    queue_put(store, new_comment(1, "a", 1), LANE_NORMAL, "", 30);
    queue_put(store, new_comment(2, "a", 4), LANE_NORMAL, "", 30);
    OK(commit);
    OK(comment_scan, 1, S(""), NO_LIMIT, see_comment, &all);
    assert_seen(all, 1, 3, 2);
    OK(comment_scan, 1, S("a"), NO_LIMIT, see_comment, &rest);
    assert_seen(rest, 3, 2);
    OK(comment_scan, 1, SLICE_NONE, 2, see_comment, &two);
    assert_seen(two, 1, 3);
}

void what_waits_for_a_second_look_is_a_queue_of_decided_comments(struct store *store)
{
    struct store_comment decided = new_comment(1, "a", 1);
    struct store_queue figures;

    decided.state = STATE_APPROVED;
    OK(begin);
    queue_put(store, decided, LANE_SECOND, "", 30);
    decided = new_comment(1, "b", 2);
    decided.state = STATE_REJECTED;
    queue_put(store, decided, LANE_SECOND, "ana", 10);
    queue_put(store, new_comment(1, "c", 3), LANE_NORMAL, "", 20);
    OK(commit);
    assert_seen(free_of(store, 1, LANE_SECOND), 1);
    assert_seen(held_of(store, 1, LANE_SECOND), 2);
    assert_seen(free_of(store, 1, LANE_NORMAL), 3);
    assert_seen(claims(store, S("ana"), NO_LIMIT), 2);
    OK(queue_figures, 1, &figures);
    assert_int_equal(figures.second, 2);
    assert_int_equal(figures.claimed, 1);
    assert_int_equal(figures.oldest, 3);
}

void what_is_thought_of_an_author_round_trips_and_is_replaced(struct store *store)
{
    struct store_author author = {.site = 3, .mark = MARK_WATCHED, .until = NUMBER(1), .marked = NUMBER(3)}, found;

    memset(author.id, 'a', KEY_BYTES);
    author.last_event = NUMBER(5);
    OK(begin);
    OK(author_put, &author);
    OK(commit);
    OK(author_get, 3, slice_of(author.id), &found);
    assert_memory_equal(&found, &author, sizeof(found));
    author.mark = MARK_BLOCKED;
    author.until = 0;
    OK(begin);
    OK(author_put, &author);
    OK(commit);
    OK(author_get, 3, slice_of(author.id), &found);
    assert_memory_equal(&found, &author, sizeof(found));
    NONE(author_get, 4, slice_of(author.id), &found);
    OK(begin);
    OK(author_erase, 3, slice_of(author.id));
    OK(author_erase, 3, S("nobody"));
    OK(commit);
    NONE(author_get, 3, slice_of(author.id), &found);
}

void events_of_a_batch_are_found_by_number_once(struct store *store)
{
    struct seen all = {.count = 0}, rest = all, other = all;

    OK(begin);
    OK(batch_add, BYTES(salt_a), 7);
    OK(batch_add, BYTES(salt_a), 5);
    OK(batch_add, BYTES(salt_a), 7);
    OK(batch_add, BYTES(story_operation), 6);
    OK(commit);
    OK(batch_scan, BYTES(salt_a), 0, NO_LIMIT, see_number, &all);
    assert_seen(all, 5, 7);
    OK(batch_scan, BYTES(salt_a), 5, 1, see_number, &rest);
    assert_seen(rest, 7);
    OK(batch_scan, BYTES(story_operation), 0, NO_LIMIT, see_number, &other);
    assert_seen(other, 6);
}

/* ---- everything, for those who count anew ---- */

void comments_of_all_sites_are_scanned_by_site_and_id(struct store *store)
{
    struct seen all = {.count = 0}, rest = all, two = all;

    OK(begin);
    queue_put(store, new_comment(2, "a", 4), LANE_NORMAL, "", 30);
    queue_put(store, new_comment(1, "b", 2), LANE_NORMAL, "", 10);
    queue_put(store, new_comment(1, "ab", 3), LANE_NORMAL, "ana", 20);
    queue_put(store, new_comment(1, "a", 1), LANE_NORMAL, "", 30);
    OK(commit);
    OK(comment_scan_all, INT64_MIN, S(""), NO_LIMIT, see_comment, &all);
    assert_seen(all, 1, 3, 2, 4);
    OK(comment_scan_all, 1, S("ab"), NO_LIMIT, see_comment, &rest);
    assert_seen(rest, 2, 4);
    OK(comment_scan_all, 1, S(""), 2, see_comment, &two);
    assert_seen(two, 1, 3);
}

void the_head_of_an_event_is_all_but_the_hash_of_its_text(struct store *store)
{
    struct store_event event = new_event(1, KIND_SUBMITTED, 1, S("c")), found;

    event.text = 1;
    event.via = S("uid:1000");
    OK(begin);
    OK(event_add, &event);
    OK(text_add, &(struct store_text[]){new_text(1, S("body"))}[0]);
    OK(commit);
    OK(event_head, 1, &found);
    assert_event(&found, &event);
    assert_null(found.sha256.data);
    NONE(event_head, 2, &found);
}

static bool see_report_of(void *arg, int64_t site, struct slice comment, const struct store_report *report)
{
    assert_true(comment.len == 1);
    return see(arg, site * 10000 + comment.data[0] * 10 + report->round);
}

static void put_reports(struct store *store)
{
    OK(begin);
    OK(report_put, 2, S("a"), &(struct store_report){.reader = S("r"), .round = 4, .at = 1});
    OK(report_put, 1, S("b"), &(struct store_report){.reader = S("s"), .round = 1, .at = 2});
    OK(report_put, 1, S("b"), &(struct store_report){.reader = S("r"), .round = 2, .at = 3});
    OK(report_put, 1, S("b"), &(struct store_report){.reader = S("t"), .round = 1, .at = 3, .reason = S("spam")});
    OK(report_put, 1, S("a"), &(struct store_report){.reader = S("z"), .round = 3, .at = 3});
    OK(commit);
}

void reports_of_a_round_are_counted(struct store *store)
{
    static const int64_t expected[] = {0, 2, 1, 0};
    int64_t n;

    put_reports(store);
    for (int64_t round = 0; round < 4; round++) {
        OK(report_count, 1, S("b"), round, &n);
        assert_int_equal(n, expected[round]);
    }
    OK(report_count, 1, S("none"), 0, &n);
    assert_int_equal(n, 0);
}

void reports_of_all_comments_are_scanned_by_their_key(struct store *store)
{
    struct seen all = {.count = 0}, rest = all, one = all;

    put_reports(store);
    OK(report_scan_all, INT64_MIN, S(""), S(""), NO_LIMIT, see_report_of, &all);
    assert_seen(all, 10973, 10982, 10981, 10981, 20974);
    OK(report_scan_all, 1, S("b"), S("r"), NO_LIMIT, see_report_of, &rest);
    assert_seen(rest, 10981, 10981, 20974);
    OK(report_scan_all, 1, S("a"), S("z"), 1, see_report_of, &one);
    assert_seen(one, 10982);
}

static bool see_author(void *arg, const struct store_author *author)
{
    return see(arg, author->last_event);
}

static bool see_skip_of(void *arg, struct slice moderator, int64_t text)
{
    return see(arg, moderator.data[0] * 10 + text);
}

static bool see_batch(void *arg, const unsigned char id[BATCH_BYTES], int64_t event)
{
    return see(arg, id[0] * 10 + event);
}

static void put_authors_skips_and_batches(struct store *store)
{
    static const unsigned char one[BATCH_BYTES] = {1}, two[BATCH_BYTES] = {2};

    OK(begin);
    OK(author_put, &(struct store_author){.site = 2, .id = "a", .last_event = 3});
    OK(author_put, &(struct store_author){.site = 1, .id = "b", .last_event = 2, .mark = MARK_TRUSTED});
    OK(author_put, &(struct store_author){.site = 1, .id = "a", .last_event = 1});
    OK(skip_put, S("b"), 1, 100);
    OK(skip_put, S("a"), 2, 100);
    OK(skip_put, S("a"), 1, 100);
    OK(batch_add, BYTES(two), 1);
    OK(batch_add, BYTES(one), 2);
    OK(batch_add, BYTES(one), 1);
    OK(commit);
}

void authors_skips_and_batches_of_all_are_scanned_by_their_key(struct store *store)
{
    static const unsigned char none[BATCH_BYTES] = {0}, one[BATCH_BYTES] = {1};
    struct seen authors = {.count = 0}, skips = authors, batches = authors, rest = authors;

    put_authors_skips_and_batches(store);
    OK(author_scan_all, INT64_MIN, S(""), NO_LIMIT, see_author, &authors);
    assert_seen(authors, 1, 2, 3);
    OK(skip_scan_all, S(""), INT64_MIN, NO_LIMIT, see_skip_of, &skips);
    assert_seen(skips, 971, 972, 981);
    OK(batch_scan_all, none, INT64_MIN, NO_LIMIT, see_batch, &batches);
    assert_seen(batches, 11, 12, 21);
    OK(author_scan_all, 1, S("a"), 1, see_author, &rest);
    OK(skip_scan_all, S("a"), 1, 1, see_skip_of, &rest);
    OK(batch_scan_all, one, 1, 1, see_batch, &rest);
    assert_seen(rest, 2, 972, 12);
}

/* ---- claims ---- */

static void put_claim(struct store *store, int64_t site, int64_t text, const char *holder, int64_t until)
{
    struct store_comment comment = new_comment(site, "", text);

    snprintf(comment.id, sizeof(comment.id), "%ld", (long)text);
    snprintf(comment.claimed_by, sizeof(comment.claimed_by), "%s", holder);
    comment.claimed_until = until;
    comment.due_at = 1000 - text;
    comment.lane = text % 2 ? LANE_ESCALATED : LANE_NORMAL;
    OK(comment_put, &comment);
}

void claims_ending_are_inclusive_and_in_order_of_their_end(struct store *store)
{
    OK(begin);
    put_claim(store, 1, 1, "ana", 300);
    put_claim(store, 2, 2, "bob", 100);
    put_claim(store, 1, 3, "ana", 200);
    put_claim(store, 1, 4, "", 0);
    put_claim(store, 3, 5, "bob", NUMBER(1));
    OK(commit);
    assert_seen(ending(store, 99, NO_LIMIT));
    assert_seen(ending(store, 100, NO_LIMIT), 2);
    assert_seen(ending(store, 299, NO_LIMIT), 2, 3);
    assert_seen(ending(store, 300, NO_LIMIT), 2, 3, 1);
    assert_seen(ending(store, 300, 2), 2, 3);
    assert_seen(ending(store, INT64_MAX, NO_LIMIT), 2, 3, 1, 5);
}

void a_claim_that_is_gone_never_ends(struct store *store)
{
    put_three(store);
    change_comment(store, "a", claim);
    change_comment(store, "b", claim);
    change_comment(store, "c", claim);
    change_comment(store, "a", release);
    change_comment(store, "b", approve);
    assert_seen(ending(store, INT64_MAX, NO_LIMIT), 3);
    assert_seen(claims(store, S("ana"), NO_LIMIT), 3);
    /* a renewed claim ends at its new end only */
    change_comment(store, "c", pass_on);
    assert_seen(ending(store, 5000, NO_LIMIT));
    assert_seen(ending(store, 7000, NO_LIMIT), 3);
}

void claims_of_a_moderator_go_by_exact_name(struct store *store)
{
    OK(begin);
    put_claim(store, 1, 1, "ana", 300);
    put_claim(store, 2, 2, "ana", 100);
    put_claim(store, 1, 3, "Ana", 200);
    put_claim(store, 1, 4, "an", 200);
    put_claim(store, 1, 5, "anat", 200);
    put_claim(store, 1, 6, "", 0);
    OK(commit);
    assert_seen(claims(store, S("ana"), NO_LIMIT), 1, 2);
    assert_int_equal(claims(store, S("ana"), 1).count, 1);
    assert_seen(claims(store, S("Ana"), NO_LIMIT), 3);
    assert_seen(claims(store, S("an_"), NO_LIMIT));
    assert_seen(claims(store, S("bob"), NO_LIMIT));
}

/* ---- by number ---- */

/* Events 1 to 6: 2 and 5 tell of keys, 3 and 6 have a text and a note. */
static void put_six(struct store *store)
{
    OK(begin);
    for (int64_t no = 1; no <= 6; no++) {
        bool of_key = no % 3 == 2;
        struct store_event event = new_event(no, of_key ? KIND_KEY_REVOKED : KIND_SUBMITTED, of_key ? 0 : 1, S("c"));
        struct store_text text = new_text(no, S("body"));
        event.text = no % 3 ? 0 : no;
        event.via = S("tcp");
        OK(event_add, &event);
        if (event.text)
            OK(text_add, &text);
        if (event.text)
            OK(note_add, no, BYTES(salt_a), S("note"));
    }
    OK(commit);
}

void events_are_scanned_by_number_both_ways(struct store *store)
{
    put_six(store);
    assert_seen(events_after(store, 0, NO_LIMIT), 1, 2, 3, 4, 5, 6);
    assert_seen(events_after(store, -1, 2), 1, 2);
    assert_seen(events_after(store, 3, 2), 4, 5);
    assert_seen(events_after(store, 6, NO_LIMIT));
    assert_seen(events_after(store, INT64_MAX, NO_LIMIT));
    assert_seen(events_before(store, INT64_MAX, NO_LIMIT), 6, 5, 4, 3, 2, 1);
    assert_seen(events_before(store, 7, 2), 6, 5);
    assert_seen(events_before(store, 4, 2), 3, 2);
    assert_seen(events_before(store, 1, NO_LIMIT));
    assert_seen(events_before(store, 0, NO_LIMIT));
}

void events_that_tell_of_keys_are_scanned_by_themselves(struct store *store)
{
    static const enum kind kinds[] = {KIND_KEY_ADDED, KIND_REPORTED, KIND_RELOADED, KIND_KEY_ROTATED, KIND_LOOKED};

    put_six(store);
    OK(begin);
    for (int64_t i = 0; i < 5; i++)
        OK(event_add, &(struct store_event[]){new_event(7 + i, kinds[i], 0, S(""))}[0]);
    OK(commit);
    assert_seen(of_keys_after(store, 5, NO_LIMIT), 7, 10);
    assert_seen(of_keys_after(store, 0, NO_LIMIT), 2, 5, 7, 10);
    assert_seen(of_keys_after(store, 0, 1), 2);
    assert_seen(of_keys_after(store, 2, 1), 5);
    assert_seen(of_keys_after(store, 10, NO_LIMIT));
}

struct same_event {
    const struct store_event *expected;
    int met;
};

static bool is_this_event(void *arg, const struct store_event *event)
{
    struct same_event *same = arg;

    assert_event(event, same->expected);
    same->met++;
    return true;
}

void a_scan_of_events_gives_all_but_the_hash_of_the_text(struct store *store)
{
    struct store_event event = new_event(1, KIND_KEY_ROTATED, 0, S("c\xd8\xaa"));
    struct same_event same = {&event, 0};

    event.text = 1;
    event.seq = 7;
    event.revision = 3;
    event.via = S("uid:1000");
    event.data = S("\x81\xa1x\xc0");
    OK(begin);
    OK(event_add, &event);
    OK(text_add, &(struct store_text[]){new_text(1, S("body"))}[0]);
    OK(commit);
    OK(event_scan, 0, NO_LIMIT, is_this_event, &same);
    OK(event_scan_keys, 0, NO_LIMIT, is_this_event, &same);
    OK(event_scan_back, 2, NO_LIMIT, is_this_event, &same);
    assert_int_equal(same.met, 3);
}

static bool is_this_text(void *arg, const struct store_text *text)
{
    assert_text(text, arg);
    return true;
}

void texts_are_scanned_whole_within_their_bounds(struct store *store)
{
    struct store_text text = new_text(7, S("a\0b")), erased;

    put_six(store);
    assert_seen(texts_in(store, 0, 6), 3, 6);
    assert_seen(texts_in(store, 3, 6), 6);
    assert_seen(texts_in(store, 0, 5), 3);
    assert_seen(texts_in(store, 6, INT64_MAX));
    text.previous = 6;
    OK(begin);
    OK(text_add, &text);
    OK(commit);
    OK(text_scan, 6, INT64_MAX, is_this_text, &text);
    OK(begin);
    OK(text_erase, 7);
    OK(commit);
    erased = (struct store_text){.no = 7, .previous = 6, .revision = 1, .received_at = text.received_at};
    OK(text_scan, 6, INT64_MAX, is_this_text, &erased);
    assert_seen(texts_in(store, 0, INT64_MAX), 3, 6, 7);
}

static bool is_this_note(void *arg, const struct store_note *note)
{
    (void)arg;
    assert_slice(note->salt, BYTES(salt_a));
    assert_slice(note->text, S("note"));
    return true;
}

void notes_are_scanned_whole_within_their_bounds(struct store *store)
{
    put_six(store);
    assert_seen(notes_in(store, 0, 6), 3, 6);
    assert_seen(notes_in(store, 3, INT64_MAX), 6);
    assert_seen(notes_in(store, 0, 5), 3);
    OK(note_scan, 0, INT64_MAX, is_this_note, NULL);
    OK(begin);
    OK(note_erase, 3);
    OK(commit);
    assert_seen(notes_in(store, 0, INT64_MAX), 6);
}

/* ---- keys ---- */

struct key_wanted {
    int64_t no;
    const struct store_key *expected;
    int met;
};

static bool is_this_key(void *arg, const struct store_key *key)
{
    struct key_wanted *wanted = arg;

    if (key->no != wanted->no)
        return true;
    assert_key(key, wanted->expected);
    wanted->met++;
    return true;
}

static void expect_key(struct store *store, const struct store_key *expected)
{
    struct key_wanted wanted = {expected->no, expected, 0};

    OK(key_scan, is_this_key, &wanted);
    assert_int_equal(wanted.met, 1);
}

static void put_key(struct store *store, const struct store_key *key)
{
    OK(begin);
    OK(key_put, key);
    OK(commit);
}

static void refuse_key(struct store *store, const struct store_key *key)
{
    OK(begin);
    REFUSED(key_put, key);
    assert_true(strlen(store->ops->reason(store)) > 0);
    store->ops->rollback(store);
}

void every_field_of_a_key_round_trips(struct store *store)
{
    struct store_key full = new_key(1, public_a), least = new_key(2, NULL), none = new_key(3, public_b);

    memcpy(full.name, LONG_NAME, sizeof(full.name));
    memcpy(full.created_by, LONG_NAME, sizeof(full.created_by));
    full.role = ROLE_ADMINISTRATOR;
    full.rights = RIGHTS_ALL;
    full.created_at = NUMBER(1);
    full.expires_at = NUMBER(5);
    full.revoked_at = NUMBER(3);
    full.all_sites = true;
    full.sites = SLICE_NONE;
    least.role = ROLE_FRONT;
    least.rights = 0;
    least.uid = 0;
    least.expires_at = 0;
    none.uid = UID_NONE;
    none.sites = S("\x90");
    OK(begin);
    OK(key_put, &full);
    OK(key_put, &least);
    OK(key_put, &none);
    OK(commit);
    expect_key(store, &full);
    expect_key(store, &least);
    expect_key(store, &none);
}

void keys_are_scanned_by_number(struct store *store)
{
    OK(begin);
    for (int64_t no = 1; no <= 12; no++)
        OK(key_put, &(struct store_key[]){new_key(no, NULL)}[0]);
    OK(key_put, &(struct store_key[]){new_key(3, NULL)}[0]);
    OK(commit);
    assert_seen(keys(store), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
}

void a_key_comes_to_its_end_and_is_revoked(struct store *store)
{
    struct store_key key = new_key(1, public_a), other = new_key(2, NULL);

    key.expires_at = 0;
    put_key(store, &key);
    put_key(store, &other);
    key.expires_at = 5000;
    put_key(store, &key);
    expect_key(store, &key);
    key.revoked_at = 3000;
    put_key(store, &key);
    expect_key(store, &key);
    put_key(store, &key);
    key.expires_at = 4000;
    put_key(store, &key);
    expect_key(store, &key);
    expect_key(store, &other);
}

void nothing_else_of_a_key_ever_changes(struct store *store)
{
    struct store_key of_key = new_key(1, public_a), of_user = new_key(2, NULL);
    struct store_key changed[12];

    of_key.revoked_at = 4000;
    put_key(store, &of_key);
    put_key(store, &of_user);
    for (size_t i = 0; i < COUNT(changed); i++)
        changed[i] = of_key;
    changed[0].name[0] = 'x';
    changed[1].role = ROLE_ADMINISTRATOR;
    changed[2].rights = RIGHTS_ALL;
    memcpy(changed[3].public_key, public_b, PUBLIC_KEY_BYTES);
    changed[4].created_at++;
    changed[5].created_by[0] = 'x';
    changed[6].sites = S("\x91\xa1"
                         "a");
    changed[7].sites = SLICE_NONE;
    changed[7].all_sites = true;
    changed[8].revoked_at++;
    changed[9].revoked_at = 0;
    changed[10].has_public = false;
    changed[10].uid = 1000;
    changed[11] = of_user;
    changed[11].uid++;
    for (size_t i = 0; i < COUNT(changed); i++)
        refuse_key(store, &changed[i]);
    expect_key(store, &of_key);
    expect_key(store, &of_user);
}

void the_end_of_a_key_only_comes_nearer(struct store *store)
{
    struct store_key key = new_key(1, public_a), later = key, never = key;

    later.expires_at++;
    never.expires_at = 0;
    put_key(store, &key);
    refuse_key(store, &later);
    refuse_key(store, &never);
    expect_key(store, &key);
}

void a_key_cannot_skip_a_number(struct store *store)
{
    static const int64_t wrong[] = {3, 0, -1, INT64_MAX};
    struct store_key key = new_key(1, public_a), other;

    put_key(store, &key);
    for (size_t i = 0; i < COUNT(wrong); i++) {
        other = new_key(wrong[i], public_b);
        refuse_key(store, &other);
    }
    other = new_key(2, public_b);
    put_key(store, &other);
    assert_seen(keys(store), 1, 2);
}

void a_public_key_is_used_once(struct store *store)
{
    struct store_key key = new_key(1, public_a), again = new_key(2, public_a);

    key.revoked_at = 2000;
    put_key(store, &key);
    refuse_key(store, &again);
    expect_key(store, &key);
    assert_seen(keys(store), 1);
}

void users_and_names_may_have_several_keys(struct store *store)
{
    struct store_key key = new_key(1, NULL), again = new_key(2, NULL);

    again.uid = key.uid;
    memcpy(again.name, key.name, sizeof(again.name));
    put_key(store, &key);
    put_key(store, &again);
    expect_key(store, &key);
    expect_key(store, &again);
}

void a_key_has_a_public_key_or_a_user(struct store *store)
{
    struct store_key both = new_key(1, public_a), neither = new_key(1, NULL);

    both.uid = 0;
    neither.uid = UID_NONE;
    refuse_key(store, &both);
    refuse_key(store, &neither);
    assert_seen(keys(store));
}

/* ---- authors ---- */

/* Eight comments of ana, their texts 2, 4, ... 16: rejected, approved, rejected, ... among those of others. */
static void put_authors(struct store *store)
{
    char id[16];

    OK(begin);
    for (int64_t i = 1; i <= 8; i++) {
        snprintf(id, sizeof(id), "%d", (int)(i * 5 % 8));
        struct store_comment comment = new_comment(1, id, 2 * i);
        comment.state = i % 2 ? STATE_REJECTED : STATE_APPROVED;
        memcpy(comment.author, "ana", 4);
        OK(comment_put, &comment);
        snprintf(comment.id, sizeof(comment.id), "other %d", (int)i);
        comment.text++;
        memcpy(comment.author, "anab", 5);
        OK(comment_put, &comment);
        comment.site = 2;
        memcpy(comment.author, "ana", 4);
        OK(comment_put, &comment);
        snprintf(comment.id, sizeof(comment.id), "nobody's %d", (int)i);
        comment.site = 1;
        comment.author[0] = '\0';
        OK(comment_put, &comment);
    }
    OK(commit);
}

static struct seen comments_of(struct store *store, const char *author, int64_t before, int64_t limit)
{
    struct seen seen = {.count = 0};

    OK(author_comments, 1, slice_of(author), before, limit, see_comment, &seen);
    return seen;
}

static struct seen comments_in(struct store *store, enum state state, int64_t among, int64_t limit)
{
    struct seen seen = {.count = 0};

    OK(author_in_state, 1, S("ana"), state, among, limit, see_comment, &seen);
    return seen;
}

void an_authors_comments_are_given_newest_first(struct store *store)
{
    put_authors(store);
    assert_seen(comments_of(store, "ana", INT64_MAX, NO_LIMIT), 16, 14, 12, 10, 8, 6, 4, 2);
    assert_seen(comments_of(store, "ana", 8, 2), 6, 4);
    assert_seen(comments_of(store, "ana", INT64_MAX, 0));
    assert_seen(comments_of(store, "an", INT64_MAX, NO_LIMIT));
    assert_seen(comments_of(store, "", INT64_MAX, NO_LIMIT));
}

void an_authors_comments_are_counted_by_state_among_the_newest(struct store *store)
{
    struct store_author_figures figures;

    put_authors(store);
    OK(author_figures, 1, S("ana"), 100, &figures);
    assert_int_equal(figures.counts[STATE_APPROVED], 4);
    assert_int_equal(figures.counts[STATE_REJECTED], 4);
    assert_int_equal(figures.counts[STATE_PENDING], 0);
    assert_int_equal(figures.oldest, 2);
    OK(author_figures, 1, S("ana"), 3, &figures);
    assert_int_equal(figures.counts[STATE_APPROVED], 2);
    assert_int_equal(figures.counts[STATE_REJECTED], 1);
    assert_int_equal(figures.oldest, 12);
    OK(author_figures, 1, S("nobody"), 100, &figures);
    assert_int_equal(figures.counts[STATE_APPROVED] + figures.counts[STATE_REJECTED], 0);
    assert_int_equal(figures.oldest, 0);
}

void an_authors_comment_that_waits_for_a_second_look_counts_as_pending(struct store *store)
{
    struct store_author_figures figures;
    struct store_comment comment;

    put_authors(store);
    OK(begin);
    OK(comment_get, 1, S("3"), &comment); /* the seventh */
    assert_int_equal(comment.state, STATE_REJECTED);
    comment.lane = LANE_SECOND;
    OK(comment_put, &comment);
    OK(commit);
    OK(author_figures, 1, S("ana"), 100, &figures);
    assert_int_equal(figures.counts[STATE_PENDING], 1);
    assert_int_equal(figures.counts[STATE_REJECTED], 3);
    assert_seen(comments_in(store, STATE_PENDING, 100, NO_LIMIT), 14);
    assert_seen(comments_in(store, STATE_REJECTED, 100, NO_LIMIT), 10, 6, 2);
}

void an_authors_comments_in_one_state_are_given_newest_first(struct store *store)
{
    struct seen first = {.stop_at = 1};

    put_authors(store);
    assert_seen(comments_in(store, STATE_REJECTED, 100, NO_LIMIT), 14, 10, 6, 2);
    assert_seen(comments_in(store, STATE_REJECTED, 100, 2), 14, 10);
    assert_seen(comments_in(store, STATE_REJECTED, 4, NO_LIMIT), 14, 10);
    assert_seen(comments_in(store, STATE_APPROVED, 1, NO_LIMIT), 16);
    assert_seen(comments_in(store, STATE_PENDING, 100, NO_LIMIT));
    assert_seen(comments_in(store, STATE_REJECTED, 100, 0));
    OK(author_in_state, 1, S("ana"), STATE_REJECTED, 100, NO_LIMIT, see_comment, &first);
    assert_seen(first, 14);
}

static void expect_author(struct store *store, const struct store_author *author)
{
    struct store_author found;

    OK(author_get, author->site, slice_of(author->id), &found);
    assert_string_equal(found.id, author->id);
    assert_int_equal(found.site, author->site);
    assert_int_equal(found.mark, author->mark);
    assert_int_equal(found.until, author->until);
    assert_int_equal(found.marked, author->marked);
    assert_int_equal(found.last_event, author->last_event);
}

void what_is_thought_of_an_author_round_trips_and_is_erased(struct store *store)
{
    struct store_author ana = {1, "ana", MARK_WATCHED, NUMBER(1), NUMBER(3), NUMBER(5)};
    struct store_author other = {2, "ana", MARK_BLOCKED, 0, 0, 7};
    struct store_author found;

    OK(begin);
    OK(author_put, &ana);
    OK(author_put, &other);
    OK(commit);
    expect_author(store, &ana);
    expect_author(store, &other);
    ana.mark = MARK_NONE;
    ana.until = 0;
    OK(begin);
    OK(author_put, &ana);
    OK(author_erase, 2, S("ana"));
    OK(author_erase, 2, S("nobody"));
    OK(commit);
    expect_author(store, &ana);
    assert_int_equal(store->ops->author_get(store, 2, S("ana"), &found), STORE_NONE);
    assert_int_equal(store->ops->author_get(store, 1, S("an"), &found), STORE_NONE);
}

/* ---- scans ---- */

/* ---- skips, batches, second looks ---- */

static bool see_skip(void *arg, int64_t text, int64_t until)
{
    return see(arg, text * 1000 + until);
}

static struct seen skips_of(struct store *store, struct slice moderator, int64_t after, int64_t limit)
{
    struct seen seen = {.count = 0};

    OK(skip_scan, moderator, after, limit, see_skip, &seen);
    return seen;
}

static void put_skips(struct store *store)
{
    OK(begin);
    OK(skip_put, S("ana"), 3, 30);
    OK(skip_put, S("ana"), 1, 10);
    OK(skip_put, S("ana"), 2, 20);
    OK(skip_put, S("an"), 9, 90);
    OK(skip_put, S("ana"), 1, 11);
    OK(commit);
}

void skips_of_a_moderator_are_scanned_from_the_newest_text(struct store *store)
{
    struct seen one = {.stop_at = 1};

    put_skips(store);
    assert_seen(skips_of(store, S("ana"), 0, NO_LIMIT), 3030, 2020, 1011);
    assert_seen(skips_of(store, S("ana"), 1, NO_LIMIT), 3030, 2020);
    assert_seen(skips_of(store, S("ana"), 0, 2), 3030, 2020);
    assert_seen(skips_of(store, S("ana"), 0, 0));
    assert_seen(skips_of(store, S("Ana"), 0, NO_LIMIT));
    OK(skip_scan, S("ana"), 0, NO_LIMIT, see_skip, &one);
    assert_int_equal(one.count, 1);
}

void skips_that_are_over_are_forgotten(struct store *store)
{
    put_skips(store);
    OK(begin);
    OK(skip_prune, 11, NO_LIMIT);
    OK(commit);
    assert_seen(skips_of(store, S("ana"), 0, NO_LIMIT), 3030, 2020, 1011);
    OK(begin);
    OK(skip_prune, 31, 2);
    OK(commit);
    assert_int_equal(skips_of(store, S("ana"), 0, NO_LIMIT).count, 1);
    OK(begin);
    OK(skip_prune, 31, NO_LIMIT);
    OK(commit);
    assert_seen(skips_of(store, S("ana"), 0, NO_LIMIT));
    assert_seen(skips_of(store, S("an"), 0, NO_LIMIT), 9090);
}

static struct seen batch_of(struct store *store, struct slice id, int64_t after, int64_t limit)
{
    struct seen seen = {.count = 0};

    OK(batch_scan, id, after, limit, see_number, &seen);
    return seen;
}

void a_batch_holds_each_event_once_and_in_order(struct store *store)
{
    struct seen one = {.stop_at = 1};

    OK(begin);
    OK(batch_add, BYTES(salt_a), 7);
    OK(batch_add, BYTES(salt_a), 3);
    OK(batch_add, BYTES(salt_a), 7);
    OK(batch_add, BYTES(hash_a), 5);
    OK(commit);
    assert_seen(batch_of(store, BYTES(salt_a), 0, NO_LIMIT), 3, 7);
    assert_seen(batch_of(store, BYTES(salt_a), 3, NO_LIMIT), 7);
    assert_seen(batch_of(store, BYTES(salt_a), 0, 1), 3);
    assert_seen(batch_of(store, BYTES(salt_a), 0, 0));
    assert_seen(batch_of(store, BYTES(hash_b), 0, NO_LIMIT));
    OK(batch_scan, BYTES(salt_a), 0, NO_LIMIT, see_number, &one);
    assert_int_equal(one.count, 1);
}

void what_waits_for_a_second_look_is_a_queue_of_its_own(struct store *store)
{
    struct store_queue figures;

    OK(begin);
    for (int64_t text = 1; text <= 4; text++) {
        struct store_comment comment = new_comment(1, (const char *[]){"a", "b", "c", "d"}[text - 1], text);
        comment.state = text % 2 ? STATE_APPROVED : STATE_REJECTED;
        comment.lane = LANE_SECOND;
        comment.due_at = 10 - text;
        snprintf(comment.claimed_by, sizeof(comment.claimed_by), "%s", text == 4 ? "ana" : "");
        comment.claimed_until = text == 4 ? 50 : 0;
        OK(comment_put, &comment);
    }
    OK(commit);
    assert_seen(free_of(store, 1, LANE_SECOND), 3, 2, 1);
    assert_seen(held_of(store, 1, LANE_SECOND), 4);
    assert_seen(free_of(store, 1, LANE_NORMAL));
    assert_seen(queue_after(store, 1, LANE_SECOND, false, 7, 3, 1), 2);
    assert_seen(claims(store, S("ana"), NO_LIMIT), 4);
    assert_seen(ending(store, 50, NO_LIMIT), 4);
    OK(queue_figures, 1, &figures);
    assert_int_equal(figures.second, 4);
    assert_int_equal(figures.claimed, 1);
}

/* Three of everything that can be scanned. */
static void put_three_of_each(struct store *store)
{
    char name[] = "x0";

    OK(begin);
    for (int64_t i = 1; i <= 3; i++) {
        name[1] = (char)('0' + i);
        OK(site_put, &(struct store_site[]){new_site(i, name)}[0]);
        OK(event_add, &(struct store_event[]){new_record(i, 1, i)}[0]);
        OK(text_add, &(struct store_text[]){new_text(i, S("body"))}[0]);
        OK(note_add, i, BYTES(salt_a), S("note"));
        OK(key_put, &(struct store_key[]){new_key(i, NULL)}[0]);
        OK(report_put, 1, S("c"), &(struct store_report){slice_of(name), 0, i, SLICE_NONE, SLICE_NONE});
        OK(listener_put, &(struct store_listener){1, slice_of(name), i, 0}, 64, 0);
        put_claim(store, 1, 2 * i, "ana", 100 + i);
        put_claim(store, 1, 2 * i + 6, "", 0);
    }
    for (int64_t no = 4; no <= 6; no++)
        OK(event_add, &(struct store_event[]){new_event(no, KIND_KEY_ADDED, 0, S(""))}[0]);
    OK(commit);
}

void a_callback_that_returns_false_ends_any_scan(struct store *store)
{
    put_three_of_each(store);
    for (size_t stop = 1; stop <= 2; stop++) {
        struct seen sites = {.stop_at = stop}, records = sites, reports = sites, heard = sites, waiting = sites,
                    held = sites, ends = sites, own = sites, forth = sites, of_keys = sites, back = sites,
                    texts = sites, notes = sites, owners = sites;
        OK(site_scan, see_site, &sites);
        OK(log_scan, 1, 0, NO_LIMIT, see_event, &records);
        OK(report_scan, 1, S("c"), NO_LIMIT, see_report, &reports);
        OK(listener_scan, see_listener, &heard);
        OK(queue_scan, 1, LANE_NORMAL, false, START, NO_LIMIT, see_comment, &waiting);
        OK(queue_scan, 1, LANE_NORMAL, true, START, NO_LIMIT, see_comment, &held);
        OK(claims_ending, INT64_MAX, NO_LIMIT, see_comment, &ends);
        OK(claims_of, S("ana"), NO_LIMIT, see_comment, &own);
        OK(event_scan, 0, NO_LIMIT, see_event, &forth);
        OK(event_scan_keys, 0, NO_LIMIT, see_event, &of_keys);
        OK(event_scan_back, INT64_MAX, NO_LIMIT, see_event, &back);
        OK(text_scan, 0, INT64_MAX, see_text, &texts);
        OK(note_scan, 0, INT64_MAX, see_note, &notes);
        OK(key_scan, see_key, &owners);
        struct seen *all[] = {&sites, &records, &reports, &heard, &waiting, &held,  &ends,
                              &own,   &forth,   &of_keys, &back,  &texts,   &notes, &owners};
        for (size_t i = 0; i < COUNT(all); i++)
            assert_int_equal(all[i]->count, stop);
    }
}

void a_limit_of_zero_gives_nothing(struct store *store)
{
    put_three_of_each(store);
    assert_seen(log_after(store, 1, 0, 0));
    assert_seen(events_after(store, 0, 0));
    assert_seen(of_keys_after(store, 0, 0));
    assert_seen(events_before(store, INT64_MAX, 0));
    assert_seen(reports_about(store, 1, S("c"), 0));
    assert_seen(queue_after(store, 1, LANE_NORMAL, false, START, 0));
    assert_seen(queue_after(store, 1, LANE_NORMAL, true, START, 0));
    assert_seen(ending(store, INT64_MAX, 0));
    assert_seen(claims(store, S("ana"), 0));
}

void a_scan_that_ended_early_holds_nothing_up(struct store *store)
{
    struct seen seen = {.stop_at = 1}, again = {.count = 0};
    struct store_text found;

    put_three_of_each(store);
    OK(log_scan, 1, 0, NO_LIMIT, see_event, &seen);
    OK(begin);
    OK(text_add, &(struct store_text[]){new_text(4, S("other"))}[0]);
    seen.count = 0;
    OK(queue_scan, 1, LANE_NORMAL, true, START, NO_LIMIT, see_comment, &seen);
    OK(text_get, 4, &found);
    OK(commit);
    OK(begin);
    seen.count = 0;
    OK(site_scan, see_site, &seen);
    OK(text_erase, 4);
    OK(text_get, 4, &found);
    store->ops->rollback(store);
    OK(text_get, 4, &found);
    assert_slice(found.body, S("other"));
    OK(log_scan, 1, 0, NO_LIMIT, see_event, &again);
    assert_seen(again, 1, 2, 3);
}
