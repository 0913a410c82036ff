/* The review line by line: for screen readers, and terminals that cannot do more. A line holds a command, as a word or
 * as the key that it has on the screen, and what belongs to it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../lines.h"
#include "../say.h"
#include "desk.h"
#include "proto/utf8.h"
#include "view.h"

enum { COLUMNS_MOST = 100 };

struct face_state {
    struct lines lines;
    bool prompted; /* waits for a line */
    uint64_t told; /* serial number of the comment told last */
    bool told_empty, told_away;
    size_t notices; /* so many of them were told */
    enum mode mode;
};

/* ---- telling */

static size_t columns_of(const struct desk *desk)
{
    size_t columns = (size_t)desk->app->columns;
    return columns < COLUMNS_MOST ? columns : COLUMNS_MOST;
}

/* Rows of a page, and frees it. */
static void print_page(struct page *page)
{
    for (size_t i = 0; i < page->rows; i++) {
        struct text line = {0};
        page_say(&line, page, i);
        put_line(&line, stdout);
    }
    page_free(page);
}

static struct page fresh(const struct desk *desk)
{
    return (struct page){.columns = columns_of(desk), .bidi = desk->bidi};
}

static void print_card(struct desk *desk, const struct card *card, int64_t now)
{
    struct page page = fresh(desk);

    page_row(&page);
    page_row(&page);
    view_title(&page, 1, &desk->review, card, now);
    print_page(&page);
    page = fresh(desk);
    view_text(&page, &desk->review, card, now);
    view_details(&page, &desk->review, card, now);
    print_page(&page);
    puts("");
}

static void print_notices(struct desk *desk)
{
    struct face_state *own = desk->own;
    struct review *r = &desk->review;

    if (own->notices > r->notices)
        own->notices = r->notices;
    for (; own->notices < r->notices; own->notices++) {
        struct text line = {0};
        say(&line, "* ");
        say_quoted(&line, slice_of(r->notice[own->notices].text));
        put_line(&line, stdout);
    }
}

static void print_connection(struct desk *desk)
{
    struct face_state *own = desk->own;

    if (desk->review.away != own->told_away)
        puts(desk->review.away ? "* the daemon does not answer; waiting for it" : "* the daemon is there again");
    own->told_away = desk->review.away;
}

static void prompt(struct desk *desk, const char *words)
{
    struct face_state *own = desk->own;

    fputs(words, stdout);
    fflush(stdout);
    own->prompted = true;
    own->mode = desk->review.mode;
}

/* The comment before the moderator, once all that is known of it is there. */
static void tell_reading(struct desk *desk, int64_t now)
{
    struct face_state *own = desk->own;
    struct review *r = &desk->review;
    const struct card *card = review_current(r);

    if (!card && r->empty_claims == 0)
        return;
    if (!card && !own->told_empty) {
        puts("Nothing waits just now; what comes is told here.");
        own->told_empty = true;
        own->prompted = false;
    }
    if (card && !card->details)
        return;
    if (card && card->serial != own->told) {
        if (own->prompted)
            puts("");
        print_card(desk, card, now);
        own->told = card->serial;
        own->told_empty = own->prompted = false;
    }
    if (!own->prompted)
        prompt(desk, "approve, reject, skip, escalate, undo, help> ");
}

static void tell_rows(struct desk *desk, int64_t now)
{
    struct review *r = &desk->review;
    struct page page = fresh(desk);
    size_t count = r->mode == MODE_LIST ? r->cards.count : json_array_size(r->hits);

    if (r->waiting)
        return;
    if (r->mode == MODE_LIST)
        view_list(&page, r, count, now);
    else
        view_hits(&page, r, count, now);
    for (size_t i = 0; i < page.rows; i++) {
        struct text line = {0};
        say(&line, "%3zu ", i + 1);
        page_say(&line, &page, i);
        put_line(&line, stdout);
    }
    page_free(&page);
    prompt(desk, r->mode == MODE_LIST ? "number to mark, read NUMBER, approve, reject, skip, back> "
                                      : "number to open, back> ");
}

static void tell_paper(struct desk *desk, int64_t now)
{
    struct page page = fresh(desk);

    if (desk->review.waiting)
        return;
    view_paper(&page, &desk->review, now);
    print_page(&page);
    desk_key(desk, KEY_OF_ESCAPE, now);
    tell_reading(desk, now);
}

