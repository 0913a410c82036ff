"""Messages: vectors, what is refused before it is sent, and what a peer may send."""
import json
import os
import random
import unittest

import helpers
from helpers import comment
from modqd import FixError, batch, message
from modqd.errors import error_of


def plain(value):
    """A value of messages.json."""
    if isinstance(value, dict):
        if set(value) == {"$bin"}:
            return bytes.fromhex(value["$bin"])
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def vectors():
    with open(os.path.join(helpers.ROOT, "proto/vectors/messages.json"), encoding="utf-8") as file:
        return json.load(file)


class Vectors(unittest.TestCase):
    def test_each_vector_is_encoded(self):
        for vector in vectors():
            with self.subTest(vector["name"]):
                self.assertEqual(message.pack(plain(vector["value"])).hex(), vector["hex"])

    def test_each_vector_is_decoded(self):
        self.assertGreater(len(vectors()), 100)
        for vector in vectors():
            with self.subTest(vector["name"]):
                value = message.unpack(bytes.fromhex(vector["hex"]))
                self.assertEqual(repr(value), repr(plain(vector["value"])))      # 1 is not True, nor 1.0

    def test_broken_vectors_are_none_and_never_an_exception(self):
        chance = random.Random(7)
        bodies = [bytes.fromhex(vector["hex"]) for vector in vectors() if len(vector["hex"]) < 4000]
        read = 0
        for _ in range(20_000):
            body = bytearray(chance.choice(bodies))
            for _ in range(chance.randrange(1, 4)):
                body[chance.randrange(len(body))] = chance.randrange(256)
            read += message.unpack_message([bytes(body)]) is not None
        self.assertGreater(read, 1000)

    def test_what_is_not_one_map_in_one_frame_is_no_message(self):
        good = message.pack({"a": 1})
        self.assertEqual(message.unpack_message([good]), {"a": 1})
        for frames in ([], [good, good], [b""], [good + b"\x00"], [message.pack([1])], [b"\x81\xa1a\xa1\xff"],
                       [b"\x91" * 2000], [b"\xdd\xff\xff\xff\xff"], [b"\x81\x90\x01"], [b"\xc1"]):
            with self.subTest(frames):
                self.assertIsNone(message.unpack_message(frames))


class Checks(unittest.TestCase):
    def refused(self, name, field, value):
        with self.assertRaises(FixError) as caught:
            batch.weigh(3, value, message.LIMITS)
        self.assertEqual((caught.exception.name, caught.exception.field), (name, field))
        self.assertFalse(caught.exception.keep)

    def test_text_that_is_not_utf_8_is_refused_with_its_place(self):
        self.refused("invalid_utf8", "comments[3].body", comment(body="ab\ud800"))
        self.refused("invalid_utf8", "comments[3].author.name", comment(author={"name": "\udfff"}))
        self.refused("invalid_utf8", "comments[3].extra", comment(extra={"\ud800": 1}))
        with self.assertRaisesRegex(FixError, "from byte 3 on"):
            message.check("é1\udc80")

    def test_values_that_cannot_be_sent_are_refused_with_their_place(self):
        self.refused("bad_type", "comments[3].extra.x[1]", comment(extra={"x": [1, object()]}))
        self.refused("bad_type", "comments[3].extra", comment(extra={1: 2}))
        self.refused("bad_type", "comments[3]", "text")
        self.refused("bad_type", "comments[3]", None)
        self.refused("out_of_range", "comments[3].revision", comment(revision=2**64))
        self.refused("out_of_range", "comments[3].revision", comment(revision=-2**63 - 1))

    def test_nesting_and_loops_are_refused(self):
        loop = []
        loop.append(loop)
        self.refused("malformed", "comments[3].extra.x" + "[0]" * 12, comment(extra={"x": loop}))

    def test_nesting_of_sixteen_is_sent(self):
        deep = {}
        for _ in range(11):
            deep = {"d": deep}
        batch.weigh(0, comment(extra={"x": deep}), message.LIMITS)       # message, list, comment, extra, 12 maps
        self.refused("malformed", "comments[3].extra.x" + ".d" * 12, comment(extra={"x": {"d": deep}}))

    def test_what_no_message_can_hold_is_refused(self):
        self.refused("too_long", "comments[3].body", comment(body="x" * 1_100_000))
        self.refused("too_long", "comments[3]", comment(extra={"x": "x" * 1_100_000}))
        self.refused("malformed", "comments[3]", comment(extra={"x": [0] * 20_000}))

    def test_everything_else_is_left_to_the_daemon(self):
        for value in (comment(body=7), comment(body=""), {}, comment(extra={"x": [None, 1.5, True, b"\xff", (1, 2)]})):
            batch.weigh(0, value, message.LIMITS)

    def test_values_are_counted_as_the_daemon_counts(self):
        self.assertEqual(message.check({"a": [1, 2], "b": {}}), 7)


