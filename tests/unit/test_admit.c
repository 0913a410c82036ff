/* Who is asking, and may they: identities of every kind, at the one place that decides. The system's list of users is
 * one of the test's own. */
#include "../../daemon/work/admit.h"
#include "../../daemon/work/grant.h"
#include "../../daemon/work/verbs.h"
#include "../lib/rig.h"
#include "../lib/store_memory.h"
#include "unit.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const users[] = {"ann", "modqd", "front", "push"};

enum { FIRST_UID = 70001, USERS = sizeof(users) / sizeof(users[0]) };

int getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t n, struct passwd **found)
{
    *found = NULL;
    if (uid < FIRST_UID || uid >= FIRST_UID + USERS)
        return 0;
    snprintf(buffer, n, "%s", users[uid - FIRST_UID]);
    *entry = (struct passwd){.pw_name = buffer, .pw_uid = uid};
    *found = entry;
    return 0;
}

static struct rig rig;

static const struct peer nobody_proven = {.proof = PROOF_NONE, .uid = PEER_UNKNOWN};

static struct peer user(int64_t uid)
{
    return (struct peer){.proof = PROOF_USER, .uid = uid};
}

static struct peer owner_of(int64_t key)
{
    return (struct peer){.proof = PROOF_KEY, .key = key, .uid = PEER_UNKNOWN};
}

static void begin(void)
{
    rig_open(&rig, store_memory_open());
}

static void end(void)
{
    rig_close(&rig);
}

/* Adds a key as root does; returns its number. */
static int64_t add_key(const char *fields)
{
    static int made;
    char json[512];
    int64_t number = 0;
    struct peer before = rig.from;

    if (strstr(fields, "'uid'"))
        snprintf(json, sizeof(json), "{'op':'key_add',%s}", fields);
    else
        snprintf(json, sizeof(json), "{'op':'key_add',%s,'public_key':{'$bin':'%064x'}}", fields, ++made);
    rig.from = user(0);
    const msgpack_object *reply = rig_ask(&rig, DOOR_DESK, json);
    rig.from = before;
    if (!reply || !mp_int(rig_at(reply, "key.key"), &number))
        fail_msg("%s: %s", json, rig_text(reply));
    return number;
}

/* What one request came to: kept until the next one. */
static struct {
    bool good;
    char actor[NAME_BYTES + 1], via[VIA_BYTES];
    enum role role;
    enum error error;
    char field[64], right[32];
    int64_t retry_after_ms;
} came;

static void read_fault(const struct fault *fault)
{
    struct out out = {0};
    msgpack_zone zone;
    msgpack_object map;

    came.error = fault->code;
    if (!fault->code)
        return;
    fault_encode(fault, &out);
    assert_true(msgpack_zone_init(&zone, 1024));
    assert_true(mp_unpack_map(out_slice(&out), &zone, &map));
    struct slice right = mp_get_str(&map, "right");
    struct slice field = mp_get_str(&map, "field");
    snprintf(came.right, sizeof(came.right), "%.*s", (int)right.len, right.data ? right.data : "");
    snprintf(came.field, sizeof(came.field), "%.*s", (int)field.len, field.data ? field.data : "");
    came.retry_after_ms = mp_get_int(&map, "retry_after_ms", -1);
    msgpack_zone_destroy(&zone);
    out_free(&out);
}

/* Asks, and leaves the request under way: the caller ends it. */
static struct request *begin_asking(struct peer peer, enum door door, const char *json)
{
    struct admission admission = {
        .settings = &rig.settings, .access = rig.access, .now_ms = rig.now_ms, .boot_ms = rig.work.boot_ms};
    struct request *request = request_new();
    struct out out = {0};

    rig_pack(&out, json);
    memset(&came, 0, sizeof(came));
    request->door = door;
    request->peer = peer;
    request->body = out_slice(&out);
    came.good = admit(request, &admission);
    snprintf(came.actor, sizeof(came.actor), "%s", request->actor);
    snprintf(came.via, sizeof(came.via), "%s", request->via);
    came.role = request->grant ? request->grant->role : ROLE_NONE;
    read_fault(&request->fault);
    assert_int_equal(came.good, came.error == E_OK);
    request->body = SLICE_NONE;
    out_free(&out);
    return request;
}