static void tell_menu(struct desk *desk)
{
    struct page page = fresh(desk);

    if (desk->review.mode == MODE_REASONS)
        view_reasons(&page, &desk->review);
    else
        view_filters(&page, &desk->review);
    print_page(&page);
    prompt(desk, desk->review.mode == MODE_REASONS ? "reasons, by key or code> " : "filter and value, or back> ");
}

static void draw(struct desk *desk, int64_t now)
{
    struct face_state *own = desk->own;
    struct review *r = &desk->review;

    print_connection(desk);
    if (own->notices != r->notices)
        own->prompted = false;
    print_notices(desk);
    if (own->mode != r->mode)
        own->prompted = false;
    if (r->leaving || (own->prompted && r->mode != MODE_READ) || (!review_is_settled(r) && !r->away))
        return;
    if (r->mode == MODE_READ)
        tell_reading(desk, now);
    else if (r->mode == MODE_LIST || r->mode == MODE_HITS)
        tell_rows(desk, now);
    else if (r->mode == MODE_PAPER)
        tell_paper(desk, now);
    else if (r->mode == MODE_EDIT || r->mode == MODE_ASK)
        prompt(desk, view_prompt(r));
    else
        tell_menu(desk);
}

/* ---- being told */

static const struct {
    const char *word;
    int32_t key;
} commands[] = {
    {"approve", 'a'},  {"reject", 'r'}, {"skip", 's'},     {"escalate", 'e'},       {"undo", 'u'},   {"search", '/'},
    {"filter", 'f'},   {"list", 'l'},   {"note", 'n'},     {"history", 'h'},        {"author", 'o'}, {"others", 'A'},
    {"messages", 'm'}, {"next", ']'},   {"previous", '['}, {"back", KEY_OF_ESCAPE}, {"help", '?'},   {"quit", 'q'},
    {"mark", ' '},     {"all", '*'},    {"more", '+'},     {"read", KEY_OF_ENTER},
};

static const struct {
    const char *word;
    int32_t key;
} filters[] = {
    {"site", 's'},  {"article", 'a'},  {"author", 'u'}, {"language", 'l'},
    {"older", 'o'}, {"reported", 'p'}, {"lane", 'e'},   {"none", 'x'},
};

static int32_t key_of(enum mode mode, struct slice word)
{
    if (word.len == 1)
        return word.data[0];
    for (size_t i = 0; mode == MODE_FILTER && i < sizeof(filters) / sizeof(filters[0]); i++)
        if (slice_is(word, filters[i].word))
            return filters[i].key;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (slice_is(word, commands[i].word))
            return commands[i].key;
    return 0;
}

static struct slice next_word(struct slice *rest)
{
    size_t start = 0;

    while (start < rest->len && (rest->data[start] == ' ' || rest->data[start] == ','))
        start++;
    size_t end = start;
    while (end < rest->len && rest->data[end] != ' ' && rest->data[end] != ',')
        end++;
    struct slice word = {rest->data + start, end - start};
    while (end < rest->len && rest->data[end] == ' ')
        end++;
    *rest = (struct slice){rest->data + end, rest->len - end};
    return word;
}

/* Instead of what stood there. An Escape gives it up, and what follows in the line is then no command. */
static void type(struct desk *desk, struct slice text, int64_t now)
{
    if (text.len > 0)
        desk_key(desk, CONTROL('u'), now);
    for (size_t at = 0; at < text.len;) {
        int32_t c = utf8_next(text, &at);
        if (c == KEY_OF_ESCAPE) {
            desk_key(desk, c, now);
            return;
        }
        if (c >= ' ')
            desk_key(desk, c, now);
    }
    desk_key(desk, KEY_OF_ENTER, now);
}

static int32_t reason_key(const struct review *r, struct slice word)
{
    const json_t *reason;

    for (size_t i = 0; (reason = review_reason(r, i)); i++) {
        int32_t key = review_reason_key(i);
        if (slice_equal(look_text(reason, "code"), word) || (word.len == 1 && key != 0 && word.data[0] == key))
            return key;
    }
    return 0;
}

static bool knows_reasons(const struct review *r, struct slice rest)
{
    while (rest.len > 0) {
        struct slice word = next_word(&rest);
        if (word.len > 0 && reason_key(r, word) == 0)
            return false;
    }
    return true;
}

