"""The long demo: every comment of a directory goes in, is decided by its labels, and comes out at a front end."""
import collections
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

import demo_lines
from daemon import MODQ, ROOT, Daemon
from demo_screen import Progress, heading, prose, put, shade
from modq import Desk, ModqError

PORTION = 100             # comments of one claim
CLAIMS = 3                # claims under way at a time
QUIET_S = 20              # without any progress it is over
NOTE = "labelled {} by the annotators"


class Submitter:
    """`modq submit --json` with all lines on its standard input; its answers are read as they come."""

    def __init__(self, directory, daemon):
        self.output = open(os.path.join(daemon.dir, "submitted.jsonl"), "w+")
        self.errors = open(os.path.join(daemon.dir, "submit.txt"), "w+")
        self.reader = subprocess.Popen(["cat", *demo_lines.files(directory)], stdout=subprocess.PIPE)
        self.process = subprocess.Popen([MODQ, "--dir", daemon.dir, "submit", "--json"], stdin=self.reader.stdout,
                                        stdout=self.output, stderr=self.errors)
        self.reader.stdout.close()
        self.reading = open(self.output.name)
        self.rest = ""
        self.answers = collections.defaultdict(collections.Counter)        # site -> status -> count
        self.failures = []

    def read(self):
        """Takes in the answers that are there; returns how many."""
        text = self.rest + self.reading.read()
        *lines, self.rest = text.split("\n")
        for line in lines:
            answer = json.loads(line)
            self.answers[answer["site"]][answer["status"]] += 1
            if answer["status"] not in ("accepted", "duplicate"):
                self.failures.append(answer)
        return len(lines)

    def acknowledged(self, site=None):
        counts = [self.answers[site]] if site else self.answers.values()
        return sum(count["accepted"] + count["duplicate"] for count in counts)

    def said(self):
        self.errors.seek(0)
        return self.errors.read().strip()

    def ended(self):
        return self.process.poll() is not None


class Moderator:
    """Decides what it has claimed by the labels, with the revision of the card; several requests are under way."""

    def __init__(self, daemon):
        self.desk = Desk(daemon.endpoint("desk"), as_="stand-in", timeout_s=30)
        self.codes = {}
        self.claims, self.decisions = collections.deque(), collections.deque()
        self.decided = {}                  # (site, comment) -> approved, rejected
        self.troubles = []

    def reasons_of(self, card):
        """Codes of the site's policy, and a note when one needs it. None: nothing speaks against it."""
        site, labels = card["site"], (card["extra"] or {}).get("labels") or []
        if site not in self.codes:
            reasons = self.desk.policy(site)["reasons"]
            self.codes[site] = {reason["code"] for reason in reasons if not reason["needs_note"]}
        known = sorted(set(labels) & self.codes[site])
        if not labels:
            return None
        return (tuple(known), None) if known else (("other",), NOTE.format(", ".join(sorted(labels))))

    def send(self, op, **fields):
        return self.desk.send(op, operation=os.urandom(16), **fields)

    def work(self):
        """One portion. Returns how many decisions came back."""
        while len(self.claims) < CLAIMS:
            self.claims.append(self.send("claim", limit=PORTION))
        cards = self.desk.collect(self.claims.popleft())["comments"]
        groups = collections.defaultdict(list)
        for card in cards:
            groups[self.reasons_of(card)].append({key: card[key] for key in ("site", "comment", "revision")})
        for reasons, comments in groups.items():
            self.decide(reasons, comments)
        return self.collect(0 if not cards else 20), len(cards)

    def decide(self, reasons, comments):
        if reasons is None:
            self.decisions.append(self.send("approve", comments=comments))
        else:
            self.decisions.append(self.send("reject", comments=comments, reasons=list(reasons[0]), note=reasons[1]))

    def collect(self, leave):
        """Takes in answers until so many are under way."""
        count = 0
        while len(self.decisions) > leave:
            for result in self.desk.collect(self.decisions.popleft())["results"]:
                if result["status"] in ("approved", "rejected"):
                    self.decided[result["site"], result["comment"]] = result["status"]
                    count += 1
                else:
                    self.troubles.append(f"{result['site']}/{result['comment']}: {result['status']}")
        return count


