"""Key files, places and outboxes: what is on disk, whatever happened."""
import contextlib
import fcntl
import itertools
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import unittest
from unittest import mock

import helpers
from helpers import Peer, WithDirectory, accepted, comment, error_map, refusal
from modqd import FileOutbox, FilePlace, FixError, Key, LocalError, Position, SqlOutbox, SqlPlace
from modqd import outbox as outbox_module
from test_requests import all_accepted, results

PUBLIC, SECRET, SERVER = "p" * 40, "s" * 40, "d" * 40
GOOD_KEY = f'''#   modqd key "web"; keep this file secret
metadata
    name = "web"
    role = "front"   # what it may
    front = "tcp://127.0.0.1:1"
    server-key = "{SERVER}"

curve
    public-key = "{PUBLIC}"
    secret-key = "{SECRET}"
'''
CHAIN, EPOCH = bytes(range(32)), bytes(16)


class Keys(WithDirectory):
    def load(self, text, mode=0o600):
        path = self.path("key")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return Key.load(path)

    def test_a_key_file_is_read(self):
        key = self.load(GOOD_KEY)
        self.assertEqual((key.public, key.secret, key.server), (PUBLIC, SECRET, SERVER))
        self.assertEqual((key.name, key.role, key.endpoints), ("web", "front", {"front": "tcp://127.0.0.1:1"}))
        self.assertNotIn(SECRET, repr(key))

    def test_a_file_that_others_can_read_is_refused(self):
        for mode in (0o640, 0o604, 0o601, 0o620):
            with self.subTest(oct(mode)), self.assertRaisesRegex(FixError, "chmod 600"):
                self.load(GOOD_KEY, mode)

    def test_what_is_no_key_file_is_refused(self):
        swapped = GOOD_KEY.replace("curve\n", "other\n")
        for text in ("", "x", GOOD_KEY.replace(SECRET, "short"), GOOD_KEY.replace(PUBLIC, "'" * 40), swapped,
                     GOOD_KEY.replace('"web"', "web"), "x" * 20_000,
                     GOOD_KEY.replace("server-key", "server")):
            with self.subTest(text[:200]), self.assertRaises(FixError) as caught:
                self.load(text)
            self.assertEqual(caught.exception.name, "client_bad_argument")
            self.assertNotIn(SECRET, str(caught.exception))

    def test_what_cannot_be_read_is_the_systems_fault(self):
        with self.assertRaisesRegex(LocalError, "No such file"):
            Key.load(self.path("none"))
        with self.assertRaises((FixError, LocalError)):
            Key.load(self.dir)


class FilePlaces(WithDirectory):
    def test_what_was_saved_is_loaded(self):
        place = FilePlace(self.path("place"))
        self.assertIsNone(place.load("news"))
        for position in (Position(1, CHAIN, EPOCH), Position(2), Position(2**53 - 1, CHAIN, b"")):
            place.save("news", position)
            self.assertEqual(FilePlace(self.path("place")).load("news"), position)
        place.forget()
        place.forget()
        self.assertIsNone(place.load("news"))

    def test_a_spoilt_place_is_not_taken_for_the_beginning(self):
        place = FilePlace(self.path("place"))
        place.save("news", Position(7, CHAIN, EPOCH))
        with open(self.path("place"), "rb") as file:
            whole = file.read()
        for cut in range(len(whole) - 2):
            with open(self.path("place"), "wb") as file:
                file.write(whole[:cut])
            with self.assertRaisesRegex(LocalError, "is no place"):
                place.load("news")

    def test_a_place_of_another_site_is_refused(self):
        FilePlace(self.path("place")).save("news", Position(7))
        with self.assertRaisesRegex(FixError, "of the site 'news'"):
            FilePlace(self.path("place")).load("sport")

    def test_an_unfinished_save_leaves_the_one_before(self):
        place = FilePlace(self.path("place"))
        place.save("news", Position(7))
        with mock.patch("os.replace", side_effect=OSError(28, "No space left on device")):
            with self.assertRaisesRegex(LocalError, "No space left"):
                place.save("news", Position(8))
        self.assertEqual(place.load("news"), Position(7))
        place.save("news", Position(9))
        self.assertEqual(sorted(os.listdir(self.dir)), ["place"])


