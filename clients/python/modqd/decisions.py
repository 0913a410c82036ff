"""A site's decisions, in order, without gaps, each once."""
from __future__ import annotations

import math
import os
import time
from typing import Any, Callable, Iterator

import zmq

from .errors import own_error
from .key import Key
from .link import Link, endpoint_of
from .place import Place, Position
from .stream import Event, Machine

MOST_CREDIT = 10_000
STOP_EVERY_S = 1.0
LONGEST_WAIT_S = 3600.0          # at a time; a daemon may ask for a pause that no clock can tell


def first_position(place: Any, after: int, hash: bytes | None, epoch: bytes | None) -> Position:
    """Where to begin without a place."""
    if place is not None and (after or hash or epoch):
        raise own_error("client_bad_argument", "where to begin is what the place says: give a place, or after")
    if type(after) is not int or after < 0:
        raise own_error("client_bad_argument", "after is the number of a record, or 0")
    for name, value, length in (("hash", hash, 32), ("epoch", epoch, 16)):
        if value and (not isinstance(value, bytes) or len(value) != length):
            raise own_error("client_bad_argument", f"{name} must have {length} bytes")
    return Position(after, hash or b"", epoch or b"")


def check_credit(credit: int) -> int:
    if type(credit) is not int or not 1 <= credit <= MOST_CREDIT:
        raise own_error("client_bad_argument", f"credit is a number from 1 to {MOST_CREDIT}")
    return credit


class Decisions:
    """A site's records from a place on: replayed, then live. Lost connections, gaps and missing heartbeats are noticed,
    and it goes on after the last record that was recorded.

    endpoint    that of the front socket; None: as the key file says
    place       where it is kept how far you are: FilePlace, SqlPlace, or your own (see Place)
    after, hash, epoch   without a place: the last record that you have, its `chain`, the log's epoch
    credit      records that may be on their way
    live        False: end when level
    give_up     fail when the daemon was not heard for so many seconds; None: never
    listener    the name under which moderators see how far you are; told when level and every ten seconds

        with Decisions(endpoint, "news", place=FilePlace("news.place")) as decisions:
            decisions.run(apply)

    One thread, and one process, at a time. Every method can raise LocalError client_system (no socket) and what the
    place raises.
    """

    def __init__(self, endpoint: str | None, site: str, *, place: Place | None = None, key: Key | None = None,
                 after: int = 0, hash: bytes | None = None, epoch: bytes | None = None, credit: int = 500,
                 live: bool = True, give_up: float | None = None, listener: str | None = None) -> None:
        self._site, self._place = site, place
        self._link = Link(endpoint_of("front", endpoint, key), key)
        self._options: dict[str, Any] = {"credit": check_credit(credit), "live": live, "give_up": give_up,
                                         "listener": listener}
        self._begin = first_position(place, after, hash, epoch)
        self._machine: Machine | None = None
        self._closed = self._stopped = False
        self._pid = os.getpid()

    def __enter__(self) -> Decisions:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._closed = True
        self._link.close()

    def stop(self) -> None:
        """Ends run() and iteration within a second. A signal handler may call it, and another thread."""
        self._stopped = True

    @property
    def position(self) -> Position:
        """The last record that was recorded."""
        return self._started().position

    def next(self, wait: float | None = None) -> Event | None:
        """The next event; None: none within `wait` seconds (None: as long as it takes). After "end" and "failed" it is
        the same event again."""
        machine = self._started()
        until = math.inf if wait is None else time.monotonic() + wait
        while True:
            turn(self._link, machine)
            event = machine.take()
            if event or time.monotonic() >= until:
                return event
            self._wait(machine, until)

    def recorded(self) -> None:
        """The record that came last, and every one before it, is applied: its place is stored, and then the daemon may
        send more. Records that were not recorded come again, after "lost" or from a new Decisions with this place."""
        machine = self._started()
        position = machine.next_position()
        if position is None:
            return
        if self._place is not None:
            self._place.save(self._site, position)
        machine.recorded(position, time.monotonic())

    def __iter__(self) -> Iterator[Event]:
        """Events until "end" or "failed", that one included, or until stop() or close()."""
        while not self._stopped and not self._closed:
            event = self.next(STOP_EVERY_S)
            if event:
                yield event
            if event and event.type in ("end", "failed"):
                return

    def run(self, apply: Callable[[dict[str, Any]], object]) -> None:
        """Calls apply(record) for each record and records it; returns when a replay is over, or after stop().

        Raises what made the stream fail, and what `apply` raises: then that record is not recorded, and the transaction
        of a SqlPlace is rolled back. The next run() begins with it."""
        for event in self:
            if event.type == "record":
                self._apply(apply, event.record)
            elif event.type == "failed":
                assert event.error is not None
                raise event.error

    def _apply(self, apply: Callable[[dict[str, Any]], object], record: Any) -> None:
        try:
            apply(record)
            self.recorded()
        except BaseException:
            if self._machine is not None:
                self._machine.not_applied(time.monotonic())
            getattr(self._place, "rollback", lambda: None)()
            raise

    # Doing what the machine of stream.py wants

    def _started(self) -> Machine:
        if self._closed or self._pid != os.getpid():
            raise own_error("client_bad_argument", "it is closed" if self._closed else
                            "these decisions belong to the process that made them: a fork makes its own")
        if self._machine is None:
            kept = self._place.load(self._site) if self._place is not None else None
            self._machine = Machine(self._site, kept or self._begin, time.monotonic(), **self._options)
        return self._machine

    def _wait(self, machine: Machine, until: float) -> None:
        left = max(0.0, min(min(until, machine.wake_at()) - time.monotonic(), LONGEST_WAIT_S))
        if not self._link.is_open:
            time.sleep(left)
            return
        self._link.socket.poll(math.ceil(left * 1000), zmq.POLLIN | (zmq.POLLOUT if machine.outgoing else 0))


def turn(link: Link, machine: Machine) -> None:
    """Everything that can be done without waiting."""
    if link.is_open and link.number == machine.socket:
        _receive(link, machine)
    machine.process(time.monotonic())
    if link.number != machine.socket:
        link.close()
        link.number = machine.socket
        if machine.socket:
            link.open()
    while machine.outgoing and link.is_open and link.send(machine.outgoing[0]):
        machine.sent()


def _receive(link: Link, machine: Machine) -> None:
    number = machine.socket
    while machine.socket == number:
        frames = link.receive()
        if frames is None:
            return
        machine.receive(frames, time.monotonic())
