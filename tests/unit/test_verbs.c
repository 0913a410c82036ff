/* Every operation has a rule, the document names it, and the daemon keeps to it: each one is asked for by every role,
 * for a site of its own and for another one. An operation that is added without a request below fails here. */
#include "../../daemon/work/admit.h"
#include "../../daemon/work/grant.h"
#include "../lib/rig.h"
#include "../lib/store_memory.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

/* What a request says of its site. */
enum names { NO_SITE, ONE_SITE, ITEMS };

/* The least that each operation takes; %s stands for the site. */
static const struct {
    const char *name, *json;
    enum names names;
} requests[] = {
    {"hello", "{'op':'hello'}", NO_SITE},
    {"policy", "{'op':'policy','site':'%s'}", ONE_SITE},
    {"status", "{'op':'status','site':'%s','comments':['c']}", ONE_SITE},
    {"submit", "{'op':'submit','comments':[{'site':'%s','comment':'c','body':'b'}]}", ITEMS},
    {"withdraw", "{'op':'withdraw','site':'%s','comment':'c'}", ONE_SITE},
    {"report", "{'op':'report','site':'%s','comment':'c','reader':'r'}", ONE_SITE},
    {"article", "{'op':'article','site':'%s','article':{'id':'a'}}", ONE_SITE},
    {"confirm", "{'op':'confirm','site':'%s','listener':'l','seq':0}", ONE_SITE},
    {"stream", "{'op':'stream','id':1,'site':'%s','credit':1}", ONE_SITE},
    {"credit", "{'op':'credit','stream':1,'credit':1}", NO_SITE},
    {"cancel", "{'op':'cancel','stream':1}", NO_SITE},
    {"list", "{'op':'list','site':'%s'}", ONE_SITE},
    {"show", "{'op':'show','site':'%s','comment':'c'}", ONE_SITE},
    {"history", "{'op':'history','site':'%s','comment':'c'}", ONE_SITE},
    {"batch", "{'op':'batch','batch':{'$bin':'00112233445566778899aabbccddeeff'}}", NO_SITE},
    {"stats", "{'op':'stats'}", NO_SITE},
    {"search", "{'op':'search','text':'b','site':'%s'}", ONE_SITE},
    {"facts", "{'op':'facts','site':'%s'}", ONE_SITE},
    {"claim", "{'op':'claim','comments':[{'site':'%s','comment':'c'}]}", ITEMS},
    {"renew", "{'op':'renew','comments':[{'site':'%s','comment':'c'}]}", ITEMS},
    {"release", "{'op':'release','comments':[{'site':'%s','comment':'c'}]}", ITEMS},
    {"skip", "{'op':'skip','comments':[{'site':'%s','comment':'c'}]}", ITEMS},
    {"approve", "{'op':'approve','comments':[{'site':'%s','comment':'c'}]}", ITEMS},
    {"reject", "{'op':'reject','comments':[{'site':'%s','comment':'c'}],'reasons':['other']}", ITEMS},
    {"undo", "{'op':'undo','records':[{'site':'%s','seq':1}]}", ITEMS},
    {"escalate", "{'op':'escalate','comments':[{'site':'%s','comment':'c'}]}", ITEMS},
    {"erase", "{'op':'erase','comments':[{'site':'%s','comment':'c'}]}", ITEMS},
    {"note", "{'op':'note','site':'%s','comment':'c','note':'n'}", ONE_SITE},
    {"author", "{'op':'author','site':'%s','author':'a'}", ONE_SITE},
    {"author_mark", "{'op':'author_mark','site':'%s','author':'a','mark':'none'}", ONE_SITE},
    {"author_note", "{'op':'author_note','site':'%s','author':'a','note':'n'}", ONE_SITE},
    {"author_erase", "{'op':'author_erase','site':'%s','author':'a'}", ONE_SITE},
    {"key_add", "{'op':'key_add','name':'eve','role':'front','uid':7}", NO_SITE},
    {"key_list", "{'op':'key_list'}", NO_SITE},
    {"key_revoke", "{'op':'key_revoke','name':'eve'}", NO_SITE},
    {"key_rotate",
     "{'op':'key_rotate','name':'eve','public_key':{'$bin':'"
     "1111111111111111111111111111111111111111111111111111111111111111'}}",
     NO_SITE},
    {"reload", "{'op':'reload'}", NO_SITE},
    {"audit", "{'op':'audit'}", NO_SITE},
    {"verify", "{'op':'verify'}", NO_SITE},
    {"fsck", "{'op':'fsck'}", NO_SITE},
};

