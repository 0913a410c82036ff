"""A site's records: in order, each once, whatever happens to daemon and wire."""
import os
import random
import shutil
import signal
import time

from cases import fresh, sha256
from suite import CONFIG, Conformance, needs
from wire import Proxy

WAIT_MS = 15_000          # for an event that must come


class Streams(Conformance):
    """What the cases of streams share."""

    def open_stream(self, endpoint=None, driver=None, **options):
        """A new stream's name. By default without a place, from the beginning, and live."""
        name = fresh("s")
        driver = driver or self.driver
        driver.do("stream", name=name, endpoint=endpoint or self.daemon.endpoint("front"),
                  **{"key": None, "site": self.site, "place": None, "credit": 100, **options})
        self.addCleanup(lambda: driver.alive() and driver.ask("close", stream=name))
        return name

    def next(self, name, driver=None, wait_ms=WAIT_MS):
        return (driver or self.driver).do("next", stream=name, wait_ms=wait_ms)

    def record(self, name, driver=None, recorded=True):
        """The next record; `level` and `lost` may come before it."""
        deadline = time.monotonic() + WAIT_MS / 1000
        while time.monotonic() < deadline:
            answer = self.next(name, driver)
            if answer["event"] == "record":
                if recorded:
                    (driver or self.driver).do("recorded", stream=name)
                return answer["record"]
            self.assertIn(answer["event"], ("level", "lost", "none"), answer)
        raise AssertionError(f"no record within {WAIT_MS} ms")

    def records_of(self, name, count, driver=None):
        return [self.record(name, driver) for _ in range(count)]

    def until(self, name, event, driver=None):
        """The next event of that kind; others but records may come before it: heartbeats that a busy machine holds up are a loss."""
        deadline = time.monotonic() + WAIT_MS / 1000
        while time.monotonic() < deadline:
            answer = self.next(name, driver)
            if answer["event"] == event:
                return answer
            self.assertIn(answer["event"], ("level", "lost", "none"), answer)
        raise AssertionError(f"no {event} within {WAIT_MS} ms")

    def make_records(self, count):
        """Approves so many new comments."""
        items = [self.pending() for _ in range(count)]
        for start in range(0, count, 100):
            self.ann.approve(items[start:start + 100])
        return items

    def assert_log(self, records, first=1):
        """They are what the log has from there on, key by key."""
        self.assertEqual(records, self.records(after=first - 1)[:len(records)])
        self.assertEqual([record["seq"] for record in records], list(range(first, first + len(records))))


