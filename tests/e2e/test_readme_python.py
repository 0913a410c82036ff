"""The lines of clients/python/README.md do what it says, as they stand there."""
# plain: the client is not C, and the daemon does the same for conformance_c
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import unittest

import tap
from daemon import ROOT, Daemon

README = os.path.join(ROOT, "clients/python/README.md")
PYTHON = [sys.executable, "-B", "-W", "error::DeprecationWarning", "-c"]


def example(name):
    with open(README, encoding="utf-8") as file:
        found = re.search(rf"<!-- example: {name} -->\n```python\n(.*?)```", file.read(), re.DOTALL)
    return found[1]


class Readme(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="mq-", dir="/tmp")
        self.addCleanup(directory.cleanup)
        self.outbox, self.database = os.path.join(directory.name, "outbox"), os.path.join(directory.name, "db")
        self.daemon = Daemon()
        self.addCleanup(self.daemon.__exit__, None, None, None)
        self.daemon.start()

    def program(self, name, before="", after=""):
        head = f"ENDPOINT = {self.daemon.endpoint('front')!r}\nOUTBOX = {self.outbox!r}\n"
        return head + textwrap.dedent(before) + example(name) + textwrap.dedent(after)

    def run_example(self, *arguments):
        environment = {**os.environ, "PYTHONPATH": os.path.join(ROOT, "clients/python")}
        done = subprocess.run([*PYTHON, self.program(*arguments)], capture_output=True, text=True, timeout=60, env=environment)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def states(self, *ids):
        return [one.get("state", one["status"]) for one in self.daemon.front().status("news", list(ids))]

    def test_view_hands_in_a_comment(self):
        said = self.run_example("view", "", 'print(post_comment("1", "text", "a", "Ann"))')
        self.assertEqual((said, self.states("1")), ("awaiting moderation\n", ["pending"]))

    def test_view_keeps_a_comment_and_the_outbox_sends_it_later(self):
        self.daemon.kill()
        self.run_example("view", "", """
            front = modqd.Front(ENDPOINT, timeout=0.5, attempt=0.2)
            print(post_comment("1", "text", "a", "Ann"), post_comment("2", "", "a", "Ann"))
            """)
        self.assertEqual(self.run_example("outbox", "import modqd\nmodqd.Front.__init__.__kwdefaults__.update(timeout=0.5)\n"),
                         "0 sent, 2 left\n")
        self.daemon.start()
        said = self.run_example("outbox").splitlines()
        self.assertEqual((said[0], self.states("1")), ("1 sent, 0 left", ["pending"]))
        self.assertEqual(len(said), 2)
        self.assertIn("too_short", said[1])
        self.assertEqual(self.run_example("outbox"), "0 sent, 0 left\n")

    def test_worker_applies_each_decision_once(self):
        desk, database = self.daemon.desk("ann"), sqlite3.connect(self.database)
        database.execute("CREATE TABLE comments (id TEXT, shown INTEGER, times INTEGER DEFAULT 0)")
        database.execute("CREATE TRIGGER counted AFTER UPDATE OF shown ON comments BEGIN "
                         "UPDATE comments SET times = times + 1 WHERE id = new.id; END")
        database.executemany("INSERT INTO comments (id) VALUES (?)", [("1",), ("2",), ("3",)])
        database.commit()
        front = self.daemon.front()
        front.submit([{"site": "news", "comment": id, "body": "text"} for id in "123"])
        desk.approve([{"site": "news", "comment": "1", "revision": 1}])
        desk.reject([{"site": "news", "comment": "2", "revision": 1}], reasons=["profanity"])
        before = f"""
            import sqlite3, modqd
            database = sqlite3.connect({self.database!r})
            modqd.Decisions.__init__.__kwdefaults__.update(live=False)
            """
        self.run_example("worker", before)
        self.run_example("worker", before)
        desk.approve([{"site": "news", "comment": "3", "revision": 1}])
        self.run_example("worker", before)
        self.assertEqual(database.execute("SELECT shown, times FROM comments ORDER BY id").fetchall(), [(1, 1), (0, 1), (1, 1)])
        database.close()

    def test_asyncio_view_hands_in_and_keeps(self):
        after = """
            import asyncio
            asyncio.run(post_comment({"site": "news", "comment": "7", "body": "text"}))
            print(modqd.FileOutbox(OUTBOX).count())
            """
        self.assertEqual((self.run_example("aio", "", after), self.states("7")), ("0\n", ["pending"]))
        self.daemon.kill()
        self.assertEqual(self.run_example("aio", "", after), "1\n")


if __name__ == "__main__":
    tap.main()
