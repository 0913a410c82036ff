/* What the parts of the model share; nobody else includes it. */
#ifndef MODQ_REVIEW_INSIDE_H
#define MODQ_REVIEW_INSIDE_H

#include "model.h"

enum {
    POLL_FIRST_MS = 2000,  /* between claims that find nothing: longer each time */
    POLL_MOST_MS = 10000,  /* */
    HELLO_MS = 4000,       /* between looks whether the daemon is there */
    STATS_MS = 20000,      /* between counts of the queue */
    LOOK_AGAIN_MS = 30000, /* between looks at what is being read */
    FRESH_MS = 10000,      /* what `show` said is believed for so long when a comment's turn comes */
    IDLE_MS = 15 * 60000,  /* without a key: claims are no longer renewed */
    NOTICE_MS = 6000,      /* how long a notice of success stands there */
    SURPRISE_MS = 400,     /* until a moderator has seen that another text is there which they did not ask for */
    BRING_BACK_MOST = 100, /* comments in one claim */
    BATCH_MOST = 100,      /* comments in a renewal or release, or fewer where the daemon takes fewer */
    REASONS_MOST = 8,
    SCROLL_END = 1 << 20,
};

/* Where what is claimed by name comes to lie. */
enum arrival {
    ARRIVE_BEHIND, /* all others */
    ARRIVE_FIRST,  /* to be read now, as was asked */
    ARRIVE_BACK,   /* the same, and nobody asked */
};

/* ---- requests.c: requests under way */

/* Takes `fields` and `about` (NULL: nothing). `operation` NULL: the wish's own. NULL when memory is out. */
struct request *ask(struct review *r, enum wish wish, const char *operation, json_t *fields, json_t *about,
                    int64_t now);
bool is_asked(const struct review *r, enum wish wish);
struct request *asked_of(const struct review *r, uint64_t id);
void ask_forget(struct review *r, struct request *request);

/* `claim` of named ones, which it takes (a list of {site, comment}). */
void ask_named(struct review *r, json_t *names, enum arrival arrival, int64_t now);
void ask_release(struct review *r, json_t *names, int64_t now); /* takes them */

/* Takes as many out of the list as the daemon takes at a time. NULL: none is left. */
json_t *names_part(const struct review *r, json_t *names);
void ask_show(struct review *r, struct card *card, int64_t now);

/* ---- notice.c */

void notice_add(struct review *r, bool trouble, int64_t now, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void notice_text(struct review *r, bool trouble, int64_t now, struct text *text); /* frees it */
void say_error(struct text *out, const json_t *error);
void say_comment(struct text *out, const json_t *name);

/* ---- flow.c: what is on the table */

/* Whatever is due: claims, renewals, looks. After every event. */
void flow(struct review *r, int64_t now);

/* Cards of an answer to a claim that was made for the queue, or to bring back. */
void flow_take(struct review *r, const struct request *request, const json_t *answer, int64_t now);
void flow_list(struct review *r, const struct request *request, const json_t *answer, int64_t now);
void flow_shown(struct review *r, struct card *card, const json_t *answer, int64_t now);
void flow_renewed(struct review *r, const struct request *request, const json_t *answer, int64_t now);
void flow_filter(struct review *r, int64_t now); /* the filter was changed */
void flow_wake(struct review *r, int64_t now);
void flow_go(struct review *r, size_t at, int64_t now);
void flow_guard(struct review *r, int64_t ms, int64_t now); /* against keys that were meant for something else */
bool flow_is_guarded(const struct review *r, int64_t now);
void flow_open(struct review *r, const json_t *card, int64_t now); /* to look at, whatever its state */
json_t *flow_held(const struct review *r, int64_t now);            /* names of what is held */

/* ---- judge.c: decisions and what undoes them */

void judge_begin(struct review *r, enum decision what, int64_t now);
void judge_agreed(struct review *r, int64_t now); /* to what was asked */
void judge_reasons(struct review *r, int32_t key, int64_t now);
void judge_send(struct review *r, struct slice note, int64_t now);
bool judge_is_at(const struct review *r, const json_t *name); /* decided here, and not answered yet */
void judge_undo(struct review *r, int64_t now);
void judge_answer(struct review *r, const struct request *request, const json_t *answer, const json_t *error,
                  int64_t now);
void judge_undone(struct review *r, const struct request *request, const json_t *answer, const json_t *error,
                  int64_t now);

/* ---- typing.c: lines that are typed */

void typing_begin(struct review *r, enum editing editing, struct slice text);
void typing_key(struct review *r, int32_t key, int64_t now);
void filter_key(struct review *r, int32_t key, int64_t now);

/* ---- model.c */

void go_back(struct review *r); /* to the base mode */
void open_paper(struct review *r, enum paper paper, bool waiting);

#endif
