"""A daemon that says: not now."""
import threading
import time

from cases import event
from suite import ANSWER_S, CONFIG, Conformance, events, limits, needs
from wire import Proxy, hurried


class Pending(Conformance):
    config = CONFIG + limits(pending_per_site=6)

    def test_busy_fails_alone_within_the_time_out_and_says_keep(self):
        with self.within(3):
            results = self.submit(events(self.site, 8), timeout_ms=3000)
        self.assertEqual([r["status"] for r in results[:6]], ["accepted"] * 6)
        for result in results[6:]:
            error = self.assert_result(result, "busy")
            self.assertGreater(error["retry_after_ms"], 0)
        self.assertEqual(self.pending_count(), 6)

    def test_what_was_refused_goes_in_once_there_is_room(self):
        """Of the comments of a list only those that were refused are sent again, and no sooner than they may."""
        with Proxy(self.daemon.endpoint("front"), hurried(200)) as proxy:
            front = self.open_front(proxy.endpoint)
            self.driver.send("submit", front=front, comments=events(self.site, 8), timeout_ms=10_000)
            time.sleep(1)
            for comment in ("c0", "c1"):
                self.approve(self.named(comment))
            results = self.driver.answer()["results"]
        self.assertEqual(set(self.statuses(results)), {"accepted"})
        sent = [[c["comment"] for c in request["comments"]] for request in proxy.requests("submit")]
        self.assertEqual({comment for comments in sent[1:] for comment in comments}, {"c6", "c7"}, sent)
        self.assertLessEqual(len(sent), 20, "each was refused for 200 ms, for 1 to 3 seconds")
        self.assertEqual(self.pending_count(), 6)


class Storage(Conformance):
    config = CONFIG + limits(database_bytes=4 << 20, reserve_bytes=2 << 20)

    def test_full_storage_says_keep_and_loses_nothing(self):
        accepted = []
        for number in range(100):
            comment = event(self.site, f"c{number}", f"{number} " + "x" * 60_000)
            result, = self.submit([comment], timeout_ms=3000)
            if result["status"] != "accepted":
                break
            accepted.append(comment)
        self.assert_result(result, "storage_full")
        self.assertGreater(len(accepted), 5)
        self.assert_stored(accepted)
        self.assertEqual(self.call("withdraw", site=self.site, comment="c0")["status"], "withdrawn")


class Rate(Conformance):
    config = CONFIG + limits(rate_per_key=1)
    tcp = ("front", "desk")

    @needs("key")
    def test_key_that_asks_too_fast_is_told_when_to_come_again(self):
        key = self.key_file(self.daemon.add_key("fast", "front"))
        front = self.open_front(self.daemon.tcp["front"], key=key)
        # A list is taken whole, and pays afterwards: six of them keep a key that may send one a second away for five seconds.
        self.assertEqual(set(self.statuses(self.submit(events(self.site, 6), front))), {"accepted"})
        result, = self.submit([event(self.site, "soon")], front, timeout_ms=2000)
        self.assertGreater(self.assert_result(result, "busy")["retry_after_ms"], 0)
        late, = self.submit([event(self.site, "late")], front)
        self.assertEqual(late["status"], "accepted")


class StreamLimits(Conformance):
    config = CONFIG + limits(max_credit=3, streams=1)

    @needs("stream")
    def test_credit_that_is_too_high_for_this_daemon_is_lowered_or_said(self):
        for _ in range(8):
            self.approved()
        self.driver.do("stream", name="s", endpoint=self.daemon.endpoint("front"), key=None, site=self.site, place=None, after=0, credit=500,
                       live=False, give_up_ms=5000)
        self.addCleanup(lambda: self.driver.do("close", stream="s"))
        answer = self.driver.do("next", stream="s", wait_ms=5000)
        if answer["event"] == "failed":
            self.assert_error(answer["error"], "out_of_range", field="credit")
            return
        got = []
        while answer["event"] in ("record", "lost"):
            if answer["event"] == "record":
                got.append(answer["record"]["seq"])
                self.driver.do("recorded", stream="s")
            answer = self.driver.do("next", stream="s", wait_ms=5000)
        self.assertEqual(got, list(range(1, 9)))

    @needs("stream")
    def test_stream_waits_for_its_turn(self):
        item, _ = self.approved()
        held = self.front.stream(self.site)
        released = threading.Timer(1.0, held.close)
        with Proxy(self.daemon.endpoint("front"), hurried(200)) as proxy:
            self.driver.do("stream", name="t", endpoint=proxy.endpoint, key=None, site=self.site, place=None, after=0, credit=3)
            self.addCleanup(lambda: self.driver.do("close", stream="t"))
            released.start()
            self.addCleanup(released.join)
            deadline = time.monotonic() + ANSWER_S
            answer = {"event": "none"}
            while answer["event"] in ("none", "lost") and time.monotonic() < deadline:
                answer = self.driver.do("next", stream="t", wait_ms=1000)
        self.assertEqual((answer["event"], answer.get("record", {}).get("comment")), ("record", item["comment"]))
