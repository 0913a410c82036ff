/* libmodq: hand comments to modqd, act on its decisions, and moderate.
 *
 * This header is the manual; proto/PROTOCOL.md says what the operations mean, and what their fields are.
 *
 *   struct modq             a connection to the front or the desk socket: requests and answers
 *   struct modq_fields      the fields of a request, and other maps, on their way out
 *   struct modq_value       what an answer holds, to be looked at
 *   struct modq_comment     a comment on its way in
 *   struct modq_submitter   many comments, batched, pipelined, repeated
 *   struct modq_stream      a site's decisions, in order, without gaps
 *   struct modq_push        comments that may be lost, without answers
 *   struct modq_store       what you keep: requests for when the daemon is back, and how far you are
 *   struct modq_key         what proves over TCP who you are
 *
 * Conventions
 *   - Functions that can fail return false or NULL (or what their comment says) and fill *error when it is given.
 *   - Text is UTF-8, with its length in bytes; it may hold NUL. Where a parameter is called `string`, it ends in NUL.
 *     Text that the library hands out has a NUL behind it only where its comment says so.
 *   - Times that are moments are integer milliseconds since 1970 UTC; durations end in _ms.
 *   - An object belongs to one thread at a time. Different objects may be used by different threads.
 *   - What x_new or x_open gives, x_free or x_close takes back; both accept NULL. After fork() use no object of before.
 *   - Nothing that a peer sends makes the library abort.
 *
 * Since 0.1.0, but for keys and stores: since 0.2.0. Until 1.0 the interface may change; the CHANGELOG says how. */
#ifndef MODQ_H
#define MODQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MODQ_API __attribute__((visibility("default")))
#else
#define MODQ_API
#endif

/* The library's version, such as "0.2.0". */
MODQ_API const char *modq_version(void);

/* ---- Errors ------------------------------------------------------------------------------------------------------ */

/* What to do about an error. Decide by class, so that errors of later versions fit in. */
enum modq_class {
    MODQ_CLASS_NONE,
    MODQ_CLASS_RETRY,  /* the same may succeed later (the library has repeated it until the deadline) */
    MODQ_CLASS_FIX,    /* the request is wrong: mend it first */
    MODQ_CLASS_DENIED, /* you may not */
    MODQ_CLASS_FINAL,  /* it was understood, and the answer is no as things stand */
    MODQ_CLASS_LOCAL   /* this machine's fault: memory, files, an answer that makes no sense */
};

/* Numbers above 0 are those of PROTOCOL.md, whether the daemon said it or the library saw it before sending. Numbers
 * below 0 are the library's own; their names begin with "client_", which no name of the protocol ever does. */
enum modq_number {
    MODQ_E_TIMEOUT = -1,  /* client_timeout (retry): sent, and not answered before the deadline */
    MODQ_E_CONNECT = -2,  /* client_cannot_connect (retry): nobody listened at the endpoint before the deadline */
    MODQ_E_ARGUMENT = -3, /* client_bad_argument (fix): the caller's mistake; `message` says which */
    MODQ_E_MEMORY = -4,   /* client_out_of_memory (local) */
    MODQ_E_REPLY = -5,    /* client_bad_reply (local): the answer is not what the protocol says */
    MODQ_E_WINDOW = -6,   /* client_window_full (retry): 500 requests are unanswered; take answers first */
    MODQ_E_SYSTEM = -7,   /* client_system (local): the system refused a socket or random bytes */

