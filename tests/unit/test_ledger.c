#include "../../daemon/work/ledger.h"
#include "../lib/rig.h"
#include "../lib/store_fault.h"
#include "../lib/store_memory.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

static struct store *store;
static struct ledger *ledger;

static void begin(struct store *opened)
{
    enum store_result r;

    store = opened;
    ledger = ledger_new(store, &r);
    assert_non_null(ledger);
    assert_int_equal(r, STORE_OK);
}

static void end(void)
{
    ledger_free(ledger);
    store_close(store);
}

/* What on_growth was told, as "news=2 blog=1 ". */
static char grown[256];

static void on_growth(void *arg, const struct store_site *site)
{
    size_t at = strlen(grown);

    assert_ptr_equal(arg, grown);
    snprintf(grown + at, sizeof(grown) - at, "%s=%lld ", site->name, (long long)site->newest);
}

static void commit(void)
{
    grown[0] = '\0';
    assert_int_equal(ledger_commit(ledger, on_growth, grown), STORE_OK);
}

static struct store_site *site_of(const char *name)
{
    struct store_site *site = ledger_site(ledger, slice_of(name));

    if (!site)
        site = ledger_site_add(ledger, slice_of(name));
    assert_non_null(site);
    return site;
}

static enum store_result append(const char *site_name, enum kind kind, int64_t *seq)
{
    struct store_site *site = site_of(site_name);
    struct store_comment comment = {.site = site->no, .id = "c", .revision = 1};
    struct ledger_entry entry = {.kind = kind, .revision = 1, .actor = SLICE_LIT("ann")};
    enum store_result r = store->ops->comment_get(store, site->no, SLICE_LIT("c"), &comment);

    if (r == STORE_OK || r == STORE_NONE)
        r = ledger_append(ledger, site, &comment, &entry, seq);
    return r == STORE_OK ? store->ops->comment_put(store, &comment) : r;
}

static int64_t appended(const char *site, enum kind kind)
{
    int64_t seq = -1;

    assert_int_equal(append(site, kind, &seq), STORE_OK);
    return seq;
}

TEST(records_are_numbered_for_each_site_and_events_are_not_records)
{
    begin(store_memory_open());
    assert_int_equal(ledger_begin(ledger, 1000), STORE_OK);
    assert_int_equal(ledger_next(ledger), 1);
    assert_int_equal(appended("news", KIND_SUBMITTED), 0);
    assert_int_equal(appended("news", KIND_APPROVED), 1);
    assert_int_equal(appended("blog", KIND_REJECTED), 1);
    assert_int_equal(appended("news", KIND_CLAIMED), 0);
    assert_int_equal(appended("news", KIND_REOPENED), 2);
    assert_int_equal(appended("blog", KIND_WITHDRAWN), 2);
    assert_int_equal(appended("news", KIND_ERASED), 3);
    assert_int_equal(appended("news", KIND_REPORTED), 0);
    assert_int_equal(ledger_next(ledger), 9);
    commit();
    const struct store_site *news = ledger_site(ledger, SLICE_LIT("news"));
    assert_int_equal(news->newest, 3);
    assert_int_equal(news->counts[KIND_APPROVED], 1);
    assert_int_equal(news->counts[KIND_SUBMITTED], 1);
    assert_int_equal(news->counts[KIND_CLAIMED], 0);
    assert_ptr_equal(ledger_site_at(ledger, 1), news);
    assert_null(ledger_site_at(ledger, 0));
    assert_null(ledger_site_at(ledger, 3));
    end();
}