class FrontEnd:
    """The listener's process, killed and started again in the middle."""

    def __init__(self, daemon, directory, sites):
        self.database = os.path.join(daemon.dir, "page.db")
        self.command = [sys.executable, os.path.join(ROOT, "tests/lib/demo_listener.py"), daemon.endpoint("front"),
                        self.database, directory, *sites]
        self.log = open(os.path.join(daemon.dir, "listener.txt"), "w+")
        self.kills = 0
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=self.log)

    def ask(self, query):
        if not os.path.exists(self.database):
            return []
        try:
            with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=5) as database:
                return database.execute(query).fetchall()
        except sqlite3.OperationalError:           # its tables are not made yet
            return []

    def received(self):
        return (self.ask("SELECT count(*) FROM received") or [(0,)])[0][0]

    def kill_and_start(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.kills += 1
        self.start()

    def died(self):
        return self.process.poll() is not None

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def log_tail(self):
        self.log.seek(0)
        return self.log.read()[-1000:]


class Play:
    def __init__(self, daemon, directory):
        self.lines = collections.Counter()         # site -> lines of the files
        self.comments = collections.defaultdict(set)
        for line in demo_lines.lines(directory):
            self.lines[line["site"]] += 1
            self.comments[line["site"]].add(line["id"])
        self.all = sum(len(comments) for comments in self.comments.values())
        self.sites = sorted(self.lines)
        self.daemon, self.directory = daemon, directory
        self.differs, self.progress = [], Progress()
        self.started = time.monotonic()

    def run(self):
        put(f"{sum(self.lines.values()):,} comments of {len(self.sites)} sites, from {self.directory}")
        prose("They are handed in with `modq submit --json`; a moderator's stand-in claims them in portions and decides "
              "by their labels; a front end follows all sites, and is killed in the middle and started again.")
        self.front_end = FrontEnd(self.daemon, self.directory, self.sites)
        self.submitter = Submitter(self.directory, self.daemon)
        self.moderator = Moderator(self.daemon)
        try:
            self.until_quiet()
        finally:
            for process in (self.submitter.process, self.submitter.reader):
                process.kill()
                process.wait()
            self.front_end.stop()
            self.progress.clear()
        self.submitter.read()
        return self.judge()

    def until_quiet(self):
        """Until all that was handed in is decided and has been received, or nothing moves any more."""
        moved = time.monotonic()
        look, received = 0, 0
        while time.monotonic() - moved < QUIET_S:
            ended = self.submitter.ended()
            came = self.submitter.read()
            decided, claimed = self.moderator.work()
            if came or decided or claimed:
                moved = time.monotonic()
            if time.monotonic() > look:
                look, before, received = time.monotonic() + 0.2, received, self.front_end.received()
                moved = time.monotonic() if received > before else moved
                self.watch(received)
            if ended and not came and not claimed and received >= len(self.moderator.decided):
                if self.front_end.kills:
                    return
                self.front_end.kill_and_start()
            if not claimed:
                time.sleep(0.05)

    def watch(self, received):
        if received > (self.front_end.kills + 1) * self.all // 3 and self.front_end.kills < 2:
            self.front_end.kill_and_start()
        elif self.front_end.died():
            raise AssertionError(f"the front end ended by itself: {self.front_end.log_tail()}")
        self.progress.show(f"{self.submitter.acknowledged():,} handed in, {len(self.moderator.decided):,} decided, "
                           f"{received:,} received, front end killed {self.front_end.kills} times")

    # The end

    def check(self, what, seen, wanted):
        if seen != wanted:
            self.differs.append(f"{what}: {seen}, should be {wanted}")

    def judge(self):
        with Desk(self.daemon.endpoint("desk"), as_="demo") as desk:
            self.stats = {site["site"]: site for site in desk.stats()["sites"]}
        received = collections.defaultdict(list)
        for site, seq, comment, decision, equal in self.front_end.ask(
                "SELECT site, seq, comment, decision, equal FROM received ORDER BY site, seq"):
            received[site].append((seq, comment, decision, equal))
        heading("What each party saw")
        row = "{:<11} {:>8} {:>9} {:>17} {:>9} {:>9} {:>8}".format
        put(row("site", "lines", "handed in", "approved/rejected", "received", "numbers", "SHA-256"))
        for site in self.sites:
            put(self.judge_site(site, received[site], row))
        self.check("sites of the daemon", sorted(self.stats), self.sites)
        self.check("exit code of modq submit", self.submitter.process.returncode, 0)
        for failure in self.submitter.failures[:5]:
            self.differs.append(f"line {failure['line']}, {failure['site']}/{failure['comment']}: {failure['status']}")
        self.differs += self.moderator.troubles[:5]
        return self.end(received)

    def judge_site(self, site, records, row):
        acknowledged = self.submitter.acknowledged(site)
        decided = {comment: state for (name, comment), state in self.moderator.decided.items() if name == site}
        states = collections.Counter(decided.values())
        numbers = [record[0] for record in records]
        whole = numbers == list(range(1, len(numbers) + 1))
        equal = sum(record[3] for record in records)
        self.check(f"{site}: lines acknowledged", acknowledged, self.lines[site])
        self.check(f"{site}: comments decided", len(decided), len(self.comments[site]))
        self.check(f"{site}: comments without a decision, or unknown", len(decided.keys() ^ self.comments[site]), 0)
        self.check(f"{site}: records received", len(records), len(decided))
        self.check(f"{site}: numbers are 1 to {len(numbers)}", whole, True)
        self.check(f"{site}: newest number of the log", self.stats.get(site, {}).get("newest"), len(numbers))
        self.check(f"{site}: decisions that differ", len({(c, d) for _, c, d, _ in records} ^ set(decided.items())), 0)
        self.check(f"{site}: equal SHA-256", equal, len(records))
        stats = self.stats.get(site, {})
        self.check(f"{site}: pending, approved, rejected in the daemon",
                   [stats.get(key) for key in ("pending", "approved", "rejected")],
                   [0, states["approved"], states["rejected"]])
        return row(site, self.lines[site], acknowledged, f"{states['approved']}/{states['rejected']}", len(records),
                   f"1..{len(numbers)}" if whole else "gaps", f"{equal}")

    def end(self, received):
        self.check("the front end was killed and started again", self.front_end.kills >= 1, True)
        seconds = time.monotonic() - self.started
        put()
        put(f"modq submit: {self.submitter.said()}")
        lives = self.front_end.ask("SELECT count(*) FROM received GROUP BY start ORDER BY start")
        put("front end:   " + " + ".join(f"{count:,}" for count, in lives) +
            f" records; killed and started again in between, {self.front_end.kills} times in all")
        put(f"in {seconds:.1f} s, {self.all / seconds:,.0f} comments a second through the whole path")
        put()
        for line in self.differs:
            put(shade("red", f"  differs: {line}"))
        put(shade("green", "all counts agree") if not self.differs else shade("red", "the counts do not agree"))
        return 1 if self.differs else 0


def play(directory):
    directory = os.path.abspath(directory)
    if not demo_lines.files(directory):
        put(f"{directory} has no *.jsonl files")
        return 1
    try:
        with Daemon() as daemon:
            code = Play(daemon, directory).run()
            daemon.stop()
    except (AssertionError, ModqError) as error:
        put(shade("red", str(error)))
        return 1
    return code