    MODQ_OK = 0,
    MODQ_E_BUSY = 1,
    MODQ_E_STORAGE_FULL = 2,
    MODQ_E_STOPPING = 3,
    MODQ_E_INTERNAL = 4,
    MODQ_E_CREDIT_TIMEOUT = 5,
    MODQ_E_TOO_MANY_STREAMS = 6,
    MODQ_E_MALFORMED = 20,
    MODQ_E_UNSUPPORTED_VERSION = 21,
    MODQ_E_UNKNOWN_OPERATION = 22,
    MODQ_E_MISSING_FIELD = 23,
    MODQ_E_BAD_TYPE = 24,
    MODQ_E_OUT_OF_RANGE = 25,
    MODQ_E_TOO_SHORT = 26,
    MODQ_E_TOO_LONG = 27,
    MODQ_E_INVALID_UTF8 = 28,
    MODQ_E_BAD_CHARACTER = 29,
    MODQ_E_DUPLICATE_FIELD = 30,
    MODQ_E_BAD_VALUE = 31,
    MODQ_E_UNKNOWN_REASON = 32,
    MODQ_E_NOTE_NEEDED = 33,
    MODQ_E_OPERATION_REUSED = 34,
    MODQ_E_DEALER_NEEDED = 35,
    MODQ_E_STREAM_EXISTS = 36,
    MODQ_E_BAD_CONFIGURATION = 37,
    MODQ_E_DENIED = 60,
    MODQ_E_AS_REQUIRED = 61,
    MODQ_E_CONFLICT = 80,
    MODQ_E_NOT_FOUND = 81,
    MODQ_E_ALREADY_DECIDED = 82,
    MODQ_E_STALE_REVISION = 83,
    MODQ_E_CLAIMED = 84,
    MODQ_E_WITHDRAWN = 85,
    MODQ_E_ERASED = 86,
    MODQ_E_NOT_CURRENT = 87,
    MODQ_E_NOT_A_DECISION = 88,
    MODQ_E_DIVERGED = 89,
    MODQ_E_NOT_HELD = 90,
    MODQ_E_TOO_MANY_CLAIMS = 91,
    MODQ_E_TOO_MANY_REVISIONS = 92,
    MODQ_E_TOO_MANY_SITES = 93,
    MODQ_E_TOO_MANY_LISTENERS = 94,
    MODQ_E_KEY_EXISTS = 95,
    MODQ_E_TOO_MANY_KEYS = 96,
    MODQ_E_SEARCH_OFF = 97
};

/* All strings end in NUL and are UTF-8; what is too long is cut. They may hold what a peer sent: neutralise control
 * characters before a terminal sees them. Numbers that this version does not know can occur. */
struct modq_error {
    int number; /* 0: no error */
    enum modq_class class_;
    char name[48];          /* for programs, such as "too_long" */
    char field[160];        /* the field to blame, such as "author.name"; "" when there is none */
    char message[256];      /* English, for a log */
    int64_t retry_after_ms; /* how long the daemon wants to be left alone; -1 when it did not say */
    int64_t reserved[4];
};

/* "retry", "fix", "denied", "final", "local"; "" for MODQ_CLASS_NONE and other numbers. */
MODQ_API const char *modq_class_name(enum modq_class class_);

/* ---- Values ------------------------------------------------------------------------------------------------------ */

/* One value of an answer or of a record. It belongs to what it was got from and lives as long. Every function accepts
 * NULL (for what is not there) and values of another type, and then returns what its comment says. */
struct modq_value;

enum modq_type {
    MODQ_NONE, /* NULL */
    MODQ_NIL,
    MODQ_BOOL,
    MODQ_INT,
    MODQ_FLOAT,
    MODQ_TEXT,
    MODQ_BYTES,
    MODQ_LIST,
    MODQ_MAP,
    MODQ_OTHER /* MessagePack extensions */
};

MODQ_API enum modq_type modq_type(const struct modq_value *value);

/* The value under a key of a map. NULL when it is not there, is nil, or `map` is no map. */
MODQ_API const struct modq_value *modq_get(const struct modq_value *map, const char *key);

/* How many values a list, or pairs a map has; 0 for everything else. */
MODQ_API size_t modq_count(const struct modq_value *value);

/* The i-th value of a list, or of a map in the order it was sent, counted from 0. NULL past the end. */
MODQ_API const struct modq_value *modq_item(const struct modq_value *value, size_t i);

/* The i-th key of a map. NULL past the end or when it is no map. */
MODQ_API const struct modq_value *modq_key(const struct modq_value *map, size_t i);

/* Text and its length in bytes, not followed by NUL. NULL (and length 0) when it is no text. `len` may be NULL only
 * when you do not read the text. Valid UTF-8 is not promised: the library does not look. */
MODQ_API const char *modq_text(const struct modq_value *value, size_t *len);

/* Bytes; otherwise as modq_text. */
MODQ_API const uint8_t *modq_bytes(const struct modq_value *value, size_t *len);

