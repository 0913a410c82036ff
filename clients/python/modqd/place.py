"""Places: where a listener keeps how far it has applied a site's records."""
from __future__ import annotations

import json
import os
from typing import Any, NamedTuple, Protocol

from .errors import own_error
from .sql import Database, table_name


class Position(NamedTuple):
    """seq: number of the last record that was applied; chain: its chain hash; epoch: the log's (b"": unknown)."""
    seq: int
    chain: bytes = b""
    epoch: bytes = b""


class Place(Protocol):
    """What Decisions wants of a place; one of your own needs nothing else. In modqd.aio the methods may be coroutines."""

    def load(self, site: str) -> Position | None:
        """None when nothing was saved yet."""

    def save(self, site: str, position: Position) -> None:
        """Durable when it returns."""


class FilePlace:
    """A file for one site: as good as the work that is done besides is idempotent, because a record can come again when
    the machine stops between its work and its place."""

    in_thread = True                   # modqd.aio may call it in another thread

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)

    def load(self, site: str) -> Position | None:
        """LocalError client_system: the file cannot be read. FixError client_bad_argument: it is another site's."""
        try:
            with open(self._path, "rb") as file:
                kept = json.loads(file.read())
            position = Position(kept["seq"], bytes.fromhex(kept["chain"]), bytes.fromhex(kept["epoch"]))
            of = kept["site"]
        except FileNotFoundError:
            return None
        except OSError as error:
            raise own_error("client_system", f"{self._path}: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise own_error("client_system", f"{self._path}: is no place: {error}") from error
        if of != site:
            raise own_error("client_bad_argument", f"{self._path}: is the place of the site {of!r}, not of {site!r}")
        return position

    def save(self, site: str, position: Position) -> None:
        """Whole or not at all: a new file takes the old one's place. LocalError client_system when it cannot."""
        text = json.dumps({"site": site, "seq": position.seq, "chain": position.chain.hex(),
                           "epoch": position.epoch.hex()}) + "\n"
        try:
            replace_file(self._path, text.encode())
        except OSError as error:
            raise own_error("client_system", f"{self._path}: {error.strerror}") from error

    def forget(self) -> None:
        """The next listener begins at the first record, as it must after `diverged`."""
        try:
            os.unlink(self._path)
            sync_directory(self._path)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise own_error("client_system", f"{self._path}: {error.strerror}") from error


class SqlPlace:
    """A row of a table of your own database, through any DB-API connection.

    save() commits, and with it whatever was executed on the connection before: when that is how a record is applied,
    the record and its place are one transaction, and each record is applied exactly once. With commit=False nothing is
    committed here: do it after recorded().

    connection  DB-API; or a function that gives one (called each time: `lambda: django.db.connection`)
    paramstyle  of its driver; found out where the driver says so. Django's connections have "format"
    """

    def __init__(self, connection: Any, table: str = "modqd_place", *, paramstyle: str | None = None,
                 commit: bool = True) -> None:
        self._database, self._table = Database(connection, paramstyle), table_name(table)
        self._commit = commit

    def create(self) -> None:
        """Makes the table where it is not there yet."""
        self._database.execute(
            f"CREATE TABLE IF NOT EXISTS {self._table} (site VARCHAR(64) NOT NULL PRIMARY KEY, seq BIGINT NOT NULL, "
            "chain VARCHAR(64) NOT NULL, epoch VARCHAR(32) NOT NULL)")
        self._database.commit()

    def load(self, site: str) -> Position | None:
        """LocalError client_system: the database takes another site's name for this one (MySQL does, of "News" and "news",
        where the column has no binary collation)."""
        row = self._row(site)
        return Position(int(row[1]), bytes.fromhex(row[2]), bytes.fromhex(row[3])) if row else None

    def _row(self, site: str) -> Any:
        rows = self._database.rows(f"SELECT site, seq, chain, epoch FROM {self._table} WHERE site = ?", site)
        if rows and rows[0][0] != site:
            raise own_error("client_system", f"{self._table} takes the site {rows[0][0]!r} for {site!r}: its column `site` "
                            "needs a binary collation")
        return rows[0] if rows else None

    def save(self, site: str, position: Position) -> None:
        values = (position.seq, position.chain.hex(), position.epoch.hex(), site)
        self._database.execute(
            f"UPDATE {self._table} SET seq = ?, chain = ?, epoch = ? WHERE site = ?" if self._row(site) else
            f"INSERT INTO {self._table} (seq, chain, epoch, site) VALUES (?, ?, ?, ?)", *values)
        if self._commit:
            self._database.commit()

    def forget(self, site: str) -> None:
        """The next listener begins at the first record, as it must after `diverged`."""
        self._row(site)
        self._database.execute(f"DELETE FROM {self._table} WHERE site = ?", site)
        if self._commit:
            self._database.commit()

    def rollback(self) -> None:
        """Called by Decisions.run() when a record could not be applied."""
        self._database.rollback()


def replace_file(path: str, data: bytes) -> None:
    """Written beside it, on disk, renamed, and the directory on disk, too. OSError."""
    temporary = path + ".new"
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync_directory(path)


def sync_directory(path: str) -> None:
    fd = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
