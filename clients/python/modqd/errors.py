"""What can go wrong. Decide by the class of the exception, so that errors of later versions fit in."""
from __future__ import annotations

from typing import Any, Mapping

#: The client's own errors and the daemon's that the client sees before anything is sent: name to number and class.
_OWN = {
    "client_timeout": (-1, "retry"),
    "client_cannot_connect": (-2, "retry"),
    "client_bad_argument": (-3, "fix"),
    "client_bad_reply": (-5, "local"),
    "client_system": (-7, "local"),
    "malformed": (20, "fix"),
    "missing_field": (23, "fix"),
    "bad_type": (24, "fix"),
    "out_of_range": (25, "fix"),
    "too_long": (27, "fix"),
    "invalid_utf8": (28, "fix"),
}


class ModqdError(Exception):
    """The base of all errors of this package.

    number          as in PROTOCOL.md ("Errors"); below 0: the client's own
    name            for programs, such as "too_long"; the client's own begin with "client_"
    class_          "retry", "fix", "denied", "final" or "local"
    message         English, for a log, not for a reader
    field           the field to blame, such as "comments[3].author.name", or None
    retry_after_ms  how long the daemon wants to be left alone, or None
    keep            True exactly for the class retry: keep the request and send it later
    detail          the daemon's whole error map
    """

    def __init__(self, detail: Mapping[str, Any]) -> None:
        self.detail = dict(detail)
        self.number: int = detail["number"]
        self.name: str = detail["name"]
        self.class_: str = detail["class"]
        self.message: str = detail["message"]
        self.field: str | None = detail.get("field")
        self.retry_after_ms: int | None = detail.get("retry_after_ms")
        super().__init__(self.detail)

    @property
    def keep(self) -> bool:
        return self.class_ == "retry"

    def __str__(self) -> str:
        where = f" ({self.field})" if self.field else ""
        advice = "; keep it and send it later" if self.keep else ""
        return f"{self.name}: {self.message}{where}{advice}"


class RetryError(ModqdError):
    """The same may succeed later; it has been repeated until the time was up. Keep it and send it later."""


class FixError(ModqdError):
    """The request is wrong: mend it first."""


class DeniedError(ModqdError):
    """You may not."""


class FinalError(ModqdError):
    """It was understood, and the answer is no as things stand."""


class LocalError(ModqdError):
    """This machine's fault (files, sockets), or an answer that makes no sense."""


_CLASSES = {"retry": RetryError, "fix": FixError, "denied": DeniedError, "final": FinalError, "local": LocalError}


def _whole(value: Any, otherwise: Any) -> Any:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


def _text(value: Any, otherwise: Any) -> Any:
    return value if isinstance(value, str) else otherwise


def error_of(detail: Any) -> ModqdError:
    """The exception for an error map of the daemon. A map that is none becomes client_bad_reply."""
    if not isinstance(detail, Mapping) or _text(detail.get("class"), "") not in _CLASSES:
        return own_error("client_bad_reply", "the daemon sent an error that is none")
    pause = _whole(detail.get("retry_after_ms"), None)
    told = {**detail, "number": _whole(detail.get("number"), 0), "name": _text(detail.get("name"), ""),
            "message": _text(detail.get("message"), ""), "field": _text(detail.get("field"), None),
            "retry_after_ms": pause if pause is not None and pause >= 0 else None}
    return _CLASSES[detail["class"]](told)


def own_error(name: str, message: str, field: str | None = None) -> ModqdError:
    """An error that the client itself found."""
    number, class_ = _OWN[name]
    return _CLASSES[class_]({"number": number, "name": name, "class": class_, "message": message, "field": field})
