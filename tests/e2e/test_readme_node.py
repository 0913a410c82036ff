"""What the Node.js client's README tells people to copy works, against a daemon."""
# plain: the client is not C, and the daemon does the same for conformance_c
import json
import os
import re
import select
import signal
import subprocess
import tempfile
import time
import unittest

import tap
from cases import event
from daemon import ROOT, Daemon

CLIENT = os.path.join(ROOT, "clients/node")
PATIENCE_S = 30

# What the README takes for granted. `told` is how a program here says what it did.
PRELUDE = """
import { createInterface } from 'node:readline';
const told = (what) => process.stdout.write(JSON.stringify(what) + '\\n');
"""

# The site's database: SQLite, asked the way `pg` is. It fails once, in the middle of a transaction.
DATABASE = """
import initSqlJs from 'sql.js';
const sqlite = new (await initSqlJs()).Database();
sqlite.run('CREATE TABLE comments (id text PRIMARY KEY, shown boolean, changes integer DEFAULT 0)');
sqlite.run("INSERT INTO comments (id) VALUES ('one'), ('two'), ('three')");
sqlite.run(`CREATE TRIGGER counted AFTER UPDATE OF shown ON comments
  BEGIN UPDATE comments SET changes = changes + 1 WHERE id = new.id; END`);
let failures = 1;
const db = {
  async query(sql, values = []) {
    if (/^UPDATE modqd_place/.test(sql) && values[0] === 2 && failures-- > 0) throw new Error('the disk is full');
    const statement = sqlite.prepare(sql.replace(/\\$\\d/g, '?'));
    statement.bind(values.map((value) => (typeof value === 'boolean' ? Number(value) : value)));
    const rows = [];
    while (statement.step()) rows.push(statement.getAsObject());
    statement.free();
    if (sql === 'COMMIT') told(sqlite.exec('SELECT id, shown, changes FROM comments ORDER BY rowid')[0].values);
    return { rows };
  },
};
"""


def blocks():
    with open(os.path.join(CLIENT, "README.md"), encoding="utf-8") as file:
        return re.findall(r"^```js\n(.*?)^```$", file.read(), re.DOTALL | re.MULTILINE)


def block(word):
    """The block that holds the word."""
    found = [text for text in blocks() if word in text]
    assert len(found) == 1, f"{len(found)} blocks of the README hold {word!r}"
    return found[0]


