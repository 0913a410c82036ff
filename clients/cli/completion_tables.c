/* The tables of verbs and options in the words of bash, zsh and fish. */
#include <string.h>

#include "completion.h"
#include "verbs.h"

/* ---- what the three share */

/* Text between quotes: a quote in it as the shell writes that, and what `special` holds with a backslash. */
static void escape(FILE *out, const char *text, const char *quote, const char *special)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs(quote, out);
        else if (strchr(special, *text))
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
}

static void put_words(FILE *out, const char *const *words, const char *before)
{
    for (size_t i = 0; words && words[i]; i++)
        fprintf(out, "%s%s", i ? " " : before, words[i]);
}

static bool takes_value(const struct option_row *row)
{
    return row->argument && row->argument[0] != '[';
}

/* What its value is called, without the marks that it may be left out. */
static void put_argument(FILE *out, const struct option_row *row, const char *special)
{
    char name[32];

    snprintf(name, sizeof(name), "%s", row->argument + strspn(row->argument, "[="));
    if (!takes_value(row))
        name[strcspn(name, "]")] = '\0';
    escape(out, name, "", special);
}

/* Whether the option is of this verb; NULL: of all. */
static bool belongs(const struct option_row *row, const struct verb *verb)
{
    return verb ? (verb->options & OPTION_BIT(row->id)) != 0 : option_is_global(row->id);
}

/* What an option's value, or an argument, can be: the kind in a word that the three understand. */
static const char *kind_of(enum value value)
{
    static const char *const kinds[] = {
        [VALUE_NONE] = "none", [VALUE_TEXT] = "text",           [VALUE_NUMBER] = "text", [VALUE_WORDS] = "words",
        [VALUE_FILE] = "file", [VALUE_DIRECTORY] = "directory", [VALUE_USER] = "user",   [VALUE_VERB] = "verb"};

    return value_word(value) ? value_word(value) : kinds[value];
}

/* A function of the shell with a case for each verb, "" for what all take. */
static void each_verb(FILE *out, void (*put)(FILE *out, const struct verb *verb))
{
    put(out, NULL);
    for (size_t i = 0; verb_at(i); i++)
        put(out, verb_at(i));
}

static void head(FILE *out, const char *first, const char *shell)
{
    fprintf(out, "%s# Completion of modq(1) in %s, made by `modq completion %s`, version %s.\n\n", first, shell, shell,
            modq_version());
}

/* ---- bash */

static void bash_verb(FILE *out, const struct verb *verb)
{
    const struct option_row *row;
    const char *gap = "";

    fprintf(out, "    '%s')\n        options='", verb ? verb->name : "");
    for (size_t i = 0; (row = option_row(i)); i++)
        if (belongs(row, verb)) {
            fprintf(out, "%s--%s", gap, row->name);
            gap = " ";
        }
    fprintf(out, "' kind=%s words='", verb ? kind_of(verb->argument) : "verb");
    put_words(out, verb ? verb->words : NULL, "");
    fputs("'\n        ;;\n", out);
}

/* Whether a row before it has its name: then it means itself with the verbs that take it only. */
static bool is_second(size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (strcmp(option_row(j)->name, option_row(i)->name) == 0)
            return true;
    return false;
}

/* Of "VERB --option", what comes before the option: the verbs that take it, or any. */
static void bash_value(FILE *out, const struct option_row *row, bool of_verbs)
{
    fputs("    ", out);
    for (size_t i = 0, n = 0; of_verbs && verb_at(i); i++)
        if (belongs(row, verb_at(i)))
            fprintf(out, "%s'%s --%s'", n++ ? " | " : "", verb_at(i)->name, row->name);
    if (!of_verbs)
        fprintf(out, "*' --%s'", row->name);
    fprintf(out, ") kind=%s list='%s' words='", kind_of(row->value), row->joined == ',' ? "," : "");
    put_words(out, row->words, "");
    fputs("' ;;\n", out);
}

static void bash_values(FILE *out)
{
    for (int second = 1; second >= 0; second--)
        for (size_t i = 0; option_row(i); i++)
            if (takes_value(option_row(i)) && is_second(i) == second)
                bash_value(out, option_row(i), second);
}

void completion_bash(FILE *out)
{
    head(out, "", "bash");
    fputs("# shellcheck shell=bash disable=SC2034 # what the tables set is used below\n\n_modq_verbs=(\n", out);
    for (size_t i = 0; verb_at(i); i++)
        fprintf(out, "    '%s'\n", verb_at(i)->name);
    fputs(")\n\n# What a verb takes.\n_modq_takes()\n{\n    case $1 in\n", out);
    each_verb(out, bash_verb);
    fputs("    esac\n}\n\n# What an option's value can be, with a verb. False: it has none.\n_modq_value()\n{\n    "
          "case \"$2 $1\" in\n",
          out);
    bash_values(out);
    fputs("    *) return 1 ;;\n    esac\n}\n\n", out);
    fputs(completion_bash_text, out);
}

/* ---- zsh */

static const char zsh_quote[] = "'\\''";

/* The action of _arguments for it. One that begins with a space is called as it stands here. */
static void zsh_action(FILE *out, enum value value, const char *const *words, bool list)
{
    switch (value) {
    case VALUE_NONE:
    case VALUE_TEXT:
    case VALUE_NUMBER:
        fputc(' ', out);
        return;
    case VALUE_FILE:
        fputs("_files", out);
        return;
    case VALUE_DIRECTORY:
        fputs("_files -/", out);
        return;
    case VALUE_USER:
        fputs("_users", out);
        return;
    case VALUE_VERB:
        fputs(" _modq_offer_verbs", out);
        return;
    default:
        fprintf(out, " _modq_offer %s%s", list ? "-l " : "", kind_of(value));
        put_words(out, words, " ");
    }
}

