"""Counts equal the log: `modq fsck` and `modqd --fsck` find nothing in what the daemon wrote, while it works at full load,
too, and name what other hands made differ. What each kind of fault is called is tests/unit/test_fsck.c's."""
# time-limit: 120
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import threading
import time
import unittest

import tamper
import tap
from cases import event, fresh
from daemon import MODQD, Daemon, count_anew
from modq import ModqError

CLEAN, FAULTS, CANNOT = 0, 1, 3
ON_PURPOSE = "it is tampered with on purpose"
SECONDS = 6               # of full load, at least
LEAST_RUNS, LEAST_REQUESTS = 5, 301
PATIENCE_S = 90


def named(*ids, site="news"):
    return [{"site": site, "comment": str(number)} for number in ids]


def tell(daemon):
    """A history with a bit of everything; returns the number of its comments."""
    front, desk = daemon.front(), daemon.desk()
    reason = next(r["code"] for r in front.policy("news")["reasons"] if not r["needs_note"])
    front.submit([event("news", str(n), f"the {n}. body", article={"id": "a", "title": "A"}, language="en",
                        author={"id": f"u{n}", "name": "U"}) for n in range(1, 13)])
    front.submit([event("blog", "1"), event("news", "2", "again", revision=2)])
    desk.approve(named(1, 2, 3, 4), note="fine")
    desk.reject(named(5, 6), [reason], note="gone")
    desk.undo([{"site": "news", "seq": 2}])
    for reader in range(front.policy("news")["reports_reopen"]):
        front.report("news", "3", f"reader {reader}", note="hm")
    desk.claim(comments=named(7))
    desk.claim(comments=named(8))
    desk.release(named(8))
    desk.escalate(named(9), note="look")
    front.withdraw("news", "10")
    desk.erase(named(5))
    daemon.add_key("web", "front", sites=["news", "blog"])
    return 13


