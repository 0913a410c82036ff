"""The desk socket's requests, asked by a client written from PROTOCOL.md."""
import glob
import msgpack
import os
import secrets
import time

import tap
from cases import Case, event, eventually, fresh, now_ms, sha256
from modq import Raw

LEASE_MS = 300_000


def keys(cards):
    return [card["comment"] for card in cards]


class Listing(Case):
    def submit_many(self, count, site=None):
        names = [f"{number:04}" for number in range(count)]
        self.front.submit([event(site or self.site, name) for name in names])
        return names

    def pages(self, limit, **more):
        found, after = [], None
        while True:
            reply = self.ann.list(site=self.site, limit=limit, after=after, **more)
            self.assertLessEqual(len(reply["comments"]), limit)
            found += keys(reply["comments"])
            after = reply["next"]
            if after is None:
                return found
            self.assertGreater(len(reply["comments"]), 0)

    def test_queue_is_served_in_order_of_arrival(self):
        names = self.submit_many(60)
        self.assertEqual(keys(self.ann.list(site=self.site)["comments"]), names[:50])
        self.assertEqual(self.pages(7), names)
        self.assertEqual(self.pages(500), names)
        self.assertEqual(self.pages(60), names)

    def test_cursor_goes_on_where_comments_went_away(self):
        names = self.submit_many(20)
        page = self.ann.list(site=self.site, limit=10)
        self.assertEqual(len(page["next"]), 2)
        self.ann.approve([self.named(name) for name in names[5:12]])
        rest = self.ann.list(site=self.site, limit=10, after=page["next"])
        self.assertEqual(keys(rest["comments"]), names[12:])

    def test_page_is_cut_by_size_and_loses_nothing(self):
        names = [fresh() for _ in range(12)]
        self.front.submit([event(self.site, name, "ж" * 32768) for name in names])
        page = self.ann.list(site=self.site, limit=500)
        self.assertTrue(1 <= len(page["comments"]) < 12, len(page["comments"]))
        self.assertEqual(self.pages(500), names)

    def test_sites_and_all_sites(self):
        other = fresh("site-")
        mine, theirs = self.pending(), self.pending(site=other)
        self.assertEqual(keys(self.ann.list(site=other)["comments"]), [theirs["comment"]])
        self.assertEqual(self.ann.list(site="no-such-site")["comments"], [])
        everything, after = set(), None
        while True:
            reply = self.ann.list(limit=500, after=after)
            everything |= {(card["site"], card["comment"]) for card in reply["comments"]}
            after = reply["next"]
            if after is None:
                break
        self.assertLessEqual({(self.site, mine["comment"]), (other, theirs["comment"])}, everything)

    def test_lanes_are_apart(self):
        first, second = self.pending(), self.pending()
        self.ann.escalate([first])
        self.assertEqual(keys(self.ann.list(site=self.site)["comments"]), [second["comment"]])
        self.assertEqual(keys(self.ann.list(site=self.site, lane="escalated")["comments"]), [first["comment"]])
        self.assertEqual(keys(self.ann.list(site=self.site, lane="normal")["comments"]), [second["comment"]])

    def test_comments_of_others_are_listed_with_their_holder(self):
        item = self.pending()
        self.bob.claim(comments=[item])
        card, = self.ann.list(site=self.site)["comments"]
        self.assertEqual(card["claimed_by"], "bob")

    def test_new_revision_queues_by_its_own_arrival_and_reopening_keeps_the_place(self):
        a, b, c = (self.pending() for _ in range(3))
        seq = self.approve(a)
        self.undo(seq)
        self.assertEqual(keys(self.ann.list(site=self.site)["comments"]), [i["comment"] for i in (a, b, c)])
        self.submit_one(b["comment"], "newer", revision=2)
        self.assertEqual(keys(self.ann.list(site=self.site)["comments"]), [i["comment"] for i in (a, c, b)])

    def test_bad_fields_are_named(self):
        for name, field, fields in (("out_of_range", "limit", {"limit": 0}), ("out_of_range", "limit", {"limit": 501}),
                                    ("bad_value", "lane", {"lane": "fast"}), ("bad_type", "after", {"after": 1}),
                                    ("bad_type", "site", {"site": 1})):
            error = self.assert_fails(name, self.ann.call, "list", **fields)
            self.assertEqual(error["field"], field)


