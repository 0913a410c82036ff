#include "../../clients/cli/render.h"
#include "unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../proto/utf8.h"

/* Written out once more, from the Unicode tables and not from the code under test. */
static bool drives_or_hides(int32_t c)
{
    static const int32_t ranges[][2] = {
        {0x00, 0x1f},       {0x7f, 0x9f},       {0xad, 0xad},       {0x34f, 0x34f},      {0x61c, 0x61c},
        {0x115f, 0x1160},   {0x17b4, 0x17b5},   {0x180b, 0x180f},   {0x200b, 0x200f},    {0x2028, 0x202e},
        {0x2060, 0x206f},   {0x3164, 0x3164},   {0xe000, 0xf8ff},   {0xfdd0, 0xfdef},    {0xfe00, 0xfe0f},
        {0xfeff, 0xfeff},   {0xffa0, 0xffa0},   {0xfff0, 0xfffb},   {0xfffe, 0xffff},    {0x1bca0, 0x1bca3},
        {0x1d173, 0x1d17a}, {0x13430, 0x1343f}, {0x16fe4, 0x16fe4}, {0xe0000, 0x10ffff},
    };

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (c >= ranges[i][0] && c <= ranges[i][1])
            return true;
    return (c & 0xfffe) == 0xfffe;
}

static void assert_safe(struct slice shown, bool block)
{
    for (size_t at = 0; at < shown.len;) {
        int32_t c = utf8_next(shown, &at);
        if (c == 0x200c || c == 0x200d || c == 0xfe0f || (block && c == '\n'))
            continue;
        if (c < 0 || drives_or_hides(c))
            fail_msg("U+%04X at %zu", (unsigned)c, at);
    }
}

static void assert_text(const struct text *text, const char *expected)
{
    char *shown = strndup(text->data ? text->data : "", text->len);

    assert_non_null(shown);
    assert_false(text->failed);
    assert_string_equal(shown, expected);
    free(shown);
}

static void assert_line(const char *untrusted, const char *expected)
{
    struct text text = {0};

    render_line(&text, slice_of(untrusted));
    assert_text(&text, expected);
    text_free(&text);
}

static void assert_block(const char *untrusted, size_t indent, size_t columns, const char *expected)
{
    struct text text = {0};

    render_block(&text, slice_of(untrusted), indent, columns);
    assert_text(&text, expected);
    text_free(&text);
}

static void assert_cut(const char *rendered, size_t columns, const char *expected)
{
    struct text text = {0};

    render_cut(&text, slice_of(rendered), columns);
    assert_text(&text, expected);
    assert_true(render_width(text_slice(&text)) <= columns);
    text_free(&text);
}

/* Both ways of showing it are safe, and lines keep to their width. */
static void assert_tame(struct slice untrusted)
{
    struct text text = {0};

    render_line(&text, untrusted);
    assert_safe(text_slice(&text), false);
    struct text cut = {0};
    render_cut(&cut, text_slice(&text), 30);
    assert_true(render_width(text_slice(&cut)) <= 30);
    text_free(&cut);
    text.len = 0;
    render_block(&text, untrusted, 4, 60);
    assert_safe(text_slice(&text), true);
    for (size_t at = 0; at < text.len;) {
        const char *end = memchr(text.data + at, '\n', text.len - at);
        assert_non_null(end);
        struct slice line = {text.data + at, (size_t)(end - text.data) - at};
        assert_true(render_width(line) <= 60);
        at += line.len + 1;
    }
    assert_false(text.failed);
    text_free(&text);
}

static size_t put_utf8(char *to, int32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const int lead[] = {0, 0xc0, 0xe0, 0xf0};
    to[0] = (char)(lead[more] | c >> (6 * more));
    for (int i = 1; i <= more; i++)
        to[i] = (char)(0x80 | (c >> (6 * (more - i)) & 0x3f));
    return (size_t)more + 1;
}

