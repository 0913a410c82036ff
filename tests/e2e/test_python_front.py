"""The front socket's requests, asked by a client written from PROTOCOL.md."""
import os
import time

import msgpack
import zmq

import document
import tap
from cases import Case, event, eventually, fresh, now_ms, sha256
from modq import Push, Raw, error_of

MAX_INT = 2 ** 53 - 1


class Hello(Case):
    def test_hello_tells_versions_epoch_and_clock(self):
        reply = self.front.hello()
        self.assertEqual(reply["versions"], [1])
        self.assertTrue(reply["server"].startswith("modqd"), reply["server"])
        self.assertEqual(len(reply["epoch"]), 16)
        self.assertLess(abs(reply["time"] - now_ms()), 60_000)
        self.assertGreater(reply["credit_timeout_ms"], reply["heartbeat_ms"])

    def test_hello_tells_the_limits_of_the_document(self):
        wanted = {name: limit["default"] for name, limit in document.limits().items()}
        self.assertEqual(self.front.hello()["limits"], wanted)

    def test_hello_may_be_asked_with_any_version(self):
        raw = self.daemon.keep(Raw(self.daemon.endpoint("front")))
        reply = raw.ask({"v": 7, "op": "hello", "id": 1})
        self.assertTrue(reply["ok"], reply)
        self.assertEqual((reply["v"], reply["versions"]), (1, [1]))

    def test_desk_tells_who_you_are(self):
        self.assertEqual(self.ann.hello()["you"], "ann")


class Framing(Case):
    def setUp(self):
        super().setUp()
        self.raw = self.daemon.keep(Raw(self.daemon.endpoint("front")))

    def assert_refused(self, body, name, field=None, id=None, op=None):
        reply = self.raw.ask(body)
        self.assertFalse(reply["ok"], reply)
        self.assertEqual(reply["error"]["name"], name, reply)
        self.assertEqual((reply["id"], reply["op"]), (id, op), reply)
        if field:
            self.assertEqual(reply["error"].get("field"), field, reply)
        return reply["error"]

    def test_req_socket_is_answered_like_a_dealer(self):
        req = self.daemon.keep(Raw(self.daemon.endpoint("front"), zmq.REQ))
        for number in range(3):
            self.assertEqual(req.ask({"v": 1, "op": "hello", "id": number})["id"], number)

    def test_dealer_with_an_empty_frame_is_answered_with_one(self):
        self.raw.send(b"", msgpack.packb({"v": 1, "op": "hello", "id": "x"}))
        frames = self.raw.receive()
        self.assertEqual((len(frames), frames[0]), (2, b""))

    def test_other_numbers_of_frames_are_malformed(self):
        hello = msgpack.packb({"v": 1, "op": "hello", "id": 1})
        for frames in ([hello, hello], [hello, b""], [b"", hello, hello], [b"", b"", hello], [hello] * 5):
            self.raw.send(*frames)
            body = msgpack.unpackb(self.raw.receive()[-1])
            self.assertEqual(body["error"]["name"], "malformed", frames)
        self.assertTrue(self.raw.ask(hello)["ok"])

    def test_ids_of_both_kinds_come_back(self):
        for id in (0, 1, MAX_INT, "", "x" * 64, "ä" * 32, None):
            reply = self.raw.ask({"v": 1, "op": "hello", "id": id})
            self.assertTrue(reply["ok"], reply)
            self.assertEqual(reply["id"], id)
        self.assertIsNone(self.raw.ask({"v": 1, "op": "hello"})["id"])

    def test_ids_out_of_their_ranges_are_refused(self):
        self.assert_refused({"v": 1, "op": "hello", "id": MAX_INT + 1}, "out_of_range", "id", op="hello")
        self.assert_refused({"v": 1, "op": "hello", "id": -1}, "out_of_range", "id", op="hello")
        self.assert_refused({"v": 1, "op": "hello", "id": "x" * 65}, "too_long", "id", op="hello")
        self.assert_refused({"v": 1, "op": "hello", "id": 1.0}, "bad_type", "id", op="hello")

    def test_unknown_operations_and_versions_are_named(self):
        error = self.assert_refused({"v": 1, "op": "stauts", "id": 8}, "unknown_operation", "op", 8, "stauts")
        self.assertEqual((error["number"], error["class"]), (22, "fix"))
        error = self.assert_refused({"v": 2, "op": "status", "id": 8}, "unsupported_version", id=8, op="status")
        self.assertEqual(error["versions"], [1])
        self.assert_refused({"v": 1, "op": "list", "id": 1}, "unknown_operation", "op", 1, "list")
        self.assert_refused({"op": "status", "id": 1}, "missing_field", "v", 1, "status")
        self.assert_refused({"v": 1, "id": 1}, "missing_field", "op", 1)

    def test_unknown_keys_are_ignored_and_double_ones_are_not(self):
        self.assertTrue(self.raw.ask({"v": 1, "op": "hello", "id": 1, "zzz": [{"a": 1}]})["ok"])
        twice = b"\x84\xa1v\x01\xa2op\xa5hello\xa2id\x01\xa2id\x02"
        reply = self.raw.ask(twice)
        self.assertEqual((reply["error"]["name"], reply["error"]["field"]), ("duplicate_field", "id"))

    def test_message_beyond_the_limit_drops_the_connection_only(self):
        self.assertIsNone(self.raw.ask(b"\xc6" + bytes(1_100_000), timeout=0.5))
        self.assertTrue(self.daemon.front().hello()["ok"])


