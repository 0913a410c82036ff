/* A second look: another moderator judges a decided comment without knowing the decision. */
#include "../lib/talk.h"

#include <stdio.h>
#include <stdlib.h>

static void begin_with(double share)
{
    begin();
    rig.settings.policy->second_look = share; /* all rigs share it */
    rig.settings.policy->queue.order = ORDER_OLDEST;
}

static void submit(const char *site, int id)
{
    is(FRONT("{'op':'submit','comments':[{'site':'%s','comment':'%d','body':'b'}]}", site, id), "results.0.status",
       "\"accepted\"");
}

static const msgpack_object *approve(const char *as, const char *site, int id)
{
    return DESK("{'op':'approve','as':'%s','comments':[{'site':'%s','comment':'%d'}]}", as, site, id);
}

static const msgpack_object *reject(const char *as, const char *site, int id, const char *reason)
{
    return DESK("{'op':'reject','as':'%s','comments':[{'site':'%s','comment':'%d'}],'reasons':['%s'],'note':'why'}", as,
                site, id, reason);
}

static const msgpack_object *claim(const char *as)
{
    return DESK("{'op':'claim','as':'%s','limit':10}", as);
}

static const msgpack_object *show(const char *as, int id)
{
    return DESK("{'op':'show','as':'%s','site':'news','comment':'%d'}", as, id);
}

static const msgpack_object *history(const char *as, int id)
{
    return DESK("{'op':'history','as':'%s','site':'news','comment':'%d'}", as, id);
}

/* Comment 1 of "news", rejected for profanity by ann, and held by bob for a second look. */
static void begin_held(void)
{
    begin_with(1);
    submit("news", 1);
    is(reject("ann", "news", 1, "profanity"), "results.0.seq", "1");
    is(claim("bob"), "comments.0.comment", "\"1\"");
}

/* ---- who is given what ---- */

TEST(nothing_is_looked_at_again_unless_the_policy_says_so)
{
    begin_with(0);
    submit("news", 1);
    approve("ann", "news", 1);
    is(claim("bob"), "comments", "[]");
    end();
}

TEST(a_decision_is_looked_at_again_by_somebody_else)
{
    begin_with(1);
    submit("news", 1);
    approve("ann", "news", 1);
    is(claim("ann"), "comments", "[]");
    is(claim("bob"), "comments.0.comment", "\"1\"");
    is(claim("eve"), "comments", "[]");
    end();
}

TEST(second_looks_are_among_the_queue_by_their_time)
{
    begin_with(1);
    for (int id = 1; id <= 4; id++)
        submit(id == 3 ? "blog" : "news", id);
    approve("ann", "news", 2);
    approve("ann", "blog", 3);
    const msgpack_object *given = DESK("{'op':'claim','as':'bob','limit':3}");
    is(given, "comments.0.comment", "\"1\"");
    is(given, "comments.1.comment", "\"2\"");
    is(given, "comments.2.comment", "\"3\"");
    is(given, "comments.3", NOTHING);
    DESK("{'op':'release','as':'bob'}");
    given = DESK("{'op':'claim','as':'bob','limit':2}");
    is(given, "comments.1.comment", "\"2\"");
    is(given, "comments.2", NOTHING);
    DESK("{'op':'release','as':'bob'}");
    given = DESK("{'op':'claim','as':'bob','limit':10,'site':'news'}");
    is(given, "comments.1.comment", "\"2\"");
    is(given, "comments.2.comment", "\"4\"");
    is(given, "comments.3", NOTHING);
    end();
}

TEST(second_looks_are_among_the_queue_in_any_order)
{
    begin_with(1);
    rig.settings.policy->queue.order = ORDER_NEWEST;
    for (int id = 1; id <= 4; id++, rig.now_ms += 1000)
        submit("news", id);
    approve("ann", "news", 2);
    approve("ann", "news", 3);
    const msgpack_object *given = DESK("{'op':'claim','as':'bob','limit':4}");
    for (int i = 0; i < 4; i++) {
        char path[32], comment[8];
        snprintf(path, sizeof(path), "comments.%d.comment", i);
        snprintf(comment, sizeof(comment), "\"%d\"", 4 - i);
        is(given, path, comment);
    }
    end();
}