TEST(plain_text_of_many_scripts_is_shown_as_it_is)
{
    assert_line("", "");
    assert_line("Hello, <b>world</b> & \"you\" ~", "Hello, <b>world</b> & \"you\" ~");
    assert_line("ڕۆژباش هاوڕێیان، سڵاو", "ڕۆژباش هاوڕێیان، سڵاو");
    assert_line("Rojbaş hevalno, ê î û ç ş", "Rojbaş hevalno, ê î û ç ş");
    assert_line("İstanbul'da ığüşöç", "İstanbul'da ığüşöç");
    assert_line("قال ﴿۝﴾ السَّلَامُ عَلَيْكُمْ",
                "قال ﴿۝﴾ السَّلَامُ عَلَيْكُمْ");
    assert_line("日本語 中文 한국어 ไทย עִבְרִית", "日本語 中文 한국어 ไทย עִבְרִית");
}

TEST(c0_del_and_c1_are_shown_as_marks)
{
    assert_line("\033[2J\007\b\177", "<U+001B>[2J<U+0007><U+0008><U+007F>");
    assert_line("\302\200\302\23331m\302\237", "<U+0080><U+009B>31m<U+009F>");
    assert_line("a\rb", "a<U+000D>b");
    struct text text = {0};
    render_line(&text, SLICE_LIT("a\0b"));
    assert_text(&text, "a<U+0000>b");
    text_free(&text);
}

TEST(bidi_controls_are_shown_as_marks)
{
    assert_line("\u061c\u200e\u200f", "<U+061C><U+200E><U+200F>");
    assert_line("a\u202eb\u202a\u202b\u202c\u202d", "a<U+202E>b<U+202A><U+202B><U+202C><U+202D>");
    assert_line("\u2066\u2067\u2068\u2069", "<U+2066><U+2067><U+2068><U+2069>");
}

TEST(invisible_characters_are_shown_as_marks)
{
    assert_line("a\u200bb\u2060c\u2064d", "a<U+200B>b<U+2060>c<U+2064>d");
    assert_line("\u00ad\u034f\ufeff\u206a\u206f", "<U+00AD><U+034F><U+FEFF><U+206A><U+206F>");
    assert_line("\u115f\u1160\u3164\uffa0\u17b4\u17b5", "<U+115F><U+1160><U+3164><U+FFA0><U+17B4><U+17B5>");
    assert_line("\u180b\u180e\u180f\ufe00\ufe0e", "<U+180B><U+180E><U+180F><U+FE00><U+FE0E>");
    assert_line("\U000e0100\U000e01ef\U000e0001\U000e0041", "<U+E0100><U+E01EF><U+E0001><U+E0041>");
    assert_line("\ufff9a\ufffab\ufffb\u2028\u2029", "<U+FFF9>a<U+FFFA>b<U+FFFB><U+2028><U+2029>");
}

TEST(private_unassigned_and_noncharacters_are_shown_as_marks)
{
    assert_line("\ue000\U000f0000\U0010fffd", "<U+E000><U+F0000><U+10FFFD>");
    assert_line("\xef\xbf\xbe\xef\xb7\x90\xf4\x8f\xbf\xbf", "<U+FFFE><U+FDD0><U+10FFFF>");
    assert_line("\xcd\xb8", "<U+0378>");
}

TEST(bytes_that_are_no_utf8_are_shown_one_by_one)
{
    assert_line("a\xff\xfe", "a<0xFF><0xFE>");
    assert_line("\xc0\xaf", "<0xC0><0xAF>");
    assert_line("\xed\xa0\x80", "<0xED><0xA0><0x80>");
    assert_line("\xe2\x80x", "<0xE2><0x80>x");
    assert_line("\x9b"
                "31m",
                "<0x9B>31m");
}

TEST(a_mark_that_an_author_types_is_told_from_ours)
{
    assert_line("<U+202E>", "<U+003C>U+202E>");
    assert_line("<u+202e> <0xff> <0XFF>", "<U+003C>u+202e> <U+003C>0xff> <U+003C>0XFF>");
    assert_line("<\u202e>", "<<U+202E>>");
    assert_line("<U <0 <", "<U <0 <");
}

