"""Outboxes: what could not be handed in is kept, durably, and sent later in its order."""
from __future__ import annotations

import os
from typing import Any, Callable, Generator, Mapping, NamedTuple, Sequence

from . import batch, message
from .errors import ModqdError, error_of, own_error
from .front import Front
from .journal import Journal
from .requests import Session, Steps, report_fields
from .sql import Database, table_name

_OPS = ("submit", "withdraw", "report")
_AT_A_TIME = 256
_OF_THE_CONNECTION = ("unknown_operation", "unsupported_version", "as_required")


class Entry(NamedTuple):
    """One request that is kept."""
    id: Any
    op: str
    fields: dict[str, Any]


class Refused(NamedTuple):
    """One request that can never be taken, and why."""
    op: str
    fields: dict[str, Any]
    error: ModqdError


class Flushed(NamedTuple):
    """sent: how many the daemon has now; left: how many are kept still; refused: what was set aside; error: why it stopped
    before everything was through, or None."""
    sent: int
    left: int
    refused: list[Refused]
    error: ModqdError | None = None


class Store(NamedTuple):
    """A wish of flush(): call this method of the outbox."""
    method: str
    arguments: tuple[Any, ...] = ()


def checked(op: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as they will be sent. What could never be sent is refused while somebody is there to hear of it."""
    if op not in _OPS or not isinstance(fields, Mapping):
        raise own_error("client_bad_argument", f"an outbox keeps {', '.join(_OPS)} with their fields")
    if op == "submit":
        batch.weigh(0, fields.get("comment"), message.LIMITS)
        return {"comment": fields["comment"]}
    given = {key: value for key, value in fields.items() if value is not None}
    if op == "report" and "at" not in given:
        given["at"] = report_fields("", "", "", None, None, None)["at"]
    message.check(given)
    return given


def flush(session: Session, timeout: float) -> Generator[Any, Any, Flushed]:
    """Sends in order until nothing is kept, or something is refused with class retry. Yields Store, or Steps of the
    session; is sent what comes of them."""
    deadline = session.now() + timeout
    sent, refused, stopped = 0, [], None
    while stopped is None and session.now() < deadline:
        entries = yield Store("pending", (_AT_A_TIME,))
        if not entries:
            break
        group = _first_group(entries)
        errors = yield _send(session, group, deadline)
        aside = [(entry, error) for entry, error in zip(group, errors) if error and _never(error)]
        done = [entry for entry, error in zip(group, errors) if error is None]
        stopped = next((error for error in errors if error and not _never(error)), None)
        yield Store("settle", (done, aside))
        sent += len(done)
        refused += [Refused(entry.op, entry.fields, error) for entry, error in aside]
    left_over = yield Store("count")
    return Flushed(sent, left_over, refused, stopped)


def _never(error: ModqdError) -> bool:
    """Whether the request can never be taken. Some errors say nothing of it, only of where the connection leads to."""
    return error.class_ in ("fix", "denied", "final") and error.name not in _OF_THE_CONNECTION


def _first_group(entries: Sequence[Entry]) -> list[Entry]:
    """Comments that follow each other go together; everything else goes alone."""
    count = next((i for i, entry in enumerate(entries) if entry.op != "submit"), len(entries))
    return list(entries[:max(count, 1)])


def _send(session: Session, group: Sequence[Entry], deadline: float) -> Steps:
    """The error of each entry, None where the daemon has it."""
    if group[0].op == "submit":
        results = yield from session.submit_many([entry.fields["comment"] for entry in group], until=deadline)
        return [result.get("error") for result in results]
    timeout = min(session.timeout, max(deadline - session.now(), 0.001))
    try:
        yield from session.call(group[0].op, group[0].fields, timeout)
    except ModqdError as error:
        return [error]
    return [None]


class _Outbox:
    """What both outboxes have in common. A subclass stores: keep(), pending(), settle(), count(), refused(),
    retry_refused(), forget_refused()."""

    def keep(self, op: str, fields: Mapping[str, Any]) -> None:
        raise NotImplementedError

    def flush(self, front: Front, *, timeout: float = 60.0) -> Flushed:
        """Sends what is kept, in its order. Stops at the first error of class retry (and at one of class local); what can
        never be taken is set aside, see refused(), and does not hold up the rest."""
        if not self.begin():
            return Flushed(0, self.count(), [])
        try:
            return self._drive(flush(front._session, timeout), front._run)
        finally:
            self.end()

    def _drive(self, steps: Generator[Any, Any, Flushed], run: Callable[[Steps], Any]) -> Flushed:
        came: Any = None
        try:
            while True:
                wish = steps.send(came)
                came = getattr(self, wish.method)(*wish.arguments) if isinstance(wish, Store) else run(wish)
        except StopIteration as end:
            return end.value

    def begin(self) -> bool:
        """False when another process is flushing."""
        return True

    def end(self) -> None:
        """After a flush, whatever came of it."""

    def count(self) -> int:
        raise NotImplementedError


class FileOutbox(_Outbox):
    """In a file, which is made when it is not there, with PATH.lock and PATH.flush beside it. Processes and threads may
    share it. Every method can raise LocalError client_system (the disk)."""

    in_thread = True                   # modqd.aio may call it in another thread

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._journal = Journal(os.fspath(path))

    def keep(self, op: str, fields: Mapping[str, Any]) -> None:
        """Durable when it returns. op: "submit" (fields: {"comment": comment event}), "withdraw" or "report" (their
        fields). FixError: it could never be sent."""
        self._journal.append({"id": os.urandom(8), "op": op, "fields": checked(op, fields)})

    def begin(self) -> bool:
        return self._journal.begin()

    def end(self) -> None:
        self._journal.end()

    def pending(self, most: int) -> list[Entry]:
        return [Entry(id, kept["op"], kept["fields"]) for id, kept in self._journal.first(most)]

    def settle(self, done: Sequence[Entry], aside: Sequence[tuple[Entry, ModqdError]]) -> None:
        marks: list[dict[str, Any]] = [{"done": [entry.id for entry in done]}] if done else []
        marks += [{"refused": entry.id, "error": error.detail} for entry, error in aside]
        self._journal.append(*marks)

    def count(self) -> int:
        """How many are kept, without those set aside."""
        return self._journal.count()

    def refused(self) -> list[Refused]:
        """What was set aside, oldest first; what the disk has spoilt among it, with client_system and no fields."""
        spoilt = own_error("client_system", "the outbox is damaged here")
        return [Refused(kept.get("op", ""), kept.get("fields", {}), error_of(error) if error else spoilt)
                for kept, error in self._journal.set_aside()]

    def retry_refused(self) -> int:
        """Keeps again what was set aside, so that the next flush() tries it: the key was a wrong one, say. It has its old
        place, before what was kept since. Durable when it returns how many those are. What the disk has spoilt stays set
        aside."""
        return self._journal.put_back()

    def forget_refused(self) -> None:
        """Drops what was set aside."""
        self._journal.forget_set_aside()


_DDL = {
    "sqlite": ("INTEGER PRIMARY KEY AUTOINCREMENT", "BLOB"),
    "postgresql": ("BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "BYTEA"),
    "mysql": ("BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY", "MEDIUMBLOB"),
}


class SqlOutbox(_Outbox):
    """In a table of your own database, through any DB-API connection (connection, paramstyle: as with SqlPlace).

    keep() commits. With commit=False it takes part in your transaction: a comment that your database has is then in the
    outbox, too, or neither is. flush() commits always: use it outside of transactions. Two that flush at a time do no harm
    but work twice."""

    def __init__(self, connection: Any, table: str = "modqd_outbox", *, paramstyle: str | None = None,
                 commit: bool = True) -> None:
        self._database, self._table, self._commit = Database(connection, paramstyle), table_name(table), commit

    def create(self, dialect: str = "sqlite") -> None:
        """Makes the table where it is not there yet. dialect: "sqlite", "postgresql" or "mysql" (MariaDB, too)."""
        if dialect not in _DDL:
            raise own_error("client_bad_argument", f"dialect is one of {', '.join(_DDL)}")
        number, data = _DDL[dialect]
        self._database.execute(f"CREATE TABLE IF NOT EXISTS {self._table} (id {number}, op VARCHAR(16) NOT NULL, "
                               f"fields {data} NOT NULL, error {data})")
        self._database.commit()

    def keep(self, op: str, fields: Mapping[str, Any]) -> None:
        """As FileOutbox.keep()."""
        self._database.execute(f"INSERT INTO {self._table} (op, fields) VALUES (?, ?)", op,
                               message.pack(checked(op, fields)))
        if self._commit:
            self._database.commit()

    def end(self) -> None:
        self._database.commit()

    def pending(self, most: int) -> list[Entry]:
        rows = self._database.rows(f"SELECT id, op, fields FROM {self._table} WHERE error IS NULL ORDER BY id LIMIT "
                                   f"{int(most)}")
        return [Entry(id, op, message.unpack(bytes(fields))) for id, op, fields in rows]

    def settle(self, done: Sequence[Entry], aside: Sequence[tuple[Entry, ModqdError]]) -> None:
        for entry in done:
            self._database.execute(f"DELETE FROM {self._table} WHERE id = ?", entry.id)
        for entry, error in aside:
            self._database.execute(f"UPDATE {self._table} SET error = ? WHERE id = ?", message.pack(error.detail),
                                   entry.id)
        self._database.commit()

    def count(self) -> int:
        return int(self._database.rows(f"SELECT COUNT(*) FROM {self._table} WHERE error IS NULL")[0][0])

    def refused(self) -> list[Refused]:
        rows = self._database.rows(f"SELECT op, fields, error FROM {self._table} WHERE error IS NOT NULL ORDER BY id")
        return [Refused(op, message.unpack(bytes(fields)), error_of(message.unpack(bytes(error))))
                for op, fields, error in rows]

    def retry_refused(self) -> int:
        """As FileOutbox.retry_refused(). Commits."""
        count = self._database.change(f"UPDATE {self._table} SET error = NULL WHERE error IS NOT NULL")
        self._database.commit()
        return count

    def forget_refused(self) -> None:
        self._database.execute(f"DELETE FROM {self._table} WHERE error IS NOT NULL")
        self._database.commit()
