#include "../../daemon/config.h"
#include "../../daemon/config_listen.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[] = "/tmp/modq-settings-XXXXXX";
static char path[64];

/* A file with this text, which the next call writes over. */
static const char *file_with(const char *text)
{
    if (!path[0]) {
        assert_non_null(mkdtemp(dir));
        snprintf(path, sizeof(path), "%s/modqd.conf", dir);
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    return path;
}

__attribute__((destructor)) static void clean_up(void)
{
    if (path[0]) {
        unlink(path);
        rmdir(dir);
    }
}

static struct settings *load(const char *text)
{
    char reason[1024] = "";
    struct settings *settings = config_load("/run/modqd", file_with(text), reason, sizeof(reason));

    if (!settings)
        fail_msg("%s\nwas refused: %s", text, reason);
    return settings;
}

static void good(const char *text)
{
    settings_free(load(text));
}

/* Refused, in words that hold both. */
static void refused(const char *text, const char *a, const char *b)
{
    char reason[1024] = "";
    struct settings *settings = config_load("/run/modqd", file_with(text), reason, sizeof(reason));

    if (settings)
        fail_msg("%s\nwas taken", text);
    if (!strstr(reason, a) || (b && !strstr(reason, b)))
        fail_msg("%s\n\"%s\" does not hold \"%s\" and \"%s\"", text, reason, a, b ? b : a);
}

TEST(a_directory_is_enough)
{
    char reason[256];
    struct settings *s = config_load("/srv/modqd", NULL, reason, sizeof(reason));

    assert_non_null(s);
    assert_string_equal(s->dir, "/srv/modqd");
    assert_string_equal(s->listen[SOCKET_FRONT].endpoints[0].address, "ipc:///srv/modqd/front.sock");
    assert_string_equal(s->listen[SOCKET_PUSH].endpoints[0].address, "ipc:///srv/modqd/push.sock");
    assert_string_equal(s->listen[SOCKET_DECISIONS].endpoints[0].address, "ipc:///srv/modqd/decisions.sock");
    assert_string_equal(s->listen[SOCKET_DESK].endpoints[0].address, "ipc:///srv/modqd/desk.sock");
    assert_int_equal(s->heartbeat_ms, 5000);
    assert_int_equal(s->credit_timeout_ms, 30000);
    for (int i = 0; i < LIMIT_COUNT; i++)
        assert_int_equal(s->limits.value[i], limit_table[i].value);
    assert_string_equal(s->policy->version, "house-rules-1");
    settings_free(s);
}

TEST(without_a_directory_it_says_how_to_give_one)
{
    char reason[256] = "";

    assert_null(config_load(NULL, file_with(""), reason, sizeof(reason)));
    assert_non_null(strstr(reason, "--dir"));
    struct settings *s = config_load(NULL, file_with("dir = \"/srv/x\""), reason, sizeof(reason));
    assert_non_null(s);
    assert_string_equal(s->dir, "/srv/x");
    settings_free(s);
    s = load("dir = \"/srv/x\"");
    assert_string_equal(s->dir, "/run/modqd"); /* the command line has the last word */
    settings_free(s);
}

TEST(a_file_that_is_not_there_is_named)
{
    char reason[256] = "";

    assert_null(config_load("/run/modqd", "/nowhere/modqd.conf", reason, sizeof(reason)));
    assert_non_null(strstr(reason, "/nowhere/modqd.conf"));
    assert_null(config_load("/run/modqd", "/tmp", reason, sizeof(reason)));
    assert_non_null(strstr(reason, "/tmp"));
}

/* ---- endpoints ---- */

enum { REFUSED = -1 };

/* What kind of endpoint it is where loopback is left open, and where it is not. */
static void endpoint(const char *given, int open, int closed)
{
    char reason[512] = "";

    for (int insecure = 0; insecure < 2; insecure++) {
        int expected = insecure ? open : closed;
        enum endpoint_kind kind;
        bool taken = config_endpoint_kind(given, insecure, &kind, reason, sizeof(reason));
        if (taken != (expected != REFUSED))
            fail_msg("%s is %s", given, taken ? "taken" : "refused");
        if (taken)
            assert_int_equal(kind, expected);
        else if (!strstr(reason, given))
            fail_msg("\"%s\" does not name %s", reason, given);
    }
}

TEST(a_path_is_taken)
{
    endpoint("ipc:///run/modqd/front.sock", ENDPOINT_IPC, ENDPOINT_IPC);
    endpoint("ipc://relative.sock", ENDPOINT_IPC, ENDPOINT_IPC);
}

TEST(loopback_is_open_only_where_the_configuration_says_so)
{
    static const char *const endpoints[] = {"tcp://127.0.0.1:5555", "tcp://127.0.0.1:1", "tcp://127.0.0.1:65535",
                                            "tcp://127.1.2.3:5555", "tcp://[::1]:5555"};

    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++)
        endpoint(endpoints[i], ENDPOINT_OPEN, ENDPOINT_CURVE);
}

