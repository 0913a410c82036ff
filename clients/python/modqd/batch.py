"""Many comments in few messages. No input and output happens here."""
from __future__ import annotations

from typing import Any, Mapping, NamedTuple

from .errors import ModqdError, own_error
from .message import ENVELOPE_BYTES, ENVELOPE_VALUES, MOST_VALUES, check, pack, too_long

_DEPTH = 3                       # the message's map, the list, the comment


class Item(NamedTuple):
    """One comment on its way: its place in the caller's list, and what it costs."""
    at: int
    comment: Mapping[str, Any]
    size: int
    values: int


def weigh(index: int, comment: Any, limits: Mapping[str, int]) -> Item:
    """Raises FixError when the comment can be in no message; the path in `field` begins with comments[index]."""
    path = f"comments[{index}]"
    if not isinstance(comment, dict):
        raise own_error("bad_type", f"a comment is a dict, not {type(comment).__name__}", path)
    values = check(comment, path, _DEPTH)
    if values > MOST_VALUES - ENVELOPE_VALUES:
        raise own_error("malformed", f"{values} values, at most {MOST_VALUES - ENVELOPE_VALUES} fit into a message", path)
    size, most = len(pack(comment)), limits["max_message_bytes"] - ENVELOPE_BYTES
    if size > most:
        raise too_long(size, most, _longest(comment, path, limits))
    return Item(index, comment, size, values)


def _longest(comment: Mapping[str, Any], path: str, limits: Mapping[str, int]) -> str:
    """The body is to blame where it is longer than a body may be."""
    body = comment.get("body")
    return f"{path}.body" if isinstance(body, str) and len(body.encode()) > limits["body_bytes"] else path


def first_part(items: list[Item], limits: Mapping[str, int]) -> tuple[list[Item], list[Item]]:
    """As many as one message holds by max_batch, max_message_bytes and the most values, and the rest. At least one."""
    size = values = 0
    for count, item in enumerate(items):
        size, values = size + item.size, values + item.values
        if count and (count >= limits["max_batch"] or values > MOST_VALUES - ENVELOPE_VALUES
                      or size > limits["max_message_bytes"] - ENVELOPE_BYTES):
            return items[:count], items[count:]
    return items, []


def failed(comment: Any, error: ModqdError) -> dict[str, Any]:
    """The result of a comment that has none of the daemon's."""
    named = comment if isinstance(comment, dict) else {}
    return {"site": named.get("site"), "comment": named.get("comment"), "status": error.name, "error": error}
