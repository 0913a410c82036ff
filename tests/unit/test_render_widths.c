/* Widths of other people's text as the C library sees them, which is how ncurses and most terminals do: all comments of
 * the corpora and all hostile texts, at the widths 1 to 200.
 *
 * time-limit: 400
 *
 * Every text meets WIDTHS_EACH of the widths, and each width meets thousands of texts; MODQ_EVERY_WIDTH=1 has every
 * text meet every width (some minutes). */
#define _XOPEN_SOURCE 700
#include "../../clients/cli/render.h"
#include "unit.h"

#include <jansson.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "../../proto/utf8.h"

/* A sanitized build looks at memory, and judges every eighth comment. */
#ifdef __SANITIZE_ADDRESS__
enum { EVERY = 8 };
#else
enum { EVERY = 1 };
#endif

enum { COLUMNS_MOST = 200, WIDTHS_EACH = 10, COMMENTS_LEAST = 30000 / EVERY, INDENTS = 3 };

static const size_t indents[INDENTS] = {0, 4, 13};
static const char *const corpora[] = {"news-ar", "news-en", "promo-en", "replies-en", "threads-en"};
static const char *const stress[] = {"kuhn-utf8-stress.txt", "utf8tests.txt", "utf8tests.bin", "blns.json"};

/* ---- the other opinion */

/* What terminals do not agree about: render.h counts the larger. Some draw a pictograph wider when U+FE0F follows, and
 * Hangul vowels and finals beside the letter that they belong to. */
static bool is_generous(int32_t c)
{
    return c == 0xfe0f || (c >= 0x1160 && c <= 0x11ff) || (c >= 0xd7b0 && c <= 0xd7fb);
}

struct opinion {
    size_t columns;
    size_t generous; /* characters that render.h may count one more column for */
};

static struct opinion opinion_of(struct slice shown)
{
    struct opinion opinion = {0};

    for (size_t at = 0; at < shown.len;) {
        int32_t c = utf8_next(shown, &at);
        int columns = c < 0x7f ? 1 : wcwidth((wchar_t)c);
        if (c < 0x20 || columns < 0)
            fail_msg("U+%04X has no width", (unsigned)c);
        opinion.columns += (size_t)columns;
        opinion.generous += is_generous(c);
    }
    return opinion;
}

static void assert_width(struct slice shown, const char *what)
{
    struct opinion opinion = opinion_of(shown);
    size_t columns = render_width(shown);

    if (columns < opinion.columns || columns > opinion.columns + opinion.generous)
        fail_msg("%s: %zu columns, %zu for the C library: %.*s", what, columns, opinion.columns, (int)shown.len,
                 shown.data);
}

/* ---- what must hold of a text at a width */

static void append_without_spaces(struct text *out, struct slice text)
{
    for (size_t at = 0; at < text.len;) {
        size_t from = at;
        while (at < text.len && text.data[at] != ' ' && text.data[at] != '\n')
            at++;
        text_append(out, (struct slice){text.data + from, at - from});
        at += at < text.len;
    }
}

static void assert_cut(struct slice line, size_t columns)
{
    struct text cut = {0};

    render_cut(&cut, line, columns);
    assert_false(cut.failed);
    if (opinion_of(text_slice(&cut)).columns > columns)
        fail_msg("cut to %zu columns, %zu came: %.*s", columns, opinion_of(text_slice(&cut)).columns, (int)cut.len,
                 cut.data);
    if (render_width(line) <= columns)
        assert_true(cut.len == line.len);
    text_free(&cut);
}

static void assert_block_line(struct slice line, size_t indent, size_t most)
{
    if (line.len == 0)
        return;
    for (size_t i = 0; i < indent; i++)
        assert_true(i < line.len && line.data[i] == ' ');
    if (opinion_of(line).columns > most)
        fail_msg("%zu columns, of %zu: %.*s", opinion_of(line).columns, most, (int)line.len, line.data);
}

/* Nothing is lost, every line is indented and fits. */
static void assert_block(struct slice text, struct slice whole, size_t indent, size_t columns)
{
    struct text block = {0};
    struct text rest = {0};
    size_t most = columns < indent + RENDER_COLUMNS_LEAST ? indent + RENDER_COLUMNS_LEAST : columns;

    render_block(&block, text, indent, columns);
    assert_false(block.failed);
    for (size_t at = 0; at < block.len;) {
        const char *end = memchr(block.data + at, '\n', block.len - at);
        assert_non_null(end);
        size_t len = (size_t)(end - block.data) - at;
        assert_block_line((struct slice){block.data + at, len}, indent, most);
        at += len + 1;
    }
    append_without_spaces(&rest, text_slice(&block));
    if (rest.len != whole.len || memcmp(rest.data ? rest.data : "", whole.data, whole.len) != 0)
        fail_msg("%zu columns change the text: %.*s", columns, (int)rest.len, rest.data);
    text_free(&rest);
    text_free(&block);
}

struct seen {
    size_t texts;
    size_t of_width[COLUMNS_MOST + 1];
};

static bool every_width(void)
{
    return getenv("MODQ_EVERY_WIDTH") != NULL;
}

