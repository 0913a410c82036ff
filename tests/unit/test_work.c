/* The handlers, as a peer meets them: requests in, replies out, on a store in memory. */
#include "../lib/talk.h"

#include <stdio.h>
#include <stdlib.h>

/* Common requests. */
static const msgpack_object *submit(const char *site, const char *id, int revision, const char *body)
{
    return FRONT("{'op':'submit','comments':[{'site':'%s','comment':'%s','revision':%d,'body':'%s'}]}", site, id,
                 revision, body);
}

static void submitted(const char *site, const char *id)
{
    is(submit(site, id, 1, "text"), "results.0.status", "\"accepted\"");
}

static const msgpack_object *approve(const char *as, const char *site, const char *id)
{
    return DESK("{'op':'approve','as':'%s','comments':[{'site':'%s','comment':'%s'}]}", as, site, id);
}

static const msgpack_object *reject(const char *as, const char *site, const char *id)
{
    return DESK("{'op':'reject','as':'%s','comments':[{'site':'%s','comment':'%s'}],'reasons':['profanity']}", as, site,
                id);
}

static const msgpack_object *undo(const char *site, int64_t seq)
{
    return DESK("{'op':'undo','as':'ann','records':[{'site':'%s','seq':%lld}]}", site, (long long)seq);
}

static const msgpack_object *show(const char *site, const char *id)
{
    return DESK("{'op':'show','site':'%s','comment':'%s'}", site, id);
}

static const msgpack_object *report(const char *site, const char *id, const char *reader)
{
    return FRONT("{'op':'report','site':'%s','comment':'%s','reader':'%s'}", site, id, reader);
}

static const msgpack_object *withdraw(const char *site, const char *id)
{
    return FRONT("{'op':'withdraw','site':'%s','comment':'%s'}", site, id);
}

static const msgpack_object *erase(const char *site, const char *id)
{
    return DESK("{'op':'erase','as':'ann','comments':[{'site':'%s','comment':'%s'}]}", site, id);
}

static const msgpack_object *claim_named(const char *as, const char *site, const char *id)
{
    return DESK("{'op':'claim','as':'%s','comments':[{'site':'%s','comment':'%s'}],'lease_ms':10000}", as, site, id);
}

/* ---- requests as a whole ---- */

TEST(bytes_that_are_no_map_are_malformed)
{
    static const char *const bad[] = {"", "c1", "93010203", "8101", "81a161", "8101a161", "dfffffffff"};
    char bytes[16];

    begin();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        size_t n = strlen(bad[i]) / 2;
        for (size_t j = 0; j < n; j++) {
            unsigned byte;
            assert_int_equal(sscanf(bad[i] + 2 * j, "%2x", &byte), 1);
            bytes[j] = (char)byte;
        }
        const msgpack_object *reply = rig_ask_packed(&rig, DOOR_FRONT, (struct slice){bytes, n});
        if (!reply || rig.wrong[0])
            fail_msg("%s: %s", bad[i], reply ? rig.wrong : "no answer");
        is(reply, "ok", "false");
        is(reply, "error.name", "\"malformed\"");
        is(reply, "id", "(nothing)");
        is(reply, "op", "(nothing)");
    }
    end();
}

TEST(a_reply_repeats_id_and_operation)
{
    begin();
    const msgpack_object *reply = FRONT("{'op':'status','id':9007199254740991,'site':'news','comments':['1']}");
    is(reply, "v", "1");
    is(reply, "id", "9007199254740991");
    is(reply, "op", "\"status\"");
    is(reply, "ok", "true");
    is(FRONT("{'op':'hello','id':'q-1'}"), "id", "\"q-1\"");
    is(FRONT("{'op':'hello','id':null}"), "id", "(nothing)");
    end();
}

TEST(a_bad_id_is_refused_and_not_repeated)
{
    static const struct {
        const char *id, *error;
    } bad[] = {{"-1", "\"out_of_range\""},
               {"9007199254740992", "\"out_of_range\""},
               {"1.0", "\"bad_type\""},
               {"true", "\"bad_type\""},
               {"[1]", "\"bad_type\""},
               {"{'$bin':'00'}", "\"bad_type\""},
               {"{'$str':'ff'}", "\"invalid_utf8\""}};

    begin();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const msgpack_object *reply = FRONT("{'op':'hello','id':%s}", bad[i].id);
        is(reply, "error.name", bad[i].error);
        is(reply, "error.field", "\"id\"");
        is(reply, "id", "(nothing)");
    }
    end();
}

TEST(every_operation_answers_a_request_without_its_fields)
{
    static const char *const good_without[] = {"hello",    "list",  "stats",  "claim", "renew", "release",
                                               "key_list", "audit", "verify", "fsck",  "facts"};

    begin();
    rig.from = (struct peer){.proof = PROOF_USER};
    for (size_t i = 0; i < verb_count; i++) {
        const struct verb *verb = &verb_table[i];
        bool good = false;
        if (verb->kind == VERB_STREAM || verb->kind == VERB_RELOAD)
            continue;
        const msgpack_object *reply =
            ask(verb->doors & DOOR_FRONT ? DOOR_FRONT : DOOR_DESK, "{'op':'%s','as':'ann'}", verb->name);
        assert_true(slice_is(mp_get_str(reply, "op"), verb->name));
        for (size_t j = 0; j < sizeof(good_without) / sizeof(good_without[0]); j++)
            good |= strcmp(good_without[j], verb->name) == 0;
        is(reply, "ok", good ? "true" : "false");
        if (!good)
            is(reply, "error.name", "\"missing_field\"");
    }
    end();
}

TEST(an_operation_of_the_other_door_is_unknown)
{
    begin();
    is(FRONT("{'op':'approve'}"), "error.name", "\"unknown_operation\"");
    is(DESK("{'op':'submit'}"), "error.name", "\"unknown_operation\"");
    is(FRONT("{'op':'stauts'}"), "error.message", "\"unknown operation \"stauts\"\"");
    is(ask(DOOR_PUSH, "{'op':'status'}"), "error.name", "\"unknown_operation\"");
    end();
}

TEST(an_unknown_operation_in_any_characters_is_answered_in_utf8)
{
    begin();
    is(FRONT("{'op':'ééééééééééééééééééééééééééééééé'}"), "error.name", "\"unknown_operation\"");
    is(FRONT("{'op':{'$str':'61ff'}}"), "error.name", "\"invalid_utf8\"");
    is(FRONT("{'op':{'$str':'61ff'}}"), "op", "(nothing)");
    is(FRONT("{'op':'%065d'}", 1), "error.name", "\"too_long\"");
    end();
}

TEST(another_version_is_told_which_are_spoken_as_numbers)
{
    begin();
    const msgpack_object *reply = FRONT("{'v':2,'op':'status'}");
    is(reply, "error.name", "\"unsupported_version\"");
    is(reply, "v", "1");
    is(reply, "error.versions", "[1]");
    is(FRONT("{'v':2,'op':'hello'}"), "versions", "[1]");
    end();
}

