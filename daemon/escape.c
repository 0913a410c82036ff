#include "escape.h"

#include <stdio.h>

#include "../proto/utf8.h"

/* Ends of lines besides LF, and what sets the direction of the text after it. */
static bool ends_or_turns(int32_t c)
{
    return c == 0x2028 || c == 0x2029 || c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

void escape_text(const char *text, char *escaped, size_t size)
{
    struct slice all = slice_of(text);
    char *to = escaped;
    char *end = escaped + size - 1;

    for (size_t i = 0; i < all.len;) {
        size_t start = i;
        int32_t c = utf8_next(all, &i);
        bool plain = c >= 0 && !utf8_is_control(c) && !ends_or_turns(c);
        if ((size_t)(end - to) < (plain ? 1 : 4) * (i - start))
            break;
        for (; start < i; start++)
            if (plain)
                *to++ = all.data[start];
            else
                to += sprintf(to, "\\x%02X", (unsigned)(unsigned char)all.data[start]);
    }
    *to = '\0';
}
