"""The file of an outbox: lines that are only ever added, each on disk before anybody is told so.

    modqd-outbox 1 0f3c…      the first line: 16 hex digits that no other file has
    CRC BASE64                a MessagePack map: {id, op, fields}, {done: [ids]} or {refused: id, error}

A process that is killed while it writes leaves a line without its end. Nobody was told that it is kept: it is cut off. A
line that is whole but whose checksum is wrong was spoilt by the disk: it is set aside and does not hold up the rest.

PATH.lock is held for each reading and writing, PATH.flush while somebody sends.
"""
from __future__ import annotations

import base64
import contextlib
import fcntl
import itertools
import os
import time
import zlib
from typing import Any, Callable, Iterator, Mapping, Sequence, TypeVar

from .errors import own_error
from .message import pack, unpack
from .place import replace_file

_MAGIC = b"modqd-outbox 1 "
_LOCK_PATIENCE_S = 10.0
_COMPACT_BYTES = 1 << 20
_Result = TypeVar("_Result")


def _line(entry: dict[str, Any]) -> bytes:
    data = base64.b64encode(pack(entry))
    return b"%08x %s\n" % (zlib.crc32(data), data)


def _read_line(line: bytes) -> dict[str, Any] | None:
    """None when it was spoilt."""
    crc, _, data = line.rstrip(b"\n").partition(b" ")
    if crc != b"%08x" % zlib.crc32(data):
        return None
    try:
        entry = unpack(base64.b64decode(data, validate=True))
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


