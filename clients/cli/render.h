/* Other people's text on a terminal: everything that a comment, a name, a title or a note holds passes through here.
 *
 * What is shown for what. The result is always well-formed UTF-8.
 *
 *   C0, DEL, C1, bidi controls, invisible and format characters, line and      <U+202E>
 *   paragraph separators, private use, noncharacters, unassigned
 *   a byte that is no part of well-formed UTF-8                                <0xFF>
 *   a combining mark (or a Hangul vowel or final that joins like one) that     <U+0301>
 *   has nothing to stand on, and the 9th and later on one character
 *   '<' before "U+", "u+", "0x" or "0X"                                        <U+003C>
 *   LF, CR LF                                     a U+23CE sign in a line, a line end in a block
 *   TAB                                           a space in a line, four in a block
 *   all else                                      itself
 *
 * Since a '<' that an author types before "U+" or "0x" is itself shown as a mark, what reads <U+...> or <0x...> here
 * was never typed: a caller may colour those, and nobody can forge them.
 *
 * Three invisible characters are needed to spell, so they stay where they can be seen to work, and only there:
 *
 *   U+200C and U+200D (ZWNJ, ZWJ), in scripts whose letters join (Arabic, Syriac, N'Ko, Indic, Khmer, ...):
 *     - between two letters of one script (Persian mi-khaham), marks on the first one allowed, or before a virama
 *       (Bengali ra + ya-phalaa);
 *     - after a virama (RFC 5892, appendix A);
 *     - after U+0647: old Sorani spelling writes the vowel e as heh + ZWNJ, at the end of words, too, and Persian
 * writes the initial heh of "hijri" with ZWJ. U+200D between two pictographs, at most four in a row of them. U+FE0F
 * after a pictograph, and inside a keycap (1 U+FE0F U+20E3).
 *
 * Never two of them together, so they cannot be piled up unseen. No terminal acts on them. */
#ifndef MODQ_RENDER_H
#define MODQ_RENDER_H

#include <stdbool.h>
#include <stddef.h>

#include "../../proto/slice.h"

/* A growing text. Zero-initialise it; free with text_free. Not NUL-terminated; set len to 0 to use it anew. */
struct text {
    char *data;
    size_t len, cap;
    bool failed; /* out of memory: sticky; what was appended since is not there */
};

void text_append(struct text *out, struct slice more);
struct slice text_slice(const struct text *out);
void text_free(struct text *text);

/* Appends `untrusted` as a part of one line. */
void render_line(struct text *out, struct slice untrusted);

/* Appends `untrusted` as lines, each after `indent` spaces and with a line end; nothing when it is empty. Lines are
 * broken at spaces, or else between characters, so that the indented text takes at most `columns` columns (fewer than
 * RENDER_COLUMNS_LEAST count as that many; 0: never broken). A line end at the very end begins no further line. */
#define RENDER_COLUMNS_LEAST 20
void render_block(struct text *out, struct slice untrusted, size_t indent, size_t columns);

/* The rest takes what render_line gave.
 *
 * Columns are never fewer than a terminal uses: a sequence of pictographs counts as the sum of its parts, for terminals
 * that do not join them. A line may come out short, never long. */
size_t render_width(struct slice rendered);

/* Appends it, cut to `columns` columns with U+2026 at the end when it is wider. Never cuts inside a user-perceived
 * character or a mark such as <U+202E>. */
void render_cut(struct text *out, struct slice rendered, size_t columns);

/* Appends it between U+2068 and U+2069, so that its direction cannot reorder the rest of our line. Cut first, isolate
 * then. */
void render_isolated(struct text *out, struct slice rendered);

/* Appends serialised JSON with every character that the table above shows as <U+...> for what it is, and ZWNJ, ZWJ and
 * variation selectors without exception, and marks that stand on nothing or pile up, as \uXXXX (a surrogate pair above
 * U+FFFF). These can stand only inside strings, where the escape means the same, so whoever parses it gets the same
 * values. White space between tokens stays. */
void render_json_escape(struct text *out, struct slice json);

#endif
