"""Requests and their repeats, with a clock that only the tests move."""
import unittest

from helpers import Peer, accepted, comment, error_map, refusal
from modqd import DeniedError, FinalError, LocalError, RetryError
from modqd.requests import Reply


def results(*items):
    return {"v": 1, "ok": True, "results": list(items)}


def all_accepted(request):
    return results(*({**one, "status": "accepted"} for one in request["comments"]))


class OneRequest(unittest.TestCase):
    def fails(self, peer, kind, name, op="policy"):
        with self.assertRaises(kind) as caught:
            peer.run(peer.session.call(op, {"site": "news"}))
        self.assertEqual(caught.exception.name, name)
        return caught.exception

    def test_answer_comes_without_its_envelope(self):
        peer = Peer({"v": 1, "op": "policy", "ok": True, "policy": 3})
        self.assertEqual(peer.run(peer.session.call("policy", {"site": "news", "left_out": None})), {"policy": 3})
        self.assertEqual(peer.requests, [{"v": 1, "op": "policy", "id": 1, "site": "news"}])

    def test_silence_is_answered_with_the_same_bytes_until_the_time_is_up(self):
        peer = Peer()
        error = self.fails(peer, RetryError, "client_timeout")
        self.assertTrue(error.keep)
        self.assertEqual(len(set(peer.bodies)), 1)
        self.assertGreaterEqual(len(peer.bodies), 3)
        self.assertLessEqual(peer.clock.time - 1000, 5.001)
        self.assertEqual(peer.waits[0], 2.0)

    def test_nobody_there_is_another_error_than_silence(self):
        self.fails(Peer(connected=False), RetryError, "client_cannot_connect")

    def test_pauses_grow_and_end(self):
        peer = Peer(*[refusal("internal", 4, "retry")] * 100, timeout=30.0)
        self.fails(peer, RetryError, "internal")
        self.assertLess(peer.pauses[0], 0.07)
        self.assertGreater(peer.pauses[3], 3 * peer.pauses[0])
        self.assertLessEqual(max(peer.pauses), 2.0)
        self.assertGreater(peer.pauses[-1], 1.4)

    def test_pauses_are_no_shorter_than_the_daemon_wants(self):
        peer = Peer(refusal("busy", 1, "retry", retry_after_ms=1500), {"ok": True, "policy": 1})
        peer.run(peer.session.call("policy", {"site": "news"}))
        self.assertEqual(len(peer.pauses), 1)
        self.assertGreaterEqual(peer.pauses[0], 1.5)

    def test_a_pause_beyond_the_deadline_is_not_waited_for(self):
        peer = Peer(refusal("busy", 1, "retry", retry_after_ms=60_000))
        self.assertEqual(self.fails(peer, RetryError, "busy").retry_after_ms, 60_000)
        self.assertEqual((peer.pauses, peer.clock.time), ([], 1000.0))

    def test_other_classes_are_not_repeated(self):
        for kind, name, number, class_ in ((DeniedError, "denied", 60, "denied"), (FinalError, "not_found", 81, "final")):
            peer = Peer(refusal(name, number, class_))
            self.fails(peer, kind, name)
            self.assertEqual(len(peer.requests), 1)

    def test_answers_without_sense_are_bad_replies(self):
        for answer in ({}, {"ok": 1}, {"ok": None}, {"ok": False}, {"ok": False, "error": 7}, {"ok": True},
                       {"ok": True, "status": 7}, Reply(True, None, broken=True)):
            with self.subTest(answer):
                self.fails(Peer(answer), LocalError, "client_bad_reply", op="withdraw")

    def test_limits_of_hello_are_kept_where_they_make_sense(self):
        peer = Peer({"ok": True, "limits": {"max_batch": 7, "body_bytes": "x", "extra_bytes": -1, "max_message_bytes": True}})
        peer.run(peer.session.hello())
        self.assertEqual((peer.session.limits["max_batch"], peer.session.limits["body_bytes"]), (7, 65536))
        self.assertEqual(peer.session.limits["max_message_bytes"], 1048576)

    def test_status_is_cut_as_the_daemon_wants_it(self):
        answer = lambda request: results(*({"comment": id, "status": "found"} for id in request["comments"]))  # noqa: E731
        peer = Peer(*[answer] * 3)
        ids = [str(i) for i in range(600)]
        self.assertEqual([one["comment"] for one in peer.run(peer.session.status("news", ids))], ids)
        self.assertEqual([len(request["comments"]) for request in peer.requests], [256, 256, 88])


