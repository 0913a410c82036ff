/* The table of keys: who is who, until when, and how fast they may ask. */
#include "../../daemon/work/access.h"
#include "../../proto/mp.h"
#include "../../proto/out.h"
#include "../lib/store_memory.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

static struct store *store;
static struct access *access_table;

static void begin(void)
{
    store = store_memory_open();
    access_table = access_new();
    assert_non_null(access_table);
}

static void end(void)
{
    access_free(access_table);
    store_close(store);
}

/* A public key that differs from others in every order of bytes. */
static void public_of(int64_t no, unsigned char key[PUBLIC_KEY_BYTES])
{
    for (int i = 0; i < PUBLIC_KEY_BYTES; i++)
        key[i] = (unsigned char)((no * 2654435761U) >> (i % 4 * 8));
    memcpy(key, &no, sizeof(no));
}

static struct store_key curve_key(int64_t no)
{
    struct store_key key = {.no = no,
                            .role = ROLE_MODERATOR,
                            .rights = RIGHT_ERASE,
                            .has_public = true,
                            .uid = UID_NONE,
                            .all_sites = true,
                            .created_at = 1,
                            .created_by = "root"};

    snprintf(key.name, sizeof(key.name), "key-%lld", (long long)no);
    public_of(no, key.public_key);
    return key;
}

static struct store_key user_key(int64_t no, int64_t uid)
{
    struct store_key key = curve_key(no);

    key.has_public = false;
    memset(key.public_key, 0, sizeof(key.public_key));
    key.uid = uid;
    return key;
}

static void put(const struct store_key *key)
{
    assert_int_equal(store->ops->begin(store), STORE_OK);
    assert_int_equal(store->ops->key_put(store, key), STORE_OK);
    assert_int_equal(store->ops->commit(store), STORE_OK);
}

static void load(void)
{
    assert_int_equal(access_load(access_table, store), STORE_OK);
}

/* ---- who is who ---- */

TEST(nobody_is_known_to_an_empty_table)
{
    unsigned char public_key[PUBLIC_KEY_BYTES] = {0};

    begin();
    for (int loaded = 0; loaded < 2; loaded++) {
        assert_null(access_by_public(access_table, public_key));
        assert_null(access_by_uid(access_table, 0, 0));
        assert_null(access_by_uid(access_table, -1, 0));
        for (int64_t no = -1; no < 3; no++)
            assert_null(access_by_number(access_table, no));
        assert_int_equal(access_ended(access_table, 0), 0);
        load();
    }
    end();
}

TEST(a_key_is_found_by_number_and_by_its_public_half)
{
    unsigned char public_key[PUBLIC_KEY_BYTES];

    begin();
    struct store_key key = curve_key(1);
    put(&key);
    load();
    struct grant *grant = access_by_number(access_table, 1);
    assert_non_null(grant);
    assert_ptr_equal(access_by_public(access_table, key.public_key), grant);
    assert_int_equal(grant->key, 1);
    assert_string_equal(grant->name, "key-1");
    assert_int_equal(grant->role, ROLE_MODERATOR);
    assert_int_equal(grant->rights, RIGHT_ERASE);
    for (int i = 0; i < PUBLIC_KEY_BYTES; i++) { /* every byte counts */
        memcpy(public_key, key.public_key, sizeof(public_key));
        public_key[i] ^= 1;
        assert_null(access_by_public(access_table, public_key));
    }
    assert_null(access_by_number(access_table, 0));
    assert_null(access_by_number(access_table, 2));
    assert_null(access_by_number(access_table, INT64_MAX));
    assert_null(access_by_number(access_table, INT64_MIN));
    end();
}

/* The bytes of a user's row stand for nobody: a peer that shows 32 zeros is not that user. */
TEST(a_user_of_the_system_has_no_public_key)
{
    static const unsigned char zeros[PUBLIC_KEY_BYTES];

    begin();
    struct store_key key = user_key(1, 1000);
    put(&key);
    load();
    assert_null(access_by_public(access_table, zeros));
    assert_non_null(access_by_uid(access_table, 1000, 0));
    assert_null(access_by_uid(access_table, 1001, 0));
    assert_null(access_by_uid(access_table, UID_NONE, 0));
    end();
}