TEST(sites_are_found_by_their_exact_name_among_many)
{
    char name[16];

    begin(store_memory_open());
    assert_int_equal(ledger_begin(ledger, 1000), STORE_OK);
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "s%d", i * 7919 % 300);
        assert_int_equal(site_of(name)->no, i + 1);
    }
    assert_int_equal(ledger_sites(ledger), 300);
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "s%d", i);
        assert_string_equal(ledger_site(ledger, slice_of(name))->name, name);
    }
    assert_null(ledger_site(ledger, SLICE_LIT("s")));
    assert_ptr_not_equal(ledger_site(ledger, SLICE_LIT("s30")), ledger_site(ledger, SLICE_LIT("s3")));
    assert_null(ledger_site(ledger, SLICE_LIT("s300")));
    assert_null(ledger_site(ledger, SLICE_LIT("")));
    commit();
    end();
}

/* Every call of qsort in this program comes here. */
static int sorts;

void qsort(void *rows, size_t n, size_t bytes, int (*order)(const void *, const void *))
{
    char held[64];

    assert_true(bytes <= sizeof(held));
    sorts++;
    for (size_t i = 1; i < n; i++)
        for (char *at = (char *)rows + i * bytes; at > (char *)rows && order(at - bytes, at) > 0; at -= bytes) {
            memcpy(held, at, bytes);
            memcpy(at, at - bytes, bytes);
            memcpy(at - bytes, held, bytes);
        }
}

TEST(names_are_sorted_once_however_many_sites_there_are)
{
    char name[16];

    begin(store_memory_open());
    assert_int_equal(ledger_begin(ledger, 1000), STORE_OK);
    sorts = 0;
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof(name), "s%d", i * 77 % 200);
        site_of(name);
    }
    assert_int_equal(sorts, 0);
    commit();
    sorts = 0;
    assert_int_equal(ledger_rollback(ledger), STORE_OK);
    assert_true(sorts <= 3); /* the names, and the scans of this store */
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof(name), "s%d", i);
        assert_string_equal(ledger_site(ledger, slice_of(name))->name, name);
    }
    assert_null(ledger_site(ledger, SLICE_LIT("s200")));
    assert_string_equal(site_of("a")->name, "a");
    assert_string_equal(site_of("s150")->name, "s150");
    end();
}

TEST(each_hash_covers_its_event_and_the_hash_before)
{
    unsigned char chain[SHA256_BYTES] = {0};
    struct store_event event;

    begin(store_memory_open());
    for (int i = 0; i < 10; i++) {
        assert_int_equal(ledger_begin(ledger, 1000 + i), STORE_OK);
        appended(i % 3 ? "news" : "سایت", (enum kind)(1 + i % (KIND_COUNT - 1)));
        appended("blog", KIND_SUBMITTED);
        commit();
    }
    for (int64_t no = 1; no <= 20; no++) {
        assert_int_equal(store->ops->event_get(store, no, &event), STORE_OK);
        struct store_site *site = ledger_site_at(ledger, event.site);
        rig_chain(chain, chain, &event, site->name);
        assert_int_equal(event.hash.len, SHA256_BYTES);
        assert_memory_equal(event.hash.data, chain, SHA256_BYTES);
    }
    end();
}

/* Computed once with another program (python3-msgpack and hashlib). */
TEST(the_hash_of_a_known_event_is_known)
{
    static const unsigned char expected[SHA256_BYTES] = {
        0x2c, 0x7e, 0xf4, 0x4c, 0xd8, 0x6a, 0xcb, 0x09, 0xb8, 0x6f, 0xab, 0x04, 0x1a, 0xf1, 0xb7, 0xa1,
        0x96, 0x2c, 0x65, 0x49, 0xa3, 0x26, 0x01, 0x7c, 0x67, 0x3d, 0x1e, 0x6f, 0x7b, 0x8f, 0x30, 0xc7,
    };
    unsigned char hash[SHA256_BYTES];
    const unsigned char zeros[SHA256_BYTES] = {0};
    struct out scratch = {0};
    struct store_event event = {.no = 1,
                                .at = 1700000000000,
                                .kind = KIND_APPROVED,
                                .comment = SLICE_LIT("c1"),
                                .revision = 2,
                                .text = 7,
                                .actor = SLICE_LIT("ann"),
                                .seq = 3,
                                .data = SLICE_LIT("\x81\xa5"
                                                  "cause\x01")};

    ledger_chain(hash, zeros, &event, SLICE_LIT("news"), &scratch);
    assert_memory_equal(hash, expected, SHA256_BYTES);
    out_free(&scratch);
}

