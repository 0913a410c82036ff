/* The comments that a filter selects, as `list` gives them: page after page. */
#ifndef MODQ_LISTING_H
#define MODQ_LISTING_H

#include "filter.h"

struct listing {
    struct app *app;
    const struct filter *filter;
    int64_t most; /* INT64_MAX: all */
    void *context;
    void (*each)(void *context, const struct modq_value *card);
    void (*page)(void *context); /* after the cards of a page; NULL: nothing */
    size_t found;                /* cards handed out */
    bool more;                   /* there are further ones beyond `most` */
};

/* Fills the last two. On a terminal it says on standard error how far it is when it takes long. False: it failed, which
 * has been told and has set the exit code; what came before was handed out. */
bool listing_walk(struct listing *listing);

#endif
