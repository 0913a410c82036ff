#include "say.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "proto/slice.h"

enum { NEAR_MOST = 2, WORD_MOST = 64 };

struct slice value_slice(const struct modq_value *text)
{
    size_t len;
    const char *data = modq_text(text, &len);
    return (struct slice){data, len};
}

static void append_format(struct text *out, const char *format, va_list args)
{
    char *line = NULL;

    int len = vasprintf(&line, format, args);
    if (len >= 0)
        text_append(out, (struct slice){line, (size_t)len});
    else
        out->failed = true;
    if (len >= 0)
        free(line);
}

void say(struct text *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    append_format(out, format, args);
    va_end(args);
}

void complain(const char *format, ...)
{
    struct text raw = {0};
    struct text line = {0};
    va_list args;

    va_start(args, format);
    append_format(&raw, format, args);
    va_end(args);
    text_append(&line, SLICE_LIT("modq: "));
    render_line(&line, text_slice(&raw));
    fflush(stdout);
    put_line(&line, stderr);
    text_free(&raw);
}

/* Whether it may hold letters that are written from right to left: U+0590 to U+08FF, U+FB1D and above. */
static bool may_turn(struct slice rendered)
{
    for (size_t i = 0; i < rendered.len; i++) {
        unsigned char c = (unsigned char)rendered.data[i];
        if ((c >= 0xd6 && c <= 0xe0) || c >= 0xef)
            return true;
    }
    return false;
}

void say_isolated(struct text *out, struct slice rendered)
{
    if (may_turn(rendered))
        render_isolated(out, rendered);
    else
        text_append(out, rendered);
}

void say_quoted(struct text *out, struct slice untrusted)
{
    struct text safe = {0};

    if (!untrusted.data)
        return;
    render_line(&safe, untrusted);
    say_isolated(out, text_slice(&safe));
    text_free(&safe);
}

void say_value(struct text *out, const struct modq_value *text)
{
    say_quoted(out, value_slice(text));
}

void say_list(struct text *out, const struct modq_value *list, const char *separator)
{
    for (size_t i = 0; i < modq_count(list); i++) {
        say(out, "%s", i ? separator : "");
        say_value(out, modq_item(list, i));
    }
}

void say_name(struct text *out, const struct modq_value *map)
{
    struct text name = {0};

    text_append(&name, value_slice(modq_get(map, "site")));
    text_append(&name, SLICE_LIT("/"));
    text_append(&name, value_slice(modq_get(map, "comment")));
    say_quoted(out, text_slice(&name));
    text_free(&name);
}

void say_shade(const struct app *app, struct text *out, enum shade shade)
{
    static const char *const codes[] = {"0", "1", "2", "32", "31", "33"};

    if (app->color)
        say(out, "\033[%sm", codes[shade]);
}

enum shade shade_of(struct slice state)
{
    if (slice_is(state, "approved"))
        return SHADE_GREEN;
    if (slice_is(state, "rejected"))
        return SHADE_RED;
    if (slice_is(state, "pending") || slice_is(state, "reopened"))
        return SHADE_YELLOW;
    return SHADE_DIM;
}

void put_text(struct text *text, FILE *file)
{
    if (text->len)
        fwrite(text->data, 1, text->len, file);
    text_free(text);
}

void put_line(struct text *line, FILE *file)
{
    text_append(line, SLICE_LIT("\n"));
    put_text(line, file);
}

/* ---- what may have been meant */

/* Edits between two short words (insert, delete, replace). */
static size_t distance(const char *a, const char *b)
{
    size_t row[WORD_MOST + 1];
    size_t len = strlen(b);

    if (len > WORD_MOST || strlen(a) > WORD_MOST)
        return SIZE_MAX;
    for (size_t j = 0; j <= len; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= len; j++) {
            size_t replaced = corner + (a[i - 1] != b[j - 1]);
            size_t least = row[j] + 1 < row[j - 1] + 1 ? row[j] + 1 : row[j - 1] + 1;
            corner = row[j];
            row[j] = replaced < least ? replaced : least;
        }
    }
    return row[len];
}

const char *nearest(const char *word, const char *const *words)
{
    const char *best = NULL;
    size_t best_distance = NEAR_MOST + 1;

    for (; *words; words++) {
        size_t d = distance(word, *words);
        if (d < best_distance && d < strlen(word)) {
            best = *words;
            best_distance = d;
        }
    }
    return best;
}

void complain_word(const char *what, const char *word, const char *const *words)
{
    struct text list = {0};
    const char *meant = nearest(word, words);

    for (size_t i = 0; words[i]; i++)
        say(&list, "%s%s", i ? ", " : "", words[i]);
    complain("unknown %s \"%s\"%s%s%s", what, word, meant ? "; did you mean \"" : "", meant ? meant : "",
             meant ? "\"?" : "");
    complain("possibilities are: %.*s", (int)list.len, list.data ? list.data : "");
    text_free(&list);
}
