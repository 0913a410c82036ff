"""Floods over TCP: what they cost in memory without a key and with one, that a good client is served meanwhile, and how
the daemon comes back where libzmq has no bound."""
# alone: its load needs both cores
# time-limit: 300
import contextlib
import os
import socket
import threading
import time
import unittest

import keys
import tap
from cases import event, eventually, fresh
from curve import CurvePeer
from daemon import BUILD, Daemon
from flood import LARGE_ANSWERS, MESSAGE_BYTES, Flood, attacks_of_strangers
from modq import Desk, Front, encode
from supervisor import Supervised

SANITIZED = "san" in os.path.basename(BUILD)
MIB = 1 << 20
TCP = ("front", "decisions", "desk")
CONFIG = "single_owner = true\nlimits {\n    connections = 4096\n}\n"

# What strangers may cost at most, whatever they do, with room for 4,096 connections (docs/performance.md).
STRANGERS_MIB = 128
# What peers with a key may cost, one of each kind.
STREAMS_MIB, PAGES_MIB, LARGE_MIB = 128, 384, 128
MANY = 1900               # of the 2,000 connections that an attack keeps open
VISITS = 20               # a good client's, beside an attack, at the very least
PAGES_S = 240             # for a question behind all pages that may wait
ATTACK_S = 4              # longer than a handshake may take
PATIENCE_S = 60           # until an attack and a good client have done so much, where the machine is slow
LIMIT = 256 * MIB * (4 if SANITIZED else 1)
BACK_S = 2 * (3 if SANITIZED else 1)


def figure(daemon, name):
    """A line of /proc/PID/status in bytes."""
    with open(f"/proc/{daemon.pid}/status") as file:
        found = next(line.split()[1] for line in file if line.startswith(name + ":"))
    return int(found) * 1024


def forget_peak(daemon):
    with open(f"/proc/{daemon.pid}/clear_refs", "w") as file:
        file.write("5")


def descriptors(daemon):
    return len(os.listdir(f"/proc/{daemon.pid}/fd"))


class Visitors:
    """A good client that hands in one comment after another, and a moderator who approves each. They go on by themselves,
    whatever happens to the daemon."""

    PATIENCE = {"timeout_s": 0.5, "attempts": 60}

    def __init__(self, daemon, site="good"):
        self.key = daemon.add_key(fresh("good-"), "front", sites=[site])
        self.daemon, self.site = daemon, site
        self.acknowledged, self.times, self.trouble = [], [], None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        try:
            with (Front(self.daemon.tcp["front"], key=self.key, **self.PATIENCE) as front,
                  Desk(self.daemon.endpoint("desk"), as_="moderator", **self.PATIENCE) as desk):
                while not self._stop.is_set():
                    self._visit(front, desk)
                    time.sleep(0.01)
        except BaseException as error:
            self.trouble = error

    def _visit(self, front, desk):
        start, comment = time.monotonic(), fresh("g-")
        result, = front.call("submit", comments=[event(self.site, comment)])["results"]
        if result["status"] not in ("accepted", "duplicate"):
            raise AssertionError(result)
        self.times.append(time.monotonic() - start)
        result, = desk.approve([{"site": self.site, "comment": comment}])
        if result["status"] != "approved":
            raise AssertionError(result)
        self.acknowledged.append(comment)

    def count(self):
        return len(self.acknowledged)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


class FloodTest(unittest.TestCase):
    def key_file(self, daemon, role="front", **options):
        key = daemon.add_key(fresh("attacker-"), role, **options)
        path = f"{daemon.dir}/{fresh('attacker-')}.key"
        keys.write(path, key)
        return key, path

    def check_kept(self, daemon, visitors):
        """Everything that was acknowledged is there."""
        self.assertIsNone(visitors.trouble)
        front = daemon.front(timeout_s=5)
        for start in range(0, len(visitors.acknowledged), 200):
            part = visitors.acknowledged[start:start + 200]
            found = front.status(visitors.site, part)
            self.assertEqual([result.get("state") for result in found], ["approved"] * len(part))

    def serves(self, daemon):
        with Front(daemon.tcp["front"], key=daemon.add_key(fresh("late-"), "front"), timeout_s=10) as front:
            front.hello()