TEST(what_another_machine_can_reach_is_never_open)
{
    static const char *const endpoints[] = {"tcp://*:5555", "tcp://[::]:5555", "tcp://128.0.0.1:5555",
                                            "tcp://[2001:db8::1]:5555", "tcp://[::ffff:1.2.3.4]:5555"};

    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++)
        endpoint(endpoints[i], ENDPOINT_CURVE, ENDPOINT_CURVE);
}

TEST(a_port_that_nobody_can_be_told_is_refused)
{
    static const char *const endpoints[] = {
        "tcp://127.0.0.1:*",
        "tcp://127.0.0.1:0",
        "tcp://127.0.0.1:00",
        "tcp://127.0.0.1:",
        "tcp://127.0.0.1:65536",
        "tcp://[::1]:0",
        "tcp://127.0.0.1:5555x",
        "tcp://127.0.0.1:-1",
        "tcp://127.0.0.1: 5555",
        "tcp://127.0.0.1:+55",
        "tcp://[::1]:*",
        "tcp://127.0.0.1:05555",
        "tcp://127.0.0.1:99999999999999999999",
    };

    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++)
        endpoint(endpoints[i], REFUSED, REFUSED);
    refused("listen { front = \"tcp://127.0.0.1:0\" }", "listen.front", "from 1 to 65535");
}

TEST(two_sockets_with_one_endpoint_are_refused_by_name)
{
    refused("listen { front = \"ipc:///run/x\"\n desk = \"ipc:///run/x\" }", "listen.front", "listen.desk");
    refused("listen { push = \"tcp://127.0.0.1:7001\"\n desk = \"tcp://127.0.0.1:7001\" }", "listen.push",
            "listen.desk");
    refused("listen { push = {\"tcp://127.0.0.1:7001\", \"tcp://127.0.0.1:7001\"} }", "listen.push", "both");
    refused("listen { push = \"ipc:///run/modqd/desk.sock\" }", "listen.push", "listen.desk");
    good("listen { push = \"tcp://127.0.0.1:7001\"\n desk = \"tcp://127.0.0.1:7002\" }");
}

TEST(decisions_are_on_tcp_only_where_one_owner_runs_every_site)
{
    refused("listen { decisions = \"tcp://0.0.0.0:7001\" }", "listen.decisions", "single_owner");
    refused("insecure_loopback = true\nlisten { decisions = \"tcp://127.0.0.1:7001\" }", "listen.decisions",
            "single_owner");
    good("single_owner = true\nlisten { decisions = \"tcp://0.0.0.0:7001\" }");
}

TEST(a_socket_has_up_to_four_endpoints_or_none)
{
    struct settings *s = load("listen { front = {\"ipc:///run/a\", \"tcp://0.0.0.0:1\", \"tcp://[::1]:2\"}\n"
                              "push = \"none\" }");

    assert_int_equal(s->listen[SOCKET_FRONT].count, 3);
    assert_int_equal(s->listen[SOCKET_FRONT].endpoints[1].kind, ENDPOINT_CURVE);
    assert_int_equal(s->listen[SOCKET_PUSH].count, 0);
    assert_int_equal(s->listen[SOCKET_DESK].count, 1);
    settings_free(s);
    refused("listen { front = {\"ipc://a\", \"ipc://b\", \"ipc://c\", \"ipc://d\", \"ipc://e\"} }", "listen.front",
            "4");
    refused("listen { desk = \"none\" }", "listen.desk", "left out");
}