static void stop_asking(struct request *request)
{
    admit_end(request, rig.access);
    request_free(request);
}

static void ask(struct peer peer, enum door door, const char *json)
{
    stop_asking(begin_asking(peer, door, json));
}

static void let_in(const char *actor, enum role role, const char *via)
{
    if (!came.good)
        fail_msg("%s was refused: %s %s", via, error_info(came.error)->name, came.field);
    assert_string_equal(came.actor, actor);
    assert_int_equal(came.role, role);
    assert_string_equal(came.via, via);
}

static void refused(enum error error, const char *field, const char *right)
{
    assert_false(came.good);
    assert_string_equal(error_info(came.error)->name, error_info(error)->name);
    assert_string_equal(came.field, field);
    assert_string_equal(came.right, right);
}

#define HELLO  "{'v':1,'op':'hello'}"
#define SUBMIT "{'v':1,'op':'submit','comments':[{'site':'news','comment':'1','body':'b'}]}"
#define RENEW  "{'v':1,'op':'renew'}"
#define KEYS   "{'v':1,'op':'key_list'}"

/* ---- users of the system ---- */

/* Asks as a user of the system; the answer is the actor, or the error's name. */
static void actor_is(uid_t uid, const char *json, const char *expected)
{
    ask(user(uid), DOOR_DESK, json);
    assert_string_equal(came.good ? came.actor : error_info(came.error)->name, expected);
}

TEST(a_user_of_the_system_is_known_by_name)
{
    begin();
    actor_is(70001, HELLO, "ann");
    actor_is(70001, "{'v':1,'op':'hello','as':'ann'}", "ann");
    actor_is(70001, "{'v':1,'op':'hello','as':'bob'}", "denied");
    actor_is(70009, HELLO, "uid:70009");
    end();
}

TEST(a_user_called_like_an_actor_of_the_daemon_is_known_by_number)
{
    begin();
    actor_is(70002, HELLO, "uid:70002");
    actor_is(70003, HELLO, "uid:70003");
    actor_is(70004, "{'v':1,'op':'hello','as':'uid:70004'}", "uid:70004");
    actor_is(70004, "{'v':1,'op':'hello','as':'push'}", "bad_value");
    end();
}

TEST(root_and_the_daemons_own_user_are_administrators_at_the_desk)
{
    char via[VIA_BYTES];
    char name[32];

    begin();
    ask(user(0), DOOR_DESK, KEYS);
    let_in("uid:0", ROLE_ADMINISTRATOR, "uid:0");
    snprintf(via, sizeof(via), "uid:%u", geteuid());
    snprintf(name, sizeof(name), "uid:%u", geteuid());
    ask(user(geteuid()), DOOR_DESK, KEYS);
    let_in(name, ROLE_ADMINISTRATOR, via);
    ask(user(0), DOOR_DESK, "{'v':1,'op':'renew','as':'bob'}");
    let_in("bob", ROLE_ADMINISTRATOR, "uid:0");
    ask(user(70001), DOOR_DESK, KEYS);
    refused(E_DENIED, "", "administrator");
    end();
}

TEST(users_without_a_key_are_front_ends_and_moderators_unless_the_socket_is_for_listed_ones)
{
    begin();
    ask(user(70001), DOOR_FRONT, SUBMIT);
    let_in("front", ROLE_FRONT, "uid:70001");
    ask(user(70001), DOOR_PUSH, SUBMIT);
    let_in("push", ROLE_FRONT, "uid:70001");
    ask(user(70001), DOOR_DESK, RENEW);
    let_in("ann", ROLE_MODERATOR, "uid:70001");
    for (int which = 0; which < SOCKET_COUNT; which++)
        rig.settings.listen[which].listed_only = true;
    ask(user(70001), DOOR_FRONT, SUBMIT);
    refused(E_DENIED, "", "");
    ask(user(70001), DOOR_PUSH, SUBMIT);
    refused(E_DENIED, "", "");
    ask(user(70001), DOOR_DESK, HELLO);
    refused(E_DENIED, "", "");
    ask(user(0), DOOR_FRONT, SUBMIT);
    let_in("front", ROLE_FRONT, "uid:0");
    ask(user(0), DOOR_DESK, HELLO);
    let_in("uid:0", ROLE_ADMINISTRATOR, "uid:0");
    end();
}