static void judge(struct seen *seen, struct slice text)
{
    struct text line = {0};
    struct text endless = {0};
    struct text whole = {0};
    size_t step = every_width() ? 1 : COLUMNS_MOST / WIDTHS_EACH;

    render_line(&line, text);
    assert_false(line.failed);
    assert_width(text_slice(&line), "in a line");
    render_block(&endless, text, 0, 0);
    append_without_spaces(&whole, text_slice(&endless));
    for (size_t columns = 1 + seen->texts % step; columns <= COLUMNS_MOST; columns += step) {
        assert_cut(text_slice(&line), columns);
        assert_block(text, text_slice(&whole), indents[(seen->texts + columns) % INDENTS], columns);
        seen->of_width[columns]++;
    }
    seen->texts++;
    text_free(&whole);
    text_free(&endless);
    text_free(&line);
}

/* ---- where the texts are */

static FILE *open_shared(const char *folder, const char *name, const char *ending)
{
    const char *shared = getenv("MODQ_SHARED");
    char path[1024];

    if (shared)
        snprintf(path, sizeof(path), "%s/%s/%s%s", shared, folder, name, ending);
    else
        snprintf(path, sizeof(path), "%s/../shared/%s/%s%s", unit_source_dir(), folder, name, ending);
    FILE *file = fopen(path, "rb");
    if (!file) {
        print_message("# skipped: %s is not there; set MODQ_SHARED to the directory of %s/\n", path, folder);
        skip();
    }
    return file;
}

static void use_unicode(void)
{
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        fail_msg("the C library has no C.UTF-8");
}

static void judge_corpus(struct seen *seen, const char *name)
{
    FILE *file = open_shared("corpora", name, ".jsonl");
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;

    for (size_t n = 0; (len = getline(&line, &cap, file)) > 0; n++) {
        if (n % EVERY != 0)
            continue;
        json_t *comment = json_loadb(line, (size_t)len, JSON_ALLOW_NUL, NULL);
        const json_t *body = json_object_get(comment, "body");
        assert_true(json_is_string(body));
        judge(seen, (struct slice){json_string_value(body), json_string_length(body)});
        json_decref(comment);
    }
    free(line);
    fclose(file);
}

TEST(every_comment_of_the_corpora_fits_at_every_width)
{
    struct seen seen = {0};

    use_unicode();
    for (size_t i = 0; i < sizeof(corpora) / sizeof(corpora[0]); i++)
        judge_corpus(&seen, corpora[i]);
    assert_true(seen.texts >= COMMENTS_LEAST);
    for (size_t columns = 1; columns <= COLUMNS_MOST; columns++)
        assert_true(seen.of_width[columns] >= seen.texts * WIDTHS_EACH / COLUMNS_MOST);
}

/* At all widths, whatever the environment says. */
static void judge_everywhere(struct slice text)
{
    size_t step = COLUMNS_MOST / WIDTHS_EACH;
    struct seen seen = {0};

    for (size_t i = 0; i < step; i++)
        judge(&seen, text);
    for (size_t columns = 1; columns <= COLUMNS_MOST; columns++)
        assert_true(seen.of_width[columns] > 0);
}

static void judge_lines(FILE *file)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;

    while ((len = getline(&line, &cap, file)) > 0)
        judge_everywhere((struct slice){line, (size_t)len});
    free(line);
}

TEST(every_hostile_line_fits_at_every_width)
{
    use_unicode();
    for (size_t i = 0; i < sizeof(stress) / sizeof(stress[0]); i++) {
        FILE *file = open_shared("hostile-text", stress[i], "");
        judge_lines(file);
        fclose(file);
    }
}

TEST(every_naughty_string_fits_at_every_width)
{
    FILE *file = open_shared("hostile-text", "blns", ".json");
    json_t *list = json_loadf(file, JSON_ALLOW_NUL, NULL);
    size_t i;
    json_t *string;

    use_unicode();
    fclose(file);
    assert_true(json_array_size(list) > 400);
    json_array_foreach(list, i, string)
        judge_everywhere((struct slice){json_string_value(string), json_string_length(string)});
    json_decref(list);
}

/* ---- each character */

static size_t put_utf8(char *to, int32_t c)
{
    if (c < 0x80)
        return (size_t)sprintf(to, "%c", (char)c);
    if (c < 0x800)
        return (size_t)sprintf(to, "%c%c", 0xc0 | c >> 6, 0x80 | (c & 0x3f));
    if (c < 0x10000)
        return (size_t)sprintf(to, "%c%c%c", 0xe0 | c >> 12, 0x80 | (c >> 6 & 0x3f), 0x80 | (c & 0x3f));
    return (size_t)sprintf(to, "%c%c%c%c", 0xf0 | c >> 18, 0x80 | (c >> 12 & 0x3f), 0x80 | (c >> 6 & 0x3f),
                           0x80 | (c & 0x3f));
}

TEST(no_character_is_wider_than_it_counts)
{
    struct text shown = {0};

    use_unicode();
    for (int32_t c = 1; c <= 0x10ffff; c++) {
        char given[16] = "a";
        size_t len = 1;
        if (c >= 0xd800 && c <= 0xdfff)
            continue;
        len += put_utf8(given + 1, c);
        given[len++] = 'b';
        shown.len = 0;
        render_line(&shown, (struct slice){given, len});
        if (wcwidth((wchar_t)c) < 0 && shown.len == len)
            continue; /* newer than the C library */
        assert_width(text_slice(&shown), "a character");
    }
    text_free(&shown);
}
