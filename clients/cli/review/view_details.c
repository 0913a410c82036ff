/* What is known besides the text: reports, changes, the author, notes, who saw it, urgency. */
#include "../say.h"
#include "../when.h"
#include "proto/utf8.h"
#include "view.h"

enum { LEAD = 5, CHANGE_ROWS = 6, LAST_MOST = 5, SEEN_MOST = 6, CONTEXT = 24 };

static void part(struct text *out, const char *before, struct slice untrusted)
{
    if (untrusted.data)
        say(out, "%s", before);
    text_append(out, untrusted);
}

static void rows_of(struct page *page, enum style style, struct text *untrusted, size_t most)
{
    page_wrap(page, 0, page->columns, style, text_slice(untrusted), most);
    text_free(untrusted);
}

/* What is ours, such as an age, stands in a column of its own before what others wrote: in one line with it the order
 * of Arabic text would take it along. */
static void entry(struct page *page, enum style style, size_t column, const char *lead, struct text *untrusted,
                  size_t most)
{
    size_t first = page->rows;

    page_wrap(page, column, page->columns - column, style, text_slice(untrusted), most);
    if (page->rows == first)
        page_row(page);
    page_put(page, first, 0, column, STYLE_DIM, slice_of(lead));
    text_free(untrusted);
}

static void aged(struct page *page, enum style style, int64_t then, int64_t now, struct text *untrusted, size_t most)
{
    struct text age = {0};

    say_since(&age, then, now);
    text_append(&age, (struct slice){"", 1});
    entry(page, style, LEAD, age.data ? age.data : "", untrusted, most);
    text_free(&age);
}

/* ---- reports */

static void view_reports(struct page *page, const struct review *r, const struct card *card, int64_t now)
{
    const json_t *reports = look_list(card->details, "reported");
    struct slice site = look_text(card->card, "site");

    if (json_array_size(reports) == 0)
        return;
    view_head(page, "Reports by readers (%zu)", json_array_size(reports));
    for (size_t i = 0; i < json_array_size(reports); i++) {
        const json_t *report = json_array_get(reports, i);
        struct slice reason = look_text(report, "reason");
        struct text line = {0};
        text_append(&line, reason.data ? review_title_of(r, site, reason) : SLICE_LIT("no reason given"));
        part(&line, ": ", look_text(report, "note"));
        aged(page, STYLE_PLAIN, look_int(report, "at", now), now, &line, 3);
    }
}

/* ---- what changed */

static size_t common_start(struct slice a, struct slice b)
{
    size_t same = 0;

    while (same < a.len && same < b.len && a.data[same] == b.data[same])
        same++;
    while (same > 0 && same < a.len && a.data[same - 1] != ' ' && a.data[same - 1] != '\n')
        same--;
    return same;
}

static size_t common_end(struct slice a, struct slice b, size_t start)
{
    size_t same = 0;

    while (same < a.len - start && same < b.len - start && a.data[a.len - 1 - same] == b.data[b.len - 1 - same])
        same++;
    while (same > 0 && a.data[a.len - same] != ' ' && a.data[a.len - same] != '\n')
        same--;
    return same;
}

/* Some words earlier, in the same line: what changed is understood by what stands around it. */
static size_t context_before(struct slice text, size_t at)
{
    size_t from = at;

    for (size_t back = at; back > 0 && at - back < CONTEXT && text.data[back - 1] != '\n'; back--)
        if (back == 1 || text.data[back - 2] == ' ' || text.data[back - 2] == '\n')
            from = back - 1;
    return from;
}

/* The same for what follows: how much of the end is left out. */
static size_t context_after(struct slice text, size_t end)
{
    size_t left = end;

    for (size_t on = end; on > 0 && end - on < CONTEXT && text.data[text.len - on] != '\n'; on--)
        if (on == 1 || text.data[text.len - on + 1] == ' ' || text.data[text.len - on + 1] == '\n')
            left = on - 1;
    return left;
}