class Claiming(Case):
    def test_next_ones_of_the_queue_are_claimed(self):
        items = [self.pending() for _ in range(5)]
        before = now_ms()
        cards = self.ann.claim(site=self.site, limit=3)["comments"]
        self.assertEqual(keys(cards), [item["comment"] for item in items[:3]])
        for card in cards:
            self.assertEqual(card["claimed_by"], "ann")
            self.assertLess(abs(card["claimed_until"] - before - LEASE_MS), 10_000)
        self.assertEqual(keys(self.bob.claim(site=self.site, limit=10)["comments"]), [i["comment"] for i in items[3:]])
        self.assertEqual(self.bob.claim(site=self.site)["comments"], [])

    def test_one_is_claimed_when_no_number_is_given(self):
        self.pending(), self.pending()
        self.assertEqual(len(self.ann.claim(site=self.site)["comments"]), 1)

    def test_named_ones_are_claimed_or_refused_for_themselves(self):
        mine, held, decided = self.pending(), self.pending(), self.approved()[0]
        withdrawn, erased = self.pending(), self.pending()
        self.front.withdraw(self.site, withdrawn["comment"])
        self.ann.erase([erased])
        self.bob.claim(comments=[held])
        reply = self.ann.claim(comments=[mine, held, decided, withdrawn, erased, self.named("none")])
        self.assertEqual(keys(reply["comments"]), [mine["comment"]])
        self.assertEqual([r["status"] for r in reply["refused"]], ["claimed", "already_decided", "withdrawn", "erased", "not_found"])
        error = reply["refused"][0]["error"]
        self.assertEqual(error["by"], "bob")
        self.assertGreater(error["until"], now_ms())

    def test_claiming_again_renews(self):
        item = self.pending()
        first = self.ann.claim(comments=[item], lease_ms=10_000)["comments"][0]["claimed_until"]
        second = self.ann.claim(comments=[item], lease_ms=60_000)["comments"][0]["claimed_until"]
        self.assertGreater(second, first + 30_000)

    def test_claim_ends_by_itself(self):
        item = self.pending()
        self.ann.claim(comments=[item], lease_ms=1000)
        self.assertEqual(self.bob.claim(comments=[item])["refused"][0]["status"], "claimed")
        time.sleep(1.1)
        self.assertEqual(self.card_of(item)["claimed_by"], None)
        self.assertEqual(keys(self.bob.claim(comments=[item])["comments"]), [item["comment"]])
        self.assertEqual(self.ann.renew([item])[0]["status"], "not_held")
        kinds = [e["kind"] for e in self.ann.history(self.site, item["comment"])["events"]]
        self.assertIn("lease_expired", kinds)

    def test_renew_keeps_and_release_gives_back(self):
        item = self.pending()
        self.ann.claim(comments=[item], lease_ms=5000)
        result, = self.ann.renew([item], lease_ms=100_000)
        self.assertEqual(result["status"], "renewed")
        self.assertEqual(self.card_of(item)["claimed_until"], result["claimed_until"])
        self.assertGreater(result["claimed_until"], now_ms() + 50_000)
        self.assert_item(self.bob.renew([item])[0], "not_held")
        self.assert_item(self.bob.release([item])[0], "not_held")
        self.assertEqual(self.ann.release([item])[0]["status"], "released")
        self.assert_item(self.ann.release([item])[0], "not_held")
        self.assert_item(self.ann.renew([self.named("unknown")])[0], "not_held")
        self.assertIsNone(self.card_of(item)["claimed_by"])

    def test_renew_and_release_of_all_that_is_held(self):
        carl = self.daemon.desk("carl")
        items = [self.pending() for _ in range(3)]
        carl.claim(comments=items)
        self.assertEqual([r["status"] for r in carl.renew()], ["renewed"] * 3)
        results = carl.release()
        self.assertEqual({r["comment"] for r in results}, {i["comment"] for i in items})
        self.assertEqual(carl.release(), [])

    def test_nobody_holds_more_than_the_limit(self):
        most = self.front.limits()["claims_per_moderator"]
        dora = self.daemon.desk("dora")
        self.front.submit([event(self.site, str(number)) for number in range(most + 2)])
        given = 0
        while cards := dora.claim(site=self.site, limit=100)["comments"]:
            given += len(cards)
        self.assertEqual(given, most)
        refused, = dora.claim(comments=[self.named(str(most))])["refused"]
        self.assertEqual(self.assert_item(refused, "too_many_claims")["max"], most)
        self.assertEqual(len(dora.claim(comments=[self.named("0")])["comments"]), 1)
        dora.release([self.named("0")])
        self.assertEqual(len(dora.claim(comments=[self.named(str(most))])["comments"]), 1)
        dora.release()

    def test_what_does_not_fit_the_answer_is_not_claimed(self):
        items = [self.pending("ж" * 32768) for _ in range(8)]
        reply = self.ann.claim(comments=items)
        got = keys(reply["comments"])
        self.assertTrue(1 <= len(got) < 8, got)
        self.assertEqual({r["status"] for r in reply["refused"]}, {"busy"})
        self.assertEqual(len(got) + len(reply["refused"]), 8)
        for item in items:
            self.assertEqual(self.card_of(item)["claimed_by"], "ann" if item["comment"] in got else None)
        self.assertGreater(len(self.bob.claim(site=self.site, limit=8)["comments"]), 0)

    def test_escalated_lane_is_claimed_by_its_name(self):
        item = self.pending()
        self.ann.escalate([item])
        self.assertEqual(self.ann.claim(site=self.site)["comments"], [])
        self.assertEqual(keys(self.ann.claim(site=self.site, lane="escalated")["comments"]), [item["comment"]])

    def test_claim_of_another_stops_decisions_and_escalation(self):
        item = self.pending()
        self.bob.claim(comments=[item])
        for result in (self.ann.approve([item])[0], self.ann.reject([item], self.reasons[:1])[0], self.ann.escalate([item])[0]):
            self.assertEqual(self.assert_item(result, "claimed")["by"], "bob")
        self.approve(item, self.bob)
        self.assertIsNone(self.card_of(item)["claimed_by"])

    def test_every_change_of_state_ends_the_claim(self):
        changes = (lambda i: self.front.withdraw(i["site"], i["comment"]), lambda i: self.ann.erase([i]),
                   lambda i: self.bob.escalate([i]), lambda i: self.submit_one(i["comment"], "n", revision=2))
        for change in changes:
            item = self.pending()
            self.bob.claim(comments=[item])
            change(item)
            self.assertIsNone(self.card_of(item)["claimed_by"])

    def test_lease_out_of_range_is_refused(self):
        item = self.pending()
        for lease in (999, 3_600_001):
            error = self.assert_fails("out_of_range", self.ann.claim, comments=[item], lease_ms=lease)
            self.assertEqual((error["field"], error["min"], error["max"]), ("lease_ms", 1000, 3_600_000))
        self.assert_fails("out_of_range", self.ann.claim, comments=[item] * 101)
        self.assert_fails("out_of_range", self.ann.claim, limit=101)