/* `otherwise` when it is no integer, or one that int64_t cannot hold. */
MODQ_API int64_t modq_int(const struct modq_value *value, int64_t otherwise);
MODQ_API bool modq_bool(const struct modq_value *value, bool otherwise);
MODQ_API double modq_float(const struct modq_value *value, double otherwise);

/* modq_get and one of those in one call. */
MODQ_API const char *modq_get_text(const struct modq_value *map, const char *key, size_t *len);
MODQ_API const uint8_t *modq_get_bytes(const struct modq_value *map, const char *key, size_t *len);
MODQ_API int64_t modq_get_int(const struct modq_value *map, const char *key, int64_t otherwise);
MODQ_API bool modq_get_bool(const struct modq_value *map, const char *key, bool otherwise);

/* True when it is this text. */
MODQ_API bool modq_is(const struct modq_value *value, const char *string);

/* Reads an error map: `error` of a result. False when it is none; then *error says client_bad_reply. */
MODQ_API bool modq_error_of(const struct modq_value *map, struct modq_error *error);

/* ---- Fields ------------------------------------------------------------------------------------------------------ */

/* A map that is being written: the fields of a request, or the `extra` of a comment. Errors stick: put what you like
 * and look at the result of modq_send, modq_call or modq_comment_extra. */
struct modq_fields;

/* NULL only when memory is out. */
MODQ_API struct modq_fields *modq_fields_new(void);
MODQ_API void modq_fields_free(struct modq_fields *fields);

/* Puts one pair; inside a list `key` is ignored and may be NULL. A NULL text, string, bytes or value puts nil, which
 * the daemon takes as left out. */
MODQ_API void modq_put_text(struct modq_fields *fields, const char *key, const char *text, size_t len);
MODQ_API void modq_put_string(struct modq_fields *fields, const char *key, const char *string);
MODQ_API void modq_put_bytes(struct modq_fields *fields, const char *key, const void *bytes, size_t len);
MODQ_API void modq_put_int(struct modq_fields *fields, const char *key, int64_t number);
MODQ_API void modq_put_bool(struct modq_fields *fields, const char *key, bool yes);
MODQ_API void modq_put_float(struct modq_fields *fields, const char *key, double number);
MODQ_API void modq_put_value(struct modq_fields *fields, const char *key, const struct modq_value *value);

/* Opens a map or a list inside; what is put then goes into it, until modq_put_end closes it. At most 12 deep. */
MODQ_API void modq_put_map(struct modq_fields *fields, const char *key);
MODQ_API void modq_put_list(struct modq_fields *fields, const char *key);
MODQ_API void modq_put_end(struct modq_fields *fields);

/* The same with a key that is not NUL-terminated or holds NUL. */
MODQ_API void modq_put_key(struct modq_fields *fields, const char *key, size_t len);

/* Puts `operation`, 16 fresh random bytes: needed by every changing request of the desk, one for each thing that a
 * moderator wants done. The library's own repeats keep it; to repeat by yourself, send the same fields again. */
MODQ_API void modq_put_operation(struct modq_fields *fields);

/* ---- Keys -------------------------------------------------------------------------------------------------------- */

/* A pair of CURVE keys with what belongs to it, as a key file holds it (PROTOCOL.md, "CURVE"). Needed for endpoints of
 * TCP. Secrets are wiped when it is freed. */
struct modq_key;

enum modq_key_text {
    MODQ_KEY_NAME,
    MODQ_KEY_ROLE,
    MODQ_KEY_PUBLIC, /* Z85, 40 characters */
    MODQ_KEY_SERVER, /* the daemon's public key, Z85 */
    MODQ_KEY_FRONT,  /* endpoints */
    MODQ_KEY_PUSH,
    MODQ_KEY_DECISIONS,
    MODQ_KEY_DESK
};

/* A new pair. NULL: client_out_of_memory, client_system (ZeroMQ was built without CURVE). */
MODQ_API struct modq_key *modq_key_new(struct modq_error *error);

/* Reads a key file. NULL: client_system (it cannot be read), client_bad_argument (it is no key file, or others than its
 * owner can read it), client_out_of_memory. */