class ManyComments(unittest.TestCase):
    def submit(self, peer, comments, **options):
        return peer.run(peer.session.submit_many(comments, **options))

    def test_results_come_in_the_order_of_the_comments(self):
        peer = Peer(*[all_accepted] * 3)
        comments = [comment(i) for i in range(600)]
        self.assertEqual([one["comment"] for one in self.submit(peer, comments)], [one["comment"] for one in comments])
        self.assertEqual(len(peer.requests), 3)

    def test_only_items_with_class_retry_go_again(self):
        busy = {"status": "busy", "error": error_map("busy", 1, "retry", retry_after_ms=300)}
        wrong = {"status": "too_short", "error": error_map("too_short", 26, "fix", field="comments[2].body")}
        peer = Peer(results(accepted(0), busy, wrong, busy), results(busy, accepted(3)), results(accepted(1)))
        found = self.submit(peer, [comment(i) for i in range(4)])
        self.assertEqual([one["status"] for one in found], ["accepted", "accepted", "too_short", "accepted"])
        self.assertEqual([[one["comment"] for one in request["comments"]] for request in peer.requests],
                         [["0", "1", "2", "3"], ["1", "3"], ["1"]])
        self.assertGreaterEqual(min(peer.pauses), 0.3)

    def test_fields_name_the_callers_own_places(self):
        busy = {"status": "busy", "error": error_map("busy", 1, "retry")}
        wrong = {"status": "x", "error": error_map("x", 26, "fix", field="comments[0].author.name")}
        peer = Peer(results(accepted(0), busy), results(wrong))
        found = self.submit(peer, [comment(0), comment(1)])
        self.assertEqual(found[1]["error"].field, "comments[1].author.name")

    def test_what_cannot_be_sent_takes_nothing_with_it(self):
        peer = Peer(all_accepted)
        found = self.submit(peer, [comment(0), comment(1, body="\ud800"), 7, comment(3)])
        self.assertEqual([one["status"] for one in found], ["accepted", "invalid_utf8", "bad_type", "accepted"])
        self.assertEqual(len(peer.requests[0]["comments"]), 2)

    def test_a_refusal_that_lasts_is_told_for_its_items(self):
        busy = results({"status": "busy", "error": error_map("busy", 1, "retry")}, accepted(1))
        again = results({"status": "busy", "error": error_map("busy", 1, "retry")})
        peer = Peer(busy, *[again] * 100)
        found = self.submit(peer, [comment(0), comment(1)])
        self.assertEqual([one["status"] for one in found], ["busy", "accepted"])
        self.assertTrue(found[0]["error"].keep)
        self.assertLess(peer.clock.time - 1000, 5.0)

    def test_after_silence_the_rest_is_not_tried(self):
        peer = Peer(all_accepted)
        found = self.submit(peer, [comment(i) for i in range(2000)])
        self.assertEqual([one["status"] for one in found], ["accepted"] * 256 + ["client_timeout"] * 1744)
        self.assertLess(peer.clock.time - 1000, 5.1)
        self.assertEqual((found[-1]["site"], found[-1]["comment"]), ("news", "1999"))

    def test_a_batch_that_is_refused_as_a_whole_does_not_hold_up_the_next(self):
        peer = Peer(refusal("denied", 60, "denied"), all_accepted)
        found = self.submit(peer, [comment(i) for i in range(300)])
        self.assertEqual([one["status"] for one in found], ["denied"] * 256 + ["accepted"] * 44)

    def test_a_daemon_that_takes_shorter_batches_gets_them(self):
        peer = Peer(refusal("out_of_range", 25, "fix", field="comments", min=1, max=100), *[all_accepted] * 3)
        found = self.submit(peer, [comment(i) for i in range(256)])
        self.assertEqual({one["status"] for one in found}, {"accepted"})
        self.assertEqual([len(request["comments"]) for request in peer.requests], [256, 100, 100, 56])

    def test_halves_find_the_item_that_spoils_its_batch(self):
        def judge(request):
            spoilt = any(one["comment"] == "37" for one in request["comments"])
            return {**refusal("malformed", 20, "fix"), "id": None} if spoilt else all_accepted(request)

        peer = Peer(*[judge] * 40)
        found = self.submit(peer, [comment(i) for i in range(100)])
        self.assertEqual([i for i, one in enumerate(found) if one["status"] == "malformed"], [37])
        self.assertEqual({one["status"] for i, one in enumerate(found) if i != 37}, {"accepted"})
        self.assertLess(len(peer.requests), 16)

    def test_a_long_message_is_cut_by_the_limits_of_the_daemon_that_is_there(self):
        hello = {"ok": True, "limits": {"max_message_bytes": 70_000}}
        peer = Peer(hello, *[all_accepted] * 9)
        found = self.submit(peer, [comment(i, body="x" * 30_000) for i in range(5)])
        self.assertEqual({one["status"] for one in found}, {"accepted"})
        self.assertEqual([len(request.get("comments", ())) for request in peer.requests], [0, 2, 2, 1])

    def test_after_silence_the_limits_are_asked_for_again(self):
        def silence(_):
            peer.session.asked = False              # the front opens another socket
        peer = Peer({"ok": True}, silence, {"ok": True, "limits": {"max_message_bytes": 70_000}}, *[all_accepted] * 9)
        found = self.submit(peer, [comment(i, body="x" * 30_000) for i in range(3)])
        self.assertEqual({one["status"] for one in found}, {"accepted"})
        self.assertEqual([request["op"] for request in peer.requests], ["hello", "submit", "hello", "submit", "submit"])

    def test_a_daemon_that_finds_every_message_too_long_is_believed(self):
        peer = Peer(*[refusal("too_long", 27, "fix")] * 4)
        found = peer.run(peer.session.submit_many([comment(1), comment(2)], None))
        self.assertEqual([result["status"] for result in found], ["too_long", "too_long"])
        self.assertEqual(len(peer.requests), 1)

    def test_a_short_message_goes_without_asking(self):
        peer = Peer(all_accepted)
        self.submit(peer, [comment(i) for i in range(50)])
        self.assertEqual([request["op"] for request in peer.requests], ["submit"])

    def test_results_without_sense_are_bad_replies(self):
        for answer in (results(), results(1), results({}), results({"status": 7}), {"ok": True, "results": 7},
                       results(accepted(0), accepted(1)), results({"status": "x", "error": {"class": 1}}), results({"status": "wondrous"})):
            with self.subTest(answer):
                found = self.submit(Peer(answer), [comment(0)])
                self.assertEqual(found[0]["error"].name, "client_bad_reply")

    def test_one_comment_raises_what_it_failed_with(self):
        peer = Peer(results({"status": "conflict", "error": error_map("conflict", 80, "final")}))
        with self.assertRaises(FinalError):
            peer.run(peer.session.submit(comment(), None))

    def test_nothing_to_send_sends_nothing(self):
        peer = Peer()
        self.assertEqual((self.submit(peer, []), peer.requests), ([], []))
