"""One greedy site, listener or moderator beside a quiet site, which must hardly notice."""
# alone: compares latencies
# plain: in a sanitized build latencies say nothing, and the requests are those of test_doors and test_flood
# time-limit: 300
import os
import statistics
import subprocess
import sys
import time
import unittest

import document
import keys
import tap
from cases import event, fresh
from daemon import ROOT, Daemon
from hostile import pack
from modq import ModqError, Raw

RATE = document.limits()["rate_per_key"]["default"]
P99_MS, TIMES_ALONE = 100, 10      # what a quiet site may wait; on a slow machine so many times what it waits alone
BUSY_LEAST = 101
PATIENCE_S = 60

# Hands in comments as fast as it can; arguments: endpoint, key file, site, how: "wait" does as busy says, "push" uses
# the push socket, "flood" and "large" never wait. Prints how often it was busy and asked, when it is told to stop.
GREEDY = """
import itertools, select, sys, time
import zmq
from modq import Key, encode, decode, open_socket
endpoint, path, site, how = sys.argv[1:]
socket = open_socket(zmq.PUSH if how == "push" else zmq.DEALER, endpoint, key=Key.read(path))
busy = sent = under_way = 0
wait = 0
body = "x" * (50_000 if how == "large" else 200)
names = itertools.count()
while not select.select([sys.stdin], [], [], 0)[0]:
    while how != "push" and socket.poll(0):
        reply = decode(socket.recv())
        under_way -= 1
        if not reply["ok"]:
            busy += 1
            wait = reply["error"]["retry_after_ms"] if how == "wait" else 0
    if under_way < (20 if how == "wait" else 400):
        if wait:
            time.sleep(wait / 1000)
            wait = 0
        items = [{"site": site, "comment": f"g{next(names)}", "body": body} for _ in range(10)]
        try:
            socket.send(encode({"v": 1, "op": "submit", "id": sent, "comments": items}), zmq.DONTWAIT)
            sent += 1
            under_way += how != "push"
        except zmq.Again:
            socket.poll(1, zmq.POLLOUT)
    else:
        socket.poll(10)
print(busy, sent)
"""


