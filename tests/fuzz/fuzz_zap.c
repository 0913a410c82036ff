/* ZAP: any frames at all, asked of a table with keys of every kind. Who is let in is said here once more. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/net/zap.h"
#include "../lib/store_memory.h"

enum { FRAMES_MAX = 10 };

/* 32 bytes each that can be read, so that they can be found in an input. */
#define PUBLIC_OF(who) ("public key of " who "..................")

static const struct known {
    const char *public_key;
    enum role role;
    int64_t expires_at, revoked_at;
    bool user; /* of the system: its bytes are no key */
} known[] = {
    {PUBLIC_OF("the front end"), ROLE_FRONT, 0, 0, false},
    {PUBLIC_OF("a moderator"), ROLE_MODERATOR, 0, 0, false},
    {PUBLIC_OF("the administrator"), ROLE_ADMINISTRATOR, 0, 0, false},
    {PUBLIC_OF("one that expires"), ROLE_FRONT, 128, 0, false},
    {PUBLIC_OF("one that expired"), ROLE_ADMINISTRATOR, 1, 0, false},
    {PUBLIC_OF("one revoked"), ROLE_ADMINISTRATOR, 0, 1, false},
    {PUBLIC_OF("one revoked early"), ROLE_MODERATOR, 200, 100, false},
    {PUBLIC_OF("a user, no key"), ROLE_ADMINISTRATOR, 0, 0, true},
};

enum { KNOWN = sizeof(known) / sizeof(known[0]) };

static void put(struct store *store, size_t i)
{
    struct store_key key = {.no = (int64_t)i + 1,
                            .role = known[i].role,
                            .has_public = !known[i].user,
                            .uid = known[i].user ? 1000 : UID_NONE,
                            .all_sites = true,
                            .created_at = 1,
                            .created_by = "root",
                            .expires_at = known[i].expires_at,
                            .revoked_at = known[i].revoked_at};

    snprintf(key.name, sizeof(key.name), "key-%zu", i + 1);
    if (key.has_public)
        memcpy(key.public_key, known[i].public_key, PUBLIC_KEY_BYTES);
    DEMAND(store->ops->key_put(store, &key) == STORE_OK);
}

static const struct access *table(void)
{
    static struct access *access;
    struct store *store;

    if (access)
        return access;
    access = access_new();
    store = store_memory_open();
    DEMAND(access && store->ops->begin(store) == STORE_OK);
    for (size_t i = 0; i < KNOWN; i++)
        put(store, i);
    DEMAND(store->ops->commit(store) == STORE_OK && access_load(access, store) == STORE_OK);
    store_close(store);
    return access;
}

static bool may_enter(enum role role, struct slice domain)
{
    bool desk = slice_is(domain, "desk");
    bool ours = desk || slice_is(domain, "front") || slice_is(domain, "push") || slice_is(domain, "decisions");

    return ours && (role == ROLE_ADMINISTRATOR || (role == ROLE_MODERATOR ? desk : !desk));
}

/* Number of the key that lets in whoever asks so; 0: none does. */
static int64_t expected(const struct slice *frames, size_t n, int64_t now_ms)
{
    if (n != 7 || !slice_is(frames[0], "1.0") || frames[1].len > 255 || !slice_is(frames[5], "CURVE"))
        return 0;
    for (size_t i = 0; i < KNOWN; i++) {
        struct slice key = {known[i].public_key, PUBLIC_KEY_BYTES};
        if (known[i].user || known[i].revoked_at || (known[i].expires_at && now_ms >= known[i].expires_at))
            continue;
        if (slice_equal(frames[6], key) && may_enter(known[i].role, frames[2]))
            return (int64_t)i + 1;
    }
    return 0;
}

static size_t read_frames(struct fuzz_input *input, struct slice frames[ZAP_FRAMES_MAX])
{
    size_t n = 0;

    for (; input->len > 0 && n < FRAMES_MAX; n++) {
        struct slice frame = fuzz_frame(input);
        if (n < ZAP_FRAMES_MAX)
            frames[n] = frame;
    }
    return n;
}

static void check_reply(const struct zap_reply *reply, const struct slice *frames, size_t n, int64_t key)
{
    char user[24] = "";

    if (key)
        snprintf(user, sizeof(user), "%lld", (long long)key);
    DEMAND((reply->verdict == ZAP_WELCOME) == (key != 0));
    DEMAND(strcmp(reply->status, key ? "200" : "400") == 0);
    DEMAND(strcmp(reply->user, user) == 0);
    DEMAND(!key || reply->key == key);
    DEMAND(reply->id.len <= ZAP_ID_BYTES && reply->text);
    DEMAND(slice_equal(reply->id, n > 1 && frames[1].len <= 255 ? frames[1] : SLICE_NONE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_begin(data, size);
    struct slice frames[ZAP_FRAMES_MAX] = {{0}};
    struct zap_reply reply;
    int64_t now_ms = (int64_t)fuzz_byte(&input);
    size_t n = read_frames(&input, frames);

    zap_judge(frames, n, table(), now_ms, &reply);
    check_reply(&reply, frames, n, expected(frames, n, now_ms));
    fuzz_count(reply.verdict == ZAP_WELCOME);
    return 0;
}
