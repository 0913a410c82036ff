#include "changes.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* A word ends where a space follows, or the text ends. */
static bool at_edge(struct slice text, size_t at)
{
    return at == text.len || is_space(text.data[at]);
}

/* Bytes at the beginning that are the same, up to the last word that is so in both. */
static size_t same_start(struct slice a, struct slice b)
{
    size_t same = 0;
    size_t words = 0;

    while (same < a.len && same < b.len && a.data[same] == b.data[same]) {
        same++;
        if (at_edge(a, same) && at_edge(b, same))
            words = same;
    }
    while (words < a.len && words < b.len && is_space(a.data[words]) && a.data[words] == b.data[words])
        words++;
    return words;
}

static bool begins_word(struct slice text, size_t from_end)
{
    return from_end == text.len || is_space(text.data[text.len - from_end - 1]);
}

/* The same at the end, of what the beginning left. */
static size_t same_end(struct slice a, struct slice b)
{
    size_t same = 0;
    size_t words = 0;

    while (same < a.len && same < b.len && a.data[a.len - same - 1] == b.data[b.len - same - 1]) {
        same++;
        if (begins_word(a, same) && begins_word(b, same))
            words = same;
    }
    return words;
}

static struct slice without_spaces(struct slice text)
{
    while (text.len > 0 && is_space(text.data[0])) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && is_space(text.data[text.len - 1]))
        text.len--;
    return text;
}

struct change change_between(struct slice old, struct slice now)
{
    size_t start = same_start(old, now);
    struct slice old_rest = {old.data + start, old.len - start};
    struct slice now_rest = {now.data + start, now.len - start};
    size_t end = same_end(old_rest, now_rest);

    old_rest.len -= end;
    now_rest.len -= end;
    return (struct change){.old = without_spaces(old_rest),
                           .now = without_spaces(now_rest),
                           .more_before = start > 0,
                           .more_behind = end > 0};
}