class Deciding(Case):
    def test_approval_is_a_record(self):
        item = self.pending("text")
        before = now_ms()
        result, = self.ann.approve([item], note="fine")
        self.assertEqual((result["site"], result["comment"], result["revision"], result["seq"]), (*item.values(), 1))
        self.assertGreaterEqual(result["decided_at"], before - 1000)
        record, = self.records()
        self.assertEqual((record["decision"], record["cause"], record["body_sha256"]), ("approved", "moderator", sha256("text")))
        self.assertEqual((record["decided_at"], record["undoes"], record["supersedes"]), (result["decided_at"], None, None))
        card = self.card_of(item)
        self.assertEqual((card["state"], card["decided_by"], card["note"], card["seq"]), ("approved", "ann", "fine", 1))

    def test_rejection_names_its_reasons(self):
        item = self.pending()
        reasons = self.reasons[:2]
        result, = self.ann.reject([item], reasons)
        self.assertEqual(result["status"], "rejected")
        self.assertEqual(self.records()[-1]["reasons"], reasons)
        self.assertEqual(self.card_of(item)["reasons"], reasons)

    def test_rejection_without_reasons_or_with_bad_ones_is_refused(self):
        item = self.pending()
        one = self.reasons[0]
        self.assertEqual(self.assert_fails("missing_field", self.ann.reject, [item], None)["field"], "reasons")
        self.assert_fails("out_of_range", self.ann.reject, [item], [])
        self.assert_fails("out_of_range", self.ann.reject, [item], [one] * 9)
        self.assert_fails("bad_value", self.ann.reject, [item], [one, one])
        self.assert_item(self.ann.reject([item], ["no.such"])[0], "unknown_reason")
        self.assertEqual(self.state_of(item), "pending")

    def test_reason_that_needs_a_note_is_refused_without(self):
        if not self.noted_reasons:
            self.skipTest("no reason of the default policy needs a note")
        item = self.pending()
        self.assert_item(self.ann.reject([item], self.noted_reasons[:1])[0], "note_needed")
        self.assertEqual(self.ann.reject([item], self.noted_reasons[:1], note="because")[0]["status"], "rejected")

    def test_second_decision_is_told_who_what_and_when(self):
        item = self.pending()
        first, = self.ann.reject([item], self.reasons[:1])
        error = self.assert_item(self.bob.approve([item])[0], "already_decided")
        self.assertEqual((error["decision"], error["by"], error["at"], error["seq"], error["reasons"]),
                         ("rejected", "ann", first["decided_at"], first["seq"], self.reasons[:1]))

    def test_supersede_replaces_a_decision_expressly(self):
        item, first = self.approved()
        self.assert_item(self.bob.reject([item], self.reasons[:1])[0], "already_decided")
        self.assert_item(self.bob.reject([{**item, "seq": first + 7}], self.reasons[:1], supersede=True)[0], "already_decided")
        second = self.reject({**item, "seq": first}, self.bob, supersede=True)
        self.assertEqual(self.records()[-1]["supersedes"], first)
        third = self.reject({**item, "seq": second}, reasons=self.reasons[1:2], supersede=True)
        self.assertEqual(self.records()[-1]["reasons"], self.reasons[1:2])
        self.approve({**item, "seq": third}, supersede=True)
        self.assert_item(self.ann.approve([item], supersede=True)[0], "already_decided")

    def test_supersede_of_a_number_on_a_pending_comment_is_not_current(self):
        item, seq = self.approved()
        self.undo(seq)
        error = self.assert_item(self.ann.approve([{**item, "seq": seq}], supersede=True)[0], "not_current")
        self.assertEqual((error["state"], error["seq"]), ("pending", seq + 1))
        self.approve({**item, "seq": 99})

    def test_another_revision_than_was_read_is_stale(self):
        item = self.pending(revision=2)
        for revision in (1, 3):
            for result in (self.ann.approve([{**item, "revision": revision}])[0],
                           self.ann.reject([{**item, "revision": revision}], self.reasons[:1])[0],
                           self.ann.escalate([{**item, "revision": revision}])[0]):
                self.assertEqual(self.assert_item(result, "stale_revision")["revision"], 2)

    def test_batch_is_decided_item_by_item(self):
        good, decided = [self.pending() for _ in range(3)], self.approved()[0]
        results = self.ann.approve([good[0], self.named("none"), good[1], decided, good[2], good[0]])
        self.assertEqual([r["status"] for r in results],
                         ["approved", "not_found", "approved", "already_decided", "approved", "already_decided"])
        self.assertEqual([r["comment"] for r in results][:2], [good[0]["comment"], "none"])

    def test_first_of_several_faults_is_told_in_the_order_of_the_document(self):
        bad = {"reasons": ["no.such"]}
        erased, withdrawn, item = self.pending(), self.pending(), self.pending()
        decided, _ = self.approved()
        self.front.withdraw(self.site, withdrawn["comment"])
        self.ann.erase([erased])
        for named in (erased, withdrawn, item, decided):
            named["revision"] = 9
        results = self.ann.reject([self.named("none", revision=9), erased, withdrawn, item, decided], **bad)
        self.assertEqual([r["status"] for r in results],
                         ["not_found", "erased", "withdrawn", "stale_revision", "stale_revision"])
        item["revision"] = decided["revision"] = 1
        self.bob.claim(comments=[item])
        self.assertEqual([r["status"] for r in self.ann.reject([item, decided], **bad)], ["unknown_reason"] * 2)
        if self.noted_reasons:
            results = self.ann.reject([item, decided], self.noted_reasons[:1])
            self.assertEqual([r["status"] for r in results], ["note_needed"] * 2)
        results = self.ann.reject([item, decided, {**item, "seq": 5}], self.reasons[:1])
        self.assertEqual([r["status"] for r in results], ["claimed", "already_decided", "claimed"])
        result, = self.ann.reject([{**item, "seq": 5}], self.reasons[:1], supersede=True)
        self.assertEqual(result["status"], "not_current")

    def test_reasons_are_ignored_by_approve(self):
        item = self.pending()
        self.assertTrue(self.ann.change("approve", comments=[item], reasons=["no.such"])["results"][0]["seq"])
        self.assertEqual(self.records()[-1]["reasons"], [])