class Program:
    """A module of Node.js, written beside the client so that it finds `modqd`, and what it tells, line by line."""

    def __init__(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".mjs", prefix=".readme-", dir=CLIENT, delete=False) as file:
            file.write(text)
        self.path = file.name
        self.process = subprocess.Popen(["node", self.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.told = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
        os.unlink(self.path)

    def hear(self, lines):
        """So many lines of what it tells."""
        output, deadline = self.process.stdout.fileno(), time.monotonic() + PATIENCE_S
        while self.told.count(b"\n") < lines:
            left = deadline - time.monotonic()
            assert left > 0 and select.select([output], [], [], left)[0], f"it told no more than {self.told}"
            more = os.read(output, 1 << 20)
            assert more, f"it ended after {self.told}: {self.process.stderr.read().decode()}"
            self.told += more
        *told, self.told = self.told.split(b"\n", lines)
        return [json.loads(line) for line in told]

    def say(self, what):
        self.process.stdin.write(json.dumps(what).encode() + b"\n")
        self.process.stdin.flush()

    def end(self, signal_number=None):
        if signal_number:
            self.process.send_signal(signal_number)
        _, errors = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, errors.decode()


class Readme(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon().start()
        self.addCleanup(self.daemon.__exit__, None, None, None)
        self.front, self.desk = self.daemon.front(), self.daemon.desk("ann")

    def program(self, *parts):
        """With this test's paths in the place of those of the README."""
        text = PRELUDE + "\n".join(parts)
        for word, here in (("/run/modqd/", self.daemon.dir + "/"), ("/var/lib/news/", self.daemon.dir + "/")):
            text = text.replace(word, here)
        return Program(text.replace("10_000", "200"))

    def state(self, comment):
        return self.front.status("news", [comment])[0].get("state")

    def wait_for(self, what):
        deadline = time.monotonic() + PATIENCE_S
        while not what():
            self.assertLess(time.monotonic(), deadline, "it did not happen")
            time.sleep(0.05)

    def test_handler_hands_in_and_keeps_while_the_daemon_is_away(self):
        serve = """
for await (const line of createInterface({ input: process.stdin })) {
  await handIn(JSON.parse(line), null).then(() => told('taken'), ({ name, field }) => told({ name, field }));
}
process.exit();
"""
        with self.program(block("handIn").replace("sock')", "sock', { timeout: 4000, attempt: 1000 })"), serve) as web:
            web.say(event("news", "1"))
            self.assertEqual(web.hear(1), ["taken"])
            self.assertEqual(self.state("1"), "pending")
            web.say({**event("news", "2"), "body": ""})
            self.assertEqual(web.hear(1), [{"name": "too_short", "field": "comments[0].body"}])
            self.daemon.kill()
            web.say(event("news", "3"))
            self.assertEqual(web.hear(1), ["taken"])
            self.daemon.start()
            self.wait_for(lambda: self.state("3") == "pending")

    def decide(self, name, decision):
        self.front.submit([event("news", name)])
        comments = [{"site": "news", "comment": name, "revision": 1}]
        if decision == "approved":
            self.desk.approve(comments)
        else:
            self.desk.reject(comments, ["off_topic"])

    def test_worker_shows_what_was_approved_and_goes_on_where_it_was(self):
        database = "const database = { async show(comment, shown) { told([comment, shown]); } };"
        self.decide("one", "approved")
        self.decide("two", "rejected")
        with self.program(database, block("database.show")) as worker:
            self.assertEqual(worker.hear(2), [["one", True], ["two", False]])
            self.wait_for(lambda: os.path.exists(os.path.join(self.daemon.dir, "place")))
            self.decide("three", "approved")
            self.assertEqual(worker.hear(1), [["three", True]])
            place = os.path.join(self.daemon.dir, "place")
            self.wait_for(lambda: json.load(open(place, encoding="utf-8"))["seq"] == 3)
            self.assertEqual(worker.end(signal.SIGTERM), (0, ""))
        self.decide("four", "rejected")
        with self.program(database, block("database.show")) as worker:
            self.assertEqual(worker.hear(1), [["four", False]])
            self.assertEqual(worker.end(signal.SIGTERM)[0], 0)

    def test_record_and_place_are_one_transaction(self):
        """The second record's transaction fails at its place: what it changed is undone, it comes again, and counts once."""
        for name, decision in (("one", "approved"), ("two", "rejected"), ("three", "approved")):
            self.decide(name, decision)
        lines = block("SqlPlace").split("\n")
        self.assertEqual(lines[0], "import { Decisions, SqlPlace } from 'modqd';")
        follow = "\n".join(["const follow = async () => {", *lines[1:], "};",
                            "await follow().catch((error) => told(error.message));", "await follow();"])
        with self.program(lines[0], DATABASE, follow) as worker:
            self.assertEqual(worker.hear(4), [
                [["one", 1, 1], ["two", None, 0], ["three", None, 0]],
                "the place in modqd_place: the disk is full",
                [["one", 1, 1], ["two", 0, 1], ["three", None, 0]],
                [["one", 1, 1], ["two", 0, 1], ["three", 1, 1]]])

    def test_other_requests_are_answered(self):
        self.decide("4711", "approved")
        setup = """
import { Front } from 'modqd';
const front = new Front('ipc:///run/modqd/front.sock');
const readerId = 'r';
const comments = Array.from({ length: 600 }, (_, i) => ({ site: 'news', comment: `many${i}`, body: 'text' }));
"""
        calls = block("front.submitMany").replace("await front.report", "const report = await front.report")
        tell = """
told(results.map((result) => result.status)); told(report); told(status.state); told(reasons[0].sentence.en);
front.close();
"""
        with self.program(setup, calls, tell) as program:
            statuses, report, state, sentence = program.hear(4)
            self.assertEqual(statuses, ["accepted"] * 600)
            self.assertEqual(report["status"], "counted")
            self.assertEqual(state, "approved")
            self.assertTrue(sentence)
            self.assertEqual(program.end(), (0, ""))
        self.assertEqual(self.state("4711"), "withdrawn")


def setUpModule():
    subprocess.run(["make", "--no-print-directory", "clients/node/node_modules/.installed"], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL, timeout=600)


if __name__ == "__main__":
    tap.main()
