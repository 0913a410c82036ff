"""Key files: who one is over TCP (PROTOCOL.md, "CURVE")."""
from __future__ import annotations

import os
import re
import stat
from typing import Any, Iterable

from .errors import own_error

_MOST_BYTES = 16384
_ENDPOINTS = ("front", "push", "decisions", "desk")
_Z85 = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")
_PAIR = re.compile(r'([\w-]+)\s*=\s*"([^"]*)"\s*(?:#.*)?')


class Key:
    """A pair of CURVE keys as Z85 text, the daemon's public key, and what the key file says besides.

    name, role      for people; "" where the file does not say
    endpoints       of the daemon's sockets on TCP, by their names ("front", "push", "decisions")
    """

    def __init__(self, public: str, secret: str, server: str, name: str = "", role: str = "",
                 endpoints: dict[str, str] | None = None) -> None:
        for what, text in (("public-key", public), ("secret-key", secret), ("server-key", server)):
            if not _Z85.fullmatch(text):
                raise own_error("client_bad_argument", f"{what} is not there, or is not 40 characters of Z85")
        self.public, self.secret, self.server = public, secret, server
        self.name, self.role, self.endpoints = name, role, dict(endpoints or {})

    def __repr__(self) -> str:
        return f"Key(name={self.name!r}, public={self.public!r})"

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Key:
        """From a file that `modq key new` made.

        FixError client_bad_argument: it is no key file, or others than its owner can read it. LocalError client_system:
        it cannot be read at all."""
        text = _read(os.fspath(path))
        try:
            return cls._parse(text)
        except ValueError as error:
            raise own_error("client_bad_argument", f"{path}: {error}") from None

    @classmethod
    def _parse(cls, text: str) -> Key:
        sections = _sections(text.splitlines())
        curve, metadata = sections.get("curve", {}), sections.get("metadata", {})
        for section, name in ((curve, "public-key"), (curve, "secret-key"), (metadata, "server-key")):
            if not _Z85.fullmatch(section.get(name, "")):
                raise ValueError(f"{name} is not there, or is not 40 characters of Z85")
        endpoints = {name: metadata[name] for name in _ENDPOINTS if name in metadata}
        return cls(curve["public-key"], curve["secret-key"], metadata["server-key"], metadata.get("name", ""),
                   metadata.get("role", ""), endpoints)

    def use(self, socket: Any) -> None:
        """To be called before the ZeroMQ socket connects."""
        socket.curve_serverkey = self.server.encode()
        socket.curve_publickey, socket.curve_secretkey = self.public.encode(), self.secret.encode()


def _read(path: str) -> str:
    """As ssh does: what others can read is no secret."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise own_error("client_bad_argument", f"{path}: is no file")
            if mode & 0o077:
                raise own_error("client_bad_argument",
                                f"{path}: others can read this secret key; chmod 600 {path}")
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise own_error("client_system", f"{path}: {error.strerror}") from error
    if len(data) > _MOST_BYTES:
        raise own_error("client_bad_argument", f"{path}: is no key file: more than {_MOST_BYTES} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise own_error("client_bad_argument", f"{path}: is no key file: not UTF-8") from None


def _sections(lines: Iterable[str]) -> dict[str, dict[str, str]]:
    """Maps from name to value by section. Indented lines belong to the section above them."""
    sections: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        if not line[0].isspace():
            section = sections.setdefault(bare, {})
            continue
        found = _PAIR.fullmatch(bare)
        if not found:
            raise ValueError(f'line {number} is not name = "value"')
        section[found[1]] = found[2]
    return sections