class Submit(Case):
    def test_comment_is_accepted_and_found(self):
        before = now_ms()
        result = self.submit_one("a", "Hello")
        self.assertEqual((result["site"], result["comment"], result["revision"]), (self.site, "a", 1))
        self.assertEqual((result["status"], result["state"]), ("accepted", "pending"))
        self.assertTrue(before - 1000 <= result["received_at"] <= now_ms() + 1000, result)
        found = self.status_of(self.named("a"))
        self.assertEqual((found["status"], found["state"], found["revision"]), ("found", "pending", 1))
        self.assertEqual((found["received_at"], found["body_sha256"]), (result["received_at"], sha256("Hello")))
        self.assertEqual((found["seq"], found["decision"], found["reasons"], found["decided_at"]),
                         (None, None, [], None))

    def test_bad_items_of_a_batch_fail_alone_and_name_the_field(self):
        bad = [("missing_field", "body", {"site": self.site, "comment": "x"}),
               ("missing_field", "site", {"comment": "x", "body": "b"}),
               ("missing_field", "comment", {"site": self.site, "body": "b"}),
               ("bad_character", "site", event("a/b", "x")),
               ("bad_character", "comment", event(self.site, "a\nb")),
               ("too_short", "body", {**event(self.site, "x"), "body": ""}),
               ("too_long", "site", event("s" * 65, "x")),
               ("too_long", "comment", event(self.site, "c" * 129)),
               ("bad_type", "body", event(self.site, "x", 7)),
               ("bad_type", "author.name", event(self.site, "x", author={"name": 1})),
               ("too_long", "author.name", event(self.site, "x", author={"name": "n" * 257})),
               ("missing_field", "article.id", event(self.site, "x", article={"title": "t"})),
               ("too_long", "article.url", event(self.site, "x", article={"id": "a", "url": "u" * 2049})),
               ("out_of_range", "revision", event(self.site, "x", revision=0)),
               ("out_of_range", "revision", event(self.site, "x", revision=2 ** 31)),
               ("bad_type", "revision", event(self.site, "x", revision=1.0)),
               ("out_of_range", "created_at", event(self.site, "x", created_at=-1)),
               ("too_long", "language", event(self.site, "x", language="l" * 36)),
               ("too_long", "extra", event(self.site, "x", extra={"k": "v" * 4096})),
               ("bad_type", "extra", event(self.site, "x", extra=[1]))]
        comments = []
        for number, (_, _, item) in enumerate(bad):
            comments += [item, event(self.site, f"good{number}")]
        results = self.front.call("submit", comments=comments)["results"]
        self.assertEqual(len(results), len(comments))
        for number, (name, field, item) in enumerate(bad):
            with self.subTest(field=field, error=name):
                self.assert_item(results[2 * number], name, f"comments[{2 * number}].{field}")
        self.assertEqual({result["status"] for result in results[1::2]}, {"accepted"})
        self.assertEqual(self.front.status(self.site, ["x"])[0]["status"], "not_found")

    def test_item_that_is_no_map_fails_alone(self):
        results = self.front.call("submit", comments=[7, event(self.site, "a"), "x"])["results"]
        self.assertEqual([r["status"] for r in results], ["bad_type", "accepted", "bad_type"])
        self.assertEqual(results[0]["error"]["field"], "comments[0]")
        self.assertEqual((results[0]["site"], results[0]["comment"], results[0]["revision"]), (None, None, None))

    def test_failed_item_repeats_what_could_be_read(self):
        result = self.front.call("submit", comments=[event(self.site, "a", 7)])["results"][0]
        self.assertEqual((result["site"], result["comment"]), (self.site, "a"))

    def test_bytes_that_are_not_utf8_are_refused_with_their_place(self):
        for body, at in ((b"abc\xff", 3), (b"\xc0\x80", 0), (b"ab\xed\xa0\x80", 2), (b"\xf4\x90\x80\x80", 0),
                         (b"abc\xc3", 3)):
            packed = msgpack.packb({"v": 1, "op": "submit", "id": 1, "comments":
                                    [{"site": self.site, "comment": "bad", "body": body}]}, use_bin_type=False)
            result = self.daemon.keep(Raw(self.daemon.endpoint("front"))).ask(packed)["results"][0]
            error = self.assert_item(result, "invalid_utf8", "comments[0].body")
            self.assertEqual(error["at"], at, body)

    def test_list_that_is_no_list_or_too_long_is_refused_as_a_whole(self):
        limits = self.front.limits()
        error = self.assert_fails("out_of_range", self.front.call, "submit",
                                  comments=[event(self.site, str(i)) for i in range(limits["max_batch"] + 1)])
        self.assertEqual((error["field"], error["min"], error["max"]), ("comments", 1, limits["max_batch"]))
        self.assert_fails("out_of_range", self.front.call, "submit", comments=[])
        self.assert_fails("bad_type", self.front.call, "submit", comments={})
        self.assert_fails("missing_field", self.front.call, "submit")
        self.assertEqual(self.front.status(self.site, ["0"])[0]["status"], "not_found")

    def test_full_batch_is_accepted(self):
        count = self.front.limits()["max_batch"]
        results = self.front.submit([event(self.site, str(i)) for i in range(count)])
        self.assertEqual([r["status"] for r in results], ["accepted"] * count)

    def test_same_comment_again_is_a_duplicate_with_the_state_it_has(self):
        first = self.submit_one("a", "text")
        again = self.submit_one("a", "text")
        self.assertEqual((again["status"], again["state"]), ("duplicate", "pending"))
        self.assertEqual(again["received_at"], first["received_at"])
        self.approve(self.named("a"))
        self.assertEqual(self.submit_one("a", "text")["state"], "approved")
        self.front.withdraw(self.site, "a")
        withdrawn = self.submit_one("a", "text")
        self.assertEqual((withdrawn["status"], withdrawn["state"]), ("duplicate", "withdrawn"))

    def test_metadata_of_the_first_stays(self):
        self.submit_one("a", "text", language="de", author={"name": "first"}, extra={"k": 1})
        self.assertEqual(self.submit_one("a", "text", language="fr", author={"name": "second"})["status"], "duplicate")
        card = self.card_of(self.named("a"))
        self.assertEqual((card["language"], card["author"]["name"], card["extra"]), ("de", "first", {"k": 1}))

    def test_another_body_is_a_conflict_and_changes_nothing(self):
        self.submit_one("a", "one")
        error = self.assert_item(self.submit_one("a", "two"), "conflict")
        self.assertEqual((error["state"], error["body_sha256"]), ("pending", sha256("one")))
        self.assertEqual(self.card_of(self.named("a"))["body"], "one")

    def test_same_comment_twice_in_one_batch_is_done_twice(self):
        results = self.front.call("submit", comments=[event(self.site, "a", "x"), event(self.site, "a", "x"),
                                                      event(self.site, "a", "y"),
                                                      event(self.site, "a", "z", revision=2)])["results"]
        self.assertEqual([r["status"] for r in results], ["accepted", "duplicate", "conflict", "accepted"])

    def test_lower_revision_that_comes_late_is_superseded(self):
        self.submit_one("a", "third", revision=3)
        late = self.submit_one("a", "second", revision=2)
        self.assertEqual((late["status"], late["state"]), ("accepted", "superseded"))
        self.assertEqual(self.submit_one("a", "second", revision=2)["state"], "superseded")
        self.assertEqual(self.assert_item(self.submit_one("a", "zwo", revision=2), "conflict")["state"], "superseded")
        card = self.card_of(self.named("a"))
        self.assertEqual((card["revision"], card["body"]), (3, "third"))
        self.assertEqual(self.status_of(self.named("a"))["body_sha256"], sha256("third"))

    def test_higher_revision_reopens_a_decision(self):
        for decide in (self.approved, self.rejected):
            item, seq = decide()
            result = self.submit_one(item["comment"], "edited", revision=5)
            self.assertEqual((result["status"], result["state"]), ("accepted", "pending"))
            record = self.records()[-1]
            self.assertEqual((record["decision"], record["cause"], record["revision"]), ("reopened", "new_revision", 5))
            self.assertEqual((record["supersedes"], record["body_sha256"]), (seq, sha256("edited")))

    def test_revision_of_what_is_gone_is_refused(self):
        item = self.pending(revision=5)
        self.front.withdraw(self.site, item["comment"])
        for revision in (4, 6):
            self.assert_item(self.submit_one(item["comment"], "x", revision=revision), "withdrawn")
        self.ann.erase([self.named(item["comment"])])
        for revision in (4, 5, 6):
            self.assert_item(self.submit_one(item["comment"], "x", revision=revision), "erased")

    def test_everything_handed_in_comes_back(self):
        extra = {"nil": None, "float": 1.5, "deep": {"a": [1, -1, 2 ** 60, True, {"b": None}]}, "text": "ä\0",
                 "bin": b"\x00\xff", "": 0}
        given = {"article": {"id": "1", "title": "T\nitle", "url": "https://example.org/", "language": "en"},
                 "parent": "p", "created_at": 253402300799999, "language": "ckb",
                 "author": {"id": "u", "name": "N", "registered_at": 0, "address_hash": b"\x01" * 32}, "extra": extra}
        item = self.pending(**given)
        card = self.card_of(item)
        self.assertEqual(card["extra"], extra)
        for key in ("article", "parent", "created_at", "language", "author"):
            self.assertEqual(card[key], given[key])

    def test_body_is_kept_byte_for_byte(self):
        for body in ("\0", "a\r\nb\rc\n", "\x1b[31m", "é e\u0301", "\ufeff\u202e\u2066x", "\U0010ffff\ufffe", " ",
                     "x" * 65536):
            item = self.pending(body)
            self.assertEqual(self.card_of(item)["body"], body)
            self.assertEqual(self.card_of(item)["body_sha256"], sha256(body))

    def test_longest_of_everything_is_accepted_and_one_byte_more_is_not(self):
        limits = self.front.limits()
        longest = {"comment": "c" * 128, "body": "b" * limits["body_bytes"], "parent": "p" * 128, "language": "l" * 35}
        self.assertEqual(self.submit_one(**longest)["status"], "accepted")
        for key, value in longest.items():
            error = self.assert_item(self.submit_one(**{**longest, key: value + "x"}), "too_long", f"comments[0].{key}")
            self.assertEqual((error["max"], error["bytes"]), (len(value), len(value) + 1))

    def test_site_and_comment_are_compared_byte_for_byte(self):
        names = ["é", "e\u0301", "E", "e", " e", "e ", "%65", "a/b"]
        results = self.front.submit([event(self.site, name) for name in names])
        self.assertEqual([r["status"] for r in results], ["accepted"] * len(names))
        self.assertEqual([r["comment"] for r in self.front.status(self.site, names)], names)