class Recorder:
    """A DB-API connection that only notes what is executed."""

    def __init__(self):
        self.statements, self.commits, self.description = [], 0, None

    def cursor(self):
        return self

    def execute(self, statement, values):
        self.statements.append((statement, values))

    def fetchall(self):
        return []

    def close(self):
        pass

    def commit(self):
        self.commits += 1


class SqlPlaces(WithDirectory):
    def setUp(self):
        super().setUp()
        self.connection = sqlite3.connect(self.path("db"))
        self.addCleanup(self.connection.close)
        self.connection.execute("CREATE TABLE shown (comment TEXT)")
        self.place = SqlPlace(self.connection)
        self.place.create()
        self.place.create()

    def seen_by_another(self, statement):
        other = sqlite3.connect(self.path("db"))
        try:
            return other.execute(statement).fetchall()
        finally:
            other.close()

    def test_what_was_saved_is_loaded_for_each_site(self):
        self.assertIsNone(self.place.load("news"))
        for seq in (1, 1, 2):
            self.place.save("news", Position(seq, CHAIN, EPOCH))
        self.place.save("sport", Position(5))
        self.assertEqual((self.place.load("news"), self.place.load("sport")), (Position(2, CHAIN, EPOCH), Position(5)))
        self.place.forget("news")
        self.assertEqual((self.place.load("news"), self.place.load("sport")), (None, Position(5)))

    def test_a_place_and_what_was_done_are_one_transaction(self):
        self.connection.execute("INSERT INTO shown VALUES ('a')")
        self.assertEqual(self.seen_by_another("SELECT * FROM shown"), [])
        self.place.save("news", Position(1))
        self.assertEqual(self.seen_by_another("SELECT comment, seq FROM shown, modqd_place"), [("a", 1)])
        self.connection.execute("INSERT INTO shown VALUES ('b')")
        self.place.rollback()
        self.place.save("news", Position(2))
        self.assertEqual(self.seen_by_another("SELECT comment, seq FROM shown, modqd_place"), [("a", 2)])

    def test_another_sites_row_is_never_taken_for_this_ones(self):
        """As under MySQL's usual collations."""
        self.connection.execute("CREATE TABLE places (site VARCHAR(64) COLLATE NOCASE PRIMARY KEY, seq, chain, epoch)")
        place = SqlPlace(self.connection, "places")
        place.save("News", Position(7))
        for act in (place.load, lambda site: place.save(site, Position(1)), place.forget):
            with self.assertRaisesRegex(LocalError, "'News' for 'news'"):
                act("news")
        self.assertEqual(place.load("News"), Position(7))

    def test_without_commit_it_is_the_users_transaction(self):
        place = SqlPlace(lambda: self.connection, commit=False)
        place.save("news", Position(1))
        self.assertEqual(self.seen_by_another("SELECT * FROM modqd_place"), [])
        self.connection.commit()
        self.assertEqual(len(self.seen_by_another("SELECT * FROM modqd_place")), 1)

    def test_every_paramstyle_but_named_is_spoken(self):
        for style, marks in (("qmark", "(?, ?, ?, ?)"), ("format", "(%s, %s, %s, %s)"), ("pyformat", "(%s, %s, %s, %s)"),
                             ("numeric", "(:1, :2, :3, :4)")):
            connection = Recorder()
            SqlPlace(connection, paramstyle=style).save("news", Position(1))
            self.assertTrue(connection.statements[-1][0].endswith(marks), connection.statements)
            self.assertEqual((connection.statements[-1][1], connection.commits), ((1, "", "", "news"), 1))
        for style in (None, "named"):
            with self.assertRaisesRegex(FixError, "paramstyle"):
                SqlPlace(Recorder(), paramstyle=style).load("news")

    def test_names_of_tables_are_plain(self):
        for name in ("", "a b", "a;--", "a.b.c", "ä", "1a", "a\n"):
            with self.subTest(name), self.assertRaises(FixError):
                SqlPlace(self.connection, name)
        SqlPlace(self.connection, "main.mine").create()