class Stream(Streams):
    config = CONFIG.replace("credit_timeout_ms = 3000", "credit_timeout_ms = 2000")

    @needs("stream")
    def test_replay_hands_out_every_record_then_level_then_end(self):
        item, seq = self.approved(body="\0 bödy")
        self.undo(seq)
        self.reject(item)
        self.front.withdraw(self.site, item["comment"])
        self.make_records(3)
        name = self.open_stream(after=0, live=False)
        records = self.records_of(name, 7)
        self.assert_log(records)
        self.assertEqual(records[0]["body_sha256"], sha256("\0 bödy"))
        self.until(name, "level")
        self.assertEqual(self.next(name)["event"], "end")
        self.assertEqual(self.next(name)["event"], "end", "the end stays the end")

    @needs("stream")
    def test_stream_goes_on_from_a_place_with_hash_or_epoch(self):
        self.make_records(6)
        chain = self.records()[2]["chain"]
        for proof in ({"hash": chain}, {"epoch": self.front.hello()["epoch"]}, {}):
            with self.subTest(proof=list(proof)):
                name = self.open_stream(after=3, live=False, **proof)
                self.assert_log(self.records_of(name, 3), first=4)
                self.until(name, "level")

    @needs("stream")
    def test_live_records_follow_level(self):
        self.make_records(2)
        name = self.open_stream()
        self.records_of(name, 2)
        self.until(name, "level")
        self.assertIn(self.next(name, wait_ms=100)["event"], ("none", "lost"))
        took = []
        for _ in range(3):            # a busy machine may hold up one of them
            start = time.monotonic()
            item, _ = self.approved()
            self.assertEqual(self.record(name)["comment"], item["comment"])
            took.append(time.monotonic() - start)
        self.assertLess(min(took), 1.0, took)

    @needs("stream")
    def test_site_that_is_not_there_yet_is_level_and_then_live(self):
        name = self.open_stream()
        self.until(name, "level")
        self.approved()
        self.assertEqual(self.record(name)["seq"], 1)

    @needs("stream")
    def test_next_waits_no_longer_than_it_was_told(self):
        name = self.open_stream(endpoint=f"ipc://{self.directory()}/none")
        took = []
        for _ in range(3):            # a busy machine may hold up one of them
            start = time.monotonic()
            self.assertIn(self.next(name, wait_ms=400)["event"], ("none", "lost"))
            took.append(time.monotonic() - start)
        self.assertLess(min(took), 0.9, took)
        self.assertEqual(self.next(name, wait_ms=0)["event"], "none")

    @needs("stream")
    def test_many_records_come_in_order_with_little_credit(self):
        self.make_records(300)
        name = self.open_stream(credit=3, live=False)
        self.assert_log(self.records_of(name, 300))

    @needs("stream")
    def test_place_is_the_last_recorded_record(self):
        self.make_records(3)
        name = self.open_stream()
        records = self.records_of(name, 2)
        self.record(name, recorded=False)
        place = self.driver.do("place", stream=name)
        self.assertEqual((place["seq"], place["chain"]), (2, records[1]["chain"]))

    # Daemons that go

    @needs("stream")
    def test_restarted_daemon_is_found_again_and_nothing_is_missing(self):
        self.make_records(4)
        name = self.open_stream()
        records = self.records_of(name, 3)
        self.daemon.restart()
        self.make_records(3)
        records += self.records_of(name, 4)
        self.assert_log(records)

    @needs("stream")
    def test_killed_daemon_is_found_again_and_nothing_is_missing(self):
        chance = random.Random(3)
        name, records = self.open_stream(credit=10), []
        for _ in range(6):
            count = chance.randint(5, 30)
            self.make_records(count)
            records += self.records_of(name, chance.randint(0, count))
            self.daemon.kill(counted=False)
            self.daemon.start()
        records += self.records_of(name, self.front.stream(self.site, live=False).newest - len(records))
        self.assert_log(records)

    @needs("stream")
    def test_daemon_that_stands_still_is_noticed(self):
        name = self.open_stream()
        self.until(name, "level")
        os.kill(self.daemon.pid, signal.SIGSTOP)
        try:
            self.assertEqual(self.next(name, wait_ms=3000)["event"], "lost")
        finally:
            os.kill(self.daemon.pid, signal.SIGCONT)
        self.approved()
        self.assertEqual(self.record(name)["seq"], 1)

    @needs("stream")
    def test_stream_gives_up_after_the_time_that_it_was_told(self):
        name = self.open_stream(endpoint=f"ipc://{self.directory()}/none", give_up_ms=600)
        with self.within(0.6):
            answer = self.until(name, "failed")
        self.assert_error(answer["error"], "client_timeout", "client_cannot_connect")
        self.assertEqual(self.next(name, wait_ms=100)["event"], "failed", "failed stays failed")

    @needs("stream")
    def test_stream_that_was_opened_before_the_daemon_ran_works(self):
        self.make_records(1)
        self.daemon.stop()
        name = self.open_stream()
        self.assertIn(self.next(name, wait_ms=300)["event"], ("none", "lost"))
        self.daemon.start()
        self.assertEqual(self.record(name)["seq"], 1)

    # Another past

    @needs("stream")
    def test_another_past_is_diverged(self):
        self.make_records(2)
        for past in ({"after": 2, "hash": b"x" * 32}, {"after": 9}, {"after": 1, "epoch": b"y" * 16}):
            with self.subTest(past=past):
                answer = self.until(self.open_stream(**past), "failed")
                self.assert_error(answer["error"], "diverged")

    @needs("stream")
    def test_restored_backup_diverges_and_the_new_past_begins_at_0(self):
        self.make_records(2)
        self.daemon.stop()
        backup = self.directory()
        for name in os.listdir(self.daemon.dir):
            path = os.path.join(self.daemon.dir, name)
            if os.path.isfile(path) and not name.endswith(".txt"):
                shutil.copy(path, backup)
        self.daemon.start()
        self.make_records(2)
        name = self.open_stream()
        self.records_of(name, 4)
        self.daemon.stop()
        for copy in os.listdir(backup):
            shutil.copy(os.path.join(backup, copy), self.daemon.dir)
        self.daemon.arguments.append("--restored")
        self.assertEqual(self.daemon.spawn().ended(), 0)
        self.daemon.arguments.remove("--restored")
        self.daemon.start()
        self.assert_error(self.until(name, "failed")["error"], "diverged")
        self.make_records(1)
        self.assert_log(self.records_of(self.open_stream(after=0), 3))

    # What gets lost on the wire

    def dropping(self, unwanted):
        """A proxy that drops what unwanted(number, message) is true for, on its way to the client."""
        proxy = Proxy(self.daemon.endpoint("front"), lambda number, message, body: [] if unwanted(number, message) else [body])
        proxy.__enter__()
        self.addCleanup(proxy.__exit__)
        return proxy

    @needs("stream")
    def test_gap_is_noticed_and_filled(self):
        dropped = []

        def second(number, message):
            if message.get("op") == "records" and number == 0:
                dropped.append(message["records"][0]["seq"])
                return len(dropped) == 2
            return False
        proxy = self.dropping(second)
        name = self.open_stream(proxy.endpoint)
        self.until(name, "level")
        records = []
        for _ in range(4):
            self.approved()
            if len(records) == 0:
                records.append(self.record(name))
        records += self.records_of(name, 3)
        self.assert_log(records)
        self.assertGreaterEqual(len(proxy.connections("stream")), 2, "the stream was not opened anew")

    @needs("stream")
    def test_record_lost_at_the_end_is_noticed_by_the_heartbeat(self):
        proxy = self.dropping(lambda number, message: message.get("op") == "records" and number == 0)
        name = self.open_stream(proxy.endpoint)
        self.until(name, "level")
        self.approved()
        start = time.monotonic()
        self.assertEqual(self.record(name)["seq"], 1)
        self.assertLess(time.monotonic() - start, 3)

    @needs("stream")
    def test_missing_heartbeats_are_noticed(self):
        silent = set()
        proxy = self.dropping(lambda number, message: message.get("op") == "heartbeat" and number in silent)
        name = self.open_stream(proxy.endpoint)
        self.until(name, "level")
        silent.update(proxy.connections("stream"))
        start = time.monotonic()
        self.assertEqual(self.next(name, wait_ms=3000)["event"], "lost")
        self.assertLess(time.monotonic() - start, 2.0, "two heartbeats of 300 ms were missing")
        self.approved()
        self.assertEqual(self.record(name)["seq"], 1)

    @needs("stream")
    def test_lost_reply_is_asked_for_again(self):
        proxy = self.dropping(lambda number, message: number == 0)
        self.make_records(1)
        name = self.open_stream(proxy.endpoint)
        self.assertEqual(self.record(name)["seq"], 1)

    @needs("stream")
    def test_records_that_come_twice_are_handed_out_once(self):
        proxy = Proxy(self.daemon.endpoint("front"), lambda number, message, body:
                      [body, body] if message.get("op") == "records" and number == 0 else [body])
        with proxy:
            name = self.open_stream(proxy.endpoint)
            self.until(name, "level")
            self.make_records(4)
            self.assert_log(self.records_of(name, 4))

    @needs("stream", "place_file", "recorded")
    def test_credit_is_given_for_recorded_records_alone(self):
        """A listener that records nothing gets no more than its credit."""
        sent = []

        def note(number, message, body):
            if message.get("op") == "records":
                sent.extend(record["seq"] for record in message["records"])
            return [body]
        self.make_records(20)
        with Proxy(self.daemon.endpoint("front"), note) as proxy:
            name = self.open_stream(proxy.endpoint, credit=4, place={"file": os.path.join(self.directory(), "place")})
            events = [self.next(name, wait_ms=400)["event"] for _ in range(7)]
            self.assertLessEqual(events.count("record"), 4, events)
            self.assertLessEqual(max(sent), 4, "more was sent than there was credit")
            self.assertEqual(sum(message["credit"] for message in proxy.requests("credit")), 0)
            self.driver.do("close", stream=name)

    @needs("stream")
    def test_slow_listener_is_never_owed_more_than_its_credit(self):
        sent, recorded, ahead = [0], [0], [0]

        def note(number, message, body):
            if message.get("op") == "records":
                sent[0] = max(sent[0], message["records"][-1]["seq"])      # some come again when a stream was lost
                ahead[0] = max(ahead[0], sent[0] - recorded[0])
            return [body]
        self.make_records(60)
        with Proxy(self.daemon.endpoint("front"), note) as proxy:
            name = self.open_stream(proxy.endpoint, credit=5)
            records = []
            for _ in range(60):
                record = self.record(name, recorded=False)
                time.sleep(0.005)
                recorded[0] = record["seq"]      # before it says so: the credit may be quicker than its answer
                self.driver.do("recorded", stream=name)
                records.append(record)
            self.driver.do("close", stream=name)
        self.assert_log(records)
        self.assertLessEqual(ahead[0], 5)


class QuietStream(Streams):
    """Heartbeats so rare that a busy machine does not hold up two of them."""

    config = "heartbeat_ms = 1000\ncredit_timeout_ms = 2000\n"

    @needs("stream")
    def test_stream_lives_on_while_nothing_happens(self):
        """Credit 0 tells the daemon that somebody is there: longer than credit_timeout_ms nothing is lost."""
        with Proxy(self.daemon.endpoint("front")) as proxy:
            name = self.open_stream(proxy.endpoint)
            self.until(name, "level")
            self.assertEqual(self.next(name, wait_ms=2700)["event"], "none")
            self.assertEqual(len(proxy.connections("stream")), 1)
            self.assertGreaterEqual(len(proxy.requests("credit")), 2)
            self.approved()
            self.assertEqual(self.record(name)["seq"], 1)
