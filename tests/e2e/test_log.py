"""The log: what it must never hold, what a monitor waits for, and that table, catalog and documentation agree."""
import os
import re
import shutil
import socket
import struct
import subprocess
import time
import unittest

import msgpack

import tap
from cases import event, eventually
from daemon import MODQD, PATIENCE_S, ROOT, Daemon
from hostile import pack, pack_pairs
from modq import Push, Raw

MARK = "xyzzy"              # in everything that people have written, and in nothing else
LOG_LINES_IN_10_S = 20      # of push_refused


def mark(text=""):
    return f"{MARK}{text}"


# What a comment may bring, each with a mark in it.
GOOD = {"body": mark(" the body"), "parent": mark("-parent"), "language": mark(), "created_at": 1_700_000_000_000,
        "article": {"id": mark("-article"), "title": mark(" title"), "url": f"https://{MARK}.example/", "language": mark()},
        "author": {"id": mark("-author"), "name": mark(" name"), "address_hash": mark()},
        "extra": {mark("-key"): mark(" value"), "list": [mark(), {mark("-deep"): mark()}]}}
# What is wrong in some way wherever it stands, with a mark in it where there is room for one.
WRONG = [mark() * 30_000, mark("\0"), mark("\n"), mark("\x1b[2J"), mark().encode(), mark().encode() + b"\xff", [mark()],
         {mark(): mark()}, {mark(): {mark(): [mark()]}}, msgpack.ExtType(5, mark().encode()), 7, -1, None, 0.5, True]


def broken_events(site):
    """Comment events that are wrong in one place each."""
    yield from ({"site": site, "comment": "c", **GOOD, mark(f"-{key}"): mark()} for key in ("unknown", "other"))
    for key in GOOD:
        for value in WRONG:
            yield {"site": site, "comment": "c", **GOOD, key: value}
    for outer in ("article", "author", "extra"):
        for key in [*GOOD[outer], mark("-new")]:
            for value in WRONG:
                yield {"site": site, "comment": "c", **GOOD, outer: {**GOOD[outer], key: value}}
    yield {"site": site, "comment": "c", **GOOD, "extra": {mark(): mark() * 2000}}
    yield {"site": site, "comment": "c", **GOOD, "revision": mark()}


def broken_messages(site):
    """Whole messages that are no good, or that no decoder makes."""
    inner = pack({"site": site, "comment": "c", **GOOD})
    twice = pack_pairs([("site", site), ("comment", "c"), ("body", mark()), ("body", mark()), (mark(), 1), (mark(), 2)])
    extra_twice = pack_pairs([("site", site), ("comment", "c"), ("body", mark())])
    extra_twice = extra_twice[:2] + b"\x04" + extra_twice[3:] + pack("extra") + pack_pairs([(mark(), 1), (mark(), 2)])
    bad_key = b"\x81" + struct.pack(">BB", 0xd9, len(MARK) + 1) + MARK.encode() + b"\xff" + pack(mark())
    for comment in (twice, extra_twice, bad_key, inner[:-3], pack(mark()), pack([mark()])):
        yield b"\x83" + pack("v") + pack(1) + pack("op") + pack("submit") + pack("comments") + b"\x91" + comment
    yield pack(mark())
    yield mark().encode()
    yield pack({"v": 1, "op": mark(), "comments": [mark()]})
    yield pack({"v": mark(), "op": "submit", "comments": [{"body": mark()}]})
    yield pack({"v": 1, "op": "submit", "comments": mark(), mark(): mark()})
    yield pack({"v": 1, "op": "submit", "id": {mark(): mark()}, "comments": []})