class Strangers(FloodTest):
    """Whoever has no key."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(tcp=TCP, config=CONFIG)
        cls.addClassCleanup(cls.daemon.__exit__, None)
        cls.daemon.start()
        cls.names = list(attacks_of_strangers(cls.daemon.server_key()))
        cls.visitors = Visitors(cls.daemon)
        cls.visitors.__enter__()
        cls.addClassCleanup(cls.visitors.__exit__)

    def attack(self, *names, least=0):
        """Returns the most descriptors meanwhile. It goes on until there were more than `least`."""
        daemon, visitors = self.daemon, self.visitors
        eventually(lambda: descriptors(daemon) < 100, timeout=PATIENCE_S)
        forget_peak(daemon)
        before, cpu, start = visitors.count(), daemon.cpu(), time.monotonic()
        most = 0

        def is_too_little():
            return (most <= least or visitors.count() <= before + VISITS) and time.monotonic() < start + PATIENCE_S
        with Flood("strangers", daemon.tcp["front"], daemon.tcp["decisions"], daemon.server_key().decode(), *names) as flood:
            while time.monotonic() < start + ATTACK_S or is_too_little():
                most = max(most, descriptors(daemon))
                time.sleep(0.1)
            self.serves(daemon)                              # whoever comes anew, too
        peak = figure(daemon, "VmHWM")
        times = visitors.times[before:]
        print(f"# {' + '.join(names) if len(names) < 3 else 'all together'}: {peak / MIB:.1f} MiB at most "
              f"({figure(daemon, 'RssAnon') / MIB:.1f} MiB of its own after it), {most} descriptors, "
              f"{flood.told['opened']} connections opened, {flood.told.get('bytes', 0) // MIB} MiB sent, "
              f"CPU {(daemon.cpu() - cpu) / (time.monotonic() - start):.0%}; a good client {len(times)} submits, "
              f"slowest {max(times) * 1000:.0f} ms", flush=True)
        self.assertIsNone(visitors.trouble)
        self.assertGreater(len(times), VISITS)
        self.assertTrue(daemon.alive())
        if not SANITIZED:
            self.assertLess(peak, STRANGERS_MIB * MIB)
        return most

    def test_two_thousand_half_open_connections_cost_bounded_memory_at_every_stage(self):
        for name in ("silent", "greeted", "hello", "deaf"):
            with self.subTest(stage=name):
                self.assertGreater(self.attack(name, least=MANY), MANY)

    def test_huge_frames_before_the_end_of_the_handshake_cost_bounded_memory(self):
        for name in ("huge command", "huge command after hello", "huge message"):
            with self.subTest(attack=name):
                self.attack(name)

    def test_messages_without_end_before_the_end_of_the_handshake_cost_bounded_memory(self):
        for name in ("endless parts", "endless parts without curve"):
            with self.subTest(attack=name):
                self.attack(name)

    def test_subscriptions_without_a_key_cost_bounded_memory(self):
        for name in ("subscriptions", "subscribe commands"):
            with self.subTest(attack=name):
                self.attack(name)

    def test_all_attacks_without_a_key_together_cost_bounded_memory(self):
        self.assertGreater(self.attack(*self.names, least=MANY), MANY)

    def test_comments_acknowledged_meanwhile_are_there(self):
        self.check_kept(self.daemon, self.visitors)


class Ended(FloodTest):
    """With a key, where libzmq has no bound: the daemon is ended at its limit, and comes back."""

    def setUp(self):
        self.daemon = Supervised(LIMIT, tcp=TCP, config=CONFIG)
        self.addCleanup(lambda: self.daemon.__exit__(None))
        self.daemon.start()

    def attack(self, name, door):
        """Until the daemon was ended for it at least once; then the attacker's key is revoked while it goes on."""
        daemon = self.daemon
        key, path = self.key_file(daemon)
        with Visitors(daemon) as visitors, Visitors(daemon, "other") as other:
            eventually(lambda: visitors.count() > VISITS, PATIENCE_S)
            with Flood(name, daemon.tcp[door], path):
                eventually(lambda: daemon.ends, timeout=120)
                self.revoke(key)
                process = daemon.process                     # `ends` has its last start a moment later
                time.sleep(1.5)
                self.assertTrue(daemon.process is process and daemon.alive(), "a stranger ends it")
            before = visitors.count(), other.count()
            eventually(lambda: visitors.count() > before[0] + VISITS and other.count() > before[1] + VISITS, PATIENCE_S)
        slowest = max(visitors.times + other.times)
        print(f"# {name}: ended {len(daemon.ends)} times at {LIMIT // MIB} MiB ({daemon.mechanism}), back after "
              f"{', '.join(f'{back:.2f}' for _, back in daemon.ends)} s; two clients had {sum(before)} comments "
              f"acknowledged, the longest waited {slowest:.2f} s", flush=True)
        for client in (visitors, other):
            self.check_kept(daemon, client)
        for code, back in daemon.ends:
            self.assertNotEqual(code, 0, "it was not ended, but told to go")
            self.assertLess(back, BACK_S)
        if daemon.group:
            self.assertEqual(daemon.group.kills(), len(daemon.ends))

    def revoke(self, key):
        """As an administrator does: again, when the daemon is ended again meanwhile. A connection from before is not cut, and
        may end it once more; the next one is refused."""
        with contextlib.closing(self.daemon.desk(timeout_s=1, attempts=20)) as desk:
            desk.key_revoke(key=key.number)
            eventually(lambda: desk.stats()["counters"]["peers_revoked"] > 0, timeout=60)

    def test_message_without_end_of_a_peer_with_a_key(self):
        self.attack("endless", "front")

    def test_three_hundred_thousand_subscriptions_of_one_key(self):
        self.attack("subscriptions", "decisions")


