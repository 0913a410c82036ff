#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../say.h"
#include "../when.h"
#include "inside.h"

static bool grow(struct review *r)
{
    size_t cap = r->notices_cap ? 2 * r->notices_cap : 16;

    if (r->notices < r->notices_cap)
        return true;
    struct notice *notice = realloc(r->notice, cap * sizeof(struct notice));
    if (!notice)
        return false;
    r->notice = notice;
    r->notices_cap = cap;
    return true;
}

void notice_text(struct review *r, bool trouble, int64_t now, struct text *text)
{
    char *copy = text->len > 0 ? strndup(text->data, text->len) : NULL;

    text_free(text);
    if (copy && r->notices > 0 && strcmp(r->notice[r->notices - 1].text, copy) == 0)
        free(r->notice[--r->notices].text); /* the same again is told once */
    if (!copy || !grow(r)) {
        free(copy);
        return;
    }
    r->notice[r->notices++] = (struct notice){copy, now, trouble};
    r->notice_read = false;
}

void notice_add(struct review *r, bool trouble, int64_t now, const char *format, ...)
{
    struct text text = {0};
    char *line = NULL;
    va_list args;

    va_start(args, format);
    int len = vasprintf(&line, format, args);
    va_end(args);
    if (len < 0)
        return;
    text_append(&text, (struct slice){line, (size_t)len});
    free(line);
    notice_text(r, trouble, now, &text);
}

const struct notice *review_notice(const struct review *r, int64_t now)
{
    const struct notice *last = r->notices > 0 ? &r->notice[r->notices - 1] : NULL;

    if (!last || r->notice_read || (!last->trouble && now - last->at > NOTICE_MS))
        return NULL;
    return last;
}

void say_comment(struct text *out, const json_t *name)
{
    text_append(out, look_text(name, "site"));
    say(out, "/");
    text_append(out, look_text(name, "comment"));
}

static void say_reasons(struct text *out, const json_t *reasons)
{
    for (size_t i = 0; i < json_array_size(reasons); i++) {
        say(out, "%s", i ? ", " : " (");
        text_append(out, look_string(json_array_get(reasons, i)));
    }
    say(out, "%s", json_array_size(reasons) > 0 ? ")" : "");
}

static void say_decided(struct text *out, const json_t *error)
{
    int64_t at = look_int(error, "at", -1);

    say(out, "already ");
    text_append(out, look_text(error, "decision"));
    if (look_text(error, "by").data) {
        say(out, " by ");
        text_append(out, look_text(error, "by"));
    }
    if (at >= 0) {
        say(out, " at ");
        when_say_short(out, at, when_now());
    }
    say_reasons(out, look_list(error, "reasons"));
}

static void say_claimed(struct text *out, const json_t *error)
{
    int64_t until = look_int(error, "until", -1);

    say(out, "held by ");
    text_append(out, look_text(error, "by"));
    if (until >= 0) {
        say(out, " until ");
        when_say_short(out, until, when_now());
    }
}

void say_error(struct text *out, const json_t *error)
{
    if (look_is(error, "name", "already_decided"))
        say_decided(out, error);
    else if (look_is(error, "name", "claimed") && look_text(error, "by").data)
        say_claimed(out, error);
    else if (look_is(error, "name", "stale_revision"))
        say(out, "the author has changed it since; read it again");
    else if (look_is(error, "name", "not_current"))
        say(out, "something came after that decision, so it cannot be undone here");
    else if (look_is(error, "name", "withdrawn"))
        say(out, "its author took it back");
    else if (look_is(error, "name", "erased"))
        say(out, "it was erased");
    else if (look_is(error, "name", "unknown_operation"))
        say(out, "this daemon does not know how to do that; it is older than this modq");
    else
        text_append(out, look_text(error, "message"));
}
