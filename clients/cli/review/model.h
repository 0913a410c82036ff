/* What a moderator has before them, and what becomes of it when a key is pressed, an answer comes, or time passes.
 * Pure: no file, socket, clock or terminal. It is told what happens and gives back what to ask the daemon for.
 *
 *   review_start, then in any order
 *   review_key        a key was pressed
 *   review_answer     a request that review_request gave was answered
 *   review_away       the daemon does not answer just now (review_answer says that it does again)
 *   review_time       time has passed; call it once a second, at least
 *   review_leave      the moderator goes: what is undecided is given back
 *   and after each of them, until it gives NULL: review_request
 *
 * Times are milliseconds; `now` is that of the clock on the wall, because cards tell the daemon's. */
#ifndef MODQ_REVIEW_MODEL_H
#define MODQ_REVIEW_MODEL_H

#include "card.h"
#include "edit.h"
#include "pick.h"

enum {
    AHEAD_MOST = 50,
    NOTE_BYTES_MAX = 4096,
    SEARCH_BYTES_MAX = 256,
};

/* What a request is for; its answer is taken by the same word. */
enum wish {
    WISH_HELLO,
    WISH_STATS,
    WISH_POLICY,
    WISH_CLAIM,       /* the next ones */
    WISH_CLAIM_NAMED, /* these; about: {front: go there first, unasked} */
    WISH_LIST,        /* which ones fit the filter */
    WISH_LIST_AUTHOR, /* other ones of this author */
    WISH_SHOW,
    WISH_RENEW,
    WISH_RELEASE,
    WISH_DECIDE, /* approve, reject, escalate, skip; about: {what, items} */
    WISH_UNDO,   /* about: {what} */
    WISH_NOTE,
    WISH_SEARCH,
    WISH_HISTORY,
    WISH_AUTHOR,
};

struct request {
    uint64_t id;
    enum wish wish;
    const char *operation;
    bool changing; /* needs an operation id, one for this request however often it is sent */
    bool handed_out;
    int64_t made_at;
    unsigned round; /* of the filter */
    json_t *fields, *about;
};

enum mode {
    MODE_READ,    /* one comment */
    MODE_LIST,    /* those that are held, to mark */
    MODE_HITS,    /* what a search found */
    MODE_PAPER,   /* something to read: help, history, the author, messages */
    MODE_REASONS, /* why reject */
    MODE_EDIT,    /* a line is typed */
    MODE_ASK,     /* yes or no */
    MODE_FILTER,  /* which comments */
};

enum paper { PAPER_HELP, PAPER_HISTORY, PAPER_AUTHOR, PAPER_MESSAGES };

enum editing {
    EDIT_REJECT, /* the note of a rejection */
    EDIT_ESCALATE,
    EDIT_NOTE,
    EDIT_SEARCH,
    EDIT_SITE,
    EDIT_ARTICLE,
    EDIT_AUTHOR,
    EDIT_LANGUAGE,
    EDIT_AGE,
    EDIT_REPORTS,
};

enum decision { APPROVE, REJECT, ESCALATE, SKIP };

/* What was decided in this sitting; approvals and rejections can be undone. */
struct done {
    uint64_t request;
    enum decision what;
    json_t *items; /* {site, comment, seq: null until it is answered} */
    bool answered, undo_asked;
};

struct notice {
    char *text; /* holds others' words: render it */
    int64_t at;
    bool trouble; /* stays until it was read */
};

struct review_options {
    struct pick filter; /* copied */
    int ahead;          /* comments claimed besides the one before the moderator, 1 to AHEAD_MOST */
    int64_t lease_ms;
    const char *language; /* of titles of reasons; NULL: whatever comes first */
    int64_t too_soon_ms;  /* a deciding key so soon after a comment appeared was meant for the one before */
};

struct review {
    struct pick filter;
    int ahead;
    int64_t lease_ms, too_soon_ms;
    char *language;

    struct cards cards;
    size_t at;           /* the one before the moderator; meaningless when there is none */
    uint64_t focus;      /* its serial number */
    int64_t guard_until; /* no deciding key before: it was meant for what was there before */
    size_t list_at;      /* the row of the list */
    int wanted;          /* so many are wished for */
    unsigned round;      /* counts changes of the filter */
    int64_t claim_at;    /* no claiming before */
    int64_t renew_at;    /* the last time */
    int empty_claims;    /* one after another */
    json_t *list_next;   /* where the filtered list goes on; NULL: at its beginning */

    enum mode mode;
    enum mode base; /* where Escape leads: MODE_READ or MODE_LIST */
    enum paper paper;
    enum editing editing;
    struct edit edit;
    enum decision asking; /* what is asked about, or needs a note */
    json_t *targets;      /* {site, comment, revision, seq, reasons_site} that the decision at hand is for */
    json_t *reasons;      /* codes chosen */
    int scroll;           /* of the text */
    int paged;            /* of a paper, or a menu over the text */
    int page;             /* lines that fit */
    json_t *answer;       /* what the paper shows */
    json_t *hits;         /* what was found */
    size_t hit_at;
    char *searched;
    bool waiting; /* for what the paper or the hits will show */

    struct request *request;
    size_t requests, requests_cap;
    uint64_t last_id;

    struct done *done;
    size_t dones, dones_cap;
    struct notice *notice;
    size_t notices, notices_cap;
    bool notice_read;

    json_t *you;      /* the answer to hello */
    json_t *stats;    /* the answer to stats */
    int64_t gone;     /* decided here since then */
    json_t *policies; /* site -> policy */
    bool away;
    char *away_why;
    int64_t away_since, hello_at, stats_at;
    int64_t key_at; /* the last key */
    bool idle, leaving;
    int approved, rejected, escalated, skipped;
    bool failed; /* memory is out */
};

/* False: memory is out. */
bool review_open(struct review *r, const struct review_options *options);
void review_close(struct review *r);

void review_start(struct review *r, int64_t now);
void review_key(struct review *r, int32_t key, int64_t now);
void review_time(struct review *r, int64_t now);
void review_away(struct review *r, const char *why, int64_t now);
void review_leave(struct review *r, int64_t now);

/* `answer` is the map that came, or NULL; `error` an error map, or NULL when the daemon said ok. Both stay the
 * caller's. */
void review_answer(struct review *r, uint64_t id, const json_t *answer, const json_t *error, int64_t now);

/* The next request to send; it lives until its answer. NULL: none. */
const struct request *review_request(struct review *r);

/* Whether all that was to be done at the end is done. */
bool review_is_over(const struct review *r);

/* Decisions, undos and notes that the daemon has not answered. */
size_t review_unanswered(const struct review *r);

/* Whether all that the moderator did last is answered, what it brought back is on the table, and reasons are known. */
bool review_is_settled(const struct review *r);

/* ---- for those who show it */

/* NULL: there is none. */
struct card *review_current(const struct review *r);

/* The i-th reason of the policy that holds for the comments at hand, and its key. NULL past the end, or when the
 * policy has not come. */
const json_t *review_reason(const struct review *r, size_t i);
int32_t review_reason_key(size_t i);
bool review_reason_chosen(const struct review *r, const json_t *reason);
struct slice review_reason_title(const struct review *r, const json_t *reason);

/* Of a code of this site, else the code itself. */
struct slice review_title_of(const struct review *r, struct slice site, struct slice code);

/* What is to be said just now; NULL: nothing. */
const struct notice *review_notice(const struct review *r, int64_t now);

/* How many wait besides those that are held here, as far as it is known; -1: it is not. */
int64_t review_waiting(const struct review *r);

size_t review_marked(const struct review *r);

#endif