class Order(Case):
    def test_requests_of_one_connection_are_done_in_the_order_sent(self):
        for _ in range(20):
            comment = fresh()
            ids = [self.front.send("submit", comments=[event(self.site, comment, "1")]),
                   self.front.send("submit", comments=[event(self.site, comment, "2", revision=2)]),
                   self.front.send("withdraw", site=self.site, comment=comment),
                   self.front.send("submit", comments=[event(self.site, comment, "3", revision=3)]),
                   self.front.send("withdraw", site=self.site, comment=comment)]
            replies = [self.front.collect(id) for id in ids]
            statuses = [r["results"][0]["status"] if "results" in r else r["status"] for r in replies]
            self.assertEqual(statuses, ["accepted", "accepted", "withdrawn", "withdrawn", "duplicate"])

    def test_same_comments_from_many_at_once_are_accepted_once_each(self):
        fronts = [self.daemon.front() for _ in range(8)]
        names = [fresh() for _ in range(100)]
        ids = [[front.send("submit", comments=[event(self.site, name, "text")]) for front in fronts] for name in names]
        for row in ids:
            statuses = [front.collect(id)["results"][0]["status"] for front, id in zip(fronts, row)]
            self.assertEqual(sorted(statuses), ["accepted"] + ["duplicate"] * 7)

    def test_different_bodies_at_once_leave_one_and_tell_the_others(self):
        fronts = [self.daemon.front() for _ in range(8)]
        for _ in range(25):
            name = fresh()
            ids = [front.send("submit", comments=[event(self.site, name, f"text {n}")])
                   for n, front in enumerate(fronts)]
            results = [front.collect(id)["results"][0] for front, id in zip(fronts, ids)]
            accepted = [n for n, r in enumerate(results) if r["status"] == "accepted"]
            self.assertEqual(len(accepted), 1, results)
            self.assertEqual({r["error"]["body_sha256"] for r in results if r.get("error")},
                             {sha256(f"text {accepted[0]}")})

    def test_records_of_changes_at_once_have_no_gaps(self):
        items = [self.pending() for _ in range(60)]
        desks = [self.daemon.desk(f"m{n}") for n in range(4)]
        ids = [(desk, desk.send("approve", comments=[item], operation=os.urandom(16))) for item in items
               for desk in desks]
        wins = sum(not desk.collect(id)["results"][0].get("error") for desk, id in ids)
        self.assertEqual(wins, len(items))
        self.assertEqual([r["seq"] for r in self.records()], list(range(1, len(items) + 1)))


