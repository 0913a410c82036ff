#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "verbs.h"

#define MS_MAX INT64_C(9007199254740991)

static const char *const lanes[] = {"normal", "escalated", "any", NULL};
static const char *const states[] = {"pending", "approved", "rejected", "withdrawn", "erased", "any", NULL};
static const char *const marks[] = {"none", "trusted", "watched", "blocked", NULL};
static const char *const yes_no[] = {"yes", "no", NULL};
static const char *const bidis[] = {"terminal", "fribidi", "off", NULL};
static const char *const roles[] = {"front", "moderator", "administrator", NULL};
static const char *const rights[] = {"undo", "escalated", "erase", "bulk", NULL};
static const char *const actors[] = {"front", "push", "modqd", NULL}; /* besides people */
static const char *const kinds[] = {"submitted",    "approved",      "rejected",      "reopened",    "withdrawn",
                                    "erased",       "claimed",       "renewed",       "released",    "lease_expired",
                                    "escalated",    "reported",      "key_added",     "key_revoked", "key_rotated",
                                    "reloaded",     "looked",        "skipped",       "noted",       "second_look",
                                    "author_noted", "author_marked", "author_erased", NULL};

/* From VALUE_SITE on, in this order. */
static const char *const askable[] = {"sites", "comments", "reasons", "languages", "keys", "key-numbers", NULL};

