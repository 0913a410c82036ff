/* modq review: from the command line to the desk, and what is said when it is left. */
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../filter.h"
#include "../say.h"
#include "../verbs.h"
#include "../when.h"
#include "desk.h"
#include "screen.h"

enum { AHEAD = 5, LEASE_MS = 300000, TOO_SOON_MS = 150 };

/* Without UTF-8 no Arabic name would come through, nor a line be drawn. */
static bool find_locale(void)
{
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") == 0)
        return true;
    if (setlocale(LC_CTYPE, "C.UTF-8"))
        return true;
    complain("the review needs a locale with UTF-8, and this system has not even C.UTF-8");
    complain("say LC_ALL=C.UTF-8 modq review, or another one that locale -a lists");
    return false;
}

static bool is_dumb(void)
{
    const char *term = getenv("TERM");
    return !term || !*term || strcmp(term, "dumb") == 0;
}

static bool wants_plain(const struct app *app)
{
    return app->options.given[OPT_PLAIN] || is_dumb() || !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO);
}

static bool choose_bidi(const struct app *app, enum bidi *bidi)
{
    static const struct {
        const char *word;
        enum bidi bidi;
    } words[] = {{"terminal", BIDI_TERMINAL}, {"fribidi", BIDI_FRIBIDI}, {"off", BIDI_OFF}};
    const char *word = app->options.text[OPT_BIDI];

    *bidi = BIDI_TERMINAL;
    if (!word)
        return true;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(words[i].word, word) == 0) {
            *bidi = words[i].bidi;
            return true;
        }
    complain_word("way with --bidi", word, option_words(OPT_BIDI));
    return false;
}

/* "ku_IQ.UTF-8" means "ku". */
static const char *language_of(const struct app *app, char room[16])
{
    const char *given = app->options.text[OPT_LANG];
    const char *locale = setlocale(LC_MESSAGES, "");

    if (given)
        return given;
    if (!locale || strcmp(locale, "C") == 0 || strncmp(locale, "C.", 2) == 0 || strcmp(locale, "POSIX") == 0)
        return NULL;
    snprintf(room, 16, "%.*s", (int)strcspn(locale, "_.@"), locale);
    return room;
}

/* So long ago now, and at each look at the queue. */
static int64_t span_of(const struct app *app, enum option_id option)
{
    int64_t ms = 0;

    if (app->options.given[option])
        when_parse_span(app->options.text[option], &ms);
    return ms;
}

static bool is_one_lane(const struct filter *given)
{
    if (!slice_is(given->lane, "any"))
        return true;
    complain("--lane: a review is of one lane, normal or escalated");
    return false;
}

/* What the options of every list say; it stays what it is until the moderator changes it. */
static bool choose_filter(struct app *app, struct pick *pick)
{
    struct filter given;

    if (!filter_take(app, "pending", &given) || !is_one_lane(&given))
        return false;
    pick->escalated = slice_is(given.lane, "escalated");
    pick->reported = given.reported > 0 ? given.reported : 0;
    pick->older_ms = span_of(app, OPT_OLDER_THAN);
    pick->newer_ms = span_of(app, OPT_NEWER_THAN);
    return filter_set(pick, FILTER_SITE, given.site) && filter_set(pick, FILTER_ARTICLE, given.article) &&
           filter_set(pick, FILTER_AUTHOR, given.author) && filter_set(pick, FILTER_LANGUAGE, given.language) &&
           filter_set(pick, FILTER_MARK, given.mark);
}

static int64_t number_or(const struct app *app, enum option_id option, int64_t otherwise)
{
    return app->options.given[option] ? app->options.number[option] : otherwise;
}

static bool open_model(struct app *app, struct review *review, bool plain)
{
    char room[16];
    struct review_options options = {
        .ahead = (int)number_or(app, OPT_AHEAD, AHEAD),
        .lease_ms = number_or(app, OPT_LEASE, LEASE_MS / 1000) * 1000,
        .language = language_of(app, room),
        .too_soon_ms = plain ? 0 : TOO_SOON_MS,
    };
    bool good = choose_filter(app, &options.filter) && review_open(review, &options);

    filter_free(&options.filter);
    return good;
}

/* What the moderator should know before they go. */
static int say_end(const struct review *review, int code)
{
    size_t open = review_unanswered(review);

    if (review->approved + review->rejected + review->escalated + review->skipped > 0)
        complain("%d approved, %d rejected, %d escalated, %d skipped", review->approved, review->rejected,
                 review->escalated, review->skipped);
    if (code == EXIT_LOCAL)
        complain("out of memory");
    if (open > 0)
        complain("%zu decision%s not answered by the daemon: look with modq show whether %s taken", open,
                 open == 1 ? " was" : "s were", open == 1 ? "it was" : "they were");
    return open > 0 && code == EXIT_DONE ? EXIT_UNREACHABLE : code;
}

static int show(struct desk *desk, bool plain)
{
    if (plain)
        return plain_review(desk);
    if (screen_open(desk->app->color))
        return screen_review(desk);
    complain("this terminal (TERM) is not known or cannot move its cursor; going on line by line");
    desk->review.too_soon_ms = 0;
    return plain_review(desk);
}

int run_review(struct app *app)
{
    struct desk desk = {.app = app};
    bool plain = wants_plain(app);

    if (!choose_bidi(app, &desk.bidi))
        return EXIT_USAGE;
    if (!find_locale())
        return EXIT_LOCAL;
    if (!app_desk(app))
        return app->exit;
    if (!open_model(app, &desk.review, plain)) {
        review_close(&desk.review);
        return EXIT_USAGE;
    }
    int code = show(&desk, plain);
    code = say_end(&desk.review, code);
    review_close(&desk.review);
    return code;
}