TEST(one_site_may_have_second_looks_while_others_have_none)
{
    struct policy looking;

    begin_with(0);
    looking = *rig.settings.policy;
    looking.second_look = 1;
    struct settings_site sites[] = {{.name = "fair", .policy = rig.settings.policy},
                                    {.name = "blog", .policy = &looking}};
    rig.settings.sites = sites;
    rig.settings.site_count = 2;
    submit("news", 1);
    submit("blog", 2);
    approve("ann", "news", 1);
    approve("ann", "blog", 2);
    const msgpack_object *given = claim("bob");
    is(given, "comments.0.comment", "\"2\"");
    is(given, "comments.1", NOTHING);
    rig.settings.site_count = 0;
    rig.settings.sites = NULL;
    end();
}

TEST(what_was_escalated_is_not_looked_at_again)
{
    begin_with(1);
    submit("news", 1);
    DESK("{'op':'escalate','as':'ann','comments':[{'site':'news','comment':'1'}]}");
    approve("ann", "news", 1);
    is(claim("bob"), "comments", "[]");
    is(DESK("{'op':'claim','as':'bob','lane':'escalated'}"), "comments", "[]");
    end();
}

/* So many comments are submitted and approved, a hundred in a request. Returns how many wait for a second look. */
static int64_t approve_many(int count)
{
    enum { AT_ONCE = 100 };
    struct store_queue figures;

    for (int first = 1; first <= count; first += AT_ONCE) {
        char *list = NULL;
        size_t bytes;
        FILE *out = open_memstream(&list, &bytes);
        for (int i = 0; i < AT_ONCE; i++)
            fprintf(out, "%s{'site':'news','comment':'%d','body':'b'}", i ? "," : "", first + i);
        fclose(out);
        FRONT("{'op':'submit','comments':[%s]}", list);
        DESK("{'op':'approve','as':'ann','comments':[%s]}", list);
        free(list);
    }
    assert_int_equal(rig.store->ops->queue_figures(rig.store, 1, &figures), STORE_OK);
    return figures.second;
}

TEST(no_more_than_a_thousand_wait)
{
    begin_with(1);
    assert_int_equal(approve_many(1100), 1000);
    end();
}

TEST(one_in_so_many_is_chosen)
{
    begin_with(0.1);
    assert_in_range(approve_many(2000), 120, 280); /* 6 standard deviations about 200 */
    end();
}

TEST(a_second_look_can_be_renewed_released_skipped_and_lost)
{
    begin_held();
    is(DESK("{'op':'renew','as':'bob'}"), "results.0.status", "\"renewed\"");
    is(DESK("{'op':'claim','as':'bob','comments':[{'site':'news','comment':'1'}]}"), "comments.0.state", "\"pending\"");
    is(DESK("{'op':'claim','as':'eve','comments':[{'site':'news','comment':'1'}]}"), "refused.0.status",
       "\"already_decided\"");
    is(DESK("{'op':'release','as':'bob'}"), "results.0.status", "\"released\"");
    is(claim("bob"), "comments.0.comment", "\"1\"");
    rig.work.boot_ms += 300001;
    is(claim("eve"), "comments.0.comment", "\"1\"");
    is(DESK("{'op':'skip','as':'eve','comments':[{'site':'news','comment':'1'}]}"), "results.0.status", "\"skipped\"");
    is(claim("eve"), "comments", "[]");
    is(claim("bob"), "comments.0.comment", "\"1\"");
    is(DESK("{'op':'skip','as':'eve','comments':[{'site':'news','comment':'1'}]}"), "results.0.status",
       "\"already_decided\"");
    end();
}

TEST(a_second_look_outlives_a_restart)
{
    begin_held();
    assert_true(rig_restart(&rig));
    rig.work.boot_ms += 300001;
    is(claim("bob"), "comments.0.comment", "\"1\"");
    end();
}

/* ---- what the holder sees ---- */

static void check_blind(const msgpack_object *card)
{
    static const char *const hidden[] = {"decided_by", "decided_at", "reasons", "note", "seq"};

    is(card, "state", "\"pending\"");
    is(card, "lane", "\"normal\"");
    is(card, "claimed_by", "\"bob\"");
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
        is(card, hidden[i], NOTHING);
}

