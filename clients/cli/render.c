#include "render.h"

#include <stdio.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "../../proto/utf8.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

enum {
    STACK_MAX = 8,         /* marks on one character; more would be drawn over other lines */
    PICTURE_JOINS_MAX = 4, /* the longest emoji of Unicode have three */
    UNIT_COLUMNS_MAX = 16, /* of one user-perceived character, which has no bound of its own */
    ZWNJ = 0x200c,
    ZWJ = 0x200d,
    VS16 = 0xfe0f,
    KEYCAP = 0x20e3,
    ARABIC_HEH = 0x0647,
    VIRAMA_CLASS = 9, /* canonical combining class */
};

struct range {
    int32_t first, last;
    int script; /* only in joining_scripts */
};

/* ---- text ---- */

static bool text_grow(struct text *out, size_t more)
{
    size_t cap = out->cap ? out->cap : 64;

    if (out->failed || more > SIZE_MAX / 4 || out->len > SIZE_MAX / 4)
        return !(out->failed = true);
    while (cap - out->len < more)
        cap *= 2;
    if (cap == out->cap)
        return true;
    char *data = realloc(out->data, cap);
    if (!data)
        return !(out->failed = true);
    out->data = data;
    out->cap = cap;
    return true;
}

void text_append(struct text *out, struct slice more)
{
    if (more.len == 0 || !text_grow(out, more.len))
        return;
    memcpy(out->data + out->len, more.data, more.len);
    out->len += more.len;
}

struct slice text_slice(const struct text *out)
{
    return (struct slice){out->data ? out->data : "", out->len};
}

void text_free(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}

static void text_spaces(struct text *out, size_t count)
{
    if (count == 0 || !text_grow(out, count))
        return;
    memset(out->data + out->len, ' ', count);
    out->len += count;
}

/* ---- kinds of characters ---- */

static const struct range *find(const struct range *ranges, size_t count, int32_t c)
{
    for (size_t i = 0; i < count; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return &ranges[i];
    return NULL;
}

/* Format characters (Cf) that are drawn: Arabic number signs, end of ayah and the like. */
static bool is_drawn_format(int32_t c)
{
    static const struct range drawn[] = {
        {.first = 0x0600, .last = 0x0605},   {.first = 0x06dd, .last = 0x06dd}, {.first = 0x070f, .last = 0x070f},
        {.first = 0x0890, .last = 0x0891},   {.first = 0x08e2, .last = 0x08e2}, {.first = 0x110bd, .last = 0x110bd},
        {.first = 0x110cd, .last = 0x110cd},
    };
    return find(drawn, LENGTH(drawn), c) != NULL;
}

/* Letters, marks and symbols by category that draw nothing. */
static bool is_blank_by_nature(int32_t c)
{
    static const struct range blank[] = {
        {.first = 0x034f, .last = 0x034f},   /* combining grapheme joiner */
        {.first = 0x115f, .last = 0x1160},   /* Hangul fillers */
        {.first = 0x17b4, .last = 0x17b5},   /* Khmer inherent vowels */
        {.first = 0x180b, .last = 0x180f},   /* Mongolian selectors and vowel separator */
        {.first = 0x3164, .last = 0x3164},   /* Hangul filler */
        {.first = 0xfe00, .last = 0xfe0f},   /* variation selectors */
        {.first = 0xffa0, .last = 0xffa0},   /* half-width Hangul filler */
        {.first = 0x16fe4, .last = 0x16fe4}, /* Khitan filler */
        {.first = 0x1d159, .last = 0x1d159}, /* musical null note head */
        {.first = 0xe0000, .last = 0xe0fff}, /* tags and variation selectors */
    };
    return find(blank, LENGTH(blank), c) != NULL;
}

/* What is never written to a terminal as itself, but for the exceptions of may_stay(). */
static bool is_hidden(int32_t c)
{
    if (c >= 0x20 && c < 0x7f)
        return false;
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_CF:
        return !is_drawn_format(c);
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return true;
    default:
        return is_blank_by_nature(c);
    }
}

static int boundclass(int32_t c)
{
    return (int)utf8proc_get_property(c)->boundclass;
}

static bool is_picture(int32_t c)
{
    return boundclass(c) == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;
}

static bool is_skin_tone(int32_t c)
{
    return c >= 0x1f3fb && c <= 0x1f3ff;
}

/* What stands on another character. Terminals give the Hangul vowels and finals no column of their own. */
static bool is_mark(int32_t c)
{
    if (c < 0x300)
        return false;
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
        return true;
    default:
        return boundclass(c) == UTF8PROC_BOUNDCLASS_V || boundclass(c) == UTF8PROC_BOUNDCLASS_T;
    }
}

