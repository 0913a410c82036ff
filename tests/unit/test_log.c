/* The log: one call is one line, whatever a peer has sent. */
#include "../../daemon/log.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char said[8192];

/* Calls log_warning with stderr led into a file, and leaves what it wrote in `said`. */
static void say(const char *text)
{
    FILE *file = tmpfile();
    int kept = dup(STDERR_FILENO);

    assert_non_null(file);
    assert_true(kept >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
    log_warning("op \"%s\"", text);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    close(kept);
    rewind(file);
    said[fread(said, 1, sizeof(said) - 1, file)] = '\0';
    fclose(file);
}

static void becomes(const char *text, const char *expected)
{
    char whole[256];

    unsetenv("JOURNAL_STREAM");
    say(text);
    snprintf(whole, sizeof(whole), "modqd: warning: op \"%s\"\n", expected);
    assert_string_equal(said, whole);
}

TEST(a_peer_cannot_begin_a_line_of_its_own)
{
    becomes("x\nmodqd: error: all is lost", "x\\x0Amodqd: error: all is lost");
    becomes("x\r\n", "x\\x0D\\x0A");
    setenv("JOURNAL_STREAM", "1:2", 1);
    say("x\n<0>all is lost");
    unsetenv("JOURNAL_STREAM");
    assert_string_equal(said, "<4>op \"x\\x0A<0>all is lost\"\n");
}

TEST(a_peer_cannot_command_the_terminal)
{
    becomes("\x1b[2J", "\\x1B[2J");
    becomes("\x7f\x01\t", "\\x7F\\x01\\x09");
    becomes("\xc2\x9b"
            "2J",
            "\\xC2\\x9B2J"); /* CSI as one character */
    becomes("\x9b"
            "2J",
            "\\x9B2J"); /* and as one byte */
}

TEST(words_of_any_language_stay_as_they_are)
{
    becomes("Kommentar für سایت – 評論 \\ 🙂", "Kommentar für سایت – 評論 \\ 🙂");
}

TEST(a_long_text_is_cut_and_still_one_line)
{
    char text[3000];

    memset(text, '\n', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    say(text);
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
    assert_true(strlen(said) > 4000);
}
