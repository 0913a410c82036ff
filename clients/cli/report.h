/* Figures of a span of time as the daemon's facts give them: asked for, counted, shown. */
#ifndef MODQ_REPORT_H
#define MODQ_REPORT_H

#include <jansson.h>

#include "agreement.h"
#include "cli.h"
#include "say.h"

enum report_by { BY_SITE, BY_MODERATOR, BY_ARTICLE, BY_REASON, BY_DAY, BY_HOUR, BY_COUNT };

extern const char *const report_by_words[]; /* by enum report_by; NULL at the end */

struct report {
    struct app *app;
    const char *site; /* NULL: all that one may see */
    int64_t since, until, made_at;
    struct figures *figures;
    struct figures_row all;
    struct figures_table by[BY_COUNT]; /* days and hours: none when the span has too many */
    struct agreement agreement;
};

bool report_by(const char *word, enum report_by *by); /* false: no such word */

/* Reads what span of time the options ask for. False: said what is wrong with them. */
bool report_options(struct app *app, struct report *report);

/* Asks the daemon and counts. False: said why, and the exit code is set. */
bool report_make(struct report *report);
void report_free(struct report *report);

/* On the terminal: a summary, plots and tables, or one table when --by asks for it. */
void report_print(const struct report *report);

/* The same as a JSON object; NULL: out of memory. */
json_t *report_json(const struct report *report);

/* How a row is called: its name, or the day or the hour. Made harmless. */
void report_say_name(struct text *out, const struct figures_row *row, enum report_by by);

/* "1m 20s", "2d 3h", "0.4s"; "-" for what is not known (below 0). */
void report_say_span(struct text *out, int64_t ms);

/* "0.71", "-" where kappa is not defined; and "90%", "-" where there are no pairs. */
void report_say_kappa(struct text *out, const struct pairs *pairs);
void report_say_share(struct text *out, int64_t part, int64_t whole);

/* The pairs of that moderator or reason; NULL: there are none. */
const struct pairs *report_pairs(const struct report *report, enum report_by by, struct slice name);

#endif
