/* The review on the whole screen. */
#include "desk.h"
#include "screen.h"
#include "view.h"

#include "../say.h"

struct face_state {
    bool pasting;
};

/* What was scrolled past the end is where the end is. */
static void cut_scroll(struct review *r, int most)
{
    int *place = r->mode == MODE_READ ? &r->scroll : &r->paged;

    if (*place > most)
        *place = most;
}

static void draw(struct desk *desk, int64_t now)
{
    struct page page = {.bidi = desk->bidi};
    size_t columns;
    size_t rows;

    screen_size(&columns, &rows);
    view_screen(&page, &desk->review, columns, rows, now);
    cut_scroll(&desk->review, (int)page.scroll_most);
    if (page.middle > 1)
        desk->review.page = (int)page.middle - 1;
    if (!page.failed)
        screen_draw(&page);
    page_free(&page);
}

/* What is pasted is text where text is typed, in one line, and nothing elsewhere. */
static void paste(struct desk *desk, int32_t key, int64_t now)
{
    if (desk->review.mode == MODE_EDIT)
        desk_key(desk, key == KEY_OF_ENTER || key == KEY_OF_TAB || key == '\n' ? ' ' : key, now);
}

static void take(struct desk *desk, int32_t key, int64_t now)
{
    struct face_state *own = desk->own;

    if (key == SCREEN_PASTE || key == SCREEN_PASTED)
        own->pasting = key == SCREEN_PASTE;
    else if (own->pasting)
        paste(desk, key, now);
    else if (key == SCREEN_REDRAW)
        screen_redraw();
    else
        desk_key(desk, key, now);
}

static bool read_keys(struct desk *desk, int64_t now)
{
    int32_t key = screen_key();

    if (key == SCREEN_NO_KEY)
        return screen_is_there();
    for (; key != SCREEN_NO_KEY; key = screen_key())
        take(desk, key, now);
    return true;
}

static enum appetite ready(const struct desk *desk)
{
    (void)desk;
    return READS;
}

static void resized(struct desk *desk)
{
    (void)desk;
    screen_resized();
}

static void suspend(struct desk *desk)
{
    (void)desk;
    screen_suspend();
}

int screen_review(struct desk *desk)
{
    static const struct face face = {draw, read_keys, ready, resized, suspend};
    struct face_state own = {0};

    int code = desk_run(desk, &face, &own);
    screen_close();
    return code;
}
