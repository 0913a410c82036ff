#include "rows.h"

#include <string.h>

#include "when.h"

enum { ROW_INDENT = 13 };

/* Its line ends and tabs as render_line shows them, so that only we begin lines. */
static void one_line(struct text *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        bool pair = text.data[i] == '\r' && i + 1 < text.len && text.data[i + 1] == '\n';
        if (pair || text.data[i] == '\n')
            text_append(out, SLICE_LIT("\u23ce"));
        else if (text.data[i] == '\t')
            text_append(out, SLICE_LIT(" "));
        else
            text_append(out, (struct slice){text.data + i, 1});
        i += pair;
    }
}

/* The text from ROW_INDENT on, each of its lines in a direction of its own. */
static void say_wrapped(const struct app *app, struct text *out, struct slice value)
{
    struct text line = {0};
    struct text block = {0};

    one_line(&line, value);
    render_block(&block, text_slice(&line), ROW_INDENT, (size_t)app->columns);
    text_free(&line);
    for (size_t at = 0; at < block.len;) {
        struct slice rest = {block.data + at, block.len - at};
        const char *end = memchr(rest.data, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.data) : rest.len;
        size_t skip = len < ROW_INDENT ? len : ROW_INDENT;
        if (at > 0)
            say(out, "%*s", (int)skip, "");
        say_isolated(out, (struct slice){rest.data + skip, len - skip});
        say(out, "\n");
        at += len + 1;
    }
    text_free(&block);
}

void rows_title(struct text *out, const char *title)
{
    say(out, "  %-10s ", title);
}

void rows_wrapped(const struct app *app, struct text *out, const char *title, struct slice value)
{
    if (!value.data || value.len == 0)
        return;
    rows_title(out, title);
    say_wrapped(app, out, value);
}

void rows_text(struct text *out, const char *title, const struct modq_value *text)
{
    struct slice value = value_slice(text);

    if (!value.data || value.len == 0)
        return;
    rows_title(out, title);
    say_quoted(out, value);
    say(out, "\n");
}

void rows_time(struct text *out, const char *title, int64_t ms)
{
    if (ms < 0)
        return;
    rows_title(out, title);
    when_say(out, ms);
    say(out, " (");
    when_say_age(out, ms, when_now());
    say(out, " ago)\n");
}