MODQ_API struct modq_key *modq_key_load(const char *path, struct modq_error *error);

/* Writes a key file that is not there yet, mode 0600, synced to disk. False: client_system; nothing is left behind. */
MODQ_API bool modq_key_save(const struct modq_key *key, const char *path, struct modq_error *error);

/* Sets a text; NULL takes it away. Copied. False: client_bad_argument (control characters, double quotes, or no Z85
 * where it has to be), client_out_of_memory. */
MODQ_API bool modq_key_set(struct modq_key *key, enum modq_key_text which, const char *string,
                           struct modq_error *error);

/* NULL when it is not set. Lives until it is set anew. */
MODQ_API const char *modq_key_text(const struct modq_key *key, enum modq_key_text which);

/* The public half, 32 bytes. */
MODQ_API const uint8_t *modq_key_public(const struct modq_key *key);

/* A public key's 32 bytes as 40 characters of Z85, and back. `text` has room for 41 characters. False: it is none. */
MODQ_API void modq_key_encode(const uint8_t bytes[32], char text[41]);
MODQ_API bool modq_key_decode(const char *text, uint8_t bytes[32]);

MODQ_API void modq_key_free(struct modq_key *key);

/* ---- Connection and requests ------------------------------------------------------------------------------------- */

/* A connection to the front or the desk socket. Sockets, request ids, time-outs and repeats are its business: what is
 * not answered in time, or answered with an error of class retry, is sent again with the same bytes, on a new socket
 * after a time-out, with growing pauses (never shorter than the daemon asks for), until the request's deadline. */
struct modq;

/* Requests that may be unanswered at a time. */
#define MODQ_WINDOW 500

/* Opens a connection to a ZeroMQ endpoint such as "ipc:///run/modqd/front.sock" or "tcp://192.0.2.1:5590". Over TCP the
 * daemon wants a key (copied; NULL: none, as over ipc). Does not wait for the daemon; it need not run yet. NULL:
 * client_bad_argument (no such kind of endpoint, or a key without the server's), client_system, client_out_of_memory.
 *
 * A daemon says nothing to whoever it does not know: requests then end with client_cannot_connect. */
MODQ_API struct modq *modq_open(const char *endpoint, const struct modq_key *key, struct modq_error *error);

/* Closes at once; unanswered requests are forgotten (whether they were carried out is unknown). */
MODQ_API void modq_close(struct modq *connection);

/* How long one attempt waits for its answer before it is repeated on a new socket; 5000 unless told, at least 10. */
MODQ_API void modq_set_attempt_ms(struct modq *connection, int attempt_ms);

/* Everything from here on says in each request that it is this moderator who asks (`as`); NULL: nobody in particular.
 * Copied. False when memory is out. */
MODQ_API bool modq_set_as(struct modq *connection, const char *name);

/* Sends a request: `operation` is a word of PROTOCOL.md ("submit", "list", ...), `fields` what belongs to it (NULL:
 * none). The fields are copied and stay yours; `v`, `op`, `id` and `as` are put by the library. `timeout_ms` bounds the
 * whole of it, repeats included. `tag` comes back with the answer. Returns the ticket, a number above 0 that is never
 * used twice; 0: client_window_full, client_bad_argument (unfinished or too deep fields), too_long (above
 * max_message_bytes), client_out_of_memory, client_system (no random bytes). Nothing is sent before the next call of
 * modq_process, modq_next or modq_call. */
MODQ_API uint64_t modq_send(struct modq *connection, const char *operation, const struct modq_fields *fields,
                            int timeout_ms, void *tag, struct modq_error *error);

/* What became of a request: its answer, or that there was none. */
struct modq_answer;

/* The next finished request, in the order in which they finish; waits up to wait_ms (0: not at all, -1: until one is
 * finished). NULL: none yet, nothing is under way, or a signal came. */
MODQ_API struct modq_answer *modq_next(struct modq *connection, int wait_ms);

/* One request and its answer. Other requests under way go on; their answers wait for modq_next. Goes on waiting when a
 * signal comes. Failures to send are in the answer, too. NULL only when memory is out. */
MODQ_API struct modq_answer *modq_call(struct modq *connection, const char *operation, const struct modq_fields *fields,
                                       int timeout_ms);