static void change(struct page *page, enum style style, const char *sign, struct slice body, size_t start, size_t end)
{
    struct text line = {0};

    say(&line, "%s", start > 0 ? "\u2026 " : "");
    text_append(&line, (struct slice){body.data + start, body.len - start - end});
    say(&line, "%s", end > 0 ? " \u2026" : "");
    entry(page, style, 2, sign, &line, CHANGE_ROWS);
}

/* From the first word that differs to the last one. */
static void view_changes(struct page *page, const struct card *card)
{
    const json_t *before = look_in(card->details, "before");
    struct slice was = look_text(before, "body");
    struct slice is = look_text(card->card, "body");

    if (!was.data || !is.data)
        return;
    size_t start = common_start(was, is);
    size_t end = common_end(was, is, start);
    start = context_before(was, start);
    end = context_after(was, end);
    view_head(page, "Changed since revision %lld", (long long)look_int(before, "revision", 0));
    change(page, STYLE_BAD, "-", was, start, end);
    change(page, STYLE_GOOD, "+", is, start, end);
}

/* ---- the author */

static void say_counts(struct text *out, const json_t *record)
{
    static const char *const words[] = {"approved", "rejected", "pending", "withdrawn"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        int64_t count = look_int(record, words[i], 0);
        if (count > 0)
            say(out, "%s%lld %s", out->len ? ", " : "", (long long)count, words[i]);
    }
    if (out->len == 0)
        say(out, "nothing before");
}

static void view_rejected_for(struct page *page, const struct review *r, const json_t *record)
{
    const json_t *reasons = look_list(record, "reasons");

    for (size_t i = 0; i < json_array_size(reasons); i++) {
        const json_t *one = json_array_get(reasons, i);
        struct text line = {0};
        say(&line, "rejected %lld\u00d7 for ", (long long)look_int(one, "count", 0));
        text_append(&line, review_title_of(r, look_text(record, "site"), look_text(one, "reason")));
        rows_of(page, STYLE_PLAIN, &line, 2);
    }
}

static void view_mark(struct page *page, const json_t *record, int64_t now)
{
    struct slice mark = look_text(record, "mark");
    struct text line = {0};

    if (!mark.data || slice_is(mark, "none"))
        return;
    enum style style = slice_is(mark, "trusted") ? STYLE_GOOD : STYLE_WARN;
    text_append(&line, mark);
    if (look_int(record, "mark_until", -1) >= 0) {
        say(&line, " until ");
        when_say_short(&line, look_int(record, "mark_until", 0), now);
    }
    part(&line, " by ", look_text(record, "marked_by"));
    rows_of(page, style, &line, 2);
    part(&line, "", look_text(record, "mark_note"));
    if (line.len > 0)
        entry(page, style, 2, "", &line, 4);
}

static void view_last(struct page *page, const json_t *record, const struct card *card, int64_t now)
{
    const json_t *last = look_list(record, "last");
    size_t shown = 0;

    for (size_t i = 0; i < json_array_size(last) && shown < LAST_MOST; i++) {
        const json_t *one = json_array_get(last, i);
        struct text line = {0};
        if (card && slice_equal(look_text(one, "comment"), look_text(card->card, "comment")))
            continue;
        bool rejected = look_is(one, "state", "rejected");
        size_t row = page->rows;
        part(&line, "", look_text(one, "start"));
        entry(page, rejected ? STYLE_BAD : STYLE_DIM, LEAD + 2, "", &line, 2);
        say_since(&line, look_int(one, "received_at", now), now);
        page_put(page, row, 0, LEAD, STYLE_DIM, text_slice(&line));
        page_put(page, row, LEAD, 1, rejected ? STYLE_BAD : STYLE_DIM,
                 rejected                            ? SLICE_LIT("\u2717")
                 : look_is(one, "state", "approved") ? SLICE_LIT("\u2713")
                                                     : SLICE_LIT("\u00b7"));
        text_free(&line);
        shown++;
    }
}