class Asked(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with Daemon() as daemon:
            cls.comments = tell(daemon)
            cls.told = daemon.run_modq("fsck")
            cls.json = daemon.run_modq("fsck", "--json")
            cls.beside = count_anew(daemon.dir)
            daemon.stop()
            cls.file = os.path.join(tamper.copy_of(f"{daemon.dir}/modqd.db"), "modqd.db")
        cls.addClassCleanup(shutil.rmtree, os.path.dirname(cls.file))

    def setUp(self):
        self.directory = tamper.copy_of(self.file)
        self.path = os.path.join(self.directory, "modqd.db")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def check_clean(self, done):
        self.assertEqual((done.returncode, done.stderr), (CLEAN, ""))
        self.assertRegex(done.stdout, rf"\Achecked {self.comments} comments, \d+ events, .* 2 sites: all counts agree\n\Z")

    def test_what_the_daemon_wrote_is_clean(self):
        self.check_clean(self.told)

    def test_what_the_daemon_wrote_is_clean_without_it_and_beside_it(self):
        self.check_clean(self.beside)
        self.check_clean(count_anew(self.directory))

    def test_json_is_a_map_of_what_was_looked_at(self):
        self.assertEqual((self.json.returncode, self.json.stderr), (CLEAN, ""))
        end, = map(json.loads, self.json.stdout.splitlines())
        self.assertEqual(end["faults"], 0)
        self.assertEqual((end["checked"]["comments"], end["checked"]["sites"]), (self.comments, 2))

    def faults_of(self, directory):
        """What a daemon on that directory says, the same in all three ways."""
        alone = count_anew(directory)
        with Daemon(config="audit_reads = false\n", directory=directory, uncounted=ON_PURPOSE) as daemon:
            told, as_json, beside = daemon.run_modq("fsck"), daemon.run_modq("fsck", "--json"), count_anew(directory)
        for done in (alone, told, as_json, beside):
            self.assertEqual((done.returncode, done.stderr), (FAULTS, ""))
        self.assertEqual(alone.stdout, told.stdout)
        self.assertEqual(alone.stdout, beside.stdout)
        *lines, end = told.stdout.splitlines()
        *faults, json_end = map(json.loads, as_json.stdout.splitlines())
        self.assertRegex(end, rf": {len(lines)} faults; nothing was changed\Z")
        self.assertEqual((len(faults), json_end["faults"]), (len(lines), len(lines)))
        for line, fault in zip(lines, faults):
            self.assertTrue(line.endswith(f": {fault['fault']}: {fault['detail']}"), line)
        return lines

    def test_each_table_that_other_hands_changed_is_named(self):
        for sql, line in {
            "UPDATE comment SET state = 2 WHERE site = 1 AND id = '12'":
                r"comment \d+, news/12: differs: its state is approved \(2\), and its events make it pending",
            "UPDATE site SET pending = 99 WHERE no = 2": r"site 2, blog: differs: pending: it says 99, and .* there are 1",
            "DELETE FROM comment WHERE site = 1 AND id = '1'": r"comment 1, news/1: missing: event 1 tells of it",
            "UPDATE comment SET claimed_by = 'eve' || char(10, 27) WHERE held = 1": r'comment \d+, news/7: .* by "eve\?\?"',
            "DELETE FROM report": r"report \d+, news/3: differs: 0 readers' reports",
            "INSERT INTO note VALUES(1, x'00', x'00')": r"note 1, news/1: stray: ",
        }.items():
            with self.subTest(sql=sql):
                directory = tamper.copy_of(self.file)
                self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
                tamper.unguarded(os.path.join(directory, "modqd.db"), sql)
                lines = self.faults_of(directory)
                self.assertTrue(any(re.match(line, told) for told in lines), lines)

    def test_what_other_hands_wrote_cannot_drive_a_terminal(self):
        tamper.unguarded(self.path, "UPDATE site SET name = 'n' || char(27) || '[2J' || char(8238), pending = pending + 1"
                                    " WHERE no = 1")
        told = count_anew(self.directory)
        self.assertEqual(told.returncode, FAULTS)
        self.assertIn("n?[2J\\xE2\\x80\\xAE", told.stdout)
        self.assertNotRegex(told.stdout + told.stderr, "[\x1b\u202e]")

    def test_end_of_a_test_finds_what_differs(self):
        daemon = Daemon(directory=self.directory)
        with self.assertRaisesRegex(AssertionError, "modqd --fsck ended with 1:\nsite 1, news: differs: pending"):
            with daemon:
                tamper.unguarded(self.path, "UPDATE site SET pending = pending + 1 WHERE no = 1")
                daemon.kill()

    def test_what_cannot_be_counted_is_said(self):
        other = os.path.join(self.directory, "other")
        os.mkdir(other)
        old = tamper.copy_of(self.file)
        self.addCleanup(shutil.rmtree, old, ignore_errors=True)
        tamper.run_sqlite3(os.path.join(old, "modqd.db"), "PRAGMA user_version = 1;")
        with sqlite3.connect(os.path.join(other, "modqd.db")) as database:
            database.execute("CREATE TABLE t(x)")
        database.close()
        for directory, words in ((os.path.join(self.directory, "none"), "there is no database"),
                                 (other, "is not a database of modqd"), (old, "has schema version 1")):
            with self.subTest(words=words):
                done = count_anew(directory)
                self.assertEqual((done.returncode, done.stdout), (CANNOT, ""))
                self.assertIn(words, done.stderr)

    def test_directory_may_be_named_by_a_configuration(self):
        path = os.path.join(self.directory, "a.conf")
        with open(path, "w") as file:
            file.write(f'dir = "{self.directory}"\n')
        done = subprocess.run([MODQD, "--fsck", "--config", path], capture_output=True, text=True, timeout=30)
        self.check_clean(done)

    def test_state_that_was_never_given_is_refused(self):
        with Daemon(directory=self.directory) as daemon:
            desk = daemon.desk()
            state = desk.fsck(limit=20)["state"]
            for wrong in (b"\xc0", state[:-1], state + b"\xc0", state.replace(b"\xa2at", b"\xa2it")):
                with self.subTest(wrong=wrong), self.assertRaises(ModqError) as caught:
                    desk.fsck(state=wrong)
                self.assertEqual((caught.exception.name, caught.exception.detail["field"]), ("bad_value", "state"))
            self.assertEqual(desk.fsck(state=state)["faults"], [])


class Load:
    """All that changes a comment, from several clients at once, until it is told to stop."""

    SITES, COMMENTS, CLIENTS = 3, 60, 4

    def __init__(self, daemon):
        self.daemon, self.stop, self.done, self.troubles = daemon, threading.Event(), 0, []
        reasons = daemon.front().policy("any")["reasons"]
        self.reason = next(reason["code"] for reason in reasons if not reason["needs_note"])
        self.threads = [threading.Thread(target=self.run, args=(number,)) for number in range(self.CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def run(self, number):
        try:
            front, desk = self.daemon.front(), self.daemon.desk(f"moderator-{number}")
            chance = random.Random(number)
            while not self.stop.is_set():
                try:
                    self.step(chance, front, desk)
                except ModqError:
                    pass                                                    # many of it is refused, as it should be
                self.done += 1
        except Exception as trouble:
            self.troubles.append(trouble)

    def step(self, chance, front, desk):
        site = f"s{chance.randrange(self.SITES)}"
        some = [str(chance.randrange(self.COMMENTS)) for _ in range(4)]
        some = named(*dict.fromkeys(some), site=site)
        chance.choice((
            lambda: front.submit([event(site, fresh(f"n{chance.random()}-")) for _ in range(20)]),
            lambda: front.submit([{**event(**one), "revision": chance.randint(1, 9)} for one in some]),
            lambda: [front.report(reader=f"r{chance.randrange(9)}", **one) for one in some],
            lambda: front.withdraw(site, fresh("w")),
            lambda: desk.claim(limit=3, lease_ms=1000),
            lambda: desk.claim(comments=some[:2], lease_ms=1000),
            desk.release,
            lambda: desk.approve(some, supersede=chance.random() < 0.5),
            lambda: desk.reject(some, [self.reason], note="n", supersede=chance.random() < 0.5),
            lambda: desk.undo([{"site": site, "seq": chance.randint(1, 2000)} for _ in range(8)]),
            lambda: desk.escalate(some[:1], note="look"),
            lambda: chance.random() < 0.3 and desk.erase(some[:1]),
        ))()


class UnderLoad(unittest.TestCase):
    def test_no_count_differs_while_everything_changes(self):
        with Daemon() as daemon, Load(daemon) as load:
            start, runs = time.monotonic(), 0
            while time.monotonic() < start + SECONDS or self.is_too_little(runs, load, start):
                for done in (daemon.run_modq("fsck"), count_anew(daemon.dir)):
                    self.assertEqual((done.returncode, done.stderr), (CLEAN, ""), done.stdout)
                    runs += 1
                self.small_slices(daemon.administrator())
            self.assertEqual(load.troubles, [])
            self.assertGreaterEqual(load.done, LEAST_REQUESTS)
            self.assertGreaterEqual(runs, LEAST_RUNS)
            print(f"# {runs} runs beside {load.done} requests: {done.stdout.strip()}")

    def is_too_little(self, runs, load, start):
        """A busy machine goes on for longer."""
        return (runs < LEAST_RUNS or load.done < LEAST_REQUESTS) and time.monotonic() < start + PATIENCE_S

    def small_slices(self, desk):
        """Between two slices much has changed."""
        answer = {"state": None, "done": False}
        while not answer["done"]:
            answer = desk.fsck(answer["state"], 300)
            self.assertEqual(answer["faults"], [])


if __name__ == "__main__":
    tap.main()