TEST(a_user_has_the_key_that_is_good_whichever_is_newer)
{
    begin();
    struct store_key first = user_key(1, 1000);
    struct store_key second = user_key(2, 1000);
    first.expires_at = 500;
    put(&first);
    put(&second);
    load();
    assert_int_equal(access_by_uid(access_table, 1000, 100)->key, 1);
    assert_int_equal(access_by_uid(access_table, 1000, 500)->key, 2);
    second.revoked_at = 600;
    put(&second);
    load();
    assert_int_equal(access_by_uid(access_table, 1000, 499)->key, 1);
    assert_non_null(access_by_uid(access_table, 1000, 700)); /* who was sent away is not as if never known */
    assert_false(grant_is_good(access_by_uid(access_table, 1000, 700), 700));
    end();
}

TEST(a_thousand_keys_are_told_apart)
{
    enum { KEYS = 1000 };
    unsigned char public_key[PUBLIC_KEY_BYTES];

    begin();
    for (int64_t no = 1; no <= KEYS; no++) {
        struct store_key key = no % 10 == 0 ? user_key(no, 5000 + no) : curve_key(no);
        put(&key);
    }
    load();
    for (int64_t no = 1; no <= KEYS; no++) {
        public_of(no, public_key);
        struct grant *grant =
            no % 10 == 0 ? access_by_uid(access_table, 5000 + no, 0) : access_by_public(access_table, public_key);
        assert_non_null(grant);
        assert_int_equal(grant->key, no);
        assert_ptr_equal(access_by_number(access_table, no), grant);
        if (no % 10 == 0)
            assert_null(access_by_public(access_table, public_key));
    }
    public_of(KEYS + 1, public_key);
    assert_null(access_by_public(access_table, public_key));
    end();
}

/* ---- until when ---- */

TEST(a_key_is_good_until_the_millisecond_at_which_it_expires)
{
    begin();
    struct store_key key = curve_key(1);
    key.expires_at = 1700000000123;
    put(&key);
    load();
    const struct grant *grant = access_by_number(access_table, 1);
    assert_true(grant_is_good(grant, 0));
    assert_true(grant_is_good(grant, 1700000000122));
    assert_false(grant_is_good(grant, 1700000000123));
    assert_false(grant_is_good(grant, INT64_MAX));
    assert_int_equal(access_ended(access_table, 1700000000122), 0);
    assert_int_equal(access_ended(access_table, 1700000000123), 1);
    end();
}

/* Also when the clock stands before the moment at which it was revoked. */
TEST(a_revoked_key_is_not_good_whatever_the_time)
{
    begin();
    struct store_key key = curve_key(1);
    key.revoked_at = 1000;
    put(&key);
    load();
    const struct grant *grant = access_by_number(access_table, 1);
    assert_false(grant_is_good(grant, 0));
    assert_false(grant_is_good(grant, 999));
    assert_false(grant_is_good(grant, 2000));
    assert_int_equal(access_ended(access_table, 0), 1);
    end();
}

TEST(sites_are_compared_whole)
{
    struct out sites = {0};

    begin();
    out_array(&sites);
    out_str(&sites, SLICE_LIT("news"));
    out_str(&sites, SLICE_LIT("sport"));
    out_end(&sites);
    struct store_key key = curve_key(1);
    key.all_sites = false;
    key.sites = out_slice(&sites);
    put(&key);
    load();
    const struct grant *grant = access_by_number(access_table, 1);
    assert_true(grant_sees(grant, SLICE_LIT("news")));
    assert_true(grant_sees(grant, SLICE_LIT("sport")));
    assert_false(grant_sees(grant, SLICE_LIT("new")));
    assert_false(grant_sees(grant, SLICE_LIT("news2")));
    assert_false(grant_sees(grant, SLICE_LIT("NEWS")));
    assert_false(grant_sees(grant, SLICE_LIT("news\0x")));
    assert_false(grant_sees(grant, SLICE_LIT("")));
    assert_false(grant_sees(grant, SLICE_NONE));
    out_free(&sites);
    end();
}

/* A row whose sites cannot be read must not become a key for all sites. */
TEST(a_row_that_makes_no_sense_lets_nobody_in)
{
    begin();
    struct store_key key = curve_key(1);
    key.all_sites = false;
    key.sites = SLICE_LIT("\x92\x01\x02"); /* [1, 2] */
    put(&key);
    struct store_key good = curve_key(2);
    put(&good);
    load();
    assert_null(access_by_number(access_table, 1));
    assert_null(access_by_public(access_table, key.public_key));
    assert_non_null(access_by_public(access_table, good.public_key));
    assert_int_equal(access_ended(access_table, 0), 1);
    end();
}

