#include "html.h"

void html_escape(struct text *out, struct slice rendered)
{
    static const struct {
        char c;
        struct slice as;
    } marks[] = {
        {'&', {"&amp;", 5}}, {'<', {"&lt;", 4}}, {'>', {"&gt;", 4}}, {'"', {"&quot;", 6}}, {'\'', {"&#39;", 5}}};

    for (size_t i = 0; i < rendered.len; i++) {
        struct slice as = {rendered.data + i, 1};
        for (size_t j = 0; j < sizeof(marks) / sizeof(marks[0]); j++)
            if (rendered.data[i] == marks[j].c)
                as = marks[j].as;
        text_append(out, as);
    }
}

void html_quoted(struct text *out, struct slice untrusted)
{
    struct text rendered = {0};

    render_line(&rendered, untrusted);
    html_escape(out, text_slice(&rendered));
    out->failed |= rendered.failed;
    text_free(&rendered);
}

void html_text(struct text *out, struct slice untrusted)
{
    text_append(out, SLICE_LIT("<bdi>"));
    html_quoted(out, untrusted);
    text_append(out, SLICE_LIT("</bdi>"));
}
