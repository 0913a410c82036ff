"""A peer that is no daemon, or a broken one: nothing that it says crashes the client, or keeps it from going on."""
import msgpack

from cases import event, fresh
from suite import CONFIG, SILENT, Conformance, needs
from wire import FakeDaemon, refuse, reply

LIMITS = {"max_message_bytes": 1048576, "max_batch": 256, "body_bytes": 65536, "extra_bytes": 4096, "note_bytes": 4096, "max_credit": 1000}


def nested(depth):
    return b"\x81\xa1a" * depth + b"\xc0"


def pack(**keys):
    return msgpack.packb(keys)


# What is answered to a request that has an id. A list of frames is one message.
NONSENSE = {
    "empty message": lambda r: b"",
    "no MessagePack": lambda r: b"\xc1\xc1\xc1",
    "text": lambda r: b"HTTP/1.1 200 OK\r\n\r\n",
    "a number": lambda r: b"\x07",
    "nil": lambda r: b"\xc0",
    "a list": lambda r: msgpack.packb([r["id"], True]),
    "a map cut short": lambda r: reply(r, results=[])[:-3],
    "two maps": lambda r: reply(r) * 2,
    "a list that says 2^32-1": lambda r: b"\xdd\xff\xff\xff\xff",
    "a map that says 2^32-1": lambda r: b"\xdf\xff\xff\xff\xff",
    "a text that says 2^32-1 bytes": lambda r: b"\x81\xa1a\xdb\xff\xff\xff\xff",
    "bytes that say 2^32-1": lambda r: b"\x81\xa1a\xc6\xff\xff\xff\xffx",
    "100,000 deep": lambda r: nested(100_000),
    "100,000 lists": lambda r: b"\x91" * 100_000,
    "keys that are no texts": lambda r: msgpack.packb({1: 2, None: 3, b"v": 1}),
    "an extension": lambda r: pack(v=1, id=r["id"], op=r["op"], ok=True, x=msgpack.ExtType(5, b"abc")),
    "texts that are no UTF-8": lambda r: reply(r, results=[{"status": "acc"}]).replace(b"acc", b"\xff\xfe\xc0"),
    "an empty map": lambda r: b"\x80",
    "another id": lambda r: pack(v=1, id=r["id"] + 77 if isinstance(r["id"], int) else "other", op=r["op"], ok=True),
    "id as a map": lambda r: pack(v=1, id={"a": 1}, op=r["op"], ok=True),
    "two frames": lambda r: [reply(r), reply(r)],
    "an empty frame before": lambda r: [b"", reply(r)],
    "no ok": lambda r: pack(v=1, id=r["id"], op=r["op"]),
    "ok as a text": lambda r: pack(v=1, id=r["id"], op=r["op"], ok="yes"),
    "no error": lambda r: pack(v=1, id=r["id"], op=r["op"], ok=False),
    "error as a text": lambda r: pack(v=1, id=r["id"], op=r["op"], ok=False, error="no"),
    "error without a number": lambda r: refuse(r, name="odd", message="m", **{"class": "fix"}),
    "error without a class": lambda r: refuse(r, number=27, name="too_long", message="m"),
    "error with an unknown class": lambda r: refuse(r, number=9000, name="odd", message="m", **{"class": "wondrous"}),
    "error of wrong types": lambda r: refuse(r, number="x", name=5, message=[1], field={}, retry_after_ms="soon", **{"class": 1}),
    "error of class retry that wants an age": lambda r: refuse(r, number=1, name="busy", message="m", retry_after_ms=2**60, **{"class": "retry"}),
    "error of class retry that wants less than nothing": lambda r: refuse(r, number=1, name="busy", message="m", retry_after_ms=-5, **{"class": "retry"}),
    "no results": lambda r: reply(r),
    "results as a map": lambda r: reply(r, results={"0": {"status": "accepted"}}),
    "too few results": lambda r: reply(r, results=[]),
    "too many results": lambda r: reply(r, results=[{"status": "not_there"}] * 5),
    "results of wrong types": lambda r: reply(r, results=[7]),
    "results of nil": lambda r: reply(r, results=[None]),
    "a result that says nothing": lambda r: reply(r, results=[{}]),
    "a result of a status that nobody knows": lambda r: reply(r, results=[{"site": "s", "comment": "c", "status": "wondrous"}]),
    "a result with an error as a text": lambda r: reply(r, results=[{"site": "s", "comment": "c", "status": "conflict", "error": "no"}]),
}