class NoWords(unittest.TestCase):
    """A daemon that is told marked words in every way; its log is looked through at the end."""

    def setUp(self):
        self.daemon = Daemon()
        self.daemon.start()
        self.addCleanup(lambda: self.daemon.__exit__(None))
        self.site = "news"

    def check(self):
        self.daemon.stop()
        log = self.daemon.log()
        found = [line for line in log.splitlines() if MARK in line.lower()]
        self.assertEqual(found, [], "the log holds what people have written")
        return log

    def raw(self, door):
        return self.daemon.keep(Raw(self.daemon.endpoint(door)))

    def push(self):
        return self.daemon.keep(Push(self.daemon.endpoint("push")))

    def test_a_comment_leaves_nothing_in_the_log(self):
        front, raw = self.daemon.front(), self.raw("front")
        front.submit([{"site": self.site, "comment": "good", **GOOD}])
        refused = 0
        for broken in broken_events(self.site):
            raw.send(pack({"v": 1, "op": "submit", "comments": [broken]}))
            refused += self.check_place(raw.receive()) is not None
        self.assertGreater(refused, 150, "the comments were meant to be broken")
        for message in broken_messages(self.site):
            raw.send(message)
            self.assertIsNotNone(self.check_place(raw.receive()))
        self.check()

    def check_place(self, frames):
        """The error of an answer, of whose parts the log has the name and the place alone."""
        answer = msgpack.unpackb(frames[-1])
        error = answer.get("error") or answer["results"][0].get("error")
        if error:
            self.assertNotIn(MARK, error.get("field", ""), "the log names the place of what is wrong")
        return error

    def test_nor_does_one_that_is_pushed(self):
        push = self.push()
        push.send("submit", comments=[{"site": self.site, "comment": "good", **GOOD}])
        sent = 1
        for broken in broken_events(self.site):
            push.send("submit", comments=[broken])
            sent += 1
        for message in broken_messages(self.site):
            push.socket.send(message)
            sent += 1
        desk = self.daemon.desk("ann")
        eventually(lambda: desk.stats()["counters"]["push_messages"] >= sent, timeout=60)
        eventually(lambda: desk.stats()["counters"]["push_errors"] > 150, timeout=60)
        log = self.check()
        lines = log.count("warning: push: refused: ")
        self.assertGreater(lines, 0, "what was refused on push must be said somewhere")
        self.assertLess(lines, 10 * LOG_LINES_IN_10_S, "a pusher can flood the log")

    def test_nor_does_one_that_is_repeated_reported_and_moderated(self):
        front, ann, raw = self.daemon.front(), self.daemon.desk("ann"), self.raw("desk")
        reasons = [reason["code"] for reason in front.policy(self.site)["reasons"] if reason["needs_note"]]
        front.submit([event(self.site, "c", mark(" body")), event(self.site, "d", mark())])
        front.submit([event(self.site, "c", mark(" another body"))])
        for reader in ("r", mark()):
            front.report(self.site, "c", reader=reader, note=mark(" note"))
        front.article(self.site, GOOD["article"], closed=True)
        ann.claim(comments=[{"site": self.site, "comment": "c"}])
        ann.escalate([{"site": self.site, "comment": "c"}], note=mark(" note"))
        ann.reject([{"site": self.site, "comment": "c"}], reasons=reasons[:1], note=mark(" note"))
        ann.erase([{"site": self.site, "comment": "c"}])
        for field in ("note", "reasons", "comments", "as", "operation", "limit", "lane", mark()):
            for value in WRONG:
                body = {"v": 1, "op": "reject", "as": "ann", "operation": os.urandom(16), "reasons": [mark()],
                        "note": mark(), "comments": [{"site": self.site, "comment": "d"}]}
                raw.send(pack({**body, field: value}))
                raw.receive()
        self.check()

    def test_nor_does_the_secret_key(self):
        path = os.path.join(self.daemon.dir, "server.key")
        with open(path) as file:
            secret = re.search(r'secret-key = "(.{40})"', file.read())[1]
        self.assertNotIn(secret, self.check())


class Lines(unittest.TestCase):
    def test_a_life_is_told_from_start_to_end(self):
        with Daemon() as daemon:
            daemon.front().submit([event("news", "c")])
            daemon.stop()
            before = len(daemon.log())
            daemon.start()
            eventually(lambda: "event 1, chain " in daemon.log()[before:], timeout=20)
            daemon.stop()
            log = daemon.log()[before:]
        order = [log.index(text) for text in (f"directory {daemon.dir}", "ipc://", "stopping", "modqd: stopped")]
        self.assertEqual(order, sorted(order), log)
        self.assertTrue(order[0] < log.index("event 1, chain ") < order[2], log)

    def test_the_head_of_the_chain_is_told_at_the_start_and_at_the_end(self):
        """A new daemon has none at its start: its first event is told at once, however long it waited for it."""
        with Daemon() as daemon:
            time.sleep(1)
            daemon.front().submit([event("news", "a")])
            eventually(lambda: daemon.log().count("event 1, chain ") == 1)
            daemon.restart()
            eventually(lambda: daemon.log().count("event 1, chain ") == 2, timeout=20)
            daemon.front().submit([event("news", "b"), event("news", "c")])
            daemon.stop()
            told = re.findall(r"event (\d+), chain ([0-9a-f]{64})", daemon.log())
            self.assertEqual([number for number, _ in told], ["1", "1", "3"], daemon.log())
            self.assertEqual(told[0], told[1])
            daemon.start()
            eventually(lambda: daemon.log().count("event 3, chain " + told[2][1]) == 2, timeout=20)


