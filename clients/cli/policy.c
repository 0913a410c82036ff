#include "policy.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "say.h"
#include "verbs.h"

enum { REASONS_MAX = 256, SITES_ASKED = 32 };

static struct modq_answer *ask(struct app *app, const char *site)
{
    struct modq_fields *fields = modq_fields_new();
    struct modq_answer *answer = NULL;

    if (fields && app_desk(app)) {
        modq_put_string(fields, "site", site);
        answer = app_call(app, app->desk, "policy", fields);
    }
    modq_fields_free(fields);
    return answer;
}

/* ---- unknown reasons */

static void free_words(char **words)
{
    for (size_t i = 0; words[i]; i++)
        free(words[i]);
}

static void copy_codes(const struct modq_value *reasons, char **words)
{
    size_t n = 0;

    for (size_t i = 0; i < modq_count(reasons) && n < REASONS_MAX; i++) {
        struct slice code = value_slice(modq_get(modq_item(reasons, i), "code"));
        words[n] = code.data ? strndup(code.data, code.len) : NULL;
        if (words[n])
            n++;
    }
}

static bool has(char *const *words, const char *word)
{
    for (; *words; words++)
        if (strcmp(*words, word) == 0)
            return true;
    return false;
}

/* False: complained. */
static bool check_codes(const char *codes, char **words)
{
    char *copy = strdup(codes);
    char *rest = copy;
    char *code;
    bool ok = true;

    while (copy && (code = strsep(&rest, ",")))
        if (*code && !has(words, code)) {
            complain_word("reason", code, (const char *const *)words);
            ok = false;
        }
    free(copy);
    return ok;
}

static bool site_has_reasons(struct app *app, const char *site)
{
    char *words[REASONS_MAX + 1] = {0};
    struct modq_answer *answer = ask(app, site);

    if (!answer)
        return false;
    copy_codes(modq_get(modq_get(modq_answer_value(answer), "policy"), "reasons"), words);
    bool ok = check_codes(app->options.text[OPT_REASON], words);
    free_words(words);
    modq_answer_free(answer);
    return ok;
}

bool policy_has_reasons(struct app *app, const struct name *names, size_t count)
{
    char *asked[SITES_ASKED + 1] = {0};
    size_t n = 0;
    bool ok = true;

    for (size_t i = 0; i < count && n < SITES_ASKED && ok; i++) {
        if (has(asked, names[i].site))
            continue;
        asked[n++] = names[i].site;
        ok = site_has_reasons(app, names[i].site);
    }
    return ok;
}

/* ---- modq policy */

/* The text in this language, or in the first that there is. */
static const struct modq_value *in_language(const struct modq_value *texts, const char *language)
{
    const struct modq_value *text = language ? modq_get(texts, language) : NULL;
    return text ? text : modq_item(texts, 0);
}

static bool check_language(const struct modq_value *languages, const char *language)
{
    char *words[REASONS_MAX + 1] = {0};
    bool known = false;

    for (size_t i = 0; i < modq_count(languages) && i < REASONS_MAX; i++) {
        struct slice tag = value_slice(modq_item(languages, i));
        words[i] = strndup(tag.data ? tag.data : "", tag.len);
        if (!words[i])
            break;
        known = known || strcmp(words[i], language) == 0;
    }
    if (!known)
        complain_word("language", language, (const char *const *)words);
    free_words(words);
    return known;
}

static void print_head(const struct modq_value *policy)
{
    struct text line = {0};
    int64_t reopen = modq_get_int(policy, "reports_reopen", 0);

    say(&line, "policy ");
    say_value(&line, modq_get(policy, "version"));
    say(&line, ", languages: ");
    say_list(&line, modq_get(policy, "languages"), ", ");
    if (modq_count(modq_get(policy, "unreviewed")) > 0) {
        say(&line, " (not reviewed by a native speaker: ");
        say_list(&line, modq_get(policy, "unreviewed"), ", ");
        say(&line, ")");
    }
    if (reopen > 0)
        say(&line, "; %lld report%s reopen", (long long)reopen, reopen == 1 ? "" : "s");
    put_line(&line, stdout);
}

static void print_reasons(const struct app *app, const struct modq_value *reasons)
{
    const char *language = app->options.text[OPT_LANG];

    for (size_t i = 0; i < modq_count(reasons); i++) {
        const struct modq_value *reason = modq_item(reasons, i);
        struct slice sentence = value_slice(in_language(modq_get(reason, "sentence"), language));
        struct text out = {0};
        say(&out, "\n");
        say_shade(app, &out, SHADE_BOLD);
        say_value(&out, modq_get(reason, "code"));
        say_shade(app, &out, SHADE_NONE);
        say(&out, "  ");
        say_value(&out, in_language(modq_get(reason, "title"), language));
        say(&out, "%s\n", modq_get_bool(reason, "needs_note", false) ? " (needs --note)" : "");
        if (sentence.data)
            render_block(&out, sentence, 4, (size_t)app->columns);
        put_text(&out, stdout);
    }
}

int run_policy(struct app *app)
{
    const char *site = app->options.given[OPT_SITE] ? app->options.text[OPT_SITE] : "default";
    const char *language = app->options.text[OPT_LANG];
    struct modq_answer *answer = ask(app, site);

    if (!answer)
        return app->exit;
    const struct modq_value *policy = modq_get(modq_answer_value(answer), "policy");
    if (language && !check_language(modq_get(policy, "languages"), language)) {
        app_exit(app, EXIT_USAGE);
    } else if (app->json) {
        json_print(json_from(policy), stdout);
    } else {
        print_head(policy);
        print_reasons(app, modq_get(policy, "reasons"));
    }
    modq_answer_free(answer);
    return app->exit;
}
