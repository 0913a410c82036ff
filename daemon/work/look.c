#include "look.h"

/* Copies: what was asked is gone by the time it is written down. */
struct look {
    const char *operation; /* of the table of verbs */
    char site[NAME_BYTES + 1], comment[KEY_BYTES + 1];
};

static void look_run(struct work *work, struct request *request, struct out *out)
{
    const struct look *look = request->args;
    struct out *data = work_data(work);

    (void)out;
    out_key_cstr(data, "operation", look->operation);
    if (look->site[0])
        out_key_cstr(data, "site", look->site);
    if (look->comment[0])
        out_key_cstr(data, "comment", look->comment);
    out_end(data);
    struct ledger_entry entry = {
        .kind = KIND_LOOKED, .actor = slice_of(request->actor), .via = work_via(request), .data = out_slice(data)};
    work_ok(work, ledger_append_bare(work->ledger, &entry));
}

static const struct verb verb_look = {.name = "look", .kind = VERB_CHANGE, .run = look_run};

/* What does not fit is no name of anything that was shown. */
static void copy(char *to, size_t bytes, struct slice text)
{
    if (text.data && text.len < bytes)
        memcpy(to, text.data, text.len);
}

struct request *look_of(const struct request *asked)
{
    bool reads = asked->verb->kind == VERB_READ || asked->verb->kind == VERB_LOOK;

    if (asked->door != DOOR_DESK || asked->fault.code || !reads)
        return NULL;
    struct request *request = request_new();
    struct look *look = request ? request_alloc(request, sizeof(*look)) : NULL;
    if (!look) {
        if (request)
            request_free(request);
        return NULL;
    }
    look->operation = asked->verb->name;
    copy(look->site, sizeof(look->site), mp_get_str(&asked->map, "site"));
    copy(look->comment, sizeof(look->comment), mp_get_str(&asked->map, "comment"));
    request->door = DOOR_INSIDE;
    request->verb = &verb_look;
    request->args = look;
    memcpy(request->actor, asked->actor, sizeof(request->actor));
    memcpy(request->via, asked->via, sizeof(request->via));
    return request;
}
