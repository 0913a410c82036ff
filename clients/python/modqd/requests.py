"""Requests with their repeats, as generators: no input and output, no clock of their own, the same for both fronts.

A generator yields what it wants done, and is sent what came of it:

    Attempt     sent once; comes back as a Reply
    Pause       nothing is done for so long; comes back as None

and returns the answer, or raises a ModqdError.
"""
from __future__ import annotations

import itertools
import math
import random
import time
from typing import Any, Callable, Generator, Mapping, NamedTuple, Sequence

from . import batch, message
from .errors import ModqdError, error_of, own_error

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 2.0
_ENVELOPE = ("v", "id", "op", "ok")
_STORED = ("accepted", "duplicate")


class Attempt(NamedTuple):
    id: int
    body: bytes
    wait: float                         # seconds


class Pause(NamedTuple):
    seconds: float


class Reply(NamedTuple):
    sent: bool                          # False: nobody was there to take it
    answer: dict[str, Any] | None       # None: silence
    broken: bool = False                # something came that is no message


Steps = Generator[Any, Any, Any]


class Backoff:
    """Pauses that double, with jitter, so that many clients do not come back at once."""

    def __init__(self, first: float = FIRST_PAUSE_S, longest: float = LONGEST_PAUSE_S) -> None:
        self._first, self._longest, self._next = first, longest, first

    def reset(self) -> None:
        self._next = self._first

    def next(self, at_least_ms: int | None = None) -> float:
        """Seconds; never shorter than what the daemon asked for."""
        pause = self._next * random.uniform(0.75, 1.25)
        self._next = min(2 * self._next, self._longest)
        return max(min(pause, self._longest), (at_least_ms or 0) / 1000)


