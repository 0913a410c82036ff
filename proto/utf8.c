#include "utf8.h"

static int continuation(struct slice text, size_t at, unsigned lo, unsigned hi)
{
    if (at >= text.len)
        return -1;
    unsigned char c = (unsigned char)text.data[at];
    return c >= lo && c <= hi ? c & 0x3f : -1;
}

int32_t utf8_next(struct slice text, size_t *at)
{
    unsigned char lead = (unsigned char)text.data[(*at)++];
    unsigned lo = 0x80;
    unsigned hi = 0xbf;
    int more;
    int32_t c;

    if (lead < 0x80)
        return lead;
    if (lead >= 0xc2 && lead <= 0xdf) {
        more = 1;
        c = lead & 0x1f;
    } else if (lead >= 0xe0 && lead <= 0xef) {
        more = 2;
        c = lead & 0x0f;
        lo = lead == 0xe0 ? 0xa0 : 0x80;
        hi = lead == 0xed ? 0x9f : 0xbf;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
        more = 3;
        c = lead & 0x07;
        lo = lead == 0xf0 ? 0x90 : 0x80;
        hi = lead == 0xf4 ? 0x8f : 0xbf;
    } else {
        return -1;
    }
    for (; more > 0; more--, lo = 0x80, hi = 0xbf) {
        int bits = continuation(text, *at, lo, hi);
        if (bits < 0)
            return -1;
        c = (c << 6) | bits;
        (*at)++;
    }
    return c;
}

/* Skips eight ASCII bytes at a time: most text is mostly that. */
static size_t skip_ascii(struct slice text, size_t at)
{
    uint64_t word;

    while (at + sizeof(word) <= text.len) {
        memcpy(&word, text.data + at, sizeof(word));
        if (word & 0x8080808080808080u)
            break;
        at += sizeof(word);
    }
    return at;
}

bool utf8_valid(struct slice text, size_t *bad)
{
    for (size_t at = skip_ascii(text, 0); at < text.len;) {
        size_t start = at;
        if (utf8_next(text, &at) < 0) {
            if (bad)
                *bad = start;
            return false;
        }
        if ((unsigned char)text.data[start] < 0x80)
            at = skip_ascii(text, at);
    }
    return true;
}

bool utf8_is_control(int32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f);
}
