/* When a queue is late, has recovered, or cannot be seen. */
#include "../../clients/cli/lateness.h"
#include "unit.h"

static struct lateness_state queue;

static void begin(int64_t oldest_ms, int64_t pending)
{
    queue = (struct lateness_state){.oldest_ms = oldest_ms, .pending = pending};
}

static enum lateness see(int64_t oldest_ms, int64_t pending)
{
    struct lateness_seen seen = {true, oldest_ms, pending};
    return lateness_next(&queue, &seen);
}

static enum lateness miss(void)
{
    struct lateness_seen seen = {0};
    return lateness_next(&queue, &seen);
}

TEST(late_is_told_once_above_the_limit_and_recovered_once_at_three_quarters)
{
    begin(1000, 0);
    assert_int_equal(see(0, 0), LATENESS_NOTHING);
    assert_int_equal(see(1000, 5), LATENESS_NOTHING);
    assert_int_equal(see(1001, 5), LATENESS_LATE);
    assert_int_equal(see(5000, 5), LATENESS_NOTHING);
    assert_int_equal(see(751, 5), LATENESS_NOTHING);
    assert_int_equal(see(1001, 5), LATENESS_NOTHING); /* to and fro */
    assert_int_equal(see(750, 5), LATENESS_RECOVERED);
    assert_int_equal(see(751, 5), LATENESS_NOTHING);
    assert_int_equal(see(1001, 5), LATENESS_LATE);
}

TEST(either_limit_makes_it_late_and_both_must_recover)
{
    begin(1000, 10);
    assert_int_equal(see(10, 11), LATENESS_LATE);
    assert_int_equal(see(2000, 2), LATENESS_NOTHING);
    assert_int_equal(see(100, 8), LATENESS_NOTHING);
    assert_int_equal(see(100, 7), LATENESS_RECOVERED); /* 7.5 */
}

TEST(a_limit_of_one_recovers_at_nothing)
{
    begin(0, 1);
    assert_int_equal(see(0, 2), LATENESS_LATE);
    assert_int_equal(see(0, 1), LATENESS_NOTHING);
    assert_int_equal(see(0, 0), LATENESS_RECOVERED);
}

TEST(a_limit_that_is_not_given_is_none)
{
    begin(0, 5);
    assert_int_equal(see(INT64_MAX, 5), LATENESS_NOTHING);
    begin(5, 0);
    assert_int_equal(see(5, INT64_MAX), LATENESS_NOTHING);
}

TEST(one_miss_is_a_restart_and_two_are_told_once)
{
    begin(1000, 0);
    assert_int_equal(miss(), LATENESS_NOTHING);
    assert_int_equal(see(0, 0), LATENESS_NOTHING);
    assert_int_equal(miss(), LATENESS_NOTHING);
    assert_int_equal(miss(), LATENESS_UNREACHABLE);
    assert_int_equal(miss(), LATENESS_NOTHING);
    assert_int_equal(see(0, 0), LATENESS_RECOVERED);
    assert_int_equal(see(0, 0), LATENESS_NOTHING);
}

TEST(what_is_so_when_the_daemon_is_back_is_told_again)
{
    begin(1000, 0);
    assert_int_equal(see(2000, 1), LATENESS_LATE);
    miss();
    assert_int_equal(miss(), LATENESS_UNREACHABLE);
    assert_int_equal(see(900, 1), LATENESS_LATE); /* not well below */
    miss();
    assert_int_equal(miss(), LATENESS_UNREACHABLE);
    assert_int_equal(see(100, 1), LATENESS_RECOVERED);
}

TEST(states_have_names)
{
    assert_null(lateness_name(LATENESS_NOTHING));
    assert_string_equal(lateness_name(LATENESS_LATE), "late");
    assert_string_equal(lateness_name(LATENESS_RECOVERED), "recovered");
    assert_string_equal(lateness_name(LATENESS_UNREACHABLE), "unreachable");
}
