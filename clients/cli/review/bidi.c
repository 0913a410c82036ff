#include "bidi.h"

#include <fribidi/fribidi.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "proto/utf8.h"

enum { LINE_MOST = 4096 }; /* characters; no terminal is so wide */

static bool is_rtl(int32_t c)
{
    utf8proc_bidi_class_t class = utf8proc_get_property(c)->bidi_class;
    return class == UTF8PROC_BIDI_CLASS_R || class == UTF8PROC_BIDI_CLASS_AL;
}

bool bidi_is_rtl(struct slice rendered)
{
    for (size_t at = 0; at < rendered.len;) {
        int32_t c = utf8_next(rendered, &at);
        if (c >= 0 && utf8proc_get_property(c)->bidi_class == UTF8PROC_BIDI_CLASS_L)
            return false;
        if (c >= 0 && is_rtl(c))
            return true;
    }
    return false;
}

static bool has_rtl(struct slice rendered)
{
    for (size_t at = 0; at < rendered.len;) {
        int32_t c = utf8_next(rendered, &at);
        if (c >= 0 && is_rtl(c))
            return true;
    }
    return false;
}

/* Between FSI and PDI. What was wrapped may begin with a letter of another direction than its paragraph; such a line
 * says its direction. */
static void isolate(struct text *out, struct slice rendered, bool rtl)
{
    bool own = bidi_is_rtl(rendered);

    text_append(out, own == rtl ? SLICE_LIT("\u2068") : rtl ? SLICE_LIT("\u2067") : SLICE_LIT("\u2066"));
    text_append(out, rendered);
    text_append(out, SLICE_LIT("\u2069"));
}

/* Joiners have done their work once letters are shaped, and what a ligature left over is no character. */
static bool is_left_over(FriBidiChar c)
{
    return c == FRIBIDI_CHAR_FILL || c == FRIBIDI_CHAR_ZWNJ || c == FRIBIDI_CHAR_ZWJ;
}

static FriBidiStrIndex drop_left_over(FriBidiChar *line, FriBidiStrIndex len)
{
    FriBidiStrIndex kept = 0;

    for (FriBidiStrIndex i = 0; i < len; i++)
        if (!is_left_over(line[i]))
            line[kept++] = line[i];
    return kept;
}

struct work {
    FriBidiChar line[LINE_MOST];
    FriBidiCharType types[LINE_MOST];
    FriBidiBracketType brackets[LINE_MOST];
    FriBidiLevel levels[LINE_MOST];
    FriBidiArabicProp joining[LINE_MOST];
    char bytes[4 * LINE_MOST + 1];
};

/* From the order of reading to that of columns. False: it cannot be done (memory, or a line longer than any terminal).
 */
static bool reorder(struct work *work, FriBidiStrIndex len, bool rtl)
{
    const FriBidiFlags flags = FRIBIDI_FLAGS_DEFAULT | FRIBIDI_FLAGS_ARABIC;
    FriBidiParType base = rtl ? FRIBIDI_PAR_RTL : FRIBIDI_PAR_LTR;

    fribidi_get_bidi_types(work->line, len, work->types);
    fribidi_get_bracket_types(work->line, len, work->types, work->brackets);
    if (fribidi_get_par_embedding_levels_ex(work->types, work->brackets, len, &base, work->levels) == 0)
        return false;
    fribidi_get_joining_types(work->line, len, work->joining);
    fribidi_join_arabic(work->types, len, work->levels, work->joining);
    fribidi_shape(flags, work->levels, len, work->joining, work->line);
    return fribidi_reorder_line(flags, work->types, len, 0, base, work->levels, work->line, NULL) != 0;
}

static void visual(struct text *out, struct slice rendered, bool rtl)
{
    struct work *work = rendered.len < LINE_MOST ? malloc(sizeof(*work)) : NULL;

    if (!work) {
        text_append(out, rendered);
        return;
    }
    FriBidiStrIndex len =
        fribidi_charset_to_unicode(FRIBIDI_CHAR_SET_UTF8, rendered.data, (FriBidiStrIndex)rendered.len, work->line);
    if (reorder(work, len, rtl)) {
        len = drop_left_over(work->line, len);
        len = fribidi_unicode_to_charset(FRIBIDI_CHAR_SET_UTF8, work->line, len, work->bytes);
        text_append(out, (struct slice){work->bytes, (size_t)len});
    } else {
        text_append(out, rendered);
    }
    free(work);
}

void bidi_line(struct text *out, struct slice rendered, bool rtl, enum bidi bidi)
{
    if (bidi == BIDI_OFF || (!rtl && !has_rtl(rendered)))
        text_append(out, rendered);
    else if (bidi == BIDI_TERMINAL)
        isolate(out, rendered, rtl);
    else
        visual(out, rendered, rtl);
}
