"""As much of DB-API 2.0 as places and outboxes need, for every paramstyle."""
from __future__ import annotations

import re
import sys
from typing import Any

from .errors import own_error

_MARKS = {"qmark": "?", "format": "%s", "pyformat": "%s"}


def table_name(name: str) -> str:
    """Names of tables cannot be parameters: nothing but a plain name, of a schema perhaps, is taken."""
    if not re.fullmatch(r"[A-Za-z_]\w{0,62}(\.[A-Za-z_]\w{0,62})?", name, re.ASCII):
        raise own_error("client_bad_argument", f"{name!r} is no plain name of a table")
    return name


class Database:
    """Statements are written with `?`."""

    def __init__(self, connection: Any, paramstyle: str | None) -> None:
        self._given, self._paramstyle = connection, paramstyle

    @property
    def connection(self) -> Any:
        """A function is asked each time; connections of sqlite3 can be called, too, but have a cursor."""
        return self._given if hasattr(self._given, "cursor") else self._given()

    def rows(self, statement: str, *values: Any) -> list[Any]:
        cursor = self._run(statement, values)
        try:
            return list(cursor.fetchall())
        finally:
            cursor.close()

    def execute(self, statement: str, *values: Any) -> None:
        self._run(statement, values).close()

    def change(self, statement: str, *values: Any) -> int:
        """How many rows it changed."""
        cursor = self._run(statement, values)
        try:
            return int(cursor.rowcount)
        finally:
            cursor.close()

    def commit(self) -> None:
        self.connection.commit()

    def rollback(self) -> None:
        self.connection.rollback()

    def _run(self, statement: str, values: tuple[Any, ...]) -> Any:
        connection = self.connection
        cursor = connection.cursor()
        cursor.execute(self._translated(statement, connection), values)
        return cursor

    def _translated(self, statement: str, connection: Any) -> str:
        style = self._paramstyle or self._style_of(connection)
        if style in _MARKS:
            return statement.replace("?", _MARKS[style])
        if style == "numeric":
            parts = statement.split("?")
            return "".join(f"{part}:{i}" for i, part in enumerate(parts[:-1], 1)) + parts[-1]
        raise own_error("client_bad_argument", f"paramstyle {style!r}: give qmark, format, pyformat or numeric")

    @staticmethod
    def _style_of(connection: Any) -> str | None:
        for base in type(connection).__mro__:
            style = getattr(sys.modules.get(base.__module__.partition(".")[0]), "paramstyle", None)
            if isinstance(style, str):
                return style
        return None
