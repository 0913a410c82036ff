#include "record.h"

#include "../../proto/mp.h"
#include "author_map.h"
#include "key_map.h"

static void int_or_nil(struct out *out, const char *key, int64_t value)
{
    out_key(out, key);
    if (value)
        out_int(out, value);
    else
        out_nil(out);
}

static const char *cause_of(const msgpack_object *data)
{
    int64_t cause = mp_get_int(data, "cause", CAUSE_NONE);
    return cause > CAUSE_NONE && cause < CAUSE_COUNT ? cause_name((enum cause)cause) : NULL;
}

/* What is said in an event's data, alike in records and histories. */
static void encode_data(const msgpack_object *data, struct out *out)
{
    const msgpack_object *reasons = mp_get(data, "reasons");

    out_key(out, "reasons");
    if (reasons) {
        out_object(out, reasons);
    } else {
        out_array(out);
        out_end(out);
    }
    out_key_str(out, "policy", mp_get_str(data, "policy"));
    out_key_cstr(out, "cause", cause_of(data));
    int_or_nil(out, "undoes", mp_get_int(data, "undoes", 0));
    int_or_nil(out, "supersedes", mp_get_int(data, "supersedes", 0));
}

static void with_data(const struct store_event *event, struct out *out,
                      void (*encode)(const msgpack_object *data, struct out *out))
{
    msgpack_zone zone;
    msgpack_object data = {.type = MSGPACK_OBJECT_NIL}; /* where the bytes in the store make no sense */

    if (!msgpack_zone_init(&zone, 1024)) {
        out->failed = true;
        return;
    }
    mp_unpack_map(event->data, &zone, &data);
    encode(&data, out);
    msgpack_zone_destroy(&zone);
}

void record_encode(struct slice site, const struct store_event *event, struct out *out)
{
    out_map(out);
    out_key_str(out, "site", site);
    out_key_int(out, "seq", event->seq);
    out_key_str(out, "comment", event->comment);
    out_key_int(out, "revision", event->revision);
    out_key_cstr(out, "decision", kind_name(event->kind));
    with_data(event, out, encode_data);
    out_key_bin(out, "body_sha256", event->sha256);
    out_key_int(out, "decided_at", event->at);
    out_key_bin(out, "chain", event->hash);
    out_end(out);
}

static void encode_history_data(const msgpack_object *data, struct out *out)
{
    static const char *const of_second_look[] = {"decision", "agreed", "same_reasons"};

    encode_data(data, out);
    int_or_nil(out, "until", mp_get_int(data, "until", 0));
    for (size_t i = 0; i < sizeof(of_second_look) / sizeof(of_second_look[0]); i++) {
        out_key(out, of_second_look[i]);
        out_object(out, mp_get(data, of_second_look[i]));
    }
}

static void encode_event(const struct store_event *event, struct slice note, struct out *out)
{
    out_key_int(out, "no", event->no);
    out_key_int(out, "at", event->at);
    out_key_cstr(out, "kind", kind_name(event->kind));
    out_key_str(out, "actor", event->actor);
    out_key_int(out, "revision", event->revision);
    int_or_nil(out, "seq", event->seq);
    with_data(event, out, encode_history_data);
    out_key_str(out, "note", note);
}

void event_encode(const struct store_event *event, struct slice note, struct out *out)
{
    out_map(out);
    encode_event(event, note, out);
    out_end(out);
}

static void encode_mark(const msgpack_object *data, struct out *out)
{
    int64_t mark = mp_get_int(data, "mark", MARK_COUNT);

    out_key_cstr(out, "mark", mark >= MARK_NONE && mark < MARK_COUNT ? mark_name((enum mark)mark) : NULL);
}

void event_encode_author(const struct store_event *event, struct slice note, struct out *out)
{
    struct author_words words = author_unpack(note);

    out_map(out);
    encode_event(event, words.note, out);
    with_data(event, out, encode_mark);
    out_end(out);
}

/* What somebody looked at, by which operation; no event of that comment. */
static void encode_looked(const msgpack_object *data, struct out *out)
{
    static const char *const keys[] = {"operation", "site", "comment"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        out_key(out, keys[i]);
        out_object(out, mp_get(data, keys[i]));
    }
}

void event_encode_audit(struct slice site, const struct store_event *event, struct slice note, struct out *out)
{
    bool of_key = event->kind >= KIND_KEY_ADDED && event->kind <= KIND_KEY_ROTATED;
    bool of_author = author_is_about(event->kind);
    struct author_words words = of_author ? author_unpack(note) : (struct author_words){.note = note};

    out_map(out);
    encode_event(event, words.note, out);
    if (event->kind != KIND_LOOKED) {
        out_key_str(out, "site", event->site ? site : SLICE_NONE);
        out_key_str(out, "comment", event->comment.len > 0 ? event->comment : SLICE_NONE);
    }
    if (of_author) {
        out_key_cstr(out, "author", words.id[0] ? words.id : NULL);
        with_data(event, out, encode_mark);
    }
    out_key_str(out, "via", event->via);
    if (of_key)
        with_data(event, out, key_encode_told);
    if (event->kind == KIND_LOOKED)
        with_data(event, out, encode_looked);
    out_end(out);
}
