"""Streams and the decisions socket, heard by a client written from PROTOCOL.md."""
# waits: for heartbeats and ends of streams
# time-limit: 240
import time

import msgpack
import zmq

import tap
from cases import Case, event, eventually, fresh
from modq import Decisions, ModqError, Raw, StreamLost, decode


class Streams(Case):
    config = "heartbeat_ms = 1000\n"       # a stream is lost after a silence of two and a half

    def setUp(self):
        super().setUp()
        self.raw = self.daemon.keep(Raw(self.daemon.endpoint("front")))

    def fill(self, count, site=None):
        """So many records, each with a comment of its own."""
        site = site or self.site
        items = [self.named(fresh(), site) for _ in range(count)]
        self.front.submit([event(**item) for item in items])
        for start in range(0, count, 200):
            self.ann.approve(items[start:start + 200])
        return items

    def ask(self, **fields):
        """The reply; of streams that are open already heartbeats may come before it."""
        self.raw.send(msgpack.packb({"v": 1, "op": "stream", "id": 1, "site": self.site, "credit": 10, **fields}))
        return self.receive("stream")

    def await_level(self, stream):
        """Until everything has come that there is, which is no further record."""
        eventually(lambda: self.assertIsNone(stream.next_record(0.1)) or stream.level, timeout=20)

    def receive(self, op=None, timeout=5.0):
        """The next message of the stream (with this op; others but heartbeats fail)."""
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0 and (frames := self.raw.receive(left)):
            body = decode(frames[0])
            if op in (None, body["op"]):
                return body
            self.assertEqual(body["op"], "heartbeat", body)
        return None

    def test_replay_gives_everything_in_order_and_ends(self):
        items = self.fill(300)
        records = self.records()
        self.assertEqual([r["seq"] for r in records], list(range(1, 301)))
        self.assertEqual([r["comment"] for r in records], [i["comment"] for i in items])
        times = [r["decided_at"] for r in records]
        self.assertEqual(times, sorted(times))
        self.assertEqual(len({r["chain"] for r in records}), 300)
        self.assertEqual(self.records(after=290, hash=records[289]["chain"]), records[290:])
        self.assertEqual(self.records(after=290), records[290:])
        self.assertEqual(self.records(after=300, hash=records[299]["chain"]), [])

    def test_reply_comes_first_and_names_log_and_times(self):
        self.fill(2)
        reply = self.ask(live=False)
        hello = self.front.hello()
        self.assertTrue(reply["ok"])
        self.assertEqual((reply["site"], reply["newest"], reply["epoch"]), (self.site, 2, hello["epoch"]))
        for key in ("heartbeat_ms", "credit_timeout_ms"):
            self.assertEqual(reply[key], hello[key])
        body = self.receive("records")
        self.assertEqual((body["id"], body["site"], len(body["records"])), (1, self.site, 2))
        self.assertNotIn("ok", body)
        level = self.receive("level")
        self.assertEqual((level["site"], level["newest"], level["id"]), (self.site, 2, 1))
        self.assertIsNone(self.receive("records", 0.2))

    def test_messages_hold_at_most_128_records(self):
        self.fill(300)
        self.ask(credit=300, live=False)
        sizes = []
        while sum(sizes) < 300:
            sizes.append(len(self.receive("records")["records"]))
        self.assertLessEqual(max(sizes), 128)

    def test_live_records_follow_the_level(self):
        self.fill(1)
        with_level = self.front.stream(self.site)
        self.assertEqual(with_level.next_record(5)["seq"], 1)
        self.await_level(with_level)
        self.fill(3)
        self.assertEqual([with_level.next_record(5)["seq"] for _ in range(3)], [2, 3, 4])
        with_level.close()

    def test_site_need_not_exist_yet(self):
        stream = self.front.stream(self.site)
        self.await_level(stream)
        self.fill(1)
        self.assertEqual(stream.next_record(5)["seq"], 1)
        stream.close()

    def test_no_more_records_come_than_credit_was_given(self):
        self.fill(30)
        self.ask(credit=5)
        got = self.receive("records")["records"]
        self.assertEqual([r["seq"] for r in got], [1, 2, 3, 4, 5])
        self.assertIsNone(self.receive("records", 0.3))
        self.raw.send(msgpack.packb({"v": 1, "op": "credit", "id": 2, "stream": 1, "credit": 3}))
        self.raw.send(msgpack.packb({"v": 1, "op": "credit", "id": 3, "stream": 1, "credit": 2}))
        got = []
        while len(got) < 5:
            got += [r["seq"] for r in self.receive("records")["records"]]
        self.assertEqual(got, [6, 7, 8, 9, 10])
        self.assertIsNone(self.receive("records", 0.3))

    def test_credit_is_cut_at_the_most(self):
        most = self.front.limits()["max_credit"]
        self.ask(credit=most)
        self.assertEqual(self.receive("level")["newest"], 0)
        self.raw.send(msgpack.packb({"v": 1, "op": "credit", "id": 2, "stream": 1, "credit": most}))
        beat = self.receive("heartbeat", 20)
        self.assertEqual(beat["credit"], most)

    def test_heartbeats_tell_newest_sent_and_credit(self):
        self.fill(4)
        self.ask(credit=3)
        self.receive("records")
        beat = self.receive("heartbeat", 20)
        self.assertEqual((beat["id"], beat["site"], beat["newest"], beat["sent"], beat["credit"]),
                         (1, self.site, 4, 3, 0))
        self.assertIn("time", beat)

    def test_past_that_differs_is_diverged(self):
        self.fill(2)
        records = self.records()
        epoch = self.front.hello()["epoch"]
        for fields in ({"after": 3}, {"after": 3, "hash": records[1]["chain"]},
                       {"after": 2, "hash": records[0]["chain"]},
                       {"after": 2, "hash": bytes(32)}, {"after": 1, "epoch": bytes(16)}):
            with self.assertRaises(ModqError) as caught:
                self.front.stream(self.site, **fields)
            error = caught.exception.detail
            self.assertEqual((error["name"], error["newest"], error["epoch"]), ("diverged", 2, epoch), fields)
        for fields in ({"after": 1, "epoch": epoch}, {"after": 1, "hash": records[0]["chain"], "epoch": bytes(16)},
                       {"after": 0, "hash": bytes(32)}, {"after": 0, "epoch": bytes(16)}, {"after": 2}):
            stream = self.front.stream(self.site, live=False, **fields)
            self.assertEqual([r["seq"] for r in stream], list(range(fields["after"] + 1, 3)), fields)

    def test_past_of_another_site_is_diverged(self):
        other = fresh("site-")
        self.fill(1), self.fill(1, other)
        self.assert_fails("diverged", self.front.stream, self.site, 1, self.records(other)[0]["chain"])
        self.assert_fails("diverged", self.front.stream, fresh("site-"), 1)

    def test_id_of_an_open_stream_is_refused(self):
        self.assertTrue(self.ask()["ok"])
        self.receive("level")
        reply = self.ask()
        self.assertEqual((reply["error"]["name"], reply["error"]["field"]), ("stream_exists", "id"))
        self.assertTrue(self.ask(id="another")["ok"])

    def test_id_is_free_again_after_a_replay(self):
        for _ in range(2):
            self.assertTrue(self.ask(live=False)["ok"])
            self.receive("level")

    def test_same_id_on_another_connection_is_another_stream(self):
        self.fill(1)
        other = self.daemon.keep(Raw(self.daemon.endpoint("front")))
        self.assertTrue(self.ask()["ok"])
        self.assertTrue(other.ask({"v": 1, "op": "stream", "id": 1, "site": self.site, "credit": 1})["ok"])

    def test_stream_needs_an_id_and_a_credit(self):
        self.assertEqual(self.ask(id=None)["error"]["name"], "missing_field")
        self.assertEqual(self.ask(credit=None)["error"]["field"], "credit")
        most = self.front.limits()["max_credit"]
        for credit in (0, most + 1):
            error = self.ask(credit=credit)["error"]
            self.assertEqual((error["name"], error["min"], error["max"]), ("out_of_range", 1, most))
        self.assertEqual(self.ask(after=-1)["error"]["name"], "out_of_range")
        self.assertEqual(self.ask(after=1, hash=bytes(31))["error"]["name"], "too_short")

    def test_req_socket_cannot_hold_a_stream(self):
        req = self.daemon.keep(Raw(self.daemon.endpoint("front"), zmq.REQ))
        for op, more in (("stream", {"site": self.site, "credit": 1}), ("credit", {"stream": 1, "credit": 1}),
                         ("cancel", {"stream": 1})):
            self.assertEqual(req.ask({"v": 1, "op": op, "id": 1, **more})["error"]["name"], "dealer_needed")

    def test_cancelled_stream_is_silent(self):
        self.ask()
        self.receive("level")
        self.raw.send(msgpack.packb({"v": 1, "op": "cancel", "stream": 1}))
        self.raw.send(msgpack.packb({"v": 1, "op": "hello", "id": 9}))
        self.assertTrue(self.receive("hello")["ok"])
        self.fill(1)
        self.assertIsNone(self.receive(timeout=1.5))

    def test_credit_for_a_stream_that_is_not_open_ends_it(self):
        self.raw.send(msgpack.packb({"v": 1, "op": "credit", "id": 5, "stream": "gone", "credit": 0}))
        ended = self.receive("ended")
        self.assertEqual((ended["id"], ended["error"]["name"]), ("gone", "not_found"))
        self.raw.send(msgpack.packb({"v": 1, "op": "cancel", "id": 6, "stream": "gone"}))
        self.assertIsNone(self.receive(timeout=0.3))

    def test_bad_fields_of_credit_and_cancel_are_answered(self):
        for op, more, field in (("credit", {"stream": 1}, "credit"), ("credit", {"credit": 1}, "stream"),
                                ("cancel", {}, "stream")):
            reply = self.raw.ask({"v": 1, "op": op, "id": 3, **more})
            self.assertEqual((reply["ok"], reply["id"], reply["error"]["field"]), (False, 3, field))
        most = self.front.limits()["max_credit"]
        reply = self.raw.ask({"v": 1, "op": "credit", "id": 3, "stream": 1, "credit": most + 1})
        self.assertEqual(reply["error"]["name"], "out_of_range")

    def test_one_connection_has_so_many_streams_and_no_more(self):
        most = self.front.limits()["streams_per_peer"]
        for number in range(most):
            self.raw.send(msgpack.packb({"v": 1, "op": "stream", "id": number, "site": self.site, "credit": 1}))
        came = {"stream": [], "level": [], "heartbeat": []}
        while len(came["stream"]) < most or len(came["level"]) < most:
            body = self.receive()
            came[body["op"]].append(body)
        self.assertEqual([body["ok"] for body in came["stream"]], [True] * most)
        error = self.ask(id="more")["error"]
        self.assertEqual((error["name"], error["max"]), ("too_many_streams", most))
        self.assertTrue(self.front.stream(self.site).epoch)

    def test_consumer_slower_than_its_credit_loses_nothing(self):
        self.fill(100)
        stream = self.front.stream(self.site, credit=4)
        for seq in range(1, 101):
            self.assertEqual(stream.next_record(5)["seq"], seq)
            if seq % 25 == 0:
                time.sleep(0.2)
        stream.close()