TEST(the_holder_sees_a_pending_comment_and_others_the_decision)
{
    begin_held();
    check_blind(rig_at(show("bob", 1), "card"));
    is(history("bob", 1), "events.0.kind", "\"submitted\"");
    is(history("bob", 1), "events.1", NOTHING);
    is(DESK("{'op':'history','as':'bob','site':'news','comment':'1','before':3}"), "events.0.kind", "\"submitted\"");
    is(DESK("{'op':'history','as':'bob','site':'news','comment':'1','before':2}"), "events.0.kind", "\"submitted\"");
    is(show("ann", 1), "card.state", "\"rejected\"");
    is(show("ann", 1), "card.lane", "\"normal\"");
    is(show("ann", 1), "card.decided_by", "\"ann\"");
    is(history("eve", 1), "events.0.kind", "\"claimed\"");
    is(history("eve", 1), "events.1.kind", "\"rejected\"");
    DESK("{'op':'release','as':'bob'}");
    is(show("bob", 1), "card.state", "\"rejected\"");
    end();
}

TEST(what_stands_around_a_comment_does_not_tell_its_holder_either)
{
    begin_with(1);
    is(FRONT("{'op':'submit','comments':[{'site':'news','comment':'1','body':'b','author':{'id':'a'}}]}"),
       "results.0.status", "\"accepted\"");
    DESK("{'op':'note','as':'eve','site':'news','comment':'1','note':'before'}");
    reject("ann", "news", 1, "profanity");
    DESK("{'op':'note','as':'eve','site':'news','comment':'1','note':'after'}");
    is(show("bob", 1), "seen.0.kind", "\"rejected\"");
    is(claim("bob"), "comments.0.comment", "\"1\"");
    is(show("bob", 1), "seen", "[]");
    is(show("bob", 1), "notes.0.note", "\"before\"");
    is(show("bob", 1), "notes.1", NOTHING);
    is(show("bob", 1), "author_record.pending", "1");
    is(show("bob", 1), "author_record.rejected", "0");
    is(show("bob", 1), "author_record.reasons", "[]");
    is(show("eve", 1), "seen.0.kind", "\"claimed\"");
    is(show("eve", 1), "notes.0.note", "\"after\"");
    end();
}

TEST(its_holder_sees_it_as_pending_in_every_list_and_as_a_parent)
{
    begin_with(1);
    submit("news", 1);
    is(FRONT("{'op':'submit','comments':[{'site':'news','comment':'2','body':'b','parent':'1'}]}"), "results.0.status",
       "\"accepted\"");
    reject("ann", "news", 1, "profanity");
    is(DESK("{'op':'list','as':'bob','state':'rejected'}"), "comments.0.comment", "\"1\"");
    is(DESK("{'op':'claim','as':'bob'}"), "comments.0.comment", "\"1\"");
    check_blind(rig_at(show("bob", 2), "parent_card"));
    is(DESK("{'op':'list','as':'bob','state':'rejected'}"), "comments", "[]");
    is(DESK("{'op':'list','as':'bob','state':'any','by':'ann'}"), "comments", "[]");
    is(DESK("{'op':'list','as':'bob','state':'any'}"), "comments.1.comment", "\"1\"");
    check_blind(rig_at(DESK("{'op':'list','as':'bob','state':'any'}"), "comments.1"));
    is(DESK("{'op':'list','as':'eve','state':'rejected'}"), "comments.0.decided_by", "\"ann\"");
    is(show("eve", 2), "parent_card.decided_by", "\"ann\"");
    end();
}

TEST(an_approval_does_not_show_by_the_reports_that_it_settled)
{
    begin_with(1);
    submit("news", 1);
    FRONT("{'op':'report','site':'news','comment':'1','reader':'r'}");
    approve("ann", "news", 1);
    is(show("bob", 1), "card.reports", "0");
    is(claim("bob"), "comments.0.reports", "1");
    is(show("bob", 1), "card.reports", "1");
    is(show("eve", 1), "card.reports", "0");
    end();
}

