#include "note.h"

#include "decision.h"

struct note_args {
    struct slice site, comment, note;
};

static const struct field note_fields[] = {
    FIELD(struct note_args, site, "site", NAME, FIELD_REQUIRED, 1, 64),
    FIELD(struct note_args, comment, "comment", KEY, FIELD_REQUIRED, 1, 128),
    FIELD_LIMITED(struct note_args, note, "note", TEXT, FIELD_REQUIRED, 1, NOTE_BYTES),
};

bool note_decode(struct request *request, const struct settings *settings)
{
    request->args = request_alloc(request, sizeof(struct note_args));
    return request->args && fields_decode(&request->map, note_fields, sizeof(note_fields) / sizeof(note_fields[0]),
                                          &settings->limits, NULL, request->args, &request->fault);
}

void note_run(struct work *work, struct request *request, struct out *out)
{
    const struct note_args *args = request->args;
    const struct target target = {.site = args->site, .comment = args->comment};
    struct store_site *site;
    struct store_comment comment;

    if (!target_find(work, &target, &site, &comment, &request->fault))
        return;
    if (comment.state == STATE_ERASED) {
        fault_set(&request->fault, E_ERASED);
        return;
    }
    struct out *data = work_data(work);
    if (!decision_write_note(work, args->note, data))
        return;
    out_end(data);
    struct ledger_entry entry = {.kind = KIND_NOTED,
                                 .revision = comment.revision,
                                 .text = comment.text,
                                 .actor = slice_of(request->actor),
                                 .via = work_via(request),
                                 .data = out_slice(data)};
    if (!work_ok(work, ledger_append(work->ledger, site, &comment, &entry, NULL)) ||
        !work_ok(work, work->store->ops->comment_put(work->store, &comment)))
        return;
    out_key_cstr(out, "status", "noted");
    out_key_int(out, "no", comment.last_event);
}