MODQ_API void modq_answer_free(struct modq_answer *answer);
MODQ_API uint64_t modq_answer_ticket(const struct modq_answer *answer); /* 0 of an answer of modq_call */
MODQ_API void *modq_answer_tag(const struct modq_answer *answer);

/* NULL when the daemon said ok. In an operation on several items each item has its own `error` besides. Lives as long
 * as the answer. */
MODQ_API const struct modq_error *modq_answer_error(const struct modq_answer *answer);

/* The answer's map with all its keys, an error's too; NULL when no answer came. Lives as long as the answer. */
MODQ_API const struct modq_value *modq_answer_value(const struct modq_answer *answer);

/* Requests sent and not finished, and finished ones that modq_next has not handed out. */
MODQ_API size_t modq_pending(const struct modq *connection);

/* For an event loop of your own: wait until modq_fd is readable or modq_wait_ms has passed, then call modq_process (it
 * never blocks), then modq_next(c, 0) until it returns NULL. Call modq_process after modq_send, too. The descriptor
 * changes when a socket is replaced: ask for it before every wait. -1: there is no socket just now. */
MODQ_API int modq_fd(const struct modq *connection);
MODQ_API int modq_wait_ms(const struct modq *connection); /* -1: no limit */
MODQ_API void modq_process(struct modq *connection);

/* Asks for the daemon's limits (`hello`) and keeps them; from then on requests and comments are measured by them
 * instead of by the defaults of PROTOCOL.md. Errors: those of an answer. */
MODQ_API bool modq_hello(struct modq *connection, int timeout_ms, struct modq_error *error);

/* The limit of this name, as the daemon said or by default; -1 for a name that is not known. */
MODQ_API int64_t modq_limit(const struct modq *connection, const char *name);

/* ---- Comments ---------------------------------------------------------------------------------------------------- */

/* A comment event (PROTOCOL.md, "Comment event"). What is set is copied; setting again replaces; NULL takes it away. */
struct modq_comment;

/* NULL only when memory is out. */
MODQ_API struct modq_comment *modq_comment_new(void);
MODQ_API void modq_comment_free(struct modq_comment *comment);

/* Makes it empty again, to be used for the next one. */
MODQ_API void modq_comment_reset(struct modq_comment *comment);

enum modq_comment_text {
    MODQ_SITE,    /* needed: the name of the site, 1 to 64 bytes */
    MODQ_COMMENT, /* needed: the site's id of the comment, 1 to 128 bytes */
    MODQ_BODY,    /* needed: 1 to 65536 bytes, kept byte for byte */
    MODQ_PARENT,  /* id of the comment that it answers */
    MODQ_LANGUAGE,
    MODQ_ARTICLE_ID, /* needed when anything is said of the article */
    MODQ_ARTICLE_TITLE,
    MODQ_ARTICLE_URL,
    MODQ_ARTICLE_LANGUAGE,
    MODQ_AUTHOR_ID,
    MODQ_AUTHOR_NAME,
    MODQ_AUTHOR_ADDRESS_HASH /* stands for the network address; never the address */
};

enum modq_comment_number {
    MODQ_REVISION,            /* 1 to 2147483647; 1 when not set */
    MODQ_CREATED_AT,          /* when the author sent it */
    MODQ_AUTHOR_REGISTERED_AT /* member of the site since */
};

/* False only when memory is out, or `which` is none of the list; the comment then fails its check, too. */
MODQ_API bool modq_comment_text(struct modq_comment *comment, enum modq_comment_text which, const char *text,
                                size_t len);
MODQ_API bool modq_comment_number(struct modq_comment *comment, enum modq_comment_number which, int64_t number);

/* Anything else, given back unchanged; at most 4096 bytes packed. Copied. False: the fields are unfinished or too deep,
 * or memory is out. */
MODQ_API bool modq_comment_extra(struct modq_comment *comment, const struct modq_fields *extra);

/* What the daemon would say to it, by the limits of this connection (NULL: the defaults): true, or one of
 * missing_field, out_of_range, too_short, too_long, invalid_utf8, bad_character, duplicate_field with `field` (such as
 * "author.name"), malformed (too many values), client_out_of_memory. */
