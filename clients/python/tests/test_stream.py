"""A site's decisions as a machine, with a clock and a daemon that only the tests move."""
import random
import unittest

from helpers import error_map, msgpack
from modqd.place import Position
from modqd.stream import Machine

EPOCH = bytes(range(16))


def chain(seq):
    return seq.to_bytes(32, "big")


def record(seq):
    return {"site": "news", "seq": seq, "comment": str(seq), "decision": "approved", "chain": chain(seq)}


class Harness:
    """A machine and the time. What it sends is decoded in `sent`."""

    def __init__(self, position=Position(0), **options):
        self.now = 100.0
        self.machine = Machine("news", position, self.now, **options)
        self.sent = []

    def turn(self, seconds=0.0):
        self.now += seconds
        self.machine.process(self.now)
        while self.machine.socket and self.machine.outgoing:
            self.sent.append(msgpack.unpackb(self.machine.outgoing[0]))
            self.machine.sent()
        return self

    def say(self, op, **fields):
        self.machine.receive([msgpack.packb({"v": 1, "id": self.id, "op": op, **fields})], self.now)
        return self.turn()

    @property
    def id(self):
        return [one for one in self.sent if one["op"] == "stream"][-1]["id"]

    def open(self, **more):
        self.turn()
        return self.say("stream", ok=True, epoch=EPOCH, newest=9, heartbeat_ms=1000, credit_timeout_ms=30_000, **more)

    def records(self, *numbers):
        return self.say("records", site="news", records=[record(seq) for seq in numbers])

    def take(self):
        event = self.machine.take()
        return event and (event.record["seq"] if event.type == "record" else event.type)

    def take_all(self):
        taken = []
        while (one := self.take()) not in (None, "end", "failed"):
            taken.append(one)
        return taken + [one] * (one is not None)

    def recorded(self):
        position = self.machine.next_position()
        if position:
            self.machine.recorded(position, self.now)
        self.turn()

    def pause(self):
        """Until it opens anew."""
        while self.machine.socket == 0:
            self.turn(max(0.001, self.machine.wake_at() - self.now))
        return self.sent[-1]


