"""Messages: packed, unpacked, and looked at before they are sent. No input and output happens here.

The daemon judges fields; here only that is refused which could not be sent, or would take a whole message with it: text
that is not UTF-8, types that MessagePack does not have, too deep nesting, too many values, too many bytes.
"""
from __future__ import annotations

import re
from typing import Any, Mapping

import msgpack

from .errors import ModqdError, own_error

VERSION = 1
DEEPEST = 16
LEAST_MESSAGE_BYTES = 65536   # every daemon takes as much
MOST_VALUES = 20_000
ENVELOPE_BYTES = 512        # room for v, op, id and the list around a batch
ENVELOPE_VALUES = 32
LIMITS = {"max_message_bytes": 1048576, "max_batch": 256, "body_bytes": 65536, "extra_bytes": 4096, "max_credit": 1000}
_INTEGERS = range(-2**63, 2**64)
_BYTES = (bytes, bytearray, memoryview)


def pack(value: Any) -> bytes:
    """The shortest encoding, keys in the order given."""
    return msgpack.packb(value, use_bin_type=True)


def unpack(frame: bytes) -> Any:
    """One value. ValueError when it is not exactly one, or not readable."""
    try:
        return msgpack.unpackb(frame, raw=False, strict_map_key=True)
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def unpack_message(frames: list[bytes]) -> dict[str, Any] | None:
    """One message of the daemon; None when it is not one frame with one map."""
    if len(frames) != 1:
        return None
    try:
        message = unpack(frames[0])
    except ValueError:
        return None
    return message if isinstance(message, dict) else None


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _check_text(text: str, path: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        at = len(text[:error.start].encode("utf-8"))
        raise own_error("invalid_utf8", f"the text is not UTF-8 from byte {at} on", path or None) from None


def _check_map(value: Mapping[Any, Any], path: str, depth: int) -> int:
    count = 1
    for key, item in value.items():
        if not isinstance(key, str):
            raise own_error("bad_type", f"a key of a map must be a text, not {type(key).__name__}", path or None)
        _check_text(key, path)
        count += 1 + check(item, _join(path, key), depth + 1)
    return count


def check(value: Any, path: str = "", depth: int = 1) -> int:
    """Counts values as the daemon does: keys and containers count.

    Raises FixError: invalid_utf8, bad_type, out_of_range, malformed (nested too deep), with the path in `field`."""
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, (dict, list, tuple)):
        if depth > DEEPEST:
            raise own_error("malformed", f"nested deeper than {DEEPEST}", path or None)
        if isinstance(value, dict):
            return _check_map(value, path, depth)
        return 1 + sum(check(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(value))
    elif isinstance(value, int):
        if value not in _INTEGERS:
            raise own_error("out_of_range", "the number does not fit into 64 bits", path or None)
    elif value is not None and not isinstance(value, (float, *_BYTES)):
        raise own_error("bad_type", f"{type(value).__name__} cannot be sent", path or None)
    return 1


def request(op: str, id: int, fields: Mapping[str, Any], most_bytes: int) -> bytes:
    """The body of a request. Raises what check() raises; too_long, malformed when a message cannot hold it."""
    body = {"v": VERSION, "op": op, "id": id, **fields}
    if check(body) > MOST_VALUES:
        raise own_error("malformed", f"more than {MOST_VALUES} values")
    packed = pack(body)
    if len(packed) > most_bytes:
        raise too_long(len(packed), most_bytes)
    return packed


def too_long(size: int, most: int, field: str | None = None) -> ModqdError:
    return own_error("too_long", f"{size} bytes packed, at most {most} fit into a message", field)


_TRACEPARENT = re.compile("([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")


def good_traceparent(value: Any) -> bool:
    """As W3C Trace Context has it: version ff, all zeros, and more than four parts of version 00 are not valid."""
    found = _TRACEPARENT.fullmatch(value) if isinstance(value, str) else None
    if not found:
        return False
    version, trace, parent, more = found.groups()
    return version != "ff" and not (version == "00" and more) and bool(trace.strip("0") and parent.strip("0"))


def traced(comment: Any, traceparent: str | None, limits: Mapping[str, int]) -> Any:
    """The comment with `traceparent` in its `extra`, unless there is one, it is malformed, or there is no room."""
    if not good_traceparent(traceparent) or not isinstance(comment, dict):
        return comment
    extra = comment.get("extra")
    extra = {} if extra is None else extra
    if not isinstance(extra, dict) or "traceparent" in extra:
        return comment
    extra = {**extra, "traceparent": traceparent}
    return {**comment, "extra": extra} if _fits(extra, limits["extra_bytes"]) else comment


def _fits(extra: dict[str, Any], most: int) -> bool:
    try:
        return len(pack(extra)) <= most
    except (TypeError, ValueError, OverflowError, RecursionError):
        return False                  # what cannot be sent is told of when the comment is checked


def take_limits(answer: Mapping[str, Any], limits: dict[str, int]) -> None:
    """Keeps what `hello` said of the limits."""
    told = answer.get("limits")
    for name, value in told.items() if isinstance(told, dict) else ():
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            limits[name] = value