TEST(who_may_open_a_socket_is_said_for_each)
{
    struct settings *s =
        load("listen { front_group = \"www-data\"\n front_mode = \"0660\"\n desk_local = \"listed\" }");

    assert_string_equal(s->listen[SOCKET_FRONT].group, "www-data");
    assert_int_equal(s->listen[SOCKET_FRONT].mode, 0660);
    assert_int_equal(s->listen[SOCKET_DESK].mode, 0600);
    assert_true(s->listen[SOCKET_DESK].listed_only);
    assert_false(s->listen[SOCKET_FRONT].listed_only);
    settings_free(s);
    refused("listen { desk_local = \"some\" }", "listen.desk_local", "listed");
}

TEST(no_socket_is_ever_open_to_everybody)
{
    static const char *const modes[] = {"0666", "0662",  "0664",   "0661", "0760", "0060",  "x",
                                        "",     "0660x", "777777", "0620", "0640", "-0200", "40000000660"};
    char text[64];

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        snprintf(text, sizeof(text), "listen { front_mode = \"%s\" }", modes[i]);
        refused(text, "listen.front_mode", "group");
    }
}

TEST(figures_are_served_on_loopback_only)
{
    good("metrics = \"127.0.0.1:9469\"");
    good("metrics = \"[::1]:9469\"");
    refused("metrics = \"0.0.0.0:9469\"", "metrics", "loopback");
    refused("metrics = \"localhost:9469\"", "metrics", NULL);
    refused("metrics = \"127.0.0.1\"", "metrics", NULL);
}

TEST(what_is_no_number_of_an_address_is_refused_by_name)
{
    static const char *const endpoints[] = {
        "tcp://eth0:5555",
        "tcp://example.org:5555",
        "tcp://127.0.0.1.evil.com:5555",
        "tcp://127.evil.com:5555",
        "tcp://localhost.evil.com:5555",
        "tcp://1270.0.0.1:5555",
        "tcp://127.0.0.1",
        "tcp://:5555",
        "tcp://",
        "tcp://0.0.0.0;127.0.0.1:5555",
        "tcp://127.0.0.1@0.0.0.0:5555",
        "TCP://0.0.0.0:5555",
        "pgm://eth0;239.0.0.1:5555",
        "epgm://eth0;239.0.0.1:5555",
        "ws://127.0.0.1:5555",
        "udp://127.0.0.1:5555",
        "inproc://x",
        "ipc://",
        "ipc://*",
        "ipc://@abstract",
        "/run/modqd/front.sock",
        "x",
    };

    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++)
        endpoint(endpoints[i], REFUSED, REFUSED);
    endpoint("", REFUSED, REFUSED);
}

/* What a name stands for is decided elsewhere: an address that is reached from outside may well be on the interface lo.
 */
TEST(names_of_interfaces_are_refused_even_that_of_loopback)
{
    endpoint("tcp://lo:5555", REFUSED, REFUSED);
}

TEST(a_loopback_address_is_written_as_one)
{
    endpoint("tcp://127.0.0.0.1:5555", REFUSED, REFUSED);
    endpoint("tcp://127.....:5555", REFUSED, REFUSED);
    endpoint("tcp://127.0.0.999:5555", REFUSED, REFUSED);
}

TEST(endpoints_of_the_configuration_are_taken_and_checked)
{
    struct settings *s = load("listen {\n  front = \"tcp://127.0.0.1:7001\"\n  desk = ipc:///run/x/desk\n}\n");

    assert_string_equal(s->listen[SOCKET_FRONT].endpoints[0].address, "tcp://127.0.0.1:7001");
    assert_string_equal(s->listen[SOCKET_DESK].endpoints[0].address, "ipc:///run/x/desk");
    assert_string_equal(s->listen[SOCKET_PUSH].endpoints[0].address, "ipc:///run/modqd/push.sock");
    settings_free(s);
    refused("listen { push = \"tcp://lo:7002\" }", "listen.push", "tcp://lo:7002");
    refused("listen { push = \"ipc://@x\" }", "listen.push", "ipc://@x");
}