enum { REQUESTS = sizeof(requests) / sizeof(requests[0]) };

/* Who asks; each has the site `own` alone, but for administrators. Numbers of keys are places in this list, from 1. */
static const struct {
    const char *called;
    enum role role;
    unsigned rights;
} people[] = {
    {"front", ROLE_FRONT, 0},
    {"moderator", ROLE_MODERATOR, 0},
    {"eraser", ROLE_MODERATOR, RIGHT_ERASE},
    {"undoer", ROLE_MODERATOR, RIGHT_UNDO},
    {"senior", ROLE_MODERATOR, RIGHTS_ALL},
    {"administrator", ROLE_ADMINISTRATOR, 0},
};

enum { PEOPLE = sizeof(people) / sizeof(people[0]) };

static const enum door doors[] = {DOOR_FRONT, DOOR_PUSH, DOOR_DESK};

static struct rig rig;

static void put_key(size_t i)
{
    struct out sites = {0};
    struct store_key key = {.no = (int64_t)i + 1,
                            .role = people[i].role,
                            .rights = people[i].rights,
                            .has_public = true,
                            .uid = UID_NONE,
                            .created_at = 1,
                            .created_by = "root"};

    out_array(&sites);
    out_str(&sites, SLICE_LIT("own"));
    out_end(&sites);
    snprintf(key.name, sizeof(key.name), "%s", people[i].called);
    key.public_key[0] = (unsigned char)(i + 1);
    key.all_sites = people[i].role == ROLE_ADMINISTRATOR;
    key.sites = key.all_sites ? SLICE_NONE : out_slice(&sites);
    assert_int_equal(rig.store->ops->key_put(rig.store, &key), STORE_OK);
    out_free(&sites);
}

static void begin(void)
{
    rig_open(&rig, store_memory_open());
    assert_int_equal(rig.store->ops->begin(rig.store), STORE_OK);
    for (size_t i = 0; i < PEOPLE; i++)
        put_key(i);
    assert_int_equal(rig.store->ops->commit(rig.store), STORE_OK);
    assert_int_equal(access_load(rig.access, rig.store), STORE_OK);
}

static void come_as(size_t who)
{
    rig.from = (struct peer){.proof = PROOF_KEY, .key = (int64_t)who + 1, .uid = PEER_UNKNOWN};
}

/* ---- the table itself ---- */

TEST(every_operation_says_who_may_use_it_and_how_it_is_bound_to_sites)
{
    static const char *const about_no_site[] = {"hello", "credit", "cancel"};

    for (size_t i = 0; i < verb_count; i++) {
        const struct verb *verb = &verb_table[i];
        bool known = false;
        for (size_t j = 0; j < sizeof(about_no_site) / sizeof(about_no_site[0]); j++)
            known |= strcmp(about_no_site[j], verb->name) == 0;
        if (!verb->doors || !verb->roles || verb->scope == SCOPE_UNSAID || !verb->decode)
            fail_msg("%s: a socket, roles, scope or decoder is missing", verb->name);
        if (verb->roles & ~FOR_ALL)
            fail_msg("%s: is for a role that there is not", verb->name);
        if (!(verb->roles & 1U << ROLE_ADMINISTRATOR))
            fail_msg("%s: administrators may do everything, but not this", verb->name);
        if (verb->scope != SCOPE_NONE && known)
            fail_msg("%s: is about no site, and bound to some", verb->name);
        if (verb->scope == SCOPE_NONE && verb->roles != FOR_ADMINISTRATORS && !known)
            fail_msg("%s: is bound to no site, and not for administrators alone", verb->name);
        if (verb->changes_keys && verb->roles != FOR_ADMINISTRATORS)
            fail_msg("%s: changes keys, and not for administrators alone", verb->name);
        if (verb->roles == FOR_ADMINISTRATORS && (verb->scope != SCOPE_NONE || verb->right || verb->bulk))
            fail_msg("%s: administrators have all sites and rights, so this says nothing", verb->name);
    }
}