TEST(who_is_asking_over_tcp_must_say_so_to_change_something)
{
    begin();
    is(DESK("{'op':'claim'}"), "error.name", "\"as_required\"");
    is(DESK("{'op':'list'}"), "ok", "true");
    is(DESK("{'op':'hello'}"), "you", "(nothing)");
    is(DESK("{'op':'hello','as':'ann'}"), "you", "\"ann\"");
    is(DESK("{'op':'claim','as':'a/b'}"), "error.name", "\"bad_character\"");
    end();
}

TEST(nobody_is_taken_for_the_daemon_itself)
{
    static const char *const names[] = {"modqd", "front", "push"};

    begin();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const msgpack_object *reply = DESK("{'op':'claim','as':'%s'}", names[i]);
        is(reply, "error.name", "\"bad_value\"");
        is(reply, "error.field", "\"as\"");
        is(DESK("{'op':'hello','as':'%s'}", names[i]), "error.name", "\"bad_value\"");
    }
    is(DESK("{'op':'hello','as':'modqd2'}"), "you", "\"modqd2\"");
    is(FRONT("{'op':'hello','as':'modqd'}"), "ok", "true");
    end();
}

/* ---- submit ---- */

TEST(a_comment_is_accepted_then_a_duplicate_then_a_conflict)
{
    begin();
    const msgpack_object *first = submit("news", "1", 1, "text");
    is(first, "results.0.status", "\"accepted\"");
    is(first, "results.0.state", "\"pending\"");
    int64_t received_at = rig.now_ms;
    is_int(first, "results.0.received_at", received_at);
    rig.now_ms += 1000;
    const msgpack_object *again = submit("news", "1", 1, "text");
    is(again, "results.0.status", "\"duplicate\"");
    is(again, "results.0.state", "\"pending\"");
    is_int(again, "results.0.received_at", received_at);
    const msgpack_object *other = submit("news", "1", 1, "other");
    is(other, "results.0.status", "\"conflict\"");
    is(other, "results.0.error.state", "\"pending\"");
    is(other, "results.0.error.class", "\"final\"");
    is(show("news", "1"), "card.body", "\"text\"");
    end();
}

TEST(a_duplicate_tells_the_state_that_the_comment_has_now)
{
    begin();
    submitted("news", "1");
    approve("ann", "news", "1");
    is(submit("news", "1", 1, "text"), "results.0.state", "\"approved\"");
    withdraw("news", "1");
    is(submit("news", "1", 1, "text"), "results.0.state", "\"withdrawn\"");
    is(submit("news", "1", 1, "text"), "results.0.status", "\"duplicate\"");
    end();
}

TEST(the_same_comment_twice_in_one_batch_is_done_twice)
{
    begin();
    const msgpack_object *reply = FRONT(
        "{'op':'submit','comments':[{'site':'news','comment':'1','body':'a'},{'site':'news','comment':'1','body':'a'},"
        "{'site':'news','comment':'1','body':'b'},{'site':'blog','comment':'1','body':'b'}]}");
    is(reply, "results.0.status", "\"accepted\"");
    is(reply, "results.1.status", "\"duplicate\"");
    is(reply, "results.2.status", "\"conflict\"");
    is(reply, "results.3.status", "\"accepted\"");
    end();
}

TEST(a_lower_revision_that_comes_late_is_superseded)
{
    begin();
    submit("news", "1", 5, "five");
    approve("ann", "news", "1");
    const msgpack_object *late = submit("news", "1", 2, "two");
    is(late, "results.0.status", "\"accepted\"");
    is(late, "results.0.state", "\"superseded\"");
    is(submit("news", "1", 2, "two"), "results.0.status", "\"duplicate\"");
    is(submit("news", "1", 2, "two"), "results.0.state", "\"superseded\"");
    is(submit("news", "1", 2, "2"), "results.0.error.state", "\"superseded\"");
    is(show("news", "1"), "card.state", "\"approved\"");
    is(show("news", "1"), "card.body", "\"five\"");
    is(show("news", "1"), "card.revision", "5");
    end();
}

TEST(a_new_revision_takes_a_decided_comment_back_to_pending)
{
    begin();
    submitted("news", "1");
    reject("ann", "news", "1");
    rig.now_ms += 10;
    is(submit("news", "1", 3, "better"), "results.0.state", "\"pending\"");
    int64_t received_at = rig.now_ms;
    const msgpack_object *status = FRONT("{'op':'status','site':'news','comments':['1']}");
    is(status, "results.0.decision", "\"reopened\"");
    is(status, "results.0.seq", "2");
    is(status, "results.0.revision", "3");
    is(status, "results.0.reasons", "[]");
    const msgpack_object *history = DESK("{'op':'history','site':'news','comment':'1'}");
    is(history, "events.0.kind", "\"reopened\"");
    is(history, "events.0.cause", "\"new_revision\"");
    is(history, "events.0.supersedes", "1");
    is(history, "events.0.revision", "3");
    is(history, "events.0.actor", "\"modqd\"");
    is(history, "events.1.kind", "\"submitted\"");
    is_int(show("news", "1"), "card.due_at", received_at);
    end();
}

TEST(a_bad_item_does_not_harm_its_neighbours_and_keeps_its_name)
{
    begin();
    const msgpack_object *reply = FRONT(
        "{'op':'submit','comments':[{'site':'news','comment':'1','body':''},{'site':'news','comment':'2','body':'b'},"
        "{'site':'a/b','comment':'3','body':'b','revision':4},7]}");
    is(reply, "results.0.status", "\"too_short\"");
    is(reply, "results.0.error.field", "\"comments[0].body\"");
    is(reply, "results.0.comment", "\"1\"");
    is(reply, "results.0.revision", "1");
    is(reply, "results.1.status", "\"accepted\"");
    is(reply, "results.2.site", "(nothing)");
    is(reply, "results.2.comment", "\"3\"");
    is(reply, "results.2.revision", "4");
    is(reply, "results.3.status", "\"bad_type\"");
    is(reply, "results.3.error.field", "\"comments[3]\"");
    end();
}

TEST(a_revision_that_cannot_be_read_comes_back_as_nil)
{
    begin();
    const msgpack_object *reply =
        FRONT("{'op':'submit','comments':[{'site':'news','comment':'1','body':'b','revision':'two'},"
              "{'site':'news','comment':'1','body':'b','revision':1.5}]}");
    is(reply, "results.0.status", "\"bad_type\"");
    is(reply, "results.0.revision", "(nothing)");
    is(reply, "results.1.revision", "(nothing)");
    end();
}

TEST(a_list_of_comments_has_its_bounds)
{
    begin();
    is(FRONT("{'op':'submit','comments':[]}"), "error.name", "\"out_of_range\"");
    is(FRONT("{'op':'submit','comments':[]}"), "error.min", "1");
    rig.settings.limits.value[LIMIT_MAX_BATCH] = 2;
    is(FRONT("{'op':'submit','comments':[1,2,3]}"), "error.max", "2");
    is(FRONT("{'op':'submit','comments':[1,2]}"), "ok", "true");
    is(FRONT("{'op':'submit','comments':{}}"), "error.name", "\"bad_type\"");
    end();
}

