#include "verify_state.h"

#include <stdarg.h>
#include <stdlib.h>

#include "../../proto/utf8.h"

static bool is_known(const struct verify *v, enum verify_table table, int64_t no, enum verify_what what)
{
    for (size_t i = 0; i < v->n; i++)
        if (v->faults[i].table == table && v->faults[i].no == no && v->faults[i].what == what)
            return true;
    return false;
}

void verify_fault(struct verify *v, enum verify_table table, int64_t no, enum verify_what what, const char *format, ...)
{
    va_list args;
    size_t cut;

    if (v->n == FAULTS_MAX) {
        v->overflow = true;
        return;
    }
    if (is_known(v, table, no, what))
        return;
    struct verify_fault *fault = &v->faults[v->n++];
    *fault = (struct verify_fault){.no = no, .table = table, .what = what};
    va_start(args, format);
    vsnprintf(fault->detail, sizeof(fault->detail), format, args);
    va_end(args);
    if (!utf8_valid(slice_of(fault->detail), &cut))
        fault->detail[cut] = '\0';
}

static int by_number(const void *a, const void *b)
{
    const struct verify_fault *x = a;
    const struct verify_fault *y = b;
    return x->no != y->no ? (x->no > y->no) - (x->no < y->no) : (int)x->table - (int)y->table;
}

void verify_encode_faults(struct verify *v, struct out *out)
{
    static const char *const tables[] = {"event", "text", "note", "key", "site", "comment", "author"};
    static const char *const whats[] = {"changed", "missing", "inserted"};

    qsort(v->faults, v->n, sizeof(v->faults[0]), by_number);
    out_key(out, "faults");
    out_array(out);
    for (size_t i = 0; i < v->n; i++) {
        out_map(out);
        out_key_int(out, "no", v->faults[i].no);
        out_key_cstr(out, "table", tables[v->faults[i].table]);
        out_key_cstr(out, "fault", whats[v->faults[i].what]);
        out_key_cstr(out, "detail", v->faults[i].detail);
        out_end(out);
    }
    out_end(out);
}

const struct store_site *verify_site(const struct verify *v, int64_t no)
{
    return site_names_find(&v->names, no);
}