class Outboxes:
    """What both outboxes do. A subclass has make(), which opens the one outbox of this test."""

    def bodies(self, peer):
        return [one.get("comment") if isinstance(one.get("comment"), str) else [item["comment"] for item in one["comments"]]
                for one in peer.requests]

    def flush(self, box, peer, timeout=60.0):
        front = mock.Mock(_session=peer.session, _run=peer.run)
        return box.flush(front, timeout=timeout)

    def test_what_was_kept_is_sent_in_its_order(self):
        box = self.make()
        for i in range(300):
            box.keep("submit", {"comment": comment(i, extra={"x": [None, 1.5, b"\xff", "\0\n"]})})
        box.keep("withdraw", {"site": "news", "comment": "7"})
        box.keep("report", {"site": "news", "comment": "8", "reader": "r", "note": None})
        box.keep("submit", {"comment": comment(300)})
        self.assertEqual(self.make().count(), 303)
        peer = Peer(all_accepted, all_accepted, {"ok": True, "status": "withdrawn"}, {"ok": True, "status": "counted"},
                    all_accepted)
        flushed = self.flush(self.make(), peer)
        self.assertEqual((flushed.sent, flushed.left, flushed.refused, flushed.error), (303, 0, [], None))
        numbers = list(map(str, range(300)))
        self.assertEqual(self.bodies(peer), [numbers[:256], numbers[256:], "7", "8", ["300"]])
        self.assertEqual(peer.requests[0]["comments"][0]["extra"], {"x": [None, 1.5, b"\xff", "\0\n"]})
        self.assertEqual(self.make().count(), 0)

    def test_reports_keep_the_time_at_which_they_were_kept(self):
        before = time.time() * 1000 - 1
        self.make().keep("report", {"site": "news", "comment": "8", "reader": "r"})
        peer = Peer({"ok": True, "status": "counted"})
        self.flush(self.make(), peer)
        self.assertTrue(before <= peer.requests[0]["at"] <= time.time() * 1000)

    def test_it_stops_at_the_first_error_of_class_retry(self):
        box = self.make()
        for op in ("withdraw", "withdraw", "withdraw"):
            box.keep(op, {"site": "news", "comment": "1"})
        done = {"ok": True, "status": "withdrawn"}
        peer = Peer(done, *[refusal("busy", 1, "retry")] * 100)
        flushed = self.flush(box, peer)
        self.assertEqual((flushed.sent, flushed.left, flushed.error.name), (1, 2, "busy"))
        self.assertEqual(self.flush(self.make(), Peer(done, done))[:2], (2, 0))

    def test_what_can_never_be_taken_is_set_aside_with_its_error(self):
        box = self.make()
        for i in range(3):
            box.keep("submit", {"comment": comment(i)})
        box.keep("withdraw", {"site": "news", "comment": "9"})
        conflict = {"status": "conflict", "error": error_map("conflict", 80, "final", state="approved")}
        peer = Peer(results(accepted(0), conflict, {**accepted(2), "status": "duplicate"}), refusal("denied", 60, "denied"))
        flushed = self.flush(box, peer)
        self.assertEqual((flushed.sent, flushed.left, [one.error.name for one in flushed.refused]),
                         (2, 0, ["conflict", "denied"]))
        again = self.make()
        self.assertEqual([(one.op, one.error.name, one.error.class_) for one in again.refused()],
                         [("submit", "conflict", "final"), ("withdraw", "denied", "denied")])
        self.assertEqual(again.refused()[0].fields["comment"], comment(1))
        self.assertEqual(again.refused()[0].error.detail["state"], "approved")
        again.forget_refused()
        self.assertEqual((self.make().refused(), self.make().count()), ([], 0))

    def set_aside(self, box, *names):
        """Keeps their withdrawals and flushes with a key that is denied."""
        for name in names:
            box.keep("withdraw", {"site": "news", "comment": name})
        flushed = self.flush(box, Peer(*[refusal("denied", 60, "denied")] * len(names)))
        self.assertEqual(flushed[:2] + (len(flushed.refused),), (0, 0, len(names)))

    def test_what_was_set_aside_is_tried_again_before_what_was_kept_since(self):
        box = self.make()
        self.assertEqual(box.retry_refused(), 0)
        extra = {"x": [None, 1.5, b"\xff", "\0\n", {"$bin": "00"}]}
        box.keep("submit", {"comment": comment(0, extra=extra)})
        self.flush(box, Peer(results({"status": "denied", "error": error_map("denied", 60, "denied")})))
        self.set_aside(box, "1", "2")
        box.keep("withdraw", {"site": "news", "comment": "3"})
        self.assertEqual(self.make().retry_refused(), 3)
        self.assertEqual((self.make().refused(), self.make().retry_refused(), box.count()), ([], 0, 4))
        peer = Peer(all_accepted, *[{"ok": True, "status": "withdrawn"}] * 3)
        self.assertEqual(self.flush(box, peer)[:2], (4, 0))
        self.assertEqual(self.bodies(peer), [["0"], "1", "2", "3"])
        self.assertEqual(peer.requests[0]["comments"][0]["extra"], extra)

    def test_what_was_set_aside_comes_back_between_what_stayed(self):
        box = self.make()
        for i in range(3):
            box.keep("submit", {"comment": comment(i)})
        busy = {"status": "busy", "error": error_map("busy", 1, "retry")}
        denied = {"status": "denied", "error": error_map("denied", 60, "denied")}
        self.flush(box, Peer(results(busy, denied, busy)))
        self.assertEqual(self.make().retry_refused(), 1)
        peer = Peer(all_accepted)
        self.assertEqual(self.flush(self.make(), peer)[:2], (3, 0))
        self.assertEqual(self.bodies(peer), [["0", "1", "2"]])

    def test_what_is_refused_for_good_is_set_aside_again(self):
        box = self.make()
        self.set_aside(box, "1", "2")
        self.assertEqual(box.retry_refused(), 2)
        flushed = self.flush(box, Peer({"ok": True, "status": "withdrawn"}, refusal("not_found", 82, "final")))
        self.assertEqual((flushed.sent, flushed.left), (1, 0))
        self.assertEqual([(one.fields["comment"], one.error.name) for one in self.make().refused()], [("2", "not_found")])

    def test_items_that_are_busy_stay_and_those_beside_them_go(self):
        box = self.make()
        for i in range(3):
            box.keep("submit", {"comment": comment(i)})
        busy = {"status": "busy", "error": error_map("busy", 1, "retry", retry_after_ms=60_000)}
        flushed = self.flush(box, Peer(results(accepted(0), busy, accepted(2))))
        self.assertEqual((flushed.sent, flushed.left, flushed.error.name), (2, 1, "busy"))
        peer = Peer(all_accepted)
        self.flush(self.make(), peer)
        self.assertEqual(self.bodies(peer), [["1"]])

    def test_a_bad_reply_stops_it_and_loses_nothing(self):
        box = self.make()
        box.keep("submit", {"comment": comment(1)})
        flushed = self.flush(box, Peer({"ok": True, "results": 7}))
        self.assertEqual((flushed.sent, flushed.left, flushed.refused, flushed.error.name), (0, 1, [], "client_bad_reply"))

    def test_the_time_out_bounds_the_whole(self):
        box = self.make()
        for i in range(3):
            box.keep("withdraw", {"site": "news", "comment": str(i)})
        peer = Peer()
        flushed = self.flush(box, peer, timeout=3.0)
        self.assertEqual((flushed.left, flushed.error.name), (3, "client_timeout"))
        self.assertLessEqual(peer.clock.time - 1000, 3.01)

    def test_the_time_out_bounds_many_large_comments_too(self):
        box = self.make()
        for i in range(60):
            box.keep("submit", {"comment": comment(i, body="x" * 60_000)})
        hello = {"ok": True, "limits": {"max_message_bytes": 1 << 20}}
        busy = {"status": "busy", "error": error_map("busy", 1, "retry")}

        def answer(request):
            return hello if request["op"] == "hello" else results(*[busy] * len(request["comments"]))
        peer = Peer(*[answer] * 100)
        flushed = self.flush(box, peer, timeout=3.0)
        self.assertEqual((flushed.sent, flushed.left, flushed.error.name), (0, 60, "busy"))
        self.assertLessEqual(peer.clock.time - 1000, 3.01)

    def test_what_could_never_be_sent_is_not_kept(self):
        box = self.make()
        for op, fields in (("submit", {}), ("submit", {"comment": comment(body="\ud800")}), ("article", {"site": "news"}),
                           ("withdraw", {"site": "\ud800"}), ("submit", comment()), ("withdraw", 7),
                           ("submit", {"comment": comment(body="x" * 2_000_000)})):
            with self.subTest(op), self.assertRaises(FixError):
                box.keep(op, fields)
        self.assertEqual(self.make().count(), 0)


