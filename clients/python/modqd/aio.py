"""The same for asyncio: Front, Push, Decisions, FileOutbox and SqlOutbox with the same methods, to be awaited.

Many tasks may use one Front at a time. All objects belong to the event loop that runs when they are first used; in another
loop, or in a fork's child, a Front opens a socket of its own.
"""
from __future__ import annotations

import asyncio
import inspect
import math
import os
import time
from typing import Any, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Protocol, Sequence

import zmq

from . import outbox as _outbox
from . import push as _push
from .decisions import check_credit, first_position, turn
from .errors import own_error
from .key import Key
from .link import Link, endpoint_of
from .message import unpack_message
from .place import Place, Position
from .requests import Attempt, Reply, Session, Steps, report_fields
from .stream import Event, Machine
from .types import Answer, Comment, Result

__all__ = ["AsyncPlace", "Decisions", "FileOutbox", "Front", "Push", "SqlOutbox"]
MOST_UNANSWERED = 500           # on one connection, as PROTOCOL.md has it


class _Channel:
    """A socket with the requests that are under way on it. It watches the socket's descriptor, which says that something
    has changed, not what: so everything that can be done is done at each turn."""

    def __init__(self, endpoint: str, key: Key | None) -> None:
        self.link = Link(endpoint, key)
        self.link.open()
        self.loop = asyncio.get_running_loop()
        self.retired = False
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._unsent: dict[int, bytes] = {}
        self._fd = self.link.fd()
        self.loop.add_reader(self._fd, self._turn)

    @property
    def usable(self) -> bool:
        return self.link.is_open and self.loop is asyncio.get_running_loop() and not self.retired

    @property
    def full(self) -> bool:
        return len(self._waiting) >= MOST_UNANSWERED

    async def attempt(self, attempt: Attempt) -> Reply:
        future: asyncio.Future[Reply] = self.loop.create_future()
        self._waiting[attempt.id], self._unsent[attempt.id] = future, attempt.body
        try:
            self._turn()
            done, _ = await asyncio.wait([future], timeout=attempt.wait)
            return future.result() if done else Reply(attempt.id not in self._unsent, None)
        finally:
            self._waiting.pop(attempt.id, None)
            self._unsent.pop(attempt.id, None)
            self._close_if_done()

    def retire(self) -> None:
        """Nothing new goes over it; it closes when what is under way has its answer, or has waited for long enough."""
        self.retired = True
        self._close_if_done()

    def close(self) -> None:
        if self.link.is_open and not self.loop.is_closed():
            self.loop.remove_reader(self._fd)
        self.link.close()

    def _close_if_done(self) -> None:
        if self.retired and not self._waiting:
            self.close()

    def _turn(self) -> None:
        """Receiving may find that one can send now, and nobody would tell that again: the last thing that is done is to
        see that there is nothing to do."""
        while self.link.is_open and self.link.events() & (zmq.POLLIN | (zmq.POLLOUT if self._unsent else 0)):
            self._send()
            frames = self.link.receive()
            if frames is not None:
                self._take(frames)

    def _send(self) -> None:
        for id, body in list(self._unsent.items()):
            if not self.link.send(body):
                return
            del self._unsent[id]

    def _take(self, frames: list[bytes]) -> None:
        """What cannot be read, or has no id, is for the one request that is under way, if there is only one."""
        body = unpack_message(frames)
        sent = [id for id in self._waiting if id not in self._unsent]
        id = body.get("id") if body is not None else None
        if id is None and len(sent) == 1 and (body is None or body.get("ok") is False):
            id = sent[0]
        future = self._waiting.get(id) if type(id) is int else None
        if future is not None and not future.done():
            future.set_result(Reply(True, body, broken=body is None))