class Greedy(unittest.TestCase):
    def start(self):
        daemon = Daemon(tcp=("front", "push", "desk"), config="")
        daemon.start()
        self.addCleanup(daemon.__exit__, None)
        return daemon

    def greedy(self, daemon, how):
        key = daemon.add_key(fresh("greedy-"), "front", sites=["greedy"])
        path = f"{daemon.dir}/greedy-{how}.key"
        keys.write(path, key)
        place = daemon.tcp["push" if how == "push" else "front"]
        return subprocess.Popen([sys.executable, "-c", GREEDY, place, path, "greedy", how], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True,
                                env={**os.environ, "PYTHONPATH": os.path.join(ROOT, "tests/lib")})

    def taken_in(self, daemon):
        """Comments of the greedy site that are stored."""
        sites = {site["site"]: site["submitted"] for site in daemon.administrator().stats()["sites"]}
        return sites.get("greedy", 0)

    def measure(self, front, seconds=4.0):
        """A quiet site: fifty comments a second. Milliseconds of each answer, sorted."""
        times, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            start = time.monotonic()
            result, = front.call("submit", comments=[event("quiet", fresh())])["results"]
            self.assertEqual(result["status"], "accepted")
            times.append((time.monotonic() - start) * 1000)
            time.sleep(0.02)
        return sorted(times)

    def most_ms(self, front):
        """What the quiet site may wait beside a greedy one."""
        return max(P99_MS, TIMES_ALONE * self.told("quiet site alone", self.measure(front)))

    def told(self, what, times, more=""):
        p99 = times[int(len(times) * 0.99)]
        print(f"# {what}: {len(times)} submits, p50 {times[len(times) // 2]:.2f} ms, p99 {p99:.2f} ms, "
              f"most {times[-1]:.2f} ms{more}", flush=True)
        return p99

    def test_greedy_site_does_not_starve_a_quiet_one(self):
        daemon = self.start()
        quiet = daemon.front(key=daemon.add_key("quiet", "front", sites=["quiet"]), attempts=1)
        quiet.hello()
        most_ms = self.most_ms(quiet)
        for how, words in (("wait", "at its limit"), ("flood", "beyond it"), ("large", "beyond it, 50 KB each"),
                           ("push", "beyond it, by push")):
            with self.subTest(how=how):
                before, start = self.taken_in(daemon), time.monotonic()
                with self.greedy(daemon, how) as process:
                    try:
                        time.sleep(1)
                        times = self.measure(quiet)
                        told, _ = process.communicate("\n", timeout=60)
                    finally:
                        process.kill()
                taken, elapsed = self.taken_in(daemon) - before, time.monotonic() - start
                busy, sent = (int(word) for word in told.split())
                p99 = self.told(f"beside a greedy key {words}", times,
                                f" (greedy: {taken / elapsed:.0f} items/s taken, {busy} of {sent} requests busy)")
                self.assertLess(p99, most_ms)
                self.assertLess(taken, RATE * (elapsed + 2))            # and two seconds' worth at once
                if how == "flood":
                    self.assertGreater(busy, 100, "it was not held up at all")

    def test_greedy_listener_does_not_starve_a_quiet_site(self):
        """Hundreds of replays of a long log at a time, again and again."""
        daemon = self.start()
        local, desk = daemon.front(), daemon.desk("ann")
        for _ in range(4):
            items = [event("greedy", fresh()) for _ in range(250)]
            local.submit(items)
            desk.approve([{"site": "greedy", "comment": item["comment"]} for item in items])
        quiet = daemon.front(key=daemon.add_key("quiet", "front", sites=["quiet"]), attempts=1)
        most_ms = self.most_ms(quiet)
        live = quiet.stream("quiet")
        key = daemon.add_key("greedy", "front", sites=["greedy"])
        greedy = [daemon.keep(Raw(daemon.tcp["front"], key=key)) for _ in range(8)]
        times, records, opened, end = [], [], 0, time.monotonic() + 5
        while time.monotonic() < end:
            for connection in greedy:
                while connection.receive(0):
                    pass
                for _ in range(30):
                    opened += 1
                    connection.send(pack({"v": 1, "op": "stream", "id": opened, "site": "greedy", "credit": 1000,
                                          "live": False}))
            item = event("quiet", fresh())
            start = time.monotonic()
            quiet.call("submit", comments=[item])
            times.append((time.monotonic() - start) * 1000)
            desk.approve([{"site": "quiet", "comment": item["comment"]}])
            start = time.monotonic()
            self.assertIsNotNone(live.next_record(PATIENCE_S))
            records.append((time.monotonic() - start) * 1000)
        sent = daemon.administrator().stats()["counters"]["records_sent"]
        p99 = self.told("beside hundreds of replays", sorted(times), f" ({sent} records sent to the greedy one)")
        late = self.told("records of the quiet site beside them", sorted(records))
        self.assertGreater(sent, 20_000)
        self.assertLess(max(p99, late), most_ms)
        live.close()

    def test_greedy_moderator_does_not_starve_a_quiet_site(self):
        daemon = self.start()
        quiet = daemon.front(key=daemon.add_key("quiet", "front", sites=["quiet"]), attempts=1)
        quiet.hello()
        most_ms = self.most_ms(quiet)
        daemon.front().submit([event("greedy", fresh(), "x" * 500) for _ in range(2000)])
        desk = daemon.desk(key=daemon.add_key("reader", "moderator", sites=["greedy"]))
        times, reads, busy, start = [], [], 0, time.monotonic()
        waiting = []
        quiet.submit([event("quiet", "known")])
        while time.monotonic() < start + 4 or (busy < BUSY_LEAST and time.monotonic() < start + PATIENCE_S):
            waiting += [desk.send("list", limit=500) for _ in range(50)]
            asked = time.monotonic()
            quiet.call("submit", comments=[event("quiet", fresh())])
            times.append((time.monotonic() - asked) * 1000)
            asked = time.monotonic()
            quiet.status("quiet", ["known"])
            reads.append((time.monotonic() - asked) * 1000)
            while len(waiting) > 1500:
                try:
                    desk.collect(waiting.pop(0))
                except ModqError as error:
                    self.assertEqual(error.name, "busy")
                    busy += 1
        self.told("beside a moderator who lists 500 cards all the time", sorted(times), f" ({busy} busy)")
        self.told("status of the quiet site beside it", sorted(reads))
        self.assertGreaterEqual(busy, BUSY_LEAST)
        for one in (times, reads):                  # too few of them for a p99: it would be the slowest
            self.assertLess(statistics.quantiles(one, n=10)[-1], most_ms)


if __name__ == "__main__":
    tap.main()