class Withdraw(Case):
    def test_withdrawn_comment_has_a_record(self):
        item = self.pending("mine")
        reply = self.front.withdraw(self.site, item["comment"])
        self.assertEqual((reply["status"], reply["seq"]), ("withdrawn", 1))
        record, = self.records()
        self.assertEqual((record["decision"], record["cause"], record["revision"]), ("withdrawn", "author", 1))
        self.assertEqual(record["body_sha256"], sha256("mine"))
        again = self.front.withdraw(self.site, item["comment"])
        self.assertEqual((again["status"], again["seq"]), ("duplicate", 1))

    def test_withdrawal_that_comes_first_keeps_the_comment_out(self):
        reply = self.front.withdraw(self.site, "later")
        self.assertEqual((reply["status"], reply["seq"]), ("withdrawn", 1))
        record, = self.records()
        self.assertEqual((record["revision"], record["body_sha256"], record["supersedes"]), (0, None, None))
        self.assert_item(self.submit_one("later"), "withdrawn")
        found = self.status_of(self.named("later"))
        self.assertEqual((found["state"], found["revision"], found["received_at"]), ("withdrawn", 0, None))
        self.assertEqual((found["seq"], found["decision"], found["body_sha256"]), (1, "withdrawn", None))

    def test_erased_comment_cannot_be_withdrawn(self):
        item = self.pending()
        self.ann.erase([item])
        self.assert_fails("erased", self.front.withdraw, self.site, item["comment"])


