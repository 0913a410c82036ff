#include "fsck_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../proto/mp.h"
#include "../../proto/utf8.h"

bool fsck_open(struct fsck *fsck)
{
    memset(fsck, 0, sizeof(*fsck));
    fsck->zone_made = msgpack_zone_init(&fsck->zone, 4096);
    return fsck->zone_made;
}

void fsck_close(struct fsck *fsck)
{
    if (fsck->zone_made)
        msgpack_zone_destroy(&fsck->zone);
    free(fsck->sums);
    free(fsck->links);
    free(fsck->names.sites);
}

/* ---- faults ---- */

/* What other hands wrote may hold anything, and is to be shown on one line. */
static void copy_text(char *to, size_t size, struct slice from)
{
    size_t len = from.len < size - 1 ? from.len : size - 1;
    size_t cut;

    if (len)
        memcpy(to, from.data, len);
    to[len] = '\0';
    if (!utf8_valid((struct slice){to, strlen(to)}, &cut))
        to[cut] = '\0';
    for (char *at = to; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
}

void fsck_fault(struct fsck *fsck, enum fsck_table table, enum fsck_what what, int64_t no, int64_t site,
                struct slice comment, const char *format, ...)
{
    const struct store_site *row = site_names_find(&fsck->names, site);
    char detail[sizeof(fsck->faults[0].detail)];
    va_list args;

    if (fsck->n == FSCK_FAULTS_MAX)
        return;
    struct fsck_fault *fault = &fsck->faults[fsck->n++];
    *fault = (struct fsck_fault){.table = table, .what = what, .no = no};
    copy_text(fault->site, sizeof(fault->site), row ? slice_of(row->name) : SLICE_LIT(""));
    copy_text(fault->comment, sizeof(fault->comment), comment);
    va_start(args, format);
    vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    copy_text(fault->detail, sizeof(fault->detail), slice_of(detail));
}

const char *fsck_table_name(enum fsck_table table)
{
    static const char *const names[] = {"comment", "event", "text",  "note", "report",
                                        "author",  "skip",  "batch", "site"};

    return names[table];
}

const char *fsck_what_name(enum fsck_what what)
{
    static const char *const names[] = {"differs", "missing", "stray", "impossible"};

    return names[what];
}

const char *fsck_count_name(enum fsck_count count)
{
    static const char *const names[FSCK_COUNTS] = {"comments", "history", "events", "texts",   "notes",
                                                   "reports",  "authors", "skips",  "batches", "sites"};

    return names[count];
}

struct fsck_sums *fsck_sums_of(struct fsck *fsck, int64_t site)
{
    const struct store_site *row = site_names_find(&fsck->names, site);

    return row ? &fsck->sums[row - fsck->names.sites] : NULL;
}

bool fsck_may_go_on(const struct fsck *fsck)
{
    return !fsck->work->trouble && fsck->weight < fsck->weight_max && fsck->n + FSCK_ROOM <= FSCK_FAULTS_MAX;
}

/* ---- what the next slice goes on from ---- */

void fsck_pack(const struct fsck *fsck, struct out *out)
{
    out_map(out);
    out_key(out, "at");
    out_array(out);
    out_int(out, fsck->phase);
    out_int(out, fsck->upto);
    out_int(out, fsck->site);
    out_int(out, fsck->no);
    out_bin(out, slice_of(fsck->comment));
    out_bin(out, slice_of(fsck->reader));
    out_bin(out, (struct slice){(const char *)fsck->batch, BATCH_BYTES});
    out_end(out);
    out_key(out, "checked");
    out_array(out);
    for (int i = 0; i < FSCK_COUNTS; i++)
        out_int(out, fsck->checked[i]);
    out_end(out);
    out_key(out, "sites");
    out_array(out);
    for (size_t i = 0; i < fsck->names.n; i++) {
        out_array(out);
        out_int(out, fsck->names.sites[i].no);
        for (int k = 0; k < FSCK_SUMS; k++)
            out_int(out, fsck->sums[i].of[k]);
        out_end(out);
    }
    out_end(out);
    out_end(out);
}

/* A number within the bounds that keep every sum from overflowing. */
static bool take(const msgpack_object *value, int64_t least, int64_t most, int64_t *number)
{
    return mp_int(value, number) && *number >= least && *number <= most;
}

/* Bytes without a NUL, because none of our ids has one. */
static bool take_key(const msgpack_object *value, char key[KEY_BYTES + 1])
{
    struct slice bytes = mp_bin(value);

    if (!bytes.data || bytes.len > KEY_BYTES || memchr(bytes.data, '\0', bytes.len))
        return false;
    memcpy(key, bytes.data, bytes.len);
    key[bytes.len] = '\0';
    return true;
}

static bool take_sums(struct fsck *fsck, const msgpack_object *item)
{
    int64_t no = 0;
    struct fsck_sums *sums = mp_int(mp_item(item, 0), &no) ? fsck_sums_of(fsck, no) : NULL;

    if (!sums || mp_count(item) != 1 + FSCK_SUMS)
        return false;
    for (size_t k = 0; k < FSCK_SUMS; k++)
        if (!take(mp_item(item, 1 + k), -FSCK_NO_MAX, FSCK_NO_MAX, &sums->of[k]))
            return false;
    return true;
}

static bool take_place(struct fsck *fsck, const msgpack_object *at)
{
    struct slice batch = mp_bin(mp_item(at, 6));
    int64_t phase = 0;

    if (mp_count(at) != 7 || batch.len != BATCH_BYTES || !take(mp_item(at, 0), FSCK_COMMENTS, FSCK_LOG, &phase))
        return false;
    fsck->phase = (enum fsck_phase)phase;
    memcpy(fsck->batch, batch.data, BATCH_BYTES);
    return take(mp_item(at, 1), 0, fsck->newest, &fsck->upto) &&
           take(mp_item(at, 2), INT64_MIN, INT64_MAX, &fsck->site) &&
           take(mp_item(at, 3), INT64_MIN, INT64_MAX, &fsck->no) && take_key(mp_item(at, 4), fsck->comment) &&
           take_key(mp_item(at, 5), fsck->reader) && (phase != FSCK_LOG || (fsck->no >= 0 && fsck->no <= fsck->newest));
}

static bool take_state(struct fsck *fsck, const msgpack_object *state)
{
    const msgpack_object *checked = mp_get(state, "checked");
    const msgpack_object *sites = mp_get(state, "sites");
    bool good = take_place(fsck, mp_get(state, "at")) && mp_count(checked) == FSCK_COUNTS;

    for (size_t i = 0; good && i < FSCK_COUNTS; i++)
        good = take(mp_item(checked, i), 0, FSCK_NO_MAX, &fsck->checked[i]);
    for (size_t i = 0; good && i < mp_count(sites); i++)
        good = take_sums(fsck, mp_item(sites, i));
    return good;
}

bool fsck_unpack(struct fsck *fsck, struct slice packed)
{
    msgpack_zone zone;
    msgpack_object state;

    if (!msgpack_zone_init(&zone, 4096))
        return false;
    bool good = mp_unpack_answer(packed, &zone, &state) && take_state(fsck, &state);
    msgpack_zone_destroy(&zone);
    return good;
}