class Undoing(Case):
    def test_undo_brings_back_the_queue_and_redo_the_decision(self):
        item, seq = self.rejected()
        undone = self.undo(seq, self.bob)
        self.assertEqual((undone["comment"], undone["undoes"], undone["seq"], undone["state"]), (item["comment"], seq, 2, "pending"))
        record = self.records()[-1]
        self.assertEqual((record["decision"], record["cause"], record["undoes"], record["supersedes"]), ("reopened", "undo", seq, seq))
        self.assertEqual(self.state_of(item), "pending")

    def test_undo_of_a_superseding_decision_restores_the_first(self):
        item, first = self.rejected()
        second = self.approve(item, self.bob, supersede=True)
        undone = self.undo(second)
        self.assertEqual(undone["state"], "rejected")
        record = self.records()[-1]
        self.assertEqual((record["decision"], record["reasons"], record["cause"]), ("rejected", self.reasons[:1], "undo"))
        card = self.card_of(item)
        self.assertEqual((card["decided_by"], card["reasons"], card["note"]), ("ann", self.reasons[:1], None))
        self.assertEqual(card["decided_at"], record["decided_at"])
        redone = self.undo(undone["seq"])
        self.assertEqual((redone["state"], self.records()[-1]["decision"]), ("approved", "approved"))
        self.assertEqual(self.undo(redone["seq"])["state"], "rejected")

    def test_undo_checks_in_the_order_of_the_document(self):
        item, seq = self.approved()
        self.submit_one(item["comment"], "new", revision=2)
        reopened = self.records()[-1]["seq"]
        ask = lambda number: self.ann.undo([{"site": self.site, "seq": number}])[0]
        self.assert_item(ask(99), "not_found")
        self.assertEqual(self.assert_item(ask(reopened), "not_a_decision")["decision"], "reopened")
        error = self.assert_item(ask(seq), "not_current")
        self.assertEqual((error["state"], error["seq"]), ("pending", reopened))
        self.front.withdraw(self.site, item["comment"])
        for number in (seq, reopened, reopened + 1):
            self.assert_item(ask(number), "withdrawn")
        self.ann.erase([item])
        for number in (seq, reopened, reopened + 1, reopened + 2):
            self.assert_item(ask(number), "erased")

    def test_batch_is_undone_as_a_batch(self):
        items = [self.pending() for _ in range(5)]
        seqs = [r["seq"] for r in self.ann.reject(items, self.reasons[:1])]
        results = self.ann.undo([{"site": self.site, "seq": seq} for seq in reversed(seqs)])
        self.assertEqual([r["undoes"] for r in results], seqs[::-1])
        self.assertEqual({self.state_of(item) for item in items}, {"pending"})

    def test_records_are_needed(self):
        self.assert_fails("missing_field", self.ann.undo, None)
        self.assert_fails("out_of_range", self.ann.undo, [])
        result, = self.ann.undo([{"site": self.site}])
        self.assert_item(result, "missing_field", "records[0].seq")


