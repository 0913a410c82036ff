#include "edit.h"

#include <string.h>

#include "proto/utf8.h"

void edit_set(struct edit *edit, struct slice text)
{
    edit->text.len = 0;
    text_append(&edit->text, text);
    edit->at = edit->text.len;
}

void edit_free(struct edit *edit)
{
    text_free(&edit->text);
    edit->at = 0;
}

static size_t encode(char bytes[4], int32_t c)
{
    if (c < 0x80) {
        bytes[0] = (char)c;
        return 1;
    }
    size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char heads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len; i-- > 1; c >>= 6)
        bytes[i] = (char)(0x80 | (c & 0x3f));
    bytes[0] = (char)(heads[len] | c);
    return len;
}

/* Takes the bytes from `from` to `to` out; the cursor is then where they were. */
static bool cut(struct edit *edit, size_t from, size_t to)
{
    if (from == to)
        return false;
    memmove(edit->text.data + from, edit->text.data + to, edit->text.len - to);
    edit->text.len -= to - from;
    edit->at = from;
    return true;
}

static bool insert(struct edit *edit, int32_t c, size_t bytes_max)
{
    char bytes[4];
    size_t len = encode(bytes, c);
    size_t behind = edit->text.len - edit->at;

    if (edit->text.len + len > bytes_max)
        return false;
    text_append(&edit->text, (struct slice){bytes, len});
    if (edit->text.failed)
        return false;
    memmove(edit->text.data + edit->at + len, edit->text.data + edit->at, behind);
    memcpy(edit->text.data + edit->at, bytes, len);
    edit->at += len;
    return true;
}

static bool continues(const struct edit *edit, size_t at)
{
    return at < edit->text.len && ((unsigned char)edit->text.data[at] & 0xc0) == 0x80;
}

static size_t before(const struct edit *edit, size_t at)
{
    if (at > 0)
        do
            at--;
        while (at > 0 && continues(edit, at));
    return at;
}

static size_t after(const struct edit *edit, size_t at)
{
    if (at < edit->text.len)
        do
            at++;
        while (continues(edit, at));
    return at;
}

static size_t word_before(const struct edit *edit, size_t at)
{
    while (at > 0 && edit->text.data[at - 1] == ' ')
        at--;
    while (at > 0 && edit->text.data[at - 1] != ' ')
        at--;
    return at;
}

static bool move(struct edit *edit, size_t to)
{
    bool moved = to != edit->at;

    edit->at = to;
    return moved;
}

bool edit_key(struct edit *edit, int32_t key, size_t bytes_max)
{
    switch (key) {
    case KEY_OF_BACKSPACE:
    case CONTROL('h'):
        return cut(edit, before(edit, edit->at), edit->at);
    case KEY_OF_DELETE:
        return cut(edit, edit->at, after(edit, edit->at));
    case CONTROL('u'):
        return cut(edit, 0, edit->at);
    case CONTROL('k'):
        return cut(edit, edit->at, edit->text.len);
    case CONTROL('w'):
        return cut(edit, word_before(edit, edit->at), edit->at);
    case KEY_OF_LEFT:
        return move(edit, before(edit, edit->at));
    case KEY_OF_RIGHT:
        return move(edit, after(edit, edit->at));
    case KEY_OF_HOME:
    case CONTROL('a'):
        return move(edit, 0);
    case KEY_OF_END:
    case CONTROL('e'):
        return move(edit, edit->text.len);
    default:
        return key >= ' ' && key < KEY_OF_UP && !utf8_is_control(key) && insert(edit, key, bytes_max);
    }
}