TEST(a_user_with_a_key_is_what_the_key_says_listed_or_not)
{
    begin();
    add_key("'name':'clara','role':'moderator','uid':70001,'sites':['news'],'rights':['undo']");
    add_key("'name':'web','role':'front','uid':70009,'sites':['news']");
    for (int listed = 0; listed < 2; listed++) {
        rig.settings.listen[SOCKET_DESK].listed_only = rig.settings.listen[SOCKET_FRONT].listed_only = listed;
        ask(user(70001), DOOR_DESK, "{'v':1,'op':'list','site':'news'}");
        let_in("clara", ROLE_MODERATOR, "uid:70001");
        ask(user(70001), DOOR_DESK, "{'v':1,'op':'list','site':'blog'}");
        refused(E_DENIED, "site", "");
        ask(user(70001), DOOR_FRONT, SUBMIT);
        refused(E_DENIED, "", "");
        ask(user(70009), DOOR_FRONT, SUBMIT);
        let_in("front", ROLE_FRONT, "uid:70009");
        ask(user(70009), DOOR_FRONT, "{'v':1,'op':'withdraw','site':'blog','comment':'1'}");
        refused(E_DENIED, "site", "");
        ask(user(70009), DOOR_DESK, HELLO);
        refused(E_DENIED, "", "");
    }
    end();
}

/* Who was sent away does not come back by the socket's permissions. */
TEST(a_user_whose_key_has_ended_is_not_as_if_it_never_had_one)
{
    begin();
    add_key("'name':'clara','role':'moderator','uid':70001,'sites':['news']");
    rig.from = user(0);
    assert_non_null(rig_ask(&rig, DOOR_DESK, "{'op':'key_revoke','name':'clara'}"));
    ask(user(70001), DOOR_DESK, HELLO);
    refused(E_DENIED, "", "");
    ask(user(70001), DOOR_FRONT, SUBMIT);
    refused(E_DENIED, "", "");
    add_key("'name':'clara','role':'moderator','uid':70001,'sites':['blog']");
    ask(user(70001), DOOR_DESK, "{'v':1,'op':'list','site':'blog'}");
    let_in("clara", ROLE_MODERATOR, "uid:70001");
    end();
}

/* Otherwise an administrator could lock everybody out for ever. */
TEST(no_key_takes_the_desk_from_root)
{
    begin();
    rig.from = user(0);
    const msgpack_object *reply =
        rig_ask(&rig, DOOR_DESK, "{'op':'key_add','name':'small','role':'moderator','uid':0,'sites':['news']}");
    assert_non_null(reply);
    assert_true(slice_is(mp_str(rig_at(reply, "error.name")), "bad_value"));
    ask(user(0), DOOR_DESK, KEYS);
    let_in("uid:0", ROLE_ADMINISTRATOR, "uid:0");
    end();
}

TEST(a_peer_of_whom_the_kernel_says_nothing_is_nobody_at_the_desk)
{
    begin();
    ask(user(PEER_UNKNOWN), DOOR_DESK, HELLO);
    refused(E_DENIED, "", "");
    ask(user(PEER_UNKNOWN), DOOR_DESK, "{'v':1,'op':'renew','as':'ann'}");
    refused(E_DENIED, "", "");
    ask(user(PEER_UNKNOWN), DOOR_FRONT, SUBMIT);
    let_in("front", ROLE_FRONT, "");
    rig.settings.listen[SOCKET_FRONT].listed_only = true;
    ask(user(PEER_UNKNOWN), DOOR_FRONT, SUBMIT);
    refused(E_DENIED, "", "");
    end();
}

/* ---- keys ---- */

