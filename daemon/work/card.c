#include "card.h"

#include <stdio.h>

#include "../../proto/mp.h"
#include "due.h"
#include "second.h"

/* What of a card comes from the text; `article_id` is kept for a look at the article itself. */
static void encode_text(struct work *work, const struct store_comment *comment, char *article_id, size_t size,
                        int64_t *received_at, struct out *out)
{
    static const char *const keys[] = {"article", "parent", "author", "created_at", "language", "extra"};
    struct store_text text = {0};
    msgpack_object meta = {.type = MSGPACK_OBJECT_NIL};
    msgpack_zone zone;
    bool there = comment->text && work_ok(work, work->store->ops->text_get(work->store, comment->text, &text));

    out_key_str(out, "body", text.body);
    out_key_bin(out, "body_sha256", text.sha256);
    out_key(out, "received_at");
    if (there)
        out_int(out, text.received_at);
    else
        out_nil(out);
    *received_at = text.received_at;
    snprintf(article_id, size, "%.*s", (int)text.article.len, text.article.data ? text.article.data : "");
    if (!msgpack_zone_init(&zone, 1024)) {
        out->failed = true;
        return;
    }
    if (text.meta.data)
        mp_unpack_map(text.meta, &zone, &meta);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        out_key(out, keys[i]);
        out_object(out, mp_get(&meta, keys[i]));
    }
    msgpack_zone_destroy(&zone);
}

static void encode_flag(struct out *out, const char *key, int flag)
{
    out_key(out, key);
    if (flag < 0)
        out_nil(out);
    else
        out_bool(out, flag != 0);
}

static void encode_article(struct work *work, int64_t site, const char *id, struct out *out)
{
    struct store_article article = {.closed = -1, .front_page = -1};

    if (id[0])
        work_ok(work, work->store->ops->article_get(work->store, site, slice_of(id), &article));
    encode_flag(out, "article_closed", article.closed);
    encode_flag(out, "article_front_page", article.front_page);
}

static void encode_claim(struct work *work, const struct store_comment *comment, struct out *out)
{
    bool held = comment->claimed_by[0] && comment->claimed_until > work->boot_ms;

    out_key_cstr(out, "claimed_by", held ? comment->claimed_by : NULL);
    out_key(out, "claimed_until");
    if (held)
        out_int(out, work_wall_time(work, comment->claimed_until));
    else
        out_nil(out);
}

static void encode_reasons(struct slice data, struct out *out)
{
    msgpack_zone zone;
    msgpack_object map;

    out_key(out, "reasons");
    if (!msgpack_zone_init(&zone, 1024)) {
        out->failed = true;
        return;
    }
    const msgpack_object *reasons = mp_unpack_map(data, &zone, &map) ? mp_get(&map, "reasons") : NULL;
    if (reasons) {
        out_object(out, reasons);
    } else {
        out_array(out);
        out_end(out);
    }
    msgpack_zone_destroy(&zone);
}

static void encode_decision(struct work *work, const struct store_comment *comment, struct out *out)
{
    struct store_event event;
    struct slice note = SLICE_NONE;
    int64_t seq = work_seq_of(work, comment->record);

    out_key(out, "seq");
    if (seq)
        out_int(out, seq);
    else
        out_nil(out);
    if (!comment->decision || !work_ok(work, work->store->ops->event_get(work->store, comment->decision, &event))) {
        out_key_nil(out, "decided_by");
        out_key_nil(out, "decided_at");
        out_key_nil(out, "reasons");
        out_key_nil(out, "note");
        return;
    }
    out_key_str(out, "decided_by", event.actor);
    out_key_int(out, "decided_at", event.at);
    encode_reasons(event.data, out);
    work_ok(work, work->store->ops->note_get(work->store, comment->decision, &note));
    out_key_str(out, "note", note);
}

/* Where the newest is served first, the due time is no time to show. */
static void encode_due(struct work *work, struct slice site, const struct store_comment *comment, int64_t received_at,
                       struct out *out)
{
    bool shown = comment->due_at && settings_policy(work->settings, site)->queue.order != ORDER_NEWEST;

    out_key(out, "due_at");
    if (shown)
        out_int(out, comment->due_at);
    else
        out_nil(out);
    due_explain(work, site, comment, received_at, out);
}

static void encode(struct work *work, struct slice site, const struct store_comment *comment, struct out *out)
{
    char article_id[KEY_BYTES + 1];
    int64_t received_at;
    enum mark mark = due_mark(work, comment->site, comment->author);

    out_map(out);
    out_key_str(out, "site", site);
    out_key_cstr(out, "comment", comment->id);
    out_key_int(out, "revision", comment->revision);
    out_key_cstr(out, "state", state_name(comment->state));
    out_key_cstr(out, "lane", lane_name(comment->lane == LANE_SECOND ? LANE_NORMAL : comment->lane));
    encode_text(work, comment, article_id, sizeof(article_id), &received_at, out);
    encode_due(work, site, comment, received_at, out);
    encode_article(work, comment->site, article_id, out);
    out_key_cstr(out, "mark", mark ? mark_name(mark) : NULL);
    out_key_int(out, "reports", comment->reports);
    encode_claim(work, comment, out);
    encode_decision(work, comment, out);
    out_end(out);
}

void card_encode(struct work *work, const char *actor, struct slice site, const struct store_comment *comment,
                 struct out *out)
{
    struct store_comment seen = *comment;

    second_blind(work, actor, &seen);
    encode(work, site, &seen, out);
}
