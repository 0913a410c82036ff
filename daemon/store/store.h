/* Where comments, events and the log are kept: one table of functions for every back end.
 *
 * A store is used by one thread at a time. The one that writes calls begin, any number of functions, then commit or
 * rollback; those opened read-only only call the functions that read, which see what was committed before. No function
 * here knows the rules: what may follow what is decided above (daemon/core, daemon/work). Whoever only reads brackets
 * its calls with begin and rollback, too: what lies between sees one state, and nothing is held open afterwards.
 *
 * Every function returns an enum store_result. STORE_FULL, STORE_BUSY and STORE_FAILED inside a transaction are sticky:
 * whatever is called after them does nothing and returns the same, commit too, until rollback. Borrowed slices in what
 * a function hands out are good until the next call on the same store. */
#ifndef MODQ_STORE_H
#define MODQ_STORE_H

#include <stdint.h>

#include "../../proto/slice.h"
#include "../../proto/words.h"

#define HASH_BYTES      32
#define SALT_BYTES      16
#define EPOCH_BYTES     16
#define OPERATION_BYTES 16
#define BATCH_BYTES     16
#define LANGUAGE_BYTES  35
#define DUE_RULE_BYTES  128
#define NAME_BYTES      64  /* a site, a moderator, a listener */
#define KEY_BYTES       128 /* an id that a site gives */

enum store_result {
    STORE_OK,
    STORE_NONE,  /* no such thing; nothing is wrong */
    STORE_FULL,  /* no room; rolling back and going on is safe */
    STORE_BUSY,  /* another program holds the store; rolling back and trying again later is safe */
    STORE_FAILED /* the store can no longer be believed; store_reason says why; the daemon must stop */
};

/* One site. `no` is 1, 2, 3, ... in the order in which sites were first seen. */
struct store_site {
    int64_t no;
    char name[NAME_BYTES + 1];
    int64_t newest;                    /* number of the newest record of its log, 0 when there is none */
    int64_t pending;                   /* comments that are pending, in any lane, claimed or not */
    int64_t counts[KIND_COUNT];        /* events so far, of the kinds submitted to erased */
    char due_rule[DUE_RULE_BYTES + 1]; /* by which due times were made; "": by none */
    char due_after[KEY_BYTES + 1];     /* they are, up to this comment; "": of all comments */
};

/* The current state of one comment. Event and text numbers are 0 for "none". */
struct store_comment {
    int64_t site;
    char id[KEY_BYTES + 1]; /* may hold no NUL */
    enum state state;
    enum lane lane;
    int64_t revision;                /* current one, 0 before any text */
    int64_t text;                    /* number of the current revision's text: that of the event that brought it */
    int64_t newest_text;             /* number of the last text stored, where text.previous chains begin */
    int64_t last_event;              /* where event.previous chains begin */
    int64_t record;                  /* event that is its last record */
    int64_t decision;                /* event that is its current decision (approved, rejected), else 0 */
    int64_t approval;                /* event that approved it last, 0 if none did */
    int64_t due_at;                  /* the queue is ordered by (due_at, text) */
    int64_t reports;                 /* since it was last approved */
    int64_t revisions;               /* texts stored */
    char claimed_by[NAME_BYTES + 1]; /* "" when nobody holds it */
    int64_t claimed_until;           /* boot clock, milliseconds; only with claimed_by */
    char article[KEY_BYTES + 1];     /* of the current revision, "" when it has none, or is erased */
    char author[KEY_BYTES + 1];      /* likewise */
    char language[LANGUAGE_BYTES + 1];
    bool stored; /* comment_put updates; else it inserts */
};

/* The text of one revision and what came with it. */
struct store_text {
    int64_t no;       /* number of its submitted event */
    int64_t previous; /* text stored before it for the same comment, 0 for the first */
    int64_t revision;
    int64_t received_at;
    struct slice article, author, language; /* to be found by; absent when not given */
    struct slice body;                      /* absent once erased */
    struct slice sha256;                    /* 32 bytes; absent once erased */
    struct slice salt;                      /* 16 bytes; absent once erased */
    struct slice meta;                      /* packed map (proto/comment.h); absent once erased */
};

/* One entry of the one append-only table of events. */
struct store_event {
    int64_t no; /* 1, 2, 3, ... */
    int64_t at; /* milliseconds UTC, never below that of the event before */
    enum kind kind;
    int64_t site;
    struct slice comment;
    int64_t revision;
    int64_t text;        /* text that it is about, 0 if none */
    struct slice actor;  /* moderator, "front", "push" or "modqd" */
    int64_t seq;         /* number in the site's log, 0 if it is no record */
    int64_t previous;    /* event of the same comment before this one, 0 for the first */
    struct slice data;   /* packed map, see daemon/work/record.c */
    struct slice via;    /* how it came: "key:7", "uid:1000", "tcp"; absent: the daemon itself, or before version 2 */
    struct slice hash;   /* 32 bytes: the chain up to here */
    struct slice sha256; /* when read: hash of the text's body, absent when erased or none */
};

