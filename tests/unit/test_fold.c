/* What people write in one of several ways is the same for a search. */
#include "../../daemon/search/fold.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *folded(const char *text)
{
    static char copy[1024];
    struct fold fold = {0};

    assert_true(fold_text(&fold, slice_of(text)));
    assert_true(fold.len < sizeof(copy));
    memcpy(copy, fold_slice(&fold).data, fold.len);
    copy[fold.len] = '\0';
    fold_free(&fold);
    return copy;
}

static void is(const char *text, const char *expected)
{
    assert_string_equal(folded(text), expected);
}

static void same(const char *a, const char *b)
{
    char first[1024];

    snprintf(first, sizeof(first), "%s", folded(a));
    assert_string_equal(first, folded(b));
}

static void differ(const char *a, const char *b)
{
    char first[1024];

    snprintf(first, sizeof(first), "%s", folded(a));
    assert_string_not_equal(first, folded(b));
}

TEST(case_and_accents_do_not_matter)
{
    is("The Naïve CAFÉ", "the naive cafe");
    same("re\xcc\x81sume\xcc\x81", "RÉSUMÉ"); /* decomposed and composed */
    same("Straße", "STRASSE");
    same("Łódź, Ørsted, Đorđe", "lodz, orsted, dorde");
    same("ΣΊΣΥΦΟΣ", "σίσυφος");
    same("Ёлка", "елка");
    differ("cafe", "cave");
}

TEST(compatibility_forms_are_the_letters_that_they_show)
{
    same("ｆｕｌｌ　ｗｉｄｔｈ", "full width");
    same("ﬁnd", "find");
    same("𝐛𝐨𝐥𝐝", "bold");
}

TEST(turkish_words_are_found_with_and_without_their_dots)
{
    same("İSTANBUL", "istanbul");
    same("ISTANBUL", "ıstanbul");
    same("Diyarbakır", "DIYARBAKIR");
    same("ışık", "isik");
    same("çağrı", "CAGRI");
    same("Gönül", "gonul");
    same("kâğıt", "kagit");
    differ("kar", "kır");
}

TEST(kurmanji_words_are_found_with_and_without_their_roofs)
{
    same("Kurdî", "kurdi");
    same("ZIMANÊ ME", "zimane me");
    same("rojbûn", "ROJBUN");
    same("çawa yî, şêr", "cawa yi, ser");
}

TEST(sorani_words_are_found_however_they_are_typed)
{
    same("کوردی", "كوردي");     /* Kurdish kaf and ye; Arabic ones */
    same("ئەمە", "ئه\u200cمه"); /* ae; heh with a joiner */
    same("هەولێر", "هەولیر");   /* yeh with and without its v */
    same("گەڕان", "گەران");
    same("دڵ", "دل");
    same("ڕۆژ", "روژ");
    same("بەڕێوەبەر", "به\u200cریوه\u200cبه\u200cر");
    same("ھەڵۆ", "هەلو"); /* heh doachashmee */
    differ("گوڵ", "گوێ");
}

TEST(arabic_words_are_found_with_and_without_what_stands_on_the_letters)
{
    same("مُحَمَّدٌ", "محمد");
    same("أحمد", "احمد");
    same("إسلام", "اسلام");
    same("آمال", "امال");
    same("ٱلرحمن", "الرحمن");
    same("مكتبة", "مكتبه");
    same("مستشفى", "مستشفي");
    same("ســـلام", "سلام");
    same("مسؤول", "مسوول");
    same("ﻻ ﺷﻲء", "لا شيء"); /* presentation forms, a ligature */
    differ("سلام", "كلام");
}

TEST(persian_words_are_found_with_and_without_their_joiners)
{
    same("می\u200cخواهم", "میخواهم");
    same("كتاب ى", "کتاب ی");
}

TEST(digits_of_all_three_kinds_are_the_same)
{
    is("٢٠٢٤ ۲۰۲۴ 2024", "2024 2024 2024");
}

TEST(runs_of_space_are_one_and_none_is_at_the_ends)
{
    is("  a\t\n b\xc2\xa0\xe3\x80\x80 c \r\n", "a b c");
    is(" \n ", "");
    is("", "");
    is("\xc2\xadsoft\xc2\xad hy\xe2\x80\x8bphen\xef\xbb\xbf", "soft hyphen");
    is("\xe2\x80\xaamarks\xe2\x80\xac \xe2\x81\xa7too\xe2\x81\xa9", "marks too");
    is("nul\x01in", "nul in");
}

TEST(marks_alone_leave_nothing)
{
    is("ـــ", "");
    is("\xcc\x81\xcc\x82", "");
}

TEST(what_is_no_utf8_counts_as_a_space)
{
    is("a\xff\xfe"
       "b\xc3",
       "a b");
}

/* Folding is the same once more, so that what is shown may be looked for. */
TEST(a_folded_text_stays_as_it_is)
{
    static const char *const texts[] = {"Straße ÇAĞRI", "هەولێر ڕۆژ", "مُحَمَّدٌ ٢٠٢٤", "ﬁnd ½ ㎏ Ǆ", "日本語 한국어 हिन्दी"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char once[1024];
        snprintf(once, sizeof(once), "%s", folded(texts[i]));
        assert_string_equal(folded(once), once);
    }
}

static void place_is(const char *text, const char *word, const char *expected)
{
    struct fold fold = {0};
    char wanted[256];
    size_t from;
    size_t to;

    snprintf(wanted, sizeof(wanted), "%s", folded(word));
    assert_true(fold_text(&fold, slice_of(text)));
    const char *found = memmem(fold.data, fold.len, wanted, strlen(wanted));
    assert_non_null(found);
    fold_place(slice_of(text), (size_t)(found - fold.data), strlen(wanted), &from, &to);
    fold_free(&fold);
    assert_int_equal(to - from, strlen(expected));
    assert_memory_equal(text + from, expected, to - from);
}

TEST(the_place_of_a_match_is_whole_characters_of_the_text_itself)
{
    place_is("a Straße b", "strasse", "Straße");
    place_is("a Straße b", "s", "S");
    place_is("a  cafe\xcc\x81  b", "cafe", "cafe\xcc\x81");
    place_is("قال مُحَمَّدٌ شيئا", "محمد", "مُحَمَّدٌ");
    place_is("  one \n two  ", "one two", "one \n two");
    place_is("ﬁnd", "i", "ﬁ");
    place_is("end", "end", "end");
}