TEST(joiners_stay_where_spelling_needs_them)
{
    const char *spelt[] = {
        "می\u200cخواهم",                                   /* Persian */
        "ئه\u200cوه\u200c به\u200cڵام",                    /* old Sorani, heh at the end of a word */
        "۱۳۸۵ ه\u200d.ش",                                  /* Persian, initial heh */
        "क्\u200dष क्\u200cष",                               /* Devanagari, after a virama */
        "র\u200d্যাব",                                      /* Bengali, before a virama */
        "എന്\u200d ",                                       /* old Malayalam chillu at the end of a word */
        "ශ්\u200dරී",                                        /* Sinhala */
        "👩\u200d👩\u200d👧\u200d👦",                          /* a family */
        "🧑🏻\u200d❤\ufe0f\u200d💋\u200d🧑🏿", /* the longest emoji */
        "❤\ufe0f 1\ufe0f\u20e3 #\ufe0f\u20e3 ©\ufe0f",
    };
    for (size_t i = 0; i < sizeof(spelt) / sizeof(spelt[0]); i++)
        assert_line(spelt[i], spelt[i]);
}

TEST(joiners_elsewhere_are_shown_as_marks)
{
    assert_line("ad\u200cmin", "ad<U+200C>min");
    assert_line("a\u200db", "a<U+200D>b");
    assert_line("\u200cم", "<U+200C>م");
    assert_line("م\u200c ", "م<U+200C> ");
    assert_line("م\u200ca", "م<U+200C>a");
    assert_line("ه\u200c\u200c", "ه\u200c<U+200C>");
    assert_line("ه\u200d\u200c", "ه\u200d<U+200C>");
    assert_line("👩\u200dx", "👩<U+200D>x");
    assert_line("a\ufe0f", "a<U+FE0F>");
    assert_line("1\ufe0f2", "1<U+FE0F>2");
    assert_line("❤\ufe0f\ufe0f", "❤\ufe0f<U+FE0F>");
}

TEST(a_row_of_joined_pictographs_is_bounded)
{
    assert_line("👩\u200d👩\u200d👩\u200d👩\u200d👩\u200d👩", "👩\u200d👩\u200d👩\u200d👩\u200d👩<U+200D>👩");
    assert_line("👩\u200d👩 👩\u200d👩 👩\u200d👩 👩\u200d👩 👩\u200d👩", "👩\u200d👩 👩\u200d👩 👩\u200d👩 👩\u200d👩 👩\u200d👩");
}

TEST(the_ninth_mark_on_a_character_is_shown_as_a_mark)
{
    const char *eight = "\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301";
    char given[64];
    char expected[64];

    snprintf(given, sizeof(given), "a%s", eight);
    assert_line(given, given);
    snprintf(given, sizeof(given), "a%s\u0301\u0302b\u0301", eight);
    snprintf(expected, sizeof(expected), "a%s<U+0301><U+0302>b\u0301", eight);
    assert_line(given, expected);
}

TEST(a_mark_stands_on_nothing_but_the_author_s_own_text)
{
    assert_line("\u0338x", "<U+0338>x");
    assert_line("\u202e\u0338", "<U+202E><U+0338>");
    assert_line("a\n\u0338", "a\u23ce<U+0338>");
    assert_line("\u1161", "<U+1161>");
    assert_line("한\u1100\u1161\u11a8", "한\u1100\u1161\u11a8");
}

TEST(a_line_shows_line_ends_as_signs_and_tabs_as_spaces)
{
    assert_line("a\nb\r\nc\td\n", "a⏎b⏎c d⏎");
}

TEST(a_block_has_real_line_ends_and_an_indent)
{
    assert_block("", 2, 0, "");
    assert_block("a\nb\r\n\r\nc", 2, 0, "  a\n  b\n\n  c\n");
    assert_block("a\n", 0, 0, "a\n");
    assert_block("\n", 2, 0, "\n");
    assert_block("a\tb\r", 1, 0, " a    b<U+000D>\n");
    assert_block("\u202e\n\033", 0, 0, "<U+202E>\n<U+001B>\n");
}

TEST(a_block_breaks_lines_at_spaces)
{
    assert_block("the quick brown fox jumps over", 2, 22, "  the quick brown fox\n  jumps over\n");
    assert_block("12345678901234567890 x", 0, 20, "12345678901234567890\nx\n");
    assert_block("  indented words go on and on", 0, 20, "  indented words go\non and on\n");
    assert_block("x", 100, 10,
                 "                                                  "
                 "                                                  x\n");
}

