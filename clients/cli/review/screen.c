#include "screen.h"

#include <curses.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "proto/utf8.h"

#include <term.h> /* last: its macros have names such as columns */

enum { KEY_OF_PASTE = KEY_MAX + 1, KEY_OF_PASTED, ESCAPE_MS = 50 };

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

/* What brings the terminal back without a library, for a handler of signals. */
static struct termios before;
static bool is_open;
static char farewell[256];

static attr_t attributes[STYLES];
static short pairs[STYLES];

/* ---- colours */

struct look {
    attr_t plain;                             /* without colours */
    attr_t extra;                             /* with them */
    short ink, ground, rich_ink, rich_ground; /* of 8 and of 256 colours; -1: the terminal's own */
};

/* Calm ones, to be read for hours, on a dark ground as on a light one: inks have about the same distance from both. Of
 * 8 colours nobody knows the shades, and yellow and cyan are not read on a light ground: there most is said with the
 * terminal's own colours, bold or reversed. */
static const struct look looks[STYLES] = {
    [STYLE_PLAIN] = {A_NORMAL, A_NORMAL, -1, -1, -1, -1},
    [STYLE_DIM] = {A_DIM, A_NORMAL, -1, -1, 244, -1},
    [STYLE_BOLD] = {A_BOLD, A_BOLD, -1, -1, -1, -1},
    [STYLE_HEAD] = {A_BOLD, A_BOLD, -1, -1, 31, -1},
    [STYLE_BAR] = {A_REVERSE, A_NORMAL, -1, -1, 252, 238},
    [STYLE_BAR_KEY] = {A_REVERSE | A_BOLD, A_BOLD, -1, -1, 222, 238},
    [STYLE_BAR_BAD] = {A_REVERSE | A_BOLD, A_BOLD, -1, -1, 216, 238},
    [STYLE_KEY] = {A_BOLD, A_BOLD, -1, -1, 136, -1},
    [STYLE_GOOD] = {A_NORMAL, A_NORMAL, COLOR_GREEN, -1, 65, -1},
    [STYLE_BAD] = {A_BOLD, A_NORMAL, COLOR_RED, -1, 167, -1},
    [STYLE_WARN] = {A_BOLD, A_NORMAL, COLOR_MAGENTA, -1, 136, -1},
    [STYLE_MARK] = {A_UNDERLINE, A_NORMAL, COLOR_MAGENTA, -1, 133, -1},
    [STYLE_CHOSEN] = {A_REVERSE, A_NORMAL, -1, -1, 255, 24},
    [STYLE_RULE] = {A_DIM, A_NORMAL, -1, -1, 243, -1},
};

/* Where a look has no ink of its own it is what it is without colours. */
static void choose_look(int style, bool rich)
{
    const struct look *look = &looks[style];
    int ink = rich ? look->rich_ink : look->ink;
    int ground = rich ? look->rich_ground : look->ground;

    if (ink < 0)
        return;
    attributes[style] = look->extra;
    pairs[style] = (short)(style + 1);
    init_pair(pairs[style], (short)ink, (short)ground);
}

static void choose_looks(bool color)
{
    bool colors = color && has_colors() && start_color() == OK && use_default_colors() == OK;

    for (int i = 0; i < STYLES; i++) {
        attributes[i] = looks[i].plain;
        pairs[i] = 0;
        if (colors)
            choose_look(i, COLORS >= 256);
    }
}

/* ---- whatever happens */

static void on_fatal(int number)
{
    if (is_open) {
        ssize_t written = write(STDOUT_FILENO, farewell, strlen(farewell));
        (void)written;
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
    }
    signal(number, SIG_DFL);
    raise(number);
}

static void say_farewell(const char *capability)
{
    const char *string = tigetstr(capability);
    size_t len = strlen(farewell);

    if (string && string != (char *)-1 && len + strlen(string) < sizeof(farewell))
        memcpy(farewell + len, string, strlen(string) + 1);
}

static void prepare_for_the_worst(void)
{
    static const char *const capabilities[] = {"sgr0", "cnorm", "rmkx", "rmcup"};
    struct sigaction action = {.sa_handler = on_fatal, .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)};

    snprintf(farewell, sizeof(farewell), "\033[?2004l");
    for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++)
        say_farewell(capabilities[i]);
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(fatal_signals) / sizeof(fatal_signals[0]); i++)
        sigaction(fatal_signals[i], &action, NULL);
}

/* ---- open and closed */

/* Pasted text is no keys: a terminal that knows this brackets it. */
static void bracket_pastes(bool on)
{
    fputs(on ? "\033[?2004h" : "\033[?2004l", stdout);
    fflush(stdout);
}

static void set_modes(void)
{
    raw();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(ESCAPE_MS);
    define_key("\033[200~", KEY_OF_PASTE);
    define_key("\033[201~", KEY_OF_PASTED);
    curs_set(0);
}

/* Asked before the library begins with it, since that ends or leaves things behind where it cannot. */
static bool is_known(void)
{
    int why;

    if (setupterm(NULL, STDOUT_FILENO, &why) != OK)
        return false;
    bool moves = cursor_address != NULL;
    del_curterm(cur_term);
    return moves;
}

bool screen_open(bool color)
{
    tcgetattr(STDIN_FILENO, &before);
    if (!is_known() || !newterm(NULL, stdout, stdin))
        return false;
    set_modes();
    choose_looks(color);
    prepare_for_the_worst();
    bracket_pastes(true);
    is_open = true;
    return true;
}