/* ---- numbers ---- */

TEST(each_limit_has_its_range)
{
    char text[256];
    char number[32];

    for (int i = 0; i < LIMIT_COUNT; i++) {
        const struct limit_info *info = &limit_table[i];
        int64_t body = i == LIMIT_BODY_BYTES || i == LIMIT_EXTRA_BYTES ? 67108864 : info->value;
        int64_t message = i == LIMIT_MAX_MESSAGE_BYTES ? 0 : body > info->value ? body : 1048576;
        for (int most = 0; most < 2; most++) {
            int64_t value = most ? info->most : info->least;
            snprintf(text, sizeof(text),
                     "limits { reserve_bytes = 0\n database_bytes = 17592186044416\n body_bytes = 1000\n"
                     " max_message_bytes = %lld\n %s = %lld }",
                     (long long)(message ? message : value), info->name, (long long)value);
            struct settings *s = load(text);
            assert_int_equal(s->limits.value[i], value);
            settings_free(s);
            int64_t beyond = most ? value + 1 : value - 1;
            snprintf(text, sizeof(text), "limits { %s = %lld }", info->name, (long long)beyond);
            snprintf(number, sizeof(number), "%lld", (long long)beyond);
            refused(text, info->name, number);
        }
    }
}

TEST(a_comment_must_fit_into_a_message)
{
    good("limits { body_bytes = 45056\n extra_bytes = 4096\n max_message_bytes = 65536 }");
    refused("limits { body_bytes = 45057\n extra_bytes = 4096\n max_message_bytes = 65536 }", "max_message_bytes",
            "65537");
    refused("limits { body_bytes = 1048576 }", "max_message_bytes", "at least");
    refused("limits { max_message_bytes = 65536 }", "max_message_bytes", NULL);
}

TEST(the_reserve_leaves_at_least_as_much_for_comments)
{
    good("limits { database_bytes = 4194304\n reserve_bytes = 2097152 }");
    refused("limits { database_bytes = 4194304\n reserve_bytes = 2097153 }", "reserve_bytes", "4194306");
    refused("limits { database_bytes = 4194304 }", "reserve_bytes", "database_bytes");
    good("limits { database_bytes = 1048576\n reserve_bytes = 0 }");
}

TEST(intervals_have_their_range)
{
    good("heartbeat_ms = 100\ncredit_timeout_ms = 1000");
    good("heartbeat_ms = 60000; credit_timeout_ms = 600000;");
    refused("heartbeat_ms = 99", "heartbeat_ms", "99");
    refused("heartbeat_ms = 60001", "heartbeat_ms", "60001");
    refused("credit_timeout_ms = 999", "credit_timeout_ms", "999");
    refused("credit_timeout_ms = 600001", "credit_timeout_ms", NULL);
}

TEST(what_is_no_number_is_refused_with_its_line)
{
    refused("heartbeat_ms = soon", ":1:", "heartbeat_ms");
    refused("\n\nlimits {\n  streams = 10k\n}\n", ":4:", "streams");
    refused("limits { streams = 99999999999999999999 }", ":1:", "streams");
}

TEST(what_is_out_of_its_range_is_refused_with_its_line)
{
    refused("# heartbeat_ms = 1\n\nheartbeat_ms = 1", ":3:", "heartbeat_ms");
    refused("limits {\n streams = 5\n streams_per_peer = 0 }", ":3:", "limits.streams_per_peer");
    refused("\nlisten {\n\n front = {\"ipc://a\",\n \"udp://b\"} }", ":4:", "listen.front");
    refused("\n\nlisten { front_mode = \"0666\" }", ":3:", "listen.front_mode");
    refused("heartbeat_ms = 500\nsite \"a/b\" { }", ":2:", "site");
}

/* ---- syntax ---- */

TEST(an_unknown_option_is_named_with_its_line)
{
    refused("dir = x\n# a comment\n\nfont = y\n", ":4:", "font");
    refused("limits {\n  body_bites = 5\n}\n", ":2:", "body_bites");
    refused("listen {\n\n\n  from = \"ipc://x\"\n}\n", ":4:", "from");
}

