/* A site's policy: the reasons for which a comment may be rejected and what its author is told.
 *
 * The file's syntax is explained at the head of house-rules.conf. A policy never changes once it is loaded, so it may
 * be shared. Loading is not thread-safe (libConfuse's lexer is global). */
#ifndef MODQ_POLICY_H
#define MODQ_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../proto/out.h"
#include "../../proto/slice.h"

#define POLICY_VERSION_BYTES      64
#define POLICY_CODE_BYTES         64
#define POLICY_TITLE_BYTES        256
#define POLICY_SENTENCE_BYTES     1024
#define POLICY_LANGUAGE_BYTES     35
#define POLICY_REASONS_MAX        200
#define POLICY_LANGUAGES_MAX      20 /* with 200 reasons still under the protocol's 20,000 values a message */
#define POLICY_REPORTS_REOPEN_MAX 1000000
#define POLICY_MINUTES_MAX        525600 /* a year */

struct policy_reason {
    char *code;
    const struct policy_reason *parent; /* NULL: none */
    bool needs_note;
    char **title; /* by language, in the order of policy.languages; all are there */
    char **sentence;
};

enum queue_order { ORDER_OLDEST, ORDER_NEWEST, ORDER_URGENCY };

/* In which order moderators are served. The times, in milliseconds, are of ORDER_URGENCY: a comment is due `target`
 * after it came, and each of the others brings that moment nearer, trust puts it off. */
struct policy_queue {
    enum queue_order order;
    int64_t target_ms;
    int64_t report_ms; /* for each reader's report */
    int64_t front_page_ms, watched_ms, trusted_ms;
};

struct policy {
    char *version;
    int64_t reports_reopen; /* 0: never */
    struct policy_queue queue;
    double second_look; /* of moderators' decisions, the share that another one sees again: 0 to 1 */
    size_t language_count;
    char **languages;
    size_t unreviewed_count;
    char **unreviewed;
    size_t reason_count;
    struct policy_reason *reasons;
};

/* house-rules.conf, compiled in. */
extern const char policy_default_text[];

/* Loads a policy; the caller frees it. NULL when it is wrong: `reason` then names the file, the line where it is known,
 * the code of the reason, and what to do. When libConfuse has read a section whole, only the line on which it ends is
 * known. `name` stands for the file's name in such messages. */
struct policy *policy_load(const char *path, char *reason, size_t reason_bytes);
struct policy *policy_load_text(const char *name, const char *text, char *reason, size_t reason_bytes);
void policy_free(struct policy *policy); /* NULL: nothing */

/* "oldest", "newest" or "urgency". */
const char *queue_order_name(enum queue_order order);

/* The reason with that code, or NULL. */
const struct policy_reason *policy_reason(const struct policy *policy, struct slice code);

/* The map of PROTOCOL.md, operation "policy". */
void policy_encode(const struct policy *policy, struct out *out);

#endif
