"""The lines of clients/php/README.md, copied as a web developer would, against a daemon."""
# plain: the client is not C, and the daemon does the same for conformance_c
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import unittest

import tap
from cases import eventually
from daemon import ROOT, Daemon

README = os.path.join(ROOT, "clients/php/README.md")
# What is of the developer's machine, and what it is here.
PLACES = {"/usr/share/php/Modqd": os.path.join(ROOT, "clients/php"), "/run/modqd": "{daemon}", "/var/lib/my-site": "{site}"}
FORM = "<?php [$id, $body, $article, $name] = array_slice($argv, 1); ?>"
PATIENCE_S = 30
MOST_LINES = 16


def snippets():
    """Code by the name of the file that its first line tells."""
    with open(README) as file:
        blocks = re.findall(r"^```php\n(.*?)^```$", file.read(), re.M | re.S)
    return {re.match(r"<\?php // (\S+):", block).group(1): block for block in blocks}


@unittest.skipUnless(shutil.which("php"), "php is not installed")
class ReadmePhpTest(unittest.TestCase):
    def setUp(self):
        self.site = tempfile.mkdtemp(prefix="mq-site-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.site, ignore_errors=True)
        self.daemon = Daemon()
        self.addCleanup(self.daemon.__exit__, None, None, None)
        self.daemon.start()

    def script(self, name, before=""):
        text = snippets()[name]
        for place, here in PLACES.items():
            text = text.replace(place, here.format(daemon=self.daemon.dir, site=self.site))
        path = os.path.join(self.site, name)
        with open(path, "w") as file:
            file.write(before + text)
        return path

    def run_script(self, name, *arguments, before=""):
        done = subprocess.run(["php", self.script(name, before), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=PATIENCE_S)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    def comment(self, number, body="a comment"):
        return self.run_script("comment.php", number, body, "article-1", "Ann", before=FORM)

    def state(self, number):
        return self.daemon.front().status("news", [number])[0].get("state")

    def test_each_is_short(self):
        self.assertEqual(set(snippets()), {"comment.php", "worker.php", "flush.php"})
        for name, text in snippets().items():
            self.assertLessEqual(len([line for line in text.splitlines() if line]), MOST_LINES, name)
            for place in ("/usr/share/php/Modqd/autoload.php", "ipc:///run/modqd/front.sock"):
                self.assertIn(place, text)

    def test_a_page_hands_in_a_comment(self):
        self.assertIn("awaits moderation", self.comment("1"))
        self.assertEqual(self.state("1"), "pending")

    def test_a_comment_waits_for_the_daemon_in_the_outbox(self):
        self.daemon.kill()
        self.assertIn("awaits moderation", self.comment("1"))
        self.assertEqual(self.run_script("flush.php"), "0 sent, 1 left\n")
        self.daemon.start()
        self.assertEqual(self.run_script("flush.php"), "1 sent, 0 left\n")
        self.assertEqual(self.state("1"), "pending")
        self.assertEqual(self.run_script("flush.php"), "0 sent, 0 left\n")

    def reason(self):
        return next(reason["code"] for reason in self.daemon.front().policy("news")["reasons"] if not reason["needs_note"])

    def decide(self, number, reason=None):
        """Approves it, or rejects it for a reason."""
        item, desk = {"site": "news", "comment": number, "revision": 1}, self.daemon.desk("ann")
        [result] = desk.reject([item], [reason]) if reason else desk.approve([item])
        self.assertNotIn("error", result)

    def shown(self):
        with sqlite3.connect(f"{self.site}/site.db", timeout=10) as database:
            return dict(database.execute("SELECT id, shown FROM comments WHERE shown IS NOT NULL"))

    def shows(self, expected):
        eventually(lambda: self.shown() == expected, PATIENCE_S)

    def worker(self):
        return subprocess.Popen(["php", self.script("worker.php")], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def end(self, worker):
        worker.send_signal(signal.SIGKILL)
        worker.wait(PATIENCE_S)

    def test_a_worker_shows_what_was_approved(self):
        numbers = [str(number) for number in range(1, 7)]
        with sqlite3.connect(f"{self.site}/site.db") as database:
            database.execute("CREATE TABLE comments (id TEXT PRIMARY KEY, shown INTEGER)")
            database.executemany("INSERT INTO comments (id) VALUES (?)", [(number,) for number in numbers])
        for number in numbers:
            self.comment(number)
        worker = self.worker()
        try:
            self.decide("1")
            self.decide("2", self.reason())
            self.shows({"1": 1, "2": 0})
        finally:
            self.end(worker)
        self.decide("3")
        worker = self.worker()
        try:
            self.shows({"1": 1, "2": 0, "3": 1})
            self.daemon.kill()
            self.daemon.start()
            self.decide("4")
            self.shows({"1": 1, "2": 0, "3": 1, "4": 1})
            self.assertIsNone(worker.poll())
        finally:
            self.end(worker)


if __name__ == "__main__":
    tap.main()
