#include "around.h"

#include "changes.h"
#include "record.h"
#include "rows.h"
#include "when.h"

/* ---- what it answers */

void around_say_parent(const struct app *app, struct text *out, const struct modq_value *answer)
{
    const struct modq_value *parent = modq_get(answer, "parent_card");
    const struct modq_value *author = modq_get(parent, "author");
    struct text line = {0};

    if (!parent)
        return;
    text_append(&line, value_slice(modq_get(parent, "state")));
    if (author) {
        say(&line, ", by ");
        text_append(&line, value_slice(modq_get(author, modq_get(author, "name") ? "name" : "id")));
    }
    rows_wrapped(app, out, "", text_slice(&line));
    rows_wrapped(app, out, "", value_slice(modq_get(parent, "body")));
    text_free(&line);
}

/* ---- the author */

void around_say_record(const struct app *app, struct text *out, const struct modq_value *answer)
{
    const struct modq_value *record = modq_get(answer, "author_record");

    if (!record)
        return;
    rows_title(out, "record");
    record_say_counts(out, record);
    say(out, "\n");
    if (modq_count(modq_get(record, "reasons")) > 0) {
        rows_title(out, "");
        say(out, "rejected for ");
        record_say_reasons(out, record);
        say(out, "\n");
    }
    rows_wrapped(app, out, "", value_slice(modq_get(record, "mark_note")));
}

/* ---- who had it */

static void say_one_seen(const struct app *app, struct text *out, const char *title, const struct modq_value *one)
{
    struct text line = {0};

    text_append(&line, value_slice(modq_get(one, "by")));
    say(&line, ", ");
    text_append(&line, value_slice(modq_get(one, "kind")));
    say(&line, " ");
    when_say_short(&line, modq_get_int(one, "at", 0), when_now());
    rows_wrapped(app, out, title, text_slice(&line));
    text_free(&line);
}

void around_say_seen(const struct app *app, struct text *out, const struct modq_value *answer)
{
    const struct modq_value *seen = modq_get(answer, "seen");

    for (size_t i = 0; i < modq_count(seen); i++)
        say_one_seen(app, out, i == 0 ? "had by" : "", modq_item(seen, i));
}

/* ---- notes */

static void say_note(const struct app *app, struct text *out, const char *title, const struct modq_value *one)
{
    struct text line = {0};

    when_say(&line, modq_get_int(one, "at", 0));
    say(&line, " ");
    text_append(&line, value_slice(modq_get(one, "by")));
    rows_wrapped(app, out, title, text_slice(&line));
    rows_wrapped(app, out, "", value_slice(modq_get(one, "note")));
    text_free(&line);
}

void around_say_notes(const struct app *app, struct text *out, const struct modq_value *answer)
{
    const struct modq_value *notes = modq_get(answer, "notes");

    for (size_t i = 0; i < modq_count(notes); i++)
        say_note(app, out, i == 0 ? "notes" : "", modq_item(notes, i));
}

/* ---- the revision before */

static void say_part(const struct app *app, struct text *out, const char *title, const struct change *change,
                     struct slice part)
{
    struct text text = {0};

    if (change->more_before)
        say(&text, "\u2026 ");
    text_append(&text, part);
    if (change->more_behind)
        say(&text, " \u2026");
    if (part.len > 0) {
        rows_wrapped(app, out, title, text_slice(&text));
    } else {
        rows_title(out, title);
        say(out, "(nothing)\n");
    }
    text_free(&text);
}

void around_say_before(const struct app *app, struct text *out, const struct modq_value *answer)
{
    const struct modq_value *before = modq_get(answer, "before");
    struct slice old = value_slice(modq_get(before, "body"));
    struct slice now = value_slice(modq_get(modq_get(answer, "card"), "body"));

    if (!old.data || !now.data)
        return;
    struct change change = change_between(old, now);
    rows_title(out, "changed");
    say(out, "revision %lld of ", (long long)modq_get_int(before, "revision", 0));
    when_say(out, modq_get_int(before, "received_at", 0));
    say(out, "\n");
    say_part(app, out, "  was", &change, change.old);
    say_part(app, out, "  is now", &change, change.now);
}

/* ---- urgency */

/* "-1h30m" */
static void say_span(struct text *out, int64_t ms)
{
    int64_t minutes = (ms < 0 ? -ms : ms) / 60000;

    say(out, ms < 0 ? "-" : "+");
    if (minutes >= 60)
        say(out, "%lldh", (long long)(minutes / 60));
    if (minutes % 60 > 0 || minutes < 60)
        say(out, "%lldm", (long long)(minutes % 60));
}

static void say_cause(struct text *out, const struct modq_value *part)
{
    static const struct {
        const char *what, *words;
    } causes[] = {{"target", "to decide it"},
                  {"reports", "for reports"},
                  {"front_page", "for the front page"},
                  {"watched", "for a watched author"},
                  {"trusted", "for a trusted author"}};
    const struct modq_value *what = modq_get(part, "what");

    say(out, ", ");
    say_span(out, modq_get_int(part, "ms", 0));
    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
        if (modq_is(what, causes[i].what)) {
            say(out, " %s", causes[i].words);
            return;
        }
    say(out, " for ");
    text_append(out, value_slice(what));
}

void around_say_urgency(const struct app *app, struct text *out, const struct modq_value *card)
{
    const struct modq_value *urgency = modq_get(card, "urgency");
    int64_t due = modq_get_int(card, "due_at", 0);
    struct text causes = {0};

    if (modq_count(urgency) == 0)
        return;
    rows_title(out, "due");
    when_say(out, due);
    say(out, due < when_now() ? ", overdue\n" : "\n");
    for (size_t i = 0; i < modq_count(urgency); i++) {
        const struct modq_value *part = modq_item(urgency, i);
        if (modq_is(modq_get(part, "what"), "received"))
            say(&causes, "received");
        else
            say_cause(&causes, part);
    }
    rows_wrapped(app, out, "", text_slice(&causes));
    text_free(&causes);
}

/* ---- all of it */

void around_to_json(json_t *card, const struct modq_value *answer)
{
    static const char *const keys[] = {"reported", "parent_card", "before", "author_record", "seen", "notes"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        json_object_set_new(card, keys[i], json_from(modq_get(answer, keys[i])));
}