void screen_close(void)
{
    if (!is_open)
        return;
    is_open = false;
    bracket_pastes(false);
    endwin();
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

void screen_suspend(void)
{
    bracket_pastes(false);
    endwin();
    kill(0, SIGTSTP);
    bracket_pastes(true);
    screen_resized();
    screen_redraw();
}

void screen_size(size_t *across, size_t *down)
{
    int height;
    int width;

    getmaxyx(stdscr, height, width);
    *across = (size_t)width;
    *down = (size_t)height;
}

void screen_resized(void)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
        resizeterm(size.ws_row, size.ws_col);
}

void screen_redraw(void)
{
    clearok(curscr, TRUE);
}

/* ---- drawing */

/* U+FE0F makes some terminals draw its character wider, and U+200D joins pictures in some: without them every terminal
 * takes the same columns. Between letters U+200D stays, since it takes none. */
static bool is_left_out(int32_t c, int32_t last)
{
    return c == 0xfe0f || (c == 0x200d && last >= 0x1f000);
}

/* How many of them stand in the cell of the first. */
static size_t cell_length(const wchar_t *wide, size_t count)
{
    size_t length = 1;

    while (length < count && wcwidth(wide[length]) == 0)
        length++;
    return length;
}

/* Of marks that the library has no room for the last one stays: it may end an isolate. */
static void put_cell(const wchar_t *wide, size_t length, enum style style)
{
    wchar_t kept[CCHARW_MAX + 1];
    size_t count = length < CCHARW_MAX ? length : CCHARW_MAX;
    cchar_t cell;

    wmemcpy(kept, wide, count);
    kept[count - 1] = wide[length - 1];
    kept[count] = L'\0';
    if (setcchar(&cell, kept, attributes[style], pairs[style], NULL) == OK)
        add_wch(&cell);
}

/* The library loses what stands on a wide character, and all but a few marks on any other one, unless it is given the
 * cell as a whole. */
static void put_text(const wchar_t *wide, size_t count, enum style style)
{
    size_t begun = 0;

    for (size_t at = 0; at < count;) {
        size_t length = cell_length(wide + at, count - at);
        if (length > 1 && (wcwidth(wide[at]) == 2 || length > CCHARW_MAX)) {
            addnwstr(wide + begun, (int)(at - begun));
            put_cell(wide + at, length, style);
            begun = at + length;
        }
        at += length;
    }
    addnwstr(wide + begun, (int)(count - begun));
}

/* Piece by piece, each at the column where it belongs: what the library and the terminal take for its width may
 * differ. */
static void draw_span(const struct page *page, const struct span *span)
{
    struct slice text = {page->text.data + span->at, span->len};
    wchar_t *wide = malloc((span->len + 1) * sizeof(*wide));
    size_t count = 0;

    for (size_t at = 0; wide && at < text.len;) {
        int32_t c = utf8_next(text, &at);
        if (c >= 0 && !is_left_out(c, count ? (int32_t)wide[count - 1] : 0))
            wide[count++] = (wchar_t)c;
    }
    attr_set(attributes[span->style], pairs[span->style], NULL);
    if (wide && move((int)span->row, (int)span->column) == OK)
        put_text(wide, count, span->style);
    free(wide);
}

void screen_draw(const struct page *page)
{
    bool typing = page->cursor_row != SIZE_MAX;

    erase();
    for (size_t i = 0; i < page->spans; i++)
        draw_span(page, &page->span[i]);
    attr_set(A_NORMAL, 0, NULL);
    curs_set(typing ? 1 : 0);
    if (typing)
        move((int)page->cursor_row, (int)page->cursor_column);
    refresh();
}

/* ---- keys */

static int32_t special(wint_t code)
{
    static const struct {
        wint_t code;
        int32_t key;
    } keys[] = {
        {KEY_UP, KEY_OF_UP},
        {KEY_DOWN, KEY_OF_DOWN},
        {KEY_LEFT, KEY_OF_LEFT},
        {KEY_RIGHT, KEY_OF_RIGHT},
        {KEY_PPAGE, KEY_OF_PAGE_UP},
        {KEY_NPAGE, KEY_OF_PAGE_DOWN},
        {KEY_HOME, KEY_OF_HOME},
        {KEY_END, KEY_OF_END},
        {KEY_DC, KEY_OF_DELETE},
        {KEY_ENTER, KEY_OF_ENTER},
        {KEY_BACKSPACE, KEY_OF_BACKSPACE},
        {KEY_OF_PASTE, SCREEN_PASTE},
        {KEY_OF_PASTED, SCREEN_PASTED},
    };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (keys[i].code == code)
            return keys[i].key;
    return SCREEN_NO_KEY;
}

/* After an Escape: the rest of a sequence that the library does not know, or a key with Alt. None of its characters may
 * be taken for a key, since some decide. False: it was the key itself. */
static bool swallow_sequence(void)
{
    wint_t c;

    if (get_wch(&c) == ERR)
        return false;
    if (c != '[' && c != 'O')
        return true;
    while (get_wch(&c) != ERR && (c < '@' || c > '~' || c == '['))
        ;
    return true;
}

static int32_t character(wint_t c)
{
    if (c == '\r')
        return KEY_OF_ENTER;
    if (c == KEY_OF_ESCAPE)
        return swallow_sequence() ? SCREEN_NO_KEY : KEY_OF_ESCAPE;
    return c < 0x110000 ? (int32_t)c : SCREEN_NO_KEY;
}

int32_t screen_key(void)
{
    wint_t code;

    for (;;) {
        int result = get_wch(&code);
        if (result == ERR)
            return SCREEN_NO_KEY;
        int32_t key = result == KEY_CODE_YES ? special(code) : character(code);
        if (key != SCREEN_NO_KEY)
            return key;
    }
}

bool screen_is_there(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

    return poll(&input, 1, 0) <= 0 || (input.revents & (POLLHUP | POLLERR | POLLNVAL)) == 0;
}
