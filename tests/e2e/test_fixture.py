"""A database of version 0.1 goes on: tests/data/version-1.db.gz, as 0.1.0 left it, is opened by this daemon.

It was made by 0.1.0 (the program of commit 3b8fd6a), before there were keys: two sites, garden and gazette, 84 events
of all kinds that 0.1.0 knew. tests/data/make_version_1.py tells the same story to that program again, and says how.
Afterwards the file was written anew (VACUUM), and the name of the boot was replaced by zeros.
"""
# waits: for daemons that start under strace
import gzip
import os
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

import tamper
import tap
from cases import event
from daemon import BUILD, DATABASES, MODQD, ROOT, Daemon

SANITIZED = "san" in os.path.basename(BUILD)
FIXTURE = os.path.join(ROOT, "tests/data/version-1.db.gz")
STATES = ["none", "pending", "approved", "rejected", "withdrawn", "erased"]
EVENT_COLUMNS = "no, at, kind, site, comment, revision, text, actor, seq, previous, data, hash"
# What 0.1.0 wrote, and nobody may change. Claims are of another boot and end, so comments are compared without them.
COLUMNS = {"site": "no, name, newest, pending, submitted, approved, rejected, reopened, withdrawn, erased",
           "text": "*", "note": "*", "report": "*", "article": "*", "listener": "*", "operation": "*",
           "event": EVENT_COLUMNS, "comment": "site, id, state, lane, revision, text, newest_text, record, decision,"
                                              " approval, due_at, reports, revisions"}


def unpack(path):
    with gzip.open(FIXTURE) as packed, open(path, "wb") as file:
        shutil.copyfileobj(packed, file)
    os.chmod(path, 0o600)


def contents(path, newest=None):
    """All rows of what 0.1.0 knew; of events, notes and texts those up to a number."""
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        newest = newest or database.execute("SELECT max(no) FROM event").fetchone()[0]
        bound = {"event": f"WHERE no <= {newest}", "text": f"WHERE no <= {newest}", "note": f"WHERE event <= {newest}"}
        return {table: sorted(database.execute(f"SELECT {columns} FROM {table} {bound.get(table, '')}"), key=repr)
                for table, columns in COLUMNS.items()}
    finally:
        database.close()


def version_of(path):
    return tamper.rows(path, "PRAGMA user_version")[0][0]