class Front:
    """As modqd.Front. Many tasks may use it at a time."""

    def __init__(self, endpoint: str | None = None, *, key: Key | None = None, timeout: float = 5.0,
                 attempt: float = 2.0) -> None:
        self._endpoint, self._key = endpoint_of("front", endpoint, key), key
        self._session = Session(self._endpoint, key is not None and self._endpoint.startswith("tcp:"), timeout, attempt)
        self._channel: _Channel | None = None

    async def __aenter__(self) -> Front:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """What is under way is given up."""
        if self._channel is not None:
            self._channel.close()
        self._channel = None

    @property
    def limits(self) -> Mapping[str, int]:
        return self._session.limits

    async def hello(self) -> Answer:
        return await self._run(self._session.hello())

    async def submit(self, comment: Comment, *, traceparent: str | None = None, timeout: float | None = None) -> Result:
        return await self._run(self._session.submit(comment, traceparent, timeout))

    async def submit_many(self, comments: Iterable[Comment], *, traceparent: str | None = None,
                         timeout: float | None = None) -> list[Result]:
        return await self._run(self._session.submit_many(list(comments), traceparent, timeout))

    async def withdraw(self, site: str, comment: str) -> Answer:
        return await self._run(self._session.call("withdraw", {"site": site, "comment": comment}))

    async def report(self, site: str, comment: str, reader: str, *, reason: str | None = None, note: str | None = None,
                     at: int | None = None) -> Answer:
        return await self._run(self._session.call("report", report_fields(site, comment, reader, reason, note, at)))

    async def status(self, site: str, comments: Sequence[str]) -> list[Result]:
        return await self._run(self._session.status(site, comments))

    async def article(self, site: str, article: Mapping[str, Any], *, closed: bool | None = None,
                      front_page: bool | None = None) -> Answer:
        return await self._run(self._session.call(
            "article", {"site": site, "article": article, "closed": closed, "front_page": front_page}))

    async def policy(self, site: str) -> Answer:
        return await self._run(self._session.call("policy", {"site": site}))

    async def confirm(self, site: str, listener: str, seq: int) -> Answer:
        return await self._run(self._session.call("confirm", {"site": site, "listener": listener, "seq": seq}))

    async def _run(self, steps: Steps) -> Any:
        came = None
        try:
            while True:
                wish = steps.send(came)
                came = await (self._attempt(wish) if isinstance(wish, Attempt) else asyncio.sleep(wish.seconds))
        except StopIteration as end:
            return end.value

    async def _attempt(self, attempt: Attempt) -> Reply:
        channel = self._usable_channel()
        reply = await channel.attempt(attempt)
        if reply.answer is None:
            channel.retire()
        return reply

    def _usable_channel(self) -> _Channel:
        """One that is full goes on for what is under way on it, and a new one takes what comes. One of a loop that is gone
        is closed."""
        if self._channel is not None and self._channel.usable and self._channel.full:
            self._channel.retire()
        if self._channel is None or not self._channel.usable:
            if self._channel is not None and self._channel.loop.is_closed():
                self._channel.close()
            self._channel = _Channel(self._endpoint, self._key)
            self._session.asked = False
        return self._channel


class Push:
    """As modqd.Push."""

    def __init__(self, endpoint: str | None = None, *, key: Key | None = None, timeout: float = 1.0) -> None:
        self._push, self._timeout = _push.Push(endpoint, key=key, timeout=0), timeout

    async def __aenter__(self) -> Push:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def submit(self, comment: Comment, *, traceparent: str | None = None) -> None:
        await self._hand_over(self._push.submit_body(comment, traceparent))

    async def withdraw(self, site: str, comment: str) -> None:
        await self._hand_over(self._push.body("withdraw", {"site": site, "comment": comment}))

    async def report(self, site: str, comment: str, reader: str, *, reason: str | None = None, note: str | None = None,
                     at: int | None = None) -> None:
        await self._hand_over(self._push.body("report", report_fields(site, comment, reader, reason, note, at)))

    async def close(self, linger: float = 1.0) -> int:
        return await asyncio.to_thread(self._push.close, linger)

    async def _hand_over(self, body: bytes) -> None:
        until = time.monotonic() + self._timeout
        while not self._push.offer(body):
            if time.monotonic() >= until:
                raise self._push.dropped()
            await _ready(self._push.link, zmq.POLLOUT, until - time.monotonic())


class AsyncPlace(Protocol):
    """As modqd.Place, for those who have an asynchronous database."""

    async def load(self, site: str) -> Position | None:
        """None when nothing was saved yet."""

    async def save(self, site: str, position: Position) -> None:
        """Durable when it returns."""


