"""A database that other hands change: with sqlite3, as whoever has the file can, guards or no guards."""
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile

import msgpack

from daemon import DATABASES

PATIENCE_MS = 10_000       # with a running daemon that is just writing
NUMBERED = {"event": "no", "text": "no", "note": "event", "key": "no", "site": "no"}      # table to its number
KINDS = ["none", "submitted", "approved", "rejected", "reopened", "withdrawn", "erased", "claimed", "renewed",
         "released", "lease_expired", "escalated", "reported", "key_added", "key_revoked", "key_rotated", "reloaded",
         "looked", "skipped", "noted", "second_look", "author_noted", "author_marked", "author_erased"]


def run_sqlite3(path, sql):
    """The program of that name; what it prints."""
    done = subprocess.run(["sqlite3", "-batch", "-bail", "-cmd", f".timeout {PATIENCE_MS}", path], input=sql,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{sql[:2000]}\n{done.stderr}"
    return done.stdout


def rows(path, sql, *values):
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return database.execute(sql, values).fetchall()
    finally:
        database.close()


def unguarded(path, sql):
    """The same without the triggers, which are there again afterwards, so that nothing shows."""
    guards = rows(path, "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
    assert guards, "there are no guards to go around"
    drops = "".join(f"DROP TRIGGER {name};\n" for name, _ in guards)
    run_sqlite3(path, f"BEGIN;\n{drops}{sql};\n" + "".join(f"{text};\n" for _, text in guards) + "COMMIT;\n")


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    return f"CAST(X'{value.encode().hex()}' AS TEXT)" if isinstance(value, str) else f"X'{value.hex()}'"


def another(value):
    """The value with one byte changed."""
    if isinstance(value, int):
        return value ^ 64
    if isinstance(value, str):
        return chr(ord(value[0]) ^ 1) + value[1:]
    middle = len(value) // 2
    return value[:middle] + bytes([value[middle] ^ 1]) + value[middle + 1:]


def columns(path, table):
    """All but the number."""
    return [name for _, name, *_ in rows(path, f"PRAGMA table_info({table})") if name != NUMBERED[table]]


def change(path, table, column, number=None):
    """Changes one byte of that column, of the first row that has it when no number is given; returns the number."""
    key = NUMBERED[table]
    where = f"{column} IS NOT NULL AND {column} <> ''" + (f" AND {key} = {number}" if number is not None else "")
    number, value = rows(path, f"SELECT {key}, {column} FROM {table} WHERE {where} ORDER BY {key} LIMIT 1")[0]
    unguarded(path, f"UPDATE {table} SET {column} = {literal(another(value))} WHERE {key} = {number}")
    return number


def swap(path, table, one, two):
    """The two rows have each other's number."""
    key = NUMBERED[table]
    unguarded(path, "".join(f"UPDATE {table} SET {key} = {new} WHERE {key} = {old};"
                            for old, new in ((one, 0), (two, one), (0, two))))


def chain(path, first=1):
    """Hashes of all events from `first` on, computed from what they say now and the hash before, as the daemon does."""
    names = {0: "", **dict(rows(path, "SELECT no, name FROM site"))}
    before = rows(path, "SELECT hash FROM event WHERE no = ?", first - 1)
    before = before[0][0] if before else bytes(32)
    made = {}
    for no, at, kind, site, comment, revision, text, actor, seq, data, via in rows(
            path, "SELECT no, at, kind, site, comment, revision, text, actor, seq, data, via FROM event"
                  " WHERE no >= ? ORDER BY no", first):
        fields = [no, at, KINDS[kind], names[site], comment, revision, text, actor, seq or 0, data]
        before = made[no] = hashlib.sha256(before + msgpack.packb(fields + ([via] if via else []))).digest()
    return made


def rewrite(path, first):
    """Chains all events from `first` on anew: nothing within the database tells then."""
    unguarded(path, ";".join(f"UPDATE event SET hash = X'{made.hex()}' WHERE no = {no}"
                             for no, made in chain(path, first).items()))


def copy_of(path):
    """A directory with a copy of the database, and of what is not in the file yet, for a daemon of its own."""
    directory = tempfile.mkdtemp(prefix="mq-", dir=DATABASES)
    for suffix in ("", "-wal"):
        if os.path.exists(path + suffix):
            shutil.copy(path + suffix, os.path.join(directory, "modqd.db" + suffix))
    return directory


def verify(daemon, *arguments):
    """(exit code, what it named, its last line) of `modq audit verify --json`."""
    done = daemon.run_modq("audit", "verify", "--json", *arguments, timeout=120)
    assert not done.stderr, done.stderr
    *faults, end = map(json.loads, done.stdout.splitlines())
    assert end["faults"] == len(faults), done.stdout
    return done.returncode, [(fault["table"], fault["no"], fault["fault"]) for fault in faults], end