class Escalating(Case):
    def test_escalated_comments_stay_pending_in_their_lane(self):
        item = self.pending()
        for _ in range(2):
            result, = self.ann.escalate([item], note="help")
            self.assertEqual((result["status"], result["comment"]), ("escalated", item["comment"]))
        card = self.card_of(item)
        self.assertEqual((card["state"], card["lane"]), ("pending", "escalated"))
        kinds = [e["kind"] for e in self.ann.history(self.site, item["comment"])["events"]]
        self.assertEqual(kinds, ["escalated", "submitted"])
        self.assertEqual(self.records(), [])

    def test_reopening_keeps_the_lane(self):
        item = self.pending()
        self.ann.escalate([item])
        self.undo(self.approve(item))
        self.assertEqual(self.card_of(item)["lane"], "escalated")


class History(Case):
    def test_everything_that_happened_is_told_newest_first(self):
        item = self.pending()
        self.ann.claim(comments=[item])
        self.ann.renew([item])
        self.ann.release([item])
        self.ann.escalate([item], note="second opinion")
        seq = self.reject(item, note="no")
        self.undo(seq, self.bob)
        self.approve(item)
        self.front.report(self.site, item["comment"], "reader")
        self.front.withdraw(self.site, item["comment"])
        events = self.ann.history(self.site, item["comment"])["events"]
        self.assertEqual([e["kind"] for e in events], ["withdrawn", "reported", "approved", "reopened", "rejected",
                                                       "escalated", "released", "renewed", "claimed", "submitted"])
        self.assertEqual([e["actor"] for e in events], ["front", "front", "ann", "bob", "ann", "ann", "ann", "ann", "ann", "front"])
        numbers = [e["no"] for e in events]
        self.assertEqual(numbers, sorted(numbers, reverse=True))
        self.assertEqual([e["seq"] for e in events], [4, None, 3, 2, 1] + [None] * 5)
        self.assertEqual((events[4]["reasons"], events[4]["note"]), (self.reasons[:1], "no"))
        self.assertEqual((events[3]["cause"], events[3]["undoes"], events[5]["note"]), ("undo", 1, "second opinion"))
        self.assertGreater(events[8]["until"], events[8]["at"])

    def test_history_has_pages(self):
        item = self.pending()
        for _ in range(6):
            self.undo(self.approve(item))
        whole = self.ann.history(self.site, item["comment"])
        self.assertIsNone(whole["next"])
        found, before = [], None
        while True:
            page = self.ann.history(self.site, item["comment"], limit=4, before=before)
            found += page["events"]
            before = page["next"]
            if before is None:
                break
        self.assertEqual(found, whole["events"])
        self.assertEqual(len(found), 13)

    def test_unknown_comments_are_not_found(self):
        self.assert_fails("not_found", self.ann.history, self.site, "none")
        self.assert_fails("not_found", self.ann.show, self.site, "none")


