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

static enum store_result append_bare(enum kind kind, const char *via)
{
    struct ledger_entry entry = {.kind = kind, .actor = SLICE_LIT("root"), .via = slice_of(via)};

    return ledger_append_bare(ledger, &entry);
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

/* Likewise: one that came by a key, and one about no comment. */
TEST(the_hash_of_an_event_that_came_some_way_is_known)
{
    static const unsigned char expected[][SHA256_BYTES] = {
        {0x89, 0x3c, 0xe1, 0x4c, 0xe9, 0x96, 0x69, 0x17, 0xa3, 0xc9, 0xf9, 0x86, 0x4a, 0x40, 0xec, 0x0c,
         0x04, 0xb1, 0x18, 0x46, 0x46, 0x1d, 0x11, 0x57, 0x80, 0xf9, 0x1c, 0x48, 0x86, 0x50, 0xe8, 0x71},
        {0x41, 0x99, 0xc4, 0xe7, 0x27, 0x3c, 0x4b, 0xcf, 0x4d, 0xf9, 0xd2, 0xc0, 0xbd, 0x49, 0x84, 0xe4,
         0xf1, 0x45, 0x2e, 0x0c, 0x36, 0xa2, 0x77, 0xfc, 0xfc, 0xb6, 0x95, 0x88, 0x93, 0x0d, 0xf5, 0xff},
    };
    const unsigned char zeros[SHA256_BYTES] = {0};
    unsigned char hash[SHA256_BYTES];
    struct out scratch = {0};
    const struct store_event of_comment = {.no = 1,
                                           .at = 1700000000000,
                                           .kind = KIND_APPROVED,
                                           .comment = SLICE_LIT("c1"),
                                           .revision = 2,
                                           .text = 7,
                                           .actor = SLICE_LIT("ann"),
                                           .seq = 3,
                                           .via = SLICE_LIT("key:7"),
                                           .data = SLICE_LIT("\x81\xa5"
                                                             "cause\x01")};
    struct store_event event;

    ledger_chain(hash, zeros, &of_comment, SLICE_LIT("news"), &scratch);
    assert_memory_equal(hash, expected[0], SHA256_BYTES);
    out_free(&scratch);
    begin(store_memory_open());
    assert_int_equal(ledger_begin(ledger, 1700000000000), STORE_OK);
    assert_int_equal(append_bare(KIND_KEY_ADDED, "uid:0"), STORE_OK);
    commit();
    assert_int_equal(store->ops->event_get(store, 1, &event), STORE_OK);
    assert_memory_equal(event.hash.data, expected[1], SHA256_BYTES);
    end();
}

TEST(an_event_about_no_comment_is_of_no_site_and_grows_no_log)
{
    struct store_event event;

    begin(store_memory_open());
    assert_int_equal(ledger_begin(ledger, 1000), STORE_OK);
    appended("news", KIND_APPROVED);
    assert_int_equal(append_bare(KIND_KEY_ADDED, "uid:0"), STORE_OK);
    assert_int_equal(append_bare(KIND_RELOADED, NULL), STORE_OK);
    assert_int_equal(appended("news", KIND_REOPENED), 2);
    assert_int_equal(ledger_next(ledger), 5);
    commit();
    assert_string_equal(grown, "news=2 ");
    assert_int_equal(ledger_sites(ledger), 1);
    assert_int_equal(store->ops->event_get(store, 2, &event), STORE_OK);
    assert_int_equal(event.site + event.previous + event.seq + event.text + event.revision, 0);
    assert_true(slice_is(event.comment, "") && slice_is(event.via, "uid:0") && slice_is(event.actor, "root"));
    assert_true(slice_is(event.data, "\x80"));
    assert_int_equal(store->ops->event_get(store, 3, &event), STORE_OK);
    assert_null(event.via.data);
    struct rig rig = {.store = store};
    if (!rig_log_is_whole(&rig))
        fail_msg("%s", rig.wrong);
    end();
}

TEST(an_event_about_an_author_is_of_a_site_and_grows_no_log)
{
    struct ledger_entry entry = {.kind = KIND_AUTHOR_NOTED, .actor = SLICE_LIT("ann"), .via = SLICE_LIT("uid:0")};
    struct store_event event;

    begin(store_memory_open());
    assert_int_equal(ledger_begin(ledger, 1000), STORE_OK);
    appended("news", KIND_APPROVED);
    struct store_author author = {.site = 1, .id = "u"};
    assert_int_equal(ledger_append_author(ledger, site_of("news"), &author, &entry), STORE_OK);
    assert_int_equal(author.last_event, 2);
    assert_int_equal(appended("news", KIND_REOPENED), 2);
    entry.kind = KIND_AUTHOR_MARKED;
    assert_int_equal(ledger_append_author(ledger, site_of("news"), &author, &entry), STORE_OK);
    assert_int_equal(author.last_event, 4);
    commit();
    assert_string_equal(grown, "news=2 ");
    assert_int_equal(store->ops->event_get(store, 2, &event), STORE_OK);
    assert_true(event.site == 1 && !event.previous && !event.seq && !event.text && !event.revision);
    assert_int_equal(store->ops->event_get(store, 4, &event), STORE_OK);
    assert_true(event.site == 1 && event.previous == 2 && event.kind == KIND_AUTHOR_MARKED);
    assert_true(slice_is(event.comment, "") && slice_is(event.via, "uid:0") && slice_is(event.data, "\x80"));
    struct rig rig = {.store = store};
    if (!rig_log_is_whole(&rig))
        fail_msg("%s", rig.wrong);
    end();
}

TEST(the_head_is_the_end_of_the_chain)
{
    static const unsigned char zeros[SHA256_BYTES];
    const unsigned char *hash;
    struct store_event event;
    int64_t no;

    begin(store_memory_open());
    assert_int_equal(ledger_head(ledger, &no, &hash), STORE_NONE);
    assert_int_equal(no, 0);
    assert_memory_equal(hash, zeros, SHA256_BYTES);
    assert_int_equal(ledger_begin(ledger, 1000), STORE_OK);
    appended("news", KIND_SUBMITTED);
    assert_int_equal(append_bare(KIND_RELOADED, NULL), STORE_OK);
    commit();
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ledger_head(ledger, &no, &hash), STORE_OK);
        assert_int_equal(no, 2);
        assert_int_equal(store->ops->event_last(store, &event), STORE_OK);
        assert_memory_equal(hash, event.hash.data, SHA256_BYTES);
        assert_int_equal(ledger_rollback(ledger), STORE_OK); /* read anew */
    }
    end();
}

