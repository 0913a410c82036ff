/* What was changed between two revisions. */
#include "../../clients/cli/changes.h"
#include "unit.h"

#include <string.h>

static void assert_change(const char *old, const char *now, const char *was, const char *is, const char *cut)
{
    struct change change = change_between(slice_of(old), slice_of(now));

    if (!slice_equal(change.old, slice_of(was)) || !slice_equal(change.now, slice_of(is)))
        fail_msg("\"%.*s\" became \"%.*s\"", (int)change.old.len, change.old.data, (int)change.now.len,
                 change.now.data);
    assert_int_equal(change.more_before, cut[0] == '<');
    assert_int_equal(change.more_behind, cut[1] == '>');
}

TEST(a_word_in_the_middle_is_told_alone)
{
    assert_change("you are a good man", "you are a bad man", "good", "bad", "<>");
    assert_change("you are good", "you are not good", "", "not", "<>");
    assert_change("you are not good", "you are good", "not", "", "<>");
}

TEST(words_are_never_cut)
{
    assert_change("the grandfather", "the grandmother", "grandfather", "grandmother", "< ");
    assert_change("pre-a x", "pre-b x", "pre-a", "pre-b", " >");
    assert_change("can", "cannot", "can", "cannot", "  ");
    assert_change("سڵاو جیهان باش", "سڵاو جیران باش", "جیهان", "جیران", "<>");
}

TEST(ends_of_a_text_can_differ)
{
    assert_change("a b", "a b c", "", "c", "< ");
    assert_change("b c", "a b c", "", "a", " >");
    assert_change("one", "two", "one", "two", "  ");
    assert_change("", "two", "", "two", "  ");
}

TEST(repeated_words_are_not_counted_twice)
{
    assert_change("no no", "no no no", "", "no", "< ");
    assert_change("no no no", "no no", "no", "", "< ");
    assert_change("a\nb", "a\nb\nb", "", "b", "< ");
}

TEST(same_texts_differ_in_nothing)
{
    assert_change("a b", "a b", "", "", "< ");
}
