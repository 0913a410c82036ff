/* The errors of the protocol: one list for numbers, names, classes and messages (proto/PROTOCOL.md, "Errors").
 * A number, once released, never changes its meaning. */
#ifndef MODQ_ERRORS_H
#define MODQ_ERRORS_H

#include "slice.h"

/* clang-format off */
#define MODQ_ERRORS(X)                                                                                       \
    X(1,  BUSY,                "busy",                RETRY,  "too much is waiting; nothing was done")       \
    X(2,  STORAGE_FULL,        "storage_full",        RETRY,  "no room for new comments; decisions still work") \
    X(3,  STOPPING,            "stopping",            RETRY,  "the daemon is going down")                    \
    X(4,  INTERNAL,            "internal",            RETRY,  "a fault of the daemon; its log says more")    \
    X(5,  CREDIT_TIMEOUT,      "credit_timeout",      RETRY,  "the stream was not heard from for too long")  \
    X(6,  TOO_MANY_STREAMS,    "too_many_streams",    RETRY,  "too many streams are open")                   \
    X(20, MALFORMED,           "malformed",           FIX,    "not exactly one frame with one MessagePack map, or nested deeper than 16, or more than 20,000 values") \
    X(21, UNSUPPORTED_VERSION, "unsupported_version", FIX,    "this protocol version is not spoken here")    \
    X(22, UNKNOWN_OPERATION,   "unknown_operation",   FIX,    "this socket has no such operation")           \
    X(23, MISSING_FIELD,       "missing_field",       FIX,    "a required field is not there")               \
    X(24, BAD_TYPE,            "bad_type",            FIX,    "a field has another type than it should")     \
    X(25, OUT_OF_RANGE,        "out_of_range",        FIX,    "outside the range of this field")             \
    X(26, TOO_SHORT,           "too_short",           FIX,    "too few bytes")                               \
    X(27, TOO_LONG,            "too_long",            FIX,    "too many bytes")                              \
    X(28, INVALID_UTF8,        "invalid_utf8",        FIX,    "the text is not UTF-8")                       \
    X(29, BAD_CHARACTER,       "bad_character",       FIX,    "a character that is not allowed in this field") \
    X(30, DUPLICATE_FIELD,     "duplicate_field",     FIX,    "the same key twice in one map")               \
    X(31, BAD_VALUE,           "bad_value",           FIX,    "not one of the words allowed here")           \
    X(32, UNKNOWN_REASON,      "unknown_reason",      FIX,    "the site's policy has no such reason")        \
    X(33, NOTE_NEEDED,         "note_needed",         FIX,    "this reason needs a note")                    \
    X(34, OPERATION_REUSED,    "operation_reused",    FIX,    "this operation id was used for another request") \
    X(35, DEALER_NEEDED,       "dealer_needed",       FIX,    "a stream cannot be held by a REQ socket")     \
    X(36, STREAM_EXISTS,       "stream_exists",       FIX,    "this id has an open stream on this connection") \
    X(37, BAD_CONFIGURATION,   "bad_configuration",   FIX,    "the configuration is wrong; the one before stays in force") \
    X(60, DENIED,              "denied",              DENIED, "you have no right to this")                   \
    X(61, AS_REQUIRED,         "as_required",         DENIED, "say who you are")                             \
    X(80, CONFLICT,            "conflict",            FINAL,  "another body is stored under this key")       \
    X(81, NOT_FOUND,           "not_found",           FINAL,  "no such comment, record or stream")           \
    X(82, ALREADY_DECIDED,     "already_decided",     FINAL,  "somebody decided first")                      \
    X(83, STALE_REVISION,      "stale_revision",      FINAL,  "a newer revision has come since")             \
    X(84, CLAIMED,             "claimed",             FINAL,  "another moderator holds it")                  \
    X(85, WITHDRAWN,           "withdrawn",           FINAL,  "its author took it back")                     \
    X(86, ERASED,              "erased",              FINAL,  "it was erased")                               \
    X(87, NOT_CURRENT,         "not_current",         FINAL,  "something came after that record")            \
    X(88, NOT_A_DECISION,      "not_a_decision",      FINAL,  "only approved and rejected can be undone")    \
    X(89, DIVERGED,            "diverged",            FINAL,  "your past is not this log's past")            \
    X(90, NOT_HELD,            "not_held",            FINAL,  "you do not hold this comment")                \
    X(91, TOO_MANY_CLAIMS,     "too_many_claims",     FINAL,  "you hold too many comments; release some first") \
    X(92, TOO_MANY_REVISIONS,  "too_many_revisions",  FINAL,  "this comment has as many revisions as it may") \
    X(93, TOO_MANY_SITES,      "too_many_sites",      FINAL,  "the daemon knows as many sites as it may")     \
    X(94, TOO_MANY_LISTENERS,  "too_many_listeners",  FINAL,  "this site has as many listeners as it may") \
    X(95, KEY_EXISTS,          "key_exists",          FINAL,  "there is such a key already")                 \
    X(96, TOO_MANY_KEYS,       "too_many_keys",       FINAL,  "the daemon knows as many keys as it may")      \
    X(97, SEARCH_OFF,          "search_off",          FINAL,  "this site is not searched")
/* clang-format on */

enum error {
    E_OK = 0,
#define X(number, id, name, class, message) E_##id = (number),
    MODQ_ERRORS(X)
#undef X
};

enum error_class { CLASS_NONE, CLASS_RETRY, CLASS_FIX, CLASS_DENIED, CLASS_FINAL };

struct error_info {
    enum error number;
    const char *name;
    enum error_class class;
    const char *message;
};

/* What is known of an error number; NULL for a number that is not in the list. */
const struct error_info *error_info(int number);

/* Row `i` of the list in the order of numbers, NULL past its end. */
const struct error_info *error_at(size_t i);

/* "retry", "fix", "denied", "final"; "" for CLASS_NONE. */
const char *error_class_name(enum error_class class);

/* The other way round; CLASS_NONE for an unknown word. */
enum error_class error_class_of(struct slice name);

#endif
