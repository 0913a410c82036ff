#include "fsck.h"

#include <stdlib.h>

#include "../../proto/fields.h"
#include "fsck_state.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

enum {
    ROWS_MAX = 20000,
    ROWS_DEFAULT = 5000, /* so much is read for one answer, that others who read need not wait for long */
    STATE_BYTES = 4194304
};

struct fsck_args {
    struct slice state;
    int64_t limit;
};

static const struct field fsck_fields[] = {
    FIELD(struct fsck_args, state, "state", BIN, 0, 1, STATE_BYTES),
    FIELD(struct fsck_args, limit, "limit", INT, 0, 1, ROWS_MAX),
};

bool fsck_decode(struct request *request, const struct settings *settings)
{
    struct fsck_args *args = request_alloc(request, sizeof(*args));

    request->args = args;
    if (!args)
        return false;
    args->limit = ROWS_DEFAULT;
    return fields_decode(&request->map, fsck_fields, ROWS(fsck_fields), &settings->limits, NULL, args, &request->fault);
}

static void encode_fault(const struct fsck_fault *fault, struct out *out)
{
    out_map(out);
    out_key_cstr(out, "table", fsck_table_name(fault->table));
    out_key_int(out, "no", fault->no);
    out_key_cstr(out, "site", fault->site[0] ? fault->site : NULL);
    out_key_cstr(out, "comment", fault->comment[0] ? fault->comment : NULL);
    out_key_cstr(out, "fault", fsck_what_name(fault->what));
    out_key_cstr(out, "detail", fault->detail);
    out_end(out);
}

static void encode_state(const struct fsck *fsck, struct out *out)
{
    struct out state = {0};

    if (fsck->phase != FSCK_DONE)
        fsck_pack(fsck, &state);
    out_key_bin(out, "state", fsck->phase == FSCK_DONE ? SLICE_NONE : out_slice(&state));
    out->failed |= state.failed;
    out_free(&state);
}

static void encode(const struct fsck *fsck, struct out *out)
{
    encode_state(fsck, out);
    out_key_bool(out, "done", fsck->phase == FSCK_DONE);
    out_key_int(out, "total", fsck->newest);
    out_key(out, "checked");
    out_map(out);
    for (enum fsck_count count = 0; count < FSCK_COUNTS; count++)
        out_key_int(out, fsck_count_name(count), fsck->checked[count]);
    out_end(out);
    out_key(out, "faults");
    out_array(out);
    for (size_t i = 0; i < fsck->n; i++)
        encode_fault(&fsck->faults[i], out);
    out_end(out);
}

/* False with *fault set. */
static bool go_on(struct fsck *fsck, struct work *work, const struct fsck_args *args, struct fault *fault)
{
    if (!fsck_begin_slice(fsck, work, args->limit))
        return fault_set(fault, E_INTERNAL);
    if (!args->state.data) {
        fsck_begin(fsck);
        return true;
    }
    if (work->trouble || fsck_unpack(fsck, args->state))
        return true;
    fault_at(fault, E_BAD_VALUE, NULL, "state");
    fault_say(fault, "state: not what an answer of this daemon gave");
    return false;
}

void fsck_run(struct work *work, struct request *request, struct out *out)
{
    struct fsck *fsck = malloc(sizeof(*fsck));

    if (!fsck || !fsck_open(fsck)) {
        free(fsck);
        fault_set(&request->fault, E_INTERNAL);
        return;
    }
    if (go_on(fsck, work, request->args, &request->fault)) {
        fsck_run_slice(fsck);
        encode(fsck, out);
    }
    fsck_close(fsck);
    free(fsck);
}
