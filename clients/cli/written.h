/* A text that somebody writes for a verb: on the command line, on standard input, or in an editor. */
#ifndef MODQ_WRITTEN_H
#define MODQ_WRITTEN_H

#include "cli.h"

/* `given` is the argument; NULL or "-": it is read from standard input, or where that is a terminal, written in an
 * editor
 * ($VISUAL, $EDITOR, else vi). Space around it is taken away. False: there is none, which has been told and has set the
 * exit code. */
bool written_read(struct app *app, const char *given, struct text *text);

#endif
