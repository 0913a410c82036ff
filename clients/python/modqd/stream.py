"""A site's decisions as a state machine: no input and output, no clock of its own, the same for both listeners.

The driver does what the machine wants: it keeps the socket of number `socket` open (0: none), sends what is in
`outgoing` as soon as somebody is there to take it, hands over what arrives, and calls process() at wake_at().
"""
from __future__ import annotations

import logging
import math
from collections import deque
from dataclasses import dataclass
from typing import Any, Mapping

from . import message
from .errors import ModqdError, error_of, own_error
from .place import Position
from .requests import Backoff

HASH_BYTES, EPOCH_BYTES = 32, 16
HEARTBEAT_S, CREDIT_TIMEOUT_S = 1.0, 30.0        # until the daemon tells
OPENING_S = 5.0
LONGEST_PAUSE_S = 5.0
CONFIRM_EVERY_S = 10.0
_CONFIRM = "confirm"                             # id of those requests; streams have numbers
_log = logging.getLogger("modqd")


@dataclass(frozen=True)
class Event:
    """What happened on a stream.

    type    "record" (the next one, in `record`), "level" (you have everything that there was), "lost" (the daemon is
            away, or something was lost on the way: it goes on by itself after the last record that was recorded; why,
            where that is known, in `error`), "end" (a replay is over), "failed" (it cannot go on; why, in `error`)
    """
    type: str
    record: dict[str, Any] | None = None
    error: ModqdError | None = None


def _positive(value: Any, otherwise: float) -> float:
    """Milliseconds of the daemon in seconds."""
    return value / 1000 if isinstance(value, int) and 0 < value < 2**31 else otherwise


def _bytes(value: Any, length: int) -> bytes | None:
    return value if isinstance(value, bytes) and len(value) == length else None


