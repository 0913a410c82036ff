#include "around.h"

#include "../../proto/mp.h"
#include "author_record.h"
#include "card.h"
#include "second.h"

enum { SEEN_SHOWN = 20, NOTES_SHOWN = 50, TEXTS_LOOKED_AT = 100 };

/* ---- what it answers ---- */

/* The id of the parent, "" when the comment answers none. */
static void find_parent(struct work *work, const struct store_comment *comment, char id[KEY_BYTES + 1])
{
    struct store_text text;
    msgpack_zone zone;
    msgpack_object meta;

    id[0] = '\0';
    if (!comment->text || !work_ok(work, work->store->ops->text_get(work->store, comment->text, &text)) ||
        !text.meta.data || !msgpack_zone_init(&zone, 1024))
        return;
    if (mp_unpack_map(text.meta, &zone, &meta)) {
        struct slice parent = mp_get_str(&meta, "parent");
        if (parent.data && parent.len <= KEY_BYTES) {
            memcpy(id, parent.data, parent.len);
            id[parent.len] = '\0';
        }
    }
    msgpack_zone_destroy(&zone);
}

static void encode_parent(struct work *work, const struct request *request, struct slice site,
                          const struct store_comment *comment, struct out *out)
{
    char id[KEY_BYTES + 1];
    struct store_comment parent;

    find_parent(work, comment, id);
    out_key(out, "parent_card");
    if (id[0] && work_ok(work, work->store->ops->comment_get(work->store, comment->site, slice_of(id), &parent)))
        card_encode(work, request->actor, site, &parent, out);
    else
        out_nil(out);
}

/* ---- what it was before ---- */

/* The text of the highest revision below the current one, 0 when there is none. Revisions may come in any order. */
static int64_t text_before(struct work *work, const struct store_comment *comment)
{
    struct store_text text;
    int64_t no = comment->newest_text;
    int64_t found = 0;
    int64_t highest = 0;

    for (int i = 0; i < TEXTS_LOOKED_AT && no; i++, no = text.previous) {
        if (!work_ok(work, work->store->ops->text_head(work->store, no, &text)))
            return 0;
        if (text.revision < comment->revision && text.revision > highest) {
            highest = text.revision;
            found = no;
        }
    }
    return found;
}

static void encode_before(struct work *work, const struct store_comment *comment, struct out *out)
{
    int64_t no = text_before(work, comment);
    struct store_text text;

    out_key(out, "before");
    if (!no || !work_ok(work, work->store->ops->text_get(work->store, no, &text)) || !text.body.data) {
        out_nil(out);
        return;
    }
    out_map(out);
    out_key_int(out, "revision", text.revision);
    out_key_str(out, "body", text.body);
    out_key_int(out, "received_at", text.received_at);
    out_end(out);
}

/* ---- who wrote it ---- */

static void encode_author(struct work *work, struct slice site, const struct store_comment *comment, struct out *out)
{
    struct author_facts facts;

    out_key(out, "author_record");
    if (comment->author[0] && author_look_up(work, comment->site, slice_of(comment->author), &facts))
        author_record_encode(work, site, &facts, out);
    else
        out_nil(out);
}

/* ---- who had it, and what they noted ---- */

struct past {
    size_t seen_count, note_count;
    int64_t seen[SEEN_SHOWN], notes[NOTES_SHOWN]; /* events, the newest first */
};

/* True of what a moderator does with a comment in front of them; web servers and the daemon itself do the rest. */
static bool is_seen(const struct store_event *event)
{
    switch (event->kind) {
    case KIND_CLAIMED:
    case KIND_SKIPPED:
    case KIND_RELEASED:
    case KIND_ESCALATED:
    case KIND_APPROVED:
    case KIND_REJECTED:
    case KIND_REOPENED:
    case KIND_SECOND_LOOK:
        return !slice_is(event->actor, "modqd") && !slice_is(event->actor, "front") && !slice_is(event->actor, "push");
    default:
        return false;
    }
}

static bool may_have_a_note(enum kind kind)
{
    return kind == KIND_NOTED || kind == KIND_ESCALATED || kind == KIND_APPROVED || kind == KIND_REJECTED ||
           kind == KIND_SECOND_LOOK;
}

/* What somebody who judges again without knowing must not see begins with the decision. */
static void look_back(struct work *work, const struct store_comment *comment, bool blind, struct past *past)
{
    const struct store_ops *ops = work->store->ops;
    struct store_event event;
    struct slice note;
    int64_t no = comment->last_event;

    for (int i = 0; i < AROUND_EVENTS && no; i++, no = event.previous) {
        if (!work_ok(work, ops->event_get(work->store, no, &event)))
            return;
        if (blind && no >= comment->decision)
            continue;
        if (!blind && past->seen_count < SEEN_SHOWN && is_seen(&event))
            past->seen[past->seen_count++] = no;
        /* The event is borrowed until the note is read: its numbers are copies. */
        if (past->note_count < NOTES_SHOWN && may_have_a_note(event.kind) &&
            work_ok(work, ops->note_get(work->store, no, &note)))
            past->notes[past->note_count++] = no;
    }
}

static void encode_seen(struct work *work, const struct past *past, struct out *out)
{
    struct store_event event;

    out_key(out, "seen");
    out_array(out);
    for (size_t i = 0; i < past->seen_count; i++)
        if (work_ok(work, work->store->ops->event_get(work->store, past->seen[i], &event))) {
            out_map(out);
            out_key_str(out, "by", event.actor);
            out_key_cstr(out, "kind", kind_name(event.kind));
            out_key_int(out, "at", event.at);
            out_end(out);
        }
    out_end(out);
}

static void encode_note(struct work *work, int64_t no, struct out *out)
{
    const struct store_ops *ops = work->store->ops;
    struct store_event event;
    struct slice note = SLICE_NONE;

    out_map(out);
    bool known = work_ok(work, ops->event_get(work->store, no, &event));
    out_key_str(out, "by", known ? event.actor : SLICE_NONE);
    out_key_int(out, "at", known ? event.at : 0);
    out_key_cstr(out, "kind", known ? kind_name(event.kind) : NULL);
    work_ok(work, ops->note_get(work->store, no, &note));
    out_key_str(out, "note", note);
    out_end(out);
}

void around_encode(struct work *work, const struct request *request, struct slice site,
                   const struct store_comment *comment, struct out *out)
{
    struct past past = {0};

    encode_parent(work, request, site, comment, out);
    encode_before(work, comment, out);
    encode_author(work, site, comment, out);
    look_back(work, comment, second_is_held(work, comment, request->actor), &past);
    encode_seen(work, &past, out);
    out_key(out, "notes");
    out_array(out);
    for (size_t i = 0; i < past.note_count; i++)
        encode_note(work, past.notes[i], out);
    out_end(out);
}
