"""`modq audit verify` names what somebody changed in the database: with the sqlite3 program and past the guards, on a
daemon that was stopped and on one that runs. What is wrong with each kind of row is tests/unit/test_verify.c's as well;
here it is the whole path, as an administrator goes it."""
# time-limit: 300
import os
import re
import shutil
import unittest

import tamper
import tap
from cases import event, eventually, now_ms
from daemon import Daemon
from second import policy_text
from tamper import verify

DONE, FAILED, USAGE = 0, 1, 2
QUIET = "audit_reads = false\n"          # nobody's look is written down, so that all outputs are of the same history
LEASE_MS = 10_000
ON_PURPOSE = "it is tampered with on purpose"
HEAD = re.compile(r"\b(\d+):([0-9a-f]{64})\b")


def tell(daemon):
    """A history with every kind of event in it."""
    front, desk = daemon.front(), daemon.desk()
    reason = next(r["code"] for r in front.policy("news")["reasons"] if not r["needs_note"])
    named = lambda *ids: [{"site": "news", "comment": number} for number in ids]
    front.submit([event("news", str(n), f"the {n}. body", article={"id": "a", "title": "A"}, language="en",
                        author={"id": f"u{n}", "name": "U"}) for n in range(1, 13)])
    front.submit([event("blog", "1"), event("again", "1"), event("news", "2", "again", revision=2)])
    held = desk.claim(comments=named("12"), lease_ms=LEASE_MS)["comments"]
    assert held, "nothing is held"
    desk.approve(named("1", "2", "3", "4"), note="fine")
    desk.approve([{"site": "blog", "comment": "1"}])
    desk.reject(named("5", "6"), [reason], note="gone")
    desk.undo([{"site": "news", "seq": 2}])
    for reader in range(front.policy("news")["reports_reopen"]):
        front.report("news", "3", f"reader {reader}", note="hm")
    desk.claim(comments=named("7"))
    desk.renew(named("7"))
    desk.release(named("7"))
    desk.skip(named("7"))
    desk.approve([{"site": "again", "comment": "1"}])
    other = daemon.desk("other")
    other.claim(site="again")
    other.reject([{"site": "again", "comment": "1"}], [reason])
    desk.escalate(named("8"), note="look")
    front.withdraw("news", "9")
    desk.erase(named("5"))
    daemon.add_key("web", "front", sites=["news", "blog"])
    daemon.add_key("ann", "moderator", rights=["undo", "bulk"], expires_at=now_ms() + 10 ** 9)
    desk.key_add("clara", "moderator", uid=12345)
    daemon.rotate_key("web")
    desk.key_revoke(name="clara")
    desk.reload()
    desk.list()
    path = f"{daemon.dir}/modqd.db"
    ended = tamper.KINDS.index("lease_expired")
    eventually(lambda: tamper.rows(path, "SELECT 1 FROM event WHERE kind = ?", ended), 2 * LEASE_MS / 1000)
    desk.approve(named("10"))


# Kinds that nothing writes yet.
LATER = {"none", "noted", "author_noted", "author_marked", "author_erased"}