class Machine:
    """Phases: paused, opening, open, replayed (all has come, not all is taken), ended, failed."""

    def __init__(self, site: str, position: Position, now: float, *, credit: int = 500, live: bool = True,
                 give_up: float | None = None, listener: str | None = None) -> None:
        self.site, self.position = site, position
        self.epoch: bytes | None = position.epoch or None
        self.socket, self.newest = 1, -1
        self.outgoing: deque[bytes] = deque()
        self._credit, self._live, self._give_up, self._listener = credit, live, give_up, listener
        self._phase = "opening"
        self._id = 0                             # of the stream on the socket of now
        self._sockets = 1
        self._was_sent = self._ever_sent = False
        self._events: deque[Event] = deque()
        self._received = position.seq            # of the last record that is queued or handed out
        self._handed: deque[tuple[int, bytes]] = deque()
        self._taken = 0                          # recorded, but their credit is not given back
        self._heard = self._opened = self._silent_since = now
        self._heartbeat, self._credit_timeout = HEARTBEAT_S, CREDIT_TIMEOUT_S
        self._alive_due = self._pause_ends = math.inf
        self._backoff = Backoff(longest=LONGEST_PAUSE_S)
        self._error: ModqdError | None = None
        self._lost = self._level = False
        self._confirmed, self._confirm_due = -1, math.inf
        self._request()

    # What the driver does

    def take(self) -> Event | None:
        """The next event."""
        if self._lost:
            self._lost = False
            return Event("lost", error=self._error)
        if self._events:
            event = self._events.popleft()
            if event.record is not None:
                self._handed.append((event.record["seq"], event.record["chain"]))
            elif event.type == "level":
                self._level = True
                self._plan_confirm()
            return event
        if self._phase == "replayed":
            self._phase = "ended"
        if self._phase == "ended":
            return Event("end")
        return Event("failed", error=self._error) if self._phase == "failed" else None

    def next_position(self) -> Position | None:
        """Where one is when everything that was handed out is recorded; None when nothing is waiting for that."""
        if not self._handed:
            return None
        seq, chain = self._handed[-1]
        return Position(seq, chain, self.epoch or b"")

    def recorded(self, position: Position, now: float) -> None:
        """Everything up to `position` is stored durably."""
        while self._handed and self._handed[0][0] <= position.seq:
            self._handed.popleft()
            self._taken += 1
        self.position = position
        if self._phase == "open" and 2 * self._taken >= self._credit:
            self._give_credit(now)
        self._plan_confirm()

    def not_applied(self, now: float) -> None:
        """What was handed out and not recorded will not be: it comes again."""
        if self._handed and self._phase in ("open", "replayed", "ended"):
            self._reopen(None, now)
            self._lost = False

    def sent(self) -> None:
        """The first of `outgoing` is on its way."""
        self.outgoing.popleft()
        self._was_sent = self._ever_sent = True

    def receive(self, frames: list[bytes], now: float) -> None:
        body = message.unpack_message(frames)
        if body is None or self._phase not in ("opening", "open"):
            return
        if body.get("id") == _CONFIRM:
            self._take_confirmed(body)
        elif type(body.get("id")) is int and body["id"] == self._id:
            self._heard = self._silent_since = now
            self._take_message(body, now)

    def process(self, now: float) -> None:
        """Whatever is due."""
        if now >= self._confirm_due and self._phase in ("open", "replayed", "ended"):
            self._confirm(now)
        if self._phase in ("replayed", "ended", "failed"):
            return
        if now >= self._gives_up_at():
            self._fail(self._silence())
        elif self._phase == "paused" and now >= self._pause_ends:
            self._open(now)
        elif self._phase != "paused" and now >= self._silence_ends():
            self._reopen(None, now)
        if self._phase == "open" and now >= self._alive_due:
            self._give_credit(now)

    def wake_at(self) -> float:
        """When process() has something to do though nothing comes; infinity: never."""
        if self._phase == "paused":
            return min(self._pause_ends, self._gives_up_at())
        if self._phase == "opening":
            return min(self._silence_ends(), self._gives_up_at())
        if self._phase == "open":
            return min(self._silence_ends(), self._gives_up_at(), self._alive_due, self._confirm_due)
        return math.inf

    # Opening and going on

    def _request(self) -> None:
        self._id += 1
        self._received, self._taken, self._was_sent = self.position.seq, 0, False
        fields: dict[str, Any] = {"site": self.site, "after": self.position.seq}
        if self.position.seq > 0 and self.position.chain:
            fields["hash"] = self.position.chain
        elif self.position.seq > 0 and self.epoch:
            fields["epoch"] = self.epoch
        self._send("stream", self._id, credit=self._credit, live=self._live, **fields)

    def _send(self, op: str, id: int | str | None, **fields: Any) -> None:
        named = {} if id is None else {"id": id}
        self.outgoing.append(message.pack({"v": message.VERSION, "op": op, **named, **fields}))

    def _open(self, now: float) -> None:
        self._sockets += 1
        self.socket, self._phase, self._opened = self._sockets, "opening", now
        self._request()

    def _close(self) -> None:
        """What is queued comes again: the stream goes on after the last record that was recorded."""
        self.socket = 0
        self.outgoing.clear()
        self._events.clear()
        self._handed.clear()

    def _reopen(self, why: ModqdError | None, now: float) -> None:
        self._lost = self._lost or self._phase == "open"
        self._error, self._level, self._phase = why, False, "paused"
        self._pause_ends = now + self._backoff.next(why.retry_after_ms if why else None)
        self._close()

    def _fail(self, error: ModqdError) -> None:
        self._error, self._phase, self._lost = error, "failed", False
        self._close()

    def _silence(self) -> ModqdError:
        if self._ever_sent:
            return own_error("client_timeout", "the daemon has not been heard for too long")
        return own_error("client_cannot_connect", "nobody listens at the endpoint, or the key is not let in")

    def _silence_ends(self) -> float:
        return self._opened + OPENING_S if self._phase == "opening" else self._heard + 2.5 * self._heartbeat

    def _gives_up_at(self) -> float:
        return math.inf if self._give_up is None else self._silent_since + self._give_up

    # Credit, and being alive

    def _give_credit(self, now: float) -> None:
        self._send("credit", None, stream=self._id, credit=self._taken)
        self._taken, self._alive_due = 0, now + self._credit_timeout / 3

    # Confirming

    def _plan_confirm(self) -> None:
        """At once, when nothing was told lately."""
        news = self.position.seq != self._confirmed
        if self._listener and self._level and news and self._confirm_due == math.inf:
            self._confirm_due = -math.inf

    def _confirm(self, now: float) -> None:
        """At most every CONFIRM_EVERY_S; what is recorded meanwhile is told then."""
        if self.position.seq == self._confirmed:
            self._confirm_due = math.inf
            return
        self._send("confirm", _CONFIRM, site=self.site, listener=self._listener, seq=self.position.seq)
        self._confirmed, self._confirm_due = self.position.seq, now + CONFIRM_EVERY_S

    @staticmethod
    def _take_confirmed(body: Mapping[str, Any]) -> None:
        if body.get("ok") is False:
            _log.warning("confirm: %s", error_of(body.get("error")))

    # What the daemon says

    def _take_message(self, body: dict[str, Any], now: float) -> None:
        op = body.get("op")
        if self._phase == "opening":
            if "ok" in body:
                self._take_reply(body, now)
        elif op == "records":
            self._take_records(body.get("records"), now)
        elif op == "heartbeat":
            self._take_heartbeat(body, now)
        elif op == "level":
            self._take_level(body)
        elif op == "ended":
            self._take_end(body, now)

    def _take_reply(self, body: Mapping[str, Any], now: float) -> None:
        if body["ok"] is True:
            self._phase = "open"
            self._heartbeat = _positive(body.get("heartbeat_ms"), HEARTBEAT_S)
            self._credit_timeout = _positive(body.get("credit_timeout_ms"), CREDIT_TIMEOUT_S)
            self._alive_due = now + self._credit_timeout / 3
            self._backoff.reset()
            self.epoch = _bytes(body.get("epoch"), EPOCH_BYTES) or self.epoch
            self._take_newest(body)
            return
        error = error_of(body.get("error"))
        if error.keep:
            self._reopen(error, now)
        elif not self._lower_credit(error, now):
            self._fail(error)

    def _lower_credit(self, error: ModqdError, now: float) -> bool:
        """A daemon may allow less credit than is usual; it says how much."""
        most = error.detail.get("max")
        if error.name != "out_of_range" or error.field != "credit" or not isinstance(most, int):
            return False
        if not 1 <= most < self._credit:
            return False
        self._credit = most
        self._reopen(None, now)
        return True

    def _take_newest(self, body: Mapping[str, Any]) -> None:
        if isinstance(body.get("newest"), int):
            self.newest = body["newest"]

    def _take_records(self, records: Any, now: float) -> None:
        for record in records if isinstance(records, list) else [None]:
            trouble = self._trouble(record)
            if trouble:
                self._bad(trouble, now)
                return
            self._received = record["seq"]
            self._events.append(Event("record", record))
        self.newest = max(self.newest, self._received)

    def _trouble(self, record: Any) -> str | None:
        """Every record must be the one after the one before, and say what a listener keeps of it."""
        if not isinstance(record, dict) or type(record.get("seq")) is not int:
            return "a record without a number"
        if not _bytes(record.get("chain"), HASH_BYTES):
            return "a record without a chain hash"
        if record["seq"] != self._received + 1:
            return "a record after a gap" if record["seq"] > self._received else "a record twice"
        return None

    def _bad(self, what: str, now: float) -> None:
        self._reopen(own_error("client_bad_reply", f"the daemon sent {what}"), now)

    def _take_heartbeat(self, body: Mapping[str, Any], now: float) -> None:
        self._take_newest(body)
        sent = body.get("sent")
        if isinstance(sent, int) and sent > self._received:
            self._bad("a heartbeat that tells of a record that never came", now)

    def _take_level(self, body: Mapping[str, Any]) -> None:
        self._take_newest(body)
        self._events.append(Event("level"))
        if not self._live:
            self._phase = "replayed"

    def _take_end(self, body: Mapping[str, Any], now: float) -> None:
        error = error_of(body.get("error"))
        if error.keep or error.name in ("not_found", "client_bad_reply"):
            self._reopen(error, now)
        else:
            self._fail(error)
