"""Maps of the protocol, for type checkers. At run time they are plain dicts with the names of PROTOCOL.md."""
from __future__ import annotations

from typing import Any, Dict, TypedDict

Answer = Dict[str, Any]
Result = Dict[str, Any]


class Article(TypedDict, total=False):
    id: str
    title: str
    url: str
    language: str


class Author(TypedDict, total=False):
    id: str
    name: str
    registered_at: int
    address_hash: str | bytes


class _Named(TypedDict):
    site: str
    comment: str
    body: str


class Comment(_Named, total=False):
    revision: int
    article: Article
    parent: str
    author: Author
    created_at: int
    language: str
    extra: Dict[str, Any]


class Record(TypedDict):
    site: str
    seq: int
    comment: str
    revision: int
    decision: str
    reasons: list[str]
    policy: str | None
    body_sha256: bytes | None
    decided_at: int
    cause: str
    undoes: int | None
    supersedes: int | None
    chain: bytes