class Silence(Case):
    config = "heartbeat_ms = 1000\ncredit_timeout_ms = 3000\n"

    def test_stream_of_a_silent_listener_ends_and_one_that_lives_does_not(self):
        timeout_s = self.front.hello()["credit_timeout_ms"] / 1000
        self.assertEqual(timeout_s, 3)
        silent = self.daemon.keep(Raw(self.daemon.endpoint("front")))
        self.assertTrue(silent.ask({"v": 1, "op": "stream", "id": 1, "site": self.site, "credit": 5})["ok"])
        alive = self.front.stream(self.site)
        start, ended = time.monotonic(), None
        while ended is None and time.monotonic() - start < timeout_s + 20:
            self.assertIsNone(alive.next_record(0.2))
            while frames := silent.receive(0):
                body = msgpack.unpackb(frames[0])
                ended = body if body["op"] == "ended" else None
        self.assertIsNotNone(ended, "the silent stream goes on")
        self.assertEqual((ended["id"], ended["error"]["name"]), (1, "credit_timeout"))
        self.assertGreater(time.monotonic() - start, timeout_s * 0.9)
        self.approved()
        self.assertEqual(alive.next_record(5)["seq"], 1)
        self.assertGreater(alive.heartbeats, 1)
        alive.close()


class Stopping(Case):
    def test_streams_end_with_stopping_and_go_on_after_a_restart(self):
        self.approved()
        stream = self.front.stream(self.site)
        self.assertEqual(stream.next_record(5)["seq"], 1)
        self.daemon.restart()
        with self.assertRaises(StreamLost) as lost:
            while True:
                stream.next_record(30)
        self.assertIn("stopping", lost.exception.reason)
        self.approved()
        self.assertEqual(stream.reopen().next_record(5)["seq"], 2)


