/* Figures of a span of time, counted from facts (PROTOCOL.md, "facts"). Pure: no daemon, no clock, no output.
 *
 *   arrivals      revisions that were stored
 *   decisions     records approved or rejected by a moderator or a site's rule; of these
 *   overturned    those that, within the span, another moderator replaced, that another undid, or that came back to the
 *                 queue because a second look disagreed
 *   undone        undos, whatever came back by them; no decisions
 *   waited        how long comments had been pending when they were decided
 *   handled       how long a decision took its moderator, where that is known
 *
 * Medians and 90th percentiles are exact: the median of n values is the middle one (of an even number the mean of the
 * two in the middle, cut to milliseconds), the 90th percentile the smallest value that at least 90 % of all do not
 * exceed (nearest rank). */
#ifndef MODQ_FIGURES_H
#define MODQ_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/slice.h"

enum fact_kind {
    FACT_OTHER,
    FACT_SUBMITTED,
    FACT_APPROVED,
    FACT_REJECTED,
    FACT_REOPENED,
    FACT_WITHDRAWN,
    FACT_ERASED,
    FACT_ESCALATED,
    FACT_REPORTED,
    FACT_SKIPPED,
    FACT_SECOND_LOOK
};

enum fact_cause { FACT_BY_OTHER, FACT_BY_MODERATOR, FACT_BY_RULE, FACT_BY_UNDO, FACT_BY_SECOND_LOOK };

enum { FACT_REASONS_MAX = 8 };

/* Absent (SLICE_NONE): none. Further ones than FACT_REASONS_MAX are nowhere given. */
struct fact_reasons {
    struct slice code[FACT_REASONS_MAX];
    size_t count;
};

struct fact {
    int64_t no, at;
    enum fact_kind kind;
    enum fact_cause cause;
    struct slice site, actor, article; /* article absent: it has none */
    int64_t waited_ms, handled_ms;     /* -1: not known */
    int pending;                       /* how many more comments are pending after it */
    struct fact_reasons reasons;
    /* The decision that it replaced or, of a second look, looked at. first_no 0: none. */
    int64_t first_no;
    enum fact_kind first;
    struct slice first_by;
    struct fact_reasons first_reasons;
    enum fact_kind second; /* of a second look: what its actor would have decided */
};

struct figures;

/* Of facts from `since` on and before `until` (milliseconds). Later ones may be added, too: they tell how many comments
 * were pending at `until`. NULL: out of memory. */
struct figures *figures_new(int64_t since, int64_t until);
void figures_free(struct figures *figures);

/* Facts come by number. What they point to is copied. False: out of memory. */
bool figures_add(struct figures *figures, const struct fact *fact);

/* How many comments are pending after the last fact that was added. */
void figures_set_pending(struct figures *figures, int64_t pending);

struct spread {
    int64_t count, median_ms, p90_ms; /* -1 when count is 0 */
};

/* Sorts the values. */
struct spread spread_of(int64_t *values, size_t count);

struct figures_row {
    struct slice name; /* of a site, a moderator, ...; lives as long as the figures */
    int64_t from, to;  /* the span of time that it is about */
    int64_t arrivals, approved, rejected, overturned, undone, reopened, withdrawn, erased, escalated, reported, skipped,
        second_looks;
    struct spread waited, handled;
    int64_t hours;   /* hours of the clock, UTC, in which something was decided */
    int64_t pending; /* at `to`; of rows of time, and of the one of everything */
};

struct figures_table {
    struct figures_row *rows;
    size_t count;
};

enum figures_by { FIGURES_ALL, FIGURES_SITE, FIGURES_MODERATOR, FIGURES_ARTICLE, FIGURES_REASON };

/* One row for each site, moderator, article ("SITE/ARTICLE") or reason (of rejections: a decision counts for each of
 * its reasons) that is met, the busiest first; FIGURES_ALL: one row. False: out of memory. */
bool figures_group(const struct figures *figures, enum figures_by by, struct figures_table *table);

/* One row for each of `count` spans of time; bounds[i] to bounds[i + 1] is the i-th. */
bool figures_by_time(const struct figures *figures, const int64_t *bounds, size_t count, struct figures_table *table);

void figures_table_free(struct figures_table *table);

/* Calls for each second look of the span, in order. */
typedef void figures_on_second_look(void *arg, const struct fact *fact);
void figures_second_looks(const struct figures *figures, figures_on_second_look *on_look, void *arg);

int64_t figures_decisions(const struct figures_row *row);

/* Decisions an hour of the row's span, and of the hours in which somebody decided. */
double figures_pace(const struct figures_row *row);
double figures_pace_at_work(const struct figures_row *row); /* 0 when there were none */

#endif