class Session:
    """What the requests of one front share."""

    def __init__(self, endpoint: str, has_key: bool, timeout: float, attempt: float,
                 now: Callable[[], float] = time.monotonic) -> None:
        if not timeout > 0 or not attempt > 0:
            raise own_error("client_bad_argument", "timeout and attempt are seconds above 0")
        self.endpoint, self.has_key, self.now = endpoint, has_key, now
        self.timeout, self.attempt = timeout, min(attempt, timeout)
        self.limits = dict(message.LIMITS)
        self.asked = False              # for the limits, on the socket of now: who opens one says False
        self._ids = itertools.count(1)

    # One request

    def ask(self, op: str, fields: Mapping[str, Any], deadline: float) -> Steps:
        """The daemon's answer without its envelope."""
        id = next(self._ids)
        body = message.request(op, id, fields, self.limits["max_message_bytes"])
        backoff, sent = Backoff(), False
        while True:
            reply = yield from self._attempt(id, body, deadline)
            sent = sent or reply.sent
            error = self._error(reply, sent)
            if error is None:
                return {key: value for key, value in reply.answer.items() if key not in _ENVELOPE}
            if not error.keep:
                raise error
            if not (yield from self._pause(backoff, error.retry_after_ms, deadline)):
                raise error

    def _attempt(self, id: int, body: bytes, deadline: float) -> Steps:
        """What not every daemon takes is sent to one whose limits are known: a longer message than it takes makes it drop
        the connection, and then repeating would never help. Raises FixError too_long."""
        if len(body) > message.LEAST_MESSAGE_BYTES and not self.asked:
            reply = yield from self._ask_limits(deadline)
            if not self.asked:
                return reply
        if len(body) > self.limits["max_message_bytes"]:
            raise message.too_long(len(body), self.limits["max_message_bytes"])
        return (yield Attempt(id, body, self._patience(deadline)))

    def _ask_limits(self, deadline: float) -> Steps:
        id = next(self._ids)
        reply = yield Attempt(id, message.request("hello", id, {}, message.LEAST_MESSAGE_BYTES), self._patience(deadline))
        if reply.answer is not None and reply.answer.get("ok") is True:
            self._take_limits(reply.answer)
        return reply

    def _patience(self, deadline: float) -> float:
        return min(self.attempt, max(deadline - self.now(), 0.001))

    def _take_limits(self, answer: Mapping[str, Any]) -> None:
        message.take_limits(answer, self.limits)
        self.asked = True

    def _pause(self, backoff: Backoff, at_least_ms: int | None, deadline: float) -> Steps:
        """False, and at once, when it would last beyond the deadline."""
        pause = backoff.next(at_least_ms)
        if self.now() + pause >= deadline:
            return False
        yield Pause(pause)
        return True

    def _error(self, reply: Reply, sent: bool) -> ModqdError | None:
        if reply.broken:
            return own_error("client_bad_reply", "the daemon's answer is not one MessagePack map")
        if reply.answer is None:
            return self._silence(sent)
        if reply.answer.get("ok") is True:
            return None
        if reply.answer.get("ok") is False:
            return error_of(reply.answer.get("error"))
        return own_error("client_bad_reply", "the daemon's answer does not say whether it is ok")

    def _silence(self, sent: bool) -> ModqdError:
        if sent:
            return own_error("client_timeout", f"no answer from {self.endpoint}")
        hint = ", or the daemon there wants a key" if self.endpoint.startswith("tcp:") else ""
        if self.has_key:
            hint = ", or the daemon there does not let this key in"
        return own_error("client_cannot_connect", f"nobody listens at {self.endpoint}{hint}")

    # Operations

    def call(self, op: str, fields: Mapping[str, Any], timeout: float | None = None) -> Steps:
        given = {key: value for key, value in fields.items() if value is not None}
        answer = yield from self.ask(op, given, self.now() + (timeout or self.timeout))
        if op in ("withdraw", "report", "article") and not isinstance(answer.get("status"), str):
            raise own_error("client_bad_reply", "the daemon's answer has no status")
        return answer

    def hello(self) -> Steps:
        answer = yield from self.call("hello", {})
        self._take_limits(answer)
        return answer

    def status(self, site: str, comments: Sequence[str]) -> Steps:
        """Cut as max_batch wants it; results in the order of the ids."""
        if not isinstance(comments, (list, tuple)) or not comments:
            answer = yield from self.call("status", {"site": site, "comments": comments})
            return self._results(answer, 0)
        ids = list(comments)
        results: list[Any] = []
        while len(results) < len(ids):
            part = ids[len(results):len(results) + self.limits["max_batch"]]
            try:
                answer = yield from self.call("status", {"site": site, "comments": part})
                results += map(_with_error, self._results(answer, len(part)))
            except ModqdError as error:
                if not self._lower_batch(error, len(part)):
                    raise
        return results

    def submit(self, comment: Any, traceparent: str | None, timeout: float | None = None) -> Steps:
        results = yield from self.submit_many([comment], traceparent, timeout)
        if "error" in results[0]:
            raise results[0]["error"]
        return results[0]

    def submit_many(self, comments: Sequence[Any], traceparent: str | None = None, timeout: float | None = None,
                    until: float = math.inf) -> Steps:
        """One result for each. Every batch has `timeout`, and all of them end at the moment `until`; after one that got
        no answer the rest is not tried."""
        results: list[Any] = [None] * len(comments)
        items = []
        for index, comment in enumerate(comments):
            try:
                items.append(batch.weigh(index, message.traced(comment, traceparent, self.limits), self.limits))
            except ModqdError as error:
                results[index] = batch.failed(comment, error)
        yield from self._submit_items(items, results, timeout or self.timeout, until)
        return results

    def _submit_items(self, items: list[batch.Item], results: list[Any], timeout: float, until: float) -> Steps:
        lists, away = [items], None
        while lists:
            part, rest = batch.first_part(lists.pop(), self.limits)
            lists += [rest] if rest else []
            if self.now() >= until:
                away = own_error("client_timeout", "the time was over before it was sent")
            error = away or (yield from self._submit_part(part, results, min(self.now() + timeout, until)))
            smaller = self._smaller(error, part) if error and len(part) > 1 else []
            if smaller:
                lists += smaller
                continue
            _fail(part, results, error)
            away = error if error and error.keep else None

    def _smaller(self, error: ModqdError, part: list[batch.Item]) -> list[list[batch.Item]]:
        """What to send instead of a batch that this daemon does not take, the first of it last: shorter ones, by limits
        that are known now; or halves, until the item that spoils its batch is alone."""
        lower = self._lower_batch(error, len(part)) or error.name == "too_long"
        if lower and batch.first_part(part, self.limits)[1]:
            return [part]
        half = len(part) // 2
        return [part[half:], part[:half]] if error.name == "malformed" else []

    def _lower_batch(self, error: ModqdError, count: int) -> bool:
        """A daemon may take shorter batches than is usual; it says how long they may be."""
        most = error.detail.get("max")
        if error.name != "out_of_range" or error.field != "comments" or type(most) is not int or not 1 <= most < count:
            return False
        self.limits["max_batch"] = most
        return True

    def _submit_part(self, part: Sequence[batch.Item], results: list[Any], deadline: float) -> Steps:
        """Repeats what is refused with class retry. Returns the error of what has no result of its own."""
        backoff, again = Backoff(), list(part)
        while again:
            try:
                answer = yield from self.ask("submit", {"comments": [item.comment for item in again]}, deadline)
                found = self._results(answer, len(again))
            except ModqdError as error:
                for item in again:
                    results[item.at] = None
                return error
            again = _take(again, found, results)
            asked = max((results[item.at]["error"].retry_after_ms or 0 for item in again), default=0)
            if again and not (yield from self._pause(backoff, asked, deadline)):
                break
        return None

    @staticmethod
    def _results(answer: Mapping[str, Any], count: int) -> list[Any]:
        results = answer.get("results")
        if not isinstance(results, list) or len(results) != count:
            raise own_error("client_bad_reply", f"the daemon's answer does not have {count} results")
        return results


