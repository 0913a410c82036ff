#include "pick.h"

#include <stdlib.h>
#include <strings.h>

#include "../say.h"

enum { FILTER_SLACK_MS = 5000 };

static const char *const keys[FILTER_TEXTS] = {"site", "article", "author", "language", "mark"};

void filter_free(struct pick *filter)
{
    for (int i = 0; i < FILTER_TEXTS; i++)
        free(filter->text[i]);
    *filter = (struct pick){0};
}

bool filter_set(struct pick *filter, enum filter_text which, struct slice text)
{
    char *copy = text.len > 0 ? strndup(text.data, text.len) : NULL;

    if (text.len > 0 && !copy)
        return false;
    free(filter->text[which]);
    filter->text[which] = copy;
    return true;
}

bool filter_is_simple(const struct pick *filter)
{
    return !filter->text[FILTER_ARTICLE] && !filter->text[FILTER_AUTHOR] && !filter->text[FILTER_LANGUAGE] &&
           !filter->text[FILTER_MARK] && filter->older_ms == 0 && filter->newer_ms == 0 && filter->reported == 0;
}

bool filter_is_empty(const struct pick *filter)
{
    return filter_is_simple(filter) && !filter->text[FILTER_SITE] && !filter->escalated;
}

json_t *filter_fields(const struct pick *filter, int64_t now)
{
    json_t *fields = json_object();

    for (int i = 0; i < FILTER_TEXTS; i++)
        put_text_key(fields, keys[i], slice_of(filter->text[i]));
    if (filter->escalated)
        json_object_set_new(fields, "lane", json_string("escalated"));
    if (filter->older_ms > 0)
        json_object_set_new(fields, "until", json_integer(now - filter->older_ms));
    if (filter->newer_ms > 0)
        json_object_set_new(fields, "since", json_integer(now - filter->newer_ms));
    if (filter->reported > 0)
        json_object_set_new(fields, "reported", json_integer(filter->reported));
    return fields;
}

static bool is_text(struct slice value, const char *wanted)
{
    return !wanted || slice_is(value, wanted);
}

/* `ku` means `ku-Latn`, too. */
static bool is_language(struct slice tag, const char *range)
{
    size_t len = range ? strlen(range) : 0;

    return len == 0 || (tag.data && tag.len >= len && strncasecmp(tag.data, range, len) == 0 &&
                        (tag.len == len || tag.data[len] == '-'));
}

/* An author without one has the mark `none`, which no card tells. */
static bool is_mark(struct slice mark, const char *wanted)
{
    return is_text(mark.data ? mark : SLICE_LIT("none"), wanted);
}

/* Cards that were listed are a moment older when they are looked at. */
static bool is_in_time(const struct pick *filter, int64_t received, int64_t now)
{
    return received <= now - filter->older_ms &&
           (filter->newer_ms == 0 || received >= now - filter->newer_ms - FILTER_SLACK_MS);
}

bool filter_fits(const struct pick *filter, const json_t *card, int64_t now)
{
    const json_t *article = look_in(card, "article");
    struct slice language = look_text(card, "language");

    if (!language.data)
        language = look_text(article, "language");
    return is_text(look_text(card, "site"), filter->text[FILTER_SITE]) &&
           is_text(look_text(article, "id"), filter->text[FILTER_ARTICLE]) &&
           is_text(look_text(look_in(card, "author"), "id"), filter->text[FILTER_AUTHOR]) &&
           is_language(language, filter->text[FILTER_LANGUAGE]) && look_int(card, "reports", 0) >= filter->reported &&
           is_mark(look_text(card, "mark"), filter->text[FILTER_MARK]) &&
           is_in_time(filter, look_int(card, "received_at", 0), now) &&
           look_is(card, "lane", "escalated") == filter->escalated;
}

static void say_part(struct text *out, const char *what, struct slice value)
{
    say(out, "%s%s", out->len ? ", " : "", what);
    render_line(out, value);
}

void filter_say(struct text *out, const struct pick *filter)
{
    static const char *const words[FILTER_TEXTS] = {"", "article ", "author ", "language ", "mark "};

    for (int i = 0; i < FILTER_TEXTS; i++)
        if (filter->text[i])
            say_part(out, words[i], slice_of(filter->text[i]));
    if (filter->older_ms > 0)
        say(out, "%sover %lld min old", out->len ? ", " : "", (long long)(filter->older_ms / 60000));
    if (filter->newer_ms > 0)
        say(out, "%sunder %lld min old", out->len ? ", " : "", (long long)(filter->newer_ms / 60000));
    if (filter->reported > 0)
        say(out, "%s%lld or more reports", out->len ? ", " : "", (long long)filter->reported);
    if (filter->escalated)
        say_part(out, "escalated lane", SLICE_LIT(""));
}