class Old(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="mq-", dir=DATABASES)
        os.chmod(self.directory, 0o700)
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.path = os.path.join(self.directory, "modqd.db")
        unpack(self.path)
        self.before = contents(self.path)
        self.newest = max(row[0] for row in self.before["event"])
        self.sites = {no: name for no, name, *_ in self.before["site"]}

    def daemon(self):
        """On the database, for as long as the test goes on."""
        daemon = Daemon(directory=self.directory).start()
        self.addCleanup(daemon.__exit__, None)
        return daemon

    def verified(self, daemon):
        done = daemon.run_modq("audit", "verify")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("nothing was changed", done.stdout)

    def old_events(self, site, comment=None):
        found = [row for row in self.before["event"] if self.sites[row[3]] == site and comment in (None, row[4])]
        return sorted(found, key=lambda row: row[0])

    # What is there

    def test_fixture_is_of_version_1_and_has_a_bit_of_everything(self):
        self.assertEqual(version_of(self.path), 1)
        self.assertNotIn("key", [name for name, in tamper.rows(self.path, "SELECT name FROM sqlite_schema")])
        self.assertNotIn("via", tamper.columns(self.path, "event"))
        kinds = {tamper.KINDS[row[2]] for row in self.before["event"]}
        self.assertEqual(kinds, set(tamper.KINDS[1:13]) - {"lease_expired"})
        self.assertEqual({STATES[row[2]] for row in self.before["comment"]}, set(STATES[1:]))
        self.assertTrue(all(self.before.values()))

    def test_everything_is_there_after_it_was_brought_up_to_date(self):
        daemon = self.daemon()
        self.verified(daemon)
        daemon.stop()
        self.assertGreater(version_of(self.path), 1)
        self.assertEqual(contents(self.path, self.newest), self.before)
        self.assertEqual(tamper.rows(self.path, "SELECT count(*) FROM event WHERE via IS NOT NULL AND no <= ?",
                                     self.newest), [(0,)])

    def test_clients_see_the_comments_their_states_and_texts(self):
        daemon = self.daemon()
        front, desk = daemon.front(), daemon.desk("ana")
        bodies = {row[0]: row[-1] for row in self.before["text"]}
        for site, comment, state, lane, revision, text, *_ in self.before["comment"]:
            with self.subTest(site=self.sites[site], comment=comment):
                found, = front.status(self.sites[site], [comment])
                self.assertEqual((found["status"], found["state"]), ("found", STATES[state]))
                card = desk.show(self.sites[site], comment)["card"]
                self.assertEqual((card["revision"], card["lane"]), (revision, ["normal", "escalated"][lane]))
                body = bodies.get(text)
                self.assertEqual(card["body"], body.decode() if body is not None else None)

    def test_clients_see_the_histories(self):
        desk = self.daemon().desk("ana")
        notes = {no: text.decode() for no, _, text in self.before["note"]}
        for site, comment, *_ in self.before["comment"]:
            with self.subTest(site=self.sites[site], comment=comment):
                events = desk.history(self.sites[site], comment)["events"]
                told = [(one["no"], one["at"], one["kind"], one["actor"], one["seq"], one["note"])
                        for one in reversed(events) if one["no"] <= self.newest]
                self.assertEqual(told, [(row[0], row[1], tamper.KINDS[row[2]], row[7], row[8], notes.get(row[0]))
                                        for row in self.old_events(self.sites[site], comment)])

    def test_front_ends_see_the_logs_with_their_chain(self):
        front = self.daemon().front()
        for site in self.sites.values():
            told = [(one["seq"], one["decision"], one["comment"], one["revision"], one["decided_at"], one["chain"])
                    for one in front.replay(site)]
            self.assertEqual(told, [(row[8], tamper.KINDS[row[2]], row[4], row[5], row[1], row[11])
                                    for row in self.old_events(site) if row[8]])
            self.assertGreater(len(told), 5)

    # How it goes on

    def test_streams_go_on_from_every_record_that_0_1_sent(self):
        front = self.daemon().front()
        for site in self.sites.values():
            log = [row for row in self.old_events(site) if row[8]]
            for row in log:
                rest = front.replay(site, row[8], row[11])                # ModqError `diverged` if it were another past
                self.assertEqual([one["chain"] for one in rest], [later[11] for later in log if later[8] > row[8]])

    def test_new_comments_and_decisions_take_the_next_numbers(self):
        daemon = self.daemon()
        front, desk = daemon.front(), daemon.desk("ana")
        log = [row for row in self.old_events("gazette") if row[8]]
        newest = max(log, key=lambda row: row[8])
        self.assertEqual(front.submit([event("gazette", "new")])[0]["status"], "accepted")
        pending = next(row[1] for row in self.before["comment"]
                       if self.sites[row[0]] == "gazette" and row[2:4] == (1, 0) and row[1] > "c20")
        results = desk.approve([{"site": "gazette", "comment": name} for name in (pending, "new")])
        self.assertEqual([result["seq"] for result in results], [newest[8] + 1, newest[8] + 2])
        stream = front.stream("gazette", newest[8], newest[11])
        self.assertEqual([stream.next_record(5)["comment"] for _ in range(2)], [pending, "new"])
        stream.close()
        numbers = [no for no, in tamper.rows(self.path, "SELECT no FROM event ORDER BY no")]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
        self.assertGreater(len(numbers), self.newest + 2)
        self.verified(daemon)

    def test_what_0_1_answered_is_answered_again(self):
        """Under the operation ids that clients kept over the upgrade."""
        asked, daemon = 0, self.daemon()
        desk = daemon.desk("ana")
        for kept, actor, _, _, answer in self.before["operation"]:
            if actor != "ana" or b"undoes" not in answer:
                continue
            result, = desk.undo([{"site": "gazette", "seq": 7}], operation=kept)
            self.assertEqual((result["status"], result["seq"]), ("undone", 9))
            asked += 1
        self.assertEqual(asked, 1)
        self.assertEqual(len(daemon.front().replay("gazette")), 16)

    def test_second_start_changes_nothing(self):
        self.daemon().stop()
        schema = "SELECT type, name, sql FROM sqlite_schema ORDER BY rowid"
        known = tamper.rows(self.path, schema), tamper.rows(self.path, "SELECT * FROM event"), version_of(self.path)
        cookie = tamper.rows(self.path, "PRAGMA schema_version")
        self.daemon().stop()
        self.assertEqual((tamper.rows(self.path, schema), tamper.rows(self.path, "SELECT * FROM event"),
                          version_of(self.path)), known)
        self.assertEqual(tamper.rows(self.path, "PRAGMA schema_version"), cookie)
        with Daemon() as fresh:
            fresh.stop()
            made = {row[1]: row[0] for row in tamper.rows(f"{fresh.dir}/modqd.db", schema)}
        self.assertEqual({name: kind for kind, name, _ in known[0]}, made)

    # What may go wrong

    def check_old_or_new(self):
        """The file as 0.1.0 left it, or all of what this version makes of it; and the next start goes well."""
        version = version_of(self.path)
        whole = "key" in [name for name, in tamper.rows(self.path, "SELECT name FROM sqlite_schema")]
        self.assertEqual(whole, version > 1)
        self.assertEqual("via" in tamper.columns(self.path, "event"), version > 1)
        self.assertEqual("author" in [row[1] for row in tamper.rows(self.path, "PRAGMA table_info(comment)")],
                         version > 2)
        self.assertEqual(contents(self.path, self.newest), self.before)
        self.assertEqual(tamper.rows(self.path, "PRAGMA integrity_check"), [("ok",)])
        return version

    def kill_at(self, call, number):
        """Kills a daemon at its call of that number on the database or its WAL; None when it lived, or the version."""
        for suffix in ("", "-wal", "-shm"):
            if os.path.exists(self.path + suffix):
                os.unlink(self.path + suffix)
        unpack(self.path)
        daemon = Daemon(directory=self.directory,
                        wrapper=["strace", "-f", "-o", "/dev/null", "-P", self.path, "-P", self.path + "-wal",
                                 "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}"])
        try:
            daemon.start()
        except AssertionError as gone:
            self.assertIn("exit code", str(gone))
            return self.check_old_or_new()
        daemon.kill()
        return None

    def test_kill_in_the_middle_leaves_the_old_or_the_new(self):
        """At each call that touches the file, so long as it is being brought up to date; in a sanitized build at some."""
        seen = []
        for call in ("pwrite64", "fdatasync", "fcntl"):
            for number in range(1, 200, 8 if SANITIZED else 1):
                with self.subTest(call=call, number=number):
                    version = self.kill_at(call, number)
                    if version is None or seen[-1:] == [3]:
                        break
                    seen.append(version)
                    with Daemon(directory=tamper.copy_of(self.path)) as daemon:
                        self.verified(daemon)
            seen.append(0)
        print(f"# killed {sum(version > 0 for version in seen)} times; {seen.count(1)} times the old was there, "
              f"{seen.count(2)} times version 2, {seen.count(3)} times the new")
        self.assertGreater(seen.count(1), 1 if SANITIZED else 5)
        if not SANITIZED:
            self.assertGreater(seen.count(3), 0)

    def test_file_of_a_newer_version_is_refused_and_not_touched(self):
        self.daemon().stop()
        tamper.run_sqlite3(self.path, f"PRAGMA user_version = {version_of(self.path) + 1};")
        with open(self.path, "rb") as file:
            whole = file.read()
        done = subprocess.run([MODQD, "--dir", self.directory], capture_output=True, text=True, timeout=30)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"{self.path} has schema version 4, this program knows 3 at most", done.stderr)
        self.assertIn("use the newer modqd that wrote it", done.stderr)
        with open(self.path, "rb") as file:
            self.assertEqual(file.read(), whole)
        self.assertFalse(os.path.exists(self.path + "-wal"))


if __name__ == "__main__":
    tap.main()
