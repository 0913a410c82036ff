/* All sites at once, for answers that name many of them. */
#ifndef MODQD_SITE_NAMES_H
#define MODQD_SITE_NAMES_H

#include "../store/store.h"

/* Zero-initialise it, fill it by site_scan, and free `sites`. */
struct site_names {
    struct store_site *sites;
    size_t n, cap;
};

/* Fits store_on_site; *arg is a struct site_names. */
bool site_names_add(void *arg, const struct store_site *site);

/* The name of site `no`. Sites are numbered 1, 2, 3, ...: it is the no-th that a scan meets. Absent when there is none.
 */
struct slice site_names_at(const struct site_names *names, int64_t no);

/* The same by the number that the row itself has, which is another one where somebody removed rows. NULL: there is
 * none. */
const struct store_site *site_names_find(const struct site_names *names, int64_t no);

#endif