TEST(a_block_breaks_long_words_between_characters)
{
    assert_block("abcdefghijklmnopqrstuvwxyz", 0, 20, "abcdefghijklmnopqrst\nuvwxyz\n");
    assert_block("日本語日本語日本語日本語", 1, 21, " 日本語日本語日本語日\n 本語\n");
    assert_block("aaaaaaaaaaaaaaaaaaae\u0301e\u0301", 0, 20, "aaaaaaaaaaaaaaaaaaae\u0301\ne\u0301\n");
    assert_block("aaaaaaaaaaaaaaa\u202e", 0, 20, "aaaaaaaaaaaaaaa\n<U+202E>\n");
}

TEST(width_counts_columns)
{
    assert_int_equal(render_width(SLICE_LIT("")), 0);
    assert_int_equal(render_width(SLICE_LIT("abc")), 3);
    assert_int_equal(render_width(SLICE_LIT("日本")), 4);
    assert_int_equal(render_width(SLICE_LIT("e\u0301")), 1);
    assert_int_equal(render_width(SLICE_LIT("می\u200cخواهم")), 7);
    assert_int_equal(render_width(SLICE_LIT("<U+202E>")), 8);
    assert_int_equal(render_width(SLICE_LIT("👩\u200d👩")), 4);
    assert_int_equal(render_width(SLICE_LIT("\u2068a\u2069")), 1);
    assert_int_equal(render_width(SLICE_LIT("\u06dd")), 1);
}

TEST(a_cut_ends_in_an_ellipsis_and_splits_nothing)
{
    assert_cut("abc", 3, "abc");
    assert_cut("abcd", 3, "ab…");
    assert_cut("abcd", 1, "…");
    assert_cut("abcd", 0, "");
    assert_cut("", 0, "");
    assert_cut("日本語", 5, "日本…");
    assert_cut("日本語", 4, "日…");
    assert_cut("e\u0301e\u0301e\u0301", 2, "e\u0301…");
    assert_cut("ab<U+202E>c", 8, "ab…");
    assert_cut("👩\u200d👩\u200d👧x", 6, "…");
    assert_cut("한\u1100\u1161\u11a8xyz", 6, "한…");
}

TEST(an_isolated_field_stands_between_isolates)
{
    struct text text = {0};

    render_isolated(&text, SLICE_LIT("سڵاو"));
    assert_text(&text, "\u2068سڵاو\u2069");
    text_free(&text);
}

TEST(no_code_point_reaches_the_terminal_that_drives_it_or_cannot_be_seen)
{
    struct text text = {0};

    for (int32_t c = 0; c <= 0x10ffff; c++) {
        char given[16] = "a";
        size_t len = 1 + put_utf8(given + 1, c);
        given[len++] = 'b';
        for (size_t from = 0; from <= 1; from++) {
            text.len = 0;
            render_line(&text, (struct slice){given + from, len - from});
            for (size_t at = 0; at < text.len;) {
                int32_t shown = utf8_next(text_slice(&text), &at);
                if (shown < 0 || drives_or_hides(shown))
                    fail_msg("U+%04X lets U+%04X through", (unsigned)c, (unsigned)shown);
            }
        }
    }
    text_free(&text);
}

static char *shared_file(const char *name, size_t *len)
{
    const char *dir = getenv("MODQ_SHARED");
    char path[512];

    snprintf(path, sizeof(path), "%s/hostile-text/%s", dir ? dir : "../shared", name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        print_message("# skipped: no %s (set MODQ_SHARED to the directory that holds hostile-text)\n", path);
        skip();
    }
    char *data = malloc(1 << 20);
    assert_non_null(data);
    *len = fread(data, 1, 1 << 20, file);
    fclose(file);
    assert_true(*len > 0);
    return data;
}

static void assert_lines_tame(const char *name)
{
    size_t len;
    char *data = shared_file(name, &len);

    for (size_t at = 0; at < len;) {
        char *end = memchr(data + at, '\n', len - at);
        size_t line = end ? (size_t)(end - data) - at : len - at;
        assert_tame((struct slice){data + at, line});
        at += line + 1;
    }
    assert_tame((struct slice){data, len});
    free(data);
}

TEST(utf8_stress_files_are_tame)
{
    assert_lines_tame("kuhn-utf8-stress.txt");
    assert_lines_tame("utf8tests.txt");
    assert_lines_tame("utf8tests.bin");
    assert_lines_tame("blns.json");
}

static struct text escaped(json_t *json)
{
    struct text text = {0};
    char *dumped = json_dumps(json, JSON_ENCODE_ANY | JSON_INDENT(2));