static void zsh_option(FILE *out, const struct option_row *row, const struct verb *verb)
{
    bool again = row->joined && (row->id != OPT_SITE || !verb || verb->many_sites);

    fprintf(out, "            '%s--%s%s[", again ? "*" : "", row->name,
            row->argument ? takes_value(row) ? "=" : "=-" : "");
    escape(out, row->help, zsh_quote, "[]:\\");
    fputc(']', out);
    if (row->argument) {
        fputs(takes_value(row) ? ":" : "::", out);
        put_argument(out, row, "[]:\\");
        fputc(':', out);
        zsh_action(out, row->value, row->words, row->joined == ',');
    }
    fputs("'\n", out);
}

static void zsh_verb(FILE *out, const struct verb *verb)
{
    const struct option_row *row;

    fprintf(out, "    '%s')\n        specs+=(\n", verb ? verb->name : "");
    for (size_t i = 0; (row = option_row(i)); i++)
        if (belongs(row, verb))
            zsh_option(out, row, verb);
    if (verb && verb->argument != VALUE_NONE) {
        fprintf(out, "            '%s: :", verb->most == 1 ? "1" : "*");
        zsh_action(out, verb->argument, verb->words, false);
        fputs("'\n", out);
    }
    fputs("        )\n        ;;\n", out);
}

void completion_zsh(FILE *out)
{
    const struct option_row *row;

    head(out, "#compdef modq\n", "zsh");
    fputs("# Name and help of each verb.\n_modq_verbs()\n{\n    verbs=(\n", out);
    for (size_t i = 0; verb_at(i); i++) {
        fprintf(out, "        '%s' '", verb_at(i)->name);
        escape(out, verb_at(i)->help, zsh_quote, "");
        fputs("'\n", out);
    }
    fputs("    )\n}\n\n# Adds what a verb takes to the specifications for _arguments.\n_modq_takes()\n{\n    case $1 "
          "in\n",
          out);
    each_verb(out, zsh_verb);
    fputs("    esac\n}\n\n# Whether an option takes the word behind it.\n_modq_has_value()\n{\n    case $1 in\n    ",
          out);
    for (size_t i = 0, n = 0; (row = option_row(i)); i++)
        if (takes_value(row) && !is_second(i))
            fprintf(out, "%s--%s", n++ ? "|" : "", row->name);
    fputs(") return 0 ;;\n    esac\n    return 1\n}\n\n", out);
    fputs(completion_zsh_text, out);
}

/* ---- fish */

static const char fish_quote[] = "\\'";

static void fish_value(FILE *out, enum value value, const char *const *words, bool list)
{
    switch (value) {
    case VALUE_NONE:
    case VALUE_TEXT:
    case VALUE_NUMBER:
        return;
    case VALUE_FILE:
        fputs(" -F", out);
        return;
    case VALUE_DIRECTORY:
        fputs(" -a '(__fish_complete_directories (commandline -ct))'", out);
        return;
    case VALUE_USER:
        fputs(" -a '(__fish_complete_users)'", out);
        return;
    case VALUE_VERB:
        fputs(" -a '(__modq_offer_verbs)'", out);
        return;
    default:
        fprintf(out, " -a '(__modq_offer %s%s", list ? "--list " : "", kind_of(value));
        put_words(out, words, " ");
        fputs(")'", out);
    }
}

static void fish_option(FILE *out, const struct option_row *row, const struct verb *verb)
{
    fputs("complete -c modq", out);
    if (verb)
        fprintf(out, " -n '__modq_verb_is \"%s\"'", verb->name);
    fprintf(out, " -l %s%s", row->name, takes_value(row) ? row->value == VALUE_FILE ? " -r" : " -x" : "");
    if (takes_value(row))
        fish_value(out, row->value, row->words, row->joined == ',');
    fputs(" -d '", out);
    escape(out, row->help, fish_quote, "\\");
    fputs("'\n", out);
}

static void fish_verb(FILE *out, const struct verb *verb)
{
    const struct option_row *row;

    for (size_t i = 0; (row = option_row(i)); i++)
        if (belongs(row, verb))
            fish_option(out, row, verb);
    if (!verb || verb->argument == VALUE_NONE || verb->argument == VALUE_TEXT)
        return;
    fprintf(out, "complete -c modq -n '__modq_verb_is \"%s\"'", verb->name);
    fish_value(out, verb->argument, verb->words, false);
    fputc('\n', out);
}

void completion_fish(FILE *out)
{
    const struct option_row *row;

    head(out, "", "fish");
    fputs("# A line a verb: its name, and what it does.\nfunction __modq_verbs\n    printf '%s\\n' \\\n", out);
    for (size_t i = 0; verb_at(i); i++) {
        fprintf(out, "        '%s'\\t'", verb_at(i)->name);
        escape(out, verb_at(i)->help, fish_quote, "\\");
        fputs(verb_at(i + 1) ? "' \\\n" : "'\nend\n\n", out);
    }
    fputs("# Options that take the word behind them.\nset -g __modq_valued", out);
    for (size_t i = 0; (row = option_row(i)); i++)
        if (takes_value(row))
            fprintf(out, " --%s", row->name);
    fputs("\n\n", out);
    fputs(completion_fish_text, out);
    fputc('\n', out);
    each_verb(out, fish_verb);
}