static const struct option_row rows[] = {
    {.id = OPT_DIR,
     .name = "dir",
     .argument = "DIR",
     .value = VALUE_DIRECTORY,
     .help = "the daemon's directory ($MODQ_DIR, else ./var, else /run/modqd)"},
    {.id = OPT_FRONT,
     .name = "front",
     .argument = "ENDPOINT",
     .value = VALUE_TEXT,
     .help = "the front socket (ipc://DIR/front.sock)"},
    {.id = OPT_DESK,
     .name = "desk",
     .argument = "ENDPOINT",
     .value = VALUE_TEXT,
     .help = "the desk socket (ipc://DIR/desk.sock)"},
    {.id = OPT_PUSH_ENDPOINT,
     .name = "push",
     .argument = "[=ENDPOINT]",
     .value = VALUE_TEXT,
     .help = "submit without answers (ipc://DIR/push.sock)"},
    {.id = OPT_DECISIONS,
     .name = "decisions",
     .argument = "ENDPOINT",
     .value = VALUE_TEXT,
     .help = "the decisions socket (ipc://DIR/decisions.sock)"},
    {.id = OPT_AS, .name = "as", .argument = "NAME", .value = VALUE_TEXT, .help = "act as this moderator ($MODQ_AS)"},
    {.id = OPT_JSON, .name = "json", .help = "one JSON object a line instead of text for people"},
    {.id = OPT_TIMEOUT,
     .name = "timeout",
     .argument = "SECONDS",
     .value = VALUE_NUMBER,
     .min = 1,
     .max = 86400,
     .help = "give up after so long (10; submit: 60 for each comment)"},
    {.id = OPT_KEY,
     .name = "key",
     .argument = "FILE",
     .value = VALUE_FILE,
     .help = "key file, for a daemon elsewhere ($MODQ_KEY); it names the sockets, too"},
    {.id = OPT_NO_COLOR, .name = "no-color", .help = "no colour on a terminal (as $NO_COLOR)"},
    {.id = OPT_HELP, .name = "help", .help = "this text"},
    {.id = OPT_VERSION, .name = "version", .help = "print the version"},
    {.id = OPT_SITE,
     .name = "site",
     .argument = "SITE",
     .value = VALUE_SITE,
     .joined = '/',
     .help = "a site's name; of a key: again for each further one"},
    {.id = OPT_LANE,
     .name = "lane",
     .argument = "LANE",
     .value = VALUE_WORDS,
     .words = lanes,
     .help = "normal (the default), escalated, or any"},
    {.id = OPT_LIMIT,
     .name = "limit",
     .argument = "N",
     .value = VALUE_NUMBER,
     .min = 0,
     .max = 1000000000,
     .help = "at most so many"},
    {.id = OPT_LEASE,
     .name = "lease",
     .argument = "SECONDS",
     .value = VALUE_NUMBER,
     .min = 1,
     .max = 3600,
     .help = "how long the claim holds (300)"},
    {.id = OPT_STDIN, .name = "stdin", .help = "names from standard input: SITE/ID, or lines of queue --json"},
    {.id = OPT_SUPERSEDE, .name = "supersede", .help = "replace a decision that is there already"},
    {.id = OPT_REASON,
     .name = "reason",
     .argument = "CODE[,CODE]",
     .value = VALUE_REASON,
     .joined = ',',
     .help = "reasons, codes of the site's policy"},
    {.id = OPT_NOTE, .name = "note", .argument = "TEXT", .value = VALUE_TEXT, .help = "a note"},
    {.id = OPT_SEQ,
     .name = "seq",
     .argument = "N",
     .value = VALUE_NUMBER,
     .min = 0,
     .max = MS_MAX,
     .help = "number of a record in the site's log"},
    {.id = OPT_READER,
     .name = "reader",
     .argument = "READER",
     .value = VALUE_TEXT,
     .help = "who reports; the same reader counts once"},
    {.id = OPT_ID, .name = "id", .argument = "ID", .value = VALUE_TEXT, .help = "the article's id"},
    {.id = OPT_CLOSED,
     .name = "closed",
     .argument = "yes|no",
     .value = VALUE_WORDS,
     .words = yes_no,
     .help = "the article takes no more comments"},
    {.id = OPT_FRONT_PAGE,
     .name = "front-page",
     .argument = "yes|no",
     .value = VALUE_WORDS,
     .words = yes_no,
     .help = "the article stands on the front page"},
    {.id = OPT_TITLE, .name = "title", .argument = "TEXT", .value = VALUE_TEXT, .help = "the article's title"},
    {.id = OPT_URL, .name = "url", .argument = "URL", .value = VALUE_TEXT, .help = "the article's address"},
    {.id = OPT_LANG,
     .name = "lang",
     .argument = "TAG",
     .value = VALUE_LANGUAGE,
     .help = "language of the texts, such as ckb"},
    {.id = OPT_YES, .name = "yes", .help = "do not ask"},
    {.id = OPT_DRY_RUN, .name = "dry-run", .help = "say what would be done, and do nothing"},
    {.id = OPT_BATCH,
     .name = "batch",
     .argument = "ID",
     .value = VALUE_TEXT,
     .help = "what was decided at once, under this id of 32 hex digits"},
    {.id = OPT_FOR,
     .name = "for",
     .argument = "TIME",
     .value = VALUE_TEXT,
     .help = "how long: 1m to 7d, such as 2h (30m)"},
    {.id = OPT_AFTER,
     .name = "after",
     .argument = "N",
     .value = VALUE_NUMBER,
     .min = 0,
     .max = MS_MAX,
     .help = "go on after this record (0: from the beginning)"},
    {.id = OPT_HASH,
     .name = "hash",
     .argument = "HEX",
     .value = VALUE_TEXT,
     .help = "chain of that record: proves that it is the same log"},
    {.id = OPT_NO_WAIT, .name = "no-wait", .help = "end when level with the log"},
    {.id = OPT_CONFIRM,
     .name = "confirm",
     .argument = "NAME",
     .value = VALUE_TEXT,
     .help = "tell the daemon under this name how far it is"},
    {.id = OPT_COUNT_RECORDS,
     .name = "count",
     .argument = "N",
     .value = VALUE_NUMBER,
     .min = 1,
     .max = MS_MAX,
     .help = "end after so many records"},
    {.id = OPT_LISTENER, .name = "listener", .argument = "NAME", .value = VALUE_TEXT, .help = "name of the listener"},
    {.id = OPT_VERBS, .name = "verbs", .help = "a line for each verb with its options, for programs"},
    {.id = OPT_VALUES,
     .name = "values",
     .argument = "WHAT",
     .value = VALUE_WORDS,
     .words = askable,
     .help = "what the daemon knows of it, one a line, for the shells"},
    {.id = OPT_ROLE,
     .name = "role",
     .argument = "ROLE",
     .value = VALUE_WORDS,
     .words = roles,
     .help = "front, moderator or administrator"},
    {.id = OPT_RIGHT,
     .name = "right",
     .argument = "RIGHT[,RIGHT]",
     .value = VALUE_WORDS,
     .words = rights,
     .joined = ',',
     .help = "rights of a moderator: undo, escalated, erase, bulk"},
    {.id = OPT_EXPIRES,
     .name = "expires",
     .argument = "WHEN",
     .value = VALUE_TEXT,
     .help = "when it ends: 90d, 12h, or 2027-01-31"},
    {.id = OPT_FILE,
     .name = "file",
     .argument = "FILE",
     .value = VALUE_FILE,
     .help = "where to write the key (NAME.key)"},
    {.id = OPT_PUBLIC, .name = "public", .argument = "KEY", .value = VALUE_TEXT, .help = "a public key, 40 characters"},
    {.id = OPT_USER,
     .name = "user",
     .argument = "LOGIN",
     .value = VALUE_USER,
     .help = "a user of the system who comes over ipc"},
    {.id = OPT_NUMBER,
     .name = "number",
     .argument = "N",
     .value = VALUE_KEY_NUMBER,
     .min = 1,
     .max = MS_MAX,
     .help = "number of a key"},
    {.id = OPT_OVERLAP,
     .name = "overlap",
     .argument = "TIME",
     .value = VALUE_TEXT,
     .help = "how long the old key still works: 0, 30m, 12h, 7d (1d)"},
    {.id = OPT_ALL, .name = "all", .help = "also keys that have ended"},
    {.id = OPT_BY,
     .name = "by",
     .argument = "NAME",
     .value = VALUE_KEY,
     .words = actors,
     .help = "done by this person, or front, push, modqd"},
    {.id = OPT_GROUP,
     .name = "by",
     .argument = "WHAT",
     .value = VALUE_WORDS,
     .words = report_by_words,
     .help = "a row for each site, moderator, article, reason, day or hour"},
    {.id = OPT_OF_KEY,
     .name = "of-key",
     .argument = "N",
     .value = VALUE_KEY_NUMBER,
     .min = 1,
     .max = MS_MAX,
     .help = "done from this key"},
    {.id = OPT_KIND,
     .name = "kind",
     .argument = "KIND",
     .value = VALUE_WORDS,
     .words = kinds,
     .help = "events of this kind, such as approved"},
    {.id = OPT_SINCE,
     .name = "since",
     .argument = "WHEN",
     .value = VALUE_TEXT,
     .help = "not before: 2h, 7d ago, or 2026-01-31"},
    {.id = OPT_UNTIL,
     .name = "until",
     .argument = "WHEN",
     .value = VALUE_TEXT,
     .help = "before: 2h, 7d ago, or 2026-01-31; of a mark: its end, 7d from now"},
    {.id = OPT_BEFORE,
     .name = "before",
     .argument = "N",
     .value = VALUE_NUMBER,
     .min = 1,
     .max = MS_MAX,
     .help = "events before this number"},
    {.id = OPT_HEAD,
     .name = "head",
     .argument = "NO:HASH",
     .value = VALUE_TEXT,
     .help = "end of the chain as it was told before: must still be there"},
    {.id = OPT_PLAIN, .name = "plain", .help = "line by line, for screen readers and simple terminals"},
    {.id = OPT_BIDI,
     .name = "bidi",
     .argument = "WAY",
     .value = VALUE_WORDS,
     .words = bidis,
     .help = "who puts Arabic in order: terminal (the default), fribidi (modq does) or off"},
    {.id = OPT_AHEAD,
     .name = "ahead",
     .argument = "N",
     .value = VALUE_NUMBER,
     .min = 1,
     .max = 50,
     .help = "comments claimed besides the one that is read (5)"},
    {.id = OPT_WEEK, .name = "week", .help = "the last seven days, today among them"},
    {.id = OPT_MONTH, .name = "month", .help = "the last thirty days, today among them"},
    {.id = OPT_HTML,
     .name = "html",
     .argument = "FILE",
     .value = VALUE_FILE,
     .help = "write a page that any browser shows, to be handed on"},
    {.id = OPT_PENDING,
     .name = "pending",
     .argument = "N",
     .value = VALUE_NUMBER,
     .min = 1,
     .max = MS_MAX,
     .help = "more than so many wait"},
    {.id = OPT_EVERY,
     .name = "every",
     .argument = "SECONDS",
     .value = VALUE_NUMBER,
     .min = 1,
     .max = 86400,
     .help = "how often to look (30)"},
    {.id = OPT_EXEC,
     .name = "exec",
     .argument = "COMMAND",
     .value = VALUE_TEXT,
     .help = "what the shell runs when the state changes"},
    {.id = OPT_STATE,
     .name = "state",
     .argument = "STATE",
     .value = VALUE_WORDS,
     .words = states,
     .help = "comments in this state, or in any"},
    {.id = OPT_ARTICLE, .name = "article", .argument = "ID", .value = VALUE_TEXT, .help = "comments on this article"},
    {.id = OPT_AUTHOR,
     .name = "author",
     .argument = "SITE/AUTHOR",
     .value = VALUE_TEXT,
     .help = "comments by this author"},
    {.id = OPT_LANGUAGE,
     .name = "language",
     .argument = "TAG",
     .value = VALUE_LANGUAGE,
     .help = "comments in this language: ku finds ku-Latn, too"},
    {.id = OPT_OLDER_THAN,
     .name = "older-than",
     .argument = "TIME",
     .value = VALUE_TEXT,
     .help = "comments that came longer ago: 90s, 30m, 2h, 3d, 1w"},
    {.id = OPT_NEWER_THAN,
     .name = "newer-than",
     .argument = "TIME",
     .value = VALUE_TEXT,
     .help = "comments that came within this time: 90s, 30m, 2h, 3d, 1w"},
    {.id = OPT_REPORTED,
     .name = "reported",
     .argument = "N",
     .value = VALUE_NUMBER,
     .min = 1,
     .max = 1000000,
     .help = "comments that so many readers reported, or more"},
    {.id = OPT_MARK,
     .name = "mark",
     .argument = "MARK",
     .value = VALUE_WORDS,
     .words = marks,
     .help = "comments by authors with this mark: trusted, watched, blocked, none"},
    {.id = OPT_REJECTED_FOR,
     .name = "rejected-for",
     .argument = "CODE",
     .value = VALUE_REASON,
     .help = "comments that were rejected for this reason"},
    {.id = OPT_DECIDED_BY,
     .name = "decided-by",
     .argument = "NAME",
     .value = VALUE_KEY,
     .help = "comments that this person decided"},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

const struct option_row *option_row(size_t i)
{
    return i < ROWS ? &rows[i] : NULL;
}

const char *value_word(enum value value)
{
    return value >= VALUE_SITE ? askable[value - VALUE_SITE] : NULL;
}

enum value value_of_word(const char *word)
{
    for (int i = 0; askable[i]; i++)
        if (strcmp(askable[i], word) == 0)
            return (enum value)(VALUE_SITE + i);
    return VALUE_NONE;
}

const char *const *option_words(enum option_id id)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].id == id)
            return rows[i].words;
    return NULL;
}

