/* Plots of a page, as SVG that stands in it: no script, nothing from elsewhere, coloured by the page's style. */
#ifndef MODQ_CHART_H
#define MODQ_CHART_H

#include <stdint.h>

#include "render.h"

/* One place on the horizontal axis. Values below 0 are not known and leave a gap. */
struct chart_point {
    int64_t value[2];
    char label[24];  /* below the axis; "" none. Our own words, as `title` is */
    char title[128]; /* told where the pointer rests */
};

struct chart {
    const char *name; /* what it shows, for those who do not see it */
    const char *classes[2];
    bool spans; /* values are milliseconds; else they are counts */
    const struct chart_point *points;
    size_t count;
};

/* Two bars for each point, side by side. */
void chart_pairs(struct text *out, const struct chart *chart);

/* Two bars for each point, the lower one before the higher one. */
void chart_nested(struct text *out, const struct chart *chart);

/* A line over a filled area, of value[0]. */
void chart_area(struct text *out, const struct chart *chart);

#endif