class Decisions:
    """As modqd.Decisions. The methods of its place may be coroutines; those of a FilePlace are called in a thread."""

    def __init__(self, endpoint: str | None, site: str, *, place: Place | AsyncPlace | None = None, key: Key | None = None,
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

    async def __aenter__(self) -> Decisions:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        self._closed = True
        self._link.close()

    def stop(self) -> None:
        """Ends run() and iteration within a second."""
        self._stopped = True

    async def position(self) -> Position:
        return (await self._started()).position

    async def next(self, wait: float | None = None) -> Event | None:
        machine = await self._started()
        until = math.inf if wait is None else time.monotonic() + wait
        while True:
            turn(self._link, machine)
            event = machine.take()
            if event or time.monotonic() >= until:
                return event
            left = min(until, machine.wake_at()) - time.monotonic()
            await _ready(self._link, zmq.POLLIN | (zmq.POLLOUT if machine.outgoing else 0), left)

    async def recorded(self) -> None:
        machine = await self._started()
        position = machine.next_position()
        if position is None:
            return
        if self._place is not None:
            await _stored(self._place, self._place.save, self._site, position)
        machine.recorded(position, time.monotonic())

    async def __aiter__(self) -> AsyncIterator[Event]:
        while not self._stopped and not self._closed:
            event = await self.next(1.0)
            if event:
                yield event
            if event and event.type in ("end", "failed"):
                return

    async def run(self, apply: Callable[[dict[str, Any]], Awaitable[object]]) -> None:
        async for event in self:
            if event.type == "record":
                await self._apply(apply, event.record)
            elif event.type == "failed":
                assert event.error is not None
                raise event.error

    async def _apply(self, apply: Callable[[dict[str, Any]], Awaitable[object]], record: Any) -> None:
        try:
            await apply(record)
            await self.recorded()
        except BaseException:
            if self._machine is not None:
                self._machine.not_applied(time.monotonic())
            rollback = getattr(self._place, "rollback", None)
            if rollback is not None:
                await _stored(self._place, rollback)
            raise

    async def _started(self) -> Machine:
        if self._closed or self._pid != os.getpid():
            raise own_error("client_bad_argument", "it is closed" if self._closed else
                            "these decisions belong to the process that made them: a fork makes its own")
        if self._machine is None:
            kept = None if self._place is None else await _stored(self._place, self._place.load, self._site)
            self._machine = Machine(self._site, kept or self._begin, time.monotonic(), **self._options)
        return self._machine


async def _ready(link: Link, events: int, timeout: float) -> None:
    """Waits until the socket has one of these events, or may have. The descriptor only says that something has changed,
    and says it once: so the events are looked at before each wait."""
    timeout = max(0.0, timeout)
    if not link.is_open:
        await asyncio.sleep(timeout)
        return
    loop, fd = asyncio.get_running_loop(), link.fd()
    changed: asyncio.Future[None] = loop.create_future()
    loop.add_reader(fd, _done, changed)
    try:
        if not link.events() & events:
            await asyncio.wait([changed], timeout=None if timeout == math.inf else timeout)
    finally:
        loop.remove_reader(fd)


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _stored(store: Any, method: Callable[..., Any], *arguments: Any) -> Any:
    """Calls a store's method, in a thread where it says that it can be, and awaits what has to be awaited."""
    if getattr(store, "in_thread", False):
        return await asyncio.to_thread(method, *arguments)
    came = method(*arguments)
    return await came if inspect.isawaitable(came) else came


class _Outbox:
    """keep() and the rest of an outbox, to be awaited."""

    def __init__(self, box: Any) -> None:
        self._box = box

    async def keep(self, op: str, fields: Mapping[str, Any]) -> None:
        await _stored(self._box, self._box.keep, op, fields)

    async def flush(self, front: Front, *, timeout: float = 60.0) -> _outbox.Flushed:
        if not self._box.begin():        # waits for nothing; in a thread a cancelled task would leave the lock behind
            return _outbox.Flushed(0, await self.count(), [])
        try:
            return await self._drive(_outbox.flush(front._session, timeout), front)
        finally:
            await _stored(self._box, self._box.end)

    async def _drive(self, steps: Any, front: Front) -> _outbox.Flushed:
        came: Any = None
        try:
            while True:
                wish = steps.send(came)
                if isinstance(wish, _outbox.Store):
                    came = await _stored(self._box, getattr(self._box, wish.method), *wish.arguments)
                else:
                    came = await front._run(wish)
        except StopIteration as end:
            return end.value
        finally:
            steps.close()

    async def count(self) -> int:
        return await _stored(self._box, self._box.count)

    async def refused(self) -> list[_outbox.Refused]:
        return await _stored(self._box, self._box.refused)

    async def retry_refused(self) -> int:
        return await _stored(self._box, self._box.retry_refused)

    async def forget_refused(self) -> None:
        await _stored(self._box, self._box.forget_refused)


class FileOutbox(_Outbox):
    """As modqd.FileOutbox; its files are read and written in a thread."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(_outbox.FileOutbox(path))


class SqlOutbox(_Outbox):
    """As modqd.SqlOutbox. The statements run in the event loop's thread, to which connections belong."""

    def __init__(self, connection: Any, table: str = "modqd_outbox", **options: Any) -> None:
        super().__init__(_outbox.SqlOutbox(connection, table, **options))

    async def create(self) -> None:
        self._box.create()
