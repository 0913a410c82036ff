"""How long a reader waits who posts a comment: from the request to the answer that it is on the daemon's disk, through PHP and Node.js.

PHP runs in a php-fpm pool, which is asked over FastCGI as a web server asks it; Node.js is a web server itself. Comments come at a
fixed rate, whether those before are answered or not, and the time counts from the moment at which one was due. The same load
straight through a DEALER tells how much of it is the daemon's."""
import concurrent.futures
import http.client
import json
import pathlib
import shutil
import statistics
import subprocess
import threading
import time

import fpm
import modq

HERE = pathlib.Path(__file__).resolve().parent
CLIENTS = HERE.parents[1] / "clients"
RATE, SECONDS = 50, 30
BODY_BYTES = 600
READERS = 32              # who can wait at the same time
WORKERS = 8               # of the pool, an ordinary number for a small site
AIM_MS = 20
PATIENCE_S = 10


def comment(kind, number):
    return {"site": f"bench-{kind}", "comment": f"c{number}", "body": f"{number} ".ljust(BODY_BYTES, "x")}


class Php:
    """A php-fpm pool."""

    name = "PHP (php-fpm)"

    @staticmethod
    def missing():
        return "" if fpm.program() else "php-fpm is not installed"

    def __init__(self, endpoint):
        self.parameters = {"MODQD_FRONT": endpoint, "MODQD_CLIENT": str(CLIENTS / "php")}
        self.pool = fpm.Pool(WORKERS).__enter__()

    def post(self, body):
        return self.pool.get(str(HERE / "front_ends.php"), {"comment": body}, PATIENCE_S, self.parameters)

    def close(self):
        self.pool.__exit__()


class Node:
    """A web server in Node.js; each reader keeps a connection."""

    name = "Node.js"

    @staticmethod
    def missing():
        if not shutil.which("node"):
            return "Node.js is not installed"
        return "" if (CLIENTS / "node/node_modules/.installed").exists() else "make clients/node/node_modules/.installed"

    def __init__(self, endpoint):
        self.process = subprocess.Popen(["node", HERE / "front_ends.mjs", endpoint], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.mine = threading.local()

    def post(self, body):
        if not hasattr(self.mine, "connection"):
            self.mine.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        self.mine.connection.request("POST", "/", body)
        return self.mine.connection.getresponse().read().decode()

    def close(self):
        self.process.terminate()
        self.process.wait(PATIENCE_S)


class Bare:
    """No front end: each reader has a socket."""

    name = "none (a DEALER)"

    @staticmethod
    def missing():
        return ""

    def __init__(self, endpoint):
        self.endpoint, self.mine = endpoint, threading.local()

    def post(self, body):
        if not hasattr(self.mine, "front"):
            self.mine.front = modq.Front(self.endpoint, timeout_s=PATIENCE_S)
        return self.mine.front.call("submit", comments=[json.loads(body)])["results"][0]["status"]

    def close(self):
        """Sockets go with their threads."""


def load(front_end, kind, seconds):
    """Milliseconds of each comment, and the answers that were not `accepted`."""
    count = int(RATE * seconds)
    waits, troubles = [0.0] * count, []

    def post(number, due):
        body = json.dumps(comment(kind, number))
        try:
            status = front_end.post(body)
        except Exception as error:
            status = f"{type(error).__name__}: {error}"
        waits[number] = (time.monotonic() - due) * 1000
        if status != "accepted":
            troubles.append(status)

    with concurrent.futures.ThreadPoolExecutor(READERS) as readers:
        start = time.monotonic() + 0.1
        for number in range(count):
            due = start + number / RATE
            time.sleep(max(0, due - time.monotonic()))
            readers.submit(post, number, due)
    return waits, troubles


def measure_front_ends(bench, seconds, say, verdict, percentile):
    """Each kind once; their daemons have databases of their own."""
    say()
    say(f"Posting a comment of {BODY_BYTES} bytes, {RATE} a second for {seconds:.0f} s, until its acknowledgement")
    say(f"{'front end':>18} {'p50 ms':>9} {'p95 ms':>9} {'p99 ms':>9} {'most ms':>9}")
    judged = []
    for kind in (Bare, Php, Node):
        if kind.missing():
            say(f"{kind.name:>18} left out: {kind.missing()}")
            continue
        waits, troubles = one(bench, kind, seconds)
        rising = sorted(waits)
        say(f"{kind.name:>18} {statistics.median(rising):9.1f} {percentile(rising, 95):9.1f} {percentile(rising, 99):9.1f} {rising[-1]:9.1f}")
        judged.append((kind, percentile(rising, 95), troubles))
    say()
    return [verdict(f"{kind.name}: p95{told(troubles)}", f"{p95:.1f} ms", f"under {AIM_MS} ms, every comment acknowledged",
                    p95 < AIM_MS and not troubles) for kind, p95, troubles in judged if kind is not Bare]


def told(troubles):
    return f", {len(troubles)} not acknowledged, such as {troubles[0][:200]!r}" if troubles else ""


def one(bench, kind, seconds):
    path = bench.fresh("front-end")
    daemon = bench.start_daemon(path)
    try:
        front_end = kind(f"ipc://{path}/front.sock")
        try:
            load(front_end, "warm", 1)
            return load(front_end, "measured", seconds)
        finally:
            front_end.close()
    finally:
        bench.stop(daemon)