static bool is_letter(int32_t c)
{
    utf8proc_category_t category = utf8proc_category(c);
    return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

static bool is_virama(int32_t c)
{
    return utf8proc_get_property(c)->combining_class == VIRAMA_CLASS;
}

/* A number for each script in which ZWNJ and ZWJ change how letters join; 0 for all else. */
static int joining_script(int32_t c)
{
    static const struct range scripts[] = {
        {0x0600, 0x06ff, 1},  {0x0750, 0x077f, 1},    {0x0870, 0x08ff, 1},    /* Arabic */
        {0x0700, 0x074f, 2},  {0x0860, 0x086f, 2},                            /* Syriac */
        {0x07c0, 0x07ff, 3},  {0x0840, 0x085f, 4},                            /* N'Ko, Mandaic */
        {0x0900, 0x097f, 5},  {0x0980, 0x09ff, 6},    {0x0a00, 0x0a7f, 7},    /* Devanagari, Bengali, Gurmukhi */
        {0x0a80, 0x0aff, 8},  {0x0b00, 0x0b7f, 9},    {0x0b80, 0x0bff, 10},   /* Gujarati, Oriya, Tamil */
        {0x0c00, 0x0c7f, 11}, {0x0c80, 0x0cff, 12},   {0x0d00, 0x0d7f, 13},   /* Telugu, Kannada, Malayalam */
        {0x0d80, 0x0dff, 14}, {0x1000, 0x109f, 15},   {0x1780, 0x17ff, 16},   /* Sinhala, Myanmar, Khmer */
        {0x1800, 0x18af, 17}, {0x1e900, 0x1e95f, 18}, {0x10d00, 0x10d3f, 19}, /* Mongolian, Adlam, Hanifi Rohingya */
    };
    const struct range *range = find(scripts, LENGTH(scripts), c);
    return range ? range->script : 0;
}

/* ---- rendering ---- */

struct render {
    struct text *out;
    struct slice in;
    size_t at;
    int32_t base; /* what a mark would stand on; 0: nothing of this text's own */
    int32_t last; /* the last character when it was shown as itself, else 0 */
    unsigned stacked;
    unsigned joins; /* kept in this row of pictographs */
};

static int32_t peek(const struct render *r)
{
    size_t at = r->at;
    return at < r->in.len ? utf8_next(r->in, &at) : -1;
}

static void forget_base(struct render *r)
{
    r->base = r->last = 0;
    r->stacked = r->joins = 0;
}

static void show_code_point(struct render *r, int32_t c)
{
    char mark[16];
    snprintf(mark, sizeof(mark), "<U+%04X>", (unsigned)c);
    text_append(r->out, slice_of(mark));
    forget_base(r);
}

static void show_bytes(struct render *r, size_t from)
{
    for (size_t i = from; i < r->at; i++) {
        char mark[8];
        snprintf(mark, sizeof(mark), "<0x%02X>", (unsigned char)r->in.data[i]);
        text_append(r->out, slice_of(mark));
    }
    forget_base(r);
}

static void show_own(struct render *r, struct slice sign)
{
    text_append(r->out, sign);
    forget_base(r);
}

/* A '<' that would begin what looks like one of our marks. */
static bool begins_mark(const struct render *r)
{
    if (r->in.len - r->at < 2)
        return false;
    const char *next = r->in.data + r->at;
    return ((next[0] == 'U' || next[0] == 'u') && next[1] == '+') ||
           (next[0] == '0' && (next[1] == 'x' || next[1] == 'X'));
}

static bool may_join_letters(const struct render *r, int32_t next)
{
    int script = r->base && is_letter(r->base) ? joining_script(r->base) : 0;

    if (!script || r->last == ZWNJ || r->last == ZWJ)
        return false;
    if (is_virama(r->last) || r->last == ARABIC_HEH)
        return true;
    return next >= 0 && joining_script(next) == script && (is_letter(next) || is_virama(next));
}

static bool may_join_pictures(const struct render *r, int32_t next)
{
    bool after_picture = r->last == VS16 || is_skin_tone(r->last) || is_picture(r->last);
    return after_picture && next >= 0 && is_picture(next) && r->joins < PICTURE_JOINS_MAX;
}

static bool may_select_picture(const struct render *r, int32_t next)
{
    bool key = r->last == '#' || r->last == '*' || (r->last >= '0' && r->last <= '9');
    return is_picture(r->last) || (key && next == KEYCAP);
}

static bool may_stay(struct render *r, int32_t c)
{
    int32_t next = peek(r);

    if (r->last == 0)
        return false;
    if (c == VS16)
        return may_select_picture(r, next);
    if (c == ZWJ && may_join_pictures(r, next)) {
        r->joins++;
        return true;
    }
    return (c == ZWNJ || c == ZWJ) && may_join_letters(r, next);
}

static void keep(struct render *r, int32_t c, size_t from)
{
    text_append(r->out, (struct slice){r->in.data + from, r->at - from});
    r->last = c;
}

static void render_mark(struct render *r, int32_t c, size_t from)
{
    if (r->base == 0 || r->stacked == STACK_MAX) {
        /* The base stays, or every later mark of a pile would find nothing to stand on and begin a new count. */
        int32_t base = r->base;
        show_code_point(r, c);
        r->base = base;
        r->stacked = base ? STACK_MAX : 0;
        return;
    }
    r->stacked++;
    keep(r, c, from);
}

static void render_base(struct render *r, int32_t c, size_t from)
{
    if (r->last != ZWJ && !is_skin_tone(c))
        r->joins = 0;
    r->base = c;
    r->stacked = 0;
    keep(r, c, from);
}

static void render_char(struct render *r, int32_t c, size_t from)
{
    if (c == '<' && begins_mark(r))
        show_code_point(r, c);
    else if ((c == ZWNJ || c == ZWJ || c == VS16) && may_stay(r, c))
        keep(r, c, from);
    else if (is_hidden(c))
        show_code_point(r, c);
    else if (is_mark(c))
        render_mark(r, c, from);
    else
        render_base(r, c, from);
}

/* `tab` stands for a tab; line ends are a sign. */
static void render(struct text *out, struct slice in, struct slice tab)
{
    struct render r = {.out = out, .in = in};

    while (r.at < in.len && !out->failed) {
        size_t from = r.at;
        int32_t c = utf8_next(in, &r.at);
        if (c < 0) {
            show_bytes(&r, from);
        } else if (c == '\r' && peek(&r) == '\n') {
            continue;
        } else if (c == '\n') {
            show_own(&r, SLICE_LIT("\u23ce"));
        } else if (c == '\t') {
            show_own(&r, tab);
        } else {
            render_char(&r, c, from);
        }
    }
}

void render_line(struct text *out, struct slice untrusted)
{
    render(out, untrusted, SLICE_LIT(" "));
}

/* ---- columns ---- */

static size_t char_columns(int32_t c)
{
    static const struct range wide[] = {
        {.first = 0x3248, .last = 0x324f},
        {.first = 0x4dc0, .last = 0x4dff},
    };
    int columns = utf8proc_charwidth(c);

    /* Where terminals differ from the library, the larger. Terminals that know U+FE0F draw its character two wide. */
    if (c == VS16 || is_drawn_format(c) || utf8proc_category(c) == UTF8PROC_CATEGORY_MC)
        return columns > 1 ? (size_t)columns : 1;
    if (find(wide, LENGTH(wide), c))
        return 2;
    return columns > 0 ? (size_t)columns : 0;
}

/* Our own mark at `at`, up to and with its '>'; 0 when there is none. */
static size_t mark_length(struct slice rendered, size_t at)
{
    const char *start = rendered.data + at;
    size_t left = rendered.len - at;

    if (left < 4 || start[0] != '<' || (memcmp(start, "<U+", 3) != 0 && memcmp(start, "<0x", 3) != 0))
        return 0;
    const char *end = memchr(start, '>', left);
    return end ? (size_t)(end - start) + 1 : 0;
}

/* What must stay together at *at: a mark of ours or a user-perceived character. Moves *at behind it. */
static size_t next_unit(struct slice rendered, size_t *at)
{
    size_t length = mark_length(rendered, *at);
    utf8proc_int32_t state = 0;
    size_t columns;

    if (length) {
        *at += length;
        return length;
    }
    int32_t c = utf8_next(rendered, at);
    columns = c < 0 ? 1 : char_columns(c);
    while (c >= 0 && *at < rendered.len) {
        size_t behind = *at;
        int32_t next = utf8_next(rendered, &behind);
        if (next < 0 || utf8proc_grapheme_break_stateful(c, next, &state) ||
            columns + char_columns(next) > UNIT_COLUMNS_MAX)
            break;
        columns += char_columns(next);
        *at = behind;
        c = next;
    }
    return columns;
}

size_t render_width(struct slice rendered)
{
    size_t columns = 0;

    for (size_t at = 0; at < rendered.len;)
        columns += next_unit(rendered, &at);
    return columns;
}

void render_cut(struct text *out, struct slice rendered, size_t columns)
{
    size_t used = 0;
    size_t fits = 0; /* bytes that leave a column for the ellipsis */

    for (size_t at = 0; at < rendered.len;) {
        used += next_unit(rendered, &at);
        if (used > columns) {
            text_append(out, (struct slice){rendered.data, fits});
            if (columns > 0)
                text_append(out, SLICE_LIT("\u2026"));
            return;
        }
        if (used < columns)
            fits = at;
    }
    text_append(out, rendered);
}

void render_isolated(struct text *out, struct slice rendered)
{
    text_append(out, SLICE_LIT("\u2068"));
    text_append(out, rendered);
    text_append(out, SLICE_LIT("\u2069"));
}

/* ---- blocks ---- */

/* How much of the line goes before a break: up to *end is printed, the rest begins at *next. */
static void break_line(struct slice line, size_t columns, size_t *end, size_t *next)
{
    size_t used = 0;
    bool word = false; /* leading spaces are no place to break */

    *end = *next = 0;
    for (size_t at = 0; at < line.len;) {
        size_t from = at;
        used += next_unit(line, &at);
        bool space = at - from == 1 && line.data[from] == ' ';
        if (space && word) {
            *end = from;
            *next = at;
        }
        if (used > columns) {
            if (*next == 0)
                *end = *next = from ? from : at;
            return;
        }
        word = word || !space;
    }
    *end = *next = line.len;
}

static void wrap(struct text *out, struct slice line, size_t indent, size_t columns)
{
    do {
        size_t end;
        size_t next;
        break_line(line, columns, &end, &next);
        if (end > 0)
            text_spaces(out, indent);
        text_append(out, (struct slice){line.data, end});
        text_append(out, SLICE_LIT("\n"));
        line = (struct slice){line.data + next, line.len - next};
    } while (line.len > 0 && !out->failed);
}

static size_t text_columns(size_t indent, size_t columns)
{
    if (columns == 0)
        return SIZE_MAX;
    if (columns < indent + RENDER_COLUMNS_LEAST)
        return RENDER_COLUMNS_LEAST;
    return columns - indent;
}

void render_block(struct text *out, struct slice untrusted, size_t indent, size_t columns)
{
    struct text line = {0};

    for (size_t at = 0; at < untrusted.len && !out->failed;) {
        const char *start = untrusted.data + at;
        const char *end = memchr(start, '\n', untrusted.len - at);
        size_t length = end ? (size_t)(end - start) : untrusted.len - at;
        at += length + (end ? 1 : 0);
        if (end && length > 0 && start[length - 1] == '\r')
            length--;
        line.len = 0;
        render(&line, (struct slice){start, length}, SLICE_LIT("    "));
        wrap(out, text_slice(&line), indent, text_columns(indent, columns));
        out->failed = out->failed || line.failed;
    }
    text_free(&line);
}

/* ---- JSON ---- */

static void append_escape(struct text *out, int32_t c)
{
    char escape[16];

    if (c > 0xffff)
        snprintf(escape, sizeof(escape), "\\u%04x\\u%04x", (unsigned)(0xd7c0 + (c >> 10)),
                 (unsigned)(0xdc00 | (c & 0x3ff)));
    else
        snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)c);
    text_append(out, slice_of(escape));
}

/* Whether a mark has a character of its string to stand on. `stacked` counts those on the present one. */
static bool may_stack(int32_t c, int32_t before, unsigned *stacked)
{
    if (!is_mark(c)) {
        *stacked = 0;
        return true;
    }
    return before != '"' && (*stacked)++ < STACK_MAX;
}

static bool must_escape(int32_t c)
{
    return c != '\n' && c != '\r' && c != '\t' && is_hidden(c);
}

void render_json_escape(struct text *out, struct slice json)
{
    int32_t before = '"'; /* what no mark may stand on: our quote, or the end of an escape */
    unsigned stacked = 0;

    for (size_t at = 0; at < json.len && !out->failed;) {
        size_t from = at;
        int32_t c = utf8_next(json, &at);
        if (c < 0)
            append_escape(out, 0xfffd); /* not JSON; but no byte of it may reach the terminal */
        else if (must_escape(c) || !may_stack(c, before, &stacked))
            append_escape(out, c);
        else
            text_append(out, (struct slice){json.data + from, at - from});
        before = must_escape(c) || (is_mark(c) && before == '"') ? '"' : c;
    }
}
