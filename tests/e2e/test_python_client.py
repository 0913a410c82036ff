"""The Python client itself, against a peer that loses, repeats and skips what it likes."""
# waits: for time-outs
import shutil
import tempfile
import threading
import time
import unittest

import msgpack
import zmq

import tap
from modq import Desk, Front, ModqError, RequestTimeout, StreamLost, batches, count_values

LIMITS = {"max_message_bytes": 65536, "max_batch": 4, "max_credit": 6}
LOG = 20
HEARTBEAT_S, CREDIT_TIMEOUT_S = 0.4, 1.8      # a stream is lost after a silence of two and a half heartbeats


class Peer(threading.Thread):
    """A front socket with one site of LOG records; `mode` says what goes wrong, `drop` how many requests are lost."""

    def __init__(self):
        super().__init__(daemon=True)
        self.directory = tempfile.mkdtemp(prefix="mq-", dir="/tmp")
        self.endpoint = f"ipc://{self.directory}/front.sock"
        self.router = zmq.Context.instance().socket(zmq.ROUTER)
        self.router.setsockopt(zmq.LINGER, 0)
        self.router.bind(self.endpoint)
        self.seen, self.drop, self.mode, self.streams, self.newest = [], 0, "", {}, LOG
        self.stopping = False
        self.beat = time.monotonic()
        self.start()

    def end(self):
        self.stopping = True
        self.join()
        self.router.close()
        shutil.rmtree(self.directory)

    def send(self, peer, **body):
        self.router.send_multipart([peer, msgpack.packb({"v": 1, **body})])

    def run(self):
        while not self.stopping:
            if self.router.poll(5):
                peer, frame = self.router.recv_multipart()
                self.handle(peer, msgpack.unpackb(frame), frame)
            if time.monotonic() - self.beat > HEARTBEAT_S:
                self.beat = time.monotonic()
                self.heartbeats()
            for (peer, id), stream in list(self.streams.items()):
                self.feed(peer, id, stream)

    def heartbeats(self):
        for (peer, id), stream in list(self.streams.items()):
            if self.mode != "silent":
                sent = stream["at"] + (1 if self.mode == "lossy" else 0)
                self.send(peer, id=id, op="heartbeat", site="s", newest=self.newest, sent=sent, credit=stream["credit"],
                          time=1)
            if time.monotonic() - stream["heard"] > CREDIT_TIMEOUT_S:
                self.end_stream(peer, id, 5, "credit_timeout")

    def end_stream(self, peer, id, number, name):
        self.streams.pop((peer, id), None)
        self.send(peer, id=id, op="ended", site="s",
                  error={"number": number, "name": name, "class": "retry", "message": name})

    def feed(self, peer, id, stream):
        count = min(stream["credit"], self.newest - stream["at"], 3)
        if count > 0:
            skip = 1 if self.mode == "gap" and stream["at"] >= 3 else 0
            records = [{"seq": seq + skip, "chain": bytes([seq]) * 32}
                       for seq in range(stream["at"] + 1, stream["at"] + count + 1)]
            stream["at"] += count
            stream["credit"] -= count
            self.send(peer, id=id, op="records", site="s", records=records)
        if stream["at"] == self.newest and not stream["level"]:
            stream["level"] = True
            self.send(peer, id=id, op="level", site="s", newest=self.newest)
            if not stream["live"]:
                del self.streams[peer, id]

    def handle(self, peer, body, frame):
        self.seen.append((body["op"], body, frame, peer))
        if self.drop and body["op"] != "hello":
            self.drop -= 1
            return
        answer = getattr(self, "on_" + body["op"])(peer, body)
        if answer is not None:
            self.send(peer, **{"id": body.get("id"), "op": body["op"], "ok": True, **answer})

    def on_hello(self, peer, body):
        return {"limits": LIMITS}

    def on_submit(self, peer, body):
        return {"results": [{"comment": comment["comment"], "status": "accepted"} for comment in body["comments"]]}

    def on_status(self, peer, body):
        return {"results": []}

    on_approve = on_withdraw = on_status

    def on_confirm(self, peer, body):
        return {"ok": False, "error": {"number": 89, "name": "diverged", "class": "final", "message": "no",
                                       "newest": 3}}

    def on_stream(self, peer, body):
        self.streams[peer, body["id"]] = {"at": body.get("after", 0), "credit": body["credit"],
                                          "live": body.get("live", True),
                                          "level": False, "heard": time.monotonic()}
        return {"site": "s", "epoch": bytes(16), "newest": self.newest, "heartbeat_ms": int(HEARTBEAT_S * 1000),
                "credit_timeout_ms": int(CREDIT_TIMEOUT_S * 1000)}

    def on_credit(self, peer, body):
        stream = self.streams.get((peer, body["stream"]))
        if not stream:
            self.end_stream(peer, body["stream"], 81, "not_found")
            return
        stream["credit"] = min(stream["credit"] + body["credit"], LIMITS["max_credit"])
        stream["heard"] = time.monotonic()

    def on_cancel(self, peer, body):
        self.streams.pop((peer, body["stream"]), None)


