/* What the verbs of modq share: the options, the connections, the exit code. */
#ifndef MODQ_CLI_H
#define MODQ_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clients/c/modq.h"
#include "render.h"

/* What a shell script can rely on. Of several, the one with the highest rank is told (exit_worse). */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,      /* understood, and the answer was no, for some at least */
    EXIT_USAGE = 2,       /* the command line is wrong; nothing was done */
    EXIT_UNREACHABLE = 3, /* no daemon, no answer in time, or busy: the same later may succeed */
    EXIT_WRONG = 4,       /* refused as wrong: mend it first */
    EXIT_DENIED = 5,
    EXIT_LOCAL = 6 /* a file, memory, output that cannot be written */
};

enum option_id {
    OPT_DIR,
    OPT_FRONT,
    OPT_DESK,
    OPT_PUSH_ENDPOINT,
    OPT_DECISIONS,
    OPT_AS,
    OPT_JSON,
    OPT_TIMEOUT,
    OPT_NO_COLOR,
    OPT_KEY,
    OPT_HELP,
    OPT_VERSION,
    OPT_SITE,
    OPT_LANE,
    OPT_LIMIT,
    OPT_LEASE,
    OPT_STDIN,
    OPT_SUPERSEDE,
    OPT_REASON,
    OPT_NOTE,
    OPT_SEQ,
    OPT_READER,
    OPT_ID,
    OPT_CLOSED,
    OPT_FRONT_PAGE,
    OPT_TITLE,
    OPT_URL,
    OPT_LANG,
    OPT_YES,
    OPT_AFTER,
    OPT_HASH,
    OPT_NO_WAIT,
    OPT_CONFIRM,
    OPT_COUNT_RECORDS,
    OPT_LISTENER,
    OPT_VERBS,
    OPT_VALUES,
    OPT_ROLE,
    OPT_RIGHT,
    OPT_EXPIRES,
    OPT_FILE,
    OPT_PUBLIC,
    OPT_USER,
    OPT_NUMBER,
    OPT_OVERLAP,
    OPT_ALL,
    OPT_BY,
    OPT_GROUP,
    OPT_OF_KEY,
    OPT_KIND,
    OPT_SINCE,
    OPT_UNTIL,
    OPT_BEFORE,
    OPT_HEAD,
    OPT_PLAIN,
    OPT_BIDI,
    OPT_AHEAD,
    OPT_WEEK,
    OPT_MONTH,
    OPT_HTML,
    OPT_OLDER_THAN,
    OPT_PENDING,
    OPT_EVERY,
    OPT_EXEC,
    OPT_STATE,
    OPT_ARTICLE,
    OPT_AUTHOR,
    OPT_LANGUAGE,
    OPT_NEWER_THAN,
    OPT_REPORTED,
    OPT_MARK,
    OPT_REJECTED_FOR,
    OPT_DECIDED_BY,
    OPT_DRY_RUN,
    OPT_BATCH,
    OPT_FOR,
    OPT_COUNT
};

/* A set of options; wide enough for all of them. */
typedef unsigned __int128 option_set;
_Static_assert(OPT_COUNT <= 128, "an option_set holds 128 options");

#define OPTION_BIT(id) ((option_set)1 << (id))

/* Values of the options, by option_id: text, or a number, or whether it was given. */
struct options {
    bool given[OPT_COUNT];
    const char *text[OPT_COUNT];
    int64_t number[OPT_COUNT];
};

struct verb;

struct app {
    struct options options;
    const struct verb *verb;
    int argc; /* arguments after the verb */
    char **argv;
    bool json, color;
    int columns; /* of the terminal */
    int timeout_ms;
    char *endpoint[4];    /* by enum endpoint; NULL: the key file names none */
    int error;            /* number of the last one that app_call told */
    struct modq_key *key; /* NULL: none */
    struct modq *front, *desk;
    int exit;
};

enum endpoint { ENDPOINT_FRONT, ENDPOINT_DESK, ENDPOINT_PUSH, ENDPOINT_DECISIONS };

/* The connection, opened when first asked for; NULL: said why, and the exit code is set. */
struct modq *app_front(struct app *app);
struct modq *app_desk(struct app *app);

/* Where a socket is; NULL when the key file does not say, which has been said. */
const char *app_endpoint(struct app *app, enum endpoint which);

/* False for a socket that the key in use has no place at. */
bool app_may_use(const struct app *app, enum endpoint which);

/* True when it is a socket of this machine that is not there, or that no program has open. */
bool app_nobody_listens(const struct app *app, enum endpoint which);

/* Calls; NULL when it failed, which has been said and has set the exit code. The answer belongs to the caller. */
struct modq_answer *app_call(struct app *app, struct modq *connection, const char *operation,
                             const struct modq_fields *fields);

int exit_worse(int a, int b);
int exit_of(const struct modq_error *error);
void app_exit(struct app *app, int code);

/* The time given with --timeout, or else this one. */
int app_timeout_ms(const struct app *app, int otherwise_ms);

#endif