TEST(the_owner_of_a_key_is_what_it_says)
{
    char via[VIA_BYTES];

    begin();
    int64_t web = add_key("'name':'web','role':'front','sites':['news']");
    int64_t bob = add_key("'name':'bob','role':'moderator'");
    int64_t chief = add_key("'name':'chief','role':'administrator'");
    snprintf(via, sizeof(via), "key:%lld", (long long)web);
    ask(owner_of(web), DOOR_FRONT, SUBMIT);
    let_in("front", ROLE_FRONT, via);
    ask(owner_of(web), DOOR_PUSH, SUBMIT);
    let_in("push", ROLE_FRONT, via);
    ask(owner_of(web), DOOR_DESK, HELLO);
    refused(E_DENIED, "", "");
    snprintf(via, sizeof(via), "key:%lld", (long long)bob);
    ask(owner_of(bob), DOOR_DESK, RENEW);
    let_in("bob", ROLE_MODERATOR, via);
    ask(owner_of(bob), DOOR_FRONT, SUBMIT);
    refused(E_DENIED, "", "");
    ask(owner_of(bob), DOOR_PUSH, SUBMIT);
    refused(E_DENIED, "", "");
    snprintf(via, sizeof(via), "key:%lld", (long long)chief);
    ask(owner_of(chief), DOOR_DESK, KEYS);
    let_in("chief", ROLE_ADMINISTRATOR, via);
    ask(owner_of(chief), DOOR_FRONT, SUBMIT);
    let_in("front", ROLE_ADMINISTRATOR, via);
    end();
}

TEST(a_number_that_is_no_key_is_nobody)
{
    begin();
    add_key("'name':'chief','role':'administrator'");
    for (int64_t number = -1; number < 4; number++)
        if (number != 1) {
            ask(owner_of(number), DOOR_DESK, HELLO);
            refused(E_DENIED, "", "");
            ask(owner_of(number), DOOR_FRONT, HELLO);
            refused(E_DENIED, "", "");
        }
    end();
}

TEST(a_key_ends_at_its_millisecond_also_for_who_is_connected)
{
    begin();
    rig.now_ms = 5000;
    int64_t web = add_key("'name':'web','role':'front','expires_at':9000");
    rig.now_ms = 8999;
    ask(owner_of(web), DOOR_FRONT, SUBMIT);
    assert_true(came.good);
    rig.now_ms = 9000;
    ask(owner_of(web), DOOR_FRONT, SUBMIT);
    refused(E_DENIED, "", "");
    ask(owner_of(web), DOOR_FRONT, HELLO);
    refused(E_DENIED, "", "");
    end();
}

TEST(a_revoked_key_is_denied_with_its_next_message)
{
    begin();
    int64_t web = add_key("'name':'web','role':'front'");
    ask(owner_of(web), DOOR_FRONT, SUBMIT);
    assert_true(came.good);
    rig.from = user(0);
    assert_non_null(rig_ask(&rig, DOOR_DESK, "{'op':'key_revoke','name':'web'}"));
    ask(owner_of(web), DOOR_FRONT, SUBMIT);
    refused(E_DENIED, "", "");
    end();
}

/* Nothing of a request is looked at before it is known who asks, but for what the answer repeats. */
TEST(who_is_nobody_is_told_nothing_of_the_request)
{
    static const char *const asked[] = {HELLO, "{'v':1,'op':'no such operation'}", "{'v':1,'op':'submit'}",
                                        "{'v':1,'op':'submit','comments':7}"};

    begin();
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        ask(owner_of(77), DOOR_FRONT, asked[i]);
        refused(E_DENIED, "", "");
    }
    end();
}

/* ---- in whose name ---- */