bool option_is_global(enum option_id id)
{
    return id <= OPT_VERSION;
}

static const char *const *option_names(void)
{
    static const char *names[ROWS + 1];

    for (size_t i = 0; i < ROWS; i++)
        names[i] = rows[i].name;
    return names;
}

static bool parse_number(const struct option_row *row, const char *text, int64_t *number)
{
    char *end;

    errno = 0;
    *number = strtoll(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && *number >= row->min && *number <= row->max)
        return true;
    complain("--%s: \"%s\" is not a number from %lld to %lld", row->name, text, (long long)row->min,
             (long long)row->max);
    return false;
}

/* --reason a --reason b means --reason a,b. The joined text stays until the program ends. */
static const char *join(const struct option_row *row, const char *before, const char *more)
{
    static char *joined[OPT_COUNT];
    char *longer = NULL;

    if (asprintf(&longer, "%s%c%s", before, row->joined, more) < 0)
        return NULL;
    free(joined[row->id]);
    joined[row->id] = longer;
    return longer;
}

static bool take(struct app *app, const struct option_row *row, const char *text)
{
    if (row->joined && app->options.given[row->id])
        text = join(row, app->options.text[row->id], text);
    if (row->argument && row->id != OPT_PUSH_ENDPOINT && !text) {
        complain("out of memory");
        return false;
    }
    app->options.given[row->id] = true;
    app->options.text[row->id] = text;
    return row->max == 0 || parse_number(row, text, &app->options.number[row->id]);
}

