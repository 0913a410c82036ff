/* What --help and modq help tell: the tables of verbs and options, for people and for programs. */
#include <stdio.h>
#include <string.h>

#include "say.h"
#include "verbs.h"

enum { VERBS_MAX = 64 };

/* `left`, and beside it the text, which goes on below itself where the line is full. */
static void print_beside(const char *left, size_t indent, const char *text)
{
    enum { HELP_COLUMNS = 80 };
    struct text block = {0};
    size_t len = strlen(left);

    render_block(&block, slice_of(text), indent, HELP_COLUMNS);
    if (len < indent && block.len > len)
        memcpy(block.data, left, len);
    put_text(&block, stdout);
}

static void print_option(const struct option_row *row)
{
    enum { OPTION_INDENT = 26 };
    char left[64];
    bool glued = row->argument && row->argument[0] == '[';

    snprintf(left, sizeof(left), "  --%s%s%s", row->name, row->argument && !glued ? " " : "",
             row->argument ? row->argument : "");
    print_beside(left, OPTION_INDENT, row->help);
}

static void print_options(option_set own, bool global)
{
    const struct option_row *row;

    for (size_t i = 0; (row = option_row(i)); i++)
        if (global ? option_is_global(row->id) : (own & OPTION_BIT(row->id)) != 0)
            print_option(row);
}

static void print_exit_codes(void)
{
    puts("\nExit code:\n\n"
         "  0  all done\n"
         "  1  refused as things stand, some at least\n"
         "  2  the command line is wrong, nothing was done\n"
         "  3  no daemon or no answer in time: try again\n"
         "  4  refused as wrong: mend it\n"
         "  5  not allowed\n"
         "  6  this machine's fault (a file, memory)\n\n"
         "When several apply: 2, else 6, 3, 5, 4, 1, in this order.");
}

void help_all(struct app *app)
{
    (void)app;
    puts("usage: modq VERB [OPTIONS] [ARGUMENTS]\n\nModerates comments that modqd keeps.\n");
    for (size_t i = 0; verb_at(i); i++)
        printf("  %-12s %s\n", verb_at(i)->name, verb_at(i)->help);
    puts("\nA comment is named SITE/ID. Options of every verb, at any place:\n");
    print_options(0, true);
    print_exit_codes();
    puts("\nmodq VERB --help tells more about a verb. See modq(1).");
}

void help_verb(const struct verb *verb)
{
    char left[64];

    snprintf(left, sizeof(left), "usage: modq %s", verb->name);
    if (verb->usage[0])
        print_beside(left, strlen(left) + 1, verb->usage);
    else
        puts(left);
    printf("\n%s.\n\n%s", verb->help, verb->more);
    if (verb->options)
        puts("\nOptions:\n");
    print_options(verb->options, false);
    puts("\nOptions of every verb:\n");
    print_options(0, true);
}

bool help_group(const char *word)
{
    size_t len = strlen(word);
    bool any = false;

    for (size_t i = 0; verb_at(i); i++) {
        const char *name = verb_at(i)->name;
        if (strncmp(name, word, len) != 0 || name[len] != ' ')
            continue;
        printf("%s  %-12s %s\n", any ? "" : "usage: modq VERB [OPTIONS] [ARGUMENTS], where VERB is one of\n\n", name,
               verb_at(i)->help);
        any = true;
    }
    if (any)
        puts("\nmodq VERB --help tells more about each.");
    return any;
}

/* A line a verb for programs: its name, _ between two words, and all its options; first of all the options of every
 * verb, after "-". */
static void list_verbs(void)
{
    for (size_t i = 0; i == 0 || verb_at(i - 1); i++) {
        const struct option_row *row;
        for (const char *at = i ? verb_at(i - 1)->name : "-"; *at; at++)
            putchar(*at == ' ' ? '_' : *at);
        for (size_t j = 0; (row = option_row(j)); j++)
            if (i ? (verb_at(i - 1)->options & OPTION_BIT(row->id)) != 0 : option_is_global(row->id))
                printf(" --%s%s", row->name, row->argument && row->argument[0] != '[' ? "=" : "");
        puts("");
    }
}

int run_help(struct app *app)
{
    const char *names[VERBS_MAX + 1] = {0};

    if (app->options.given[OPT_VERBS]) {
        list_verbs();
        return EXIT_DONE;
    }
    if (app->argc == 0) {
        help_all(app);
        return EXIT_DONE;
    }
    int words;
    const struct verb *verb = verb_of(app->argv[0], app->argc > 1 ? app->argv[1] : NULL, &words);
    if (verb && words == app->argc) {
        help_verb(verb);
        return EXIT_DONE;
    }
    if (app->argc == 1 && help_group(app->argv[0]))
        return EXIT_DONE;
    for (size_t i = 0; i < VERBS_MAX && verb_at(i); i++)
        names[i] = verb_at(i)->name;
    complain_word("verb", app->argv[0], names);
    return EXIT_USAGE;
}

int run_version(struct app *app)
{
    (void)app;
    printf("modq %s\n", modq_version());
    return EXIT_DONE;
}
