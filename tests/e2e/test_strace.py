"""No acknowledgement leaves before fdatasync of what it promises: the order of system calls of the real daemon."""
# plain: it is about the order of system calls
# time-limit: 240
import os
import re
import shutil
import subprocess
import threading
import unittest

import tap
from cases import event
from daemon import Daemon
from modq import Desk, Front

CLIENTS = 6
SINGLES = 25          # of each client
BATCHES = 5
BATCH = 20
PATIENCE_S = 60       # a traced daemon is slow, and a comment that is sent again is told to be a duplicate
CALLS = "pwrite64,pwritev,write,fdatasync,fsync,sendto,sendmsg,writev"
LINE = re.compile(r"^(?P<pid>\d+) +(?P<time>[\d:.]+) (?P<rest>.*)$")
RESUMED = re.compile(r"^<\.\.\. (?P<name>\w+) resumed>(?P<rest>.*)$")
CALL = re.compile(r"^(?P<name>\w+)\((?P<rest>.*)$")
TARGET = re.compile(r"^(?P<fd>\d+)<(?P<target>[^>]*(?:->[^>]*)?)>")
RETURN = re.compile(r" = (?P<value>-?\d+)[^=]*$")
SENDS, SYNCS = {"sendto", "sendmsg", "write", "writev"}, {"fdatasync", "fsync"}
ESCAPE = re.compile(r"\\([0-7]{1,3}|x[0-9a-f]{2}|.)")
LETTERS = {"n": "\n", "t": "\t", "r": "\r", "v": "\v", "f": "\f"}


class Call:
    """One system call: where in the trace it began and ended, on what, and with which text."""

    def __init__(self, name, began, rest):
        self.name, self.began, self.ended, self.rest = name, began, None, rest
        self.value = None
        found = TARGET.match(rest)
        self.target = found["target"] if found else ""

    def end(self, number, rest):
        self.ended = number
        self.rest += rest
        found = RETURN.search(self.rest)
        self.value = int(found["value"]) if found else None
        return self

    @property
    def text(self):
        return ESCAPE.sub(unescape, self.rest)

    def is_send(self):
        return self.name in SENDS and self.target.startswith(("socket:", "UNIX"))

    def is_wal_write(self):
        return self.name in ("pwrite64", "pwritev", "write", "writev") and self.target.endswith("-wal")

    def is_wal_sync(self):
        return self.name in SYNCS and self.target.endswith("-wal") and self.value == 0


def unescape(found):
    code = found[1]
    if code[0] == "x":
        return chr(int(code[1:], 16))
    return chr(int(code, 8)) if code[0] in "01234567" else LETTERS.get(code, code)


def parse(lines):
    """System calls of a trace in the order of their beginnings; halves of a call are joined by thread."""
    calls, open_calls = [], {}
    for number, line in enumerate(lines):
        found = LINE.match(line.rstrip("\n"))
        if not found:
            continue
        pid, rest = found["pid"], found["rest"]
        if resumed := RESUMED.match(rest):
            call = open_calls.pop((pid, resumed["name"]), None)
            if call:
                call.end(number, resumed["rest"])
        elif begun := CALL.match(rest):
            unfinished = begun["rest"].endswith("<unfinished ...>")
            call = Call(begun["name"], number, begun["rest"].removesuffix("<unfinished ...>"))
            if unfinished:
                open_calls[pid, call.name] = call
            else:
                call.end(number, "")
            calls.append(call)
    return calls


class Trace:
    """Answers whether what a send promises was on disk before it began."""

    def __init__(self, lines):
        calls = parse(lines)
        self.sends = [(call, call.text) for call in calls if call.is_send()]
        self.writes = [(call, call.text) for call in calls if call.is_wal_write() and call.ended is not None]
        self.syncs = [call for call in calls if call.is_wal_sync()]

    def fault(self, comment, marker, word):
        """What is wrong with the acknowledgement of a comment (`word`, such as "accepted", in a message that holds its
        id) whose data holds `marker`; None when all is well."""
        acks = [call for call, text in self.sends if comment in text and word in text]
        if not acks:
            return f"no answer with {comment} and {word}"
        began = min(call.began for call in acks)
        writes = [call for call, text in self.writes if marker in text]
        if not writes:
            return f"{marker} was never written to the -wal file"
        for write in writes:
            if any(write.ended < sync.began and sync.ended is not None and sync.ended < began
                   and sync.target == write.target
                   for sync in self.syncs):
                return None
        written = writes[0].began
        return f"answer about {comment} (line {began + 1}) before the sync of {marker} (written in line {written + 1})"

    def faults(self, promises):
        return [fault for promise in promises if (fault := self.fault(*promise))]


