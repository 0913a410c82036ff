/* What is typed: notes, searches, filters. */
#include <stdlib.h>

#include "../say.h"
#include "../when.h"
#include "inside.h"

void typing_begin(struct review *r, enum editing editing, struct slice text)
{
    r->editing = editing;
    r->mode = MODE_EDIT;
    edit_set(&r->edit, text);
}

static void send_note(struct review *r, struct slice note, int64_t now)
{
    const json_t *target = json_array_get(r->targets, 0);
    json_t *fields = name_of(target);

    put_text_key(fields, "note", note);
    ask(r, WISH_NOTE, NULL, fields, name_of(target), now);
    go_back(r);
}

static void send_search(struct review *r, struct slice text, int64_t now)
{
    json_t *fields = json_object();

    put_text_key(fields, "text", text);
    put_text_key(fields, "site", slice_of(r->filter.text[FILTER_SITE]));
    json_object_set_new(fields, "limit", json_integer(100));
    free(r->searched);
    r->searched = strndup(text.data, text.len);
    json_decref(r->hits);
    r->hits = NULL;
    r->hit_at = 0;
    r->mode = MODE_HITS;
    r->waiting = true;
    ask(r, WISH_SEARCH, NULL, fields, NULL, now);
}

static bool to_number(struct slice text, int64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || *number > 100000)
            return false;
        *number = *number * 10 + (text.data[i] - '0');
    }
    return true;
}

static bool to_age(struct slice text, int64_t *ms)
{
    char word[24];

    *ms = 0;
    if (text.len == 0)
        return true;
    if (text.len >= sizeof(word))
        return false;
    memcpy(word, text.data, text.len);
    word[text.len] = '\0';
    return when_parse_span(word, ms);
}

/* An article's and an author's id mean something in their site only. */
static bool set_in_site(struct review *r, enum filter_text which, struct slice text, int64_t now)
{
    const struct card *card = review_current(r);

    if (text.len > 0 && !r->filter.text[FILTER_SITE]) {
        if (!card) {
            notice_add(r, true, now, "choose a site first");
            return false;
        }
        filter_set(&r->filter, FILTER_SITE, look_text(card->card, "site"));
    }
    return filter_set(&r->filter, which, text);
}

static bool set_filter(struct review *r, struct slice text, int64_t now)
{
    switch (r->editing) {
    case EDIT_SITE:
        return filter_set(&r->filter, FILTER_SITE, text);
    case EDIT_ARTICLE:
        return set_in_site(r, FILTER_ARTICLE, text, now);
    case EDIT_AUTHOR:
        return set_in_site(r, FILTER_AUTHOR, text, now);
    case EDIT_LANGUAGE:
        return filter_set(&r->filter, FILTER_LANGUAGE, text);
    case EDIT_AGE:
        if (to_age(text, &r->filter.older_ms))
            return true;
        notice_add(r, true, now, "such as 30m, 12h or 7d");
        return false;
    case EDIT_REPORTS:
        if (to_number(text, &r->filter.reported))
            return true;
        notice_add(r, true, now, "a number, such as 2");
        return false;
    default:
        return false;
    }
}

static void finish(struct review *r, int64_t now)
{
    struct slice text = text_slice(&r->edit.text);

    switch (r->editing) {
    case EDIT_REJECT:
    case EDIT_ESCALATE:
        if (r->editing == EDIT_REJECT && text.len == 0)
            notice_add(r, true, now, "a note is needed; Escape leaves the comment undecided");
        else
            judge_send(r, text, now);
        return;
    case EDIT_NOTE:
        if (text.len > 0)
            send_note(r, text, now);
        else
            go_back(r);
        return;
    case EDIT_SEARCH:
        if (text.len > 0)
            send_search(r, text, now);
        else
            go_back(r);
        return;
    default:
        if (set_filter(r, text, now))
            flow_filter(r, now);
    }
}

void typing_key(struct review *r, int32_t key, int64_t now)
{
    size_t most = r->editing == EDIT_SEARCH ? SEARCH_BYTES_MAX : NOTE_BYTES_MAX;

    if (key == KEY_OF_ENTER)
        finish(r, now);
    else
        edit_key(&r->edit, key, most);
}

/* ---- the menu of filters */

static void edit_filter(struct review *r, enum editing editing, enum filter_text which, struct slice otherwise)
{
    struct slice now = slice_of(r->filter.text[which]);
    typing_begin(r, editing, now.data ? now : otherwise);
}

static void edit_count(struct review *r, enum editing editing, int64_t number, const char *unit)
{
    struct text text = {0};

    if (number > 0)
        say(&text, "%lld%s", (long long)number, unit);
    typing_begin(r, editing, text_slice(&text));
    text_free(&text);
}

/* What is offered first is what the comment before the moderator has. */
void filter_key(struct review *r, int32_t key, int64_t now)
{
    const struct card *card = review_current(r);
    const json_t *it = card ? card->card : NULL;

    switch (key) {
    case 's':
        edit_filter(r, EDIT_SITE, FILTER_SITE, look_text(it, "site"));
        break;
    case 'a':
        edit_filter(r, EDIT_ARTICLE, FILTER_ARTICLE, look_text(look_in(it, "article"), "id"));
        break;
    case 'u':
        edit_filter(r, EDIT_AUTHOR, FILTER_AUTHOR, look_text(look_in(it, "author"), "id"));
        break;
    case 'l':
        edit_filter(r, EDIT_LANGUAGE, FILTER_LANGUAGE, look_text(it, "language"));
        break;
    case 'o':
        edit_count(r, EDIT_AGE, r->filter.older_ms / 60000, "m");
        break;
    case 'p':
        edit_count(r, EDIT_REPORTS, r->filter.reported ? r->filter.reported : 1, "");
        break;
    case 'e':
        r->filter.escalated = !r->filter.escalated;
        flow_filter(r, now);
        break;
    case 'x':
        filter_free(&r->filter);
        flow_filter(r, now);
        break;
    default:
        notice_add(r, true, now, "no filter has that key");
    }
}