TEST(what_came_with_a_comment_is_given_back_as_it_was)
{
    begin();
    const msgpack_object *reply = FRONT(
        "{'op':'submit','comments':[{'site':'news','comment':'1','body':'b','parent':'0','language':'ckb',"
        "'created_at':0,'article':{'id':'a','title':'','url':'u'},'author':{'id':'w','name':'N','registered_at':5,"
        "'address_hash':{'$bin':'00ff'}},'extra':{'n':null,'f':1.5,'deep':[[[1]]]}}]}");
    is(reply, "results.0.status", "\"accepted\"");
    const msgpack_object *card = rig_at(show("news", "1"), "card");
    is(card, "parent", "\"0\"");
    is(card, "created_at", "0");
    is(card, "article.title", "\"\"");
    is(card, "author.registered_at", "5");
    is(card, "extra.f", "1.500000");
    is(card, "extra.deep", "[[[1]]]");
    end();
}

TEST(extra_that_a_strict_decoder_could_not_read_is_refused)
{
    static const struct {
        const char *extra, *error;
    } bad[] = {{"{'e':{'$raw':'d40102'}}", "\"bad_type\""},
               {"{'e':[[{'$raw':'c70301aabbcc'}]]}", "\"bad_type\""},
               {"{'$raw':'8101a178'}", "\"bad_type\""},
               {"{'m':{'$raw':'81c0a178'}}", "\"bad_type\""},
               {"{'s':[{'t':{'$str':'eda080'}}]}", "\"invalid_utf8\""},
               {"{'$raw':'81a1ff01'}", "\"invalid_utf8\""}};

    begin();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const msgpack_object *reply =
            FRONT("{'op':'submit','comments':[{'site':'news','comment':'1','body':'b','extra':%s}]}", bad[i].extra);
        is(reply, "results.0.status", bad[i].error);
        is(reply, "results.0.error.field", "\"comments[0].extra\"");
    }
    end();
}

TEST(a_card_is_utf8_whatever_unknown_keys_a_site_sends)
{
    begin();
    FRONT("{'op':'submit','comments':[{'site':'news','comment':'1','body':'b','extra':{'x':{'$str':'ff'}}}]}");
    FRONT(
        "{'op':'submit','comments':[{'site':'news','comment':'2','body':'b','article':{'id':'a','x':{'$str':'ff'}}}]}");
    FRONT(
        "{'op':'submit','comments':[{'site':'news','comment':'3','body':'b','author':{'id':'a','x':{'$str':'ff'}}}]}");
    DESK("{'op':'list'}");
    end();
}

TEST(unknown_keys_of_an_article_take_no_room_without_limit)
{
    begin();
    const msgpack_object *reply = FRONT("{'op':'submit','comments':[{'site':'news','comment':'1','body':'b',"
                                        "'article':{'id':'a','x':'%0*d'}}]}",
                                        300000, 1);
    if (slice_is(mp_str(rig_at(reply, "results.0.status")), "accepted"))
        assert_true(mp_str(rig_at(show("news", "1"), "card.article.x")).len < 16384);
    end();
}

TEST(too_many_revisions_and_sites_and_pending_comments_are_refused)
{
    begin();
    rig.settings.limits.value[LIMIT_REVISIONS] = 2;
    rig.settings.limits.value[LIMIT_SITES] = 2;
    rig.settings.limits.value[LIMIT_PENDING_PER_SITE] = 2;
    submit("news", "1", 1, "a");
    submit("news", "1", 2, "b");
    is(submit("news", "1", 3, "c"), "results.0.status", "\"too_many_revisions\"");
    is(submit("news", "1", 3, "c"), "results.0.error.max", "2");
    is(submit("news", "1", 2, "b"), "results.0.status", "\"duplicate\"");
    submitted("news", "2");
    is(submit("news", "3", 1, "c"), "results.0.status", "\"busy\"");
    is(submit("news", "3", 1, "c"), "results.0.error.retry_after_ms", "5000");
    submitted("blog", "1");
    is(submit("third", "1", 1, "c"), "results.0.status", "\"too_many_sites\"");
    is(submit("third", "1", 1, "c"), "results.0.error.max", "2");
    is(withdraw("third", "1"), "error.name", "\"too_many_sites\"");
    is(FRONT("{'op':'article','site':'third','article':{'id':'1'}}"), "error.name", "\"too_many_sites\"");
    end();
}

TEST(without_room_comments_are_refused_and_decisions_are_not)
{
    begin();
    submitted("news", "1");
    rig.work.intake_closed = true;
    is(submit("news", "2", 1, "t"), "results.0.status", "\"storage_full\"");
    is(submit("new", "2", 1, "t"), "results.0.status", "\"storage_full\"");
    is(submit("news", "1", 2, "t"), "results.0.status", "\"storage_full\"");
    is(submit("news", "1", 1, "text"), "results.0.status", "\"duplicate\"");
    is(FRONT("{'op':'article','site':'news','article':{'id':'1'}}"), "error.name", "\"storage_full\"");
    is(approve("ann", "news", "1"), "results.0.status", "\"approved\"");
    is(report("news", "1", "r"), "status", "\"counted\"");
    is(withdraw("news", "9"), "status", "\"withdrawn\"");
    end();
}

/* ---- withdraw and erase ---- */

TEST(what_was_withdrawn_before_it_came_stays_out)
{
    begin();
    const msgpack_object *first = withdraw("news", "1");
    is(first, "status", "\"withdrawn\"");
    is(first, "seq", "1");
    const msgpack_object *again = withdraw("news", "1");
    is(again, "status", "\"duplicate\"");
    is(again, "seq", "1");
    is(submit("news", "1", 1, "t"), "results.0.status", "\"withdrawn\"");
    const msgpack_object *card = rig_at(show("news", "1"), "card");
    is(card, "state", "\"withdrawn\"");
    is(card, "body", "(nothing)");
    is(card, "revision", "0");
    is(card, "due_at", "(nothing)");
    is(approve("ann", "news", "1"), "results.0.status", "\"withdrawn\"");
    is(report("news", "1", "r"), "error.name", "\"withdrawn\"");
    is(claim_named("ann", "news", "1"), "refused.0.status", "\"withdrawn\"");
    is(undo("news", 1), "results.0.status", "\"withdrawn\"");
    end();
}

TEST(an_erased_comment_leaves_numbers_and_no_words)
{
    begin();
    FRONT("{'op':'submit','comments':[{'site':'news','comment':'1','body':'secret','author':{'name':'secret'},"
          "'extra':{'s':'secret'},'article':{'id':'a','title':'secret'}}]}");
    submit("news", "1", 2, "secret too");
    report("news", "1", "secret");
    DESK("{'op':'reject','as':'ann','comments':[{'site':'news','comment':'1'}],'reasons':['other'],'note':'secret'}");
    is(erase("news", "1"), "results.0.status", "\"erased\"");
    is(erase("news", "1"), "results.0.seq", "2");
    char *card = rig_text(show("news", "1"));
    char *history = rig_text(DESK("{'op':'history','site':'news','comment':'1'}"));
    assert_null(strstr(card, "secret"));
    assert_null(strstr(history, "secret"));
    free(card);
    free(history);
    const msgpack_object *events = DESK("{'op':'history','site':'news','comment':'1'}");
    is(events, "events.0.kind", "\"erased\"");
    is(events, "events.0.supersedes", "1");
    is(events, "events.1.reasons", "[\"other\"]");
    is(submit("news", "1", 1, "secret"), "results.0.status", "\"erased\"");
    is(submit("news", "1", 9, "new"), "results.0.status", "\"erased\"");
    is(withdraw("news", "1"), "error.name", "\"erased\"");
    is(undo("news", 1), "results.0.status", "\"erased\"");
    is(erase("news", "unknown"), "results.0.status", "\"not_found\"");
    end();
}

