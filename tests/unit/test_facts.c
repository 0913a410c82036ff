/* Facts with times that are chosen, on the store that takes back what it lends. */
#include "../lib/rig.h"
#include "../lib/store_memory.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

static struct rig rig;

static const msgpack_object *ask_at(int64_t now_ms, enum door door, const char *json)
{
    rig.now_ms = now_ms;
    const msgpack_object *reply = rig_ask(&rig, door, json);

    if (!reply || rig_at(reply, "error"))
        fail_msg("%s: %s", json, reply ? rig_text(reply) : "no answer");
    return reply;
}

static void submit(int64_t now_ms, const char *comment, int revision)
{
    char json[256];

    snprintf(json, sizeof(json),
             "{'op':'submit','comments':[{'site':'s','comment':'%s','revision':%d,'body':'b%d','article':{'id':'a'}}]}",
             comment, revision, revision);
    ask_at(now_ms, DOOR_FRONT, json);
}

/* "claim", "approve", ... by somebody, of one comment. */
static void act(int64_t now_ms, const char *as, const char *op, const char *comment, const char *more)
{
    char json[256];

    snprintf(json, sizeof(json), "{'op':'%s','as':'%s','comments':[{'site':'s','comment':'%s'}]%s}", op, as, comment,
             more);
    const msgpack_object *reply = ask_at(now_ms, DOOR_DESK, json);
    if (rig_at(reply, "results.0.error") || rig_at(reply, "refused.0"))
        fail_msg("%s: %s", json, rig_text(reply));
}

static const msgpack_object *facts(const char *more)
{
    char json[128];

    snprintf(json, sizeof(json), "{'op':'facts'%s}", more);
    return ask_at(rig.now_ms, DOOR_DESK, json);
}

/* The places 1 (at), 2 (kind) and 7 (waited) to 12 of fact `i` as JSON. */
static void assert_fact(const msgpack_object *reply, size_t i, const char *expected)
{
    static const int places[] = {1, 2, 7, 8, 9, 10, 11, 12};
    char all[512] = "";
    size_t len = 0;

    for (size_t j = 0; j < sizeof(places) / sizeof(places[0]); j++) {
        char path[32];
        snprintf(path, sizeof(path), "facts.%zu.%d", i, places[j]);
        const msgpack_object *value = rig_at(reply, path);
        char *text = value ? rig_text(value) : strdup("nil");
        len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", j ? " " : "", text);
        free(text);
    }
    assert_string_equal(all, expected);
}

static void begin(void)
{
    rig_open(&rig, store_memory_open());
}

static void end(void)
{
    rig_close(&rig);
}

/* Events of a comment, alike, by their ledger entry, in one transaction. */
static void append_many(int64_t now_ms, const char *id, enum kind kind, const char *actor, const char *data, int count)
{
    struct out packed = {0};
    struct store_comment comment;
    struct store *store = rig.store;

    rig_pack(&packed, data);
    assert_int_equal(ledger_begin(rig.work.ledger, now_ms), STORE_OK);
    struct store_site *site = ledger_site(rig.work.ledger, SLICE_LIT("s"));
    assert_int_equal(store->ops->comment_get(store, site->no, slice_of(id), &comment), STORE_OK);
    struct ledger_entry entry = {.kind = kind,
                                 .revision = comment.revision,
                                 .text = comment.text,
                                 .actor = slice_of(actor),
                                 .data = out_slice(&packed)};
    for (int i = 0; i < count; i++)
        assert_int_equal(ledger_append(rig.work.ledger, site, &comment, &entry, NULL), STORE_OK);
    assert_int_equal(store->ops->comment_put(store, &comment), STORE_OK);
    assert_int_equal(ledger_commit(rig.work.ledger, NULL, NULL), STORE_OK);
    rig.now_ms = now_ms;
    out_free(&packed);
}

static void append(int64_t now_ms, const char *id, enum kind kind, const char *actor, const char *data)
{
    append_many(now_ms, id, kind, actor, data, 1);
}