TEST(a_hash_that_was_cut_short_ends_in_zeros)
{
    static const unsigned char cut[SHA256_BYTES] = {'a', 'b'};
    unsigned char hash[SHA256_BYTES];
    char longer[SHA256_BYTES + 1];

    memset(longer, 7, sizeof(longer));
    ledger_hash_of(&(struct store_event){.hash = SLICE_LIT("ab")}, hash);
    assert_memory_equal(hash, cut, SHA256_BYTES);
    ledger_hash_of(&(struct store_event){.hash = SLICE_NONE}, hash);
    assert_int_equal(hash[0], 0);
    ledger_hash_of(&(struct store_event){.hash = {longer, sizeof(longer)}}, hash);
    assert_memory_equal(hash, longer, SHA256_BYTES);
}

TEST(any_change_of_an_event_changes_its_hash)
{
    unsigned char zeros[SHA256_BYTES] = {0};
    unsigned char ones[SHA256_BYTES] = {1};
    unsigned char hashes[15][SHA256_BYTES];
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
    struct store_event other[13];

    for (int i = 0; i < 13; i++)
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
    other[10].via = SLICE_LIT("key:1");
    other[11].via = SLICE_LIT("key:2");
    other[12].via = SLICE_LIT(""); /* not the same as none */
    for (int i = 0; i < 13; i++)
        ledger_chain(hashes[i], zeros, &other[i], SLICE_LIT("s"), &scratch);
    ledger_chain(hashes[13], zeros, &base, SLICE_LIT("t"), &scratch);
    ledger_chain(hashes[14], ones, &base, SLICE_LIT("s"), &scratch);
    for (int i = 0; i < 15; i++)
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
            r = append_bare(KIND_KEY_REVOKED, "key:1");
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