class Erasing(Case):
    MARK = "ERASE-ME"

    def erased(self):
        secret = self.MARK + secrets.token_hex(8)
        item = self.pending(f"body {secret}", article={"id": f"a {secret}", "title": f"title {secret}", "url": f"u{secret}"},
                            author={"id": f"i{secret}", "name": f"n{secret}", "address_hash": f"h{secret}"},
                            extra={secret: f"x{secret}"}, language="en", parent=f"p{secret}")
        self.submit_one(item["comment"], f"second {secret}", revision=2)
        item["revision"] = 2
        self.ann.escalate([item], note=f"e{secret}")
        self.reject(item, note=f"note {secret}")
        self.approve(item, supersede=True, note=f"note2 {secret}")
        self.front.report(self.site, item["comment"], f"reader {secret}", note=f"report {secret}")
        result, = self.ann.erase([item])
        self.assertEqual(result["status"], "erased")
        return item, secret, result["seq"]

    def test_text_is_gone_from_every_read(self):
        item, secret, seq = self.erased()
        answers = [self.ann.show(self.site, item["comment"]), self.ann.history(self.site, item["comment"]),
                   self.records(), self.ann.list(), self.status_of(item)]
        self.assertNotIn(secret, repr(answers))
        card = answers[0]["card"]
        self.assertEqual((card["state"], card["seq"]), ("erased", seq))
        for key in ("body", "body_sha256", "article", "parent", "author", "extra", "note"):
            self.assertIsNone(card[key], key)
        self.assertEqual(answers[0]["reported"], [])

    def test_older_records_lose_the_hash_and_nothing_else(self):
        item, seq = self.approved()
        before, = self.records()
        erasure = self.ann.erase([item])[0]["seq"]
        after = self.records()
        self.assertEqual(after[0], {**before, "body_sha256": None})
        self.assertEqual((after[1]["decision"], after[1]["cause"], after[1]["supersedes"]), ("erased", "erasure", seq))
        self.assertEqual(after[1]["seq"], erasure)
        self.assertEqual(self.records(after=1, hash=before["chain"]), after[1:])

    def test_text_is_gone_from_the_files_on_disk(self):
        _, secret, _ = self.erased()
        self.daemon.restart()
        def found():
            return [path for path in glob.glob(self.daemon.dir + "/**", recursive=True) if os.path.isfile(path)
                    and secret.encode() in open(path, "rb").read()]
        eventually(lambda: not found() or print("# still in", found()), 5)

    def test_text_leaves_the_files_of_a_running_daemon(self):
        item, secret, _ = self.erased()
        files = [path for path in glob.glob(self.daemon.dir + "/**", recursive=True) if os.path.isfile(path)]
        self.assertTrue(any(path.endswith("-wal") for path in files), files)
        eventually(lambda: not any(secret.encode() in open(path, "rb").read() for path in files), 10)

    def test_erasing_again_has_the_same_number(self):
        item, _, seq = self.erased()
        result, = self.ann.erase([item])
        self.assertEqual((result["status"], result["seq"]), ("erased", seq))
        self.assert_item(self.ann.erase([self.named("none")])[0], "not_found")

    def test_every_state_can_be_erased(self):
        tombstone = self.named("tombstone")
        self.front.withdraw(self.site, "tombstone")
        for item in (self.pending(), self.approved()[0], self.rejected()[0], tombstone):
            self.assertEqual(self.ann.erase([item])[0]["status"], "erased")
            self.assertEqual(self.state_of(item), "erased")