/* ---- decisions ---- */

TEST(the_second_moderator_is_told_who_decided_what_and_when)
{
    begin();
    submitted("news", "1");
    is(reject("ann", "news", "1"), "results.0.seq", "1");
    int64_t at = rig.now_ms;
    rig.now_ms += 5;
    const msgpack_object *reply = approve("bob", "news", "1");
    is(reply, "results.0.status", "\"already_decided\"");
    is(reply, "results.0.error.decision", "\"rejected\"");
    is(reply, "results.0.error.by", "\"ann\"");
    is(reply, "results.0.error.seq", "1");
    is_int(reply, "results.0.error.at", at);
    is(reply, "results.0.error.reasons", "[\"profanity\"]");
    end();
}

TEST(all_reasons_of_a_decision_are_told_however_long_their_codes_are)
{
    char reason[256];
    char policy[4096] = "version = \"long\"\n";
    char codes[1024] = "";

    for (int i = 0; i < 8; i++) {
        size_t at = strlen(policy);
        snprintf(policy + at, sizeof(policy) - at,
                 "reason \"%064d\" { title { en = \"T\" } sentence { en = \"S\" } }\n", i);
        at = strlen(codes);
        snprintf(codes + at, sizeof(codes) - at, "%s'%064d'", i ? "," : "", i);
    }
    begin();
    struct policy *loaded = policy_load_text("p", policy, reason, sizeof(reason));
    if (!loaded)
        fail_msg("%s", reason);
    rig.settings.policy = loaded;
    submitted("news", "1");
    is(DESK("{'op':'reject','as':'ann','comments':[{'site':'news','comment':'1'}],'reasons':[%s]}", codes),
       "results.0.status", "\"rejected\"");
    const msgpack_object *reply = approve("bob", "news", "1");
    assert_int_equal(length(show("news", "1"), "card.reasons"), 8);
    assert_int_equal(length(reply, "results.0.error.reasons"), 8);
    policy_free(loaded);
    end();
}

TEST(superseding_is_said_expressly_and_may_name_what_it_replaces)
{
    static const char *const format =
        "{'op':'approve','as':'bob','comments':[{'site':'news','comment':'1','seq':%d}],'supersede':true}";
    begin();
    submitted("news", "1");
    is(DESK(format, 1), "results.0.status", "\"not_current\"");
    reject("ann", "news", "1");
    is(DESK(format, 7), "results.0.status", "\"already_decided\"");
    is(DESK(format, 1), "results.0.status", "\"approved\"");
    is(DESK(format, 2), "results.0.status", "\"already_decided\"");
    const msgpack_object *history = DESK("{'op':'history','site':'news','comment':'1'}");
    is(history, "events.0.supersedes", "1");
    is(history, "events.0.policy", "\"house-rules-1\"");
    end();
}

TEST(a_decision_on_another_revision_than_the_current_is_stale)
{
    begin();
    submit("news", "1", 2, "t");
    const msgpack_object *reply =
        DESK("{'op':'approve','as':'ann','comments':[{'site':'news','comment':'1','revision':1},"
             "{'site':'news','comment':'1','revision':3},"
             "{'site':'news','comment':'1','revision':2}]}");
    is(reply, "results.0.status", "\"stale_revision\"");
    is(reply, "results.0.error.revision", "2");
    is(reply, "results.1.status", "\"stale_revision\"");
    is(reply, "results.2.status", "\"approved\"");
    is(reply, "results.2.revision", "2");
    end();
}

TEST(a_reject_needs_reasons_of_the_policy_and_their_notes)
{
    static const char *const head = "{'op':'reject','as':'ann','comments':[{'site':'news','comment':'1'}]";
    begin();
    submitted("news", "1");
    is(DESK("%s}", head), "error.name", "\"missing_field\"");
    is(DESK("%s,'reasons':[]}", head), "error.name", "\"out_of_range\"");
    is(DESK("%s,'reasons':['threat','threat']}", head), "error.field", "\"reasons[1]\"");
    is(DESK("%s,'reasons':[7]}", head), "error.field", "\"reasons[0]\"");
    is(DESK("%s,'reasons':['nope']}", head), "results.0.status", "\"unknown_reason\"");
    is(DESK("%s,'reasons':['threat','other']}", head), "results.0.status", "\"note_needed\"");
    is(DESK("%s,'reasons':['threat','other'],'note':'because'}", head), "results.0.status", "\"rejected\"");
    is(show("news", "1"), "card.note", "\"because\"");
    is(show("news", "1"), "card.reasons", "[\"threat\", \"other\"]");
    end();
}

TEST(an_unknown_reason_is_told_before_a_missing_note)
{
    begin();
    submitted("news", "1");
    const msgpack_object *reply =
        DESK("{'op':'reject','as':'ann','comments':[{'site':'news','comment':'1'}],'reasons':['other','nope']}");
    is(reply, "results.0.status", "\"unknown_reason\"");
    is(reply, "results.0.error.field", "\"reasons[1]\"");
    end();
}

TEST(a_verb_looks_at_no_field_but_its_own)
{
    begin();
    submitted("news", "1");
    submitted("news", "2");
    is(DESK("{'op':'escalate','as':'ann','comments':[{'site':'news','comment':'1'}],'reasons':[],'supersede':7}"),
       "results.0.status", "\"escalated\"");
    is(DESK("{'op':'approve','as':'ann','comments':[{'site':'news','comment':'1'}],'reasons':[]}"), "results.0.status",
       "\"approved\"");
    is(DESK("{'op':'approve','as':'ann','comments':[{'site':'news','comment':'2'}],'reasons':'x'}"), "results.0.status",
       "\"approved\"");
    is(DESK("{'op':'erase','as':'ann','comments':[{'site':'news','comment':'1'}],'reasons':7,'supersede':7,'note':7}"),
       "results.0.status", "\"erased\"");
    end();
}

