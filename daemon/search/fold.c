#include "fold.h"

#include <pthread.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "../../proto/utf8.h"

/* Most characters of most texts are below TABLE and become one character or none: those are looked up. */
enum { TABLE = 0x3000, SLOW = 0xffff, LONGEST = 32, UTF8_LONGEST = 4 };

static uint16_t table[TABLE];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

/* Letters that stand for one another and that Unicode does not decompose. */
static const struct {
    uint16_t from, to;
} letters[] = {
    {0x00f8, 'o'},    {0x0111, 'd'},    {0x0127, 'h'},    {0x0131, 'i'},    {0x0142, 'l'},    {0x0167, 't'},
    {0x0640, 0},                                                            /* tatweel */
    {0x0671, 0x0627}, {0x0672, 0x0627}, {0x0673, 0x0627}, {0x0675, 0x0627}, /* alef */
    {0x0649, 0x064a}, {0x06cc, 0x064a}, {0x06cd, 0x064a}, {0x06ce, 0x064a}, {0x06d0, 0x064a}, {0x06d2, 0x064a}, /* ye */
    {0x06a9, 0x0643}, {0x06aa, 0x0643},                                                       /* kaf */
    {0x0629, 0x0647}, {0x06be, 0x0647}, {0x06c1, 0x0647}, {0x06c3, 0x0647}, {0x06d5, 0x0647}, /* heh */
    {0x0695, 0x0631}, {0x06b5, 0x0644},                                                       /* Sorani reh and lam */
    {0x06c6, 0x0648}, {0x06c7, 0x0648}, {0x06c8, 0x0648}, {0x06cb, 0x0648},                   /* waw */
};

static int32_t letter(int32_t c)
{
    if (c >= 0x0660 && c <= 0x0669)
        return '0' + (c - 0x0660);
    if (c >= 0x06f0 && c <= 0x06f9)
        return '0' + (c - 0x06f0);
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
        if (letters[i].from == c)
            return letters[i].to;
    return c;
}

static bool is_space(int32_t c)
{
    utf8proc_category_t category = utf8proc_category(c);

    return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP ||
           category == UTF8PROC_CATEGORY_CC;
}

/* What one character becomes. Returns how many; 0: it is dropped. */
static int fold_slowly(int32_t c, int32_t folded[LONGEST])
{
    int boundary = 0;
    int n = 0;

    if (c < 0 || is_space(c)) {
        folded[0] = ' ';
        return 1;
    }
    if (utf8proc_category(c) == UTF8PROC_CATEGORY_CF)
        return 0;
    utf8proc_ssize_t got = utf8proc_decompose_char(
        c, folded, LONGEST,
        UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_STRIPMARK | UTF8PROC_IGNORE, &boundary);
    for (int i = 0; i < got && i < LONGEST; i++) {
        int32_t to = letter(folded[i]);
        if (to)
            folded[n++] = to;
    }
    return n;
}

static void make_table(void)
{
    int32_t folded[LONGEST];

    for (int32_t c = 0; c < TABLE; c++) {
        int n = fold_slowly(c, folded);
        table[c] = n == 0 ? 0 : n == 1 && folded[0] < SLOW ? (uint16_t)folded[0] : SLOW;
    }
}

static int fold_one(int32_t c, int32_t folded[LONGEST])
{
    if (c < 0 || c >= TABLE || table[c] == SLOW)
        return fold_slowly(c, folded);
    folded[0] = table[c];
    return table[c] != 0;
}

static size_t put(char *to, int32_t c)
{
    if (c >= 0x80)
        return (size_t)utf8proc_encode_char(c, (utf8proc_uint8_t *)to);
    *to = (char)c;
    return 1;
}

/* Writes what `c` becomes to `to`, which has room. A space waits in *space until something follows it. */
static size_t put_folded(char *to, int32_t c, bool first, bool *space)
{
    int32_t folded[LONGEST] = {0};
    size_t len = 0;

    int n = fold_one(c, folded);

    for (int i = 0; i < n; i++) {
        if (folded[i] == ' ') {
            *space = *space || !first || len > 0;
            continue;
        }
        if (*space)
            to[len++] = ' ';
        *space = false;
        len += put(to + len, folded[i]);
    }
    return len;
}

enum { ROOM = (LONGEST * 2) * UTF8_LONGEST };

static bool make_room(struct fold *fold, size_t bytes)
{
    if (fold->cap - fold->len >= bytes)
        return true;
    size_t cap = (fold->len + bytes) * 2;
    char *data = realloc(fold->data, cap);
    if (!data)
        return false;
    fold->data = data;
    fold->cap = cap;
    return true;
}

bool fold_text(struct fold *fold, struct slice text)
{
    bool space = false;

    pthread_once(&table_once, make_table);
    fold->len = 0;
    for (size_t at = 0; at < text.len;) {
        if (!make_room(fold, ROOM))
            return false;
        fold->len += put_folded(fold->data + fold->len, utf8_next(text, &at), fold->len == 0, &space);
    }
    return true;
}

struct slice fold_slice(const struct fold *fold)
{
    return (struct slice){fold->data ? fold->data : "", fold->len};
}

void fold_free(struct fold *fold)
{
    free(fold->data);
    *fold = (struct fold){0};
}

void fold_place(struct slice text, size_t at, size_t len, size_t *from, size_t *to)
{
    char scratch[ROOM];
    bool space = false;
    bool begun = false;
    size_t folded = 0;

    pthread_once(&table_once, make_table);
    *from = *to = text.len;
    for (size_t i = 0; i < text.len;) {
        size_t start = i;
        size_t more = put_folded(scratch, utf8_next(text, &i), folded == 0, &space);
        if (folded >= at + len && (more > 0 || space))
            break;
        folded += more;
        if (!begun && folded > at) {
            begun = true;
            *from = start;
        }
        if (begun)
            *to = i;
    }
}
