/* The bare store, without sockets: what a submit does to it, in transactions of a given size. And the schema that
 * docs/performance.md compares it with. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "daemon/work/ledger.h"

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    return 1;
}

/* Prints transactions' rows/s and the median time of one, in microseconds. */
struct timing {
    double *seconds;
    size_t n, cap;
};

static void timing_add(struct timing *timing, double seconds)
{
    if (timing->n == timing->cap) {
        timing->cap = timing->cap ? timing->cap * 2 : 4096;
        timing->seconds = realloc(timing->seconds, timing->cap * sizeof(double));
    }
    timing->seconds[timing->n++] = seconds;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void timing_print(struct timing *timing, int64_t rows, double seconds)
{
    qsort(timing->seconds, timing->n, sizeof(double), compare);
    printf("%.1f %.1f\n", (double)rows / seconds, timing->n ? timing->seconds[timing->n / 2] * 1e6 : 0);
    free(timing->seconds);
}

static enum store_result submit(struct store *store, struct ledger *ledger, struct store_site *site, int64_t n,
                                int random_ids)
{
    char body[BENCH_BODY_BYTES];
    unsigned char hash[SHA256_BYTES];
    unsigned char commitment[SHA256_BYTES];
    struct store_comment comment;
    struct out data = {0};
    char id[32];
    static const char salt[SALT_BYTES] = "0123456789abcde";

    bench_body(n, body);
    bench_id(n, random_ids, id);
    sha256_of(hash, (struct slice){body, sizeof(body)});
    enum store_result r = store->ops->comment_get(store, site->no, slice_of(id), &comment);
    if (r != STORE_NONE)
        return STORE_FAILED;
    struct slice pieces[] = {{salt, SALT_BYTES}, {(const char *)hash, SHA256_BYTES}};
    sha256(commitment, pieces, 2);
    int64_t no = ledger_next(ledger);
    int64_t now = ledger_now(ledger);
    struct store_text text = {.no = no,
                              .revision = 1,
                              .received_at = now,
                              .article = SLICE_LIT("a-17"),
                              .author = SLICE_LIT("u-4711"),
                              .language = SLICE_LIT("en"),
                              .body = {body, sizeof(body)},
                              .sha256 = pieces[1],
                              .salt = pieces[0],
                              .meta = SLICE_LIT("\x80")};
    comment = (struct store_comment){.site = site->no,
                                     .state = STATE_PENDING,
                                     .revision = 1,
                                     .text = no,
                                     .newest_text = no,
                                     .due_at = now,
                                     .revisions = 1};
    strcpy(comment.id, id);
    site->pending++;
    r = store->ops->text_add(store, &text);
    out_map(&data);
    out_key_bin(&data, "text", (struct slice){(const char *)commitment, SHA256_BYTES});
    out_end(&data);
    struct ledger_entry entry = {
        .kind = KIND_SUBMITTED, .revision = 1, .text = no, .actor = SLICE_LIT("front"), .data = out_slice(&data)};
    if (r == STORE_OK)
        r = ledger_append(ledger, site, &comment, &entry, NULL);
    out_free(&data);
    return r == STORE_OK ? store->ops->comment_put(store, &comment) : r;
}

static void on_growth(void *arg, const struct store_site *site)
{
    (void)arg;
    (void)site;
}

/* bench store FILE BATCH SECONDS [RANDOM [SITES]] */
int bench_store(int argc, char **argv)
{
    char reason[256];
    enum store_result r;
    if (argc < 4)
        return fail("store", "FILE BATCH SECONDS [RANDOM [SITES]]");
    int64_t batch = atoll(argv[2]);
    double seconds = atof(argv[3]);
    int random_ids = argc > 4 && atoi(argv[4]);
    int sites = argc > 5 ? atoi(argv[5]) : 1;
    struct store *store = store_sqlite_open(argv[1], false, INT64_C(1) << 40, reason, sizeof(reason));
    if (!store)
        return fail(argv[1], reason);
    struct ledger *ledger = ledger_new(store, &r);
    int64_t n = 0;
    struct timing timing = {0};
    double start = bench_now();
    double end = start;
    while (end - start < seconds) {
        double begun = end;
        r = ledger_begin(ledger, (int64_t)time(NULL) * 1000);
        for (int64_t i = 0; r == STORE_OK && i < batch; i++, n++) {
            char name[32];
            snprintf(name, sizeof(name), "site%lld", (long long)(n % sites));
            struct store_site *site = ledger_site(ledger, slice_of(name));
            site = site ? site : ledger_site_add(ledger, slice_of(name));
            r = submit(store, ledger, site, n, random_ids);
        }
        if (r == STORE_OK)
            r = ledger_commit(ledger, on_growth, NULL);
        if (r != STORE_OK)
            return fail("store", store->ops->reason(store));
        end = bench_now();
        timing_add(&timing, end - begun);
    }
    timing_print(&timing, n, end - start);
    ledger_free(ledger);
    store_close(store);
    return 0;
}

static const char reference_schema[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000; PRAGMA cache_size=-16384;"
    "CREATE TABLE text(site INTEGER, id TEXT, revision INTEGER, body BLOB, PRIMARY KEY(site, id, revision)) WITHOUT "
    "ROWID;"
    "CREATE TABLE state(site INTEGER, id TEXT, state INTEGER, due INTEGER, PRIMARY KEY(site, id)) WITHOUT ROWID;"
    "CREATE INDEX pending ON state(site, due) WHERE state = 1;";

/* bench reference FILE BATCH SECONDS: text apart from state, keys with locality, and nothing else: no history, no
 * hashes. */
int bench_reference(int argc, char **argv)
{
    sqlite3 *db;
    sqlite3_stmt *text;
    sqlite3_stmt *state;
    if (argc < 4 || sqlite3_open(argv[1], &db) != SQLITE_OK ||
        sqlite3_exec(db, reference_schema, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "INSERT INTO text VALUES(1, ?, 1, ?)", -1, &text, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "INSERT INTO state VALUES(1, ?, 1, ?)", -1, &state, NULL) != SQLITE_OK)
        return fail("reference", "cannot open");
    int64_t batch = atoll(argv[2]);
    double seconds = atof(argv[3]);
    int64_t n = 0;
    struct timing timing = {0};
    double start = bench_now();
    double end = start;
    while (end - start < seconds) {
        double begun = end;
        sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        for (int64_t i = 0; i < batch; i++, n++) {
            char body[BENCH_BODY_BYTES];
            char id[32];
            bench_body(n, body);
            bench_id(n, 0, id);
            sqlite3_bind_text(text, 1, id, -1, SQLITE_STATIC);
            sqlite3_bind_blob(text, 2, body, sizeof(body), SQLITE_STATIC);
            sqlite3_bind_text(state, 1, id, -1, SQLITE_STATIC);
            sqlite3_bind_int64(state, 2, n);
            if (sqlite3_step(text) != SQLITE_DONE || sqlite3_step(state) != SQLITE_DONE)
                return fail("reference", sqlite3_errmsg(db));
            sqlite3_reset(text);
            sqlite3_reset(state);
        }
        if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
            return fail("reference", sqlite3_errmsg(db));
        end = bench_now();
        timing_add(&timing, end - begun);
    }
    timing_print(&timing, n, end - start);
    sqlite3_finalize(text);
    sqlite3_finalize(state);
    sqlite3_close(db);
    return 0;
}
