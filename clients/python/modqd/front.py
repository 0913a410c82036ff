"""The front socket: comments go in, and every request is answered."""
from __future__ import annotations

import time
from typing import Any, Iterable, Mapping, Sequence

import zmq

from . import message
from .key import Key
from .link import Link, endpoint_of
from .requests import Attempt, Pause, Reply, Session, Steps, report_fields
from .types import Answer, Comment, Result


class Front:
    """A connection to the front socket. It opens with the first request; opening waits for nothing.

    endpoint    "ipc:///var/lib/modqd/front.sock" or "tcp://ADDRESS:PORT"; None: as the key file says
    key         who you are, over TCP
    timeout     seconds that one request may take, with its repeats
    attempt     seconds after which one that is not answered is sent again, on a new socket

    One thread at a time may use it: give each thread its own. After fork() the child may go on using it: it opens a
    socket of its own and leaves the parent's alone.

    Every method can raise a ModqdError: RetryError (it was repeated until the time was up: keep it and send it later),
    FixError, DeniedError, FinalError, LocalError.
    """

    def __init__(self, endpoint: str | None = None, *, key: Key | None = None, timeout: float = 5.0,
                 attempt: float = 2.0) -> None:
        endpoint = endpoint_of("front", endpoint, key)
        self._session = Session(endpoint, key is not None and endpoint.startswith("tcp:"), timeout, attempt)
        self._link = Link(endpoint, key)

    def __enter__(self) -> Front:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """At once; the next request would open it again."""
        self._link.close()

    @property
    def limits(self) -> Mapping[str, int]:
        """The daemon's limits: as hello() told, else the defaults of the protocol."""
        return self._session.limits

    def hello(self) -> Answer:
        """Asks for the daemon's limits and keeps them: from then on batches are cut by them."""
        return self._run(self._session.hello())

    def submit(self, comment: Comment, *, traceparent: str | None = None, timeout: float | None = None) -> Result:
        """Hands in one comment event. When it returns, the comment is on the daemon's disk; `status` is "accepted", or
        "duplicate" when this revision was there already.

        traceparent     value of the W3C header of that name; moderators see it in `extra`. Ignored when malformed
        timeout         seconds, in the place of the front's own"""
        return self._run(self._session.submit(comment, traceparent, timeout))

    def submit_many(self, comments: Iterable[Comment], *, traceparent: str | None = None,
                    timeout: float | None = None) -> list[Result]:
        """Hands in comments, as many messages as they need. One result for each, in the same order; one that failed has
        its ModqdError in `error`, and only those of class retry were repeated. `timeout` is for each message."""
        return self._run(self._session.submit_many(list(comments), traceparent, timeout))

    def withdraw(self, site: str, comment: str) -> Answer:
        """Its author takes a comment back. Works for one that has not come yet, too."""
        return self._run(self._session.call("withdraw", {"site": site, "comment": comment}))

    def report(self, site: str, comment: str, reader: str, *, reason: str | None = None, note: str | None = None,
               at: int | None = None) -> Answer:
        """A reader complains. `at`: when, in milliseconds since 1970; now when left out."""
        return self._run(self._session.call("report", report_fields(site, comment, reader, reason, note, at)))

    def status(self, site: str, comments: Sequence[str]) -> list[Result]:
        """What is known of these ids, in their order. One that is unknown has status "not_found" and its `error`."""
        return self._run(self._session.status(site, comments))

    def article(self, site: str, article: Mapping[str, Any], *, closed: bool | None = None,
                front_page: bool | None = None) -> Answer:
        """What moderators should know of an article."""
        return self._run(self._session.call(
            "article", {"site": site, "article": article, "closed": closed, "front_page": front_page}))

    def policy(self, site: str) -> Answer:
        """Reasons of a site, with the sentences that authors are told."""
        return self._run(self._session.call("policy", {"site": site}))

    def confirm(self, site: str, listener: str, seq: int) -> Answer:
        """How far a listener has applied records."""
        return self._run(self._session.call("confirm", {"site": site, "listener": listener, "seq": seq}))

    # Doing what the generators of requests.py want

    def _run(self, steps: Steps) -> Any:
        came = None
        try:
            while True:
                wish = steps.send(came)
                came = self._attempt(wish) if isinstance(wish, Attempt) else self._pause(wish)
        except StopIteration as end:
            return end.value

    def _attempt(self, attempt: Attempt) -> Reply:
        """One that is not answered costs the socket: what comes late must not be taken for another's answer."""
        until = time.monotonic() + attempt.wait
        reply = Reply(False, None)
        try:
            self._open()
            while not self._link.send(attempt.body):
                if not self._wait(zmq.POLLOUT, until):
                    return reply
            reply = Reply(True, None)
            while self._wait(zmq.POLLIN, until):
                found = _matching(self._link.receive(), attempt.id)
                if found:
                    reply = found
                    return reply
            return reply
        finally:
            if reply.answer is None:
                self._link.close()

    @staticmethod
    def _pause(pause: Pause) -> None:
        time.sleep(pause.seconds)

    def _open(self) -> None:
        if not self._link.is_open:
            self._session.asked = False
            self._link.open()

    def _wait(self, events: int, until: float) -> bool:
        left = until - time.monotonic()
        return left > 0 and bool(self._link.socket.poll(max(1, int(left * 1000)), events))


def _matching(frames: list[bytes] | None, id: int) -> Reply | None:
    """The reply to the one request that is under way. What cannot be read, or has no id because the request could not be
    read, is for that one, too."""
    if frames is None:
        return None
    body = message.unpack_message(frames)
    if body is None:
        return Reply(True, None, broken=True)
    named = body.get("id")
    mine = type(named) is int and named == id
    return Reply(True, body) if mine or (named is None and body.get("ok") is False) else None
