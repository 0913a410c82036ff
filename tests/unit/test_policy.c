#include "../../daemon/policy/policy.h"
#include "unit.h"

#include <confuse.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../daemon/confuse_text.h"
#include "../../proto/mp.h"
#include "../../proto/utf8.h"

#define REASON(code) "reason \"" code "\" { title { en = \"T\" } sentence { en = \"S\" } }\n"
#define HEAD         "version = \"v\"\n"

static struct policy *load_default(void)
{
    char path[1024];
    char reason[1024] = "";

    snprintf(path, sizeof(path), "%s/daemon/policy/house-rules.conf", unit_source_dir());
    struct policy *policy = policy_load(path, reason, sizeof(reason));
    if (!policy)
        fail_msg("%s", reason);
    return policy;
}

static struct policy *load(const char *text)
{
    char reason[1024] = "";
    struct policy *policy = policy_load_text("p.conf", text, reason, sizeof(reason));

    if (!policy)
        fail_msg("%s", reason);
    return policy;
}

/* Refused, in words that hold each of up to three. */
static void assert_refused(const char *text, const char *a, const char *b, const char *c)
{
    char reason[1024] = "";
    struct policy *policy = policy_load_text("p.conf", text, reason, sizeof(reason));
    const char *words[] = {a, b, c};

    assert_null(policy);
    for (int i = 0; i < 3; i++)
        if (words[i] && !strstr(reason, words[i]))
            fail_msg("no \"%s\" in \"%s\"", words[i], reason);
}

TEST(the_default_has_every_reason_in_every_language)
{
    static const char *codes[] = {
        "profanity",
        "threat",
        "personal_attack",
        "vulgarity",
        "abuse",
        "abuse.sexism",
        "abuse.racism",
        "abuse.homophobia",
        "abuse.xenophobia",
        "promotion",
        "promotion.commercial",
        "promotion.personal",
        "off_topic",
        "other",
    };
    static const char *languages[] = {"en", "ckb", "kmr", "ar", "tr"};
    struct policy *policy = load_default();

    assert_string_equal(policy->version, "house-rules-1");
    assert_int_equal(policy->reports_reopen, 3);
    assert_int_equal(policy->reason_count, 14);
    assert_int_equal(policy->language_count, 5);
    assert_int_equal(policy->unreviewed_count, 4);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(policy->languages[i], languages[i]);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(policy->unreviewed[i], languages[i + 1]);
    for (size_t i = 0; i < 14; i++) {
        const struct policy_reason *reason = policy_reason(policy, slice_of(codes[i]));
        assert_non_null(reason);
        assert_int_equal(reason->needs_note, strcmp(codes[i], "other") == 0);
        for (size_t j = 0; j < 5; j++) {
            assert_true(strlen(reason->title[j]) > 2);
            assert_true(strlen(reason->sentence[j]) > 30);
        }
    }
    policy_free(policy);
}

TEST(no_two_reasons_of_the_default_read_the_same)
{
    struct policy *policy = load_default();

    for (size_t i = 0; i < policy->reason_count; i++)
        for (size_t j = 0; j < i; j++)
            for (size_t k = 0; k < policy->language_count; k++) {
                assert_string_not_equal(policy->reasons[i].title[k], policy->reasons[j].title[k]);
                assert_string_not_equal(policy->reasons[i].sentence[k], policy->reasons[j].sentence[k]);
            }
    policy_free(policy);
}

/* A text that was put under the wrong language. */
TEST(texts_of_the_default_are_in_the_script_of_their_language)
{
    struct policy *policy = load_default();

    for (size_t i = 0; i < policy->reason_count; i++)
        for (size_t k = 0; k < policy->language_count; k++) {
            bool arabic = k == 1 || k == 3;
            struct slice text = slice_of(policy->reasons[i].sentence[k]);
            for (size_t at = 0; at < text.len;) {
                int32_t c = utf8_next(text, &at);
                bool latin = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= 0xc0 && c < 0x250);
                assert_false(arabic ? latin : c >= 0x600 && c < 0x700);
            }
        }
    policy_free(policy);
}

TEST(a_dotted_code_has_its_parent)
{
    struct policy *policy = load_default();
    const struct policy_reason *racism = policy_reason(policy, SLICE_LIT("abuse.racism"));

    assert_ptr_equal(racism->parent, policy_reason(policy, SLICE_LIT("abuse")));
    assert_null(racism->parent->parent);
    policy_free(policy);
}