class Streams(unittest.TestCase):
    def test_the_request_says_where_one_is(self):
        for position, more in ((Position(0), {}), (Position(0, chain(1), EPOCH), {}),
                               (Position(7, chain(7), EPOCH), {"hash": chain(7)}), (Position(7, b"", EPOCH), {"epoch": EPOCH})):
            self.assertEqual(Harness(position).turn().sent, [{
                "v": 1, "op": "stream", "id": 1, "site": "news", "after": position.seq, "credit": 500, "live": True, **more}])

    def test_records_come_in_order_and_level_between_them(self):
        harness = Harness().open().records(1, 2).say("level", newest=2).records(3)
        self.assertEqual(harness.take_all(), [1, 2, "level", 3])

    def test_what_was_not_recorded_comes_again_after_a_loss(self):
        harness = Harness().open().records(1, 2, 3)
        self.assertEqual([harness.take(), harness.take()], [1, 2])
        harness.recorded()
        self.assertEqual(harness.take(), 3)
        harness.say("ended", error=error_map("stopping", 3, "retry"))
        self.assertEqual(harness.take_all(), ["lost"])
        self.assertEqual((harness.pause()["after"], harness.sent[-1]["hash"]), (2, chain(2)))
        self.assertIsNone(harness.machine.next_position())              # 3 is no longer waiting to be recorded
        self.assertEqual(harness.open().records(3).take_all(), [3])

    def test_what_was_not_applied_comes_again_without_a_loss(self):
        for live, after in ((True, []), (False, ["end"])):
            harness = Harness(live=live).open().records(1, 2).say("level", newest=2)
            self.assertEqual(harness.take(), 1)
            harness.recorded()
            harness.take_all()
            harness.machine.not_applied(harness.now)
            self.assertEqual(harness.take_all(), [])
            self.assertEqual((harness.pause()["op"], harness.sent[-1]["after"]), ("stream", 1))
            self.assertEqual(harness.open().records(2).say("level", newest=2).take_all(), [2, "level", *after])
            harness.recorded()
            harness.machine.not_applied(harness.now)
            self.assertEqual(harness.take_all(), after)

    def test_recorded_speaks_for_everything_before_it(self):
        harness = Harness().open().records(1, 2, 3)
        harness.take_all()
        harness.recorded()
        self.assertEqual(harness.machine.position, Position(3, chain(3), EPOCH))

    def test_credit_goes_back_for_what_was_recorded_half_at_a_time(self):
        harness = Harness(credit=4).open().records(1, 2, 3, 4)
        harness.take_all()
        self.assertNotIn("credit", [one["op"] for one in harness.turn(1).sent])
        harness.recorded()
        self.assertEqual(harness.sent[-1], {"v": 1, "op": "credit", "stream": 1, "credit": 4})

    def test_it_says_that_it_is_alive_every_third_of_the_time(self):
        harness = Harness().open()
        for _ in range(25):
            harness.turn(1).say("heartbeat", newest=0, sent=0, credit=500, time=1)
        self.assertEqual([one["credit"] for one in harness.sent if one["op"] == "credit"], [0, 0])

    def test_two_missing_heartbeats_are_a_loss(self):
        harness = Harness().open().say("heartbeat", newest=0, sent=0)
        self.assertIsNone(harness.turn(2.4).take())
        self.assertEqual(harness.turn(0.2).take(), "lost")
        self.assertEqual(harness.pause()["id"], 2)

    def test_gaps_repeats_and_lies_are_losses(self):
        for tell in (lambda h: h.records(2), lambda h: h.records(1, 1), lambda h: h.records(1, 3),
                     lambda h: h.say("heartbeat", newest=9, sent=1), lambda h: h.say("records", records=[]).records(5),
                     lambda h: h.say("records", records=7), lambda h: h.say("records", records=[{"seq": 1}]),
                     lambda h: h.say("records", records=[{**record(1), "seq": True}]),
                     lambda h: h.say("records", records=[{**record(1), "chain": b"short"}])):
            harness = Harness().open()
            tell(harness)
            event = harness.machine.take()
            self.assertEqual((event.type, event.error.name), ("lost", "client_bad_reply"))
            self.assertEqual(harness.pause()["after"], 0)

    def test_pauses_between_openings_grow_and_are_as_long_as_asked(self):
        harness, pauses = Harness(), []
        for _ in range(9):
            harness.turn()
            harness.say("stream", ok=False, error=error_map("too_many_streams", 6, "retry"))
            begin = harness.now
            harness.pause()
            pauses.append(harness.now - begin)
        self.assertLess(pauses[0], 0.07)
        self.assertGreater(pauses[-1], 3)
        self.assertLessEqual(max(pauses), 5.01)
        harness.say("stream", ok=False, error=error_map("too_many_streams", 6, "retry", retry_after_ms=9000))
        begin = harness.now
        harness.pause()
        self.assertGreaterEqual(harness.now - begin, 9)

    def test_what_is_final_ends_it_for_good(self):
        for tell in (lambda h: h.turn().say("stream", ok=False, error=error_map("diverged", 89, "final", newest=3)),
                     lambda h: h.open().say("ended", error=error_map("denied", 60, "denied"))):
            harness = Harness(Position(7, chain(7)))
            tell(harness)
            self.assertEqual([harness.take(), harness.turn(60).take()], ["failed", "failed"])
            self.assertEqual((harness.machine.socket, harness.machine.wake_at()), (0, float("inf")))

    def test_a_replay_ends_after_everything_is_taken(self):
        harness = Harness(live=False).open().records(1, 2).say("level", newest=2)
        self.assertEqual(harness.take_all(), [1, 2, "level", "end"])
        harness.recorded()
        self.assertEqual((harness.take(), harness.machine.position.seq), ("end", 2))

    def test_a_lower_credit_is_taken(self):
        harness = Harness(credit=500).turn()
        harness.say("stream", ok=False, error=error_map("out_of_range", 25, "fix", field="credit", min=1, max=40))
        self.assertEqual(harness.pause()["credit"], 40)
        self.assertIsNone(harness.take())

    def test_it_gives_up_when_told_so(self):
        harness = Harness(give_up=20).open()
        harness.turn(3)
        self.assertEqual(harness.take(), "lost")
        for _ in range(30):
            harness.turn(1)
        event = harness.machine.take()
        self.assertEqual((event.type, event.error.name), ("failed", "client_timeout"))
        alone = Harness(give_up=2)
        alone.machine.process(alone.now + 3)                            # nothing could be sent
        self.assertEqual(alone.machine.take().error.name, "client_cannot_connect")

    def test_silence_at_the_opening_opens_anew(self):
        harness = Harness().turn()
        harness.turn(5.1)
        self.assertEqual((harness.pause()["id"], harness.take()), (2, None))

    def test_a_listener_is_confirmed_when_level_and_then_every_ten_seconds(self):
        harness, confirms = Harness(listener="web"), lambda: [one["seq"] for one in harness.sent if one["op"] == "confirm"]
        harness.open().records(1)
        harness.take_all()
        harness.recorded()
        self.assertEqual(confirms(), [])
        self.assertEqual(harness.say("level", newest=1).take_all(), ["level"])
        harness.turn()
        self.assertEqual(confirms(), [1])
        for seq in range(2, 30):
            harness.turn(1).records(seq)
            harness.take_all()
            harness.recorded()
        self.assertEqual(len(confirms()), 3)
        for _ in range(30):
            harness.turn(1).say("heartbeat", newest=29, sent=29)
        self.assertEqual((len(confirms()), confirms()[-1]), (4, 29))

    def test_a_replay_is_confirmed_too(self):
        harness = Harness(listener="web", live=False).open().records(1).say("level", newest=1)
        harness.take_all()
        harness.recorded()
        self.assertEqual([one["seq"] for one in harness.sent if one["op"] == "confirm"], [1])

    def test_nonsense_does_no_harm(self):
        chance = random.Random(11)
        junk = [None, True, 0, -1, 2**63, 1.5, "x", b"x", [], {}, [1], {"class": "retry"}, error_map("x", 1, "local"), chain(1)]
        for _ in range(3000):
            harness = Harness(live=chance.random() < 0.5, listener="l")
            harness.turn()
            if chance.random() < 0.7:
                harness.open()
            for _ in range(4):
                keys = ["ok", "error", "records", "newest", "sent", "id", "epoch", "heartbeat_ms", "op"]
                body = {"op": chance.choice(["stream", "records", "level", "heartbeat", "ended", "confirm", 7]), "id": 1,
                        **{chance.choice(keys): chance.choice(junk) for _ in range(3)}}
                harness.machine.receive([msgpack.packb(body)], harness.now)
                harness.turn(chance.random())
                self.assertTrue(set(map(str, harness.take_all())) <= {"lost", "level", "end", "failed"})
