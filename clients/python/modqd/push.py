"""The push socket: for comments that may be lost. Nothing is answered."""
from __future__ import annotations

import os
import time
from typing import Any, Mapping

import zmq

from . import batch, message
from .errors import ModqdError, own_error
from .key import Key
from .link import PUSH_QUEUE, Link, endpoint_of
from .requests import report_fields
from .types import Comment

LINGER_EARLY_S = 0.005     # ZeroMQ's clock is not ours: it gives up some tenths of a millisecond before the time is over


class Push:
    """Comments go into a queue of ZeroMQ, which sends them when the daemon is there. What is wrong with them, and what is
    lost, nobody tells.

    timeout     seconds that a call may wait for a place in a full queue

    One thread at a time. A fork's child has a socket and a queue of its own."""

    def __init__(self, endpoint: str | None = None, *, key: Key | None = None, timeout: float = 1.0) -> None:
        self.link = Link(endpoint_of("push", endpoint, key), key, zmq.PUSH)
        self._timeout, self._limits = timeout, dict(message.LIMITS)
        self._handed = self._dropped = 0
        self._pid = os.getpid()

    def __enter__(self) -> Push:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, comment: Comment, *, traceparent: str | None = None) -> None:
        """RetryError client_timeout: the queue is full, and the comment is not in it. FixError: it cannot be sent."""
        self._push(self.submit_body(comment, traceparent))

    def withdraw(self, site: str, comment: str) -> None:
        self._push(self.body("withdraw", {"site": site, "comment": comment}))

    def report(self, site: str, comment: str, reader: str, *, reason: str | None = None, note: str | None = None,
               at: int | None = None) -> None:
        self._push(self.body("report", report_fields(site, comment, reader, reason, note, at)))

    def close(self, linger: float = 1.0) -> int:
        """Waits up to `linger` seconds until all is handed to the system. Returns how many messages were not: those that
        found the queue full, and, when the time ran out, those that may still have been in it (an upper bound)."""
        self._forget_parent()
        start = time.monotonic()
        self.link.close(int(linger * 1000))
        missing = self._dropped
        if time.monotonic() - start >= linger - LINGER_EARLY_S:
            missing += min(self._handed, PUSH_QUEUE + 1)
        self._handed = self._dropped = 0
        return missing

    # Also for modqd.aio, which waits in its own way

    def submit_body(self, comment: Comment, traceparent: str | None) -> bytes:
        traced = message.traced(comment, traceparent, self._limits)
        batch.weigh(0, traced, self._limits)
        return self.body("submit", {"comments": [traced]})

    def body(self, op: str, fields: Mapping[str, Any]) -> bytes:
        given = {key: value for key, value in fields.items() if value is not None}
        return message.request(op, 0, given, self._limits["max_message_bytes"])

    def offer(self, body: bytes) -> bool:
        """False: the queue is full."""
        self._forget_parent()
        self.link.open()
        taken = self.link.send(body)
        self._handed += taken
        return taken

    def dropped(self) -> ModqdError:
        """Counts one that found no place, and says so."""
        self._dropped += 1
        return own_error("client_timeout", f"the queue to {self.link.endpoint} is full")

    def _forget_parent(self) -> None:
        if self._pid != os.getpid():
            self._handed, self._dropped, self._pid = 0, 0, os.getpid()

    def _push(self, body: bytes) -> None:
        if self.offer(body):
            return
        self.link.socket.poll(max(0, int(self._timeout * 1000)), zmq.POLLOUT)
        if not self.offer(body):
            raise self.dropped()
