/* The log: one call is one line, whatever a peer has sent; lines with ids for the journal, text for everybody else. */
#include "../../daemon/log.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

/* ---- a journal and a clock of our own: the program's functions come before those of the libraries ---- */

enum { PARTS_MAX = 32, PART_BYTES = 512 };

static struct {
    int calls, result, n;
    char parts[PARTS_MAX][PART_BYTES];
} journal;

int sd_journal_sendv(const struct iovec *parts, int n);
int sd_journal_sendv(const struct iovec *parts, int n)
{
    journal.calls++;
    journal.n = n;
    for (int i = 0; i < n && i < PARTS_MAX; i++)
        snprintf(journal.parts[i], PART_BYTES, "%.*s", (int)parts[i].iov_len, (const char *)parts[i].iov_base);
    return journal.result;
}

static time_t ahead_s;

int clock_gettime(clockid_t id, struct timespec *t)
{
    int result = (int)syscall(SYS_clock_gettime, id, t);
    t->tv_sec += ahead_s;
    return result;
}

/* Whether the journal got exactly this field. */
static bool has(const char *field)
{
    for (int i = 0; i < journal.n; i++)
        if (strcmp(journal.parts[i], field) == 0)
            return true;
    return false;
}

static bool has_name(const char *name)
{
    for (int i = 0; i < journal.n; i++)
        if (strncmp(journal.parts[i], name, strlen(name)) == 0 && journal.parts[i][strlen(name)] == '=')
            return true;
    return false;
}

/* ---- standard error led into a file ---- */

static char said[65536];
static FILE *led;
static int kept;

static void lead(void)
{
    led = tmpfile();
    kept = dup(STDERR_FILENO);
    assert_non_null(led);
    assert_true(kept >= 0 && dup2(fileno(led), STDERR_FILENO) >= 0);
    memset(&journal, 0, sizeof(journal));
}

/* What was written since is in `said`. */
static void lead_back(void)
{
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    close(kept);
    rewind(led);
    said[fread(said, 1, sizeof(said) - 1, led)] = '\0';
    fclose(led);
    unsetenv("JOURNAL_STREAM");
    log_open();
}

/* Standard error is a file that JOURNAL_STREAM names, as systemd sets it; `off` makes the number of the file wrong. */
static void lead_to_journal(unsigned off)
{
    struct stat status;
    char stream[64];

    lead();
    assert_int_equal(fstat(STDERR_FILENO, &status), 0);
    snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)status.st_dev,
             (unsigned long long)status.st_ino + off);
    setenv("JOURNAL_STREAM", stream, 1);
    log_open();
}

static void becomes(const char *text, const char *expected)
{
    char whole[256];

    lead();
    log_open();
    log_warning("op \"%s\"", text);
    lead_back();
    snprintf(whole, sizeof(whole), "modqd: warning: op \"%s\"\n", expected);
    assert_string_equal(said, whole);
}

/* ---- text ---- */

