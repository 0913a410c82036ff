#include "exposition.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BYTES = 16384, PIECE_BYTES = 512, HISTOGRAM_LABELS = 4 };

static bool reserve(struct exposition *out, size_t more)
{
    size_t cap = out->cap ? out->cap : FIRST_BYTES;

    while (cap - out->len <= more)
        cap *= 2;
    if (cap == out->cap)
        return true;
    char *text = realloc(out->text, cap);
    if (!text) {
        out->failed = true;
        return false;
    }
    out->text = text;
    out->cap = cap;
    return true;
}

static void put(struct exposition *out, const char *text, size_t len)
{
    if (!reserve(out, len))
        return;
    memcpy(out->text + out->len, text, len);
    out->len += len;
    out->text[out->len] = '\0';
}

__attribute__((format(printf, 2, 3))) static void print(struct exposition *out, const char *format, ...)
{
    char piece[PIECE_BYTES];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(piece, sizeof(piece), format, args);
    va_end(args);
    if (n < 0 || n >= (int)sizeof(piece))
        out->failed = true;
    else
        put(out, piece, (size_t)n);
}

void expose_family(struct exposition *out, const char *name, const char *type, const char *help)
{
    print(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Backslash, quote and line end are the three that the format escapes. */
static void put_escaped(struct exposition *out, struct slice value)
{
    for (size_t i = 0; i < value.len; i++)
        switch (value.data[i]) {
        case '\\':
            put(out, "\\\\", 2);
            break;
        case '"':
            put(out, "\\\"", 2);
            break;
        case '\n':
            put(out, "\\n", 2);
            break;
        default:
            put(out, &value.data[i], 1);
        }
}

/* name{label="value",...} and a space; `suffix` comes behind the name. */
static void begin_sample(struct exposition *out, const char *name, const char *suffix, const struct label *labels)
{
    print(out, "%s%s", name, suffix);
    for (size_t i = 0; labels[i].name; i++) {
        print(out, "%s%s=\"", i ? "," : "{", labels[i].name);
        put_escaped(out, labels[i].value);
        put(out, "\"", 1);
    }
    put(out, labels[0].name ? "} " : " ", labels[0].name ? 2 : 1);
}

void expose_int(struct exposition *out, const char *name, const struct label *labels, int64_t value)
{
    begin_sample(out, name, "", labels);
    print(out, "%lld\n", (long long)value);
}

void expose_number(struct exposition *out, const char *name, const struct label *labels, double value)
{
    begin_sample(out, name, "", labels);
    print(out, "%.15g\n", value);
}

static void expose_bucket(struct exposition *out, const char *name, const struct label *labels, const char *bound,
                          int64_t cumulated)
{
    struct label all[HISTOGRAM_LABELS] = {{NULL, {NULL, 0}}};
    size_t n = 0;

    for (; n < HISTOGRAM_LABELS - 2 && labels[n].name; n++)
        all[n] = labels[n];
    all[n] = (struct label){"le", slice_of(bound)};
    begin_sample(out, name, "_bucket", all);
    print(out, "%lld\n", (long long)cumulated);
}

void expose_histogram(struct exposition *out, const char *name, const struct label *labels,
                      const struct histogram *histogram, const struct histogram_scale *scale)
{
    char bound[32];
    int64_t cumulated = 0;

    for (size_t i = 0; i < scale->n; i++) {
        cumulated += histogram->counts[i];
        snprintf(bound, sizeof(bound), "%.15g", (double)scale->bounds[i] * scale->unit);
        expose_bucket(out, name, labels, bound, cumulated);
    }
    cumulated += histogram->counts[scale->n];
    expose_bucket(out, name, labels, "+Inf", cumulated);
    begin_sample(out, name, "_sum", labels);
    print(out, "%.15g\n", (double)histogram->sum * scale->unit);
    begin_sample(out, name, "_count", labels);
    print(out, "%lld\n", (long long)cumulated);
}

void expose_counter(struct exposition *out, const char *name, const char *help, int64_t value)
{
    expose_family(out, name, "counter", help);
    expose_int(out, name, NO_LABELS, value);
}

void expose_gauge(struct exposition *out, const char *name, const char *help, double value)
{
    expose_family(out, name, "gauge", help);
    expose_number(out, name, NO_LABELS, value);
}