TEST(only_administrators_and_those_nobody_proved_act_for_others)
{
    begin();
    int64_t bob = add_key("'name':'bob','role':'moderator'");
    int64_t chief = add_key("'name':'chief','role':'administrator'");
    ask(owner_of(bob), DOOR_DESK, "{'v':1,'op':'renew','as':'bob'}");
    assert_true(came.good);
    ask(owner_of(bob), DOOR_DESK, "{'v':1,'op':'renew','as':'chief'}");
    refused(E_DENIED, "as", "");
    ask(owner_of(chief), DOOR_DESK, "{'v':1,'op':'renew','as':'bob'}");
    assert_true(came.good);
    assert_string_equal(came.actor, "bob");
    ask(nobody_proven, DOOR_DESK, "{'v':1,'op':'renew','as':'bob'}");
    let_in("bob", ROLE_MODERATOR, "tcp");
    ask(nobody_proven, DOOR_DESK, RENEW);
    refused(E_AS_REQUIRED, "as", "");
    ask(nobody_proven, DOOR_DESK, "{'v':1,'op':'list'}");
    let_in("", ROLE_MODERATOR, "tcp");
    ask(nobody_proven, DOOR_DESK, "{'v':1,'op':'key_list','as':'root'}");
    refused(E_DENIED, "", "administrator");
    ask(nobody_proven, DOOR_FRONT, SUBMIT);
    let_in("front", ROLE_FRONT, "tcp");
    end();
}

TEST(nobody_acts_in_a_name_of_the_daemons_own)
{
    static const char *const names[] = {"modqd", "front", "push"};
    char json[80];

    begin();
    struct peer askers[] = {owner_of(add_key("'name':'chief','role':'administrator'")), user(0), nobody_proven};
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++) {
            snprintf(json, sizeof(json), "{'v':1,'op':'renew','as':'%s'}", names[i]);
            ask(askers[j], DOOR_DESK, json);
            refused(E_BAD_VALUE, "as", "");
        }
    end();
}

/* ---- rights and sites ---- */

TEST(many_items_at_once_need_the_right_to)
{
    char list[512] = "";
    char json[700];

    begin();
    int64_t bob = add_key("'name':'bob','role':'moderator','sites':['news']");
    int64_t eve = add_key("'name':'eve','role':'moderator','sites':['news'],'rights':['bulk']");
    rig.settings.limits.value[LIMIT_BULK_ITEMS] = 3;
    for (int n = 1; n <= 4; n++) {
        snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s{'site':'news','comment':'%d'}", n > 1 ? "," : "",
                 n);
        snprintf(json, sizeof(json), "{'v':1,'op':'approve','operation':{'$bin':'%032d'},'comments':[%s]}", n, list);
        ask(owner_of(bob), DOOR_DESK, json);
        if (n <= 3)
            assert_true(came.good);
        else
            refused(E_DENIED, "", "bulk");
        ask(owner_of(eve), DOOR_DESK, json);
        assert_true(came.good);
    }
    snprintf(json, sizeof(json), "{'v':1,'op':'renew','comments':[%s]}", list); /* not one of those */
    ask(owner_of(bob), DOOR_DESK, json);
    assert_true(came.good);
    end();
}

TEST(the_lane_of_escalated_comments_needs_its_right)
{
    begin();
    int64_t bob = add_key("'name':'bob','role':'moderator'");
    int64_t eve = add_key("'name':'eve','role':'moderator','rights':['escalated']");
    ask(owner_of(bob), DOOR_DESK, "{'v':1,'op':'list','lane':'normal'}");
    assert_true(came.good);
    ask(owner_of(bob), DOOR_DESK, "{'v':1,'op':'list','lane':'escalated'}");
    refused(E_DENIED, "", "escalated");
    ask(owner_of(bob), DOOR_DESK,
        "{'v':1,'op':'claim','lane':'escalated','operation':{'$bin':'00112233445566778899aabbccddeeff'}}");
    refused(E_DENIED, "", "escalated");
    ask(owner_of(eve), DOOR_DESK, "{'v':1,'op':'list','lane':'escalated'}");
    assert_true(came.good);
    end();
}

