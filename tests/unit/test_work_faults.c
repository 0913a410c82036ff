/* A store that fails at every single call of a conversation, once and for good: nothing that was answered is lost,
 * nothing is done by halves, and what was not answered can be asked again. time-limit: 300 */
#include "../../daemon/net/writer.h"
#include "../lib/rig.h"
#include "../lib/store_fault.h"
#include "../lib/store_memory.h"
#include "unit.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* One request; before it the clocks go on by `ms`. */
struct step {
    enum door door;
    int64_t ms;
    const char *json;
};

/* Those about keys are asked for by root over ipc, the others over TCP without a key. */
static bool is_of_root(const struct step *step)
{
    return strstr(step->json, "'key_") || strstr(step->json, "'audit'");
}

#define OP(n) "'operation':{'$bin':'" n "2233445566778899aabbccddeeff'}"

#define BATCH "'batch':{'$bin':'00112233445566778899aabbccddeeff'}"

#define KEY(b) b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b

static const struct step steps[] = {
    {DOOR_FRONT, 1,
     "{'op':'submit','comments':[{'site':'news','comment':'1','body':'one','article':{'id':'a'}},"
     "{'site':'news','comment':'2','body':'two'},{'site':'blog','comment':'1','body':'three'},"
     "{'site':'news','comment':'2','body':'two'},{'site':'news','comment':'2','body':'other'}]}"},
    {DOOR_FRONT, 1, "{'op':'submit','comments':[{'site':'news','comment':'3','revision':4,'body':'x'}]}"},
    {DOOR_FRONT, 1, "{'op':'submit','comments':[{'site':'news','comment':'3','revision':2,'body':'late'}]}"},
    {DOOR_FRONT, 1, "{'op':'article','site':'news','article':{'id':'a'},'closed':true}"},
    {DOOR_DESK, 1, "{'op':'list'}"},
    {DOOR_DESK, 1, "{'op':'claim','as':'ann','limit':2,'lease_ms':1000," OP("0101") "}"},
    {DOOR_DESK, 1,
     "{'op':'claim','as':'bob','comments':[{'site':'news','comment':'1'},{'site':'news','comment':'3'}]," OP(
         "0102") "}"},
    {DOOR_DESK, 1, "{'op':'renew','as':'bob'}"},
    {DOOR_DESK, 1, "{'op':'release','as':'ann','comments':[{'site':'news','comment':'2'}]}"},
    {DOOR_DESK, 1,
     "{'op':'approve','as':'ann','comments':[{'site':'news','comment':'1'},{'site':'news','comment':'9'}],'note':'good'"
     "," OP("0103") "}"},
    {DOOR_DESK, 1,
     "{'op':'reject','as':'bob','comments':[{'site':'news','comment':'1','seq':1}],'supersede':true,'reasons':['other']"
     ","
     "'note':'why'," OP("0104") "}"},
    {DOOR_DESK, 1, "{'op':'undo','as':'ann','records':[{'site':'news','seq':2}]," BATCH "," OP("0105") "}"},
    {DOOR_DESK, 1, "{'op':'undo','as':'ann','records':[{'site':'news','seq':3}]," OP("0106") "}"},
    {DOOR_DESK, 1, "{'op':'undo','as':'ann','records':[{'site':'news','seq':4}]," OP("0106") "}"},
    {DOOR_DESK, 1, "{'op':'approve','as':'ann','comments':[{'site':'news','comment':'1'}]," OP("0107") "}"},
    {DOOR_DESK, 1,
     "{'op':'approve','as':'ann','supersede':true,'comments':[{'site':'news','comment':'1','seq':1}]," OP("0117") "}"},
    {DOOR_DESK, 1,
     "{'op':'approve','as':'ann','supersede':true,'comments':[{'site':'news','comment':'1'}]," OP("0118") "}"},
    {DOOR_FRONT, 1, "{'op':'report','site':'news','comment':'1','reader':'a','at':2000000}"},
    {DOOR_FRONT, 1, "{'op':'report','site':'news','comment':'1','reader':'b','reason':'threat','note':'n'}"},
    {DOOR_FRONT, 1, "{'op':'report','site':'news','comment':'1','reader':'c'}"},
    {DOOR_DESK, 1, "{'op':'show','site':'news','comment':'1'}"},
    {DOOR_DESK, 1,
     "{'op':'escalate','as':'ann','comments':[{'site':'news','comment':'1'}],'note':'legal'," OP("0108") "}"},
    {DOOR_DESK, 5000,
     "{'op':'reject','as':'bob','comments':[{'site':'news','comment':'2'}],'reasons':['threat']," OP("0109") "}"},
    {DOOR_FRONT, 1, "{'op':'submit','comments':[{'site':'news','comment':'2','revision':2,'body':'better'}]}"},
    {DOOR_DESK, 1, "{'op':'approve','as':'ann','comments':[{'site':'news','comment':'2'}]," OP("0110") "}"},
    {DOOR_DESK, 1, "{'op':'approve','as':'ann','comments':[{'site':'news','comment':'2'}]," OP("0110") "}"},
    {DOOR_FRONT, 1,
     "{'op':'submit','comments':[{'site':'news','comment':'p','body':'x','parent':'1','author':{'id':'u','name':'U'}},"
     "{'site':'news','comment':'q','body':'y','author':{'id':'u'}}]}"},
    {DOOR_DESK, 1, "{'op':'note','as':'ann','site':'news','comment':'p','note':'hm'," OP("0130") "}"},
    {DOOR_DESK, 1,
     "{'op':'author_mark','as':'ann','site':'news','author':'u','mark':'watched','note':'links'," OP("0131") "}"},
    {DOOR_DESK, 1, "{'op':'author_note','as':'bob','site':'news','author':'u','note':'wrote to'," OP("0132") "}"},
    {DOOR_DESK, 1,
     "{'op':'reject','as':'bob','comments':[{'site':'news','comment':'q'}],'reasons':['other'],'note':'n'," OP(
         "0133") "}"},
    {DOOR_DESK, 1, "{'op':'show','site':'news','comment':'p'}"},
    {DOOR_DESK, 1, "{'op':'author','site':'news','author':'u','limit':1}"},
    {DOOR_DESK, 1, "{'op':'author','site':'news','author':'u','before':100}"},
    {DOOR_DESK, 1, "{'op':'author_erase','as':'ann','site':'news','author':'u'," OP("0134") "}"},
    {DOOR_DESK, 1, "{'op':'author_mark','as':'ann','site':'news','author':'u','mark':'none'," OP("0135") "}"},
    {DOOR_FRONT, 1, "{'op':'withdraw','site':'news','comment':'2'}"},
    {DOOR_FRONT, 1, "{'op':'withdraw','site':'sport','comment':'7'}"},
    {DOOR_DESK, 1,
     "{'op':'erase','as':'ann','comments':[{'site':'news','comment':'1'},{'site':'news','comment':'2'}]," OP(
         "0111") "}"},
    {DOOR_FRONT, 1, "{'op':'confirm','site':'news','listener':'web','seq':1}"},
    {DOOR_FRONT, 1, "{'op':'status','site':'news','comments':['1','2','3','4']}"},
    {DOOR_DESK, 1, "{'op':'history','site':'news','comment':'1'}"},
    {DOOR_DESK, 1, "{'op':'history','site':'news','comment':'2'}"},
    {DOOR_DESK, 1, "{'op':'claim','as':'eve','limit':5," OP("0112") "}"},
    {DOOR_DESK, 1, "{'op':'skip','as':'eve','comments':[{'site':'blog','comment':'1'}]," OP("0113") "}"},
    {DOOR_DESK, 1, "{'op':'claim','as':'eve','limit':5," OP("0114") "}"},
    {DOOR_DESK, 1, "{'op':'escalate','as':'eve','comments':[{'site':'blog','comment':'1'}]," BATCH "," OP("0115") "}"},
    {DOOR_FRONT, 1,
     "{'op':'submit','comments':[{'site':'again','comment':'1','body':'a'},{'site':'again','comment':'2','body':'b'},"
     "{'site':'again','comment':'3','body':'c'}]}"},
    {DOOR_DESK, 1,
     "{'op':'reject','as':'ann','reasons':['threat'],'comments':[{'site':'again','comment':'1'},"
     "{'site':'again','comment':'2'},{'site':'again','comment':'3'}]," OP("0131") "}"},
    {DOOR_DESK, 1, "{'op':'claim','as':'ann','site':'again','limit':5," OP("0132") "}"},
    {DOOR_DESK, 1, "{'op':'claim','as':'bob','limit':5," OP("0133") "}"},
    {DOOR_DESK, 1, "{'op':'show','as':'bob','site':'again','comment':'1'}"},
    {DOOR_DESK, 1, "{'op':'history','as':'bob','site':'again','comment':'1'}"},
    {DOOR_DESK, 1,
     "{'op':'reject','as':'bob','reasons':['threat'],'comments':[{'site':'again','comment':'1'}],'note':'so'," OP(
         "0134") "}"},
    {DOOR_DESK, 1,
     "{'op':'approve','as':'bob','comments':[{'site':'again','comment':'2'}],'note':'no'," BATCH "," OP("0135") "}"},
    {DOOR_DESK, 1, "{'op':'escalate','as':'bob','comments':[{'site':'again','comment':'3'}]," OP("0136") "}"},
    {DOOR_DESK, 1, "{'op':'batch'," BATCH "}"},
    {DOOR_DESK, 1,
     "{'op':'key_add','name':'web','role':'front','sites':['news'],'public_key':{'$bin':'" KEY("11") "'}," OP(
         "0121") "}"},
    {DOOR_DESK, 1, "{'op':'key_add','name':'eve','role':'moderator','rights':['undo'],'uid':1000," OP("0122") "}"},
    {DOOR_DESK, 1, "{'op':'key_rotate','name':'web','public_key':{'$bin':'" KEY("22") "'}," OP("0123") "}"},
    {DOOR_DESK, 1, "{'op':'key_rotate','name':'web','public_key':{'$bin':'" KEY("22") "'}," OP("0123") "}"},
    {DOOR_DESK, 1, "{'op':'key_revoke','name':'web'," OP("0124") "}"},
    {DOOR_DESK, 1, "{'op':'key_list','all':true}"},
    {DOOR_DESK, 1, "{'op':'audit','limit':500}"},
    {DOOR_DESK, 1, "{'op':'list'}"},
};

