/* Which comments a moderator wants to see. */
#ifndef MODQ_REVIEW_PICK_H
#define MODQ_REVIEW_PICK_H

#include "../render.h"
#include "look.h"

enum filter_text { FILTER_SITE, FILTER_ARTICLE, FILTER_AUTHOR, FILTER_LANGUAGE, FILTER_MARK, FILTER_TEXTS };

/* Zero-initialise it: then everything of the normal lane. Free with filter_free. An article and an author are looked
 * at with a site only. */
struct pick {
    char *text[FILTER_TEXTS]; /* NULL: any */
    int64_t older_ms;         /* waits for so long at least; 0: any */
    int64_t newer_ms;         /* for less than so long; 0: any */
    int64_t reported;         /* at least so many reports; 0: any */
    bool escalated;           /* of that lane */
};

void filter_free(struct pick *filter);

/* False when memory is out. Empty text: any. */
bool filter_set(struct pick *filter, enum filter_text which, struct slice text);

/* Whether `claim` alone can serve it: it knows sites and lanes. */
bool filter_is_simple(const struct pick *filter);
bool filter_is_empty(const struct pick *filter);

/* The fields of `list`, or those of `claim`. */
json_t *filter_fields(const struct pick *filter, int64_t now);

/* A daemon that knows none of these filters leaves them out without a word, so cards are looked at here, too. */
bool filter_fits(const struct pick *filter, const json_t *card, int64_t now);

/* In words, such as "site news, author a17, 2 reports or more"; others' words made harmless. */
void filter_say(struct text *out, const struct pick *filter);

#endif