    assert_non_null(dumped);
    render_json_escape(&text, slice_of(dumped));
    assert_false(text.failed);
    free(dumped);
    return text;
}

/* What a terminal gets is tame, and what a program reads is the same as before. */
static void assert_json_survives(json_t *json)
{
    struct text text = escaped(json);

    for (size_t at = 0; at < text.len;) {
        int32_t c = utf8_next(text_slice(&text), &at);
        if (c < 0 || (c != '\n' && drives_or_hides(c)))
            fail_msg("U+%04X in JSON", (unsigned)c);
    }
    json_t *again = json_loadb(text.data, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    assert_non_null(again);
    assert_true(json_equal(json, again));
    json_decref(again);
    text_free(&text);
}

TEST(naughty_strings_are_tame_and_survive_json)
{
    size_t len;
    char *data = shared_file("blns.json", &len);
    json_t *list = json_loadb(data, len, JSON_ALLOW_NUL, NULL);
    size_t i;
    json_t *string;

    assert_non_null(list);
    assert_true(json_array_size(list) > 400);
    json_array_foreach(list, i, string)
    {
        assert_tame((struct slice){json_string_value(string), json_string_length(string)});
        assert_json_survives(string);
    }
    json_decref(list);
    free(data);
}

TEST(json_with_every_character_survives_the_escape)
{
    char *all = malloc(4 * 0x110000);
    size_t len = 0;

    assert_non_null(all);
    for (int32_t c = 0; c <= 0x10ffff; c++)
        if (c < 0xd800 || c > 0xdfff)
            len += put_utf8(all + len, c);
    json_t *json = json_pack("{s:s%}", "a\u202e\\", all, len);
    assert_non_null(json);
    assert_json_survives(json);
    json_decref(json);
    free(all);
}

TEST(json_escapes_are_surrogate_pairs_above_the_first_plane)
{
    struct text text = {0};

    render_json_escape(&text, SLICE_LIT("[\"\u200c\u202e\u2028\177\302\205\U000e0041ه\u200c👩\u200d👩\ufe0f\",\n\t1]\n"));
    assert_text(&text, "[\"\\u200c\\u202e\\u2028\\u007f\\u0085\\udb40\\udc41ه\\u200c👩\\u200d👩\\ufe0f\",\n\t1]\n");
    text_free(&text);
}

TEST(json_piles_up_no_marks)
{
    struct text text = {0};

    render_json_escape(&text, SLICE_LIT("{\"\u0301k\":\"e\u0301\u0302\",\"x\":\"\u202e\u0301\u0301y\"}"));
    assert_text(&text, "{\"\\u0301k\":\"e\u0301\u0302\",\"x\":\"\\u202e\\u0301\\u0301y\"}");
    text.len = 0;
    render_json_escape(&text, SLICE_LIT("\"a\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0302\u0302b\u0301\""));
    assert_text(&text, "\"a\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\\u0302\\u0302b\u0301\"");
    text_free(&text);
}

static uint32_t random_next(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

TEST(random_bytes_are_tame)
{
    uint32_t seed = 20240229;
    char bytes[200];

    for (int round = 0; round < 5000; round++) {
        size_t len = random_next(&seed) % sizeof(bytes);
        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)(random_next(&seed) >> 8);
        assert_tame((struct slice){bytes, len});
    }
}

TEST(random_characters_that_combine_are_tame)
{
    static const int32_t alphabet[] = {0x200c,  0x200d, 0xfe0f, 0x301, 0x647,   0x645,  0x94d,  0x915, 0x1f469, 0x2764,
                                       0x1f3fb, 0x1100, 0x1161, 0x600, 0x1f1e6, '<',    'U',    '+',   '0',     'x',
                                       ' ',     '\n',   '\r',   '\t',  0x20e3,  0x202e, 0x65e5, 'a',   0x27};
    uint32_t seed = 7;
    char text[1200];

    for (int round = 0; round < 5000; round++) {
        size_t len = 0;
        for (uint32_t left = random_next(&seed) % 250; left > 0; left--) {
            uint32_t which = (random_next(&seed) >> 5) % (sizeof(alphabet) / sizeof(alphabet[0]));
            len += put_utf8(text + len, alphabet[which]);
        }
        assert_tame((struct slice){text, len});
    }
}