TEST(a_decision_is_checked_in_the_documents_order)
{
    static const char *const nope =
        "{'op':'reject','as':'bob','comments':[{'site':'news','comment':'%s','revision':%d}],"
        "'reasons':['nope']}";
    begin();
    submitted("news", "1");
    is(DESK(nope, "2", 1), "results.0.status", "\"not_found\"");
    is(DESK(nope, "1", 2), "results.0.status", "\"stale_revision\"");
    claim_named("ann", "news", "1");
    is(DESK(nope, "1", 1), "results.0.status", "\"unknown_reason\"");
    is(reject("bob", "news", "1"), "results.0.status", "\"claimed\"");
    approve("ann", "news", "1");
    is(DESK(nope, "1", 1), "results.0.status", "\"unknown_reason\"");
    is(reject("bob", "news", "1"), "results.0.status", "\"already_decided\"");
    withdraw("news", "1");
    is(DESK(nope, "1", 2), "results.0.status", "\"withdrawn\"");
    erase("news", "1");
    is(DESK(nope, "1", 2), "results.0.status", "\"erased\"");
    end();
}

/* ---- undo ---- */

TEST(undo_of_the_first_decision_makes_the_comment_pending)
{
    begin();
    submitted("news", "1");
    int64_t due = number(show("news", "1"), "card.due_at");
    rig.now_ms += 100;
    approve("ann", "news", "1");
    const msgpack_object *reply = undo("news", 1);
    is(reply, "results.0.status", "\"undone\"");
    is(reply, "results.0.undoes", "1");
    is(reply, "results.0.seq", "2");
    is(reply, "results.0.state", "\"pending\"");
    is(reply, "results.0.comment", "\"1\"");
    is_int(show("news", "1"), "card.due_at", due);
    is(undo("news", 1), "results.0.status", "\"not_current\"");
    is(undo("news", 1), "results.0.error.state", "\"pending\"");
    is(undo("news", 1), "results.0.error.seq", "2");
    is(undo("news", 2), "results.0.status", "\"not_a_decision\"");
    is(undo("news", 2), "results.0.error.decision", "\"reopened\"");
    is(undo("news", 3), "results.0.status", "\"not_found\"");
    is(undo("blog", 1), "results.0.status", "\"not_found\"");
    end();
}

TEST(undo_of_a_superseding_decision_brings_back_the_one_before_with_its_reasons)
{
    begin();
    submitted("news", "1");
    DESK("{'op':'reject','as':'ann','comments':[{'site':'news','comment':'1'}],'reasons':['threat','other'],'note':'n'"
         "}");
    DESK("{'op':'approve','as':'bob','comments':[{'site':'news','comment':'1'}],'supersede':true}");
    is(undo("news", 2), "results.0.state", "\"rejected\"");
    const msgpack_object *card = rig_at(show("news", "1"), "card");
    is(card, "reasons", "[\"threat\", \"other\"]");
    is(card, "decided_by", "\"ann\"");
    is(card, "note", "(nothing)");
    is(card, "seq", "3");
    const msgpack_object *history = DESK("{'op':'history','site':'news','comment':'1'}");
    is(history, "events.0.cause", "\"undo\"");
    is(history, "events.0.undoes", "2");
    is(history, "events.0.supersedes", "2");
    is(history, "events.0.policy", "\"house-rules-1\"");
    end();
}

TEST(undoing_an_undo_brings_back_what_it_took_away)
{
    begin();
    submitted("news", "1");
    reject("ann", "news", "1");
    DESK("{'op':'approve','as':'bob','comments':[{'site':'news','comment':'1'}],'supersede':true}");
    is(undo("news", 2), "results.0.state", "\"rejected\"");
    is(undo("news", 3), "results.0.state", "\"approved\"");
    is(undo("news", 4), "results.0.state", "\"rejected\"");
    is(show("news", "1"), "card.reasons", "[\"profanity\"]");
    is(undo("news", 4), "results.0.status", "\"not_current\"");
    end();
}

TEST(undo_reaches_no_further_than_a_reopening)
{
    begin();
    submitted("news", "1");
    approve("ann", "news", "1");
    submit("news", "1", 2, "new");
    reject("ann", "news", "1");
    is(undo("news", 3), "results.0.state", "\"pending\"");
    end();
}

TEST(a_batch_is_undone_as_a_batch_and_a_number_twice_only_once)
{
    begin();
    submitted("news", "1");
    submitted("news", "2");
    DESK("{'op':'approve','as':'ann','comments':[{'site':'news','comment':'1'},{'site':'news','comment':'2'}]}");
    const msgpack_object *reply =
        DESK("{'op':'undo','as':'ann','records':[{'site':'news','seq':1},{'site':'news','seq':2},"
             "{'site':'news','seq':2},{'site':'news'}]}");
    is(reply, "results.0.status", "\"undone\"");
    is(reply, "results.1.status", "\"undone\"");
    is(reply, "results.2.status", "\"not_current\"");
    is(reply, "results.3.status", "\"missing_field\"");
    is(reply, "results.3.error.field", "\"records[3].seq\"");
    end();
}

/* ---- reports ---- */

TEST(reports_reopen_an_approved_comment_at_the_threshold_once_a_reader)
{
    begin();
    submitted("news", "1");
    approve("ann", "news", "1");
    is(report("news", "1", "a"), "reports", "1");
    is(report("news", "1", "a"), "status", "\"duplicate\"");
    is(report("news", "1", "b"), "state", "\"approved\"");
    const msgpack_object *third = report("news", "1", "c");
    is(third, "reports", "3");
    is(third, "state", "\"pending\"");
    const msgpack_object *history = DESK("{'op':'history','site':'news','comment':'1'}");
    is(history, "events.0.kind", "\"reopened\"");
    is(history, "events.0.cause", "\"reports\"");
    is(history, "events.1.kind", "\"reported\"");
    is(report("news", "1", "d"), "state", "\"pending\"");
    is(report("news", "9", "d"), "error.name", "\"not_found\"");
    end();
}

TEST(another_approval_begins_another_round_of_reports)
{
    begin();
    submitted("news", "1");
    approve("ann", "news", "1");
    report("news", "1", "a");
    report("news", "1", "b");
    report("news", "1", "c");
    approve("ann", "news", "1");
    is(show("news", "1"), "card.reports", "0");
    is(report("news", "1", "a"), "status", "\"counted\"");
    is(report("news", "1", "a"), "status", "\"duplicate\"");
    is(report("news", "1", "b"), "state", "\"approved\"");
    is(report("news", "1", "c"), "state", "\"pending\"");
    assert_int_equal(length(show("news", "1"), "reported"), 3);
    end();
}

TEST(a_rejected_or_pending_comment_counts_reports_and_stays)
{
    begin();
    submitted("news", "1");
    for (int i = 0; i < 4; i++)
        report("news", "1", (const char *[]){"a", "b", "c", "d"}[i]);
    is(show("news", "1"), "card.reports", "4");
    reject("ann", "news", "1");
    is(report("news", "1", "e"), "state", "\"rejected\"");
    is(report("news", "1", "e"), "reports", "5");
    end();
}

TEST(a_report_from_before_the_approval_does_not_count)
{
    static const char *const format = "{'op':'report','site':'news','comment':'1','reader':'%s','at':%lld}";
    begin();
    submitted("news", "1");
    rig.now_ms += 1000;
    approve("ann", "news", "1");
    is(FRONT(format, "a", (long long)rig.now_ms - 1), "status", "\"duplicate\"");
    is(FRONT(format, "a", (long long)rig.now_ms), "status", "\"counted\"");
    is(FRONT(format, "b", 1LL), "status", "\"duplicate\"");
    end();
}

