#include "plot.h"

#include <langinfo.h>
#include <string.h>

bool plot_has_blocks(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static void repeat(struct text *out, struct slice what, size_t count)
{
    while (count-- > 0)
        text_append(out, what);
}

void plot_bar(struct text *out, int64_t value, int64_t most, size_t columns, bool blocks)
{
    static const char *const eighths[] = {"", "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a", "\u2589"};
    size_t parts = blocks ? 8 : 1;

    if (value <= 0 || most <= 0)
        return;
    double share = value < most ? (double)value / (double)most : 1;
    size_t length = (size_t)(share * (double)(columns * parts) + 0.5);
    length = length ? length : 1;
    repeat(out, blocks ? SLICE_LIT("\u2588") : SLICE_LIT("#"), length / parts);
    if (blocks)
        text_append(out, slice_of(eighths[length % parts]));
}