/* What somebody wrote beside an event. */
struct store_note {
    int64_t event;
    struct slice salt, text;
};

struct store_report {
    struct slice reader;
    int64_t round; /* last approval that it counted after, an event number */
    int64_t at;
    struct slice reason, note; /* absent when not given */
};

struct store_article {
    struct slice meta;      /* packed article map */
    int closed, front_page; /* 0, 1, or -1: never said */
};

/* What moderators think of an author. */
struct store_author {
    int64_t site;
    char id[KEY_BYTES + 1];
    enum mark mark;
    int64_t until;      /* wall clock; 0: without an end */
    int64_t marked;     /* event that set the mark, 0 if none did */
    int64_t last_event; /* where the chain of events about the author begins */
};

/* Of an author's newest comments. */
struct store_author_figures {
    int64_t counts[STATE_COUNT];
    int64_t oldest; /* the lowest current text among them, 0 when there are none */
};

struct store_listener {
    int64_t site;
    struct slice name;
    int64_t seq, at;
};

struct store_operation {
    struct slice actor;
    struct slice request; /* hash of what was asked */
    int64_t at;
    struct slice answer; /* what the handler keeps of its answer */
};

#define PUBLIC_KEY_BYTES 32
#define UID_NONE         (-1)

/* A key: what somebody who proves to be its owner may. Rows are only added, brought to an end and revoked, so a number
 * means one key for ever. */
struct store_key {
    int64_t no; /* 1, 2, 3, ... */
    char name[NAME_BYTES + 1];
    enum role role;
    unsigned rights; /* enum right, or-ed; RIGHTS_ALL + 1 when a row holds what no right is */
    bool has_public; /* else it is a user of the system, `uid` */
    unsigned char public_key[PUBLIC_KEY_BYTES];
    int64_t uid; /* UID_NONE with has_public */
    bool all_sites;
    struct slice sites; /* packed list of names; absent with all_sites */
    char created_by[NAME_BYTES + 1];
    int64_t created_at, expires_at, revoked_at; /* 0: never */
};

/* Figures of one site's queue, counted by the store. */
struct store_queue {
    int64_t escalated, claimed;
    int64_t second; /* decided ones that wait for a second look */
    int64_t oldest; /* lowest text of what is pending, 0 when nothing is */
};

struct store;

/* Callbacks return false to end the scan early (which is no error). They must not call the store. */
typedef bool store_on_site(void *arg, const struct store_site *site);
typedef bool store_on_comment(void *arg, const struct store_comment *comment);
typedef bool store_on_event(void *arg, const struct store_event *event);
typedef bool store_on_text(void *arg, const struct store_text *text);
typedef bool store_on_note(void *arg, const struct store_note *note);
typedef bool store_on_report(void *arg, const struct store_report *report);
typedef bool store_on_report_of(void *arg, int64_t site, struct slice comment, const struct store_report *report);
typedef bool store_on_listener(void *arg, const struct store_listener *listener);
typedef bool store_on_key(void *arg, const struct store_key *key);

typedef bool store_on_skip(void *arg, int64_t text, int64_t until);
typedef bool store_on_author(void *arg, const struct store_author *author);
typedef bool store_on_skip_of(void *arg, struct slice moderator, int64_t text);
typedef bool store_on_batch(void *arg, const unsigned char id[BATCH_BYTES], int64_t event);
typedef bool store_on_number(void *arg, int64_t no);

struct store_ops {
    const char *name;
    void (*close)(struct store *);
    const char *(*reason)(struct store *); /* of the last FULL, BUSY or FAILED, for a log */

    enum store_result (*begin)(struct store *);
    enum store_result (*commit)(struct store *);               /* OK: it is on disk, whatever happens next */
    void (*rollback)(struct store *);                          /* harmless outside a transaction */
    enum store_result (*room)(struct store *, int64_t *bytes); /* how much more may be written */

    /* Outside a transaction, now and then: removes what was erased from wherever the back end still keeps it (a log,
     * say), if nobody reads it right now. Cheap when there is nothing to do. */
    enum store_result (*tidy)(struct store *);

    enum store_result (*epoch)(struct store *, unsigned char epoch[EPOCH_BYTES]);
    enum store_result (*epoch_set)(struct store *, const unsigned char epoch[EPOCH_BYTES]);
    /* Id of the boot whose clock claimed_until was measured by; "" before the first. At most 63 bytes. */
    enum store_result (*boot)(struct store *, char boot[64]);
    enum store_result (*boot_set)(struct store *, const char *boot);