TEST(a_parent_may_stand_behind_its_child)
{
    struct policy *policy = load(HEAD REASON("a.b") REASON("a"));

    assert_string_equal(policy->reasons[0].parent->code, "a");
    policy_free(policy);
}

TEST(an_unknown_code_is_no_reason)
{
    struct policy *policy = load_default();

    assert_null(policy_reason(policy, SLICE_LIT("abuse.")));
    assert_null(policy_reason(policy, SLICE_LIT("abus")));
    assert_null(policy_reason(policy, SLICE_LIT("")));
    assert_null(policy_reason(policy, SLICE_NONE));
    policy_free(policy);
}

TEST(a_policy_of_one_s_own_may_use_semicolons_and_any_language_tag)
{
    struct policy *policy = load("version = v2; unreviewed = {}; // no number\n"
                                 "reason x { title { zh-Hant = \"題\"; en-GB = \"T\" }; /* ; */\n"
                                 "sentence { en-GB = \"a; b # c // d\"; zh-Hant = \"句\" }; needs_note = yes; };\n");

    assert_string_equal(policy->version, "v2");
    assert_int_equal(policy->reports_reopen, 0);
    assert_int_equal(policy->unreviewed_count, 0);
    assert_string_equal(policy->languages[0], "zh-Hant");
    assert_string_equal(policy->reasons[0].sentence[0], "句");
    assert_string_equal(policy->reasons[0].sentence[1], "a; b # c // d");
    assert_true(policy->reasons[0].needs_note);
    policy_free(policy);
}

TEST(a_version_is_needed_and_bounded)
{
    char text[256];

    assert_refused(REASON("a"), "p.conf", "no version", "version = ");
    assert_refused("version = \" \"\n" REASON("a"), "no version", NULL, NULL);
    assert_refused("version = \"a\\nb\"\n" REASON("a"), "version", "control", NULL);
    snprintf(text, sizeof(text), "version = \"%065d\"\n" REASON("a"), 0);
    assert_refused(text, "version", "64 bytes", NULL);
    snprintf(text, sizeof(text), "version = \"%064d\"\n" REASON("a"), 0);
    policy_free(load(text));
}

TEST(reports_reopen_is_a_small_number)
{
    assert_refused(HEAD "reports_reopen = -1\n" REASON("a"), "reports_reopen is -1", "0 (never)", NULL);
    assert_refused(HEAD "reports_reopen = 1000001\n" REASON("a"), "1000001", "1000000", NULL);
    assert_refused(HEAD "reports_reopen = many\n" REASON("a"), "p.conf:2:", "reports_reopen", NULL);
    assert_refused(HEAD "reports_reopen = 99999999999999999999\n" REASON("a"), "p.conf:2:", "out of range", NULL);
    errno = ERANGE;
    policy_free(load(HEAD "reports_reopen = 5\n" REASON("a")));
}

TEST(second_look_is_a_percentage)
{
    static const struct {
        const char *text;
        double share;
    } good[] = {{"", 0},
                {"second_look = 0\n", 0},
                {"second_look = 5\n", 0.05},
                {"second_look = 2.5\n", 0.025},
                {"second_look = 100\n", 1}};
    static const char *const bad[] = {"-1", "100.01", "nan", "inf", "1e3"};
    char text[256];

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        snprintf(text, sizeof(text), HEAD "%s" REASON("a"), good[i].text);
        struct policy *policy = load(text);
        assert_true(policy->second_look == good[i].share);
        policy_free(policy);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(text, sizeof(text), HEAD "second_look = %s\n" REASON("a"), bad[i]);
        assert_refused(text, "second_look is", "0 (never) to 100", NULL);
    }
    assert_refused(HEAD "second_look = some\n" REASON("a"), "p.conf:2:", "second_look", NULL);
}

TEST(a_code_stands_there_once)
{
    assert_refused(HEAD REASON("a") REASON("b") REASON("a"), "p.conf:4:", "'a'", "once");
}

TEST(a_code_has_only_its_characters)
{
    assert_refused(HEAD REASON("Abuse"), "p.conf:2:", "reason \"Abuse\"", "a-z, 0-9 and _");
    assert_refused(HEAD REASON("a-b"), "\"a-b\"", "rename", NULL);
    assert_refused(HEAD REASON(""), "reason \"\"", "rename", NULL);
    assert_refused(HEAD REASON(".a"), "rename", NULL, NULL);
    assert_refused(HEAD REASON("a") REASON("a."), "\"a.\"", "rename", NULL);
    assert_refused(HEAD REASON("a") REASON("a.b.c"), "\"a.b.c\"", "one dot", NULL);
    assert_refused(HEAD REASON("é"), "rename", NULL, NULL);
    assert_refused(HEAD REASON("a234567890123456789012345678901234567890123456789012345678901234x"), "64", NULL, NULL);
}