/* A role that no socket lets in where the operation is could never use it. */
TEST(whoever_may_use_an_operation_is_let_in_at_its_socket)
{
    for (size_t i = 0; i < verb_count; i++) {
        const struct verb *verb = &verb_table[i];
        for (enum role role = ROLE_FRONT; role < ROLE_COUNT; role++) {
            struct grant grant = {.role = role};
            bool enters = ((verb->doors & DOOR_FRONT) && grant_may_enter(&grant, SOCKET_FRONT)) ||
                          ((verb->doors & DOOR_PUSH) && grant_may_enter(&grant, SOCKET_PUSH)) ||
                          ((verb->doors & DOOR_DESK) && grant_may_enter(&grant, SOCKET_DESK));
            if ((verb->roles & 1U << role) && !enters)
                fail_msg("%s: %s may use it, and cannot come to it", verb->name, role_name(role));
        }
    }
}

TEST(every_operation_has_a_request_in_this_test)
{
    for (size_t i = 0; i < verb_count; i++) {
        size_t n = 0;
        for (size_t j = 0; j < REQUESTS; j++)
            n += strcmp(requests[j].name, verb_table[i].name) == 0;
        if (n != 1)
            fail_msg("%s: %zu requests in test_verbs.c, not 1", verb_table[i].name, n);
    }
    assert_int_equal(verb_count, REQUESTS);
}

/* ---- the document ---- */

static char *document;

/* Text of the section, up to the next one of its level; what was there before is freed. */
static const char *section(const char *heading)
{
    static char *text;
    char path[4200];
    size_t len = 0;

    if (!document) {
        snprintf(path, sizeof(path), "%s/proto/PROTOCOL.md", unit_source_dir());
        FILE *file = fopen(path, "r");
        if (!file || getdelim(&document, &len, '\0', file) <= 0)
            fail_msg("%s cannot be read", path);
        fclose(file);
    }
    const char *start = strstr(document, heading);
    if (!start)
        fail_msg("PROTOCOL.md has no heading \"%s\"", heading);
    start += strlen(heading);
    const char *end = strstr(start, "\n## ");
    free(text);
    text = strndup(start, end ? (size_t)(end - start) : strlen(start));
    return text;
}

/* True when a heading of the section names the operation: "### approve, reject (changing)". */
static bool has_heading(const char *text, const char *name)
{
    size_t len = strlen(name);

    for (const char *line = strstr(text, "\n### "); line; line = strstr(line + 1, "\n### ")) {
        const char *end = strchr(line + 1, '\n');
        for (const char *at = line + 4; (at = strstr(at, name)) && at < end; at++)
            if (strchr(" ,", at[-1]) && strchr(" ,\n", at[len]))
                return true;
    }
    return false;
}

static bool mentions(const char *text, const char *name)
{
    char quoted[80];
    snprintf(quoted, sizeof(quoted), "`%s`", name);
    return strstr(text, quoted) != NULL;
}

/* credit and cancel stand in a table of their own, and the desk has what "as on front" lists. */
static bool is_described(const struct verb *verb, enum door door)
{
    static const char *const front = "\n## Operations of the front socket\n";
    const char *name = verb->name;
    bool stream = verb->kind == VERB_STREAM && strcmp(name, "stream") != 0;

    if (door == DOOR_FRONT)
        return stream ? mentions(section(front), name) : has_heading(section(front), name);
    if (door == DOOR_PUSH)
        return mentions(section("\n## The push socket\n"), name);
    return has_heading(section("\n## Operations of the desk socket\n"), name) ||
           has_heading(section("\n## Keys\n"), name) ||
           ((verb->doors & DOOR_FRONT) && mentions(section("\n## Operations of the desk socket\n"), name));
}

TEST(the_document_describes_every_operation)
{
    for (size_t i = 0; i < verb_count; i++)
        for (size_t d = 0; d < 3; d++)
            if ((verb_table[i].doors & doors[d]) && !is_described(&verb_table[i], doors[d]))
                fail_msg("PROTOCOL.md says nothing of %s at door %d", verb_table[i].name, doors[d]);
    free(document);
    document = NULL;
}

static size_t count_undone(const char *heading, enum door door)
{
    const char *text = section(heading);
    size_t n = 0;

    for (const char *line = strstr(text, "\n### "); line; line = strstr(line + 1, "\n### ")) {
        char names[128] = "";
        char *save = NULL;
        sscanf(line, "\n### %127[^\n(]", names);
        for (char *name = strtok_r(names, ", ", &save); name; name = strtok_r(NULL, ", ", &save), n++)
            if (!verb_find(slice_of(name), door))
                fail_msg("PROTOCOL.md describes %s, which door %d does not know", name, door);
    }
    return n;
}

