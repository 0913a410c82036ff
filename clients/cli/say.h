/* Saying things: plain text for people, with everything that others wrote made harmless. */
#ifndef MODQ_SAY_H
#define MODQ_SAY_H

#include <stdio.h>

#include "cli.h"

/* A message on standard error, "modq: ...". All of it goes through the renderer. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Appends our own words as they are. */
void say(struct text *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends others' words, made harmless, in one line, isolated so that they cannot turn round what stands beside. */
void say_quoted(struct text *out, struct slice untrusted);
void say_isolated(struct text *out, struct slice rendered);      /* what the renderer gave already */
void say_value(struct text *out, const struct modq_value *text); /* nothing when it is no text */

/* Texts of a list with a separator between them. */
void say_list(struct text *out, const struct modq_value *list, const char *separator);

/* SITE/COMMENT of a result, a card or a record. */
void say_name(struct text *out, const struct modq_value *map);

enum shade { SHADE_NONE, SHADE_BOLD, SHADE_DIM, SHADE_GREEN, SHADE_RED, SHADE_YELLOW };
void say_shade(const struct app *app, struct text *out, enum shade shade); /* SHADE_NONE ends it */
enum shade shade_of(struct slice state);

/* Writes it as a line, or lines, and frees it. */
void put_line(struct text *line, FILE *file);
void put_text(struct text *text, FILE *file);

struct slice value_slice(const struct modq_value *text);

/* The word of a list (its end is NULL) that is nearest to `word`; NULL when none is near. */
const char *nearest(const char *word, const char *const *words);

/* Complains about a word that is not in the list: what is possible, and what may have been meant. */
void complain_word(const char *what, const char *word, const char *const *words);

#endif