TEST(a_child_needs_its_parent)
{
    assert_refused(HEAD REASON("a") "\n" REASON("b.c"), "p.conf:4:", "reason \"b.c\"", "no reason \"b\"");
}

TEST(texts_in_the_first_language_are_needed)
{
    assert_refused(HEAD "reason a { sentence { en = \"S\" } }\n", "p.conf:2:", "reason \"a\"", "no title");
    assert_refused(HEAD "reason a { title { en = \"T\" } }\n", "reason \"a\"", "no sentence in \"en\"", "add it");
    assert_refused(HEAD "reason a { title { en = \"T\" } sentence { en = \"\" } }\n", "sentence in \"en\" is empty",
                   NULL, NULL);
    assert_refused(HEAD REASON("a") "reason b { sentence { en = \"S\" } }\n", "reason \"b\"", "no title in \"en\"",
                   NULL);
}

TEST(all_texts_have_the_same_languages)
{
    assert_refused(HEAD "reason a { title { en = \"T\" tr = \"T\" }\nsentence { en = \"S\" } }\n",
                   "p.conf:3:", "no sentence in \"tr\"", NULL);
    assert_refused(HEAD REASON("a") "reason b { title { en = \"T\" tr = \"T\" } sentence { en = \"S\" } }\n",
                   "reason \"b\"", "title: the first title of the file has no \"tr\"", NULL);
}

TEST(a_language_is_a_tag)
{
    assert_refused(HEAD "reason a { title { e_n = \"T\" } }\n", "\"e_n\"", "BCP 47", NULL);
    assert_refused(HEAD "reason a { title { \"en|x\" = \"T\" } }\n", "\"en|x\"", NULL, NULL);
    assert_refused(HEAD "reason a { title { en = \"T\" EN = \"T\" } }\n", "\"EN\"", "twice", NULL);
    assert_refused(HEAD "unreviewed = {tr}\n" REASON("a"), "unreviewed", "\"tr\"", "remove");
}

TEST(texts_are_bounded_and_of_one_line)
{
    char text[2048];

    snprintf(text, sizeof(text), HEAD "reason a { title { en = \"%0257d\" } }", 0);
    assert_refused(text, "title in \"en\"", "256 bytes", NULL);
    snprintf(text, sizeof(text), HEAD "reason a { title { en = T } sentence { en = \"%01025d\" } }", 0);
    assert_refused(text, "sentence in \"en\"", "1024 bytes", NULL);
    assert_refused(HEAD "reason a { title { en = T } sentence { en = \"a\nb\" } }", "sentence", "line end", NULL);
    assert_refused(HEAD "reason a { title { en = \"\\xff\" } }", "title", "control", NULL);
}

TEST(an_unknown_option_is_named_with_those_that_exist)
{
    assert_refused("# one\n# two\n" HEAD "colour = red\n" REASON("a"), "p.conf:4:", "'colour'", "reports_reopen");
    assert_refused(HEAD "reason a { title { en = T }\nhint = x }", "p.conf:3:", "reason \"a\"", "needs_note");
}

TEST(broken_syntax_is_named_with_its_line)
{
    assert_refused(HEAD "/* x */ /* y\n */\nreason a {", "p.conf:4:", "never closed", NULL);
    assert_refused(HEAD "colour", "p.conf:2:", "colour", NULL);
    assert_refused(HEAD "reports_reopen =", "p.conf:2:", "premature end", NULL);
    assert_refused(HEAD REASON("a") "}", "p.conf:3:", "closing brace", NULL);
    assert_refused(HEAD "\nreason a { needs_note = perhaps }", "p.conf:3:", "needs_note", NULL);
    assert_refused(HEAD "reason a { title { en { } } }", "p.conf:2:", "'en'", NULL);
    assert_refused(HEAD "reason { }", "p.conf:2:", "title", NULL);
    assert_refused("", "no version", NULL, NULL);
}

TEST(invalid_utf8_is_named_with_its_line)
{
    assert_refused(HEAD "\n# \xff\n" REASON("a"), "p.conf:3:", "UTF-8", NULL);
}