void view_record(struct page *page, const struct review *r, const json_t *record, const struct card *card, int64_t now)
{
    struct text line = {0};
    struct slice name = look_text(record, "name");

    if (!record)
        return;
    part(&line, "", name.data ? name : look_text(record, "author"));
    rows_of(page, STYLE_BOLD, &line, 2);
    view_mark(page, record, now);
    say_counts(&line, record);
    if (look_int(record, "first_at", -1) >= 0) {
        say(&line, ", here for ");
        say_since(&line, look_int(record, "first_at", now), now);
    }
    rows_of(page, STYLE_PLAIN, &line, 2);
    view_rejected_for(page, r, record);
    view_last(page, record, card, now);
}

/* ---- others */

static void view_notes(struct page *page, const struct card *card, int64_t now)
{
    const json_t *notes = look_list(card->details, "notes");

    if (json_array_size(notes) > 0)
        view_head(page, "Notes");
    for (size_t i = 0; i < json_array_size(notes); i++) {
        const json_t *note = json_array_get(notes, i);
        struct text line = {0};
        part(&line, "", look_text(note, "by"));
        part(&line, ": ", look_text(note, "note"));
        aged(page, STYLE_PLAIN, look_int(note, "at", now), now, &line, 6);
    }
}

/* That one holds it oneself is no news. */
static bool is_own_hold(const struct review *r, const json_t *seen)
{
    struct slice you = look_text(r->you, "you");
    bool hold = look_is(seen, "kind", "claimed") || look_is(seen, "kind", "released");

    return hold && you.data && slice_equal(you, look_text(seen, "by"));
}

static void view_seen(struct page *page, const struct review *r, const struct card *card, int64_t now)
{
    const json_t *seen = look_list(card->details, "seen");
    size_t shown = 0;

    for (size_t i = 0; i < json_array_size(seen) && shown < SEEN_MOST; i++) {
        const json_t *one = json_array_get(seen, i);
        struct text line = {0};
        if (is_own_hold(r, one))
            continue;
        if (shown++ == 0)
            view_head(page, "Seen by");
        part(&line, "", look_text(one, "by"));
        part(&line, " ", look_text(one, "kind"));
        aged(page, STYLE_DIM, look_int(one, "at", now), now, &line, 1);
    }
}

static const char *urgent_word(const json_t *one)
{
    static const char *const words[][2] = {
        {"target", "to decide"},
        {"reports", "for reports"},
        {"front_page", "front page"},
        {"watched", "the author is watched"},
        {"trusted", "the author is trusted"},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (look_is(one, "what", words[i][0]))
            return words[i][1];
    return NULL;
}

static void view_urgent(struct page *page, const json_t *one, int64_t now)
{
    int64_t ms = look_int(one, "ms", 0);
    const char *word = urgent_word(one);
    struct text line = {0};

    if (look_is(one, "what", "received")) {
        when_say_short(&line, ms, now);
        say(&line, " received");
    } else {
        say(&line, "%s %lldm ", ms < 0 ? "\u2212" : "+", (long long)((ms < 0 ? -ms : ms) / 60000));
        text_append(&line, word ? slice_of(word) : look_text(one, "what"));
    }
    rows_of(page, STYLE_DIM, &line, 1);
}

/* The sum that makes the time by which it is due. */
static void view_urgency(struct page *page, const struct card *card, int64_t now)
{
    const json_t *urgency = look_list(card->card, "urgency");
    struct text line = {0};

    if (json_array_size(urgency) == 0)
        return;
    view_head(page, "Urgency");
    for (size_t i = 0; i < json_array_size(urgency); i++)
        view_urgent(page, json_array_get(urgency, i), now);
    say(&line, "= ");
    when_say_short(&line, look_int(card->card, "due_at", 0), now);
    say(&line, " due");
    rows_of(page, STYLE_PLAIN, &line, 1);
}

void view_details(struct page *page, const struct review *r, const struct card *card, int64_t now)
{
    if (!card->details) {
        view_head(page, "\u2026");
        return;
    }
    view_reports(page, r, card, now);
    view_changes(page, card);
    view_notes(page, card, now);
    if (look_in(card->details, "author_record"))
        view_head(page, "Author");
    view_record(page, r, look_in(card->details, "author_record"), card, now);
    view_seen(page, r, card, now);
    view_urgency(page, card, now);
}
