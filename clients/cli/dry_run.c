#include "dry_run.h"

#include <string.h>

#include "json.h"
#include "listing.h"
#include "policy.h"
#include "queue.h"
#include "say.h"
#include "when.h"

struct dry_run {
    struct app *app;
    const struct bulk_job *job;
    struct modq_answer *hello; /* who asks; NULL: not asked yet */
    struct table table;
    struct text left_out; /* lines */
    size_t would, others;
    struct names sites; /* one of each */
};

/* ---- what the daemon would say */

enum obstacle {
    OBSTACLE_NONE,
    OBSTACLE_ERASED,
    OBSTACLE_WITHDRAWN,
    OBSTACLE_STALE,
    OBSTACLE_DECIDED,
    OBSTACLE_CLAIMED
};

/* As errors are called. */
static const char *const obstacle_names[] = {[OBSTACLE_ERASED] = "erased",
                                             [OBSTACLE_WITHDRAWN] = "withdrawn",
                                             [OBSTACLE_STALE] = "stale_revision",
                                             [OBSTACLE_DECIDED] = "already_decided",
                                             [OBSTACLE_CLAIMED] = "claimed"};

static bool is_decision(const struct bulk_job *job)
{
    return strcmp(job->done, "approved") == 0 || strcmp(job->done, "rejected") == 0;
}

/* What is decided can be superseded, but an approval not by an approval. */
static enum obstacle closed(const struct dry_run *d, struct slice state)
{
    bool same = slice_is(state, "approved") && slice_is(state, d->job->done);

    if (slice_is(state, "erased"))
        return OBSTACLE_ERASED;
    if (slice_is(state, "withdrawn"))
        return OBSTACLE_WITHDRAWN;
    if (slice_is(state, "pending") || (is_decision(d->job) && d->app->options.given[OPT_SUPERSEDE] && !same))
        return OBSTACLE_NONE;
    return OBSTACLE_DECIDED;
}

static bool held_by_another(const struct dry_run *d, const struct modq_value *card)
{
    struct slice holder = value_slice(modq_get(card, "claimed_by"));
    struct slice you = d->hello ? value_slice(modq_get(modq_answer_value(d->hello), "you")) : SLICE_NONE;

    return holder.data && !(you.data && slice_equal(holder, you));
}

/* The first that the daemon would tell; erasing works on everything. `revision`: the one that was read, below 0: any.
 */
static enum obstacle obstacle(const struct dry_run *d, const struct modq_value *card, int64_t revision)
{
    enum obstacle found = closed(d, value_slice(modq_get(card, "state")));

    if (strcmp(d->job->done, "erased") == 0)
        return OBSTACLE_NONE;
    if (found == OBSTACLE_ERASED || found == OBSTACLE_WITHDRAWN)
        return found;
    if (revision >= 0 && revision != modq_get_int(card, "revision", revision))
        return OBSTACLE_STALE;
    if (found == OBSTACLE_NONE && held_by_another(d, card))
        return OBSTACLE_CLAIMED;
    return found;
}

/* ---- telling */

static void tell_json(const struct dry_run *d, const struct modq_value *card, enum obstacle why)
{
    static const char *const keys[] = {"site", "comment", "revision", "state"};
    json_t *line = json_object();

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        json_object_set_new(line, keys[i], json_from(modq_get(card, keys[i])));
    json_object_set_new(line, "status", json_string(why ? obstacle_names[why] : d->job->done));
    json_object_set_new(line, "dry_run", json_true());
    json_print(line, stdout);
}

static void add_left_out(struct dry_run *d, const struct modq_value *card, enum obstacle why)
{
    struct text *out = &d->left_out;

    say_name(out, card);
    say(out, ": ");
    if (why == OBSTACLE_DECIDED) {
        say(out, "already ");
        say_value(out, modq_get(card, "state"));
        say(out, " by ");
        say_value(out, modq_get(card, "decided_by"));
    } else if (why == OBSTACLE_CLAIMED) {
        say(out, "claimed by ");
        say_value(out, modq_get(card, "claimed_by"));
        say(out, " until ");
        when_say_short(out, modq_get_int(card, "claimed_until", 0), when_now());
    } else if (why == OBSTACLE_STALE) {
        say(out, "another revision is current now: %lld; read it first", (long long)modq_get_int(card, "revision", 0));
    } else {
        say(out, "it is %s", obstacle_names[why]);
    }
    say(out, "\n");
}