TEST(there_are_at_least_one_and_at_most_200_reasons)
{
    static char text[64 * 1024];
    size_t len = (size_t)snprintf(text, sizeof(text), HEAD);

    assert_refused(HEAD, "no reasons", NULL, NULL);
    for (int i = 0; i < 200; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "reason r%d { title { en = T } sentence { en = S } }\n",
                                i);
    policy_free(load(text));
    snprintf(text + len, sizeof(text) - len, REASON("x"));
    assert_refused(text, "201 reasons", "200", NULL);
}

TEST(a_file_that_cannot_be_used_says_why)
{
    char path[] = "/tmp/modq-policy-XXXXXX";
    char reason[256];
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_null(policy_load("/nonexistent/p.conf", reason, sizeof(reason)));
    assert_non_null(strstr(reason, "/nonexistent/p.conf: No such file"));
    assert_null(policy_load("/tmp", reason, sizeof(reason)));
    assert_non_null(strstr(reason, "directory"));
    assert_int_equal(write(fd, "a\0b", 3), 3);
    assert_null(policy_load(path, reason, sizeof(reason)));
    assert_non_null(strstr(reason, "NUL"));
    assert_int_equal(ftruncate(fd, CONFUSE_TEXT_BYTES_MAX + 1), 0);
    assert_null(policy_load(path, reason, sizeof(reason)));
    assert_non_null(strstr(reason, "larger"));
    close(fd);
    unlink(path);
}

TEST(a_policy_is_encoded_as_the_protocol_says)
{
    struct policy *policy = load_default();
    struct out out = {0};
    msgpack_zone zone;
    msgpack_object map;

    policy_encode(policy, &out);
    assert_false(out.failed);
    assert_true(msgpack_zone_init(&zone, 4096));
    assert_true(mp_unpack_map(out_slice(&out), &zone, &map));
    assert_int_equal(map.via.map.size, 6);
    assert_true(slice_is(mp_get_str(&map, "version"), "house-rules-1"));
    assert_int_equal(mp_get_int(&map, "reports_reopen", -1), 3);
    assert_true(slice_is(mp_get_str(&map, "order"), "oldest"));
    assert_true(slice_is(mp_str(mp_item(mp_get(&map, "languages"), 4)), "tr"));
    assert_int_equal(mp_count(mp_get(&map, "unreviewed")), 4);
    assert_int_equal(mp_count(mp_get(&map, "reasons")), 14);
    const msgpack_object *sexism = mp_item(mp_get(&map, "reasons"), 5);
    assert_int_equal(sexism->via.map.size, 5);
    assert_true(slice_is(mp_get_str(sexism, "code"), "abuse.sexism"));
    assert_true(slice_is(mp_get_str(sexism, "parent"), "abuse"));
    assert_false(mp_get_bool(sexism, "needs_note", true));
    assert_true(slice_is(mp_get_str(mp_get(sexism, "title"), "tr"), "Cinsiyetçilik"));
    assert_true(mp_get_str(mp_get(sexism, "sentence"), "ckb").len > 0);
    assert_null(mp_get(mp_item(mp_get(&map, "reasons"), 0), "parent"));
    assert_true(mp_get_bool(mp_item(mp_get(&map, "reasons"), 13), "needs_note", false));
    msgpack_zone_destroy(&zone);
    out_free(&out);
    policy_free(policy);
}

TEST(the_largest_policy_stays_within_the_values_of_one_message)
{
    static char text[512 * 1024];
    char texts[256] = "";
    struct out out = {0};

    for (int i = 0; i < POLICY_LANGUAGES_MAX; i++)
        sprintf(texts + strlen(texts), "l%d=x ", i);
    size_t len = (size_t)sprintf(text, HEAD);
    for (int i = 0; i < POLICY_REASONS_MAX; i++)
        len += (size_t)sprintf(text + len, "reason r%d {title{%s} sentence{%s}}\n", i, texts, texts);
    struct policy *policy = load(text);
    policy_encode(policy, &out);
    assert_true(mp_check(out_slice(&out)));
    out_free(&out);
    policy_free(policy);
}

/* ---- confuse_text ---- */

static void assert_prepared(const char *given, const char *expected)
{
    char text[256];

    snprintf(text, sizeof(text), "%s", given);
    assert_int_equal(confuse_text_prepare(text), 0);
    assert_string_equal(text, expected);
}

TEST(semicolons_outside_quotes_become_spaces)
{
    assert_prepared("", "");
    assert_prepared("a = 1; b = 2;", "a = 1  b = 2 ");
    assert_prepared("l { a = x;b = \"y\"; }", "l { a = x b = \"y\"  }");
    assert_prepared(";;\n;", "  \n ");
}

