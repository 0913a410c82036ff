/* modq export: everything that is kept of an author, for those who ask for it. */
#include <string.h>

#include "ask.h"
#include "author.h"
#include "json.h"
#include "listing.h"
#include "progress.h"
#include "say.h"
#include "selection.h"
#include "verbs.h"

enum { PAGE = 500 };

struct export
{
    struct app *app;
    const struct name *author;
    size_t comments;
    size_t older;    /* comments with revisions that no answer holds */
    size_t reported; /* comments with more reports than an answer holds */
    size_t noted;    /* comments with notes that are in their history alone */
};

/* Appends the items of this list of an answer. */
static void append(json_t *all, const struct modq_value *list)
{
    for (size_t i = 0; i < modq_count(list); i++)
        json_array_append_new(all, json_from(modq_item(list, i)));
}

/* ---- the author */

/* A key beside `what` for each of the record's. */
static void put_record(json_t *line, const struct modq_value *record)
{
    json_t *keys = json_from(record);

    json_object_update(line, keys);
    json_decref(keys);
}

static bool export_author(struct export *e)
{
    json_t *line = json_object();
    json_t *events = json_array();
    int64_t before = -1;

    json_object_set_new(line, "what", json_string("author"));
    do {
        struct modq_answer *answer = author_ask(e->app, e->author, PAGE, before);
        if (!answer) {
            json_decref(events);
            json_decref(line);
            return false;
        }
        const struct modq_value *map = modq_answer_value(answer);
        if (before < 0)
            put_record(line, modq_get(map, "record"));
        append(events, modq_get(map, "events"));
        before = modq_get_int(map, "next", -1);
        modq_answer_free(answer);
    } while (before >= 0);
    json_object_set_new(line, "events", events);
    json_print(line, stdout);
    return true;
}

/* ---- comments */

/* All events of it; NULL: it failed, which has been told. */
static json_t *history(struct app *app, const struct name *name)
{
    json_t *events = json_array();
    int64_t before = -1;

    do {
        struct modq_answer *answer = ask_one(app, "history", name, PAGE, before);
        if (!answer) {
            json_decref(events);
            return NULL;
        }
        append(events, modq_get(modq_answer_value(answer), "events"));
        before = modq_get_int(modq_answer_value(answer), "next", -1);
        modq_answer_free(answer);
    } while (before >= 0);
    return events;
}

/* Notes of moderators: readers' reports have theirs elsewhere. */
static size_t notes_in(const json_t *events)
{
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i);
        const char *kind = json_string_value(json_object_get(event, "kind"));
        count += kind && strcmp(kind, "reported") != 0 && json_is_string(json_object_get(event, "note"));
    }
    return count;
}

static bool export_comment(struct export *e, const struct name *name)
{
    static const char *const keys[] = {"card", "before", "reported", "notes"};
    struct modq_answer *answer = ask_one(e->app, "show", name, 0, -1);
    json_t *events = answer ? history(e->app, name) : NULL;
    json_t *line = events ? json_object() : NULL;
    const struct modq_value *map = answer ? modq_answer_value(answer) : NULL;

    if (line) {
        json_object_set_new(line, "what", json_string("comment"));
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
            json_object_set_new(line, keys[i], json_from(modq_get(map, keys[i])));
        e->noted += notes_in(events) > modq_count(modq_get(map, "notes"));
        json_object_set_new(line, "history", events);
        json_print(line, stdout);
        e->comments++;
        e->older += modq_get_int(modq_get(map, "card"), "revision", 1) > (modq_get(map, "before") ? 2 : 1);
        e->reported +=
            modq_get_int(modq_get(map, "card"), "reports", 0) > (int64_t)modq_count(modq_get(map, "reported"));
    }
    modq_answer_free(answer);
    return line != NULL;
}

/* What somebody who asks for their data must be told besides. */
static void say_what_is_missing(const struct export *e)
{
    complain("%zu comment%s of %s/%s", e->comments, e->comments == 1 ? "" : "s", e->author->site, e->author->comment);
    complain("not here: what this person reported as a reader, under whatever id the site gave; comments under another "
             "author id; what the site itself keeps");
    if (e->older > 0)
        complain("not here: older revisions than the last two, which %zu of these comments may have", e->older);
    if (e->reported > 0)
        complain("not here: reports before the newest ones, which %zu of these comments have", e->reported);
    if (e->noted > 0)
        complain("\"notes\" has the newest ones alone: of %zu of these comments further ones are in \"history\"",
                 e->noted);
}

static void export_comments(struct export *e, const struct names *names)
{
    struct progress progress;
    bool ok = true;

    progress_begin(&progress, e->app->columns);
    progress_wait(&progress, 1000);
    for (size_t i = 0; i < names->count && ok; i++) {
        progress_clear(&progress);
        ok = export_comment(e, &names->item[i]);
        progress_draw(&progress, i + 1, names->count, i + 1);
    }
    progress_clear(&progress);
    if (ok)
        say_what_is_missing(e);
    else
        complain("this is not all: it ended after %zu of %zu comments", e->comments, names->count);
}

int run_export(struct app *app)
{
    struct names names = {0};
    struct selection selection = {0};

    if (author_named(app, &names)) {
        const struct name *author = &names.item[0];
        struct export e = {.app = app, .author = author};
        struct filter filter = {.site = slice_of(author->site),
                                .author = slice_of(author->comment),
                                .state = SLICE_LIT("any"),
                                .since = -1,
                                .until = -1,
                                .reported = -1};
        if (export_author(&e) && selection_gather(app, &filter, &selection))
            export_comments(&e, &selection.names);
    }
    selection_free(&selection);
    names_free(&names);
    return app->exit;
}