TEST(any_change_of_an_event_changes_its_hash)
{
    unsigned char zeros[SHA256_BYTES] = {0};
    unsigned char ones[SHA256_BYTES] = {1};
    unsigned char hashes[13][SHA256_BYTES];
    struct out scratch = {0};
    const struct store_event base = {.no = 1,
                                     .at = 2,
                                     .kind = KIND_APPROVED,
                                     .comment = SLICE_LIT("c"),
                                     .revision = 1,
                                     .text = 1,
                                     .actor = SLICE_LIT("a"),
                                     .seq = 1,
                                     .data = SLICE_LIT("\x80")};
    struct store_event other[10];

    for (int i = 0; i < 10; i++)
        other[i] = base;
    other[1].no = 2;
    other[2].at = 3;
    other[3].kind = KIND_REJECTED;
    other[4].comment = SLICE_LIT("d");
    other[5].revision = 2;
    other[6].text = 2;
    other[7].actor = SLICE_LIT("b");
    other[8].seq = 2;
    other[9].data = SLICE_LIT("\x81\x01\x02");
    for (int i = 0; i < 10; i++)
        ledger_chain(hashes[i], zeros, &other[i], SLICE_LIT("s"), &scratch);
    ledger_chain(hashes[10], zeros, &base, SLICE_LIT("t"), &scratch);
    ledger_chain(hashes[11], ones, &base, SLICE_LIT("s"), &scratch);
    for (int i = 0; i < 12; i++)
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(hashes[i], hashes[j], SHA256_BYTES);
    out_free(&scratch);
}

TEST(a_rollback_forgets_everything_since_begin)
{
    begin(store_memory_open());
    assert_int_equal(ledger_begin(ledger, 1000), STORE_OK);
    appended("news", KIND_APPROVED);
    commit();
    assert_int_equal(ledger_begin(ledger, 5000), STORE_OK);
    appended("news", KIND_REOPENED);
    appended("new", KIND_SUBMITTED);
    assert_int_equal(ledger_rollback(ledger), STORE_OK);
    assert_int_equal(ledger_next(ledger), 2);
    assert_int_equal(ledger_sites(ledger), 1);
    assert_null(ledger_site(ledger, SLICE_LIT("new")));
    assert_int_equal(ledger_site(ledger, SLICE_LIT("news"))->newest, 1);
    assert_int_equal(ledger_begin(ledger, 2000), STORE_OK);
    assert_int_equal(ledger_now(ledger), 2000);
    assert_int_equal(appended("news", KIND_REJECTED), 2);
    commit();
    assert_string_equal(grown, "news=2 ");
    end();
}

TEST(time_never_goes_back_not_even_after_a_restart)
{
    enum store_result r;

    begin(store_memory_open());
    assert_int_equal(ledger_begin(ledger, 5000), STORE_OK);
    appended("news", KIND_SUBMITTED);
    commit();
    assert_int_equal(ledger_begin(ledger, 4000), STORE_OK);
    assert_int_equal(ledger_now(ledger), 5000);
    appended("news", KIND_APPROVED);
    commit();
    ledger_free(ledger);
    ledger = ledger_new(store, &r);
    assert_int_equal(ledger_begin(ledger, 1), STORE_OK);
    assert_int_equal(ledger_now(ledger), 5000);
    assert_int_equal(ledger_rollback(ledger), STORE_OK);
    assert_int_equal(ledger_begin(ledger, 6000), STORE_OK);
    assert_int_equal(ledger_now(ledger), 6000);
    assert_int_equal(ledger_rollback(ledger), STORE_OK);
    end();
}