TEST(a_peer_cannot_begin_a_line_of_its_own)
{
    becomes("x\nmodqd: error: all is lost", "x\\x0Amodqd: error: all is lost");
    becomes("x\r\n", "x\\x0D\\x0A");
    lead_to_journal(0);
    journal.result = -1;
    log_warning("op \"%s\"", "x\n<0>all is lost");
    lead_back();
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

TEST(a_peer_cannot_turn_the_rest_of_a_line_round_or_end_it)
{
    becomes("\u202elive", "\\xE2\\x80\\xAElive");
    becomes("\u2067x\u2069", "\\xE2\\x81\\xA7x\\xE2\\x81\\xA9");
    becomes("\u200f\u061c", "\\xE2\\x80\\x8F\\xD8\\x9C");
    becomes("\u2028x\u2029", "\\xE2\\x80\\xA8x\\xE2\\x80\\xA9");
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
    lead();
    log_warning("op \"%s\"", text);
    lead_back();
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
    assert_true(strlen(said) > 4000);
}

TEST(text_on_standard_error_says_how_bad_it_is)
{
    lead();
    log_open();
    log_info("one");
    log_error("two");
    log_event(LOG_ID_STORE_FAILED, NULL, "three");
    log_event(LOG_ID_READY, NULL, "four");
    lead_back();
    assert_string_equal(said, "modqd: one\nmodqd: error: two\nmodqd: error: three\nmodqd: four\n");
    assert_int_equal(journal.calls, 0);
}

/* ---- the journal ---- */

TEST(a_line_with_an_id_goes_to_the_journal_with_its_fields)
{
    struct log_fields fields = {.site = SLICE_LIT("news"),
                                .comment = SLICE_LIT("c-1"),
                                .key = 7,
                                .key_name = "news-web",
                                .actor = "ann",
                                .via = "key:7",
                                .door = "desk",
                                .operation = "approve",
                                .error = "denied"};

    lead_to_journal(0);
    log_event(LOG_ID_DENIED, &fields, "%s was denied", "ann");
    lead_back();
    assert_string_equal(said, "");
    assert_int_equal(journal.calls, 1);
    assert_true(has("MESSAGE=ann was denied"));
    assert_true(has("MESSAGE_ID=9e9faf5bfe91487bb239e8111a5a5620"));
    assert_true(has("PRIORITY=4"));
    assert_true(has("SYSLOG_IDENTIFIER=modqd"));
    assert_true(has("MODQD_VERSION=" MODQ_VERSION));
    assert_true(has("SITE=news"));
    assert_true(has("COMMENT=c-1"));
    assert_true(has("KEY=7"));
    assert_true(has("KEY_NAME=news-web"));
    assert_true(has("ACTOR=ann"));
    assert_true(has("VIA=key:7"));
    assert_true(has("DOOR=desk"));
    assert_true(has("OPERATION=approve"));
    assert_true(has("ERROR=denied"));
    assert_int_equal(journal.n, 14);
}

TEST(what_is_not_known_is_no_field)
{
    lead_to_journal(0);
    log_event(LOG_ID_READY, &(struct log_fields){.actor = "", .site = SLICE_LIT("")}, "ready");
    lead_back();
    assert_int_equal(journal.n, 5); /* MESSAGE, PRIORITY, SYSLOG_IDENTIFIER, MODQD_VERSION, MESSAGE_ID */
    log_open();
    lead_to_journal(0);
    log_info("no id");
    lead_back();
    assert_int_equal(journal.n, 4);
    assert_false(has_name("MESSAGE_ID"));
    assert_true(has("PRIORITY=6"));
}

TEST(a_field_is_whole_whatever_bytes_it_has_and_a_long_one_is_cut)
{
    char name[400];

    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    lead_to_journal(0);
    log_event(LOG_ID_READ_FAILED, &(struct log_fields){.site = SLICE_LIT("a\nPRIORITY=0"), .actor = name}, "x");
    lead_back();
    assert_true(has("SITE=a\nPRIORITY=0"));
    assert_true(has("PRIORITY=3"));
    name[256] = '\0';
    char expected[sizeof(name) + 8];
    snprintf(expected, sizeof(expected), "ACTOR=%s", name);
    assert_true(has(expected));
}

TEST(the_variable_alone_does_not_make_it_the_journal)
{
    lead_to_journal(1);
    log_event(LOG_ID_READY, NULL, "ready");
    lead_back();
    assert_string_equal(said, "modqd: ready\n");
    assert_int_equal(journal.calls, 0);
    static const char *const wrong[] = {"", "1", "1:", "1:2", "x:y", ":", "18446744073709551616:1"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        lead();
        setenv("JOURNAL_STREAM", wrong[i], 1);
        log_open();
        log_info("x");
        lead_back();
        assert_string_equal(said, "modqd: x\n");
        assert_int_equal(journal.calls, 0);
    }
}

TEST(the_number_of_the_stream_must_be_all_of_the_variable)
{
    struct stat status;
    char stream[64];

    lead();
    assert_int_equal(fstat(STDERR_FILENO, &status), 0);
    snprintf(stream, sizeof(stream), "%llu:%llux", (unsigned long long)status.st_dev,
             (unsigned long long)status.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_open();
    log_info("x");
    lead_back();
    assert_int_equal(journal.calls, 0);
}

TEST(a_line_that_the_journal_does_not_take_is_written_to_its_stream)
{
    lead_to_journal(0);
    journal.result = -111;
    log_event(LOG_ID_CANNOT_START, NULL, "no");
    lead_back();
    assert_int_equal(journal.calls, 1);
    assert_string_equal(said, "<3>no\n");
}

TEST(a_refused_peer_is_told_with_what_is_known)
{
    lead_to_journal(0);
    log_peer_refused(SLICE_LIT("front"), SLICE_LIT("203.0.113.9"), 4, "its key has expired");
    lead_back();
    assert_true(has("MESSAGE=front: 203.0.113.9 was refused: its key has expired (key 4)"));
    assert_true(has("MESSAGE_ID=3ee0a380d3934f6581e78cd3540b4dab"));
    assert_true(has("DOOR=front") && has("PEER=203.0.113.9") && has("KEY=4") && has("CAUSE=its key has expired"));
    lead_to_journal(0);
    log_peer_refused(SLICE_NONE, SLICE_NONE, 0, "its key is unknown");
    lead_back();
    assert_true(has("CAUSE=its key is unknown"));
    assert_false(has_name("KEY") || has_name("PEER") || has_name("DOOR"));
}

/* ---- how often ---- */

static int lines_in(const char *text)
{
    int n = 0;
    for (; (text = strchr(text, '\n')); text++)
        n++;
    return n;
}

static void flood(enum log_id id, int times)
{
    for (int i = 0; i < times; i++)
        log_event(id, NULL, "again");
}

TEST(a_peer_cannot_flood_the_log)
{
    int most = log_id_table[LOG_ID_PUSH_REFUSED].most;

    assert_true(most > 0);
    ahead_s += 100;
    lead();
    flood(LOG_ID_PUSH_REFUSED, 1000);
    lead_back();
    assert_int_equal(lines_in(said), most);
    assert_null(strstr(said, "left out"));
    lead();
    flood(LOG_ID_READY, 50); /* nobody can cause these at will */
    lead_back();
    assert_int_equal(lines_in(said), 50);
    ahead_s += 11;
    lead_to_journal(0);
    log_event(LOG_ID_PUSH_REFUSED, NULL, "again");
    lead_back();
    char expected[80];
    snprintf(expected, sizeof(expected), "MESSAGE=again (%d more of this kind were left out)", 1000 - most);
    assert_true(has(expected));
    snprintf(expected, sizeof(expected), "LEFT_OUT=%d", 1000 - most);
    assert_true(has(expected));
    lead_to_journal(0);
    log_event(LOG_ID_PUSH_REFUSED, NULL, "again");
    lead_back();
    assert_true(has("MESSAGE=again"));
    assert_false(has_name("LEFT_OUT"));
}

TEST(one_kind_of_line_does_not_use_up_what_another_may)
{
    ahead_s += 100;
    lead();
    flood(LOG_ID_PEER_REFUSED, 100);
    log_event(LOG_ID_DENIED, NULL, "denied");
    lead_back();
    assert_non_null(strstr(said, "modqd: warning: denied\n"));
}

/* ---- the table ---- */

TEST(every_id_is_a_random_uuid_of_its_own)
{
    for (int i = 0; i < LOG_ID_COUNT; i++) {
        const struct log_id_info *row = &log_id_table[i];
        assert_int_equal(strspn(row->message_id, "0123456789abcdef"), 32);
        assert_int_equal(strlen(row->message_id), 32);
        assert_int_equal(row->message_id[12], '4'); /* version 4 */
        assert_non_null(strchr("89ab", row->message_id[16]));
        assert_true(row->priority >= LOG_CRIT && row->priority <= LOG_INFO);
        assert_true(strlen(row->meaning) > 10);
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(row->message_id, log_id_table[j].message_id);
            assert_string_not_equal(row->name, log_id_table[j].name);
        }
    }
}

/* Released: monitors wait for them. A change here is a change of what others rely on. */
TEST(ids_are_what_they_were)
{
    static const struct {
        enum log_id id;
        const char *name, *message_id;
    } released[] = {
        {LOG_ID_STARTED, "started", "5d6b7488963e4ff5b529682232de484b"},
        {LOG_ID_READY, "ready", "593dea6db23e48949774eaf6c05228ed"},
        {LOG_ID_NO_KEYS, "no_keys", "c523bfd9955244bd9ccb23f3aa5dfae4"},
        {LOG_ID_STOPPING, "stopping", "d33d3d78befb47e5890ec4b6c3b3b2b6"},
        {LOG_ID_STOPPED, "stopped", "8df8a96705cd46428e879208bb6d3f62"},
        {LOG_ID_CANNOT_START, "cannot_start", "5dace3521c8c4e0baa55021f4e228399"},
        {LOG_ID_STORE_FAILED, "store_failed", "cc2ec8bfc4fd4618947f48142853c973"},
        {LOG_ID_INTAKE_CLOSED, "intake_closed", "cf2801a13f9d4b818bc97fa82536428c"},
        {LOG_ID_INTAKE_OPENED, "intake_opened", "23119d22c22a4a0da1f3e9d10c875c23"},
        {LOG_ID_STORE_BUSY, "store_busy", "b7f6d3c2d6634347b2d41683824711cb"},
        {LOG_ID_READ_FAILED, "read_failed", "af82a748350e4bbfb2d1f8fab17a668e"},
        {LOG_ID_PUSH_REFUSED, "push_refused", "ce0350a863734b52be03adf51683eb5c"},
        {LOG_ID_PEER_REFUSED, "peer_refused", "3ee0a380d3934f6581e78cd3540b4dab"},
        {LOG_ID_DENIED, "denied", "9e9faf5bfe91487bb239e8111a5a5620"},
        {LOG_ID_LIMIT_REACHED, "limit_reached", "dc1622eaea8f4e04b3168015ec2739ae"},
        {LOG_ID_CONFIGURATION_RELOADED, "configuration_reloaded", "b2bd9a9a9b904406b1fdd553bcb82f49"},
        {LOG_ID_CONFIGURATION_REFUSED, "configuration_refused", "d16f6f60dda443a5825ea6a8af36937b"},
        {LOG_ID_KEY_ADDED, "key_added", "3ec44ae348bf438388ca603b240bf7bc"},
        {LOG_ID_KEY_REVOKED, "key_revoked", "207183a34249497b90a515869abbbf3a"},
        {LOG_ID_KEY_ROTATED, "key_rotated", "1bd36425d9d34b47ad3cee2884d44144"},
        {LOG_ID_CHAIN_HEAD, "chain_head", "89fa8ef79fc348aabf39274c3c845f9a"},
        {LOG_ID_INDEX_FAILED, "index_failed", "4f2fd100e4e34184ba417b1048470cdc"},
        {LOG_ID_FEW_DESCRIPTORS, "few_descriptors", "69599b77e2964b58a1dce752002933ea"},
    };

    assert_int_equal(sizeof(released) / sizeof(released[0]), LOG_ID_COUNT);
    for (size_t i = 0; i < sizeof(released) / sizeof(released[0]); i++) {
        assert_string_equal(log_id_table[released[i].id].name, released[i].name);
        assert_string_equal(log_id_table[released[i].id].message_id, released[i].message_id);
    }
}