TEST(the_claim_itself_shows_nothing_and_neither_does_its_repeat)
{
    static const char *const again =
        "{'op':'claim','as':'bob','operation':{'$bin':'99112233445566778899aabbccddeeff'}}";

    begin_with(1);
    submit("news", 1);
    approve("ann", "news", 1);
    check_blind(rig_at(DESK("%s", again), "comments.0"));
    check_blind(rig_at(DESK("%s", again), "comments.0"));
    end();
}

/* ---- what the second moderator says ---- */

TEST(agreeing_leaves_the_decision_as_it_is)
{
    begin_held();
    const msgpack_object *result = rig_at(reject("bob", "news", 1, "profanity"), "results.0");
    is(result, "status", "\"rejected\"");
    is(result, "seq", NOTHING);
    is(result, "second_look", "true");
    is(result, "agreed", "true");
    is(show("bob", 1), "card.decided_by", "\"ann\"");
    is(show("bob", 1), "card.claimed_by", NOTHING);
    is(show("bob", 1), "card.seq", "1");
    const msgpack_object *event = rig_at(history("bob", 1), "events.0");
    is(event, "kind", "\"second_look\"");
    is(event, "actor", "\"bob\"");
    is(event, "decision", "\"rejected\"");
    is(event, "reasons.0", "\"profanity\"");
    is(event, "agreed", "true");
    is(event, "same_reasons", "true");
    is(event, "note", "\"why\"");
    is(claim("eve"), "comments", "[]");
    is(reject("bob", "news", 1, "profanity"), "results.0.status", "\"already_decided\"");
    end();
}

TEST(other_reasons_are_an_agreement_that_is_written_down)
{
    begin_held();
    is(reject("bob", "news", 1, "threat"), "results.0.agreed", "true");
    is(history("bob", 1), "events.0.same_reasons", "false");
    is(show("bob", 1), "card.state", "\"rejected\"");
    is(show("bob", 1), "card.reasons.0", "\"profanity\"");
    end();
}

TEST(one_reason_of_several_in_common_is_enough)
{
    begin_with(1);
    submit("news", 1);
    is(DESK("{'op':'reject','as':'ann','comments':[{'site':'news','comment':'1'}],'reasons':['profanity','threat']}"),
       "results.0.seq", "1");
    is(claim("bob"), "comments.0.comment", "\"1\"");
    const msgpack_object *reply = DESK("{'op':'reject','as':'bob','comments':[{'site':'news','comment':'1'}],"
                                       "'reasons':['vulgarity','threat']}");
    char now[32];
    snprintf(now, sizeof(now), "%lld", (long long)rig.now_ms);
    is(reply, "results.0.decided_at", now);
    is(history("bob", 1), "events.0.same_reasons", "true");
    is(history("bob", 1), "events.0.reasons", "[\"vulgarity\", \"threat\"]");
    end();
}

TEST(two_who_disagree_leave_it_to_the_lane_escalated)
{
    begin_held();
    const msgpack_object *result = rig_at(approve("bob", "news", 1), "results.0");
    is(result, "status", "\"approved\"");
    is(result, "agreed", "false");
    is(result, "seq", NOTHING);
    is(show("bob", 1), "card.state", "\"pending\"");
    is(show("bob", 1), "card.lane", "\"escalated\"");
    is(show("bob", 1), "card.claimed_by", NOTHING);
    const msgpack_object *events = history("bob", 1);
    is(events, "events.0.kind", "\"reopened\"");
    is(events, "events.0.cause", "\"second_look\"");
    is(events, "events.0.supersedes", "1");
    is(events, "events.0.seq", "2");
    is(events, "events.1.kind", "\"second_look\"");
    is(events, "events.1.decision", "\"approved\"");
    is(events, "events.1.agreed", "false");
    is(events, "events.1.same_reasons", NOTHING);
    is(claim("eve"), "comments", "[]");
    is(DESK("{'op':'claim','as':'eve','lane':'escalated'}"), "comments.0.comment", "\"1\"");
    is(DESK("{'op':'approve','as':'eve','comments':[{'site':'news','comment':'1'}]}"), "results.0.seq", "3");
    end();
}