MODQ_API bool modq_comment_check(const struct modq_comment *comment, const struct modq *connection,
                                 struct modq_error *error);

/* ---- Many comments ----------------------------------------------------------------------------------------------- */

/* Hands in comments as fast as the daemon takes them: cuts batches that keep the limits, has several under way, repeats
 * what is lost or refused with class retry (alone, not its whole batch). Memory is bounded: about 32 MiB wait. */
struct modq_submitter;

/* Uses `front` until it is freed; do not use that connection otherwise meanwhile. Each comment is tried for timeout_ms.
 * NULL only when memory is out. */
MODQ_API struct modq_submitter *modq_submitter_new(struct modq *front, int timeout_ms);

/* Forgets what has no result yet. */
MODQ_API void modq_submitter_free(struct modq_submitter *submitter);

/* Takes a comment (copied). 1: taken. 0: enough is waiting, take results first. -1: refused, see *error (those of
 * modq_comment_check); there will be no result for it. `tag` comes back with the result. */
MODQ_API int modq_submitter_add(struct modq_submitter *submitter, const struct modq_comment *comment, uint64_t tag,
                                struct modq_error *error);

/* What became of one comment. `result` is the daemon's map (site, comment, revision, status, state, received_at, error)
 * or NULL when no answer came; it lives until the next call with this submitter. */
struct modq_result {
    uint64_t tag;
    bool stored;             /* accepted, or a duplicate: it is on the daemon's disk */
    struct modq_error error; /* number 0 when stored */
    const struct modq_value *result;
};

/* The next result, in no particular order. Waits up to wait_ms (-1: as long as it takes). Asking to wait sends a batch
 * that is not full. False: none in time, none to come, or a signal came. */
MODQ_API bool modq_submitter_next(struct modq_submitter *submitter, int wait_ms, struct modq_result *result);

/* Comments taken whose result has not been handed out. */
MODQ_API size_t modq_submitter_pending(const struct modq_submitter *submitter);

/* ---- Decisions --------------------------------------------------------------------------------------------------- */

/* A site's records from a number on: in order, without gaps, each once; live, or until level. Lost connections, gaps
 * and missing heartbeats are noticed, and it goes on after the last record that it handed out. */
struct modq_stream;

/* Zero means the default everywhere but in `site`. Copied. */
struct modq_stream_options {
    const char *site;     /* needed */
    int64_t after;        /* the last record that you have; 0: from the beginning */
    const uint8_t *hash;  /* 32 bytes, `chain` of that record: proves that your past is the daemon's. NULL: unknown */
    const uint8_t *epoch; /* 16 bytes; looked at when `hash` is NULL and after > 0. NULL: unknown */
    int credit;           /* records that may be on their way; 500 by default */
    bool replay;          /* end when level, instead of going on live */
    int give_up_ms;       /* end with an error when the daemon has not been heard for so long; 0: never */
    const struct modq_key *key; /* over TCP */
};

enum modq_event {
    MODQ_EVENT_NONE,   /* nothing in time, or a signal came */
    MODQ_EVENT_RECORD, /* the next record */
    MODQ_EVENT_LEVEL,  /* you have everything that there was; told after each (re)opening. A replay ends after it */
    MODQ_EVENT_LOST,   /* the daemon is away or a record was lost on the way; the stream opens anew by itself */
    MODQ_EVENT_END,    /* the replay is over */
    MODQ_EVENT_FAILED  /* it cannot go on: see modq_stream_error. Every further call says so again */
};

/* `endpoint` is that of the front socket. Does not wait. NULL: client_bad_argument, client_system,
 * client_out_of_memory. */
MODQ_API struct modq_stream *modq_stream_open(const char *endpoint, const struct modq_stream_options *options,
                                              struct modq_error *error);
MODQ_API void modq_stream_close(struct modq_stream *stream);

/* The next event; waits up to wait_ms (0: not at all, -1: until there is one). With MODQ_EVENT_RECORD *record is the
 * record's map (PROTOCOL.md, "Record"), which lives until the next call. **Calling again says that you have recorded
 * it**: only then does the daemon get credit for more. */
