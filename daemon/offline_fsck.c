#include "offline_fsck.h"

#include <stdio.h>
#include <stdlib.h>

#include "arguments.h"
#include "clock.h"
#include "escape.h"
#include "work/fsck_state.h"

enum { ROWS_A_SLICE = 20000 };

/* What other hands wrote into the database may stand in it. */
static void print_escaped(const char *text)
{
    char escaped[4 * sizeof(((struct fsck_fault *)0)->detail)];

    escape_text(text, escaped, sizeof(escaped));
    fputs(escaped, stdout);
}

static void print_faults(const struct fsck *fsck)
{
    for (size_t i = 0; i < fsck->n; i++) {
        const struct fsck_fault *fault = &fsck->faults[i];
        printf("%s %lld", fsck_table_name(fault->table), (long long)fault->no);
        if (fault->site[0]) {
            fputs(", ", stdout);
            print_escaped(fault->site);
            fputs(fault->comment[0] ? "/" : "", stdout);
            print_escaped(fault->comment);
        }
        printf(": %s: ", fsck_what_name(fault->what));
        print_escaped(fault->detail);
        putchar('\n');
    }
}

/* What there is none of is left out, and that events were met twice is of no interest here. */
static bool is_told(const struct fsck *fsck, enum fsck_count count)
{
    return count == FSCK_COUNT_COMMENTS || count == FSCK_COUNT_EVENTS ||
           (count != FSCK_COUNT_HISTORY && fsck->checked[count] > 0);
}

static void print_end(const struct fsck *fsck, long long faults)
{
    const char *before = "checked ";

    for (enum fsck_count count = 0; count < FSCK_COUNTS; count++)
        if (is_told(fsck, count)) {
            printf("%s%lld %s", before, (long long)fsck->checked[count], fsck_count_name(count));
            before = ", ";
        }
    if (faults)
        printf(": %lld faults; nothing was changed\n", faults);
    else
        puts(": all counts agree");
}

static bool run_slice(struct fsck *fsck, struct work *work, bool first)
{
    struct store *store = work->store;
    bool good = work_ok(work, store->ops->begin(store)) && fsck_begin_slice(fsck, work, ROWS_A_SLICE);

    if (good && first)
        fsck_begin(fsck);
    if (good && !work->trouble)
        fsck_run_slice(fsck);
    store->ops->rollback(store);
    return good && !work->trouble;
}

static int run(struct fsck *fsck, struct work *work)
{
    long long faults = 0;

    for (bool first = true; first || fsck->phase != FSCK_DONE; first = false) {
        if (!run_slice(fsck, work, first))
            return EXIT_START;
        print_faults(fsck);
        faults += (long long)fsck->n;
    }
    print_end(fsck, faults);
    return faults ? EXIT_BROKEN : EXIT_DONE;
}

int offline_fsck(const struct settings *settings, char *reason, size_t reason_bytes)
{
    struct fsck *fsck = malloc(sizeof(*fsck));
    struct work work = {.settings = settings, .clock_ms = clock_wall_ms(), .boot_ms = clock_boot_ms()};
    char path[4200];
    int code = EXIT_START;

    snprintf(path, sizeof(path), "%s/modqd.db", settings->dir);
    snprintf(reason, reason_bytes, "out of memory");
    work.store = fsck && fsck_open(fsck)
                     ? store_sqlite_open(path, true, settings->limits.value[LIMIT_DATABASE_BYTES], reason, reason_bytes)
                     : NULL;
    if (work.store) {
        code = run(fsck, &work);
        snprintf(reason, reason_bytes, "the database cannot be read: %s", work.store->ops->reason(work.store));
        store_close(work.store);
    }
    if (fsck)
        fsck_close(fsck);
    free(fsck);
    return code;
}