TEST(only_sites_whose_log_grew_are_told_and_only_after_the_commit)
{
    begin(store_memory_open());
    assert_int_equal(ledger_begin(ledger, 1000), STORE_OK);
    appended("a", KIND_SUBMITTED);
    appended("b", KIND_APPROVED);
    appended("c", KIND_APPROVED);
    appended("c", KIND_ERASED);
    grown[0] = '\0';
    assert_string_equal(grown, "");
    commit();
    assert_string_equal(grown, "b=1 c=2 ");
    assert_int_equal(ledger_begin(ledger, 1000), STORE_OK);
    commit();
    assert_string_equal(grown, "");
    end();
}

TEST(another_ledger_on_the_same_store_goes_on_where_the_first_was)
{
    enum store_result r;

    begin(store_memory_open());
    assert_int_equal(ledger_begin(ledger, 1000), STORE_OK);
    appended("news", KIND_APPROVED);
    commit();
    ledger_free(ledger);
    ledger = ledger_new(store, &r);
    assert_int_equal(ledger_next(ledger), 2);
    assert_int_equal(ledger_begin(ledger, 1000), STORE_OK);
    assert_int_equal(appended("news", KIND_ERASED), 2);
    commit();
    assert_string_equal(grown, "news=2 ");
    end();
}

/* Some transactions over two sites; the one under way is taken back when a call fails. Returns false when none failed.
 */
static bool tell(uint64_t nth, enum store_result result, bool for_good)
{
    static const char *const sites[] = {"news", "blog", "news", "news"};
    static const enum kind kinds[] = {KIND_SUBMITTED, KIND_APPROVED, KIND_REOPENED, KIND_REJECTED};
    int64_t last[2] = {0, 0};

    begin(store_fault_open(store_memory_open()));
    store_fault_arm(store, nth, result, for_good);
    for (int t = 0; t < 6; t++) {
        enum store_result r = ledger_begin(ledger, 1000 + t);
        for (int i = 0; i < 4 && r == STORE_OK; i++)
            r = append(sites[i], kinds[(i + t) % 4], NULL);
        if (r == STORE_OK)
            r = ledger_commit(ledger, on_growth, grown);
        if (r == STORE_OK) {
            last[0] = ledger_site(ledger, SLICE_LIT("news"))->newest;
            last[1] = ledger_site(ledger, SLICE_LIT("blog"))->newest;
            continue;
        }
        store_fault_disarm(store);
        assert_int_equal(ledger_rollback(ledger), STORE_OK);
        const struct store_site *news = ledger_site(ledger, SLICE_LIT("news"));
        const struct store_site *blog = ledger_site(ledger, SLICE_LIT("blog"));
        assert_int_equal(news ? news->newest : 0, last[0]);
        assert_int_equal(blog ? blog->newest : 0, last[1]);
    }
    bool failed = store_fault_failures(store) > 0;
    store_fault_disarm(store);
    struct rig rig = {.store = store};
    if (!rig_log_is_whole(&rig))
        fail_msg("call %llu: %s", (unsigned long long)nth, rig.wrong);
    grown[0] = '\0';
    end();
    return failed;
}

TEST(a_store_that_fails_at_any_call_leaves_no_gap)
{
    uint64_t nth = 1;

    while (tell(nth, STORE_FULL, false))
        nth++;
    assert_true(nth > 50);
    for (uint64_t n = 1; n < nth; n++) {
        assert_true(tell(n, STORE_FAILED, false));
        assert_true(tell(n, STORE_FULL, true));
        assert_true(tell(n, STORE_FAILED, true));
    }
}

TEST(a_ledger_on_a_store_that_cannot_be_read_says_so)
{
    enum store_result r = STORE_OK;

    store = store_fault_open(store_memory_open());
    store_fault_arm(store, 1, STORE_FAILED, false);
    assert_null(ledger_new(store, &r));
    assert_int_equal(r, STORE_FAILED);
    store_fault_arm(store, 2, STORE_FULL, false);
    assert_null(ledger_new(store, &r));
    assert_int_equal(r, STORE_FULL);
    store_close(store);
}
