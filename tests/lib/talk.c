#include "talk.h"

#include <stdio.h>
#include <stdlib.h>

#include "store_memory.h"

struct rig rig;

void begin(void)
{
    rig_open(&rig, store_memory_open());
}

void begin_as_root(struct store *store)
{
    rig_open(&rig, store);
    rig.from = (struct peer){.proof = PROOF_USER};
}

void end(void)
{
    if (!rig_log_is_whole(&rig) || !rig_is_verified(&rig))
        fail_msg("%s", rig.wrong);
    rig_close(&rig);
}

const msgpack_object *ask(enum door door, const char *format, ...)
{
    char *json = NULL;
    va_list args;

    va_start(args, format);
    assert_true(vasprintf(&json, format, args) >= 0);
    va_end(args);
    rig.now_ms++;
    const msgpack_object *reply = rig_ask(&rig, door, json);
    if (!reply || rig.wrong[0])
        fail_msg("%s: %s", json, reply ? rig.wrong : "no answer");
    free(json);
    return reply;
}

void is(const msgpack_object *reply, const char *path, const char *expected)
{
    char *text = rig_text(rig_at(reply, path));

    if (strcmp(text, expected) != 0)
        fail_msg("%s is %s and not %s in %s", path, text, expected, rig_text(reply));
    free(text);
}

void is_int(const msgpack_object *reply, const char *path, int64_t expected)
{
    char text[32];

    snprintf(text, sizeof(text), "%lld", (long long)expected);
    is(reply, path, text);
}

void good(const msgpack_object *reply)
{
    char *text = rig_text(reply);

    if (strstr(text, "\"error\""))
        fail_msg("%s", text);
    free(text);
}

int64_t number(const msgpack_object *reply, const char *path)
{
    int64_t n = -1;

    if (!mp_int(rig_at(reply, path), &n))
        fail_msg("%s is no number in %s", path, rig_text(reply));
    return n;
}

size_t length(const msgpack_object *reply, const char *path)
{
    return mp_count(rig_at(reply, path));
}