TEST(waited_counts_from_the_revision_or_from_the_record_that_reopened)
{
    begin();
    submit(1000, "c", 1);
    submit(3000, "c", 2); /* while it is pending */
    act(8000, "ann", "approve", "c", "");
    submit(9000, "c", 3); /* reopens */
    act(9500, "ann", "reject", "c", ",'reasons':['other'],'note':'n'");
    act(9900, "bob", "approve", "c", ",'supersede':true");
    const msgpack_object *reply = facts("");
    assert_fact(reply, 0, "1000 \"submitted\" nil nil nil [] nil 1");
    assert_fact(reply, 1, "3000 \"submitted\" nil nil nil [] nil 0");
    assert_fact(reply, 2, "8000 \"approved\" 5000 nil \"moderator\" [] nil -1");
    assert_fact(reply, 3, "9000 \"submitted\" nil nil nil [] nil 0");
    assert_int_equal(mp_count(rig_at(reply, "facts")), 7);
    assert_fact(reply, 5, "9500 \"rejected\" 500 nil \"moderator\" [\"other\"] nil -1");
    assert_true(rig_at(reply, "facts.6.11.first_by") != NULL);
    assert_true(slice_is(mp_str(rig_at(reply, "facts.6.11.first_by")), "ann"));
    assert_true(slice_is(mp_str(rig_at(reply, "facts.6.11.first_reasons.0")), "other"));
    assert_int_equal(rig_at(reply, "facts.6.7")->type, MSGPACK_OBJECT_NIL); /* it was not pending */
    end();
}

TEST(handled_counts_from_the_claim_or_from_the_decision_before)
{
    begin();
    for (int i = 0; i < 4; i++) {
        char id[4];
        snprintf(id, sizeof(id), "c%d", i);
        submit(1000, id, 1);
    }
    act(2000, "ann", "claim", "c0", "");
    act(2000, "ann", "claim", "c1", "");
    act(2500, "bob", "approve", "c3", "");
    act(3000, "ann", "renew", "c1", "");
    act(4000, "ann", "approve", "c0", "");
    act(4700, "ann", "approve", "c1", "");
    act(5000, "ann", "claim", "c2", "");
    act(5100, "ann", "release", "c2", "");
    act(5200, "ann", "approve", "c2", "");
    const msgpack_object *reply = facts("");
    assert_fact(reply, 4, "2500 \"approved\" 1500 nil \"moderator\" [] nil -1");
    assert_fact(reply, 5, "4000 \"approved\" 3000 2000 \"moderator\" [] nil -1");
    assert_fact(reply, 6, "4700 \"approved\" 3700 700 \"moderator\" [] nil -1");
    assert_fact(reply, 7, "5200 \"approved\" 4200 nil \"moderator\" [] nil -1");
    reply = facts(",'since':4500"); /* the decision before lies before the page */
    assert_fact(reply, 0, "4700 \"approved\" 3700 700 \"moderator\" [] nil -1");
    end();
}

TEST(what_a_moderator_may_not_see_does_not_show_in_the_time_that_others_took)
{
    begin();
    submit(1000, "c", 1);
    ask_at(1000, DOOR_FRONT, "{'op':'submit','comments':[{'site':'hidden','comment':'h','body':'b'}]}");
    act(2000, "ann", "claim", "c", "");
    ask_at(4000, DOOR_DESK, "{'op':'approve','as':'ann','comments':[{'site':'hidden','comment':'h'}]}");
    act(4700, "ann", "approve", "c", "");
    assert_fact(facts(",'since':4500"), 0, "4700 \"approved\" 3700 700 \"moderator\" [] nil -1");
    rig.from = (struct peer){.proof = PROOF_USER, .uid = 0};
    ask_at(4800, DOOR_DESK, "{'op':'key_add','name':'eve','role':'moderator','uid':7,'sites':['s']}");
    rig.from = (struct peer){.proof = PROOF_USER, .uid = 7};
    assert_fact(facts(",'since':4500"), 0, "4700 \"approved\" 3700 2700 \"moderator\" [] nil -1");
    end();
}