class Operations(Case):
    def test_repeat_gets_the_first_answer_and_changes_nothing(self):
        items = [self.pending(), self.named("none")]
        operation = secrets.token_bytes(16)
        first = self.ann.approve(items, operation=operation)
        self.assertEqual(self.ann.approve(items, operation=operation), first)
        self.assertEqual(len(self.records()), 1)
        self.undo(first[0]["seq"])
        self.assertEqual(self.ann.approve(items, operation=operation), first)
        self.assertEqual(self.state_of(items[0]), "pending")

    def test_repeat_of_a_claim_shows_the_cards_as_they_are_now(self):
        item = self.pending()
        operation = secrets.token_bytes(16)
        first = self.ann.claim(site=self.site, operation=operation)["comments"]
        self.assertEqual(first[0]["claimed_by"], "ann")
        self.ann.release([item])
        again = self.ann.claim(site=self.site, operation=operation)["comments"]
        self.assertEqual((keys(again), again[0]["claimed_by"]), (keys(first), None))

    def test_repeats_of_undo_erase_escalate_renew_and_release(self):
        item, seq = self.approved()
        other = self.pending()
        self.ann.claim(comments=[other])
        for ask in (lambda o: self.ann.undo([{"site": self.site, "seq": seq}], operation=o),
                    lambda o: self.ann.renew([other], operation=o), lambda o: self.ann.release([other], operation=o),
                    lambda o: self.ann.escalate([item], operation=o), lambda o: self.ann.erase([item], operation=o)):
            operation = secrets.token_bytes(16)
            self.assertEqual(ask(operation), ask(operation))
        self.assertEqual([r["decision"] for r in self.records()], ["approved", "reopened", "erased"])

    def test_anything_else_under_a_used_operation_is_refused(self):
        item, other = self.pending(), self.pending()
        operation = secrets.token_bytes(16)
        self.ann.approve([item], operation=operation)
        for ask in (lambda: self.ann.approve([other], operation=operation), lambda: self.bob.approve([item], operation=operation),
                    lambda: self.ann.approve([item], note="x", operation=operation),
                    lambda: self.ann.reject([item], self.reasons[:1], operation=operation)):
            self.assertEqual(self.assert_fails("operation_reused", ask)["field"], "operation")
        self.assertEqual(self.state_of(other), "pending")

    def test_request_refused_as_a_whole_uses_nothing_up(self):
        item = self.pending()
        operation = secrets.token_bytes(16)
        self.assert_fails("out_of_range", self.ann.approve, [], operation=operation)
        self.assertEqual(self.ann.approve([item], operation=operation)[0]["status"], "approved")

    def test_changing_requests_need_an_operation_of_16_bytes(self):
        item = self.pending()
        for op in ("claim", "approve", "escalate", "erase"):
            error = self.assert_fails("missing_field", self.ann.call, op, comments=[item])
            self.assertEqual(error["field"], "operation")
        self.assert_fails("missing_field", self.ann.call, "undo", records=[{"site": self.site, "seq": 1}])
        self.assert_fails("too_short", self.ann.call, "approve", comments=[item], operation=bytes(15))
        self.assert_fails("too_long", self.ann.call, "approve", comments=[item], operation=bytes(17))
        self.assert_fails("bad_type", self.ann.call, "approve", comments=[item], operation="x" * 16)
        self.assertEqual(self.ann.call("release", comments=[item])["results"][0]["status"], "not_held")

    def test_id_may_differ_in_a_repeat_and_be_of_another_size(self):
        item = self.pending()
        raw = self.daemon.keep(Raw(self.daemon.endpoint("desk")))
        request = {"v": 1, "op": "approve", "as": "ann", "operation": secrets.token_bytes(16), "comments": [item]}
        replies = [raw.ask({**request, "id": id}) for id in (1, 70000, "text", None)]
        self.assertEqual([r["id"] for r in replies], [1, 70000, "text", None])
        self.assertEqual(len({msgpack.packb(r["results"]) for r in replies}), 1)


