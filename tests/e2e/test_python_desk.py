"""Decisions, undo, operation ids, names and numbers of the desk socket, asked by a client written from PROTOCOL.md."""
import glob
import os
import pwd
import secrets
import subprocess

import msgpack

import tap
from cases import Case, event, now_ms, sha256
from modq import Raw

# Asks as another user of the system; arguments: endpoint, site, comment.
AS_NOBODY = """
import msgpack, sys, zmq
endpoint, site, comment = sys.argv[1:]
socket = zmq.Context.instance().socket(zmq.REQ)
socket.connect(endpoint)
def ask(**fields):
    socket.send(msgpack.packb({"v": 1, "id": 1, **fields}))
    return msgpack.unpackb(socket.recv())
print(ask(op="hello")["you"])
change = {"op": "approve", "operation": bytes(15) + b"n", "comments": [{"site": site, "comment": comment}]}
for fields in (change, {"op": "list"}):
    error = ask(**{**fields, "as": "root"})["error"]
    print(error["number"], error["name"])
print(ask(**change, **{"as": "nobody"})["results"][0]["status"])
"""


def keys(cards):
    return [card["comment"] for card in cards]


class Deciding(Case):
    def test_approval_is_a_record(self):
        item = self.pending("text")
        before = now_ms()
        result, = self.ann.approve([item], note="fine")
        self.assertEqual((result["site"], result["comment"], result["revision"], result["seq"]), (*item.values(), 1))
        self.assertGreaterEqual(result["decided_at"], before - 1000)
        record, = self.records()
        self.assertEqual((record["decision"], record["cause"], record["body_sha256"]),
                         ("approved", "moderator", sha256("text")))
        self.assertEqual((record["decided_at"], record["undoes"], record["supersedes"]),
                         (result["decided_at"], None, None))
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
        self.assert_item(self.bob.reject([{**item, "seq": first + 7}], self.reasons[:1], supersede=True)[0],
                         "already_decided")
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

    def test_supersede_of_what_was_pending_replaces_no_decision_made_since(self):
        item = {**self.pending(), "seq": 0}
        seq = self.approve(item, supersede=True)
        error = self.assert_item(self.bob.reject([item], self.reasons[:1], supersede=True)[0], "already_decided")
        self.assertEqual((error["decision"], error["by"], error["seq"]), ("approved", "ann", seq))
        self.undo(seq)
        self.assertEqual(self.bob.reject([item], self.reasons[:1], supersede=True)[0]["status"], "rejected")

    def test_number_of_a_decision_is_not_negative(self):
        item = self.pending()
        error = self.assert_item(self.ann.approve([{**item, "seq": -1}], supersede=True)[0], "out_of_range")
        self.assertEqual((error["field"], error["min"]), ("comments[0].seq", 0))
        error = self.assert_item(self.ann.undo([{"site": item["site"], "seq": 0}])[0], "out_of_range")
        self.assertEqual((error["field"], error["min"]), ("records[0].seq", 1))

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
        self.assertEqual((undone["comment"], undone["undoes"], undone["seq"], undone["state"]),
                         (item["comment"], seq, 2, "pending"))
        record = self.records()[-1]
        self.assertEqual((record["decision"], record["cause"], record["undoes"], record["supersedes"]),
                         ("reopened", "undo", seq, seq))
        self.assertEqual(self.state_of(item), "pending")

    def test_undo_of_a_superseding_decision_restores_the_first(self):
        item, first = self.rejected()
        second = self.approve(item, self.bob, supersede=True)
        undone = self.undo(second)
        self.assertEqual(undone["state"], "rejected")
        record = self.records()[-1]
        self.assertEqual((record["decision"], record["reasons"], record["cause"]),
                         ("rejected", self.reasons[:1], "undo"))
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
        for ask in (lambda: self.ann.approve([other], operation=operation),
                    lambda: self.bob.approve([item], operation=operation),
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
        desk = self.daemon.desk()
        name = pwd.getpwuid(os.getuid()).pw_name
        self.assertEqual(desk.hello()["you"], name)
        item = self.pending()
        self.approve(item, desk)
        self.assertEqual(self.card_of(item)["decided_by"], name)

    def test_sockets_are_for_their_user_alone(self):
        for name in ("front", "push", "decisions", "desk"):
            path = os.path.join(self.daemon.dir, name + ".sock")
            self.assertEqual(os.stat(path).st_mode & 0o077, 0, path)
        for path in glob.glob(self.daemon.dir + "/*"):
            if not path.endswith((".txt", ".conf")):          # the tests' own
                self.assertEqual(os.stat(path).st_mode & 0o077, 0, path)

    def test_another_user_acts_in_its_own_name_only(self):
        if os.getuid() != 0:
            self.skipTest("only root can become another user")
        nobody = pwd.getpwnam("nobody")
        desk = os.path.join(self.daemon.dir, "desk.sock")
        modes = {path: os.stat(path).st_mode & 0o777 for path in (self.daemon.dir, desk)}
        item = self.pending()
        for path in modes:
            os.chmod(path, 0o777)
        try:
            told = subprocess.run(["/usr/bin/python3", "-c", AS_NOBODY, self.daemon.endpoint("desk"), self.site,
                                   item["comment"]],
                                  user=nobody.pw_uid, cwd="/", capture_output=True, text=True, timeout=60)
        finally:
            for path, mode in modes.items():
                os.chmod(path, mode)
        self.assertEqual(told.stdout.split(), ["nobody", "60", "denied", "60", "denied", "approved"], told.stderr)
        self.assertEqual(self.card_of(item)["decided_by"], "nobody")

    def test_bad_names_are_refused(self):
        for name, error in (("a/b", "bad_character"), ("", "too_short"), ("x" * 65, "too_long"),
                            ("a\x1b", "bad_character")):
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
        names = {"submits", "duplicates", "refused", "malformed", "dropped_replies", "busy", "commits",
                 "commit_requests",
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
