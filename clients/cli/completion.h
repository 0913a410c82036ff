/* Completion of command lines in shells: files made of the tables of verbs and options, and what the daemon knows. */
#ifndef MODQ_COMPLETION_H
#define MODQ_COMPLETION_H

#include <stdio.h>

extern const char *const completion_shells[]; /* its end is NULL */

/* The tables as each shell wants them; what works with them stands in modq.bash, modq.zsh and modq.fish. */
void completion_bash(FILE *out);
void completion_zsh(FILE *out);
void completion_fish(FILE *out);

/* The text of those files (made from them by the Makefile). */
extern const char completion_bash_text[];
extern const char completion_zsh_text[];
extern const char completion_fish_text[];

#endif