MODQ_API enum modq_event modq_stream_next(struct modq_stream *stream, int wait_ms, const struct modq_value **record);

/* Why it failed, after MODQ_EVENT_FAILED: an error of `stream`, first of all diverged (the daemon lost a part of the
 * past: set the site's comments aside and start anew from 0), or client_timeout, client_cannot_connect,
 * client_out_of_memory. After MODQ_EVENT_LOST: why, where it is known, else number 0. Lives as long as the stream. */
MODQ_API const struct modq_error *modq_stream_error(const struct modq_stream *stream);

/* Where you are: number and chain (32 bytes; NULL when unknown) of the last record handed out, or what was given. */
MODQ_API int64_t modq_stream_seq(const struct modq_stream *stream);
MODQ_API const uint8_t *modq_stream_chain(const struct modq_stream *stream);

/* Where a stream is. */
struct modq_position {
    int64_t seq; /* number of a record; 0: before the first */
    bool has_chain, has_epoch;
    uint8_t chain[32]; /* its `chain` */
    uint8_t epoch[16]; /* the log's */
};

/* That of the last record handed out, or what was given: what modq_store_save_place wants once it is applied. */
MODQ_API void modq_stream_position(const struct modq_stream *stream, struct modq_position *position);

/* The newest number that the daemon has told of; -1: it has not been heard yet. */
MODQ_API int64_t modq_stream_newest(const struct modq_stream *stream);

/* The log's epoch (16 bytes) as the daemon told it; NULL: not heard yet. */
MODQ_API const uint8_t *modq_stream_epoch(const struct modq_stream *stream);

/* For an event loop: as modq_fd, modq_wait_ms and modq_process; then modq_stream_next(s, 0, ...) until it says NONE. */
MODQ_API int modq_stream_fd(const struct modq_stream *stream);
MODQ_API int modq_stream_wait_ms(const struct modq_stream *stream);
MODQ_API void modq_stream_process(struct modq_stream *stream);

/* ---- Push -------------------------------------------------------------------------------------------------------- */

/* Comments that may be lost: no answers, no repeats. */
struct modq_push;

/* `endpoint` is that of the push socket. Nobody answers there, so comments are measured by the default limits. NULL:
 * client_bad_argument, client_system, client_out_of_memory. */
MODQ_API struct modq_push *modq_push_open(const char *endpoint, const struct modq_key *key, struct modq_error *error);

/* Takes a comment into the current batch, and sends the batch when it is full; then waits up to wait_ms for a place in
 * the queue. False: what is wrong with the comment (as modq_comment_check), or client_timeout: the full batch found no
 * place; it was dropped, and is counted by modq_push_close (this comment is in the next one). */
MODQ_API bool modq_push_add(struct modq_push *push, const struct modq_comment *comment, int wait_ms,
                            struct modq_error *error);

/* Sends the batch as it is. False: client_timeout, and it was dropped. */
MODQ_API bool modq_push_flush(struct modq_push *push, int wait_ms, struct modq_error *error);

/* Sends the rest and waits up to linger_ms until all is handed to the system. Returns how many comments were not: those
 * dropped, and when linger_ms ran out, those that may still have been in the queue (an upper bound). */
MODQ_API size_t modq_push_close(struct modq_push *push, int linger_ms);

/* ---- What you keep ----------------------------------------------------------------------------------------------- */

/* An SQLite database with two tables: modqd_outbox, requests that are sent later (the daemon is away, and a reader's
 * comment must not be lost), and modqd_place, how far each site's records are applied. Processes may share one, each
 * with a store of its own. Every function may fail with client_system (SQLite's message) and client_out_of_memory. The
 * tables are those of modqd.SqlOutbox and modqd.SqlPlace of the client for Python. */
struct modq_store;
struct sqlite3;

/* A file, which is made (mode 0600) when it is not there; its directory must be, and must stay where it is. Beside it
 * lie SQLite's -wal and -shm and PATH.flush. A function that finds another process at it waits for up to ten seconds
 * (modq_store_flush for as long as it was told, and as long again to note down what it sent). Never open the file by
 * other means in a process that has it in a store: closing it would end SQLite's locks. NULL: see *error. */
