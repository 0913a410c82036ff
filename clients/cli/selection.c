#include "selection.h"

#include <stdlib.h>
#include <string.h>

#include "listing.h"
#include "say.h"

enum { SAMPLE = 5, SAMPLE_INDENT = 2, SAMPLE_NAME = 30 };

struct gathering {
    struct app *app;
    struct selection *selection;
    struct modq_error error; /* number 0: none */
};

static bool add_author(struct selection *s, const struct modq_value *card)
{
    struct slice site = value_slice(modq_get(card, "site"));
    struct slice id = value_slice(modq_get(modq_get(card, "author"), "id"));
    char *author = NULL;

    if (s->names.count > s->authors_cap) {
        size_t cap = s->authors_cap ? s->authors_cap * 2 : 64;
        char **authors = realloc(s->authors, cap * sizeof(*authors));
        if (!authors)
            return false;
        s->authors = authors;
        s->authors_cap = cap;
    }
    if (!id.data)
        author = strdup("");
    else if (asprintf(&author, "%.*s/%.*s", (int)site.len, site.data, (int)id.len, id.data) < 0)
        author = NULL;
    s->authors[s->names.count - 1] = author;
    return author != NULL;
}

/* "  news/17  the beginning of its text" */
static void add_sample(const struct app *app, struct text *out, const struct modq_value *card)
{
    struct text body = {0};
    struct text cut = {0};

    say(out, "%*s", SAMPLE_INDENT, "");
    say_name(out, card);
    say(out, "  ");
    if (value_slice(modq_get(card, "body")).data)
        render_line(&body, value_slice(modq_get(card, "body")));
    render_cut(&cut, text_slice(&body), (size_t)app->columns > SAMPLE_NAME ? (size_t)app->columns - SAMPLE_NAME : 1);
    say_isolated(out, text_slice(&cut));
    say(out, "\n");
    text_free(&body);
    text_free(&cut);
}

static void take(void *context, const struct modq_value *card)
{
    struct gathering *g = context;
    struct selection *s = g->selection;

    if (g->error.number != 0 ||
        !names_add(&s->names, value_slice(modq_get(card, "site")), value_slice(modq_get(card, "comment")), &g->error))
        return;
    struct name *name = &s->names.item[s->names.count - 1];
    name->revision = modq_get_int(card, "revision", -1);
    name->seq = modq_is(modq_get(card, "state"), "pending") ? 0 : modq_get_int(card, "seq", -1);
    if (!add_author(s, card)) {
        g->error = (struct modq_error){.number = MODQ_E_MEMORY, .class_ = MODQ_CLASS_LOCAL, .message = "out of memory"};
        names_drop(&s->names);
    } else if (s->names.count <= SAMPLE) {
        add_sample(g->app, &s->sample, card);
    }
}

bool selection_gather(struct app *app, const struct filter *filter, struct selection *selection)
{
    struct gathering gathering = {.app = app, .selection = selection};
    struct listing listing = {.app = app, .filter = filter, .most = INT64_MAX, .context = &gathering, .each = take};

    if (!listing_walk(&listing))
        return false;
    if (gathering.error.number != 0) {
        complain("%s", gathering.error.message);
        app_exit(app, EXIT_LOCAL);
    }
    return gathering.error.number == 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void selection_say(struct text *out, struct selection *s)
{
    size_t different = 0;

    say(out, "%zu comment%s", s->names.count, s->names.count == 1 ? "" : "s");
    if (s->names.count == 0)
        return;
    qsort(s->authors, s->names.count, sizeof(*s->authors), compare);
    for (size_t i = 0; i < s->names.count; i++)
        different += i == 0 || strcmp(s->authors[i], s->authors[i - 1]) != 0;
    if (different > 1) {
        say(out, " by %zu authors", different);
    } else if (s->authors[0][0]) {
        say(out, " by ");
        say_quoted(out, slice_of(s->authors[0]));
    }
}

void selection_free(struct selection *s)
{
    for (size_t i = 0; i < s->names.count; i++)
        free(s->authors[i]);
    free(s->authors);
    names_free(&s->names);
    text_free(&s->sample);
    *s = (struct selection){0};
}