TEST(roles_enter_at_their_own_sockets)
{
    static const struct {
        enum role role;
        bool enters[SOCKET_COUNT]; /* front, push, decisions, desk */
    } rows[] = {
        {ROLE_FRONT, {true, true, true, false}},
        {ROLE_MODERATOR, {false, false, false, true}},
        {ROLE_ADMINISTRATOR, {true, true, true, true}},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int which = 0; which < SOCKET_COUNT; which++) {
            struct grant grant = {.role = rows[i].role};
            assert_int_equal(grant_may_enter(&grant, (enum settings_socket)which), rows[i].enters[which]);
        }
}

/* ---- reading anew ---- */

TEST(a_request_keeps_the_grant_it_came_with)
{
    begin();
    struct store_key key = curve_key(1);
    put(&key);
    load();
    struct grant *held = access_by_number(access_table, 1);
    grant_take(held);
    key.revoked_at = 5;
    put(&key);
    load();
    assert_ptr_not_equal(access_by_number(access_table, 1), held);
    assert_true(grant_is_good(held, 0));
    assert_string_equal(held->name, "key-1");
    assert_false(grant_is_good(access_by_number(access_table, 1), 0));
    grant_drop(held);
    end();
}

static enum store_result fail_scan(struct store *broken, store_on_key *on_key, void *arg)
{
    struct store_key key = curve_key(1);

    (void)broken;
    on_key(arg, &key); /* it breaks off in the middle */
    return STORE_FAILED;
}

TEST(a_table_that_cannot_be_read_stays_as_it_was)
{
    begin();
    for (int64_t no = 1; no <= 2; no++) {
        struct store_key key = curve_key(no);
        put(&key);
    }
    load();
    const struct grant *before = access_by_number(access_table, 2);
    const struct store_ops *whole = store->ops;
    struct store_ops failing = *whole;
    failing.key_scan = fail_scan;
    store->ops = &failing;
    assert_int_equal(access_load(access_table, store), STORE_FAILED);
    store->ops = whole;
    assert_non_null(before);
    assert_ptr_equal(access_by_number(access_table, 2), before);
    end();
}

/* ---- how fast ---- */

static struct limits limits;

static struct tally tally;

/* How long to wait for `items` more; 0 when they are let in. */
static int64_t ask(int64_t key, int64_t items, int64_t now)
{
    struct fault fault;
    struct out out = {0};
    msgpack_zone zone;
    msgpack_object map;

    fault_set(&fault, E_OK);
    tally = (struct tally){0};
    if (access_pace(access_table, access_by_number(access_table, key), items, now, &limits, &tally, &fault)) {
        assert_int_equal(fault.code, E_OK);
        assert_null(tally.limit);
        return 0;
    }
    assert_int_equal(fault.code, E_BUSY);
    fault_encode(&fault, &out);
    assert_true(msgpack_zone_init(&zone, 512));
    assert_true(mp_unpack_map(out_slice(&out), &zone, &map));
    int64_t wait = mp_get_int(&map, "retry_after_ms", -1);
    assert_non_null(tally.limit);
    assert_true(slice_is(mp_get_str(&map, "limit"), tally.limit->name));
    msgpack_zone_destroy(&zone);
    out_free(&out);
    assert_true(wait > 0);
    return wait;
}

static void begin_paced(int64_t rate, int64_t requests)
{
    begin();
    for (int64_t no = 1; no <= 2; no++) {
        struct store_key key = curve_key(no);
        put(&key);
    }
    load();
    limits_default(&limits);
    limits.value[LIMIT_RATE_PER_KEY] = rate;
    limits.value[LIMIT_REQUESTS_PER_KEY] = requests;
}

TEST(two_seconds_worth_may_be_asked_for_at_once)
{
    begin_paced(100, 1000);
    for (int i = 0; i < 200; i++)
        assert_int_equal(ask(1, 1, 5000), 0);
    assert_int_equal(ask(1, 1, 5000), 11); /* an item is there after 10 ms */
    assert_int_equal(ask(2, 1, 5000), 0);  /* another key has a purse of its own */
    assert_int_equal(ask(1, 1, 5011), 0);
    end();
}

