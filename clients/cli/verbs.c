#include "verbs.h"

#include <stdio.h>
#include <string.h>

#include "completion.h"
#include "filter.h"
#include "options.h"

#define O(id) OPTION_BIT(OPT_##id)

#define FILTER_MORE                                                                                                    \
    "FILTER is any of the options that select comments, from --site to --decided-by, and\n"                            \
    "means what is pending unless they say otherwise. More than 20 are asked for on a\n"                               \
    "terminal, and elsewhere need --yes. --dry-run shows what would be done.\n"

static const struct verb verbs[] = {
    {.name = "submit",
     .usage = "[--site SITE] [--push[=ENDPOINT]] [FILE...]",
     .help = "hand in comments, a JSON object a line",
     .more = "Keys of a line: site, id (or comment), revision, body, article {id, title, url,\n"
             "language}, parent (or parent_id), author {id, name, registered_at,\n"
             "address_hash}, created_at (milliseconds or RFC 3339), language (or lang),\n"
             "extra. Every other key goes into extra. FILE \"-\" and no FILE: standard input.\n"
             "With --json each comment is answered with a line; without it only failures are\n"
             "told, and how many there were at the end. What was not acknowledged is sent\n"
             "again; sending it twice does no harm.\n\n"
             "  modq submit comments.jsonl\n"
             "  modq submit --site news --json < comments.jsonl\n",
     .options = O(SITE),
     .argument = VALUE_FILE,
     .most = -1,
     .run = run_submit},
    {.name = "queue",
     .usage = "[FILTER] [--limit N]",
     .help = "what waits for a decision, in the order in which it is served",
     .more = "Shows 50 unless --limit says otherwise; --limit 0 shows all. FILTER is any of the\n"
             "options that select comments, from --site to --decided-by; with another --state\n"
             "it lists what was decided, the newest first.\n\n"
             "  modq queue --site news\n"
             "  modq queue --author news/u17 --state any\n"
             "  modq queue --reported 3 --older-than 1h\n"
             "  modq queue --site news --json | jq -c 'select(.body | test(\"casino\"))' |\n"
             "      modq reject --stdin --reason promotion\n",
     .options = FILTER_OPTIONS | O(LIMIT),
     .run = run_queue},
    {.name = "search",
     .usage = "[FILTER] [--limit N] TEXT...",
     .help = "comments by a piece of their text, the newest first",
     .more = "In any state. Case, accents and vowel signs do not matter, nor which of several\n"
             "letters somebody typed for the same sound; a piece of a word will do. Shows 20\n"
             "unless --limit says otherwise; --limit 0 shows all. FILTER is any of --site,\n"
             "--state, --article, --author, --language, --older-than and --newer-than.\n\n"
             "  modq search casino bonus\n"
             "  modq search --site news --json هەولێر | jq -r '.comment'\n",
     .options = O(SITE) | O(STATE) | O(ARTICLE) | O(AUTHOR) | O(LANGUAGE) | O(OLDER_THAN) | O(NEWER_THAN) | O(LIMIT),
     .argument = VALUE_TEXT,
     .least = 1,
     .most = -1,
     .run = run_search},
    {.name = "claim",
     .usage = "[--site SITE] [--lane LANE] [--limit N] [--lease SECONDS] | SITE/ID... | --stdin",
     .help = "take comments for yourself, so that nobody else reads them, too",
     .more = "Takes the next one of the queue, or the next N (--limit, 1 to 100), or those\n"
             "named.\n\n"
             "  modq claim --site news --limit 10\n"
             "  modq claim --lease 600 news/17\n",
     .options = O(SITE) | O(LANE) | O(LIMIT) | O(LEASE) | O(STDIN),
     .argument = VALUE_COMMENT,
     .most = -1,
     .run = run_claim},
    {.name = "review",
     .usage = "[FILTER] [--ahead N] [--lease SECONDS] [--lang TAG] [--bidi WAY] [--plain]",
     .help = "read and decide one comment after the other, on the whole screen",
     .more = "a approves, r rejects, s skips, e escalates, u undoes, q leaves; ? lists all keys.\n"
             "The next comments are claimed ahead; what is undecided is given back at the end.\n"
             "Titles of reasons are in the language of --lang, else in that of $LANG.\n"
             "Without a terminal, or with --plain, it is the same line by line. FILTER is any of\n"
             "--site, --lane, --article, --author, --language, --older-than, --newer-than,\n"
             "--reported and --mark.\n\n"
             "  modq review --site news\n"
             "  modq review --author news/u17\n"
             "  modq review --lane escalated --lease 600\n",
     .options = (FILTER_OPTIONS & ~(O(STATE) | O(REJECTED_FOR) | O(DECIDED_BY))) | O(AHEAD) | O(LEASE) | O(LANG) |
                O(BIDI) | O(PLAIN),
     .run = run_review},
    {.name = "renew",
     .usage = "[--lease SECONDS] [SITE/ID... | --stdin]",
     .help = "hold what you have claimed for longer; without names: all of it",
     .more = "  modq renew\n",
     .options = O(LEASE) | O(STDIN),
     .argument = VALUE_COMMENT,
     .most = -1,
     .run = run_renew},
    {.name = "release",
     .usage = "[SITE/ID... | --stdin]",
     .help = "give back what you have claimed; without names: all of it",
     .more = "  modq release news/17\n",
     .options = O(STDIN),
     .argument = VALUE_COMMENT,
     .most = -1,
     .run = run_release},
    {.name = "show",
     .usage = "SITE/ID... | --stdin",
     .help = "all that is known of a comment",
     .more = "What could deceive the eye or the terminal is shown as a mark: <U+202E> is a\n"
             "character that turns text round, <0xFF> a byte that is no text. --json has\n"
             "every field.\n\n"
             "  modq show news/17\n",
     .options = O(STDIN),
     .argument = VALUE_COMMENT,
     .least = 1,
     .most = -1,
     .run = run_show},
    {.name = "approve",
     .usage = "[--note TEXT] [--supersede] SITE/ID... | --stdin | [--dry-run] [--yes] FILTER",
     .help = "approve comments",
     .more = "Lines of `modq queue --json` on --stdin are compared with the revision that was\n"
             "read: when the author has changed the text since, nothing is decided.\n\n"
             "  modq approve news/17 news/18\n"
             "  modq approve --supersede news/17        it was rejected before\n"
             "  modq approve --mark trusted --older-than 1h --dry-run\n\n" FILTER_MORE,
     .options = FILTER_OPTIONS | O(NOTE) | O(SUPERSEDE) | O(STDIN) | O(YES) | O(DRY_RUN),
     .argument = VALUE_COMMENT,
     .most = -1,
     .run = run_approve},
    {.name = "reject",
     .usage = "--reason CODE[,CODE] [--note TEXT] [--supersede] SITE/ID... | --stdin | [--dry-run] [--yes] FILTER",
     .help = "reject comments",
     .more = "`modq policy` lists the codes. Several codes: with commas, or --reason again.\n\n"
             "  modq reject --reason profanity news/17\n"
             "  modq reject --reason abuse.racism,threat --note 'third time' news/17\n"
             "  modq reject --reason promotion.commercial --author news/u17 --dry-run\n\n" FILTER_MORE,
     .options = FILTER_OPTIONS | O(REASON) | O(NOTE) | O(SUPERSEDE) | O(STDIN) | O(YES) | O(DRY_RUN),
     .argument = VALUE_COMMENT,
     .most = -1,
     .run = run_reject},
    {.name = "undo",
     .usage = "SITE/ID... | --stdin | --site SITE --seq N | --batch ID [--dry-run] [--yes]",
     .help = "take back the current decision of a comment, record N of a site, or a whole batch",
     .more = "Nothing is forgotten: undoing is a record, too. The comment is then what it\n"
             "was before that decision: pending, or decided as before --supersede.\n\n"
             "  modq undo news/17\n"
             "  modq undo --site news --seq 5\n\n"
             "--batch takes back what was decided at once, as far as nothing came after it; the\n"
             "id was told then. More than 20 are asked for, as with those verbs.\n\n"
             "  modq undo --batch 0123456789abcdef0123456789abcdef --dry-run\n",
     .options = O(SITE) | O(SEQ) | O(STDIN) | O(BATCH) | O(YES) | O(DRY_RUN),
     .argument = VALUE_COMMENT,
     .most = -1,
     .run = run_undo},
    {.name = "withdraw",
     .usage = "SITE/ID... | --stdin",
     .help = "say that the author took it back; nobody can approve it then",
     .more = "Holds for a comment that has not arrived yet, too: it is refused when it comes.\n\n"
             "  modq withdraw news/17\n",
     .options = O(STDIN),
     .argument = VALUE_COMMENT,
     .most = -1,
     .run = run_withdraw},
    {.name = "report",
     .usage = "--reader READER [--reason CODE] [--note TEXT] SITE/ID",
     .help = "say that a reader complains about a comment",
     .more = "  modq report --reader r81 --reason threat news/17\n",
     .options = O(READER) | O(REASON) | O(NOTE),
     .argument = VALUE_COMMENT,
     .least = 1,
     .most = 1,
     .run = run_report},
    {.name = "article",
     .usage = "--site SITE --id ID [--closed yes|no] [--front-page yes|no] [--title TEXT] [--url URL] [--lang TAG]",
     .help = "say what moderators should know of an article",
     .more = "  modq article --site news --id 2231 --front-page yes\n",
     .options = O(SITE) | O(ID) | O(CLOSED) | O(FRONT_PAGE) | O(TITLE) | O(URL) | O(LANG),
     .run = run_article},
    {.name = "escalate",
     .usage = "[--note TEXT] SITE/ID... | --stdin | [--dry-run] [--yes] FILTER",
     .help = "leave comments to those who serve the escalated lane",
     .more = "  modq escalate --note 'court order?' news/17\n"
             "  modq queue --lane escalated\n\n" FILTER_MORE,
     .options = FILTER_OPTIONS | O(NOTE) | O(STDIN) | O(YES) | O(DRY_RUN),
     .argument = VALUE_COMMENT,
     .most = -1,
     .run = run_escalate},
    {.name = "erase",
     .usage = "[--yes] [--dry-run] SITE/ID... | --stdin | FILTER",
     .help = "erase text, author and notes of comments for good",
     .more = "For those who have a right to have their data removed. Asks on a terminal,\n"
             "unless --yes is given; with --stdin, or without a terminal, --yes is needed.\n\n"
             "FILTER is any of the options that select comments; here they mean every state\n"
             "unless --state says one. --author alone means all of the author: the comments in\n"
             "every state, the mark and the notes.\n\n"
             "  modq erase --yes news/17\n"
             "  modq erase --author news/u17\n",
     .options = FILTER_OPTIONS | O(YES) | O(STDIN) | O(DRY_RUN),
     .argument = VALUE_COMMENT,
     .most = -1,
     .run = run_erase},
    {.name = "skip",
     .usage = "[--for TIME] SITE/ID... | --stdin | [--dry-run] [--yes] FILTER",
     .help = "leave comments to others for a while: claim does not give them to you",
     .more = "They stay where they are in the queue, and others are given them. Half an hour\n"
             "unless --for says otherwise.\n\n"
             "  modq skip news/17\n"
             "  modq skip --for 2h news/17 news/18\n",
     .options = FILTER_OPTIONS | O(FOR) | O(STDIN) | O(YES) | O(DRY_RUN),
     .argument = VALUE_COMMENT,
     .most = -1,
     .run = run_skip},
    {.name = "note",
     .usage = "SITE/ID [TEXT]",
     .help = "leave a note on a comment, for other moderators",
     .more = "Without TEXT, or with -, it is read from standard input, or written in an editor\n"
             "($VISUAL, $EDITOR) where that is a terminal. modq show tells the notes.\n\n"
             "  modq note news/17 'asked the newsroom, wait for their answer'\n",
     .argument = VALUE_COMMENT,
     .least = 1,
     .most = 2,
     .run = run_note},
    {.name = "author",
     .usage = "SITE/AUTHOR",
     .help = "what is known of an author: comments, decisions, mark and notes",
     .more = "  modq author news/u17\n",
     .argument = VALUE_TEXT,
     .least = 1,
     .most = 1,
     .run = run_author},
    {.name = "author mark",
     .usage = "SITE/AUTHOR MARK [--note TEXT] [--until WHEN]",
     .help = "mark an author as trusted, watched or blocked, or take the mark away (none)",
     .more = "--note says why, and is needed but for none. The mark ends at --until: a span from\n"
             "now on, or a date. A mark decides nothing: it is shown with the author's comments,\n"
             "and counts for the order of the queue where the site's policy says so.\n\n"
             "  modq author mark news/u17 watched --note 'insults after football' --until 30d\n"
             "  modq author mark news/u17 none\n",
     .options = O(NOTE) | O(UNTIL),
     .argument = VALUE_TEXT,
     .least = 2,
     .most = 2,
     .run = run_author_mark},
    {.name = "author note",
     .usage = "SITE/AUTHOR [TEXT]",
     .help = "leave a note on an author, for other moderators",
     .more = "Without TEXT, or with -, as modq note.\n\n"
             "  modq author note news/u17 'writes for the fire brigade'\n",
     .argument = VALUE_TEXT,
     .least = 1,
     .most = 2,
     .run = run_author_note},
    {.name = "export",
     .usage = "SITE/AUTHOR",
     .help = "everything that is kept of an author, for those who ask for their data",
     .more = "A JSON object a line: first the author, with mark and notes, then each comment in\n"
             "whatever state, with reports, notes and history. What it cannot hold is told on\n"
             "standard error.\n\n"
             "  modq export news/u17 > u17.jsonl\n",
     .argument = VALUE_TEXT,
     .least = 1,
     .most = 1,
     .run = run_export},
    {.name = "history",
     .usage = "[--limit N] SITE/ID... | --stdin",
     .help = "what happened to a comment, the newest first",
     .more = "Shows 100 lines unless --limit says otherwise; --limit 0 shows all.\n\n"
             "  modq history news/17\n",
     .options = O(LIMIT) | O(STDIN),
     .argument = VALUE_COMMENT,
     .least = 1,
     .most = -1,
     .run = run_history},
    {.name = "follow",
     .usage = "--site SITE [--after N] [--hash HEX] [--no-wait] [--confirm NAME] [--count N]",
     .help = "a site's decisions as they are made, in order, without gaps",
     .more = "Goes on by itself when the daemon was away. Keep seq and chain of the last\n"
             "record that you have acted on, and give them as --after and --hash the next\n"
             "time. Ctrl-C ends it; so does --no-wait when it is level with the log.\n\n"
             "  modq follow --site news\n"
             "  modq follow --site news --after 120 --json --confirm web1\n",
     .options = O(SITE) | O(AFTER) | O(HASH) | O(NO_WAIT) | O(CONFIRM) | O(COUNT_RECORDS),
     .run = run_follow},
    {.name = "confirm",
     .usage = "--site SITE --listener NAME --seq N",
     .help = "tell the daemon how far a listener has applied records",
     .more = "  modq confirm --site news --listener web1 --seq 120\n",
     .options = O(SITE) | O(LISTENER) | O(SEQ),
     .run = run_confirm},
    {.name = "status",
     .usage = "SITE/ID... | --stdin",
     .help = "the state of comments",
     .more = "  modq status news/17 news/18\n",
     .options = O(STDIN),
     .argument = VALUE_COMMENT,
     .most = -1,
     .run = run_status},
    {.name = "stats",
     .usage = "[--site SITE] [--since WHEN | --week | --month] [--until WHEN] [--by WHAT] [--html FILE]",
     .help = "how much waits, what was done, how fast, and how far moderators agree",
     .more = "First what is so now; then the last 24 hours, unless told: what came, what was\n"
             "decided, how long it waited and took, by hour or day, site, moderator, reason\n"
             "and article. --by shows one of these alone, in full. With --html a page for a\n"
             "browser is written instead.\n\n"
             "  modq stats --since 2h\n"
             "  modq stats --site news --week --by moderator\n"
             "  modq stats --month --html report.html\n",
     .options = O(SITE) | O(SINCE) | O(UNTIL) | O(WEEK) | O(MONTH) | O(GROUP) | O(HTML),
     .run = run_stats},
    {.name = "watch",
     .usage = "[--older-than DURATION] [--pending N] [--site SITE] [--every SECONDS] [--exec COMMAND]",
     .help = "run a command when comments wait for too long, and when they do no more",
     .more = "Looks every 30 seconds, says on standard error what changes, and runs COMMAND\n"
             "once each time, with the variables MODQ_STATE (late, recovered, unreachable),\n"
             "MODQ_PENDING, MODQ_OLDEST_SECONDS and MODQ_SITE. Recovered means three quarters\n"
             "of the limit or less. Runs until it is ended.\n\n"
             "  modq watch --older-than 30m --pending 500 \\\n"
             "      --exec 'echo \"$MODQ_STATE: $MODQ_PENDING\" | mail -s modqd desk@example.org'\n",
     .options = O(OLDER_THAN) | O(PENDING) | O(SITE) | O(EVERY) | O(EXEC),
     .run = run_watch},
    {.name = "policy",
     .usage = "[--site SITE] [--lang TAG]",
     .help = "the house rules: reason codes and what authors are told",
     .more = "  modq policy --site news --lang ckb\n",
     .options = O(SITE) | O(LANG),
     .run = run_policy},
    {.name = "key new",
     .usage = "NAME --role ROLE [--site SITE ...] [--right RIGHT,...] [--expires WHEN] [--file FILE]",
     .help = "make a key, and let its owner in",
     .more = "Writes FILE, with the secret half, for nobody but you to read, and prints the\n"
             "public half. Give the file to its owner by a safe way. Without --site the key\n"
             "is for all sites. For administrators.\n\n"
             "  modq key new news-web --role front --site news\n"
             "  modq key new ann --role moderator --site news --site sport --right undo,escalated\n",
     .options = O(ROLE) | O(SITE) | O(RIGHT) | O(EXPIRES) | O(FILE),
     .argument = VALUE_TEXT,
     .least = 1,
     .most = 1,
     .many_sites = true,
     .run = run_key_new},
    {.name = "key add",
     .usage = "NAME (--public KEY | --user LOGIN) --role ROLE [--site SITE ...] [--right RIGHT,...] [--expires WHEN]",
     .help = "let in the owner of a key made elsewhere, or a user of the system",
     .more = "--user is somebody who comes over the sockets of this machine.\n\n"
             "  modq key add blog --public 'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7' --role front --site blog\n"
             "  modq key add www --user www-data --role front --site news\n",
     .options = O(PUBLIC) | O(USER) | O(ROLE) | O(SITE) | O(RIGHT) | O(EXPIRES),
     .argument = VALUE_TEXT,
     .least = 1,
     .most = 1,
     .many_sites = true,
     .run = run_key_add},
    {.name = "key list",
     .usage = "[--all]",
     .help = "the keys: who may do what, for which sites, until when",
     .more = "--all shows those that have ended, too.\n\n"
             "  modq key list\n",
     .options = O(ALL),
     .run = run_key_list},
    {.name = "key revoke",
     .usage = "NAME | --number N",
     .help = "end a key at once, on connections that are open, too",
     .more = "A name ends all keys of that name.\n\n"
             "  modq key revoke news-web\n"
             "  modq key revoke --number 7\n",
     .options = O(NUMBER),
     .argument = VALUE_KEY,
     .most = 1,
     .run = run_key_revoke},
    {.name = "key rotate",
     .usage = "NAME [--overlap TIME] [--file FILE]",
     .help = "make a new key in place of one, which still works for a while",
     .more = "The new one may do what the old one may. The old one ends after --overlap, one\n"
             "day unless told.\n\n"
             "  modq key rotate news-web --overlap 12h --file news-web-2.key\n",
     .options = O(OVERLAP) | O(FILE),
     .argument = VALUE_KEY,
     .least = 1,
     .most = 1,
     .run = run_key_rotate},
    {.name = "key show",
     .usage = "FILE",
     .help = "the public half of a key file, and what it is for",
     .more = "  modq key show news-web.key\n",
     .argument = VALUE_FILE,
     .least = 1,
     .most = 1,
     .run = run_key_show},
    {.name = "audit",
     .usage =
         "[--site SITE] [--by NAME] [--of-key N] [--kind KIND] [--since WHEN] [--until WHEN] [--before N] [--limit N]",
     .help = "who did what, when, from which key; the newest first",
     .more = "Shows 100 events unless --limit says otherwise; --limit 0 shows all. For\n"
             "administrators. modq audit verify tells whether anybody changed what stands there.\n\n"
             "  modq audit --by ann --since 7d\n"
             "  modq audit --kind key_added\n",
     .options = O(SITE) | O(BY) | O(OF_KEY) | O(KIND) | O(SINCE) | O(UNTIL) | O(BEFORE) | O(LIMIT),
     .run = run_audit},
    {.name = "audit verify",
     .usage = "[--head NO:HASH]",
     .help = "follow the chain of all events, and say whether anything was changed",
     .more = "Names each row that was changed, removed or inserted, with exit code 1. At the\n"
             "end it prints the head of the chain, NO:HASH: keep it elsewhere, and give it as\n"
             "--head the next time; who could rewrite the whole database could not rewrite\n"
             "that.\n\n"
             "  modq audit verify\n"
             "  modq audit verify --head 12:90da8068...         as it was printed before\n",
     .options = O(HEAD),
     .run = run_audit_verify},
    {.name = "fsck",
     .usage = "",
     .help = "have the daemon count everything anew, and say what differs",
     .more = "Each comment is compared with its events, and each site's figures with what they\n"
             "sum up to, while the daemon works. Names what differs, with exit code 1; nothing\n"
             "is changed. For administrators. modqd --fsck does the same without a daemon, and\n"
             "modq audit verify tells whether other hands changed what stands there.\n\n"
             "  modq fsck\n",
     .run = run_fsck},
    {.name = "reload",
     .usage = "",
     .help = "have the daemon read its configuration and policies anew",
     .more = "A wrong one changes nothing, and is refused with file, line and reason.\n\n"
             "  modq reload\n",
     .run = run_reload},
    {.name = "hello",
     .usage = "",
     .help = "ask whether the daemon answers, and as whom it takes you",
     .more = "  modq hello && echo it runs\n",
     .run = run_hello},
    {.name = "completion",
     .usage = "bash|zsh|fish | --values WHAT [--site SITE]",
     .help = "print the file that completes modq's command lines in a shell",
     .more = "Packages bring these files with them. Where there is none:\n\n"
             "  modq completion bash > ~/.local/share/bash-completion/completions/modq\n"
             "  modq completion zsh > DIR/_modq       DIR: one that $fpath names\n"
             "  modq completion fish > ~/.config/fish/completions/modq.fish\n\n"
             "--values prints what the daemon knows, as far as it can stand on a command line,\n"
             "and nothing when no daemon answers within a second.\n",
     .options = O(VALUES) | O(SITE),
     .argument = VALUE_WORDS,
     .words = completion_shells,
     .most = 1,
     .run = run_completion},
    {.name = "help",
     .usage = "[VERB]",
     .help = "this, or more about a verb",
     .more = "  modq help submit\n",
     .options = O(VERBS),
     .argument = VALUE_VERB,
     .most = 2,
     .run = run_help},
    {.name = "version", .usage = "", .help = "print the version", .more = "", .run = run_version},
};

const struct verb *verb_at(size_t i)
{
    return i < sizeof(verbs) / sizeof(verbs[0]) ? &verbs[i] : NULL;
}

const struct verb *verb_named(const char *name)
{
    for (size_t i = 0; verb_at(i); i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

const struct verb *verb_of(const char *word, const char *next, int *words)
{
    char both[64];

    snprintf(both, sizeof(both), "%s %s", word, next ? next : "");
    const struct verb *verb = next ? verb_named(both) : NULL;
    *words = verb ? 2 : 1;
    return verb ? verb : verb_named(word);
}