def _fail(part: Sequence[batch.Item], results: list[Any], error: ModqdError | None) -> None:
    for item in part:
        if results[item.at] is None:
            results[item.at] = batch.failed(item.comment, error or own_error("client_bad_reply", "no result"))


def _take(items: Sequence[batch.Item], found: Sequence[Any], results: list[Any]) -> list[batch.Item]:
    """Stores results by the caller's places, and returns those to be sent again."""
    again = []
    for place, (item, result) in enumerate(zip(items, found)):
        result = _with_error(result, f"comments[{place}]", f"comments[{item.at}]")
        if "error" not in result and result["status"] not in _STORED:
            result = batch.failed(item.comment, own_error("client_bad_reply", "a result's status is no word of success"))
        if "error" in result and result["error"].keep:
            again.append(item)
        results[item.at] = result
    return again


def _with_error(result: Any, sent_as: str = "", known_as: str = "") -> dict[str, Any]:
    """The result with its error map made an exception, whose field is told by the caller's own place."""
    if not isinstance(result, dict) or not isinstance(result.get("status"), str):
        return batch.failed(None, own_error("client_bad_reply", "a result of the daemon has no status"))
    if result.get("error") is None:
        return {key: value for key, value in result.items() if key != "error"}
    detail = result["error"]
    field = detail.get("field") if isinstance(detail, dict) else None
    if sent_as and isinstance(field, str) and field.startswith(sent_as):
        detail = {**detail, "field": known_as + field[len(sent_as):]}
    return {**result, "error": error_of(detail)}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def report_fields(site: str, comment: str, reader: str, reason: str | None, note: str | None,
                  at: int | None) -> dict[str, Any]:
    """`at` is fixed once, so that repeats count once."""
    return {"site": site, "comment": comment, "reader": reader, "reason": reason, "note": note,
            "at": now_ms() if at is None else at}