TEST(the_document_describes_nothing_that_is_not_there)
{
    assert_true(count_undone("\n## Operations of the front socket\n", DOOR_FRONT) >= 9);
    assert_true(count_undone("\n## Operations of the desk socket\n", DOOR_DESK) >= 12);
    assert_true(count_undone("\n## Keys\n", DOOR_DESK) >= 7);
    free(document);
    document = NULL;
}

/* ---- every operation, asked for by everybody ---- */

/* What the table makes of it: "admitted", "denied", "denied: erase", "one by one". */
static const char *expected(const struct verb *verb, enum door door, size_t who, enum names names, bool own)
{
    static char text[64];
    bool administrator = people[who].role == ROLE_ADMINISTRATOR;
    unsigned rights = administrator ? RIGHTS_ALL : people[who].rights;

    if (!administrator && (people[who].role == ROLE_MODERATOR) != (door == DOOR_DESK))
        return "denied";
    if (!(verb->roles & 1U << people[who].role))
        return "denied: administrator";
    if (verb->right && !(rights & verb->right)) {
        snprintf(text, sizeof(text), "denied: %s", right_name(verb->right));
        return text;
    }
    if (own || administrator || names == NO_SITE)
        return "admitted";
    return names == ITEMS ? "one by one" : "denied";
}

/* What came of it. */
static const char *verdict(const struct request *request, bool good)
{
    static char text[64];
    const struct fault *fault = &request->fault;
    struct out out = {0};
    msgpack_zone zone;
    msgpack_object map;

    if (good)
        return request->foreign && request->foreign[0] ? "one by one" : "admitted";
    assert_true(msgpack_zone_init(&zone, 1024));
    fault_encode(fault, &out);
    assert_true(mp_unpack_map(out_slice(&out), &zone, &map));
    struct slice right = mp_get_str(&map, "right");
    snprintf(text, sizeof(text), "%s%s%.*s", error_info(fault->code)->name, right.data ? ": " : "", (int)right.len,
             right.data ? right.data : "");
    msgpack_zone_destroy(&zone);
    out_free(&out);
    return text;
}

/* Packs a request with its site, `v` and, where it is needed, an operation id. */
static void pack(struct out *out, const struct verb *verb, const char *json, const char *site)
{
    char whole[700];
    const char *hole = strstr(json, "%s");
    int before = (int)(hole ? hole - json : (ptrdiff_t)strlen(json));

    snprintf(whole, sizeof(whole), "{'v':1%s,%.*s%s%s",
             verb->operation == OPERATION_NEEDED ? ",'operation':{'$bin':'00112233445566778899aabbccddeeff'}" : "",
             before - 1, json + 1, hole ? site : "", hole ? hole + 2 : "");
    out_reset(out);
    rig_pack(out, whole);
}

static const char *ask_as(const struct verb *verb, const char *json, enum door door, size_t who, const char *site)
{
    struct admission admission = {
        .settings = &rig.settings, .access = rig.access, .now_ms = rig.now_ms, .boot_ms = rig.work.boot_ms};
    struct request *request = request_new();
    struct out out = {0};

    pack(&out, verb, json, site);
    request->door = door;
    request->peer = (struct peer){.proof = PROOF_KEY, .key = (int64_t)who + 1, .uid = PEER_UNKNOWN};
    request->body = out_slice(&out);
    const char *came = verdict(request, admit(request, &admission));
    admit_end(request, rig.access);
    request_free(request);
    out_free(&out);
    return came;
}

static void check(const struct verb *verb, size_t i, enum door door, size_t who, bool own)
{
    const char *came = ask_as(verb, requests[i].json, door, who, own ? "own" : "other");
    const char *wanted = expected(verb, door, who, requests[i].names, own);

    if (strcmp(came, wanted) != 0)
        fail_msg("%s of %s site at door %d by %s: %s, not %s", verb->name, own ? "its own" : "another", door,
                 people[who].called, came, wanted);
}