TEST(the_reach_of_a_claim_is_bounded)
{
    begin();
    submit(1000, "c", 1);
    submit(1000, "d", 1);
    act(2000, "ann", "claim", "c", "");
    act(2000, "ann", "claim", "d", "");
    append_many(2000, "d", KIND_RENEWED, "ann", "{}", 998);
    act(3000, "ann", "approve", "d", "");
    act(3000, "ann", "approve", "c", "");
    const msgpack_object *reply = facts(",'since':2500");
    assert_fact(reply, 0, "3000 \"approved\" 2000 1000 \"moderator\" [] nil -1");
    assert_fact(reply, 1, "3000 \"approved\" 2000 0 \"moderator\" [] nil -1");
    submit(4000, "e", 1);
    act(4000, "ann", "claim", "e", "");
    append_many(4000, "e", KIND_RENEWED, "ann", "{}", 1000);
    act(5000, "ann", "approve", "e", "");
    assert_fact(facts(",'since':4500"), 0, "5000 \"approved\" 1000 nil \"moderator\" [] nil -1");
    end();
}

TEST(a_second_look_tells_both_judgements)
{
    begin();
    submit(1000, "c", 1);
    act(2000, "ann", "reject", "c", ",'reasons':['other'],'note':'n'");
    append(3000, "c", KIND_CLAIMED, "bob", "{'until':99000}");
    append(4500, "c", KIND_SECOND_LOOK, "bob", "{'decision':'rejected','reasons':['threat'],'agreed':true}");
    append(6000, "c", KIND_SECOND_LOOK, "cem", "{'decision':'approved','agreed':false}");
    const msgpack_object *reply = facts(",'since':4000");
    assert_fact(reply, 0,
                "4500 \"second_look\" nil 1500 nil [\"threat\"] {\"decision\"=>\"rejected\", \"first_no\"=>2, "
                "\"first_decision\"=>\"rejected\", \"first_by\"=>\"ann\", \"first_reasons\"=>[\"other\"]} 0");
    assert_fact(reply, 1,
                "6000 \"second_look\" nil nil nil [] {\"decision\"=>\"approved\", \"first_no\"=>2, "
                "\"first_decision\"=>\"rejected\", \"first_by\"=>\"ann\", \"first_reasons\"=>[\"other\"]} 0");
    end();
}

TEST(a_skip_is_a_fact_and_ends_the_claim)
{
    begin();
    submit(1000, "c", 1);
    act(2000, "ann", "claim", "c", "");
    append(2500, "c", KIND_SKIPPED, "ann", "{}");
    act(3000, "ann", "approve", "c", "");
    const msgpack_object *reply = facts("");
    assert_fact(reply, 1, "2500 \"skipped\" nil nil nil [] nil 0");
    assert_fact(reply, 2, "3000 \"approved\" 2000 nil \"moderator\" [] nil -1");
    end();
}

TEST(pending_is_told_with_the_sites)
{
    begin();
    submit(1000, "c", 1);
    submit(1000, "d", 1);
    act(2000, "ann", "approve", "c", "");
    ask_at(2000, DOOR_FRONT, "{'op':'withdraw','site':'t','comment':'x'}");
    ask_at(2000, DOOR_FRONT, "{'op':'withdraw','site':'s','comment':'d'}");
    const msgpack_object *reply = facts("");
    assert_fact(reply, 3, "2000 \"withdrawn\" nil nil \"author\" [] nil 0"); /* a tombstone */
    assert_fact(reply, 4, "2000 \"withdrawn\" nil nil \"author\" [] nil -1");
    assert_true(slice_is(mp_str(rig_at(reply, "sites.1")), "t"));
    int64_t pending;
    assert_true(mp_int(rig_at(reply, "pending.0"), &pending));
    assert_int_equal(pending, 0);
    end();
}