/* A site is compared as it is written, and what cannot be one is told as such, whoever asks. */
TEST(a_site_that_is_none_is_no_way_around)
{
    begin();
    int64_t web = add_key("'name':'web','role':'front','sites':['news']");
    ask(owner_of(web), DOOR_FRONT, "{'v':1,'op':'withdraw','site':{'$bin':'6e657773'},'comment':'1'}");
    refused(E_BAD_TYPE, "site", "");
    ask(owner_of(web), DOOR_FRONT, "{'v':1,'op':'withdraw','comment':'1'}");
    refused(E_MISSING_FIELD, "site", "");
    ask(owner_of(web), DOOR_FRONT, "{'v':1,'op':'withdraw','site':'','comment':'1'}");
    refused(E_DENIED, "site", "");
    ask(owner_of(web), DOOR_FRONT, "{'v':1,'op':'withdraw','site':'news/','comment':'1'}");
    refused(E_DENIED, "site", "");
    ask(owner_of(web), DOOR_FRONT, "{'v':1,'op':'withdraw','site':{'$str':'6e65777300'},'comment':'1'}");
    refused(E_DENIED, "site", "");
    end();
}

/* {"v": 1, "op": "withdraw", "site": first, "site": second, "comment": "1"} */
TEST(a_site_given_twice_is_refused_whichever_comes_first)
{
    static const char *const sites[][2] = {{"news", "blog"}, {"blog", "news"}};

    begin();
    int64_t web = add_key("'name':'web','role':'front','sites':['news']");
    rig.from = owner_of(web);
    for (int i = 0; i < 2; i++) {
        struct out out = {0};
        out_map(&out);
        out_key_int(&out, "v", 1);
        out_key_cstr(&out, "op", "withdraw");
        out_key_cstr(&out, "site", sites[i][0]);
        out_key_cstr(&out, "site", sites[i][1]);
        out_key_cstr(&out, "comment", "1");
        out_end(&out);
        const msgpack_object *reply = rig_ask_packed(&rig, DOOR_FRONT, out_slice(&out));
        struct slice name = mp_str(rig_at(reply, "error.name"));
        if (!slice_is(name, "duplicate_field") && !slice_is(name, "denied"))
            fail_msg("%s", rig_text(reply));
        out_free(&out);
    }
    end();
}

/* ---- pace ---- */

TEST(a_request_counts_as_many_as_its_items)
{
    begin();
    int64_t web = add_key("'name':'web','role':'front'");
    rig.settings.limits.value[LIMIT_RATE_PER_KEY] = 2; /* four at once */
    ask(owner_of(web), DOOR_FRONT, "{'v':1,'op':'status','site':'news','comments':['1','2','3']}");
    assert_true(came.good);
    ask(owner_of(web), DOOR_FRONT, "{'v':1,'op':'status','site':'news','comments':['1','2']}");
    refused(E_BUSY, "", "");
    assert_int_equal(came.retry_after_ms, 501);
    ask(owner_of(web), DOOR_FRONT, HELLO);
    assert_true(came.good);
    ask(owner_of(web), DOOR_FRONT, HELLO);
    refused(E_BUSY, "", "");
    ask(nobody_proven, DOOR_FRONT, HELLO);
    assert_true(came.good);
    ask(user(70001), DOOR_DESK, HELLO);
    assert_true(came.good);
    end();
}

TEST(a_large_request_counts_for_each_four_kibibytes)
{
    static char json[20000];
    char body[16400];

    begin();
    int64_t web = add_key("'name':'web','role':'front'");
    rig.settings.limits.value[LIMIT_RATE_PER_KEY] = 2;
    memset(body, 'x', sizeof(body) - 1);
    body[sizeof(body) - 1] = '\0';
    snprintf(json, sizeof(json), "{'v':1,'op':'submit','comments':[{'site':'news','comment':'1','body':'%s'}]}", body);
    ask(owner_of(web), DOOR_FRONT, json);
    assert_true(came.good);
    ask(owner_of(web), DOOR_FRONT, HELLO);
    refused(E_BUSY, "", "");
    end();
}