def catalog():
    """MESSAGE_ID to the headers and the text of its entry."""
    with open(os.path.join(ROOT, "systemd/modqd.catalog")) as file:
        text = re.sub(r"^#.*\n", "", file.read(), flags=re.M)
    found = {}
    for entry in re.split(r"^-- (?=[0-9a-f]{32}$)", text, flags=re.M)[1:]:
        head, _, body = entry.partition("\n\n")
        lines = head.splitlines()
        if lines[0] in found:
            raise AssertionError(f"{lines[0]} stands twice in the catalog")
        found[lines[0]] = dict(line.split(": ", 1) for line in lines[1:]), body.strip()
    return found


def table():
    """Rows of log_ids.h: name, MESSAGE_ID, priority, most, meaning."""
    with open(os.path.join(ROOT, "daemon/log_ids.h")) as file:
        return re.findall(r'X\(\w+,\s+"(\w+)",\s+"([0-9a-f]{32})",\s+(\w+),\s+(\d+),\s+"([^"]*)"\)', file.read())


def documented():
    with open(os.path.join(ROOT, "docs/operations.md")) as file:
        part = file.read().split("<!-- log table: begin -->")[1].split("<!-- log table: end -->")[0]
    cells = [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in part.strip().splitlines()[2:]]
    return [(name, number, priority.upper(), "0" if most == "–" else most, meaning)
            for name, number, priority, most, meaning in cells]


def known_fields():
    with open(os.path.join(ROOT, "daemon/log.c")) as file:
        source = file.read()
    return set(re.findall(r'(?:\{|add\(&?entry, |add_text\(&entry, |add_number\(&?entry, )"([A-Z_]+)"', source))


class Agreement(unittest.TestCase):
    def test_the_table_is_read_whole(self):
        with open(os.path.join(ROOT, "daemon/log_ids.h")) as file:
            self.assertEqual(len(table()), len(re.findall(r"^ +X\(", file.read(), flags=re.M)))
        self.assertGreater(len(table()), 15)

    def test_every_id_has_its_entry_in_the_catalog_and_no_other_has(self):
        self.assertEqual(set(catalog()), {row[1] for row in table()})

    def test_an_entry_says_what_happened_and_what_to_do(self):
        for number, (head, body) in catalog().items():
            self.assertEqual(head.get("Defined-By"), "modqd", number)
            self.assertTrue(head.get("Subject"), number)
            self.assertGreaterEqual(len(body.split("\n\n")), 2, f"{number}: nothing is said about what to do")

    def test_fields_in_the_catalog_are_fields_of_lines(self):
        self.assertIn("SITE", known_fields())
        for number, (_, body) in catalog().items():
            self.assertLessEqual(set(re.findall(r"@([A-Z_]+)@", body)), known_fields(), number)

    def test_the_documentation_has_the_same_table(self):
        self.assertEqual(documented(), table())

    @unittest.skipUnless(shutil.which("journalctl"), "journalctl is not installed")
    def test_systemd_reads_the_catalog(self):
        with Daemon() as daemon:        # for its directory, which goes with it
            folder = os.path.join(daemon.dir, "usr/lib/systemd/catalog")
            os.makedirs(folder)
            os.makedirs(os.path.join(daemon.dir, "var/lib/systemd/catalog"))
            shutil.copy(os.path.join(ROOT, "systemd/modqd.catalog"), folder)
            for action in ("--update-catalog", "--list-catalog"):
                done = subprocess.run(["journalctl", f"--root={daemon.dir}", action], capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(set(re.findall(r"^([0-9a-f]{32}) modqd: ", done.stdout, flags=re.M)), set(catalog()))


def fields_of(datagram):
    """The journal's native protocol: NAME=value, or NAME, a length and bytes."""
    fields, at = {}, 0
    while at < len(datagram):
        end = datagram.index(b"\n", at)
        name, equals, value = datagram[at:end].partition(b"=")
        at = end + 1
        if not equals:
            size = struct.unpack_from("<Q", datagram, at)[0]
            value = datagram[at + 8:at + 8 + size]
            at += 8 + size + 1
        fields[name.decode()] = value.decode()
    return fields


UNSHARE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]


