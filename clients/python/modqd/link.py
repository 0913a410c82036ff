"""One ZeroMQ socket at a time, used without ever waiting."""
from __future__ import annotations

import os
from typing import Any

import zmq

from .errors import own_error
from .key import Key

LARGEST_MESSAGE_BYTES = 64 << 20        # as much as max_message_bytes may ever be
PUSH_QUEUE = 1000
_KEEPALIVE_IDLE_S = 60
_of_the_parent: list[Any] = []          # sockets that a fork's child must neither use nor close


def endpoint_of(name: str, endpoint: str | None, key: Key | None) -> str:
    """The endpoint given, or that of the key file."""
    found = endpoint or (key.endpoints.get(name) if key else None)
    if not found:
        raise own_error("client_bad_argument", f"no endpoint: give one, or a key whose file names {name}")
    if key and found.startswith("tcp:") and not key.server:
        raise own_error("client_bad_argument", "the key does not say which server it is for (server-key)")
    return found


class Link:
    """A socket that is opened when it is needed. A fork's child opens one of its own and leaves the parent's alone."""

    def __init__(self, endpoint: str, key: Key | None, kind: int = zmq.DEALER) -> None:
        self.endpoint, self._kind = endpoint, kind
        self.number = 0                     # for the user, to know one socket from the next
        self._key = key if endpoint.startswith("tcp:") else None      # over ipc nobody asks for it
        self._socket: Any = None
        self._context: Any = None
        self._pid = os.getpid()

    @property
    def is_open(self) -> bool:
        return self._socket is not None and self._pid == os.getpid()

    @property
    def socket(self) -> Any:
        return self._socket

    def open(self) -> None:
        """Waits for nothing. FixError client_bad_argument (the endpoint), LocalError client_system (no socket)."""
        if self._pid != os.getpid():
            _of_the_parent.append((self._socket, self._context))
            self._socket = self._context = None
        if self._socket is not None:
            return
        self._pid = os.getpid()
        try:
            self._context = zmq.Context() if self._kind == zmq.PUSH else zmq.Context.instance()
            self._socket = self._context.socket(self._kind)
            self._configure(self._socket)
        except zmq.ZMQError as error:
            self.close()
            raise own_error("client_system", f"cannot make a socket: {error}") from error
        try:
            self._socket.connect(self.endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise own_error("client_bad_argument", f"endpoint {self.endpoint}: {error}") from error

    def _configure(self, socket: Any) -> None:
        """IMMEDIATE keeps a DEALER's messages from being queued for nobody. A PUSH has no repeats: there the queue has
        to outlive a connection."""
        push = self._kind == zmq.PUSH
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.IMMEDIATE, 0 if push else 1)
        socket.setsockopt(zmq.SNDHWM, PUSH_QUEUE if push else 0)
        socket.setsockopt(zmq.RCVHWM, 0)
        socket.setsockopt(zmq.RECONNECT_IVL, 10)
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, 500)
        socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_MESSAGE_BYTES)
        socket.setsockopt(zmq.IPV6, 1 if "[" in self.endpoint else 0)
        if self._key:
            self._key.use(socket)
            socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
            socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, _KEEPALIVE_IDLE_S)

    def close(self, linger_ms: int = 0) -> None:
        """Waits up to `linger_ms` for a PUSH, whose context is its own."""
        socket, context = self._socket, self._context
        self._socket = self._context = None
        if self._pid != os.getpid():
            _of_the_parent.append((socket, context))
            return
        if socket is not None:
            socket.close(linger_ms)
        if context is not None and self._kind == zmq.PUSH:
            context.term()

    def send(self, body: bytes) -> bool:
        """False: there is no room, or nobody to take it."""
        try:
            self._socket.send(body, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def receive(self) -> list[bytes] | None:
        """The frames of the next message; None when there is none."""
        try:
            return self._socket.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return None

    def events(self) -> int:
        return self._socket.getsockopt(zmq.EVENTS)

    def fd(self) -> int:
        return self._socket.getsockopt(zmq.FD)
