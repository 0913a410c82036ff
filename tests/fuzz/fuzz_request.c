/* A request: any bytes at any door, from any kind of peer, to a daemon without sockets that holds a few comments and
 * keys. Who is let in keeps the rules of the table of verbs; what is let in is run, and its answer can be read, holds
 * nothing of a site that the peer may not see, and leaves a log that is whole. */
#include "fuzz.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/work/admit.h"
#include "../../daemon/work/grant.h"
#include "../../daemon/work/verbs.h"
#include "../../proto/mp.h"
#include "../lib/rig.h"
#include "../lib/store_memory.h"

#define SECRET "words of another site"

enum { DAY_MS = 86400000, USER = 1000, LISTED = 1001, INPUTS_MAX = 256 };

/* The system's users are nobody else's. */
int getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t n, struct passwd **found)
{
    (void)uid;
    (void)entry;
    (void)buffer;
    (void)n;
    *found = NULL;
    return 0;
}

static const struct asker {
    struct peer peer;
    bool never, narrow; /* is never let in; may see "news" alone */
} askers[] = {
    {.peer = {.proof = PROOF_NONE, .uid = PEER_UNKNOWN}},
    {.peer = {.proof = PROOF_USER, .uid = 0}},
    {.peer = {.proof = PROOF_USER, .uid = USER}},
    {.peer = {.proof = PROOF_USER, .uid = LISTED}, .narrow = true},
    {.peer = {.proof = PROOF_KEY, .uid = PEER_UNKNOWN, .key = 1}, .narrow = true},
    {.peer = {.proof = PROOF_KEY, .uid = PEER_UNKNOWN, .key = 2}, .narrow = true},
    {.peer = {.proof = PROOF_KEY, .uid = PEER_UNKNOWN, .key = 3}},
    {.peer = {.proof = PROOF_KEY, .uid = PEER_UNKNOWN, .key = 4}, .never = true},
    {.peer = {.proof = PROOF_KEY, .uid = PEER_UNKNOWN, .key = 5}, .never = true},
    {.peer = {.proof = PROOF_KEY, .uid = PEER_UNKNOWN, .key = 99}, .never = true},
};

/* What has been before: the numbers of the keys are those of the askers. */
static const struct step {
    enum door door;
    const char *json;
} before[] = {
    {DOOR_DESK, "{'op':'key_add','name':'web','role':'front','sites':['news'],'public_key':{'$bin':'"
                "1111111111111111111111111111111111111111111111111111111111111111'}}"},
    {DOOR_DESK, "{'op':'key_add','name':'ann','role':'moderator','sites':['news'],'rights':['undo'],'public_key':"
                "{'$bin':'2222222222222222222222222222222222222222222222222222222222222222'}}"},
    {DOOR_DESK, "{'op':'key_add','name':'eve','role':'administrator','public_key':{'$bin':'"
                "3333333333333333333333333333333333333333333333333333333333333333'}}"},
    {DOOR_DESK, "{'op':'key_add','name':'old','role':'administrator','expires_at':2000000,'public_key':{'$bin':'"
                "4444444444444444444444444444444444444444444444444444444444444444'}}"},
    {DOOR_DESK, "{'op':'key_add','name':'bad','role':'administrator','public_key':{'$bin':'"
                "5555555555555555555555555555555555555555555555555555555555555555'}}"},
    {DOOR_DESK, "{'op':'key_add','name':'lee','role':'moderator','sites':['news'],'uid':1001}"},
    {DOOR_DESK, "{'op':'key_revoke','key':5}"},
    {DOOR_FRONT, "{'op':'submit','comments':[{'site':'news','comment':'1','body':'one','author':{'id':'a'}},"
                 "{'site':'news','comment':'2','body':'two','article':{'id':'b','title':'c'}},"
                 "{'site':'news','comment':'3','body':'three'},"
                 "{'site':'blog','comment':'1','body':'" SECRET "'},{'site':'blog','comment':'2','body':'" SECRET
                 "','extra':{'x':'" SECRET "'}}]}"},
    {DOOR_DESK, "{'op':'approve','comments':[{'site':'news','comment':'2','revision':1},"
                "{'site':'blog','comment':'2','revision':1}]}"},
    {DOOR_DESK, "{'op':'claim','site':'news','limit':1}"},
    {DOOR_FRONT, "{'op':'report','site':'blog','comment':'2','reader':'r','note':'" SECRET "'}"},
};

static struct rig rig;
static int inputs; /* that the daemon has had; 0: there is none */