def can_bind():
    return shutil.which("unshare") and subprocess.run([*UNSHARE, "mount", "--bind", "/tmp", "/run"],
                                                      capture_output=True).returncode == 0


class Journal:
    """A socket where the journal listens, for a daemon that sees another /run."""

    def __init__(self, folder):
        self.run, self.log = os.path.join(folder, "run"), os.path.join(folder, "log.txt")
        os.makedirs(os.path.join(self.run, "systemd/journal"))
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(os.path.join(self.run, "systemd/journal/socket"))
        self.socket.settimeout(PATIENCE_S)
        self.lines = []

    def wrapper(self):
        """The daemon's standard error, its log file, as systemd would call it."""
        with open(self.log, "ab") as file:
            status = os.fstat(file.fileno())
        return [*UNSHARE, "sh", "-c", 'mount --bind "$0" /run && exec "$@"', self.run,
                "env", f"JOURNAL_STREAM={status.st_dev}:{status.st_ino}"]

    def wait_for(self, message_id):
        while not any(line.get("MESSAGE_ID") == message_id for line in self.lines):
            self.lines.append(fields_of(self.socket.recv(65536)))
        return next(line for line in self.lines if line.get("MESSAGE_ID") == message_id)


IDS = {name: number for name, number, *_ in table()}


@unittest.skipUnless(can_bind(), "no mount namespace can be made here")
class ToTheJournal(unittest.TestCase):
    def test_lines_reach_the_journal_with_their_ids_and_fields(self):
        daemon = Daemon()
        journal = Journal(daemon.dir)
        daemon.wrapper = journal.wrapper()
        self.addCleanup(journal.socket.close)
        with daemon:
            ready = journal.wait_for(IDS["ready"])
            self.assertEqual((ready["PRIORITY"], ready["SYSLOG_IDENTIFIER"]), ("5", "modqd"))
            version = subprocess.run([MODQD, "--version"], capture_output=True, text=True).stdout.split()[1]
            self.assertEqual(ready["MODQD_VERSION"], version)
            push = daemon.keep(Push(daemon.endpoint("push")))
            push.send("submit", comments=[{"site": "news", "comment": "c", "body": 7}])
            refused = journal.wait_for(IDS["push_refused"])
            self.assertEqual((refused["ERROR"], refused["DOOR"], refused["OPERATION"]), ("bad_type", "push", "submit"))
            self.assertEqual((refused["SITE"], refused["COMMENT"]), ("news", "c"))
            key = daemon.desk("root").change("key_add", name="ann", role="moderator", uid=12345, rights=["undo"])["key"]
            added = journal.wait_for(IDS["key_added"])
            self.assertEqual((added["KEY"], added["KEY_NAME"], added["ROLE"], added["ACTOR"]),
                             (str(key["key"]), "ann", "moderator", "root"))
            daemon.desk("root").change("key_revoke", name="ann")
            self.assertEqual(journal.wait_for(IDS["key_revoked"])["KEY"], str(key["key"]))
            daemon.stop()
            journal.wait_for(IDS["stopped"])
            head = journal.wait_for(IDS["chain_head"])
            self.assertRegex(head["HASH"], "^[0-9a-f]{64}$")
            self.assertEqual(head["EVENT"], str(int(head["EVENT"])))
            self.assertEqual(daemon.log(), "", "what the journal has needs not be written again")

    def test_a_variable_that_means_another_file_is_not_believed(self):
        daemon = Daemon()
        journal = Journal(daemon.dir)
        daemon.wrapper = [*journal.wrapper(), "JOURNAL_STREAM=1:2"]
        self.addCleanup(journal.socket.close)
        with daemon:
            daemon.stop()
            self.assertIn("modqd: stopped\n", daemon.log())


if __name__ == "__main__":
    tap.main()
