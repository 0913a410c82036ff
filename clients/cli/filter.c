#include "filter.h"

#include <string.h>

#include "names.h"
#include "options.h"
#include "say.h"
#include "when.h"

bool filter_given(const struct options *options)
{
    for (int id = 0; id < OPT_COUNT; id++)
        if ((FILTER_OPTIONS & OPTION_BIT(id)) && options->given[id])
            return true;
    return false;
}

/* ---- each option for itself */

/* One of the words that the option has. */
static bool check_word(const struct options *options, enum option_id id, const char *name, struct text *why)
{
    const char *word = options->text[id];
    const char *const *words = option_words(id);
    const char *meant = word ? nearest(word, words) : NULL;

    for (size_t i = 0; word && words[i]; i++)
        if (strcmp(words[i], word) == 0)
            return true;
    if (!word)
        return true;
    say(why, "--%s: \"%s\" is none of ", name, word);
    for (size_t i = 0; words[i]; i++)
        say(why, "%s%s", i ? ", " : "", words[i]);
    if (meant)
        say(why, "; did you mean \"%s\"?", meant);
    return false;
}

/* A moment so long ago; -1 when the option was not given. */
static bool read_ago(const struct options *options, enum option_id id, const char *name, int64_t now, int64_t *ms,
                     struct text *why)
{
    const char *span = options->text[id];

    *ms = -1;
    if (!span)
        return true;
    if (!when_parse_span(span, ms)) {
        say(why, "--%s: \"%s\" is no span of time such as 90s, 30m, 2h, 3d or 1w", name, span);
        return false;
    }
    *ms = now > *ms ? now - *ms : 0;
    return true;
}

/* An id means something on its own site only. */
static bool read_places(const struct options *options, struct filter *filter, struct text *why)
{
    struct slice site;

    filter->site = slice_of(options->text[OPT_SITE]);
    filter->article = slice_of(options->text[OPT_ARTICLE]);
    if (options->given[OPT_AUTHOR]) {
        if (!name_split(slice_of(options->text[OPT_AUTHOR]), &site, &filter->author)) {
            say(why, "--author: \"%s\" names nobody; an author is named SITE/AUTHOR", options->text[OPT_AUTHOR]);
            return false;
        }
        if (filter->site.data && !slice_equal(filter->site, site)) {
            say(why, "--site %s and --author %s are of different sites", options->text[OPT_SITE],
                options->text[OPT_AUTHOR]);
            return false;
        }
        filter->site = site;
    }
    if (filter->article.data && !filter->site.data)
        say(why, "--article needs --site: each site has articles of its own");
    return !filter->article.data || filter->site.data;
}

static bool read_times(const struct options *options, int64_t now, struct filter *filter, struct text *why)
{
    if (!read_ago(options, OPT_OLDER_THAN, "older-than", now, &filter->until, why) ||
        !read_ago(options, OPT_NEWER_THAN, "newer-than", now, &filter->since, why))
        return false;
    if (filter->since < 0 || filter->until < 0 || filter->since < filter->until)
        return true;
    say(why, "nothing is older than %s and newer than %s", options->text[OPT_OLDER_THAN],
        options->text[OPT_NEWER_THAN]);
    return false;
}

/* ---- together */

/* The state that the other options speak of, when none was named. */
static struct slice implied_state(const struct options *options, const char *usual)
{
    if (options->given[OPT_STATE])
        return slice_of(options->text[OPT_STATE]);
    if (options->given[OPT_REJECTED_FOR])
        return SLICE_LIT("rejected");
    if (options->given[OPT_DECIDED_BY])
        return SLICE_LIT("any");
    return options->given[OPT_LANE] ? SLICE_LIT("pending") : slice_of(usual);
}

static bool states_agree(const struct options *options, const struct filter *filter, struct text *why)
{
    bool any = slice_is(filter->state, "any");
    const char *option = NULL;
    const char *of = NULL;

    if (options->given[OPT_LANE] && !slice_is(filter->state, "pending")) {
        option = "lane";
        of = "pending";
    } else if (options->given[OPT_REJECTED_FOR] && !any && !slice_is(filter->state, "rejected")) {
        option = "rejected-for";
        of = "rejected";
    } else if (options->given[OPT_DECIDED_BY] && slice_is(filter->state, "pending")) {
        option = "decided-by";
        of = "decided";
    }
    if (option)
        say(why, "--%s is about what is %s, and the state asked for is %.*s", option, of, (int)filter->state.len,
            filter->state.data);
    return !option;
}

bool filter_read(const struct options *options, int64_t now, const char *usual, struct filter *filter, struct text *why)
{
    *filter = (struct filter){.lane = slice_of(options->text[OPT_LANE]),
                              .state = implied_state(options, usual),
                              .language = slice_of(options->text[OPT_LANGUAGE]),
                              .mark = slice_of(options->text[OPT_MARK]),
                              .reason = slice_of(options->text[OPT_REJECTED_FOR]),
                              .by = slice_of(options->text[OPT_DECIDED_BY]),
                              .reported = options->given[OPT_REPORTED] ? options->number[OPT_REPORTED] : -1};
    return check_word(options, OPT_LANE, "lane", why) && check_word(options, OPT_STATE, "state", why) &&
           check_word(options, OPT_MARK, "mark", why) && read_places(options, filter, why) &&
           read_times(options, now, filter, why) && states_agree(options, filter, why);
}

bool filter_take(struct app *app, const char *usual, struct filter *filter)
{
    struct text why = {0};
    bool ok = filter_read(&app->options, when_now(), usual, filter, &why);

    if (!ok) {
        complain("%.*s", (int)why.len, why.data ? why.data : "");
        app_exit(app, EXIT_USAGE);
    }
    text_free(&why);
    return ok;
}

static void put(struct modq_fields *fields, const char *key, struct slice text)
{
    if (text.data)
        modq_put_text(fields, key, text.data, text.len);
}

void filter_put(const struct filter *filter, struct modq_fields *fields)
{
    put(fields, "site", filter->site);
    put(fields, "lane", filter->lane);
    put(fields, "state", filter->state);
    put(fields, "article", filter->article);
    put(fields, "author", filter->author);
    put(fields, "language", filter->language);
    put(fields, "mark", filter->mark);
    put(fields, "reason", filter->reason);
    put(fields, "by", filter->by);
    if (filter->since >= 0)
        modq_put_int(fields, "since", filter->since);
    if (filter->until >= 0)
        modq_put_int(fields, "until", filter->until);
    if (filter->reported >= 0)
        modq_put_int(fields, "reported", filter->reported);
}

/* By anything besides site, lane, author and state. */
static bool narrows(const struct filter *filter)
{
    return filter->article.data || filter->language.data || filter->mark.data || filter->reason.data ||
           filter->by.data || filter->since >= 0 || filter->until >= 0 || filter->reported >= 0;
}

bool filter_is_queue(const struct filter *filter)
{
    return slice_is(filter->state, "pending") && !filter->author.data && !narrows(filter);
}

bool filter_is_whole_author(const struct filter *filter)
{
    return filter->author.data && slice_is(filter->state, "any") && !filter->lane.data && !narrows(filter);
}