/* Whoever waits as long as they are told is let in, and whoever asks all the time gets the rate and no more. */
TEST(over_a_minute_a_key_gets_its_rate)
{
    int64_t taken = 0;

    begin_paced(250, 1000);
    for (int64_t now = 0; now < 60000; now++)
        for (int i = 0; i < 3; i++)
            taken += ask(1, 1, now) == 0;
    assert_in_range(taken, 60 * 250 + 490, 60 * 250 + 510);
    end();
}

TEST(waiting_as_told_is_enough)
{
    int64_t now = 0;

    begin_paced(7, 1000);
    for (int i = 0; i < 500; i++) {
        int64_t wait = ask(1, 3, now);
        now += wait;
        if (wait)
            assert_int_equal(ask(1, 3, now), 0);
    }
    assert_in_range(now, 500 * 3 * 1000 / 7 - 3000, 2 * 500 * 3 * 1000 / 7);
    end();
}

TEST(more_than_a_burst_is_let_in_when_the_purse_is_full_and_leaves_a_debt)
{
    begin_paced(10, 1000);
    assert_int_equal(ask(1, 1, 0), 0);
    assert_int_equal(ask(1, 500, 0), 101); /* the purse holds 19 of 20 */
    assert_int_equal(ask(1, 500, 101), 0);
    assert_int_equal(ask(1, 1, 101), 48101); /* 480 are owed, and the next one */
    assert_int_equal(ask(1, 1, 48000), 202);
    assert_int_equal(ask(1, 1, 48202), 0);
    end();
}

TEST(a_purse_holds_no_more_than_two_seconds_however_long_nobody_asks)
{
    begin_paced(100, 1000);
    assert_int_equal(ask(1, 1, 0), 0);
    assert_int_equal(ask(1, 200, INT64_C(365) * 24 * 3600 * 1000), 0);
    assert_true(ask(1, 1, INT64_C(365) * 24 * 3600 * 1000) > 0);
    end();
}

TEST(the_highest_rate_does_not_overflow_after_twenty_years)
{
    begin_paced(10000000, 1000000);
    assert_int_equal(ask(1, 512, 0), 0);
    assert_int_equal(ask(1, 512, INT64_C(20) * 365 * 24 * 3600 * 1000), 0);
    end();
}

TEST(a_key_has_no_more_requests_under_way_than_it_may)
{
    begin_paced(1000, 3);
    const struct grant *grant = access_by_number(access_table, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(1, 1, 0), 0);
        access_begin(access_table, grant);
    }
    assert_true(ask(1, 1, 0) > 0);
    assert_int_equal(ask(2, 1, 0), 0);
    access_end(access_table, grant);
    assert_int_equal(ask(1, 1, 0), 0);
    for (int i = 0; i < 10; i++) /* more ends than beginnings give nothing away */
        access_end(access_table, grant);
    for (int i = 0; i < 3; i++)
        access_begin(access_table, grant);
    assert_true(ask(1, 1, 0) > 0);
    end();
}

/* A refusal costs nothing. */
TEST(what_was_refused_is_not_paid)
{
    begin_paced(10, 1000);
    assert_int_equal(ask(1, 20, 0), 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(ask(1, 1, 0), 101);
    assert_int_equal(ask(1, 1, 101), 0);
    end();
}

TEST(reading_the_keys_anew_forgives_nobody)
{
    begin_paced(10, 3);
    assert_int_equal(ask(1, 20, 0), 0);
    for (int i = 0; i < 3; i++)
        access_begin(access_table, access_by_number(access_table, 1));
    struct store_key third = curve_key(3);
    put(&third);
    load();
    assert_int_equal(ask(3, 20, 0), 0);
    assert_int_equal(ask(1, 1, 5000), 50); /* its three requests are still under way */
    access_end(access_table, access_by_number(access_table, 1));
    assert_true(ask(1, 1, 10) > 0); /* its purse is still empty */
    assert_int_equal(ask(1, 1, 5000), 0);
    end();
}

TEST(those_without_a_key_are_not_held_up)
{
    struct fault fault;

    begin_paced(1, 1);
    for (int i = 0; i < 100; i++) {
        assert_true(access_pace(access_table, &grant_front, 512, 0, &limits, &tally, &fault));
        access_begin(access_table, &grant_front);
    }
    end();
}
