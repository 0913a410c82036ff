/* The terminal: draws pages, reads keys, and is left as it was found, whatever happens. Only one can be open. */
#ifndef MODQ_REVIEW_SCREEN_H
#define MODQ_REVIEW_SCREEN_H

#include "keys.h"
#include "rows.h"

enum {
    SCREEN_NO_KEY = -1,
    SCREEN_PASTE = -2,  /* what follows was pasted, ... */
    SCREEN_PASTED = -3, /* ... and here it ends */
    SCREEN_SUSPEND = CONTROL('z'),
    SCREEN_REDRAW = CONTROL('l'),
};

/* False: this terminal is not known to the system, or cannot move its cursor. */
bool screen_open(bool color);
void screen_close(void);

void screen_size(size_t *across, size_t *down); /* columns and rows */
void screen_resized(void);                      /* after SIGWINCH */
void screen_draw(const struct page *page);
void screen_redraw(void); /* all of it anew with the next page */

/* Hands the terminal back and stops, until somebody lets it go on. */
void screen_suspend(void);

/* The next key, without waiting; what a terminal sends for keys that are not known here is no key. */
int32_t screen_key(void);

/* False when the terminal has gone: nothing will ever come from it. */
bool screen_is_there(void);

#endif