class Analysis(unittest.TestCase):
    """The analysis itself, on forged traces."""

    WRITE = '10 12:00:00.000001 pwrite64(5</d/modq.db-wal>, "\\0\\0BODY-1\\r\\0", 9, 0) = 9'
    SYNC = "10 12:00:00.000002 fdatasync(5</d/modq.db-wal>) = 0"
    ACK = '11 12:00:00.000003 sendto(13<socket:[77]>, "\\0\\202\\246statusc-1\\250accepted", 30, 0, NULL, 0) = 30'
    HALVES = ("10 12:00:00.1 fdatasync(5</d/modq.db-wal> <unfinished ...>",
              "10 12:00:00.2 <... fdatasync resumed>) = 0")
    PROMISE = [("c-1", "BODY-1", "accepted")]

    def faults(self, *lines):
        return Trace(lines).faults(self.PROMISE)

    def test_right_order_is_accepted(self):
        self.assertEqual(self.faults(self.WRITE, self.SYNC, self.ACK), [])

    def test_answer_before_the_sync_is_found_out(self):
        self.assertIn("before the sync", self.faults(self.WRITE, self.ACK, self.SYNC)[0])

    def test_answer_before_the_write_is_found_out(self):
        self.assertIn("before the sync", self.faults(self.ACK, self.WRITE, self.SYNC)[0])

    def test_sync_before_the_write_does_not_count(self):
        self.assertIn("before the sync", self.faults(self.SYNC, self.WRITE, self.ACK)[0])

    def test_sync_of_another_file_or_a_failed_one_does_not_count(self):
        self.assertTrue(self.faults(self.WRITE, self.SYNC.replace("/d/", "/e/"), self.ACK))
        self.assertTrue(self.faults(self.WRITE, self.SYNC.replace("-wal", ""), self.ACK))
        self.assertTrue(self.faults(self.WRITE, self.SYNC.replace("= 0", "= -1 EIO (Input/output error)"), self.ACK))

    def test_sync_that_returns_after_the_answer_is_found_out(self):
        begun, resumed = self.HALVES
        self.assertEqual(self.faults(self.WRITE, begun, resumed, self.ACK), [])
        self.assertIn("before the sync", self.faults(self.WRITE, begun, self.ACK, resumed)[0])

    def test_sync_that_began_before_the_write_ended_does_not_count(self):
        begun, resumed = self.HALVES
        self.assertTrue(self.faults(begun, self.WRITE, resumed, self.ACK))

    def test_halves_of_calls_are_joined_by_thread(self):
        write_begun = self.WRITE.replace(", 9, 0) = 9", ", 9, 0 <unfinished ...>")
        resumed = "10 12:00:00.2 <... pwrite64 resumed>) = 9"
        self.assertEqual(self.faults(write_begun, resumed, self.SYNC, self.ACK), [])
        self.assertTrue(self.faults(write_begun, self.SYNC.replace("10 ", "12 ", 1), resumed, self.ACK))

    def test_answer_that_is_missing_is_told(self):
        self.assertIn("no answer", self.faults(self.WRITE, self.SYNC)[0])
        self.assertIn("never written", self.faults(self.SYNC, self.ACK)[0])


def strace_trouble():
    """Why strace cannot be used here; None when it can."""
    if not shutil.which("strace"):
        return "strace is not installed"
    tried = subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], capture_output=True, text=True)
    return f"strace cannot trace here: {tried.stderr.strip()[:100]}" if tried.returncode else None


def body_of(comment):
    return f"marker<{comment}> " + "text " * 20


class Promises:
    """What clients were promised: (comment, marker, word) for each acknowledgement."""

    def __init__(self, daemon):
        self.daemon, self.kept = daemon, []

    def submit_and_approve(self, site, name):
        with Front(self.daemon.endpoint("front"), timeout_s=PATIENCE_S) as front, \
                Desk(self.daemon.endpoint("desk"), as_=name, timeout_s=PATIENCE_S) as desk:
            batches = [[f"{name}s{number:03}."] for number in range(SINGLES)]
            batches += [[f"{name}b{batch}-{number:03}." for number in range(BATCH)] for batch in range(BATCHES)]
            for comments in batches:
                results = front.submit([event(site, comment, body_of(comment)) for comment in comments])
                self.keep(comments, results, "accepted")
            for start in range(0, SINGLES, 5):
                comments = [f"{name}s{number:03}." for number in range(start, start + 5)]
                note = f"note<{comments[0]}>"
                self.keep(comments, desk.approve([{"site": site, "comment": c} for c in comments], note=note),
                          "approved", note)

    def keep(self, comments, results, word, marker=None):
        for comment, result in zip(comments, results):
            if result["status"] != word:
                raise AssertionError(result)
            self.kept.append((comment, marker or body_of(comment).split(" ")[0], word))


class RealDaemon(unittest.TestCase):
    def run_clients(self, daemon):
        promises = Promises(daemon)
        threads = [threading.Thread(target=promises.submit_and_approve, args=(f"site{number % 2}", f"w{number}"))
                   for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return promises.kept

    def test_no_acknowledgement_leaves_before_its_sync(self):
        trouble = strace_trouble()
        if trouble:
            self.skipTest(trouble)
        output = f"/tmp/mq-trace-{os.getpid()}.txt"
        self.addCleanup(lambda: os.path.exists(output) and os.unlink(output))
        wrapper = ["strace", "-f", "-y", "-tt", "-s", "200000", "-o", output, "-e", f"trace={CALLS}"]
        with Daemon(wrapper=wrapper) as daemon:
            kept = self.run_clients(daemon)
            daemon.stop()
        self.assertEqual(len(kept), CLIENTS * (2 * SINGLES + BATCHES * BATCH))
        with open(output, encoding="latin-1") as file:
            trace = Trace(file)
        faults = trace.faults(kept)
        self.assertEqual(faults[:5], [], f"{len(faults)} of {len(kept)} acknowledgements")
        print(f"# {len(kept)} acknowledgements, {len(trace.syncs)} syncs, {len(trace.writes)} writes")


if __name__ == "__main__":
    tap.main()
