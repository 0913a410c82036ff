#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"
#include "verbs.h"

#define MS_MAX INT64_C(9007199254740991)

/* clang-format off */
static const struct option_row rows[] = {
    {OPT_DIR, "dir", "DIR", false, 0, 0, "the daemon's directory ($MODQ_DIR, else ./var, else /run/modqd)"},
    {OPT_FRONT, "front", "ENDPOINT", false, 0, 0, "the front socket (ipc://DIR/front.sock)"},
    {OPT_DESK, "desk", "ENDPOINT", false, 0, 0, "the desk socket (ipc://DIR/desk.sock)"},
    {OPT_PUSH_ENDPOINT, "push", "[=ENDPOINT]", false, 0, 0,
     "submit without answers (ipc://DIR/push.sock)"},
    {OPT_DECISIONS, "decisions", "ENDPOINT", false, 0, 0, "the decisions socket (ipc://DIR/decisions.sock)"},
    {OPT_AS, "as", "NAME", false, 0, 0, "act as this moderator ($MODQ_AS)"},
    {OPT_JSON, "json", NULL, false, 0, 0, "one JSON object a line instead of text for people"},
    {OPT_TIMEOUT, "timeout", "SECONDS", true, 1, 86400, "give up after so long (10; submit: 60 for each comment)"},
    {OPT_KEY, "key", "FILE", false, 0, 0, "key file, for a daemon elsewhere ($MODQ_KEY); it names the sockets, too"},
    {OPT_NO_COLOR, "no-color", NULL, false, 0, 0, "no colour on a terminal (as $NO_COLOR)"},
    {OPT_HELP, "help", NULL, false, 0, 0, "this"},
    {OPT_VERSION, "version", NULL, false, 0, 0, "print the version"},
    {OPT_SITE, "site", "SITE", false, 0, 0, "this site"},
    {OPT_LANE, "lane", "LANE", false, 0, 0, "normal (the default) or escalated"},
    {OPT_LIMIT, "limit", "N", true, 0, 1000000000, "at most so many"},
    {OPT_LEASE, "lease", "SECONDS", true, 1, 3600, "how long the claim holds (300)"},
    {OPT_STDIN, "stdin", NULL, false, 0, 0, "names from standard input: SITE/ID, or lines of queue --json"},
    {OPT_SUPERSEDE, "supersede", NULL, false, 0, 0, "replace a decision that is there already"},
    {OPT_REASON, "reason", "CODE[,CODE]", false, 0, 0, "reasons, codes of the site's policy"},
    {OPT_NOTE, "note", "TEXT", false, 0, 0, "a note"},
    {OPT_SEQ, "seq", "N", true, 0, MS_MAX, "number of a record in the site's log"},
    {OPT_READER, "reader", "READER", false, 0, 0, "who reports; the same reader counts once"},
    {OPT_ID, "id", "ID", false, 0, 0, "the article's id"},
    {OPT_CLOSED, "closed", "yes|no", false, 0, 0, "the article takes no more comments"},
    {OPT_FRONT_PAGE, "front-page", "yes|no", false, 0, 0, "the article stands on the front page"},
    {OPT_TITLE, "title", "TEXT", false, 0, 0, "the article's title"},
    {OPT_URL, "url", "URL", false, 0, 0, "the article's address"},
    {OPT_LANG, "lang", "TAG", false, 0, 0, "language of the texts, such as ckb"},
    {OPT_YES, "yes", NULL, false, 0, 0, "do not ask"},
    {OPT_AFTER, "after", "N", true, 0, MS_MAX, "go on after this record (0: from the beginning)"},
    {OPT_HASH, "hash", "HEX", false, 0, 0, "chain of that record: proves that it is the same log"},
    {OPT_NO_WAIT, "no-wait", NULL, false, 0, 0, "end when level with the log"},
    {OPT_CONFIRM, "confirm", "NAME", false, 0, 0, "tell the daemon under this name how far it is"},
    {OPT_COUNT_RECORDS, "count", "N", true, 1, MS_MAX, "end after so many records"},
    {OPT_LISTENER, "listener", "NAME", false, 0, 0, "name of the listener"},
    {OPT_VERBS, "verbs", NULL, false, 0, 0, "a line for each verb with its options, for programs"},
    {OPT_ROLE, "role", "ROLE", false, 0, 0, "front, moderator or administrator"},
    {OPT_RIGHT, "right", "RIGHT[,RIGHT]", false, 0, 0, "rights of a moderator: undo, escalated, erase, bulk"},
    {OPT_EXPIRES, "expires", "WHEN", false, 0, 0, "when it ends: 90d, 12h, or 2027-01-31"},
    {OPT_FILE, "file", "FILE", false, 0, 0, "where to write the key (NAME.key)"},
    {OPT_PUBLIC, "public", "KEY", false, 0, 0, "a public key, 40 characters"},
    {OPT_USER, "user", "LOGIN", false, 0, 0, "a user of the system who comes over ipc"},
    {OPT_NUMBER, "number", "N", true, 1, MS_MAX, "number of a key"},
    {OPT_OVERLAP, "overlap", "TIME", false, 0, 0, "how long the old key still works: 0, 30m, 12h, 7d (1d)"},
    {OPT_ALL, "all", NULL, false, 0, 0, "also keys that have ended"},
    {OPT_BY, "by", "NAME", false, 0, 0, "done by this person, or front, push, modqd"},
    {OPT_OF_KEY, "of-key", "N", true, 1, MS_MAX, "done from this key"},
    {OPT_KIND, "kind", "KIND", false, 0, 0, "events of this kind, such as approved"},
    {OPT_SINCE, "since", "WHEN", false, 0, 0, "not before: 2h, 7d ago, or 2026-01-31"},
    {OPT_UNTIL, "until", "WHEN", false, 0, 0, "before: 2h, 7d ago, or 2026-01-31"},
    {OPT_BEFORE, "before", "N", true, 1, MS_MAX, "events before this number"},
    {OPT_HEAD, "head", "NO:HASH", false, 0, 0, "end of the chain as it was told before: must still be there"},
};
/* clang-format on */

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

const struct option_row *option_row(size_t i)
{
    return i < ROWS ? &rows[i] : NULL;
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
static const char *join(enum option_id id, const char *before, const char *more)
{
    static char *joined[OPT_COUNT];
    char *longer = NULL;

    if (asprintf(&longer, "%s%c%s", before, id == OPT_SITE ? '/' : ',', more) < 0)
        return NULL;
    free(joined[id]);
    joined[id] = longer;
    return longer;
}

static bool take(struct app *app, const struct option_row *row, const char *text)
{
    bool list = row->id == OPT_REASON || row->id == OPT_RIGHT || row->id == OPT_SITE;
    if (list && app->options.given[row->id])
        text = join(row->id, app->options.text[row->id], text);
    if (row->argument && row->id != OPT_PUSH_ENDPOINT && !text) {
        complain("out of memory");
        return false;
    }
    app->options.given[row->id] = true;
    app->options.text[row->id] = text;
    return !row->number || parse_number(row, text, &app->options.number[row->id]);
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

bool options_fit(const struct app *app, uint64_t allowed)
{
    for (size_t i = 0; i < ROWS; i++) {
        enum option_id id = rows[i].id;
        if (!app->options.given[id] || option_is_global(id) || (allowed & OPTION_BIT(id)))
            continue;
        complain("%s takes no --%s; modq %s --help tells more", app->verb->name, rows[i].name, app->verb->name);
        return false;
    }
    return true;
}