enum { STEPS = sizeof(steps) / sizeof(steps[0]) };

/* What the parent of a run sees of it. */
struct told {
    size_t step;
    uint64_t failures;
    char wrong[512];
};

static struct told *told;

static bool complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static bool complain(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(told->wrong, sizeof(told->wrong), format, args);
    va_end(args);
    return false;
}

/* A daemon whose store can no longer be believed ends, and its next start reads what is on disk. */
static bool restart(struct rig *rig)
{
    rig->store->ops->rollback(rig->store);
    store_fault_disarm(rig->store);
    return rig_restart(rig) || complain("cannot start again");
}

/* Asks until it is answered, as a client does. The answer is as if nothing had happened. */
static bool take_step(struct rig *rig, size_t i, char *answers[STEPS])
{
    const msgpack_object *reply = NULL;

    told->step = i;
    rig->from = (struct peer){.proof = is_of_root(&steps[i]) ? PROOF_USER : PROOF_NONE};
    rig->now_ms += steps[i].ms;
    rig->work.boot_ms += steps[i].ms;
    for (int tries = 0; tries < 4 && !reply; tries++) {
        reply = rig_ask(rig, steps[i].door, steps[i].json);
        if (!reply && (rig->trouble == STORE_FAILED || tries > 1) && !restart(rig))
            return false;
    }
    if (!reply)
        return complain("never answered");
    if (rig->wrong[0])
        return complain("the answer is %s", rig->wrong);
    char *text = rig_text(reply);
    if (!answers[i])
        answers[i] = strdup(text);
    bool good = strcmp(text, answers[i]) == 0 || complain("it answered %s\nand not %s", text, answers[i]);
    free(text);
    return good;
}

