/* Comments as they are named on the command line and on standard input: SITE/ID. */
#ifndef MODQ_NAMES_H
#define MODQ_NAMES_H

#include "cli.h"

struct name {
    char *site, *comment;
    int64_t revision; /* -1: not compared */
    int64_t seq;      /* for undo, and of the decision that was read (0: it was pending); -1: none */
};

struct names {
    struct name *item;
    size_t count, cap;
};

/* Splits at the first '/'. False: there is none, or a side is empty. */
bool name_split(struct slice text, struct slice *site, struct slice *comment);

/* Appends one, copied and checked. False: *error says what is wrong with it. */
bool names_add(struct names *names, struct slice site, struct slice comment, struct modq_error *error);

/* Takes the last one away. */
void names_drop(struct names *names);

/* Appends what a line says: SITE/ID, or a JSON object with site, comment and perhaps revision. */
bool names_add_line(struct names *names, struct slice line, struct modq_error *error);

/* All that the arguments and (--stdin) standard input name. False: said what is wrong; a wrong argument is a usage
 * error, a wrong line is told and left out. */
bool names_read(struct app *app, struct names *names);
void names_free(struct names *names);

#endif