class Batches(unittest.TestCase):
    def parts(self, comments, **limits):
        limits = {**message.LIMITS, **limits}
        rest, parts = [batch.weigh(i, one, limits) for i, one in enumerate(comments)], []
        while rest:
            part, rest = batch.first_part(rest, limits)
            parts.append(part)
        return parts, limits

    def test_three_limits_are_kept_and_the_order_too(self):
        chance = random.Random(3)
        comments = [comment(i, body="x" * chance.choice([1, 100, 60_000]), extra={"x": [0] * chance.choice([0, 3000])})
                    for i in range(500)]
        parts, limits = self.parts(comments, max_batch=50)
        self.assertEqual([item.comment for part in parts for item in part], comments)
        for part in parts:
            self.assertLessEqual(len(part), 50)
            body = message.request("submit", 2**53 - 1, {"comments": [item.comment for item in part]},
                                   limits["max_message_bytes"])             # raises when it does not fit
            self.assertLessEqual(len(body), limits["max_message_bytes"])
        self.assertLess(len(parts), 250)

    def test_full_batches_are_full(self):
        parts, _ = self.parts([comment(i) for i in range(600)])
        self.assertEqual([len(part) for part in parts], [256, 256, 88])


class Traces(unittest.TestCase):
    GOOD = "00-" + "4bf92f3577b34da6a3ce929d0e0e4736" + "-00f067aa0ba902b7-01"

    def test_good_values_stand_in_extra(self):
        for value in (self.GOOD, self.GOOD.replace("00-", "cc-", 1) + "-more"):
            self.assertEqual(message.traced(comment(), value, message.LIMITS)["extra"], {"traceparent": value})
        self.assertEqual(message.traced(comment(extra={"a": 1}), self.GOOD, message.LIMITS)["extra"],
                         {"a": 1, "traceparent": self.GOOD})

    def test_malformed_values_are_ignored(self):
        for value in ("", None, 7, "x", self.GOOD + "-more", self.GOOD.replace("00-", "ff-", 1), self.GOOD.upper(),
                      self.GOOD[:-1], self.GOOD + "\n", "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
                      "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01"):
            with self.subTest(value):
                self.assertNotIn("extra", message.traced(comment(), value, message.LIMITS))

    def test_what_is_there_is_not_replaced_and_nothing_is_made_too_long(self):
        for extra in ({"traceparent": "mine"}, "no map", {"x": "x" * 4080}):
            with self.subTest(extra):
                self.assertEqual(message.traced(comment(extra=extra), self.GOOD, message.LIMITS)["extra"], extra)

    def test_the_callers_own_map_is_not_touched(self):
        mine = comment(extra={})
        message.traced(mine, self.GOOD, message.LIMITS)
        self.assertEqual(mine["extra"], {})


class Errors(unittest.TestCase):
    def test_unknown_numbers_go_by_their_class(self):
        error = error_of({"number": 4711, "name": "news", "class": "retry", "message": "m", "retry_after_ms": 5, "x": 1})
        self.assertEqual((type(error).__name__, error.keep, error.retry_after_ms, error.detail["x"]),
                         ("RetryError", True, 5, 1))
        self.assertIn("keep it and send it later", str(error))

    def test_what_is_no_error_map_is_a_bad_reply(self):
        for value in (None, 7, {}, {"class": "odd"}, {"class": ["retry"]}, {"class": None}):
            with self.subTest(value):
                self.assertEqual(error_of(value).name, "client_bad_reply")

    def test_keys_of_other_types_do_no_harm(self):
        error = error_of({"class": "fix", "number": "7", "name": 3, "message": b"", "field": [], "retry_after_ms": -4})
        self.assertEqual((error.number, error.name, error.message, error.field, error.retry_after_ms), (0, "", "", None, None))
