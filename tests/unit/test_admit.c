/* Users of the system, as the desk takes them; the system's list of users is one of the test's own. */
#include "../../daemon/work/admit.h"
#include "../lib/rig.h"
#include "unit.h"

#include <pwd.h>
#include <stdio.h>

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

/* Asks as a user of the system; the answer is the actor, or the error's name. */
static void actor_is(uid_t uid, const char *json, const char *expected)
{
    struct settings settings = {0};
    struct admission admission = {.settings = &settings, .access = access_new(), .now_ms = 1000, .boot_ms = 1000};
    struct request *request = request_new();
    struct out out = {0};

    limits_default(&settings.limits);
    rig_pack(&out, json);
    request->door = DOOR_DESK;
    request->peer = (struct peer){.proof = PROOF_USER, .uid = uid};
    request->body = out_slice(&out);
    bool good = admit(request, &admission);
    assert_string_equal(good ? request->actor : error_info(request->fault.code)->name, expected);
    admit_end(request, admission.access);
    request_free(request);
    access_free(admission.access);
    out_free(&out);
}

TEST(a_user_of_the_system_is_known_by_name)
{
    actor_is(70001, "{'v':1,'op':'hello'}", "ann");
    actor_is(70001, "{'v':1,'op':'hello','as':'ann'}", "ann");
    actor_is(70001, "{'v':1,'op':'hello','as':'bob'}", "denied");
    actor_is(70009, "{'v':1,'op':'hello'}", "uid:70009");
    request_pool_drop();
}

TEST(a_user_called_like_an_actor_of_the_daemon_is_known_by_number)
{
    actor_is(70002, "{'v':1,'op':'hello'}", "uid:70002");
    actor_is(70003, "{'v':1,'op':'hello'}", "uid:70003");
    actor_is(70004, "{'v':1,'op':'hello','as':'uid:70004'}", "uid:70004");
    actor_is(70004, "{'v':1,'op':'hello','as':'push'}", "bad_value");
    request_pool_drop();
}