class Report(Case):
    def test_readers_count_once_and_reopen_at_the_threshold(self):
        item, seq = self.approved()
        for count in range(1, self.threshold):
            reply = self.front.report(self.site, item["comment"], f"r{count}", reason=self.reasons[0], note="bad")
            self.assertEqual((reply["status"], reply["reports"], reply["state"]), ("counted", count, "approved"))
            again = self.front.report(self.site, item["comment"], f"r{count}")
            self.assertEqual((again["status"], again["reports"]), ("duplicate", count))
        last = self.front.report(self.site, item["comment"], "last")
        self.assertEqual((last["status"], last["reports"], last["state"]), ("counted", self.threshold, "pending"))
        record = self.records()[-1]
        self.assertEqual((record["decision"], record["cause"], record["supersedes"]), ("reopened", "reports", seq))

    def test_approval_starts_the_count_anew(self):
        item, _ = self.approved()
        self.report_to_threshold(item)
        self.assertEqual(self.card_of(item)["reports"], self.threshold)
        self.approve(item)
        self.assertEqual(self.card_of(item)["reports"], 0)
        reply = self.front.report(self.site, item["comment"], "again")
        self.assertEqual((reply["status"], reply["reports"], reply["state"]), ("counted", 1, "approved"))

    def test_same_reader_can_count_again_after_the_next_approval(self):
        item, _ = self.approved()
        self.front.report(self.site, item["comment"], "reader")
        self.reject(item, supersede=True)
        self.approve(item, supersede=True)
        self.assertEqual(self.front.report(self.site, item["comment"], "reader")["status"], "counted")

    def test_report_from_before_the_last_approval_does_not_count(self):
        item, _ = self.approved()
        decided = self.status_of(item)["decided_at"]
        reply = self.front.report(self.site, item["comment"], "r", at=decided - 1)
        self.assertEqual((reply["status"], reply["reports"]), ("duplicate", 0))
        self.assertEqual(self.front.report(self.site, item["comment"], "r", at=decided + 1)["status"], "counted")

    def test_moderators_see_what_readers_said_but_not_who(self):
        item, _ = self.approved()
        self.front.report(self.site, item["comment"], "secret-reader", reason=self.reasons[0], note="rude",
                          at=now_ms() + 5)
        reply = self.ann.show(self.site, item["comment"])
        report, = reply["reported"]
        self.assertEqual((report["reason"], report["note"]), (self.reasons[0], "rude"))
        self.assertIn("at", report)
        self.assertNotIn("secret-reader", repr(reply))

    def test_reports_on_pending_and_rejected_comments_count_but_change_nothing(self):
        for item in (self.pending(), self.rejected()[0]):
            state = self.state_of(item)
            for count in range(1, self.threshold + 2):
                reply = self.front.report(self.site, item["comment"], f"r{count}")
                self.assertEqual((reply["status"], reply["reports"], reply["state"]), ("counted", count, state))

    def test_unknown_reason_and_bad_fields_are_refused(self):
        item, _ = self.approved()
        error = self.assert_fails("unknown_reason", self.front.report, self.site, item["comment"], "r",
                                  reason="no.such")
        self.assertEqual(error["field"], "reason")
        self.assert_fails("too_long", self.front.report, self.site, item["comment"], "r", note="n" * 1025)
        self.assert_fails("missing_field", self.front.call, "report", site=self.site, comment=item["comment"])
        self.assert_fails("not_found", self.front.report, self.site, "no-such", "r")
        self.assert_fails("not_found", self.front.report, "no-such-site", "x", "r")