class Tampered(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """One history, and its file; each test changes a copy."""
        with policy_text(100, "again") as config, Daemon(config=config) as daemon:
            tell(daemon)
            cls.kinds = {told["kind"] for told in daemon.desk().audit(limit=500)["events"]}
            cls.clean = verify(daemon)
            daemon.stop()
            cls.log = daemon.log()
            cls.file = os.path.join(tamper.copy_of(f"{daemon.dir}/modqd.db"), "modqd.db")
        cls.addClassCleanup(shutil.rmtree, os.path.dirname(cls.file))
        cls.newest, = tamper.rows(cls.file, "SELECT max(no) FROM event")[0]
        cls.decided, = tamper.rows(cls.file, "SELECT max(last_event) FROM comment")[0]

    def setUp(self):
        self.directory = tamper.copy_of(self.file)
        self.path = os.path.join(self.directory, "modqd.db")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def number(self, sql):
        return tamper.rows(self.file, sql)[0][0]

    def verified(self, *arguments):
        """What a daemon on a copy of the file names, the same for people and for programs."""
        with Daemon(config=QUIET, directory=tamper.copy_of(self.path), uncounted=ON_PURPOSE) as daemon:
            code, faults, end = verify(daemon, *arguments)
            told = daemon.run_modq("audit", "verify", *arguments)
        lines = [line for line in told.stdout.splitlines() if not HEAD.search(line)]
        self.assertEqual([tuple(re.match(r"(\w+) (\d+): (\w+): .", line).groups()) for line in lines],
                         [(table, str(no), fault) for table, no, fault in faults], told.stdout)
        self.assertEqual(code, FAILED if faults else DONE)
        self.assertEqual(told.returncode, code)
        self.assertIn(f"{len(faults)} faults" if faults else "nothing was changed", told.stdout.splitlines()[-1])
        self.assertEqual(HEAD.search(told.stdout)[0], end["head"])
        return faults

    def check_named(self, *expected):
        self.assertEqual(self.verified(), sorted(expected, key=lambda fault: fault[1]))

    # What nobody changed

    def test_history_with_every_kind_of_event_is_good(self):
        self.assertEqual(self.kinds, set(tamper.KINDS) - LATER)
        code, faults, end = self.clean
        self.assertEqual((code, faults), (DONE, []))
        self.assertGreater(end["events"], 40)
        self.check_named()

    def test_erasing_leaves_it_good(self):
        with Daemon(config=QUIET, directory=self.directory) as daemon:
            ids = [{"site": "news", "comment": str(n)} for n in range(1, 13)]
            self.assertEqual({result["status"] for result in daemon.desk().erase(ids)}, {"erased"})
            self.assertEqual(verify(daemon)[:2], (DONE, []))
            body = tamper.rows(self.path, "SELECT count(*) FROM text WHERE body IS NOT NULL")[0][0]
            self.assertEqual(body, 2)

    def test_chain_is_what_this_test_thinks_it_is(self):
        self.assertEqual(tamper.chain(self.file), dict(tamper.rows(self.file, "SELECT no, hash FROM event")))

    # One byte of one row

    def test_one_byte_of_each_column_of_each_table_is_named(self):
        done = 0
        for table in tamper.NUMBERED:
            for column in tamper.columns(self.file, table):
                if (table, column) in (("site", "name"), ("site", "pending"), ("site", "due_rule"), ("site", "due_after")):
                    continue            # the first has a test of its own, the others are no history: modq fsck compares them
                with self.subTest(table=table, column=column):
                    shutil.copy(self.file, self.path)
                    number = tamper.change(self.path, table, column)
                    self.check_named((table, number, "changed"))
                    done += 1
        print(f"# {done} columns, one byte each")

    def test_name_of_a_site_that_was_changed_does_not_fit_any_of_its_events(self):
        site = tamper.change(self.path, "site", "name")
        events = [no for no, in tamper.rows(self.file, "SELECT no FROM event WHERE site = ? ORDER BY no", site)]
        self.assertEqual([fault for fault in self.verified() if fault[0] == "event"],
                         [("event", no, "changed") for no in events])

    def test_byte_that_is_changed_in_the_file_itself_is_named(self):
        with open(self.path, "rb+") as file:
            data = file.read()
            self.assertEqual(data.count(b"the 1. body"), 1)
            file.seek(data.index(b"the 1. body") + 4)
            file.write(b"7")
        self.check_named(("text", 1, "changed"))

    def test_guards_that_are_taken_out_of_the_schema_do_not_help(self):
        tamper.run_sqlite3(self.path, "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE type = 'trigger';")
        tamper.run_sqlite3(self.path, "UPDATE event SET actor = 'eve' WHERE no = 16;")
        self.check_named(("event", 16, "changed"))

    def test_guards_refuse_what_does_not_go_around_them(self):
        for sql in ("UPDATE event SET actor = 'eve' WHERE no = 16", "DELETE FROM event WHERE no = 16",
                    "UPDATE text SET body = 'x' WHERE no = 1", "DELETE FROM text WHERE no = 1",
                    "INSERT OR REPLACE INTO event SELECT * FROM event WHERE no = 16",
                    "INSERT OR REPLACE INTO text SELECT * FROM text WHERE no = 1",
                    "UPDATE key SET role = 3 WHERE no = 1", "DELETE FROM key WHERE no = 1"):
            with self.subTest(sql=sql), self.assertRaisesRegex(AssertionError, "never|takes"):
                tamper.run_sqlite3(self.path, sql)

    # Rows removed, added, exchanged

    def test_row_that_is_removed_is_named(self):
        note = self.number("SELECT min(event) FROM note")
        event_no = self.number("SELECT no FROM event WHERE kind = 11")            # escalated
        for table, number in (("event", event_no), ("text", 2), ("note", note), ("key", 2)):
            with self.subTest(table=table):
                shutil.copy(self.file, self.path)
                tamper.unguarded(self.path, f"DELETE FROM {table} WHERE {tamper.NUMBERED[table]} = {number}")
                self.check_named((table, number, "missing"))

    def test_site_that_is_removed_is_named_by_its_events(self):
        tamper.unguarded(self.path, "DELETE FROM site WHERE no = 1")
        faults = self.verified()
        self.assertIn(("site", 1, "missing"), faults)
        self.assertIn(("event", 1, "changed"), faults)

    def test_row_that_is_added_is_named(self):
        new = self.newest + 1
        later = self.number("SELECT max(no) FROM key") + 1
        rows = {("event", new): f"INSERT INTO event SELECT {new}, at, kind, site, comment, revision, text, actor, NULL,"
                                f" previous, data, randomblob(32), via FROM event WHERE no = {self.decided}",
                ("text", 30): "INSERT INTO text SELECT 30, previous, revision, received_at, article, author, language,"
                              " sha256, salt, meta, body FROM text WHERE no = 1",
                ("note", 1): "INSERT INTO note SELECT 1, salt, text FROM note LIMIT 1",
                ("key", later): f"INSERT INTO key SELECT {later}, 'eve', 3, 0, randomblob(32), NULL, NULL, created_at,"
                                " created_by, NULL, NULL FROM key WHERE no = 1"}
        for (table, number), sql in rows.items():
            with self.subTest(table=table):
                shutil.copy(self.file, self.path)
                tamper.unguarded(self.path, sql)
                self.check_named((table, number, "inserted"))

    def test_rows_that_exchanged_their_numbers_are_named(self):
        notes = [no for no, in tamper.rows(self.file, "SELECT event FROM note ORDER BY event LIMIT 2")]
        for table, one, two in (("event", 1, 2), ("event", 15, 17), ("text", 3, 4), ("note", *notes), ("key", 1, 2)):
            with self.subTest(table=table, one=one):
                shutil.copy(self.file, self.path)
                tamper.swap(self.path, table, one, two)
                faults = self.verified()
                self.assertLessEqual({(table, one, "changed"), (table, two, "changed")}, set(faults))

    # The end

    def test_newest_event_that_is_changed_is_named(self):
        for column in ("at", "actor", "data", "hash"):
            with self.subTest(column=column):
                shutil.copy(self.file, self.path)
                tamper.change(self.path, "event", column, self.newest)
                self.check_named(("event", self.newest, "changed"))

    def test_end_that_is_cut_off_is_missed(self):
        for left in (self.decided - 1, self.decided - 2, self.decided - 20):
            with self.subTest(left=left):
                shutil.copy(self.file, self.path)
                tamper.unguarded(self.path, f"DELETE FROM event WHERE no > {left}")
                faults = self.verified()
                self.assertIn(("event", self.decided, "missing"), faults)
                self.assertIn(("site", 1, "changed"), faults)

    def test_end_that_is_cut_off_is_missed_also_when_other_events_took_its_numbers(self):
        tamper.unguarded(self.path, f"DELETE FROM event WHERE no >= {self.decided}")
        with Daemon(directory=self.directory, uncounted=ON_PURPOSE) as daemon:
            daemon.front().submit([event("blog", f"new {n}") for n in range(5)])
            code, faults, _ = verify(daemon)
        self.assertEqual(code, FAILED)
        self.assertIn(("site", 1, "changed"), faults)
        self.assertIn("comment", {table for table, _, _ in faults})

    # Who can make a chain: only a head that was kept elsewhere tells

    def heads(self):
        """Numbers and hashes that the daemon left in its log."""
        return {int(no): f"{no}:{hash}" for no, hash in re.findall(r"event (\d+), chain ([0-9a-f]{64})", self.log)}

    def head_at(self, number):
        return f"{number}:{tamper.rows(self.file, 'SELECT hash FROM event WHERE no = ?', number)[0][0].hex()}"

    def test_log_and_verify_tell_the_same_head(self):
        heads = self.heads()
        self.assertEqual(heads[self.newest], self.head_at(self.newest))
        self.assertEqual(self.verified("--head", heads[self.newest]), [])

    def test_chain_that_was_made_anew_is_found_by_a_head_from_anywhere_behind(self):
        changed = self.number("SELECT no FROM event WHERE kind = 3")                 # rejected
        tamper.unguarded(self.path, f"UPDATE event SET actor = 'eve' WHERE no = {changed}")
        tamper.rewrite(self.path, changed)
        self.assertEqual(self.verified(), [])
        for number in (changed, changed + 1, self.newest):
            self.assertEqual(self.verified("--head", self.head_at(number)), [("event", number, "changed")])
        self.assertEqual(self.verified("--head", self.head_at(changed - 1)), [])

    def test_end_about_no_comment_that_is_cut_off_is_found_by_a_head(self):
        tamper.unguarded(self.path, f"DELETE FROM event WHERE no > {self.decided}")
        self.assertEqual(self.verified(), [])
        self.assertEqual(self.verified("--head", self.head_at(self.newest)), [("event", self.newest, "missing")])
        with Daemon(directory=self.directory, uncounted=ON_PURPOSE) as daemon:       # and when others took its numbers
            for _ in range(self.newest):
                daemon.desk().list()
            self.assertEqual(verify(daemon)[:2], (DONE, []))
            self.assertEqual(verify(daemon, "--head", self.head_at(self.newest))[:2],
                             (FAILED, [("event", self.newest, "changed")]))

    def test_head_whose_event_was_removed_is_missing(self):
        number = self.number("SELECT no FROM event WHERE kind = 16")                 # reloaded
        tamper.unguarded(self.path, f"DELETE FROM event WHERE no = {number}")
        self.assertEqual(self.verified("--head", self.head_at(number)), [("event", number, "missing")] * 2)

    def test_head_that_is_none_is_refused(self):
        with Daemon(config=QUIET, directory=self.directory) as daemon:
            for head in ("", "5", "0:" + "a" * 64, "-1:" + "a" * 64, "5:" + "a" * 63, "5:" + "g" * 64, "5:" + "a" * 65):
                with self.subTest(head=head):
                    done = daemon.run_modq("audit", "verify", "--head", head)
                    self.assertEqual((done.returncode, done.stdout), (USAGE, ""))
                    self.assertIn("NO:HASH", done.stderr)

    # While the daemon runs

    def test_change_under_a_running_daemon_is_named_and_the_daemon_goes_on(self):
        with Daemon(config=QUIET, directory=self.directory) as daemon:
            self.assertEqual(verify(daemon)[:2], (DONE, []))
            tamper.change(self.path, "event", "actor", 16)
            tamper.change(self.path, "text", "body", 2)
            self.assertEqual(verify(daemon)[:2], (FAILED, [("text", 2, "changed"), ("event", 16, "changed")]))
            self.assertEqual(daemon.front().submit([event("news", "later")])[0]["status"], "accepted")
            self.assertEqual(verify(daemon)[:2], (FAILED, [("text", 2, "changed"), ("event", 16, "changed")]))


if __name__ == "__main__":
    tap.main()
