/* modq completion: the files for the shells, and the values that they ask for while somebody types.
 *
 * Sites, comments and keys are names that other people chose. Only those that the renderer would show as they are leave
 * here: no control character, nothing invisible, nothing that turns text round, one name a line. Quoting them for
 * the shell is the shell's part. */
#include "completion.h"

#include <string.h>

#include "say.h"
#include "verbs.h"

enum { VALUES_TIMEOUT_MS = 1000, COMMENTS_MOST = 200 };

const char *const completion_shells[] = {"bash", "zsh", "fish", NULL};

/* ---- values */

/* What begins like an option would be taken for one. */
static bool can_be_typed(struct slice name)
{
    struct text shown = {0};

    if (name.len == 0 || name.data[0] == '-')
        return false;
    render_line(&shown, name);
    bool same = shown.len == name.len && memcmp(shown.data, name.data, name.len) == 0;
    text_free(&shown);
    return same;
}

/* A line: the value, and after a tab what it is, if there is something to say. */
static void offer(struct slice value, const struct modq_value *about)
{
    struct text line = {0};
    struct text shown = {0};

    if (!can_be_typed(value))
        return;
    text_append(&line, value);
    if (value_slice(about).len > 0) {
        text_append(&line, SLICE_LIT("\t"));
        render_line(&shown, value_slice(about));
        text_append(&line, text_slice(&shown));
    }
    put_line(&line, stdout);
    text_free(&shown);
}

static struct modq_answer *ask(struct app *app, const char *operation, struct modq_fields *fields)
{
    struct modq_answer *answer = fields && app_desk(app) ? app_call(app, app->desk, operation, fields) : NULL;

    modq_fields_free(fields);
    return answer;
}

static void offer_sites(struct app *app)
{
    struct modq_answer *answer = ask(app, "stats", modq_fields_new());
    const struct modq_value *sites = answer ? modq_get(modq_answer_value(answer), "sites") : NULL;

    for (size_t i = 0; i < modq_count(sites); i++)
        offer(value_slice(modq_get(modq_item(sites, i), "site")), NULL);
    modq_answer_free(answer);
}

static void offer_comment(const struct modq_value *card)
{
    struct text name = {0};

    text_append(&name, value_slice(modq_get(card, "site")));
    text_append(&name, SLICE_LIT("/"));
    text_append(&name, value_slice(modq_get(card, "comment")));
    offer(text_slice(&name), NULL);
    text_free(&name);
}

/* The first of the queue; who may not look into the escalated lane has those of the other one. */
static void offer_comments(struct app *app)
{
    const char *const *lanes = option_words(OPT_LANE);

    for (size_t i = 0; lanes[i] && strcmp(lanes[i], "any") != 0 && app->exit == EXIT_DONE; i++) {
        struct modq_fields *fields = modq_fields_new();
        if (fields) {
            modq_put_string(fields, "site", app->options.text[OPT_SITE]);
            modq_put_string(fields, "lane", lanes[i]);
            modq_put_int(fields, "limit", COMMENTS_MOST);
        }
        struct modq_answer *answer = ask(app, "list", fields);
        const struct modq_value *cards = answer ? modq_get(modq_answer_value(answer), "comments") : NULL;
        for (size_t j = 0; j < modq_count(cards); j++)
            offer_comment(modq_item(cards, j));
        modq_answer_free(answer);
    }
}

static struct modq_answer *ask_policy(struct app *app)
{
    struct modq_fields *fields = modq_fields_new();
    const char *site = app->options.text[OPT_SITE];

    if (fields)
        modq_put_string(fields, "site", site ? site : "default");
    return ask(app, "policy", fields);
}

static void offer_reasons(struct app *app)
{
    struct modq_answer *answer = ask_policy(app);
    const struct modq_value *policy = answer ? modq_get(modq_answer_value(answer), "policy") : NULL;
    const struct modq_value *reasons = modq_get(policy, "reasons");

    for (size_t i = 0; i < modq_count(reasons); i++) {
        const struct modq_value *reason = modq_item(reasons, i);
        offer(value_slice(modq_get(reason, "code")), modq_item(modq_get(reason, "title"), 0));
    }
    modq_answer_free(answer);
}

static void offer_languages(struct app *app)
{
    struct modq_answer *answer = ask_policy(app);
    const struct modq_value *policy = answer ? modq_get(modq_answer_value(answer), "policy") : NULL;

    for (size_t i = 0; i < modq_count(modq_get(policy, "languages")); i++)
        offer(value_slice(modq_item(modq_get(policy, "languages"), i)), NULL);
    modq_answer_free(answer);
}

static void offer_key(const struct modq_value *key, bool by_number)
{
    char number[24];

    snprintf(number, sizeof(number), "%lld", (long long)modq_get_int(key, "key", 0));
    if (by_number)
        offer(slice_of(number), modq_get(key, "name"));
    else
        offer(value_slice(modq_get(key, "name")), modq_get(key, "role"));
}

static void offer_keys(struct app *app, bool by_number)
{
    struct modq_answer *answer = ask(app, "key_list", modq_fields_new());
    const struct modq_value *keys = answer ? modq_get(modq_answer_value(answer), "keys") : NULL;

    for (size_t i = 0; i < modq_count(keys); i++)
        offer_key(modq_item(keys, i), by_number);
    modq_answer_free(answer);
}

static int print_values(struct app *app)
{
    const char *word = app->options.text[OPT_VALUES];
    enum value value = value_of_word(word);

    if (value == VALUE_NONE) {
        complain_word("kind of values", word, option_words(OPT_VALUES));
        return EXIT_USAGE;
    }
    if (!app_may_use(app, ENDPOINT_DESK))
        return EXIT_DENIED;
    if (app_nobody_listens(app, ENDPOINT_DESK))
        return EXIT_UNREACHABLE;
    app->timeout_ms = app_timeout_ms(app, VALUES_TIMEOUT_MS);
    if (value == VALUE_SITE)
        offer_sites(app);
    else if (value == VALUE_COMMENT)
        offer_comments(app);
    else if (value == VALUE_REASON)
        offer_reasons(app);
    else if (value == VALUE_LANGUAGE)
        offer_languages(app);
    else
        offer_keys(app, value == VALUE_KEY_NUMBER);
    return app->exit;
}

/* ---- files */

static void print_file(const char *shell)
{
    if (strcmp(shell, "bash") == 0)
        completion_bash(stdout);
    else if (strcmp(shell, "zsh") == 0)
        completion_zsh(stdout);
    else
        completion_fish(stdout);
}

int run_completion(struct app *app)
{
    const char *shell = app->argc > 0 ? app->argv[0] : NULL;

    if (app->options.given[OPT_VALUES] == (shell != NULL)) {
        complain("completion needs the name of a shell: bash, zsh or fish; or --values WHAT");
        return EXIT_USAGE;
    }
    if (!shell)
        return print_values(app);
    for (size_t i = 0; completion_shells[i]; i++)
        if (strcmp(completion_shells[i], shell) == 0) {
            print_file(shell);
            return EXIT_DONE;
        }
    complain_word("shell", shell, completion_shells);
    return EXIT_USAGE;
}