TEST(every_operation_is_admitted_and_denied_as_its_row_says)
{
    size_t n = 0;

    begin();
    for (size_t i = 0; i < REQUESTS; i++)
        for (size_t d = 0; d < 3; d++) {
            const struct verb *verb = verb_find(slice_of(requests[i].name), doors[d]);
            for (size_t who = 0; verb && who < PEOPLE; who++, n += 2) {
                check(verb, i, doors[d], who, true);
                check(verb, i, doors[d], who, false);
            }
        }
    print_message("# %zu times\n", n);
    assert_true(n > 400);
    rig_close(&rig);
}

/* ---- what the columns of a row mean ---- */

/* Calls `look` with each request at each door that has it. */
static void each_request(void (*look)(const struct verb *verb, size_t i, enum door door))
{
    begin();
    for (size_t i = 0; i < REQUESTS; i++)
        for (size_t d = 0; d < 3; d++) {
            const struct verb *verb = verb_find(slice_of(requests[i].name), doors[d]);
            if (verb)
                look(verb, i, doors[d]);
        }
    rig_close(&rig);
}

/* The request with what stands at `at`, as long as `cut`, replaced by `text`. */
static void put_in(char changed[700], const char *json, const char *at, size_t cut, const char *text)
{
    snprintf(changed, 700, "%.*s%s%s", (int)(at - json), json, text, at + cut);
}

/* Somebody of each role that the door lets in, without the right to do many things at once. */
static size_t somebody(enum door door)
{
    return door == DOOR_DESK ? 2 : 0;
}

/* Without its site (or its list, which names sites), what is about sites that are named cannot be asked for. */
static void ask_without_site(const struct verb *verb, size_t i, enum door door)
{
    const char *key = requests[i].names == ONE_SITE ? "'site'" : verb->items ? "'records'" : "'comments'";
    const char *at = requests[i].names == NO_SITE ? NULL : strstr(requests[i].json, key);
    const char *wanted = verb->scope == SCOPE_NAMED ? "missing_field" : "admitted";
    char changed[700];

    if (requests[i].names != NO_SITE && !at)
        fail_msg("%s: no %s in its request", verb->name, key);
    put_in(changed, requests[i].json, at ? at : requests[i].json, at ? strlen(key) : 0, at ? "'nothing'" : "");
    const char *came = ask_as(verb, changed, door, PEOPLE - 1, "own");
    if (strcmp(came, wanted) != 0)
        fail_msg("%s without a site at door %d: %s, not %s", verb->name, door, came, wanted);
}

TEST(only_what_is_about_named_sites_needs_one)
{
    each_request(ask_without_site);
}

/* What is about no site does not look at one. */
static void ask_with_a_site(const struct verb *verb, size_t i, enum door door)
{
    const char *wanted = verb->scope == SCOPE_NONE ? "admitted" : "denied";
    char changed[700];

    if (requests[i].names != NO_SITE || verb->roles == FOR_ADMINISTRATORS)
        return;
    put_in(changed, requests[i].json, requests[i].json + 1, 0, "'site':'other',");
    const char *came = ask_as(verb, changed, door, somebody(door), "");
    if (strcmp(came, wanted) != 0)
        fail_msg("%s with a site at door %d: %s, not %s", verb->name, door, came, wanted);
}

TEST(only_what_is_about_no_site_does_not_look_at_one)
{
    each_request(ask_with_a_site);
}