/* What changed nothing leaves a daemon for the next input that is as good as a new one. */
static void begin(void)
{
    static const struct peer root = {.proof = PROOF_USER};

    if (inputs++ > 0)
        return;
    rig_open(&rig, store_memory_open());
    rig.settings.policy->second_look = 1;
    rig.settings.limits.value[LIMIT_RATE_PER_KEY] = limit_table[LIMIT_RATE_PER_KEY].most;
    rig.from = root;
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        const msgpack_object *reply = rig_ask(&rig, before[i].door, before[i].json);
        if (!mp_get_bool(reply, "ok", false))
            fuzz_fail(before[i].json, 0, rig_text(reply));
        rig.now_ms += 10;
    }
    rig.now_ms += DAY_MS;
}

static void end(bool changed)
{
    if (!changed && inputs < INPUTS_MAX)
        return;
    rig_close(&rig);
    inputs = 0;
}

/* ---- who is let in ---- */

static void check_site(const struct grant *grant, const msgpack_object *map)
{
    struct slice site = mp_get_str(map, "site");
    DEMAND(!site.data || grant_sees(grant, site));
}

static void check_admitted(const struct request *request, const struct asker *asker)
{
    const struct verb *verb = request->verb;
    const struct grant *grant = request->grant;

    DEMAND(!asker->never && verb && grant && request->via[0]);
    DEMAND(verb->doors & request->door);
    DEMAND(verb->roles & (1U << grant->role));
    DEMAND(!verb->right || (grant->rights & verb->right));
    DEMAND(asker->narrow == !grant->all_sites);
    DEMAND(verb->kind != VERB_CHANGE || request->actor[0]);
    DEMAND(request->door != DOOR_DESK || !admit_is_reserved(slice_of(request->actor)));
    DEMAND(verb->operation != OPERATION_NEEDED || request->operation.len == OPERATION_BYTES);
    if (verb->scope != SCOPE_NONE)
        check_site(grant, &request->map);
}

static void check_refused(struct request *request)
{
    msgpack_zone zone;
    msgpack_object map;

    fuzz_check_fault(&request->fault);
    request_refuse(request, &request->fault);
    DEMAND(!request->reply.failed && msgpack_zone_init(&zone, 1024));
    DEMAND(mp_unpack_map(out_slice(&request->reply), &zone, &map));
    DEMAND(mp_get_int(&map, "v", 0) == 1 && !mp_get_bool(&map, "ok", true) && mp_get(&map, "error"));
    msgpack_zone_destroy(&zone);
}

/* The verb of a request that is let in; NULL: it is not. */
static const struct verb *look(enum door door, const struct asker *asker, struct slice body)
{
    struct admission admission = {
        .settings = &rig.settings, .access = rig.access, .now_ms = rig.now_ms, .boot_ms = rig.work.boot_ms};
    struct request *request = request_new();
    const struct verb *verb = NULL;

    DEMAND(request);
    request->door = door;
    request->peer = asker->peer;
    request->body = body;
    bool good = admit(request, &admission);
    DEMAND(good == (request->fault.code == E_OK));
    if (good)
        check_admitted(request, asker);
    else
        check_refused(request);
    if (good)
        verb = request->verb;
    admit_end(request, rig.access);
    request_free(request);
    return verb;
}

/* ---- what it does ---- */

static bool holds(struct slice bytes, const char *text)
{
    return memmem(bytes.data, bytes.len, text, strlen(text)) != NULL;
}

static void check_reply(const msgpack_object *reply, const struct asker *asker, struct slice body)
{
    DEMAND(reply && !rig.wrong[0]);
    DEMAND(mp_get_int(reply, "v", 0) == 1);
    DEMAND(mp_get_int(mp_get(reply, "error"), "number", 0) != E_INTERNAL);
    if (!asker->narrow || holds(body, SECRET))
        return;
    char *text = rig_text(reply);
    DEMAND(!strstr(text, SECRET));
    free(text);
}

static void run(enum door door, const struct asker *asker, struct slice body, const struct verb *verb)
{
    rig.from = asker->peer;
    check_reply(rig_ask_packed(&rig, door, body), asker, body);
    if (verb->kind != VERB_CHANGE)
        return;
    check_reply(rig_ask_packed(&rig, door, body), asker, body); /* again, as who heard no answer does */
    DEMAND(rig_log_is_whole(&rig));
    DEMAND(rig_is_verified(&rig));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum door doors[] = {DOOR_FRONT, DOOR_PUSH, DOOR_DESK, DOOR_DESK};
    struct fuzz_input input = fuzz_begin(data, size);
    unsigned choice = fuzz_byte(&input);
    enum door door = doors[choice % 4];
    const struct asker *asker = &askers[choice / 4 % (sizeof(askers) / sizeof(askers[0]))];
    struct slice body = fuzz_rest(&input);

    begin();
    const struct verb *verb = look(door, asker, body);
    fuzz_count(verb != NULL);
    if (verb && verb->kind != VERB_STREAM && verb->kind != VERB_RELOAD)
        run(door, asker, body, verb);
    end(verb && verb->kind == VERB_CHANGE);
    return 0;
}