/* --push alone is a flag; an endpoint may follow after '=' or, since no file is named like one, as the next word. */
static const char *push_endpoint(int argc, char **argv)
{
    if (optarg || optind >= argc || !strstr(argv[optind], "://"))
        return optarg;
    return argv[optind++];
}

static void complain_long(const char *name)
{
    const char *meant = nearest(name, option_names());

    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0) {
            complain("--%s takes no value", name);
            return;
        }
    if (meant)
        complain("unknown option --%s; did you mean --%s?", name, meant);
    else
        complain("unknown option --%s; modq VERB --help lists what a verb takes", name);
}

static bool complain_option(char **argv, int result)
{
    const char *word = argv[optind - 1];
    char *name = strndup(word + strspn(word, "-"), strcspn(word + strspn(word, "-"), "="));

    if (result == ':')
        complain("--%s needs a value", name ? name : "");
    else if (strncmp(word, "--", 2) != 0)
        complain("unknown option -%c", optopt);
    else
        complain_long(name ? name : "");
    free(name);
    return false;
}

static void fill_long_options(struct option *options)
{
    for (size_t i = 0; i < ROWS; i++) {
        int kind = rows[i].argument ? required_argument : no_argument;
        if (rows[i].id == OPT_PUSH_ENDPOINT)
            kind = optional_argument;
        options[i] = (struct option){rows[i].name, kind, NULL, 256 + (int)i};
    }
}