/* Keys or codes. One that is not known chooses nothing, and nothing is rejected for the others. */
static void choose_reasons(struct desk *desk, struct slice rest, int64_t now)
{
    if (!knows_reasons(&desk->review, rest)) {
        puts("* no reason has that key or code");
        return;
    }
    while (rest.len > 0) {
        struct slice word = next_word(&rest);
        if (word.len > 0)
            desk_key(desk, reason_key(&desk->review, word), now);
    }
    desk_key(desk, KEY_OF_ENTER, now);
}

static size_t to_number(struct slice word)
{
    size_t number = 0;

    for (size_t i = 0; i < word.len; i++) {
        if (word.data[i] < '0' || word.data[i] > '9' || number > 100000)
            return 0;
        number = number * 10 + (size_t)(word.data[i] - '0');
    }
    return number;
}

static void go_to_row(struct desk *desk, size_t number, int32_t then, int64_t now)
{
    desk_key(desk, KEY_OF_HOME, now);
    for (size_t i = 1; i < number; i++)
        desk_key(desk, KEY_OF_DOWN, now);
    desk_key(desk, then, now);
}

static void command(struct desk *desk, struct slice line, int64_t now)
{
    struct slice rest = line;
    struct slice word = next_word(&rest);
    enum mode mode = desk->review.mode;
    size_t row = mode == MODE_LIST || mode == MODE_HITS ? to_number(word) : 0;
    int32_t key = word.len > 0 ? key_of(mode, word) : KEY_OF_ENTER;

    if (row > 0) {
        go_to_row(desk, row, mode == MODE_LIST ? ' ' : KEY_OF_ENTER, now);
        return;
    }
    if (key == 0) {
        puts("* there is no such command; help lists them");
        return;
    }
    if (mode == MODE_LIST && key == KEY_OF_ENTER && to_number(rest) > 0)
        go_to_row(desk, to_number(rest), key, now);
    else
        desk_key(desk, key, now);
    if (desk->review.mode == MODE_EDIT && rest.len > 0) {
        type(desk, rest, now);
    } else if (desk->review.mode == MODE_REASONS && rest.len > 0) {
        choose_reasons(desk, rest, now);
    }
}

static void take_line(struct desk *desk, struct slice line, int64_t now)
{
    switch (desk->review.mode) {
    case MODE_EDIT:
        type(desk, line, now);
        break;
    case MODE_REASONS:
        if (line.len == 0 || slice_is(line, "back"))
            desk_key(desk, KEY_OF_ESCAPE, now);
        else
            choose_reasons(desk, line, now);
        break;
    case MODE_ASK:
        desk_key(desk, slice_is(line, "y") || slice_is(line, "yes") ? 'y' : 'n', now);
        break;
    default:
        command(desk, line, now);
    }
}

static bool read_line(struct desk *desk, int64_t now)
{
    struct face_state *own = desk->own;
    struct slice line;
    enum line_status status = lines_next(&own->lines, &line, false);

    if (status == LINE_END || status == LINE_FAILED)
        return false;
    if (status != LINE_HERE)
        return true;
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    own->prompted = false;
    take_line(desk, line, now);
    return true;
}

/* Nobody decides what was not told; what was typed before waits until it is. */
static bool is_told(const struct desk *desk)
{
    const struct face_state *own = desk->own;
    const struct card *card = review_current(&desk->review);

    return desk->review.mode != MODE_READ || !card || card->serial == own->told;
}

static enum appetite ready(const struct desk *desk)
{
    const struct face_state *own = desk->own;

    if (!own->prompted || !is_told(desk))
        return READS_NOT;
    return own->lines.end > own->lines.start &&
                   memchr(own->lines.data + own->lines.start, '\n', own->lines.end - own->lines.start)
               ? READS_ONCE
               : READS;
}

static void resized(struct desk *desk)
{
    (void)desk;
}

static void suspend(struct desk *desk)
{
    (void)desk;
    kill(0, SIGTSTP);
}

int plain_review(struct desk *desk)
{
    static const struct face face = {draw, read_line, ready, resized, suspend};
    struct face_state own = {0};

    lines_open(&own.lines, STDIN_FILENO);
    int code = desk_run(desk, &face, &own);
    lines_close(&own.lines);
    return code;
}