static bool needs_a_right_for_many(const char *name)
{
    static const char *const names[] = {"approve", "reject", "undo", "escalate", "erase"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* ",item,item": the same item again, of the site `own`. */
static void twice_more(char items[400], const char *item, size_t len)
{
    const char *hole = memmem(item, len, "%s", 2);
    const char *rest = hole ? hole + 2 : item + len;
    char one[150];

    snprintf(one, sizeof(one), "%.*s%s%.*s", (int)(hole ? hole - item : (ptrdiff_t)len), item, hole ? "own" : "",
             (int)(item + len - rest), rest);
    snprintf(items, 400, ",%s,%s", one, one);
}

/* Three items where more than two are many; or a list that the operation does not know. */
static void ask_for_many(const struct verb *verb, size_t i, enum door door)
{
    const char *wanted = needs_a_right_for_many(verb->name) ? "denied: bulk" : "admitted";
    const char *list = strchr(requests[i].json, '[');
    size_t len = list ? strcspn(list + 1, "]") : 0;
    char items[400];
    char changed[700];

    if (verb->roles == FOR_ADMINISTRATORS)
        return; /* who has every right */
    rig.settings.limits.value[LIMIT_BULK_ITEMS] = 2;
    if (list)
        twice_more(items, list + 1, len);
    if (list)
        put_in(changed, requests[i].json, list + 1 + len, 0, items);
    else
        put_in(changed, requests[i].json, requests[i].json + 1, 0, "'comments':[1,2,3],");
    const char *came = ask_as(verb, changed, door, somebody(door), "own");
    if (strcmp(came, wanted) != 0)
        fail_msg("%s of many at door %d: %s, not %s", verb->name, door, came, wanted);
}

TEST(many_decisions_at_once_need_a_right_and_nothing_else_does)
{
    each_request(ask_for_many);
}

/* ---- lists ---- */

static const msgpack_object *ask(enum door door, const char *json)
{
    const msgpack_object *reply = rig_ask(&rig, door, json);

    if (!reply || rig.wrong[0])
        fail_msg("%s: %s", json, reply ? rig.wrong : "no answer");
    return reply;
}

static void is(const msgpack_object *reply, const char *path, const char *text)
{
    char *found = rig_text(rig_at(reply, path));

    if (strcmp(found, text) != 0)
        fail_msg("%s is %s and not %s in %s", path, found, text, rig_text(reply));
    free(found);
}

static void fill(void)
{
    come_as(5); /* the administrator */
    ask(DOOR_FRONT, "{'op':'submit','comments':[{'site':'own','comment':'a','body':'b'},"
                    "{'site':'own','comment':'c','body':'b'},{'site':'other','comment':'a','body':'b'}]}");
    ask(DOOR_DESK, "{'op':'approve','comments':[{'site':'own','comment':'a'},{'site':'other','comment':'a'}]}");
}

TEST(items_of_another_site_fail_one_by_one_and_the_others_are_done)
{
    begin();
    fill();
    come_as(0);
    const msgpack_object *reply =
        ask(DOOR_FRONT, "{'op':'submit','comments':[{'site':'other','comment':'z','body':'b'},"
                        "{'site':'own','comment':'z','body':'b'},{'site':'nowhere','comment':'z','body':'b'}]}");
    is(reply, "results.0.error.name", "\"denied\"");
    is(reply, "results.0.error.field", "\"comments[0].site\"");
    is(reply, "results.1.status", "\"accepted\"");
    is(reply, "results.2.error.name", "\"denied\"");
    come_as(4);
    reply = ask(DOOR_DESK, "{'op':'undo','records':[{'site':'own','seq':1},{'site':'other','seq':1}]}");
    is(reply, "results.0.status", "\"undone\"");
    is(reply, "results.1.error.name", "\"denied\"");
    is(reply, "results.1.error.field", "\"records[1].site\"");
    rig_close(&rig);
}

/* What an operation does not look at must not decide about what it does look at. */
TEST(a_list_that_an_operation_ignores_hides_none_of_another_site)
{
    begin();
    fill();
    come_as(4);
    const msgpack_object *reply = ask(DOOR_DESK, "{'op':'undo','comments':[{'site':'own','comment':'a'}],"
                                                 "'records':[{'site':'other','seq':1},{'site':'own','seq':1}]}");
    is(reply, "results.0.error.name", "\"denied\"");
    is(reply, "results.1.status", "\"undone\"");
    reply = ask(DOOR_DESK, "{'op':'approve','records':[{'site':'own','seq':1}],"
                           "'comments':[{'site':'other','comment':'a'},{'site':'own','comment':'a'}]}");
    is(reply, "results.0.error.name", "\"denied\"");
    is(reply, "results.1.status", "\"approved\"");
    rig_close(&rig);
}

TEST(a_list_that_an_operation_ignores_hides_no_bulk)
{
    begin();
    fill();
    come_as(3); /* may undo, and not many at a time */
    rig.settings.limits.value[LIMIT_BULK_ITEMS] = 2;
    const msgpack_object *reply =
        ask(DOOR_DESK, "{'op':'undo','comments':[{'site':'own','comment':'a'}],"
                       "'records':[{'site':'own','seq':1},{'site':'own','seq':2},{'site':'own','seq':3}]}");
    is(reply, "error.name", "\"denied\"");
    is(reply, "error.right", "\"bulk\"");
    rig_close(&rig);
}