class Who(Case):
    def test_name_in_as_decides(self):
        item = self.pending()
        self.approve(item, self.daemon.desk("Zoë Müller"))
        self.assertEqual(self.card_of(item)["decided_by"], "Zoë Müller")

    def test_without_as_it_is_the_user_of_the_system(self):
        import pwd
        desk = self.daemon.desk()
        name = pwd.getpwuid(os.getuid()).pw_name
        self.assertEqual(desk.hello()["you"], name)
        item = self.pending()
        self.approve(item, desk)
        self.assertEqual(self.card_of(item)["decided_by"], name)

    def test_bad_names_are_refused(self):
        for name, error in (("a/b", "bad_character"), ("", "too_short"), ("x" * 65, "too_long"), ("a\x1b", "bad_character")):
            self.assertEqual(self.assert_fails(error, self.daemon.desk(name).list)["field"], "as")


class Stats(Case):
    def test_stats_count_each_site(self):
        item = self.pending()
        self.approved()
        _, seq = self.rejected()
        self.undo(seq)
        self.ann.claim(comments=[item])
        self.front.withdraw(self.site, "tombstone")
        stats = self.ann.stats()
        site, = [s for s in stats["sites"] if s["site"] == self.site]
        wanted = {"newest": 4, "pending": 2, "escalated": 0, "claimed": 1, "submitted": 3, "approved": 1, "rejected": 1,
                  "reopened": 1, "withdrawn": 1, "erased": 0}
        self.assertEqual({key: site[key] for key in wanted}, wanted)
        self.assertEqual(site["oldest_pending_at"], self.card_of(item)["received_at"])
        self.assertLessEqual(stats["started_at"], stats["time"])

    def test_counters_count(self):
        names = {"submits", "duplicates", "refused", "malformed", "dropped_replies", "busy", "commits", "commit_requests",
                 "push_messages", "push_errors", "streams", "records_sent"}
        before = self.ann.stats()["counters"]
        self.assertLessEqual(names, set(before))
        self.pending("x")
        self.front.submit([event(self.site, "d", "x"), event(self.site, "d", "x"), event(self.site, "d", "y")])
        self.daemon.keep(Raw(self.daemon.endpoint("front"))).ask(b"\xc1")
        self.approved()
        self.records()
        after = self.ann.stats()["counters"]
        for name in ("submits", "duplicates", "refused", "malformed", "commits", "commit_requests", "records_sent"):
            self.assertGreater(after[name], before[name], name)


if __name__ == "__main__":
    tap.main()