    enum store_result (*site_find)(struct store *, struct slice name, struct store_site *site);
    enum store_result (*site_scan)(struct store *, store_on_site *, void *arg);   /* by no */
    enum store_result (*site_put)(struct store *, const struct store_site *site); /* inserts or updates by no */

    enum store_result (*comment_get)(struct store *, int64_t site, struct slice id, struct store_comment *comment);
    enum store_result (*comment_put)(struct store *, const struct store_comment *comment);
    /* A site's comments by id, those after `after`. */
    enum store_result (*comment_scan)(struct store *, int64_t site, struct slice after, int64_t limit,
                                      store_on_comment *, void *arg);
    /* An author's comments whose current text is below `before`, the newest first. */
    enum store_result (*author_comments)(struct store *, int64_t site, struct slice author, int64_t before,
                                         int64_t limit, store_on_comment *, void *arg);
    /* What an author's newest `limit` comments are; and the newest `limit` that are in one state, looked for among the
     * newest `among`. What waits for a second look is counted as pending, so that no sum tells its decision. Counting
     * costs an entry of an index each. */
    enum store_result (*author_figures)(struct store *, int64_t site, struct slice author, int64_t limit,
                                        struct store_author_figures *figures);
    enum store_result (*author_in_state)(struct store *, int64_t site, struct slice author, enum state state,
                                         int64_t among, int64_t limit, store_on_comment *, void *arg);
    /* Pending comments of an article in one lane, held or not, by (due_at, text), strictly after the given pair. */
    enum store_result (*article_pending)(struct store *, int64_t site, struct slice article, enum lane lane,
                                         int64_t after_due_at, int64_t after_text, int64_t limit, store_on_comment *,
                                         void *arg);
    /* Comments of all sites by (site, id in the order of its bytes), strictly after the given pair, at most `limit`. */
    enum store_result (*comment_scan_all)(struct store *, int64_t after_site, struct slice after_id, int64_t limit,
                                          store_on_comment *, void *arg);

    /* Texts are never edited: a number that is not above all before is STORE_FAILED, and there is no way to change one
     * but erase, which leaves no, previous, revision and received_at. */
    enum store_result (*text_add)(struct store *, const struct store_text *text);
    enum store_result (*text_get)(struct store *, int64_t no, struct store_text *text);
    /* The same without body and meta, which are left absent: cheap, however long the text is. */
    enum store_result (*text_head)(struct store *, int64_t no, struct store_text *text);
    enum store_result (*text_erase)(struct store *, int64_t no);

    /* Events are only ever added, each with the next number. */
    enum store_result (*event_add)(struct store *, const struct store_event *event);
    enum store_result (*event_get)(struct store *, int64_t no, struct store_event *event);
    /* The same without `sha256`, which is left absent: cheap, because no text is looked at. */
    enum store_result (*event_head)(struct store *, int64_t no, struct store_event *event);
    enum store_result (*event_last)(struct store *, struct store_event *event); /* NONE when there are none */
    enum store_result (*log_get)(struct store *, int64_t site, int64_t seq, struct store_event *event);
    enum store_result (*log_scan)(struct store *, int64_t site, int64_t after, int64_t limit, store_on_event *,
                                  void *arg); /* by seq */

    /* Everything by number, for those who look back: events above `after`, the same of those that tell of keys
     * (key_added, key_revoked, key_rotated), and events below `before`, the newest first. `sha256` stays absent. */
    enum store_result (*event_scan)(struct store *, int64_t after, int64_t limit, store_on_event *, void *arg);
    enum store_result (*event_scan_keys)(struct store *, int64_t after, int64_t limit, store_on_event *, void *arg);
    enum store_result (*event_scan_back)(struct store *, int64_t before, int64_t limit, store_on_event *, void *arg);
    /* Texts, and notes by their event, above `after` up to and with `last`. */
    enum store_result (*text_scan)(struct store *, int64_t after, int64_t last, store_on_text *, void *arg);
    enum store_result (*note_scan)(struct store *, int64_t after, int64_t last, store_on_note *, void *arg);

    /* What people wrote beside an event: kept apart so that it can be erased while the event stays. */
    enum store_result (*note_add)(struct store *, int64_t event, struct slice salt, struct slice text);
    enum store_result (*note_get)(struct store *, int64_t event, struct slice *text);
    enum store_result (*note_erase)(struct store *, int64_t event); /* OK also when there is none */

    enum store_result (*report_get)(struct store *, int64_t site, struct slice comment, struct slice reader,
                                    struct store_report *report);
    enum store_result (*report_put)(struct store *, int64_t site, struct slice comment,
                                    const struct store_report *report);
    enum store_result (*report_scan)(struct store *, int64_t site, struct slice comment, int64_t limit,
                                     store_on_report *, void *arg);                        /* newest first */
    enum store_result (*report_erase)(struct store *, int64_t site, struct slice comment); /* all of them */
    /* How many reports of a comment are of that round. */
    enum store_result (*report_count)(struct store *, int64_t site, struct slice comment, int64_t round, int64_t *n);
    /* Reports of all comments by (site, comment, reader), strictly after the given three, at most `limit`. */
    enum store_result (*report_scan_all)(struct store *, int64_t after_site, struct slice after_comment,
                                         struct slice after_reader, int64_t limit, store_on_report_of *, void *arg);