TEST(a_report_made_at_the_beginning_of_time_does_not_count_after_an_approval)
{
    begin();
    submitted("news", "1");
    approve("ann", "news", "1");
    is(FRONT("{'op':'report','site':'news','comment':'1','reader':'a','at':0}"), "status", "\"duplicate\"");
    end();
}

TEST(a_report_gives_a_reason_of_the_policy_and_words_that_moderators_see)
{
    begin();
    submitted("news", "1");
    is(FRONT("{'op':'report','site':'news','comment':'1','reader':'a','reason':'nope'}"), "error.name",
       "\"unknown_reason\"");
    is(FRONT("{'op':'report','site':'news','comment':'1','reader':'a','reason':'threat','note':'look'}"), "status",
       "\"counted\"");
    const msgpack_object *shown = show("news", "1");
    is(shown, "reported.0.reason", "\"threat\"");
    is(shown, "reported.0.note", "\"look\"");
    is(shown, "reported.0.reader", "(nothing)");
    is(DESK("{'op':'history','site':'news','comment':'1'}"), "events.0.reasons", "[\"threat\"]");
    end();
}

/* ---- claims ---- */

TEST(nobody_is_given_what_another_holds)
{
    begin();
    submitted("news", "1");
    submitted("news", "2");
    const msgpack_object *ann = DESK("{'op':'claim','as':'ann','limit':1}");
    is(ann, "comments.0.comment", "\"1\"");
    is(ann, "comments.0.claimed_by", "\"ann\"");
    is_int(ann, "comments.0.claimed_until", rig.now_ms + 300000);
    const msgpack_object *bob = DESK("{'op':'claim','as':'bob','limit':10}");
    assert_int_equal(length(bob, "comments"), 1);
    is(bob, "comments.0.comment", "\"2\"");
    assert_int_equal(length(DESK("{'op':'claim','as':'eve','limit':10}"), "comments"), 0);
    const msgpack_object *named = claim_named("eve", "news", "1");
    is(named, "refused.0.status", "\"claimed\"");
    is(named, "refused.0.error.by", "\"ann\"");
    is_int(named, "refused.0.error.until", rig.now_ms + 300000);
    end();
}

TEST(an_expired_lease_returns_the_comment_to_the_queue)
{
    begin();
    submitted("news", "1");
    claim_named("ann", "news", "1");
    rig.work.boot_ms += 9999;
    is(approve("bob", "news", "1"), "results.0.status", "\"claimed\"");
    is(show("news", "1"), "card.claimed_by", "\"ann\"");
    rig.work.boot_ms += 1;
    is(show("news", "1"), "card.claimed_by", "(nothing)");
    is(DESK("{'op':'renew','as':'ann','comments':[{'site':'news','comment':'1'}]}"), "results.0.status",
       "\"not_held\"");
    is(DESK("{'op':'claim','as':'bob'}"), "comments.0.claimed_by", "\"bob\"");
    const msgpack_object *history = DESK("{'op':'history','site':'news','comment':'1'}");
    is(history, "events.0.kind", "\"claimed\"");
    is(history, "events.1.kind", "\"lease_expired\"");
    is(history, "events.1.actor", "\"modqd\"");
    end();
}

TEST(a_claim_does_not_depend_on_the_wall_clock)
{
    begin();
    submitted("news", "1");
    claim_named("ann", "news", "1");
    rig.now_ms += INT64_C(1000) * 3600 * 24;
    is(approve("bob", "news", "1"), "results.0.status", "\"claimed\"");
    end();
}

TEST(claiming_again_renews_and_release_gives_back)
{
    begin();
    submitted("news", "1");
    claim_named("ann", "news", "1");
    rig.work.boot_ms += 9000;
    claim_named("ann", "news", "1");
    is(DESK("{'op':'history','site':'news','comment':'1'}"), "events.0.kind", "\"renewed\"");
    rig.work.boot_ms += 9000;
    const msgpack_object *renewed = DESK("{'op':'renew','as':'ann','lease_ms':1000}");
    is(renewed, "results.0.status", "\"renewed\"");
    is_int(renewed, "results.0.claimed_until", rig.now_ms + 1000);
    is(DESK("{'op':'release','as':'bob'}"), "results", "[]");
    is(DESK("{'op':'release','as':'bob','comments':[{'site':'news','comment':'1'},{'site':'news','comment':'9'}]}"),
       "results.1.status", "\"not_held\"");
    is(DESK("{'op':'release','as':'ann'}"), "results.0.status", "\"released\"");
    is(show("news", "1"), "card.claimed_by", "(nothing)");
    end();
}

TEST(a_moderator_holds_no_more_than_the_limit)
{
    begin();
    rig.settings.limits.value[LIMIT_CLAIMS_PER_MODERATOR] = 2;
    for (int i = 0; i < 4; i++)
        submitted("news", (const char *[]){"1", "2", "3", "4"}[i]);
    assert_int_equal(length(DESK("{'op':'claim','as':'ann','limit':10}"), "comments"), 2);
    assert_int_equal(length(DESK("{'op':'claim','as':'ann','limit':10}"), "comments"), 0);
    const msgpack_object *named = claim_named("ann", "news", "3");
    is(named, "refused.0.status", "\"too_many_claims\"");
    is(named, "refused.0.error.max", "2");
    assert_int_equal(length(claim_named("ann", "news", "1"), "comments"), 1);
    approve("ann", "news", "1");
    assert_int_equal(length(claim_named("ann", "news", "3"), "comments"), 1);
    end();
}

TEST(every_change_that_ends_the_reading_ends_the_claim)
{
    begin();
    for (int i = 0; i < 6; i++) {
        char id[2] = {(char)('0' + i), '\0'};
        submitted("news", id);
        claim_named("ann", "news", id);
    }
    approve("ann", "news", "0");
    reject("ann", "news", "1");
    withdraw("news", "2");
    erase("news", "3");
    submit("news", "4", 2, "new");
    DESK("{'op':'escalate','as':'ann','comments':[{'site':'news','comment':'5'}]}");
    for (int i = 0; i < 6; i++)
        is(show("news", (char[2]){(char)('0' + i), '\0'}), "card.claimed_by", "(nothing)");
    end();
}

/* ---- lanes ---- */