class Article(Case):
    def test_cards_tell_what_the_site_last_said(self):
        item = self.pending(article={"id": "a1", "title": "Title"})
        self.assertIsNone(self.card_of(item)["article_closed"])
        self.assertEqual(self.front.article(self.site, {"id": "a1"}, front_page=True)["status"], "stored")
        self.assertEqual(self.front.article(self.site, {"id": "a1", "title": "New"}, closed=True)["status"], "stored")
        card = self.card_of(item)
        self.assertEqual((card["article_closed"], card["article_front_page"]), (True, True))
        self.assertEqual(card["article"], {"id": "a1", "title": "Title"})
        self.front.article(self.site, {"id": "a1"}, closed=False)
        self.assertEqual(self.card_of(item)["article_closed"], False)

    def test_article_of_another_site_is_another_article(self):
        item = self.pending(article={"id": "a1"})
        self.front.article(fresh("site-"), {"id": "a1"}, closed=True)
        self.assertIsNone(self.card_of(item)["article_closed"])

    def test_article_without_its_id_is_refused(self):
        error = self.assert_fails("missing_field", self.front.article, self.site, {"title": "x"})
        self.assertEqual(error["field"], "article.id")
        self.assert_fails("bad_type", self.front.article, self.site, {"id": "a"}, closed=1)


class Asking(Case):
    def test_status_tells_the_decision(self):
        item, seq = self.rejected()
        found = self.status_of(item)
        self.assertEqual((found["state"], found["seq"], found["decision"]), ("rejected", seq, "rejected"))
        self.assertEqual(found["reasons"], self.reasons[:1])
        self.assertEqual(found["decided_at"], self.records()[-1]["decided_at"])

    def test_status_of_the_unknown_is_not_found_for_each(self):
        item = self.pending()
        results = self.front.status(self.site, ["no", item["comment"], "no2"])
        self.assertEqual([r["status"] for r in results], ["not_found", "found", "not_found"])
        self.assertEqual([r["comment"] for r in results], ["no", item["comment"], "no2"])
        self.assert_item(self.front.status("no-such-site", ["x"])[0], "not_found")

    def test_status_of_a_bad_key_fails_alone(self):
        item = self.pending()
        results = self.front.status(self.site, [7, item["comment"], ""])
        self.assertEqual([r["status"] for r in results], ["bad_type", "found", "too_short"])
        self.assertEqual(error_of(results[0]).field, "comments[0]")

    def test_policy_is_whole(self):
        policy = self.front.policy(self.site)
        codes = [reason["code"] for reason in policy["reasons"]]
        self.assertEqual(len(codes), len(set(codes)))
        self.assertGreater(len(policy["languages"]), 0)
        self.assertLessEqual(set(policy["unreviewed"]), set(policy["languages"]))
        self.assertIsInstance(policy["version"], str)
        self.assertGreaterEqual(policy["reports_reopen"], 0)
        for reason in policy["reasons"]:
            parent, _, child = reason["code"].rpartition(".")
            self.assertEqual(reason["parent"], parent or None, reason)
            self.assertIsInstance(reason["needs_note"], bool)
            for texts in (reason["title"], reason["sentence"]):
                self.assertEqual(set(texts), set(policy["languages"]), reason["code"])
                self.assertTrue(all(texts.values()), reason["code"])
        self.assertEqual(self.ann.policy(self.site), policy)

    def test_decisions_carry_the_version_of_the_policy(self):
        self.approved()
        self.assertEqual(self.records()[-1]["policy"], self.front.policy(self.site)["version"])