MODQ_API struct modq_store *modq_store_open(const char *path, struct modq_error *error);

/* Tables in a database of your own, whose connection stays yours and outlives the store. What is kept takes part in the
 * transaction that is open on it: your comment and the wish to hand it in, or your record and its place, are there
 * together or not at all. How durable that is, and how long it waits for others, is what you told SQLite. Attach
 * outside of a transaction that may be rolled back: the tables are made then. */
MODQ_API struct modq_store *modq_store_attach(struct sqlite3 *database, struct modq_error *error);
MODQ_API void modq_store_close(struct modq_store *store);

/* Keeps a comment. On disk when it returns true (attached: with your transaction). False: what the daemon would say to
 * it by the limits of this connection (NULL: the defaults; see modq_comment_check), or it could not be kept. */
MODQ_API bool modq_store_keep_comment(struct modq_store *store, const struct modq_comment *comment,
                                      const struct modq *front, struct modq_error *error);

/* Keeps a "withdraw" or a "report" with its fields, which are copied. A report without `at` gets the time of now, so
 * that it counts once however often it is sent. False: client_bad_argument (another operation, unfinished fields),
 * too_long, malformed (no message could hold it), or it could not be kept. */
MODQ_API bool modq_store_keep(struct modq_store *store, const char *operation, const struct modq_fields *fields,
                              struct modq_error *error);

/* How many requests are kept, without those set aside; -1: see *error. */
MODQ_API int64_t modq_store_count(struct modq_store *store, struct modq_error *error);

/* What became of a flush. */
struct modq_flushed {
    size_t sent;             /* the daemon has them now */
    size_t refused;          /* set aside: they can never be taken as they are, or not with this key */
    int64_t left;            /* still kept; -1 when the store failed */
    bool elsewhere;          /* nothing was done, for another process or store is flushing this file */
    struct modq_error error; /* why it stopped before all was through; number 0: it did not, or its time was over */
};

/* Sends what is kept through `front`, in its order, for up to timeout_ms. Asks for the daemon's limits first where the
 * connection does not know them. Stops at an error that says nothing of the request (class retry or local, an operation
 * or a version that is not known there, a name that is required) and does not pass in that time; what is refused with
 * another class is set aside and holds up nothing. Not inside a transaction (client_bad_argument). False: the store
 * failed; what is in *flushed was done before, and what was sent since is sent again, which does no harm. */
MODQ_API bool modq_store_flush(struct modq_store *store, struct modq *front, int timeout_ms,
                               struct modq_flushed *flushed, struct modq_error *error);

/* A request that was set aside. `fields` is NULL when the disk has spoilt it. */
struct modq_refused {
    int64_t number; /* above that of the one before */
    char operation[16];
    const struct modq_value *fields; /* of a comment: `comment`. Lives until the next call with the store */
    struct modq_error error;
};

/* The first one whose number is above `after` (0: of all). False: there is none (*error has number 0), or it failed. */
MODQ_API bool modq_store_refused(struct modq_store *store, int64_t after, struct modq_refused *refused,
                                 struct modq_error *error);

/* Puts back what was set aside, where it was in the order: the key was the wrong one, say. How many; -1: see *error. */
MODQ_API int64_t modq_store_retry_refused(struct modq_store *store, struct modq_error *error);

/* Drops what was set aside. How many; -1: see *error. */
MODQ_API int64_t modq_store_forget_refused(struct modq_store *store, struct modq_error *error);

/* How far the site's records are applied; seq 0 when nothing was saved. False: it cannot be read. Never take that for
 * the beginning. */
MODQ_API bool modq_store_load_place(struct modq_store *store, const char *site, struct modq_position *position,
                                    struct modq_error *error);

/* Call it when a record is applied, before the next modq_stream_next. On disk when it returns true (attached: with your
 * transaction, and so each record is applied exactly once). */
MODQ_API bool modq_store_save_place(struct modq_store *store, const char *site, const struct modq_position *position,
                                    struct modq_error *error);

/* The next stream begins at the first record, as it must after MODQ_E_DIVERGED. */
MODQ_API bool modq_store_forget_place(struct modq_store *store, const char *site, struct modq_error *error);

#ifdef __cplusplus
}
#endif

#endif
