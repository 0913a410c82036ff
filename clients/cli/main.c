#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "app.h"
#include "options.h"
#include "say.h"
#include "verbs.h"

/* The first word of verbs of two words, alone. */
static void complain_second(const char *word, const char *const *seconds)
{
    struct text list = {0};

    for (size_t i = 0; seconds[i]; i++)
        say(&list, "%s%s", i ? ", " : "", seconds[i]);
    complain("%s what? It is followed by one of %.*s", word, (int)list.len, list.data ? list.data : "");
    complain("modq help %s tells what they do", word);
    text_free(&list);
}

/* The names of all verbs; of those of two words the second one, when `word` is the first. */
static void complain_verb(const char *word, const char *next)
{
    enum { VERBS_MAX = 64 };
    const char *names[VERBS_MAX] = {0};
    const char *second[VERBS_MAX] = {0};
    size_t n = 0;
    size_t len = strlen(word);

    for (size_t i = 0; i + 1 < VERBS_MAX && verb_at(i); i++) {
        names[i] = verb_at(i)->name;
        if (strncmp(names[i], word, len) == 0 && names[i][len] == ' ')
            second[n++] = names[i] + len + 1;
    }
    if (n == 0)
        complain_word("verb", word, names);
    else if (next)
        complain_word(word, next, second);
    else
        complain_second(word, second);
}

/* Takes the second word of the verb from the arguments, too. */
static const struct verb *choose_verb(struct app *app, const char *word)
{
    const char *next = app->argc > 0 ? app->argv[0] : NULL;
    int words;
    const struct verb *verb = verb_of(word, next, &words);

    if (!verb)
        complain_verb(word, next);
    if (verb && words == 2) {
        app->argc--;
        app->argv++;
    }
    return verb;
}

static bool one_site(const struct app *app)
{
    const char *site = app->options.text[OPT_SITE];

    if (!site || app->verb->many_sites || !strchr(site, '/'))
        return true;
    complain("--site: %s is one site, and no name of one holds a '/'", app->verb->name);
    return false;
}

static bool right_arguments(const struct app *app)
{
    const struct verb *verb = app->verb;

    int least = app->options.given[OPT_STDIN] ? 0 : verb->least;

    if (app->argc >= least && (verb->most < 0 || app->argc <= verb->most))
        return true;
    if (app->argc < least)
        complain("%s needs an argument: modq %s %s", verb->name, verb->name, verb->usage);
    else
        complain("%s does not take \"%s\": modq %s %s", verb->name, app->argv[verb->most], verb->name, verb->usage);
    complain("modq %s --help tells more", verb->name);
    return false;
}

static int run(struct app *app, const char *word)
{
    if (!word && !app->options.given[OPT_HELP] && app->options.given[OPT_VERSION])
        return run_version(app);
    if (!word) {
        help_all(app);
        return app->options.given[OPT_HELP] ? EXIT_DONE : EXIT_USAGE;
    }
    if (app->options.given[OPT_HELP] && app->argc == 0 && !verb_named(word) && help_group(word))
        return EXIT_DONE;
    app->verb = choose_verb(app, word);
    if (!app->verb)
        return EXIT_USAGE;
    if (app->options.given[OPT_HELP]) {
        help_verb(app->verb);
        return EXIT_DONE;
    }
    if (!options_fit(app, app->verb->options) || !right_arguments(app) || !one_site(app))
        return EXIT_USAGE;
    return app_load_key(app) ? app->verb->run(app) : app->exit;
}

/* What could not be written was not done for whoever waits for it. */
static void close_output(struct app *app)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return;
    complain("cannot write to standard output");
    app_exit(app, EXIT_LOCAL);
}

int main(int argc, char **argv)
{
    struct app app = {0};
    const char *word = NULL;

    setlocale(LC_CTYPE, "");
    if (!options_parse(&app, argc, argv, &word)) {
        app_exit(&app, EXIT_USAGE);
    } else if (!app_find_endpoints(&app)) {
        complain("out of memory");
        app_exit(&app, EXIT_LOCAL);
    } else {
        app_look_around(&app);
        app_exit(&app, run(&app, word));
    }
    close_output(&app);
    app_close(&app);
    return app.exit;
}