class Nonsense(Conformance):
    config = CONFIG

    def setUp(self):
        super().setUp()
        self.sane = True
        self.fake = FakeDaemon(self.answer)
        self.fake.__enter__()
        self.addCleanup(self.fake.__exit__)

    def answer(self, request):
        if request["op"] == "hello":
            return [reply(request, server="fake", versions=[1], epoch=b"e" * 16, time=1, heartbeat_ms=300, credit_timeout_ms=3000, limits=LIMITS)]
        if not self.sane:
            return [self.nonsense(request)]
        return [reply(request, policy={"version": "1", "reasons": []},
                      results=[{"site": c["site"], "comment": c["comment"], "revision": 1, "status": "accepted", "state": "pending", "received_at": 5}
                               for c in request.get("comments", ())])]

    def goes_on(self, front):
        """The same connection works with a peer that is itself again."""
        self.sane = True
        result, = self.submit([event(self.site, fresh())], front, timeout_ms=3000)
        self.assertEqual(result["status"], "accepted")

    def test_answers_that_make_no_sense_are_errors_and_no_harm(self):
        front = self.open_front(self.fake.endpoint, timeout_ms=250, attempt_ms=120)
        self.goes_on(front)
        for name, nonsense in NONSENSE.items():
            with self.subTest(name):
                self.nonsense, self.sane = nonsense, False
                with self.within(0.25):
                    result, = self.submit([event(self.site, fresh())], front)
                self.assertNotIn(result["status"], ("accepted", "duplicate"), result)
                self.assertIsInstance(result.get("error", {}).get("number"), int, result)
                self.assertIn(result["error"]["class"], ("retry", "fix", "denied", "final", "local"), result)
        self.goes_on(front)

    def test_calls_that_are_answered_with_nonsense_fail_or_succeed_in_time(self):
        front = self.open_front(self.fake.endpoint, timeout_ms=250, attempt_ms=120)
        for name, nonsense in NONSENSE.items():
            with self.subTest(name):
                self.nonsense, self.sane = nonsense, False
                with self.within(0.25):
                    answer = self.driver.ask("call", front=front, op="withdraw", fields={"site": self.site, "comment": "c"})
                if not answer["ok"]:
                    self.assertIsInstance(answer["error"]["number"], int, answer)
        self.goes_on(front)

    def fails_with(self, **error):
        """What the client tells of this error, and how often it asked."""
        self.nonsense, self.sane = lambda request: refuse(request, **error), False
        front = self.open_front(self.fake.endpoint, timeout_ms=3000, attempt_ms=3000)
        before = self.asked()
        told = self.call_fails("withdraw", front, site=self.site, comment="c")
        return told, self.asked() - before

    def asked(self):
        return [request["op"] for request in self.fake.seen].count("withdraw")

    def test_error_number_that_nobody_knows_goes_by_its_class(self):
        for class_, keep in (("final", False), ("fix", False), ("denied", False), ("retry", True)):
            with self.subTest(class_):
                told, asked = self.fails_with(number=9000, name="brand_new", message="m", **{"class": class_})
                self.assertEqual((told["number"], told["name"], told["class"], told["keep"]), (9000, "brand_new", class_, keep))
                if keep:
                    self.assertGreater(asked, 1, "class retry: it should have been sent again")
                else:
                    self.assertEqual(asked, 1, f"class {class_}: it should not have been sent again")

    def test_error_has_what_the_daemon_said(self):
        told, _ = self.fails_with(number=26, name="too_short", message="much too short", field="comment", min=1, bytes=0, **{"class": "fix"})
        self.assertEqual((told["number"], told["name"], told["field"]), (26, "too_short", "comment"))
        self.assertIn("much too short", told["message"])

    def test_retry_after_is_told_and_kept(self):
        told, asked = self.fails_with(number=1, name="busy", message="m", retry_after_ms=60_000, **{"class": "retry"})
        self.assertEqual((told["name"], told["retry_after_ms"], told["keep"]), ("busy", 60_000, True))
        self.assertEqual(asked, 1, "it was sent again before 60 s were over")

    def test_answer_that_bears_no_id_is_taken_for_the_only_request(self):
        """So a daemon answers what it could not read."""
        self.nonsense, self.sane = lambda r: pack(v=1, id=None, op=None, ok=False, error={"number": 20, "name": "malformed", "class": "fix", "message": "m"}), False
        front = self.open_front(self.fake.endpoint, timeout_ms=700, attempt_ms=300)
        self.assert_error(self.call_fails("withdraw", front, site=self.site, comment="c"), "malformed", *SILENT, "client_bad_reply")

    @needs("stream")
    def test_stream_of_nonsense_never_hangs_and_hands_out_nothing(self):
        record = {"seq": 1, "site": "s", "comment": "c", "revision": 1, "decision": "approved", "chain": b"c" * 32}
        nonsense = {
            "records as a text": {"op": "records", "records": "x"},
            "records of texts": {"op": "records", "records": ["x"]},
            "no records": {"op": "records"},
            "empty records": {"op": "records", "records": []},
            "record without a number": {"op": "records", "records": [{**record, "seq": None}]},
            "record with a text as number": {"op": "records", "records": [{**record, "seq": "1"}]},
            "record that comes too early": {"op": "records", "records": [{**record, "seq": 5}]},
            "record that was before": {"op": "records", "records": [{**record, "seq": 0}]},
            "record without a chain": {"op": "records", "records": [{**record, "chain": None}]},
            "heartbeat of texts": {"op": "heartbeat", "newest": "x", "sent": "y", "credit": [], "time": {}},
            "ended without an error": {"op": "ended"},
            "ended with a text": {"op": "ended", "error": "no"},
            "an unknown message": {"op": "wondrous", "x": 1},
            "no op": {"x": 1},
        }
        for number, (name, message) in enumerate(nonsense.items()):
            with self.subTest(name):
                self.sane = True

                def say(request, message=message):
                    if request["op"] != "stream":
                        return []
                    return [reply(request, site="s", epoch=b"e" * 16, newest=0, heartbeat_ms=300, credit_timeout_ms=3000),
                            msgpack.packb({"v": 1, "id": request["id"], "site": "s", **message})]
                self.answer_stream(say, f"n{number}")

    def answer_stream(self, say, name):
        ordinary = self.fake.answer
        self.fake.answer = lambda request: ordinary(request) if request["op"] not in ("stream", "credit", "cancel") else say(request)
        try:
            self.driver.do("stream", name=name, endpoint=self.fake.endpoint, key=None, site="s", place=None, after=0, credit=10, give_up_ms=400)
            with self.within(0.2):
                answer = self.driver.do("next", stream=name, wait_ms=200)
            self.assertIn(answer["event"], ("none", "lost", "failed"), answer)
            self.driver.do("close", stream=name)
        finally:
            self.fake.answer = ordinary
