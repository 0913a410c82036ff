/* Lines that hold letters written from right to left. */
#ifndef MODQ_REVIEW_BIDI_H
#define MODQ_REVIEW_BIDI_H

#include "../render.h"

enum bidi {
    BIDI_TERMINAL, /* the terminal puts them in order: each field stands between isolates */
    BIDI_FRIBIDI,  /* the terminal puts one after the other: they are put in order and shaped here */
    BIDI_OFF,      /* left alone */
};

/* Whether the first letter with a direction is of a script written from right to left. */
bool bidi_is_rtl(struct slice rendered);

/* Appends a line, or the part of one that is a field of its own, as it has to be sent to such a terminal. `rtl` is the
 * direction of the paragraph that it was wrapped from. It takes as many columns as before, or fewer. */
void bidi_line(struct text *out, struct slice rendered, bool rtl, enum bidi bidi);

#endif