static bool converse(struct rig *rig, char *answers[STEPS])
{
    for (size_t i = 0; i < STEPS; i++)
        if (!take_step(rig, i, answers))
            return false;
    store_fault_disarm(rig->store);
    return (rig_log_is_whole(rig) && rig_is_verified(rig)) || complain("%s", rig->wrong);
}

/* Every decision of the site `again` is looked at again. */
static void add_policies(struct rig *rig)
{
    static struct settings_site again = {.name = "again"};
    char reason[256];

    if (!again.policy)
        again.policy = policy_load_text("again", policy_default_text, reason, sizeof(reason));
    if (!again.policy)
        fail_msg("%s", reason);
    again.policy->second_look = 1;
    rig->settings.sites = &again;
    rig->settings.site_count = 1;
}

/* One conversation whose `nth` call of the store fails, in this process. */
static bool run(uint64_t nth, enum store_result result, bool for_good, char *answers[STEPS])
{
    struct rig rig;

    rig_open(&rig, store_fault_open(store_memory_open()));
    add_policies(&rig);
    if (nth)
        store_fault_arm(rig.store, nth, result, for_good);
    bool good = converse(&rig, answers);
    told->failures = store_fault_failures(rig.store);
    rig_close(&rig);
    return good;
}

/* The same in a process of its own, since a handler that goes on after a failure ends the program. */
static bool run_apart(uint64_t nth, enum store_result result, bool for_good, char *answers[STEPS])
{
    int status = 0;

    *told = (struct told){0};
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        if (!freopen("/dev/null", "w", stderr))
            _exit(2);
        _exit(run(nth, result, for_good, answers) ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (!told->wrong[0])
        complain("the store was called after a failure, or worse (status %d)", status);
    return false;
}

/* A sanitized build takes every fourth call in each of the four ways, and all of them in all. */
#ifdef __SANITIZE_ADDRESS__
enum { EVERY = 4 };
#else
enum { EVERY = 1 };
#endif

/* Every call of the conversation fails in turn; each step that did not bear it is named once. `way`: 0 to 3. */
static void fail_every_call(unsigned way, enum store_result result, bool for_good)
{
    char *answers[STEPS] = {0};
    size_t bad_step = STEPS;
    int bad = 0;
    uint64_t nth = 1 + way % EVERY;

    told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(told != MAP_FAILED);
    if (!run(0, result, false, answers))
        fail_msg("undisturbed, %s: %s", steps[told->step].json, told->wrong);
    do {
        if (run_apart(nth, result, for_good, answers))
            continue;
        bad++;
        if (told->step != bad_step)
            print_error("call %llu: %s\n    %s\n", (unsigned long long)nth, steps[told->step].json, told->wrong);
        bad_step = told->step;
        told->failures = 1;
    } while (told->failures && (nth += EVERY) < 5000);
    print_message("# %llu calls\n", (unsigned long long)nth - EVERY);
    for (size_t i = 0; i < STEPS; i++)
        free(answers[i]);
    munmap(told, sizeof(*told));
    assert_true(nth > 200 && nth < 5000);
    assert_int_equal(bad, 0);
}

TEST(a_store_that_is_full_once_at_any_call_loses_nothing)
{
    fail_every_call(0, STORE_FULL, false);
}

TEST(a_store_that_is_full_for_good_from_any_call_on_loses_nothing)
{
    fail_every_call(1, STORE_FULL, true);
}

TEST(a_store_that_fails_once_at_any_call_loses_nothing)
{
    fail_every_call(2, STORE_FAILED, false);
}

TEST(a_store_that_fails_for_good_from_any_call_on_loses_nothing)
{
    fail_every_call(3, STORE_FAILED, true);
}

/* ---- the thread that writes ---- */

static struct request *submit_request(struct rig *rig, struct out *body)
{
    struct request *request = request_new();
    struct admission admission = {.settings = &rig->settings, .access = rig->access, .now_ms = rig->now_ms};

    out_reset(body);
    rig_pack(body, "{'v':1,'op':'submit','comments':[{'site':'news','comment':'1','body':'b'}]}");
    request->door = DOOR_FRONT;
    request->body = out_slice(body);
    return admit(request, &admission) ? request : NULL;
}

static struct request *wait_for(struct worker *worker, bool *broken)
{
    struct request *done = NULL;

    *broken = false;
    while (!done && !*broken) {
        poll(&(struct pollfd){.fd = worker_fd(worker), .events = POLLIN}, 1, 5000);
        done = worker_collect(worker, broken);
    }
    return done;
}

/* A submit through the real writer, whose store fails at call `nth` after its start. Returns how many calls failed. */
static uint64_t write_once(uint64_t nth, enum store_result result, bool *good)
{
    struct rig rig;
    struct out body = {0};
    char reason[256];
    bool broken;

    rig_open(&rig, store_fault_open(store_memory_open()));
    struct writer *writer = writer_start(&rig.work, "boot", reason, sizeof(reason));
    struct request *request = submit_request(&rig, &body);
    if (!writer || !request)
        _exit(3);
    store_fault_arm(rig.store, nth, result, false);
    if (!worker_post(writer_worker(writer), request))
        _exit(4);
    struct request *done = wait_for(writer_worker(writer), &broken);
    worker_stop(writer_worker(writer));
    uint64_t failures = store_fault_failures(rig.store);
    msgpack_object reply;
    *good = broken ? result == STORE_FAILED && !done
                   : done && mp_unpack(out_slice(&done->reply), &rig.zone, &reply) && mp_get_bool(&reply, "ok", false);
    return failures;
}

/* FULL: it is tried again without new comments, so the answer is the item's storage_full. FAILED: nothing is answered.
 */
static void writer_fails(enum store_result result)
{
    uint64_t *failures = mmap(NULL, sizeof(*failures), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int bad = 0;
    int status = 0;
    uint64_t nth = 1;

    assert_true(failures != MAP_FAILED);
    for (*failures = 1; *failures && nth < 100; nth++) {
        *failures = 1;
        pid_t pid = fork();
        if (pid == 0) {
            struct rlimit none = {0, 0};
            bool good = false;
            setrlimit(RLIMIT_CORE, &none);
            *failures = write_once(nth, result, &good);
            _exit(good ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (status) {
            print_error("call %llu: status %d\n", (unsigned long long)nth, status);
            bad++;
        }
    }
    munmap(failures, sizeof(*failures));
    assert_in_range(nth, 8, 99);
    assert_int_equal(bad, 0);
}

TEST(the_writer_bears_a_store_that_is_full_at_any_call)
{
    writer_fails(STORE_FULL);
}

TEST(the_writer_stops_when_its_store_fails_at_any_call)
{
    writer_fails(STORE_FAILED);
}

/* ---- a disk that is really full ---- */

/* SQLite may take the whole transaction back by itself when it is full; whoever goes on then writes outside of any. */
TEST(a_database_that_is_full_keeps_no_half_of_a_report)
{
    char dir[] = "/tmp/modq-full-XXXXXX";
    char path[64];
    char reason[256];
    char json[2048];
    struct rig rig;
    int64_t counted = 0;

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/db", dir);
    struct store *store = store_sqlite_open(path, false, 1048576, reason, sizeof(reason));
    assert_non_null(store);
    rig_open(&rig, store);
    rig_ask(&rig, DOOR_FRONT, "{'op':'submit','comments':[{'site':'news','comment':'1','body':'b'}]}");
    for (int i = 0; i < 5000; i++) {
        snprintf(json, sizeof(json), "{'op':'report','site':'news','comment':'1','reader':'%d','note':'%0*d'}", i,
                 1 + i * 37 % 1000, 1);
        counted += rig_ask(&rig, DOOR_FRONT, json) != NULL;
    }
    assert_in_range(counted, 100, 4900);
    const msgpack_object *shown = rig_ask(&rig, DOOR_DESK, "{'op':'show','site':'news','comment':'1'}");
    assert_int_equal(mp_get_int(rig_at(shown, "card"), "reports", 0), counted);
    assert_true(rig_log_is_whole(&rig));
    rig_close(&rig);
    snprintf(json, sizeof(json), "rm -rf %s", dir);
    assert_int_equal(system(json), 0);
}