TEST(options_may_be_parted_by_semicolons_and_explained_by_comments)
{
    struct settings *s = load("heartbeat_ms = 1000; credit_timeout_ms = 2000; # why; not\n"
                              "limits { streams = 5; streams_per_peer = 2; } // more\n"
                              "/* listen { front = \"tcp://*:1\" } */ listen { front = \"ipc:///run/a;b\"; }\n");

    assert_int_equal(s->heartbeat_ms, 1000);
    assert_int_equal(s->credit_timeout_ms, 2000);
    assert_int_equal(s->limits.value[LIMIT_STREAMS], 5);
    assert_string_equal(s->listen[SOCKET_FRONT].endpoints[0].address, "ipc:///run/a;b");
    settings_free(s);
}

TEST(what_is_opened_and_never_closed_is_named_with_its_line)
{
    refused("\nlimits {\n  streams = 5\n", ":2:", "never closed");
    refused("dir = \"x\n", ":1:", "never closed");
    refused("\n\n/* more\n", ":3:", "never closed");
    refused("limits { streams = 5 } }", ":1:", NULL);
}

/* ---- policies ---- */

#define RULES "/daemon/policy/house-rules.conf"

TEST(a_site_has_its_own_policy_or_the_common_one)
{
    char text[2048];
    char rules[1024];

    snprintf(rules, sizeof(rules), "%s" RULES, unit_source_dir());
    snprintf(text, sizeof(text), "site \"news\" { policy = \"%s\" }\nsite blog { }\n", rules);
    struct settings *s = load(text);
    assert_int_equal(s->site_count, 2);
    assert_string_equal(s->sites[0].policy_path, rules);
    assert_ptr_equal(settings_policy(s, SLICE_LIT("news")), s->sites[0].policy);
    assert_ptr_not_equal(settings_policy(s, SLICE_LIT("news")), s->policy);
    assert_ptr_equal(settings_policy(s, SLICE_LIT("new")), s->policy);
    assert_ptr_equal(settings_policy(s, SLICE_LIT("unknown")), s->policy);
    assert_string_equal(settings_policy(s, SLICE_LIT("blog"))->version, s->policy->version);
    settings_free(s);
    snprintf(text, sizeof(text), "policy = \"%s\"\nsite blog { }\n", rules);
    s = load(text);
    assert_string_equal(s->policy_path, rules);
    settings_free(s);
}

/* A site without a policy of its own has the one of all sites, also when that is a file. */
TEST(a_site_section_without_a_policy_follows_the_common_file)
{
    char text[2048];
    char other[1024];

    snprintf(other, sizeof(other), "%s-policy", file_with(""));
    FILE *file = fopen(other, "w");
    assert_non_null(file);
    fputs("version = \"ours-2\"\nreason \"r\" { title { en = \"T\" } sentence { en = \"S\" } }\n", file);
    fclose(file);
    snprintf(text, sizeof(text), "policy = \"%s\"\nsite blog { }\n", other);
    struct settings *s = load(text);
    unlink(other);
    assert_string_equal(s->policy->version, "ours-2");
    assert_string_equal(settings_policy(s, SLICE_LIT("blog"))->version, "ours-2");
    settings_free(s);
}

TEST(a_policy_that_cannot_be_read_is_named)
{
    refused("policy = \"/nowhere/rules.conf\"", "/nowhere/rules.conf", NULL);
    refused("site news { policy = \"/nowhere/rules.conf\" }", "/nowhere/rules.conf", NULL);
    refused("site news { policy = \"/dev/null\" }", "/dev/null", "version");
}

TEST(a_site_stands_there_once)
{
    refused("site news { }\nsite blog { }\nsite news { }\n", "news", NULL);
}

TEST(a_site_that_no_comment_can_name_is_refused)
{
    refused("site \"a/b\" { }", "a/b", NULL);
    refused("site \"\" { }", "site", NULL);
    refused("site \"0123456789012345678901234567890123456789012345678901234567890123456\" { }", "site", NULL);
}
