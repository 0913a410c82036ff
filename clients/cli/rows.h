/* Rows of what is shown of one thing: "  title      text". */
#ifndef MODQ_ROWS_H
#define MODQ_ROWS_H

#include "say.h"

/* The beginning of a row; "" of one that goes on with what stands above it. */
void rows_title(struct text *out, const char *title);

/* A text of others, broken where the line is full; nothing when there is none. */
void rows_wrapped(const struct app *app, struct text *out, const char *title, struct slice value);

/* The same in one line, however long: for what is copied. */
void rows_text(struct text *out, const char *title, const struct modq_value *text);

/* A moment and how long ago it was; nothing below 0. */
void rows_time(struct text *out, const char *title, int64_t ms);

#endif
