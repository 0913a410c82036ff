/* Text as a search compares it: what people write in one of several ways becomes the same.
 *
 * Compatibility forms, case, accents and vowel signs are gone (NFKD, marks dropped, case folded), letters that stand
 * for one another become one, digits are ASCII, what is not seen (joiners, marks of direction) is dropped, and any run
 * of spaces and controls is one space; none is left at either end. The same for a text and for what is looked for.
 * Pure.
 *
 *   Turkish, Kurmanji   I, İ, ı and î are i; ş is s, ç is c, ğ is g, ê is e
 *   Arabic              alef with anything on it is alef, ى is ي, ة is ه; tashkeel and tatweel are gone
 *   Sorani, Persian     ی is ي, ک is ك, ە and ھ (with or without its joiner) are ه; ڕ ڵ ۆ ێ are ر ل و ي, because the
 *                       small v is often left out
 *   digits              ٣ and ۳ are 3
 */
#ifndef MODQD_FOLD_H
#define MODQD_FOLD_H

#include <stdint.h>

#include "../../proto/slice.h"

/* Zero-initialise it; the folded text lies in data[0..len), UTF-8. Memory is kept for the next text. */
struct fold {
    char *data;
    size_t len, cap;
};

/* Folds `text`, which takes the place of what was there. What is no UTF-8 counts as a space. False when memory is out.
 */
bool fold_text(struct fold *fold, struct slice text);
struct slice fold_slice(const struct fold *fold);
void fold_free(struct fold *fold);

/* Where in `text` itself the folded bytes [at, at + len) come from: text[*from .. *to), whole characters with the marks
 * that belong to them. */
void fold_place(struct slice text, size_t at, size_t len, size_t *from, size_t *to);

#endif