TEST(who_escalates_instead_disagrees_without_a_decision)
{
    begin_held();
    const msgpack_object *result = rig_at(
        DESK("{'op':'escalate','as':'bob','note':'hard','comments':[{'site':'news','comment':'1'}]}"), "results.0");
    is(result, "status", "\"escalated\"");
    is(result, "second_look", "true");
    is(result, "agreed", "false");
    const msgpack_object *events = history("eve", 1);
    is(events, "events.1.kind", "\"second_look\"");
    is(events, "events.1.decision", NOTHING);
    is(events, "events.1.note", "\"hard\"");
    is(events, "events.0.cause", "\"second_look\"");
    is(show("eve", 1), "card.lane", "\"escalated\"");
    end();
}

TEST(the_judgement_is_checked_like_a_decision)
{
    begin_held();
    is(DESK("{'op':'approve','as':'bob','comments':[{'site':'news','comment':'1','revision':2}]}"), "results.0.status",
       "\"stale_revision\"");
    is(reject("bob", "news", 1, "no.such"), "results.0.status", "\"unknown_reason\"");
    is(DESK("{'op':'escalate','as':'bob','comments':[{'site':'news','comment':'1','revision':2}]}"), "results.0.status",
       "\"stale_revision\"");
    check_blind(rig_at(show("bob", 1), "card"));
    is(DESK("{'op':'approve','as':'bob','supersede':true,'comments':[{'site':'news','comment':'1'}]}"),
       "results.0.second_look", "true");
    end();
}

/* ---- what ends it ---- */

TEST(whatever_else_happens_ends_the_second_look)
{
    static const struct {
        enum door door;
        const char *json, *then;
    } rows[] = {
        {DOOR_FRONT, "{'op':'withdraw','site':'news','comment':'1'}", "\"withdrawn\""},
        {DOOR_FRONT, "{'op':'submit','comments':[{'site':'news','comment':'1','revision':2,'body':'c'}]}",
         "\"approved\""},
        {DOOR_DESK, "{'op':'erase','as':'eve','comments':[{'site':'news','comment':'1'}]}", "\"erased\""},
        {DOOR_DESK, "{'op':'undo','as':'eve','records':[{'site':'news','seq':1}]}", "\"approved\""},
        {DOOR_DESK, "{'op':'approve','as':'eve','supersede':true,'comments':[{'site':'news','comment':'1'}]}",
         "\"already_decided\""},
        {DOOR_DESK,
         "{'op':'reject','as':'eve','supersede':true,'reasons':['threat'],'comments':[{'site':'news','comment':'1'}]}",
         "\"already_decided\""},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct store_queue figures;
        begin_held();
        const msgpack_object *done = ask(rows[i].door, "%s", rows[i].json);
        is(done, "results.0.error", NOTHING);
        assert_int_equal(rig.store->ops->queue_figures(rig.store, 1, &figures), STORE_OK);
        assert_int_equal(figures.second, 0);
        assert_int_equal(figures.claimed, 0);
        is(show("bob", 1), "card.claimed_by", NOTHING);
        const msgpack_object *after = approve("bob", "news", 1);
        is(after, "results.0.status", rows[i].then);
        is(after, "results.0.second_look", NOTHING);
        end();
    }
}

TEST(reports_that_reopen_end_the_second_look)
{
    begin_with(1);
    submit("news", 1);
    approve("ann", "news", 1);
    is(claim("bob"), "comments.0.comment", "\"1\"");
    for (int i = 0; i < 3; i++)
        FRONT("{'op':'report','site':'news','comment':'1','reader':'%d'}", i);
    is(show("bob", 1), "card.state", "\"pending\"");
    is(show("bob", 1), "card.seq", "2");
    is(show("bob", 1), "card.claimed_by", NOTHING);
    is(reject("bob", "news", 1, "threat"), "results.0.seq", "3");
    end();
}

TEST(a_batch_tells_of_a_judgement)
{
    begin_held();
    DESK("{'op':'approve','as':'bob','batch':{'$bin':'00112233445566778899aabbccddeeff'},"
         "'comments':[{'site':'news','comment':'1'}]}");
    const msgpack_object *told = DESK("{'op':'batch','batch':{'$bin':'00112233445566778899aabbccddeeff'}}");
    is(told, "records.0.kind", "\"second_look\"");
    is(told, "records.0.seq", NOTHING);
    is(told, "records.0.current", "false");
    is(told, "records.1", NOTHING);
    end();
}