    enum store_result (*article_get)(struct store *, int64_t site, struct slice id, struct store_article *article);
    enum store_result (*article_put)(struct store *, int64_t site, struct slice id,
                                     const struct store_article *article);

    enum store_result (*author_get)(struct store *, int64_t site, struct slice id, struct store_author *author);
    enum store_result (*author_put)(struct store *, const struct store_author *author); /* inserts or replaces */
    enum store_result (*author_erase)(struct store *, int64_t site, struct slice id);
    /* Authors of all sites by (site, id), strictly after the given pair, at most `limit`. */
    enum store_result (*author_scan_all)(struct store *, int64_t after_site, struct slice after_id, int64_t limit,
                                         store_on_author *, void *arg);

    /* A moderator is not given a text before `until` (wall clock); the last one counts. A scan begins with the newest
     * text. */
    enum store_result (*skip_put)(struct store *, struct slice moderator, int64_t text, int64_t until);
    enum store_result (*skip_scan)(struct store *, struct slice moderator, int64_t after_text, int64_t limit,
                                   store_on_skip *, void *arg);
    enum store_result (*skip_prune)(struct store *, int64_t before, int64_t limit); /* of those that are over */

    /* Skips of all moderators by (moderator, text), strictly after the given pair, at most `limit`. */
    enum store_result (*skip_scan_all)(struct store *, struct slice after_moderator, int64_t after_text, int64_t limit,
                                       store_on_skip_of *, void *arg);

    /* Events that belong to one batch; adding one twice is no error. */
    enum store_result (*batch_add)(struct store *, struct slice id, int64_t event);
    enum store_result (*batch_scan)(struct store *, struct slice id, int64_t after, int64_t limit, store_on_number *,
                                    void *arg); /* by number */
    /* Events of all batches by (id, event), strictly after the given pair, at most `limit`. */
    enum store_result (*batch_scan_all)(struct store *, const unsigned char after_id[BATCH_BYTES], int64_t after_event,
                                        int64_t limit, store_on_batch *, void *arg);

    /* NONE when the site has `max` other listeners already; one that was not heard from since `forget_before` gives
     * way. */
    enum store_result (*listener_put)(struct store *, const struct store_listener *listener, int64_t max,
                                      int64_t forget_before);
    enum store_result (*listener_scan)(struct store *, store_on_listener *, void *arg);

    enum store_result (*operation_get)(struct store *, struct slice id, struct store_operation *operation);
    enum store_result (*operation_add)(struct store *, struct slice id, const struct store_operation *operation);
    /* Forgets at most `limit` operations that are older than `before`. */
    enum store_result (*operation_prune)(struct store *, int64_t before, int64_t limit);

    enum store_result (*key_scan)(struct store *, store_on_key *, void *arg); /* by no */
    /* Inserts the next number, or updates a row. A row's end may come nearer and it may be revoked; anything else of it
     * never changes, and no two rows have one public key: such a call fails. */
    enum store_result (*key_put)(struct store *, const struct store_key *key);

    /* Pending comments of one site and lane, held by somebody or free, by (due_at, text), strictly after the given
     * pair, at most `limit`; in LANE_SECOND those that wait for a second look, which are decided. */
    enum store_result (*queue_scan)(struct store *, int64_t site, enum lane lane, bool held, int64_t after_due_at,
                                    int64_t after_text, int64_t limit, store_on_comment *, void *arg);
    enum store_result (*queue_figures)(struct store *, int64_t site, struct store_queue *figures);
    /* Claims that end at or before `until`, by their end; and those of one moderator, in any order. */
    enum store_result (*claims_ending)(struct store *, int64_t until, int64_t limit, store_on_comment *, void *arg);
    enum store_result (*claims_of)(struct store *, struct slice moderator, int64_t limit, store_on_comment *,
                                   void *arg);
};

/* A back end's own struct begins with this one. */
struct store {
    const struct store_ops *ops;
};

static inline void store_close(struct store *store)
{
    if (store)
        store->ops->close(store);
}

/* Opens (making it when it is not there, and bringing an older schema up to date) the database of SQLite at `path`.
 * `database_bytes` bounds its size; `read_only` opens a second connection for another thread, after the one that
 * writes. NULL on failure, with the reason in `reason`. */
struct store *store_sqlite_open(const char *path, bool read_only, int64_t database_bytes, char *reason,
                                size_t reason_bytes);

#endif
