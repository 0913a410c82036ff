/* How far first and second looks agree.
 *
 * Cohen's kappa (J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement
 * 20 (1960), 37-46) of pairs of yes or no:
 *
 *                second: yes   no
 *   first: yes        a        b         n  = a + b + c + d
 *           no        c        d
 *
 *   po = (a + d) / n                                            how often both said the same
 *   pe = ((a + b) (a + c) + (c + d) (b + d)) / n^2              how often they would by chance
 *   kappa = (po - pe) / (1 - pe)
 *
 * It is not defined without pairs, and when pe is 1: when both said the same word every time, nothing can be told. */
#ifndef MODQ_AGREEMENT_H
#define MODQ_AGREEMENT_H

#include "figures.h"

struct pairs {
    int64_t yes_yes, yes_no, no_yes, no_no; /* first, second */
};

int64_t pairs_count(const struct pairs *pairs);
int64_t pairs_agreed(const struct pairs *pairs);

/* False: not defined. */
bool pairs_kappa(const struct pairs *pairs, double *kappa);

struct agreement_row {
    struct slice name; /* of a moderator or a reason; lives as long as the figures */
    struct pairs pairs;
};

/* `all`: yes is approved. A moderator's pairs are those in which they made one of the two; a reason's are all, and yes
 * is that it was given. */
struct agreement {
    struct pairs all;
    struct agreement_row *moderators, *reasons; /* by name */
    size_t moderator_count, reason_count;
};

/* False: out of memory. */
bool agreement_of(const struct figures *figures, struct agreement *agreement);
void agreement_free(struct agreement *agreement);

#endif
