#include "place.h"

#include <string.h>

static void keep(char *to, size_t size, struct slice text)
{
    size_t len = text.len < size ? text.len : size - 1;

    if (len)
        memcpy(to, text.data, len);
    to[len] = '\0';
}

struct slice place_language(struct slice language)
{
    for (size_t i = 0; i < language.len; i++)
        if (language.data[i] <= 0) /* NUL, or no ASCII */
            return SLICE_LIT("");
    return language.data ? language : SLICE_LIT("");
}

void place_keep(struct store_comment *comment, struct slice article, struct slice author, struct slice language)
{
    keep(comment->article, sizeof(comment->article), article);
    keep(comment->author, sizeof(comment->author), author);
    keep(comment->language, sizeof(comment->language), place_language(language));
}