class Bounded(FloodTest):
    """With a key, where memory has a bound."""

    def start(self, limits=""):
        daemon = Daemon(tcp=TCP, config=f"single_owner = true\nlimits {{\n{limits}}}\n")
        self.addCleanup(lambda: daemon.__exit__(None))
        return daemon.start()

    def deaf(self, daemon, door, key, kind="DEALER"):
        """A peer with a key that never reads anything."""
        peer = CurvePeer(daemon.tcp[door], key, kind)
        self.addCleanup(peer.close)
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        return peer

    def fill(self, daemon, site, count, approve):
        front, desk = daemon.front(), daemon.desk("ann")
        for _ in range(0, count, 250):
            items = [event(site, fresh(), "x" * 500) for _ in range(250)]
            front.submit(items)
            if approve:
                desk.approve([{"site": site, "comment": item["comment"]} for item in items])

    def check(self, daemon, visitors, what, most_mib):
        peak = figure(daemon, "VmHWM")
        print(f"# {what}: {peak / MIB:.1f} MiB at most (bound {most_mib} MiB); {visitors.count()} comments of a good "
              f"client, slowest {max(visitors.times) * 1000:.0f} ms", flush=True)
        self.assertGreater(visitors.count(), VISITS)
        if not SANITIZED:
            self.assertLess(peak, most_mib * MIB)
        self.check_kept(daemon, visitors)
        self.assertLess(max(visitors.times), 2 * BACK_S)

    def test_streams_that_are_never_read_cost_bounded_memory(self):
        daemon = self.start()
        self.fill(daemon, "long", 2000, approve=True)
        key, _ = self.key_file(daemon)
        credit = daemon.front().limits()["max_credit"]
        with Visitors(daemon) as visitors:
            for _ in range(8):
                peer = self.deaf(daemon, "front", key)
                for number in range(32):
                    peer.message(encode({"v": 1, "op": "stream", "id": number, "site": "long", "credit": credit}))
            eventually(lambda: self.counter(daemon, "records_sent") >= 8 * 32 * credit, timeout=60)
            eventually(lambda: visitors.count() > VISITS, PATIENCE_S)
        self.check(daemon, visitors, f"256 streams of {credit} records that are never read", STREAMS_MIB)

    def counter(self, daemon, name):
        return daemon.administrator().stats()["counters"][name]

    def test_pages_of_the_desk_that_are_never_read_cost_bounded_memory(self):
        daemon = self.start("    rate_per_key = 1000000\n")
        self.fill(daemon, "long", 1000, approve=False)
        key, _ = self.key_file(daemon, "moderator", sites=["long"])
        with Visitors(daemon) as visitors:
            peer = self.deaf(daemon, "desk", key)
            for number in range(2000):
                peer.message(encode({"v": 1, "op": "list", "id": number, "limit": 500}))
            # its own question waits behind up to 512 pages, each of which takes some 30 ms under ASan or on a busy machine
            desk = daemon.desk(timeout_s=PAGES_S, attempts=1)
            eventually(lambda: desk.stats()["counters"]["dropped_replies"] > 100, PAGES_S)
            eventually(lambda: visitors.count() > VISITS, PATIENCE_S)
            peer.close()
            desk.stats()                                   # behind all of them: a stop would wait for what is still asked
        self.check(daemon, visitors, "2,000 pages that are never read, of which the daemon holds 1,000", PAGES_MIB)

    def test_messages_just_under_and_over_the_limit_cost_bounded_memory(self):
        daemon = self.start()
        _, path = self.key_file(daemon)
        with Visitors(daemon) as visitors, Flood("large", daemon.tcp["front"], path) as flood:
            time.sleep(ATTACK_S)
            eventually(lambda: visitors.count() > VISITS, PATIENCE_S)
        self.assertGreaterEqual(flood.told["answers to under"], LARGE_ANSWERS)
        self.assertNotIn("answers to over", flood.told)
        self.check(daemon, visitors, f"{flood.told['under']} messages of {MESSAGE_BYTES} bytes, {flood.told['over']} of one "
                   "more", LARGE_MIB)


if __name__ == "__main__":
    tap.main()