TEST(an_escalated_comment_is_served_from_its_lane_only)
{
    begin();
    submitted("news", "1");
    submitted("news", "2");
    const msgpack_object *reply =
        DESK("{'op':'escalate','as':'ann','comments':[{'site':'news','comment':'1'},{'site':'news','comment':'9'},"
             "{'site':'news','comment':'2','revision':3}],'note':'legal'}");
    is(reply, "results.0.status", "\"escalated\"");
    is(reply, "results.1.status", "\"not_found\"");
    is(reply, "results.2.status", "\"stale_revision\"");
    is(DESK("{'op':'escalate','as':'ann','comments':[{'site':'news','comment':'1'}]}"), "results.0.status",
       "\"escalated\"");
    is(DESK("{'op':'list'}"), "comments.0.comment", "\"2\"");
    assert_int_equal(length(DESK("{'op':'list'}"), "comments"), 1);
    is(DESK("{'op':'list','lane':'escalated'}"), "comments.0.comment", "\"1\"");
    is(DESK("{'op':'list','lane':'fast'}"), "error.name", "\"bad_value\"");
    is(DESK("{'op':'claim','as':'bob','lane':'escalated'}"), "comments.0.lane", "\"escalated\"");
    is(DESK("{'op':'history','site':'news','comment':'1'}"), "events.1.note", "\"legal\"");
    approve("bob", "news", "1");
    is(DESK("{'op':'escalate','as':'ann','comments':[{'site':'news','comment':'1'}]}"), "results.0.status",
       "\"already_decided\"");
    undo("news", 1);
    is(show("news", "1"), "card.lane", "\"escalated\"");
    end();
}

/* ---- operation ids ---- */

TEST(a_repeated_operation_gets_the_first_answer_and_changes_nothing)
{
    static const char *const request = "{'op':'approve','as':'ann','id':%d,'comments':[{'site':'news','comment':'1'}],"
                                       "'operation':{'$bin':'00112233445566778899aabbccddeeff'}}";
    begin();
    submitted("news", "1");
    is(DESK(request, 1), "results.0.seq", "1");
    undo("news", 1);
    const msgpack_object *again = DESK(request, 2);
    is(again, "id", "2");
    is(again, "results.0.status", "\"approved\"");
    is(again, "results.0.seq", "1");
    is(show("news", "1"), "card.state", "\"pending\"");
    end();
}

TEST(an_operation_id_stands_for_one_request_of_one_moderator)
{
    static const char *const operation = "'operation':{'$bin':'00112233445566778899aabbccddeeff'}";
    static const char *const comments = "'comments':[{'site':'news','comment':'1'}]";
    begin();
    submitted("news", "1");
    DESK("{'op':'approve','as':'ann',%s,%s}", comments, operation);
    is(DESK("{'op':'approve','as':'bob',%s,%s}", comments, operation), "error.name", "\"operation_reused\"");
    is(DESK("{'op':'erase','as':'ann',%s,%s}", comments, operation), "error.name", "\"operation_reused\"");
    is(DESK("{'op':'approve','as':'ann','supersede':true,%s,%s}", comments, operation), "error.field", "\"operation\"");
    is(DESK("{'op':'approve','as':'ann',%s,'operation':{'$bin':'0011'}}", comments), "error.name", "\"too_short\"");
    is(DESK("{'op':'approve','as':'ann',%s,'operation':null}", comments), "error.name", "\"missing_field\"");
    end();
}

TEST(a_request_refused_as_a_whole_uses_no_operation_id_up)
{
    static const char *const operation = "'operation':{'$bin':'00112233445566778899aabbccddeeff'}";
    begin();
    submitted("news", "1");
    is(DESK("{'op':'reject','as':'ann','comments':[{'site':'news','comment':'1'}],%s}", operation), "error.name",
       "\"missing_field\"");
    is(DESK("{'op':'reject','as':'ann','comments':[{'site':'news','comment':'1'}],'reasons':['threat'],%s}", operation),
       "results.0.status", "\"rejected\"");
    end();
}

TEST(a_repeated_claim_shows_its_comments_as_they_are_now)
{
    static const char *const request =
        "{'op':'claim','as':'ann','limit':2,'operation':{'$bin':'00112233445566778899aabbccddeeff'}}";
    begin();
    submitted("news", "1");
    submitted("news", "2");
    assert_int_equal(length(DESK("%s", request), "comments"), 2);
    approve("ann", "news", "1");
    erase("news", "2");
    const msgpack_object *again = DESK("%s", request);
    assert_int_equal(length(again, "comments"), 2);
    is(again, "comments.0.state", "\"approved\"");
    is(again, "comments.1.state", "\"erased\"");
    is(again, "comments.1.body", "(nothing)");
    is(again, "refused", "[]");
    end();
}

/* ---- the queue ---- */

static void fill_queue(void)
{
    static const char *const sites[] = {"news", "blog", "sport"};
    char id[16];

    for (int i = 0; i < 30; i++) {
        snprintf(id, sizeof(id), "%02d", i);
        submitted(sites[i * 7 % 3], id);
        rig.now_ms += i % 3 == 0;
    }
}

TEST(the_queue_of_all_sites_is_in_order_of_arrival)
{
    char id[16];

    begin();
    fill_queue();
    const msgpack_object *reply = DESK("{'op':'list'}");
    assert_int_equal(length(reply, "comments"), 30);
    for (int i = 0; i < 30; i++) {
        char path[64];
        snprintf(path, sizeof(path), "comments.%d.comment", i);
        snprintf(id, sizeof(id), "\"%02d\"", i);
        is(reply, path, id);
    }
    is(reply, "next", "(nothing)");
    is(DESK("{'op':'list','site':'blog'}"), "comments.0.site", "\"blog\"");
    assert_int_equal(length(DESK("{'op':'list','site':'blog'}"), "comments"), 10);
    is(DESK("{'op':'list','site':'nowhere'}"), "ok", "true");
    end();
}

TEST(pages_of_every_size_show_each_comment_once_held_or_not)
{
    begin();
    fill_queue();
    DESK("{'op':'claim','as':'ann','limit':7}");
    for (int limit = 1; limit <= 31; limit++) {
        char *next = strdup("null");
        size_t seen = 0;
        while (next) {
            const msgpack_object *page = DESK("{'op':'list','limit':%d,'after':%s}", limit, next);
            for (size_t i = 0; i < length(page, "comments"); i++, seen++) {
                char path[64];
                char id[32];
                snprintf(path, sizeof(path), "comments.%zu.comment", i);
                snprintf(id, sizeof(id), "\"%02zu\"", seen);
                is(page, path, id);
            }
            free(next);
            next = rig_at(page, "next") ? rig_text(rig_at(page, "next")) : NULL;
        }
        assert_int_equal(seen, 30);
    }
    end();
}

TEST(a_site_that_is_not_there_has_an_empty_queue)
{
    begin();
    fill_queue();
    assert_int_equal(length(DESK("{'op':'list','site':'nowhere'}"), "comments"), 0);
    assert_int_equal(length(DESK("{'op':'claim','as':'ann','site':'nowhere'}"), "comments"), 0);
    end();
}

TEST(a_page_is_cut_where_it_grows_too_large)
{
    char *body = malloc(60001);

    assert_non_null(body);
    memset(body, 'x', 60000);
    body[60000] = '\0';
    begin();
    for (int i = 0; i < 9; i++)
        submit("news", (char[2]){(char)('0' + i), '\0'}, 1, body);
    const msgpack_object *page = DESK("{'op':'list'}");
    assert_in_range(length(page, "comments"), 1, 5);
    assert_non_null(rig_at(page, "next"));
    assert_in_range(length(DESK("{'op':'claim','as':'ann','limit':9}"), "comments"), 1, 5);
    const msgpack_object *named =
        DESK("{'op':'claim','as':'bob','comments':[{'site':'news','comment':'4'},{'site':'news','comment':'5'},"
             "{'site':'news','comment':'6'},{'site':'news','comment':'7'},{'site':'news','comment':'8'}]}");
    assert_int_equal(length(named, "comments") + length(named, "refused"), 5);
    is(named, "refused.0.status", "\"busy\"");
    free(body);
    end();
}