/* A page of the queue costs what it shows, whatever the request says. */
TEST(a_list_counts_for_what_it_shows)
{
    static const struct {
        const char *json;
        int64_t counts;
    } rows[] = {
        {"{'v':1,'op':'list'}", 5},
        {"{'v':1,'op':'list','limit':1}", 5},
        {"{'v':1,'op':'list','limit':500}", 50},
        {"{'v':1,'op':'history','site':'news','comment':'1','limit':500}", 50},
        {"{'v':1,'op':'stats'}", 5},
        {"{'v':1,'op':'show','site':'news','comment':'1'}", 5},
        {"{'v':1,'op':'author','site':'news','author':'1'}", 5},
        {"{'v':1,'op':'list','limit':9223372036854775807}", 100},
        {"{'v':1,'op':'list','limit':-9223372036854775807}", 5},
    };

    begin();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char name[64];
        snprintf(name, sizeof(name), "'name':'mod-%zu','role':'moderator'", i);
        int64_t key = add_key(name);
        rig.settings.limits.value[LIMIT_RATE_PER_KEY] = 100;
        ask(owner_of(key), DOOR_DESK, rows[i].json);
        for (int64_t left = 200 - rows[i].counts; left > 0; left--) {
            ask(owner_of(key), DOOR_DESK, HELLO);
            if (!came.good)
                fail_msg("%s counted for more than %lld", rows[i].json, (long long)rows[i].counts);
        }
        ask(owner_of(key), DOOR_DESK, HELLO);
        if (came.good)
            fail_msg("%s counted for less than %lld", rows[i].json, (long long)rows[i].counts);
    }
    end();
}

/* Its listener would not know that it was lost. */
TEST(credit_is_taken_however_fast_a_key_asks)
{
    begin();
    int64_t web = add_key("'name':'web','role':'front'");
    rig.settings.limits.value[LIMIT_RATE_PER_KEY] = 1;
    rig.settings.limits.value[LIMIT_REQUESTS_PER_KEY] = 1;
    struct request *under_way = begin_asking(owner_of(web), DOOR_FRONT, SUBMIT);
    for (int i = 0; i < 10; i++) {
        ask(owner_of(web), DOOR_FRONT, "{'v':1,'op':'credit','stream':1,'credit':5}");
        assert_true(came.good);
        ask(owner_of(web), DOOR_FRONT, "{'v':1,'op':'cancel','stream':1}");
        assert_true(came.good);
        ask(owner_of(web), DOOR_FRONT, "{'v':1,'op':'stream','id':1,'site':'news','credit':5}");
        refused(E_BUSY, "", "");
    }
    ask(owner_of(77), DOOR_FRONT, "{'v':1,'op':'credit','stream':1,'credit':5}");
    refused(E_DENIED, "", "");
    stop_asking(under_way);
    end();
}

TEST(a_key_has_a_number_of_requests_under_way_and_each_end_frees_one)
{
    struct request *under_way[3];

    begin();
    int64_t web = add_key("'name':'web','role':'front'");
    int64_t other = add_key("'name':'other','role':'front'");
    rig.settings.limits.value[LIMIT_REQUESTS_PER_KEY] = 3;
    for (int i = 0; i < 3; i++) {
        under_way[i] = begin_asking(owner_of(web), DOOR_FRONT, SUBMIT);
        assert_true(came.good);
    }
    for (int i = 0; i < 5; i++) { /* what was refused must not free anything at its end */
        ask(owner_of(web), DOOR_FRONT, SUBMIT);
        refused(E_BUSY, "", "");
    }
    ask(owner_of(other), DOOR_FRONT, SUBMIT);
    assert_true(came.good);
    stop_asking(under_way[0]);
    under_way[0] = begin_asking(owner_of(web), DOOR_FRONT, SUBMIT);
    assert_true(came.good);
    ask(owner_of(web), DOOR_FRONT, SUBMIT);
    refused(E_BUSY, "", "");
    for (int i = 0; i < 3; i++)
        stop_asking(under_way[i]);
    end();
}

TEST(a_user_with_a_key_keeps_its_pace_too)
{
    begin();
    add_key("'name':'clara','role':'moderator','uid':70001");
    rig.settings.limits.value[LIMIT_RATE_PER_KEY] = 1;
    ask(user(70001), DOOR_DESK, HELLO);
    ask(user(70001), DOOR_DESK, HELLO);
    assert_true(came.good);
    ask(user(70001), DOOR_DESK, HELLO);
    refused(E_BUSY, "", "");
    rig.work.boot_ms += came.retry_after_ms;
    ask(user(70001), DOOR_DESK, HELLO);
    assert_true(came.good);
    end();
}
