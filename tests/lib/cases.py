"""What the tests of the daemon share: comments, decisions and what must fail."""
import hashlib
import itertools
import time

import modq
import shapes
from daemon import DaemonTest
from modq import ModqError

modq.inspect = shapes.check_message
_numbers = itertools.count(1)
DECISIONS = ("approved", "rejected")


def sha256(text):
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).digest()


def fresh(prefix="c"):
    """A name that no other test of this program uses."""
    return f"{prefix}{next(_numbers)}"


def event(site, comment, body=None, **more):
    return {"site": site, "comment": comment, "body": body or f"body of {comment}", **more}


def now_ms():
    return time.time_ns() // 1_000_000


def eventually(condition, timeout=30.0):
    """Waits until condition() is true and returns what it gave. A sanitized daemon on a busy machine is slow."""
    deadline = time.monotonic() + timeout
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"did not come true within {timeout} s")
        time.sleep(0.01)
    return result


class Case(DaemonTest):
    """Tests of a daemon with the helpers below. `self.site` is a new site for each test."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        policy = cls.front.policy("any")
        cls.threshold = policy["reports_reopen"]
        cls.reasons = [reason["code"] for reason in policy["reasons"] if not reason["needs_note"]]
        cls.noted_reasons = [reason["code"] for reason in policy["reasons"] if reason["needs_note"]]

    def setUp(self):
        self.site = fresh("site-")

    # Doing

    def submit_one(self, comment, body=None, site=None, **more):
        return self.front.submit([event(site or self.site, comment, body, **more)])[0]

    def pending(self, body=None, site=None, **more):
        """A new pending comment, as desk operations name it."""
        comment = fresh()
        self.assertEqual(self.submit_one(comment, body, site, **more)["status"], "accepted")
        return self.named(comment, site, more.get("revision", 1))

    def named(self, comment, site=None, revision=None):
        return {"site": site or self.site, "comment": comment, **({"revision": revision} if revision else {})}

    def approved(self, **more):
        """A new approved comment and the number of its record."""
        item = self.pending(**more)
        return item, self.approve(item)

    def rejected(self, **more):
        item = self.pending(**more)
        return item, self.reject(item)

    def approve(self, item, desk=None, **more):
        result, = (desk or self.ann).approve([item], **more)
        self.assertEqual(result["status"], "approved", result)
        return result["seq"]

    def reject(self, item, desk=None, reasons=None, **more):
        result, = (desk or self.ann).reject([item], reasons or self.reasons[:1], **more)
        self.assertEqual(result["status"], "rejected", result)
        return result["seq"]

    def undo(self, seq, desk=None):
        result, = (desk or self.ann).undo([{"site": self.site, "seq": seq}])
        self.assertEqual(result["status"], "undone", result)
        return result

    def report_to_threshold(self, item, **more):
        """Reports by so many readers as reopen; returns the last reply."""
        self.assertGreater(self.threshold, 0, "the policy of this daemon never reopens")
        for _ in range(self.threshold):
            reply = self.front.report(item["site"], item["comment"], fresh("reader-"), **more)
        return reply

    # Looking

    def status_of(self, item):
        return self.front.status(item["site"], [item["comment"]])[0]

    def state_of(self, item):
        return self.status_of(item).get("state", "none")

    def card_of(self, item):
        return self.ann.show(item["site"], item["comment"])["card"]

    def records(self, site=None, after=0, hash=None):
        return self.front.replay(site or self.site, after, hash)

    # What must fail

    def assert_fails(self, name, function, *arguments, **more):
        """The request fails as a whole with that error, which is returned."""
        with self.assertRaises(ModqError) as caught:
            function(*arguments, **more)
        self.assertEqual(caught.exception.name, name, caught.exception.detail)
        return caught.exception.detail

    def assert_item(self, result, name, field=None):
        """One item failed with that error, which is returned."""
        self.assertEqual(result["status"], name, result)
        self.assertIn("error", result)
        if field is not None:
            self.assertEqual(result["error"].get("field"), field, result)
        return result["error"]