class FileOutboxes(Outboxes, WithDirectory):
    def make(self):
        return FileOutbox(self.path("box"))

    def file(self):
        with open(self.path("box"), "rb") as file:
            return file.read()

    def cut_to(self, data):
        with open(self.path("box"), "wb") as file:
            file.write(data)

    def names(self, box):
        return [entry.fields["comment"] for entry in box.pending(1000)]

    def test_cut_at_any_byte_only_what_was_never_acknowledged_is_missing(self):
        ends = [len(self.file()) for _ in [self.make()]]
        for i in range(4):
            self.make().keep("withdraw", {"site": "news", "comment": str(i)})
            ends.append(len(self.file()))
        whole = self.file()
        for cut in range(len(whole) + 1):
            self.cut_to(whole[:cut])
            acknowledged = [str(i) for i in range(4) if ends[i + 1] <= cut]
            box = self.make()
            self.assertEqual(self.names(box), acknowledged, f"cut at {cut}")
            box.keep("withdraw", {"site": "news", "comment": "new"})
            self.assertEqual(self.names(self.make()), [*acknowledged, "new"], f"cut at {cut}, and one more")
            self.assertEqual(self.make().refused(), [])

    def test_marks_cut_at_any_byte_are_made_again(self):
        box = self.make()
        for i in range(2):
            box.keep("withdraw", {"site": "news", "comment": str(i)})
        before = len(self.file())
        first, second = box.pending(2)
        denied = outbox_module.error_of(error_map("denied", 60, "denied"))
        box.settle([first], [(second, denied)])
        whole = self.file()
        seen = set()
        for cut in range(before, len(whole) + 1):
            self.cut_to(whole[:cut])
            seen.add((tuple(self.names(self.make())), len(self.make().refused())))
        self.assertEqual(seen, {(("0", "1"), 0), (("1",), 0), ((), 1)})

    def test_a_process_that_is_killed_loses_nothing_that_it_was_told_is_kept(self):
        program = ("import sys; sys.path[:0] = [sys.argv[1]]\nimport modqd\nbox = modqd.FileOutbox(sys.argv[2])\n"
                   "for i in range(10**6):\n"
                   "    box.keep('withdraw', {'site': 'news', 'comment': str(i)}); print(i, flush=True)\n")
        kept = []
        for round in range(4):
            child = subprocess.Popen([sys.executable, "-B", "-c", program, os.path.dirname(helpers.HERE), self.path("box")],
                                     stdout=subprocess.PIPE, text=True)
            told = [child.stdout.readline() for _ in range(5 + 3 * round)]
            os.kill(child.pid, signal.SIGKILL)
            told += child.stdout.read().splitlines(keepends=True)
            child.wait(10)
            child.stdout.close()
            kept += [line.strip() for line in told if line.endswith("\n")]
            names = self.names(self.make())
            self.assertEqual(names[:len(kept)], kept)
            self.assertLessEqual(len(names) - len(kept), 1)             # one that was on disk, but was not told yet
            kept = names
        self.assertGreaterEqual(len(kept), 5 + 8 + 11 + 14)

    def test_a_spoilt_line_is_set_aside_and_holds_up_nothing(self):
        for i in range(3):
            self.make().keep("withdraw", {"site": "news", "comment": str(i)})
        data = bytearray(self.file())
        data[data.index(b"\n", data.index(b"\n") + 1) + 20] ^= 1         # inside the second entry
        self.cut_to(data)
        box = self.make()
        self.assertEqual(self.names(box), ["0", "2"])
        self.assertEqual([one.error.name for one in box.refused()], ["client_system"])
        self.assertEqual(self.flush(box, Peer(*[{"ok": True, "status": "withdrawn"}] * 2))[:2], (2, 0))
        self.assertEqual(len(self.make().refused()), 1)
        self.make().forget_refused()
        self.assertEqual(self.make().refused(), [])

    def test_what_is_spoilt_stays_set_aside_when_the_rest_is_tried_again(self):
        for i in range(3):
            self.make().keep("withdraw", {"site": "news", "comment": str(i)})
        data = bytearray(self.file())
        data[data.index(b"\n", data.index(b"\n") + 1) + 20] ^= 1         # inside the second entry
        self.cut_to(data)
        spoilt = bytes(data).splitlines(keepends=True)[2]
        self.flush(self.make(), Peer(*[refusal("denied", 60, "denied")] * 2))
        self.assertEqual(self.make().retry_refused(), 2)
        box = self.make()
        self.assertEqual(self.names(box), ["0", "2"])
        self.assertEqual([(one.fields, one.error.name) for one in box.refused()], [({}, "client_system")])
        self.assertIn(spoilt, self.file())

    def test_the_old_order_outlives_a_file_that_is_made_anew(self):
        box = self.make()
        for i in range(3):
            box.keep("withdraw", {"site": "news", "comment": str(i)})
        denied = outbox_module.error_of(error_map("denied", 60, "denied"))
        box.settle([], [(box.pending(2)[1], denied)])
        with mock.patch("modqd.journal._COMPACT_BYTES", 0):
            self.assertTrue(box.begin())
            box.end()
        self.assertEqual((self.names(box), len(box.refused())), (["0", "2"], 1))
        self.assertEqual(self.make().retry_refused(), 1)
        self.assertEqual(self.names(box), ["0", "1", "2"])

    def retry_that_ends_at(self, call, nth):
        """A process tries again, and ends before the nth call of that function. Whether it came to that."""
        child = os.fork()
        if child == 0:
            real, calls = getattr(os, call), itertools.count()
            with mock.patch(f"os.{call}", lambda *given: os._exit(9) if next(calls) == nth else real(*given)):
                self.make().retry_refused()
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9

    def test_a_process_that_ends_while_it_tries_again_loses_and_doubles_nothing(self):
        self.set_aside(self.make(), "0", "1")
        self.make().keep("withdraw", {"site": "news", "comment": "2"})
        whole, seen = self.file(), []
        for call in ("open", "fsync", "replace", "close"):
            for nth in itertools.count():
                self.cut_to(whole)
                if not self.retry_that_ends_at(call, nth):
                    break
                box = self.make()
                seen.append((tuple(self.names(box)), len(box.refused())))
        self.assertEqual(set(seen), {(("2",), 2), (("0", "1", "2"), 0)})
        self.assertGreater(len(seen), 5)

    def test_a_file_of_something_else_is_left_alone(self):
        for data in (b"my letters, which nobody may lose\nx", b"mm", b"modqd-outbox 2 0123456789abcdef\n", b"\n", b"x" * 100):
            self.cut_to(data)
            with self.subTest(data), self.assertRaisesRegex(LocalError, "is no outbox"):
                self.make()
            self.assertEqual(self.file(), data)

    def test_only_one_flushes_at_a_time_and_keeping_goes_on_meanwhile(self):
        box, other = self.make(), self.make()
        box.keep("withdraw", {"site": "news", "comment": "1"})
        self.assertTrue(box.begin())
        other.keep("withdraw", {"site": "news", "comment": "2"})
        self.assertEqual(self.flush(other, Peer()), (0, 2, [], None))
        box.end()
        self.assertEqual(self.flush(other, Peer(*[{"ok": True, "status": "withdrawn"}] * 2))[:2], (2, 0))

    def test_the_file_does_not_grow_for_ever(self):
        box = self.make()
        empty = len(self.file())
        for _ in range(3):
            box.keep("withdraw", {"site": "news", "comment": "1"})
            self.flush(box, Peer({"ok": True, "status": "withdrawn"}))
            self.assertEqual(len(self.file()), empty)

    def test_others_see_that_the_file_was_made_anew(self):
        box, other = self.make(), self.make()
        for i in range(2):
            box.keep("withdraw", {"site": "news", "comment": str(i)})
        self.assertEqual(self.names(other), ["0", "1"])
        self.flush(box, Peer(*[{"ok": True, "status": "withdrawn"}] * 2))
        self.assertEqual(self.names(other), [])
        other.keep("withdraw", {"site": "news", "comment": "3"})
        self.assertEqual(self.names(box), ["3"])

    def test_threads_share_one(self):
        box = self.make()
        threads = [threading.Thread(target=lambda name=name: [
            box.keep("withdraw", {"site": "news", "comment": f"{name}-{i}"}) for i in range(20)]) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        names = self.names(self.make())
        self.assertEqual(sorted(names), sorted(f"{name}-{i}" for name in "abcd" for i in range(20)))
        for name in "abcd":
            self.assertEqual([one for one in names if one.startswith(name)], [f"{name}-{i}" for i in range(20)])
        self.assertEqual(sorted(self.names(box)), sorted(names))

    def test_a_child_that_was_forked_meanwhile_holds_no_lock(self):
        box = self.make()
        self.assertTrue(box.begin())
        child = os.fork()
        if child == 0:
            signal.pause()
        try:
            box.end()
            self.assertTrue(self.make().begin())
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)

    def test_what_is_kept_is_looked_at_under_the_lock(self):
        box, free = self.make(), []

        class Kept(dict):
            def items(_):
                with open(self.path("box.lock"), "rb") as file, contextlib.suppress(BlockingIOError):
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    free.append("another thread could change it")
                return dict.items(_)

        box.keep("withdraw", {"site": "news", "comment": "1"})
        box._journal._kept = Kept(box._journal._kept)
        self.assertEqual(len(box.pending(10)), 1)
        self.assertEqual(free, [])

    def test_processes_keep_while_another_sends(self):
        program = ("import sys; sys.path[:0] = [sys.argv[1]]\nimport modqd\nbox = modqd.FileOutbox(sys.argv[2])\n"
                   "for i in range(40): box.keep('withdraw', {'site': sys.argv[3], 'comment': str(i)})\n")
        box = self.make()
        children = [subprocess.Popen([sys.executable, "-B", "-c", program, os.path.dirname(helpers.HERE), self.path("box"), name])
                    for name in ("a", "b")]
        peer = Peer(*[{"ok": True, "status": "withdrawn"}] * 80)
        while any(child.poll() is None for child in children) or box.count():
            self.assertIsNone(self.flush(box, peer).error)
        self.assertEqual([child.wait(60) for child in children], [0, 0])
        for name in ("a", "b"):
            self.assertEqual([one["comment"] for one in peer.requests if one["site"] == name], list(map(str, range(40))))

    def test_a_full_disk_is_told_and_spoils_nothing(self):
        box = self.make()
        box.keep("withdraw", {"site": "news", "comment": "1"})
        real = os.pwrite

        def half(fd, data, at):
            real(fd, data[:len(data) // 2], at)
            raise OSError(28, "No space left on device")

        for fault in (mock.patch("os.pwrite", side_effect=half),
                      mock.patch("modqd.journal.os.fsync", side_effect=OSError(5, "Input/output error"))):
            with fault, self.assertRaises(LocalError) as caught:
                box.keep("withdraw", {"site": "news", "comment": "2"})
            self.assertEqual(caught.exception.name, "client_system")
            self.assertEqual(self.names(self.make()), ["1"])
        box.keep("withdraw", {"site": "news", "comment": "3"})
        self.assertEqual(self.names(box), ["1", "3"])

    def test_nobody_else_can_read_it(self):
        self.make().keep("withdraw", {"site": "news", "comment": "1"})
        self.assertEqual(os.stat(self.path("box")).st_mode & 0o777, 0o600)


class SqlOutboxes(Outboxes, WithDirectory):
    def setUp(self):
        super().setUp()
        self.connection = sqlite3.connect(self.path("db"))
        self.addCleanup(self.connection.close)
        SqlOutbox(self.connection).create()

    def make(self):
        return SqlOutbox(self.connection)

    def test_keeping_can_be_part_of_the_users_transaction(self):
        box = SqlOutbox(self.connection, commit=False)
        box.keep("withdraw", {"site": "news", "comment": "1"})
        self.connection.rollback()
        box.keep("withdraw", {"site": "news", "comment": "2"})
        self.connection.commit()
        self.assertEqual([entry.fields["comment"] for entry in box.pending(9)], ["2"])

    def test_tables_of_other_databases_are_described(self):
        for dialect, word in (("postgresql", "GENERATED ALWAYS AS IDENTITY"), ("mysql", "AUTO_INCREMENT")):
            connection = Recorder()
            SqlOutbox(connection, paramstyle="format").create(dialect)
            self.assertIn(word, connection.statements[0][0])
        with self.assertRaises(FixError):
            self.make().create("oracle")


if __name__ == "__main__":
    unittest.main()