TEST(a_place_in_the_queue_is_two_integers)
{
    begin();
    is(DESK("{'op':'list','after':[1]}"), "error.name", "\"out_of_range\"");
    is(DESK("{'op':'list','after':[1,'2']}"), "error.name", "\"bad_type\"");
    is(DESK("{'op':'list','limit':501}"), "error.name", "\"out_of_range\"");
    end();
}

/* ---- large answers: a client takes 20,000 values in one message ---- */

TEST(the_longest_page_of_the_queue_can_be_read_by_a_client)
{
    char id[16];

    begin();
    for (int i = 0; i < 500; i++) {
        snprintf(id, sizeof(id), "%d", i);
        submitted("s", id);
    }
    DESK("{'op':'list','limit':500}");
    end();
}

TEST(a_page_of_comments_with_much_extra_can_be_read_by_a_client)
{
    char zeros[2 * 4000 + 1];
    char id[16];

    for (int i = 0; i < 4000; i++)
        memcpy(zeros + 2 * i, "00", 3);
    begin();
    for (int i = 0; i < 10; i++) {
        snprintf(id, sizeof(id), "%d", i);
        is(FRONT(
               "{'op':'submit','comments':[{'site':'s','comment':'%s','body':'b','extra':{'$raw':'81a161dc0fa0%s'}}]}",
               id, zeros),
           "results.0.status", "\"accepted\"");
    }
    DESK("{'op':'list'}");
    end();
}

TEST(statistics_of_as_many_sites_as_there_may_be_can_be_read_by_a_client)
{
    char site[16];

    begin();
    for (int i = 0; i < 1000; i++) {
        snprintf(site, sizeof(site), "%d", i);
        submitted(site, "1");
    }
    DESK("{'op':'stats'}");
    end();
}

TEST(the_status_of_the_largest_batch_can_be_read_by_a_client)
{
    char *json = strdup("{'op':'status','site':'news','comments':['1'");

    begin();
    rig.settings.limits.value[LIMIT_MAX_BATCH] = 4096;
    submitted("news", "1");
    json = realloc(json, 4096 * 4 + 100);
    for (int i = 1; i < 4096; i++)
        strcat(json, ",'1'");
    strcat(json, "]}");
    assert_non_null(rig_ask(&rig, DOOR_FRONT, json));
    assert_string_equal(rig.wrong, "");
    free(json);
    end();
}

TEST(the_longest_history_can_be_read_by_a_client)
{
    begin();
    submitted("news", "1");
    for (int i = 0; i < 520; i++)
        DESK(
            "{'op':'reject','as':'ann','comments':[{'site':'news','comment':'1'}],'supersede':true,'reasons':['threat',"
            "'profanity','vulgarity','abuse','abuse.sexism','abuse.racism','promotion','off_topic']}");
    const msgpack_object *page = DESK("{'op':'history','site':'news','comment':'1','limit':500}");
    assert_int_equal(length(page, "events"), 500);
    const msgpack_object *rest =
        DESK("{'op':'history','site':'news','comment':'1','limit':500,'before':%lld}", (long long)number(page, "next"));
    assert_int_equal(length(rest, "events"), 21);
    is(rest, "next", "(nothing)");
    end();
}

/* ---- the rest ---- */

TEST(what_a_site_said_of_an_article_stays_until_it_says_otherwise)
{
    begin();
    FRONT("{'op':'submit','comments':[{'site':'news','comment':'1','body':'b','article':{'id':'a'}}]}");
    is(show("news", "1"), "card.article_closed", "(nothing)");
    is(FRONT("{'op':'article','site':'news','article':{'id':'a'},'closed':true}"), "status", "\"stored\"");
    FRONT("{'op':'article','site':'news','article':{'id':'a'},'front_page':false}");
    is(show("news", "1"), "card.article_closed", "true");
    is(show("news", "1"), "card.article_front_page", "false");
    is(FRONT("{'op':'article','site':'news','article':{}}"), "error.field", "\"article.id\"");
    end();
}

TEST(a_listener_confirms_no_more_than_there_is)
{
    static const char *const format = "{'op':'confirm','site':'news','listener':'web1','seq':%d}";
    begin();
    is(FRONT(format, 0), "error.name", "\"not_found\"");
    submitted("news", "1");
    approve("ann", "news", "1");
    is(FRONT(format, 2), "error.name", "\"diverged\"");
    is(FRONT(format, 2), "error.newest", "1");
    is(FRONT(format, 0), "lag", "1");
    const msgpack_object *stats = DESK("{'op':'stats'}");
    is(stats, "listeners.0.lag", "1");
    is(stats, "sites.0.approved", "1");
    is(stats, "sites.0.submitted", "1");
    is(FRONT(format, 1), "lag", "0");
    end();
}

TEST(figures_follow_what_happens)
{
    begin();
    fill_queue();
    DESK("{'op':'claim','as':'ann','site':'news','limit':3}");
    DESK("{'op':'escalate','as':'ann','comments':[{'site':'news','comment':'27'}]}");
    reject("ann", "news", "00");
    const msgpack_object *stats = DESK("{'op':'stats'}");
    is(stats, "sites.0.pending", "9");
    is(stats, "sites.0.claimed", "2");
    is(stats, "sites.0.escalated", "1");
    is(stats, "sites.0.rejected", "1");
    is(stats, "sites.0.newest", "1");
    end();
}

TEST(status_tells_of_each_comment_by_itself)
{
    begin();
    submitted("news", "1");
    const msgpack_object *reply = FRONT("{'op':'status','site':'news','comments':['1','2',3,'']}");
    is(reply, "results.0.status", "\"found\"");
    is(reply, "results.0.seq", "(nothing)");
    is(reply, "results.0.reasons", "[]");
    is(reply, "results.1.status", "\"not_found\"");
    is(reply, "results.2.status", "\"bad_type\"");
    is(reply, "results.2.comment", "(nothing)");
    is(reply, "results.3.status", "\"too_short\"");
    is(FRONT("{'op':'status','site':'nowhere','comments':['1']}"), "results.0.status", "\"not_found\"");
    end();
}

TEST(the_policy_of_a_site_is_told_with_every_text)
{
    begin();
    const msgpack_object *reply = FRONT("{'op':'policy','site':'news'}");
    is(reply, "policy.version", "\"house-rules-1\"");
    is(reply, "policy.reports_reopen", "3");
    assert_int_equal(length(reply, "policy.reasons"), 14);
    end();
}

TEST(time_on_the_wall_may_go_back_and_the_log_does_not)
{
    begin();
    submitted("news", "1");
    int64_t at = rig.now_ms;
    rig.now_ms -= 500;
    const msgpack_object *reply = approve("ann", "news", "1");
    is_int(reply, "results.0.decided_at", at);
    end();
}