class Journal:
    """What is kept, and what was set aside. Every method can raise LocalError client_system."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._flush_lock: int | None = None
        self._forget()
        self._under_lock(self._refresh)

    def append(self, *entries: dict[str, Any]) -> None:
        if entries:
            self._under_lock(self._append, b"".join(map(_line, entries)))

    def first(self, most: int) -> list[tuple[bytes, dict[str, Any]]]:
        return self._under_lock(self._first, most)

    def count(self) -> int:
        return self._under_lock(self._count)

    def set_aside(self) -> list[tuple[dict[str, Any], dict[str, Any] | None]]:
        """Entries with their errors; no error where the disk has spoilt it."""
        return self._under_lock(self._set_aside)

    def forget_set_aside(self) -> None:
        self._under_lock(self._drop_set_aside)

    def put_back(self) -> int:
        """Keeps again what was set aside, where it stood before. What the disk has spoilt stays. Returns how many."""
        return self._under_lock(self._put_back)

    def begin(self) -> bool:
        """Takes the lock of those who send. False when somebody has it."""
        with self._told():
            fd = os.open(self._path + ".flush", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
                return False
            self._flush_lock = fd
            return True

    def end(self) -> None:
        try:
            self._under_lock(self._compact_if_worth_it)
        finally:
            if self._flush_lock is not None:
                _give_back(self._flush_lock)
                self._flush_lock = None

    def _under_lock(self, act: Callable[..., _Result], *arguments: Any) -> _Result:
        with self._told():
            fd = os.open(self._path + ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                self._lock(fd)
                return act(*arguments)
            finally:
                _give_back(fd)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise own_error("client_system", f"{self._path}: {error.strerror}") from error

    def _lock(self, fd: int) -> None:
        until = time.monotonic() + _LOCK_PATIENCE_S
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > until:
                    raise own_error("client_system", f"{self._path}: another process holds its lock") from None
                time.sleep(0.005)

    # Everything below happens under the lock, which other threads wait for, too

    def _first(self, most: int) -> list[tuple[bytes, dict[str, Any]]]:
        self._refresh()
        return list(itertools.islice(self._kept.items(), most))

    def _count(self) -> int:
        self._refresh()
        return len(self._kept)

    def _set_aside(self) -> list[tuple[dict[str, Any], dict[str, Any] | None]]:
        self._refresh()
        aside: list[tuple[dict[str, Any], dict[str, Any] | None]] = [*self._refused.values()]
        return aside + [({}, None)] * len(self._spoilt)

    def _drop_set_aside(self) -> None:
        self._refresh()
        self._write_anew([], self._kept, {})

    def _put_back(self) -> int:
        self._refresh()
        count = len(self._refused)
        if count:
            self._write_anew(self._spoilt, self._entries, {})
        return count

    def _forget(self) -> None:
        self._header = b""
        self._offset = 0                                     # behind the last whole line that was read
        self._entries: dict[bytes, dict[str, Any]] = {}      # kept or set aside, in the order in which they were kept
        self._kept: dict[bytes, dict[str, Any]] = {}         # those that are to be sent, in the same order
        self._refused: dict[bytes, tuple[dict[str, Any], dict[str, Any]]] = {}
        self._spoilt: list[bytes] = []

    def _refresh(self) -> None:
        """Reads what is new since the last time; everything when the file is another one."""
        try:
            file = open(self._path, "rb")
        except FileNotFoundError:
            self._create()
            return
        with file:
            header = file.readline(len(_MAGIC) + 17)
            if not header.endswith(b"\n"):
                self._begin_again(header + file.read(1))
                return
            if not header.startswith(_MAGIC):
                raise own_error("client_system", f"{self._path}: is no outbox")
            if header != self._header:
                self._forget()
                self._header, self._offset = header, len(header)
            file.seek(self._offset)
            for line in file:
                if line.endswith(b"\n"):
                    self._take(line)
                    self._offset += len(line)

    def _begin_again(self, torn: bytes) -> None:
        """A file that was being made when its process was killed has not even its first line."""
        if len(torn) > len(_MAGIC) + 16 or not (torn.startswith(_MAGIC) or _MAGIC.startswith(torn)):
            raise own_error("client_system", f"{self._path}: is no outbox")
        self._create()

    def _create(self) -> None:
        self._forget()
        self._header = _MAGIC + os.urandom(8).hex().encode() + b"\n"
        replace_file(self._path, self._header)
        self._offset = len(self._header)

    def _take(self, line: bytes) -> None:
        entry = _read_line(line)
        if entry is None:
            self._spoilt.append(line)
        elif "op" in entry:
            self._entries[entry["id"]] = self._kept[entry["id"]] = entry
        elif "done" in entry:
            for id in entry["done"]:
                if self._kept.pop(id, None) is not None:
                    del self._entries[id]
        elif entry["refused"] in self._kept:
            self._refused[entry["refused"]] = (self._kept.pop(entry["refused"]), entry["error"])

    def _append(self, lines: bytes) -> None:
        """All of it on disk, or nothing of it in the file."""
        self._refresh()
        fd = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.ftruncate(fd, self._offset)                   # what was torn off
            try:
                _write(fd, lines, self._offset)
                os.fsync(fd)
            except OSError:
                os.ftruncate(fd, self._offset)
                raise
        finally:
            os.close(fd)
        self._refresh()

    def _compact_if_worth_it(self) -> None:
        self._refresh()
        empty = not self._entries and not self._spoilt
        if (empty and self._offset > len(self._header)) or self._offset > max(_COMPACT_BYTES, 2 * self._compacted):
            self._write_anew(self._spoilt, self._entries, self._refused)

    _compacted = 0                                           # bytes of the file when it was compacted last

    def _write_anew(self, spoilt: Sequence[bytes], entries: Mapping[bytes, dict[str, Any]],
                    refused: Mapping[bytes, tuple[dict[str, Any], dict[str, Any]]]) -> None:
        """A new file with what still counts takes the old one's place."""
        marks = [{"refused": id, "error": error} for id, (_, error) in refused.items()]
        header = _MAGIC + os.urandom(8).hex().encode() + b"\n"
        data = b"".join([header, *spoilt, *map(_line, entries.values()), *map(_line, marks)])
        replace_file(self._path, data)
        self._compacted = len(data)
        self._refresh()


def _give_back(lock: int) -> None:
    """A child that another thread forked meanwhile has the descriptor, too: closing it here would not end the lock."""
    fcntl.flock(lock, fcntl.LOCK_UN)
    os.close(lock)


def _write(fd: int, data: bytes, at: int) -> None:
    while data:
        written = os.pwrite(fd, data, at)
        data, at = data[written:], at + written