class Confirm(Case):
    def test_listener_tells_how_far_it_is(self):
        for _ in range(3):
            self.approved()
        reply = self.front.confirm(self.site, "web", 1)
        self.assertEqual((reply["newest"], reply["lag"]), (3, 2))
        self.assertEqual(self.front.confirm(self.site, "web", 3)["lag"], 0)
        self.assertEqual(self.front.confirm(self.site, "web", 0)["lag"], 3)
        listener, = [l for l in self.ann.stats()["listeners"] if l["site"] == self.site]
        self.assertEqual((listener["listener"], listener["seq"], listener["lag"]), ("web", 0, 3))
        self.assertLess(abs(listener["confirmed_at"] - now_ms()), 60_000)

    def test_number_above_the_newest_and_unknown_sites_are_refused(self):
        self.approved()
        error = self.assert_fails("diverged", self.front.confirm, self.site, "web", 2)
        self.assertEqual((error["newest"], error["epoch"]), (1, self.front.hello()["epoch"]))
        self.assert_fails("not_found", self.front.confirm, fresh("nowhere"), "web", 0)
        self.assert_fails("out_of_range", self.front.confirm, self.site, "web", -1)
        self.assert_fails("bad_character", self.front.confirm, self.site, "a/b", 1)


class PushSocket(Case):
    def setUp(self):
        super().setUp()
        self.push = self.daemon.keep(Push(self.daemon.endpoint("push")))

    def counters(self):
        return self.ann.stats()["counters"]

    def test_pushed_requests_are_done(self):
        self.push.send("submit", comments=[event(self.site, "a"), event(self.site, "b")])
        self.push.send("withdraw", site=self.site, comment="b")
        self.push.send("article", site=self.site, article={"id": "x"}, closed=True)
        eventually(lambda: self.state_of(self.named("b")) == "withdrawn")
        self.assertEqual(self.state_of(self.named("a")), "pending")
        events = self.ann.history(self.site, "a")["events"]
        self.assertEqual([(e["kind"], e["actor"]) for e in events], [("submitted", "push")])
        self.approve(self.named("a"))
        self.push.send("report", site=self.site, comment="a", reader="r")
        eventually(lambda: self.card_of(self.named("a"))["reports"] == 1)

    def test_bad_messages_and_refused_items_are_counted(self):
        before = self.counters()
        self.push.socket.send(b"\xc1")
        self.push.socket.send(b"")
        self.push.socket.send_multipart([b"a", b"b", b"c"])
        self.push.send("status", site=self.site, comments=["a"])
        self.push.send("submit", comments=[event(self.site, "bad", 7), event(self.site, "good")])
        eventually(lambda: self.state_of(self.named("good")) == "pending")
        # What was stored can be seen before what was refused beside it is counted.
        eventually(lambda: self.counters()["push_errors"] >= before["push_errors"] + 5)
        self.assertGreater(self.counters()["refused"], before["refused"])
        self.assertGreaterEqual(self.counters()["push_messages"], before["push_messages"] + 5)
        self.assertTrue(self.daemon.alive())

    def test_log_tells_what_was_refused(self):
        for _ in range(6):                # a burst is not told line by line
            self.push.send("submit", comments=[event(self.site, "bad", 7)])
            time.sleep(0.5)
        eventually(lambda: "comments[0].body" in self.daemon.log(), timeout=20)


if __name__ == "__main__":
    tap.main()