TEST(quotes_keep_what_they_hold)
{
    assert_prepared("a = \"x;#//y/*\";", "a = \"x;#//y/*\" ");
    assert_prepared("a = 'x;#//y/*';", "a = 'x;#//y/*' ");
    assert_prepared("a = \"\\\";\\\\\";", "a = \"\\\";\\\\\" ");
    assert_prepared("a = '\\';\\\\';", "a = '\\';\\\\' ");
    assert_prepared("a = \"';\" b = '\";';", "a = \"';\" b = '\";' ");
    assert_prepared("a = \"x;\n;y\";", "a = \"x;\n;y\" ");
    assert_prepared("a = \"${H:-\";}\";", "a = \"${H:-\";}\" ");
    assert_prepared("a = ${H:-;x};", "a = ${H:-;x} ");
}

TEST(comments_become_spaces)
{
    assert_prepared("a=1 # b;\"\n;c", "a=1      \n c");
    assert_prepared("a=1#b\nc", "a=1  \nc");
    assert_prepared("a=1 // '\nc", "a=1     \nc");
    assert_prepared("a /* ;\n' */ b;", "a     \n     b ");
    assert_prepared("a; //", "a    ");
    assert_prepared("a;//b", "a    ");
    assert_prepared("/*/ x */ y", "         y");
}

static void assert_unclosed(const char *given, int line)
{
    char text[256];

    snprintf(text, sizeof(text), "%s", given);
    assert_int_equal(confuse_text_prepare(text), line);
}

TEST(what_is_never_closed_is_named_by_its_line)
{
    assert_unclosed("\n\na = \"open;\n", 3);
    assert_unclosed("a = 'open\\'", 1);
    assert_unclosed("a = \"open\\", 1);
    assert_unclosed("\n/* open\n", 2);
    assert_unclosed("a {\n b {\n }\n", 1);
    assert_unclosed("a {\n b {\n \n", 2);
    assert_unclosed("{{{{{{{{\n{{{{ }", 1);
    assert_unclosed("a { } }", 0);
}

TEST(slashes_inside_a_word_are_no_comment)
{
    assert_prepared("a = ipc:///run/x; b", "a = ipc:///run/x  b");
    assert_prepared("a = tcp://127.0.0.1:5000 // c", "a = tcp://127.0.0.1:5000     ");
    assert_prepared("a = /run/x//y;", "a = /run/x//y ");
    assert_prepared("a = {x//y,//z\n}", "a = {x//y,   \n}");
}

static void no_message(cfg_t *cfg, const char *format, va_list args)
{
    (void)cfg;
    (void)format;
    (void)args;
}

/* "v|w|line" of what libConfuse reads; false when it refuses. */
static bool confuse_reads(const char *text, char *seen, size_t seen_bytes)
{
    cfg_opt_t options[] = {CFG_STR("v", "", CFGF_NONE), CFG_STR("w", "", CFGF_NONE), CFG_END()};
    cfg_t *cfg = cfg_init(options, CFGF_NONE);

    assert_non_null(cfg);
    cfg_set_error_function(cfg, no_message);
    errno = 0;
    bool good = cfg_parse_buf(cfg, text) == CFG_SUCCESS;
    if (good)
        snprintf(seen, seen_bytes, "%s|%s", cfg_getstr(cfg, "v"), cfg_getstr(cfg, "w"));
    cfg_free(cfg);
    return good;
}

/* Whatever libConfuse reads as it stands, it reads the same when prepared. */
TEST(what_libconfuse_reads_is_not_changed)
{
    static const char *pieces[] = {"a", "/",  "//", "/*", "*/", "*",  "#",  "\"", "'", "\\",
                                   " ", "\n", "$",  "${", "}",  "x=", "w=", "+",  ":"};
    uint32_t seed = 99;
    int read = 0;

    for (int round = 0; round < 60000; round++) {
        char text[128] = "v=";
        char prepared[128];
        char before[256];
        char after[256];
        for (uint32_t left = 1 + round % 10; left > 0; left--) {
            seed = seed * 1664525 + 1013904223;
            strcat(text, pieces[(seed >> 16) % (sizeof(pieces) / sizeof(pieces[0]))]);
        }
        strcat(text, "\nw=end\n");
        snprintf(prepared, sizeof(prepared), "%s", text);
        confuse_text_prepare(prepared);
        if (!confuse_reads(text, before, sizeof(before)))
            continue;
        read++;
        if (!confuse_reads(prepared, after, sizeof(after)) || strcmp(before, after) != 0)
            fail_msg("<<%s>> was %s", text, before);
    }
    assert_true(read > 1000);
}