/* Remembers one comment of each site, to ask for the site's reasons. */
static void note_site(struct dry_run *d, const struct modq_value *card)
{
    struct modq_error error;
    struct slice site = value_slice(modq_get(card, "site"));

    for (size_t i = 0; i < d->sites.count; i++)
        if (slice_is(site, d->sites.item[i].site))
            return;
    names_add(&d->sites, site, value_slice(modq_get(card, "comment")), &error);
}

static void tell(struct dry_run *d, const struct modq_value *card, int64_t revision)
{
    enum obstacle why = obstacle(d, card, revision);

    note_site(d, card);
    if (why)
        d->others++;
    else
        d->would++;
    if (d->app->json)
        tell_json(d, card, why);
    else if (why)
        add_left_out(d, card, why);
    else
        cards_add(&d->table, card);
}

static void tell_listed(void *context, const struct modq_value *card)
{
    tell(context, card, -1);
}

static void tell_page(void *context)
{
    struct dry_run *d = context;

    if (!d->app->json && !table_print(&d->table))
        complain("out of memory");
}

static void summarise(struct dry_run *d)
{
    struct text line = {0};

    if (d->app->options.given[OPT_REASON] && !policy_has_reasons(d->app, d->sites.item, d->sites.count))
        app_exit(d->app, EXIT_WRONG);
    if (d->app->json)
        return;
    put_text(&d->left_out, stdout);
    say(&line, "%zu would be %s%s", d->would, d->job->done, d->job->besides ? d->job->besides : "");
    if (d->others > 0)
        say(&line, ", %zu left out", d->others);
    say(&line, "; nothing was changed");
    put_line(&line, stdout);
}

static bool begin(struct dry_run *d, bool states)
{
    struct modq_fields *fields = modq_fields_new();

    if (fields && app_desk(d->app))
        d->hello = app_call(d->app, d->app->desk, "hello", fields);
    modq_fields_free(fields);
    cards_begin(&d->table, d->app, states);
    return d->hello != NULL;
}

static int end(struct dry_run *d)
{
    modq_answer_free(d->hello);
    table_free(&d->table);
    text_free(&d->left_out);
    names_free(&d->sites);
    return d->app->exit;
}

int dry_run_filter(struct app *app, const struct bulk_job *job, const struct filter *filter)
{
    struct dry_run d = {.app = app, .job = job};
    struct listing listing = {
        .app = app, .filter = filter, .most = INT64_MAX, .context = &d, .each = tell_listed, .page = tell_page};

    if (begin(&d, !slice_is(filter->state, "pending")) && listing_walk(&listing))
        summarise(&d);
    return end(&d);
}

/* ---- named ones */

static void look_at(struct dry_run *d, const struct name *name)
{
    struct modq_fields *fields = modq_fields_new();
    struct modq_answer *answer = NULL;

    if (fields) {
        items_put_name(d->app, fields, name);
        answer = modq_call(d->app->desk, "show", fields, d->app->timeout_ms);
    }
    if (answer && !modq_answer_error(answer))
        tell(d, modq_get(modq_answer_value(answer), "card"), name->revision);
    else if (answer)
        items_tell(d->app, &d->job->items, name, d->app->json ? NULL : modq_answer_value(answer),
                   modq_answer_error(answer));
    if (!answer || modq_answer_error(answer))
        d->others++;
    modq_answer_free(answer);
    modq_fields_free(fields);
}

int dry_run_names(struct app *app, const struct bulk_job *job, const struct names *names)
{
    struct dry_run d = {.app = app, .job = job};

    if (begin(&d, true)) {
        for (size_t i = 0; i < names->count && app->exit != EXIT_UNREACHABLE; i++)
            look_at(&d, &names->item[i]);
        tell_page(&d);
        summarise(&d);
    }
    return end(&d);
}
