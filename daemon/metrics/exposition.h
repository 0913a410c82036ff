/* The text that Prometheus reads, format 0.0.4: families of samples, built in memory.
 *
 * All samples of a family stand together, below its HELP and TYPE. Errors are sticky: look at `failed` at the end. */
#ifndef MODQD_EXPOSITION_H
#define MODQD_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../proto/slice.h"
#include "../core/histogram.h"

struct exposition {
    char *text; /* with a NUL behind it; NULL while it is empty */
    size_t len, cap;
    bool failed; /* out of memory */
};

struct label {
    const char *name; /* NULL ends a list */
    struct slice value;
};

/* A list of labels that ends by itself. */
#define LABELS(...) ((const struct label[]){__VA_ARGS__, {NULL, {NULL, 0}}})
#define NO_LABELS   ((const struct label[]){{NULL, {NULL, 0}}})

/* Begins a family. `type` is "counter", "gauge" or "histogram"; `help` has no line ends. */
void expose_family(struct exposition *out, const char *name, const char *type, const char *help);

/* A sample. Label values may hold any text: it is escaped. */
void expose_int(struct exposition *out, const char *name, const struct label *labels, int64_t value);
void expose_number(struct exposition *out, const char *name, const struct label *labels, double value);

/* All samples of a histogram. What is added meanwhile is in all of them or in none, except in the sum. */
void expose_histogram(struct exposition *out, const char *name, const struct label *labels,
                      const struct histogram *histogram, const struct histogram_scale *scale);

/* A family of one sample without labels. */
void expose_counter(struct exposition *out, const char *name, const char *help, int64_t value);
void expose_gauge(struct exposition *out, const char *name, const char *help, double value);

#endif