class PublishedDecisions(Case):
    config = "heartbeat_ms = 500\n"

    def hear(self, site):
        """A listener that has heard the newest record of the site: its subscription takes a moment."""
        listener, seqs = self.daemon.keep(Decisions(self.daemon.endpoint("decisions"), site)), []

        def joined():
            seqs.append(self.approve(self.pending(site=site)))
            return self.next_of(listener, "record", 0.1)
        _, body = eventually(joined, timeout=20)
        while body["record"]["seq"] < seqs[-1]:
            _, body = self.next_of(listener, "record")
        return listener

    def next_of(self, listener, op, timeout=20.0):
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0 and (message := listener.receive(left)):
            if message[1]["op"] == op:
                return message
        return None

    def test_record_is_published_as_streamed(self):
        listener = self.hear(self.site)
        self.approved()
        topic, body = self.next_of(listener, "record")
        self.assertEqual((topic, body["v"]), (self.site.encode() + b"/", 1))
        self.assertEqual(body["record"], self.records()[-1])

    def test_site_hears_no_site_whose_name_only_begins_like_its_own(self):
        listener = self.hear("news")
        for site in ("news2", "news-", "new", "news"):
            self.approve(self.pending(site=site))
        topic, body = self.next_of(listener, "record")
        self.assertEqual((topic, body["record"]["site"]), (b"news/", "news"))
        self.assertIsNone(self.next_of(listener, "record", 0.5))

    def test_heartbeats_tell_the_newest_number(self):
        listener = self.hear(self.site)
        newest = len(self.records())
        topic, body = self.next_of(listener, "heartbeat")
        self.assertEqual((topic, body["site"], body["newest"]), (self.site.encode() + b"/", self.site, newest))
        self.assertEqual(body["epoch"], self.front.hello()["epoch"])
        self.assertIn("time", body)


if __name__ == "__main__":
    tap.main()
