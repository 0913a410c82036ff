/* The comments that a filter selects, before something is done to them. */
#ifndef MODQ_SELECTION_H
#define MODQ_SELECTION_H

#include "filter.h"
#include "names.h"

/* Zero-initialise it. */
struct selection {
    struct names names; /* with revision, and seq of the decision, 0 where there is none */
    char **authors;     /* SITE/AUTHOR of each, "" where none is known */
    size_t authors_cap;
    struct text sample; /* lines of the first few, for whoever is asked */
};

/* Gathers them all. False: it failed, which has been told and has set the exit code. */
bool selection_gather(struct app *app, const struct filter *filter, struct selection *selection);

/* "412 comments by news/u17", "412 comments by 37 authors". */
void selection_say(struct text *out, struct selection *selection);

void selection_free(struct selection *selection);

#endif