bool options_parse(struct app *app, int argc, char **argv, const char **verb)
{
    struct option options[ROWS + 1] = {0};
    int result;

    fill_long_options(options);
    opterr = 0;
    while ((result = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (result == 'h') {
            app->options.given[OPT_HELP] = true;
            continue;
        }
        if (result < 256)
            return complain_option(argv, result);
        const struct option_row *row = &rows[result - 256];
        if (!take(app, row, row->id == OPT_PUSH_ENDPOINT ? push_endpoint(argc, argv) : optarg))
            return false;
    }
    *verb = optind < argc ? argv[optind++] : NULL;
    app->argc = argc - optind;
    app->argv = argv + optind;
    return true;
}

/* The row of that name which the verb takes, when it is another than the one that was found first. */
static const struct option_row *namesake(const struct option_row *row, option_set allowed)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].id != row->id && (allowed & OPTION_BIT(rows[i].id)) && strcmp(rows[i].name, row->name) == 0)
            return &rows[i];
    return NULL;
}

bool options_fit(struct app *app, option_set allowed)
{
    struct options *options = &app->options;

    for (size_t i = 0; i < ROWS; i++) {
        enum option_id id = rows[i].id;
        if (!options->given[id] || option_is_global(id) || (allowed & OPTION_BIT(id)))
            continue;
        const struct option_row *meant = namesake(&rows[i], allowed);
        if (!meant) {
            complain("%s takes no --%s; modq %s --help tells more", app->verb->name, rows[i].name, app->verb->name);
            return false;
        }
        options->given[id] = false;
        options->given[meant->id] = true;
        options->text[meant->id] = options->text[id];
        options->number[meant->id] = options->number[id];
    }
    return true;
}