class Client(unittest.TestCase):
    def setUp(self):
        self.peer = Peer()
        self.addCleanup(self.peer.end)
        self.front = Front(self.peer.endpoint, timeout_s=1)
        self.addCleanup(self.front.close)

    def seen(self, op):
        return [entry for entry in self.peer.seen if entry[0] == op]

    def lost(self, stream):
        """The reason why a stream broke."""
        with self.assertRaises(StreamLost) as caught:
            while stream.next_record() is not None:
                pass
        return caught.exception

    def test_batches_keep_all_three_limits(self):
        results = self.front.submit([{"site": "s", "comment": str(i), "body": "b" * 20000} for i in range(9)])
        self.assertEqual([r["comment"] for r in results], [str(i) for i in range(9)])
        self.assertEqual([len(body["comments"]) for _, body, _, _ in self.seen("submit")], [3, 3, 3])
        events = [{"site": "s", "comment": str(i), "body": "b", "extra": {"l": [1] * 9000}} for i in range(3)]
        parts = list(batches(events, {"max_batch": 100, "max_message_bytes": 10 ** 6}))
        self.assertEqual([len(part) for part in parts], [2, 1])
        self.assertLessEqual(count_values(parts[0]), 20000)

    def test_errors_keep_what_came_with_them(self):
        with self.assertRaises(ModqError) as caught:
            self.front.confirm("s", "web", 9)
        self.assertEqual((caught.exception.number, caught.exception.class_, caught.exception.detail["newest"]),
                         (89, "final", 3))

    def test_repeat_is_the_same_bytes_on_a_new_connection(self):
        self.peer.drop = 2
        self.front.withdraw("s", "1")
        sent = self.seen("withdraw")
        self.assertEqual((len(sent), len({s[2] for s in sent}), len({s[3] for s in sent})), (3, 1, 3))

    def test_wish_is_repeated_under_the_same_operation_id(self):
        with Desk(self.peer.endpoint, timeout_s=0.7, as_="ann") as desk:
            self.peer.drop = 3
            with self.assertRaises(RequestTimeout) as caught:
                desk.approve([{"site": "s", "comment": "1"}])
            desk.approve([{"site": "s", "comment": "1"}], operation=caught.exception.operation)
        bodies = [body for _, body, _, _ in self.seen("approve")]
        self.assertEqual((len(bodies), len({body["operation"] for body in bodies}), bodies[0]["as"]), (4, 1, "ann"))

    def test_replies_are_matched_whatever_their_order(self):
        self.peer.drop = 1
        ids = [self.front.send("status", site="s", comments=[str(i)]) for i in range(50)]
        for id in reversed(ids):
            self.assertEqual(self.front.collect(id)["id"], id)

    def test_replay_gives_credit_back_and_ends(self):
        self.assertEqual([r["seq"] for r in self.front.stream("s", live=False)], list(range(1, LOG + 1)))

    def test_credit_is_given_for_what_was_stored_only(self):
        stream = self.front.stream("s", credit=6)
        self.assertEqual(stream.next_record()["seq"], 1)
        time.sleep(0.15)
        self.assertEqual(self.seen("credit"), [])
        for seq in range(2, LOG + 1):
            self.assertEqual(stream.next_record(1)["seq"], seq)
        self.assertLess(sum(body["credit"] for _, body, _, _ in self.seen("credit")), LOG)

    def test_signs_of_life_keep_a_quiet_stream_open(self):
        stream = self.front.stream("s", LOG)
        self.assertIsNone(stream.next_record(3 * CREDIT_TIMEOUT_S))
        self.peer.newest += 3
        self.assertEqual([stream.next_record(1)["seq"] for _ in range(3)], [LOG + 1, LOG + 2, LOG + 3])

    def test_consumer_that_stays_away_too_long_is_told_and_can_go_on(self):
        stream = self.front.stream("s", LOG - 1)
        self.assertEqual(stream.next_record(1)["seq"], LOG)
        time.sleep(2 * CREDIT_TIMEOUT_S)
        lost = self.lost(stream)
        self.assertIn("credit_timeout", lost.reason)
        self.assertEqual((lost.after, lost.hash), (LOG, bytes([LOG]) * 32))
        self.assertIsNone(stream.reopen().next_record(0.2))

    def test_losses_are_noticed(self):
        for mode, reason in (("silent", "missing"), ("lossy", "was sent"), ("gap", "gap: 5 follows 3")):
            stream = self.front.stream("s")
            self.peer.mode = mode
            if mode == "gap":
                stream.close()
                stream = self.front.stream("s")
            self.assertIn(reason, self.lost(stream).reason)
            self.peer.mode = ""

    def test_stream_that_the_daemon_forgot_is_noticed(self):
        stream = self.front.stream("s", LOG)
        self.peer.mode = "silent"
        self.peer.streams.clear()
        self.assertRegex(self.lost(stream).reason, "not_found|missing")


if __name__ == "__main__":
    tap.main()
